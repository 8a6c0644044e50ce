/**
 * Key templates: literal text and placeholders become the object's key or the file's name.
 *
 * The formats are a fixed set of our own, not strftime, whose meaning depends on locale and platform and which would take any
 * '%' of the user's text (fluent-bit#8884: "%2F" read as %F). The rendered key is checked as a whole (key_rules.c), whatever
 * its parts were, so that neither a template nor a value from a server can leave the place that the literal text names; each
 * part remembers where in the template it came from, so that an error can say so.
 */
#include "store/key_template.h"

static const char *const NAMES[] = {"start", "end", "now", "org", "source", "layout", "export_id", "version", "sha256"};
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

/* A part of the rendered key and where it comes from. */
struct mark {
    size_t at_key, at_template;
    bool is_literal;
};

struct rendering {
    struct ql_str template;
    const struct ql_key_values *values;
    struct ql_buf key;
    struct ql_buf marks; /* of struct mark */
};

size_t ql_key_character(struct ql_str template, size_t at) {
    size_t n = 1;
    for (size_t i = 0; i < at && i < template.len; i++) {
        n += ((unsigned char)template.ptr[i] & 0xc0) != 0x80;
    }
    return n;
}

enum ql_status ql_key_next(struct ql_str template, size_t *at, struct ql_key_piece *piece, struct ql_err *err) {
    struct ql_str rest = {.ptr = template.ptr + *at, .len = template.len - *at};
    char c = rest.ptr[0];
    *piece = (struct ql_key_piece){.at = *at};
    if (c == '{' || c == '}') {
        if (rest.len > 1 && rest.ptr[1] == c) { /* the brace itself */
            piece->literal = (struct ql_str){.ptr = rest.ptr, .len = 1};
            *at += 2;
            return QL_OK;
        }
        const char *close = c == '{' ? memchr(rest.ptr, '}', rest.len) : NULL;
        if (close == NULL) {
            (void)QL_FAIL(err, QL_E_CONFIG, "the key template '%.*s' has a lone '%c' at character %zu", QL_STR_ARG(template), c,
                          ql_key_character(template, *at));
            ql_err_hint(err, "write {{ or }} for a brace itself");
            return QL_E_CONFIG;
        }
        piece->placeholder = (struct ql_str){.ptr = rest.ptr + 1, .len = (size_t)(close - rest.ptr) - 1};
        piece->name = ql_str_split(piece->placeholder, ':', &piece->format);
        *at += piece->placeholder.len + 2;
        return QL_OK;
    }
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '{' && rest.ptr[len] != '}') {
        len++;
    }
    piece->literal = (struct ql_str){.ptr = rest.ptr, .len = len};
    *at += len;
    return QL_OK;
}

/* "'{start:%B}' at character 5 of the key template" begins every message about a placeholder. */
static enum ql_status fail_at(struct ql_err *err, enum ql_status status, const struct rendering *rendering,
                              const struct ql_key_piece *piece, const char *what) {
    return QL_FAIL(err, status, "'{%.*s}' at character %zu of the key template '%.*s' %s", QL_STR_ARG(piece->placeholder),
                   ql_key_character(rendering->template, piece->at), QL_STR_ARG(rendering->template), what);
}

static enum ql_status fail_format(const struct rendering *rendering, const struct ql_key_piece *piece, struct ql_err *err) {
    (void)fail_at(err, QL_E_CONFIG, rendering, piece, "has a format that is not known");
    ql_err_hint(err, "a format is made of %%Y %%m %%d %%H %%M %%S %%j %%F %%%% and other text, as in {start:%%Y-%%m-%%d}");
    return QL_E_CONFIG;
}

static int day_of_year(const struct ql_civil *civil) {
    const struct ql_civil new_year = {.year = civil->year, .month = 1, .day = 1};
    const struct ql_civil day = {.year = civil->year, .month = civil->month, .day = civil->day};
    return (int)((ql_time_from_civil(&day) - ql_time_from_civil(&new_year)) / (86400 * QL_US_PER_S)) + 1;
}

