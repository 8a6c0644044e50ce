#include "sim/world_csv.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/number.h"

const char *const ql_sim_metric_names[QL_SIM_N_METRICS] = {
#define X(name, text) text,
    QL_SIM_METRIC_TABLE(X)
#undef X
};

struct csv_stream {
    struct ql_sim_stream base;
    const struct ql_sim_world *world;
    struct ql_sim_query query;
    int64_t *carry;      /* by line: what is handed over to the next atom */
    struct ql_buf *keys; /* by queue: "id,name" as in the file */
    int64_t start_ms;    /* of the interval that comes next */
    struct ql_buf rows;  /* of the interval before, not yet read from `at` on */
    size_t at;
};

/* RFC 4180: quoted where it must be, quotes doubled. */
static void put_field(struct ql_buf *out, const char *text) {
    if (strpbrk(text, ",\"\r\n") == NULL) {
        ql_buf_puts(out, text);
        return;
    }
    ql_buf_putc(out, '"');
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"') {
            ql_buf_putc(out, '"');
        }
        ql_buf_putc(out, *c);
    }
    ql_buf_putc(out, '"');
}

static int64_t round_div(int64_t a, int64_t b) {
    return (2 * a + b) / (2 * b);
} /* both positive, half up */

static void put_metric(struct ql_buf *out, enum ql_sim_metric metric, const struct ql_sim_cell *cell) {
    int64_t ended = cell->answered + cell->abandoned;
    switch (metric) {
    case QL_SIM_METRIC_OFFERED:
        ql_sim_put_number(out, cell->offered);
        break;
    case QL_SIM_METRIC_ANSWERED:
        ql_sim_put_number(out, cell->answered);
        break;
    case QL_SIM_METRIC_ABANDONED:
        ql_sim_put_number(out, cell->abandoned);
        break;
    case QL_SIM_METRIC_SERVICE_LEVEL:
        if (ended != 0) {
            ql_sim_put_fixed(out, round_div(cell->in_sla * 10000, ended), 2);
        }
        break;
    case QL_SIM_METRIC_HANDLE_TIME:
        if (cell->handled != 0) {
            ql_sim_put_fixed(out, round_div(cell->handle_ms, cell->handled), 3);
        }
        break;
    case QL_SIM_N_METRICS:
    default:
        break;
    }
}

static void put_header(struct csv_stream *self) {
    ql_buf_puts(&self->rows, "timeInterval,queue.id,queue.name");
    for (size_t i = 0; i < self->query.n_metrics; i++) {
        ql_buf_printf(&self->rows, ",%s", ql_sim_metric_names[self->query.metrics[i]]);
    }
    ql_buf_putc(&self->rows, '\n');
}

static void add_line(struct csv_stream *self, size_t line, int64_t from_ms, int64_t to_ms, struct ql_sim_cell *cell) {
    int64_t end = ql_sim_world_atom(to_ms);
    for (int64_t atom = ql_sim_world_atom(from_ms); atom < end && ql_sim_world_shows(self->world, &self->world->lines[line]);
         atom++) {
        ql_sim_world_add(self->world, line, atom, &self->carry[line], cell, NULL);
    }
}

static void put_interval(struct csv_stream *self, int64_t from_ms, int64_t to_ms) {
    char from[32];
    char to[32];
    ql_sim_time_print(from_ms, from);
    ql_sim_time_print(to_ms, to);
    size_t line = 0;
    for (size_t queue = 0; queue < self->world->n_queues; queue++) {
        struct ql_sim_cell cell = {0};
        for (; line < self->world->n_lines && self->world->lines[line].queue == (int64_t)queue; line++) {
            add_line(self, line, from_ms, to_ms, &cell);
        }
        if ((cell.offered | cell.answered | cell.abandoned | cell.handled) == 0) {
            continue;
        }
        ql_buf_puts(&self->rows, from);
        ql_buf_putc(&self->rows, '/');
        ql_buf_puts(&self->rows, to);
        ql_buf_putc(&self->rows, ',');
        ql_buf_put_str(&self->rows, ql_buf_view(&self->keys[queue]));
        for (size_t i = 0; i < self->query.n_metrics; i++) {
            ql_buf_putc(&self->rows, ',');
            put_metric(&self->rows, self->query.metrics[i], &cell);
        }
        ql_buf_putc(&self->rows, '\n');
    }
}

static size_t csv_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct csv_stream *self = (struct csv_stream *)stream;
    while (self->at == self->rows.len && self->start_ms < self->query.to_ms) {
        int64_t end_ms = self->start_ms + self->query.granularity_ms;
        end_ms = end_ms < self->query.to_ms ? end_ms : self->query.to_ms;
        ql_buf_reset(&self->rows);
        self->at = 0;
        put_interval(self, self->start_ms, end_ms);
        self->start_ms = end_ms;
    }
    size_t left = self->rows.len - self->at;
    len = len < left ? len : left;
    if (len != 0) {
        memcpy(ptr, self->rows.ptr + self->at, len);
    }
    self->at += len;
    return len;
}

static void csv_free(struct ql_sim_stream *stream) {
    struct csv_stream *self = (struct csv_stream *)stream;
    for (size_t i = 0; i < self->world->n_queues; i++) {
        ql_buf_fini(&self->keys[i]);
    }
    ql_mem_free(self->keys);
    ql_mem_free(self->carry);
    ql_buf_fini(&self->rows);
    ql_mem_free(self);
}

struct ql_sim_stream *ql_sim_stream_csv(const struct ql_sim_world *world, const struct ql_sim_query *query) {
    static const struct ql_sim_stream_ops OPS = {csv_read, csv_free};
    struct csv_stream *self = ql_mem_zalloc(1, sizeof *self);
    self->base = (struct ql_sim_stream){&OPS, -1};
    self->world = world;
    self->query = *query;
    self->start_ms = query->from_ms;
    self->carry = ql_mem_zalloc(world->n_lines, sizeof *self->carry);
    for (size_t i = 0; i < world->n_lines; i++) {
        self->carry[i] = ql_sim_world_carry_into(world, i, ql_sim_world_atom(query->from_ms));
    }
    self->keys = ql_mem_zalloc(world->n_queues, sizeof *self->keys);
    for (size_t i = 0; i < world->n_queues; i++) {
        ql_buf_printf(&self->keys[i], "%s,", world->queues[i].id);
        put_field(&self->keys[i], ql_sim_queue_name(&world->queues[i]));
    }
    put_header(self);
    return &self->base;
}
