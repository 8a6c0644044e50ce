/*
 * An answer with aggregates, read in one pass over its text: results of groups, of intervals, of metrics, of statistics. What
 * is unknown is stepped over. Metrics without data are absent from an answer, and then a count and a sum are 0; a fraction of
 * which an answer has one half alone has no value.
 */
#include "source/aggregates.h"

/* A page on its way into rows. */
struct page {
    struct ql_aggregates *aggregates;
    struct ql_window *window;
    struct ql_json_pull pull;
    struct ql_aggregate_number *row; /* [sink->n_columns] */
    struct ql_rows_run interval;
    bool has_interval;
    uint32_t queue;
    bool has_queue;
};

/* The statistics of one metric, as written; {NULL, 0}: absent. */
struct stats {
    struct ql_str values[QL_N_STATS];
};

static enum ql_status read_stats(struct page *page, struct stats *stats, struct ql_err *err) {
    static const char *const NAMES[QL_N_STATS] = {"count", "sum", "numerator", "denominator"};
    bool has = false;
    QL_TRY(ql_json_pull_object(&page->pull, &has, err));
    while (has) {
        struct ql_str key;
        QL_TRY(ql_json_pull_member(&page->pull, &has, &key, err));
        size_t i = 0;
        while (has && i < QL_N_STATS && !ql_str_eq(key, ql_str_from(NAMES[i]))) {
            i++;
        }
        if (has && i < QL_N_STATS) {
            QL_TRY(ql_json_pull_number(&page->pull, &stats->values[i], err)); /* a view of the answer's own text */
        } else if (has) {
            QL_TRY(ql_json_pull_skip(&page->pull, err));
        }
    }
    return QL_OK;
}

/* ---- numbers */

static enum ql_status fail_number(const struct ql_aggregate_column *column, struct ql_str text, struct ql_err *err) {
    static const char *const WORDS[QL_N_STATS] = {"count", "sum", "numerator", "denominator"};
    enum { SHOWN = 40 };
    return QL_FAIL(err, QL_E_PROTOCOL, "metric '%s' has the %s '%.*s', which is no number that it can have", column->metric,
                   WORDS[column->stat], text.len > SHOWN ? SHOWN : (int)text.len, text.ptr);
}

static enum ql_status set_column(struct page *page, size_t c, const struct stats *stats, struct ql_err *err) {
    const struct ql_aggregate_column *column = page->aggregates->columns[c];
    struct ql_str text = stats->values[column->stat];
    struct ql_aggregate_number *number = &page->row[c];
    bool is_fraction = page->aggregates->sink->columns[c].kind == QL_NUMBER_DECIMAL;
    if (text.ptr == NULL) {
        if (stats->values[ql_stat_partner(column->stat)].ptr != NULL) {
            *number = (struct ql_aggregate_number){.k = QL_NUMBER_MISSING};
            page->window->n_halves++;
        }
        return QL_OK;
    }
    bool is_good = ql_aggregate_number_parse(text, column->shift, number);
    if (!is_good || (!is_fraction && (number->scale != 0 || number->k < 0))) {
        return fail_number(column, text, err);
    }
    return QL_OK;
}

/* {"metric": ..., "stats": {...}}; one with a qualifier is a part of another. */
static enum ql_status read_metric(struct page *page, struct ql_err *err) {
    bool has = false;
    struct ql_str name = {0};
    struct stats stats = {0};
    char kept[64];
    bool is_part = false;
    QL_TRY(ql_json_pull_object(&page->pull, &has, err));
    while (has) {
        struct ql_str key;
        struct ql_str text;
        QL_TRY(ql_json_pull_member(&page->pull, &has, &key, err));
        if (!has) {
            break;
        }
        if (ql_str_eq(key, QL_STR("stats"))) {
            QL_TRY(read_stats(page, &stats, err));
        } else if (ql_str_eq(key, QL_STR("metric"))) {
            QL_TRY(ql_json_pull_text(&page->pull, &text, err));
            name = (struct ql_str){.ptr = kept, .len = text.len < sizeof kept ? text.len : 0};
            memcpy(kept, name.len != 0 ? text.ptr : "", name.len);
        } else if (ql_str_eq(key, QL_STR("qualifier"))) {
            QL_TRY(ql_json_pull_text(&page->pull, &text, err));
            is_part = text.len != 0;
        } else {
            QL_TRY(ql_json_pull_skip(&page->pull, err));
        }
    }
    for (size_t c = 0; c < page->aggregates->sink->n_columns && !is_part; c++) {
        const struct ql_aggregate_column *column = page->aggregates->columns[c];
        if (column != NULL && ql_str_eq(name, ql_str_from(column->metric))) {
            QL_TRY(set_column(page, c, &stats, err));
        }
    }
    return QL_OK;
}

