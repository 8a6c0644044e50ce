/**
 * KPI expressions: text becomes a small column program once, and runs over whole vectors (semantics, section 4).
 *
 * The order of calls: parse (syntax) -> bind (names; by the caller, who knows what exists) -> eval. Inside, NULL is NaN: where
 * there is no value there is NULL, a division by zero and any result that is not finite is NULL, and NULL goes through every
 * operator and function but `coalesce` and `if` (whose NULL condition takes the second branch).
 *
 *   or < and < not < == != < <= > >= < + - < * / < unary minus < ( ) names numbers functions
 *
 * Truth is 1, falsehood 0; any other number is true. `=` is `==`, `<>` is `!=`; words of the language are written in any case.
 */
#ifndef QL_KPI_EXPR_H
#define QL_KPI_EXPR_H

#include "base/str.h"

enum {
    QL_EXPR_MAX_BYTES = 8192, /* of text */
    QL_EXPR_MAX_STEPS = 2048, /* values and operations */
    QL_EXPR_MAX_DEPTH = 64,   /* parentheses, functions, signs inside each other */
    QL_EXPR_BLOCK = 1024      /* values that a step handles at a time: 8 KiB, so that a few operands stay in the first cache */
};

enum ql_expr_op {
    QL_EXPR_NAME,   /* not bound yet */
    QL_EXPR_NUMBER, /* v.number */
    QL_EXPR_COLUMN, /* v.column */
    QL_EXPR_INTERVAL_SECONDS,
    QL_EXPR_NEGATE,
    QL_EXPR_NOT,
    QL_EXPR_ABS,
    QL_EXPR_ROUND, /* v.digits */
    QL_EXPR_ADD,
    QL_EXPR_SUBTRACT,
    QL_EXPR_MULTIPLY,
    QL_EXPR_DIVIDE,
    QL_EXPR_LESS,
    QL_EXPR_LESS_EQUAL,
    QL_EXPR_GREATER,
    QL_EXPR_GREATER_EQUAL,
    QL_EXPR_EQUAL,
    QL_EXPR_NOT_EQUAL,
    QL_EXPR_AND,
    QL_EXPR_OR,
    QL_EXPR_MIN,
    QL_EXPR_MAX,
    QL_EXPR_COALESCE,
    QL_EXPR_IF
};

/** One step of a program in postfix order: takes its operands from a stack of vectors and puts its result there. */
struct ql_expr_step {
    enum ql_expr_op op;
    uint32_t at, len; /* where in the text: offset and length in bytes */
    union {
        double number;
        size_t column;
        int digits;
    } v;
};

/** Zero-initialise to start. The text is borrowed. */
struct ql_expr {
    struct ql_str text;
    struct ql_expr_step *steps;
    size_t n_steps, cap_steps;
    size_t max_stack; /* operands that are held at one time */
};

/**
 * Parses text into *expr, whose names are QL_EXPR_NAME steps.
 * Errors: E_CONFIG with position, the text and a caret under the place. *expr is empty then.
 */
QL_MUST_CHECK enum ql_status ql_expr_parse(struct ql_str text, struct ql_expr *expr, struct ql_err *err);
void ql_expr_fini(struct ql_expr *expr);
static inline struct ql_str ql_expr_name_at(const struct ql_expr *expr, const struct ql_expr_step *step) {
    return (struct ql_str){.ptr = expr->text.ptr + step->at, .len = step->len};
}

/** Whether a word belongs to the language (ASCII case ignored), so that it cannot name a metric or a KPI. */
bool ql_expr_is_reserved(struct ql_str word);
/** Makes an E_CONFIG error: "<what> at character <n>", and below it the text with a caret under the byte at `at`. */
enum ql_status ql_expr_fail(struct ql_str text, size_t at, struct ql_err *err, const char *fmt, ...) QL_PRINTF(4, 5);

/** A column that an expression reads. Both NULL: NULL in every row. */
struct ql_expr_column {
    const int64_t *i64; /* NULL is QL_CELL_NULL_I64 */
    const double *f64;  /* NULL is NaN */
};
struct ql_expr_rows {
    size_t n_rows;
    const struct ql_expr_column *columns; /* what QL_EXPR_COLUMN steps index */
    const double *interval_s;             /* of each row; may be NULL where ql_expr_has_interval says no */
};
/** Whether a bound program mentions interval_seconds. */
bool ql_expr_has_interval(const struct ql_expr *expr);
/** Bytes of scratch memory that ql_expr_eval needs. */
size_t ql_expr_scratch_size(const struct ql_expr *expr);
/**
 * Evaluates a bound program; out has n_rows values, none infinite, and is no column that the program reads. scratch is aligned
 * for doubles; what was in it is lost.
 */
void ql_expr_eval(const struct ql_expr *expr, const struct ql_expr_rows *rows, void *scratch, double *out);

#endif
