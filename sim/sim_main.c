/*
 * queuelake-sim: a Genesys Cloud of one's own, on loopback, for a first look and for tests. It shares no code with the product
 * but src/base, so that a mistake of one side is seen by the other. api.c checks a request and routes.c says who answers it:
 * the exports contract (export_*), reporting exports (report_*), aggregates (aggregate_*), the organisation (directory_*),
 * files (download.c). world.c and world_work.c make the figures for all of them, the fault_* files make it go wrong.
 */
#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/server.h"

#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { KIND_CLIENT = 48, SECRET_BYTES = 24 };

struct program {
    struct ql_sim_options options;
    struct ql_sim sim;
    struct ql_sim_server api, download;
    char client_id[QL_SIM_UUID_SIZE];
    char client_secret[2 * SECRET_BYTES + 1];
};

static enum ql_status make_credentials(struct program *program, struct ql_err *err) {
    struct ql_sim_prng prng = ql_sim_prng_for(program->options.seed, KIND_CLIENT, 0, 0);
    ql_sim_prng_uuid(&prng, program->client_id);
    unsigned char bytes[SECRET_BYTES];
    if (RAND_bytes(bytes, SECRET_BYTES) != 1) {
        return QL_FAIL(err, QL_E_SYSTEM, "making a client secret failed: no random numbers");
    }
    for (int i = 0; i < SECRET_BYTES; i++) {
        (void)snprintf(program->client_secret + (ptrdiff_t)2 * i, 3, "%02x", bytes[i]);
    }
    struct ql_sim_tokens *tokens = &program->sim.tokens;
    tokens->client_id = program->options.client_id != NULL ? program->options.client_id : program->client_id;
    tokens->client_secret = program->options.client_secret != NULL ? program->options.client_secret : program->client_secret;
    return QL_OK;
}

/* What the public SDKs know: reporting exports and aggregates. */
static void init_public(struct ql_sim *sim, const struct ql_sim_options *options) {
    enum { MS_PER_DAY = 86400000 };
    sim->reports = (struct ql_sim_reports){.seed = options->seed,
                                           .world = &sim->world,
                                           .links = &sim->links,
                                           .ready_after_ms = options->ready_after_ms,
                                           .max_bytes = options->max_report_bytes,
                                           .max_interval_ms = options->max_report_days * MS_PER_DAY,
                                           .n_others = options->n_other_reports};
    ql_sim_reports_init(&sim->reports);
    sim->jobs = (struct ql_sim_jobs){
        .seed = options->seed,
        .world = &sim->world,
        .ready_after_ms = options->ready_after_ms,
        .life_ms = options->job_life_ms,
        .query_limits = {.max_interval_ms = options->max_query_days * MS_PER_DAY, .max_buckets = options->max_query_buckets},
        .job_limits = {.max_interval_ms = options->max_job_days * MS_PER_DAY},
        .max_running = options->max_jobs,
        .is_split = options->splits_groups,
        .has_offsets = options->has_offsets};
    ql_sim_jobs_init(&sim->jobs);
}

static void init(struct program *program) {
    const struct ql_sim_options *options = &program->options;
    struct ql_sim *sim = &program->sim;
    sim->options = options;
    ql_sim_stop_init(&sim->stop);
    const struct ql_sim_world_options world = {.seed = options->seed,
                                               .n_queues = (size_t)options->n_queues,
                                               .has_line_breaks = options->has_line_breaks,
                                               .is_edge = options->is_edge,
                                               .now_ms = options->now_ms,
                                               .settle_ms = options->settle_ms,
                                               .divisions = options->divisions};
    ql_sim_world_init(&sim->world, &world);
    ql_sim_rate_init(&sim->rate, options->rate_limit, options->rate_window_ms);
    ql_sim_links_init(&sim->links, options->link_life_s);
    sim->tokens = (struct ql_sim_tokens){
        .life_ms = options->token_life_ms, .scopes = options->scopes, .is_disabled = options->is_disabled};
    ql_sim_tokens_init(&sim->tokens);
    sim->exports = (struct ql_sim_exports){.seed = options->seed,
                                           .ready_after_ms = options->ready_after_ms,
                                           .links = &sim->links,
                                           .download_suffix = options->gzip == QL_SIM_GZIP_FILE ? ".csv.gz" : ".csv"};
    ql_sim_exports_init(&sim->exports);
    init_public(sim, options);
}

