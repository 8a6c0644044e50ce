/*
 * The encodings of parquet-format's Encodings.md, each as a loop over values with its bounds beside it.
 *
 * DELTA_* decoders are streams: where two of them stand one behind the other (lengths, then suffix lengths, then bytes) the
 * first pass over one finds where it ends, and the second gives its numbers in step with the others.
 */
#include "parquet/decode.h"

#include "parquet/read.h"
#include "parquet/thrift_read.h"

static const char CUT[] = "values end early";
static const char TOO_MANY[] = "there are bytes behind the last value";

size_t ql_value_size(struct ql_value_type type) {
    static const uint8_t SIZES[] = {[QL_PARQUET_TYPE_INT32] = 4, [QL_PARQUET_TYPE_INT64] = 8,  [QL_PARQUET_TYPE_INT96] = 12,
                                    [QL_PARQUET_TYPE_FLOAT] = 4, [QL_PARQUET_TYPE_DOUBLE] = 8, [QL_PARQUET_TYPE_FIXED] = 0};
    if (type.type == QL_PARQUET_TYPE_FIXED) {
        return (size_t)type.type_length;
    }
    return (size_t)type.type < sizeof SIZES ? SIZES[type.type] : 0;
}

static uint64_t load(const unsigned char *p, size_t n) {
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

/* `width` bits (up to 64) from bit `at` on of packed bytes, which reach that far. */
static uint64_t load_bits(const unsigned char *packed, uint64_t at, unsigned width) {
    if (width == 0) {
        return 0;
    }
    const unsigned char *p = packed + at / 8;
    unsigned shift = (unsigned)(at % 8);
    size_t n_bytes = (shift + width + 7) / 8; /* 9 at most */
    uint64_t value = load(p, n_bytes < 8 ? n_bytes : 8) >> shift;
    if (n_bytes > 8) {
        value |= (uint64_t)p[8] << (64 - shift);
    }
    return width < 64 ? value & ((UINT64_C(1) << width) - 1) : value;
}

/* ---- runs and packed groups ---- */

enum { GROUP = 8 };

const char *ql_rle_get(struct ql_str bytes, unsigned width, size_t n, ql_number_fn *fn, void *ctx, size_t *rest) {
    const unsigned char *at = (const unsigned char *)bytes.ptr;
    const unsigned char *end = at + bytes.len;
    size_t value_bytes = (width + 7) / 8;
    *rest = 0;
    if (width > 32) {
        return "numbers of more than 32 bits";
    }
    while (n != 0) {
        uint64_t head = 0;
        if (!ql_varint_get(&at, end, &head)) {
            return "runs end early";
        }
        uint64_t count = head >> 1;
        if (count == 0) {
            return "a run of nothing";
        }
        if ((head & 1) == 0) {
            if ((size_t)(end - at) < value_bytes) {
                return "runs end early";
            }
            uint64_t value = load(at, value_bytes);
            if (width < 32 && value >> width != 0) {
                return "a run of a number that is wider than the page says";
            }
            size_t repeat = count < n ? (size_t)count : n;
            if (repeat != count) {
                return "a run goes on behind the last value";
            }
            at += value_bytes;
            fn(ctx, (uint32_t)value, repeat);
            n -= repeat;
            continue;
        }
        if (width != 0 && count > (size_t)(end - at) / width) {
            return "a packed run is longer than the page";
        }
        size_t n_packed = count <= n / GROUP ? (size_t)count * GROUP : n; /* DuckDB fills up to 32 groups */
        for (size_t i = 0; i < n_packed; i++) {
            fn(ctx, (uint32_t)load_bits(at, (uint64_t)i * width, width), 1);
        }
        at += count * width;
        n -= n_packed;
    }
    *rest = (size_t)(end - at);
    return NULL;
}

/* ---- DELTA_BINARY_PACKED ---- */

enum { DELTA_BLOCK_MAX = 1 << 16, MINIBLOCKS_MAX = 512, WIDTH_MAX = 64 };

struct delta {
    const unsigned char *at, *end; /* at: behind the last miniblock that was begun */
    const char *why;
    uint64_t n; /* values in all */
    uint64_t n_taken;
    size_t n_miniblocks, miniblock_size;
    const unsigned char *widths, *packed; /* of the block and of the miniblock at hand */
    size_t miniblock, n_in_miniblock;     /* its number; values taken of it */
    uint64_t least, value;                /* they wrap */
};

static uint64_t delta_varint(struct delta *delta) {
    uint64_t value = 0;
    if (delta->why == NULL && !ql_varint_get(&delta->at, delta->end, &value)) {
        delta->why = "delta-coded numbers end early";
    }
    return value;
}

static void delta_init(struct delta *delta, struct ql_str bytes, size_t n) {
    *delta = (struct delta){.at = (const unsigned char *)bytes.ptr, .end = (const unsigned char *)bytes.ptr + bytes.len};
    uint64_t block = delta_varint(delta);
    uint64_t n_miniblocks = delta_varint(delta);
    delta->n = delta_varint(delta);
    delta->value = (uint64_t)ql_zigzag(delta_varint(delta));
    if (delta->why != NULL) {
        return;
    }
    if (block == 0 || block > DELTA_BLOCK_MAX || block % 128 != 0 || n_miniblocks == 0 || n_miniblocks > MINIBLOCKS_MAX ||
        block % n_miniblocks != 0 || block / n_miniblocks % 32 != 0) {
        delta->why = "delta-coded numbers have blocks that cannot be";
        return;
    }
    if (delta->n != n) {
        delta->why = "delta-coded numbers are not as many as the page's values";
    }
    delta->n_miniblocks = delta->miniblock = (size_t)n_miniblocks; /* as at the end of a block */
    delta->miniblock_size = delta->n_in_miniblock = (size_t)(block / n_miniblocks);
}

/* The next miniblock, and the next block where there is none in this one. */
static void delta_advance(struct delta *delta) {
    if (++delta->miniblock >= delta->n_miniblocks) {
        delta->least = (uint64_t)ql_zigzag(delta_varint(delta));
        delta->widths = delta->at;
        delta->miniblock = 0;
        if (delta->why == NULL && (size_t)(delta->end - delta->at) < delta->n_miniblocks) {
            delta->why = "delta-coded numbers end early";
        }
        if (delta->why != NULL) {
            return;
        }
        delta->at += delta->n_miniblocks;
    }
    unsigned width = delta->widths[delta->miniblock];
    size_t len = delta->miniblock_size / 8 * width;
    if (width > WIDTH_MAX) {
        delta->why = "a delta is wider than 64 bits";
    } else if ((size_t)(delta->end - delta->at) < len) {
        delta->why = "delta-coded numbers end early";
    } else {
        delta->packed = delta->at;
        delta->at += len;
        delta->n_in_miniblock = 0;
    }
}

/* The next of n numbers; 0 when broken. */
static int64_t delta_next(struct delta *delta) {
    if (delta->n_taken++ == 0 || delta->why != NULL) {
        return delta->why == NULL ? (int64_t)delta->value : 0;
    }
    if (delta->n_in_miniblock == delta->miniblock_size) {
        delta_advance(delta);
        if (delta->why != NULL) {
            return 0;
        }
    }
    unsigned width = delta->widths[delta->miniblock];
    delta->value += delta->least + load_bits(delta->packed, (uint64_t)delta->n_in_miniblock * width, width);
    delta->n_in_miniblock++;
    return (int64_t)delta->value;
}

/* What stands behind n numbers that begin here. */
static const char *delta_behind(struct ql_str bytes, size_t n, struct ql_str *behind) {
    struct delta delta;
    delta_init(&delta, bytes, n);
    for (size_t i = 0; i < n && delta.why == NULL; i++) {
        (void)delta_next(&delta);
    }
    *behind = (struct ql_str){.ptr = (const char *)delta.at, .len = (size_t)(delta.end - delta.at)};
    return delta.why;
}

static const char *decode_delta(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    struct delta delta;
    size_t size = ql_value_size(type);
    delta_init(&delta, bytes, n);
    for (size_t i = 0; i < n && delta.why == NULL; i++) {
        uint64_t value = (uint64_t)delta_next(&delta);
        if (delta.why == NULL) {
            char plain[8];
            for (size_t b = 0; b < sizeof plain; b++) {
                plain[b] = (char)(value >> (8 * b));
            }
            fn(ctx, (struct ql_str){.ptr = plain, .len = size}, 1);
        }
    }
    return delta.why != NULL ? delta.why : delta.at != delta.end ? TOO_MANY : NULL;
}

/* ---- DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY ---- */

static const char *decode_delta_length(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    struct delta lengths;
    struct ql_str rest;
    const char *why = delta_behind(bytes, n, &rest);
    (void)type;
    delta_init(&lengths, bytes, n);
    for (size_t i = 0; i < n && why == NULL; i++) {
        int64_t len = delta_next(&lengths);
        if (len < 0 || (uint64_t)len > rest.len) {
            return CUT;
        }
        fn(ctx, (struct ql_str){.ptr = rest.ptr, .len = (size_t)len}, 1);
        rest.ptr += len;
        rest.len -= (size_t)len;
    }
    return why != NULL ? why : rest.len != 0 ? TOO_MANY : NULL;
}

/* The values of DELTA_BYTE_ARRAY: a prefix of the one before, and what the other stream gives. */
struct prefixed {
    struct delta prefixes;
    struct ql_buf last;
    const char *why;
    size_t size; /* of every value, where they are all of one; 0: they are not */
    ql_value_fn *fn;
    void *ctx;
};

static void take_suffix(void *ctx, struct ql_str suffix, size_t repeat) {
    struct prefixed *prefixed = ctx;
    int64_t prefix = delta_next(&prefixed->prefixes);
    (void)repeat; /* 1 */
    if (prefixed->why != NULL || prefix < 0 || (uint64_t)prefix > prefixed->last.len) {
        prefixed->why = "a prefix is longer than the string before";
        return;
    }
    prefixed->last.len = (size_t)prefix;
    ql_buf_put_str(&prefixed->last, suffix);
    if (prefixed->size != 0 && prefixed->last.len != prefixed->size) {
        prefixed->why = "a value is not as long as its type";
        return;
    }
    prefixed->fn(prefixed->ctx, ql_buf_view(&prefixed->last), 1);
}

static const char *decode_prefixed(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    struct prefixed prefixed = {.fn = fn, .ctx = ctx, .size = ql_value_size(type)};
    struct ql_str suffixes;
    const char *why = delta_behind(bytes, n, &suffixes);
    delta_init(&prefixed.prefixes, bytes, n);
    if (why == NULL) {
        (void)ql_buf_reserve(&prefixed.last, 1); /* a view of nothing is a view all the same */
        why = decode_delta_length(type, suffixes, n, take_suffix, &prefixed);
    }
    ql_buf_fini(&prefixed.last);
    return why != NULL ? why : prefixed.why;
}

/* ---- PLAIN, BYTE_STREAM_SPLIT, RLE ---- */

static const char *decode_fixed(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    size_t size = ql_value_size(type);
    if (size == 0 || n > bytes.len / size) {
        return CUT;
    }
    for (size_t i = 0; i < n; i++) {
        fn(ctx, (struct ql_str){.ptr = bytes.ptr + i * size, .len = size}, 1);
    }
    return n * size != bytes.len ? TOO_MANY : NULL;
}

static const char *decode_strings(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    enum { LENGTH_SIZE = 4 };
    (void)type;
    for (size_t i = 0; i < n; i++) {
        if (bytes.len < LENGTH_SIZE) {
            return CUT;
        }
        size_t len = (size_t)load((const unsigned char *)bytes.ptr, LENGTH_SIZE);
        if (len > bytes.len - LENGTH_SIZE) {
            return CUT;
        }
        fn(ctx, (struct ql_str){.ptr = bytes.ptr + LENGTH_SIZE, .len = len}, 1);
        bytes.ptr += LENGTH_SIZE + len;
        bytes.len -= LENGTH_SIZE + len;
    }
    return bytes.len != 0 ? TOO_MANY : NULL;
}

static const char *decode_bits(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    (void)type;
    if (n / 8 + (n % 8 != 0) != bytes.len) {
        return n / 8 + (n % 8 != 0) > bytes.len ? CUT : TOO_MANY;
    }
    for (size_t i = 0; i < n; i++) {
        char bit = (char)((unsigned char)bytes.ptr[i / 8] >> (i % 8) & 1);
        fn(ctx, (struct ql_str){.ptr = &bit, .len = 1}, 1);
    }
    return NULL;
}

static const char *decode_split(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    enum { SIZE_MAX_OF_NUMBERS = 8 };
    size_t size = ql_value_size(type);
    if (size == 0 || n > bytes.len / size) {
        return CUT;
    }
    if (n * size != bytes.len) {
        return TOO_MANY;
    }
    for (size_t i = 0; i < n; i++) {
        char plain[SIZE_MAX_OF_NUMBERS];
        for (size_t b = 0; b < size; b++) {
            plain[b] = bytes.ptr[b * n + i];
        }
        fn(ctx, (struct ql_str){.ptr = plain, .len = size}, 1);
    }
    return NULL;
}

struct booleans {
    ql_value_fn *fn;
    void *ctx;
};

static void take_boolean(void *ctx, uint32_t number, size_t repeat) {
    const struct booleans *booleans = ctx;
    char bit = (char)number;
    booleans->fn(booleans->ctx, (struct ql_str){.ptr = &bit, .len = 1}, repeat);
}

static const char *decode_rle_booleans(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx) {
    enum { LENGTH_SIZE = 4 };
    (void)type;
    if (bytes.len < LENGTH_SIZE || load((const unsigned char *)bytes.ptr, LENGTH_SIZE) != bytes.len - LENGTH_SIZE) {
        return CUT;
    }
    struct booleans booleans = {.fn = fn, .ctx = ctx};
    size_t rest = 0;
    bytes.ptr += LENGTH_SIZE;
    bytes.len -= LENGTH_SIZE;
    const char *why = ql_rle_get(bytes, 1, n, take_boolean, &booleans, &rest);
    return why != NULL ? why : rest != 0 ? TOO_MANY : NULL;
}

/* ---- which is which ---- */

typedef const char *decode_fn(struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn, void *ctx);

static decode_fn *find_decoder(int32_t encoding, struct ql_value_type type) {
    bool is_string = type.type == QL_PARQUET_TYPE_BYTE_ARRAY;
    bool is_boolean = type.type == QL_PARQUET_TYPE_BOOLEAN;
    bool is_integer = type.type == QL_PARQUET_TYPE_INT32 || type.type == QL_PARQUET_TYPE_INT64;
    bool is_float = type.type == QL_PARQUET_TYPE_FLOAT || type.type == QL_PARQUET_TYPE_DOUBLE;
    switch (encoding) {
    case QL_PARQUET_ENCODING_PLAIN:
        return is_string ? decode_strings : is_boolean ? decode_bits : decode_fixed;
    case QL_PARQUET_ENCODING_RLE:
        return is_boolean ? decode_rle_booleans : NULL;
    case QL_PARQUET_ENCODING_DELTA_BINARY_PACKED:
        return is_integer ? decode_delta : NULL;
    case QL_PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY:
        return is_string ? decode_delta_length : NULL;
    case QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY:
        return is_string || type.type == QL_PARQUET_TYPE_FIXED ? decode_prefixed : NULL;
    case QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT:
        return is_integer || is_float ? decode_split : NULL;
    default:
        return NULL;
    }
}

bool ql_can_decode(int32_t encoding, struct ql_value_type type) {
    return find_decoder(encoding, type) != NULL;
}

const char *ql_decode_values(int32_t encoding, struct ql_value_type type, struct ql_str bytes, size_t n, ql_value_fn *fn,
                             void *ctx) {
    decode_fn *decode = find_decoder(encoding, type);
    return decode != NULL ? decode(type, bytes, n, fn, ctx) : "an encoding that this type does not have";
}
