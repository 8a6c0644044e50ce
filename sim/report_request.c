#include "sim/report_request.h"

#include "base/mem.h"

#include <stdlib.h>

static bool read_needed(const struct ql_sim_reader *reader, const json_t *body, const char *name, const char **text) {
    return ql_sim_read_text(reader, body, name, text) && (*text != NULL || ql_sim_refuse_missing(reader, name, "a string"));
}

static bool read_zone(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    const char *name;
    if (!read_needed(reader, report->json, "timeZone", &name)) {
        return false;
    }
    report->zone = ql_sim_zone_open(name);
    report->buckets.zone = report->zone;
    return report->zone != NULL || ql_sim_refuse(reader, "bad.request", "timeZone", "The time zone is not valid");
}

static bool read_time(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    const char *interval;
    const char *period;
    if (!read_needed(reader, report->json, "interval", &interval) || !read_needed(reader, report->json, "period", &period)) {
        return false;
    }
    if (!ql_sim_interval_parse(ql_str_from(interval), report->zone, &report->buckets.from_ms, &report->buckets.to_ms)) {
        return ql_sim_refuse(reader, "bad.request", "interval", "The interval is not valid");
    }
    if (!ql_sim_period_read(ql_str_from(period), &report->buckets.period) || report->buckets.period.ms % QL_SIM_ATOM_MS != 0) {
        return ql_sim_refuse_value(reader, "period", period, "ISO-8601 periods of whole quarters of an hour");
    }
    return true;
}

