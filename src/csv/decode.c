/*
 * Bytes as they arrive become UTF-8 text: compression by its magic bytes, then the byte-order mark, then the encoding.
 *
 * The mark decides where no encoding was named; where one was, a mark of another encoding is an error, because one of the two
 * must be wrong. What cannot be decoded (a lone surrogate, a byte that windows-1252 leaves undefined) is passed on as bytes
 * that are no UTF-8: whether that matters is known only where a column is read. UTF-8 itself passes unchanged and unchecked.
 */
#include "csv/csv_internal.h"

#include "base/unicode.h"

#include <inttypes.h>

enum { PIECE_BYTES = 16 * 1024 };

static const struct {
    const char *name;
    enum ql_csv_encoding encoding;
} ENCODINGS[] = {
    {"utf-8", QL_CSV_UTF8},          {"utf8", QL_CSV_UTF8},
    {"utf-16", QL_CSV_UTF16},        {"utf16", QL_CSV_UTF16},
    {"utf-16le", QL_CSV_UTF16LE},    {"utf-16be", QL_CSV_UTF16BE},
    {"latin1", QL_CSV_LATIN1},       {"latin-1", QL_CSV_LATIN1},
    {"iso-8859-1", QL_CSV_LATIN1},   {"windows-1252", QL_CSV_WINDOWS_1252},
    {"cp1252", QL_CSV_WINDOWS_1252},
};

/* 0x80 to 0x9F of windows-1252 (Unicode's table CP1252.TXT); 0: undefined there. */
static const uint16_t WINDOWS_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
};

bool ql_csv_encoding_from_name(struct ql_str name, enum ql_csv_encoding *encoding) {
    if (name.len == 0) {
        *encoding = QL_CSV_BY_MARK;
        return true;
    }
    for (size_t i = 0; i < sizeof ENCODINGS / sizeof ENCODINGS[0]; i++) {
        if (ql_str_eq_nocase(name, ql_str_from(ENCODINGS[i].name))) {
            *encoding = ENCODINGS[i].encoding;
            return true;
        }
    }
    return false;
}

const char *ql_csv_encoding_name(enum ql_csv_encoding encoding) {
    switch (encoding) {
    case QL_CSV_UTF16:
        return "UTF-16";
    case QL_CSV_UTF16LE:
        return "UTF-16LE";
    case QL_CSV_UTF16BE:
        return "UTF-16BE";
    case QL_CSV_LATIN1:
        return "latin1";
    case QL_CSV_WINDOWS_1252:
        return "windows-1252";
    case QL_CSV_BY_MARK:
    case QL_CSV_UTF8:
        break;
    }
    return "UTF-8";
}

const char *ql_csv_decode_encoding_name(const struct ql_csv_decode *decode) {
    return ql_csv_encoding_name(decode->encoding);
}

void ql_csv_decode_begin(struct ql_csv_decode *decode, enum ql_csv_encoding encoding, const struct ql_csv_limits *limits,
                         struct ql_sink out) {
    ql_csv_decode_fini(decode);
    *decode = (struct ql_csv_decode){
        .encoding = encoding, .out = out, .max_bytes = limits->max_decoded_bytes, .max_ratio = limits->max_ratio};
}

void ql_csv_decode_fini(struct ql_csv_decode *decode) {
    ql_decoder_free(decode->decoder);
    ql_buf_fini(&decode->text);
    *decode = (struct ql_csv_decode){0};
}

static enum ql_status put_text(struct ql_csv_decode *decode, const void *ptr, size_t len, struct ql_err *err) {
    if (len == 0) {
        return QL_OK;
    }
    decode->sink_status = decode->out.write(decode->out.ctx, ptr, len, err);
    return decode->sink_status;
}

/* ---- encodings ---- */

static void put_high_surrogate_alone(struct ql_csv_decode *decode) {
    if (decode->high != 0) { /* its three bytes are no UTF-8 */
        const unsigned char bytes[] = {0xED, (unsigned char)(0x80 | (decode->high >> 6 & 0x3F)),
                                       (unsigned char)(0x80 | (decode->high & 0x3F))};
        ql_buf_put(&decode->text, bytes, sizeof bytes);
        decode->high = 0;
    }
}

