/*
 * Rows by bucket, then by queue and media type as far as the request splits them; a summary row at the end. Every field is
 * quoted. Dates are the clock's on the wall, without an offset; a rate is a share of 1; a count of nothing is an empty field.
 * In the edge world the file begins with a byte order mark, lines end in CRLF, and dates have leading zeros.
 */
#include "sim/report_csv.h"

#include "base/mem.h"

#include <stdio.h>

struct writer {
    const struct ql_sim_world *world;
    const struct ql_sim_report *report;
    struct ql_buf *out;
    int64_t *carry; /* by line */
    size_t *first;  /* by queue: its first line */
    bool is_partial, is_first_field;
    int64_t now_ms;
};

/* What one row says. */
struct row {
    int64_t from_ms, to_ms;
    const size_t *queues;
    size_t n_queues;
    int media; /* QL_SIM_NONE: whatever the filter lets through */
    struct ql_sim_tally tallies[QL_SIM_N_STATS];
};

static void put_field(struct writer *self, struct ql_str text) {
    if (!self->is_first_field) {
        ql_buf_putc(self->out, self->report->delimiter);
    }
    self->is_first_field = false;
    ql_buf_putc(self->out, '"');
    for (size_t i = 0; i < text.len; i++) {
        ql_buf_puts(self->out, text.ptr[i] == '"' ? "\"" : "");
        ql_buf_putc(self->out, text.ptr[i]);
    }
    ql_buf_putc(self->out, '"');
}

static void end_line(struct writer *self) {
    ql_buf_puts(self->out, self->world->is_edge ? "\r\n" : "\n");
    self->is_first_field = true;
}

static bool is_duration(const struct ql_sim_column *column) {
    return column->kind == QL_SIM_COLUMN_MEAN || column->kind == QL_SIM_COLUMN_TOTAL;
}

/* The two columns about the whole file are in the way of a program that counts columns: edge, or where they matter. */
static bool is_there(const struct writer *self, const struct ql_sim_column *column) {
    bool is_about_file = column->kind == QL_SIM_COLUMN_FULL_EXPORT || column->kind == QL_SIM_COLUMN_PARTIAL_STAMP;
    return is_about_file ? self->is_partial || self->world->is_edge
                         : column->id == NULL || (self->report->columns == NULL && !column->is_extra);
}

typedef void put_column(struct writer *self, const struct ql_sim_column *column, const struct row *row);

static void put_columns(struct writer *self, put_column *put, const struct row *row) {
    for (size_t i = 0; i < ql_sim_n_columns; i++) {
        if (is_there(self, &ql_sim_columns[i])) {
            put(self, &ql_sim_columns[i], row);
        }
    }
    for (size_t i = 0; i < self->report->n_columns; i++) {
        put(self, self->report->columns[i], row);
    }
    end_line(self);
}

static void put_header(struct writer *self, const struct ql_sim_column *column, const struct row *row) {
    static const char *const UNITS[] = {"Milliseconds", "Seconds", "hh:mm:ss", "h m s"};
    struct ql_buf text = {0};
    (void)row;
    ql_buf_puts(&text, column->headers[self->report->locale->language]);
    if (self->report->has_units && is_duration(column)) {
        ql_buf_printf(&text, " (%s)", UNITS[self->report->durations]);
    }
    put_field(self, ql_buf_view(&text));
    ql_buf_fini(&text);
}

