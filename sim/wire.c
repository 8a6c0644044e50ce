#include "sim/wire.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/fault_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 64 * 1024, POLL_MS = 100, PAD_LINE = 1000 };

struct wire {
    int fd;
    const struct ql_sim_fault *fault;
    struct ql_sim_stop *stop;
    bool is_broken; /* the client went away, or the program ends */
};

static void put(struct wire *wire, const void *ptr, size_t len) {
    const char *at = ptr;
    while (len != 0 && !wire->is_broken) {
        struct pollfd waiting = {.fd = wire->fd, .events = POLLOUT};
        int n_ready = poll(&waiting, 1, POLL_MS);
        if (n_ready <= 0) {
            wire->is_broken = ql_sim_stop_wait(wire->stop, 0);
            continue;
        }
        ssize_t n = send(wire->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            wire->is_broken = true;
        }
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
}

static void stall(struct wire *wire, int64_t wait_ms) {
    wire->is_broken = ql_sim_stop_wait(wire->stop, wait_ms) || wire->is_broken;
}

/* A reset instead of an end: what was sent has arrived, and the next thing that the client sees is an error. */
static void reset(struct wire *wire) {
    enum { DRAIN_MS = 5000 };
    int unsent = 1;
    for (int waited_ms = 0; waited_ms < DRAIN_MS && unsent > 0 && !wire->is_broken; waited_ms++) {
        if (ioctl(wire->fd, SIOCOUTQ, &unsent) != 0) {
            break;
        }
        if (unsent > 0) {
            stall(wire, 1);
        }
    }
    /* Linger for no time at all: closing sends RST. The caller still owns the descriptor's number, so another socket takes its
     * place. */
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    int spare = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (spare >= 0) {
        (void)dup3(spare, wire->fd, O_CLOEXEC);
        (void)close(spare);
    }
}

static bool is_chunked(const struct ql_sim_fault *fault, const struct ql_sim_answer *answer) {
    bool is_unknown = answer->body != NULL && answer->body->size_bytes < 0;
    return fault->chunked || (is_unknown && !fault->no_length);
}

static void put_framing(const struct ql_sim_fault *fault, const struct ql_sim_answer *answer, struct ql_buf *head) {
    int64_t size = answer->body != NULL ? answer->body->size_bytes : 0;
    if (is_chunked(fault, answer)) {
        ql_buf_puts(head, "Transfer-Encoding: chunked\r\n");
    } else if (!fault->no_length) {
        int64_t declared = size + fault->wrong_length;
        ql_buf_printf(head, "Content-Length: %lld\r\n", (long long)(declared > 0 ? declared : 0));
    }
    if (fault->duplicate_length >= 0) {
        ql_buf_printf(head, "Content-Length: %lld\r\n", (long long)fault->duplicate_length);
    }
}

static void put_padding(int64_t n_bytes, struct ql_buf *head) {
    char letters[PAD_LINE + 1];
    memset(letters, 'x', PAD_LINE);
    for (int line = 1; n_bytes > 0; line++, n_bytes -= PAD_LINE) {
        ql_buf_printf(head, "X-Padding-%d: %.*s\r\n", line, (int)(n_bytes < PAD_LINE ? n_bytes : PAD_LINE), letters);
    }
}

static void send_head(struct wire *wire, const struct ql_sim_answer *answer) {
    struct ql_buf head = {0};
    char date[32];
    ql_sim_time_print_http(ql_sim_now_ms(), date);
    for (int64_t i = 0; i < wire->fault->informational; i++) {
        ql_buf_puts(&head, "HTTP/1.1 103 Early Hints\r\n\r\n");
    }
    ql_buf_printf(&head, "HTTP/1.1 %u %s\r\nDate: %s\r\nConnection: close\r\n", answer->status,
                  MHD_get_reason_phrase_for(answer->status), date);
    for (size_t i = 0; i < answer->n_headers; i++) {
        ql_buf_printf(&head, "%s: %s\r\n", answer->headers[i].name, answer->headers[i].value);
    }
    put_padding(wire->fault->big_headers, &head);
    put_framing(wire->fault, answer, &head);
    ql_buf_puts(&head, "\r\n");
    size_t first = wire->fault->stall_in_head ? head.len / 2 : head.len;
    put(wire, head.ptr, first);
    if (first < head.len) {
        stall(wire, wire->fault->stall_ms);
        put(wire, head.ptr + first, head.len - first);
    }
    ql_buf_fini(&head);
}

/* Where the body is cut off; INT64_MAX: nowhere. A stall that ends in a reset cuts as well. */
static int64_t cut_at(const struct ql_sim_fault *fault) {
    if (fault->truncate_after >= 0) {
        return fault->truncate_after;
    }
    return fault->reset && fault->stall_after >= 0 ? fault->stall_after : INT64_MAX;
}

static size_t min_size(size_t a, int64_t b) {
    return (int64_t)a < b ? a : (size_t)b;
}

/* How many bytes to take next: up to the next place where something happens. */
static size_t next_piece(const struct ql_sim_fault *fault, int64_t sent) {
    size_t len = fault->slice >= 0 ? min_size(PIECE, fault->slice) : PIECE;
    len = min_size(len, cut_at(fault) - sent);
    return fault->stall_after > sent ? min_size(len, fault->stall_after - sent) : len;
}

/* A chunk; in the last one before a cut more is announced than comes. */
static void put_chunk(struct wire *wire, const char *ptr, size_t len, bool is_cut) {
    enum { MISSING = 16 };
    char head[32];
    int head_len = snprintf(head, sizeof head, "%zx\r\n", len + (is_cut ? MISSING : 0));
    put(wire, head, (size_t)head_len);
    put(wire, ptr, len);
    if (!is_cut) {
        put(wire, "\r\n", 2);
    }
}

/* True: the whole body went out. */
static bool send_pieces(struct wire *wire, struct ql_sim_answer *answer, char *piece) {
    const struct ql_sim_fault *fault = wire->fault;
    bool in_chunks = is_chunked(fault, answer);
    int64_t cut = cut_at(fault);
    int64_t sent = 0;
    while (!wire->is_broken) {
        if (sent == fault->stall_after) {
            stall(wire, fault->stall_ms);
        }
        size_t want = next_piece(fault, sent);
        size_t got = want != 0 ? ql_sim_stream_read(answer->body, piece, want) : 0;
        if (got == 0) {
            return want != 0;
        }
        sent += (int64_t)got;
        if (in_chunks) {
            put_chunk(wire, piece, got, sent == cut);
        } else {
            put(wire, piece, got);
        }
        if (fault->slice_ms > 0) {
            stall(wire, fault->slice_ms);
        }
    }
    return false;
}

static void send_body(struct wire *wire, struct ql_sim_answer *answer) {
    char *piece = ql_mem_alloc(PIECE);
    if (send_pieces(wire, answer, piece) && is_chunked(wire->fault, answer)) {
        put(wire, "0\r\n\r\n", 5);
    }
    ql_mem_free(piece);
}

void ql_sim_wire_send(int fd, const struct ql_sim_request *request, struct ql_sim_answer *answer, struct ql_sim_stop *stop) {
    struct wire wire = {.fd = fd, .fault = request->fault, .stop = stop};
    const int yes = 1;
    const int no = 0; /* every piece goes out as it is written */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &no, sizeof no);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (!ql_sim_fault_is_silent(request->fault)) {
        send_head(&wire, answer);
        if (answer->body != NULL && !ql_sim_request_is_method(request, "HEAD")) {
            send_body(&wire, answer);
        }
    }
    if (request->fault->reset) {
        reset(&wire);
    }
}

int64_t ql_sim_wire_body_bytes(const struct ql_sim_request *request, const struct ql_sim_answer *answer) {
    const struct ql_sim_fault *fault = request->fault;
    if (answer->body == NULL || ql_sim_request_is_method(request, "HEAD") || (fault != NULL && ql_sim_fault_is_silent(fault))) {
        return 0;
    }
    int64_t size = answer->body->size_bytes;
    return fault != NULL && size > cut_at(fault) ? cut_at(fault) : size;
}
