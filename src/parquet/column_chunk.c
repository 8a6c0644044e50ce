/*
 * Choosing and cutting.
 *
 * The choice is made before the first page of the file's first chunk of a column is written, because the values are here, and
 * from nothing but the values, so that their form leaves no trace. Raw sizes decide where they differ clearly: PLAIN is all
 * values; a dictionary is its entries and ceil(log2 entries) bits a value. Between, only the codec knows (PLAIN doubles shrink
 * to 0.64 under Snappy, packed indices not at all), so it is asked: a chunk of one page is encoded both ways, of a larger one
 * some samples are, and as many pieces of its dictionary. Only chunks of a few rows, of which a wide file has thousands, are
 * judged by a rule instead: 1203 chunks of 48 rows came out 333 of 420,641 bytes larger than by trial, in half the time.
 *
 * QL_PARQUET_MODERN tries the encodings of today beside these, in the same way, and takes one only where it gains more than a
 * percent. BYTE_STREAM_SPLIT is not tried on scaled integers: their bytes repeat together, and split they do not (zstd at level
 * 3 leaves 0.75 instead of 0.44 of durations with 3 decimals).
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
    FEW_ROWS = 256,                          /* a trial would cost more than everything else */
    SMALL_ROWS = 4096,                       /* a trial costs little, and a header counts */
    WHOLE_ROWS_MAX = PAGE_ROWS_MAX,          /* of a chunk that is tried as a whole */
    N_SAMPLES = 8,                           /* of a larger one */
    DICTIONARY_OVERHEAD = 24                 /* header of the dictionary page and its offset in the footer */
};

struct ql_chunk_encoder {
    size_t page_rows_max;
    bool is_modern;
    enum ql_codec codec;
    struct ql_compressor *compressor; /* NULL: codec NONE */
    struct ql_chunk_values values;
    struct ql_chunk_dictionary dictionary;
    struct ql_page_maker maker;
    struct ql_column_chunk trial; /* the form that was tried and may win */
};

