/*
 * The pages of one chunk, front to back: header, CRC, decompression, levels, values; and at the end what the chunk claims of
 * all of them.
 *
 * Memory: a page as stored and as decompressed, and the dictionary. Values are looked at and forgotten.
 */
#include "inspect/verify_internal.h"

#include "parquet/decode.h"
#include "parquet/page_header.h"

#include <inttypes.h>

enum {
    PAGE_SIZE_MAX = 512 * 1024 * 1024,
    HEADER_SIZE_FIRST = 4096, /* headers have some 30 bytes; those with statistics more */
    HEADER_SIZE_MAX = 16 * 1024 * 1024
};

struct dictionary {
    bool is_there;
    struct ql_buf payload;
    struct ql_str *entries; /* views of payload */
    size_t *n_uses;         /* of each */
    bool is_ascending;
    size_t n, entries_cap;
};

struct chunk_check {
    struct ql_verifier *verifier;
    const struct ql_parquet_group *group;
    const struct ql_parquet_chunk *chunk;
    const struct ql_parquet_column *column;
    struct ql_value_type type;
    struct dictionary dictionary;
    struct ql_verify_index index;
    struct ql_value_range page, all;
    struct ql_buf payload;
    int64_t n_pages; /* data pages */
    int64_t n_values, n_nulls, n_rows, raw;
    const char *why; /* what a value was that cannot be */
};

static void fini(struct chunk_check *check) {
    ql_buf_fini(&check->dictionary.payload);
    ql_mem_free(check->dictionary.entries);
    ql_mem_free(check->dictionary.n_uses);
    ql_value_range_fini(&check->page);
    ql_value_range_fini(&check->all);
    ql_buf_fini(&check->payload);
}

static enum ql_status fail_unsupported(struct chunk_check *check, struct ql_err *err, const char *what, const char *name) {
    check->verifier->is_unsupported = true;
    return QL_FAIL(err, QL_E_DATA, "%s %s is not decoded by queuelake, so its values cannot be verified", what, name);
}

static bool is_dictionary_encoding(int32_t encoding) {
    return encoding == QL_PARQUET_ENCODING_PLAIN_DICTIONARY || encoding == QL_PARQUET_ENCODING_RLE_DICTIONARY;
}

/* ---- payload ---- */

static enum ql_status find_codec(struct chunk_check *check, enum ql_codec *codec, struct ql_err *err) {
    switch (check->chunk->codec) {
    case QL_PARQUET_CODEC_UNCOMPRESSED:
        *codec = QL_CODEC_NONE;
        return QL_OK;
    case QL_PARQUET_CODEC_SNAPPY:
        *codec = QL_CODEC_SNAPPY;
        return QL_OK;
    case QL_PARQUET_CODEC_ZSTD:
        *codec = QL_CODEC_ZSTD;
        return QL_OK;
    default:
        return fail_unsupported(check, err, "the codec", ql_parquet_codec_name(check->chunk->codec));
    }
}

/* The page as it was before compression. Levels of a v2 page are not compressed. */
static enum ql_status unpack(struct chunk_check *check, const struct ql_page_header *header, struct ql_str stored,
                             struct ql_buf *out, struct ql_err *err) {
    enum ql_codec codec = QL_CODEC_NONE;
    size_t bare = header->is_v2 ? (size_t)header->def_len + (size_t)header->rep_len : 0;
    size_t raw_size = (size_t)header->raw_size;
    QL_TRY(find_codec(check, &codec, err));
    if (bare > stored.len || bare > raw_size) {
        return QL_FAIL(err, QL_E_DATA, "its levels are longer than the page");
    }
    if (header->is_v2 && (!header->is_compressed || (bare == stored.len && bare == raw_size))) {
        codec = QL_CODEC_NONE;
    }
    ql_buf_reset(out);
    (void)ql_buf_reserve(out, raw_size + 1);
    memcpy(out->ptr, stored.ptr, bare);
    QL_TRY(ql_decompressor_run(check->verifier->decompressor, codec, stored.ptr + bare, stored.len - bare, out->ptr + bare,
                               raw_size - bare, err));
    out->len = raw_size;
    return QL_OK;
}

