#include "sim/world.h"

#include "base/mem.h"
#include "base/str.h"

const char *const ql_sim_media_names[QL_SIM_N_MEDIA] = {
#define X(name, text) text,
    QL_SIM_MEDIA_TABLE(X)
#undef X
};

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

static char *make_name(size_t i, bool has_line_break) {
    struct ql_buf name = {0};
    ql_buf_puts(&name, has_line_break && i == 1 ? "Support\nLevel 2" : NAMES[i % N_NAMES]);
    if (i >= N_NAMES) {
        ql_buf_printf(&name, " %zu", i / N_NAMES + 1);
    }
    return ql_buf_take(&name);
}

static void init_queue(struct ql_sim_queue *queue, uint64_t seed, size_t i, bool has_line_breaks) {
    enum { KIND_QUEUE = 1 };
    struct ql_sim_prng prng = ql_sim_prng_for(seed, KIND_QUEUE, i, 0);
    ql_sim_prng_uuid(&prng, queue->id);
    queue->name = make_name(i, has_line_breaks);
    struct ql_buf new_name = {0};
    ql_buf_printf(&new_name, "%s (renamed)", queue->name);
    queue->new_name = ql_buf_take(&new_name);
    uint32_t size = ql_sim_prng_below(&prng, 1000); /* most queues are small: the square of an even share */
    queue->volume = 26214 + (uint32_t)((uint64_t)size * size * 24 * 65536 / 1000000);
    queue->abandon_share = 15 + ql_sim_prng_below(&prng, 110);
    queue->in_sla_share = 620 + ql_sim_prng_below(&prng, 360);
    queue->handle_ms = 110000 + ql_sim_prng_below(&prng, 420000);
    uint32_t kind = ql_sim_prng_below(&prng, 100);
    queue->hours = kind < 60 ? 0 : kind < 85 ? 1 : 2;
    queue->division = (int)(i % QL_SIM_N_DIVISIONS);
}

static void add_line(struct ql_sim_world *world, int64_t queue, enum ql_sim_media media, bool is_outbound) {
    QL_MEM_GROW(world->lines, world->cap_lines, world->n_lines + 1);
    world->lines[world->n_lines++] =
        (struct ql_sim_line){.queue = queue, .media = media, .is_outbound = is_outbound, .transfers_from = QL_SIM_NONE};
}

/* One queue in four of the edge world is digital alone; the others share voice and what comes beside it. */
static void add_edge_lines(struct ql_sim_world *world, int64_t i) {
    const struct {
        bool is_there;
        enum ql_sim_media media;
        bool is_outbound;
    } LINES[] = {
        {i % 4 != 3, QL_SIM_MEDIA_VOICE, false},    {i % 3 == 0, QL_SIM_MEDIA_VOICE, true},
        {i % 4 == 0, QL_SIM_MEDIA_CALLBACK, false}, {i % 5 == 3, QL_SIM_MEDIA_CHAT, false},
        {i % 3 == 1, QL_SIM_MEDIA_EMAIL, false},    {i % 4 >= 2, QL_SIM_MEDIA_MESSAGE, false},
    };
    for (size_t k = 0; k < sizeof LINES / sizeof LINES[0]; k++) {
        if (LINES[k].is_there) {
            add_line(world, i, LINES[k].media, LINES[k].is_outbound);
        }
    }
}

/* What one voice line transfers, the next one is offered; what the last one does, the first. */
static void join_transfers(struct ql_sim_world *world) {
    int64_t first = QL_SIM_NONE;
    int64_t last = QL_SIM_NONE;
    for (size_t i = 0; i < world->n_lines; i++) {
        struct ql_sim_line *line = &world->lines[i];
        if (line->media == QL_SIM_MEDIA_VOICE && !line->is_outbound) {
            line->transfers_from = last;
            last = (int64_t)i;
            first = first == QL_SIM_NONE ? last : first;
        }
    }
    if (first != last) {
        world->lines[first].transfers_from = last;
    }
}

static void init_divisions(struct ql_sim_world *world, const char *visible) {
    enum { KIND_DIVISION = 5 };
    static const char *const DIVISIONS[QL_SIM_N_DIVISIONS] = {"Home", "North", "South"};
    for (size_t i = 0; i < QL_SIM_N_DIVISIONS; i++) {
        struct ql_sim_division *division = &world->divisions[i];
        struct ql_sim_prng prng = ql_sim_prng_for(world->seed, KIND_DIVISION, i, 0);
        ql_sim_prng_uuid(&prng, division->id);
        division->name = DIVISIONS[i];
        division->is_visible = visible == NULL;
        for (struct ql_str rest = ql_str_from(visible); rest.len != 0;) {
            division->is_visible |= ql_str_eq(ql_str_trim(ql_str_split(rest, ',', &rest)), ql_str_from(division->name));
        }
    }
}

void ql_sim_world_init(struct ql_sim_world *world, const struct ql_sim_world_options *options) {
    *world = (struct ql_sim_world){.seed = options->seed,
                                   .is_edge = options->is_edge,
                                   .now_ms = options->now_ms,
                                   .settle_ms = options->settle_ms,
                                   .n_queues = options->n_queues};
    init_divisions(world, options->divisions);
    world->queues = ql_mem_zalloc(world->n_queues, sizeof *world->queues);
    for (size_t i = 0; i < world->n_queues; i++) {
        init_queue(&world->queues[i], world->seed, i, options->has_line_breaks);
        if (world->is_edge) {
            add_edge_lines(world, (int64_t)i);
        } else {
            add_line(world, (int64_t)i, QL_SIM_MEDIA_VOICE, false);
        }
    }
    if (world->is_edge && world->n_queues != 0) {
        join_transfers(world);
        add_line(world, QL_SIM_NONE, QL_SIM_MEDIA_VOICE, true);
    }
}

void ql_sim_world_fini(struct ql_sim_world *world) {
    for (size_t i = 0; i < world->n_queues; i++) {
        ql_mem_free(world->queues[i].name);
        ql_mem_free(world->queues[i].new_name);
    }
    ql_mem_free(world->queues);
    ql_mem_free(world->lines);
    *world = (struct ql_sim_world){0};
}

const char *ql_sim_queue_name(const struct ql_sim_queue *queue) {
    return atomic_load(&queue->is_renamed) ? queue->new_name : queue->name;
}

bool ql_sim_world_shows(const struct ql_sim_world *world, const struct ql_sim_line *line) {
    return line->queue == QL_SIM_NONE || world->divisions[world->queues[line->queue].division].is_visible;
}
