/*
 * The bytes of completed exports, of whichever contract, one after the other, straight from its signed link into the sink. The
 * link carries its own permission: no bearer goes there, and its query is a secret. What breaks on the way (a cut body, a
 * reset, a damaged gzip that the sink finds, an expired link) is begun again from a new link; the sink is told, so that nothing
 * half-read counts.
 */
#include "source/source_internal.h"

#include <stdio.h>

struct download {
    const struct ql_downloads *all;
    const struct ql_source_sink *sink;
    const struct ql_download_part *part; /* that is being fetched */
    int n_begun;                         /* downloads, but for those that came to their end */
    bool is_restart;                     /* the sink has to forget what it got: the next input is the first one again */
    bool is_under_way;                   /* in this attempt */
    enum ql_status sink_status;          /* what the sink said in this attempt */
};

static enum ql_status on_headers(void *ctx, const struct ql_http_response *response, struct ql_err *err) {
    struct download *download = ctx;
    struct ql_buf name = {0};
    ql_buf_printf(&name, "export %.*s", QL_STR_ARG(download->part->id));
    const struct ql_source_info info = {
        .name = ql_buf_view(&name),
        .export_id = download->part->id,
        .is_unsized = response->is_unsized,
        .is_restart = download->is_restart,
    };
    download->is_restart = false;
    download->is_under_way = true;
    download->sink_status = download->sink->begin(download->sink->ctx, &info, err);
    ql_buf_fini(&name);
    return download->sink_status;
}

static enum ql_status on_body(void *ctx, const void *ptr, size_t len, struct ql_err *err) {
    struct download *download = ctx;
    download->sink_status = download->sink->bytes(download->sink->ctx, ptr, len, err);
    return download->sink_status;
}

/* The sentence in an S3 error's XML: <Message>...</Message>. */
static void s3_words(const struct ql_http *http, const struct ql_http_response *response, char *out, size_t size) {
    const char *text = ql_buf_text(&response->body);
    const char *start = strstr(text, "<Message>");
    const char *end = start != NULL ? strstr(start, "</Message>") : NULL;
    struct ql_str words = {0};
    if (end != NULL) {
        words = (struct ql_str){start + 9, (size_t)(end - start) - 9};
    }
    ql_words_copy(http, words, out, size);
}

/* An expired link is 403 at S3; an expired session of whoever signed it is 400 ExpiredToken. */
static bool is_link_refused(const struct ql_http_response *response) {
    return response->status == 401 || response->status == 403 || response->status == 404 || response->status == 410 ||
           (response->status == 400 && strstr(ql_buf_text(&response->body), "ExpiredToken") != NULL);
}

static enum ql_status refused(const struct download *download, const struct ql_http_response *response, struct ql_err *err) {
    const struct ql_http *http = download->all->genesys->http;
    char words[300];
    char host[300];
    struct ql_buf authority = {0};
    s3_words(http, response, words, sizeof words);
    ql_http_put_host(ql_buf_view(download->part->link), &authority);
    (void)snprintf(host, sizeof host, "%s", ql_buf_text(&authority));
    ql_buf_fini(&authority);
    const char *colon = words[0] != '\0' ? ": " : "";
    enum ql_status status = is_link_refused(response) ? QL_E_LINK_EXPIRED
                            : response->status == 429 ? QL_E_RATE
                            : response->status >= 500 ? QL_E_SERVER
                                                      : QL_E_PROTOCOL;
    if (status == QL_E_LINK_EXPIRED) {
        QL_FAIL(err, status, "'%s' refuses the download link with status %ld%s%s", host, response->status, colon, words);
        ql_err_hint(err, "run again; if it stays, compare this machine's clock and see whether a proxy changes the link");
    } else {
        QL_FAIL(err, status, "'%s' answers the download with status %ld%s%s", host, response->status, colon, words);
    }
    ql_error_note_answer(response, NULL, err);
    return status;
}

