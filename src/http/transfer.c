/*
 * One exchange: a request goes out, an answer comes in, or a failure with its reason. The loop around libcurl is our own (its
 * multi interface) so that a signal and the deadline are noticed within a tenth of a second; curl_easy_perform looks up once a
 * second.
 */
#include "http/http_internal.h"

#include "base/mem.h"
#include "base/time.h"

enum { POLL_MS = 100 };

/* A signal or the deadline. */
static bool is_over(struct ql_transfer *transfer) {
    struct ql_http *http = transfer->http;
    if (transfer->request->is_cleanup) { /* its time-out ends it */
        return false;
    }
    if (ql_http_is_cancelled(http)) {
        (void)ql_transfer_end(transfer, QL_E_CANCELLED, "stopped by a signal");
        return true;
    }
    if (ql_http_is_past_deadline(http)) {
        (void)ql_transfer_end(transfer, QL_E_DEADLINE, "the deadline passed during a request to '%s'",
                              transfer->url->authority);
        return true;
    }
    return false;
}

static CURLcode result_of(const struct ql_http *http) {
    int left;
    for (CURLMsg *message; (message = http->curl.multi_info_read(http->multi, &left)) != NULL;) {
        if (message->msg == CURLMSG_DONE) {
            return message->data.result;
        }
    }
    return CURLE_FAILED_INIT;
}

static int poll_ms(const struct ql_transfer *transfer) {
    if (transfer->request->is_cleanup) {
        return POLL_MS;
    }
    int64_t deadline_ms = ql_http_get_deadline(transfer->http);
    int64_t left = deadline_ms != 0 ? deadline_ms - ql_time_monotonic_ms() : POLL_MS;
    return left < POLL_MS ? (left > 0 ? (int)left : 0) : POLL_MS;
}

static CURLcode perform(struct ql_transfer *transfer) {
    const struct ql_libcurl *curl = &transfer->http->curl;
    CURLM *multi = transfer->http->multi;
    CURLMcode code = curl->multi_add_handle(multi, transfer->easy);
    int running = 1;
    while (code == CURLM_OK) {
        code = curl->multi_perform(multi, &running);
        if (code != CURLM_OK || running == 0 || is_over(transfer)) {
            break;
        }
        code = curl->multi_poll(multi, NULL, 0, poll_ms(transfer), NULL);
    }
    CURLcode result = code != CURLM_OK ? CURLE_FAILED_INIT
                      : running == 0   ? result_of(transfer->http)
                                       : CURLE_ABORTED_BY_CALLBACK;
    (void)curl->multi_remove_handle(multi, transfer->easy);
    return result;
}

static void count_bytes(struct ql_transfer *transfer) {
    const struct ql_libcurl *curl = &transfer->http->curl;
    CURL *easy = transfer->easy;
    struct ql_http_shared *shared = transfer->http->shared;
    long request_size = 0;
    long header_size = 0;
    curl_off_t up = 0;
    curl_off_t down = 0;
    (void)curl->easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_size);
    (void)curl->easy_getinfo(easy, CURLINFO_HEADER_SIZE, &header_size);
    (void)curl->easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &up);
    (void)curl->easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    (void)pthread_mutex_lock(&shared->mutex);
    shared->stats.requests++;
    shared->stats.bytes_sent += request_size + up;
    shared->stats.bytes_received += header_size + down;
    (void)pthread_mutex_unlock(&shared->mutex);
}

static enum ql_status finish(struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    count_bytes(transfer);
    attempt->was_sent = transfer->response->was_sent;
    attempt->has_delivered = transfer->has_delivered;
    bool is_answer =
        transfer->ended_by == QL_OK && transfer->has_headers && (transfer->code == CURLE_OK || transfer->is_body_cut);
    if (!is_answer) {
        return ql_fault_explain(transfer, attempt, err);
    }
    attempt->http_status = transfer->response->status;
    attempt->retry_after_ms = transfer->response->retry_after_ms;
    return QL_OK;
}

enum ql_status ql_transfer_run(struct ql_transfer *transfer, struct ql_attempt *attempt, struct ql_err *err) {
    *attempt = (struct ql_attempt){.retry_after_ms = -1};
    enum ql_status status = ql_handle_prepare(transfer, err);
    if (status == QL_OK) {
        transfer->code = perform(transfer);
        status = finish(transfer, attempt, err);
    }
    attempt->status = status;
    ql_handle_fini(transfer);
    ql_mem_free(transfer->spans);
    return status;
}
