/** One page: payload, compression, CRC and header. */
#ifndef QL_PARQUET_DATA_PAGE_H
#define QL_PARQUET_DATA_PAGE_H

#include "codec/codec.h"
#include "parquet/chunk_dictionary.h"
#include "parquet/format.h"

/** Makes the pages of a chunk. The first five are set by the caller before a chunk; the rest starts zeroed and stays. */
struct ql_page_maker {
    struct ql_compressor *compressor; /* NULL: pages are stored as they are */
    const struct ql_chunk_values *values;
    enum ql_parquet_encoding encoding;
    const struct ql_chunk_dictionary *dictionary; /* of PLAIN_DICTIONARY; else unused */
    struct ql_buf *out;                           /* pages are appended here */

    struct ql_buf payload, stored;
    uint32_t *levels;
    uint64_t *numbers; /* of a page, where an encoding wants them in 64 bits */
    struct ql_str *strings;
    size_t levels_cap, numbers_cap, strings_cap;
};
void ql_page_maker_fini(struct ql_page_maker *maker);

/** Which rows and values of a chunk a page holds. */
struct ql_page_span {
    size_t row, n_rows;
    size_t value, n_values;      /* n_rows less the NULLs */
    struct ql_range_u32 entries; /* of the dictionary that the values use; no dictionary or no value: unused */
};

/** Bytes of a page with its header. */
struct ql_page_size {
    size_t stored, raw; /* raw: before compression */
};

/**
 * Appends a data page (v1).
 * Errors: QL_E_LIMIT for more than 2 GiB in a page.
 */
QL_MUST_CHECK enum ql_status ql_page_put_data(struct ql_page_maker *maker, struct ql_page_span span, struct ql_page_size *size,
                                              struct ql_err *err);
/** Appends the dictionary page. Errors: as above. */
QL_MUST_CHECK enum ql_status ql_page_put_dictionary(struct ql_page_maker *maker, struct ql_page_size *size, struct ql_err *err);

/** What a data page would take, its header left out; nothing is appended. Errors: as above. */
QL_MUST_CHECK enum ql_status ql_page_measure_data(struct ql_page_maker *maker, struct ql_page_span span, size_t *stored,
                                                  struct ql_err *err);
/** The same of dictionary entries [from, to) of a dictionary that has some, as if they were a page. */
QL_MUST_CHECK enum ql_status ql_page_measure_entries(struct ql_page_maker *maker, size_t from, size_t to, size_t *stored,
                                                     struct ql_err *err);

#endif
