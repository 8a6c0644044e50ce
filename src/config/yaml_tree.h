/**
 * A YAML document as a tree whose every node knows its line and column, which is what errors need and what libyaml's own
 * documents lose for keys that stand twice. Strict: one document, no duplicate keys, no merge keys, no tags, text keys only.
 */
#ifndef QL_CONFIG_YAML_TREE_H
#define QL_CONFIG_YAML_TREE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum ql_yaml_kind { QL_YAML_SCALAR, QL_YAML_SEQUENCE, QL_YAML_MAPPING };

struct ql_yaml_item;
struct ql_yaml_node {
    enum ql_yaml_kind kind;
    size_t line, column; /* from 1 */
    bool is_plain;       /* a scalar without quotes */
    char *text;          /* of a scalar, NUL-terminated; may hold further NULs */
    size_t text_len;
    struct ql_yaml_item *items; /* of a sequence or mapping, in order */
    size_t n_items;
};

struct ql_yaml_item {
    struct ql_yaml_node *key; /* a scalar; NULL in a sequence */
    struct ql_yaml_node *value;
};

static inline struct ql_str ql_yaml_text(const struct ql_yaml_node *node) {
    return (struct ql_str){.ptr = node->text, .len = node->text_len};
}

/**
 * The root of the text's only document, in the arena; NULL if there is none (an empty file, comments only). An alias is the
 * anchor's node itself. E_CONFIG, the message beginning with "<path>:<line>:<column>: ".
 */
QL_MUST_CHECK enum ql_status ql_yaml_parse(struct ql_str path, struct ql_str text, struct ql_arena *arena,
                                           struct ql_yaml_node **root, struct ql_err *err);

#endif