/* ---- dictionary ---- */

static bool is_behind(const struct chunk_check *check, size_t entry) {
    struct ql_str last = check->dictionary.entries[entry - 1];
    struct ql_str value = check->dictionary.entries[entry];
    return !ql_str_eq(last, value) && ql_value_cmp(check->column, last, value) <= 0;
}

static void take_entry(void *ctx, struct ql_str value, size_t repeat) {
    struct chunk_check *check = ctx;
    struct dictionary *dictionary = &check->dictionary;
    (void)repeat; /* 1: PLAIN */
    QL_MEM_GROW(dictionary->entries, dictionary->entries_cap, dictionary->n + 1);
    dictionary->entries[dictionary->n++] = value;
    if (check->verifier->is_ours && dictionary->n > 1) {
        dictionary->is_ascending = dictionary->is_ascending && is_behind(check, dictionary->n - 1);
    }
}

static enum ql_status check_dictionary(struct chunk_check *check, const struct ql_page_header *header, struct ql_str stored,
                                       struct ql_err *err) {
    struct dictionary *dictionary = &check->dictionary;
    if (dictionary->is_there || check->n_pages != 0) {
        return QL_FAIL(err, QL_E_DATA, "a dictionary page is not the chunk's first and only one");
    }
    bool is_plain = header->encoding == QL_PARQUET_ENCODING_PLAIN && !check->verifier->is_ours;
    if (!is_plain && header->encoding != QL_PARQUET_ENCODING_PLAIN_DICTIONARY) {
        return QL_FAIL(err, QL_E_DATA, "the dictionary is encoded as %s", ql_parquet_encoding_name(header->encoding));
    }
    if (check->column->type == QL_PARQUET_TYPE_BOOLEAN) {
        return QL_FAIL(err, QL_E_DATA, "a BOOLEAN column has a dictionary");
    }
    dictionary->is_there = true;
    dictionary->is_ascending = true;
    QL_TRY(unpack(check, header, stored, &dictionary->payload, err));
    const char *why = ql_decode_values(QL_PARQUET_ENCODING_PLAIN, check->type, ql_buf_view(&dictionary->payload),
                                       (size_t)header->n_values, take_entry, check);
    if (why != NULL) {
        return QL_FAIL(err, QL_E_DATA, "the dictionary cannot be read: %s", why);
    }
    dictionary->n_uses = ql_mem_zalloc(dictionary->n, sizeof *dictionary->n_uses);
    return QL_OK;
}

static bool are_all_used(const struct chunk_check *check) {
    const struct dictionary *dictionary = &check->dictionary;
    size_t n_used = 0;
    for (size_t i = 0; i < dictionary->n; i++) {
        n_used += dictionary->n_uses[i] != 0;
    }
    bool stands_in_for_none = dictionary->n == 1 && check->all.n == 0;
    return stands_in_for_none || n_used == dictionary->n;
}

/* The order of entries that queuelake knows beside the ascending one: of numbers under zstd, the frequent ones first. */
static bool is_by_frequency(const struct chunk_check *check) {
    const struct dictionary *dictionary = &check->dictionary;
    bool may_be = check->chunk->codec == QL_PARQUET_CODEC_ZSTD && check->column->type != QL_PARQUET_TYPE_BYTE_ARRAY;
    for (size_t i = 1; i < dictionary->n && may_be; i++) {
        may_be = dictionary->n_uses[i] < dictionary->n_uses[i - 1] ||
                 (dictionary->n_uses[i] == dictionary->n_uses[i - 1] && is_behind(check, i));
    }
    return may_be;
}

/* ---- data pages ---- */

/* How many levels there are of a kind. */
struct levels {
    uint32_t max;
    size_t n_at_max, n_zero;
    bool is_too_high;
};

