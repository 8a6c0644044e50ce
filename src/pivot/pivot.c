/*
 * The pivot's life: batches are packed (pack.c) and taken; close settles what depends on all rows, such as ends of intervals,
 * names of queues, order; then the cells are made part by part (parts.c, part_rows.c, part_cells.c). So neither the order of
 * rows nor how they are cut into batches can change a cell.
 */
#include "pivot/pivot.h"

#include "pivot/pivot_internal.h"

/* Rows, and so intervals and queues, are numbered in 32 bits. */
static const int64_t MAX_ROWS = INT64_C(4000000000);

enum { DEFAULT_MEMORY_BYTES = 48 * 1024 * 1024 };

/* A bucket of more rows is one too coarse: what is divided at a time should fit a cache, but shuffled rows should not be spread
 * over more buckets than their batches have rows. */
enum { BUCKET_ROWS_MIN = 64 * 1024, BUCKETS_WANTED = 128 };

/* Which columns of the rows are read at all. */
static void map_columns(struct ql_pivot *pivot) {
    const struct ql_pivot_options *options = &pivot->options;
    pivot->column = ql_mem_alloc(options->n_columns * sizeof *pivot->column);
    pivot->used = ql_mem_alloc(options->n_columns * sizeof *pivot->used);
    for (size_t c = 0; c < options->n_columns; c++) {
        bool is_used = false;
        for (size_t a = 0; a < options->n_aggregates; a++) {
            const struct ql_aggregate *aggregate = &options->aggregates[a];
            is_used = is_used || aggregate->column == c || (ql_agg_has_weight(aggregate->agg) && aggregate->weight == c);
        }
        pivot->column[c] = is_used ? pivot->n_used : QL_NO_COLUMN;
        if (is_used) {
            pivot->used[pivot->n_used++] = c;
        }
    }
}

struct ql_pivot *ql_pivot_new(const struct ql_pivot_options *options) {
    struct ql_pivot *pivot = ql_mem_zalloc(1, sizeof *pivot);
    pivot->options = *options;
    ql_timeline_init(&pivot->timeline, options->by_interval_text);
    ql_queue_list_init(&pivot->queues);
    ql_spill_init(&pivot->spill, options->temp_dir);
    pivot->store.max_memory = options->max_memory != 0 ? options->max_memory : DEFAULT_MEMORY_BYTES;
    atomic_init(&pivot->n_merged, 0);
    map_columns(pivot);
    return pivot;
}

/* What only packing and taking need. */
static void free_lanes(struct ql_pivot *pivot) {
    for (size_t l = 0; l < QL_PARALLEL_MAX_THREADS; l++) {
        ql_lane_free(pivot->lanes[l]);
        pivot->lanes[l] = NULL;
    }
    ql_mem_free(pivot->uses);
    ql_mem_free(pivot->n_rows_of);
    pivot->uses = NULL;
    pivot->n_rows_of = NULL;
}

void ql_pivot_name_inputs(struct ql_pivot *pivot, const struct ql_str *names, size_t n) {
    pivot->input_names = names;
    pivot->n_input_names = n;
}

void ql_pivot_rest(struct ql_pivot *pivot) {
    for (size_t w = 0; w < QL_PARALLEL_MAX_THREADS; w++) {
        if (pivot->makers[w] != NULL) {
            ql_part_maker_fini(pivot->makers[w]);
            ql_mem_free(pivot->makers[w]);
            pivot->makers[w] = NULL;
        }
    }
}

void ql_pivot_free(struct ql_pivot *pivot) {
    if (pivot == NULL) {
        return;
    }
    ql_pivot_rest(pivot);
    free_lanes(pivot);
    ql_parts_fini(&pivot->parts);
    ql_tuple_store_fini(&pivot->store);
    ql_spill_fini(&pivot->spill);
    ql_timeline_fini(&pivot->timeline);
    ql_queue_list_fini(&pivot->queues);
    ql_mem_free(pivot->used);
    ql_mem_free(pivot->column);
    ql_mem_free(pivot);
}

