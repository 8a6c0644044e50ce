/**
 * A server on loopback that does what a script says: it reads one request, answers the next step's bytes, and keeps, closes,
 * resets or stalls the connection. It records every request as it arrived. It knows nothing of HTTP but where a request ends,
 * so that a test can answer whatever a broken server or network could.
 */
#ifndef QL_TESTS_SUPPORT_FAKE_SERVER_H
#define QL_TESTS_SUPPORT_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum fake_then {
    FAKE_KEEP,  /* the connection stays open for the next request */
    FAKE_CLOSE, /* an orderly end */
    FAKE_RESET, /* RST */
    FAKE_STALL  /* open, and silent */
};

struct fake_step {
    const char *answer; /* may be "": nothing */
    size_t answer_len;  /* 0: strlen(answer) */
    enum fake_then then;
    size_t slice; /* bytes a send(); 0: all at once */
};

struct fake_server;
/** Copies the steps; the answers must live as long as the server. */
struct fake_server *fake_start(const struct fake_step *steps, size_t n_steps);
/** A port that refuses connections until fake_listen. */
struct fake_server *fake_start_closed(const struct fake_step *steps, size_t n_steps);
void fake_listen(struct fake_server *server);
/** From now on every connection gets these bytes as soon as it is made, whatever it wanted to say, and then ends as `then`
 * says. */
void fake_greet(struct fake_server *server, const char *greeting, enum fake_then then);
/** Adds a step while the server runs. `answer` is copied. */
void fake_add(struct fake_server *server, const char *answer, enum fake_then then);
void fake_stop(struct fake_server *server);

int fake_port(const struct fake_server *server);
/** How many whole requests arrived. */
size_t fake_count(struct fake_server *server);
/** The i-th request, header and body; valid until fake_stop. "" if it did not come. */
const char *fake_request(struct fake_server *server, size_t i);
/** How many connections were accepted. */
size_t fake_connections(struct fake_server *server);

#endif
