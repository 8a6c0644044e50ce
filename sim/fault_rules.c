#include "sim/fault_rules.h"

#include "base/mem.h"

#include <fnmatch.h>

enum ql_status ql_sim_faults_init(struct ql_sim_faults *faults, const char *path, struct ql_err *err) {
    *faults = (struct ql_sim_faults){0};
    (void)pthread_mutex_init(&faults->lock, NULL);
    return path != NULL ? ql_sim_fault_plan_read(path, &faults->rules, &faults->n_rules, err) : QL_OK;
}

void ql_sim_faults_fini(struct ql_sim_faults *faults) {
    ql_sim_fault_plan_free(faults->rules, faults->n_rules);
    (void)pthread_mutex_destroy(&faults->lock);
}

static bool is_path_match(const char *pattern, struct ql_str path) {
    if (strpbrk(pattern, "*?[") == NULL) {
        return ql_str_has_prefix(path, pattern);
    }
    char *text = ql_mem_strndup(path.ptr, path.len);
    bool is_match = fnmatch(pattern, text, 0) == 0;
    ql_mem_free(text);
    return is_match;
}

static bool is_match(const struct ql_sim_rule *rule, const struct ql_sim_request *request) {
    return (rule->host == QL_SIM_ABSENT || rule->host == (int)request->host) &&
           (rule->method == NULL || ql_sim_request_is_method(request, rule->method)) &&
           (rule->path == NULL || is_path_match(rule->path, request->path));
}

void ql_sim_faults_pick(struct ql_sim_faults *faults, struct ql_sim_request *request) {
    (void)pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->n_rules && request->fault == NULL; i++) {
        struct ql_sim_rule *rule = &faults->rules[i];
        if (!is_match(rule, request) || rule->seen++ < rule->skip || (rule->times >= 0 && rule->fired >= rule->times)) {
            continue;
        }
        rule->fired++;
        request->fault = &rule->fault;
        request->fault_rule = i + 1;
    }
    (void)pthread_mutex_unlock(&faults->lock);
}
