/* Chooses the kernel, drives it over a window, and the portable kernel: eight bytes at a time in an ordinary register. */
#include "csv/index.h"

#include "base/mem.h"
#include "csv/quick_row.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bit i of a mask stands for byte i");

static const uint64_t ONES = UINT64_C(0x0101010101010101);
static const uint64_t LOWS = UINT64_C(0x7F7F7F7F7F7F7F7F);

/* The highest bit of every byte that equals c, exactly. */
QL_CSV_INLINE uint64_t equal_bytes(uint64_t eight, char c) {
    uint64_t x = eight ^ (ONES * (unsigned char)c);
    return ~(((x & LOWS) + LOWS) | x | LOWS);
}

/* One bit a byte instead of eight: the product gathers the highest bits of the bytes in the top byte. */
QL_CSV_INLINE uint64_t gather(uint64_t marks) {
    return ((marks >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

QL_CSV_INLINE uint64_t prefix_xor(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) {
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

QL_CSV_INLINE struct ql_csv_masks find_masks(const char *block, char delimiter) {
    struct ql_csv_masks m = {0};
    for (unsigned i = 0; i < QL_CSV_BLOCK_BYTES; i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, block + i, sizeof eight);
        uint64_t delimiters = equal_bytes(eight, delimiter);
        uint64_t lf = equal_bytes(eight, '\n');
        uint64_t cr = equal_bytes(eight, '\r');
        uint64_t quotes = equal_bytes(eight, '"');
        if ((delimiters | lf | cr | quotes) != 0) {
            m.delimiter |= gather(delimiters) << i;
            m.lf |= gather(lf) << i;
            m.cr |= gather(cr) << i;
            m.quote |= gather(quotes) << i;
        }
    }
    return m;
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

size_t ql_csv_guess_scalar(struct ql_csv_reader *reader, struct ql_csv_guess *guess, size_t n_max, struct ql_csv_batch *batch) {
    return ql_csv_quick_read(reader, guess, n_max, batch, find_masks, hot_rows, known_rows);
}

bool ql_csv_index_scalar(struct ql_csv_index *index, struct ql_csv_index_state *state, const char *text, size_t n, uint32_t at,
                         char delimiter) {
    for (size_t i = 0; i < n; i++, at += QL_CSV_BLOCK_BYTES) {
        struct ql_csv_masks m = find_masks(text + i * QL_CSV_BLOCK_BYTES, delimiter);
        if (!ql_csv_index_block(index, state, m, at, prefix_xor, put_positions)) {
            return false;
        }
    }
    return true;
}

const struct ql_csv_kernel *ql_csv_kernel_choose(const struct ql_cpu *cpu) {
    static const struct ql_csv_kernel SCALAR = {"scalar", ql_csv_index_scalar, ql_csv_guess_scalar};
#if defined(__x86_64__)
    static const struct ql_csv_kernel AVX2 = {"avx2", ql_csv_index_avx2, ql_csv_guess_avx2};
    static const struct ql_csv_kernel AVX512 = {"avx512", ql_csv_index_avx512, ql_csv_guess_avx2};
    if (cpu != NULL && cpu->has_avx512) {
        return &AVX512;
    }
    if (cpu != NULL && cpu->has_avx2) {
        return &AVX2;
    }
#elif defined(__aarch64__)
    static const struct ql_csv_kernel NEON = {"neon", ql_csv_index_neon, ql_csv_guess_neon};
    if (cpu != NULL && cpu->has_neon) {
        return &NEON;
    }
#endif
    (void)cpu;
    return &SCALAR;
}

void ql_csv_index_make(struct ql_csv_index *index, const struct ql_csv_kernel *kernel, const char *text, size_t len,
                       char delimiter) {
    if (index->ends == NULL) {
        /* A block writes up to 64 positions whatever it holds. */
        index->memory = ql_mem_alloc((1 + QL_CSV_WINDOW_BYTES + QL_CSV_BLOCK_BYTES) * sizeof *index->ends);
        index->memory[0] = UINT32_MAX; /* and 1 is where the window begins */
        index->ends = index->memory + 1;
        index->rows = ql_mem_alloc((QL_CSV_WINDOW_BYTES + QL_CSV_BLOCK_BYTES) * sizeof *index->rows);
    }
    index->n_ends = 0;
    index->n_rows = 0;
    index->has_breaks = false;
    struct ql_csv_index_state state = {.may_open = 1};
    size_t n = len / QL_CSV_BLOCK_BYTES;
    size_t whole = n * QL_CSV_BLOCK_BYTES;
    if (kernel->fn(index, &state, text, n, 0, delimiter) && whole != len) {
        char tail[QL_CSV_BLOCK_BYTES] = {0};
        memcpy(tail, text + whole, len - whole);
        (void)kernel->fn(index, &state, tail, 1, (uint32_t)whole, delimiter);
    }
}

void ql_csv_index_fini(struct ql_csv_index *index) {
    ql_mem_free(index->memory);
    ql_mem_free(index->rows);
    *index = (struct ql_csv_index){0};
}