static void take_level(void *ctx, uint32_t level, size_t repeat) {
    struct levels *levels = ctx;
    levels->n_at_max += level == levels->max ? repeat : 0;
    levels->n_zero += level == 0 ? repeat : 0;
    levels->is_too_high = levels->is_too_high || level > levels->max;
}

static unsigned width_of(uint32_t max) {
    return max == 0 ? 0 : 32U - (unsigned)__builtin_clz(max);
}

static enum ql_status count_levels(struct ql_str bytes, size_t n, struct levels *levels, struct ql_err *err) {
    size_t rest = 0;
    const char *why = ql_rle_get(bytes, width_of(levels->max), n, take_level, levels, &rest);
    if (why == NULL && (levels->is_too_high || rest != 0)) {
        why = rest != 0 ? "bytes stand behind the last one" : "one is higher than the schema allows";
    }
    return why == NULL ? QL_OK : QL_FAIL(err, QL_E_DATA, "its levels cannot be read: %s", why);
}

/* The next levels of the payload: behind their length in v1, of a length that the header states in v2. */
static enum ql_status take_levels(const struct ql_page_header *header, int32_t v2_len, size_t n, struct levels *levels,
                                  struct ql_str *rest, struct ql_err *err) {
    enum { LENGTH_SIZE = 4 };
    size_t len = (size_t)v2_len;
    if (levels->max == 0) {
        if (header->is_v2 && len != 0) {
            return QL_FAIL(err, QL_E_DATA, "it has levels where the schema knows none");
        }
        levels->n_at_max = levels->n_zero = n;
        return QL_OK;
    }
    if (!header->is_v2) {
        uint32_t stated = 0;
        if (rest->len < LENGTH_SIZE) {
            return QL_FAIL(err, QL_E_DATA, "it ends before its levels");
        }
        memcpy(&stated, rest->ptr, sizeof stated);
        len = stated;
        rest->ptr += LENGTH_SIZE;
        rest->len -= LENGTH_SIZE;
    }
    if (len > rest->len) {
        return QL_FAIL(err, QL_E_DATA, "its levels are longer than the page");
    }
    QL_TRY(count_levels((struct ql_str){.ptr = rest->ptr, .len = len}, n, levels, err));
    rest->ptr += len;
    rest->len -= len;
    return QL_OK;
}

static void take_value(void *ctx, struct ql_str value, size_t repeat) {
    struct chunk_check *check = ctx;
    ql_value_range_add(&check->page, value, repeat);
}

static void take_index(void *ctx, uint32_t index, size_t repeat) {
    struct chunk_check *check = ctx;
    struct dictionary *dictionary = &check->dictionary;
    if (index >= dictionary->n) {
        check->why = "an index is beyond the dictionary";
        return;
    }
    dictionary->n_uses[index] += repeat;
    ql_value_range_add(&check->page, dictionary->entries[index], repeat);
}

static const char *decode_indices(struct chunk_check *check, struct ql_str bytes, size_t n) {
    size_t rest = 0;
    if (!check->dictionary.is_there) {
        return "there is no dictionary for its indices";
    }
    if (n == 0) {
        return check->verifier->is_ours && bytes.len != 1 ? "bytes stand where there is no index" : NULL;
    }
    if (bytes.len == 0) {
        return "its indices are missing";
    }
    struct ql_str runs = {.ptr = bytes.ptr + 1, .len = bytes.len - 1};
    const char *why = ql_rle_get(runs, (unsigned char)bytes.ptr[0], n, take_index, check, &rest);
    why = why != NULL ? why : check->why;
    return why == NULL && rest != 0 && check->verifier->is_ours ? "bytes stand behind the last index" : why;
}

static enum ql_status check_values(struct chunk_check *check, int32_t encoding, struct ql_str bytes, size_t n,
                                   struct ql_err *err) {
    const char *why;
    if (is_dictionary_encoding(encoding)) {
        why = decode_indices(check, bytes, n);
    } else if (ql_can_decode(encoding, check->type)) {
        why = ql_decode_values(encoding, check->type, bytes, n, take_value, check);
    } else {
        return fail_unsupported(check, err, "the encoding", ql_parquet_encoding_name(encoding));
    }
    return why == NULL ? QL_OK
                       : QL_FAIL(err, QL_E_DATA, "its values (%s) cannot be read: %s", ql_parquet_encoding_name(encoding), why);
}

