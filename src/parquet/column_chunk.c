/*
 * Choosing and cutting.
 *
 * The choice is made before the first page of the file's first chunk of a column is written, because the values are here. Raw
 * sizes decide where they differ clearly: PLAIN is all values; a dictionary is its entries and ceil(log2 entries) bits a value.
 * Between, only the codec knows (PLAIN doubles shrink to 0.64 under Snappy, packed indices not at all), so both are encoded and
 * the smaller is kept: 1 call more for a column of a file. The limits of "between" are wider for small chunks, where a trial
 * costs nothing and a header counts.
 *
 * The codec is that of the settings for every column: leaving small pages uncompressed where Snappy gains nothing was measured
 * and does not make a wide file smaller (48 rows, 1203 columns: 430,530 bytes against 430,221 without it).
 *
 * Pages end at 64 Ki rows (512 KiB of numbers) or at 1 MiB of strings: Trino's zstd refuses windows above 8 MiB, BigQuery asks
 * for pages below 1 MiB, and page sizes from 16 to 256 Ki rows come out within 1 % of each other.
 */
#include "parquet/column_chunk.h"

#include "parquet/page_index.h"
#include "parquet/rle.h"

enum {
    PAGE_ROWS_MAX = 64 * 1024,
    PAGE_TEXT_BYTES_MAX = 1024 * 1024,
    DICTIONARY_BYTES_MAX = 16 * 1024 * 1024, /* readers hold it whole; 5 MB are known to be read by all */
    SMALL_ROWS = 4096,
    DICTIONARY_OVERHEAD = 24 /* header of the dictionary page and its offset in the footer */
};

struct ql_chunk_encoder {
    size_t page_rows_max;
    struct ql_compressor *compressor; /* NULL: codec NONE */
    struct ql_chunk_values values;
    struct ql_chunk_dictionary dictionary;
    struct ql_page_maker maker;
    struct ql_column_chunk trial; /* the form that was tried and may win */
};

struct ql_chunk_encoder *ql_chunk_encoder_new(enum ql_codec codec, int level, size_t page_rows_max) {
    struct ql_chunk_encoder *encoder = ql_mem_zalloc(1, sizeof *encoder);
    encoder->page_rows_max = page_rows_max != 0 ? page_rows_max : PAGE_ROWS_MAX;
    encoder->compressor = codec != QL_CODEC_NONE ? ql_compressor_new(codec, level) : NULL;
    return encoder;
}

void ql_chunk_encoder_free(struct ql_chunk_encoder *encoder) {
    if (encoder == NULL) {
        return;
    }
    ql_compressor_free(encoder->compressor);
    ql_chunk_values_fini(&encoder->values);
    ql_chunk_dictionary_fini(&encoder->dictionary);
    ql_page_maker_fini(&encoder->maker);
    ql_column_chunk_fini(&encoder->trial);
    ql_mem_free(encoder);
}

void ql_column_chunk_fini(struct ql_column_chunk *chunk) {
    ql_buf_fini(&chunk->bytes);
    ql_buf_fini(&chunk->column_index);
    ql_mem_free(chunk->pages);
    ql_arena_fini(&chunk->arena);
    *chunk = (struct ql_column_chunk){0};
}

/* The page that begins at `at`: as many rows as both limits allow, at least one. */
static struct ql_page_span cut_page(const struct ql_chunk_encoder *encoder, bool has_dictionary, struct ql_page_span at) {
    const struct ql_chunk_values *values = &encoder->values;
    size_t left = values->n_rows - at.row;
    size_t n_rows = left < encoder->page_rows_max ? left : encoder->page_rows_max;
    bool is_counted = values->type == QL_COLUMN_STRING && !has_dictionary;
    if (values->is_valid == NULL && !is_counted) {
        at.n_rows = at.n_values = n_rows;
        return at;
    }
    size_t bytes = 0;
    for (at.n_rows = at.n_values = 0; at.n_rows < n_rows; at.n_rows++) {
        if (values->is_valid != NULL && values->is_valid[at.row + at.n_rows] == 0) {
            continue;
        }
        if (is_counted) {
            bytes += ql_chunk_values_plain_bytes(values, at.value + at.n_values, at.value + at.n_values + 1);
            if (bytes > PAGE_TEXT_BYTES_MAX && at.n_values != 0) {
                break;
            }
        }
        at.n_values++;
    }
    return at;
}

static enum ql_status put_page(struct ql_chunk_encoder *encoder, struct ql_column_chunk *chunk, struct ql_page_span span,
                               struct ql_err *err) {
    struct ql_page_size size;
    size_t offset = chunk->bytes.len;
    QL_TRY(ql_page_put_data(&encoder->maker, span, &size, err));
    chunk->raw_bytes += size.raw;
    QL_MEM_GROW(chunk->pages, chunk->pages_cap, chunk->n_pages + 1);
    chunk->pages[chunk->n_pages++] = (struct ql_chunk_page){
        .span = span,
        .offset = offset,
        .stored = size.stored,
        .range = ql_range_of(&encoder->values, encoder->maker.dictionary, span.value, span.value + span.n_values),
    };
    return QL_OK;
}

