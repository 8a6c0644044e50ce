/**
 * Micro-benchmark by stage: floors and rooms in turn over one file, as often as asked for, a line of JSON for each pass.
 *
 *   bench_stages EXPORT.csv ROUNDS long|wide [METRIC,...]
 */
#include "bench/stages.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_METRICS = 32 };

static const struct {
    const char *name;
    stage_fn *run;
} STAGES[] = {
    {"read", stage_read},   {"memcpy", stage_memcpy}, {"memchr", stage_memchr},   {"scan", stage_scan},
    {"index", stage_index}, {"csv", stage_csv},       {"pivot", stage_pivot},     {"parts", stage_parts},
    {"kpi", stage_kpi},     {"layout", stage_layout}, {"parquet", stage_parquet},
};

static double clock_s(clockid_t id) {
    struct timespec t;
    (void)clock_gettime(id, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static enum ql_status measure(size_t stage, const struct stage_options *options, struct ql_err *err) {
    struct stage_counts counts = {0};
    double wall_s = clock_s(CLOCK_MONOTONIC);
    double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    enum ql_status status = STAGES[stage].run(options, &counts, err);
    wall_s = clock_s(CLOCK_MONOTONIC) - wall_s;
    cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    if (status == QL_E_CONFIG && STAGES[stage].run == stage_scan) {
        return QL_OK; /* a floor that this machine does not have */
    }
    if (status == QL_OK) {
        (void)printf(
            "{\"stage\": \"%s\", \"wall_s\": %.6f, \"cpu_s\": %.6f, \"in_bytes\": %lld, \"rows\": %lld, \"cells\": %lld, "
            "\"out_bytes\": %lld}\n",
            STAGES[stage].name, wall_s, cpu_s, (long long)counts.in_bytes, (long long)counts.rows, (long long)counts.cells,
            (long long)counts.out_bytes);
        (void)fflush(stdout);
    }
    return status;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        (void)fputs("usage: bench_stages EXPORT.csv ROUNDS long|wide [METRIC,...]\n", stderr);
        return 64;
    }
    struct ql_str metrics[MAX_METRICS];
    struct stage_options options = {.path = argv[1], .is_wide = strcmp(argv[3], "wide") == 0};
    if (argc > 4) {
        options.metrics = metrics;
        for (struct ql_str rest = ql_str_from(argv[4]); rest.len != 0 && options.n_metrics < MAX_METRICS;) {
            metrics[options.n_metrics++] = ql_str_split(rest, ',', &rest);
        }
    }
    long n_rounds = strtol(argv[2], NULL, 10);
    for (long round = 0; round < n_rounds; round++) {
        for (size_t stage = 0; stage < sizeof STAGES / sizeof STAGES[0]; stage++) {
            struct ql_err err = {0};
            if (measure(stage, &options, &err) != QL_OK) {
                (void)fprintf(stderr, "bench_stages: %s: %s\n", STAGES[stage].name, err.message);
                return 1;
            }
        }
    }
    return 0;
}
