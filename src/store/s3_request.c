/**
 * The attempts of one request. Each ends in a verdict: it stands, it can be mended and sent again at once (region, clock,
 * credentials: each once), it may pass and is sent again after a wait, or it has failed. Nobody below repeats anything.
 */
#include "store/s3_client.h"

#include "base/mem.h"

#include <stdio.h>

enum {
    DEFAULT_ATTEMPTS = 5,
    MAX_UNRESOLVED_ATTEMPTS = 3, /* an unknown host is mostly a typing error */
    LONGEST_RETRY_AFTER_MS = 60 * 60000
};
static const int64_t CLOCK_TOLERANCE_US = 4 * 60 * QL_US_PER_S; /* as the SDKs'; S3 itself tolerates 15 min */

enum verdict { STANDS, MENDED, MAY_PASS, FAILED };

struct sending {
    struct ql_s3_client *client;
    const struct ql_s3_request *request;
    struct ql_s3_answer *answer;
    struct ql_http *http;
    char sha256[QL_SHA256_HEX_SIZE];
    struct ql_s3_wire wire;
    struct ql_s3_error error;     /* what the last answer said */
    enum ql_status transport;     /* QL_OK: an answer came */
    enum ql_status reader_status; /* what the reader said */
    enum ql_s3_kind kind;
    bool has_moved, has_set_clock, has_renewed;
    bool is_refused; /* no further attempt is left in the run's budget */
    int n_tries;     /* attempts that count: those after a mending do not */
    int last_cost;
};

void ql_s3_answer_fini(struct ql_s3_answer *answer) {
    ql_http_response_fini(&answer->response);
}

/* ---- one exchange */

static enum ql_status on_headers(void *ctx, const struct ql_http_response *response, struct ql_err *err) {
    struct sending *sending = ctx;
    const struct ql_s3_reader *reader = sending->request->reader;
    sending->reader_status = reader->begin(reader->ctx, response->is_unsized, err);
    return sending->reader_status;
}

static enum ql_status on_body(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct sending *sending = ctx;
    const struct ql_s3_reader *reader = sending->request->reader;
    sending->reader_status = reader->bytes(reader->ctx, ptr, len, err);
    return sending->reader_status;
}

/* Bytes in memory go out as a stream does: no time is set for the whole of it, only the rule of stalls. */
static enum ql_status read_bytes(void *ctx, int64_t offset, void *ptr, size_t len, size_t *got, struct ql_err *err) {
    const struct ql_str *bytes = ctx;
    size_t left = bytes->len - (size_t)offset;
    (void)err;
    *got = len < left ? len : left;
    if (*got != 0) {
        memcpy(ptr, bytes->ptr + offset, *got);
    }
    return QL_OK;
}

static enum ql_status exchange(struct sending *sending, struct ql_err *err) {
    const struct ql_s3_request *request = sending->request;
    const struct ql_s3_world *world = ql_s3_client_world(sending->client);
    struct ql_str bytes = request->payload.bytes;
    const struct ql_http_body_source memory = {.read = read_bytes, .ctx = &bytes, .size = (int64_t)bytes.len};
    const struct ql_http_request http_request = {
        .method = request->method,
        .url = ql_buf_view(&sending->wire.url),
        .headers = sending->wire.headers,
        .n_headers = sending->wire.n_headers,
        .source = request->payload.source != NULL ? request->payload.source
                  : bytes.len != 0                ? &memory
                                                  : NULL,
        /* A kept connection may be dead, and then libcurl sends again by itself: only what may be repeated goes there. */
        .repeat = request->repeat == QL_HTTP_REPEAT_ALWAYS ? QL_HTTP_REPEAT_BY_CALLER : QL_HTTP_REPEAT_NEVER,
        .timeout_ms = request->patience_ms,
        .may_be_silent = request->patience_ms != 0,
        .on_headers = request->reader != NULL ? on_headers : NULL,
        .on_body = request->reader != NULL ? on_body : NULL,
        .stream_ctx = sending,
    };
    sending->answer->n_attempts++;
    sending->n_tries++;
    return world->send(sending->http, &http_request, &sending->answer->response, err);
}

