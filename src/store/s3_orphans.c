/**
 * Multipart uploads that nobody will finish: their parts are stored and paid for, and no listing of objects shows them.
 *
 * Two places know of them. Our notes know those of this machine's dead processes, for certain; the next upload to the bucket
 * ends them by itself. S3 knows all that are unfinished, also those of other machines, which may be at work: so what is only
 * listed is ended only if it is old.
 */
#include "store/s3_client.h"
#include "store/s3_object.h"

#include "base/mem.h"

/* ---- what S3 knows */

struct uploads_page {
    struct ql_s3_client *client;
    struct ql_str bucket, prefix;
    struct ql_s3_upload_list list;
    struct ql_buf key, id;           /* where the page begins */
    struct ql_buf next_key, next_id; /* and the one behind it */
    void (*found)(void *ctx, struct ql_str key, struct ql_str id, int64_t started_us);
    void *ctx;
};

static int64_t parse_start(struct ql_str initiated) {
    struct ql_time_text time;
    if (!ql_time_parse_iso(initiated, &time)) {
        return QL_TIME_NONE;
    }
    return ql_time_from_civil(&time.civil) - (int64_t)time.offset_s * QL_US_PER_S;
}

static void on_upload(void *ctx, struct ql_str key, struct ql_str id, struct ql_str initiated) {
    const struct uploads_page *page = ctx;
    page->found(page->ctx, key, id, parse_start(initiated));
}

/* A server that always names the same next page would be asked for ever. */
static bool goes_on(const struct uploads_page *page) {
    return !ql_str_eq(ql_buf_view(&page->key), ql_buf_view(&page->next_key)) ||
           !ql_str_eq(ql_buf_view(&page->id), ql_buf_view(&page->next_id));
}

static void swap(struct ql_buf *a, struct ql_buf *b) {
    struct ql_buf kept = *a;
    *a = *b;
    *b = kept;
}

static enum ql_status read_page(struct uploads_page *page, struct ql_err *err) {
    struct ql_http_header query[4];
    size_t n = 0;
    query[n++] = (struct ql_http_header){QL_STR("uploads"), {0}};
    if (page->prefix.len != 0) {
        query[n++] = (struct ql_http_header){QL_STR("prefix"), page->prefix};
    }
    if (page->key.len != 0) {
        query[n++] = (struct ql_http_header){QL_STR("key-marker"), ql_buf_view(&page->key)};
        query[n++] = (struct ql_http_header){QL_STR("upload-id-marker"), ql_buf_view(&page->id)};
    }
    const struct ql_s3_request request = {.act = QL_S3_LIST_UPLOADS,
                                          .method = "GET",
                                          .bucket = page->bucket,
                                          .query = query,
                                          .n_query = n,
                                          .about = page->prefix,
                                          .root = "ListMultipartUploadsResult"};
    struct ql_s3_answer answer = {0};
    enum ql_status status = ql_s3_send(page->client, &request, &answer, err);
    if (status == QL_OK && !ql_xml_s3_uploads(ql_buf_view(&answer.response.body), &page->list)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the list of the unfinished uploads of bucket '%.*s' is damaged",
                         QL_STR_ARG(page->bucket));
    } else if (status == QL_OK && page->next_key.len != 0 && !goes_on(page)) {
        status = QL_FAIL(err, QL_E_PROTOCOL, "the list of the unfinished uploads of bucket '%.*s' does not go on",
                         QL_STR_ARG(page->bucket));
        ql_err_hint(err, "the server says that there is more, and begins again at the same place");
    }
    swap(&page->key, &page->next_key);
    swap(&page->id, &page->next_id);
    ql_s3_answer_fini(&answer);
    return status;
}

enum ql_status ql_s3_uploads_list(struct ql_s3_client *client, struct ql_str bucket, struct ql_str prefix,
                                  void (*found)(void *ctx, struct ql_str key, struct ql_str id, int64_t started_us), void *ctx,
                                  struct ql_err *err) {
    struct uploads_page page = {.client = client, .bucket = bucket, .prefix = prefix, .found = found, .ctx = ctx};
    page.list =
        (struct ql_s3_upload_list){.found = on_upload, .ctx = &page, .next_key = &page.next_key, .next_id = &page.next_id};
    enum ql_status status = QL_OK;
    do {
        status = read_page(&page, err);
    } while (status == QL_OK && page.key.len != 0);
    ql_buf_fini(&page.key);
    ql_buf_fini(&page.id);
    ql_buf_fini(&page.next_key);
    ql_buf_fini(&page.next_id);
    return status;
}

/* ---- what our notes know */

struct search {
    struct ql_s3_client *client;
    struct ql_str bucket, prefix;
    const struct ql_s3_orphans_request *request; /* NULL: end the noted ones, tell nobody */
    struct ql_buf *noted;                        /* ids that were told, each with a NUL behind */
    enum ql_status status;                       /* the first failure to end one */
    struct ql_err *err;
};

