/**
 * Key templates: literal text and placeholders become the object's key or the file's name.
 *
 * The formats are a fixed set of our own, not strftime, whose meaning depends on locale and platform and which would take any
 * '%' of the user's text (fluent-bit#8884: "%2F" read as %F). The rendered key is checked as a whole, whatever its parts were,
 * so that neither a template nor a value from a server can leave the place that the literal text names.
 */
#include "store/store_internal.h"

#include "base/unicode.h"

enum { MAX_KEY_BYTES = 1024 /* S3: "Creating object key names" */ };

static const char *const NAMES[] = {"start", "end", "layout", "source", "export_id", "version"};
enum { N_NAMES = sizeof NAMES / sizeof NAMES[0] };

static enum ql_status fail_format(struct ql_str placeholder, struct ql_err *err) {
    QL_FAIL(err, QL_E_CONFIG, "the format of '{%.*s}' in the key template is not known", QL_STR_ARG(placeholder));
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

static enum ql_status fail_no_value(struct ql_str name, struct ql_err *err) {
    QL_FAIL(err, QL_E_USAGE, "the key template mentions '{%.*s}', which has no value here", QL_STR_ARG(name));
    if (ql_str_eq(name, QL_STR("export_id"))) {
        ql_err_hint(err, "only an export has an id; take {export_id} out of the template");
    } else if (ql_str_eq(name, QL_STR("start")) || ql_str_eq(name, QL_STR("end"))) {
        ql_err_hint(err, "the input has no interval; name the file, or say --from and --to");
    } else {
        ql_err_hint(err, "take it out of the template");
    }
    return QL_E_USAGE;
}

static enum ql_status put_time(struct ql_str placeholder, int64_t us, const struct ql_key_values *values, struct ql_buf *out,
                               struct ql_err *err) {
    struct ql_str format;
    struct ql_str name = ql_str_split(placeholder, ':', &format);
    if (us == QL_TIME_NONE) {
        return fail_no_value(name, err);
    }
    if (format.ptr == NULL) {
        put_default_format(us, values, out);
        return QL_OK;
    }
    struct ql_civil civil;
    to_local(us, values->tz, &civil);
    return put_format(format, &civil, out) ? QL_OK : fail_format(placeholder, err);
}

static enum ql_status fail_unknown(struct ql_str name, struct ql_err *err) {
    QL_FAIL(err, QL_E_CONFIG, "the key template mentions '{%.*s}', which is no placeholder", QL_STR_ARG(name));
    const char *nearest = ql_str_nearest(name, NAMES, N_NAMES);
    ql_err_hint(err,
                "%s%s%sthere are {start} {end} {layout} {source} {export_id} {version}; a brace itself is written {{ or }}",
                nearest != NULL ? "did you mean {" : "", nearest != NULL ? nearest : "", nearest != NULL ? "}? " : "");
    return QL_E_CONFIG;
}

static enum ql_status put_placeholder(struct ql_str placeholder, const struct ql_key_values *values, struct ql_buf *out,
                                      struct ql_err *err) {
    struct ql_str format;
    struct ql_str name = ql_str_split(placeholder, ':', &format);
    if (ql_str_eq(name, QL_STR("start"))) {
        return put_time(placeholder, values->start_us, values, out, err);
    }
    if (ql_str_eq(name, QL_STR("end"))) {
        return put_time(placeholder, values->end_us, values, out, err);
    }
    const struct {
        const char *name;
        struct ql_str value;
    } texts[] = {
        {"layout", values->layout}, {"source", values->source}, {"export_id", values->export_id}, {"version", values->version}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (!ql_str_eq(name, ql_str_from(texts[i].name))) {
            continue;
        }
        if (format.ptr != NULL) {
            QL_FAIL(err, QL_E_CONFIG, "'{%.*s}' in the key template is a text and takes no format", QL_STR_ARG(placeholder));
            ql_err_hint(err, "write {%s}", texts[i].name);
            return QL_E_CONFIG;
        }
        if (texts[i].value.len == 0) {
            return fail_no_value(name, err);
        }
        ql_http_encode(texts[i].value, false, out);
        return QL_OK;
    }
    return fail_unknown(name, err);
}

static enum ql_status put_template(struct ql_str template, const struct ql_key_values *values, struct ql_buf *out,
                                   struct ql_err *err) {
    for (size_t i = 0; i < template.len; i++) {
        char c = template.ptr[i];
        bool is_doubled = i + 1 < template.len && template.ptr[i + 1] == c;
        if (c != '{' && c != '}') {
            ql_buf_putc(out, c);
        } else if (is_doubled) {
            ql_buf_putc(out, c);
            i++;
        } else {
            struct ql_str rest = {.ptr = template.ptr + i + 1, .len = template.len - i - 1};
            const char *close = c == '{' && rest.len != 0 ? memchr(rest.ptr, '}', rest.len) : NULL;
            if (close == NULL) {
                QL_FAIL(err, QL_E_CONFIG, "the key template '%.*s' has a lone '%c'", QL_STR_ARG(template), c);
                ql_err_hint(err, "write {{ or }} for a brace itself");
                return QL_E_CONFIG;
            }
            struct ql_str placeholder = {.ptr = rest.ptr, .len = (size_t)(close - rest.ptr)};
            QL_TRY(put_placeholder(placeholder, values, out, err));
            i += placeholder.len + 1;
        }
    }
    return QL_OK;
}

const char *ql_key_fault(struct ql_str key) {
    if (key.len == 0) {
        return "is empty";
    }
    if (key.len > MAX_KEY_BYTES) {
        return "is longer than 1024 bytes";
    }
    if (!ql_utf8_is_valid(key)) {
        return "is not valid UTF-8";
    }
    for (size_t i = 0; i < key.len; i++) {
        unsigned char c = (unsigned char)key.ptr[i];
        bool is_c1 = c == 0xc2 && (unsigned char)key.ptr[i + 1] < 0xa0; /* U+0080 to U+009F; valid UTF-8 goes on behind 0xc2 */
        if (c < 0x20 || c == 0x7f || is_c1) {
            return "contains a control character";
        }
    }
    if (key.ptr[0] == '/') {
        return "begins with '/'";
    }
    struct ql_str rest = key;
    while (rest.ptr != NULL) {
        struct ql_str segment = ql_str_split(rest, '/', &rest);
        if (segment.len == 0) {
            return rest.ptr == NULL ? "ends with '/'" : "has an empty part between two '/'";
        }
        if (ql_str_eq(segment, QL_STR(".")) || ql_str_eq(segment, QL_STR(".."))) {
            return "has '.' or '..' as a part";
        }
    }
    return NULL;
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

enum ql_status ql_key_render(struct ql_str template, const struct ql_key_values *values, struct ql_buf *out,
                             struct ql_err *err) {
    struct ql_buf key = {0};
    enum ql_status status = put_template(template, values, &key, err);
    const char *fault = status == QL_OK ? ql_key_fault(ql_buf_view(&key)) : NULL;
    if (fault != NULL) {
        struct ql_buf shown = {0};
        put_printable(ql_buf_view(&key), &shown);
        status = QL_FAIL(err, QL_E_USAGE, "the key '%.300s' %s", ql_buf_text(&shown), fault);
        ql_err_hint(err, "give another key or file name");
        ql_buf_fini(&shown);
    }
    if (status == QL_OK) {
        ql_buf_put_str(out, ql_buf_view(&key));
    }
    ql_buf_fini(&key);
    return status;
}

enum ql_status ql_key_check(struct ql_str template, struct ql_err *err) {
    /* Any values will do: those of a run cannot change the shape of the key. */
    const struct ql_key_values values = {.start_us = 0,
                                         .end_us = 86400 * QL_US_PER_S,
                                         .layout = QL_STR("wide"),
                                         .source = QL_STR("exports"),
                                         .export_id = QL_STR("id"),
                                         .version = QL_STR("1.0.0")};
    struct ql_buf key = {0};
    enum ql_status status = ql_key_render(template, &values, &key, err);
    ql_buf_fini(&key);
    return status;
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
