/*
 * Thrift compact protocol (apache/thrift doc/specs/thrift-compact-protocol.md), reading.
 *
 * Types that parquet.thrift does not use (maps, sets, uuids) are gone over like all others, so that a file of a later version
 * of the format is still understood as far as it goes.
 */
#include "parquet/thrift_read.h"

enum { TYPE_I8 = 3, TYPE_I16 = 4, TYPE_DOUBLE = 7, TYPE_SET = 10, TYPE_MAP = 11, TYPE_UUID = 13 };
enum { DEPTH_MAX = 32, UUID_SIZE = 16 };

static const char CUT[] = "it ends in the middle of a value";
static const char WRONG_TYPE[] = "a field has another type than the format says";

void ql_thrift_in_init(struct ql_thrift_in *in, const void *ptr, size_t len) {
    *in = (struct ql_thrift_in){.at = ptr, .end = (const unsigned char *)ptr + len, .depth = 1};
}

void ql_thrift_break(struct ql_thrift_in *in, const char *why) {
    if (in->why == NULL) {
        in->why = why;
        in->is_cut = why == CUT;
    }
    in->at = in->end;
}

static size_t left(const struct ql_thrift_in *in) {
    return (size_t)(in->end - in->at);
}

bool ql_varint_get(const unsigned char **at, const unsigned char *end, uint64_t *value) {
    uint64_t result = 0;
    unsigned shift = 0;
    for (const unsigned char *p = *at; p < end && shift < 64; p++, shift += 7) {
        uint64_t bits = *p & 0x7f;
        if (shift == 63 && bits > 1) {
            return false;
        }
        result |= bits << shift;
        if (*p < 0x80) {
            *at = p + 1;
            *value = result;
            return true;
        }
    }
    return false;
}

static uint64_t get_varint(struct ql_thrift_in *in) {
    uint64_t value = 0;
    if (!ql_varint_get(&in->at, in->end, &value)) {
        ql_thrift_break(in, left(in) < 10 ? CUT : "a number is longer than 64 bits");
        return 0;
    }
    return value;
}

static unsigned get_byte(struct ql_thrift_in *in) {
    if (left(in) == 0) {
        ql_thrift_break(in, CUT);
        return 0;
    }
    return *in->at++;
}

bool ql_thrift_next(struct ql_thrift_in *in, struct ql_thrift_field *field) {
    unsigned head = get_byte(in);
    if (head == 0) { /* the end of the struct, or nothing because it is broken */
        in->depth--;
        return false;
    }
    unsigned delta = head >> 4;
    int64_t id = delta != 0 ? field->id + (int64_t)delta : ql_zigzag(get_varint(in));
    if (id < INT16_MIN || id > INT16_MAX) {
        ql_thrift_break(in, "a field has an impossible number");
    }
    field->id = (int)id;
    field->type = (int)(head & 15);
    field->is_element = false;
    return in->why == NULL;
}

bool ql_thrift_get_bool(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != QL_THRIFT_TRUE && field->type != QL_THRIFT_FALSE) {
        ql_thrift_break(in, WRONG_TYPE);
        return false;
    }
    unsigned value = field->is_element ? get_byte(in) : (unsigned)field->type;
    if (value > QL_THRIFT_FALSE) { /* 0 stands for false in lists of some writers, as an earlier specification had it */
        ql_thrift_break(in, "a bool is neither true nor false");
    }
    return value == QL_THRIFT_TRUE;
}

/* The type must be the format's own: generated readers go over a field of any other, as if it were not there. */
int64_t ql_thrift_get_i64(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != QL_THRIFT_I64) {
        ql_thrift_break(in, WRONG_TYPE);
        return 0;
    }
    return ql_zigzag(get_varint(in));
}

int32_t ql_thrift_get_i32(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != QL_THRIFT_I32) {
        ql_thrift_break(in, WRONG_TYPE);
        return 0;
    }
    int64_t value = ql_zigzag(get_varint(in));
    if (value < INT32_MIN || value > INT32_MAX) {
        ql_thrift_break(in, "a number does not fit 32 bits");
        return 0;
    }
    return (int32_t)value;
}

