/**
 * A CSV export, in whatever encoding and compression, in chunks of any size, becomes batches of typed rows.
 *
 * The way inside: decode (gzip, zstd, UTF-16 → UTF-8) → dialect → scanner → header → fields → `struct ql_rows`. What counts as
 * a row, a number, an interval, and what a bad row is: docs/semantics.md, sections 1 and 2. Splitting the input differently
 * never changes the rows that are delivered (batches may be cut differently).
 */
#ifndef QL_CSV_CSV_H
#define QL_CSV_CSV_H

#include "table/rows.h"

/** How stamps are written: ISO 8601, or numbers with the month or the day first (dates.c). */
enum ql_csv_dates { QL_CSV_DATES_AUTO, QL_CSV_DATES_ISO, QL_CSV_DATES_US, QL_CSV_DATES_EU };

enum ql_bad_row_policy { QL_BAD_ROW_FAIL, QL_BAD_ROW_SKIP, QL_BAD_ROW_QUARANTINE };

/** What a source's header calls a column, and what its values must be multiplied by: data from the built-in table or the
 * configuration. */
struct ql_csv_alias {
    struct ql_str from;       /* any spelling; normalised before use */
    struct ql_str to;         /* canonical name */
    int64_t multiply, divide; /* value in canonical unit = value * multiply / divide; powers of ten; 1, 1 by default */
};

/** 0: a built-in default (of max_ratio: none). Passing one is E_LIMIT, and the message or hint names the setting. */
struct ql_csv_limits {
    size_t max_field_bytes, max_row_bytes, max_columns;
    int64_t max_rows, max_decoded_bytes;
    int64_t max_ratio; /* decoded : compressed, looked at once 64 MiB came out; 0: none */
};

struct ql_cpu;

struct ql_csv_options {
    const struct ql_rows_metric *metrics; /* borrowed for the csv's life */
    size_t n_metrics;
    bool wants_interval_text;
    char delimiter; /* 0: detected on the header */
    /* empty: by the mark, else UTF-8; else "utf-8", "utf-16", "utf-16le", "utf-16be", "latin1", "windows-1252" */
    struct ql_str encoding;
    const struct ql_tz *tz;            /* of stamps without offset; NULL: UTC */
    enum ql_csv_dates dates;           /* AUTO: recognised on the first rows of each input */
    enum ql_csv_dates ambiguous_dates; /* of an input whose first rows do not tell; AUTO: an error */
    bool accept_partial;               /* take a file that says that it is not complete */
    bool decimal_comma;
    int64_t granularity_us;      /* 0: not given */
    int64_t from_us, to_us;      /* half-open range of interval starts; QL_TIME_NONE: no bound */
    const struct ql_str *queues; /* the only queue names allowed; NULL: any */
    size_t n_queues;
    const struct ql_csv_alias *aliases; /* the user's; they win over the built-in table */
    size_t n_aliases;
    bool allow_unsized;
    enum ql_bad_row_policy on_bad_row;
    int64_t max_bad_rows; /* for skip and quarantine; -1: no bound */
    /* CSV text with a header: line, byte_offset, column, reason, row, input; used if on_bad_row says so */
    struct ql_sink quarantine;
    struct ql_csv_limits limits;
    size_t n_threads; /* that read rows, with the one that feeds; 0: as many as there are processors. The rows are the same. */
    const struct ql_cpu *cpu; /* read by ql_csv_new; NULL: portable code. It decides about speed alone */
};

/** What the header of an input turned out to have. */
struct ql_csv_header {
    const bool *is_present; /* one for each of options.metrics */
    bool has_queue_id;
    const struct ql_str *ignored; /* columns that nobody asked for, as spelled; valid during the call */
    size_t n_ignored;
};

struct ql_csv_stats {
    int64_t rows, bad_rows, missing_values, nan_values, ignored_columns; /* rows: good ones */
    int64_t bytes_in, bytes_decoded;
    int64_t out_of_range_rows;
    int64_t several_queues_rows; /* of view exports: sums over queues that have rows of their own; left out */
    int64_t partial_rows;        /* that say that their file is not complete; they are among `rows` */
};

/**
 * Receives rows in two steps, so that most of the work can be done by several threads at once.
 *
 * pack is called by the thread that read the batch (batch->lane says which; never twice at once for one lane) and makes of it
 * whatever take wants; it may be called for rows that turn out not to be there, because a piece of text was read under a wrong
 * assumption: then drop ends what was made. take gets what was packed in the order of the rows, one call at a time, from any
 * thread, and owns it, also when it fails.
 */
struct ql_csv_sink {
    /** Once per input, before its first batch; by the thread that feeds. */
    enum ql_status (*header)(void *ctx, const struct ql_csv_header *header, struct ql_err *err);
    enum ql_status (*pack)(void *ctx, const struct ql_rows *rows, void **packed, struct ql_err *err);
    enum ql_status (*take)(void *ctx, void *packed, struct ql_err *err);
    void (*drop)(void *ctx, void *packed);
    void *ctx;
};

struct ql_csv;
struct ql_csv *ql_csv_new(const struct ql_csv_options *options, const struct ql_csv_sink *sink);
void ql_csv_free(struct ql_csv *csv);

/**
 * Starts an input. name stands in messages. is_unsized: a download without length, see semantics section 1.
 * A later input must have the wanted columns that the first had: E_NO_COLUMN names input and column.
 */
void ql_csv_input_begin(struct ql_csv *csv, struct ql_str name, bool is_unsized);
/**
 * Errors: E_BAD_ROW (row, byte_offset and column are set; an excerpt is in the message), E_NO_COLUMN, E_COLLISION, E_ENCODING,
 * E_LIMIT, E_COMPRESSED, E_TRUNCATED, E_DATA (no CSV, an unusable header, dates that may mean two things, a file that says that
 * it is not complete), E_PROTOCOL (an unsized input that proves
 * nothing), E_CONFIG (encoding or scale unknown), whatever the sinks return. The first one sticks: later calls fail in the same
 * way.
 */
QL_MUST_CHECK enum ql_status ql_csv_feed(struct ql_csv *csv, const void *ptr, size_t len, struct ql_err *err);
/**
 * Where the next bytes may be put before they are fed, so that they need not be copied; *cap is how many, NULL: nowhere just
 * now (compressed or converted text, say). What is fed from elsewhere is copied.
 */
void *ql_csv_room(struct ql_csv *csv, size_t *cap);
/** Delivers what is left; fails for a cut stream, an open quote, an empty input. */
QL_MUST_CHECK enum ql_status ql_csv_input_end(struct ql_csv *csv, struct ql_err *err);
void ql_csv_get_stats(const struct ql_csv *csv, struct ql_csv_stats *stats);

/** How a locale writes dates ("en-us", "de_DE"), as far as it is known; else AUTO. */
enum ql_csv_dates ql_csv_dates_of_locale(struct ql_str locale);
/** Appends the normalised form of a header name (semantics, section 2). */
void ql_csv_normalise_name(struct ql_str name, struct ql_buf *out);

#endif
