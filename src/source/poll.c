/*
 * Waiting for the export: a look after a tenth of the time already waited, so that an export that is ready after 5 s loses half
 * a second and one that takes 20 minutes is not asked for a thousand times. A deadline bounds it, not a count; http keeps the
 * rate limit.
 */
#include "source/source_internal.h"

#include "base/time.h"

#include <stdio.h>

/* Nearer to the deadline than this no other look is begun. */
enum { LAST_LOOK_MS = 50 };

int64_t ql_exports_poll_wait_ms(int64_t waited_ms, int64_t min_ms, int64_t max_ms, uint64_t random) {
    int64_t wait = waited_ms / 10;
    wait = wait > max_ms ? max_ms : wait;
    if (wait <= min_ms) { /* runs that were started together part here, too */
        return min_ms + (int64_t)(random % ((uint64_t)min_ms / 5 + 1));
    }
    wait -= (int64_t)(random % ((uint64_t)wait / 5 + 1));
    return wait < min_ms ? min_ms : wait;
}

/* ---- what an export says of itself */

static enum ql_status failed(const struct ql_exports *exports, struct ql_str state, const struct ql_json *json,
                             struct ql_err *err) {
    static const char *const KEYS[] = {"message",           "errorMessage",           "error", "reason", "statusMessage",
                                       "errorMessagesType", "exportErrorMessagesType"};
    char words[400] = "";
    for (size_t i = 0; i < sizeof KEYS / sizeof KEYS[0] && words[0] == '\0'; i++) {
        const struct ql_json *value = ql_json_get(json, KEYS[i]);
        struct ql_str text = ql_json_is_object(value) ? ql_json_get_text(value, "message") : ql_json_text(value);
        ql_words_copy(exports->genesys.http, text, words, sizeof words);
    }
    return QL_FAIL(err, QL_E_EXPORT_FAILED, "export '%s' is %.*s: %s", ql_buf_text(&exports->id), QL_STR_ARG(state),
                   words[0] != '\0' ? words : "the server gives no reason");
}

static enum ql_status take_link(struct ql_exports *exports, const struct ql_json *json, struct ql_err *err) {
    struct ql_str link = ql_json_get_text(json, "downloadUrl");
    if (link.len == 0) {
        return QL_FAIL(err, QL_E_PROTOCOL, "export '%s' is completed but has no downloadUrl", ql_buf_text(&exports->id));
    }
    struct ql_str query;
    (void)ql_str_split(link, '?', &query);
    ql_http_add_secret(exports->genesys.http, query);
    ql_buf_reset(&exports->link);
    ql_buf_put_str(&exports->link, link);
    return QL_OK;
}

enum ql_status ql_exports_read_state(struct ql_exports *exports, const struct ql_json *json, enum ql_export_state *state,
                                     struct ql_err *err) {
    struct ql_str text = ql_json_get_text(json, "status");
    *state = QL_EXPORT_RUNNING;
    if (text.ptr == NULL) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer about export '%s' has no status", ql_buf_text(&exports->id));
    }
    if (ql_str_eq_nocase(text, QL_STR("completed"))) {
        *state = QL_EXPORT_COMPLETED;
        return take_link(exports, json, err);
    }
    if (ql_str_eq_nocase(text, QL_STR("failed")) || ql_str_eq_nocase(text, QL_STR("cancelled")) ||
        ql_str_eq_nocase(text, QL_STR("canceled"))) {
        *state = QL_EXPORT_ENDED;
        return failed(exports, text, json, err);
    }
    return QL_OK; /* inProgress, or a name that a later version invents: the deadline bounds it */
}

/* ---- looking */

static enum ql_status look(struct ql_exports *exports, enum ql_export_state *state, struct ql_err *err) {
    struct ql_buf path = {0};
    ql_buf_puts(&path, "/api/v2/analytics/conversations/exports/");
    ql_http_encode(ql_buf_view(&exports->id), false, &path);
    const struct ql_genesys_call call = {.method = "GET", .path = ql_buf_text(&path), .repeat = QL_HTTP_REPEAT_ALWAYS};
    struct ql_http_response response;
    bool was_sent;
    struct ql_json *json = NULL;
    enum ql_status status = ql_genesys_send(&exports->genesys, &call, &response, &was_sent, err);
    if (status == QL_OK) {
        status = response.status == 200
                     ? ql_genesys_parse(&exports->genesys, &response, &json, err)
                     : ql_genesys_explain(&exports->genesys, ql_buf_text(&exports->genesys.api_host), &response, err);
    }
    if (json != NULL) {
        status = ql_exports_read_state(exports, json, state, err);
        if (status != QL_OK) {
            ql_error_note_answer(&response, NULL, err);
        }
    }
    ql_json_free(json);
    ql_http_response_fini(&response);
    ql_buf_fini(&path);
    return status;
}

