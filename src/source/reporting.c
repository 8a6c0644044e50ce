/*
 * The contract analytics/reporting/exports: the file that the performance views of Genesys Cloud export.
 *
 * An export that the server calls too large is split in two, again and again, until every part is one that it makes; the parts
 * are inputs of one artefact, in the order of their ranges. Only when all of them are ready is the first one downloaded, so
 * that a failure costs no half-read data. Exports are deleted only if told so, and only those that this run made.
 */
#include "source/reporting_internal.h"

#include "base/mem.h"

#include <stdio.h>

static struct ql_reporting *reporting_of(struct ql_source *source) {
    return (struct ql_reporting *)(void *)source;
}

void ql_reporting_part_fini(struct ql_reporting_part *part) {
    if (part->link.ptr != NULL) {
        explicit_bzero(part->link.ptr, part->link.cap);
    }
    ql_buf_fini(&part->link);
    ql_buf_fini(&part->id);
    ql_buf_fini(&part->file_id);
}

static void clear_parts(struct ql_reporting *reporting) {
    for (size_t i = 0; i < reporting->n_parts; i++) {
        ql_reporting_part_fini(&reporting->parts[i]);
    }
    for (size_t i = 0; i < reporting->n_superseded; i++) {
        ql_buf_fini(&reporting->superseded[i]);
    }
    reporting->n_parts = 0;
    reporting->n_superseded = 0;
}

/* ---- one export */

static enum ql_status create(struct ql_reporting *reporting, struct ql_reporting_part *part, struct ql_err *err) {
    struct ql_buf body = {0};
    struct ql_json *json = NULL;
    ql_reporting_request_body(&reporting->options, part, &body);
    enum ql_status status = ql_export_create(&reporting->genesys, QL_REPORTING_PATH, ql_buf_view(&body), &json, err);
    if (status == QL_OK) {
        ql_buf_put_str(&part->id, ql_json_get_text(json, "id"));
        part->created_ms = ql_time_monotonic_ms();
        ql_genesys_note(&reporting->genesys, "export %s was created", ql_buf_text(&part->id));
        status = ql_reporting_read(reporting, part, json, err); /* it may have failed already */
    }
    ql_json_free(json);
    ql_buf_fini(&body);
    if (status != QL_OK) {
        ql_err_wrap(err, "creating the export");
    }
    return status;
}

struct look {
    struct ql_reporting *reporting;
    struct ql_reporting_part *part;
};

static enum ql_status look_once(void *ctx, bool *is_over, struct ql_err *err) {
    const struct look *look = ctx;
    QL_TRY(ql_reporting_look(look->reporting, look->part, err));
    *is_over = look->part->state != QL_REPORTING_RUNNING;
    return QL_OK;
}

static enum ql_status wait_for(struct ql_reporting *reporting, struct ql_reporting_part *part, struct ql_err *err) {
    struct look look = {.reporting = reporting, .part = part};
    const struct ql_export_wait wait = {.genesys = &reporting->genesys,
                                        .id = ql_buf_view(&part->id),
                                        .created_ms = part->created_ms,
                                        .poll_min_ms = reporting->options.poll_min_ms,
                                        .poll_max_ms = reporting->options.poll_max_ms,
                                        .deadline_ms = reporting->options.deadline_ms,
                                        .look = look_once,
                                        .ctx = &look};
    ql_genesys_stage(&reporting->genesys, "wait");
    return part->state == QL_REPORTING_RUNNING ? ql_export_wait(&wait, err) : QL_OK;
}

/* ---- as many as it takes */

static bool is_good(const struct ql_reporting *reporting, const struct ql_reporting_part *part) {
    return part->state == QL_REPORTING_COMPLETED || (part->state == QL_REPORTING_PARTIAL && reporting->options.accept_partial);
}

/* One as large as this failed before. */
static bool is_known_too_large(const struct ql_reporting *reporting, const struct ql_reporting_part *part) {
    return reporting->too_long_us != 0 && part->to_us - part->from_us >= reporting->too_long_us &&
           part->n_queues == reporting->too_many_queues;
}

static enum ql_reporting_remedy remedy_of(const struct ql_reporting_part *part) {
    const struct ql_reporting_failure *failure = ql_reporting_failure_find(part->failure);
    return part->state == QL_REPORTING_ENDED && failure != NULL ? failure->remedy : QL_REPORTING_PERMANENT;
}

