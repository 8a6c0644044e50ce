#include "sim/world.h"

#include "base/mem.h"
#include "base/str.h"
#include "sim/calendar.h"

/* What a generator is for: the same seed never feeds two of them with the same numbers. */
enum { KIND_QUEUE = 1, KIND_DAY = 2, KIND_CALLS = 3, KIND_HANDLING = 4 };

/*
 * Names as contact centres have them: several languages and scripts, and the characters that break careless CSV and column
 * names (comma, quotes, slash, dash, ampersand). More queues than names repeat them with a number.
 */
static const char *const NAMES[] = {
    "Sales",
    "Support Level 2",
    "VIP, Gold",
    "Ventas \u2013 Espa\u00f1a",
    "Kundendienst K\u00f6ln",
    "R\u00fcckfragen \"Premium\"",
    "Billing & Payments",
    "R\u00e9clamations / Qu\u00e9bec",
    "Facturaci\u00f3n",
    "Assist\u00eancia T\u00e9cnica",
    "Stra\u00dfenhilfe 24h",
    "Returns (EU)",
    "K\u00f8benhavn Salg",
    "\u65e5\u672c\u8a9e\u30b5\u30dd\u30fc\u30c8",
    "Collections, Tier \"A\", North",
    "\u0395\u03be\u03c5\u03c0\u03b7\u03c1\u03ad\u03c4\u03b7\u03c3\u03b7",
};
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

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

static char *make_name(size_t i, bool has_line_break) {
    struct ql_buf name = {0};
    ql_buf_puts(&name, has_line_break && i == 1 ? "Support\nLevel 2" : NAMES[i % N_NAMES]);
    if (i >= N_NAMES) {
        ql_buf_printf(&name, " %zu", i / N_NAMES + 1);
    }
    return ql_buf_take(&name);
}

static void init_queue(struct ql_sim_queue *queue, uint64_t seed, size_t i, bool has_line_breaks) {
    struct ql_sim_prng prng = ql_sim_prng_for(seed, KIND_QUEUE, i, 0);
    ql_sim_prng_uuid(&prng, queue->id);
    queue->name = make_name(i, has_line_breaks);
    uint32_t size = ql_sim_prng_below(&prng, 1000); /* most queues are small: the square of an even share */
    queue->volume = 26214 + (uint32_t)((uint64_t)size * size * 24 * 65536 / 1000000);
    queue->abandon_share = 15 + ql_sim_prng_below(&prng, 110);
    queue->in_sla_share = 620 + ql_sim_prng_below(&prng, 360);
    queue->handle_ms = 110000 + ql_sim_prng_below(&prng, 420000);
    uint32_t kind = ql_sim_prng_below(&prng, 100);
    queue->hours = kind < 60 ? 0 : kind < 85 ? 1 : 2;
}

void ql_sim_world_init(struct ql_sim_world *world, uint64_t seed, size_t n_queues, bool has_line_breaks) {
    *world = (struct ql_sim_world){.seed = seed, .n_queues = n_queues};
    world->queues = ql_mem_zalloc(n_queues, sizeof *world->queues);
    for (size_t i = 0; i < n_queues; i++) {
        init_queue(&world->queues[i], seed, i, has_line_breaks);
    }
}

void ql_sim_world_fini(struct ql_sim_world *world) {
    for (size_t i = 0; i < world->n_queues; i++) {
        ql_mem_free(world->queues[i].name);
    }
    ql_mem_free(world->queues);
    *world = (struct ql_sim_world){0};
}

/* What becomes of the calls that are offered in one atom. */
struct fate {
    int64_t offered, answered, in_sla, carried, abandoned;
};

/*
 * The number of calls: nearly Poisson about the load of the hour, on a day that is up to an eighth busier or quieter than
 * others. It is the count of successes among four times as many trials of one in four, 64 of them at a time: the set bits of
 * two random words.
 */
static int64_t draw_offered(const struct ql_sim_world *world, size_t i, int64_t atom, struct ql_sim_prng *prng) {
    const struct ql_sim_queue *queue = &world->queues[i];
    int64_t ms = atom * QL_SIM_ATOM_MS;
    int hour = (int)(((ms / 3600000) % 24 + 24) % 24);
    struct ql_sim_prng day = ql_sim_prng_for(world->seed, KIND_DAY, i, (uint64_t)((atom - ((atom % 96) + 96) % 96) / 96));
    uint64_t load = (uint64_t)HOURS[queue->hours][hour] * WEEKDAYS[queue->hours][ql_sim_weekday(ms)];
    uint64_t mean = queue->volume * load / 1000000 * (875 + ql_sim_prng_below(&day, 250)) / 1000; /* in 1/65536 of a call */
    uint64_t trials = (4 * mean >> 16) + (ql_sim_prng_below(prng, 65536) < (4 * mean & 0xffff) ? 1 : 0);
    int64_t offered = 0;
    for (; trials != 0; trials -= trials < 64 ? trials : 64) {
        uint64_t successes = ql_sim_prng_next(prng);
        successes &= ql_sim_prng_next(prng);
        offered += __builtin_popcountll(trials < 64 ? successes & ((UINT64_C(1) << trials) - 1) : successes);
    }
    return offered;
}

static struct fate draw_fate(const struct ql_sim_world *world, size_t i, int64_t atom) {
    enum { CARRIED_OF_1000 = 35 };
    const struct ql_sim_queue *queue = &world->queues[i];
    struct ql_sim_prng prng = ql_sim_prng_for(world->seed, KIND_CALLS, i, (uint64_t)atom);
    struct fate fate = {.offered = draw_offered(world, i, atom, &prng)};
    for (int64_t call = 0; call < fate.offered; call++) {
        if (ql_sim_prng_below(&prng, 1000) < CARRIED_OF_1000) {
            fate.carried++;
        } else if (ql_sim_prng_below(&prng, 1000) < queue->abandon_share) {
            fate.abandoned++;
        } else {
            fate.answered++;
            fate.in_sla += ql_sim_prng_below(&prng, 1000) < queue->in_sla_share ? 1 : 0;
        }
    }
    return fate;
}

int64_t ql_sim_world_carry_into(const struct ql_sim_world *world, size_t queue, int64_t atom) {
    return draw_fate(world, queue, atom - 1).carried;
}

void ql_sim_world_add(const struct ql_sim_world *world, size_t queue, int64_t atom, int64_t *carry, struct ql_sim_cell *cell) {
    struct fate fate = draw_fate(world, queue, atom);
    int64_t answered = fate.answered + *carry; /* who was carried over waited too long for the service level */
    cell->offered += fate.offered;
    cell->answered += answered;
    cell->abandoned += fate.abandoned;
    cell->in_sla += fate.in_sla;
    *carry = fate.carried;
    struct ql_sim_prng prng = ql_sim_prng_for(world->seed, KIND_HANDLING, queue, (uint64_t)atom);
    uint32_t mean_ms = world->queues[queue].handle_ms;
    for (int64_t call = 0; call < answered; call++) { /* a quarter of the mean to seven quarters */
        cell->handle_ms += mean_ms / 4 + ql_sim_prng_below(&prng, mean_ms / 2 * 3);
    }
}
