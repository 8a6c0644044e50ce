/**
 * Runs a postfix program over vectors, QL_EXPR_BLOCK values at a time, on a stack of vectors. Every loop is one operation over
 * a block, without a branch on values, so that the compiler vectorises it.
 *
 * NULL is NaN. Arithmetic hands NaN on by itself; what turns infinite becomes NaN after each step, so that 1 / (1 / 0) is NULL
 * and not 0; comparisons, `and`, `or` and `not` look for NaN themselves (semantics, section 4: NULL goes through every
 * operator).
 */
#include "kpi/expr.h"
#include "kpi/round.h"

#include "table/cells.h"

#include <float.h>
#include <math.h>

/* One operand: a block of its own, or borrowed values. */
struct operand {
    double *own;
    const double *values;
};

static inline double finite_or_null(double x) {
    return fabs(x) <= DBL_MAX ? x : (double)NAN; /* NaN compares false */
}
static inline bool is_null2(double a, double b) {
    return isnan(a) || isnan(b);
}

/* One loop per operation over a and b (and c), written to out, which may be any of them. */
#define UNARY(expression)            \
    for (size_t i = 0; i < n; i++) { \
        const double x = a[i];       \
        out[i] = (expression);       \
    }                                \
    break
#define BINARY(expression)           \
    for (size_t i = 0; i < n; i++) { \
        const double x = a[i];       \
        const double y = b[i];       \
        out[i] = (expression);       \
    }                                \
    break
#define TRUTH(expression) BINARY(is_null2(x, y) ? (double)NAN : ((expression) ? 1.0 : 0.0))

static void eval_unary(const struct ql_expr_step *step, const double *a, size_t n, double *out) {
    switch (step->op) {
    case QL_EXPR_NEGATE:
        UNARY(-x);
    case QL_EXPR_NOT:
        UNARY(isnan(x) ? x : (x != 0 ? 0.0 : 1.0));
    case QL_EXPR_ABS:
        UNARY(fabs(x));
    case QL_EXPR_ROUND:
    default:
        ql_round_values(a, n, step->v.digits, out);
    }
}

static void eval_binary(enum ql_expr_op op, const double *a, const double *b, size_t n, double *out) {
    switch (op) {
    case QL_EXPR_ADD:
        BINARY(finite_or_null(x + y));
    case QL_EXPR_SUBTRACT:
        BINARY(finite_or_null(x - y));
    case QL_EXPR_MULTIPLY:
        BINARY(finite_or_null(x * y));
    case QL_EXPR_DIVIDE:
        BINARY(finite_or_null(x / y)); /* x / 0 is infinite or NaN: NULL */
    case QL_EXPR_LESS:
        TRUTH(x < y);
    case QL_EXPR_LESS_EQUAL:
        TRUTH(x <= y);
    case QL_EXPR_GREATER:
        TRUTH(x > y);
    case QL_EXPR_GREATER_EQUAL:
        TRUTH(x >= y);
    case QL_EXPR_EQUAL:
        TRUTH(x == y);
    case QL_EXPR_NOT_EQUAL:
        TRUTH(x != y);
    case QL_EXPR_AND:
        TRUTH(x != 0 && y != 0);
    case QL_EXPR_OR:
        TRUTH(x != 0 || y != 0);
    case QL_EXPR_MIN:
        BINARY(isnan(y) || y < x ? y : x);
    case QL_EXPR_MAX:
        BINARY(isnan(y) || y > x ? y : x);
    case QL_EXPR_COALESCE:
    default:
        BINARY(isnan(x) ? y : x);
    }
}

static void eval_if(const double *condition, const double *a, const double *b, size_t n, double *out) {
    for (size_t i = 0; i < n; i++) {
        const double x = a[i];
        const double y = b[i];
        out[i] = !isnan(condition[i]) && condition[i] != 0 ? x : y;
    }
}

/*
 * Counts as doubles. The usual ones are not NULL and below 2^52: put behind the exponent of 2^52 they are 2^52 + count, and the
 * subtraction is exact. Unlike a conversion this is vectorised on every machine.
 */
