/** One pass over an export, as far as a stage goes; measured by stages.c. */
#ifndef BENCH_STAGES_H
#define BENCH_STAGES_H

#include "base/err.h"

#include <stdint.h>

/** What a pass went over; cells only where the stage makes them, out_bytes only where it writes. */
struct stage_counts {
    int64_t in_bytes, rows, cells, out_bytes;
};

struct stage_options {
    const char *path;
    bool is_wide;
    const struct ql_str *metrics; /* NULL: the default ones */
    size_t n_metrics;
};

typedef enum ql_status stage_fn(const struct stage_options *options, struct stage_counts *counts, struct ql_err *err);

/* The floors: what cannot be avoided when the file is looked at. Each includes the read. */
stage_fn stage_read;   /* read(2) into one buffer */
stage_fn stage_memcpy; /* each block copied once */
stage_fn stage_memchr; /* every line end */
stage_fn stage_scan;   /* every comma, quote and line end put into an index, by AVX2; E_CONFIG where there is none */

/* The csv room's index alone, as the floors: to be held against stage_scan. */
stage_fn stage_index;

/* The rooms, each on top of those before it, on one thread. */
stage_fn stage_csv;     /* typed rows, thrown away */
stage_fn stage_pivot;   /* packed, taken, closed */
stage_fn stage_parts;   /* the cells of every part */
stage_fn stage_kpi;     /* KPIs and rounding */
stage_fn stage_layout;  /* every column of every row group made */
stage_fn stage_parquet; /* encoded and compressed with Snappy, then thrown away */

#endif