/* QL_OK: an exchange has taken place, and sending->transport says how. Signed when its turn has come, since signatures age. */
static enum ql_status attempt(struct sending *sending, struct ql_err *err) {
    bool takes_place = sending->request->reader == NULL; /* what is read may be what another request waits for */
    ql_http_response_fini(&sending->answer->response);
    if (takes_place) {
        QL_TRY(ql_s3_client_enter(sending->client, sending->http, err));
    }
    enum ql_status status = ql_s3_sign(sending->client, sending->request, sending->sha256, &sending->wire, err);
    if (status == QL_OK) {
        sending->transport = exchange(sending, err);
    }
    if (takes_place) {
        ql_s3_client_leave(sending->client);
    }
    return status;
}

/* ---- what an answer is */

static bool is_accepted(const struct sending *sending) {
    long status = sending->answer->response.status;
    bool is_listed = false;
    for (size_t i = 0; i < QL_S3_MAX_ACCEPTED; i++) {
        is_listed = is_listed || (sending->request->accepted[i] != 0 && sending->request->accepted[i] == status);
    }
    return is_listed;
}

/* S3 begins a long answer with 200 and may end it with an <Error>; a document that breaks off is no better. */
static bool is_success(const struct sending *sending) {
    const struct ql_http_response *response = &sending->answer->response;
    const struct ql_s3_request *request = sending->request;
    if (response->status < 200 || response->status > 299) {
        return false;
    }
    if (request->reader != NULL) {
        return true;
    }
    struct ql_str body = ql_str_trim(ql_buf_view(&response->body));
    return request->root != NULL ? ql_xml_text(body, request->root, NULL) : body.len == 0;
}

static bool is_cut_document(const struct sending *sending) {
    const struct ql_http_response *response = &sending->answer->response;
    return response->status >= 200 && response->status <= 299 && sending->request->root != NULL &&
           sending->error.code[0] == '\0';
}

static void read_error(struct sending *sending) {
    struct ql_s3_answer *answer = sending->answer;
    sending->error = (struct ql_s3_error){0};
    if (sending->transport == QL_OK && (sending->request->reader == NULL || answer->response.status > 299)) {
        (void)ql_xml_s3_error(ql_buf_view(&answer->response.body), &sending->error);
    }
    (void)snprintf(answer->code, sizeof answer->code, "%s", sending->error.code);
}

/* ---- what can be mended */

static bool has_code(const struct sending *sending, const char *const *codes) {
    for (; *codes != NULL; codes++) {
        if (strcmp(sending->error.code, *codes) == 0) {
            return true;
        }
    }
    return false;
}

/* HeadBucket answers with x-amz-bucket-region, also where it refuses; a region that it is sent to is learned by itself. */
static void ask_for_region(struct sending *sending) {
    const struct ql_s3_request request = {.act = QL_S3_LOOK,
                                          .method = "HEAD",
                                          .bucket = sending->request->bucket,
                                          .repeat = QL_HTTP_REPEAT_NEVER,
                                          .accepted = {403}};
    struct ql_s3_answer answer;
    if (ql_s3_send(sending->client, &request, &answer, NULL) == QL_OK) {
        struct ql_str region = ql_http_response_get(&answer.response, "x-amz-bucket-region");
        if (ql_s3_is_region(region) && !ql_str_eq(region, ql_str_from(sending->wire.region))) {
            ql_s3_client_learn_region(sending->client, request.bucket, region);
        }
    }
    ql_s3_answer_fini(&answer);
}

/* A redirect that is none of S3 says nothing of a bucket; and who asks for the region already asks nobody else. */
static bool may_ask_for_region(const struct sending *sending) {
    bool is_asking = sending->request->key.len == 0 && strcmp(sending->request->method, "HEAD") == 0;
    bool is_aws = ql_s3_client_options(sending->client)->endpoint.len == 0;
    return !is_asking && (is_aws || sending->error.code[0] != '\0');
}

/* A HEAD has no body: a 400 with a region in its header is all that it says. */
static bool mend_region(struct sending *sending) {
    const struct ql_http_response *response = &sending->answer->response;
    struct ql_str bucket = sending->request->bucket;
    bool is_head = strcmp(sending->request->method, "HEAD") == 0;
    struct ql_str told = ql_s3_told_region(&sending->error, response);
    bool is_about_it =
        ql_s3_is_about_region(&sending->error, response) || (is_head && response->status == 400 && told.len != 0);
    if (sending->has_moved || !is_about_it || sending->request->service != QL_AWS_S3) {
        return false;
    }
    if (told.len == 0 && may_ask_for_region(sending)) {
        ask_for_region(sending);
    } else if (told.len != 0 && !ql_str_eq(told, ql_str_from(sending->wire.region))) {
        ql_s3_client_learn_region(sending->client, bucket, told);
    }
    char known[QL_S3_REGION_SIZE];
    ql_s3_client_get_region(sending->client, bucket, known);
    sending->has_moved = strcmp(known, sending->wire.region) != 0;
    return sending->has_moved;
}