static void put_utf16_unit(struct ql_csv_decode *decode, uint16_t unit) {
    bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (is_low && decode->high != 0) {
        ql_utf8_put(&decode->text, 0x10000 + ((uint32_t)(decode->high - 0xD800) << 10) + (uint32_t)(unit - 0xDC00));
        decode->high = 0;
        return;
    }
    put_high_surrogate_alone(decode);
    if (is_low || (unit >= 0xD800 && unit <= 0xDBFF)) {
        decode->high = unit;
        if (is_low) {
            put_high_surrogate_alone(decode);
        }
    } else if (unit < 0x80) {
        ql_buf_putc(&decode->text, (char)unit);
    } else {
        ql_utf8_put(&decode->text, unit);
    }
}

static void put_utf16(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len) {
    bool is_big = decode->encoding == QL_CSV_UTF16BE;
    for (size_t i = 0; i < len; i++) {
        if (!decode->has_half) {
            decode->half = bytes[i];
            decode->has_half = true;
            continue;
        }
        unsigned first = decode->half;
        unsigned second = bytes[i];
        decode->has_half = false;
        put_utf16_unit(decode, (uint16_t)(is_big ? first << 8 | second : second << 8 | first));
    }
}

static void put_single_bytes(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = bytes[i];
        if (c < 0x80) {
            size_t run = 1;
            while (i + run < len && bytes[i + run] < 0x80) {
                run++;
            }
            ql_buf_put(&decode->text, bytes + i, run);
            i += run - 1;
        } else if (decode->encoding == QL_CSV_LATIN1 || c >= 0xA0) {
            ql_utf8_put(&decode->text, c);
        } else if (WINDOWS_1252[c - 0x80] != 0) {
            ql_utf8_put(&decode->text, WINDOWS_1252[c - 0x80]);
        } else {
            ql_buf_putc(&decode->text, (char)c); /* a continuation byte without a start: no UTF-8 */
        }
    }
}

/* Text behind the mark. */
static enum ql_status put_encoded(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len, struct ql_err *err) {
    if (decode->encoding == QL_CSV_UTF8) {
        return put_text(decode, bytes, len, err);
    }
    while (len != 0) {
        size_t piece = len < PIECE_BYTES ? len : PIECE_BYTES;
        ql_buf_reset(&decode->text);
        if (decode->encoding == QL_CSV_LATIN1 || decode->encoding == QL_CSV_WINDOWS_1252) {
            put_single_bytes(decode, bytes, piece);
        } else {
            put_utf16(decode, bytes, piece);
        }
        QL_TRY(put_text(decode, decode->text.ptr, decode->text.len, err));
        bytes += piece;
        len -= piece;
    }
    return QL_OK;
}

/* ---- the mark ---- */

static enum ql_csv_encoding read_mark(const unsigned char *bytes, size_t len, size_t *mark_len) {
    *mark_len = 0;
    if (len >= 3 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF) {
        *mark_len = 3;
        return QL_CSV_UTF8;
    }
    if (len >= 2 && ((bytes[0] == 0xFF && bytes[1] == 0xFE) || (bytes[0] == 0xFE && bytes[1] == 0xFF))) {
        *mark_len = 2;
        return bytes[0] == 0xFF ? QL_CSV_UTF16LE : QL_CSV_UTF16BE;
    }
    return QL_CSV_BY_MARK;
}

/* Decides the encoding, and passes on what of the first bytes is no mark. */
static enum ql_status settle_mark(struct ql_csv_decode *decode, struct ql_err *err) {
    size_t mark_len;
    enum ql_csv_encoding marked = read_mark(decode->mark, decode->n_mark, &mark_len);
    enum ql_csv_encoding named = decode->encoding;
    bool is_utf16_settled = named == QL_CSV_UTF16 && (marked == QL_CSV_UTF16LE || marked == QL_CSV_UTF16BE);
    decode->is_mark_known = true;
    if (mark_len == 0) {
        decode->encoding = named == QL_CSV_BY_MARK ? QL_CSV_UTF8 : named == QL_CSV_UTF16 ? QL_CSV_UTF16LE : named;
    } else if (named == QL_CSV_BY_MARK || is_utf16_settled || named == marked) {
        decode->encoding = marked;
        decode->mark_len = marked == QL_CSV_UTF8 ? (int64_t)mark_len : 0;
    } else {
        (void)QL_FAIL(err, QL_E_ENCODING, "the input begins with the byte-order mark of %s, but --encoding says '%s'",
                      ql_csv_encoding_name(marked), ql_csv_encoding_name(named));
        ql_err_hint(err, "leave --encoding out: the mark says what the text is");
        return QL_E_ENCODING;
    }
    return put_encoded(decode, decode->mark + mark_len, decode->n_mark - mark_len, err);
}