int8_t ql_thrift_get_i8(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != TYPE_I8) {
        ql_thrift_break(in, WRONG_TYPE);
        return 0;
    }
    return (int8_t)get_byte(in);
}

static struct ql_str take(struct ql_thrift_in *in, uint64_t len) {
    if (len > left(in)) {
        ql_thrift_break(in, CUT);
        return QL_STR("");
    }
    struct ql_str bytes = {.ptr = (const char *)in->at, .len = (size_t)len};
    in->at += len;
    return bytes;
}

struct ql_str ql_thrift_get_binary(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != QL_THRIFT_BINARY) {
        ql_thrift_break(in, WRONG_TYPE);
        return QL_STR("");
    }
    return take(in, get_varint(in));
}

size_t ql_thrift_get_list(struct ql_thrift_in *in, const struct ql_thrift_field *field, struct ql_thrift_field *element) {
    if (field->type != QL_THRIFT_LIST && field->type != TYPE_SET) {
        ql_thrift_break(in, WRONG_TYPE);
        return 0;
    }
    unsigned head = get_byte(in);
    uint64_t n = head >> 4;
    n = n == 15 ? get_varint(in) : n;
    *element = (struct ql_thrift_field){.type = (int)(head & 15), .is_element = true};
    if (n > left(in)) { /* no element takes less than a byte */
        ql_thrift_break(in, CUT);
        return 0;
    }
    return (size_t)n;
}

void ql_thrift_enter(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    if (field->type != QL_THRIFT_STRUCT) {
        ql_thrift_break(in, WRONG_TYPE);
    } else if (in->depth >= DEPTH_MAX) {
        ql_thrift_break(in, "it is nested too deeply");
    }
    in->depth++; /* also when broken: the caller's loop ends at once and takes it back */
}

static void skip_map(struct ql_thrift_in *in);

static void skip_struct(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    struct ql_thrift_field inner = {0};
    ql_thrift_enter(in, field);
    while (ql_thrift_next(in, &inner)) {
        ql_thrift_skip(in, &inner);
    }
}

static void skip_list(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    struct ql_thrift_field element;
    if (++in->depth > DEPTH_MAX) {
        ql_thrift_break(in, "it is nested too deeply");
    }
    for (size_t n = ql_thrift_get_list(in, field, &element); n != 0 && in->why == NULL; n--) {
        ql_thrift_skip(in, &element);
    }
    in->depth--;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded by DEPTH_MAX */
void ql_thrift_skip(struct ql_thrift_in *in, const struct ql_thrift_field *field) {
    switch (field->type) {
    case QL_THRIFT_TRUE:
    case QL_THRIFT_FALSE:
        (void)ql_thrift_get_bool(in, field);
        return;
    case TYPE_I8:
        (void)get_byte(in);
        return;
    case TYPE_I16:
    case QL_THRIFT_I32:
    case QL_THRIFT_I64:
        (void)get_varint(in);
        return;
    case TYPE_DOUBLE:
        (void)take(in, sizeof(double));
        return;
    case QL_THRIFT_BINARY:
        (void)ql_thrift_get_binary(in, field);
        return;
    case QL_THRIFT_LIST:
    case TYPE_SET:
        skip_list(in, field);
        return;
    case TYPE_MAP:
        skip_map(in);
        return;
    case QL_THRIFT_STRUCT:
        skip_struct(in, field);
        return;
    case TYPE_UUID:
        (void)take(in, UUID_SIZE);
        return;
    default:
        ql_thrift_break(in, "a field has a type that does not exist");
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): as above */
static void skip_map(struct ql_thrift_in *in) {
    uint64_t n = get_varint(in);
    if (n == 0) {
        return;
    }
    unsigned types = get_byte(in);
    const struct ql_thrift_field key = {.type = (int)(types >> 4), .is_element = true};
    const struct ql_thrift_field value = {.type = (int)(types & 15), .is_element = true};
    if (++in->depth > DEPTH_MAX) {
        ql_thrift_break(in, "it is nested too deeply");
    }
    for (; n != 0 && in->why == NULL; n--) {
        ql_thrift_skip(in, &key);
        ql_thrift_skip(in, &value);
    }
    in->depth--;
}
