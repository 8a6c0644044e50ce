/** What the files of verification share: the file as it is read through, and the problems that are found. */
#ifndef QL_INSPECT_VERIFY_INTERNAL_H
#define QL_INSPECT_VERIFY_INTERNAL_H

#include "codec/codec.h"
#include "hash/hash.h"
#include "inspect/inspect.h"
#include "parquet/page_index_read.h"

/**
 * A part of the file in memory, moved on as it is read. Whatever is read first time is hashed on the way, so that a file that
 * is read from front to back is read once.
 */
struct ql_verify_window {
    const struct ql_parquet_input *input;
    struct ql_buf bytes;
    int64_t offset; /* of bytes in the file */
    struct ql_sha256 *hash;
    int64_t n_hashed; /* from the file's start on */
};
void ql_verify_window_init(struct ql_verify_window *window, const struct ql_parquet_input *input);
void ql_verify_window_fini(struct ql_verify_window *window);
/** Bytes [offset, offset + len) of the file, which has them: a view until the next call. Reads ahead. */
QL_MUST_CHECK enum ql_status ql_verify_window_get(struct ql_verify_window *window, int64_t offset, size_t len,
                                                  struct ql_str *bytes, struct ql_err *err);
/** Hashes what is left and gives the digest of the whole file. */
QL_MUST_CHECK enum ql_status ql_verify_window_finish(struct ql_verify_window *window, char hex[QL_SHA256_HEX_SIZE],
                                                     struct ql_err *err);

/** Values as they come: how many, and their ends. */
struct ql_value_range {
    const struct ql_parquet_column *column;
    bool has_order;
    bool has_any; /* min and max hold something */
    int64_t n, n_nan;
    struct ql_buf min, max;
};
void ql_value_range_reset(struct ql_value_range *range, const struct ql_parquet_column *column);
void ql_value_range_add(struct ql_value_range *range, struct ql_str value, size_t repeat);
void ql_value_range_merge(struct ql_value_range *range, const struct ql_value_range *other);
void ql_value_range_fini(struct ql_value_range *range);
/**
 * Whether bounds (ptr NULL: none) are true of the values. is_exact: they must be as near as queuelake makes them, else it is
 * enough that nothing is outside. NULL, or what is wrong.
 */
const char *ql_value_range_check(const struct ql_value_range *range, struct ql_str min, struct ql_str max, bool is_exact);

/** What is verified, and where one is. */
struct ql_verifier {
    const struct ql_parquet_file *file;
    const volatile sig_atomic_t *is_cancelled;
    struct ql_verify_window window;
    struct ql_decompressor *decompressor;
    struct ql_arena arena; /* of the indexes of the chunk at hand */
    struct ql_verify_report *report;
    bool is_ours;
    bool is_unsupported; /* said together with the error that is made of it */
};

/** One chunk. QL_E_DATA and QL_E_COMPRESSED are its problems, *page and *offset where it was. */
QL_MUST_CHECK enum ql_status ql_verify_chunk(struct ql_verifier *verifier, const struct ql_parquet_group *group, size_t column,
                                             int64_t *page, int64_t *offset, struct ql_err *err);

/** What a page turned out to be, for the indexes. */
struct ql_verified_page {
    int64_t ordinal, offset, stored, first_row;
    int64_t n_nulls;
    const struct ql_value_range *values;
};
/** The indexes of a chunk, loaded before its pages; they live in the verifier's arena, until the next chunk's are loaded. */
struct ql_verify_index {
    struct ql_offset_index offsets;
    struct ql_column_index columns;
    bool has_offsets, has_columns;
};
QL_MUST_CHECK enum ql_status ql_verify_index_load(struct ql_verifier *verifier, const struct ql_parquet_chunk *chunk,
                                                  struct ql_verify_index *index, struct ql_err *err);
const char *ql_verify_index_check_page(const struct ql_verifier *verifier, const struct ql_verify_index *index,
                                       const struct ql_verified_page *page);
/** After the last page. */
const char *ql_verify_index_check_end(const struct ql_verify_index *index, const struct ql_parquet_column *column,
                                      int64_t n_pages);

#endif
