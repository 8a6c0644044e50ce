#include "unit/kpi/vectors.h"

#include "kpi/plan.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct ql_plan *plan_of(const struct ql_plan_request *request) {
    struct ql_plan *plan = NULL;
    assert_ok(ql_plan_new(request, &plan, err));
    return plan;
}

static void fails(const struct ql_plan_request *request, const char *message, const char *hint) {
    struct ql_plan *plan = NULL;
    struct ql_err error = {0};
    assert_int_equal(ql_plan_new(request, &plan, &error), QL_E_CONFIG);
    assert_null(plan);
    assert_string_equal(error.message, message);
    if (hint != NULL) {
        assert_string_equal(error.hint, hint);
    }
}

/* "name:kind[!]": c count, d decimal, t duration, p percentage, '!' required. */
static void columns_are(const struct ql_plan *plan, const char *expected) {
    struct ql_buf got = {0};
    size_t n;
    const struct ql_rows_metric *columns = ql_plan_columns(plan, &n);
    for (size_t i = 0; i < n; i++) {
        const char *kind = columns[i].kind == QL_NUMBER_COUNT ? "c"
                           : columns[i].is_duration           ? "t"
                           : columns[i].is_percentage         ? "p"
                                                              : "d";
        ql_buf_printf(&got, "%s%.*s:%s%s", i != 0 ? " " : "", QL_STR_ARG(columns[i].name), kind,
                      columns[i].is_required ? "!" : "");
    }
    assert_string_equal(ql_buf_text(&got), expected);
    ql_buf_fini(&got);
}

static void resolve_with(struct ql_plan *plan, const char *absent, const char *left_out) {
    bool is_present[64];
    size_t n;
    const struct ql_rows_metric *columns = ql_plan_columns(plan, &n);
    for (size_t i = 0; i < n; i++) {
        is_present[i] = absent == NULL || !ql_str_eq(columns[i].name, ql_str_from(absent));
    }
    struct ql_buf names = {0};
    assert_ok(ql_plan_resolve(plan, is_present, &names, err));
    assert_string_equal(ql_buf_text(&names), left_out);
    ql_buf_fini(&names);
}

static void resolve_fails(struct ql_plan *plan, const char *absent, const char *message) {
    bool is_present[64];
    size_t n;
    const struct ql_rows_metric *columns = ql_plan_columns(plan, &n);
    for (size_t i = 0; i < n; i++) {
        is_present[i] = !ql_str_eq(columns[i].name, ql_str_from(absent));
    }
    struct ql_err error = {0};
    assert_int_equal(ql_plan_resolve(plan, is_present, NULL, &error), QL_E_NO_COLUMN);
    assert_string_equal(error.message, message);
}

static void describes(const struct ql_plan *plan, const char *expected) {
    struct ql_buf got = {0};
    ql_plan_describe(plan, &got);
    assert_string_equal(ql_buf_text(&got), expected);
    ql_buf_fini(&got);
}

static void the_default_profile_is_that_of_the_semantics(void **state) {
    (void)state;
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){0});
    columns_are(plan, "calls_offered:c! calls_answered:c! calls_abandoned:c avg_handle_time_seconds:t service_level_percent:p");
    resolve_with(plan, NULL, "");
    assert_false(ql_plan_is_abandon_approximate(plan));
    describes(plan, "calls_offered = sum(calls_offered)\n"
                    "calls_answered = sum(calls_answered)\n"
                    "calls_abandoned = sum(calls_abandoned)\n"
                    "avg_handle_time_seconds = mean(avg_handle_time_seconds, weight calls_answered)\n"
                    "service_level_percent = mean(service_level_percent, weight calls_offered)\n"
                    "answer_rate = calls_answered / calls_offered\n"
                    "abandon_rate = calls_abandoned / calls_offered\n");
    size_t n;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n);
    assert_int_equal(n, 5);
    assert_int_equal(aggregates[0].type, QL_CELL_INT64);
    assert_int_equal(aggregates[3].type, QL_CELL_DOUBLE);
    assert_int_equal(aggregates[3].column, 3);
    assert_int_equal(aggregates[3].weight, 1);
    assert_int_equal(aggregates[4].weight, 0);
    assert_true(aggregates[0].weight == QL_NO_COLUMN);
    ql_plan_free(plan);
}

