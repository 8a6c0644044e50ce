#include "support/fake_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PEERS = 64, MAX_STEPS = 512, MAX_REQUESTS = 512 };

struct peer {
    int fd;
    char *data;
    size_t len, cap;
    bool is_stalled, has_continued;
};

struct fake_server {
    pthread_t thread;
    pthread_mutex_t lock;
    int listener, port;
    int wake[2]; /* closed to stop */
    struct fake_step steps[MAX_STEPS];
    char *owned[MAX_STEPS];
    size_t n_steps, next_step;
    char *requests[MAX_REQUESTS];
    size_t n_requests, n_connections;
    const char *greeting; /* NULL: none */
    enum fake_then greeting_then;
    struct peer peers[MAX_PEERS];
    size_t n_peers;
};

static void must(bool is_right, const char *what) {
    if (!is_right) {
        perror(what);
        abort();
    }
}

static void drop_peer(struct fake_server *server, size_t i, bool resets) {
    struct peer *peer = &server->peers[i];
    if (resets) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        (void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    }
    close(peer->fd);
    free(peer->data);
    *peer = server->peers[--server->n_peers];
}

static void send_answer(int fd, const struct fake_step *step) {
    size_t len = step->answer_len != 0 ? step->answer_len : strlen(step->answer);
    size_t slice = step->slice != 0 ? step->slice : len;
    for (size_t at = 0; at < len;) {
        size_t n = len - at < slice ? len - at : slice;
        ssize_t sent = send(fd, step->answer + at, n, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the client has gone, which some tests want */
        }
        at += (size_t)sent;
    }
}

static void accept_peer(struct fake_server *server) {
    int fd = accept(server->listener, NULL, NULL);
    if (fd < 0) {
        return;
    }
    must(server->n_peers < MAX_PEERS, "too many peers");
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    server->peers[server->n_peers++] = (struct peer){.fd = fd};
    pthread_mutex_lock(&server->lock);
    server->n_connections++;
    const struct fake_step step = {.answer = server->greeting, .then = server->greeting_then};
    pthread_mutex_unlock(&server->lock);
    if (step.answer != NULL) {
        send_answer(fd, &step);
        if (step.then == FAKE_CLOSE || step.then == FAKE_RESET) {
            drop_peer(server, server->n_peers - 1, step.then == FAKE_RESET);
        }
    }
}

/* Bytes of the whole request at the head of the peer's data, or 0. */
static size_t whole_request(struct peer *peer) {
    char *end = peer->len != 0 ? strstr(peer->data, "\r\n\r\n") : NULL;
    if (end == NULL) {
        return 0;
    }
    size_t head = (size_t)(end - peer->data) + 4;
    const char *length = strcasestr(peer->data, "\r\ncontent-length:");
    size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    const char *expect = strcasestr(peer->data, "\r\nexpect: 100-continue");
    if (expect != NULL && expect < end && !peer->has_continued) {
        static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
        (void)!send(peer->fd, CONTINUE, sizeof CONTINUE - 1, MSG_NOSIGNAL);
        peer->has_continued = true;
    }
    return peer->len >= head + body ? head + body : 0;
}

static void record(struct fake_server *server, struct peer *peer, size_t len) {
    pthread_mutex_lock(&server->lock);
    must(server->n_requests < MAX_REQUESTS, "too many requests");
    server->requests[server->n_requests++] = strndup(peer->data, len);
    pthread_mutex_unlock(&server->lock);
    memmove(peer->data, peer->data + len, peer->len - len + 1);
    peer->len -= len;
    peer->has_continued = false;
}

static struct fake_step take_step(struct fake_server *server) {
    static const struct fake_step NOTHING_LEFT = {.answer = "HTTP/1.1 599 Script Is Over\r\nContent-Length: 0\r\n\r\n",
                                                  .then = FAKE_CLOSE};
    pthread_mutex_lock(&server->lock);
    struct fake_step step = server->next_step < server->n_steps ? server->steps[server->next_step++] : NOTHING_LEFT;
    pthread_mutex_unlock(&server->lock);
    return step;
}

