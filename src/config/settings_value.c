/*
 * Texts become values: one reader for flags, environment, file and defaults, so that a setting means the same wherever it is
 * written. Every error says where the text stands, what is wrong with it and what would be right, and quotes no secret.
 */
#include "config/config_internal.h"

#include "base/time.h"

#include <stdio.h>

enum { QUOTED_MAX = 80 };

struct unit {
    const char *name;
    int64_t factor;
};

static const struct unit DURATION_UNITS[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
static const struct unit BYTES_UNITS[] = {{"", 1},
                                          {"K", INT64_C(1) << 10},
                                          {"M", INT64_C(1) << 20},
                                          {"G", INT64_C(1) << 30},
                                          {"T", INT64_C(1) << 40},
                                          {"KiB", INT64_C(1) << 10},
                                          {"MiB", INT64_C(1) << 20},
                                          {"GiB", INT64_C(1) << 30},
                                          {"TiB", INT64_C(1) << 40}};

enum { N_DURATION_UNITS = sizeof DURATION_UNITS / sizeof DURATION_UNITS[0] };
enum { N_BYTES_UNITS = sizeof BYTES_UNITS / sizeof BYTES_UNITS[0] };

/* One for each SECRET row, in their order. */
enum {
    N_SECRETS = 0
#define QL_SETTING(kind, name, fallback, environment, section, commands, argument, help) +(QL_KIND_##kind == QL_KIND_SECRET)
#include "config/settings.def"
#undef QL_SETTING
};
_Static_assert(N_SECRETS == sizeof((struct ql_settings *)0)->secrets / sizeof(struct ql_str), "a place for each secret");

enum ql_status ql_place_wrap(const struct ql_place *place, struct ql_err *err) {
    enum ql_status status = place->layer == QL_FROM_FLAG      ? QL_E_USAGE
                            : place->layer == QL_FROM_DEFAULT ? QL_E_INTERNAL
                                                              : QL_E_CONFIG;
    ql_err_wrap(err, "%s", place->label);
    if (err != NULL) {
        err->status = status;
    }
    return status;
}

static void *field_of(struct ql_settings *settings, const struct ql_setting *setting) {
    return (char *)settings + setting->offset;
}

static const void *field_in(const struct ql_settings *settings, const struct ql_setting *setting) {
    return (const char *)settings + setting->offset;
}

static int quoted_len(struct ql_str text) {
    return (int)(text.len < QUOTED_MAX ? text.len : QUOTED_MAX);
}

static bool has_control(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

struct ql_setting_text {
    struct ql_settings *settings;
    const struct ql_setting *setting;
    struct ql_str text;
    const struct ql_place *place;
};

static void range_format(const struct ql_setting *setting, int64_t bound, struct ql_buf *out) {
    if (setting->kind == QL_KIND_DURATION) {
        ql_duration_format(bound, out);
    } else if (setting->kind == QL_KIND_BYTES) {
        ql_bytes_format(bound, out);
    } else {
        ql_buf_printf(out, "%lld", (long long)bound);
    }
}

static enum ql_status fail_range(const struct ql_setting_text *in, struct ql_err *err) {
    struct ql_buf range = {0};
    range_format(in->setting, in->setting->min, &range);
    if (in->setting->max == INT64_MAX) {
        ql_buf_puts(&range, " or more");
    } else {
        ql_buf_puts(&range, " to ");
        range_format(in->setting, in->setting->max, &range);
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is out of range (%s)", quoted_len(in->text), in->text.ptr, range.ptr);
    ql_err_hint(err, "give a value from that range");
    ql_buf_fini(&range);
    return status;
}

static enum ql_status set_number(const struct ql_setting_text *in, int64_t value, struct ql_err *err) {
    if (value < in->setting->min || value > in->setting->max) {
        return fail_range(in, err);
    }
    *(int64_t *)field_of(in->settings, in->setting) = value;
    return QL_OK;
}

static bool is_digits(struct ql_str text) {
    size_t i = text.len != 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    bool has_any = i < text.len;
    for (; i < text.len; i++) {
        has_any = has_any && text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    return has_any;
}

static enum ql_status set_int(const struct ql_setting_text *in, struct ql_err *err) {
    int64_t value = 0;
    if (ql_str_to_i64(in->text, &value)) {
        return set_number(in, value, err);
    }
    if (is_digits(in->text)) {
        return fail_range(in, err);
    }
    enum ql_status status = QL_PLACE_FAIL(in->place, err, "'%.*s' is no whole number", quoted_len(in->text), in->text.ptr);
    ql_err_hint(err, "write decimal digits only, such as %s", in->setting->fallback);
    return status;
}

enum scaled { SCALED_OK, SCALED_WRONG, SCALED_TOO_LARGE };

/* Digits, at most one point between digits, a unit; exact: "1.5s" are 1500 ms, "0.5ms" is wrong. */
static enum scaled parse_scaled(struct ql_str text, const struct unit *units, size_t n_units, int64_t *value) {
    int64_t mantissa = 0;
    int64_t scale = 1;
    bool has_point = false;
    bool ends_in_digit = false;
    size_t i = 0;
    for (; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.' && ends_in_digit && !has_point) {
            has_point = true;
            ends_in_digit = false;
            continue;
        }
        if (c < '0' || c > '9') {
            break;
        }
        ends_in_digit = true;
        if (__builtin_mul_overflow(mantissa, (int64_t)10, &mantissa) ||
            __builtin_add_overflow(mantissa, (int64_t)(c - '0'), &mantissa) ||
            (has_point && __builtin_mul_overflow(scale, (int64_t)10, &scale))) {
            return SCALED_TOO_LARGE;
        }
    }
    struct ql_str name = {.ptr = text.ptr + i, .len = text.len - i};
    for (size_t k = 0; ends_in_digit && k < n_units; k++) {
        if (ql_str_eq(name, ql_str_from(units[k].name))) {
            int64_t product = 0;
            if (__builtin_mul_overflow(mantissa, units[k].factor, &product)) {
                return SCALED_TOO_LARGE;
            }
            *value = product / scale;
            return product % scale == 0 ? SCALED_OK : SCALED_WRONG;
        }
    }
    return SCALED_WRONG;
}

static enum ql_status set_scaled(const struct ql_setting_text *in, struct ql_err *err) {
    bool is_duration = in->setting->kind == QL_KIND_DURATION;
    int64_t value = 0;
    enum scaled result = is_duration ? parse_scaled(in->text, DURATION_UNITS, N_DURATION_UNITS, &value)
                                     : parse_scaled(in->text, BYTES_UNITS, N_BYTES_UNITS, &value);
    if (result == SCALED_OK) {
        return set_number(in, value, err);
    }
    if (result == SCALED_TOO_LARGE) {
        return fail_range(in, err);
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is no %s", quoted_len(in->text), in->text.ptr, is_duration ? "duration" : "size");
    ql_err_hint(err, is_duration ? "write 500ms, 10s, 30m or 1h, or a number of seconds"
                                 : "write 64K, 16M or 1G (powers of 1024), or a number of bytes");
    return status;
}

static enum ql_status set_bool(const struct ql_setting_text *in, struct ql_err *err) {
    static const char *const TRUE_NAMES[] = {"true", "yes", "on", "1"};
    static const char *const FALSE_NAMES[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < sizeof TRUE_NAMES / sizeof TRUE_NAMES[0]; i++) {
        bool is_true = ql_str_eq_nocase(in->text, ql_str_from(TRUE_NAMES[i]));
        if (is_true || ql_str_eq_nocase(in->text, ql_str_from(FALSE_NAMES[i]))) {
            *(bool *)field_of(in->settings, in->setting) = is_true;
            return QL_OK;
        }
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is neither true nor false", quoted_len(in->text), in->text.ptr);
    ql_err_hint(err, "write true or false");
    return status;
}

static enum ql_status set_enum(const struct ql_setting_text *in, struct ql_err *err) {
    const char *names[16];
    char copies[16][32];
    size_t n = 0;
    struct ql_str name;
    struct ql_buf listed = {0};
    for (const char *choices = in->setting->choices; ql_choices_next(&choices, &name);) {
        if (ql_str_eq(in->text, name)) {
            *(int *)field_of(in->settings, in->setting) = (int)n;
            ql_buf_fini(&listed);
            return QL_OK;
        }
        (void)snprintf(copies[n], sizeof copies[n], "%.*s", QL_STR_ARG(name));
        names[n] = copies[n];
        ql_buf_printf(&listed, "%s%.*s", n == 0 ? "" : ", ", QL_STR_ARG(name));
        n++;
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is none of %s", quoted_len(in->text), in->text.ptr, listed.ptr);
    const char *nearest = ql_str_nearest(in->text, names, n);
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '%s'?", nearest);
    } else {
        ql_err_hint(err, "write one of %s", listed.ptr);
    }
    ql_buf_fini(&listed);
    return status;
}

static enum ql_status check_round(const struct ql_setting_text *in, struct ql_err *err) {
    int64_t digits = 0;
    if (ql_str_eq(in->text, QL_STR("none")) ||
        (ql_str_to_i64(in->text, &digits) && digits >= 0 && digits <= 15 && in->text.ptr[0] != '-' && in->text.ptr[0] != '+')) {
        return QL_OK;
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is neither 0 to 15 nor none", quoted_len(in->text), in->text.ptr);
    ql_err_hint(err, "write a number of decimals from 0 to 15, or none");
    return status;
}

static enum ql_status check_time(const struct ql_setting_text *in, struct ql_err *err) {
    struct ql_time_text time;
    if (in->text.len == 0 || ql_time_parse_iso(in->text, &time)) {
        return QL_OK;
    }
    enum ql_status status =
        QL_PLACE_FAIL(in->place, err, "'%.*s' is neither a date nor an ISO 8601 time", quoted_len(in->text), in->text.ptr);
    ql_err_hint(err, "write 2024-01-31, 2024-01-31T09:30 or 2024-01-31T09:30:00Z");
    return status;
}

static enum ql_status check_zone(const struct ql_setting_text *in, struct ql_err *err) {
    if (in->place->layer == QL_FROM_DEFAULT) {
        return QL_OK;
    }
    struct ql_tz *tz = NULL;
    struct ql_err cause = {0};
    if (ql_tz_open(in->text, &tz, &cause) == QL_OK) {
        ql_tz_free(tz);
        return QL_OK;
    }
    enum ql_status status = QL_PLACE_FAIL(in->place, err, "%s", cause.message);
    ql_err_hint(err, "%s", ql_err_get_hint(&cause));
    return status;
}

static enum ql_status set_period(const struct ql_setting_text *in, struct ql_err *err) {
    if (ql_period_parse(in->text, field_of(in->settings, in->setting))) {
        return QL_OK;
    }
    enum ql_status status = QL_PLACE_FAIL(in->place, err, "'%.*s' is no period", quoted_len(in->text), in->text.ptr);
    ql_err_hint(err, "write 30m, 1h, 1d or an ISO 8601 period such as PT30M");
    return status;
}

static struct ql_str keep(struct ql_settings *settings, struct ql_str text) {
    return (struct ql_str){.ptr = ql_arena_copy(&settings->arena, text.ptr, text.len), .len = text.len};
}

static enum ql_status set_text(const struct ql_setting_text *in, struct ql_err *err) {
    switch (in->setting->kind) {
    case QL_KIND_TIME:
        QL_TRY(check_time(in, err));
        break;
    case QL_KIND_ZONE:
        QL_TRY(check_zone(in, err));
        break;
    case QL_KIND_ROUND:
        QL_TRY(check_round(in, err));
        break;
    default:
        break;
    }
    *(struct ql_str *)field_of(in->settings, in->setting) = keep(in->settings, in->text);
    return QL_OK;
}

/* Apart from the arena, so that fini can overwrite it. */
static void set_secret(const struct ql_setting_text *in) {
    size_t index = 0;
    for (int id = 0; ql_setting_get((enum ql_setting_id)id) != in->setting; id++) {
        index += ql_setting_get((enum ql_setting_id)id)->kind == QL_KIND_SECRET;
    }
    struct ql_str *owned = &in->settings->secrets[index];
    char *old = (char *)(uintptr_t)owned->ptr;
    *owned = (struct ql_str){.ptr = ql_mem_strndup(in->text.ptr, in->text.len), .len = in->text.len};
    ql_mem_free_secret(old, old != NULL ? strlen(old) : 0);
    *(struct ql_str *)field_of(in->settings, in->setting) = *owned;
}

static enum ql_status check_item(const struct ql_setting_text *in, struct ql_err *err) {
    bool is_pair = in->setting->kind == QL_KIND_PAIRS;
    struct ql_str value;
    struct ql_str key = ql_str_split(in->text, '=', &value);
    if (in->text.len == 0) {
        enum ql_status status = QL_PLACE_FAIL(in->place, err, "an item is empty");
        ql_err_hint(err, "write the items with one comma between two");
        return status;
    }
    if (has_control(in->text)) {
        return QL_PLACE_FAIL(in->place, err, "a control character stands in an item");
    }
    if (is_pair && (key.len == 0 || value.ptr == NULL)) {
        enum ql_status status = QL_PLACE_FAIL(in->place, err, "'%.*s' is no key=value", quoted_len(in->text), in->text.ptr);
        ql_err_hint(err, "write it like team=lake");
        return status;
    }
    return QL_OK;
}

enum ql_status ql_setting_set_list(struct ql_settings *settings, enum ql_setting_id id, const struct ql_str *items,
                                   size_t n_items, const struct ql_place *place, struct ql_err *err) {
    const struct ql_setting *setting = ql_setting_get(id);
    if (n_items == 0) {
        enum ql_status status = QL_PLACE_FAIL(place, err, "the list is empty");
        ql_err_hint(err, "name at least one, or leave the setting out");
        return status;
    }
    struct ql_list list = {.items = ql_arena_alloc(&settings->arena, n_items * sizeof *items), .n = n_items, .is_set = true};
    for (size_t i = 0; i < n_items; i++) {
        struct ql_setting_text in = {.settings = settings, .setting = setting, .text = items[i], .place = place};
        QL_TRY(check_item(&in, err));
        list.items[i] = keep(settings, items[i]);
    }
    *(struct ql_list *)field_of(settings, setting) = list;
    settings->origins[id] = (struct ql_setting_origin){.layer = place->layer, .where = place->where};
    return QL_OK;
}

static enum ql_status set_split(struct ql_settings *settings, enum ql_setting_id id, struct ql_str text,
                                const struct ql_place *place, struct ql_err *err) {
    struct ql_str *items = NULL;
    size_t n = 0;
    size_t cap = 0;
    do {
        QL_MEM_GROW(items, cap, n + 1);
        items[n++] = ql_str_trim(ql_str_split(text, ',', &text));
    } while (text.ptr != NULL);
    enum ql_status status = ql_setting_set_list(settings, id, items, n, place, err);
    ql_mem_free(items);
    return status;
}

static enum ql_status set_by_kind(const struct ql_setting_text *in, struct ql_err *err) {
    switch (in->setting->kind) {
    case QL_KIND_INT:
        return set_int(in, err);
    case QL_KIND_BYTES:
    case QL_KIND_DURATION:
        return set_scaled(in, err);
    case QL_KIND_PERIOD:
        return set_period(in, err);
    case QL_KIND_BOOL:
        return set_bool(in, err);
    case QL_KIND_ENUM:
        return set_enum(in, err);
    case QL_KIND_SECRET:
        set_secret(in);
        return QL_OK;
    default:
        return set_text(in, err);
    }
}

enum ql_status ql_setting_set(struct ql_settings *settings, enum ql_setting_id id, struct ql_str text,
                              const struct ql_place *place, struct ql_err *err) {
    const struct ql_setting *setting = ql_setting_get(id);
    if (setting->kind == QL_KIND_LIST || setting->kind == QL_KIND_PAIRS) {
        return set_split(settings, id, text, place, err);
    }
    if (has_control(text)) {
        return QL_PLACE_FAIL(place, err, "a control character stands in the value");
    }
    struct ql_setting_text in = {.settings = settings, .setting = setting, .text = text, .place = place};
    QL_TRY(set_by_kind(&in, err));
    settings->origins[id] = (struct ql_setting_origin){.layer = place->layer, .where = place->where};
    return QL_OK;
}

/* ---- values become texts ---- */

static void format_scaled(int64_t value, const struct unit *units, size_t n_units, struct ql_buf *out) {
    const struct unit *best = &units[0];
    for (size_t i = 0; i < n_units; i++) {
        if (units[i].name[0] != '\0' && value % units[i].factor == 0 && units[i].factor >= best->factor) {
            best = &units[i];
        }
    }
    ql_buf_printf(out, "%lld%s", (long long)(value / best->factor), best->name);
}

void ql_duration_format(int64_t ms, struct ql_buf *out) {
    /* Without the bare number, which would be read as seconds. */
    format_scaled(ms, DURATION_UNITS + 1, ms == 0 ? 1 : N_DURATION_UNITS - 1, out);
}

void ql_bytes_format(int64_t bytes, struct ql_buf *out) {
    enum { N_SHORT_UNITS = 5 };
    format_scaled(bytes, BYTES_UNITS, bytes == 0 ? 1 : N_SHORT_UNITS, out);
}

static void period_format(int64_t us, struct ql_buf *out) {
    static const struct unit UNITS[] = {
        {"s", QL_US_PER_S}, {"m", 60 * QL_US_PER_S}, {"h", 3600 * QL_US_PER_S}, {"d", 86400 * QL_US_PER_S}};
    if (us != 0) {
        format_scaled(us, UNITS, sizeof UNITS / sizeof UNITS[0], out);
    }
}

/* Whatever stands before the last '@' of a URL could be a password; keys and tags may hold one without harm. */
static void text_format(const struct ql_setting *setting, struct ql_str text, struct ql_buf *out) {
    size_t from = 0;
    bool may_hold_password = strstr(setting->name, "proxy") != NULL;
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (memcmp(text.ptr + i, "://", 3) == 0) {
            from = i + 3;
            may_hold_password = may_hold_password || (text.len >= 4 && memcmp(text.ptr, "http", 4) == 0);
            break;
        }
    }
    size_t at = text.len;
    while (at > from && text.ptr[at - 1] != '@') {
        at--;
    }
    if (may_hold_password && at > from) {
        ql_buf_put(out, text.ptr, from);
        ql_buf_puts(out, "***@");
        ql_buf_put(out, text.ptr + at, text.len - at);
    } else {
        ql_buf_put_str(out, text);
    }
}

static void list_format(const struct ql_list *list, struct ql_buf *out) {
    for (size_t i = 0; i < list->n; i++) {
        ql_buf_printf(out, "%s%.*s", i == 0 ? "" : ",", QL_STR_ARG(list->items[i]));
    }
}

static void enum_format(const struct ql_setting *setting, int value, struct ql_buf *out) {
    struct ql_str name = {0};
    const char *choices = setting->choices;
    for (int i = 0; i <= value; i++) {
        (void)ql_choices_next(&choices, &name);
    }
    ql_buf_put_str(out, name);
}

bool ql_setting_has_value(const struct ql_settings *settings, enum ql_setting_id id) {
    const struct ql_setting *setting = ql_setting_get(id);
    const void *field = field_in(settings, setting);
    switch (setting->kind) {
    case QL_KIND_INT:
    case QL_KIND_BYTES:
    case QL_KIND_DURATION:
    case QL_KIND_BOOL:
    case QL_KIND_ENUM:
        return true;
    case QL_KIND_PERIOD:
        return *(const int64_t *)field != 0;
    case QL_KIND_LIST:
    case QL_KIND_PAIRS:
        return ((const struct ql_list *)field)->is_set;
    default:
        return ((const struct ql_str *)field)->ptr != NULL;
    }
}

void ql_setting_format(const struct ql_settings *settings, enum ql_setting_id id, struct ql_buf *out) {
    const struct ql_setting *setting = ql_setting_get(id);
    const void *field = field_in(settings, setting);
    if (!ql_setting_has_value(settings, id)) {
        return;
    }
    switch (setting->kind) {
    case QL_KIND_SECRET:
        ql_buf_puts(out, "***");
        break;
    case QL_KIND_INT:
        ql_buf_printf(out, "%lld", (long long)*(const int64_t *)field);
        break;
    case QL_KIND_BYTES:
        ql_bytes_format(*(const int64_t *)field, out);
        break;
    case QL_KIND_DURATION:
        ql_duration_format(*(const int64_t *)field, out);
        break;
    case QL_KIND_PERIOD:
        period_format(*(const int64_t *)field, out);
        break;
    case QL_KIND_BOOL:
        ql_buf_puts(out, *(const bool *)field ? "true" : "false");
        break;
    case QL_KIND_ENUM:
        enum_format(setting, *(const int *)field, out);
        break;
    case QL_KIND_LIST:
    case QL_KIND_PAIRS:
        list_format(field, out);
        break;
    default:
        text_format(setting, *(const struct ql_str *)field, out);
        break;
    }
}