static bool end_upload(struct search *search, struct ql_str key, struct ql_str id, struct ql_err *err) {
    bool was_gone = false;
    enum ql_status status = ql_s3_upload_abort(search->client, search->bucket, key, id, true, &was_gone, err);
    if (status != QL_OK && search->status == QL_OK) {
        search->status = status;
        if (search->err != NULL && err != NULL) {
            *search->err = *err;
        }
    }
    return status == QL_OK;
}

static bool is_here(const struct search *search, const struct ql_noted_upload *upload) {
    const struct ql_s3_options *options = ql_s3_client_options(search->client);
    bool is_below = upload->key.len >= search->prefix.len &&
                    ql_str_eq((struct ql_str){.ptr = upload->key.ptr, .len = search->prefix.len}, search->prefix);
    return is_below && ql_str_eq(upload->endpoint, options->endpoint) && ql_str_eq(upload->bucket, search->bucket);
}

/* What the process had begun to create when it died, if it came so far. What may not be looked for is let go: it is empty. */
static bool end_strays(const struct search *search, const struct ql_noted_upload *upload) {
    static const int64_t LONGEST_US = INT64_C(300) * QL_US_PER_S; /* of a creation and its repeats */
    struct ql_err err = {0};
    if (upload->started_us == QL_TIME_NONE) {
        return true;
    }
    const struct ql_s3_strays strays = {.bucket = search->bucket,
                                        .key = upload->key,
                                        .but = upload->note,
                                        .from_us = upload->started_us,
                                        .to_us = upload->started_us + LONGEST_US};
    enum ql_status status = ql_s3_strays_end(search->client, &strays, &err);
    return status == QL_OK || status == QL_E_S3_DENIED;
}

static bool on_noted(void *ctx, const struct ql_noted_upload *upload) {
    struct search *search = ctx;
    const struct ql_s3_orphans_request *request = search->request;
    struct ql_err err = {0};
    if (!is_here(search, upload)) {
        return false;
    }
    if (upload->upload_id.len == 0) {
        return (request == NULL || request->ends) && end_strays(search, upload);
    }
    bool is_ended = (request == NULL || request->ends) && end_upload(search, upload->key, upload->upload_id, &err);
    if (request != NULL) {
        const struct ql_s3_orphan orphan = {.key = upload->key,
                                            .upload_id = upload->upload_id,
                                            .started_us = upload->started_us,
                                            .is_noted = true,
                                            .is_ended = is_ended,
                                            .failure = err.status != QL_OK ? &err : NULL};
        request->found(request->ctx, &orphan);
        ql_buf_put_str(search->noted, upload->upload_id);
        ql_buf_putc(search->noted, '\0');
    }
    return is_ended;
}

void ql_s3_end_own_orphans(struct ql_s3_client *client, struct ql_str bucket) {
    struct search search = {.client = client, .bucket = bucket};
    ql_upload_notes_left(ql_s3_client_options(client)->state_dir, on_noted, &search);
}

/* ---- both */

static bool was_told(const struct search *search, struct ql_str id) {
    struct ql_str rest = ql_buf_view(search->noted);
    while (rest.len != 0) {
        if (ql_str_eq(ql_str_split(rest, '\0', &rest), id)) {
            return true;
        }
    }
    return false;
}

static void on_listed(void *ctx, struct ql_str key, struct ql_str id, int64_t started_us) {
    struct search *search = ctx;
    const struct ql_s3_orphans_request *request = search->request;
    if (was_told(search, id) || ql_upload_notes_is_running(ql_s3_client_options(search->client)->state_dir, key, id, "")) {
        return;
    }
    struct ql_err err = {0};
    int64_t age_us = started_us != QL_TIME_NONE ? ql_s3_client_now_us(search->client) - started_us : 0; /* by S3's clock */
    bool is_old = age_us / 1000 >= request->min_age_ms;
    const struct ql_s3_orphan orphan = {.key = key,
                                        .upload_id = id,
                                        .started_us = started_us,
                                        .is_young = !is_old,
                                        .is_ended = request->ends && is_old && end_upload(search, key, id, &err),
                                        .failure = err.status != QL_OK ? &err : NULL};
    request->found(request->ctx, &orphan);
}

enum ql_status ql_s3_orphans(struct ql_s3_client *client, const struct ql_s3_orphans_request *request, struct ql_err *err) {
    struct ql_buf noted = {0};
    struct search search = {.client = client,
                            .bucket = request->bucket,
                            .prefix = request->prefix,
                            .request = request,
                            .noted = &noted,
                            .err = err};
    ql_upload_notes_left(ql_s3_client_options(client)->state_dir, on_noted, &search);
    struct ql_err listing = {0};
    enum ql_status status = ql_s3_uploads_list(client, request->bucket, request->prefix, on_listed, &search, &listing);
    ql_buf_fini(&noted);
    if (search.status != QL_OK) {
        return search.status;
    }
    if (status != QL_OK && err != NULL) {
        *err = listing;
    }
    return status;
}
