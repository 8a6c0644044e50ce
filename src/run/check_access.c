/*
 * The order of `queuelake check`: hosts and clock, then Genesys Cloud, then the destination and the disk. What each look means
 * is known to the room that makes it; here they are put in a row, and those are left out for which an earlier one took the
 * ground.
 */
#include "run/check_access.h"

#include "run/check_access_internal.h"
#include "source/permissions.h"
#include "source/regions.h"

#include <stdio.h>

static const int64_t CLOCK_LIMIT_S = 15 * 60; /* of AWS's signatures: "Signature Version 4", RequestTimeTooSkewed */
static const int64_t CLOCK_WORTH_S = 60;
static const char CLOCK_HINT[] = "set this machine's clock (timedatectl set-ntp true)";

struct checking {
    const struct ql_access_request *request;
    const struct ql_run_options *options;
    struct ql_run_summary summary; /* what a run would know of itself by then: nothing */
    struct ql_run_state run;
    struct ql_access_report *report;
    struct ql_finding_sink findings;
    struct ql_buf login_url, api_url, s3_url;
    int64_t ahead_us; /* this machine's clock, of that of clock_host */
    char clock_host[300];
};

static void add_line(void *ctx, enum ql_finding_kind kind, const char *name, const struct ql_err *what) {
    struct ql_access_report *report = ctx;
    QL_MEM_GROW(report->lines, report->cap, report->n + 1);
    report->lines[report->n++] = (struct ql_access_line){.kind = kind, .name = name, .what = *what};
}

/* ---- hosts and clock */

/* Any answer will do: it proves name, route and certificate, and it has a date. */
static bool look_at_host(struct checking *checking, const char *name, const struct ql_buf *url) {
    struct ql_buf root = {0};
    struct ql_buf host = {0};
    struct ql_http_response response;
    struct ql_err err = {0};
    ql_http_put_host(ql_buf_view(url), &host);
    ql_buf_put_str(&root, ql_buf_view(url));
    ql_buf_putc(&root, '/');
    const struct ql_http_request request = {.method = "HEAD", .url = ql_buf_view(&root), .repeat = QL_HTTP_REPEAT_NEVER};
    enum ql_status status = ql_http_send(checking->run.http, &request, &response, &err);
    int64_t date_us = ql_http_response_date(&response);
    bool is_reached = status == QL_OK || response.was_sent;
    if (status != QL_OK) { /* one that was sent has shown the way; what it does not answer others may ask */
        ql_finding_err(&checking->findings, is_reached ? QL_FINDING_WARNING : QL_FINDING_PROBLEM, name, &err);
    } else {
        bool is_tls = ql_str_has_prefix(ql_buf_view(url), "https:");
        ql_finding_say(&checking->findings, QL_FINDING_OK, name, "'%s' answers %s", ql_buf_text(&host),
                       is_tls ? "over TLS" : "over plain http");
    }
    if (status == QL_OK && date_us != QL_TIME_NONE) {
        checking->ahead_us = ql_time_now() - date_us;
        (void)snprintf(checking->clock_host, sizeof checking->clock_host, "%s", ql_buf_text(&host));
    }
    ql_http_response_fini(&response);
    ql_buf_fini(&host);
    ql_buf_fini(&root);
    return is_reached;
}

void ql_judge_clock(int64_t ahead_us, const char *host, bool signs, const struct ql_finding_sink *findings) {
    int64_t ahead_s = ahead_us / QL_US_PER_S;
    int64_t apart_s = ahead_s < 0 ? -ahead_s : ahead_s;
    char text[160];
    (void)snprintf(text, sizeof text, "this machine's clock is %lld h %lld min %lld s %s that of", (long long)(apart_s / 3600),
                   (long long)(apart_s / 60 % 60), (long long)(apart_s % 60), ahead_s < 0 ? "behind" : "ahead of");
    if (apart_s >= CLOCK_LIMIT_S && signs) {
        ql_finding_warn(findings, "clock", CLOCK_HINT,
                        "%s '%.300s'; S3 refuses what is signed more than 15 minutes off, so its own clock is taken to sign",
                        text, host);
    } else if (apart_s >= CLOCK_WORTH_S) {
        ql_finding_warn(findings, "clock", CLOCK_HINT, "%s '%.300s'", text, host);
    } else {
        ql_finding_say(findings, QL_FINDING_OK, "clock", "agrees with that of '%.300s'", host);
    }
}