static int64_t server_time_us(const struct sending *sending) {
    struct ql_time_text time;
    if (ql_time_parse_iso(ql_str_from(sending->error.server_time), &time) && time.has_time) {
        return ql_time_from_civil(&time.civil) - (int64_t)time.offset_s * QL_US_PER_S;
    }
    return ql_http_date_parse(ql_http_response_get(&sending->answer->response, "date"));
}

static bool mend_clock(struct sending *sending) {
    /* Those that say so, and those that a wrong time can be behind. */
    static const char *const CODES[] = {"RequestTimeTooSkewed",
                                        "RequestExpired",
                                        "RequestInTheFuture",
                                        "SignatureDoesNotMatch",
                                        "InvalidSignatureException",
                                        "AuthFailure",
                                        NULL};
    static const char *const OLD[] = {"RequestTimeTooSkewed", "RequestExpired", NULL};
    bool is_head = strcmp(sending->request->method, "HEAD") == 0 && sending->answer->response.status == 403;
    int64_t server_us = server_time_us(sending);
    if (sending->has_set_clock || (!has_code(sending, CODES) && !is_head) || server_us == QL_TIME_NONE) {
        return false;
    }
    /* By the time of this signature: another thread may have learned a better one since. */
    int64_t now_us = ql_s3_client_world(sending->client)->now_us();
    int64_t ahead_us = now_us + (sending->wire.signed_us - sending->wire.machine_us) - server_us;
    bool is_wrong = ahead_us < -CLOCK_TOLERANCE_US || ahead_us > CLOCK_TOLERANCE_US;
    if (is_wrong) {
        ql_s3_client_learn_clock(sending->client, server_us);
    }
    sending->has_set_clock = is_wrong || has_code(sending, OLD); /* else the signature was on its way for too long */
    return sending->has_set_clock;
}

static bool mend_credentials(struct sending *sending) {
    static const char *const CODES[] = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", NULL};
    int64_t expires_us = sending->wire.credentials.expires_us;
    long status = sending->answer->response.status;
    bool is_over = expires_us != QL_TIME_NONE && expires_us <= sending->wire.signed_us;
    bool is_refusal = status == 400 || status == 401 || status == 403;
    if (sending->has_renewed || !(has_code(sending, CODES) || (is_over && is_refusal))) {
        return false;
    }
    sending->has_renewed = true;
    ql_s3_generation old = sending->wire.generation;
    struct ql_err ignored = {0}; /* the server's refusal says more */
    enum ql_status status_of_new =
        ql_s3_client_credentials(sending->client, old, &sending->wire.credentials, &sending->wire.generation, &ignored);
    bool is_stopped = status_of_new == QL_E_CANCELLED || status_of_new == QL_E_DEADLINE; /* which the next attempt says */
    return is_stopped || (status_of_new == QL_OK && sending->wire.generation != old);
}

/* ---- verdicts */

static bool may_repeat(const struct sending *sending) {
    const struct ql_http_response *response = &sending->answer->response;
    switch (sending->request->repeat) {
    case QL_HTTP_REPEAT_IF_UNSENT:
        return sending->transport != QL_OK ? !response->was_sent : response->status == 429 || response->status == 503;
    case QL_HTTP_REPEAT_NEVER:
        return false;
    case QL_HTTP_REPEAT_ALWAYS:
    case QL_HTTP_REPEAT_BY_CALLER:
    default:
        return true;
    }
}

/* The rule of attempts and of the run's budget, for what may pass. */
static enum verdict allow(struct sending *sending, int cost) {
    const struct ql_s3_options *options = ql_s3_client_options(sending->client);
    int most = options->max_attempts > 0 ? options->max_attempts : DEFAULT_ATTEMPTS;
    if (!may_repeat(sending) || sending->n_tries >= most || sending->answer->response.retry_after_ms > LONGEST_RETRY_AFTER_MS) {
        return FAILED;
    }
    sending->is_refused = !ql_s3_client_take_repeat(sending->client, cost);
    sending->last_cost = cost;
    return sending->is_refused ? FAILED : MAY_PASS;
}