static void sources_of_sums_have_metrics_of_their_own(void **state) {
    (void)state;
    const struct ql_str some[] = {QL_STR("avg_wait_seconds"), QL_STR("service_level_percent")};
    struct ql_plan_request request = {.source = QL_METRICS_OF_AGGREGATES, .metrics = some, .n_metrics = 2};
    struct ql_plan *plan = plan_of(&request);
    columns_are(plan,
                "wait_seconds:d! wait_count:c! service_level_numerator_x100:d! service_level_denominator:d! calls_offered:c! "
                "calls_answered:c! calls_abandoned:c");
    resolve_with(plan, NULL, "");
    assert_false(ql_plan_is_abandon_approximate(plan));
    describes(plan, "avg_wait_seconds = sum(wait_seconds) / sum(wait_count)\n"
                    "service_level_percent = sum(service_level_numerator_x100) / sum(service_level_denominator)\n"
                    "calls_offered = sum(calls_offered), not written\n"
                    "calls_answered = sum(calls_answered), not written\n"
                    "calls_abandoned = sum(calls_abandoned), not written\n"
                    "answer_rate = calls_answered / calls_offered\n"
                    "abandon_rate = calls_abandoned / calls_offered\n");
    size_t n;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n);
    assert_int_equal(aggregates[0].agg, QL_AGG_RATIO);
    assert_int_equal(aggregates[0].type, QL_CELL_DOUBLE);
    assert_int_equal(aggregates[0].weight, 1);
    ql_plan_free(plan);

    request.n_metrics = 1;
    request.wants_raw_sums = true;
    plan = plan_of(&request);
    resolve_with(plan, NULL, "");
    const struct ql_cell_def *defs = ql_plan_cell_defs(plan, &n);
    size_t n_written = 0;
    for (size_t i = 0; i < n; i++) {
        n_written += !defs[i].is_hidden;
    }
    assert_int_equal(n_written, 1 + 14 + 2); /* the metric, raw sums and counts, KPIs */
    ql_plan_free(plan);

    request.profile = QL_PROFILE_PANDAS;
    fails(&request, "the profile goes with CSV exports only: it averages averages, which this source has none of",
          "leave --profile out, or say --source exports");
}

static void a_ratio_needs_its_weight(void **state) {
    (void)state;
    const struct ql_metric_def def = {.name = QL_STR("x"), .column = QL_STR("handle_seconds"), .agg = QL_STR("ratio")};
    const struct ql_plan_request request = {.metric_defs = &def, .n_metric_defs = 1};
    fails(&request, "metric 'x': 'agg: ratio' needs a weight",
          "a ratio is the sum of its column divided by the sum of its weight's: name that column as 'weight'");
}

static void the_pandas_profile_is_that_of_the_script(void **state) {
    (void)state;
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){.profile = QL_PROFILE_PANDAS});
    columns_are(plan, "calls_offered:c! calls_answered:c! avg_handle_time_seconds:t");
    resolve_with(plan, NULL, "");
    assert_false(ql_plan_is_abandon_approximate(plan));
    describes(plan, "calls_offered = sum(calls_offered)\n"
                    "calls_answered = sum(calls_answered)\n"
                    "avg_handle_time_seconds = mean(avg_handle_time_seconds)\n"
                    "answer_rate = if(calls_offered > 0, coalesce(calls_answered, 0) / calls_offered, 0)\n"
                    "abandon_rate = 1 - answer_rate\n");
    ql_plan_free(plan);
}

static void absent_default_metrics_are_left_out(void **state) {
    (void)state;
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){0});
    resolve_with(plan, "calls_abandoned", "");
    assert_true(ql_plan_is_abandon_approximate(plan));
    resolve_with(plan, "avg_handle_time_seconds", "avg_handle_time_seconds");
    assert_false(ql_plan_is_abandon_approximate(plan)); /* starts anew */
    size_t n;
    (void)ql_plan_aggregates(plan, &n);
    assert_int_equal(n, 4);
    resolve_fails(plan, "calls_answered", "column 'calls_answered' is missing, which metric 'calls_answered' needs");

    bool none[5] = {true, true, false, false, false};
    struct ql_buf names = {0};
    assert_ok(ql_plan_resolve(plan, none, &names, err));
    assert_string_equal(ql_buf_text(&names), "avg_handle_time_seconds, service_level_percent");
    ql_buf_fini(&names);
    ql_plan_free(plan);
}

