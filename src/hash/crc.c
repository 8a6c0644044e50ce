/**
 * CRCs by eight tables, eight bytes a step ("slicing-by-8"; Kounavis and Berry, 2005): more than 1 GB/s on any processor,
 * several times what goes over a network.
 *
 * Both are one algorithm of 64 bits: a reflected CRC of 32 bits is one whose upper half stays zero.
 */
#include "hash/crc.h"

#include "base/mem.h"

#include <endian.h>
#include <string.h>

enum { SLICES = 8 };

/* The polynomials, reflected. */
static const uint64_t POLYNOMIAL_64NVME = UINT64_C(0x9a6c9329ac4bc9b5);
static const uint64_t POLYNOMIAL_32C = UINT64_C(0x82f63b78);

struct ql_crc {
    uint64_t tables[SLICES][256]; /* [k][b]: what the byte b does that has k bytes behind it */
    uint64_t state;
    uint64_t mask; /* as many ones as the CRC has bits: the first state, and what the result is inverted by */
};

static struct ql_crc *crc_new(uint64_t polynomial, uint64_t mask) {
    struct ql_crc *crc = ql_mem_alloc(sizeof *crc);
    crc->state = crc->mask = mask;
    for (unsigned b = 0; b < 256; b++) {
        uint64_t value = b;
        for (int bit = 0; bit < 8; bit++) {
            value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
        }
        crc->tables[0][b] = value;
    }
    for (int k = 1; k < SLICES; k++) {
        for (unsigned b = 0; b < 256; b++) {
            uint64_t before = crc->tables[k - 1][b];
            crc->tables[k][b] = (before >> 8) ^ crc->tables[0][before & 0xff];
        }
    }
    return crc;
}

struct ql_crc *ql_crc_new_64nvme(void) {
    return crc_new(POLYNOMIAL_64NVME, UINT64_MAX);
}
struct ql_crc *ql_crc_new_32c(void) {
    return crc_new(POLYNOMIAL_32C, UINT32_MAX);
}
void ql_crc_free(struct ql_crc *crc) {
    ql_mem_free(crc);
}

void ql_crc_update(struct ql_crc *crc, const void *ptr, size_t len) {
    const uint8_t *bytes = ptr;
    const uint64_t(*tables)[256] = (const uint64_t(*)[256])crc->tables;
    uint64_t state = crc->state;
    while (len >= SLICES) {
        uint64_t eight;
        memcpy(&eight, bytes, sizeof eight);
        eight = le64toh(eight) ^ state;
        state = tables[7][eight & 0xff] ^ tables[6][eight >> 8 & 0xff] ^ tables[5][eight >> 16 & 0xff] ^
                tables[4][eight >> 24 & 0xff] ^ tables[3][eight >> 32 & 0xff] ^ tables[2][eight >> 40 & 0xff] ^
                tables[1][eight >> 48 & 0xff] ^ tables[0][eight >> 56];
        bytes += SLICES;
        len -= SLICES;
    }
    for (; len != 0; len--) {
        state = (state >> 8) ^ tables[0][(state ^ *bytes++) & 0xff];
    }
    crc->state = state;
}

uint64_t ql_crc_get(const struct ql_crc *crc) {
    return crc->state ^ crc->mask;
}
