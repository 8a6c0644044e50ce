#include "sim/server.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/gzip_stream.h"
#include "sim/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KIND_REQUEST = 32, BLOCK = 64 * 1024, BACKLOG = 511, MAX_CONNECTIONS = 2000 };

/* What libmicrohttpd calls several times for one request. */
struct exchange {
    struct ql_sim_request request;
    bool is_begun;
};

static void *on_target(void *ctx, const char *target, struct MHD_Connection *connection) {
    const struct ql_sim_server *server = ctx;
    (void)connection;
    struct exchange *exchange = ql_mem_zalloc(1, sizeof *exchange);
    ql_sim_request_init(&exchange->request, server->host, ql_mem_strdup(target));
    return exchange;
}

static void on_end(void *ctx, struct MHD_Connection *connection, void **exchange_ptr, enum MHD_RequestTerminationCode code) {
    (void)ctx;
    (void)connection;
    (void)code;
    struct exchange *exchange = *exchange_ptr;
    if (exchange != NULL) {
        ql_sim_request_fini(&exchange->request);
        ql_mem_free(exchange);
        *exchange_ptr = NULL;
    }
}

/* Connections are numbered, so that a log tells a fresh one from a kept one. */
static void on_connection(void *ctx, struct MHD_Connection *connection, void **number,
                          enum MHD_ConnectionNotificationCode code) {
    (void)connection;
    struct ql_sim_server *server = ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *number = (void *)(uintptr_t)(atomic_fetch_add(&server->sim->n_connections, 1) + 1);
    }
}

static enum MHD_Result on_header(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    ql_sim_request_add_header(ctx, name, value != NULL ? value : "");
    return MHD_YES;
}

static void begin(struct ql_sim *sim, struct ql_sim_request *request, struct MHD_Connection *connection, const char *method) {
    request->method = ql_mem_strdup(method);
    request->time_ms = ql_sim_monotonic_ms();
    request->number = atomic_fetch_add(&sim->n_requests, 1) + 1;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    request->connection = info != NULL ? (uint64_t)(uintptr_t)info->socket_context : 0;
    struct ql_sim_prng prng = ql_sim_prng_for(sim->options->seed, KIND_REQUEST, request->number, 0);
    ql_sim_prng_uuid(&prng, request->id);
    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, on_header, request);
}

static void take_body(struct ql_sim_request *request, const char *ptr, size_t len) {
    request->body_bytes += (int64_t)len;
    if (request->body_bytes <= QL_SIM_MAX_REQUEST_BYTES) {
        ql_buf_put(&request->body, ptr, len);
    }
}