static enum verdict judge_transport(struct sending *sending) {
    const struct ql_http_response *response = &sending->answer->response;
    bool may_pass = response->fault == QL_HTTP_FAULT_TRANSIENT ||
                    (response->fault == QL_HTTP_FAULT_UNRESOLVED && sending->n_tries < MAX_UNRESOLVED_ATTEMPTS);
    sending->kind = QL_S3_TRANSIENT;
    sending->answer->may_have_acted = sending->answer->may_have_acted || response->was_sent;
    if (!may_pass) {
        return FAILED;
    }
    return allow(sending, sending->transport == QL_E_TIMEOUT ? QL_S3_TIMEOUT_COST : QL_S3_REPEAT_COST);
}

static enum verdict judge_answer(struct sending *sending) {
    struct ql_s3_answer *answer = sending->answer;
    if (is_accepted(sending) || is_success(sending)) {
        ql_s3_client_note_success(sending->client, sending->last_cost);
        return STANDS;
    }
    if (mend_region(sending) || mend_clock(sending) || mend_credentials(sending)) {
        return MENDED;
    }
    sending->kind = is_cut_document(sending)
                        ? QL_S3_TRANSIENT
                        : ql_s3_kind_of(sending->error.code, sending->error.message, answer->response.status);
    if (sending->kind == QL_S3_FINAL) {
        return FAILED;
    }
    if (sending->kind == QL_S3_THROTTLED) {
        ql_s3_client_note_throttle(sending->client);
    }
    /* What refuses at once has not acted; an error behind a 200 came later. */
    answer->may_have_acted = answer->may_have_acted || sending->kind != QL_S3_THROTTLED || answer->response.status <= 299;
    return allow(sending, strcmp(sending->error.code, "RequestTimeout") == 0 ? QL_S3_TIMEOUT_COST : QL_S3_REPEAT_COST);
}

/* ---- errors */

static const char *header_value(const struct ql_s3_request *request, const char *name, size_t *len) {
    for (size_t i = 0; i < request->n_headers; i++) {
        if (ql_str_eq_nocase(request->headers[i].name, ql_str_from(name))) {
            *len = request->headers[i].value.len;
            return request->headers[i].value.ptr;
        }
    }
    *len = 0;
    return "";
}

static struct ql_s3_subject subject_of(const struct ql_s3_client *client, const struct ql_s3_request *request,
                                       const struct ql_s3_wire *wire) {
    const struct ql_s3_options *options = ql_s3_client_options(client);
    struct ql_str tags;
    struct ql_str encryption;
    tags.ptr = header_value(request, "x-amz-tagging", &tags.len);
    encryption.ptr = header_value(request, "x-amz-server-side-encryption", &encryption.len);
    return (struct ql_s3_subject){.act = request->act,
                                  .part = request->part,
                                  .bucket = request->bucket,
                                  .key = request->about.len != 0 ? request->about : request->key,
                                  .region = wire != NULL ? ql_str_from(wire->region) : ql_s3_region(options),
                                  .is_aws = options->endpoint.len == 0,
                                  .has_tags = tags.len != 0 && (ql_s3_features(options) & QL_S3_HAS_TAGS) != 0,
                                  .has_owner = wire != NULL ? wire->owner[0] != '\0' : options->expected_bucket_owner.len != 0,
                                  .has_kms = ql_str_has_prefix(encryption, "aws:kms"),
                                  .now_us = wire != NULL ? wire->machine_us : ql_s3_client_world(client)->now_us()};
}

enum ql_status ql_s3_answer_fail(struct ql_s3_client *client, const struct ql_s3_request *request,
                                 const struct ql_s3_answer *answer, struct ql_err *err) {
    const struct ql_s3_subject subject = subject_of(client, request, NULL);
    struct ql_http *http = NULL;
    enum ql_status status = ql_s3_fail(err, &subject, &answer->response);
    struct ql_err ignored = {0};
    if (ql_s3_client_lease(client, &http, &ignored) == QL_OK) {
        ql_http_redact_err(http, err);
        ql_s3_client_give_back(client, http);
    }
    return status;
}

