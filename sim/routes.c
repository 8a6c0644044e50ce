/* Which path is what, and what the client needs to be allowed for it. */
#include "sim/call.h"

static void issue_token(const struct ql_sim_call *call) {
    ql_sim_tokens_issue(&call->sim->tokens, call->request, call->answer);
}
static void revoke_token(const struct ql_sim_call *call) {
    ql_sim_tokens_revoke(&call->sim->tokens, call->request);
    ql_sim_answer_set_text(call->answer, 200, "application/json", QL_STR(""));
}

static void create_export(const struct ql_sim_call *call) {
    ql_sim_exports_create(&call->sim->exports, call->request, call->answer);
}
static void list_exports(const struct ql_sim_call *call) {
    ql_sim_exports_list(&call->sim->exports, call->request, call->answer);
}
static void get_export(const struct ql_sim_call *call) {
    ql_sim_exports_get(&call->sim->exports, call->request, call->id, call->answer);
}

static void query_aggregates(const struct ql_sim_call *call) {
    ql_sim_aggregates_query(&call->sim->jobs, call->request, call->answer);
}
static void create_job(const struct ql_sim_call *call) {
    ql_sim_jobs_create(&call->sim->jobs, call->request, call->answer);
}
static void get_job(const struct ql_sim_call *call) {
    ql_sim_jobs_get(&call->sim->jobs, call->request, call->id, call->answer);
}
static void cancel_job(const struct ql_sim_call *call) {
    ql_sim_jobs_cancel(&call->sim->jobs, call->request, call->id, call->answer);
}
static void get_job_results(const struct ql_sim_call *call) {
    ql_sim_jobs_results(&call->sim->jobs, call->request, call->id, call->answer);
}

static void create_report(const struct ql_sim_call *call) {
    ql_sim_reports_create(&call->sim->reports, call->request, call->answer);
}
static void list_reports(const struct ql_sim_call *call) {
    ql_sim_reports_list(&call->sim->reports, call->request, call->answer);
}
static void list_views(const struct ql_sim_call *call) {
    ql_sim_reports_list_views(call->request, call->answer);
}
static void get_report(const struct ql_sim_call *call) {
    ql_sim_reports_get(&call->sim->reports, call->request, call->id, call->answer);
}
static void patch_report(const struct ql_sim_call *call) {
    ql_sim_reports_patch(&call->sim->reports, call->request, call->id, call->answer);
}
static void delete_report(const struct ql_sim_call *call) {
    ql_sim_reports_delete(&call->sim->reports, call->request, call->id, call->answer);
}
static void show_download(const struct ql_sim_call *call) {
    ql_sim_reports_show_download(&call->sim->reports, call->request, call->id, call->answer);
}

#define OPEN .is_open = true
#define PRIVATE .is_private = true
#define MAY(permission_) .permission = (permission_)
#define ROUTE(method_, path_, answer_, ...) \
    { .method = (method_), .path = (path_), .answer = (answer_), __VA_ARGS__ }
#define AGGREGATES "/api/v2/analytics/conversations/aggregates"
#define REPORTS "/api/v2/analytics/reporting/exports"
#define EXPORTS "/api/v2/analytics/conversations/exports"
#define LIMITS "/api/v2/organizations/limits"
#define VIEW_AGGREGATES MAY("analytics:conversationAggregate:view")

/* Where two paths fit, the first counts. */
const struct ql_sim_route ql_sim_routes[] = {
    ROUTE("POST", "/oauth/token", issue_token, OPEN),
    ROUTE("GET", "/api/v2/tokens/me", ql_sim_call_show_token, ),
    ROUTE("HEAD", "/api/v2/tokens/me", ql_sim_call_show_token, ),
    ROUTE("DELETE", "/api/v2/tokens/me", revoke_token, ),
    ROUTE("GET", "/api/v2/authorization/subjects/me", ql_sim_call_show_subject, ),
    ROUTE("GET", "/api/v2/authorization/divisions", ql_sim_call_list_divisions, ),
    ROUTE("GET", "/api/v2/users/me", ql_sim_call_show_user, ),
    ROUTE("GET", "/api/v2/organizations/me", ql_sim_call_show_organization, ),
    ROUTE("GET", LIMITS "/namespaces", ql_sim_call_list_namespaces, ),
    ROUTE("GET", LIMITS "/namespaces/*", ql_sim_call_list_limits, ),
    ROUTE("GET", LIMITS "/namespaces/*/defaults", ql_sim_call_list_limits, ),
    ROUTE("GET", LIMITS "/docs", ql_sim_call_show_limit_docs, ),
    ROUTE("GET", "/api/v2/routing/queues", ql_sim_call_list_queues, MAY("routing:queue:view")),
    ROUTE("GET", "/api/v2/routing/queues/divisionviews", ql_sim_call_list_queue_views, MAY("routing:queue:search")),
    ROUTE("GET", "/api/v2/routing/queues/divisionviews/all", ql_sim_call_list_all_queue_views, MAY("routing:queue:search")),
    ROUTE("GET", "/api/v2/routing/queues/*", ql_sim_call_get_queue, MAY("routing:queue:view")),
    ROUTE("POST", AGGREGATES "/query", query_aggregates, VIEW_AGGREGATES),
    ROUTE("POST", AGGREGATES "/jobs", create_job, VIEW_AGGREGATES),
    ROUTE("GET", AGGREGATES "/jobs/*", get_job, VIEW_AGGREGATES),
    ROUTE("DELETE", AGGREGATES "/jobs/*", cancel_job, VIEW_AGGREGATES),
    ROUTE("GET", AGGREGATES "/jobs/*/results", get_job_results, VIEW_AGGREGATES),
    ROUTE("GET", "/api/v2/analytics/conversations/details/jobs/availability", ql_sim_call_show_availability,
          MAY("analytics:conversationDetail:view")),
    ROUTE("GET", "/api/v2/analytics/dataretention/settings", ql_sim_call_show_retention, MAY("analytics:dataRetention:view")),
    ROUTE("POST", REPORTS, create_report, MAY("analytics:dataExport:add")),
    ROUTE("GET", REPORTS, list_reports, MAY("analytics:dataExport:view")),
    ROUTE("GET", REPORTS "/metadata", list_views, MAY("analytics:dataExport:view")),
    ROUTE("GET", REPORTS "/*", get_report, PRIVATE, MAY("analytics:dataExport:view")),
    ROUTE("PATCH", REPORTS "/*", patch_report, PRIVATE, MAY("analytics:dataExport:view")),
    ROUTE("DELETE", REPORTS "/*", delete_report, PRIVATE, MAY("analytics:dataExport:delete")),
    ROUTE("GET", "/api/v2/downloads/*", show_download, ),
    ROUTE("POST", EXPORTS, create_export, MAY("analytics:dataExport:add")),
    ROUTE("GET", EXPORTS, list_exports, MAY("analytics:dataExport:view")),
    ROUTE("GET", EXPORTS "/*", get_export, MAY("analytics:dataExport:view")),
};
const size_t ql_sim_n_routes = sizeof ql_sim_routes / sizeof ql_sim_routes[0];
