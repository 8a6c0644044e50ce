/**
 * What the files of this room share. The way of a byte:
 *
 *   decode.c   compression, byte-order mark, encoding     bytes as they arrive -> UTF-8 text in chunks
 *   dialect.c  the first row under every delimiter        text -> delimiter, header row
 *   header.c   names (aliases.c) and what is needed       header row -> which column is what
 *   scanner.c  RFC 4180 over chunks                       text -> rows of fields
 *   dates.c    first rows                                text -> how their dates are written
 *   row.c      interval.c, number.c                       fields -> values
 *   index.c    index_x86.c, index_neon.c; regular rows    text -> positions of delimiters and line ends
 *   quick_row.c  swar.h; the same rows                    positions -> values; declines what is not plain
 *   quick_row.h  rows that are as expected, no index      text -> values; compiled for each kernel
 *   dictionary.c  queues by their spelling                fields -> codes
 *   batch.c    one scale a column, runs of intervals      values -> struct ql_rows
 *   lane.c     all of these for one thread                text -> packed batches
 *   careful.c  bad_row.c; the reader that knows where it is, and what happens to a row that cannot be read
 *   blocks.c   text in blocks, read by several lanes at once, taken in order
 *   csv.c      the public face, which drives all of these
 */
#ifndef QL_CSV_CSV_INTERNAL_H
#define QL_CSV_CSV_INTERNAL_H

#include "base/mem.h"
#include "codec/codec.h"
#include "csv/csv.h"
#include "csv/index.h"

#define QL_CSV_NONE SIZE_MAX /* no such column */
enum { QL_CSV_SCALE_MAX = 18 };

/* ---- what can be wrong with a row ---- */

/* X(name, "what is said behind the excerpt", "what to do; empty: the general advice") */
#define QL_CSV_FAULT_TABLE(X)                                                                                             \
    X(RAGGED, "is a row of another length", "")                                                                           \
    X(QUOTE, "has text behind its closing quote", "quotes inside a quoted field are doubled")                             \
    X(LONE_CR, "has a carriage return outside quotes that ends no line", "quote the field, or end lines with LF or CRLF") \
    X(ENCODING, "is not valid text", "name the encoding with --encoding")                                                 \
    X(INTERVAL, "is not an ISO 8601 interval or time",                                                                    \
      "intervals are written 2024-01-01T00:00:00Z/2024-01-01T00:30:00Z, or as a start, or as a start and an end column")  \
    X(DATE, "is not a date and time as the input's first rows, or --csv-dates, have them", "see --csv-dates")             \
    X(ORDER, "does not end after it starts", "")                                                                          \
    X(SKIPPED, "is a local time that the time zone skips", "check --csv-timezone, or export times with their offset")     \
    X(REPEATED, "is a local time that the time zone has twice", "export times with their offset, or in UTC")              \
    X(RANGE, "does not start in the range of --from and --to", "widen the range")                                         \
    X(NO_QUEUE, "is a row with neither queue name nor queue id", "")                                                      \
    X(QUEUE, "is not one of the queues of --queues-from", "")                                                             \
    X(NUMBER, "is not a number", "")                                                                                      \
    X(COUNT, "is not a whole number", "")                                                                                 \
    X(NEGATIVE, "is a negative count", "")                                                                                \
    X(COUNT_OVERFLOW, "does not fit a 64-bit integer", "")                                                                \
    X(OVERFLOW, "is larger than the largest double", "")                                                                  \
    X(SEVERAL_QUEUES, "is a row of several queues", "")                                                                   \
    X(PARTIAL, "says that the export is not complete", "export it again, or take what there is with --accept-partial")

enum ql_csv_fault {
    QL_CSV_FINE,
#define X(name, text, hint) QL_CSV_FAULT_##name,
    QL_CSV_FAULT_TABLE(X)
#undef X
};

/** What is wrong with a row, and where. */
struct ql_csv_defect {
    enum ql_csv_fault fault;
    size_t column;         /* of the header; QL_CSV_NONE: the row as a whole */
    struct ql_str excerpt; /* borrowed from the row or from a scratch buffer */
};

/* ---- scanner.c ---- */

struct ql_csv_field {
    uint32_t start, end; /* of the content, without its quotes, relative to the row */
    bool is_quoted;
    bool has_doubled; /* quotes inside are still doubled */
};

struct ql_csv_row {
    struct ql_str text; /* the whole row without its line break; valid until the next call */
    const struct ql_csv_field *fields;
    size_t n_fields; /* may be more than `fields` holds: then the row is longer than the header */
    int64_t line, offset;
    enum ql_csv_fault fault; /* QL_CSV_FINE, _QUOTE, _LONE_CR */
    size_t fault_field;
};

