#include "sim/aggregate_rows.h"

#include "base/mem.h"
#include "sim/number.h"

enum { ENOUGH = 64 * 1024 };

struct rows_stream {
    struct ql_sim_stream base;
    const struct ql_sim_world *world;
    struct ql_sim_aggregate_query *query;
    bool is_owner;
    struct ql_sim_page_rule rule;
    struct ql_sim_place place;
    int64_t n_buckets;
    int64_t *carry;     /* by line of the group: what is handed over to the next atom */
    bool is_entered;    /* carry is right for the place */
    bool is_group_open; /* its key has been written */
    bool is_first_group, is_over;
    int64_t n_done; /* results or buckets on this page */
    struct ql_buf text;
    size_t at;
};

static void put_count(struct ql_buf *out, const char *name, int64_t value) {
    ql_buf_putc(out, '"');
    ql_buf_puts(out, name);
    ql_buf_puts(out, "\":");
    ql_sim_put_number(out, value);
}

/* Numbers that are no counts have a decimal point, as the service writes them. */
static void put_float(struct ql_buf *out, const char *name, int64_t value) {
    put_count(out, name, value);
    ql_buf_puts(out, ".0");
}

static bool put_stats(struct ql_buf *out, const struct ql_sim_metric_row *metric, const struct ql_sim_tally *tally) {
    static const char TARGET[] = "\"target\":0.8";
    switch (metric->kind) {
    case QL_SIM_METRIC_COUNTER:
        if (tally->count != 0) {
            put_count(out, "count", tally->count);
        }
        return tally->count != 0;
    case QL_SIM_METRIC_TIMER:
        if (tally->count != 0) {
            put_float(out, "max", tally->max);
            ql_buf_putc(out, ',');
            put_float(out, "min", tally->min);
            ql_buf_putc(out, ',');
            put_count(out, "count", tally->count);
            ql_buf_putc(out, ',');
            put_float(out, "sum", tally->sum);
        }
        return tally->count != 0;
    case QL_SIM_METRIC_RATIO:
        if (tally->sum != 0) {
            ql_buf_printf(out, "\"ratio\":%.16g,", (double)tally->count / (double)tally->sum);
            put_float(out, "numerator", tally->count);
            ql_buf_putc(out, ',');
            put_float(out, "denominator", tally->sum);
            ql_buf_printf(out, ",%s", TARGET);
        }
        return tally->sum != 0;
    case QL_SIM_METRIC_TARGET:
        if (tally->sum != 0) {
            ql_buf_puts(out, TARGET);
        }
        return tally->sum != 0;
    case QL_SIM_METRIC_EMPTY:
    default:
        return false;
    }
}

/* Appends the metrics that have something to say; false: none has. */
static bool put_metrics(struct ql_buf *out, const struct ql_sim_aggregate_query *query, const struct ql_sim_tally *tallies) {
    bool is_first = true;
    for (size_t i = 0; i < query->n_metrics; i++) {
        const struct ql_sim_metric_row *metric = query->metrics[i];
        size_t before = out->len;
        ql_buf_puts(out, is_first ? "{\"metric\":\"" : ",{\"metric\":\"");
        ql_buf_puts(out, metric->name);
        ql_buf_puts(out, "\",\"stats\":{");
        if (put_stats(out, metric, &tallies[metric->stat])) {
            ql_buf_puts(out, "}}");
            is_first = false;
        } else {
            out->len = before;
        }
    }
    return !is_first;
}

static void put_time(struct rows_stream *self, int64_t ms) {
    char text[32];
    struct ql_buf *out = &self->text;
    int64_t offset_min = self->rule.has_offsets ? ql_sim_zone_offset_ms(self->query->zone, ms) / 60000 : 0;
    ql_sim_time_print(ms + offset_min * 60000, text);
    ql_buf_puts(out, text);
    if (offset_min != 0) {
        long long minutes = offset_min < 0 ? -offset_min : offset_min;
        out->len--; /* the Z */
        ql_buf_printf(out, "%c%02lld:%02lld", offset_min < 0 ? '-' : '+', minutes / 60, minutes % 60);
    }
}

static void enter(struct rows_stream *self, int64_t from_ms) {
    const struct ql_sim_group *group = &self->query->groups[self->place.group];
    self->carry = ql_mem_realloc(self->carry, group->n_lines, sizeof *self->carry);
    for (size_t i = 0; i < group->n_lines; i++) {
        self->carry[i] = ql_sim_world_carry_into(self->world, group->lines[i], ql_sim_world_atom(from_ms));
    }
    self->is_entered = true;
}

