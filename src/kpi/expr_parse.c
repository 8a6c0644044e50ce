/**
 * Recursive descent over the precedence of an expression, straight into a postfix program: no tree is built. What nests is
 * bounded by QL_EXPR_MAX_DEPTH, what is long by QL_EXPR_MAX_STEPS, so that no text can exhaust the stack or the memory of an
 * evaluation.
 *
 * Functions of any number of arguments are folded from the left as the arguments come (min(a, b, c) is a b MIN c MIN), which
 * keeps the stack of vectors small. Comparisons do not chain: what `a < b < c` means differs between languages, so it is an
 * error.
 */
#include "kpi/expr.h"
#include "kpi/expr_lex.h"
#include "kpi/round.h"

#include "base/mem.h"

#include <math.h>

struct parser {
    struct ql_expr *expr;
    struct ql_expr_token token; /* not yet consumed */
    size_t depth, stack;
    struct ql_err *err;
};

enum level { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_COMPARISON, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_SIGN };

static const struct binary {
    enum ql_expr_token_kind token;
    enum level level;
    enum ql_expr_op op;
} BINARIES[] = {
    {QL_TOKEN_OR, LEVEL_OR, QL_EXPR_OR},
    {QL_TOKEN_AND, LEVEL_AND, QL_EXPR_AND},
    {QL_TOKEN_LESS, LEVEL_COMPARISON, QL_EXPR_LESS},
    {QL_TOKEN_LESS_EQUAL, LEVEL_COMPARISON, QL_EXPR_LESS_EQUAL},
    {QL_TOKEN_GREATER, LEVEL_COMPARISON, QL_EXPR_GREATER},
    {QL_TOKEN_GREATER_EQUAL, LEVEL_COMPARISON, QL_EXPR_GREATER_EQUAL},
    {QL_TOKEN_EQUAL, LEVEL_COMPARISON, QL_EXPR_EQUAL},
    {QL_TOKEN_NOT_EQUAL, LEVEL_COMPARISON, QL_EXPR_NOT_EQUAL},
    {QL_TOKEN_PLUS, LEVEL_SUM, QL_EXPR_ADD},
    {QL_TOKEN_MINUS, LEVEL_SUM, QL_EXPR_SUBTRACT},
    {QL_TOKEN_STAR, LEVEL_PRODUCT, QL_EXPR_MULTIPLY},
    {QL_TOKEN_SLASH, LEVEL_PRODUCT, QL_EXPR_DIVIDE},
};

static const struct function {
    const char *name;
    size_t min_args, max_args;
    enum ql_expr_op op;
    bool is_folded; /* the operation takes two and is applied after each further argument */
} FUNCTIONS[] = {
    {"if", 3, 3, QL_EXPR_IF, false},         {"coalesce", 1, SIZE_MAX, QL_EXPR_COALESCE, true},
    {"round", 1, 2, QL_EXPR_ROUND, false},   {"min", 2, SIZE_MAX, QL_EXPR_MIN, true},
    {"max", 2, SIZE_MAX, QL_EXPR_MAX, true}, {"abs", 1, 1, QL_EXPR_ABS, false},
};
enum { N_FUNCTIONS = sizeof FUNCTIONS / sizeof FUNCTIONS[0] };

static const struct function *find_function(struct ql_str name) {
    for (size_t i = 0; i < N_FUNCTIONS; i++) {
        if (ql_str_eq_nocase(name, ql_str_from(FUNCTIONS[i].name))) {
            return &FUNCTIONS[i];
        }
    }
    return NULL;
}

bool ql_expr_is_reserved(struct ql_str word) {
    static const char *const WORDS[] = {"and", "or", "not", "interval_seconds"};
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (ql_str_eq_nocase(word, ql_str_from(WORDS[i]))) {
            return true;
        }
    }
    return find_function(word) != NULL;
}

static struct ql_str token_text(const struct parser *p) {
    return (struct ql_str){.ptr = p->expr->text.ptr + p->token.at, .len = p->token.len};
}

static enum ql_status fail_expected(struct parser *p, const char *what) {
    if (p->token.kind == QL_TOKEN_END) {
        return ql_expr_fail(p->expr->text, p->token.at, p->err, "expected %s, found the end", what);
    }
    struct ql_str found = token_text(p);
    found.len = found.len > 60 ? 60 : found.len;
    return ql_expr_fail(p->expr->text, p->token.at, p->err, "expected %s, found '%.*s'", what, QL_STR_ARG(found));
}

static enum ql_status advance(struct parser *p) {
    return ql_expr_next_token(p->expr->text, p->token.at + p->token.len, &p->token, p->err);
}

/* How many more vectors are on the stack after an operation. */
static int stack_growth(enum ql_expr_op op) {
    switch (op) {
    case QL_EXPR_NAME:
    case QL_EXPR_NUMBER:
    case QL_EXPR_COLUMN:
    case QL_EXPR_INTERVAL_SECONDS:
        return 1;
    case QL_EXPR_NEGATE:
    case QL_EXPR_NOT:
    case QL_EXPR_ABS:
    case QL_EXPR_ROUND:
        return 0;
    case QL_EXPR_IF:
        return -2;
    default:
        return -1;
    }
}

