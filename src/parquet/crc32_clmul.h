/** CRC-32 by carry-less multiplication: the form of processors that have PCLMULQDQ (x86-64). */
#ifndef QL_PARQUET_CRC32_CLMUL_H
#define QL_PARQUET_CRC32_CLMUL_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
/** As ql_crc32 from 0. Call only where struct ql_cpu says has_avx2, which includes PCLMULQDQ. */
uint32_t ql_crc32_clmul(const void *ptr, size_t len);
#endif

#endif