enum ql_csv_scan_result {
    QL_CSV_SCAN_MORE, /* the row goes on behind the bytes at hand */
    QL_CSV_SCAN_ROW,
    QL_CSV_SCAN_OPEN_QUOTE, /* the input ends inside quotes */
    QL_CSV_SCAN_MAX_FIELD,
    QL_CSV_SCAN_MAX_ROW,
    QL_CSV_SCAN_MAX_COLUMNS,
    QL_CSV_SCAN_MAX_ROWS, /* not the scanner's: --max-rows */
};

/** One row in the making: may be left at any byte and taken up again when more bytes stand behind the same ones. */
struct ql_csv_scan {
    char delimiter;
    size_t max_field_bytes, max_row_bytes;
    size_t max_fields;           /* header: more is an error. Rows: what `fields` holds */
    bool is_header;              /* `fields` grows */
    struct ql_csv_field *fields; /* owned */
    size_t cap_fields;
    /* the row */
    enum { QL_CSV_AT_FIELD, QL_CSV_IN_FIELD, QL_CSV_IN_QUOTES, QL_CSV_BEHIND_QUOTE, QL_CSV_BEHIND_CR } state;
    bool is_quoted, has_doubled, has_quotes; /* of the field, of the field, of the row */
    size_t pos;                              /* the next byte to look at */
    size_t field_start;                      /* first byte of the field, its quote included */
    size_t content_end, cr_start;
    size_t n_fields;
    size_t row_len; /* once the row is complete: without its line break */
    enum ql_csv_fault fault;
    size_t fault_field;
};

void ql_csv_scan_init(struct ql_csv_scan *scan, const struct ql_csv_limits *limits, char delimiter);
void ql_csv_scan_fini(struct ql_csv_scan *scan);
/** Forgets the row in the making. */
void ql_csv_scan_reset(struct ql_csv_scan *scan);
/** `row` are the bytes from the row's first on; scan->pos is behind the line break when the row is complete. */
enum ql_csv_scan_result ql_csv_scan_row(struct ql_csv_scan *scan, const char *row, size_t len);
/** The same at the end of the input, where the line break may be missing. len is not 0. */
enum ql_csv_scan_result ql_csv_scan_end(struct ql_csv_scan *scan, const char *row, size_t len);
/** Whether the complete row is an empty line. */
bool ql_csv_scan_is_empty_line(const struct ql_csv_scan *scan);
/** How many lines of the input the complete row takes. */
int64_t ql_csv_scan_count_lines(const struct ql_csv_scan *scan, const char *row);

/** Rows out of chunks: what a chunk leaves of a row waits in `carry`. */
struct ql_csv_scanner {
    struct ql_csv_scan scan;
    struct ql_str chunk; /* not looked at yet */
    struct ql_buf carry;
    bool is_row_out;      /* the last row was handed out, and ends at scan.pos */
    const char *row;      /* its bytes */
    int64_t line, offset; /* of the row in the making */
    /* The rows of `window` that were not taken yet begin at `next_row` and at `next_start`. */
    const struct ql_csv_kernel *kernel; /* NULL: no index, every row is scanned; kept by begin and fini */
    struct ql_csv_index index;
    const char *window; /* in the chunk; NULL: none */
    size_t next_row;
    uint32_t next_start;
    /* Text that the index cannot do with is not given to it at every row: the next `pause` rows are scanned. */
    unsigned pause, last_pause;
};

enum { QL_CSV_PAD_BYTES = QL_CSV_BLOCK_BYTES };

/** Complete regular rows at the front of what was put, by the positions of their delimiters. */
struct ql_csv_indexed_rows {
    const char *text;     /* positions count from here */
    const uint32_t *ends; /* delimiters and line ends; ends[-1] as in index.h */
    const uint32_t *rows; /* [n_rows] how many `ends` there are up to the row's end */
    size_t n_rows;
    uint32_t n_ends_before; /* `ends` of rows before it */
    size_t max_row_bytes;   /* a longer one may pass a limit */
};

