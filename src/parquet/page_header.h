/** PageHeader of parquet.thrift, read. */
#ifndef QL_PARQUET_PAGE_HEADER_H
#define QL_PARQUET_PAGE_HEADER_H

#include "base/str.h"

struct ql_page_header {
    size_t len;                    /* of the header itself */
    int32_t type;                  /* enum ql_parquet_page, or another of the format */
    int32_t raw_size, stored_size; /* of what follows, not negative */
    bool has_crc;
    uint32_t crc;
    int32_t n_values; /* of data pages with the NULLs, not negative; of a dictionary its entries */
    int32_t encoding;
    int32_t def_encoding, rep_encoding; /* v1 */
    bool is_v2;
    int32_t n_nulls, n_rows, def_len, rep_len; /* v2, not negative */
    bool is_compressed;                        /* v2: whether its values are, where the chunk has a codec */
};

enum ql_page_header_result { QL_PAGE_HEADER_OK, QL_PAGE_HEADER_CUT, QL_PAGE_HEADER_BROKEN };
/** From bytes that may reach beyond it. CUT: they may be too few. *why is set for both failures. */
enum ql_page_header_result ql_page_header_read(struct ql_str bytes, struct ql_page_header *header, const char **why);

#endif