/* ---- intervals */

static bool read_instant(struct ql_str text, int64_t *us) {
    struct ql_time_text time;
    if (!ql_time_parse_iso(text, &time) || !time.has_offset) {
        return false;
    }
    *us = ql_time_from_civil(&time.civil) - time.offset_s * QL_US_PER_S;
    return true;
}

static enum ql_status set_interval(struct page *page, struct ql_str text, struct ql_err *err) {
    struct ql_str end;
    struct ql_str start = ql_str_split(text, '/', &end);
    enum { SHOWN = 80 };
    int shown = text.len > SHOWN ? SHOWN : (int)text.len;
    if (!read_instant(start, &page->interval.start_us) || !read_instant(end, &page->interval.end_us) ||
        page->interval.start_us >= page->interval.end_us) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has the interval '%.*s', which is none", shown,
                       text.ptr != NULL ? text.ptr : "");
    }
    if (page->interval.start_us >= page->window->to_us || page->interval.end_us <= page->window->from_us) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has the interval '%.*s', which was not asked for", shown, text.ptr);
    }
    page->has_interval = true;
    return QL_OK;
}

static enum ql_status add_row(struct page *page, struct ql_err *err) {
    struct ql_aggregates *aggregates = page->aggregates;
    if (!page->has_interval) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has figures without an interval");
    }
    if (!page->has_queue) {
        page->window->n_without_queue++;
        return QL_OK;
    }
    return ql_aggregate_batch_add(&aggregates->batch, &page->interval, page->queue, page->row, aggregates->sink, err);
}

static enum ql_status read_metrics(struct page *page, struct ql_err *err) {
    bool has = false;
    QL_TRY(ql_json_pull_array(&page->pull, &has, err));
    while (has) {
        QL_TRY(ql_json_pull_element(&page->pull, &has, err));
        if (has) {
            QL_TRY(read_metric(page, err));
        }
    }
    return QL_OK;
}

/* {"interval": "start/end", "metrics": [...]} */
static enum ql_status read_interval(struct page *page, struct ql_err *err) {
    bool has = false;
    memset(page->row, 0, page->aggregates->sink->n_columns * sizeof *page->row);
    page->has_interval = false;
    QL_TRY(ql_json_pull_object(&page->pull, &has, err));
    if (!has) {
        return QL_OK;
    }
    for (;;) {
        struct ql_str key;
        struct ql_str text;
        QL_TRY(ql_json_pull_member(&page->pull, &has, &key, err));
        if (!has) {
            return add_row(page, err);
        }
        if (ql_str_eq(key, QL_STR("interval"))) {
            QL_TRY(ql_json_pull_text(&page->pull, &text, err));
            QL_TRY(set_interval(page, text, err));
        } else if (ql_str_eq(key, QL_STR("metrics"))) {
            QL_TRY(read_metrics(page, err));
        } else {
            QL_TRY(ql_json_pull_skip(&page->pull, err));
        }
    }
}

/* ---- groups */

