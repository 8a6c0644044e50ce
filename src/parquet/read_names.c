/* The format's numbers in its own words. */
#include "parquet/read.h"

static const char *name_of(const char *const *names, size_t n, int32_t number) {
    return number >= 0 && (size_t)number < n && names[number] != NULL ? names[number] : "?";
}
#define NAME_OF(names, number) name_of((names), sizeof(names) / sizeof(names)[0], (number))

const char *ql_parquet_type_name(int32_t type) {
    static const char *const NAMES[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    return NAME_OF(NAMES, type);
}

const char *ql_parquet_codec_name(int32_t codec) {
    static const char *const NAMES[] = {"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"};
    return NAME_OF(NAMES, codec);
}

const char *ql_parquet_encoding_name(int32_t encoding) {
    static const char *const NAMES[] = {[0] = "PLAIN",
                                        [2] = "PLAIN_DICTIONARY",
                                        [3] = "RLE",
                                        [4] = "BIT_PACKED",
                                        [5] = "DELTA_BINARY_PACKED",
                                        [6] = "DELTA_LENGTH_BYTE_ARRAY",
                                        [7] = "DELTA_BYTE_ARRAY",
                                        [8] = "RLE_DICTIONARY",
                                        [9] = "BYTE_STREAM_SPLIT",
                                        [10] = "ALP"};
    return NAME_OF(NAMES, encoding);
}

static const char *unit_name(enum ql_parquet_unit unit) {
    static const char *const NAMES[] = {"?", "MILLIS", "MICROS", "NANOS"};
    return NAMES[unit];
}

void ql_parquet_put_type(const struct ql_parquet_column *column, struct ql_buf *out) {
    static const char *const NAMES[] = {
        [QL_MEANS_STRING] = "STRING",   [QL_MEANS_ENUM] = "ENUM",         [QL_MEANS_JSON] = "JSON",
        [QL_MEANS_BSON] = "BSON",       [QL_MEANS_UUID] = "UUID",         [QL_MEANS_DATE] = "DATE",
        [QL_MEANS_FLOAT16] = "FLOAT16", [QL_MEANS_INTERVAL] = "INTERVAL", [QL_MEANS_NULL] = "NULL"};
    switch ((int)column->meaning) {
    case QL_MEANS_DECIMAL:
        ql_buf_printf(out, "DECIMAL(%d, %d)", (int)column->precision, (int)column->scale);
        return;
    case QL_MEANS_TIME:
    case QL_MEANS_TIMESTAMP:
        ql_buf_printf(out, "%s(%s, %s)", column->meaning == QL_MEANS_TIME ? "TIME" : "TIMESTAMP", unit_name(column->unit),
                      column->is_utc ? "UTC" : "local");
        return;
    case QL_MEANS_INTEGER:
        ql_buf_printf(out, "%sINT%u", column->is_signed ? "" : "U", (unsigned)column->bit_width);
        return;
    case QL_MEANS_NOTHING:
    case QL_MEANS_OTHER:
        break;
    default:
        ql_buf_puts(out, NAMES[column->meaning]);
        return;
    }
    ql_buf_puts(out, ql_parquet_type_name(column->type));
    if (column->type == QL_PARQUET_TYPE_FIXED) {
        ql_buf_printf(out, "(%d)", (int)column->type_length);
    }
}
