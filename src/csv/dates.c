/*
 * Dates as view exports print them: 1/5/26 9:30 AM, 05/01/2026 09:30, 05.01.26 09:30. Which number is the day is no property of
 * a stamp but of the file, so it is never guessed row by row: a setting says it, or the first rows of an input do.
 *
 * Rows are looked at up to the first that can be read in one way only: an ISO 8601 stamp, a number above 12, dots (no locale of
 * CLDR writes a month before a day with dots). If none of the first LOOK_BYTES has one, the locale that the file was asked for
 * in decides, and without one there is no right answer.
 */
#include "csv/csv_internal.h"

enum { LOOK_BYTES = 1024 * 1024, YEAR_OF_TWO_DIGITS = 2000 };

/* ---- one stamp ---- */

static bool take_number(struct ql_str *s, size_t max_digits, int *value, size_t *n_digits) {
    size_t n = 0;
    *value = 0;
    while (n < s->len && n < max_digits && s->ptr[n] >= '0' && s->ptr[n] <= '9') {
        *value = *value * 10 + (s->ptr[n++] - '0');
    }
    *s = (struct ql_str){.ptr = s->ptr + n, .len = s->len - n};
    *n_digits = n;
    return n != 0 && (s->len == 0 || s->ptr[0] < '0' || s->ptr[0] > '9');
}

static bool take_char(struct ql_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = (struct ql_str){.ptr = s->ptr + 1, .len = s->len - 1};
    return true;
}

/* Blanks, the no-break ones that CLDR 42 puts before AM and PM among them. */
static bool take_blanks(struct ql_str *s) {
    static const char *const BLANKS[] = {" ", "\t", "\xC2\xA0", "\xE2\x80\xAF"};
    bool is_any = false;
    for (size_t i = 0; i < sizeof BLANKS / sizeof BLANKS[0];) {
        if (ql_str_has_prefix(*s, BLANKS[i])) {
            size_t n = strlen(BLANKS[i]);
            *s = (struct ql_str){.ptr = s->ptr + n, .len = s->len - n};
            is_any = true;
            i = 0;
        } else {
            i++;
        }
    }
    return is_any;
}

/* "AM", "pm", "a. m.", and nothing else behind it. *half: 0 or 12; -1: there is none. */
static bool take_half_of_day(struct ql_str s, int *half) {
    char letters[3] = "";
    size_t n = 0;
    *half = -1;
    while (s.len != 0) {
        if (take_blanks(&s) || (n != 0 && take_char(&s, '.'))) {
            continue;
        }
        if (n == 2) {
            return false;
        }
        letters[n++] = (char)(s.ptr[0] | 0x20);
        s = (struct ql_str){.ptr = s.ptr + 1, .len = s.len - 1};
    }
    if (n == 0) {
        return true;
    }
    *half = letters[0] == 'p' ? 12 : 0;
    return n == 2 && (letters[0] == 'a' || letters[0] == 'p') && letters[1] == 'm';
}

static bool read_clock(struct ql_str s, struct ql_civil *civil) {
    size_t n;
    int half;
    if (s.len == 0) {
        return true; /* a date alone is its midnight */
    }
    (void)take_char(&s, ',');
    if (!take_blanks(&s) || !take_number(&s, 2, &civil->hour, &n) || !take_char(&s, ':') ||
        !take_number(&s, 2, &civil->minute, &n) || n != 2) {
        return false;
    }
    if (take_char(&s, ':') && (!take_number(&s, 2, &civil->second, &n) || n != 2)) {
        return false;
    }
    if (!take_half_of_day(s, &half)) {
        return false;
    }
    if (half >= 0) {
        bool is_good = civil->hour >= 1 && civil->hour <= 12;
        civil->hour = civil->hour % 12 + half;
        return is_good;
    }
    return true;
}

/* The first of its numbers goes into month and the second into day, whatever they are. */
static bool read_date(struct ql_str s, struct ql_civil *civil, char *separator) {
    size_t n;
    *civil = (struct ql_civil){0};
    if (!take_number(&s, 2, &civil->month, &n) || s.len == 0) {
        return false;
    }
    *separator = s.ptr[0];
    bool is_separator = *separator == '/' || *separator == '.' || *separator == '-';
    if (!is_separator || !take_char(&s, *separator) || !take_number(&s, 2, &civil->day, &n) || !take_char(&s, *separator) ||
        !take_number(&s, 4, &civil->year, &n) || (n != 2 && n != 4)) {
        return false;
    }
    civil->year += n == 2 ? YEAR_OF_TWO_DIGITS : 0;
    return read_clock(s, civil);
}

bool ql_csv_date_parse(struct ql_str s, enum ql_csv_dates dates, struct ql_civil *civil) {
    char separator;
    if (!read_date(s, civil, &separator)) {
        return false;
    }
    if (dates == QL_CSV_DATES_EU) {
        int day = civil->month;
        civil->month = civil->day;
        civil->day = day;
    }
    return ql_civil_is_valid(civil);
}

/* ---- the first rows ---- */

static bool looks_iso(struct ql_str s) {
    for (size_t i = 0; i < 4; i++) {
        if (i >= s.len || s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        }
    }
    return s.len > 4 && s.ptr[4] == '-';
}

