/*
 * Stores standard input as one S3 object over the real HTTP client, for tests/e2e/test_store_s3.py:
 *
 *     store_driver BUCKET KEY [TAG=VALUE...]
 *     store_driver --explanations               (prints the table of S3's codes for docs/errors.md, a tab between fields)
 *     store_driver --orphans BUCKET PREFIX      (lists unfinished uploads; ENDS=1: ends them)
 *
 * Settings come from AWS_* as for queuelake and from variables of their own names. Prints what was stored, or the error, as
 * "name: value" lines; waits are short. SIGTERM ends it as it ends queuelake.
 */
#include "base/mem.h"
#include "store/store.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_TAGS = 16 };

static struct ql_str variable(const char *name) {
    const char *value = getenv(name);
    return ql_str_from(value != NULL ? value : "");
}

static void on_warning(void *ctx, const char *text) {
    (void)ctx;
    printf("warning: %s\n", text);
}

static int64_t number(const char *name) {
    int64_t value = 0;
    return ql_str_to_i64(variable(name), &value) ? value : 0;
}

static volatile sig_atomic_t stopped;
static void on_signal(int signal_number) {
    stopped = signal_number;
}

static int report(enum ql_status status, const struct ql_err *err, const struct ql_stored *stored,
                  const struct ql_http_stats *stats) {
    printf("requests: %lld\n", (long long)stats->requests);
    if (status != QL_OK) {
        printf("status: %s\nmessage: %s\nhint: %s\nrequest_id: %s\n", ql_status_name(status), err->message,
               ql_err_get_hint(err), err->request_id);
        return ql_status_exit_code(status);
    }
    printf("location: %s\nsha256: %s\nbytes: %lld\netag: %s\nversion_id: %s\nencryption: %s\n", stored->location,
           stored->sha256, (long long)stored->bytes, stored->etag, stored->version_id, stored->server_side_encryption);
    static const char *const HOW[] = {"stored", "unchanged", "skipped"};
    printf("how: %s\nparts: %d\n", HOW[stored->how], stored->n_parts);
    return 0;
}

static enum ql_status store_input(struct ql_store *store, const struct ql_publication *publication, struct ql_stored *stored,
                                  struct ql_err *err) {
    struct ql_sink sink = ql_store_sink(store);
    static char block[100000];
    for (ssize_t n = read(STDIN_FILENO, block, sizeof block); n > 0; n = read(STDIN_FILENO, block, sizeof block)) {
        QL_TRY(sink.write(sink.ctx, block, (size_t)n, err));
    }
    return ql_store_commit(store, publication, stored, err);
}

static void on_orphan(void *ctx, const struct ql_s3_orphan *orphan) {
    (void)ctx;
    printf("orphan: %.*s %.*s%s%s%s%s\n", QL_STR_ARG(orphan->key), QL_STR_ARG(orphan->upload_id),
           orphan->is_noted ? " noted" : "", orphan->is_young ? " young" : "", orphan->is_ended ? " ended" : "",
           orphan->failure != NULL ? " failed" : "");
}

static enum ql_status orphans(struct ql_s3_client *client, const char *bucket, const char *prefix, struct ql_err *err) {
    const struct ql_s3_orphans_request request = {.bucket = ql_str_from(bucket),
                                                  .prefix = ql_str_from(prefix),
                                                  .ends = number("ENDS") != 0,
                                                  .min_age_ms = number("MIN_AGE_MS"),
                                                  .found = on_orphan};
    return ql_s3_orphans(client, &request, err);
}