static void look_at_clock(struct checking *checking) {
    if (checking->clock_host[0] == '\0') {
        ql_finding_say(&checking->findings, QL_FINDING_SKIPPED, "clock", "no host that was reached told the time");
    } else {
        ql_judge_clock(checking->ahead_us, checking->clock_host, checking->options->destination.kind == QL_STORE_S3,
                       &checking->findings);
    }
}

/* ---- Genesys Cloud */

static void look_at_region(struct checking *checking) {
    const struct ql_genesys_options *genesys = &checking->options->genesys;
    const struct ql_region *region = ql_region_find(genesys->environment);
    if (genesys->login_url.len != 0 && genesys->api_url.len != 0) {
        ql_finding_say(&checking->findings, QL_FINDING_OK, "region", "not used: --login-url and --api-url name the hosts");
    } else if (region != NULL) {
        ql_finding_say(&checking->findings, QL_FINDING_OK, "region", "%s, %s (%s)", region->domain, region->code,
                       region->place);
    } else {
        const char *nearest = ql_region_nearest(genesys->environment);
        char hint[160];
        (void)snprintf(hint, sizeof hint, "%s%s%s", nearest != NULL ? "did you mean '" : "check GENESYS_ENVIRONMENT",
                       nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "; new regions open faster than this list grows");
        ql_finding_warn(&checking->findings, "region", hint,
                        "'%.*s' is no region that this version knows; its hosts are asked all the same",
                        QL_STR_ARG(genesys->environment));
    }
}

static void look_at_genesys(struct checking *checking, bool is_login_there) {
    const struct ql_run_options *options = checking->options;
    if (is_login_there) {
        ql_genesys_look(checking->run.http, &options->genesys, options->source_name, &checking->findings);
    } else {
        ql_finding_say(&checking->findings, QL_FINDING_SKIPPED, "token", "not tried, because the login host cannot be reached");
    }
}

static void look_at_inputs(struct checking *checking) {
    struct ql_err err = {0};
    size_t n = 0;
    enum ql_status status = ql_run_open_files(&checking->run, &err);
    if (status == QL_OK) {
        status = checking->run.source->ops->prepare(checking->run.source, &err);
    }
    if (status != QL_OK) {
        ql_finding_err(&checking->findings, QL_FINDING_PROBLEM, "inputs", &err);
        return;
    }
    (void)ql_source_files_paths(checking->run.source, &n);
    ql_finding_say(&checking->findings, QL_FINDING_OK, "inputs", "%zu %s", n, n == 1 ? "file or object" : "files and objects");
}

/* ---- destination */

static void look_at_s3(struct checking *checking, struct ql_str key, bool is_there) {
    const struct ql_run_options *options = checking->options;
    struct ql_tag tags[QL_RUN_MAX_TAGS];
    struct ql_s3_place place = {.bucket = options->destination.bucket, .key = key, .tags = tags};
    place.n_tags = ql_run_tags(&checking->run, tags);
    if (is_there) {
        ql_s3_probe(checking->run.s3, &place, checking->request->writes, &checking->findings);
    } else {
        ql_finding_say(&checking->findings, QL_FINDING_SKIPPED, "bucket",
                       "not looked at, because its server cannot be reached");
    }
}

static void look_at_destination(struct checking *checking, bool is_s3_there) {
    const struct ql_run_options *options = checking->options;
    struct ql_err err = {0};
    struct ql_buf key = {0};
    enum ql_status status = QL_OK;
    if (checking->request->destination_err != NULL) {
        err = *checking->request->destination_err;
        status = err.status;
    } else {
        status = ql_run_check_destination(&checking->run, &err);
    }
    if (status == QL_OK) {
        status = ql_run_key(&checking->run, QL_KEY_NO_SHA256, &key, &err);
    }
    if (status != QL_OK) {
        ql_finding_err(&checking->findings, QL_FINDING_PROBLEM, "destination", &err);
    } else if (options->destination.kind == QL_STORE_STDOUT) {
        ql_finding_say(&checking->findings, QL_FINDING_OK, "destination", "standard output");
    } else if (options->destination.kind == QL_STORE_S3) {
        ql_finding_say(&checking->findings, QL_FINDING_OK, "destination", "'s3://%.*s/%.300s'",
                       QL_STR_ARG(options->destination.bucket), ql_buf_text(&key));
        look_at_s3(checking, ql_buf_view(&key), is_s3_there);
    } else {
        ql_finding_say(&checking->findings, QL_FINDING_OK, "destination", "'%.300s'", ql_buf_text(&key));
        ql_look_at_folder(ql_buf_view(&key), &checking->findings);
    }
    ql_buf_fini(&key);
}

