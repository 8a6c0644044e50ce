/* The rate budget by itself: instants are numbers, and a server's window is played by hand. */
#include "support/test.h"

#include "source/rate_budget.h"

static const struct ql_rate_answer SILENT = {.count = -1, .allowed = -1, .reset_s = -1, .retry_after_ms = -1};

static int64_t take(struct ql_rate_budget *budget, int64_t now_ms) {
    const char *reason;
    return ql_rate_budget_take_ms(budget, now_ms, &reason);
}

static void told(struct ql_rate_budget *budget, int64_t count, int64_t allowed, int64_t reset_s, int64_t now_ms) {
    const struct ql_rate_answer answer = {count, allowed, reset_s, -1};
    ql_rate_budget_note(budget, &answer, now_ms);
}

/* The simulator's rule, and the API's: a window begins with the first request behind the last window's end. */
struct server {
    int64_t allowed, window_ms, start_ms, count, ours, most_ours, n_refused;
};

static void serve(struct server *server, struct ql_rate_budget *budget, int64_t now_ms, bool is_ours) {
    if (server->count == 0 || now_ms - server->start_ms >= server->window_ms) {
        server->start_ms = now_ms;
        server->count = server->ours = 0;
    }
    bool is_over = server->count >= server->allowed;
    server->count += !is_over;
    if (!is_ours) {
        return;
    }
    server->ours++;
    server->most_ours = server->ours > server->most_ours ? server->ours : server->most_ours;
    server->n_refused += is_over;
    int64_t reset_s = (server->start_ms + server->window_ms - now_ms + 999) / 1000;
    const struct ql_rate_answer answer = {server->count, server->allowed, reset_s, is_over ? reset_s * 1000 : -1};
    ql_rate_budget_note(budget, &answer, now_ms);
}

static void without_an_account_nothing_waits(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 0.5);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(&budget, i), 0);
        ql_rate_budget_note(&budget, &SILENT, i);
    }
}

static void the_share_of_a_window_is_used_and_not_more(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 0.5);
    for (int i = 0; i < 150; i++) {
        assert_int_equal(take(&budget, 1000 + i), 0);
        told(&budget, i + 1, 300, 60, 1000 + i);
    }
    const char *reason;
    assert_int_equal(ql_rate_budget_take_ms(&budget, 2000, &reason), 1149 + 60000 - 2000);
    assert_non_null(strstr(reason, "--rate-share"));
    assert_int_equal(take(&budget, 61149), 0);
}

static void a_share_of_little_is_one_request(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 0.05);
    assert_int_equal(take(&budget, 0), 0);
    told(&budget, 1, 10, 60, 0);
    assert_int_equal(take(&budget, 10), 59990);
}

static void what_others_use_up_is_waited_for(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 1);
    assert_int_equal(take(&budget, 0), 0);
    told(&budget, 300, 300, 42, 0);
    assert_int_equal(take(&budget, 1000), 41000);
    assert_int_equal(take(&budget, 42000), 0);
}

static void a_429_holds_everything_back(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 1);
    assert_int_equal(take(&budget, 0), 0);
    struct ql_rate_answer answer = SILENT;
    answer.retry_after_ms = 7000;
    ql_rate_budget_note(&budget, &answer, 500);
    assert_int_equal(take(&budget, 501), 6999);
    assert_int_equal(take(&budget, 7500), 0);
    answer.retry_after_ms = INT64_MAX; /* is not believed */
    ql_rate_budget_note(&budget, &answer, 7500);
    assert_true(take(&budget, 7501) <= 3600000);
}

static void nonsense_puts_nobody_to_sleep(void **state) {
    (void)state;
    struct ql_rate_budget budget;
    ql_rate_budget_init(&budget, 1);
    assert_int_equal(take(&budget, 0), 0);
    told(&budget, 5, 0, 60, 0); /* nothing is allowed: then this could not have been answered */
    assert_int_equal(take(&budget, 1), 0);
    told(&budget, 5, 5, INT64_MAX, 1);
    assert_true(take(&budget, 2) <= 300000);
}

static void the_smallest_number_of_a_window_counts(void **state) {
    (void)state;
    struct ql_rate_budget budget; /* two resources with limits of their own */
    ql_rate_budget_init(&budget, 1);
    assert_int_equal(take(&budget, 0), 0);
    told(&budget, 1, 300, 60, 0);
    assert_int_equal(take(&budget, 1), 0);
    told(&budget, 1, 3, 60, 1);
    assert_int_equal(take(&budget, 2), 0);
    told(&budget, 3, 300, 60, 2);
    assert_int_equal(take(&budget, 3), 59999);
}

/* Another program's requests, answers that take their time, any limit: the share holds in every window of the server. */
static void the_share_holds_whatever_happens(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 300; round++) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        struct server server = {.allowed = 2 + (int64_t)(seed % 40), .window_ms = 4000 + (int64_t)(seed / 64 % 60000)};
        double share = 0.05 + 0.95 * (double)(seed / 4096 % 100) / 100;
        int64_t others = (int64_t)(seed / 1000000 % 4);
        int64_t ours = (int64_t)((double)server.allowed * share + 1e-9);
        struct ql_rate_budget budget;
        ql_rate_budget_init(&budget, share);
        int64_t now_ms = 1000000;
        int64_t n_sent = 0;
        for (int i = 0; i < 2000; i++) {
            int64_t wait_ms = take(&budget, now_ms);
            if (wait_ms > 0) {
                now_ms += wait_ms;
                continue;
            }
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            for (int64_t k = 0; k < others && seed >> 60 == 0; k++) {
                serve(&server, NULL, now_ms, false);
            }
            serve(&server, &budget, now_ms, true);
            n_sent++;
            now_ms += (int64_t)(seed >> 33) % 400;
        }
        assert_true(server.most_ours <= (ours > 0 ? ours : 1));
        assert_true(others != 0 || server.n_refused == 0);
        assert_true(n_sent >= 900); /* never two waits in a row for one request */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_account_nothing_waits),
        cmocka_unit_test(the_share_of_a_window_is_used_and_not_more),
        cmocka_unit_test(a_share_of_little_is_one_request),
        cmocka_unit_test(what_others_use_up_is_waited_for),
        cmocka_unit_test(a_429_holds_everything_back),
        cmocka_unit_test(nonsense_puts_nobody_to_sleep),
        cmocka_unit_test(the_smallest_number_of_a_window_counts),
        cmocka_unit_test(the_share_holds_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
