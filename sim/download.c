/*
 * The download host: signed links and nothing else, with the answers of S3. It is a port of its own, so that a client that
 * sends its bearer token along is seen.
 */
#include "sim/error_body.h"
#include "sim/fault_plan.h"
#include "sim/gzip_stream.h"
#include "sim/sim.h"

#include "base/mem.h"
#include "sim/calendar.h"

/* Whoever sends Authorization is refused, signed link or not. S3 repeats the header's value in the body, and so does this. */
static bool check_authorization(const struct ql_sim_request *request, enum ql_sim_link_state state,
                                struct ql_sim_answer *answer) {
    const char *authorization = ql_sim_request_get_header(request, "Authorization");
    if (authorization == NULL) {
        return true;
    }
    struct ql_buf extra = {0};
    ql_buf_puts(&extra, "<ArgumentName>Authorization</ArgumentName><ArgumentValue>");
    ql_sim_xml_escape(ql_str_from(authorization), &extra);
    ql_buf_puts(&extra, "</ArgumentValue>");
    ql_sim_answer_s3_error(
        answer, request, 400, "InvalidArgument",
        state == QL_SIM_LINK_UNSIGNED
            ? "Unsupported Authorization Type"
            : "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
              "parameter or the Authorization header should be specified",
        ql_buf_text(&extra));
    ql_buf_fini(&extra);
    return false;
}

static void answer_expired(const struct ql_sim_request *request, const struct ql_sim_link_check *check,
                           struct ql_sim_answer *answer) {
    char expires[32];
    char now[32];
    struct ql_buf extra = {0};
    ql_sim_time_print(check->expires_ms, expires);
    ql_sim_time_print(ql_sim_now_ms(), now);
    ql_buf_printf(&extra, "<X-Amz-Expires>%lld</X-Amz-Expires><Expires>%s</Expires><ServerTime>%s</ServerTime>",
                  (long long)check->life_s, expires, now);
    ql_sim_answer_s3_error(answer, request, 403, "AccessDenied", "Request has expired", ql_buf_text(&extra));
    ql_buf_fini(&extra);
}

static bool check_link(const struct ql_sim_request *request, const struct ql_sim_link_check *check,
                       struct ql_sim_answer *answer) {
    switch (check->state) {
    case QL_SIM_LINK_GOOD:
        return true;
    case QL_SIM_LINK_EXPIRED:
        answer_expired(request, check, answer);
        return false;
    case QL_SIM_LINK_ALTERED:
        ql_sim_answer_s3_error(
            answer, request, 403, "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and "
            "signing method.",
            NULL);
        return false;
    case QL_SIM_LINK_INCOMPLETE:
        ql_sim_answer_s3_error(
            answer, request, 400, "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
            "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
            NULL);
        return false;
    case QL_SIM_LINK_UNSIGNED:
    default:
        ql_sim_answer_s3_status(answer, request, 403);
        return false;
    }
}

/* The export's id out of "/exports/<id>.csv". */
static bool read_path(const struct ql_sim *sim, struct ql_str path, struct ql_str *id) {
    static const char PREFIX[] = "/exports/";
    const char *suffix = sim->exports.download_suffix;
    if (!ql_str_has_prefix(path, PREFIX) || !ql_str_has_suffix(path, suffix) || path.len < sizeof PREFIX - 1 + strlen(suffix)) {
        return false;
    }
    *id = (struct ql_str){path.ptr + sizeof PREFIX - 1, path.len - (sizeof PREFIX - 1) - strlen(suffix)};
    return true;
}

struct content {
    struct ql_sim *sim;
    struct ql_str id;
    struct ql_sim_query query;
};

/* NULL with err: the user's file cannot be read any more. */
static struct ql_sim_stream *open_plain(const struct content *content, struct ql_err *err) {
    struct ql_sim_stream *stream = NULL;
    const char *path = content->sim->options->csv_path;
    if (path == NULL) {
        return ql_sim_stream_csv(&content->sim->world, &content->query);
    }
    return ql_sim_stream_file(path, &stream, err) == QL_OK ? stream : NULL;
}

static struct ql_sim_stream *open_content(const struct content *content, bool is_gzip, bool is_corrupt, struct ql_err *err) {
    struct ql_sim_stream *stream = open_plain(content, err);
    return stream != NULL && is_gzip ? ql_sim_stream_gzip(stream, is_corrupt) : stream;
}