/* Appends one %-letter; false: no such letter. */
static bool put_letter(char letter, const struct ql_civil *civil, struct ql_buf *out) {
    switch (letter) {
    case 'Y':
        ql_buf_printf(out, "%04d", civil->year);
        return true;
    case 'm':
        ql_buf_printf(out, "%02d", civil->month);
        return true;
    case 'd':
        ql_buf_printf(out, "%02d", civil->day);
        return true;
    case 'H':
        ql_buf_printf(out, "%02d", civil->hour);
        return true;
    case 'M':
        ql_buf_printf(out, "%02d", civil->minute);
        return true;
    case 'S':
        ql_buf_printf(out, "%02d", civil->second);
        return true;
    case 'j':
        ql_buf_printf(out, "%03d", day_of_year(civil));
        return true;
    case 'F':
        ql_buf_printf(out, "%04d-%02d-%02d", civil->year, civil->month, civil->day);
        return true;
    case '%':
        ql_buf_putc(out, '%');
        return true;
    default:
        return false;
    }
}

static bool put_format(struct ql_str format, const struct ql_civil *civil, struct ql_buf *out) {
    for (size_t i = 0; i < format.len; i++) {
        if (format.ptr[i] != '%') {
            ql_buf_putc(out, format.ptr[i]);
        } else if (++i == format.len || !put_letter(format.ptr[i], civil, out)) {
            return false;
        }
    }
    return format.len != 0;
}

static void to_local(int64_t us, const struct ql_tz *tz, struct ql_civil *civil) {
    int64_t offset_s = tz != NULL ? ql_tz_offset_at(tz, us) : 0;
    ql_time_to_civil(us + offset_s * QL_US_PER_S, civil);
}

static bool is_midnight(int64_t us, const struct ql_tz *tz) {
    struct ql_civil civil;
    to_local(us, tz, &civil);
    return civil.hour == 0 && civil.minute == 0 && civil.second == 0 && civil.us == 0;
}

/* A window of whole days is named by its day. Any other is named by its instant in UTC, because a local time would stand for
 * two instants in the hour that a zone repeats. */
static void put_default_format(int64_t us, const struct ql_key_values *values, struct ql_buf *out) {
    bool is_day = (values->start_us == QL_TIME_NONE || is_midnight(values->start_us, values->tz)) &&
                  (values->end_us == QL_TIME_NONE || is_midnight(values->end_us, values->tz));
    struct ql_civil civil;
    to_local(us, is_day ? values->tz : NULL, &civil);
    struct ql_str format = is_day ? QL_STR("%F") : civil.second == 0 ? QL_STR("%FT%H%MZ") : QL_STR("%FT%H%M%SZ");
    (void)put_format(format, &civil, out); /* has known letters only */
}

static enum ql_status fail_no_value(const struct rendering *rendering, const struct ql_key_piece *piece, struct ql_err *err) {
    (void)fail_at(err, QL_E_USAGE, rendering, piece, "has no value here");
    if (ql_str_eq(piece->name, QL_STR("export_id"))) {
        ql_err_hint(err, "only an export has an id; take {export_id} out of the template");
    } else if (ql_str_eq(piece->name, QL_STR("start")) || ql_str_eq(piece->name, QL_STR("end"))) {
        ql_err_hint(err, "the input has no interval; name the file, or say --from and --to");
    } else if (ql_str_eq(piece->name, QL_STR("org"))) {
        ql_err_hint(err, "name the organization with --org, or take {org} out of the template");
    } else {
        ql_err_hint(err, "take it out of the template");
    }
    return QL_E_USAGE;
}

static enum ql_status put_time(struct rendering *rendering, const struct ql_key_piece *piece, int64_t us, struct ql_err *err) {
    const struct ql_key_values *values = rendering->values;
    struct ql_civil civil;
    if (us == QL_TIME_NONE) {
        return fail_no_value(rendering, piece, err);
    }
    if (piece->format.ptr != NULL) {
        to_local(us, values->tz, &civil);
        return put_format(piece->format, &civil, &rendering->key) ? QL_OK : fail_format(rendering, piece, err);
    }
    if (ql_str_eq(piece->name, QL_STR("now"))) { /* no window, so no day: the second */
        to_local(us, NULL, &civil);
        (void)put_format(QL_STR("%FT%H%M%SZ"), &civil, &rendering->key); /* has known letters only */
        return QL_OK;
    }
    put_default_format(us, values, &rendering->key);
    return QL_OK;
}

