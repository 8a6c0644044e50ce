/* What happens in an atom: how many calls, what becomes of them, how long it takes. world.h says what for. */
#include "sim/world.h"

#include "sim/calendar.h"

/*
 * What a generator is for: the same seed never feeds two of them with the same numbers. Inbound voice has these kinds, every
 * other line those that are a multiple of LINE_KINDS further on.
 */
enum { KIND_DAY = 2, KIND_CALLS = 3, KIND_HANDLING = 4, KIND_WAITS = 6, KIND_PARTS = 7, KIND_TRANSFERS = 8, LINE_KINDS = 64 };

/* Load by hour of the day (UTC) in 1/1000 of the busiest hour: an office, a shop with long hours, a hotline that never closes.
 */
static const uint16_t HOURS[3][24] = {
    {0, 0, 0, 0, 0, 0, 4, 60, 420, 780, 980, 1000, 820, 760, 900, 940, 800, 520, 140, 12, 2, 0, 0, 0},
    {3, 1, 0, 0, 1, 8, 80, 260, 520, 760, 900, 960, 940, 880, 900, 960, 1000, 940, 780, 560, 340, 160, 50, 12},
    {110, 80, 60, 50, 60, 100, 220, 400, 620, 800, 920, 1000, 960, 920, 900, 900, 920, 880, 800, 680, 520, 380, 260, 170},
};
/* By weekday from Monday, likewise. */
static const uint16_t WEEKDAYS[3][7] = {
    {1000, 920, 880, 870, 800, 8, 0},
    {1000, 940, 920, 930, 960, 720, 180},
    {1000, 970, 950, 950, 940, 860, 820},
};

struct who {
    const struct ql_sim_world *world;
    const struct ql_sim_line *line;
    const struct ql_sim_queue *queue;
    uint64_t number; /* of the queue */
    uint64_t salt;   /* of the line's kinds */
};

static struct who who_is(const struct ql_sim_world *world, size_t line) {
    struct who who = {.world = world, .line = &world->lines[line]};
    bool is_queue = who.line->queue != QL_SIM_NONE;
    who.number = is_queue ? (uint64_t)who.line->queue : world->n_queues;
    who.queue = &world->queues[is_queue ? who.line->queue : 0];
    who.salt = LINE_KINDS * ((uint64_t)who.line->media * 2 + (who.line->is_outbound ? 1 : 0));
    return who;
}

static struct ql_sim_prng prng_of(const struct who *who, uint64_t kind, int64_t atom) {
    return ql_sim_prng_for(who->world->seed, kind + who->salt, who->number, (uint64_t)atom);
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0 ? 1 : 0);
}

int64_t ql_sim_world_atom(int64_t ms) {
    return -floor_div(-ms, QL_SIM_ATOM_MS);
}

/* What becomes of the calls that are offered in one atom. */
struct fate {
    int64_t offered, answered, in_sla, carried, abandoned, flowed_out;
};

/* The calls of a line beside inbound voice, in 1/1000 of what the queue's voice would have. */
static uint64_t share_of(const struct ql_sim_line *line) {
    static const uint16_t SHARES[QL_SIM_N_MEDIA] = {1000, 120, 300, 250, 350};
    return line->is_outbound ? 200 : SHARES[line->media];
}

/*
 * The number of calls: nearly Poisson about the load of the hour, on a day that is up to an eighth busier or quieter than
 * others. It is the count of successes among four times as many trials of one in four, 64 of them at a time: the set bits of
 * two random words.
 */