static void metrics_give_set_and_order_and_the_rest_is_read_hidden(void **state) {
    (void)state;
    const struct ql_str metrics[] = {QL_STR("service_level_percent"), QL_STR("calls_answered")};
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){.metrics = metrics, .n_metrics = 2});
    columns_are(plan, "service_level_percent:p! calls_offered:c! calls_answered:c! calls_abandoned:c");
    resolve_with(plan, NULL, "");
    describes(plan, "service_level_percent = mean(service_level_percent, weight calls_offered)\n"
                    "calls_answered = sum(calls_answered)\n"
                    "calls_offered = sum(calls_offered), not written\n"
                    "calls_abandoned = sum(calls_abandoned), not written\n"
                    "answer_rate = calls_answered / calls_offered\n"
                    "abandon_rate = calls_abandoned / calls_offered\n");
    resolve_with(plan, "calls_abandoned", "");
    assert_true(ql_plan_is_abandon_approximate(plan));
    describes(plan, "service_level_percent = mean(service_level_percent, weight calls_offered)\n"
                    "calls_answered = sum(calls_answered)\n"
                    "calls_offered = sum(calls_offered), not written\n"
                    "answer_rate = calls_answered / calls_offered\n"
                    "abandon_rate = 1 - answer_rate\n");
    resolve_fails(plan, "service_level_percent",
                  "column 'service_level_percent' is missing, which metric 'service_level_percent' needs");
    ql_plan_free(plan);
}

static void users_add_and_redefine(void **state) {
    (void)state;
    const struct ql_metric_def metrics[] = {
        {.name = QL_STR("avg_handle_time_seconds"), .agg = QL_STR("mean"), .has_idle = true, .idle = -1},
        {.name = QL_STR("longest_wait_seconds"), .agg = QL_STR("max")},
        {.name = QL_STR("rows"), .column = QL_STR("calls_offered"), .agg = QL_STR("count")},
        {.name = QL_STR("csat"), .column = QL_STR("survey_score"), .agg = QL_STR("mean"), .weight = QL_STR("surveys")},
        {.name = QL_STR("surveys"), .column = QL_STR("n_surveys"), .agg = QL_STR("sum"), .type = QL_STR("count")},
        {.name = QL_STR("calls_answered"), .column = QL_STR("handled")},
    };
    const struct ql_kpi_def kpis[] = {
        {.name = QL_STR("workload_erlangs"),
         .expression = QL_STR("calls_answered * avg_handle_time_seconds\n/ interval_seconds ")},
        {.name = QL_STR("answer_rate"),
         .expression = QL_STR("calls_answered / max(1, calls_offered)"),
         .has_idle = true,
         .idle = 1},
        {.name = QL_STR("double_load"), .expression = QL_STR("2 * workload_erlangs + abandon_rate")},
    };
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){
        .metric_defs = metrics, .n_metric_defs = COUNT_OF(metrics), .kpi_defs = kpis, .n_kpi_defs = COUNT_OF(kpis)});
    columns_are(plan, "calls_offered:c! handled:c! calls_abandoned:c avg_handle_time_seconds:t! service_level_percent:p "
                      "longest_wait_seconds:t! survey_score:d! n_surveys:c!");
    resolve_with(plan, "calls_abandoned", "");
    describes(plan, "calls_offered = sum(calls_offered)\n"
                    "calls_answered = sum(handled)\n"
                    "avg_handle_time_seconds = mean(avg_handle_time_seconds), idle -1\n"
                    "service_level_percent = mean(service_level_percent, weight calls_offered)\n"
                    "longest_wait_seconds = max(longest_wait_seconds)\n"
                    "rows = count(calls_offered)\n"
                    "csat = mean(survey_score, weight n_surveys)\n"
                    "surveys = sum(n_surveys)\n"
                    "answer_rate = calls_answered / max(1, calls_offered), idle 1\n"
                    "abandon_rate = 1 - answer_rate\n"
                    "workload_erlangs = calls_answered * avg_handle_time_seconds / interval_seconds\n"
                    "double_load = 2 * workload_erlangs + abandon_rate\n");
    size_t n;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n);
    assert_int_equal(aggregates[5].type, QL_CELL_INT64);  /* rows: a count of values */
    assert_int_equal(aggregates[7].type, QL_CELL_INT64);  /* surveys */
    assert_int_equal(aggregates[1].type, QL_CELL_INT64);  /* calls_answered stays a count, whatever its column is called */
    assert_int_equal(aggregates[4].type, QL_CELL_DOUBLE); /* a column of which nothing is known is a number */
    resolve_fails(
        plan, "avg_handle_time_seconds",
        "kpi 'workload_erlangs': column 'avg_handle_time_seconds' is missing, which metric 'avg_handle_time_seconds' needs");
    resolve_fails(plan, "n_surveys", "column 'n_surveys' is missing, which metric 'csat' needs");
    ql_plan_free(plan);
}

