/** What the files of the pipeline share. */
#ifndef QL_RUN_RUN_INTERNAL_H
#define QL_RUN_RUN_INTERNAL_H

#include "hash/hash.h"
#include "run/run.h"
#include "json/json.h"

struct ql_run_state {
    const struct ql_run_options *options;
    struct ql_run_summary *summary;
    int64_t begun_us; /* the clock when the run began */
    struct ql_http *http;
    struct ql_s3_options s3_options; /* those of options, with the run's own ear for warnings */
    struct ql_s3_client *s3;         /* where objects are read or stored; else NULL */
    struct ql_buf s3_warnings;       /* a line each */
    struct ql_source *source;
    struct ql_plan *plan;
    struct ql_csv *csv;
    struct ql_pivot *pivot; /* made when the first header is known */
    bool has_queue_id, has_media_type;
    struct ql_store *quarantine;
    struct ql_sha256 *source_hash;
    struct ql_packed_rows **held; /* rows of a source of rows that are not settled yet */
    size_t n_held, cap_held;
    struct ql_str *inputs; /* their names, by number */
    size_t n_inputs, cap_inputs;
    struct ql_str *export_metrics; /* names for the query, derived from the plan */
    struct ql_arena arena;
    int n_early_warnings; /* of those in the summary: given before anything was read, so that a restart keeps them */
};

/** E_CANCELLED once a signal has come. */
QL_MUST_CHECK enum ql_status ql_run_check_cancelled(const struct ql_run_state *run, struct ql_err *err);
/** Feeds what the source delivers through csv into the pivot. */
QL_MUST_CHECK enum ql_status ql_run_read(struct ql_run_state *run, struct ql_err *err);
/** Forgets rows that are not settled. */
void ql_run_drop_held(struct ql_run_state *run);
/** From the pivot's cells to a published artefact. */
QL_MUST_CHECK enum ql_status ql_run_write(struct ql_run_state *run, struct ql_err *err);
/** What can be refused before anything is asked for or read. */
QL_MUST_CHECK enum ql_status ql_run_check(struct ql_run_state *run, struct ql_err *err);
/** The part of it that is about the destination: template, credentials, tags, and whether the folder takes files. */
QL_MUST_CHECK enum ql_status ql_run_check_destination(const struct ql_run_state *run, struct ql_err *err);
/** Whether the hosts come from a domain that is no known region: such a run works, but is worth a warning. */
bool ql_run_has_unknown_region(const struct ql_run_options *options);
/** An output, or what is to stand beside it, that is an input or the quarantine would end what it should keep: E_USAGE. output
 * may be empty. */
QL_MUST_CHECK enum ql_status ql_run_check_files_differ(const struct ql_run_state *run, struct ql_str output,
                                                       struct ql_err *err);
/** The destination's path or key from its template. sha256: of the artefact, or QL_KEY_NO_SHA256 before there is one. */
QL_MUST_CHECK enum ql_status ql_run_key(const struct ql_run_state *run, struct ql_str sha256, struct ql_buf *key,
                                        struct ql_err *err);
/** Whether an object's key is known only when its bytes are: it has {sha256}. */
bool ql_run_has_late_key(const struct ql_run_state *run);
/** Warns of what S3's documentation advises against. */
void ql_run_warn_of_key(struct ql_run_state *run);
enum { QL_RUN_MAX_TAGS = 16 };
/** The object's tags: Version, ExportId (the real one, or none) and Format, then the user's. Returns how many. */
size_t ql_run_tags(const struct ql_run_state *run, struct ql_tag tags[QL_RUN_MAX_TAGS]);
/** The value of the footer's key "queuelake": what determined the values, as JSON. */
void ql_run_footer(const struct ql_run_state *run, const struct ql_layout_result *layout, struct ql_buf *json);
/** Parts of the footer that the manifest has, too: settings that shape values, a line a metric or KPI, the range. */
struct ql_json *ql_run_settings_json(const struct ql_run_state *run);
struct ql_json *ql_run_metrics_json(const struct ql_run_state *run);
struct ql_json *ql_run_range_json(const struct ql_run_state *run);
const char *ql_run_layout_name(enum ql_layout layout);
/** Whether objects are read or stored. */
bool ql_run_needs_s3(const struct ql_run_options *options);
/** Makes the client of S3, with the run's own ear for warnings. */
QL_MUST_CHECK enum ql_status ql_run_open_s3(struct ql_run_state *run, struct ql_err *err);
/** Frees it, and tells what it warned of. */
void ql_run_close_s3(struct ql_run_state *run);
/** Makes the source of files and objects, and looks up what the local paths stand for. */
QL_MUST_CHECK enum ql_status ql_run_open_files(struct ql_run_state *run, struct ql_err *err);
/** Opens the destination. */
QL_MUST_CHECK enum ql_status ql_run_open_store(const struct ql_run_state *run, const struct ql_publication *publication,
                                               struct ql_store **store, struct ql_err *err);
/** Puts the manifest beside the artefact that was stored, if one is wanted. */
QL_MUST_CHECK enum ql_status ql_run_write_manifest(struct ql_run_state *run, struct ql_err *err);
/** From an artefact's path or key to its manifest's. */
void ql_run_put_manifest_path(struct ql_buf *path);
/**
 * Refuses what --success-file, if it is set, could not be true of: no folder, or one that several windows share. template: that
 * of the destination; empty where it is none. key: what it comes to. E_USAGE, E_CONFIG.
 */
QL_MUST_CHECK enum ql_status ql_run_check_success_file(const struct ql_run_options *options, struct ql_str template,
                                                       struct ql_str key, struct ql_err *err);
/** Puts _SUCCESS into the folder of the artefact that is stored, if it is wanted. */
QL_MUST_CHECK enum ql_status ql_run_write_success_file(struct ql_run_state *run, struct ql_err *err);
/** From an artefact's path or key, or its manifest's, to that of _SUCCESS. */
void ql_run_put_success_path(struct ql_buf *path);
/** Appends the path or key at which the artefact was stored. */
void ql_run_put_stored_path(const struct ql_run_state *run, struct ql_buf *path);
/** Stores a small file, and says where. what: how a message calls it. */
QL_MUST_CHECK enum ql_status ql_run_store_beside(const struct ql_run_state *run, const char *what, struct ql_str path,
                                                 struct ql_str bytes, char location[QL_RUN_LOCATION_SIZE], struct ql_err *err);
void ql_run_warn(struct ql_run_state *run, const char *fmt, ...) QL_PRINTF(2, 3);

#endif
