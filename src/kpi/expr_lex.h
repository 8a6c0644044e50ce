/** Words, numbers and signs of an expression. Only expr_parse.c needs it. */
#ifndef QL_KPI_EXPR_LEX_H
#define QL_KPI_EXPR_LEX_H

#include "base/str.h"

enum ql_expr_token_kind {
    QL_TOKEN_END,
    QL_TOKEN_NUMBER,
    QL_TOKEN_NAME,
    QL_TOKEN_OPEN,
    QL_TOKEN_CLOSE,
    QL_TOKEN_COMMA,
    QL_TOKEN_PLUS,
    QL_TOKEN_MINUS,
    QL_TOKEN_STAR,
    QL_TOKEN_SLASH,
    QL_TOKEN_LESS,
    QL_TOKEN_LESS_EQUAL,
    QL_TOKEN_GREATER,
    QL_TOKEN_GREATER_EQUAL,
    QL_TOKEN_EQUAL,
    QL_TOKEN_NOT_EQUAL,
    QL_TOKEN_AND,
    QL_TOKEN_OR,
    QL_TOKEN_NOT
};

struct ql_expr_token {
    enum ql_expr_token_kind kind;
    size_t at, len; /* in bytes */
    double number;
};

/** The token at or behind byte `at`. E_CONFIG with its position for what is none. */
QL_MUST_CHECK enum ql_status ql_expr_next_token(struct ql_str text, size_t at, struct ql_expr_token *token, struct ql_err *err);

#endif