static int64_t draw_offered(const struct who *who, int64_t atom, struct ql_sim_prng *prng) {
    const struct ql_sim_queue *queue = who->queue;
    int64_t ms = atom * QL_SIM_ATOM_MS;
    int hour = (int)(((ms / 3600000) % 24 + 24) % 24);
    struct ql_sim_prng day = prng_of(who, KIND_DAY, floor_div(atom, 96));
    uint64_t load = (uint64_t)HOURS[queue->hours][hour] * WEEKDAYS[queue->hours][ql_sim_weekday(ms)];
    uint64_t mean = queue->volume * load / 1000000 * (875 + ql_sim_prng_below(&day, 250)) / 1000; /* in 1/65536 of a call */
    mean = mean * share_of(who->line) / 1000;
    uint64_t trials = (4 * mean >> 16) + (ql_sim_prng_below(prng, 65536) < (4 * mean & 0xffff) ? 1 : 0);
    int64_t offered = 0;
    for (; trials != 0; trials -= trials < 64 ? trials : 64) {
        uint64_t successes = ql_sim_prng_next(prng);
        successes &= ql_sim_prng_next(prng);
        offered += __builtin_popcountll(trials < 64 ? successes & ((UINT64_C(1) << trials) - 1) : successes);
    }
    return offered;
}

/* How much of an atom is known now, in 1/1000: half of it when it ends, all of it once it has settled. */
static int64_t known_share(const struct ql_sim_world *world, int64_t atom) {
    if (world->now_ms == INT64_MAX) {
        return 1000;
    }
    int64_t age_ms = world->now_ms - atom * QL_SIM_ATOM_MS;
    if (age_ms <= 0) {
        return 0;
    }
    if (age_ms < QL_SIM_ATOM_MS) {
        return 500 * age_ms / QL_SIM_ATOM_MS;
    }
    age_ms -= QL_SIM_ATOM_MS;
    return age_ms >= world->settle_ms ? 1000 : 500 + 500 * age_ms / world->settle_ms;
}

/* The fates of the line's own calls and of n_more beside them. What is not known yet comes last, so that figures only grow. */
static struct fate draw_fate(const struct who *who, int64_t atom, int64_t n_more) {
    enum { CARRIED_OF_1000 = 35, FLOWED_OUT_OF_1000 = 25 };
    struct ql_sim_prng prng = prng_of(who, KIND_CALLS, atom);
    int64_t offered = draw_offered(who, atom, &prng) + n_more;
    struct fate fate = {.offered = offered * known_share(who->world, atom) / 1000};
    for (int64_t call = 0; call < fate.offered; call++) {
        if (ql_sim_prng_below(&prng, 1000) < CARRIED_OF_1000) {
            fate.carried++;
        } else if (ql_sim_prng_below(&prng, 1000) < who->queue->abandon_share) {
            fate.abandoned++;
        } else if (who->world->is_edge && ql_sim_prng_below(&prng, 1000) < FLOWED_OUT_OF_1000) {
            fate.flowed_out++;
        } else {
            fate.answered++;
            fate.in_sla += ql_sim_prng_below(&prng, 1000) < who->queue->in_sla_share ? 1 : 0;
        }
    }
    return fate;
}

/* Of the line's own calls that are answered, those that are transferred: what is transferred here is not transferred again. */
static int64_t draw_transferred(const struct who *who, int64_t atom, int64_t answered) {
    enum { TRANSFERRED_OF_1000 = 60 };
    struct ql_sim_prng prng = prng_of(who, KIND_TRANSFERS, atom);
    int64_t n = 0;
    for (int64_t call = 0; call < answered; call++) {
        n += ql_sim_prng_below(&prng, 1000) < TRANSFERRED_OF_1000 ? 1 : 0;
    }
    return n;
}

static int64_t transferred_here(const struct who *who, int64_t atom) {
    if (who->line->transfers_from == QL_SIM_NONE) {
        return 0;
    }
    const struct who from = who_is(who->world, (size_t)who->line->transfers_from);
    return draw_transferred(&from, atom, draw_fate(&from, atom, 0).answered);
}

/* Callbacks and outbound calls are not queued as calls are: nothing of them is carried over. */
static bool is_queued(const struct ql_sim_line *line) {
    return line->media != QL_SIM_MEDIA_CALLBACK && !line->is_outbound;
}