/* Encodes the loaded values. */
static enum ql_status encode(struct ql_chunk_encoder *encoder, bool has_dictionary, struct ql_column_chunk *chunk,
                             struct ql_err *err) {
    chunk->has_dictionary = has_dictionary;
    chunk->raw_bytes = chunk->dictionary_size = chunk->n_pages = 0;
    ql_buf_reset(&chunk->bytes);
    struct ql_page_maker *maker = &encoder->maker;
    maker->compressor = encoder->compressor;
    maker->values = &encoder->values;
    maker->dictionary = has_dictionary ? &encoder->dictionary : NULL;
    maker->out = &chunk->bytes;
    if (has_dictionary) {
        struct ql_page_size size;
        QL_TRY(ql_page_put_dictionary(maker, &size, err));
        chunk->dictionary_size = size.stored;
        chunk->raw_bytes = size.raw;
    }
    struct ql_page_span span = {0};
    while (span.row < encoder->values.n_rows) {
        span = cut_page(encoder, has_dictionary, span);
        QL_TRY(put_page(encoder, chunk, span, err));
        span.row += span.n_rows;
        span.value += span.n_values;
    }
    return QL_OK;
}

enum verdict { PLAIN, DICTIONARY, TRIAL };

/* By raw sizes alone; builds the dictionary where it may be needed. */
static enum verdict judge_by_size(struct ql_chunk_encoder *encoder) {
    const struct ql_chunk_values *values = &encoder->values;
    if (values->n == 0) {
        /* Nothing to judge by. Strings and counts repeat in later groups; doubles often do not. */
        return ql_chunk_dictionary_build(&encoder->dictionary, values, SIZE_MAX) && values->type != QL_COLUMN_DOUBLE
                   ? DICTIONARY
                   : PLAIN;
    }
    size_t plain = ql_chunk_values_plain_bytes(values, 0, values->n);
    if (!ql_chunk_dictionary_build(&encoder->dictionary, values, plain) ||
        encoder->dictionary.plain_bytes > DICTIONARY_BYTES_MAX) {
        return PLAIN;
    }
    unsigned width = ql_rle_width((uint32_t)(encoder->dictionary.n - 1));
    size_t size = encoder->dictionary.plain_bytes + (values->n * width + 7) / 8 + DICTIONARY_OVERHEAD;
    bool is_small = values->n_rows < SMALL_ROWS;
    if (size >= plain) {
        return PLAIN;
    }
    if (encoder->compressor == NULL || size < plain / (is_small ? 16 : 4)) {
        return DICTIONARY;
    }
    return TRIAL;
}

static enum ql_status choose(struct ql_chunk_encoder *encoder, struct ql_column_chunk *chunk, struct ql_err *err) {
    enum verdict verdict = judge_by_size(encoder);
    QL_TRY(encode(encoder, verdict != PLAIN, chunk, err));
    if (verdict == TRIAL) {
        QL_TRY(encode(encoder, false, &encoder->trial, err));
        if (encoder->trial.bytes.len < chunk->bytes.len) {
            struct ql_column_chunk swap = *chunk;
            *chunk = encoder->trial;
            encoder->trial = swap;
        }
    }
    return QL_OK;
}

/* What the footer says of the chunk, while the values are here. */
static void describe(const struct ql_chunk_values *values, struct ql_column_chunk *chunk) {
    ql_arena_reset(&chunk->arena);
    ql_buf_reset(&chunk->column_index);
    struct ql_range range = {0};
    for (size_t p = 0; p < chunk->n_pages; p++) {
        ql_range_add(&range, chunk->pages[p].range, values);
    }
    chunk->type = values->type;
    chunk->n_rows = values->n_rows;
    chunk->n_null = values->n_rows - values->n;
    chunk->n_nan = values->n_nan;
    chunk->bounds = ql_bounds_of(range, values, &chunk->arena);
    if (chunk->n_pages > 1) {
        (void)ql_page_index_put_columns(chunk, values, &chunk->arena, &chunk->column_index);
    }
}

enum ql_status ql_chunk_encoder_run(struct ql_chunk_encoder *encoder, enum ql_column_type type, const struct ql_column *column,
                                    struct ql_column_choice *choice, struct ql_column_chunk *chunk, struct ql_err *err) {
    QL_TRY(ql_chunk_values_load(&encoder->values, type, column, err));
    if (!choice->is_made) {
        QL_TRY(choose(encoder, chunk, err));
        *choice = (struct ql_column_choice){.is_made = true, .has_dictionary = chunk->has_dictionary};
    } else {
        if (choice->has_dictionary) {
            (void)ql_chunk_dictionary_build(&encoder->dictionary, &encoder->values, SIZE_MAX); /* without a limit it succeeds */
        }
        QL_TRY(encode(encoder, choice->has_dictionary, chunk, err));
    }
    describe(&encoder->values, chunk);
    return QL_OK;
}
