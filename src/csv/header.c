/*
 * The header row: names are normalised, looked up, and bound to what the caller asked for (semantics, section 2).
 *
 * A name is looked up in this order: the user's aliases; the name itself where it is one that is asked for; the built-in
 * table; else it stands for itself. Only the interval, a queue column and required metrics must be there. The interval comes
 * from `time_interval`, else from `interval_start`; `interval_end` says the end where that cell holds a start alone.
 */
#include "csv/csv_internal.h"

#include "base/unicode.h"

#include <stdio.h>
#include <stdlib.h>

enum { LISTED_BYTES_MAX = 360 }; /* what a message spends on the names that a file has */

/* Length of a blank at the front of s: ASCII's, and the no-break spaces that spreadsheets write. */
static size_t blank_len(struct ql_str s) {
    static const char *const BLANKS[] = {" ", "\t", "\r", "\n", "\v", "\f", "\xC2\xA0", "\xE2\x80\xAF"};
    for (size_t i = 0; i < sizeof BLANKS / sizeof BLANKS[0]; i++) {
        if (ql_str_has_prefix(s, BLANKS[i])) {
            return strlen(BLANKS[i]);
        }
    }
    return 0;
}

static struct ql_str skip(struct ql_str s, size_t n) {
    return (struct ql_str){.ptr = s.ptr + n, .len = s.len - n};
}

