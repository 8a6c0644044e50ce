/**
 * Looks at a bucket before there is anything to store: is it there, may it be used, what happens to what is put there.
 *
 * Listing with max-keys=0 instead of HEAD: a refusal of HEAD has no body, and only the body tells a wrong secret from a missing
 * permission. A run needs nothing but s3:PutObject and s3:PutObjectTagging, so questions that these credentials may not ask are
 * no problem; only an upload proves that uploads are allowed, and it is made only if `writes` says so.
 */
#include "store/s3_object.h"

#include <sys/random.h>

struct probe {
    struct ql_s3_client *client;
    const struct ql_s3_place *place;
    const struct ql_finding_sink *findings;
};

/* Asks the bucket once, and more often only where region, clock or credentials could be mended. */
static enum ql_status ask(const struct probe *probe, enum ql_s3_act act, struct ql_str query, const char *root,
                          struct ql_s3_answer *answer, struct ql_err *err) {
    struct ql_http_header parameters[] = {{query, QL_STR("")}, {QL_STR("max-keys"), QL_STR("0")}};
    bool lists = act == QL_S3_LIST;
    parameters[0].value = lists ? QL_STR("2") : QL_STR("");
    const struct ql_s3_request request = {.act = act,
                                          .method = "GET",
                                          .bucket = probe->place->bucket,
                                          .query = parameters,
                                          .n_query = lists ? 2 : 1,
                                          .root = root,
                                          .repeat = QL_HTTP_REPEAT_NEVER};
    return ql_s3_send(probe->client, &request, answer, err);
}

/* ---- bucket */

/* false: nothing more can be learned about it. */
static bool probe_bucket(const struct probe *probe) {
    struct ql_s3_answer answer;
    struct ql_err err = {0};
    bool goes_on = true;
    enum ql_status status = ask(probe, QL_S3_LIST, QL_STR("list-type"), "ListBucketResult", &answer, &err);
    if (status == QL_OK) {
        ql_finding_say(probe->findings, QL_FINDING_OK, "bucket", "'%.*s' is there and answers these credentials",
                       QL_STR_ARG(probe->place->bucket));
    } else if (answer.response.status == 403 && strcmp(answer.code, "AccessDenied") == 0) {
        ql_finding_warn(probe->findings, "bucket",
                        "a run needs s3:PutObject and s3:PutObjectTagging alone; --write-test tries them",
                        "whether '%.*s' is there is not told: these credentials may not list it (s3:ListBucket)",
                        QL_STR_ARG(probe->place->bucket));
    } else {
        ql_finding_err(probe->findings, QL_FINDING_PROBLEM, "bucket", &err);
        goes_on = false;
    }
    ql_s3_answer_fini(&answer);
    return goes_on;
}

/* ---- encryption and versioning */

/* " (AccessDenied)" */
static void put_code(const struct ql_s3_answer *answer, struct ql_buf *out) {
    if (answer->code[0] != '\0') {
        ql_buf_printf(out, " (%s)", answer->code);
    }
}

static void probe_encryption(const struct probe *probe) {
    struct ql_s3_answer answer;
    struct ql_buf algorithm = {0};
    struct ql_buf asked = {0};
    struct ql_buf code = {0};
    struct ql_str wanted = ql_s3_encryption_of(ql_s3_client_options(probe->client));
    ql_buf_printf(&asked, wanted.len != 0 ? "each upload asks for %.*s" : "an upload asks for none%.*s", QL_STR_ARG(wanted));
    enum ql_status status =
        ask(probe, QL_S3_ASK_ENCRYPTION, QL_STR("encryption"), "ServerSideEncryptionConfiguration", &answer, NULL);
    static const char PATH[] = "ServerSideEncryptionConfiguration/Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm";
    if (status == QL_OK && ql_xml_text(ql_buf_view(&answer.response.body), PATH, &algorithm)) {
        char text[32];
        ql_s3_copy_text(ql_buf_view(&algorithm), text, sizeof text);
        ql_finding_say(probe->findings, QL_FINDING_OK, "encryption", "%s by the bucket's default; %s", text,
                       ql_buf_text(&asked));
    } else if (strcmp(answer.code, "ServerSideEncryptionConfigurationNotFoundError") == 0) {
        ql_finding_say(probe->findings, QL_FINDING_OK, "encryption", "the bucket has no default; %s", ql_buf_text(&asked));
    } else {
        put_code(&answer, &code);
        ql_finding_say(probe->findings, QL_FINDING_SKIPPED, "encryption", "the bucket's default is not told%s; %s",
                       ql_buf_text(&code), ql_buf_text(&asked));
    }
    ql_buf_fini(&code);
    ql_buf_fini(&asked);
    ql_buf_fini(&algorithm);
    ql_s3_answer_fini(&answer);
}

static void probe_versioning(const struct probe *probe) {
    struct ql_s3_answer answer;
    struct ql_buf text = {0};
    enum ql_status status = ask(probe, QL_S3_ASK_VERSIONING, QL_STR("versioning"), "VersioningConfiguration", &answer, NULL);
    if (status != QL_OK) {
        put_code(&answer, &text);
        ql_finding_say(probe->findings, QL_FINDING_SKIPPED, "versioning", "the server does not say whether it is on%s",
                       ql_buf_text(&text));
    } else if (ql_xml_text(ql_buf_view(&answer.response.body), "VersioningConfiguration/Status", &text) &&
               ql_str_eq(ql_buf_view(&text), QL_STR("Enabled"))) {
        ql_finding_say(probe->findings, QL_FINDING_OK, "versioning", "on: an artefact that is replaced can be got back");
    } else {
        ql_finding_say(probe->findings, QL_FINDING_OK, "versioning", "off: an artefact that is replaced is gone");
    }
    ql_buf_fini(&text);
    ql_s3_answer_fini(&answer);
}