static void leave(struct rows_stream *self) {
    if (self->is_group_open) {
        ql_buf_puts(&self->text, "]}");
        self->n_done += self->rule.is_split ? 0 : 1;
    }
    self->is_group_open = false;
    self->is_entered = false;
    self->place = (struct ql_sim_place){self->place.group + 1, 0};
}

/* The bucket at the place, if it has data. */
static void put_bucket(struct rows_stream *self) {
    const struct ql_sim_group *group = &self->query->groups[self->place.group];
    int64_t from_ms = ql_sim_buckets_start(&self->query->buckets, self->place.bucket);
    int64_t to_ms = ql_sim_buckets_start(&self->query->buckets, self->place.bucket + 1);
    struct ql_sim_tally tallies[QL_SIM_N_STATS] = {0};
    struct ql_sim_cell cell = {0};
    int64_t end = ql_sim_world_atom(to_ms);
    if (!self->is_entered) {
        enter(self, from_ms);
    }
    for (size_t i = 0; i < group->n_lines; i++) {
        for (int64_t atom = ql_sim_world_atom(from_ms); atom < end; atom++) {
            ql_sim_world_add(self->world, group->lines[i], atom, &self->carry[i], &cell, tallies);
        }
    }
    size_t before = self->text.len;
    if (self->is_group_open) {
        ql_buf_puts(&self->text, ",{\"interval\":\"");
    } else {
        ql_buf_printf(&self->text, "%s{\"group\":%s,\"data\":[{\"interval\":\"", self->is_first_group ? "" : ",", group->key);
    }
    put_time(self, from_ms);
    ql_buf_putc(&self->text, '/');
    put_time(self, to_ms);
    ql_buf_puts(&self->text, "\",\"metrics\":[");
    if (!put_metrics(&self->text, self->query, tallies)) {
        self->text.len = before;
        return;
    }
    ql_buf_puts(&self->text, "]}");
    self->is_group_open = true;
    self->is_first_group = false;
    self->n_done += self->rule.is_split ? 1 : 0;
}

static void put_end(struct rows_stream *self, bool is_last) {
    ql_buf_puts(&self->text, self->is_group_open ? "]}]" : "]");
    if (!is_last && self->rule.put_cursor != NULL) {
        ql_buf_puts(&self->text, ",\"cursor\":\"");
        self->rule.put_cursor(self->rule.ctx, self->place, &self->text);
        ql_buf_putc(&self->text, '"');
    }
    ql_buf_putc(&self->text, '}');
    self->is_over = true;
}

static void step(struct rows_stream *self) {
    bool is_last = self->place.group >= (int64_t)self->query->n_groups;
    if (is_last || self->n_done >= self->rule.size) {
        put_end(self, is_last);
    } else if (self->place.bucket >= self->n_buckets) {
        leave(self);
    } else {
        put_bucket(self);
        self->place.bucket++;
    }
}

static size_t rows_read(struct ql_sim_stream *stream, void *ptr, size_t len) {
    struct rows_stream *self = (struct rows_stream *)stream;
    if (self->at == self->text.len && !self->is_over) {
        ql_buf_reset(&self->text);
        self->at = 0;
    }
    while (self->text.len - self->at < ENOUGH && self->at == 0 && !self->is_over) {
        step(self);
    }
    size_t left = self->text.len - self->at;
    len = len < left ? len : left;
    if (len != 0) {
        memcpy(ptr, self->text.ptr + self->at, len);
    }
    self->at += len;
    return len;
}

static void rows_free(struct ql_sim_stream *stream) {
    struct rows_stream *self = (struct rows_stream *)stream;
    if (self->is_owner) {
        ql_sim_aggregate_query_free(self->query);
    }
    ql_mem_free(self->carry);
    ql_buf_fini(&self->text);
    ql_mem_free(self);
}

struct ql_sim_stream *ql_sim_stream_aggregates(const struct ql_sim_world *world, struct ql_sim_aggregate_query *query,
                                               bool is_owner, struct ql_sim_place from, const struct ql_sim_page_rule *rule) {
    static const struct ql_sim_stream_ops OPS = {rows_read, rows_free};
    struct rows_stream *self = ql_mem_zalloc(1, sizeof *self);
    self->base = (struct ql_sim_stream){&OPS, -1};
    self->world = world;
    self->query = query;
    self->is_owner = is_owner;
    self->rule = *rule;
    self->place = from;
    self->n_buckets = ql_sim_buckets_count(&query->buckets);
    self->is_first_group = true;
    ql_buf_puts(&self->text, "{\"results\":[");
    return &self->base;
}
