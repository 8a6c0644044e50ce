/**
 * The simulated contact centre: queues, and what happened in each of them at any time. Everything follows from the seed, the
 * queue's number and the time alone, so that a time has the same figures in whatever range, granularity and way it is asked
 * for: the exports contract, the reporting exports and the aggregates all add up what ql_sim_world_add tells.
 *
 * Its atom is a quarter of an hour of one line: a queue's work of one media type and direction. A coarser interval is the sum
 * of its atoms, and every average is computed from sums. A call that is offered at the end of an atom may be answered in the
 * next one, as in Genesys Cloud: so answered can exceed offered.
 *
 * The plain world has one line a queue, inbound voice. The edge world has what makes real figures awkward: callbacks, digital
 * media that are handled hours after they were offered, outbound calls, work of no queue, flow-outs, and transfers that a
 * second queue is offered again.
 */
#ifndef QL_SIM_WORLD_H
#define QL_SIM_WORLD_H

#include "sim/prng.h"
#include "sim/tally.h"

#include <stdatomic.h>
#include <stdbool.h>

enum { QL_SIM_ATOM_MS = 15 * 60 * 1000, QL_SIM_N_DIVISIONS = 3 };

/* X(name, "as the API spells it") */
#define QL_SIM_MEDIA_TABLE(X) X(VOICE, "voice") X(CALLBACK, "callback") X(CHAT, "chat") X(EMAIL, "email") X(MESSAGE, "message")
enum ql_sim_media {
#define X(name, text) QL_SIM_MEDIA_##name,
    QL_SIM_MEDIA_TABLE(X)
#undef X
        QL_SIM_N_MEDIA
};
extern const char *const ql_sim_media_names[QL_SIM_N_MEDIA];

struct ql_sim_division {
    char id[QL_SIM_UUID_SIZE];
    const char *name;
    bool is_visible; /* the client has a grant in it */
};

struct ql_sim_queue {
    char id[QL_SIM_UUID_SIZE];
    char *name;             /* at the start */
    char *new_name;         /* once it is renamed */
    uint32_t volume;        /* calls an atom at the busiest hour, in 1/65536 */
    uint32_t abandon_share; /* of 1000 calls that are not carried over */
    uint32_t in_sla_share;  /* of 1000 calls that are answered in their own atom */
    uint32_t handle_ms;     /* mean handle time */
    int hours;              /* which opening hours */
    int division;
    atomic_bool is_renamed, is_deleted;
};

enum { QL_SIM_NONE = -1 };
struct ql_sim_line {
    int64_t queue; /* QL_SIM_NONE: work of no queue */
    enum ql_sim_media media;
    bool is_outbound;
    int64_t transfers_from; /* the line whose transfers are offered here again; QL_SIM_NONE: none */
};

struct ql_sim_world {
    uint64_t seed;
    bool is_edge;
    int64_t now_ms;    /* nothing that is later has happened; INT64_MAX: everything has */
    int64_t settle_ms; /* how long the figures of an atom grow after its end */
    struct ql_sim_division divisions[QL_SIM_N_DIVISIONS];
    struct ql_sim_queue *queues;
    size_t n_queues;
    struct ql_sim_line *lines; /* by queue, those of no queue last */
    size_t n_lines, cap_lines;
};

struct ql_sim_world_options {
    uint64_t seed;
    size_t n_queues;
    bool has_line_breaks; /* the second queue's name contains one */
    bool is_edge;
    int64_t now_ms, settle_ms;
    const char *divisions; /* names of those that the client sees, separated by commas; NULL: all */
};
void ql_sim_world_init(struct ql_sim_world *world, const struct ql_sim_world_options *options);
void ql_sim_world_fini(struct ql_sim_world *world);

/** The queue's name now. */
const char *ql_sim_queue_name(const struct ql_sim_queue *queue);
/** The client may see the queue's work. */
bool ql_sim_world_shows(const struct ql_sim_world *world, const struct ql_sim_line *line);

/** The calls that the atom before hands over to this one. Atoms are counted from 1970-01-01T00:00:00Z. */
int64_t ql_sim_world_carry_into(const struct ql_sim_world *world, size_t line, int64_t atom);
/**
 * Adds an atom of a line to a cell. *carry comes in as the calls handed over to this atom and goes out as those handed on.
 * tallies: every metric's statistics, QL_SIM_N_STATS of them; NULL: not wanted.
 */
void ql_sim_world_add(const struct ql_sim_world *world, size_t line, int64_t atom, int64_t *carry, struct ql_sim_cell *cell,
                      struct ql_sim_tally *tallies);
/** The first atom that begins at an instant or behind it. */
int64_t ql_sim_world_atom(int64_t ms);

#endif
