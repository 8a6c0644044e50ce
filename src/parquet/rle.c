/*
 * RLE / bit-packing hybrid (parquet-format Encodings.md, "RLE").
 *
 * A stream is a row of runs: <n << 1> value, or <groups << 1 | 1> and groups * width bytes of values packed from the lowest
 * bit on, eight to a group. Values are cut into the longest equal runs that pay; what lies between is packed. A packed run
 * holds whole groups: inside the stream it borrows its last values from the run that follows, and at the end it is filled with
 * zeros, because readers take `width` bytes for a group whether its eight values exist or not (Spark crashes otherwise).
 */
#include "parquet/rle.h"

#include "parquet/thrift.h"

enum { GROUP = 8 };

unsigned ql_rle_width(uint32_t max) {
    return max <= 1 ? 1 : 32u - (unsigned)__builtin_clz(max);
}

static size_t value_bytes(unsigned width) {
    return (width + 7) / 8;
}

/*
 * The shortest run that is worth leaving the packed form: n values packed cost n / 8 * width bytes; a run costs a byte of
 * header, the value, and the header of the packed run that goes on behind it.
 */
static size_t min_run(unsigned width) {
    size_t groups = (2 + value_bytes(width)) / width + 1;
    return groups * GROUP;
}

void ql_rle_put_run(struct ql_buf *out, uint32_t value, size_t n, unsigned width) {
    ql_varint_put(out, (uint64_t)n << 1);
    char bytes[4] = {(char)value, (char)(value >> 8), (char)(value >> 16), (char)(value >> 24)};
    ql_buf_put(out, bytes, value_bytes(width));
}

/* Eight values of `width` bits: width bytes. With a width that is known the compiler unrolls it to shifts and stores. */
static inline __attribute__((always_inline)) void pack_group(const uint32_t *values, unsigned width, unsigned char *bytes) {
    uint64_t pending = 0; /* bits that are not written yet, the oldest lowest */
    unsigned n_pending = 0;
    for (size_t i = 0; i < GROUP; i++) {
        pending |= (uint64_t)values[i] << n_pending;
        n_pending += width;
        if (n_pending >= 64) {
            memcpy(bytes, &pending, sizeof pending);
            bytes += sizeof pending;
            n_pending -= 64;
            pending = n_pending != 0 ? (uint64_t)values[i] >> (width - n_pending) : 0;
        }
    }
    memcpy(bytes, &pending, n_pending / 8);
}

/* One function for each width. */
#define WIDTHS(each)                                                                                                         \
    each(1) each(2) each(3) each(4) each(5) each(6) each(7) each(8) each(9) each(10) each(11) each(12) each(13) each(14)     \
        each(15) each(16) each(17) each(18) each(19) each(20) each(21) each(22) each(23) each(24) each(25) each(26) each(27) \
            each(28) each(29) each(30) each(31) each(32)
#define PACK(width)                                                                           \
    static void pack_##width(const uint32_t *values, size_t n_groups, unsigned char *bytes) { \
        for (size_t g = 0; g < n_groups; g++) {                                               \
            pack_group(values + g * GROUP, width, bytes + g * width);                         \
        }                                                                                     \
    }
WIDTHS(PACK)
#define NAMED(width) pack_##width,
static void (*const PACKERS[])(const uint32_t *, size_t, unsigned char *) = {WIDTHS(NAMED)};

static void put_packed(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width) {
    if (n == 0) {
        return;
    }
    size_t groups = (n + GROUP - 1) / GROUP;
    ql_varint_put(out, (uint64_t)groups << 1 | 1);
    size_t len = groups * width;
    unsigned char *bytes = (unsigned char *)ql_buf_reserve(out, len);
    PACKERS[width - 1](values, n / GROUP, bytes);
    if (n % GROUP != 0) {
        uint32_t last[GROUP] = {0};
        memcpy(last, values + n / GROUP * GROUP, n % GROUP * sizeof *last);
        PACKERS[width - 1](last, 1, bytes + len - width);
    }
    out->len += len;
}

/* Whether values[0, 4) are equal. */
static bool is_quad(const uint32_t *values) {
    uint64_t pair[2];
    memcpy(pair, values, sizeof pair);
    return pair[0] == pair[1] && values[0] == values[1];
}

enum { QUAD = 4 };

/* The first run at or behind `from` that is long enough to matter (GROUP or more): *begin and its end; n if there is none. */
static size_t find_run(const uint32_t *values, size_t n, size_t from, size_t *begin) {
    /* Eight equal values hold an aligned quad. */
    for (size_t q = (from + QUAD - 1) / QUAD * QUAD; q + QUAD <= n; q += QUAD) {
        if (!is_quad(values + q)) {
            continue;
        }
        size_t end = q + QUAD;
        while (end < n && values[end] == values[q]) {
            end++;
        }
        for (*begin = q; *begin > from && values[*begin - 1] == values[q];) {
            --*begin;
        }
        if (end - *begin >= GROUP) {
            return end;
        }
        q = (end - 1) / QUAD * QUAD; /* the quads up to there are of this run, or hold its last value */
    }
    *begin = n;
    return n;
}

void ql_rle_put(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width) {
    size_t pays = min_run(width); /* never less than GROUP */
    size_t start = 0;             /* of what waits to be packed */
    for (size_t i = 0, begin = 0; i < n;) {
        i = find_run(values, n, i, &begin);
        size_t waiting = begin - start;
        size_t borrowed = (GROUP - waiting % GROUP) % GROUP;
        if (i - begin >= borrowed + pays) {
            put_packed(out, values + start, waiting + borrowed, width);
            ql_rle_put_run(out, values[begin], i - begin - borrowed, width);
            start = i;
        }
    }
    put_packed(out, values + start, n - start, width);
}