static enum ql_status fail_unknown(const struct rendering *rendering, const struct ql_key_piece *piece, struct ql_err *err) {
    (void)fail_at(err, QL_E_CONFIG, rendering, piece, "is no placeholder");
    const char *nearest = ql_str_nearest(piece->name, NAMES, N_NAMES);
    ql_err_hint(err,
                "%s%s%sthere are {start} {end} {now} {org} {source} {layout} {export_id} {version} {sha256}; a brace itself is "
                "written {{ or }}",
                nearest != NULL ? "did you mean {" : "", nearest != NULL ? nearest : "", nearest != NULL ? "}? " : "");
    return QL_E_CONFIG;
}

static enum ql_status put_text(struct rendering *rendering, const struct ql_key_piece *piece, struct ql_str value,
                               struct ql_err *err) {
    if (piece->format.ptr != NULL) {
        (void)fail_at(err, QL_E_CONFIG, rendering, piece, "is a text and takes no format");
        ql_err_hint(err, "write {%.*s}", QL_STR_ARG(piece->name));
        return QL_E_CONFIG;
    }
    if (value.len == 0) {
        return fail_no_value(rendering, piece, err);
    }
    ql_http_encode(value, false, &rendering->key);
    return QL_OK;
}

/* A file is written into its folder before its bytes are known. */
static enum ql_status check_sha256(const struct rendering *rendering, const struct ql_key_piece *piece, struct ql_err *err) {
    size_t end = piece->at + piece->placeholder.len;
    bool is_in_folder = memchr(rendering->template.ptr + end, '/', rendering->template.len - end) != NULL;
    if (!rendering->values->is_file || !is_in_folder) {
        return QL_OK;
    }
    (void)fail_at(err, QL_E_CONFIG, rendering, piece, "is in the name of a folder");
    ql_err_hint(err, "a folder is chosen before the file is made; put {sha256} into the file's name, behind the last '/'");
    return QL_E_CONFIG;
}

static enum ql_status put_placeholder(struct rendering *rendering, const struct ql_key_piece *piece, struct ql_err *err) {
    const struct ql_key_values *values = rendering->values;
    const struct {
        const char *name;
        int64_t us;
    } times[] = {{"start", values->start_us}, {"end", values->end_us}, {"now", values->now_us}};
    const struct {
        const char *name;
        struct ql_str value;
    } texts[] = {{"org", values->org},         {"source", values->source},
                 {"layout", values->layout},   {"export_id", values->export_id},
                 {"version", values->version}, {"sha256", values->sha256}};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        if (ql_str_eq(piece->name, ql_str_from(times[i].name))) {
            return put_time(rendering, piece, times[i].us, err);
        }
    }
    if (ql_str_eq(piece->name, QL_STR("sha256"))) {
        QL_TRY(check_sha256(rendering, piece, err));
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (ql_str_eq(piece->name, ql_str_from(texts[i].name))) {
            return put_text(rendering, piece, texts[i].value, err);
        }
    }
    return fail_unknown(rendering, piece, err);
}

static enum ql_status put_template(struct rendering *rendering, struct ql_err *err) {
    for (size_t at = 0; at < rendering->template.len;) {
        struct ql_key_piece piece;
        QL_TRY(ql_key_next(rendering->template, &at, &piece, err));
        const struct mark mark = {
            .at_key = rendering->key.len, .at_template = piece.at, .is_literal = piece.literal.ptr != NULL};
        ql_buf_put(&rendering->marks, &mark, sizeof mark);
        if (mark.is_literal) {
            ql_buf_put_str(&rendering->key, piece.literal);
        } else {
            QL_TRY(put_placeholder(rendering, &piece, err));
        }
    }
    return QL_OK;
}