static enum ql_status check_header(struct chunk_check *check, const struct ql_page_header *header, struct ql_err *err) {
    bool is_mentioned = header->encoding >= 0 && header->encoding <= QL_PARQUET_ENCODING_MAX &&
                        (check->chunk->encodings >> header->encoding & 1) != 0;
    if (!is_mentioned) {
        return QL_FAIL(err, QL_E_DATA, "its encoding %s (%d) is none that the footer mentions",
                       ql_parquet_encoding_name(header->encoding), (int)header->encoding);
    }
    if (header->is_v2) {
        return QL_OK;
    }
    bool is_old = (check->column->max_def != 0 && header->def_encoding == QL_PARQUET_ENCODING_BIT_PACKED) ||
                  (check->column->max_rep != 0 && header->rep_encoding == QL_PARQUET_ENCODING_BIT_PACKED);
    if (is_old) {
        return fail_unsupported(check, err, "the encoding of levels", "BIT_PACKED");
    }
    bool is_rle = (check->column->max_def == 0 || header->def_encoding == QL_PARQUET_ENCODING_RLE) &&
                  (check->column->max_rep == 0 || header->rep_encoding == QL_PARQUET_ENCODING_RLE);
    bool is_as_ours = header->def_encoding == QL_PARQUET_ENCODING_RLE && header->rep_encoding == QL_PARQUET_ENCODING_RLE;
    return is_rle && (!check->verifier->is_ours || is_as_ours)
               ? QL_OK
               : QL_FAIL(err, QL_E_DATA, "its levels are encoded in no way that there is");
}

static enum ql_status note_page(struct chunk_check *check, const struct ql_page_header *header, int64_t offset, size_t n_rows,
                                size_t n_nulls, struct ql_err *err) {
    const struct ql_verified_page page = {.ordinal = check->n_pages,
                                          .offset = offset,
                                          .stored = (int64_t)header->len + header->stored_size,
                                          .first_row = check->n_rows,
                                          .n_nulls = (int64_t)n_nulls,
                                          .values = &check->page};
    const char *why = ql_verify_index_check_page(check->verifier, &check->index, &page);
    if (why != NULL) {
        return QL_FAIL(err, QL_E_DATA, "%s", why);
    }
    ql_value_range_merge(&check->all, &check->page);
    check->n_pages++;
    check->n_values += header->n_values;
    check->n_nulls += (int64_t)n_nulls;
    check->n_rows += (int64_t)n_rows;
    return QL_OK;
}

static enum ql_status check_data(struct chunk_check *check, const struct ql_page_header *header, struct ql_str stored,
                                 int64_t offset, struct ql_err *err) {
    struct levels rep = {.max = check->column->max_rep};
    struct levels def = {.max = check->column->max_def};
    size_t n = (size_t)header->n_values;
    QL_TRY(check_header(check, header, err));
    QL_TRY(unpack(check, header, stored, &check->payload, err));
    struct ql_str rest = ql_buf_view(&check->payload);
    QL_TRY(take_levels(header, header->rep_len, n, &rep, &rest, err));
    QL_TRY(take_levels(header, header->def_len, n, &def, &rest, err));
    size_t n_nulls = n - def.n_at_max;
    size_t n_rows = check->column->max_rep == 0 ? n : rep.n_zero;
    if (header->is_v2 && ((size_t)header->n_nulls != n_nulls || (size_t)header->n_rows != n_rows)) {
        return QL_FAIL(err, QL_E_DATA, "its header states %d NULLs and %d rows, its levels %zu and %zu", (int)header->n_nulls,
                       (int)header->n_rows, n_nulls, n_rows);
    }
    ql_value_range_reset(&check->page, check->column);
    QL_TRY(check_values(check, header->encoding, rest, def.n_at_max, err));
    return note_page(check, header, offset, n_rows, n_nulls, err);
}