/** Rows have n_columns fields. line and offset are those of the first byte that will be put. */
void ql_csv_scanner_begin(struct ql_csv_scanner *scanner, const struct ql_csv_limits *limits, char delimiter, size_t n_columns);
void ql_csv_scanner_fini(struct ql_csv_scanner *scanner);
/** Forgets text and place: what is put next begins with a row, at line and byte 0. */
void ql_csv_scanner_reset(struct ql_csv_scanner *scanner);
/** The chunk must live until `next` has said MORE, and QL_CSV_PAD_BYTES before and behind it must be readable. */
void ql_csv_scanner_put(struct ql_csv_scanner *scanner, struct ql_str chunk);
enum ql_csv_scan_result ql_csv_scanner_next(struct ql_csv_scanner *scanner, struct ql_csv_row *row);
/** The text from the next row on; false if the row has begun in what was put before, or the index has it. */
bool ql_csv_scanner_view_text(struct ql_csv_scanner *scanner, struct ql_str *text);
/** Of it, whole rows of one line each are done with. */
void ql_csv_scanner_skip_text(struct ql_csv_scanner *scanner, size_t n_bytes, size_t n_rows);
/** False if the next row is none that the index knows. */
bool ql_csv_scanner_view_indexed(struct ql_csv_scanner *scanner, struct ql_csv_indexed_rows *rows);
/** The first n of them are done with. */
void ql_csv_scanner_skip_indexed(struct ql_csv_scanner *scanner, size_t n);
/** After the last chunk: ROW once if a row without line break is left, then MORE. */
enum ql_csv_scan_result ql_csv_scanner_end(struct ql_csv_scanner *scanner, struct ql_csv_row *row);

/** The content of a field, its doubled quotes made single (then it lies in scratch, else in the row). */
struct ql_str ql_csv_row_field(const struct ql_csv_row *row, size_t i, struct ql_buf *scratch);

/* ---- decode.c ---- */

enum ql_csv_encoding {
    QL_CSV_BY_MARK, /* UTF-8 unless a mark says otherwise */
    QL_CSV_UTF8,
    QL_CSV_UTF16, /* by the mark, else little-endian */
    QL_CSV_UTF16LE,
    QL_CSV_UTF16BE,
    QL_CSV_LATIN1,
    QL_CSV_WINDOWS_1252,
};

/** Bytes as they arrive become UTF-8 text. What is no text in the source encoding comes out as bytes that are no UTF-8. */
struct ql_csv_decode {
    enum ql_csv_encoding encoding;
    struct ql_sink out;
    int64_t max_bytes, max_ratio;
    int64_t bytes_in, bytes_decoded;
    int64_t mark_len; /* bytes of the UTF-8 mark, which the offsets of rows count */
    bool is_stream_known, is_mark_known;
    enum ql_stream stream;
    struct ql_decoder *decoder;
    enum ql_status sink_status; /* what `out` returned, if it failed */
    unsigned char head[4];      /* bytes that wait for the magic number, then for the mark */
    size_t n_head;
    unsigned char mark[3];
    size_t n_mark;
    bool has_half; /* UTF-16: one byte of a unit */
    uint8_t half;
    uint16_t high; /* a high surrogate that waits for its low one */
    struct ql_buf text;
};

/** False if the name is not one of csv.h's. */
bool ql_csv_encoding_from_name(struct ql_str name, enum ql_csv_encoding *encoding);
const char *ql_csv_encoding_name(enum ql_csv_encoding encoding);
void ql_csv_decode_begin(struct ql_csv_decode *decode, enum ql_csv_encoding encoding, const struct ql_csv_limits *limits,
                         struct ql_sink out);