int64_t ql_sim_world_carry_into(const struct ql_sim_world *world, size_t line, int64_t atom) {
    const struct who who = who_is(world, line);
    return is_queued(who.line) ? draw_fate(&who, atom - 1, transferred_here(&who, atom - 1)).carried : 0;
}

static void add_waits(const struct who *who, int64_t atom, const struct fate *fate, struct ql_sim_tally *tallies) {
    enum { SLA_MS = 20000, SHORT_MS = 10000 };
    struct ql_sim_prng prng = prng_of(who, KIND_WAITS, atom);
    for (int64_t call = 0; call < fate->answered; call++) {
        int64_t wait_ms =
            call < fate->in_sla ? 500 + ql_sim_prng_below(&prng, SLA_MS - 500) : SLA_MS + 1 + ql_sim_prng_below(&prng, 160000);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_ANSWERED], wait_ms);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_WAIT], wait_ms);
    }
    for (int64_t call = 0; call < fate->abandoned; call++) {
        int64_t wait_ms = 1000 + ql_sim_prng_below(&prng, 90000);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_ABANDON], wait_ms);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_WAIT], wait_ms);
        if (wait_ms < SHORT_MS) {
            ql_sim_tally_add(&tallies[QL_SIM_STAT_SHORT_ABANDON], wait_ms);
        }
    }
    for (int64_t call = 0; call < fate->flowed_out; call++) {
        int64_t wait_ms = 5000 + ql_sim_prng_below(&prng, 60000);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_FLOW_OUT], wait_ms);
        ql_sim_tally_add(&tallies[QL_SIM_STAT_WAIT], wait_ms);
    }
}

/* One handling: hold in a fifth of them, after-call work in most, the rest is talk. */
static void add_parts(struct ql_sim_prng *prng, int64_t handle_ms, struct ql_sim_tally *tallies) {
    int64_t held_ms = ql_sim_prng_below(prng, 5) == 0 ? handle_ms * (5 + ql_sim_prng_below(prng, 20)) / 100 : 0;
    int64_t acw_ms = ql_sim_prng_below(prng, 5) != 0 ? handle_ms * (4 + ql_sim_prng_below(prng, 16)) / 100 : 0;
    ql_sim_tally_add(&tallies[QL_SIM_STAT_HANDLE], handle_ms);
    ql_sim_tally_add(&tallies[QL_SIM_STAT_TALK], handle_ms - held_ms - acw_ms);
    if (held_ms != 0) {
        ql_sim_tally_add(&tallies[QL_SIM_STAT_HELD], held_ms);
    }
    if (acw_ms != 0) {
        ql_sim_tally_add(&tallies[QL_SIM_STAT_ACW], acw_ms);
    }
}

/* n handlings that began in an atom. */
static void add_handling(const struct who *who, int64_t atom, int64_t n, struct ql_sim_cell *cell,
                         struct ql_sim_tally *tallies) {
    struct ql_sim_prng prng = prng_of(who, KIND_HANDLING, atom);
    struct ql_sim_prng parts = prng_of(who, KIND_PARTS, atom);
    uint32_t mean_ms = who->queue->handle_ms;
    for (int64_t call = 0; call < n; call++) { /* a quarter of the mean to seven quarters */
        int64_t handle_ms = mean_ms / 4 + ql_sim_prng_below(&prng, mean_ms / 2 * 3);
        cell->handle_ms += handle_ms;
        if (tallies != NULL) {
            add_parts(&parts, handle_ms, tallies);
        }
    }
    cell->handled += n;
}

static void count(struct ql_sim_tally *tallies, enum ql_sim_stat stat, int64_t n) {
    if (tallies != NULL) {
        tallies[stat].count += n;
    }
}