/* Where in the template a byte of the key comes from. */
static size_t place_in_template(const struct rendering *rendering, size_t at_key) {
    size_t at_template = 0;
    for (size_t i = 0; i < rendering->marks.len; i += sizeof(struct mark)) {
        struct mark mark;
        memcpy(&mark, rendering->marks.ptr + i, sizeof mark);
        if (mark.at_key > at_key) {
            break;
        }
        at_template = mark.at_template + (mark.is_literal ? at_key - mark.at_key : 0);
    }
    return at_template;
}

/* Bytes of a message must be printable whatever the key has. */
static void put_printable(struct ql_str text, struct ql_buf *out) {
    size_t valid_len = ql_utf8_valid_len(text);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f || i >= valid_len) {
            ql_buf_printf(out, "\\x%02x", c);
        } else {
            ql_buf_putc(out, (char)c);
        }
    }
}

static enum ql_status check_key(const struct rendering *rendering, struct ql_err *err) {
    size_t at = 0;
    const char *fault = ql_key_find_fault(ql_buf_view(&rendering->key), rendering->values->is_file, &at);
    if (fault == NULL) {
        return QL_OK;
    }
    struct ql_buf shown = {0};
    put_printable(ql_buf_view(&rendering->key), &shown);
    (void)QL_FAIL(err, QL_E_USAGE, "the key '%.300s' %s (character %zu of its template)", ql_buf_text(&shown), fault,
                  ql_key_character(rendering->template, place_in_template(rendering, at)));
    ql_err_hint(err, "give another key or file name");
    ql_buf_fini(&shown);
    return QL_E_USAGE;
}

enum ql_status ql_key_render(struct ql_str template, const struct ql_key_values *values, struct ql_buf *out,
                             struct ql_err *err) {
    struct rendering rendering = {.template = template, .values = values};
    enum ql_status status = put_template(&rendering, err);
    if (status == QL_OK) {
        status = check_key(&rendering, err);
    }
    if (status == QL_OK) {
        ql_buf_put_str(out, ql_buf_view(&rendering.key));
    }
    ql_buf_fini(&rendering.key);
    ql_buf_fini(&rendering.marks);
    return status;
}

bool ql_key_mentions(struct ql_str template, const char *name) {
    for (size_t at = 0; at < template.len;) {
        struct ql_key_piece piece;
        if (ql_key_next(template, &at, &piece, NULL) != QL_OK) {
            return false; /* and rendering it says why */
        }
        if (piece.literal.ptr == NULL && ql_str_eq(piece.name, ql_str_from(name))) {
            return true;
        }
    }
    return false;
}

void ql_key_put_folder(struct ql_str template, struct ql_buf *out) {
    size_t len = template.len;
    while (len != 0 && template.ptr[len - 1] != '/') {
        len--;
    }
    len -= len != 0;
    bool is_in_format = false;
    for (size_t at = 0; at < len;) {
        struct ql_key_piece piece;
        if (ql_key_next(template, &at, &piece, NULL) != QL_OK) {
            break; /* and rendering it says why */
        }
        is_in_format = piece.literal.ptr == NULL && at > len;
    }
    ql_buf_put(out, template.ptr, len);
    ql_buf_puts(out, is_in_format ? "}" : "");
}

void ql_key_escape(struct ql_str text, struct ql_buf *out) {
    for (size_t i = 0; i < text.len; i++) {
        ql_buf_putc(out, text.ptr[i]);
        if (text.ptr[i] == '{' || text.ptr[i] == '}') {
            ql_buf_putc(out, text.ptr[i]);
        }
    }
}

void ql_key_put_version(struct ql_str name, int version, struct ql_buf *out) {
    size_t stem_len = name.len;
    for (size_t i = name.len; i > 1 && name.ptr[i - 1] != '/'; i--) {
        if (name.ptr[i - 1] == '.' && name.ptr[i - 2] != '/') { /* a name such as ".hidden" has no ending */
            stem_len = i - 1;
            break;
        }
    }
    ql_buf_put(out, name.ptr, stem_len);
    if (version > 1) {
        ql_buf_printf(out, ".v%d", version);
    }
    ql_buf_put(out, name.ptr + stem_len, name.len - stem_len);
}
