/**
 * What every kernel does with the masks of a block; always inlined, so that it is compiled for the kernel's own instructions.
 *
 * Quotes toggle between outside and inside, which equals RFC 4180 as long as every quote that opens stands behind a delimiter,
 * a line end or another quote, and every byte behind a quote that closes is a delimiter, a line end or another quote. Blocks
 * without quotes, nearly all, do not ask.
 */
#ifndef QL_CSV_INDEX_BLOCK_H
#define QL_CSV_INDEX_BLOCK_H

#include "csv/index.h"
#include "csv/swar.h"

/* Every bit the exclusive or of all bits up to it. */
typedef uint64_t ql_csv_prefix_xor_fn(uint64_t bits);
/* Appends the positions of the bits, at most 64; there is room for 64 whatever their number. */
typedef void ql_csv_put_positions_fn(uint32_t *out, uint64_t bits, size_t n_bits, uint32_t at);

/* Takes out of the masks what is inside quotes; returns the bytes that break the rules. */
QL_CSV_INLINE uint64_t ql_csv_apply_quotes(struct ql_csv_masks *m, struct ql_csv_index_state *state, bool *has_breaks,
                                           ql_csv_prefix_xor_fn *prefix_xor) {
    uint64_t inside = prefix_xor(m->quote) ^ state->inside; /* the opening quote is inside, the closing one is not */
    uint64_t closing = m->quote & ~inside;
    *has_breaks |= (m->lf & inside) != 0;
    m->delimiter &= ~inside;
    m->lf &= ~inside;
    m->cr &= ~inside;
    uint64_t may_open = (m->delimiter | m->lf | m->quote) << 1 | state->may_open;
    uint64_t may_follow = m->delimiter | m->lf | m->cr | m->quote;
    uint64_t bad = (m->quote & inside & ~may_open) | ((closing << 1 | state->has_close) & ~may_follow);
    state->inside = (uint64_t)0 - (inside >> 63);
    state->has_close = closing >> 63;
    return bad;
}

/* False if the index ends in this block. */
QL_CSV_INLINE bool ql_csv_index_block(struct ql_csv_index *index, struct ql_csv_index_state *state, struct ql_csv_masks m,
                                      uint32_t at, ql_csv_prefix_xor_fn *prefix_xor, ql_csv_put_positions_fn *put_positions) {
    uint64_t bad = 0;
    if (__builtin_expect((m.quote | state->inside | state->has_close) != 0, 0)) {
        bad = ql_csv_apply_quotes(&m, state, &index->has_breaks, prefix_xor);
    }
    if ((m.cr | state->has_cr) != 0) {
        bad |= (m.cr << 1 | state->has_cr) & ~m.lf;
    }
    state->has_cr = m.cr >> 63;
    state->may_open = (m.delimiter | m.lf | m.quote) >> 63;
    if (__builtin_expect(bad != 0, 0)) {
        uint64_t before = (bad & (0 - bad)) - 1;
        m.delimiter &= before;
        m.lf &= before;
    }
    uint64_t both = m.delimiter | m.lf;
    size_t n_bits = (size_t)__builtin_popcountll(both);
    put_positions(index->ends + index->n_ends, both, n_bits, at);
    while (m.lf != 0) {
        uint64_t upto = m.lf ^ (m.lf - 1); /* the lowest bit and all below it */
        index->rows[index->n_rows++] = (uint32_t)(index->n_ends + (size_t)__builtin_popcountll(both & upto));
        m.lf &= m.lf - 1;
    }
    index->n_ends += n_bits;
    return bad == 0;
}

#endif