/* Scheduled calls back fill neither answered nor abandoned; outbound calls are not even offered. */
static void add_unqueued(const struct who *who, int64_t atom, struct ql_sim_cell *cell, struct ql_sim_tally *tallies) {
    struct fate fate = draw_fate(who, atom, 0);
    int64_t reached = fate.answered;
    if (who->line->is_outbound) {
        count(tallies, QL_SIM_STAT_OUTBOUND, fate.offered);
    } else {
        cell->offered += fate.offered;
        count(tallies, QL_SIM_STAT_OFFERED, fate.offered);
        count(tallies, QL_SIM_STAT_CALLBACK_SCHEDULED, fate.offered);
        count(tallies, QL_SIM_STAT_CALLBACK_SERVICE_LEVEL, fate.in_sla);
        if (tallies != NULL) {
            tallies[QL_SIM_STAT_CALLBACK_SERVICE_LEVEL].sum += reached;
        }
    }
    count(tallies, QL_SIM_STAT_CONVERSATIONS, fate.offered);
    count(tallies, QL_SIM_STAT_CONNECTED, reached);
    add_handling(who, atom, reached, cell, tallies);
}

/* How many atoms later the handling ends: at once in a call, hours later in what is answered by and by. */
static int64_t handling_lag(const struct ql_sim_line *line) {
    return line->media == QL_SIM_MEDIA_EMAIL ? 12 : line->media == QL_SIM_MEDIA_MESSAGE ? 7 : 0;
}

static void add_late_handling(const struct who *who, int64_t atom, struct ql_sim_cell *cell, struct ql_sim_tally *tallies) {
    int64_t began = atom - handling_lag(who->line);
    if (known_share(who->world, atom) != 0) {
        int64_t answered = draw_fate(who, began, 0).answered + draw_fate(who, began - 1, 0).carried;
        add_handling(who, began, answered, cell, tallies);
    }
}

static void add_queued(const struct who *who, int64_t atom, int64_t *carry, struct ql_sim_cell *cell,
                       struct ql_sim_tally *tallies) {
    int64_t transferred = transferred_here(who, atom);
    struct fate fate = draw_fate(who, atom, transferred);
    const struct fate own = transferred != 0 ? draw_fate(who, atom, 0) : fate;
    fate.answered += *carry; /* who was carried over waited too long for the service level */
    *carry = fate.carried;
    cell->offered += fate.offered;
    cell->answered += fate.answered;
    cell->abandoned += fate.abandoned;
    cell->in_sla += fate.in_sla;
    if (tallies != NULL) {
        tallies[QL_SIM_STAT_OFFERED].count += fate.offered;
        tallies[QL_SIM_STAT_CONNECTED].count += fate.answered;
        tallies[QL_SIM_STAT_CONVERSATIONS].count += own.offered;
        if (who->line->media == QL_SIM_MEDIA_VOICE) {
            tallies[QL_SIM_STAT_TRANSFERRED].count += draw_transferred(who, atom, own.answered);
        }
        tallies[QL_SIM_STAT_OVER_SLA].count += fate.answered - fate.in_sla;
        tallies[QL_SIM_STAT_SERVICE_LEVEL].count += fate.in_sla;
        tallies[QL_SIM_STAT_SERVICE_LEVEL].sum += fate.answered + fate.abandoned;
        add_waits(who, atom, &fate, tallies);
    }
    if (handling_lag(who->line) != 0) {
        add_late_handling(who, atom, cell, tallies);
    } else {
        add_handling(who, atom, fate.answered, cell, tallies);
    }
}

void ql_sim_world_add(const struct ql_sim_world *world, size_t line, int64_t atom, int64_t *carry, struct ql_sim_cell *cell,
                      struct ql_sim_tally *tallies) {
    const struct who who = who_is(world, line);
    if (is_queued(who.line)) {
        add_queued(&who, atom, carry, cell, tallies);
    } else {
        add_unqueued(&who, atom, cell, tallies);
    }
}