static struct ql_str trim_name(struct ql_str s) {
    for (size_t n = blank_len(s); n != 0; n = blank_len(s)) {
        s = skip(s, n);
    }
    size_t end = 0;
    for (size_t i = 0; i < s.len;) {
        size_t n = blank_len(skip(s, i));
        i += n != 0 ? n : 1;
        end = n != 0 ? end : i;
    }
    s.len = end;
    return s;
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Length of what becomes '_' at the front of s. */
static size_t separator_len(struct ql_str s) {
    return s.len != 0 && (s.ptr[0] == '.' || s.ptr[0] == '-' || s.ptr[0] == '/') ? 1 : blank_len(s);
}

/* Letters are lowered in ASCII only, so that the result does not depend on a version of Unicode. */
void ql_csv_normalise_name(struct ql_str name, struct ql_buf *out) {
    name = trim_name(name);
    if (ql_str_has_prefix(name, "\xEF\xBB\xBF")) {
        name = trim_name(skip(name, 3));
    }
    char before = '\0';
    while (name.len != 0) {
        size_t n = separator_len(name);
        if (n != 0) {
            while (n != 0) {
                name = skip(name, n);
                n = separator_len(name);
            }
            ql_buf_putc(out, '_');
            before = '\0';
            continue;
        }
        char c = name.ptr[0];
        if (is_upper(c) && is_lower_or_digit(before)) {
            ql_buf_putc(out, '_');
        }
        ql_buf_putc(out, is_upper(c) ? (char)(c - 'A' + 'a') : c);
        before = c;
        name = skip(name, 1);
    }
}

static struct ql_str copy_normalised(struct ql_str name, struct ql_arena *arena) {
    struct ql_buf buf = {0};
    ql_csv_normalise_name(name, &buf);
    struct ql_str copy = {.ptr = ql_arena_copy(arena, ql_buf_text(&buf), buf.len), .len = buf.len};
    ql_buf_fini(&buf);
    return copy;
}

/* The exponent of a power of ten up to 10^18; -1: it is none. 0 stands for "not given". */
static int log10_of(int64_t value) {
    if (value == 0) {
        return 0;
    }
    for (int n = 0; n <= QL_CSV_SCALE_MAX; n++) {
        if (ql_csv_pow10(n) == value) {
            return n;
        }
    }
    return -1;
}

/* An alias may lead to a name that a source uses, as long as that has no scale of its own. */
static struct ql_str canonical_of(struct ql_str to) {
    const struct ql_csv_name *name = ql_csv_alias_find(to);
    return name != NULL && name->shift == 0 ? name->to : to;
}

enum ql_status ql_csv_wanted_init(struct ql_csv_wanted *wanted, const struct ql_csv_options *options, struct ql_arena *arena,
                                  struct ql_err *err) {
    *wanted = (struct ql_csv_wanted){.metrics = options->metrics, .n_metrics = options->n_metrics};
    wanted->aliases = ql_arena_alloc(arena, options->n_aliases * sizeof *wanted->aliases);
    for (size_t i = 0; i < options->n_aliases; i++) {
        const struct ql_csv_alias *alias = &options->aliases[i];
        int multiply = log10_of(alias->multiply);
        int divide = log10_of(alias->divide);
        if (multiply < 0 || divide < 0) {
            (void)QL_FAIL(err, QL_E_CONFIG, "the scale of alias '%.*s' is no power of ten", QL_STR_ARG(alias->from));
            ql_err_hint(err, "'multiply' and 'divide' may be 1, 10, 100 and so on");
            return QL_E_CONFIG;
        }
        wanted->aliases[wanted->n_aliases++] = (struct ql_csv_name){
            .from = copy_normalised(alias->from, arena), .to = copy_normalised(alias->to, arena), .shift = multiply - divide};
    }
    return QL_OK;
}

static const char *const INTERVAL_NAMES[] = {"time_interval", "interval_start", "interval_end"};
static const char *const QUEUE_NAMES[] = {"queue_id", "queue_name"};

static bool is_asked_for(const struct ql_csv_wanted *wanted, struct ql_str name) {
    for (size_t i = 0; i < wanted->n_metrics; i++) {
        if (ql_str_eq(wanted->metrics[i].name, name)) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof INTERVAL_NAMES / sizeof INTERVAL_NAMES[0]; i++) {
        if (ql_str_eq(name, ql_str_from(INTERVAL_NAMES[i]))) {
            return true;
        }
    }
    return ql_str_eq(name, ql_str_from(QUEUE_NAMES[0])) || ql_str_eq(name, ql_str_from(QUEUE_NAMES[1]));
}

/* includeDurationFormatInHeader appends the unit: "Avg Handle (Seconds)". What has colons or letters says its unit itself. */
static bool find_with_unit(struct ql_str from, struct ql_csv_name *name) {
    static const struct {
        const char *unit;
        int shift;
    } UNITS[] = {{"_(milliseconds)", -3}, {"_(ms)", -3}, {"_(seconds)", 0}, {"_(s)", 0}, {"_(hh:mm:ss)", 0}};
    for (size_t i = 0; i < sizeof UNITS / sizeof UNITS[0]; i++) {
        if (ql_str_has_suffix(from, UNITS[i].unit)) {
            const struct ql_csv_name *bare =
                ql_csv_alias_find((struct ql_str){.ptr = from.ptr, .len = from.len - strlen(UNITS[i].unit)});
            if (bare != NULL && bare->shift == QL_CSV_MS_TO_S) {
                *name = (struct ql_csv_name){.from = from, .to = bare->to, .shift = UNITS[i].shift};
                return true;
            }
        }
    }
    return false;
}

static struct ql_csv_name resolve(const struct ql_csv_wanted *wanted, struct ql_str from) {
    for (size_t i = 0; i < wanted->n_aliases; i++) {
        if (ql_str_eq(wanted->aliases[i].from, from)) {
            struct ql_csv_name name = wanted->aliases[i];
            name.to = is_asked_for(wanted, name.to) ? name.to : canonical_of(name.to);
            return name;
        }
    }
    const struct ql_csv_name *built_in = is_asked_for(wanted, from) ? NULL : ql_csv_alias_find(from);
    struct ql_csv_name with_unit;
    if (built_in == NULL && find_with_unit(from, &with_unit)) {
        return with_unit;
    }
    return built_in != NULL ? *built_in : (struct ql_csv_name){.from = from, .to = from};
}

bool ql_csv_columns_read(struct ql_csv_columns *columns, const struct ql_csv_row *row, const struct ql_csv_wanted *wanted,
                         struct ql_arena *arena, size_t *bad) {
    struct ql_buf scratch = {0};
    bool is_valid = true;
    *columns = (struct ql_csv_columns){.n_columns = row->n_fields};
    columns->spelled = ql_arena_alloc(arena, row->n_fields * sizeof *columns->spelled);
    columns->names = ql_arena_alloc(arena, row->n_fields * sizeof *columns->names);
    for (size_t i = 0; i < row->n_fields; i++) {
        struct ql_str name = trim_name(ql_csv_row_field(row, i, &scratch));
        if (is_valid && !ql_utf8_is_valid(name)) {
            is_valid = false;
            *bad = i;
        }
        columns->spelled[i] =
            (struct ql_str){.ptr = ql_arena_copy(arena, name.len != 0 ? name.ptr : "", name.len), .len = name.len};
        columns->names[i] = resolve(wanted, copy_normalised(name, arena));
    }
    ql_buf_fini(&scratch);
    return is_valid;
}

size_t ql_csv_columns_count_known(const struct ql_csv_columns *columns, const struct ql_csv_wanted *wanted) {
    size_t n = 0;
    for (size_t i = 0; i < columns->n_columns; i++) {
        n += is_asked_for(wanted, columns->names[i].to);
    }
    return n;
}

static size_t find(const struct ql_csv_columns *columns, struct ql_str name) {
    for (size_t i = 0; i < columns->n_columns; i++) {
        if (ql_str_eq(columns->names[i].to, name)) {
            return i;
        }
    }
    return QL_CSV_NONE;
}

static size_t find_text(const struct ql_csv_columns *columns, const char *name) {
    return find(columns, ql_str_from(name));
}

/* ---- two columns of one name ---- */

struct sorted_name {
    struct ql_str name;
    size_t column;
};

static int compare_names(const void *a, const void *b) {
    const struct sorted_name *x = a;
    const struct sorted_name *y = b;
    int order = ql_str_cmp(x->name, y->name);
    return order != 0 ? order : (x->column > y->column) - (x->column < y->column);
}

/* Columns without a name (a delimiter at the line's end) stand for nothing, so they cannot collide. */
static enum ql_status check_collisions(const struct ql_csv_columns *columns, struct ql_err *err) {
    struct sorted_name *names = ql_mem_zalloc(columns->n_columns, sizeof *names);
    for (size_t i = 0; i < columns->n_columns; i++) {
        names[i] = (struct sorted_name){.name = columns->names[i].to, .column = i};
    }
    qsort(names, columns->n_columns, sizeof *names, compare_names);
    enum ql_status status = QL_OK;
    for (size_t i = 1; i < columns->n_columns && status == QL_OK; i++) {
        if (names[i].name.len != 0 && ql_str_eq(names[i].name, names[i - 1].name)) {
            size_t a = names[i - 1].column;
            size_t b = names[i].column;
            struct ql_buf text = {0};
            ql_buf_puts(&text, "columns ");
            ql_csv_put_excerpt(&text, columns->spelled[a]);
            ql_buf_printf(&text, " (column %zu) and ", a + 1);
            ql_csv_put_excerpt(&text, columns->spelled[b]);
            ql_buf_printf(&text, " (column %zu) both mean ", b + 1);
            ql_csv_put_excerpt(&text, names[i].name);
            status = QL_FAIL(err, QL_E_COLLISION, "%s", text.ptr);
            ql_buf_fini(&text);
            ql_err_hint(err, "leave one of them out of the export, or give one another name in 'aliases' of the configuration");
        }
    }
    ql_mem_free(names);
    return status;
}

/* ---- columns that are missing ---- */

/* "'a', 'b' and 12 more" */
static void list_columns(const struct ql_csv_columns *columns, struct ql_buf *out) {
    for (size_t i = 0; i < columns->n_columns; i++) {
        if (out->len > LISTED_BYTES_MAX) {
            ql_buf_printf(out, " and %zu more", columns->n_columns - i);
            return;
        }
        ql_buf_puts(out, i != 0 ? ", " : "");
        ql_csv_put_excerpt(out, columns->spelled[i]);
    }
}

/* A column that stands for something already is no candidate for something else. */
static bool is_bound(const struct ql_csv_columns *columns, size_t i) {
    bool is_metric = false;
    for (size_t m = 0; m < columns->n_metrics; m++) {
        is_metric = is_metric || columns->metric[m] == i;
    }
    return is_metric || i == columns->interval || i == columns->interval_end || i == columns->queue_id ||
           i == columns->queue_name || i == columns->completed;
}

/* The column whose name is most like `name` (as spelled, normalised or resolved); QL_CSV_NONE if none is near. */
static size_t find_nearest(const struct ql_csv_columns *columns, struct ql_str name) {
    size_t best = QL_CSV_NONE;
    size_t best_distance = name.len / 3 + 1; /* more edits make another word */
    for (size_t i = 0; i < columns->n_columns; i++) {
        struct ql_str from = columns->names[i].from;
        if (from.len == 0 || from.len > 4 * name.len || is_bound(columns, i)) {
            continue;
        }
        size_t distance = ql_str_distance(name, from);
        if (distance < best_distance) {
            best = i;
            best_distance = distance;
        }
    }
    if (best != QL_CSV_NONE) {
        return best;
    }
    for (size_t i = 0; i < columns->n_columns; i++) { /* one name within the other: "offered", "queue_name_of_the_call" */
        struct ql_str from = columns->names[i].from;
        if (from.len >= 4 && !is_bound(columns, i) &&
            (memmem(name.ptr, name.len, from.ptr, from.len) != NULL ||
             memmem(from.ptr, from.len, name.ptr, name.len) != NULL)) {
            return i;
        }
    }
    return QL_CSV_NONE;
}

struct missing {
    struct ql_buf names, nearest;
};

static void add_missing(struct missing *missing, const struct ql_csv_columns *columns, const char *said,
                        const char *const *names, size_t n) {
    ql_buf_puts(&missing->names, missing->names.len != 0 ? ", " : "");
    ql_buf_puts(&missing->names, said);
    for (size_t i = 0; i < n; i++) {
        size_t nearest = find_nearest(columns, ql_str_from(names[i]));
        if (nearest != QL_CSV_NONE && missing->nearest.len < LISTED_BYTES_MAX / 2) {
            ql_buf_puts(&missing->nearest, missing->nearest.len != 0 ? ", " : "");
            ql_csv_put_excerpt(&missing->nearest, columns->spelled[nearest]);
            ql_buf_printf(&missing->nearest, " for %s", names[i]);
            return;
        }
    }
}

static enum ql_status fail_missing(const struct missing *missing, const struct ql_csv_columns *columns, struct ql_err *err) {
    struct ql_buf list = {0};
    list_columns(columns, &list);
    (void)QL_FAIL(err, QL_E_NO_COLUMN, "no column for %.220s; the columns are %s", ql_buf_text(&missing->names),
                  ql_buf_text(&list));
    ql_buf_fini(&list);
    if (columns->n_columns == 1) {
        ql_err_hint(err, "there is one column only: see whether --delimiter is right");
    } else if (missing->nearest.len != 0) {
        ql_err_hint(err, "nearest: %s; if that is meant, say so in 'aliases' of the configuration",
                    ql_buf_text(&missing->nearest));
    }
    return QL_E_NO_COLUMN;
}

static enum ql_status check_missing(const struct ql_csv_columns *columns, const struct ql_csv_wanted *wanted,
                                    struct ql_err *err) {
    struct missing missing = {0};
    if (columns->interval == QL_CSV_NONE) {
        add_missing(&missing, columns, "the interval (time_interval, or interval_start and interval_end)", INTERVAL_NAMES, 3);
    }
    if (columns->queue_id == QL_CSV_NONE && columns->queue_name == QL_CSV_NONE) {
        const char *const names[] = {QUEUE_NAMES[1], QUEUE_NAMES[0]};
        add_missing(&missing, columns, "the queue (queue_name or queue_id)", names, 2);
    }
    for (size_t i = 0; i < wanted->n_metrics; i++) {
        if (wanted->metrics[i].is_required && !columns->is_present[i]) {
            char *name = ql_mem_strndup(wanted->metrics[i].name.ptr, wanted->metrics[i].name.len);
            const char *const names[] = {name};
            add_missing(&missing, columns, name, names, 1);
            ql_mem_free(name);
        }
    }
    enum ql_status status = missing.names.len != 0 ? fail_missing(&missing, columns, err) : QL_OK;
    ql_buf_fini(&missing.names);
    ql_buf_fini(&missing.nearest);
    return status;
}

/* ---- binding ---- */

static void list_ignored(struct ql_csv_columns *columns, struct ql_arena *arena) {
    columns->ignored = ql_arena_alloc(arena, columns->n_columns * sizeof *columns->ignored);
    columns->n_ignored = 0;
    for (size_t i = 0; i < columns->n_columns; i++) {
        if (!is_bound(columns, i)) {
            columns->ignored[columns->n_ignored++] = columns->spelled[i];
        }
    }
}

enum ql_status ql_csv_columns_bind(struct ql_csv_columns *columns, const struct ql_csv_wanted *wanted, struct ql_arena *arena,
                                   struct ql_err *err) {
    QL_TRY(check_collisions(columns, err));
    size_t time_interval = find_text(columns, INTERVAL_NAMES[0]);
    columns->interval = time_interval != QL_CSV_NONE ? time_interval : find_text(columns, INTERVAL_NAMES[1]);
    columns->interval_end = find_text(columns, INTERVAL_NAMES[2]);
    columns->queue_id = find_text(columns, QUEUE_NAMES[0]);
    columns->queue_name = find_text(columns, QUEUE_NAMES[1]);
    columns->completed = find_text(columns, "full_export_completed");
    columns->is_view = columns->completed != QL_CSV_NONE || find_text(columns, "interval_complete") != QL_CSV_NONE;
    columns->n_metrics = wanted->n_metrics;
    columns->metric = ql_arena_alloc(arena, wanted->n_metrics * sizeof *columns->metric);
    columns->shift = ql_arena_alloc(arena, wanted->n_metrics * sizeof *columns->shift);
    columns->is_present = ql_arena_alloc(arena, wanted->n_metrics * sizeof *columns->is_present);
    for (size_t i = 0; i < wanted->n_metrics; i++) {
        columns->metric[i] = find(columns, wanted->metrics[i].name);
        columns->is_present[i] = columns->metric[i] != QL_CSV_NONE;
        columns->shift[i] = columns->is_present[i] ? columns->names[columns->metric[i]].shift : 0;
    }
    list_ignored(columns, arena);
    return check_missing(columns, wanted, err);
}

/* Symmetric, so that the order of inputs decides nothing. */
static enum ql_status fail_unlike(const char *name, bool has, const char *first_name, struct ql_err *err) {
    (void)QL_FAIL(err, QL_E_NO_COLUMN, "%s column '%s', which the first input, '%.200s', %s", has ? "a" : "no", name,
                  first_name, has ? "does not have" : "has");
    ql_err_hint(err, "give inputs with the same columns, name those that all have with --metrics, or transform them apart");
    return QL_E_NO_COLUMN;
}

enum ql_status ql_csv_columns_check(const struct ql_csv_columns *columns, const struct ql_csv_columns *first,
                                    const struct ql_csv_wanted *wanted, const char *first_name, struct ql_err *err) {
    for (size_t i = 0; i < wanted->n_metrics; i++) {
        if (first->is_present[i] != columns->is_present[i]) {
            char name[128];
            (void)snprintf(name, sizeof name, "%.*s", QL_STR_ARG(wanted->metrics[i].name));
            return fail_unlike(name, columns->is_present[i], first_name, err);
        }
    }
    const size_t mine[] = {columns->queue_id, columns->queue_name};
    const size_t its[] = {first->queue_id, first->queue_name};
    for (size_t i = 0; i < 2; i++) {
        if ((mine[i] != QL_CSV_NONE) != (its[i] != QL_CSV_NONE)) {
            return fail_unlike(QUEUE_NAMES[i], mine[i] != QL_CSV_NONE, first_name, err);
        }
    }
    return QL_OK;
}