static enum ql_status put_marked(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len, struct ql_err *err) {
    while (!decode->is_mark_known && len != 0) {
        decode->mark[decode->n_mark++] = *bytes++;
        len--;
        if (decode->n_mark == sizeof decode->mark) {
            QL_TRY(settle_mark(decode, err));
        }
    }
    return len != 0 ? put_encoded(decode, bytes, len, err) : QL_OK;
}

/* Plain bytes: compression is gone. What is within the limit is passed on, so that the limit is passed at a byte. */
static enum ql_status put_plain(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len, struct ql_err *err) {
    int64_t left = decode->max_bytes - decode->bytes_decoded;
    decode->bytes_decoded += (int64_t)len;
    if ((int64_t)len <= left) {
        return put_marked(decode, bytes, len, err);
    }
    if (left > 0) {
        QL_TRY(put_marked(decode, bytes, (size_t)left, err));
    }
    (void)QL_FAIL(err, QL_E_LIMIT, "the input holds more than %" PRId64 " bytes, the limit of --max-decoded-bytes",
                  decode->max_bytes);
    ql_err_hint(err, "raise --max-decoded-bytes if the data are right");
    return QL_E_LIMIT;
}

/* ---- compression ---- */

static enum ql_status write_plain(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct ql_csv_decode *decode = ctx;
    decode->sink_status = put_plain(decode, ptr, len, err);
    return decode->sink_status;
}

static enum ql_status put_stream(struct ql_csv_decode *decode, const unsigned char *bytes, size_t len, struct ql_err *err) {
    if (decode->stream == QL_STREAM_PLAIN) {
        return put_plain(decode, bytes, len, err);
    }
    enum ql_status status = ql_decoder_feed(decode->decoder, bytes, len, err);
    /* The decoder's own limit, without advice: it is the ratio, because bytes are counted here. */
    if (status == QL_E_LIMIT && decode->sink_status == QL_OK && err != NULL && err->hint[0] == '\0') {
        ql_err_hint(err, "raise --max-ratio if the data are right");
    }
    return status;
}

/* The first bytes say what the stream is. */
static enum ql_status settle_stream(struct ql_csv_decode *decode, struct ql_err *err) {
    decode->is_stream_known = true;
    decode->stream = ql_stream_detect(decode->head, decode->n_head);
    if (decode->stream != QL_STREAM_PLAIN) {
        const struct ql_sink out = {.write = write_plain, .ctx = decode};
        decode->decoder = ql_decoder_new(decode->stream, 0, decode->max_ratio, out);
    }
    return put_stream(decode, decode->head, decode->n_head, err);
}

enum ql_status ql_csv_decode_feed(struct ql_csv_decode *decode, const void *ptr, size_t len, struct ql_err *err) {
    const unsigned char *bytes = ptr;
    decode->bytes_in += (int64_t)len;
    while (!decode->is_stream_known && len != 0) {
        decode->head[decode->n_head++] = *bytes++;
        len--;
        if (decode->n_head == sizeof decode->head) {
            QL_TRY(settle_stream(decode, err));
        }
    }
    return len != 0 ? put_stream(decode, bytes, len, err) : QL_OK;
}

/* Fewer bytes than a magic number has, which can only be the begin of a compressed stream. */
static bool is_cut_magic(const struct ql_csv_decode *decode) {
    static const unsigned char GZIP[] = {0x1f, 0x8b, 0x08};
    static const unsigned char ZSTD[] = {0x28, 0xb5, 0x2f};
    size_t n = decode->n_head;
    return (n >= 1 && memcmp(decode->head, GZIP, n) == 0) || (n >= 2 && memcmp(decode->head, ZSTD, n) == 0);
}

enum ql_status ql_csv_decode_finish(struct ql_csv_decode *decode, struct ql_err *err) {
    if (!decode->is_stream_known) {
        if (is_cut_magic(decode)) {
            return QL_FAIL(err, QL_E_COMPRESSED, "the compressed stream is cut: it ends after %zu bytes", decode->n_head);
        }
        QL_TRY(settle_stream(decode, err));
    }
    if (decode->decoder != NULL) {
        QL_TRY(ql_decoder_finish(decode->decoder, err));
    }
    if (!decode->is_mark_known) {
        QL_TRY(settle_mark(decode, err));
    }
    if (decode->has_half) {
        return QL_FAIL(err, QL_E_TRUNCATED, "the UTF-16 text ends inside a character");
    }
    if (decode->high != 0) {
        ql_buf_reset(&decode->text);
        put_high_surrogate_alone(decode);
        return put_text(decode, decode->text.ptr, decode->text.len, err);
    }
    return QL_OK;
}