/* What the client of S3 set right by itself while it was looked at. */
static void tell_s3_warnings(struct checking *checking) {
    ql_run_close_s3(&checking->run);
    for (int i = 0; i < checking->summary.n_warnings; i++) {
        ql_finding_warn(&checking->findings, "s3", "a run does so by itself", "%s", checking->summary.warnings[i]);
    }
}

/* ---- all of it */

static void look_at_everything(struct checking *checking) {
    const struct ql_run_options *options = checking->options;
    bool has_genesys = options->source != QL_RUN_FILES;
    bool has_s3 = options->destination.kind == QL_STORE_S3 && checking->request->destination_err == NULL;
    bool is_login_there = false;
    bool is_s3_there = false;
    struct ql_err ignored = {0}; /* the looks at inputs and destination see the same fault in the options */
    if (ql_run_needs_s3(options)) {
        (void)!ql_run_open_s3(&checking->run, &ignored);
    }
    if (has_genesys) {
        ql_genesys_put_urls(&options->genesys, &checking->login_url, &checking->api_url);
        look_at_region(checking);
        is_login_there = look_at_host(checking, "login", &checking->login_url);
        (void)look_at_host(checking, "api", &checking->api_url);
    }
    if (has_s3 && ql_s3_check(&options->s3, options->destination.bucket, NULL) == QL_OK) {
        ql_s3_put_origin(&options->s3, options->destination.bucket, &checking->s3_url);
        is_s3_there = look_at_host(checking, "s3", &checking->s3_url);
    }
    if (has_genesys || has_s3) {
        look_at_clock(checking);
    }
    if (has_genesys) {
        look_at_genesys(checking, is_login_there);
    } else {
        look_at_inputs(checking);
    }
    look_at_destination(checking, is_s3_there);
    ql_look_at_temp_dir(options->pivot.temp_dir, &checking->findings);
    tell_s3_warnings(checking);
}

void ql_check_access(const struct ql_access_request *request, struct ql_access_report *report) {
    *report = (struct ql_access_report){0};
    struct checking checking = {.request = request,
                                .options = request->options,
                                .summary = {.first_us = QL_TIME_NONE, .last_us = QL_TIME_NONE},
                                .report = report,
                                .findings = {.add = add_line, .ctx = report}};
    struct ql_err err = {0};
    checking.run = (struct ql_run_state){.options = request->options, .summary = &checking.summary, .begun_us = ql_time_now()};
    checking.summary.layout = ql_run_layout_name(request->options->layout.layout);
    (void)snprintf(checking.summary.export_id, sizeof checking.summary.export_id, "export-id"); /* a key may mention it */
    if (ql_http_new(&request->options->http, &checking.run.http, &err) != QL_OK) {
        ql_finding_err(&checking.findings, QL_FINDING_PROBLEM, "network", &err);
    } else {
        look_at_everything(&checking);
    }
    if (ql_run_check_cancelled(&checking.run, &err) != QL_OK) { /* what was refused for that alone says nothing */
        ql_access_report_fini(report);
        ql_finding_err(&checking.findings, QL_FINDING_PROBLEM, "check", &err);
    }
    if (checking.run.source != NULL) {
        checking.run.source->ops->free(checking.run.source);
    }
    ql_http_free(checking.run.http);
    ql_buf_fini(&checking.login_url);
    ql_buf_fini(&checking.api_url);
    ql_buf_fini(&checking.s3_url);
}

void ql_access_report_fini(struct ql_access_report *report) {
    ql_mem_free(report->lines);
    *report = (struct ql_access_report){0};
}

const struct ql_err *ql_access_report_problem(const struct ql_access_report *report) {
    for (size_t i = 0; i < report->n; i++) {
        if (report->lines[i].kind == QL_FINDING_PROBLEM) {
            return &report->lines[i].what;
        }
    }
    return NULL;
}
