/* Columns over all row groups. */
#include "inspect/inspect.h"

static void widen(const struct ql_parquet_column *column, struct ql_column_summary *summary,
                  const struct ql_parquet_statistics *statistics) {
    if (summary->min.ptr == NULL || ql_value_cmp(column, statistics->min, summary->min) < 0) {
        summary->min = statistics->min;
    }
    if (summary->max.ptr == NULL || ql_value_cmp(column, statistics->max, summary->max) > 0) {
        summary->max = statistics->max;
    }
}

static bool has_bounds(const struct ql_parquet_column *column, const struct ql_parquet_statistics *statistics) {
    return statistics->min.ptr != NULL && statistics->max.ptr != NULL && ql_value_is_sound(column, statistics->min) &&
           ql_value_is_sound(column, statistics->max);
}

static void add(const struct ql_parquet_column *column, const struct ql_parquet_chunk *chunk, bool is_first, bool *is_bounded,
                struct ql_column_summary *summary) {
    const struct ql_parquet_statistics *statistics = &chunk->statistics;
    summary->raw += chunk->raw;
    summary->stored += chunk->stored;
    summary->n_values += chunk->n_values;
    summary->encodings |= chunk->encodings;
    summary->codec = is_first || summary->codec == chunk->codec ? chunk->codec : -1;
    summary->null_count =
        statistics->null_count < 0 || summary->null_count < 0 ? -1 : summary->null_count + statistics->null_count;
    if (has_bounds(column, statistics)) {
        widen(column, summary, statistics);
    } else if (statistics->null_count < chunk->n_values) {
        *is_bounded = false;
    }
}

struct ql_column_summary *ql_column_summaries(const struct ql_parquet_file *file) {
    struct ql_column_summary *summaries = ql_mem_zalloc(file->n_columns, sizeof *summaries);
    for (size_t c = 0; c < file->n_columns; c++) {
        bool is_bounded = ql_value_has_order(&file->columns[c]);
        summaries[c].codec = -1;
        for (size_t g = 0; g < file->n_groups; g++) {
            add(&file->columns[c], &file->groups[g].chunks[c], g == 0, &is_bounded, &summaries[c]);
        }
        if (!is_bounded) {
            summaries[c].min = summaries[c].max = (struct ql_str){0};
        }
    }
    return summaries;
}
