/**
 * Reads sections and properties. One copy of the text is made and everything else points into it: names are turned to lower
 * case and the lines of a value are moved together where they are, so that a secret is in one place, which fini overwrites.
 */
#include "store/aws_ini.h"

#include "base/mem.h"
#include "base/unicode.h"

struct parser {
    struct ql_aws_ini *ini;
    size_t section; /* the present one */
    bool has_section, has_property;
    size_t indent;   /* of the line that began the present property or section */
    size_t n_blanks; /* empty lines since the present property: part of its value if more of it follows */
    size_t line;     /* number */
    struct ql_err *err;
};

/* What Python strips and counts as indentation, of ASCII. */
static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static struct ql_str strip(struct ql_str text) {
    while (text.len != 0 && is_space(text.ptr[0])) {
        text = (struct ql_str){.ptr = text.ptr + 1, .len = text.len - 1};
    }
    while (text.len != 0 && is_space(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

static enum ql_status fail(const struct parser *parser, const char *what) {
    QL_FAIL(parser->err, QL_E_CONFIG, "line %zu %s", parser->line, what);
    ql_err_hint(parser->err, "correct the file; a line is [section], name = value, or begins with '#'");
    return QL_E_CONFIG;
}

/* A place in the copy, for writing. */
static char *writable(const struct parser *parser, const char *at) {
    return parser->ini->text + (at - parser->ini->text);
}

static void continue_value(struct parser *parser, struct ql_str line) {
    struct ql_str *value = &parser->ini->properties[parser->ini->n_properties - 1].value;
    char *end = writable(parser, value->ptr) + value->len;
    /* Each line break was one in the file: what is written never reaches what is still to be read. */
    for (size_t i = 0; i <= parser->n_blanks; i++) {
        *end++ = '\n';
    }
    memmove(end, line.ptr, line.len);
    value->len = (size_t)(end - value->ptr) + line.len;
    parser->n_blanks = 0;
}

static enum ql_status begin_section(struct parser *parser, struct ql_str name) {
    struct ql_aws_ini *ini = parser->ini;
    parser->has_section = true;
    parser->has_property = false;
    if (ql_str_eq(name, QL_STR("DEFAULT"))) {
        parser->section = QL_AWS_INI_DEFAULT;
        return QL_OK;
    }
    if (ql_aws_ini_find(ini, name) != QL_AWS_INI_NONE) {
        return fail(parser, "begins a section that was there before");
    }
    QL_MEM_GROW(ini->sections, ini->cap_sections, ini->n_sections + 1);
    parser->section = ini->n_sections;
    ini->sections[ini->n_sections++] = name;
    return QL_OK;
}

static enum ql_status begin_property(struct parser *parser, struct ql_str line) {
    struct ql_aws_ini *ini = parser->ini;
    size_t len = 0;
    while (len < line.len && line.ptr[len] != '=' && line.ptr[len] != ':') {
        len++;
    }
    struct ql_str name = strip((struct ql_str){.ptr = line.ptr, .len = len});
    if (len == line.len || name.len == 0) {
        return fail(parser, "is neither a section nor a property");
    }
    for (char *c = writable(parser, name.ptr); c < name.ptr + name.len; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    }
    for (size_t i = 0; i < ini->n_properties; i++) {
        if (ini->properties[i].section == parser->section && ql_str_eq(ini->properties[i].name, name)) {
            return fail(parser, "sets a property that was set before in the same section");
        }
    }
    QL_MEM_GROW(ini->properties, ini->cap_properties, ini->n_properties + 1);
    ini->properties[ini->n_properties++] = (struct ql_aws_property){
        .name = name,
        .value = strip((struct ql_str){.ptr = line.ptr + len + 1, .len = line.len - len - 1}),
        .section = parser->section,
    };
    parser->has_property = true;
    parser->n_blanks = 0;
    return QL_OK;
}

/* "[name]" at the start of a line, up to its last ']'. */
static bool is_section(struct ql_str line, struct ql_str *name) {
    size_t end = line.len;
    while (end != 0 && line.ptr[end - 1] != ']') {
        end--;
    }
    if (line.ptr[0] != '[' || end < 3) {
        return false;
    }
    *name = (struct ql_str){.ptr = line.ptr + 1, .len = end - 2};
    return true;
}

static enum ql_status read_line(struct parser *parser, struct ql_str whole) {
    struct ql_str line = strip(whole);
    if (line.len == 0) {
        parser->n_blanks++;
        return QL_OK;
    }
    if (line.ptr[0] == '#' || line.ptr[0] == ';') {
        return QL_OK;
    }
    size_t indent = (size_t)(line.ptr - whole.ptr);
    if (parser->has_property && indent > parser->indent) {
        continue_value(parser, line);
        return QL_OK;
    }
    parser->indent = indent;
    struct ql_str name;
    if (is_section(line, &name)) {
        return begin_section(parser, name);
    }
    return parser->has_section ? begin_property(parser, line) : fail(parser, "comes before any section");
}

enum ql_status ql_aws_ini_parse(struct ql_str text, struct ql_aws_ini *ini, struct ql_err *err) {
    *ini = (struct ql_aws_ini){.text = ql_mem_strndup(text.ptr != NULL ? text.ptr : "", text.len), .size = text.len + 1};
    struct parser parser = {.ini = ini, .err = err};
    enum ql_status status = QL_OK;
    if (!ql_utf8_is_valid(text)) {
        status = QL_FAIL(err, QL_E_CONFIG, "the text is not UTF-8");
    }
    for (size_t at = 0; at < text.len && status == QL_OK;) {
        struct ql_str line = {.ptr = ini->text + at};
        while (at + line.len < text.len && line.ptr[line.len] != '\n' && line.ptr[line.len] != '\r') {
            line.len++;
        }
        bool is_crlf = at + line.len + 1 < text.len && line.ptr[line.len] == '\r' && line.ptr[line.len + 1] == '\n';
        at += line.len + (is_crlf ? 2 : 1);
        parser.line++;
        status = read_line(&parser, line);
    }
    if (status != QL_OK) {
        ql_aws_ini_fini(ini);
    }
    return status;
}

void ql_aws_ini_fini(struct ql_aws_ini *ini) {
    ql_mem_free_secret(ini->text, ini->size);
    ql_mem_free(ini->sections);
    ql_mem_free(ini->properties);
    *ini = (struct ql_aws_ini){0};
}

size_t ql_aws_ini_find(const struct ql_aws_ini *ini, struct ql_str name) {
    for (size_t i = 0; i < ini->n_sections; i++) {
        if (ql_str_eq(ini->sections[i], name)) {
            return i;
        }
    }
    return QL_AWS_INI_NONE;
}

/* Whether a section's name is "profile NAME", in words of a shell. */
static bool is_profile(struct ql_str section, struct ql_str name) {
    struct ql_buf words = {0};
    size_t n = 0;
    bool is_it = ql_str_has_prefix(section, "profile") && ql_aws_split_words(section, &words, &n) && n == 2;
    if (is_it) {
        size_t first = strlen(words.ptr) + 1;
        is_it = ql_str_eq((struct ql_str){.ptr = words.ptr + first, .len = words.len - first - 1}, name);
    }
    ql_buf_fini(&words);
    return is_it;
}

size_t ql_aws_ini_find_profile(const struct ql_aws_ini *ini, struct ql_str name) {
    bool is_default = ql_str_eq(name, QL_STR("default"));
    for (size_t i = ini->n_sections; i-- > 0;) {
        if ((is_default && ql_str_eq(ini->sections[i], name)) || is_profile(ini->sections[i], name)) {
            return i;
        }
    }
    return QL_AWS_INI_NONE;
}

struct ql_str ql_aws_ini_get(const struct ql_aws_ini *ini, size_t section, const char *name) {
    struct ql_str wanted = ql_str_from(name);
    struct ql_str value = {0};
    for (size_t i = 0; i < ini->n_properties && section != QL_AWS_INI_NONE; i++) {
        const struct ql_aws_property *property = &ini->properties[i];
        if (!ql_str_eq(property->name, wanted)) {
            continue;
        }
        if (property->section == section) {
            return property->value;
        }
        value = property->section == QL_AWS_INI_DEFAULT ? property->value : value;
    }
    return value;
}

/* ---- words ---- */

struct splitter {
    struct ql_buf *words;
    char quote; /* that is open, or '\0' */
    bool has_word;
};

/* Takes one or two characters; returns how many, or 0 for a backslash at the end. */
static size_t split_one(struct splitter *splitter, const char *at, size_t left) {
    char c = at[0];
    struct ql_buf *words = splitter->words;
    if (splitter->quote != '\0' && c == splitter->quote) {
        splitter->quote = '\0';
        return 1;
    }
    if (c == '\\' && splitter->quote != '\'') {
        if (left < 2) {
            return 0;
        }
        splitter->has_word = true;
        if (splitter->quote == '"' && at[1] != '\\' && at[1] != '"') {
            ql_buf_putc(words, c); /* between "..." it takes only these two as they are */
        }
        ql_buf_putc(words, at[1]);
        return 2;
    }
    if (splitter->quote == '\0' && (c == '\'' || c == '"')) {
        splitter->quote = c;
        splitter->has_word = true;
        return 1;
    }
    ql_buf_putc(words, c);
    splitter->has_word = true;
    return 1;
}

bool ql_aws_split_words(struct ql_str text, struct ql_buf *words, size_t *n_words) {
    struct splitter splitter = {.words = words};
    *n_words = 0;
    for (size_t i = 0; i < text.len;) {
        bool is_blank = splitter.quote == '\0' && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0';
        size_t n = is_blank ? 1 : split_one(&splitter, text.ptr + i, text.len - i);
        if (n == 0) {
            return false;
        }
        i += n;
        if (splitter.has_word && (is_blank || i == text.len)) {
            ql_buf_putc(words, '\0');
            ++*n_words;
            splitter.has_word = false;
        }
    }
    return splitter.quote == '\0';
}