/* ---- pages, one after the other ---- */

static enum ql_status read_header(struct chunk_check *check, int64_t offset, int64_t end, struct ql_page_header *header,
                                  struct ql_err *err) {
    const char *why = NULL;
    for (int64_t size = HEADER_SIZE_FIRST;; size *= 16) {
        int64_t len = size < end - offset ? size : end - offset;
        struct ql_str bytes = {0};
        QL_TRY(ql_verify_window_get(&check->verifier->window, offset, (size_t)len, &bytes, err));
        enum ql_page_header_result result = ql_page_header_read(bytes, header, &why);
        if (result == QL_PAGE_HEADER_OK) {
            return QL_OK;
        }
        if (result == QL_PAGE_HEADER_BROKEN || len == end - offset || size >= HEADER_SIZE_MAX) {
            return QL_FAIL(err, QL_E_DATA, "the page header cannot be read: %s", why);
        }
    }
}

static enum ql_status check_crc(struct chunk_check *check, const struct ql_page_header *header, struct ql_str stored,
                                struct ql_err *err) {
    if (!header->has_crc) {
        check->verifier->report->n_pages_without_crc++;
        return check->verifier->is_ours ? QL_FAIL(err, QL_E_DATA, "the page has no CRC") : QL_OK;
    }
    uint32_t crc = ql_crc32(0, stored.ptr, stored.len);
    return crc == header->crc ? QL_OK
                              : QL_FAIL(err, QL_E_DATA, "the CRC of the page is %08" PRIx32 ", its header states %08" PRIx32,
                                        crc, header->crc);
}

static enum ql_status check_page(struct chunk_check *check, int64_t offset, int64_t end, int64_t *next, struct ql_err *err) {
    struct ql_page_header header;
    struct ql_str stored = {0};
    QL_TRY(read_header(check, offset, end, &header, err));
    int64_t begin = offset + (int64_t)header.len;
    if (header.stored_size > end - begin) {
        return QL_FAIL(err, QL_E_DATA, "the page of %d bytes reaches beyond its chunk", (int)header.stored_size);
    }
    if (header.stored_size > PAGE_SIZE_MAX || header.raw_size > PAGE_SIZE_MAX) {
        return fail_unsupported(check, err, "a page of", "more than 512 MiB");
    }
    QL_TRY(ql_verify_window_get(&check->verifier->window, begin, (size_t)header.stored_size, &stored, err));
    QL_TRY(check_crc(check, &header, stored, err));
    if (header.type == QL_PARQUET_PAGE_DICTIONARY) {
        QL_TRY(check_dictionary(check, &header, stored, err));
    } else if (header.type == QL_PARQUET_PAGE_DATA || header.type == QL_PARQUET_PAGE_DATA_V2) {
        QL_TRY(check_data(check, &header, stored, offset, err));
    }
    check->verifier->report->n_pages++;
    check->raw += (int64_t)header.len + header.raw_size;
    *next = begin + header.stored_size;
    return QL_OK;
}

/* ---- the chunk's claims ---- */

static enum ql_status check_counts(const struct chunk_check *check, struct ql_err *err) {
    const struct ql_parquet_chunk *chunk = check->chunk;
    const struct ql_parquet_statistics *statistics = &chunk->statistics;
    if (check->n_values != chunk->n_values) {
        return QL_FAIL(err, QL_E_DATA, "its pages have %" PRId64 " values, the footer says %" PRId64, check->n_values,
                       chunk->n_values);
    }
    if (check->n_rows != check->group->n_rows) {
        return QL_FAIL(err, QL_E_DATA, "its pages have %" PRId64 " rows, its row group %" PRId64, check->n_rows,
                       check->group->n_rows);
    }
    if (statistics->null_count >= 0 && statistics->null_count != check->n_nulls) {
        return QL_FAIL(err, QL_E_DATA, "its pages have %" PRId64 " NULLs, the footer says %" PRId64, check->n_nulls,
                       statistics->null_count);
    }
    if (statistics->nan_count >= 0 && statistics->nan_count != check->all.n_nan) {
        return QL_FAIL(err, QL_E_DATA, "its pages have %" PRId64 " NaNs, the footer says %" PRId64, check->all.n_nan,
                       statistics->nan_count);
    }
    const char *why = ql_value_range_check(&check->all, statistics->min, statistics->max, check->verifier->is_ours);
    return why == NULL ? QL_OK : QL_FAIL(err, QL_E_DATA, "the footer's statistics are wrong: %s", why);
}

