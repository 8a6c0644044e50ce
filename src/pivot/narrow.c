/*
 * Loops over whole columns, written so that compilers turn them into vectors, even where there is only SSE2, which can neither
 * compare nor shift 64-bit integers by their sign.
 */
#include "pivot/narrow.h"

#include "table/rows.h"

#include <string.h>

uint64_t ql_numbers_magnitude(const int64_t *k, size_t n) {
    /* By halves of 32 bits, so that even SSE2 does four at a time. The high half of a number that fits 32 bits repeats the sign
     * of the low one. */
    uint32_t bits = 0;
    uint32_t beyond = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t low = (uint32_t)k[i];
        uint32_t high = (uint32_t)((uint64_t)k[i] >> 32);
        uint32_t is_present = ((high ^ UINT32_C(0x80000000)) | low) != 0 ? UINT32_MAX : 0; /* not QL_NUMBER_MISSING */
        uint32_t sign = (uint32_t)((int32_t)low >> 31);
        beyond |= (high ^ sign) & is_present;
        bits |= ((low ^ sign) - sign) & is_present;
    }
    if (beyond == 0) {
        return bits;
    }
    uint64_t magnitude = 0;
    bool has_wide = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t sign = (uint64_t)(k[i] >> 63);
        magnitude |= k[i] <= QL_NUMBER_WIDE ? 0 : ((uint64_t)k[i] ^ sign) - sign;
        has_wide = has_wide || k[i] == QL_NUMBER_WIDE;
    }
    return has_wide ? UINT64_MAX : magnitude;
}

void ql_numbers_narrow(void *dst, const int64_t *restrict k, size_t n, size_t width) {
    /* Where the halves of 32 bits disagree about the sign, the number is missing: then the low half is 0, and the difference
     * the smallest int32, whose high bytes are the smallest integers of the narrower types. */
#define NARROW(type, n_bits)                                       \
    do {                                                           \
        type *restrict out = dst;                                  \
        for (size_t i = 0; i < n; i++) {                           \
            int32_t low = (int32_t)k[i];                           \
            int32_t missing = (int32_t)(k[i] >> 32) ^ (low >> 31); \
            out[i] = (type)(low | (missing >> (32 - (n_bits))));   \
        }                                                          \
    } while (0)
    if (width == 1) {
        NARROW(int8_t, 8);
    } else if (width == 2) {
        NARROW(int16_t, 16);
    } else if (width == 4) {
        NARROW(int32_t, 32);
    } else {
        memcpy(dst, k, n * sizeof *k);
    }
#undef NARROW
}

void ql_labels_narrow(void *dst, const uint32_t *restrict label, size_t n, size_t width) {
    if (width == 1) {
        uint8_t *restrict out = dst;
        for (size_t i = 0; i < n; i++) {
            out[i] = (uint8_t)label[i];
        }
    } else if (width == 2) {
        uint16_t *restrict out = dst;
        for (size_t i = 0; i < n; i++) {
            out[i] = (uint16_t)label[i];
        }
    } else {
        memcpy(dst, label, n * sizeof *label);
    }
}