static enum ql_status download_once(struct download *download, struct ql_err *err) {
    const struct ql_genesys *genesys = download->all->genesys;
    /* What comes compressed stays so until the sink decodes it, with a check of its end. */
    const struct ql_http_header headers[] = {{QL_STR("Accept-Encoding"), QL_STR("gzip")}};
    const struct ql_http_request request = {
        .method = "GET",
        .url = ql_buf_view(download->part->link),
        .headers = headers,
        .n_headers = 1,
        .repeat = QL_HTTP_REPEAT_ALWAYS,
        .follows_redirects = true,
        .is_foreign = true,
        .allow_loopback = genesys->is_api_loopback,
        .on_headers = on_headers,
        .on_body = on_body,
        .stream_ctx = download,
    };
    struct ql_http_response response;
    download->sink_status = QL_OK;
    download->is_under_way = false;
    enum ql_status status = ql_http_send(genesys->http, &request, &response, err);
    if (status == QL_OK && (response.status < 200 || response.status >= 300)) {
        status = refused(download, &response, err);
    } else if (status == QL_OK && response.status != 200) {
        status =
            QL_FAIL(err, QL_E_PROTOCOL, "the download is answered with status %ld, which is no whole file", response.status);
    } else if (status == QL_OK) {
        status = download->sink->end(download->sink->ctx, err);
        download->sink_status = status;
    }
    ql_http_response_fini(&response);
    return status;
}

/* What another try can mend. A failure before the stream began has been tried again by http already. */
static bool is_worth_another(const struct download *download, enum ql_status status) {
    switch ((int)status) {
    case QL_E_LINK_EXPIRED:
    case QL_E_TRUNCATED:
        return true;
    case QL_E_NETWORK:
    case QL_E_TIMEOUT:
        return download->is_under_way && download->sink_status == QL_OK;
    case QL_E_COMPRESSED:
        return download->sink_status == status;
    default:
        return false;
    }
}

/* Before the next try. */
static enum ql_status wait_a_little(const struct ql_downloads *all, int n, const struct ql_err *cause, struct ql_err *err) {
    int64_t wait_ms = all->wait_min_ms;
    for (int i = 1; i < n && wait_ms < all->wait_max_ms; i++) {
        wait_ms *= 2;
    }
    ql_genesys_note(all->genesys, "the download is begun again: %s", cause->message);
    return ql_http_wait(all->genesys->http, wait_ms < all->wait_max_ms ? wait_ms : all->wait_max_ms, NULL, err);
}

static void tell_attempts(const struct download *download, struct ql_err *err) {
    int n = download->n_begun;
    if (n > 1) {
        size_t len = strlen(err->message);
        (void)snprintf(err->message + len, sizeof err->message - len, " (%d downloads begun)", n);
    }
    if (download->sink_status == QL_OK || n > 1) { /* else it points at a line of the input, which says enough */
        ql_err_wrap(err, "downloading export '%.*s'", QL_STR_ARG(download->part->id));
    }
}

/* The link of a part, if it has none that can be used. */
static enum ql_status get_link(const struct download *download, size_t i, struct ql_err *err) {
    if (download->part->link->len != 0) {
        return QL_OK;
    }
    enum ql_status status = download->all->renew(download->all->ctx, i, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "asking for a new link");
    }
    return status;
}

/*
 * What was begun and broke is begun anew with the first part, because the sink can only forget everything; a link that was
 * refused before anything came costs no more than another link.
 */
static size_t go_back(struct download *download, size_t i) {
    size_t first = download->is_under_way ? 0 : i;
    download->is_restart = download->is_restart || download->is_under_way;
    for (size_t k = first; k <= i; k++) {
        ql_buf_reset(download->all->parts[k].link);
    }
    return first;
}

/* One part; *is_broken: it broke in a way that another try can mend. */
static enum ql_status fetch_part(struct download *download, size_t i, bool *is_broken, struct ql_err *err) {
    download->part = &download->all->parts[i];
    download->sink_status = QL_OK;
    *is_broken = false;
    QL_TRY(get_link(download, i, err));
    download->n_begun++;
    enum ql_status status = download_once(download, err);
    *is_broken = status != QL_OK && is_worth_another(download, status);
    return status;
}

enum ql_status ql_download_all(const struct ql_downloads *all, const struct ql_source_sink *sink, struct ql_err *err) {
    struct download download = {.all = all, .sink = sink};
    struct ql_err failure = {0};
    enum ql_status status = QL_OK;
    ql_genesys_stage(all->genesys, "download");
    for (size_t i = 0; i < all->n_parts && status == QL_OK;) {
        bool is_broken;
        status = fetch_part(&download, i, &is_broken, &failure);
        if (status == QL_OK) {
            i++;
            download.n_begun--;
        } else if (is_broken && download.n_begun < all->max_downloads) {
            struct ql_err cause = failure;
            i = go_back(&download, i);
            status = wait_a_little(all, download.n_begun, &cause, &failure);
        }
    }
    if (status != QL_OK && err != NULL) {
        *err = failure;
        tell_attempts(&download, err);
    }
    return status;
}
