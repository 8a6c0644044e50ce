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

static void put_packed(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width) {
    if (n == 0) {
        return;
    }
    size_t groups = (n + GROUP - 1) / GROUP;
    ql_varint_put(out, (uint64_t)groups << 1 | 1);
    size_t len = groups * width;
    unsigned char *bytes = (unsigned char *)ql_buf_reserve(out, len);
    uint64_t pending = 0; /* bits that are not written yet, the oldest lowest */
    unsigned n_pending = 0;
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        pending |= (uint64_t)values[i] << n_pending; /* fewer than 8 bits wait, so at most 39 are used */
        n_pending += width;
        for (; n_pending >= 8; n_pending -= 8) {
            bytes[at++] = (unsigned char)pending;
            pending >>= 8;
        }
    }
    if (n_pending != 0) {
        bytes[at++] = (unsigned char)pending;
    }
    memset(bytes + at, 0, len - at);
    out->len += len;
}

static size_t run_length(const uint32_t *values, size_t n) {
    size_t run = 1;
    while (run < n && values[run] == values[0]) {
        run++;
    }
    return run;
}

void ql_rle_put(struct ql_buf *out, const uint32_t *values, size_t n, unsigned width) {
    size_t pays = min_run(width);
    size_t start = 0; /* of what waits to be packed */
    for (size_t i = 0; i < n;) {
        size_t run = run_length(values + i, n - i);
        size_t waiting = i - start;
        size_t borrowed = (GROUP - waiting % GROUP) % GROUP;
        i += run;
        if (run >= borrowed + pays) {
            put_packed(out, values + start, waiting + borrowed, width);
            ql_rle_put_run(out, values[i - 1], run - borrowed, width);
            start = i;
        }
    }
    put_packed(out, values + start, n - start, width);
}