static void fini(struct program *program) {
    struct ql_sim *sim = &program->sim;
    ql_sim_server_stop(&program->api);
    ql_sim_server_stop(&program->download);
    ql_sim_exports_fini(&sim->exports);
    ql_sim_reports_fini(&sim->reports);
    ql_sim_jobs_fini(&sim->jobs);
    ql_sim_tokens_fini(&sim->tokens);
    ql_sim_links_fini(&sim->links);
    ql_sim_rate_fini(&sim->rate);
    ql_sim_world_fini(&sim->world);
    ql_sim_faults_fini(&sim->faults);
    ql_sim_log_close(&sim->log);
    ql_sim_stop_fini(&sim->stop);
    ql_mem_free(sim->api_url);
    ql_mem_free(sim->download_url);
}

static char *make_url(const struct ql_sim_server *server) {
    struct ql_buf url = {0};
    ql_buf_printf(&url, "http://127.0.0.1:%u", server->port);
    return ql_buf_take(&url);
}

/* Everything that the user can get wrong is found here, before anything listens. */
static enum ql_status prepare(struct program *program, struct ql_err *err) {
    const struct ql_sim_options *options = &program->options;
    QL_TRY(make_credentials(program, err));
    QL_TRY(ql_sim_faults_init(&program->sim.faults, options->fault_plan_path, err));
    QL_TRY(ql_sim_log_open(&program->sim.log, options->log_path, ql_sim_monotonic_ms(), err));
    if (options->csv_path != NULL) {
        struct ql_sim_stream *stream;
        QL_TRY(ql_sim_stream_file(options->csv_path, &stream, err));
        ql_sim_stream_free(stream);
    }
    return QL_OK;
}

static enum ql_status listen_on_both(struct program *program, struct ql_err *err) {
    struct ql_sim *sim = &program->sim;
    QL_TRY(ql_sim_server_bind(&program->api, sim, QL_SIM_HOST_API, program->options.port, err));
    QL_TRY(ql_sim_server_bind(&program->download, sim, QL_SIM_HOST_DOWNLOAD, program->options.download_port, err));
    sim->api_url = make_url(&program->api);
    sim->download_url = make_url(&program->download);
    sim->exports.download_url = ql_mem_strdup(sim->download_url);
    sim->reports.download_url = ql_mem_strdup(sim->download_url);
    sim->reports.api_url = ql_mem_strdup(sim->api_url);
    QL_TRY(ql_sim_server_run(&program->download, err));
    return ql_sim_server_run(&program->api, err);
}

static enum ql_status announce(const struct program *program, struct ql_err *err) {
    const struct ql_sim *sim = &program->sim;
    json_t *line = json_pack("{s:s,s:s,s:s,s:s,s:s}", "login_url", sim->api_url, "api_url", sim->api_url, "download_url",
                             sim->download_url, "client_id", sim->tokens.client_id, "client_secret", sim->tokens.client_secret);
    char *text = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    bool is_good = text != NULL && printf("%s\n", text) > 0 && fflush(stdout) == 0;
    free(text);
    return is_good ? QL_OK : QL_FAIL(err, QL_E_IO, "writing to standard output failed");
}

static enum ql_status run(struct program *program, const sigset_t *signals, struct ql_err *err) {
    QL_TRY(prepare(program, err));
    QL_TRY(listen_on_both(program, err));
    QL_TRY(announce(program, err));
    int number;
    (void)sigwait(signals, &number);
    return QL_OK;
}

static int fail(const struct ql_err *err) {
    (void)fprintf(stderr, "queuelake-sim: %s\n%s\n", err->message, ql_err_get_hint(err));
    return ql_status_exit_code(err->status);
}

static bool print_help(void) {
    bool is_good = true;
    for (const char *const *piece = ql_sim_options_help; *piece != NULL; piece++) {
        is_good = is_good && fputs(*piece, stdout) >= 0;
    }
    return is_good && fflush(stdout) == 0;
}

int main(int argc, char **argv) {
    struct program program = {.api = {.listen_fd = -1}, .download = {.listen_fd = -1}, .sim = {.log = {.fd = -1}}};
    struct ql_err err = {0};
    enum ql_status status = ql_sim_options_read(argc, argv, &program.options, &err);
    if (status != QL_OK) {
        return fail(&err);
    }
    if (program.options.wants_help) {
        return print_help() ? 0 : ql_status_exit_code(QL_E_IO);
    }
    sigset_t signals; /* blocked in every thread, taken by sigwait */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    init(&program);
    status = run(&program, &signals, &err);
    ql_sim_stop_set(&program.sim.stop);
    fini(&program);
    return status == QL_OK ? 0 : fail(&err);
}