/* Splits part i. What was made for it is kept in mind, to be deleted. */
static enum ql_status split(struct ql_reporting *reporting, size_t i, enum ql_reporting_remedy remedy, struct ql_err *err) {
    struct ql_reporting_part *part = &reporting->parts[i];
    struct ql_reporting_part second;
    if (reporting->n_parts >= reporting->options.max_exports) {
        ql_err_wrap(err, "the range was split into %zu exports already", reporting->n_parts);
        ql_err_hint(err, "raise --max-exports, or ask for a shorter range");
        return QL_E_EXPORT_FAILED;
    }
    struct ql_buf id = part->id;
    part->id = (struct ql_buf){0};
    if (!ql_reporting_split(&reporting->options, remedy, part, &second)) {
        part->id = id;
        return QL_E_EXPORT_FAILED; /* as err says */
    }
    QL_MEM_GROW(reporting->superseded, reporting->cap_superseded, reporting->n_superseded + 1);
    reporting->superseded[reporting->n_superseded++] = id; /* empty: it was split before it was asked for */
    QL_MEM_GROW(reporting->parts, reporting->cap_parts, reporting->n_parts + 1);
    memmove(&reporting->parts[i + 2], &reporting->parts[i + 1], (reporting->n_parts - i - 1) * sizeof *reporting->parts);
    reporting->parts[i + 1] = second;
    reporting->n_parts++;
    return QL_OK;
}

static enum ql_status split_failed(struct ql_reporting *reporting, size_t i, struct ql_err *err) {
    struct ql_reporting_part *part = &reporting->parts[i];
    enum ql_reporting_remedy remedy = remedy_of(part);
    struct ql_err failure = {0};
    enum ql_status status = ql_reporting_fail(reporting, part, &failure);
    if (remedy == QL_REPORTING_SPLIT_RANGE || remedy == QL_REPORTING_SPLIT_QUEUES) {
        ql_genesys_note(&reporting->genesys, "splitting it: %s", failure.message);
        if (remedy == QL_REPORTING_SPLIT_RANGE) {
            reporting->too_long_us = part->to_us - part->from_us;
            reporting->too_many_queues = part->n_queues;
        }
        status = split(reporting, i, remedy, &failure);
    }
    if (status != QL_OK && err != NULL) {
        *err = failure;
    }
    return status;
}

/* Goes through the parts; where one is split, its first half is next. */
static enum ql_status make_exports(struct ql_reporting *reporting, struct ql_err *err) {
    for (size_t i = 0; i < reporting->n_parts;) {
        struct ql_err too_many = {0};
        if (is_known_too_large(reporting, &reporting->parts[i]) && reporting->n_parts < reporting->options.max_exports &&
            split(reporting, i, QL_REPORTING_SPLIT_RANGE, &too_many) == QL_OK) {
            continue;
        }
        QL_TRY(create(reporting, &reporting->parts[i], err));
        QL_TRY(wait_for(reporting, &reporting->parts[i], err));
        if (is_good(reporting, &reporting->parts[i])) {
            i++;
        } else {
            QL_TRY(split_failed(reporting, i, err));
        }
    }
    return QL_OK;
}

/* ---- their files */

static enum ql_status renew_link(void *ctx, size_t part, struct ql_err *err) {
    struct ql_reporting *reporting = ctx;
    return ql_reporting_get_link(reporting, &reporting->parts[part], err);
}

static enum ql_status download(struct ql_reporting *reporting, const struct ql_source_sink *sink, struct ql_err *err) {
    struct ql_download_part *parts = ql_mem_zalloc(reporting->n_parts, sizeof *parts);
    for (size_t i = 0; i < reporting->n_parts; i++) {
        parts[i] = (struct ql_download_part){.id = ql_buf_view(&reporting->parts[i].id), .link = &reporting->parts[i].link};
    }
    const struct ql_downloads downloads = {.genesys = &reporting->genesys,
                                           .parts = parts,
                                           .n_parts = reporting->n_parts,
                                           .wait_min_ms = reporting->options.poll_min_ms,
                                           .wait_max_ms = reporting->options.poll_max_ms,
                                           .max_downloads = reporting->options.max_downloads,
                                           .renew = renew_link,
                                           .ctx = reporting};
    enum ql_status status = ql_download_all(&downloads, sink, err);
    ql_mem_free(parts);
    return status;
}

