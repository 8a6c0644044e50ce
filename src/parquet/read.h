/**
 * A Parquet file as it says it is: the footer, from any writer, in full or refused with a reason.
 *
 * Every length, count and offset of the file is checked before it is used, and nothing is believed about pages: that is for
 * page_read.h. What the format allows and queuelake never writes (nested columns, other types and codecs) is told, not refused;
 * encrypted files are refused.
 */
#ifndef QL_PARQUET_READ_H
#define QL_PARQUET_READ_H

#include "base/mem.h"
#include "base/str.h"
#include "parquet/format.h"

/** Where bytes come from. read_at fills all of ptr[0, len), which is inside of [0, size), or fails. */
struct ql_parquet_input {
    int64_t size;
    enum ql_status (*read_at)(void *ctx, int64_t offset, void *ptr, size_t len, struct ql_err *err);
    void *ctx;
};

/* What other writers use beside the numbers of format.h. */
enum {
    QL_PARQUET_TYPE_BOOLEAN = 0,
    QL_PARQUET_TYPE_INT32 = 1,
    QL_PARQUET_TYPE_INT96 = 3,
    QL_PARQUET_TYPE_FLOAT = 4,
    QL_PARQUET_TYPE_FIXED = 7
};
enum { QL_PARQUET_REPETITION_REQUIRED = 0, QL_PARQUET_REPETITION_REPEATED = 2 };
enum { QL_PARQUET_ENCODING_BIT_PACKED = 4, QL_PARQUET_ENCODING_RLE_DICTIONARY = 8, QL_PARQUET_ENCODING_MAX = 31 };
enum { QL_PARQUET_PAGE_INDEX = 1, QL_PARQUET_PAGE_DATA_V2 = 3 };

/** What a column means, from the logical type or, where there is none, from the converted one. */
enum ql_parquet_meaning {
    QL_MEANS_NOTHING, /* the physical type as it is */
    QL_MEANS_STRING,
    QL_MEANS_ENUM,
    QL_MEANS_JSON,
    QL_MEANS_BSON,
    QL_MEANS_UUID,
    QL_MEANS_DECIMAL,   /* precision, scale */
    QL_MEANS_DATE,      /* days since 1970-01-01 */
    QL_MEANS_TIME,      /* unit, is_utc */
    QL_MEANS_TIMESTAMP, /* unit, is_utc */
    QL_MEANS_INTEGER,   /* bit_width, is_signed */
    QL_MEANS_FLOAT16,
    QL_MEANS_INTERVAL,
    QL_MEANS_NULL,
    QL_MEANS_OTHER /* one that this version does not know */
};
enum ql_parquet_unit { QL_UNIT_NONE, QL_UNIT_MILLIS, QL_UNIT_MICROS, QL_UNIT_NANOS };

/** A column that has values: a leaf of the schema. */
struct ql_parquet_column {
    struct ql_str path;        /* names from the root on, with dots between; of a flat column its name */
    int32_t type;              /* enum ql_parquet_type, or another above */
    int32_t type_length;       /* of FIXED: bytes; else 0 */
    unsigned max_def, max_rep; /* 0 or 1, and 0: a flat column */
    bool is_nested;            /* below a group: then path is no name of its own */
    enum ql_parquet_meaning meaning;
    enum ql_parquet_unit unit;
    bool is_utc, is_signed;
    uint8_t bit_width;
    int32_t precision, scale;
    int32_t field_id; /* -1: none */
};

struct ql_parquet_statistics {
    struct ql_str min, max;                        /* PLAIN bytes, a string's without length; ptr NULL: none */
    int64_t null_count, distinct_count, nan_count; /* -1: not said */
};

/** Where an index or a filter lies; len 0: there is none. */
struct ql_parquet_place {
    int64_t offset;
    int64_t len;
};

/** One column of one row group. */
struct ql_parquet_chunk {
    int32_t type, codec; /* codec: enum ql_parquet_codec, or another of the format */
    uint32_t encodings;  /* bit e: encoding e is mentioned */
    bool has_foreign_file;
    int64_t n_values;          /* NULLs counted */
    int64_t raw, stored;       /* bytes of all pages with their headers: before compression, and in the file */
    int64_t offset;            /* of the first page; offset + stored is within the file */
    int64_t data_offset;       /* as the footer has it: of the first data page */
    int64_t dictionary_offset; /* likewise; -1: none */
    struct ql_str path;        /* as in the schema */
    struct ql_parquet_statistics statistics;
    struct ql_parquet_place offset_index, column_index, bloom_filter;
};

struct ql_parquet_sorting {
    int32_t column;
    bool is_descending, nulls_first;
};

struct ql_parquet_group {
    int64_t n_rows;
    int64_t raw;                     /* total_byte_size as the footer has it */
    int64_t stored;                  /* of all chunks together */
    struct ql_parquet_chunk *chunks; /* [n_columns] */
    struct ql_parquet_sorting *sorting;
    size_t n_sorting;
};

struct ql_parquet_pair {
    struct ql_str key, value;
    bool has_value;
};

/** Texts are views of the footer's bytes, which it keeps, or live in its arena. */
struct ql_parquet_file {
    int64_t size;
    struct ql_parquet_place footer; /* without length and magic behind it */
    int32_t version;
    int64_t n_rows;
    struct ql_str created_by;     /* empty: not said */
    struct ql_str format_version; /* of queuelake, where that is the writer; else empty */
    bool has_column_orders;       /* without them min and max of strings are no use */
    struct ql_parquet_column *columns;
    size_t n_columns;
    struct ql_parquet_group *groups;
    size_t n_groups;
    struct ql_parquet_pair *pairs; /* key-value metadata */
    size_t n_pairs;
    struct ql_buf bytes;
    struct ql_arena arena;
};

enum {
    QL_PARQUET_FOOTER_MAX = 256 * 1024 * 1024, /* a million columns' */
    QL_PARQUET_TAIL = 64 * 1024                /* read at first: most footers are in it */
};

/**
 * Reads the footer. file is initialised here; fini in every case.
 *
 * Errors: QL_E_DATA for what is no Parquet file (and what it looks like), is encrypted, cut, or contradicts itself (says
 * where); QL_E_LIMIT for a footer beyond QL_PARQUET_FOOTER_MAX; whatever read_at returned. Cost:   one read of the last 64 KiB,
 * another where the footer is longer; memory of some times the footer's bytes.
 */
QL_MUST_CHECK enum ql_status ql_parquet_file_read(const struct ql_parquet_input *input, struct ql_parquet_file *file,
                                                  struct ql_err *err);
void ql_parquet_file_fini(struct ql_parquet_file *file);

/** Whether queuelake wrote it, so that it keeps the promises of a file of its own. */
static inline bool ql_parquet_file_is_ours(const struct ql_parquet_file *file) {
    return file->format_version.len != 0;
}
/** The value of a key; {NULL, 0}: none. */
struct ql_str ql_parquet_file_get(const struct ql_parquet_file *file, const char *key);

/* The format's own names; "?" for a number that it does not have. */
const char *ql_parquet_type_name(int32_t type);
const char *ql_parquet_codec_name(int32_t codec);
const char *ql_parquet_encoding_name(int32_t encoding);
/** Appends "INT64", "TIMESTAMP(MICROS, UTC)", "DECIMAL(18, 4)", "STRING": what the column means, else its physical type. */
void ql_parquet_put_type(const struct ql_parquet_column *column, struct ql_buf *out);

#endif