static enum ql_status emit(struct parser *p, enum ql_expr_op op, const struct ql_expr_token *token,
                           struct ql_expr_step **step) {
    struct ql_expr *expr = p->expr;
    if (expr->n_steps == QL_EXPR_MAX_STEPS) {
        (void)ql_expr_fail(expr->text, token->at, p->err, "an expression of more than %d values and operations",
                           QL_EXPR_MAX_STEPS);
        ql_err_hint(p->err, "split it into several KPIs");
        return QL_E_CONFIG;
    }
    QL_MEM_GROW(expr->steps, expr->cap_steps, expr->n_steps + 1);
    struct ql_expr_step *added = &expr->steps[expr->n_steps++];
    *added = (struct ql_expr_step){.op = op, .at = (uint32_t)token->at, .len = (uint32_t)token->len};
    p->stack = (size_t)((ptrdiff_t)p->stack + stack_growth(op));
    expr->max_stack = p->stack > expr->max_stack ? p->stack : expr->max_stack;
    if (step != NULL) {
        *step = added;
    }
    return QL_OK;
}

static enum ql_status deeper(struct parser *p) {
    if (++p->depth > QL_EXPR_MAX_DEPTH) {
        (void)ql_expr_fail(p->expr->text, p->token.at, p->err, "an expression nested more than %d deep", QL_EXPR_MAX_DEPTH);
        ql_err_hint(p->err, "split it into several KPIs");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

static enum ql_status parse_level(struct parser *p, enum level level);

/* The second argument of round: a constant, because the scale is chosen once for the whole vector. */
static enum ql_status parse_digits(struct parser *p, int *digits) {
    static const char WHAT[] = "a whole number of digits from -15 to 15";
    bool is_negative = p->token.kind == QL_TOKEN_MINUS;
    if (is_negative) {
        QL_TRY(advance(p));
    }
    double value = p->token.number;
    if (p->token.kind != QL_TOKEN_NUMBER || value > QL_ROUND_MAX_DIGITS || value != floor(value)) {
        return fail_expected(p, WHAT);
    }
    *digits = is_negative ? -(int)value : (int)value;
    return advance(p);
}

static enum ql_status fail_arguments(struct parser *p, const struct function *function, const struct ql_expr_token *name,
                                     size_t n_args) {
    const char *more = function->max_args == SIZE_MAX ? " or more" : (function->max_args > function->min_args ? " or 2" : "");
    return ql_expr_fail(p->expr->text, name->at, p->err, "'%s' takes %zu%s argument%s, not %zu", function->name,
                        function->min_args, more, function->min_args == 1 && *more == '\0' ? "" : "s", n_args);
}

/* The arguments behind "(" up to ")"; digits is what round got as its second. */
static enum ql_status parse_arguments(struct parser *p, const struct function *function, const struct ql_expr_token *name,
                                      int *digits) {
    size_t n_args = 0;
    while (p->token.kind != QL_TOKEN_CLOSE || n_args != 0) {
        if (function->op == QL_EXPR_ROUND && n_args == 1) {
            QL_TRY(parse_digits(p, digits));
        } else {
            QL_TRY(parse_level(p, LEVEL_OR));
        }
        n_args++;
        if (n_args > function->max_args) {
            return fail_arguments(p, function, name, n_args);
        }
        if (function->is_folded && n_args > 1) {
            QL_TRY(emit(p, function->op, name, NULL));
        }
        if (p->token.kind == QL_TOKEN_CLOSE) {
            break;
        }
        if (p->token.kind != QL_TOKEN_COMMA) {
            return fail_expected(p, "',' or ')'");
        }
        QL_TRY(advance(p));
    }
    if (n_args < function->min_args) {
        return fail_arguments(p, function, name, n_args);
    }
    return advance(p);
}

static enum ql_status parse_call(struct parser *p, const struct ql_expr_token *name) {
    struct ql_str word = {.ptr = p->expr->text.ptr + name->at, .len = name->len};
    const struct function *function = find_function(word);
    if (function == NULL) {
        const char *names[N_FUNCTIONS];
        for (size_t i = 0; i < N_FUNCTIONS; i++) {
            names[i] = FUNCTIONS[i].name;
        }
        const char *nearest = ql_str_nearest(word, names, N_FUNCTIONS);
        struct ql_str shown = {.ptr = word.ptr, .len = word.len > 100 ? 100 : word.len};
        (void)ql_expr_fail(p->expr->text, name->at, p->err, "unknown function '%.*s'", QL_STR_ARG(shown));
        ql_err_hint(p->err, "%s%s%sthe functions are if, coalesce, round, min, max and abs",
                    nearest != NULL ? "did you mean '" : "", nearest != NULL ? nearest : "", nearest != NULL ? "'? " : "");
        return QL_E_CONFIG;
    }
    QL_TRY(deeper(p));
    QL_TRY(advance(p)); /* the parenthesis */
    int digits = 0;
    QL_TRY(parse_arguments(p, function, name, &digits));
    p->depth--;
    if (!function->is_folded) {
        struct ql_expr_step *step = NULL;
        QL_TRY(emit(p, function->op, name, &step));
        step->v.digits = digits; /* read for round only */
    }
    return QL_OK;
}

static enum ql_status parse_name(struct parser *p) {
    struct ql_expr_token name = p->token;
    struct ql_str word = token_text(p);
    QL_TRY(advance(p));
    if (p->token.kind == QL_TOKEN_OPEN) {
        return parse_call(p, &name);
    }
    if (find_function(word) != NULL) {
        return ql_expr_fail(p->expr->text, name.at + name.len, p->err, "function '%.*s' needs its arguments in parentheses",
                            QL_STR_ARG(word));
    }
    return emit(p, QL_EXPR_NAME, &name, NULL);
}

static enum ql_status parse_value(struct parser *p) {
    struct ql_expr_step *step = NULL;
    switch (p->token.kind) {
    case QL_TOKEN_NUMBER:
        QL_TRY(emit(p, QL_EXPR_NUMBER, &p->token, &step));
        step->v.number = p->token.number;
        return advance(p);
    case QL_TOKEN_NAME:
        return parse_name(p);
    case QL_TOKEN_OPEN:
        QL_TRY(deeper(p));
        QL_TRY(advance(p));
        QL_TRY(parse_level(p, LEVEL_OR));
        if (p->token.kind != QL_TOKEN_CLOSE) {
            return fail_expected(p, "an operator or ')'");
        }
        p->depth--;
        return advance(p);
    default:
        return fail_expected(p, "a value");
    }
}

/* not x, -x */
static enum ql_status parse_prefix(struct parser *p, enum level level, enum ql_expr_op op) {
    struct ql_expr_token sign = p->token;
    QL_TRY(deeper(p));
    QL_TRY(advance(p));
    QL_TRY(parse_level(p, level));
    p->depth--;
    return emit(p, op, &sign, NULL);
}

static const struct binary *binary_here(const struct parser *p, enum level level) {
    for (size_t i = 0; i < sizeof BINARIES / sizeof BINARIES[0]; i++) {
        if (BINARIES[i].token == p->token.kind && BINARIES[i].level == level) {
            return &BINARIES[i];
        }
    }
    return NULL;
}

/* Operators of this precedence between what binds tighter, from the left. */
static enum ql_status parse_level(struct parser *p, enum level level) {
    if (level == LEVEL_NOT) {
        return p->token.kind == QL_TOKEN_NOT ? parse_prefix(p, LEVEL_NOT, QL_EXPR_NOT) : parse_level(p, LEVEL_COMPARISON);
    }
    if (level == LEVEL_SIGN) {
        return p->token.kind == QL_TOKEN_MINUS ? parse_prefix(p, LEVEL_SIGN, QL_EXPR_NEGATE) : parse_value(p);
    }
    QL_TRY(parse_level(p, level + 1));
    for (const struct binary *binary; (binary = binary_here(p, level)) != NULL;) {
        struct ql_expr_token sign = p->token;
        QL_TRY(advance(p));
        QL_TRY(parse_level(p, level + 1));
        QL_TRY(emit(p, binary->op, &sign, NULL));
        if (level == LEVEL_COMPARISON && binary_here(p, level) != NULL) {
            (void)ql_expr_fail(p->expr->text, p->token.at, p->err, "comparisons cannot be chained");
            ql_err_hint(p->err, "write a < b and b < c");
            return QL_E_CONFIG;
        }
    }
    return QL_OK;
}

static enum ql_status parse_text(struct parser *p) {
    struct ql_str text = p->expr->text;
    if (text.len > QL_EXPR_MAX_BYTES) {
        (void)QL_FAIL(p->err, QL_E_CONFIG, "an expression of %zu bytes, where %d is the limit", text.len, QL_EXPR_MAX_BYTES);
        ql_err_hint(p->err, "split it into several KPIs");
        return QL_E_CONFIG;
    }
    QL_TRY(advance(p)); /* to the first token */
    if (p->token.kind == QL_TOKEN_END) {
        return QL_FAIL(p->err, QL_E_CONFIG, "the expression is empty");
    }
    QL_TRY(parse_level(p, LEVEL_OR));
    return p->token.kind == QL_TOKEN_END ? QL_OK : fail_expected(p, "an operator or the end");
}

enum ql_status ql_expr_parse(struct ql_str text, struct ql_expr *expr, struct ql_err *err) {
    *expr = (struct ql_expr){.text = text};
    struct parser parser = {.expr = expr, .err = err};
    enum ql_status status = parse_text(&parser);
    if (status != QL_OK) {
        ql_expr_fini(expr);
    }
    return status;
}

void ql_expr_fini(struct ql_expr *expr) {
    ql_mem_free(expr->steps);
    *expr = (struct ql_expr){0};
}