void ql_pivot_drop(struct ql_pivot *pivot, struct ql_packed_rows *packed) {
    (void)pivot;
    ql_packed_rows_free(packed, true);
}

/* Room for n entries of the timeline; new ones have no rows. */
static void reserve_rows_of(struct ql_pivot *pivot, size_t n) {
    size_t cap = pivot->cap_rows_of;
    QL_MEM_GROW(pivot->n_rows_of, pivot->cap_rows_of, n);
    if (pivot->cap_rows_of > cap) {
        memset(pivot->n_rows_of + cap, 0, (pivot->cap_rows_of - cap) * sizeof *pivot->n_rows_of);
    }
}

static void count_intervals(struct ql_pivot *pivot, const struct ql_tuples *tuples) {
    for (size_t r = 0; r < tuples->n_runs; r++) {
        uint32_t entry = tuples->interval[r];
        if (entry >= pivot->cap_rows_of) {
            reserve_rows_of(pivot, (size_t)entry + 1);
        }
        pivot->n_rows_of[entry] += ql_tuples_run_len(tuples, r);
    }
}

static void note_mentions(struct ql_pivot *pivot, const struct ql_packed_rows *packed) {
    for (size_t m = 0; m < packed->n_mentions; m++) {
        const struct ql_mention *mention = &packed->mentions[m];
        QL_MEM_GROW(pivot->uses, pivot->cap_uses, (size_t)mention->label + 1);
        for (; pivot->n_uses <= mention->label; pivot->n_uses++) {
            pivot->uses[pivot->n_uses] = QL_LABEL_UNUSED;
        }
        struct ql_label_use *use = &pivot->uses[mention->label];
        if (mention->use.start_us != QL_TIME_NONE) {
            ql_label_note(use, mention->use.start_us, mention->use.end_us);
        }
        if (mention->use.open_start_us != QL_TIME_NONE) {
            ql_label_note(use, mention->use.open_start_us, QL_TIME_NONE);
        }
    }
}

static void put_slices(struct ql_pivot *pivot, const struct ql_packed_rows *packed) {
    uint64_t wanted = (uint64_t)pivot->stats.rows / BUCKETS_WANTED;
    wanted = wanted < BUCKET_ROWS_MIN ? BUCKET_ROWS_MIN : wanted;
    ql_tuple_store_add(&pivot->store, packed->tuples->block);
    for (size_t s = 0; s < packed->n_slices; s++) {
        const struct ql_packed_slice *slice = &packed->slices[s];
        const struct ql_bucket *bucket =
            ql_tuple_store_put(&pivot->store, slice->bucket, slice->slice, slice->min_start_us, slice->max_start_us);
        if (bucket->n_rows > wanted && bucket->min_start_us != bucket->max_start_us) {
            ql_timeline_refine(&pivot->timeline, bucket->min_start_us, bucket->max_start_us);
        }
    }
}

/* Rows beyond the memory limit go to the file, some more than need to, so that it gets large pieces. Intervals count, too, but
 * must stay. */
static enum ql_status keep_memory(struct ql_pivot *pivot, struct ql_err *err) {
    struct ql_tuple_store *store = &pivot->store;
    size_t fixed = pivot->cap_rows_of * QL_TIMELINE_ENTRY_BYTES;
    fixed = fixed < store->max_memory / 2 ? fixed : store->max_memory / 2;
    size_t most = store->max_memory - fixed;
    return store->memory > most ? ql_tuple_store_spill(store, most / 4 * 3, &pivot->spill, err) : QL_OK;
}