static enum ql_status too_late(const struct ql_exports *exports, struct ql_err *err) {
    char cause[sizeof err->message] = "";
    if (err != NULL && err->http_status != 0) { /* not mere waiting: the server kept on refusing */
        (void)snprintf(cause, sizeof cause, "; %.500s", err->message);
    }
    long http_status = err != NULL ? err->http_status : 0;
    QL_FAIL(err, QL_E_DEADLINE, "export '%s' was not ready after %lld s%s", ql_buf_text(&exports->id),
            (long long)((ql_time_monotonic_ms() - exports->created_ms + 500) / 1000), cause);
    if (err != NULL) {
        err->http_status = http_status;
    }
    ql_err_hint(err, "raise --deadline, or ask for a shorter range; the export goes on at the server");
    return QL_E_DEADLINE;
}

enum ql_status ql_poll_wait(struct ql_http *http, const struct ql_poll *poll, struct ql_err *err) {
    int64_t now_ms = ql_time_monotonic_ms();
    int64_t wait_ms =
        ql_exports_poll_wait_ms(now_ms - poll->begun_ms, poll->min_ms, poll->max_ms, ql_http_random(http, UINT64_C(1) << 32));
    if (poll->deadline_ms != 0) {
        int64_t left_ms = poll->deadline_ms - now_ms;
        int64_t last_ms = left_ms - (poll->min_ms < left_ms / 4 ? poll->min_ms : left_ms / 4);
        wait_ms = wait_ms > last_ms && left_ms > LAST_LOOK_MS ? last_ms : wait_ms;
    }
    return ql_http_wait(http, wait_ms, NULL, err);
}

static enum ql_status poll_until(struct ql_exports *exports, int64_t deadline_ms, struct ql_err *err) {
    enum ql_export_state state = exports->link.len != 0 ? QL_EXPORT_COMPLETED : QL_EXPORT_RUNNING;
    const struct ql_poll poll = {.begun_ms = exports->created_ms,
                                 .min_ms = exports->options.poll_min_ms,
                                 .max_ms = exports->options.poll_max_ms,
                                 .deadline_ms = deadline_ms};
    while (state == QL_EXPORT_RUNNING) {
        QL_TRY(ql_poll_wait(exports->genesys.http, &poll, err));
        QL_TRY(look(exports, &state, err));
    }
    return QL_OK;
}

enum ql_status ql_exports_poll(struct ql_exports *exports, struct ql_err *err) {
    struct ql_http *http = exports->genesys.http;
    int64_t of_run_ms = ql_http_get_deadline(http);
    int64_t own_ms = exports->options.deadline_ms > 0 ? exports->created_ms + exports->options.deadline_ms : 0;
    int64_t deadline_ms = own_ms != 0 && (of_run_ms == 0 || own_ms < of_run_ms) ? own_ms : of_run_ms;
    struct ql_err failure = {0};
    ql_http_set_deadline(http, deadline_ms);
    enum ql_status status = poll_until(exports, deadline_ms, &failure);
    ql_http_set_deadline(http, of_run_ms);
    if (status == QL_E_DEADLINE && deadline_ms == own_ms) {
        status = too_late(exports, &failure);
    } else if (status != QL_OK && status != QL_E_EXPORT_FAILED) {
        ql_err_wrap(&failure, "waiting for export '%s'", ql_buf_text(&exports->id));
    }
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    return status;
}

enum ql_status ql_exports_renew_link(struct ql_exports *exports, struct ql_err *err) {
    enum ql_export_state state = QL_EXPORT_RUNNING;
    ql_buf_reset(&exports->link);
    QL_TRY(look(exports, &state, err));
    if (state != QL_EXPORT_COMPLETED) {
        return QL_FAIL(err, QL_E_PROTOCOL, "export '%s' was completed and is not any more", ql_buf_text(&exports->id));
    }
    return QL_OK;
}
