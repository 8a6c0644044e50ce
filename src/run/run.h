/**
 * The pipeline: source → csv → pivot → kpi → layout → parquet → store, and the summary of what happened.
 *
 * The only room that knows every stage. It reads no environment and no settings: the caller fills `struct ql_run_options`, most
 * of which are the stages' own options. Nothing is visible at the destination before everything before it has succeeded.
 */
#ifndef QL_RUN_RUN_H
#define QL_RUN_RUN_H

#include "csv/csv.h"
#include "kpi/plan.h"
#include "layout/layout.h"
#include "parquet/parquet.h"
#include "pivot/pivot.h"
#include "source/source.h"
#include "store/store.h"

enum ql_run_source { QL_RUN_AGGREGATES, QL_RUN_REPORTING, QL_RUN_EXPORTS, QL_RUN_FILES };
enum ql_columns_by { QL_COLUMNS_BY_AUTO, QL_COLUMNS_BY_ID, QL_COLUMNS_BY_NAME };

/** Texts and arrays are borrowed for the call. */
struct ql_run_options {
    enum ql_run_source source;
    struct ql_str source_name;         /* "aggregates", "reporting", "exports", "file": for {source} and the summary */
    struct ql_http_options http;       /* used when the source or the destination needs it */
    struct ql_genesys_options genesys; /* of every source that talks to Genesys Cloud */
    struct ql_aggregates_options aggregates;
    struct ql_exports_options exports;
    struct ql_reporting_options reporting;
    bool wants_plan_metrics;    /* ask the export for the plan's columns instead of exports.metrics */
    int max_downloads;          /* how often an object is begun */
    const struct ql_str *paths; /* QL_RUN_FILES: files, folders, patterns, "-", "s3://..." */
    size_t n_paths;

    struct ql_plan_request plan;
    struct ql_csv_options csv;     /* metrics, queues and quarantine are filled in by run */
    struct ql_pivot_options pivot; /* aggregates, by_id, queues are filled in by run */
    enum ql_columns_by columns_by;
    enum ql_if_exists if_exists;
    const struct ql_str *queues; /* --queues-from; NULL: any */
    size_t n_queues;
    struct ql_plan_output output;
    struct ql_layout_options layout;
    struct ql_parquet_options parquet;

    struct ql_destination destination;
    struct ql_str default_key; /* for a destination that ends in '/' or names a bucket alone */
    struct ql_s3_options s3;
    const struct ql_tag *tags; /* the user's, beside Version, ExportId and Format */
    size_t n_tags;
    struct ql_str version_tag;
    struct ql_str org;             /* for {org}; empty: not known */
    struct ql_str csv_timezone;    /* its name, for the footer; csv.tz is the zone */
    const struct ql_tz *timezone;  /* of {start} and {end}; NULL: UTC */
    int64_t from_us, to_us;        /* the requested range; QL_TIME_NONE: none */
    struct ql_str quarantine_path; /* where bad rows go under QL_BAD_ROW_QUARANTINE */
    bool is_path_literal;          /* the destination is a path as it stands, also with a '{' in it */
    bool embeds_provenance;
    bool wants_manifest;     /* beside the artefact; not with standard output */
    bool wants_success_file; /* _SUCCESS in the artefact's folder, likewise */
    bool expects_own_bucket; /* the destination's bucket must belong to the account of the credentials */
    bool wants_source_sha256;

    size_t n_threads; /* for whatever can be done in parallel; 0: as many as there are processors */

    struct ql_source_events events;
    const volatile sig_atomic_t *is_cancelled; /* NULL: never */
};

enum { QL_RUN_MAX_WARNINGS = 16, QL_RUN_LOCATION_SIZE = sizeof((struct ql_stored *)0)->location };

struct ql_run_summary {
    struct ql_stored stored;
    char manifest[QL_RUN_LOCATION_SIZE], success_file[QL_RUN_LOCATION_SIZE]; /* where they are; empty: there is none */
    char export_id[128];
    char source_sha256[65]; /* empty unless asked for */
    struct ql_csv_stats csv;
    struct ql_pivot_stats pivot;
    struct ql_plan_stats plan;
    struct ql_http_stats http;
    int64_t n_inputs, n_restarts;
    int64_t n_intervals, n_queues, n_cells, n_rows, n_columns, n_name_clashes, n_case_clashes;
    int64_t n_cells_filled;    /* cells of the artefact that no row mentions */
    int64_t extracted_us;      /* when the source was asked; QL_TIME_NONE: files */
    int64_t first_us, last_us; /* start of the first and end of the last interval; QL_TIME_NONE: no rows */
    char ignored_columns[300]; /* their names, as far as there is room */
    char approximations[200];  /* averages that are weighted means of a source's averages */
    bool is_abandon_approximate;
    const char *layout; /* "wide", "long", "tidy" */
    int64_t source_ms, transform_ms, store_ms,
        total_ms; /* source: token to the last byte, parsing included; transform: pivot to Parquet */
    char warnings[QL_RUN_MAX_WARNINGS][400];
    int n_warnings;
};

/** summary is filled as far as the run came, also after an error. */
QL_MUST_CHECK enum ql_status ql_run(const struct ql_run_options *options, struct ql_run_summary *summary, struct ql_err *err);

#endif
