/*
 * DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY (parquet-format Encodings.md).
 *
 * Numbers: <block size> <miniblocks in a block> <count> <zigzag first value>, then blocks: <zigzag least delta> <a byte of bit
 * width for each miniblock> <miniblocks, each delta less the least, packed from the lowest bit on>. Deltas wrap at 64 bits. The
 * last miniblock with values is filled up; miniblocks behind it have a width of 0 and no bytes.
 *
 * Blocks of 128 in 4 miniblocks, as parquet-java has them: a chunk of 48 values is not filled up to more than 64.
 */
#include "parquet/delta.h"

#include "parquet/rle.h"
#include "parquet/thrift.h"

enum { MINIBLOCK = 32, MINIBLOCKS = 4, BLOCK = MINIBLOCK * MINIBLOCKS };

static void put_zigzag(struct ql_buf *out, int64_t value) {
    ql_varint_put(out, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

static unsigned width_of(const uint64_t *values, size_t n) {
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= values[i];
    }
    return all == 0 ? 0 : 64u - (unsigned)__builtin_clzll(all);
}

static void pack(const uint64_t *values, size_t n, unsigned width, unsigned char *bytes) {
    uint64_t pending = 0; /* bits that are not written yet, the oldest lowest */
    unsigned n_pending = 0;
    for (size_t i = 0; i < n; i++) {
        pending |= values[i] << n_pending;
        n_pending += width;
        if (n_pending >= 64) {
            memcpy(bytes, &pending, sizeof pending);
            bytes += sizeof pending;
            n_pending -= 64;
            pending = n_pending != 0 ? values[i] >> (width - n_pending) : 0;
        }
    }
    memcpy(bytes, &pending, n_pending / 8); /* a miniblock is whole bytes: 32 values */
}

/* n deltas, at most a block. */
static void put_block(struct ql_buf *out, const int64_t *deltas, size_t n) {
    int64_t least = deltas[0];
    for (size_t i = 1; i < n; i++) {
        least = deltas[i] < least ? deltas[i] : least;
    }
    uint64_t above[BLOCK] = {0};
    for (size_t i = 0; i < n; i++) {
        above[i] = (uint64_t)deltas[i] - (uint64_t)least;
    }
    put_zigzag(out, least);
    unsigned width[MINIBLOCKS];
    for (size_t m = 0; m < MINIBLOCKS; m++) {
        width[m] = width_of(above + m * MINIBLOCK, MINIBLOCK); /* of those behind the values: 0 */
        ql_buf_putc(out, (char)width[m]);
    }
    for (size_t m = 0; m < MINIBLOCKS; m++) {
        size_t len = MINIBLOCK / 8 * width[m];
        if (len != 0) {
            pack(above + m * MINIBLOCK, MINIBLOCK, width[m], (unsigned char *)ql_buf_reserve(out, len));
            out->len += len;
        }
    }
}

void ql_delta_put_numbers(struct ql_buf *out, const int64_t *values, size_t n) {
    ql_varint_put(out, BLOCK);
    ql_varint_put(out, MINIBLOCKS);
    ql_varint_put(out, n);
    put_zigzag(out, n != 0 ? values[0] : 0);
    for (size_t i = 1; i < n; i += BLOCK) {
        int64_t deltas[BLOCK] = {0};
        size_t n_deltas = n - i < BLOCK ? n - i : BLOCK;
        for (size_t d = 0; d < n_deltas; d++) {
            deltas[d] = (int64_t)((uint64_t)values[i + d] - (uint64_t)values[i + d - 1]);
        }
        put_block(out, deltas, n_deltas);
    }
}

void ql_delta_put_strings(struct ql_buf *out, const struct ql_str *strings, size_t n, int64_t *lengths) {
    for (size_t i = 0; i < n; i++) {
        lengths[i] = (int64_t)strings[i].len;
    }
    ql_delta_put_numbers(out, lengths, n);
    for (size_t i = 0; i < n; i++) {
        ql_buf_put_str(out, strings[i]);
    }
}

static size_t common_prefix(struct ql_str a, struct ql_str b) {
    size_t most = a.len < b.len ? a.len : b.len;
    size_t n = 0;
    while (n < most && a.ptr[n] == b.ptr[n]) {
        n++;
    }
    return n;
}

void ql_delta_put_prefixed(struct ql_buf *out, const struct ql_str *strings, size_t n, int64_t *lengths) {
    for (size_t i = 0; i < n; i++) {
        lengths[i] = i == 0 ? 0 : (int64_t)common_prefix(strings[i - 1], strings[i]);
    }
    ql_delta_put_numbers(out, lengths, n);
    for (size_t i = 0; i < n; i++) {
        lengths[i] = (int64_t)strings[i].len - lengths[i]; /* of the rest, a DELTA_LENGTH_BYTE_ARRAY of its own */
    }
    ql_delta_put_numbers(out, lengths, n);
    for (size_t i = 0; i < n; i++) {
        size_t len = (size_t)lengths[i];
        ql_buf_put(out, len != 0 ? strings[i].ptr + strings[i].len - len : NULL, len);
    }
}