static void put_duration(const struct writer *self, double ms, struct ql_buf *text) {
    long long s = (long long)(ms / 1000);
    switch (self->report->durations) {
    case QL_SIM_IN_SECONDS:
        ql_buf_printf(text, "%.15g", ms / 1000);
        break;
    case QL_SIM_AS_HHMMSS:
        ql_buf_printf(text, "%02lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
        break;
    case QL_SIM_AS_HMS:
        ql_buf_printf(text, "%lldh %lldm %llds", s / 3600, s / 60 % 60, s % 60);
        break;
    case QL_SIM_IN_MS:
    default:
        ql_buf_printf(text, "%.15g", ms);
        break;
    }
}

static void put_stat(const struct writer *self, const struct ql_sim_column *column, const struct row *row,
                     struct ql_buf *text) {
    const struct ql_sim_tally *tally = &row->tallies[column->stat];
    int64_t whole = column->kind == QL_SIM_COLUMN_RATE ? row->tallies[column->of].count : tally->sum;
    switch (column->kind) {
    case QL_SIM_COLUMN_RATE:
    case QL_SIM_COLUMN_LEVEL:
        if (whole != 0) {
            ql_buf_printf(text, "%.15g", (double)tally->count / (double)whole);
        }
        break;
    case QL_SIM_COLUMN_TARGET:
        ql_buf_puts(text, whole != 0 ? "0.8" : "");
        break;
    case QL_SIM_COLUMN_MEAN:
        if (tally->count != 0) {
            put_duration(self, (double)tally->sum / (double)tally->count, text);
        }
        break;
    case QL_SIM_COLUMN_TOTAL:
        if (tally->count != 0) {
            put_duration(self, (double)tally->sum, text);
        }
        break;
    default:
        if (tally->count != 0) {
            ql_buf_printf(text, "%lld", (long long)tally->count);
        }
        break;
    }
}

static void put_date(const struct writer *self, int64_t ms, struct ql_buf *text) {
    bool is_padded = self->world->is_edge && self->report->locale->date[0] == 'M';
    ql_sim_put_date(text, is_padded ? "MM/DD/YY hh:mm a" : self->report->locale->date,
                    ql_sim_zone_to_civil(self->report->zone, ms));
}

static void put_queues(const struct writer *self, const struct row *row, bool wants_names, struct ql_buf *text) {
    for (size_t i = 0; i < row->n_queues; i++) {
        const struct ql_sim_queue *queue = &self->world->queues[row->queues[i]];
        ql_buf_printf(text, "%s%s", i != 0 ? "; " : "", wants_names ? ql_sim_queue_name(queue) : queue->id);
    }
}

static void put_media(const struct writer *self, const struct row *row, struct ql_buf *text) {
    for (int i = 0; i < QL_SIM_N_MEDIA; i++) {
        bool is_named =
            row->media != QL_SIM_NONE ? i == row->media : self->report->has_media_filter && self->report->is_media[i];
        if (is_named) {
            ql_buf_printf(text, "%s%s", text->len != 0 ? "; " : "", ql_sim_media_names[i]);
        }
    }
}

static void put_value(struct writer *self, const struct ql_sim_column *column, const struct row *row) {
    struct ql_buf text = {0};
    switch (column->kind) {
    case QL_SIM_COLUMN_FULL_EXPORT:
        ql_buf_puts(&text, self->is_partial ? "NO" : "YES");
        break;
    case QL_SIM_COLUMN_PARTIAL_STAMP:
        if (self->is_partial) {
            put_date(self, self->now_ms, &text);
        }
        break;
    case QL_SIM_COLUMN_START:
        put_date(self, row->from_ms, &text);
        break;
    case QL_SIM_COLUMN_END:
        put_date(self, row->to_ms, &text);
        break;
    case QL_SIM_COLUMN_COMPLETE:
        ql_buf_puts(&text, row->to_ms <= self->now_ms ? "TRUE" : "FALSE");
        break;
    case QL_SIM_COLUMN_FILTERS:
        ql_buf_puts(&text, self->report->has_direction_filter ? "Direction" : "");
        break;
    case QL_SIM_COLUMN_MEDIA:
        put_media(self, row, &text);
        break;
    case QL_SIM_COLUMN_QUEUE_ID:
    case QL_SIM_COLUMN_QUEUE_NAME:
        put_queues(self, row, column->kind == QL_SIM_COLUMN_QUEUE_NAME, &text);
        break;
    default:
        put_stat(self, column, row, &text);
        break;
    }
    put_field(self, ql_buf_view(&text));
    ql_buf_fini(&text);
}

static bool is_line_in(const struct ql_sim_report *report, const struct ql_sim_line *line, int media) {
    return report->is_media[line->media] && report->is_direction[line->is_outbound ? 1 : 0] &&
           (media == QL_SIM_NONE || (int)line->media == media);
}

/* Adds what the row's queues did in a time to its tallies. */
static void collect(struct writer *self, struct row *row) {
    int64_t end = ql_sim_world_atom(row->to_ms);
    for (size_t i = 0; i < row->n_queues; i++) {
        int64_t queue = (int64_t)row->queues[i];
        for (size_t line = self->first[queue]; line < self->world->n_lines && self->world->lines[line].queue == queue; line++) {
            struct ql_sim_cell cell = {0};
            int64_t atom =
                is_line_in(self->report, &self->world->lines[line], row->media) ? ql_sim_world_atom(row->from_ms) : end;
            for (; atom < end; atom++) {
                ql_sim_world_add(self->world, line, atom, &self->carry[line], &cell, row->tallies);
            }
        }
    }
}

static void merge(struct row *sum, const struct row *row) {
    for (size_t i = 0; i < QL_SIM_N_STATS; i++) {
        sum->tallies[i].count += row->tallies[i].count;
        sum->tallies[i].sum += row->tallies[i].sum;
    }
}

static bool is_empty(const struct row *row) {
    int64_t any = 0;
    for (size_t i = 0; i < QL_SIM_N_STATS; i++) {
        any |= row->tallies[i].count | row->tallies[i].sum;
    }
    return any == 0;
}

/* Some queues in one bucket: a row, or one for each media type that they have. */
static void put_bucket_rows(struct writer *self, struct row row, struct row *sum) {
    int first = self->report->splits_media ? 0 : QL_SIM_NONE;
    int last = self->report->splits_media ? QL_SIM_N_MEDIA - 1 : QL_SIM_NONE;
    for (row.media = first; row.media <= last; row.media++) {
        memset(row.tallies, 0, sizeof row.tallies);
        collect(self, &row);
        merge(sum, &row);
        /* A media type that a queue does not have is no empty row: it is none. */
        if (!is_empty(&row) || (!self->report->excludes_empty && (first == QL_SIM_NONE || row.media == 0))) {
            put_columns(self, put_value, &row);
        }
    }
}

static void init(struct writer *self) {
    self->first = ql_mem_zalloc(self->world->n_queues, sizeof *self->first);
    self->carry = ql_mem_zalloc(self->world->n_lines, sizeof *self->carry);
    for (size_t i = self->world->n_lines; i-- > 0;) {
        if (self->world->lines[i].queue != QL_SIM_NONE) {
            self->first[self->world->lines[i].queue] = i;
        }
        self->carry[i] = ql_sim_world_carry_into(self->world, i, ql_sim_world_atom(self->report->buckets.from_ms));
    }
    self->now_ms = self->world->now_ms != INT64_MAX ? self->world->now_ms : ql_sim_now_ms();
    self->is_first_field = true;
}

bool ql_sim_report_write(const struct ql_sim_world *world, const struct ql_sim_report *report, bool is_partial,
                         int64_t max_bytes, struct ql_buf *out) {
    struct writer self = {.world = world, .report = report, .out = out, .is_partial = is_partial};
    struct row sum = {report->buckets.from_ms, report->buckets.to_ms, report->queues, report->n_queues, QL_SIM_NONE, {{0}}};
    /* Several queues are one row where a detail view was asked for them without being split. */
    bool is_joined = report->is_detail && report->has_queue_filter && !report->splits_filters;
    int64_t n_buckets = ql_sim_buckets_count(&report->buckets);
    bool fits = true;
    init(&self);
    ql_buf_puts(out, world->is_edge ? "\xef\xbb\xbf" : "");
    put_columns(&self, put_header, &sum);
    n_buckets = is_partial ? (n_buckets + 1) / 2 : n_buckets;
    for (int64_t i = 0; i < n_buckets && fits; i++) {
        struct row row = {.from_ms = ql_sim_buckets_start(&report->buckets, i),
                          .to_ms = ql_sim_buckets_start(&report->buckets, i + 1)};
        for (size_t queue = 0; queue < report->n_queues && fits; queue += row.n_queues) {
            row.queues = report->queues + queue;
            row.n_queues = is_joined ? report->n_queues : 1;
            put_bucket_rows(&self, row, &sum);
            fits = max_bytes == 0 || (int64_t)out->len <= max_bytes;
        }
    }
    if (report->has_summary_row) {
        put_columns(&self, put_value, &sum);
    }
    ql_mem_free(self.first);
    ql_mem_free(self.carry);
    return fits;
}