void ql_csv_decode_fini(struct ql_csv_decode *decode);
QL_MUST_CHECK enum ql_status ql_csv_decode_feed(struct ql_csv_decode *decode, const void *ptr, size_t len, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_csv_decode_finish(struct ql_csv_decode *decode, struct ql_err *err);
/** What stands in messages as the kind of the text: the encoding that was found or told. */
const char *ql_csv_decode_encoding_name(const struct ql_csv_decode *decode);

/* ---- aliases.c ---- */

enum { QL_CSV_MS_TO_S = -3, QL_CSV_RATIO_TO_PERCENT = 2 }; /* scales of view exports */

/** A name that a source's header uses, normalised; the value in the canonical unit is value * 10^shift. */
struct ql_csv_name {
    struct ql_str from, to;
    int shift;
};
/** The built-in table; NULL if it has nothing for the normalised name. */
const struct ql_csv_name *ql_csv_alias_find(struct ql_str from);

/* ---- header.c ---- */

/** What is looked for in a header; made once from the options. */
struct ql_csv_wanted {
    const struct ql_rows_metric *metrics;
    size_t n_metrics;
    struct ql_csv_name *aliases; /* the user's, normalised */
    size_t n_aliases;
};
/** E_CONFIG for a scale that is no power of ten. */
QL_MUST_CHECK enum ql_status ql_csv_wanted_init(struct ql_csv_wanted *wanted, const struct ql_csv_options *options,
                                                struct ql_arena *arena, struct ql_err *err);

/** Which column of an input is what. Texts are in the arena of whoever made it. */
struct ql_csv_columns {
    size_t n_columns;
    struct ql_str *spelled;    /* [n_columns] as in the input */
    struct ql_csv_name *names; /* [n_columns] from: normalised, to: resolved */
    size_t interval;           /* time_interval, else interval_start */
    size_t interval_end;       /* QL_CSV_NONE: none */
    size_t queue_id, queue_name;
    size_t completed;        /* of a view export: whether the file is complete; QL_CSV_NONE: it does not say */
    bool is_view;            /* a view export, in which one cell may name several queues */
    enum ql_csv_dates dates; /* never AUTO once rows are read */
    size_t n_metrics;
    size_t *metric; /* [n_metrics] */
    int *shift;     /* [n_metrics] */
    bool *is_present;
    struct ql_str *ignored; /* [n_ignored] as spelled */
    int64_t n_ignored;
};
/** Names of a header row; false if one is not valid UTF-8 (*bad says which). */
bool ql_csv_columns_read(struct ql_csv_columns *columns, const struct ql_csv_row *row, const struct ql_csv_wanted *wanted,
                         struct ql_arena *arena, size_t *bad);
/** How many columns have names that are looked for. */
size_t ql_csv_columns_count_known(const struct ql_csv_columns *columns, const struct ql_csv_wanted *wanted);
/** E_COLLISION, E_NO_COLUMN. */
QL_MUST_CHECK enum ql_status ql_csv_columns_bind(struct ql_csv_columns *columns, const struct ql_csv_wanted *wanted,
                                                 struct ql_arena *arena, struct ql_err *err);
/** What the first input had, the next one must have too. first_name stands in the message. E_NO_COLUMN. */
QL_MUST_CHECK enum ql_status ql_csv_columns_check(const struct ql_csv_columns *columns, const struct ql_csv_columns *first,
                                                  const struct ql_csv_wanted *wanted, const char *first_name,
                                                  struct ql_err *err);

/* ---- dialect.c ---- */

enum { QL_CSV_DELIMITERS = 4 };

/** The header row under one delimiter. */
struct ql_csv_candidate {
    struct ql_csv_scan scan;
    size_t base; /* of the row in the text: behind empty lines */
    int64_t line;
    enum ql_csv_scan_result result;
};

/** The input's text until its header is known. */
struct ql_csv_head {
    struct ql_buf text;
    struct ql_csv_candidate candidates[QL_CSV_DELIMITERS];
    size_t n_candidates;
};
/** delimiter 0: to be detected. */
void ql_csv_head_begin(struct ql_csv_head *head, const struct ql_csv_limits *limits, char delimiter);
void ql_csv_head_fini(struct ql_csv_head *head);
/** True once every candidate has its row (or none). */
bool ql_csv_head_feed(struct ql_csv_head *head, const char *ptr, size_t len);
void ql_csv_head_end(struct ql_csv_head *head);
/** The text of the header rows: what messages may show, since it does not depend on how the input is cut. */
struct ql_str ql_csv_head_text(const struct ql_csv_head *head);
/** The candidate that is meant, its columns read; NULL if none has a row. *bad as in ql_csv_columns_read, else QL_CSV_NONE. */
const struct ql_csv_candidate *ql_csv_head_choose(const struct ql_csv_head *head, const struct ql_csv_wanted *wanted,
                                                  struct ql_arena *arena, struct ql_csv_columns *columns, size_t *bad);
void ql_csv_candidate_row(const struct ql_csv_head *head, const struct ql_csv_candidate *candidate, struct ql_csv_row *row);
/** What a text looks like that is no CSV ("an HTML page"), or NULL. */
const char *ql_csv_looks_like(struct ql_str text);

/* ---- number.c ---- */

struct ql_csv_number_rule {
    enum ql_number_kind kind;
    bool is_duration, is_percentage;
    char point;
    int shift; /* of bare numbers; HH:MM:SS and % say their own unit */
};

enum ql_csv_number_kind { QL_CSV_NUMBER_EXACT, QL_CSV_NUMBER_EMPTY, QL_CSV_NUMBER_NAN, QL_CSV_NUMBER_WIDE };

struct ql_csv_number {
    enum ql_csv_number_kind kind;
    int64_t k; /* EXACT: the value is k / 10^scale, k > QL_NUMBER_WIDE */
    uint8_t scale;
};

/** Decimal digits on their way, kept between calls to save allocations. For WIDE, `text` is the number as rows.h wants it. */
struct ql_csv_number_scratch {
    struct ql_buf digits, text;
};
enum ql_csv_fault ql_csv_number_parse(struct ql_str s, const struct ql_csv_number_rule *rule, struct ql_csv_number *number,
                                      struct ql_csv_number_scratch *scratch);
void ql_csv_number_scratch_fini(struct ql_csv_number_scratch *scratch);
extern const int64_t ql_csv_powers_of_10[QL_CSV_SCALE_MAX + 1];
/** 10^n for n up to QL_CSV_SCALE_MAX. */
static inline int64_t ql_csv_pow10(int n) {
    return ql_csv_powers_of_10[n];
}

/* ---- interval.c ---- */

struct ql_csv_clock {
    enum ql_csv_dates dates;
    const struct ql_tz *tz;
    int64_t granularity_us, from_us, to_us;
};
/**
 * start: "start/end", or a start alone; end: the end column's text, NULL: there is none. *is_end_wrong tells which of the two
 * cells a fault belongs to.
 */
enum ql_csv_fault ql_csv_interval_parse(const struct ql_csv_clock *clock, struct ql_str start, const struct ql_str *end,
                                        int64_t interval_us[2], bool *is_end_wrong);

/* ---- dates.c ---- */

/** The first rows of an input, looked at until they tell how dates are written. */
struct ql_csv_look {
    struct ql_csv_scan scan;
    size_t at; /* the next row to look at */
    bool is_done;
    bool is_ambiguous; /* there were dates that are not ISO 8601; what follows then: */
    char example[48];  /* the first of them */
};
void ql_csv_look_begin(struct ql_csv_look *look, const struct ql_csv_limits *limits, char delimiter);
void ql_csv_look_fini(struct ql_csv_look *look);
/** text: all that is known behind the header. AUTO with is_done: the first rows do not tell; AUTO without: more text is needed.
 */
enum ql_csv_dates ql_csv_look_at(struct ql_csv_look *look, struct ql_str text, const struct ql_csv_columns *columns,
                                 bool is_end);
/** A stamp in numbers, blanks at its ends gone; dates: US or EU. */
bool ql_csv_date_parse(struct ql_str s, enum ql_csv_dates dates, struct ql_civil *civil);

/* ---- batch.c ---- */

struct ql_csv_batch_column {
    int64_t *k;
    int scale; /* of all rows; kept from batch to batch, because a column is mostly written in one way */
    struct ql_wide_number *wide;
    size_t n_wide, cap_wide;
};

/** Rows until they are handed on. */
struct ql_csv_batch {
    size_t n_rows, n_metrics;
    uint32_t *queue;
    struct ql_rows_run *runs; /* n_rows of the last one is not known before the view is made */
    size_t n_runs, run_start; /* the first row of the last run */
    struct ql_csv_batch_column *columns;
    struct ql_number_column *out;
    struct ql_arena arena; /* the texts of the rows */
};

enum { QL_CSV_BATCH_ROWS = 2048 };
void ql_csv_batch_init(struct ql_csv_batch *batch, size_t n_metrics);
void ql_csv_batch_fini(struct ql_csv_batch *batch);
/** Row n_rows, and those that follow it until the next call, are of this interval. text: in the batch's arena, or {0}. */
void ql_csv_batch_begin_run(struct ql_csv_batch *batch, const int64_t interval_us[2], struct ql_str text);
/** A number of row n_rows; wide: its text in the batch's arena, where it is WIDE. The caller counts the row. */
void ql_csv_batch_put(struct ql_csv_batch *batch, size_t metric, const struct ql_csv_number *number, struct ql_str wide);
/** All of them are missing: the column need not be put any more. */
void ql_csv_batch_set_absent(struct ql_csv_batch *batch, size_t metric);
bool ql_csv_batch_is_full(const struct ql_csv_batch *batch);
/** Rows, runs and metrics of *rows; valid until the batch is reset. */
void ql_csv_batch_view(struct ql_csv_batch *batch, struct ql_rows *rows);
void ql_csv_batch_reset(struct ql_csv_batch *batch);

/* ---- row.c: the queues that may occur ---- */

/** The names of options.queues, to be looked up for every new queue. */
struct ql_csv_queues {
    struct ql_str *slots; /* open addressing; ptr NULL: free */
    size_t mask;
};
void ql_csv_queues_init(struct ql_csv_queues *queues, const struct ql_str *names, size_t n, struct ql_arena *arena);

/* ---- dictionary.c ---- */

/** How the input spells a queue: its columns with quotes and what is between them; in two pieces where they are not
 * neighbours, else b is empty. */
struct ql_csv_key {
    struct ql_str a, b;
};

struct ql_csv_entry {
    struct ql_csv_key key;
    uint64_t hash;
    uint32_t expected_len; /* of key.a; more than any row has if a line break is in it, which has to be counted */
    uint32_t next;         /* the one that followed it, but for some that may be left out */
};

/** A lane's queues by their spelling. Zero-initialise to start; reset before use. */
struct ql_csv_dictionary {
    uint64_t number; /* rows.h's `dictionary` */
    size_t max_entries;
    struct ql_csv_entry *entries; /* [n_entries] */
    struct ql_rows_queue *queues; /* [n_entries] what they mean */
    size_t cap_entries, cap_queues;
    uint32_t n_entries, last; /* last: the one that was found or added last */
    uint32_t *slots;          /* open addressing; code + 1; 0: free */
    size_t mask;
    struct ql_arena arena;
};
enum { QL_CSV_DICTIONARY_MAX = 65536 };
#define QL_CSV_NO_CODE UINT32_MAX
/** Its code, or QL_CSV_NO_CODE. */
uint32_t ql_csv_dictionary_find(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key);
/** What is not found is added, whether or not the dictionary is full. */
uint32_t ql_csv_dictionary_add(struct ql_csv_dictionary *dictionary, const struct ql_csv_key *key, struct ql_str id,
                               struct ql_str name);
/** It should be begun anew before another queue is added. */
bool ql_csv_dictionary_is_full(const struct ql_csv_dictionary *dictionary);
/** Begins another dictionary. max_entries 0: QL_CSV_DICTIONARY_MAX. */
void ql_csv_dictionary_reset(struct ql_csv_dictionary *dictionary, size_t max_entries);
void ql_csv_dictionary_fini(struct ql_csv_dictionary *dictionary);

/** The queue of this code comes now. */
static inline void ql_csv_dictionary_follow(struct ql_csv_dictionary *dictionary, uint32_t code) {
    dictionary->entries[dictionary->last].next = code;
    dictionary->last = code;
}

/** Equality of mostly short texts of one length, without a call. */
static inline __attribute__((always_inline)) bool ql_csv_is_same_bytes(const char *a, const char *b, size_t len) {
    typedef uint64_t pair __attribute__((vector_size(16)));
    if (len >= sizeof(pair)) {
        pair x;
        pair y;
        memcpy(&x, a + len - sizeof x, sizeof x); /* the last sixteen, some of them again */
        memcpy(&y, b + len - sizeof y, sizeof y);
        pair difference = x ^ y;
        for (size_t i = 0; i + sizeof x < len; i += sizeof x) {
            memcpy(&x, a + i, sizeof x);
            memcpy(&y, b + i, sizeof y);
            difference |= x ^ y;
        }
        return (difference[0] | difference[1]) == 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

static inline bool ql_csv_is_same(struct ql_str a, struct ql_str b) {
    return a.len == b.len && ql_csv_is_same_bytes(a.ptr, b.ptr, a.len);
}

/* ---- row.c ---- */

/** Columns first to last of a row as one text. */
struct ql_csv_span {
    size_t first, last;
};
/** One or two columns: one span if they are neighbours. */
struct ql_csv_spans {
    struct ql_csv_span a, b;
    bool has_b;
};

/** A number of the row in the making. */
struct ql_csv_pending {
    struct ql_csv_number number;
    struct ql_str wide;
};

/** A column that quick_row.c reads. */
struct ql_csv_quick_number {
    size_t column, metric;
    int shift;
    char point;
};

/** Everything that turns the fields of one input's rows into values. */
struct ql_csv_reader {
    const struct ql_csv_columns *columns;
    struct ql_csv_clock clock;
    size_t n_metrics;
    bool wants_interval_text;
    struct ql_arena arena;              /* what lives as long as the input */
    struct ql_csv_number_rule *rules;   /* [n_metrics] */
    struct ql_csv_pending *pending;     /* [n_metrics] */
    const struct ql_csv_queues *queues; /* the only ones allowed; NULL: any */
    struct ql_csv_spans interval_spans, queue_spans;
    /* The interval of the row before, whose text is mostly that of the next. */
    struct ql_buf last_start, last_end; /* contents of its fields */
    struct ql_buf last_a, last_b;       /* its spans, where quick_row.c met it; without line breaks */
    bool has_last, has_last_spans;
    bool is_new_interval; /* no run of it was begun */
    int64_t last_us[2];
    struct ql_buf scratch_interval, scratch_end, scratch_id, scratch_name, scratch_number;
    struct ql_csv_number_scratch number;
    struct ql_csv_dictionary dictionary;
    struct ql_csv_quick_number *quick; /* [n_quick], counts first; columns that are there */
    size_t n_quick, n_quick_counts;
    bool can_guess; /* rows begin with interval and queue, and have few columns: a kernel's `guess` may read them */
    struct ql_csv_field *quick_fields; /* [n_columns] of a row that quick_row.c passes to row.c */
    bool accepts_partial, is_row_partial;
    int64_t missing_values, nan_values, out_of_range_rows, several_queues_rows, partial_rows;
};

/** columns and queues must live until the next begin or fini. Counters go on. */
void ql_csv_reader_begin(struct ql_csv_reader *reader, const struct ql_csv_options *options,
                         const struct ql_csv_columns *columns, const struct ql_csv_queues *queues);
void ql_csv_reader_fini(struct ql_csv_reader *reader);
/** Adds the row to the batch, or says what is wrong with it and leaves the batch as it was. */
bool ql_csv_reader_read(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_batch *batch,
                        struct ql_csv_defect *defect);
/* The parts of it, for quick_row.c. The interval is in reader->last_us and last_start, last_end. */
bool ql_csv_reader_read_interval(struct ql_csv_reader *reader, const struct ql_csv_row *row, struct ql_csv_defect *defect);
bool ql_csv_reader_read_queue(struct ql_csv_reader *reader, const struct ql_csv_row *row, const struct ql_csv_key *key,
                              uint32_t *code, struct ql_csv_defect *defect);
/** The next row of the batch is of the reader's last interval. */
void ql_csv_reader_begin_run(struct ql_csv_reader *reader, struct ql_csv_batch *batch);

/* ---- quick_row.c ---- */

/** Adds rows to the batch, n_max at most, up to the first that needs ql_csv_reader_read; returns how many. */
enum { QL_CSV_GUESS_COLUMNS_MAX = 32 };
/** What rows are read from without an index. */
struct ql_csv_guess {
    struct ql_str text; /* begins with a row; with the pads of ql_csv_scanner_put */
    char delimiter;
    size_t max_row_bytes; /* a longer one may pass a limit */
    size_t n_bytes;       /* of the rows that were added */
};
size_t ql_csv_reader_read_indexed(struct ql_csv_reader *reader, const struct ql_csv_indexed_rows *rows, size_t n_max,
                                  struct ql_csv_batch *batch);

/* ---- bad_row.c ---- */

/** What happens to bad rows; counts them over all inputs. */
struct ql_csv_bad_rows {
    enum ql_bad_row_policy policy;
    int64_t max_rows, n_rows;
    struct ql_sink quarantine;
    bool has_header;
    struct ql_buf text;
};
/** Returns OK where the row is left out. */
QL_MUST_CHECK enum ql_status ql_csv_bad_rows_put(struct ql_csv_bad_rows *bad_rows, const struct ql_csv_row *row,
                                                 const struct ql_csv_defect *defect, const struct ql_csv_columns *columns,
                                                 const char *input, const char *encoding, struct ql_err *err);
void ql_csv_bad_rows_fini(struct ql_csv_bad_rows *bad_rows);
/** Appends a short piece of text for a message: at most 60 characters, control characters and invalid bytes as escapes. */
void ql_csv_put_excerpt(struct ql_buf *out, struct ql_str text);

/* ---- lane.c ---- */

/** Of an input, for all who read its rows; constant while they do. */
struct ql_csv_input {
    uint64_t number; /* of inputs that were begun, from 1 */
    const struct ql_csv_options *options;
    const struct ql_csv_limits *limits;
    const struct ql_csv_sink *sink;
    const struct ql_csv_columns *columns;
    const struct ql_csv_queues *queues; /* NULL: any */
    const char *name, *encoding;        /* for messages */
    char delimiter;
};

struct ql_csv_counts {
    int64_t rows, missing_values, nan_values, out_of_range_rows, several_queues_rows, partial_rows;
};

void ql_csv_counts_add(struct ql_csv_counts *counts, const struct ql_csv_counts *more);

/** One thread's means of reading. Zero-initialise, then init. */
struct ql_csv_lane {
    uint32_t number;
    size_t max_queues; /* of a dictionary; 0: the default */
    const struct ql_csv_input *input;
    uint64_t n_begun;              /* the input that it was begun for */
    struct ql_csv_scanner scanner; /* of blocks that are read on trust */
    struct ql_csv_reader reader;
    struct ql_csv_batch batch;
    int64_t n_packed; /* rows since take_counts */
};
void ql_csv_lane_init(struct ql_csv_lane *lane, uint32_t number, const struct ql_csv_options *options);
void ql_csv_lane_fini(struct ql_csv_lane *lane);
/** Before rows of the input are read; cheap if it was so before. */
void ql_csv_lane_begin(struct ql_csv_lane *lane, const struct ql_csv_input *input);
/** Ends a piece of work: rows that were not packed are forgotten; what was counted since the last call. */
struct ql_csv_counts ql_csv_lane_take_counts(struct ql_csv_lane *lane);

/** What becomes of the rows of a text. A failure of either function ends the reading. */
struct ql_csv_reading {
    int64_t n_rows_left; /* that may be read, good or bad; the one after them is odd: MAX_ROWS */
    enum ql_status (*deliver)(void *ctx, void *packed, struct ql_err *err);
    /* A result that is no row and not MORE (defect NULL), or a row that cannot be read. OK: go on behind it. */
    enum ql_status (*odd)(void *ctx, enum ql_csv_scan_result result, const struct ql_csv_row *row,
                          const struct ql_csv_defect *defect, struct ql_err *err);
    void *ctx;
};
/** Reads text with the lane's reader and a scanner; what is left in the scanner is an unfinished row. The last rows wait in the
 * lane's batch until flush. */
QL_MUST_CHECK enum ql_status ql_csv_lane_read(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner, struct ql_str text,
                                              struct ql_csv_reading *reading, struct ql_err *err);
/** At the end of the input: a row without line break may be left. */
QL_MUST_CHECK enum ql_status ql_csv_lane_read_end(struct ql_csv_lane *lane, struct ql_csv_scanner *scanner,
                                                  struct ql_csv_reading *reading, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_csv_lane_flush(struct ql_csv_lane *lane, struct ql_csv_reading *reading, struct ql_err *err);

/* ---- careful.c ---- */

/** The reader that knows where it is and what to do with rows that are not plain: reads in order, and delivers at once. */
struct ql_csv_careful {
    struct ql_csv_lane *lane;      /* borrowed; its reader and batch are used */
    struct ql_csv_scanner scanner; /* line and offset; what it holds is an unfinished row */
    struct ql_csv_bad_rows bad_rows;
    struct ql_csv_counts counts; /* of all that was taken, by whomever */
};
void ql_csv_careful_begin(struct ql_csv_careful *careful, const struct ql_csv_input *input, int64_t line, int64_t offset);
void ql_csv_careful_fini(struct ql_csv_careful *careful);
/** is_end: the input ends here. */
QL_MUST_CHECK enum ql_status ql_csv_careful_read(struct ql_csv_careful *careful, struct ql_str text, bool is_end,
                                                 struct ql_err *err);
/** The text that was read ends inside a row. */
bool ql_csv_careful_is_row_open(const struct ql_csv_careful *careful);
/** How many more rows, good or bad, --max-rows lets in. */
int64_t ql_csv_careful_rows_left(const struct ql_csv_careful *careful);
QL_MUST_CHECK enum ql_status ql_csv_fail_limit(const struct ql_csv_limits *limits, enum ql_csv_scan_result limit, int64_t line,
                                               int64_t offset, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_csv_fail_open_quote(int64_t line, int64_t offset, struct ql_err *err);

/* ---- blocks.c ---- */

/** What tests choose and settings do not; 0: the default. */
struct ql_csv_tuning {
    size_t block_bytes;  /* of text that a lane reads at once */
    size_t serial_bytes; /* of an input's first text that are read without threads */
    size_t max_queues;   /* of a dictionary */
};
struct ql_csv *ql_csv_new_tuned(const struct ql_csv_options *options, const struct ql_csv_sink *sink,
                                const struct ql_csv_tuning *tuning);

struct ql_csv_blocks;
struct ql_csv_blocks *ql_csv_blocks_new(const struct ql_csv_options *options, const struct ql_csv_tuning *tuning);
void ql_csv_blocks_free(struct ql_csv_blocks *blocks);
/** The rows of an input begin, at this place. The input must live until end or abandon. */
void ql_csv_blocks_begin(struct ql_csv_blocks *blocks, const struct ql_csv_input *input, int64_t line, int64_t offset);
/** Where text may be put before it is given to `put`; *cap is never 0. */
char *ql_csv_blocks_room(struct ql_csv_blocks *blocks, size_t *cap);
/** The next text of the input, copied unless it lies where `room` said. */
QL_MUST_CHECK enum ql_status ql_csv_blocks_put(struct ql_csv_blocks *blocks, struct ql_str text, struct ql_err *err);
/** Everything that was put is read and taken, but for an unfinished row. */
QL_MUST_CHECK enum ql_status ql_csv_blocks_drain(struct ql_csv_blocks *blocks, struct ql_err *err);
/** The input ends. */
QL_MUST_CHECK enum ql_status ql_csv_blocks_end(struct ql_csv_blocks *blocks, struct ql_err *err);
/** The input is given up: nothing of it is taken any more, and nobody reads. */
void ql_csv_blocks_abandon(struct ql_csv_blocks *blocks);
/** Of what was taken so far. */
void ql_csv_blocks_get_counts(struct ql_csv_blocks *blocks, struct ql_csv_counts *counts, int64_t *bad_rows);

#endif