/* Returns false if the peer is gone. */
static bool serve_peer(struct fake_server *server, size_t i) {
    struct peer *peer = &server->peers[i];
    if (peer->cap - peer->len < 65536) {
        peer->cap = peer->cap * 2 + 65536;
        peer->data = realloc(peer->data, peer->cap + 1);
        must(peer->data != NULL, "realloc");
    }
    ssize_t got = recv(peer->fd, peer->data + peer->len, peer->cap - peer->len, 0);
    if (got <= 0) {
        drop_peer(server, i, false);
        return false;
    }
    peer->len += (size_t)got;
    peer->data[peer->len] = '\0';
    size_t len = peer->is_stalled ? 0 : whole_request(peer);
    if (len == 0) {
        return true;
    }
    record(server, peer, len);
    struct fake_step step = take_step(server);
    send_answer(peer->fd, &step);
    peer->is_stalled = step.then == FAKE_STALL;
    if (step.then == FAKE_CLOSE || step.then == FAKE_RESET) {
        drop_peer(server, i, step.then == FAKE_RESET);
        return false;
    }
    return true;
}

static void *serve(void *ctx) {
    struct fake_server *server = ctx;
    for (;;) {
        struct pollfd fds[MAX_PEERS + 2];
        fds[0] = (struct pollfd){.fd = server->wake[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        size_t n = server->n_peers;
        for (size_t i = 0; i < n; i++) {
            fds[i + 2] = (struct pollfd){.fd = server->peers[i].fd, .events = POLLIN};
        }
        must(poll(fds, (nfds_t)n + 2, -1) >= 0, "poll");
        if (fds[0].revents != 0) {
            return NULL;
        }
        for (size_t i = n; i > 0; i--) { /* downwards: a dropped peer is replaced by the last */
            if (fds[i + 1].revents != 0) {
                (void)serve_peer(server, i - 1);
            }
        }
        if (fds[1].revents != 0) {
            accept_peer(server);
        }
    }
}

static struct fake_server *start(const struct fake_step *steps, size_t n_steps) {
    struct fake_server *server = calloc(1, sizeof *server);
    must(server != NULL && n_steps <= MAX_STEPS, "fake server");
    pthread_mutex_init(&server->lock, NULL);
    for (size_t i = 0; i < n_steps; i++) {
        server->steps[i] = steps[i];
    }
    server->n_steps = n_steps;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    must(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    server->port = ntohs(address.sin_port);
    must(pipe(server->wake) == 0, "pipe");
    return server;
}

void fake_listen(struct fake_server *server) {
    must(listen(server->listener, 16) == 0, "listen");
    must(pthread_create(&server->thread, NULL, serve, server) == 0, "pthread_create");
}

struct fake_server *fake_start_closed(const struct fake_step *steps, size_t n_steps) {
    return start(steps, n_steps);
}

struct fake_server *fake_start(const struct fake_step *steps, size_t n_steps) {
    struct fake_server *server = start(steps, n_steps);
    fake_listen(server);
    return server;
}

void fake_add(struct fake_server *server, const char *answer, enum fake_then then) {
    pthread_mutex_lock(&server->lock);
    must(server->n_steps < MAX_STEPS, "too many steps");
    server->owned[server->n_steps] = strdup(answer);
    server->steps[server->n_steps] = (struct fake_step){.answer = server->owned[server->n_steps], .then = then};
    server->n_steps++;
    pthread_mutex_unlock(&server->lock);
}

void fake_stop(struct fake_server *server) {
    close(server->wake[1]);
    if (server->thread != 0) {
        pthread_join(server->thread, NULL);
    }
    while (server->n_peers != 0) {
        drop_peer(server, server->n_peers - 1, false);
    }
    close(server->wake[0]);
    close(server->listener);
    for (size_t i = 0; i < server->n_requests; i++) {
        free(server->requests[i]);
    }
    for (size_t i = 0; i < server->n_steps; i++) {
        free(server->owned[i]);
    }
    pthread_mutex_destroy(&server->lock);
    free(server);
}

void fake_greet(struct fake_server *server, const char *greeting, enum fake_then then) {
    pthread_mutex_lock(&server->lock);
    server->greeting = greeting;
    server->greeting_then = then;
    pthread_mutex_unlock(&server->lock);
}

int fake_port(const struct fake_server *server) {
    return server->port;
}

size_t fake_count(struct fake_server *server) {
    pthread_mutex_lock(&server->lock);
    size_t n = server->n_requests;
    pthread_mutex_unlock(&server->lock);
    return n;
}

size_t fake_connections(struct fake_server *server) {
    pthread_mutex_lock(&server->lock);
    size_t n = server->n_connections;
    pthread_mutex_unlock(&server->lock);
    return n;
}

const char *fake_request(struct fake_server *server, size_t i) {
    pthread_mutex_lock(&server->lock);
    const char *text = i < server->n_requests ? server->requests[i] : "";
    pthread_mutex_unlock(&server->lock);
    return text;
}