static ssize_t on_read(void *ctx, uint64_t at, char *ptr, size_t len) {
    (void)at;
    size_t got = ql_sim_stream_read(ctx, ptr, len);
    return got != 0 ? (ssize_t)got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_read_end(void *ctx) {
    ql_sim_stream_free(ctx);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct ql_sim_answer *answer) {
    struct MHD_Response *response;
    if (answer->body == NULL || answer->body->size_bytes == 0) {
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    } else {
        uint64_t size = answer->body->size_bytes >= 0 ? (uint64_t)answer->body->size_bytes : MHD_SIZE_UNKNOWN;
        response = MHD_create_response_from_callback(size, BLOCK, on_read, answer->body, on_read_end);
        if (response != NULL) {
            answer->body = NULL;
        }
    }
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < answer->n_headers; i++) {
        (void)MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    }
    enum MHD_Result result = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Somebody in the organisation renames or deletes a queue just before this request. */
static void change_queues(struct ql_sim *sim, const struct ql_sim_fault *fault) {
    if (fault != NULL && fault->rename_queue > 0 && (size_t)fault->rename_queue <= sim->world.n_queues) {
        atomic_store(&sim->world.queues[fault->rename_queue - 1].is_renamed, true);
    }
    if (fault != NULL && fault->delete_queue > 0 && (size_t)fault->delete_queue <= sim->world.n_queues) {
        atomic_store(&sim->world.queues[fault->delete_queue - 1].is_deleted, true);
    }
}

/*
 * The API compresses for those who take it, if it was told to. What is made while it is sent has no length; a fault that is
 * about lengths and bytes gets one, or it would do nothing.
 */
static void encode(const struct ql_sim *sim, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const char *accepted = ql_sim_request_get_header(request, "Accept-Encoding");
    if (request->host != QL_SIM_HOST_API || answer->body == NULL) {
        return;
    }
    if (sim->options->zips_api && accepted != NULL && strstr(accepted, "gzip") != NULL && answer->body->size_bytes != 0) {
        answer->body = ql_sim_stream_gzip(answer->body, false);
        ql_sim_answer_set_header(answer, "Content-Encoding", "gzip");
    }
    if (answer->body->size_bytes < 0 && request->fault != NULL && ql_sim_fault_is_on_wire(request->fault)) {
        answer->body = ql_sim_stream_hold(answer->body);
    }
}

static void decide(struct ql_sim *sim, struct ql_sim_request *request, struct ql_sim_answer *answer) {
    ql_sim_faults_pick(&sim->faults, request);
    change_queues(sim, request->fault);
    if (request->fault == NULL || ql_sim_fault_acts(request->fault)) {
        if (request->host == QL_SIM_HOST_API) {
            ql_sim_api_answer(sim, request, answer);
        } else {
            ql_sim_download_answer(sim, request, answer);
        }
    } else if (request->host == QL_SIM_HOST_API) {
        (void)ql_sim_tokens_check(&sim->tokens, request); /* notes which token it was, for the log */
    }
    ql_sim_fault_answer(sim, request, answer);
    encode(sim, request, answer);
}

static bool stalls_before_answer(const struct ql_sim_fault *fault) {
    return fault != NULL && fault->stall_ms >= 0 && fault->stall_after < 0 && !fault->stall_in_head;
}

/* MHD_NO makes libmicrohttpd close the connection without sending anything of its own. */
static enum MHD_Result answer_request(struct ql_sim *sim, struct ql_sim_request *request, struct MHD_Connection *connection) {
    struct ql_sim_answer answer = {0};
    enum MHD_Result result = MHD_NO;
    decide(sim, request, &answer);
    ql_sim_log_write(&sim->log, request, &answer, ql_sim_wire_body_bytes(request, &answer));
    bool is_over = stalls_before_answer(request->fault) && ql_sim_stop_wait(&sim->stop, request->fault->stall_ms);
    if (is_over) {
        result = MHD_NO;
    } else if (request->fault != NULL && ql_sim_fault_is_on_wire(request->fault)) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info != NULL) {
            ql_sim_wire_send(info->connect_fd, request, &answer, &sim->stop);
        }
    } else {
        result = send_answer(connection, &answer);
    }
    ql_sim_answer_fini(&answer);
    return result;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_len, void **exchange_ptr) {
    (void)url; /* decoded, and without the query: on_target has seen it as it is */
    (void)version;
    struct ql_sim_server *server = ctx;
    struct exchange *exchange = *exchange_ptr;
    if (!exchange->is_begun) {
        exchange->is_begun = true;
        begin(server->sim, &exchange->request, connection, method);
        return MHD_YES;
    }
    if (*upload_len != 0) {
        take_body(&exchange->request, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    return answer_request(server->sim, &exchange->request, connection);
}

static enum ql_status bind_socket(int fd, uint16_t port, uint16_t *bound, struct ql_err *err) {
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        enum ql_status status = ql_err_set_errno(err, QL_E_SYSTEM, errno, "listening on 127.0.0.1 port %u", port);
        ql_err_hint(err, "choose another port, or 0 for any that is free");
        return status;
    }
    *bound = ntohs(address.sin_port);
    return QL_OK;
}

enum ql_status ql_sim_server_bind(struct ql_sim_server *server, struct ql_sim *sim, enum ql_sim_host host, uint16_t port,
                                  struct ql_err *err) {
    *server = (struct ql_sim_server){.sim = sim, .host = host};
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listen_fd < 0) {
        return ql_err_set_errno(err, QL_E_SYSTEM, errno, "opening a socket");
    }
    return bind_socket(server->listen_fd, port, &server->port, err);
}

enum ql_status ql_sim_server_run(struct ql_sim_server *server, struct ql_err *err) {
    server->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL, NULL,
                         on_request, server, MHD_OPTION_LISTEN_SOCKET, server->listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
                         on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_end, server, MHD_OPTION_NOTIFY_CONNECTION,
                         on_connection, server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return QL_FAIL(err, QL_E_SYSTEM, "starting the server on port %u failed", server->port);
    }
    server->listen_fd = -1; /* the daemon's own from here on */
    return QL_OK;
}

void ql_sim_server_stop(struct ql_sim_server *server) {
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon);
        server->daemon = NULL;
    }
    if (server->listen_fd >= 0) {
        (void)close(server->listen_fd);
        server->listen_fd = -1;
    }
}