static bool read_view(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    static const char *const FORMATS[] = {"CSV", "PDF"};
    const char *view;
    const char *format;
    const char *name;
    if (!read_needed(reader, report->json, "name", &name) || !read_needed(reader, report->json, "viewType", &view) ||
        !ql_sim_read_word(reader, report->json, "exportFormat", FORMATS, 2, &format)) {
        return false;
    }
    if (format == NULL) {
        return ql_sim_refuse_missing(reader, "exportFormat", "a string");
    }
    report->is_pdf = format == FORMATS[1];
    report->is_detail = strcmp(view, "QUEUE_PERFORMANCE_DETAIL_VIEW") == 0;
    report->is_known_view = report->is_detail || strcmp(view, "QUEUE_PERFORMANCE_SUMMARY_VIEW") == 0;
    if (!report->is_detail) {
        report->buckets.period = (struct ql_sim_period){0};
    }
    return view[strspn(view, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0' ||
           ql_sim_refuse_value(reader, "viewType", view, "QUEUE_PERFORMANCE_SUMMARY_VIEW, QUEUE_PERFORMANCE_DETAIL_VIEW, ...");
}

/* The newer setting wins over the older one. */
static bool read_durations(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    static const char *const WORDS[] = {"Milliseconds", "Seconds", "Hhmmss", "Hms"};
    const char *word;
    bool is_formatted = false;
    if (!ql_sim_read_flag(reader, report->json, "hasFormatDurations", &is_formatted) ||
        !ql_sim_read_word(reader, report->json, "durationFormat", WORDS, 4, &word)) {
        return false;
    }
    report->durations = is_formatted ? QL_SIM_AS_HHMMSS : QL_SIM_IN_MS;
    for (int i = 0; i < 4 && word != NULL; i++) {
        report->durations = word == WORDS[i] ? (enum ql_sim_durations)i : report->durations;
    }
    return true;
}

static bool read_shape(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    static const char *const DELIMITERS[] = {"COMMA", "SEMICOLON"};
    const char *delimiter;
    const char *locale;
    if (!ql_sim_read_word(reader, report->json, "csvDelimiter", DELIMITERS, 2, &delimiter) ||
        !read_needed(reader, report->json, "locale", &locale)) {
        return false;
    }
    report->delimiter = delimiter == DELIMITERS[1] ? ';' : ',';
    report->locale = ql_sim_locale_find(locale);
    if (report->locale == NULL) {
        return ql_sim_refuse_value(reader, "locale", locale, "en-us, en-gb, es, de, fr");
    }
    return ql_sim_read_flag(reader, report->json, "hasSplitFilters", &report->splits_filters) &&
           ql_sim_read_flag(reader, report->json, "hasSplitByMedia", &report->splits_media) &&
           ql_sim_read_flag(reader, report->json, "excludeEmptyRows", &report->excludes_empty) &&
           ql_sim_read_flag(reader, report->json, "hasSummaryRow", &report->has_summary_row) &&
           ql_sim_read_flag(reader, report->json, "includeDurationFormatInHeader", &report->has_units) &&
           read_durations(reader, report);
}

static bool holds(const json_t *list, const char *text) {
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        if (ql_str_eq(ql_str_from(json_string_value(item)), ql_str_from(text))) {
            return true;
        }
    }
    return false;
}

/* A filter's list; *is_there: it has something in it. */
static bool read_list(const struct ql_sim_reader *reader, const json_t *filter, const char *name, const json_t **list,
                      bool *is_there) {
    *list = json_object_get(filter, name);
    *is_there = json_array_size(*list) != 0;
    return *list == NULL || json_is_null(*list) || json_is_array(*list) || ql_sim_refuse_missing(reader, name, "a list");
}

static bool read_filter(const struct ql_sim_reader *reader, const struct ql_sim_world *world, struct ql_sim_report *report) {
    static const char *const DIRECTIONS[] = {"inbound", "outbound"};
    const json_t *filter = json_object_get(report->json, "filter");
    const json_t *queues;
    const json_t *media;
    const json_t *directions;
    const json_t *divisions;
    bool has_divisions;
    if (!json_is_object(filter)) {
        return ql_sim_refuse_missing(reader, "filter", "an object");
    }
    if (!read_list(reader, filter, "queueIds", &queues, &report->has_queue_filter) ||
        !read_list(reader, filter, "mediaTypes", &media, &report->has_media_filter) ||
        !read_list(reader, filter, "directions", &directions, &report->has_direction_filter) ||
        !read_list(reader, filter, "divisionIds", &divisions, &has_divisions)) {
        return false;
    }
    for (size_t i = 0; i < QL_SIM_N_MEDIA; i++) {
        report->is_media[i] = !report->has_media_filter || holds(media, ql_sim_media_names[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        report->is_direction[i] = !report->has_direction_filter || holds(directions, DIRECTIONS[i]);
    }
    report->queues = ql_mem_zalloc(world->n_queues, sizeof *report->queues);
    for (size_t i = 0; i < world->n_queues; i++) {
        const struct ql_sim_division *division = &world->divisions[world->queues[i].division];
        if (division->is_visible && (!report->has_queue_filter || holds(queues, world->queues[i].id)) &&
            (!has_divisions || holds(divisions, division->id))) {
            report->queues[report->n_queues++] = i;
        }
    }
    return true;
}

struct choice {
    int64_t order;
    const struct ql_sim_column *column;
};

static int compare_choices(const void *a, const void *b) {
    const struct choice *left = a;
    const struct choice *right = b;
    return left->order != right->order ? (left->order < right->order ? -1 : 1) : left->column < right->column ? -1 : 1;
}

static bool read_columns(const struct ql_sim_reader *reader, struct ql_sim_report *report) {
    const json_t *list = json_object_get(report->json, "selectedColumns");
    size_t n = json_array_size(list);
    if (n == 0) {
        return true;
    }
    struct choice *choices = ql_mem_zalloc(n, sizeof *choices);
    bool is_good = true;
    for (size_t i = 0; i < n && is_good; i++) {
        const json_t *item = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(item, "columnName"));
        choices[i] =
            (struct choice){json_integer_value(json_object_get(item, "columnOrder")), ql_sim_column_find(ql_str_from(name))};
        is_good = choices[i].column != NULL || ql_sim_refuse_value(reader, "selectedColumns", name != NULL ? name : "?",
                                                                   "the availableColumnIds of the view's metadata");
    }
    if (is_good) {
        qsort(choices, n, sizeof *choices, compare_choices);
        report->columns = ql_mem_zalloc(n, sizeof(struct ql_sim_column *));
        for (size_t i = 0; i < n; i++) {
            report->columns[report->n_columns++] = choices[i].column;
        }
    }
    ql_mem_free(choices);
    return is_good;
}

struct ql_sim_report *ql_sim_report_read(const struct ql_sim_reader *reader, const struct ql_sim_world *world) {
    json_t *body = ql_sim_read_body(reader);
    if (body == NULL) {
        return NULL;
    }
    struct ql_sim_report *report = ql_mem_zalloc(1, sizeof *report);
    report->json = body;
    if (read_zone(reader, report) && read_time(reader, report) && read_view(reader, report) && read_shape(reader, report) &&
        read_filter(reader, world, report) && read_columns(reader, report)) {
        return report;
    }
    ql_sim_report_free(report);
    return NULL;
}

void ql_sim_report_free(struct ql_sim_report *report) {
    if (report != NULL) {
        json_decref(report->json);
        ql_sim_zone_free(report->zone);
        ql_mem_free(report->queues);
        ql_mem_free(report->columns);
        ql_mem_free(report);
    }
}