/* ---- an upload, and its removal */

static enum ql_status put(const struct probe *probe, struct ql_str key, bool has_tags, struct ql_stored *stored,
                          struct ql_err *err) {
    struct ql_store *store = NULL;
    const struct ql_publication publication = {
        .key = key, .tags = probe->place->tags, .n_tags = has_tags ? probe->place->n_tags : 0};
    QL_TRY(ql_store_s3_open(probe->client, probe->place->bucket, &publication, &store, err));
    const struct ql_sink sink = ql_store_sink(store);
    static const char WORDS[] = "queuelake check --write-test\n";
    enum ql_status status = sink.write(sink.ctx, WORDS, sizeof WORDS - 1, err);
    if (status == QL_OK) {
        status = ql_store_commit(store, &publication, stored, err);
    }
    ql_store_free(store);
    return status;
}

/* That version alone, where there are versions; else, or if that is not allowed, the object. */
static bool remove_object(const struct probe *probe, struct ql_str key, const char *version, struct ql_buf *code) {
    bool is_gone = false;
    for (int with_version = version[0] != '\0' && strcmp(version, "null") != 0; with_version >= 0 && !is_gone; with_version--) {
        const struct ql_http_header query = {QL_STR("versionId"), ql_str_from(version)};
        const struct ql_s3_request request = {.act = QL_S3_DELETE,
                                              .method = "DELETE",
                                              .bucket = probe->place->bucket,
                                              .key = key,
                                              .query = &query,
                                              .n_query = (size_t)with_version};
        struct ql_s3_answer answer;
        is_gone = ql_s3_send(probe->client, &request, &answer, NULL) == QL_OK;
        ql_buf_reset(code);
        put_code(&answer, code);
        ql_s3_answer_fini(&answer);
    }
    return is_gone;
}

static void report_removal(const struct probe *probe, struct ql_str key, const struct ql_stored *stored) {
    struct ql_buf code = {0};
    if (remove_object(probe, key, stored->version_id, &code)) {
        ql_finding_say(probe->findings, QL_FINDING_OK, "write", "a small object was put and deleted");
    } else {
        ql_finding_warn(probe->findings, "write",
                        "delete it by hand; a run itself deletes nothing and needs no s3:DeleteObject",
                        "a small object was put, but could not be deleted again%s: 's3://%.*s/%.*s'", ql_buf_text(&code),
                        QL_STR_ARG(probe->place->bucket), QL_STR_ARG(key));
    }
    ql_buf_fini(&code);
}

/* An upload with tags may be refused for the tags' sake: then one without is tried, to say so. */
static void upload(const struct probe *probe, struct ql_str key) {
    struct ql_stored stored;
    struct ql_stored second;
    struct ql_err err = {0};
    bool knows_tags = (ql_s3_features(ql_s3_client_options(probe->client)) & QL_S3_HAS_TAGS) != 0;
    enum ql_status status = put(probe, key, true, &stored, &err);
    if (status == QL_OK) {
        report_removal(probe, key, &stored);
        ql_finding_say(probe->findings, knows_tags ? QL_FINDING_OK : QL_FINDING_SKIPPED, "tags",
                       knows_tags ? "%zu object tags were taken" : "%zu object tags are not sent to this server",
                       probe->place->n_tags);
    } else if (knows_tags && probe->place->n_tags != 0 && put(probe, key, false, &second, NULL) == QL_OK) {
        report_removal(probe, key, &second);
        ql_err_wrap(&err, "object tags are refused, an upload without them is not");
        ql_finding_err(probe->findings, QL_FINDING_PROBLEM, "tags", &err);
    } else {
        ql_finding_err(probe->findings, QL_FINDING_PROBLEM, "write", &err);
        ql_finding_say(probe->findings, QL_FINDING_SKIPPED, "tags", "not tried, because the upload failed");
    }
}

static void try_upload(const struct probe *probe) {
    struct ql_buf key = {0};
    uint8_t random[4];
    char hex[2 * sizeof random + 1];
    struct ql_err err = {0};
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) {
        (void)QL_FAIL(&err, QL_E_SYSTEM, "the system gives no random bytes");
        ql_finding_err(probe->findings, QL_FINDING_PROBLEM, "write", &err);
        return;
    }
    ql_hex(random, sizeof random, hex);
    ql_buf_put_str(&key, probe->place->key);
    ql_buf_printf(&key, ".queuelake-check-%s", hex);
    upload(probe, ql_buf_view(&key));
    ql_buf_fini(&key);
}

static void say_what_is_not_tried(const struct probe *probe, const char *why) {
    ql_finding_say(probe->findings, QL_FINDING_SKIPPED, "write", "uploads were not tried%s", why);
    ql_finding_say(probe->findings, QL_FINDING_SKIPPED, "tags", "object tags were not tried%s", why);
}

void ql_s3_probe(struct ql_s3_client *client, const struct ql_s3_place *place, bool writes,
                 const struct ql_finding_sink *findings) {
    const struct probe probe = {.client = client, .place = place, .findings = findings};
    if (!probe_bucket(&probe)) {
        ql_finding_say(findings, QL_FINDING_SKIPPED, "encryption", "not looked at");
        ql_finding_say(findings, QL_FINDING_SKIPPED, "versioning", "not looked at");
        say_what_is_not_tried(&probe, "");
        return;
    }
    probe_encryption(&probe);
    probe_versioning(&probe);
    if (writes) {
        try_upload(&probe);
    } else {
        say_what_is_not_tried(&probe, "; --write-test puts a small object beside the artefact and deletes it");
    }
}