static void note_tries(const struct sending *sending, struct ql_err *err) {
    if (err == NULL) {
        return;
    }
    size_t len = strlen(err->message);
    if (sending->n_tries > 1) {
        (void)snprintf(err->message + len, sizeof err->message - len, " (%d attempts)", sending->n_tries);
    }
    if (sending->is_refused) {
        ql_err_hint(err, "so many requests of this run have failed that it gives up; run again later");
    }
}

static void wrap(const struct sending *sending, struct ql_err *err) {
    const struct ql_s3_subject subject = subject_of(sending->client, sending->request, &sending->wire);
    struct ql_buf text = {0};
    ql_s3_put_subject(&subject, &text);
    ql_err_wrap(err, "cannot %s", ql_buf_text(&text));
    ql_buf_fini(&text);
}

static enum ql_status fail(struct sending *sending, struct ql_err *failure) {
    enum ql_status status = sending->transport;
    if (status == QL_OK) {
        const struct ql_s3_subject subject = subject_of(sending->client, sending->request, &sending->wire);
        status = ql_s3_fail(failure, &subject, &sending->answer->response);
        ql_http_redact_err(sending->http, failure);
    } else if (sending->reader_status == QL_OK) { /* else the reader's words say enough */
        wrap(sending, failure);
        if (status == QL_E_REFUSED_URL) {
            ql_err_hint(failure,
                        "set AWS_ENDPOINT_URL to https://; plain http goes to this machine only, or with --allow-http");
        }
    }
    note_tries(sending, failure);
    return status;
}

/* Where the deadline forbids the wait, the last fault is the reason, the deadline its consequence. */
static enum ql_status wait(struct sending *sending, const struct ql_err *failure, struct ql_err *wait_failure) {
    const struct ql_s3_world *world = ql_s3_client_world(sending->client);
    const struct ql_http_response *response = &sending->answer->response;
    struct ql_buf reason = {0};
    if (sending->transport != QL_OK) {
        ql_buf_printf(&reason, "%.600s", failure->message);
    } else {
        ql_buf_printf(&reason, "S3 answered %ld%s%s", response->status, sending->error.code[0] != '\0' ? " " : "",
                      sending->error.code);
    }
    ql_http_redact(sending->http, &reason);
    int64_t wait_ms = ql_s3_wait_ms(ql_s3_client_options(sending->client), sending->n_tries, sending->kind, response,
                                    world->random(sending->http, UINT64_C(1) << 32));
    enum ql_status status = world->wait(sending->http, wait_ms, ql_buf_text(&reason), wait_failure);
    ql_buf_fini(&reason);
    if (status != QL_OK) {
        wrap(sending, wait_failure);
        wait_failure->http_status = sending->transport == QL_OK ? response->status : 0;
    } else {
        ql_http_note_retry(sending->http);
    }
    return status;
}

/* ---- all attempts */

static enum ql_status send_until_it_stands(struct sending *sending, struct ql_err *failure) {
    for (;;) {
        QL_TRY(attempt(sending, failure));
        read_error(sending);
        enum verdict verdict = sending->transport == QL_OK ? judge_answer(sending) : judge_transport(sending);
        if (verdict == STANDS) {
            return QL_OK;
        }
        if (verdict == FAILED) {
            return fail(sending, failure);
        }
        if (verdict == MENDED) {
            sending->n_tries--;
            continue;
        }
        struct ql_err wait_failure = {0};
        enum ql_status status = wait(sending, failure, &wait_failure);
        if (status != QL_OK) {
            *failure = wait_failure;
            return status;
        }
    }
}

enum ql_status ql_s3_send(struct ql_s3_client *client, const struct ql_s3_request *request, struct ql_s3_answer *answer,
                          struct ql_err *err) {
    *answer = (struct ql_s3_answer){.response = {.content_length = -1, .retry_after_ms = -1}};
    struct sending sending = {.client = client, .request = request, .answer = answer};
    QL_TRY(ql_s3_payload_sha256(&request->payload, sending.sha256, err));
    QL_TRY(ql_s3_client_lease(client, &sending.http, err));
    struct ql_err failure = {0};
    enum ql_status status = send_until_it_stands(&sending, &failure);
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    ql_s3_client_give_back(client, sending.http);
    ql_s3_wire_fini(&sending.wire);
    return status;
}