enum ql_status ql_pivot_take(struct ql_pivot *pivot, struct ql_packed_rows *packed, struct ql_err *err) {
    pivot->has_queue_id = pivot->has_queue_id || packed->has_queue_id;
    if (packed->tuples == NULL) {
        ql_packed_rows_free(packed, true);
        return QL_OK;
    }
    if (packed->tuples->n_rows > MAX_ROWS - pivot->stats.rows) {
        ql_packed_rows_free(packed, true);
        (void)QL_FAIL(err, QL_E_LIMIT, "more than %lld rows in one artefact", (long long)MAX_ROWS);
        ql_err_hint(err, "split the range into several runs");
        return QL_E_LIMIT;
    }
    pivot->stats.rows += packed->tuples->n_rows;
    count_intervals(pivot, packed->tuples);
    note_mentions(pivot, packed);
    put_slices(pivot, packed);
    ql_packed_rows_free(packed, false);
    return keep_memory(pivot, err);
}

static enum ql_status close_rows(struct ql_pivot *pivot, struct ql_err *err) {
    struct ql_timeline *timeline = &pivot->timeline;
    reserve_rows_of(pivot, timeline->n_seen); /* the last ones may be of batches that were dropped */
    QL_TRY(ql_timeline_build(timeline, pivot->n_rows_of, &pivot->options, err));
    QL_TRY(ql_queue_list_build(&pivot->queues, pivot->uses, pivot->n_uses, timeline, &pivot->options, err));
    ql_parts_cut(&pivot->parts, timeline, pivot->n_rows_of, pivot->queues.n_queues);
    return ql_parts_find_sources(&pivot->parts, timeline, &pivot->store, &pivot->spill, err);
}

enum ql_status ql_pivot_close(struct ql_pivot *pivot, const struct ql_grid **grid, struct ql_err *err) {
    QL_TRY(close_rows(pivot, err));
    free_lanes(pivot);
    pivot->stats.intervals_filled = pivot->timeline.n_filled;
    pivot->stats.ids_merged_by_name = pivot->queues.n_ids_merged;
    pivot->stats.ids_renamed = pivot->queues.n_ids_renamed;
    pivot->grid = (struct ql_grid){.n_intervals = pivot->timeline.n_intervals,
                                   .intervals = pivot->timeline.intervals,
                                   .interval_texts = pivot->timeline.texts,
                                   .n_queues = pivot->queues.n_queues,
                                   .queues = pivot->queues.queues,
                                   .has_queue_id = pivot->has_queue_id,
                                   .has_totals = pivot->options.has_totals,
                                   .n_parts = pivot->parts.n_parts,
                                   .parts = pivot->parts.parts};
    *grid = &pivot->grid;
    return QL_OK;
}

enum ql_status ql_pivot_make_part(struct ql_pivot *pivot, size_t worker, size_t part, struct ql_cells *cells,
                                  struct ql_err *err) {
    if (pivot->makers[worker] == NULL) {
        pivot->makers[worker] = ql_mem_zalloc(1, sizeof *pivot->makers[worker]);
    }
    struct ql_part_maker *maker = pivot->makers[worker];
    const struct ql_part *bounds = &pivot->parts.parts[part];
    cells->grid = &pivot->grid;
    ql_cells_reserve(cells, pivot->options.n_aggregates, bounds->n_intervals, bounds->max_cells);
    cells->first_interval = bounds->first_interval;
    enum ql_status status = ql_parts_take(&pivot->parts, part, &pivot->timeline, &pivot->spill, &maker->rows.slices, err);
    if (status == QL_OK) {
        status = ql_part_make_cells(pivot, maker, cells, err);
    }
    if (status == QL_OK) {
        (void)atomic_fetch_add_explicit(&pivot->n_merged, (int64_t)(maker->rows.n_rows - cells->n_cells), memory_order_relaxed);
    }
    ql_slices_release(&maker->rows.slices);
    return status;
}

void ql_pivot_get_stats(const struct ql_pivot *pivot, struct ql_pivot_stats *stats) {
    *stats = pivot->stats;
    stats->duplicates_merged = atomic_load_explicit(&pivot->n_merged, memory_order_relaxed);
    stats->bytes_spilled = pivot->spill.size;
}
