/*
 * libyaml's events become a tree with positions. What YAML allows and a settings file does not need is an error here, so that
 * nothing is read otherwise than it looks: a key twice, a second document, merge keys, tags, keys that are lists.
 */
#include "config/yaml_tree.h"

#include "base/unicode.h"
#include "config/config.h"

#include <yaml.h>

enum { DEPTH_MAX = 32, EVENTS_MAX = 20000 };

struct anchor {
    char *name;
    struct ql_yaml_node *node;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one at hand */
    bool has_event;
    struct ql_str path, text;
    struct ql_arena *arena;
    struct anchor *anchors;
    size_t n_anchors, anchors_cap, n_events;
};

static enum ql_status fail_at(const struct reader *reader, size_t line, size_t column, struct ql_err *err, const char *what) {
    return QL_FAIL(err, QL_E_CONFIG, "%.*s:%zu:%zu: %s", QL_STR_ARG(reader->path), line + 1, column + 1, what);
}

static enum ql_status fail_mark(const struct reader *reader, const yaml_mark_t *mark, struct ql_err *err, const char *what) {
    return fail_at(reader, mark->line, mark->column, err, what);
}

/* Line and column, in characters, of a byte. */
static enum ql_status fail_offset(const struct reader *reader, size_t offset, struct ql_err *err, const char *what) {
    size_t line = 0;
    size_t column = 0;
    for (size_t i = 0; i < offset && i < reader->text.len; i++) {
        bool continues = ((unsigned char)reader->text.ptr[i] & 0xC0) == 0x80;
        column += continues ? 0 : 1;
        if (reader->text.ptr[i] == '\n') {
            line++;
            column = 0;
        }
    }
    return fail_at(reader, line, column, err, what);
}

static bool is_tab_at(const struct reader *reader, const yaml_mark_t *mark) {
    size_t line = 0;
    size_t i = 0;
    for (; i < reader->text.len && line < mark->line; i++) {
        line += reader->text.ptr[i] == '\n';
    }
    /* Before a tab that is refused stands only white space, so that bytes are characters. */
    return i + mark->column < reader->text.len && reader->text.ptr[i + mark->column] == '\t';
}

static enum ql_status fail_parser(const struct reader *reader, struct ql_err *err) {
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        return QL_FAIL(err, QL_E_SYSTEM, "out of memory while reading '%.*s'", QL_STR_ARG(reader->path));
    }
    if (parser->error == YAML_READER_ERROR) {
        return fail_offset(reader, parser->problem_offset, err, "a character that YAML does not allow");
    }
    if (parser->error == YAML_SCANNER_ERROR && is_tab_at(reader, &parser->problem_mark)) {
        (void)fail_mark(reader, &parser->problem_mark, err, "a tab where only blanks may stand");
        ql_err_hint(err, "indent with blanks");
        return QL_E_CONFIG;
    }
    char what[256];
    (void)snprintf(what, sizeof what, "%s%s%s", parser->problem != NULL ? parser->problem : "no YAML",
                   parser->context != NULL ? ", " : "", parser->context != NULL ? parser->context : "");
    (void)fail_mark(reader, &parser->problem_mark, err, what);
    ql_err_hint(err, "correct the YAML at that place; texts that begin with or hold special characters need quotes");
    return QL_E_CONFIG;
}

static enum ql_status next_event(struct reader *reader, struct ql_err *err) {
    if (reader->has_event) {
        yaml_event_delete(&reader->event);
        reader->has_event = false;
    }
    if (yaml_parser_parse(&reader->parser, &reader->event) == 0) {
        return fail_parser(reader, err);
    }
    reader->has_event = true;
    if (++reader->n_events > EVENTS_MAX) {
        return fail_mark(reader, &reader->event.start_mark, err, "too many values for a settings file");
    }
    return QL_OK;
}

static struct ql_yaml_node *new_node(const struct reader *reader, enum ql_yaml_kind kind) {
    struct ql_yaml_node *node = ql_arena_alloc(reader->arena, sizeof *node);
    *node = (struct ql_yaml_node){
        .kind = kind, .line = reader->event.start_mark.line + 1, .column = reader->event.start_mark.column + 1};
    return node;
}

