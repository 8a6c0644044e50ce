/*
 * queuelake-sim: a Genesys Cloud of one's own, on loopback, for a first look and for tests. It shares no code with the product
 * but src/base, so that a mistake of one side is seen by the other. Issue a token, create an export, poll it, download it:
 * api.c and download.c answer, world.c makes the data, the fault_* files make it go wrong.
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

static void init(struct program *program) {
    const struct ql_sim_options *options = &program->options;
    struct ql_sim *sim = &program->sim;
    sim->options = options;
    ql_sim_stop_init(&sim->stop);
    ql_sim_world_init(&sim->world, options->seed, (size_t)options->n_queues, options->has_line_breaks);
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
}

static void fini(struct program *program) {
    struct ql_sim *sim = &program->sim;
    ql_sim_server_stop(&program->api);
    ql_sim_server_stop(&program->download);
    ql_sim_exports_fini(&sim->exports);
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

int main(int argc, char **argv) {
    struct program program = {.api = {.listen_fd = -1}, .download = {.listen_fd = -1}, .sim = {.log = {.fd = -1}}};
    struct ql_err err = {0};
    enum ql_status status = ql_sim_options_read(argc, argv, &program.options, &err);
    if (status != QL_OK) {
        return fail(&err);
    }
    if (program.options.wants_help) {
        return fputs(ql_sim_options_help(), stdout) >= 0 && fflush(stdout) == 0 ? 0 : ql_status_exit_code(QL_E_IO);
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
