/*
 * Stores standard input as one S3 object over the real HTTP client, for tests/e2e/test_store_s3.py:
 *
 *     store_driver BUCKET KEY [TAG=VALUE...]
 *
 * Settings come from AWS_* as for queuelake. Prints what was stored, or the error, as "name: value" lines; waits are short.
 */
#include "base/mem.h"
#include "store/store.h"

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

int main(int argc, char **argv) {
    if (argc < 3) {
        return 64;
    }
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
                                                 .rate_wait_ms = 10};
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
                                          .on_warning = on_warning};
    const struct ql_publication publication = {.key = ql_str_from(argv[2]), .tags = tags, .n_tags = n_tags};
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
    if (status == QL_OK) {
        status = ql_store_s3_open(client, ql_str_from(argv[1]), &store, &err);
    }
    if (status == QL_OK) {
        status = store_input(store, &publication, &stored, &err);
    }
    if (http != NULL) {
        ql_http_get_stats(http, &stats);
    }
    int code = report(status, &err, &stored, &stats);
    ql_store_free(store);
    ql_s3_client_free(client);
    ql_http_free(http);
    return code;
}