/* Known only once its node is whole, so that no node can hold itself. */
static void add_anchor(struct reader *reader, char *name, struct ql_yaml_node *node) {
    if (name != NULL) {
        QL_MEM_GROW(reader->anchors, reader->anchors_cap, reader->n_anchors + 1);
        reader->anchors[reader->n_anchors++] = (struct anchor){.name = name, .node = node};
    }
}

static char *copy_anchor(struct reader *reader, const yaml_char_t *name) {
    const char *text = (const char *)name;
    return text != NULL ? ql_arena_copy(reader->arena, text, strlen(text)) : NULL;
}

static enum ql_status read_alias(struct reader *reader, struct ql_yaml_node **node, struct ql_err *err) {
    const char *name = (const char *)reader->event.data.alias.anchor;
    for (size_t i = reader->n_anchors; i > 0; i--) {
        if (strcmp(reader->anchors[i - 1].name, name) == 0) {
            *node = reader->anchors[i - 1].node;
            return QL_OK;
        }
    }
    char what[128];
    (void)snprintf(what, sizeof what, "there is no anchor '%.60s' before this alias", name);
    return fail_mark(reader, &reader->event.start_mark, err, what);
}

static enum ql_status check_tag(const struct reader *reader, const yaml_char_t *tag, struct ql_err *err) {
    if (tag == NULL) {
        return QL_OK;
    }
    (void)fail_mark(reader, &reader->event.start_mark, err, "tags ('!') are not supported");
    ql_err_hint(err, "remove the tag, or quote a text that begins with '!'");
    return QL_E_CONFIG;
}

static enum ql_status read_scalar(struct reader *reader, struct ql_yaml_node **node, struct ql_err *err) {
    QL_TRY(check_tag(reader, reader->event.data.scalar.tag, err));
    struct ql_yaml_node *scalar = new_node(reader, QL_YAML_SCALAR);
    scalar->is_plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    scalar->text_len = reader->event.data.scalar.length;
    scalar->text = ql_arena_copy(reader->arena, (const char *)reader->event.data.scalar.value, scalar->text_len);
    add_anchor(reader, copy_anchor(reader, reader->event.data.scalar.anchor), scalar);
    *node = scalar;
    return QL_OK;
}

struct item_list {
    struct ql_yaml_item *items;
    size_t n, cap;
};

static void take_items(struct reader *reader, struct item_list *list, struct ql_yaml_node *node) {
    node->n_items = list->n;
    node->items = ql_arena_alloc(reader->arena, list->n * sizeof *node->items);
    if (list->n != 0) {
        memcpy(node->items, list->items, list->n * sizeof *node->items);
    }
}

static enum ql_status read_node(struct reader *reader, int depth, struct ql_yaml_node **node, struct ql_err *err);

static enum ql_status read_items(struct reader *reader, int depth, struct item_list *list, struct ql_err *err) {
    for (;;) {
        QL_TRY(next_event(reader, err));
        if (reader->event.type == YAML_SEQUENCE_END_EVENT) {
            return QL_OK;
        }
        struct ql_yaml_item item = {0};
        QL_TRY(read_node(reader, depth + 1, &item.value, err));
        QL_MEM_GROW(list->items, list->cap, list->n + 1);
        list->items[list->n++] = item;
    }
}

static enum ql_status check_key(const struct reader *reader, const struct item_list *list, const struct ql_yaml_node *key,
                                struct ql_err *err) {
    if (key->is_plain && ql_str_eq(ql_yaml_text(key), QL_STR("<<"))) {
        (void)fail_at(reader, key->line - 1, key->column - 1, err, "merge keys ('<<') are not supported");
        ql_err_hint(err, "write the keys out");
        return QL_E_CONFIG;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (ql_str_eq(ql_yaml_text(list->items[i].key), ql_yaml_text(key))) {
            char what[128];
            /* A line such as "secret=..." that lost its colon is a key too, and is not repeated. */
            bool is_name = key->text[strcspn(key->text, "=")] == '\0';
            (void)snprintf(what, sizeof what, "'%.60s' stands in line %zu already", is_name ? key->text : "this key",
                           list->items[i].key->line);
            (void)fail_at(reader, key->line - 1, key->column - 1, err, what);
            ql_err_hint(err, "keep one of the two");
            return QL_E_CONFIG;
        }
    }
    return QL_OK;
}

