/**
 * The simulated contact centre: queues, and what happened in each of them at any time. Everything follows from the seed, the
 * queue's number and the time alone, so that a time has the same figures in whatever range and granularity it is asked for.
 *
 * Its atom is a quarter of an hour of one queue; a coarser interval is the sum of its atoms, and every average is computed from
 * sums. A call that is offered at the end of an atom may be answered in the next one, as in Genesys Cloud: so answered can
 * exceed offered.
 */
#ifndef QL_SIM_WORLD_H
#define QL_SIM_WORLD_H

#include "sim/prng.h"

#include <stdbool.h>
#include <stdint.h>

enum { QL_SIM_ATOM_MS = 15 * 60 * 1000 };

struct ql_sim_queue {
    char id[QL_SIM_UUID_SIZE];
    char *name;
    uint32_t volume;        /* calls an atom at the busiest hour, in 1/65536 */
    uint32_t abandon_share; /* of 1000 calls that are not carried over */
    uint32_t in_sla_share;  /* of 1000 calls that are answered in their own atom */
    uint32_t handle_ms;     /* mean handle time */
    int hours;              /* which opening hours */
};

struct ql_sim_world {
    uint64_t seed;
    struct ql_sim_queue *queues;
    size_t n_queues;
};

/** Sums over some atoms of one queue. */
struct ql_sim_cell {
    int64_t offered, answered, abandoned;
    int64_t in_sla;    /* answered within the service level; the level's denominator is answered + abandoned */
    int64_t handle_ms; /* of all that were answered */
};

/** has_line_breaks: the second queue's name contains one. */
void ql_sim_world_init(struct ql_sim_world *world, uint64_t seed, size_t n_queues, bool has_line_breaks);
void ql_sim_world_fini(struct ql_sim_world *world);

/** The calls that the atom before hands over to this one. Atoms are counted from 1970-01-01T00:00:00Z. */
int64_t ql_sim_world_carry_into(const struct ql_sim_world *world, size_t queue, int64_t atom);
/** Adds an atom to a cell. *carry comes in as the calls handed over to this atom and goes out as those handed on. */
void ql_sim_world_add(const struct ql_sim_world *world, size_t queue, int64_t atom, int64_t *carry, struct ql_sim_cell *cell);

#endif
