/*
 * Waiting for an export, of whichever contract: a look after a tenth of the time already waited, so that an export that is
 * ready after 5 s loses half a second and one that takes 20 minutes is not asked for a thousand times. A deadline bounds it,
 * not a count; http keeps the rate limit.
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

static enum ql_status too_late(const struct ql_export_wait *wait, struct ql_err *err) {
    char cause[sizeof err->message] = "";
    if (err != NULL && err->http_status != 0) { /* not mere waiting: the server kept on refusing */
        (void)snprintf(cause, sizeof cause, "; %.500s", err->message);
    }
    long http_status = err != NULL ? err->http_status : 0;
    QL_FAIL(err, QL_E_DEADLINE, "export '%.*s' was not ready after %lld s%s", QL_STR_ARG(wait->id),
            (long long)((ql_time_monotonic_ms() - wait->created_ms + 500) / 1000), cause);
    if (err != NULL) {
        err->http_status = http_status;
    }
    ql_err_hint(err, "raise --deadline, or ask for a shorter range; the export goes on at the server");
    return QL_E_DEADLINE;
}

/* The wait before the next look: the last one is cut so that it still ends before the deadline. */
static int64_t next_wait_ms(const struct ql_export_wait *wait, int64_t deadline_ms) {
    int64_t now_ms = ql_time_monotonic_ms();
    int64_t wait_ms = ql_exports_poll_wait_ms(now_ms - wait->created_ms, wait->poll_min_ms, wait->poll_max_ms,
                                              ql_http_random(wait->genesys->http, UINT64_C(1) << 32));
    if (deadline_ms == 0) {
        return wait_ms;
    }
    int64_t left_ms = deadline_ms - now_ms;
    int64_t for_the_look_ms = wait->poll_min_ms < left_ms / 4 ? wait->poll_min_ms : left_ms / 4;
    int64_t last_ms = left_ms - for_the_look_ms;
    return wait_ms > last_ms && left_ms > LAST_LOOK_MS ? last_ms : wait_ms;
}

static enum ql_status look_until(const struct ql_export_wait *wait, int64_t deadline_ms, struct ql_err *err) {
    bool is_over = false;
    while (!is_over) {
        QL_TRY(ql_http_wait(wait->genesys->http, next_wait_ms(wait, deadline_ms), NULL, err));
        QL_TRY(wait->look(wait->ctx, &is_over, err));
    }
    return QL_OK;
}

enum ql_status ql_export_wait(const struct ql_export_wait *wait, struct ql_err *err) {
    struct ql_http *http = wait->genesys->http;
    int64_t of_run_ms = ql_http_get_deadline(http);
    int64_t own_ms = wait->deadline_ms > 0 ? wait->created_ms + wait->deadline_ms : 0;
    int64_t deadline_ms = own_ms != 0 && (of_run_ms == 0 || own_ms < of_run_ms) ? own_ms : of_run_ms;
    struct ql_err failure = {0};
    ql_http_set_deadline(http, deadline_ms);
    enum ql_status status = look_until(wait, deadline_ms, &failure);
    ql_http_set_deadline(http, of_run_ms);
    if (status == QL_E_DEADLINE && deadline_ms == own_ms) {
        status = too_late(wait, &failure);
    } else if (status != QL_OK && status != QL_E_EXPORT_FAILED) {
        ql_err_wrap(&failure, "waiting for export '%.*s'", QL_STR_ARG(wait->id));
    }
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    return status;
}