static enum ql_status read_entries(struct reader *reader, int depth, struct item_list *list, struct ql_err *err) {
    for (;;) {
        QL_TRY(next_event(reader, err));
        if (reader->event.type == YAML_MAPPING_END_EVENT) {
            return QL_OK;
        }
        if (reader->event.type != YAML_SCALAR_EVENT) {
            return fail_mark(reader, &reader->event.start_mark, err, "a key must be a text");
        }
        struct ql_yaml_item entry = {0};
        QL_TRY(read_scalar(reader, &entry.key, err));
        QL_TRY(check_key(reader, list, entry.key, err));
        QL_TRY(next_event(reader, err));
        QL_TRY(read_node(reader, depth + 1, &entry.value, err));
        QL_MEM_GROW(list->items, list->cap, list->n + 1);
        list->items[list->n++] = entry;
    }
}

static enum ql_status read_collection(struct reader *reader, int depth, struct ql_yaml_node **node, struct ql_err *err) {
    bool is_mapping = reader->event.type == YAML_MAPPING_START_EVENT;
    QL_TRY(check_tag(reader, is_mapping ? reader->event.data.mapping_start.tag : reader->event.data.sequence_start.tag, err));
    if (depth >= DEPTH_MAX) {
        return fail_mark(reader, &reader->event.start_mark, err, "too many levels for a settings file");
    }
    char *anchor =
        copy_anchor(reader, is_mapping ? reader->event.data.mapping_start.anchor : reader->event.data.sequence_start.anchor);
    struct ql_yaml_node *collection = new_node(reader, is_mapping ? QL_YAML_MAPPING : QL_YAML_SEQUENCE);
    struct item_list list = {0};
    enum ql_status status = is_mapping ? read_entries(reader, depth, &list, err) : read_items(reader, depth, &list, err);
    if (status == QL_OK) {
        take_items(reader, &list, collection);
        add_anchor(reader, anchor, collection);
        *node = collection;
    }
    ql_mem_free(list.items);
    return status;
}

/* Of the event at hand; the last event of the node is at hand afterwards. */
static enum ql_status read_node(struct reader *reader, int depth, struct ql_yaml_node **node, struct ql_err *err) {
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, node, err);
    case YAML_ALIAS_EVENT:
        return read_alias(reader, node, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_collection(reader, depth, node, err);
    default:
        return QL_FAIL(err, QL_E_INTERNAL, "an event of libyaml at the wrong place (%d)", (int)reader->event.type);
    }
}

static enum ql_status read_stream(struct reader *reader, struct ql_yaml_node **root, struct ql_err *err) {
    QL_TRY(next_event(reader, err)); /* start of the stream */
    QL_TRY(next_event(reader, err));
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        return QL_OK;
    }
    QL_TRY(next_event(reader, err)); /* the event behind the start of the document */
    QL_TRY(read_node(reader, 0, root, err));
    QL_TRY(next_event(reader, err)); /* end of the document */
    QL_TRY(next_event(reader, err));
    if (reader->event.type != YAML_STREAM_END_EVENT) {
        (void)fail_mark(reader, &reader->event.start_mark, err, "a second document begins here");
        ql_err_hint(err, "keep one document in a file");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

enum ql_status ql_yaml_parse(struct ql_str path, struct ql_str text, struct ql_arena *arena, struct ql_yaml_node **root,
                             struct ql_err *err) {
    struct reader reader = {.path = path, .text = text, .arena = arena};
    *root = NULL;
    size_t valid_len = ql_utf8_valid_len(text);
    if (valid_len != text.len) {
        (void)fail_offset(&reader, valid_len, err, "the file is not UTF-8 from here on");
        ql_err_hint(err, "save the file as UTF-8");
        return QL_E_CONFIG;
    }
    if (yaml_parser_initialize(&reader.parser) == 0) {
        return QL_FAIL(err, QL_E_SYSTEM, "out of memory while reading '%.*s'", QL_STR_ARG(path));
    }
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.ptr != NULL ? text.ptr : ""), text.len);
    enum ql_status status = read_stream(&reader, root, err);
    if (reader.has_event) {
        yaml_event_delete(&reader.event);
    }
    yaml_parser_delete(&reader.parser);
    ql_mem_free(reader.anchors);
    return status;
}

void ql_settings_versions(struct ql_buf *out) {
    ql_buf_printf(out, "libyaml/%s", yaml_get_version_string());
}