struct ql_chunk_encoder *ql_chunk_encoder_new(const struct ql_parquet_options *options, const struct ql_kernels *kernels,
                                              size_t page_rows_max) {
    struct ql_chunk_encoder *encoder = ql_mem_zalloc(1, sizeof *encoder);
    encoder->page_rows_max = page_rows_max != 0 ? page_rows_max : PAGE_ROWS_MAX;
    encoder->is_modern = options->compat == QL_PARQUET_MODERN;
    encoder->codec = options->codec;
    encoder->compressor = options->codec != QL_CODEC_NONE ? ql_compressor_new(options->codec, options->level) : NULL;
    encoder->values.kernels = kernels;
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

static bool has_dictionary(const struct ql_chunk_encoder *encoder) {
    return encoder->maker.encoding == QL_PARQUET_ENCODING_PLAIN_DICTIONARY;
}

/* Of n rows, or as many as there are. */
static size_t count_values(const struct ql_chunk_values *values, size_t row, size_t n) {
    n = n < values->n_rows - row ? n : values->n_rows - row;
    return values->is_valid != NULL ? values->kernels->count_nonzero(values->is_valid + row, n) : n;
}

/* A page of n_rows rows that begins where span says. */
static void measure_span(const struct ql_chunk_encoder *encoder, struct ql_page_span *span, size_t n_rows) {
    const struct ql_chunk_values *values = &encoder->values;
    span->n_rows = n_rows;
    span->n_values = count_values(values, span->row, n_rows);
    span->entries = (struct ql_range_u32){0};
    if (!has_dictionary(encoder) || span->n_values == 0) {
        return;
    }
    if (span->n_values == values->n) { /* one page uses every entry */
        span->entries.max = (uint32_t)encoder->dictionary.n - 1;
    } else {
        span->entries = values->kernels->range_u32(encoder->dictionary.index + span->value, span->n_values);
    }
}

/* Rows that fit into a page of strings in full, at least one. */
static size_t cut_strings(const struct ql_chunk_values *values, const struct ql_page_span *span, size_t n_rows) {
    size_t bytes = 0;
    size_t value = span->value;
    for (size_t row = 0; row < n_rows; row++) {
        if (values->is_valid != NULL && values->is_valid[span->row + row] == 0) {
            continue;
        }
        bytes += ql_chunk_values_plain_bytes(values, value, value + 1);
        if (bytes > PAGE_TEXT_BYTES_MAX && value != span->value) {
            return row;
        }
        value++;
    }
    return n_rows;
}

/* Moves on from the page that *span is, at first none; false behind the last one. */
static bool next_page(const struct ql_chunk_encoder *encoder, struct ql_page_span *span) {
    const struct ql_chunk_values *values = &encoder->values;
    *span = (struct ql_page_span){.row = span->row + span->n_rows, .value = span->value + span->n_values};
    size_t left = values->n_rows - span->row;
    size_t n_rows = left < encoder->page_rows_max ? left : encoder->page_rows_max;
    if (values->type == QL_COLUMN_STRING && !has_dictionary(encoder)) {
        n_rows = cut_strings(values, span, n_rows);
    }
    measure_span(encoder, span, n_rows);
    return n_rows != 0;
}

static struct ql_range range_of_page(const struct ql_chunk_encoder *encoder, struct ql_page_span span) {
    if (has_dictionary(encoder) && encoder->dictionary.is_ascending && span.n_values != 0) {
        return ql_range_of_entries(&encoder->dictionary, span.entries);
    }
    return ql_range_of(&encoder->values, span.value, span.value + span.n_values);
}

static enum ql_status put_page(struct ql_chunk_encoder *encoder, struct ql_column_chunk *chunk, struct ql_page_span span,
                               struct ql_err *err) {
    struct ql_page_size size;
    size_t offset = chunk->bytes.len;
    QL_TRY(ql_page_put_data(&encoder->maker, span, &size, err));
    chunk->raw_bytes += size.raw;
    QL_MEM_GROW(chunk->pages, chunk->pages_cap, chunk->n_pages + 1);
    chunk->pages[chunk->n_pages++] =
        (struct ql_chunk_page){.span = span, .offset = offset, .stored = size.stored, .range = range_of_page(encoder, span)};
    return QL_OK;
}

static void set_encoding(struct ql_chunk_encoder *encoder, enum ql_parquet_encoding encoding) {
    encoder->maker.compressor = encoder->compressor;
    encoder->maker.values = &encoder->values;
    encoder->maker.encoding = encoding;
    encoder->maker.dictionary = &encoder->dictionary;
}

/* Encodes the loaded values. */
static enum ql_status encode(struct ql_chunk_encoder *encoder, enum ql_parquet_encoding encoding, struct ql_column_chunk *chunk,
                             struct ql_err *err) {
    chunk->encoding = encoding;
    chunk->raw_bytes = chunk->dictionary_size = chunk->n_pages = 0;
    ql_buf_reset(&chunk->bytes);
    set_encoding(encoder, encoding);
    encoder->maker.out = &chunk->bytes;
    if (has_dictionary(encoder)) {
        struct ql_page_size size;
        QL_TRY(ql_page_put_dictionary(&encoder->maker, &size, err));
        chunk->dictionary_size = size.stored;
        chunk->raw_bytes = size.raw;
    }
    for (struct ql_page_span span = {0}; next_page(encoder, &span);) {
        QL_TRY(put_page(encoder, chunk, span, err));
    }
    return QL_OK;
}

/* Where a few pieces of n things begin, and how long they are. Snappy forgets everything every 64 KiB; zstd does not, and must
 * be shown more to do as it will. */
struct samples {
    size_t stride, piece;
};

static struct samples sample(const struct ql_chunk_encoder *encoder, size_t n) {
    struct samples samples = {.stride = n / N_SAMPLES, .piece = encoder->codec == QL_CODEC_ZSTD ? 32 * 1024 : 8 * 1024};
    if (samples.piece >= samples.stride) {
        samples.piece = samples.stride = n; /* all of them */
    }
    return samples;
}

static enum ql_status estimate_entries(struct ql_chunk_encoder *encoder, size_t *size, struct ql_err *err) {
    size_t n = encoder->dictionary.n;
    struct samples samples = sample(encoder, n);
    size_t stored = 0;
    size_t n_tried = 0;
    for (size_t e = 0; e + samples.piece <= n; e += samples.stride) {
        size_t len;
        QL_TRY(ql_page_measure_entries(&encoder->maker, e, e + samples.piece, &len, err));
        stored += len;
        n_tried += samples.piece;
    }
    *size = n_tried != 0 ? stored * n / n_tried : 0; /* a sample is never larger than what there is */
    return QL_OK;
}

/* The size of the chunk in an encoding, from samples of its rows; there are values. */
static enum ql_status estimate(struct ql_chunk_encoder *encoder, enum ql_parquet_encoding encoding, size_t *size,
                               struct ql_err *err) {
    const struct ql_chunk_values *values = &encoder->values;
    struct samples samples = sample(encoder, values->n_rows);
    size_t stored = 0;
    size_t n_tried = 0;
    set_encoding(encoder, encoding);
    struct ql_page_span span = {0};
    bool is_text = values->type == QL_COLUMN_STRING && !has_dictionary(encoder); /* which may be of any length */
    for (; span.row + samples.piece <= values->n_rows; span.row += samples.stride) {
        size_t len;
        measure_span(encoder, &span, is_text ? cut_strings(values, &span, samples.piece) : samples.piece);
        QL_TRY(ql_page_measure_data(&encoder->maker, span, &len, err));
        stored += len;
        n_tried += span.n_rows;
        span.value += count_values(values, span.row, samples.stride);
    }
    size_t entries = 0;
    if (has_dictionary(encoder)) {
        QL_TRY(estimate_entries(encoder, &entries, err));
        entries += DICTIONARY_OVERHEAD;
    }
    *size = (n_tried != 0 ? stored * values->n_rows / n_tried : 0) + entries;
    return QL_OK;
}

/*
 * Of few values under Snappy: whether a dictionary or PLAIN is smaller, without asking. Snappy looks for what repeats within a
 * page as a dictionary does, so a value costs as much where it first appears as its entry, and from then on a reference of 3
 * bytes (2 where most of its bytes are zeros); a run of one value costs as much for each 64 bytes. Against that stand the
 * dictionary's overhead and its indices. Right within some bytes on counts and rates of 48 rows.
 */
static bool is_dictionary_smaller_of_few(const struct ql_chunk_encoder *encoder) {
    enum { PAGE_HEADER = 26 };
    const struct ql_chunk_values *values = &encoder->values;
    const struct ql_chunk_dictionary *dictionary = &encoder->dictionary;
    size_t n_runs = 1;
    for (size_t i = 1; i < values->n; i++) {
        n_runs += dictionary->index[i] != dictionary->index[i - 1];
    }
    size_t reference_quarters = values->type == QL_COLUMN_DOUBLE ? 12 : 9; /* of a byte */
    size_t plain = (reference_quarters * (n_runs - dictionary->n) + 3 * (values->n - n_runs) / 2) / 4;
    size_t packed = values->n * ql_rle_width((uint32_t)dictionary->n - 1) / 8;
    size_t runs = 3 * n_runs;
    return PAGE_HEADER + (packed < runs ? packed : runs) <= plain;
}

/*
 * zstd counts symbols: with the frequent entries first it makes packed indices of rates and counts 7 to 24 % smaller. Snappy
 * does not (0 to 3 %), and is there for speed. Texts and times come in an order that repeats, which is better kept.
 */
static bool build_dictionary(struct ql_chunk_encoder *encoder, size_t max_bytes) {
    const struct ql_chunk_values *values = &encoder->values;
    if (!ql_chunk_dictionary_build(&encoder->dictionary, values, max_bytes)) {
        return false;
    }
    bool is_metric = values->type == QL_COLUMN_DOUBLE || values->type == QL_COLUMN_INT64;
    if (encoder->codec == QL_CODEC_ZSTD && is_metric && encoder->dictionary.n <= values->n / 16) {
        ql_chunk_dictionary_order_by_frequency(&encoder->dictionary, values->n);
    }
    return true;
}

enum { CANDIDATES_MAX = 4 };
/* What a column may be encoded in, the broadly readable first. */
struct candidates {
    enum ql_parquet_encoding list[CANDIDATES_MAX];
    size_t n, n_broad;
};

static void add_candidate(struct candidates *candidates, enum ql_parquet_encoding encoding) {
    candidates->list[candidates->n++] = encoding;
}

/* PLAIN or a dictionary by raw sizes alone, or both; builds the dictionary where it may be needed. */
static void add_broad(struct ql_chunk_encoder *encoder, struct candidates *candidates) {
    const struct ql_chunk_values *values = &encoder->values;
    struct ql_chunk_dictionary *dictionary = &encoder->dictionary;
    size_t plain = ql_chunk_values_plain_bytes(values, 0, values->n);
    if (!build_dictionary(encoder, plain) || dictionary->plain_bytes > DICTIONARY_BYTES_MAX) {
        add_candidate(candidates, QL_PARQUET_ENCODING_PLAIN);
        return;
    }
    unsigned width = ql_rle_width((uint32_t)(dictionary->n - 1));
    size_t size = dictionary->plain_bytes + (values->n * width + 7) / 8 + DICTIONARY_OVERHEAD;
    bool is_close = encoder->codec != QL_CODEC_NONE && size >= plain / (values->n_rows < SMALL_ROWS ? 16 : 4);
    bool is_few = encoder->codec == QL_CODEC_SNAPPY && values->n_rows <= FEW_ROWS && values->type != QL_COLUMN_STRING;
    if (size >= plain || (is_close && is_few && !is_dictionary_smaller_of_few(encoder))) {
        add_candidate(candidates, QL_PARQUET_ENCODING_PLAIN);
        return;
    }
    add_candidate(candidates, QL_PARQUET_ENCODING_PLAIN_DICTIONARY);
    if (is_close && !is_few) {
        add_candidate(candidates, QL_PARQUET_ENCODING_PLAIN);
    }
}

static struct candidates list_candidates(struct ql_chunk_encoder *encoder) {
    const struct ql_chunk_values *values = &encoder->values;
    struct candidates candidates = {0};
    if (values->n == 0) {
        /* Nothing to judge by. Strings and counts repeat in later groups; doubles often do not. */
        (void)ql_chunk_dictionary_build(&encoder->dictionary, values, SIZE_MAX);
        add_candidate(&candidates,
                      values->type != QL_COLUMN_DOUBLE ? QL_PARQUET_ENCODING_PLAIN_DICTIONARY : QL_PARQUET_ENCODING_PLAIN);
        return candidates;
    }
    add_broad(encoder, &candidates);
    candidates.n_broad = candidates.n;
    if (!encoder->is_modern) {
        return candidates;
    }
    if (values->type == QL_COLUMN_STRING) {
        add_candidate(&candidates, QL_PARQUET_ENCODING_DELTA_LENGTH_BYTE_ARRAY);
        add_candidate(&candidates, QL_PARQUET_ENCODING_DELTA_BYTE_ARRAY);
    } else if (values->type != QL_COLUMN_DOUBLE) {
        add_candidate(&candidates, QL_PARQUET_ENCODING_DELTA_BINARY_PACKED);
    } else if (!ql_chunk_values_are_scaled(values)) {
        add_candidate(&candidates, QL_PARQUET_ENCODING_BYTE_STREAM_SPLIT);
    }
    return candidates;
}

/* Whether the candidate at that place, of `size`, replaces the best one before it. */
static bool is_better(const struct candidates *candidates, size_t place, size_t size, size_t best) {
    return place < candidates->n_broad ? size < best : size + size / 100 < best; /* fewer readers: for a gain that is one */
}

/* Every candidate is encoded, and the smallest kept. */
static enum ql_status choose_whole(struct ql_chunk_encoder *encoder, const struct candidates *candidates,
                                   struct ql_column_chunk *chunk, struct ql_err *err) {
    QL_TRY(encode(encoder, candidates->list[0], chunk, err));
    for (size_t i = 1; i < candidates->n; i++) {
        QL_TRY(encode(encoder, candidates->list[i], &encoder->trial, err));
        if (is_better(candidates, i, encoder->trial.bytes.len, chunk->bytes.len)) {
            struct ql_column_chunk swap = *chunk;
            *chunk = encoder->trial;
            encoder->trial = swap;
        }
    }
    return QL_OK;
}

static enum ql_status choose_by_samples(struct ql_chunk_encoder *encoder, const struct candidates *candidates,
                                        struct ql_column_chunk *chunk, struct ql_err *err) {
    size_t best = 0;
    size_t best_size = SIZE_MAX;
    for (size_t i = 0; i < candidates->n; i++) {
        size_t size;
        QL_TRY(estimate(encoder, candidates->list[i], &size, err));
        if (is_better(candidates, i, size, best_size)) {
            best = i;
            best_size = size;
        }
    }
    return encode(encoder, candidates->list[best], chunk, err);
}

static enum ql_status choose(struct ql_chunk_encoder *encoder, struct ql_column_chunk *chunk, struct ql_err *err) {
    struct candidates candidates = list_candidates(encoder);
    bool is_whole = encoder->values.n_rows <= WHOLE_ROWS_MAX || candidates.n == 1;
    return (is_whole ? choose_whole : choose_by_samples)(encoder, &candidates, chunk, err);
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
        *choice = (struct ql_column_choice){.is_made = true, .encoding = chunk->encoding};
    } else {
        if (choice->encoding == QL_PARQUET_ENCODING_PLAIN_DICTIONARY) {
            (void)build_dictionary(encoder, SIZE_MAX); /* without a limit it succeeds */
        }
        QL_TRY(encode(encoder, choice->encoding, chunk, err));
    }
    describe(&encoder->values, chunk);
    return QL_OK;
}