/* What only a file of ours promises. */
static enum ql_status check_promises(const struct chunk_check *check, struct ql_err *err) {
    const struct ql_parquet_chunk *chunk = check->chunk;
    if (check->raw != chunk->raw) {
        return QL_FAIL(err, QL_E_DATA, "its pages have %" PRId64 " bytes before compression, the footer says %" PRId64,
                       check->raw, chunk->raw);
    }
    if (check->dictionary.is_there && !are_all_used(check)) {
        return QL_FAIL(err, QL_E_DATA, "its dictionary has entries that nothing uses");
    }
    if (check->dictionary.is_there && !check->dictionary.is_ascending && !is_by_frequency(check)) {
        return QL_FAIL(err, QL_E_DATA, "its dictionary is in no order of queuelake's");
    }
    if (chunk->statistics.null_count < 0) {
        return QL_FAIL(err, QL_E_DATA, "the footer does not count its NULLs");
    }
    bool has_dictionary = chunk->dictionary_offset >= 0;
    return check->dictionary.is_there == has_dictionary
               ? QL_OK
               : QL_FAIL(err, QL_E_DATA, "the footer is wrong on whether it has a dictionary");
}

static enum ql_status check_pages(struct chunk_check *check, int64_t *page, int64_t *offset, struct ql_err *err) {
    const struct ql_verifier *verifier = check->verifier;
    int64_t end = check->chunk->offset + check->chunk->stored;
    QL_TRY(ql_verify_index_load(check->verifier, check->chunk, &check->index, err));
    bool has_met_data = false;
    for (*page = 0, *offset = check->chunk->offset; *offset < end; (*page)++) {
        if (verifier->is_cancelled != NULL && *verifier->is_cancelled != 0) {
            return QL_FAIL(err, QL_E_CANCELLED, "stopped by a signal");
        }
        int64_t next = 0;
        int64_t n_pages = check->n_pages;
        QL_TRY(check_page(check, *offset, end, &next, err));
        if (verifier->is_ours && check->n_pages != n_pages && !has_met_data && *offset != check->chunk->data_offset) {
            return QL_FAIL(err, QL_E_DATA, "the footer says that its data begin at byte %" PRId64, check->chunk->data_offset);
        }
        has_met_data = has_met_data || check->n_pages != n_pages;
        *offset = next;
    }
    *page = -1;
    *offset = check->chunk->offset;
    QL_TRY(check_counts(check, err));
    const char *why = ql_verify_index_check_end(&check->index, check->column, check->n_pages);
    if (why != NULL) {
        return QL_FAIL(err, QL_E_DATA, "%s", why);
    }
    return verifier->is_ours ? check_promises(check, err) : QL_OK;
}

enum ql_status ql_verify_chunk(struct ql_verifier *verifier, const struct ql_parquet_group *group, size_t column, int64_t *page,
                               int64_t *offset, struct ql_err *err) {
    const struct ql_parquet_column *definition = &verifier->file->columns[column];
    struct chunk_check check = {.verifier = verifier,
                                .group = group,
                                .chunk = &group->chunks[column],
                                .column = definition,
                                .type = {.type = definition->type, .type_length = definition->type_length}};
    ql_value_range_reset(&check.all, definition);
    *page = -1;
    *offset = check.chunk->offset;
    enum ql_status status = check_pages(&check, page, offset, err);
    verifier->report->n_values += check.n_values;
    verifier->report->n_nulls += check.n_nulls;
    fini(&check);
    return status;
}
