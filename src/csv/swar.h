/**
 * Short numbers eight digits at a time in an ordinary register (after D. Lemire and W. Mula). Words are loaded from where the
 * field starts, hence what stands behind it must be readable; it is shifted out.
 */
#ifndef QL_CSV_SWAR_H
#define QL_CSV_SWAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define QL_CSV_INLINE static inline __attribute__((always_inline))

enum { QL_CSV_SWAR_MAX = 16, QL_CSV_SWAR_BEHIND = 8 }; /* bytes of a number, and bytes from its start that must be readable */

/** One to four digits; false for anything else. */
QL_CSV_INLINE bool ql_csv_swar_parse_short(const char *end, size_t len, uint32_t *value) {
    uint32_t word;
    if (len - 1 > sizeof word - 1) {
        return false;
    }
    memcpy(&word, end - len, sizeof word);
    word = (word ^ UINT32_C(0x30303030)) << ((0 - 8 * len) & 31);
    if (((word + UINT32_C(0x76767676)) | word) & UINT32_C(0x80808080)) { /* a carry comes from a byte that is marked itself */
        return false;
    }
    uint32_t pairs = (word * 10 + (word >> 8)) & UINT32_C(0x00FF00FF);
    *value = (pairs & 0xFF) * 100 + (pairs >> 16);
    return true;
}

/* The n (1 to 8) bytes before `end`, each less '0', as the highest bytes of the word; zeros below them. */
QL_CSV_INLINE uint64_t ql_csv_swar_load(const char *end, size_t n) {
    uint64_t word;
    memcpy(&word, end - n, sizeof word);
    return (word ^ UINT64_C(0x3030303030303030)) << ((0 - 8 * n) & 63);
}

/* The highest bit of the first byte that is no digit, and of others; 0 if there is none. A carry comes only from a byte that is
 * marked itself. */
QL_CSV_INLINE uint64_t ql_csv_swar_others(uint64_t word) {
    const uint64_t HIGHS = UINT64_C(0x8080808080808080);
    return ((word + UINT64_C(0x7676767676767676)) | word) & HIGHS;
}

/* Eight digits, the first in the lowest byte. */
QL_CSV_INLINE uint64_t ql_csv_swar_value(uint64_t word) {
    word = word * 10 + (word >> 8);
    return (((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064)) +
            (((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001))) >>
           32;
}

/**
 * One to eight bytes: digits, with at most one point that has digits on both sides; value = *k / 10^*scale. False for anything
 * else.
 */
QL_CSV_INLINE bool ql_csv_swar_parse_word(const char *end, size_t len, char point, uint64_t *k, int *scale) {
    if (len - 1 > sizeof(uint64_t) - 1) {
        return false;
    }
    uint64_t word = ql_csv_swar_load(end, len);
    uint64_t others = ql_csv_swar_others(word);
    *scale = 0;
    if (others != 0) {
        unsigned at = (unsigned)__builtin_ctzll(others) - 7; /* of the point, in bits */
        if ((others & (others - 1)) != 0 || ((word >> at) & 0xFF) != ((unsigned char)point ^ 0x30u) || at == 56 ||
            at <= 8 * (sizeof word - len)) {
            return false;
        }
        uint64_t below = (UINT64_C(1) << at) - 1;
        word = (word & (~below << 8)) | (word & below) << 8; /* seven digits; the point is squeezed out */
        *scale = 7 - (int)(at >> 3);
    }
    *k = ql_csv_swar_value(word);
    return true;
}

/**
 * Digits, with at most one point that has digits on both sides: value = *k / 10^*scale.
 * False for anything else, and for what is longer than this can do: then number.c decides.
 */
QL_CSV_INLINE bool ql_csv_swar_parse(const char *end, size_t len, char point, uint64_t *k, int *scale) {
    if (len == 0 || len > QL_CSV_SWAR_MAX) {
        return false;
    }
    uint64_t before = 0; /* the value of the digits before the last eight bytes */
    if (len > 8) {
        uint64_t word = ql_csv_swar_load(end - 8, len - 8);
        if (ql_csv_swar_others(word) != 0) {
            return false;
        }
        before = ql_csv_swar_value(word);
    }
    uint64_t word = ql_csv_swar_load(end, len < 8 ? len : 8);
    uint64_t others = ql_csv_swar_others(word);
    *scale = 0;
    if (others == 0) {
        *k = before * UINT64_C(100000000) + ql_csv_swar_value(word);
        return true;
    }
    unsigned at = (unsigned)__builtin_ctzll(others) & ~7u; /* of the point, in bits */
    bool has_digits = at != 56 && (at > 8 * (8 - (len < 8 ? (unsigned)len : 8)) || len > 8);
    if ((others & (others - 1)) != 0 || ((word >> at) & 0xFF) != ((unsigned char)point ^ 0x30u) || !has_digits) {
        return false;
    }
    uint64_t low = word & ((UINT64_C(1) << at) - 1);
    uint64_t digits = (word & (~UINT64_C(0xFF) << at)) | low << 8; /* seven; the point is squeezed out */
    int n_fraction = 7 - (int)(at >> 3);
    *scale = n_fraction;
    *k = before * UINT64_C(10000000) + ql_csv_swar_value(digits);
    return true;
}

#endif