static void a_weight_that_the_user_wrote_must_be_there(void **state) {
    (void)state;
    const struct ql_metric_def metrics[] = {
        {.name = QL_STR("service_level_percent"), .agg = QL_STR("mean"), .weight = QL_STR("eligible")},
        {.name = QL_STR("avg_handle_time_seconds"), .column = QL_STR("aht")}};
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){.metric_defs = metrics, .n_metric_defs = 2});
    columns_are(plan, "calls_offered:c! calls_answered:c! calls_abandoned:c aht:t service_level_percent:p eligible:d!");
    resolve_with(plan, "aht", "avg_handle_time_seconds"); /* redefined, but still one that a profile brings */
    size_t n;
    const struct ql_aggregate *aggregates = ql_plan_aggregates(plan, &n);
    assert_int_equal(n, 4);
    assert_int_equal(aggregates[3].weight, 5);
    ql_plan_free(plan);
}

static void a_redefined_abandon_rate_is_no_approximation(void **state) {
    (void)state;
    const struct ql_kpi_def kpis[] = {{.name = QL_STR("abandon_rate"), .expression = QL_STR("1 - answer_rate")}};
    struct ql_plan *plan = plan_of(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 1});
    resolve_with(plan, "calls_abandoned", "");
    assert_false(ql_plan_is_abandon_approximate(plan));
    ql_plan_free(plan);
}

#define KPIS(...)                                                                    \
    (&(struct ql_plan_request){.kpi_defs = (const struct ql_kpi_def[]){__VA_ARGS__}, \
                               .n_kpi_defs = COUNT_OF(((const struct ql_kpi_def[]){__VA_ARGS__}))})
#define KPI(n, e) \
    { .name = QL_STR(n), .expression = QL_STR(e), .where = QL_STR("q.yaml:3:5") }
#define METRICS(...)                                                                       \
    (&(struct ql_plan_request){.metric_defs = (const struct ql_metric_def[]){__VA_ARGS__}, \
                               .n_metric_defs = COUNT_OF(((const struct ql_metric_def[]){__VA_ARGS__}))})

static void names_of_expressions_are_checked(void **state) {
    (void)state;
    fails(KPIS(KPI("x", "calls_answered / calls_ofered")),
          "kpi 'x' (q.yaml:3:5): unknown name 'calls_ofered' at character 18\n"
          "    calls_answered / calls_ofered\n"
          "                     ^",
          "did you mean 'calls_offered'? there are calls_offered, calls_answered, calls_abandoned, avg_handle_time_seconds, "
          "service_level_percent, answer_rate, abandon_rate");
    fails(KPIS(KPI("x", "1 + zzz")), "kpi 'x' (q.yaml:3:5): unknown name 'zzz' at character 5\n    1 + zzz\n        ^",
          "there are calls_offered, calls_answered, calls_abandoned, avg_handle_time_seconds, service_level_percent, "
          "answer_rate, "
          "abandon_rate, and interval_seconds");
    fails(KPIS(KPI("x", "1 +")), "kpi 'x' (q.yaml:3:5): expected a value, found the end at character 4\n    1 +\n       ^",
          NULL);
    fails(KPIS(KPI("x", "queue_name")), "kpi 'x' (q.yaml:3:5): unknown name 'queue_name' at character 1\n    queue_name\n    ^",
          NULL);
}