/* S3 always says how long an object is, so what is made up on the way is made once more to know it; the length is kept for the
 * next time. */
static int64_t measure(const struct content *content, bool is_gzip, struct ql_err *err) {
    struct ql_sim_exports *exports = &content->sim->exports;
    bool is_kept = content->sim->options->csv_path == NULL; /* the user's file may change between two downloads */
    int64_t size = is_kept ? ql_sim_exports_get_size(exports, content->id, is_gzip) : -1;
    if (size >= 0) {
        return size;
    }
    struct ql_sim_stream *stream = open_content(content, is_gzip, false, err);
    if (stream == NULL) {
        return 0;
    }
    if (stream->size_bytes >= 0) {
        size = stream->size_bytes;
        ql_sim_stream_free(stream);
        return size;
    }
    size = ql_sim_stream_measure(stream);
    ql_sim_exports_set_size(exports, content->id, is_gzip, size);
    return size;
}

static void answer_content(const struct content *content, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    enum ql_sim_gzip gzip = content->sim->options->gzip;
    bool is_corrupt = fault != NULL && fault->corrupt_gzip;
    bool is_cut = fault != NULL && fault->gzip_cut >= 0;
    bool is_gzip = gzip != QL_SIM_GZIP_NONE || is_corrupt || is_cut;
    struct ql_err err = {0};
    int64_t size = measure(content, is_gzip, &err);
    struct ql_sim_stream *stream = open_content(content, is_gzip, is_corrupt, &err);
    if (stream == NULL) {
        ql_sim_answer_s3_status(answer, request, 500);
        return;
    }
    stream->size_bytes = size;
    if (is_cut) {
        stream = ql_sim_stream_head(stream, size > fault->gzip_cut ? size - fault->gzip_cut : 0);
    }
    answer->status = 200;
    ql_sim_answer_set_header(answer, "Content-Type", gzip == QL_SIM_GZIP_FILE ? "application/gzip" : "text/csv");
    if (is_gzip && gzip != QL_SIM_GZIP_FILE) {
        ql_sim_answer_set_header(answer, "Content-Encoding", "gzip");
    }
    ql_sim_answer_set_body(answer, stream);
}

static const char REPORTS[] = "/reports/";

static void answer_report(struct ql_sim *sim, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    struct ql_str id = {request->path.ptr + sizeof REPORTS - 1, request->path.len - (sizeof REPORTS - 1)};
    id.len -= ql_str_has_suffix(id, ".csv") ? 4 : 0;
    struct ql_sim_stream *stream = ql_sim_reports_open_file(&sim->reports, id);
    if (stream == NULL) {
        ql_sim_answer_s3_status(answer, request, 404);
        return;
    }
    answer->status = 200;
    ql_sim_answer_set_header(answer, "Content-Type", "text/csv;charset=utf-8");
    ql_sim_answer_set_header(answer, "Content-Disposition", "attachment; filename=\"queue performance.csv\"");
    ql_sim_answer_set_body(answer, stream);
}

void ql_sim_download_answer(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer) {
    struct content content = {.sim = sim};
    ql_sim_answer_set_header(answer, "x-amz-request-id", "%s", request->id);
    ql_sim_answer_set_header(answer, "x-amz-id-2", "queuelake-sim");
    if (!ql_sim_request_is_method(request, "GET") && !ql_sim_request_is_method(request, "HEAD")) {
        ql_sim_answer_s3_status(answer, request, 405);
        return;
    }
    if (request->fault != NULL && request->fault->expire_link) {
        ql_sim_links_revoke(&sim->links, request);
    }
    struct ql_sim_link_check check = ql_sim_links_check(&sim->links, request);
    if (!check_authorization(request, check.state, answer) || !check_link(request, &check, answer)) {
        return;
    }
    if (ql_str_has_prefix(request->path, REPORTS)) {
        answer_report(sim, request, answer);
    } else if (read_path(sim, request->path, &content.id) && ql_sim_exports_find(&sim->exports, content.id, &content.query)) {
        answer_content(&content, request, answer);
    } else {
        ql_sim_answer_s3_status(answer, request, 404);
    }
}