static enum ql_status read_group(struct page *page, struct ql_err *err) {
    struct ql_aggregates *aggregates = page->aggregates;
    struct ql_buf id = {0};
    struct ql_buf media_type = {0};
    bool has = false;
    enum ql_status status = ql_json_pull_object(&page->pull, &has, err);
    while (status == QL_OK && has) {
        struct ql_str key;
        struct ql_str text;
        status = ql_json_pull_member(&page->pull, &has, &key, err);
        if (status != QL_OK || !has) {
            break;
        }
        bool is_id = ql_str_eq(key, QL_STR("queueId"));
        bool is_media_type = aggregates->options.by_media_type && ql_str_eq(key, QL_STR("mediaType"));
        status = ql_json_pull_text(&page->pull, &text, err);
        if (status == QL_OK && (is_id || is_media_type)) {
            ql_buf_put_str(is_id ? &id : &media_type, text);
        }
    }
    page->has_queue = id.len != 0;
    if (status == QL_OK && page->has_queue) {
        const struct ql_routing_queue *queue = ql_routing_queues_find(&aggregates->queues, ql_buf_view(&id));
        page->queue = ql_aggregate_batch_code(&aggregates->batch, ql_buf_view(&id),
                                              queue != NULL ? queue->name : ql_buf_view(&id), ql_buf_view(&media_type));
    }
    ql_buf_fini(&id);
    ql_buf_fini(&media_type);
    return status;
}

static enum ql_status read_data(struct page *page, struct ql_err *err) {
    bool has = false;
    QL_TRY(ql_json_pull_array(&page->pull, &has, err));
    while (has) {
        QL_TRY(ql_json_pull_element(&page->pull, &has, err));
        if (has) {
            QL_TRY(read_interval(page, err));
        }
    }
    return QL_OK;
}

/* {"group": {...}, "data": [...]}: data that come before their group are passed by first, and read when it is known. */
static enum ql_status read_result(struct page *page, struct ql_err *err) {
    bool has = false;
    bool has_group = false;
    bool has_passed_by = false;
    size_t passed_by = 0;
    page->has_queue = false;
    QL_TRY(ql_json_pull_object(&page->pull, &has, err));
    while (has) {
        struct ql_str key;
        QL_TRY(ql_json_pull_member(&page->pull, &has, &key, err));
        if (has && ql_str_eq(key, QL_STR("group"))) {
            QL_TRY(read_group(page, err));
            has_group = true;
        } else if (has && ql_str_eq(key, QL_STR("data")) && has_group) {
            QL_TRY(read_data(page, err));
        } else if (has) {
            bool is_data = ql_str_eq(key, QL_STR("data"));
            has_passed_by = has_passed_by || is_data;
            passed_by = is_data ? page->pull.at : passed_by;
            QL_TRY(ql_json_pull_skip(&page->pull, err));
        }
    }
    if (has_passed_by) {
        const size_t at = page->pull.at;
        page->pull.at = passed_by;
        QL_TRY(read_data(page, err));
        page->pull.at = at;
        page->pull.is_first = false;
    }
    return QL_OK;
}

static enum ql_status read_page(struct page *page, struct ql_buf *cursor, struct ql_err *err) {
    bool has = false;
    QL_TRY(ql_json_pull_object(&page->pull, &has, err));
    if (!has) {
        return QL_FAIL(err, QL_E_PROTOCOL, "no JSON object");
    }
    while (has) {
        struct ql_str key;
        struct ql_str text;
        bool has_result = false;
        QL_TRY(ql_json_pull_member(&page->pull, &has, &key, err));
        if (has && ql_str_eq(key, QL_STR("results"))) {
            QL_TRY(ql_json_pull_array(&page->pull, &has_result, err));
            while (has_result) {
                QL_TRY(ql_json_pull_element(&page->pull, &has_result, err));
                if (has_result) {
                    QL_TRY(read_result(page, err));
                }
            }
        } else if (has && ql_str_eq(key, QL_STR("cursor"))) {
            QL_TRY(ql_json_pull_text(&page->pull, &text, err));
            ql_buf_put_str(cursor, text);
        } else if (has) {
            QL_TRY(ql_json_pull_skip(&page->pull, err));
        }
    }
    return ql_json_pull_end(&page->pull, err);
}

enum ql_status ql_aggregates_read_page(struct ql_aggregates *aggregates, struct ql_window *window, struct ql_str text,
                                       struct ql_buf *cursor, struct ql_err *err) {
    struct page page = {.aggregates = aggregates, .window = window};
    ql_buf_reset(cursor);
    page.row = ql_mem_zalloc(aggregates->sink->n_columns, sizeof *page.row);
    ql_json_pull_init(&page.pull, text, aggregates->genesys.options.max_json_depth);
    enum ql_status status = read_page(&page, cursor, err);
    ql_json_pull_fini(&page.pull);
    ql_mem_free(page.row);
    return status;
}