static void cycles_are_named(void **state) {
    (void)state;
    fails(KPIS(KPI("x", "1 + x")), "kpi 'x' (q.yaml:3:5): a cycle, x -> x, at character 5\n    1 + x\n        ^", NULL);
    fails(KPIS(KPI("x", "y"), KPI("y", "2 * z"), KPI("z", "answer_rate + y + x")),
          "kpi 'x' (q.yaml:3:5): a cycle, x -> y -> z -> x, at character 1\n    y\n    ^",
          "a KPI is computed from metrics and from KPIs before it");
    fails(KPIS(KPI("x", "calls_offered / y"), KPI("y", "2")),
          "kpi 'x' (q.yaml:3:5): 'y' is defined further down; mentioned at character 17\n"
          "    calls_offered / y\n"
          "                    ^",
          "put 'y' before 'x'");
    fails(KPIS(KPI("answer_rate", "1 - abandon_rate"), KPI("abandon_rate", "1 - answer_rate")),
          "kpi 'answer_rate' (q.yaml:3:5): a cycle, answer_rate -> abandon_rate -> answer_rate, at character 5\n"
          "    1 - abandon_rate\n"
          "        ^",
          NULL);
}

static void names_of_kpis_are_checked(void **state) {
    (void)state;
    fails(KPIS(KPI("calls_offered", "1")), "kpi 'calls_offered' (q.yaml:3:5): there is a metric 'calls_offered' already", NULL);
    fails(KPIS(KPI("Answer_Rate", "1")), "kpi 'Answer_Rate' (q.yaml:3:5): there is a kpi 'answer_rate' already", NULL);
    fails(KPIS(KPI("x", "1"), KPI("x", "2")), "kpi 'x' (q.yaml:3:5): there is a kpi 'x' already", NULL);
    fails(KPIS(KPI("answer_rate", "1"), KPI("answer_rate", "2")),
          "kpi 'answer_rate' (q.yaml:3:5): there is a kpi 'answer_rate' already", NULL);
    fails(KPIS(KPI("a b", "1")), "kpi 'a b' (q.yaml:3:5): not a name that an expression can mention",
          "a name is at most 100 letters, digits and '_', and does not begin with a digit");
    fails(KPIS(KPI("1a", "1")), "kpi '1a' (q.yaml:3:5): not a name that an expression can mention", NULL);
    fails(KPIS(KPI("", "1")), "kpi '' (q.yaml:3:5): not a name that an expression can mention", NULL);
    fails(KPIS(KPI("Min", "1")), "kpi 'Min' (q.yaml:3:5): the name has a meaning in expressions", NULL);
    fails(KPIS(KPI("interval_seconds", "1")), "kpi 'interval_seconds' (q.yaml:3:5): the name has a meaning in expressions",
          NULL);
    fails(KPIS(KPI("queue_name", "1")), "kpi 'queue_name' (q.yaml:3:5): the name is that of a fixed column", NULL);
    fails(KPIS({.name = QL_STR("x"), .expression = QL_STR("1"), .has_idle = true, .idle = (double)INFINITY}),
          "kpi 'x': 'idle' is not a finite number", NULL);
}

