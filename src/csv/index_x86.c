/*
 * The kernels for AVX2 and AVX-512. Functions carry the instructions they need, so the rest of the program runs anywhere. Rows
 * without an index gain nothing from AVX-512, an index gains a tenth, so there is one of AVX-512 for the index alone.
 *
 * vpcompressb goes to a register and from there to memory: with a memory destination it is microcoded on Zen 4 and twelve times
 * slower.
 */
#include "csv/index.h"

#if defined(__x86_64__)

#include "csv/quick_row.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul")))
#define AVX512 __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul,avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2")))

AVX2 QL_CSV_INLINE uint64_t prefix_xor(uint64_t bits) {
    const __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (long long)bits), _mm_set1_epi8((char)-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Four at once without a branch: most blocks have no more. */
AVX2 QL_CSV_INLINE void put_positions_avx2(uint32_t *out, uint64_t bits, size_t n_bits, uint32_t at) {
    for (size_t i = 0; i < n_bits; i += 4) {
        for (size_t j = 0; j < 4; j++) {
            out[i + j] = at + (uint32_t)_tzcnt_u64(bits); /* 64 once there are none left */
            bits = _blsr_u64(bits);
        }
    }
}

AVX2 QL_CSV_INLINE uint64_t equal_avx2(__m256i low, __m256i high, char c) {
    const __m256i wanted = _mm256_set1_epi8(c);
    uint64_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, wanted));
    uint64_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, wanted));
    return first | second << 32;
}

AVX2 QL_CSV_INLINE struct ql_csv_masks find_masks_avx2(const char *block, char delimiter) {
    __m256i low = _mm256_loadu_si256((const __m256i_u *)block);
    __m256i high = _mm256_loadu_si256((const __m256i_u *)(block + 32));
    return (struct ql_csv_masks){.delimiter = equal_avx2(low, high, delimiter),
                                 .lf = equal_avx2(low, high, '\n'),
                                 .cr = equal_avx2(low, high, '\r'),
                                 .quote = equal_avx2(low, high, '"')};
}

/* Of half a block, which most ends of rows fit; quotes and carriage returns together as quotes. */
AVX2 QL_CSV_INLINE struct ql_csv_masks find_first_masks_avx2(const char *block, char delimiter) {
    __m256i half = _mm256_loadu_si256((const __m256i_u *)block);
    __m256i other =
        _mm256_or_si256(_mm256_cmpeq_epi8(half, _mm256_set1_epi8('"')), _mm256_cmpeq_epi8(half, _mm256_set1_epi8('\r')));
    return (struct ql_csv_masks){.delimiter =
                                     (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(half, _mm256_set1_epi8(delimiter))),
                                 .lf = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(half, _mm256_set1_epi8('\n'))),
                                 .quote = (uint32_t)_mm256_movemask_epi8(other)};
}

static __attribute__((noinline)) bool is_same_long(const char *a, const char *b, size_t len) {
    return ql_csv_is_same_bytes(a, b, len);
}

AVX2 QL_CSV_INLINE bool is_same_avx2(const char *a, const char *b, size_t len) {
    if (__builtin_expect(len - 32 > 32, 0)) {
        return is_same_long(a, b, len);
    }
    __m256i first = _mm256_xor_si256(_mm256_loadu_si256((const __m256i_u *)a), _mm256_loadu_si256((const __m256i_u *)b));
    __m256i last = _mm256_xor_si256(_mm256_loadu_si256((const __m256i_u *)(a + len - 32)),
                                    _mm256_loadu_si256((const __m256i_u *)(b + len - 32)));
    __m256i difference = _mm256_or_si256(first, last);
    return _mm256_testz_si256(difference, difference);
}

AVX2 static __attribute__((noinline)) size_t hot_rows_avx2(const struct ql_csv_hot *hot, struct ql_csv_reader *reader,
                                                           struct ql_str *text, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_hot_rows(hot, reader, text, n_max, batch, find_masks_avx2, find_first_masks_avx2, is_same_avx2);
}

static __attribute__((noinline)) bool pair_parse_other(const char *text, char separator, int64_t interval_us[2]) {
    return ql_csv_pair_parse(text, separator, interval_us);
}

/* Both times of an interval at once, to the minute; where seconds are not 0, or anything is wrong, the portable code decides.
 */
