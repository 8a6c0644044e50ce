/** What the files of the pipeline share. */
#ifndef QL_RUN_RUN_INTERNAL_H
#define QL_RUN_RUN_INTERNAL_H

#include "hash/hash.h"
#include "run/run.h"

struct ql_run_state {
    const struct ql_run_options *options;
    struct ql_run_summary *summary;
    struct ql_http *http;
    struct ql_s3_options s3_options; /* those of options, with the run's own ear for warnings */
    struct ql_s3_client *s3;         /* where objects are read or stored; else NULL */
    struct ql_buf s3_warnings;       /* a line each */
    struct ql_source *source;
    struct ql_plan *plan;
    struct ql_csv *csv;
    struct ql_pivot *pivot; /* made when the first header is known */
    bool has_queue_id;
    struct ql_store *quarantine;
    struct ql_sha256 *source_hash;
    struct ql_str *export_metrics; /* names for the query, derived from the plan */
    struct ql_arena arena;
};

/** E_CANCELLED once a signal has come. */
QL_MUST_CHECK enum ql_status ql_run_check_cancelled(const struct ql_run_state *run, struct ql_err *err);
/** Feeds what the source delivers through csv into the pivot. */
QL_MUST_CHECK enum ql_status ql_run_read(struct ql_run_state *run, struct ql_err *err);
/** From the pivot's cells to a published artefact. */
QL_MUST_CHECK enum ql_status ql_run_write(struct ql_run_state *run, struct ql_err *err);
/** What can be refused before anything is asked for or read. */
QL_MUST_CHECK enum ql_status ql_run_check(struct ql_run_state *run, struct ql_err *err);
/** An output that is an input, or a side file that is either, would end what it should keep: E_USAGE. output may be empty. */
QL_MUST_CHECK enum ql_status ql_run_check_files_differ(const struct ql_run_state *run, struct ql_str output,
                                                       struct ql_err *err);
/** The destination's path or key from its template. */
QL_MUST_CHECK enum ql_status ql_run_key(const struct ql_run_state *run, struct ql_buf *key, struct ql_err *err);
/** The value of the footer's key "queuelake": what determined the values, as JSON. */
void ql_run_footer(const struct ql_run_state *run, const struct ql_layout_result *layout, struct ql_buf *json);
/** What paths "s3://..." are read with. */
struct ql_object_reader ql_run_objects(struct ql_run_state *run);
void ql_run_warn(struct ql_run_state *run, const char *fmt, ...) QL_PRINTF(2, 3);

#endif