static int print_explanations(void) {
    static const char *const KINDS[] = {
        [QL_S3_FINAL] = "no", [QL_S3_TRANSIENT] = "yes", [QL_S3_THROTTLED] = "yes, with fewer requests"};
    size_t n = 0;
    const struct ql_s3_explanation *rows = ql_s3_explanations(&n);
    for (size_t i = 0; i < n; i++) {
        printf("%s\t%s\t%s\t%s\t%s\t%s\n", rows[i].code, rows[i].words != NULL ? rows[i].words : "",
               ql_status_name(rows[i].status), KINDS[rows[i].kind], rows[i].what, rows[i].hint);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--explanations") == 0) {
        return print_explanations();
    }
    bool wants_orphans = argc == 4 && strcmp(argv[1], "--orphans") == 0;
    if (argc < 3) {
        return 64;
    }
    (void)signal(SIGTERM, on_signal);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    struct ql_tag tags[MAX_TAGS];
    size_t n_tags = 0;
    for (int i = 3; i < argc && n_tags < MAX_TAGS; i++) {
        tags[n_tags].key = ql_str_split(ql_str_from(argv[i]), '=', &tags[n_tags].value);
        n_tags++;
    }
    const struct ql_http_options http_options = {.user_agent = QL_STR("store_driver"),
                                                 .connect_timeout_ms = 5000,
                                                 .request_timeout_ms = 10000,
                                                 .stall_bytes_per_s = 1,
                                                 .stall_ms = 5000,
                                                 .max_header_bytes = 65536,
                                                 .max_body_bytes = 1 << 20,
                                                 .max_stream_bytes = 1 << 20,
                                                 .max_attempts = 4,
                                                 .retry_base_ms = 10,
                                                 .retry_cap_ms = 20,
                                                 .rate_wait_ms = 10,
                                                 .is_cancelled = &stopped};
    const struct ql_tag context = {QL_STR("team"), QL_STR("l\"ake")};
    const struct ql_s3_options options = {.region = variable("AWS_REGION"),
                                          .endpoint = variable("AWS_ENDPOINT_URL"),
                                          .access_key_id = variable("AWS_ACCESS_KEY_ID"),
                                          .secret_access_key = variable("AWS_SECRET_ACCESS_KEY"),
                                          .session_token = variable("AWS_SESSION_TOKEN"),
                                          .expected_bucket_owner = variable("EXPECTED_BUCKET_OWNER"),
                                          .server_side_encryption = variable("SERVER_SIDE_ENCRYPTION"),
                                          .max_attempts = 4,
                                          .retry_base_ms = 10,
                                          .retry_cap_ms = 20,
                                          .kms_key = variable("KMS_KEY"),
                                          .kms_context = &context,
                                          .n_kms_context = number("KMS_CONTEXT") != 0,
                                          .uses_bucket_key = number("BUCKET_KEY") != 0,
                                          .storage_class = variable("STORAGE_CLASS"),
                                          .acl = variable("ACL"),
                                          .cache_control = variable("CACHE_CONTROL"),
                                          .checksum = (enum ql_checksum_kind)number("CHECKSUM"),
                                          .multipart_threshold = number("THRESHOLD"),
                                          .part_size = number("PART_SIZE"),
                                          .concurrency = (int)number("CONCURRENCY"),
                                          .hashes_first = number("HASH_FIRST") != 0,
                                          .state_dir = variable("STATE_DIR"),
                                          .temp_dir = variable("TMPDIR"),
                                          .on_warning = on_warning};
    const struct ql_tag metadata[] = {{QL_STR("profile"), QL_STR("default")}, {QL_STR("source-sha256"), {0}}};
    const struct ql_publication publication = {.key = ql_str_from(argv[2]),
                                               .tags = tags,
                                               .n_tags = n_tags,
                                               .metadata = metadata,
                                               .n_metadata = number("METADATA") != 0 ? 2 : 0,
                                               .if_exists = (enum ql_if_exists)number("IF_EXISTS")};
    struct ql_http *http = NULL;
    struct ql_s3_client *client = NULL;
    struct ql_store *store = NULL;
    struct ql_stored stored = {0};
    struct ql_err err = {0};
    struct ql_http_stats stats = {0};
    enum ql_status status = ql_http_new(&http_options, &http, &err);
    if (status == QL_OK) {
        status = ql_s3_client_new(http, &options, &client, &err);
    }
    if (status == QL_OK && wants_orphans) {
        status = orphans(client, argv[2], argv[3], &err);
    } else if (status == QL_OK) {
        status = ql_store_s3_open(client, ql_str_from(argv[1]), &publication, &store, &err);
    }
    if (status == QL_OK && store != NULL) {
        status = store_input(store, &publication, &stored, &err);
    }
    if (http != NULL) {
        ql_http_get_stats(http, &stats);
    }
    ql_store_free(store); /* ends an upload that has failed */
    int code = report(status, &err, &stored, &stats);
    ql_s3_client_free(client);
    ql_http_free(http);
    return code;
}
