#include "sim/filter.h"

#include "base/mem.h"

enum operation { AND, OR };
static const char *const OPERATIONS[] = {[AND] = "and", [OR] = "or"};
static const char *const OPERATORS[] = {"matches", "exists", "notExists"};
static const char *const TYPES[] = {"dimension", "property", "metric"};

const char *ql_sim_line_value(const struct ql_sim_world *world, const struct ql_sim_line *line,
                              enum ql_sim_dimension dimension) {
    bool has_queue = line->queue != QL_SIM_NONE;
    switch (dimension) {
    case QL_SIM_BY_QUEUE:
        return has_queue ? world->queues[line->queue].id : NULL;
    case QL_SIM_BY_MEDIA:
        return ql_sim_media_names[line->media];
    case QL_SIM_BY_DIRECTION:
    case QL_SIM_BY_ORIGINATING_DIRECTION:
        return line->is_outbound ? "outbound" : "inbound";
    case QL_SIM_BY_DIVISION:
        return world->divisions[has_queue ? world->queues[line->queue].division : 0].id;
    case QL_SIM_BY_MESSAGE_TYPE:
        return line->media == QL_SIM_MEDIA_MESSAGE ? "webmessaging" : NULL;
    case QL_SIM_BY_OTHER:
    default:
        return NULL;
    }
}

/* The lines for which a part of the filter is true are joined into `into` by the operation of the part above it. */
struct joint {
    const struct ql_sim_world *world;
    enum operation operation;
    bool *into;
};

static void join(const struct joint *joint, const bool *part) {
    for (size_t i = 0; i < joint->world->n_lines; i++) {
        joint->into[i] = joint->operation == AND ? joint->into[i] && part[i] : joint->into[i] || part[i];
    }
}

static bool apply_predicate(const struct ql_sim_reader *reader, const json_t *json, const struct joint *joint) {
    const char *type;
    const char *op;
    const char *value;
    const char *name;
    enum ql_sim_dimension dimension;
    if (!json_is_object(json)) {
        return ql_sim_refuse_missing(reader, "predicates", "a list of objects");
    }
    if (!ql_sim_read_word(reader, json, "type", TYPES, 3, &type) ||
        !ql_sim_read_word(reader, json, "operator", OPERATORS, 3, &op) || !ql_sim_read_text(reader, json, "value", &value) ||
        !ql_sim_read_text(reader, json, "dimension", &name)) {
        return false;
    }
    if (type != NULL && type != TYPES[0]) {
        return ql_sim_refuse(reader, "bad.request", "type", "Requested predicate is not supported");
    }
    if (name == NULL) {
        return ql_sim_refuse_missing(reader, "dimension", "a string");
    }
    if (!ql_sim_dimension_find(ql_str_from(name), &dimension)) {
        struct ql_buf allowed = {0};
        ql_sim_dimension_list(&allowed);
        (void)ql_sim_refuse_value(reader, "dimension", name, ql_buf_text(&allowed));
        ql_buf_fini(&allowed);
        return false;
    }
    bool is_match = op == NULL || op == OPERATORS[0];
    if (is_match && value == NULL) {
        return ql_sim_refuse_missing(reader, "value", "a string");
    }
    bool *part = ql_mem_zalloc(joint->world->n_lines, sizeof *part);
    for (size_t i = 0; i < joint->world->n_lines; i++) {
        const char *has = ql_sim_line_value(joint->world, &joint->world->lines[i], dimension);
        part[i] = is_match ? has != NULL && strcmp(has, value) == 0 : (has != NULL) == (op == OPERATORS[1]);
    }
    join(joint, part);
    ql_mem_free(part);
    return true;
}

/* A filter (with clauses) or a clause (without): the filter has two levels and no more. */
static bool apply_part(const struct ql_sim_reader *reader, const json_t *json, bool has_clauses, const struct joint *outer) {
    const char *word;
    size_t n = outer->world->n_lines;
    if (!json_is_object(json)) {
        return ql_sim_refuse_missing(reader, has_clauses ? "filter" : "clauses", "an object");
    }
    if (!ql_sim_read_word(reader, json, "type", OPERATIONS, 2, &word)) {
        return false;
    }
    if (word == NULL) {
        return ql_sim_refuse_missing(reader, has_clauses ? "filter.type" : "clauses.type", "'and' or 'or'");
    }
    const json_t *clauses = has_clauses ? json_object_get(json, "clauses") : NULL;
    const json_t *predicates = json_object_get(json, "predicates");
    if (json_array_size(clauses) + json_array_size(predicates) == 0) {
        return ql_sim_refuse_missing(reader, "predicates", "a list that is not empty");
    }
    struct joint joint = {outer->world, word == OPERATIONS[AND] ? AND : OR, ql_mem_zalloc(n, sizeof(bool))};
    for (size_t i = 0; i < n; i++) {
        joint.into[i] = joint.operation == AND;
    }
    bool is_good = true;
    for (size_t i = 0; i < json_array_size(predicates) && is_good; i++) {
        is_good = apply_predicate(reader, json_array_get(predicates, i), &joint);
    }
    for (size_t i = 0; i < json_array_size(clauses) && is_good; i++) {
        is_good = apply_part(reader, json_array_get(clauses, i), false, &joint);
    }
    if (is_good) {
        join(outer, joint.into);
    }
    ql_mem_free(joint.into);
    return is_good;
}

bool ql_sim_filter_apply(const struct ql_sim_reader *reader, const json_t *filter, const struct ql_sim_world *world,
                         bool *is_in) {
    const struct joint all = {world, AND, is_in};
    return filter == NULL || json_is_null(filter) || apply_part(reader, filter, true, &all);
}