static void load_counts(const int64_t *values, size_t n, double *own) {
    const uint64_t two_to_52 = UINT64_C(0x4330000000000000); /* the bits of that double */
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all |= (uint64_t)values[i];
    }
    if (all < UINT64_C(1) << 52) {
        for (size_t i = 0; i < n; i++) {
            uint64_t bits = (uint64_t)values[i] | two_to_52;
            memcpy(&own[i], &bits, sizeof bits);
            own[i] -= 0x1p52;
        }
        return;
    }
    for (size_t i = 0; i < n; i++) {
        own[i] = values[i] == QL_CELL_NULL_I64 ? (double)NAN : (double)values[i];
    }
}

static const double *load_column(const struct ql_expr_column *column, size_t first, size_t n, double *own) {
    if (column->f64 != NULL) {
        return column->f64 + first;
    }
    if (column->i64 == NULL) {
        for (size_t i = 0; i < n; i++) {
            own[i] = (double)NAN;
        }
        return own;
    }
    load_counts(column->i64 + first, n, own);
    return own;
}

/* A value that comes on top of the stack. */
static void load(const struct ql_expr_step *step, const struct ql_expr_rows *rows, size_t first, size_t n,
                 struct operand *top) {
    switch (step->op) {
    case QL_EXPR_COLUMN:
        top->values = load_column(&rows->columns[step->v.column], first, n, top->own);
        break;
    case QL_EXPR_INTERVAL_SECONDS:
        top->values = rows->interval_s + first;
        break;
    default: /* NUMBER; a NAME that was never bound is NULL */
        for (size_t i = 0; i < n; i++) {
            top->own[i] = step->op == QL_EXPR_NUMBER ? step->v.number : (double)NAN;
        }
        top->values = top->own;
    }
}

/* Rows first ... first + n - 1; returns the result's block. */
static const double *eval_block(const struct ql_expr *expr, const struct ql_expr_rows *rows, size_t first, size_t n,
                                struct operand *stack) {
    size_t height = 0;
    for (size_t s = 0; s < expr->n_steps; s++) {
        const struct ql_expr_step *step = &expr->steps[s];
        struct operand *top = stack + height;
        switch (step->op) {
        case QL_EXPR_NAME:
        case QL_EXPR_NUMBER:
        case QL_EXPR_COLUMN:
        case QL_EXPR_INTERVAL_SECONDS:
            load(step, rows, first, n, top);
            height++;
            break;
        case QL_EXPR_NEGATE:
        case QL_EXPR_NOT:
        case QL_EXPR_ABS:
        case QL_EXPR_ROUND:
            eval_unary(step, top[-1].values, n, top[-1].own);
            top[-1].values = top[-1].own;
            break;
        case QL_EXPR_IF:
            eval_if(top[-3].values, top[-2].values, top[-1].values, n, top[-3].own);
            top[-3].values = top[-3].own;
            height -= 2;
            break;
        default:
            eval_binary(step->op, top[-2].values, top[-1].values, n, top[-2].own);
            top[-2].values = top[-2].own;
            height--;
        }
    }
    return stack[0].values;
}

bool ql_expr_has_interval(const struct ql_expr *expr) {
    for (size_t s = 0; s < expr->n_steps; s++) {
        if (expr->steps[s].op == QL_EXPR_INTERVAL_SECONDS) {
            return true;
        }
    }
    return false;
}

/* The lowest operand is made where the result is wanted; the others have blocks of their own. */
size_t ql_expr_scratch_size(const struct ql_expr *expr) {
    return expr->max_stack * sizeof(struct operand) + (expr->max_stack - 1) * QL_EXPR_BLOCK * sizeof(double);
}

void ql_expr_eval(const struct ql_expr *expr, const struct ql_expr_rows *rows, void *scratch, double *out) {
    double *blocks = scratch;
    struct operand *stack = (struct operand *)(void *)(blocks + (expr->max_stack - 1) * QL_EXPR_BLOCK);
    for (size_t i = 1; i < expr->max_stack; i++) {
        stack[i].own = blocks + (i - 1) * QL_EXPR_BLOCK;
    }
    for (size_t first = 0; first < rows->n_rows; first += QL_EXPR_BLOCK) {
        size_t n = rows->n_rows - first < QL_EXPR_BLOCK ? rows->n_rows - first : QL_EXPR_BLOCK;
        stack[0].own = out + first;
        const double *result = eval_block(expr, rows, first, n, stack);
        if (result != out + first) { /* a column as it is */
            memcpy(out + first, result, n * sizeof *out);
        }
    }
}