/* ---- what is left behind */

static void warn(const struct ql_reporting *reporting, const char *what, struct ql_str id, const char *why) {
    char text[400];
    const struct ql_source_events *events = &reporting->genesys.events;
    (void)snprintf(text, sizeof text, "export '%.*s' %s%.250s", QL_STR_ARG(id), what, why);
    if (events->warn != NULL) {
        events->warn(events->warn_ctx, text);
    }
}

static void delete_one(struct ql_reporting *reporting, struct ql_str id) {
    struct ql_err err = {0};
    if (id.len != 0 && ql_reporting_delete(reporting, id, &err) != QL_OK) {
        warn(reporting, "could not be deleted: ", id, err.message);
    }
}

/* An export that still runs is left alone: the server goes on with it. */
static void delete_exports(struct ql_reporting *reporting) {
    for (size_t i = 0; i < reporting->n_parts; i++) {
        if (reporting->parts[i].state != QL_REPORTING_RUNNING) {
            delete_one(reporting, ql_buf_view(&reporting->parts[i].id));
        }
    }
    for (size_t i = 0; i < reporting->n_superseded; i++) {
        delete_one(reporting, ql_buf_view(&reporting->superseded[i]));
    }
}

/* ---- the source */

static enum ql_status reporting_prepare(struct ql_source *source, struct ql_err *err) {
    struct ql_reporting *reporting = reporting_of(source);
    QL_TRY(ql_oauth_check_credentials(&reporting->genesys, err));
    ql_genesys_stage(&reporting->genesys, "token");
    return ql_oauth_ensure(&reporting->genesys, err);
}

static enum ql_status reporting_fetch(struct ql_source *source, const struct ql_source_sink *sink, struct ql_err *err) {
    struct ql_reporting *reporting = reporting_of(source);
    const struct ql_reporting_options *options = &reporting->options;
    clear_parts(reporting);
    QL_MEM_GROW(reporting->parts, reporting->cap_parts, 1);
    reporting->parts[reporting->n_parts++] = (struct ql_reporting_part){
        .from_us = options->from_us, .to_us = options->to_us, .queues = options->queues, .n_queues = options->n_queues};
    enum ql_status status = make_exports(reporting, err);
    if (status == QL_OK) {
        status = download(reporting, sink, err);
    }
    for (size_t i = 0; i < reporting->n_parts && status == QL_OK; i++) {
        if (reporting->parts[i].state == QL_REPORTING_PARTIAL) {
            warn(reporting, "has partial results only, which --accept-partial takes", ql_buf_view(&reporting->parts[i].id), "");
        }
    }
    if (options->delete_export && status != QL_E_CANCELLED) {
        delete_exports(reporting);
    }
    return status;
}

static void reporting_free(struct ql_source *source) {
    struct ql_reporting *reporting = reporting_of(source);
    clear_parts(reporting);
    ql_mem_free(reporting->parts);
    ql_mem_free(reporting->superseded);
    ql_genesys_fini(&reporting->genesys);
    ql_mem_free(reporting);
}

/* That of the first part, where there are several. */
static struct ql_str reporting_get_id(const struct ql_source *source) {
    const struct ql_reporting *reporting = (const struct ql_reporting *)(const void *)source;
    return reporting->n_parts != 0 ? ql_buf_view(&reporting->parts[0].id) : (struct ql_str){0};
}

struct ql_source *ql_source_reporting_new(struct ql_http *http, const struct ql_reporting_options *options,
                                          const struct ql_source_events *events) {
    static const struct ql_source_ops OPS = {
        .prepare = reporting_prepare, .fetch = reporting_fetch, .get_export_id = reporting_get_id, .free = reporting_free};
    struct ql_reporting *reporting = ql_mem_zalloc(1, sizeof *reporting);
    reporting->source.ops = &OPS;
    reporting->options = *options;
    reporting->page = 1;
    ql_genesys_init(&reporting->genesys, http, &options->genesys, events);
    return &reporting->source;
}