AVX2 QL_CSV_INLINE bool pair_parse_avx2(const char *text, char separator, int64_t interval_us[2]) {
    enum { MINUTES_BITS = 13, MINUTES_PER_DAY = 24 * 60 };
    static const char SECONDS[] = ":00.000Z";
    const int64_t US_PER_MINUTE = 60 * QL_US_PER_S;
    const __m128i form = _mm_setr_epi8('0', '0', '0', '0', '-', '0', '0', '-', '0', '0', 'T', '0', '0', ':', '0', '0');
    const __m128i limits = _mm_setr_epi8(9, 9, 9, 9, 0, 1, 9, 0, 3, 9, 0, 2, 9, 0, 5, 9);
    const __m128i tens = _mm_setr_epi8(10, 1, 10, 1, 0, 10, 1, 0, 10, 1, 0, 10, 1, 0, 10, 1);
    /* YY YY M- -M DD h- -h mm become year, month, and two that add up to day and minute of the day. */
    const __m128i weights = _mm_setr_epi16(100, 1, 1, 1, 1 << MINUTES_BITS, 60, 60, 1);
    const char *const end = text + QL_CSV_STAMP_BYTES + 1;
    __m256i digits = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i_u *)text)),
                                             _mm_loadu_si128((const __m128i_u *)end), 1);
    digits = _mm256_xor_si256(digits, _mm256_broadcastsi128_si256(form));
    __m256i is_good = _mm256_cmpeq_epi8(_mm256_min_epu8(digits, _mm256_broadcastsi128_si256(limits)), digits);
    __m256i numbers = _mm256_madd_epi16(_mm256_maddubs_epi16(digits, _mm256_broadcastsi128_si256(tens)),
                                        _mm256_broadcastsi128_si256(weights));
    __m256i sums = _mm256_add_epi32(numbers, _mm256_srli_epi64(numbers, 32));
    uint64_t month[2] = {(uint64_t)_mm256_extract_epi64(numbers, 0), (uint64_t)_mm256_extract_epi64(numbers, 2)};
    uint32_t day[2] = {(uint32_t)_mm256_extract_epi32(sums, 2), (uint32_t)_mm256_extract_epi32(sums, 6)};
    const uint32_t minutes_mask = (1 << MINUTES_BITS) - 1;
    int64_t days;
    if (_mm256_movemask_epi8(is_good) != -1 || text[QL_CSV_STAMP_BYTES] != separator ||
        memcmp(text + sizeof(__m128i), SECONDS, 8) != 0 || memcmp(end + sizeof(__m128i), SECONDS, 8) != 0 ||
        (day[0] & minutes_mask) >= MINUTES_PER_DAY || (day[1] & minutes_mask) >= MINUTES_PER_DAY ||
        !ql_csv_stamp_count_days((uint32_t)month[0], (uint32_t)(month[0] >> 32), day[0] >> MINUTES_BITS, &days)) {
        return pair_parse_other(text, separator, interval_us);
    }
    interval_us[0] = days * QL_CSV_US_PER_DAY + (day[0] & minutes_mask) * US_PER_MINUTE;
    bool is_same_day = month[0] == month[1] && (day[0] ^ day[1]) <= minutes_mask;
    if (__builtin_expect(!is_same_day, 0) &&
        !ql_csv_stamp_count_days((uint32_t)month[1], (uint32_t)(month[1] >> 32), day[1] >> MINUTES_BITS, &days)) {
        return false;
    }
    interval_us[1] = days * QL_CSV_US_PER_DAY + (day[1] & minutes_mask) * US_PER_MINUTE;
    return interval_us[0] < interval_us[1];
}

AVX2 static __attribute__((noinline)) size_t known_rows_avx2(const struct ql_csv_hot *hot, struct ql_csv_reader *reader,
                                                             struct ql_str *text, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_known_rows(hot, reader, text, n_max, batch, find_masks_avx2, find_first_masks_avx2, prefix_xor, is_same_avx2,
                             pair_parse_avx2);
}

AVX2 size_t ql_csv_guess_avx2(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max,
                              struct ql_csv_batch *batch) {
    return ql_csv_quick_read(reader, guess, n_max, batch, find_masks_avx2, hot_rows_avx2, known_rows_avx2);
}

AVX2 bool ql_csv_index_avx2(struct ql_csv_index *index, struct ql_csv_index_state *state, const char *text, size_t n,
                            uint32_t at, char delimiter) {
    for (size_t i = 0; i < n; i++, at += QL_CSV_BLOCK_BYTES) {
        const struct ql_csv_masks m = find_masks_avx2(text + i * QL_CSV_BLOCK_BYTES, delimiter);
        if (!ql_csv_index_block(index, state, m, at, prefix_xor, put_positions_avx2)) {
            return false;
        }
    }
    return true;
}

AVX512 QL_CSV_INLINE void put_positions_avx512(uint32_t *out, uint64_t bits, size_t n_bits, uint32_t at) {
    const __m512i counting = _mm512_set_epi8(63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43,
                                             42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22,
                                             21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i compressed = _mm512_maskz_compress_epi8(bits, counting);
    const __m512i base = _mm512_set1_epi32((int)at);
    _mm512_storeu_si512(out, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(compressed))));
    for (size_t i = 16; i < n_bits; i += 16) { /* many short fields */
        compressed = _mm512_alignr_epi64(compressed, compressed, 2);
        _mm512_storeu_si512(out + i, _mm512_add_epi32(base, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(compressed))));
    }
}

AVX512 bool ql_csv_index_avx512(struct ql_csv_index *index, struct ql_csv_index_state *state, const char *text, size_t n,
                                uint32_t at, char delimiter) {
    for (size_t i = 0; i < n; i++, at += QL_CSV_BLOCK_BYTES) {
        __m512i block = _mm512_loadu_si512(text + i * QL_CSV_BLOCK_BYTES);
        const struct ql_csv_masks m = {.delimiter = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8(delimiter)),
                                       .lf = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\n')),
                                       .cr = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('\r')),
                                       .quote = _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8('"'))};
        if (!ql_csv_index_block(index, state, m, at, prefix_xor, put_positions_avx512)) {
            return false;
        }
    }
    return true;
}

#else
typedef int ql_csv_index_x86_is_empty; /* ISO C wants a declaration in every file */
#endif
