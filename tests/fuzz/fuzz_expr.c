/**
 * Any bytes as an expression: it parses or says where it does not, and what parses gives the same over a vector of several
 * blocks as row by row, never an infinite value.
 *
 *   clang -fsanitize=fuzzer,address,undefined -ffp-contract=off -D_GNU_SOURCE -Isrc tests/fuzz/fuzz_expr.c \
 *     src/kpi/expr_*.c src/kpi/round.c src/base/err.c src/base/mem.c src/base/str.c -lm
 */
#include "kpi/expr.h"
#include "table/cells.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_ROWS = QL_EXPR_BLOCK + 13, N_COLUMNS = 4 };

static const double VALUES[] = {0, 1, -0.0, 2.5, -7, 1e308, -1e308, 5e-324, 9007199254740993.0, 0.1, (double)NAN};
enum { N_VALUES = sizeof VALUES / sizeof VALUES[0] };

static void bind(struct ql_expr *expr) {
    for (size_t i = 0; i < expr->n_steps; i++) {
        struct ql_expr_step *step = &expr->steps[i];
        if (step->op == QL_EXPR_NAME) {
            unsigned char first = (unsigned char)expr->text.ptr[step->at];
            step->op = first == 'i' ? QL_EXPR_INTERVAL_SECONDS : QL_EXPR_COLUMN;
            step->v.column = first % N_COLUMNS;
        }
    }
}

static void check(const struct ql_expr *expr) {
    static double f64[3][N_ROWS], interval_s[N_ROWS], out[N_ROWS];
    static int64_t i64[N_ROWS];
    for (size_t i = 0; i < N_ROWS; i++) {
        for (size_t c = 0; c < 3; c++) {
            f64[c][i] = VALUES[(i / (c + 1) + c) % N_VALUES];
        }
        i64[i] = i % 5 == 0 ? QL_CELL_NULL_I64 : (int64_t)(i % 7) - 1;
        interval_s[i] = 900;
    }
    const struct ql_expr_column columns[N_COLUMNS] = {{.f64 = f64[0]}, {.f64 = f64[1]}, {.i64 = i64}, {.f64 = f64[2]}};
    const struct ql_expr_rows rows = {.n_rows = N_ROWS, .columns = columns, .interval_s = interval_s};
    ql_expr_eval(expr, &rows, out);
    for (size_t i = 0; i < N_ROWS; i += 31) {
        double one = 0;
        const struct ql_expr_column at[N_COLUMNS] = {
            {.f64 = f64[0] + i}, {.f64 = f64[1] + i}, {.i64 = i64 + i}, {.f64 = f64[2] + i}};
        const struct ql_expr_rows row = {.n_rows = 1, .columns = at, .interval_s = interval_s};
        ql_expr_eval(expr, &row, &one);
        if (isinf(out[i]) || !(one == out[i] || (isnan(one) && isnan(out[i])))) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = size != 0 ? malloc(size) : NULL; /* no byte behind it, so that reading one is found */
    if (size != 0) {
        memcpy(text, data, size);
    }
    struct ql_expr expr;
    struct ql_err err = {0};
    if (ql_expr_parse((struct ql_str){.ptr = text, .len = size}, &expr, &err) == QL_OK) {
        bind(&expr);
        check(&expr);
        ql_expr_fini(&expr);
    } else if (err.status != QL_E_CONFIG || err.message[0] == '\0') {
        abort();
    }
    free(text);
    return 0;
}
