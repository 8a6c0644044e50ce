/*
 * The request of a view export, with the settings that make its file one for programs: rows by queue and media type, durations
 * in milliseconds, no summary row, no units in headers, a comma between fields, stamps in a zone that we know.
 */
#include "source/reporting_internal.h"

void ql_reporting_put_period(int64_t period_us, struct ql_buf *out) {
    static const struct {
        int64_t s;
        const char *before;
        char unit;
    } UNITS[] = {{86400, "P", 'D'}, {3600, "PT", 'H'}, {60, "PT", 'M'}, {1, "PT", 'S'}};
    int64_t s = period_us / QL_US_PER_S;
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (s % UNITS[i].s == 0) {
            ql_buf_printf(out, "%s%lld%c", UNITS[i].before, (long long)(s / UNITS[i].s), UNITS[i].unit);
            return;
        }
    }
}

static void set_text(struct ql_json *object, const char *key, struct ql_str text) {
    ql_json_set(object, key, ql_json_new_text(text));
}

static void set_flag(struct ql_json *object, const char *key, bool value) {
    ql_json_set(object, key, ql_json_new_bool(value));
}

static void set_names(struct ql_json *object, const char *key, const struct ql_str *names, size_t n) {
    struct ql_json *list = n != 0 ? ql_json_new_array() : NULL;
    for (size_t i = 0; i < n; i++) {
        ql_json_add(list, ql_json_new_text(names[i]));
    }
    if (list != NULL) {
        ql_json_set(object, key, list);
    }
}

static void put_interval(const struct ql_reporting_part *part, struct ql_buf *out) {
    char text[QL_TIME_TEXT_SIZE];
    ql_buf_put(out, text, ql_time_format(part->from_us, text));
    ql_buf_putc(out, '/');
    ql_buf_put(out, text, ql_time_format(part->to_us, text));
}

static void set_what(struct ql_json *body, const struct ql_reporting_options *options, const struct ql_reporting_part *part) {
    struct ql_buf text = {0};
    put_interval(part, &text);
    set_text(body, "interval", ql_buf_view(&text));
    ql_buf_reset(&text);
    ql_reporting_put_period(options->period_us, &text);
    set_text(body, "period", ql_buf_view(&text));
    ql_buf_reset(&text);
    ql_buf_printf(&text, "queuelake %.*s ", QL_STR_ARG(options->view));
    put_interval(part, &text);
    set_text(body, "name", ql_buf_view(&text));
    ql_buf_fini(&text);
    set_text(body, "viewType", options->view);
    set_text(body, "timeZone", options->timezone);
    set_text(body, "locale", options->locale);
    struct ql_json *filter = ql_json_new_object();
    set_names(filter, "queueIds", part->queues, part->n_queues);
    set_names(filter, "mediaTypes", options->media_types, options->n_media_types);
    set_names(filter, "directions", options->directions, options->n_directions);
    set_names(filter, "divisionIds", options->divisions, options->n_divisions);
    ql_json_set(body, "filter", filter);
}

static void set_columns(struct ql_json *body, const struct ql_reporting_options *options) {
    struct ql_json *list = ql_json_new_array();
    for (size_t i = 0; i < options->n_columns; i++) {
        struct ql_json *column = ql_json_new_object();
        ql_json_set(column, "columnOrder", ql_json_new_int((int64_t)i + 1));
        set_text(column, "columnName", options->columns[i]);
        ql_json_add(list, column);
    }
    ql_json_set(body, "selectedColumns", list);
}

void ql_reporting_request_body(const struct ql_reporting_options *options, const struct ql_reporting_part *part,
                               struct ql_buf *out) {
    struct ql_json *body = ql_json_new_object();
    set_what(body, options, part);
    set_text(body, "exportFormat", QL_STR("CSV"));
    set_text(body, "csvDelimiter", QL_STR("COMMA"));
    set_text(body, "durationFormat", QL_STR("Milliseconds"));
    set_flag(body, "hasFormatDurations", false);
    set_flag(body, "includeDurationFormatInHeader", false);
    set_flag(body, "hasSplitFilters", true);
    set_flag(body, "hasSplitByMedia", true);
    set_flag(body, "excludeEmptyRows", true);
    set_flag(body, "hasSummaryRow", false);
    set_flag(body, "hasCustomParticipantAttributes", false);
    set_flag(body, "read", true);
    ql_json_set(body, "recipientEmails", ql_json_new_array());
    if (options->n_columns != 0) {
        set_columns(body, options);
    }
    ql_json_write(body, false, out);
    ql_json_free(body);
}
