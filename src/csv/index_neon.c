/* The kernel for arm64, where NEON is part of the architecture. Pairwise additions gather one bit of every byte. */
#include "csv/index.h"

#if defined(__aarch64__)

#include "csv/quick_row.h"

#include <arm_neon.h>

QL_CSV_INLINE uint64_t prefix_xor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) { /* carry-less multiplication is optional on arm64 */
        bits ^= bits << shift;
    }
    return bits;
}

QL_CSV_INLINE void put_positions(uint32_t *out, uint64_t bits, size_t n_bits, uint32_t at) {
    (void)n_bits;
    while (bits != 0) {
        *out++ = at + (uint32_t)__builtin_ctzll(bits);
        bits &= bits - 1;
    }
}

QL_CSV_INLINE uint64_t equal(const uint8x16_t *block, char c) {
    static const uint8_t BITS[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vld1q_u8(BITS);
    const uint8x16_t wanted = vdupq_n_u8((uint8_t)c);
    uint8x16_t first = vpaddq_u8(vandq_u8(vceqq_u8(block[0], wanted), bits), vandq_u8(vceqq_u8(block[1], wanted), bits));
    uint8x16_t second = vpaddq_u8(vandq_u8(vceqq_u8(block[2], wanted), bits), vandq_u8(vceqq_u8(block[3], wanted), bits));
    uint8x16_t both = vpaddq_u8(first, second);
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(both, both)), 0);
}

QL_CSV_INLINE struct ql_csv_masks find_masks(const char *text, char delimiter) {
    const uint8_t *bytes = (const uint8_t *)text;
    const uint8x16_t block[4] = {vld1q_u8(bytes), vld1q_u8(bytes + 16), vld1q_u8(bytes + 32), vld1q_u8(bytes + 48)};
    return (struct ql_csv_masks){
        .delimiter = equal(block, delimiter), .lf = equal(block, '\n'), .cr = equal(block, '\r'), .quote = equal(block, '"')};
}

static __attribute__((noinline)) size_t hot_rows(const struct ql_csv_hot *hot, struct ql_csv_reader *reader,
                                                 struct ql_str *text, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_hot_rows(hot, reader, text, n_max, batch, find_masks, find_masks, ql_csv_is_same_bytes);
}

static __attribute__((noinline)) size_t known_rows(const struct ql_csv_hot *hot, struct ql_csv_reader *reader,
                                                   struct ql_str *text, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_known_rows(hot, reader, text, n_max, batch, find_masks, find_masks, prefix_xor, ql_csv_is_same_bytes,
                             ql_csv_pair_parse);
}

size_t ql_csv_guess_neon(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_quick_read(reader, guess, n_max, batch, find_masks, hot_rows, known_rows);
}

bool ql_csv_index_neon(struct ql_csv_index *index, struct ql_csv_index_state *state, const char *text, size_t n, uint32_t at,
                       char delimiter) {
    for (size_t i = 0; i < n; i++, at += QL_CSV_BLOCK_BYTES) {
        const struct ql_csv_masks m = find_masks(text + i * QL_CSV_BLOCK_BYTES, delimiter);
        if (!ql_csv_index_block(index, state, m, at, prefix_xor, put_positions)) {
            return false;
        }
    }
    return true;
}

#else
typedef int ql_csv_index_neon_is_empty; /* ISO C wants a declaration in every file */
#endif