static void metrics_are_checked(void **state) {
    (void)state;
    fails(METRICS({.name = QL_STR("x")}), "metric 'x': 'agg' is missing", NULL);
    fails(METRICS({.name = QL_STR("x"), .agg = QL_STR("avg"), .where = QL_STR("q.yaml:2:3")}),
          "metric 'x' (q.yaml:2:3): unknown aggregation 'avg'", "'agg' is one of sum, mean, min, max, count and ratio");
    fails(METRICS({.name = QL_STR("x"), .agg = QL_STR("sum"), .weight = QL_STR("calls_offered")}),
          "metric 'x': a weight goes with 'agg: mean' and 'agg: ratio' only", NULL);
    fails(METRICS({.name = QL_STR("x"), .agg = QL_STR("sum"), .type = QL_STR("text")}), "metric 'x': unknown type 'text'",
          NULL);
    fails(METRICS({.name = QL_STR("x"), .agg = QL_STR("sum"), .column = QL_STR("Avg Talk")}),
          "metric 'x': column 'Avg Talk' is not in canonical form", NULL);
    fails(METRICS({.name = QL_STR("x"), .agg = QL_STR("sum")}, {.name = QL_STR("x"), .agg = QL_STR("max")}),
          "metric 'x': there is a metric 'x' already", NULL);
    fails(METRICS({.name = QL_STR("Calls_Offered"), .agg = QL_STR("sum")}),
          "metric 'Calls_Offered': there is a metric 'calls_offered' already", NULL);
    fails(METRICS({.name = QL_STR("not"), .agg = QL_STR("sum")}), "metric 'not': the name has a meaning in expressions", NULL);
    fails(METRICS({.name = QL_STR("calls_offered"), .has_idle = true, .idle = 0.5}),
          "metric 'calls_offered': 'idle' of a count is not a whole number", NULL);
    fails(METRICS({.name = QL_STR("x"), .column = QL_STR("c"), .agg = QL_STR("sum"), .type = QL_STR("count")},
                  {.name = QL_STR("y"), .column = QL_STR("c"), .agg = QL_STR("max"), .type = QL_STR("number")}),
          "metric 'y': column 'c' is a number here and a count for metric 'x'", NULL);

    const struct ql_str unknown[] = {QL_STR("callsOffered")};
    fails(&(struct ql_plan_request){.metrics = unknown, .n_metrics = 1}, "unknown metric 'callsOffered'",
          "did you mean 'calls_offered'? there are calls_offered, calls_answered, calls_abandoned, avg_handle_time_seconds, "
          "service_level_percent");
    const struct ql_str twice[] = {QL_STR("calls_offered"), QL_STR("calls_offered")};
    fails(&(struct ql_plan_request){.metrics = twice, .n_metrics = 2}, "metric 'calls_offered' is named twice", NULL);
    const struct ql_str kpi[] = {QL_STR("answer_rate")};
    fails(&(struct ql_plan_request){.metrics = kpi, .n_metrics = 1}, "'answer_rate' is a KPI, not a metric", NULL);
}

static void a_long_list_of_names_is_cut(void **state) {
    (void)state;
    static char names[300][16];
    static struct ql_kpi_def kpis[301];
    for (size_t i = 0; i < 300; i++) {
        (void)snprintf(names[i], sizeof names[i], "kpi_number_%zu", i);
        kpis[i] = (struct ql_kpi_def){.name = ql_str_from(names[i]), .expression = QL_STR("1")};
    }
    kpis[300] = (struct ql_kpi_def){.name = QL_STR("last"), .expression = QL_STR("calls_oferred")};
    struct ql_plan *plan = NULL;
    struct ql_err error = {0};
    assert_int_equal(ql_plan_new(&(struct ql_plan_request){.kpi_defs = kpis, .n_kpi_defs = 301}, &plan, &error), QL_E_CONFIG);
    assert_non_null(strstr(error.hint, "did you mean 'calls_offered'? there are calls_offered, "));
    assert_true(ql_str_has_suffix(ql_str_from(error.hint), " more"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_profile_is_that_of_the_semantics),
        cmocka_unit_test(sources_of_sums_have_metrics_of_their_own),
        cmocka_unit_test(a_ratio_needs_its_weight),
        cmocka_unit_test(the_pandas_profile_is_that_of_the_script),
        cmocka_unit_test(absent_default_metrics_are_left_out),
        cmocka_unit_test(metrics_give_set_and_order_and_the_rest_is_read_hidden),
        cmocka_unit_test(users_add_and_redefine),
        cmocka_unit_test(a_weight_that_the_user_wrote_must_be_there),
        cmocka_unit_test(a_redefined_abandon_rate_is_no_approximation),
        cmocka_unit_test(names_of_expressions_are_checked),
        cmocka_unit_test(cycles_are_named),
        cmocka_unit_test(names_of_kpis_are_checked),
        cmocka_unit_test(metrics_are_checked),
        cmocka_unit_test(a_long_list_of_names_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