/* What one stamp can be; AUTO: nothing follows from it. */
static enum ql_csv_dates judge_stamp(struct ql_csv_look *look, struct ql_str s) {
    struct ql_civil civil;
    char separator;
    s = ql_str_trim(s);
    if (looks_iso(s)) {
        return QL_CSV_DATES_ISO;
    }
    if (!read_date(s, &civil, &separator)) {
        return QL_CSV_DATES_AUTO;
    }
    if (!look->is_ambiguous) {
        look->is_ambiguous = true;
        size_t n = s.len < sizeof look->example - 1 ? s.len : sizeof look->example - 1;
        memcpy(look->example, s.ptr, n);
        look->example[n] = '\0';
    }
    if (separator == '.' || (civil.month > 12 && civil.day <= 12)) {
        return QL_CSV_DATES_EU;
    }
    return civil.day > 12 && civil.month <= 12 ? QL_CSV_DATES_US : QL_CSV_DATES_AUTO;
}

static enum ql_csv_dates judge_row(struct ql_csv_look *look, const struct ql_csv_row *row,
                                   const struct ql_csv_columns *columns) {
    const size_t stamps[] = {columns->interval, columns->interval_end};
    enum ql_csv_dates dates = QL_CSV_DATES_AUTO;
    struct ql_buf scratch = {0};
    for (size_t i = 0; i < 2 && dates == QL_CSV_DATES_AUTO; i++) {
        if (stamps[i] < row->n_fields) { /* QL_CSV_NONE is more than any */
            dates = judge_stamp(look, ql_csv_row_field(row, stamps[i], &scratch));
        }
    }
    ql_buf_fini(&scratch);
    return dates;
}

enum ql_csv_dates ql_csv_look_at(struct ql_csv_look *look, struct ql_str text, const struct ql_csv_columns *columns,
                                 bool is_end) {
    enum ql_csv_dates dates = QL_CSV_DATES_AUTO;
    look->is_done = false;
    while (dates == QL_CSV_DATES_AUTO && look->at < text.len && look->at < LOOK_BYTES) {
        struct ql_csv_scan *scan = &look->scan;
        const char *begin = text.ptr + look->at;
        size_t len = text.len - look->at;
        enum ql_csv_scan_result result = is_end ? ql_csv_scan_end(scan, begin, len) : ql_csv_scan_row(scan, begin, len);
        if (result == QL_CSV_SCAN_MORE) {
            return QL_CSV_DATES_AUTO;
        }
        if (result != QL_CSV_SCAN_ROW) { /* whoever reads the rows will say it */
            break;
        }
        const struct ql_csv_row row = {
            .text = {.ptr = begin, .len = scan->row_len}, .fields = scan->fields, .n_fields = scan->n_fields};
        dates = judge_row(look, &row, columns);
        look->at += scan->pos;
        ql_csv_scan_reset(scan);
    }
    look->is_done = dates != QL_CSV_DATES_AUTO || is_end || look->at < text.len || look->at >= LOOK_BYTES;
    return dates;
}

void ql_csv_look_begin(struct ql_csv_look *look, const struct ql_csv_limits *limits, char delimiter) {
    *look = (struct ql_csv_look){0};
    ql_csv_scan_init(&look->scan, limits, delimiter);
    look->scan.is_header = true; /* its fields grow as they come */
    look->scan.max_fields = limits->max_columns;
}

void ql_csv_look_fini(struct ql_csv_look *look) {
    ql_csv_scan_fini(&look->scan);
}

/* ---- locales ---- */

/* As CLDR's short dates are; a language stands for its regions that are not named before it. */
static const struct {
    const char *locale;
    enum ql_csv_dates dates;
} LOCALES[] = {
    {"en-us", QL_CSV_DATES_US}, {"en-ph", QL_CSV_DATES_US},  {"en-gb", QL_CSV_DATES_EU}, {"en-au", QL_CSV_DATES_EU},
    {"en-nz", QL_CSV_DATES_EU}, {"en-ie", QL_CSV_DATES_EU},  {"en-in", QL_CSV_DATES_EU}, {"en", QL_CSV_DATES_US},
    {"es-us", QL_CSV_DATES_US}, {"es-pa", QL_CSV_DATES_US},  {"es-pr", QL_CSV_DATES_US}, {"es", QL_CSV_DATES_EU},
    {"de", QL_CSV_DATES_EU},    {"fr-ca", QL_CSV_DATES_ISO}, {"fr", QL_CSV_DATES_EU},    {"it", QL_CSV_DATES_EU},
    {"pt", QL_CSV_DATES_EU},    {"nl", QL_CSV_DATES_EU},     {"da", QL_CSV_DATES_EU},    {"nb", QL_CSV_DATES_EU},
    {"no", QL_CSV_DATES_EU},    {"fi", QL_CSV_DATES_EU},     {"pl", QL_CSV_DATES_EU},    {"cs", QL_CSV_DATES_EU},
    {"tr", QL_CSV_DATES_EU},    {"ru", QL_CSV_DATES_EU},
};

enum ql_csv_dates ql_csv_dates_of_locale(struct ql_str locale) {
    char name[16];
    size_t n = 0;
    for (; n < locale.len && n < sizeof name - 1; n++) {
        name[n] = locale.ptr[n] == '_' ? '-' : locale.ptr[n];
    }
    struct ql_str region;
    struct ql_str whole = {.ptr = name, .len = n};
    struct ql_str language = ql_str_split(whole, '-', &region);
    for (size_t i = 0; i < sizeof LOCALES / sizeof LOCALES[0]; i++) {
        struct ql_str known = ql_str_from(LOCALES[i].locale);
        bool is_of_regions = memchr(known.ptr, '-', known.len) == NULL;
        if (ql_str_eq_nocase(known, is_of_regions ? language : whole)) {
            bool is_alone = region.len == 0 || !ql_str_eq(known, QL_STR("en")); /* English has both: only what is named */
            return is_alone ? LOCALES[i].dates : QL_CSV_DATES_AUTO;
        }
    }
    return QL_CSV_DATES_AUTO;
}
