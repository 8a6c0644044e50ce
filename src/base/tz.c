/*
 * Time zones from TZif files (RFC 8536), version 2 and later: the table of transitions, and behind its end the rule in the
 * footer, a POSIX TZ string with the extension of version 3 (rule times of -167 to 167 hours).
 *
 * Files are read below one fixed folder only and the name cannot leave it; the environment (TZ, TZDIR) is never looked at, so
 * that one name means one zone wherever a job runs. "UTC" and "Z" need no file.
 */
#include "base/tz_internal.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static const char ZONE_FOLDER[] = "/usr/share/zoneinfo";
static const int64_t SECONDS_PER_DAY = 86400;

enum {
    NAME_LEN_MAX = 128,
    FILE_BYTES_MAX = 1024 * 1024, /* the longest of tzdata has 4 KB */
    TYPES_MAX = 256,              /* an index is one byte */
    HEADER_BYTES = 44,
    V1_TIME_BYTES = 4,
    V2_TIME_BYTES = 8,
    TYPE_BYTES = 6,
    OFFSET_S_MAX = 26 * 3600, /* RFC 8536, 3.2: offsets stay within -25 to 26 hours */
};

/* When a rule of the footer takes effect, in local time of that year. */
struct rule_date {
    enum { RULE_JULIAN_WITHOUT_LEAP_DAY, RULE_DAY_OF_YEAR, RULE_MONTH_WEEK_DAY } kind;
    int day; /* of the year, or of the week (0: Sunday) */
    int month, week;
    int time_s;
};

struct footer {
    bool is_set, has_dst;
    int standard_s, dst_s; /* east of Greenwich, against the sign of the text */
    struct rule_date start, end;
};

struct ql_tz {
    size_t n; /* transitions */
    int64_t *at_s;
    uint8_t *type;
    size_t n_types;
    int32_t *offset_s; /* by type; type 0 holds before the first transition */
    struct footer footer;
    size_t n_distinct; /* all offsets that ever hold, each once */
    int32_t *distinct_s;
};

/* ---- the footer ---- */

static bool footer_take(struct ql_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    s->ptr++;
    s->len--;
    return true;
}

static bool footer_take_int(struct ql_str *s, int max, int *value) {
    size_t digits = 0;
    int sum = 0;
    while (digits < s->len && s->ptr[digits] >= '0' && s->ptr[digits] <= '9') {
        sum = sum * 10 + (s->ptr[digits++] - '0');
        if (sum > max) {
            return false;
        }
    }
    s->ptr += digits;
    s->len -= digits;
    *value = sum;
    return digits != 0;
}

/* [+-]hh[:mm[:ss]] */
static bool footer_take_time(struct ql_str *s, int hours_max, int *time_s) {
    bool is_negative = footer_take(s, '-');
    if (!is_negative) {
        (void)footer_take(s, '+');
    }
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    if (!footer_take_int(s, hours_max, &hours)) {
        return false;
    }
    if (footer_take(s, ':')) {
        if (!footer_take_int(s, 59, &minutes) || (footer_take(s, ':') && !footer_take_int(s, 59, &seconds))) {
            return false;
        }
    }
    int sum = (hours * 60 + minutes) * 60 + seconds;
    *time_s = is_negative ? -sum : sum;
    return true;
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* A designation, three letters or more, or anything in <>; its text is of no use here. */
static bool footer_take_name(struct ql_str *s) {
    bool is_quoted = footer_take(s, '<');
    size_t n = 0;
    while (n < s->len && (is_quoted ? s->ptr[n] != '>' : is_letter(s->ptr[n]))) {
        n++;
    }
    s->ptr += n;
    s->len -= n;
    return n >= 3 && (!is_quoted || footer_take(s, '>'));
}

static bool footer_take_date(struct ql_str *s, struct rule_date *date) {
    if (footer_take(s, 'M')) {
        date->kind = RULE_MONTH_WEEK_DAY;
        if (!footer_take_int(s, 12, &date->month) || date->month < 1 || !footer_take(s, '.') ||
            !footer_take_int(s, 5, &date->week) || date->week < 1 || !footer_take(s, '.') ||
            !footer_take_int(s, 6, &date->day)) {
            return false;
        }
    } else if (footer_take(s, 'J')) {
        date->kind = RULE_JULIAN_WITHOUT_LEAP_DAY;
        if (!footer_take_int(s, 365, &date->day) || date->day < 1) {
            return false;
        }
    } else {
        date->kind = RULE_DAY_OF_YEAR;
        if (!footer_take_int(s, 365, &date->day)) {
            return false;
        }
    }
    date->time_s = 2 * 3600;
    return !footer_take(s, '/') || footer_take_time(s, 167, &date->time_s);
}

/* RFC 8536, 3.3: an empty footer says nothing about the time behind the table. */
static bool footer_parse(struct ql_str s, struct footer *footer) {
    *footer = (struct footer){0};
    if (s.len == 0) {
        return true;
    }
    footer->is_set = true;
    int west_s = 0;
    if (!footer_take_name(&s) || !footer_take_time(&s, 24, &west_s)) {
        return false;
    }
    footer->standard_s = -west_s;
    if (s.len == 0) {
        return true;
    }
    footer->has_dst = true;
    footer->dst_s = footer->standard_s + 3600;
    if (!footer_take_name(&s)) {
        return false;
    }
    if (s.len != 0 && s.ptr[0] != ',') {
        if (!footer_take_time(&s, 24, &west_s)) {
            return false;
        }
        footer->dst_s = -west_s;
    }
    return footer_take(&s, ',') && footer_take_date(&s, &footer->start) && footer_take(&s, ',') &&
           footer_take_date(&s, &footer->end) && s.len == 0;
}

static int64_t days_of(int64_t year, int month, int day) {
    /* The calendar repeats every 400 years of 146097 days, so that the year stays within what a civil date holds. */
    int64_t era = year / 400;
    struct ql_civil civil = {.year = (int)(year % 400), .month = month, .day = day};
    return ql_time_from_civil(&civil) / QL_US_PER_S / SECONDS_PER_DAY + era * 146097;
}

/* The date's moment in a year, as seconds of local time since the epoch. */
static int64_t rule_date_in(const struct rule_date *date, int64_t year) {
    int64_t days = 0;
    if (date->kind == RULE_DAY_OF_YEAR) {
        days = days_of(year, 1, 1) + date->day;
    } else if (date->kind == RULE_JULIAN_WITHOUT_LEAP_DAY) {
        bool is_leap = days_of(year, 3, 1) - days_of(year, 2, 28) == 2;
        days = days_of(year, 1, 1) + date->day - 1 + (is_leap && date->day >= 60);
    } else {
        int64_t first = days_of(year, date->month, 1);
        int64_t next = date->month == 12 ? days_of(year + 1, 1, 1) : days_of(year, date->month + 1, 1);
        int64_t weekday_of_first = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        days = first + ((date->day - weekday_of_first) % 7 + 7) % 7 + (int64_t)(date->week - 1) * 7;
        if (days >= next) { /* week 5 means the last one */
            days -= 7;
        }
    }
    return days * SECONDS_PER_DAY + date->time_s;
}

/* The offset that the latest change before or at t sets; changes of the neighbouring years count for rules near a year's end.
 */
static int footer_offset_at(const struct footer *footer, int64_t t) {
    if (!footer->has_dst) {
        return footer->standard_s;
    }
    const int64_t bound_s = INT64_MAX / QL_US_PER_S - 1; /* floored seconds may lie one below what microseconds hold */
    struct ql_civil civil;
    ql_time_to_civil((t < -bound_s ? -bound_s : t > bound_s ? bound_s : t) * QL_US_PER_S, &civil);
    int64_t latest = INT64_MIN;
    int offset_s = footer->standard_s;
    for (int64_t year = (int64_t)civil.year - 1; year <= (int64_t)civil.year + 1; year++) {
        int64_t start = rule_date_in(&footer->start, year) - footer->standard_s;
        int64_t end = rule_date_in(&footer->end, year) - footer->dst_s;
        if (start <= t && start >= latest) {
            latest = start;
            offset_s = footer->dst_s;
        }
        if (end <= t && end >= latest) {
            latest = end;
            offset_s = footer->standard_s;
        }
    }
    return offset_s;
}

/* ---- the file's bytes ---- */

static uint64_t big_endian(const char *ptr, size_t n) {
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value = value << 8 | (unsigned char)ptr[i];
    }
    return value;
}

struct tzif_header {
    char version;
    size_t n_ut, n_std, n_leap, n_times, n_types, n_chars;
};

static bool header_read(struct ql_str *s, struct tzif_header *header) {
    if (s->len < HEADER_BYTES || memcmp(s->ptr, "TZif", 4) != 0) {
        return false;
    }
    header->version = s->ptr[4];
    size_t *const counts[] = {&header->n_ut,    &header->n_std,   &header->n_leap,
                              &header->n_times, &header->n_types, &header->n_chars};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        *counts[i] = (size_t)big_endian(s->ptr + 20 + i * 4, 4);
    }
    s->ptr += HEADER_BYTES;
    s->len -= HEADER_BYTES;
    return true;
}

/* Below 2^40 for any header, so nothing overflows. */
static size_t block_bytes(const struct tzif_header *header, size_t time_bytes) {
    return header->n_times * (time_bytes + 1) + header->n_types * TYPE_BYTES + header->n_chars +
           header->n_leap * (time_bytes + 4) + header->n_std + header->n_ut;
}

/* Reads the 64-bit block whose size was checked; NULL or what is wrong. */
static const char *block_read(const char *ptr, const struct tzif_header *header, struct ql_tz *tz) {
    if (header->n_leap != 0) {
        return "it counts leap seconds";
    }
    if (header->n_types == 0 || header->n_types > TYPES_MAX) {
        return "it has no usable types";
    }
    tz->n = header->n_times;
    tz->n_types = header->n_types;
    tz->at_s = ql_mem_zalloc(tz->n, sizeof *tz->at_s);
    tz->type = ql_mem_zalloc(tz->n, 1);
    tz->offset_s = ql_mem_zalloc(tz->n_types, sizeof *tz->offset_s);
    const char *types = ptr + tz->n * V2_TIME_BYTES;
    for (size_t i = 0; i < tz->n; i++) {
        tz->at_s[i] = (int64_t)big_endian(ptr + i * V2_TIME_BYTES, V2_TIME_BYTES);
        tz->type[i] = (uint8_t)types[i];
        if (tz->type[i] >= tz->n_types || (i != 0 && tz->at_s[i] <= tz->at_s[i - 1])) {
            return "its transitions are not in order";
        }
    }
    for (size_t i = 0; i < tz->n_types; i++) {
        tz->offset_s[i] = (int32_t)big_endian(types + tz->n + i * TYPE_BYTES, 4);
        if (tz->offset_s[i] < -OFFSET_S_MAX || tz->offset_s[i] > OFFSET_S_MAX) {
            return "an offset is out of range";
        }
    }
    return NULL;
}

static void add_distinct(struct ql_tz *tz, int32_t offset_s) {
    for (size_t i = 0; i < tz->n_distinct; i++) {
        if (tz->distinct_s[i] == offset_s) {
            return;
        }
    }
    tz->distinct_s[tz->n_distinct++] = offset_s;
}

static void collect_distinct(struct ql_tz *tz) {
    tz->distinct_s = ql_mem_zalloc(tz->n_types + 2, sizeof *tz->distinct_s);
    for (size_t i = 0; i < tz->n_types; i++) {
        add_distinct(tz, tz->offset_s[i]);
    }
    if (tz->footer.is_set) {
        add_distinct(tz, tz->footer.standard_s);
        add_distinct(tz, tz->footer.has_dst ? tz->footer.dst_s : tz->footer.standard_s);
    }
}

/* NULL or what is wrong. */
static const char *tzif_read(struct ql_str s, struct ql_tz *tz) {
    static const char CUT[] = "it is cut";
    struct tzif_header header;
    if (!header_read(&s, &header)) {
        return "it is no TZif file";
    }
    if (header.version < '2') {
        return "its format is version 1, which lacks 64-bit times";
    }
    size_t v1_bytes = block_bytes(&header, V1_TIME_BYTES);
    if (s.len < v1_bytes) {
        return CUT;
    }
    s = (struct ql_str){.ptr = s.ptr + v1_bytes, .len = s.len - v1_bytes};
    if (!header_read(&s, &header) || s.len < block_bytes(&header, V2_TIME_BYTES)) {
        return CUT;
    }
    const char *wrong = block_read(s.ptr, &header, tz);
    if (wrong != NULL) {
        return wrong;
    }
    size_t v2_bytes = block_bytes(&header, V2_TIME_BYTES);
    s = (struct ql_str){.ptr = s.ptr + v2_bytes, .len = s.len - v2_bytes};
    if (s.len < 2 || s.ptr[0] != '\n' || memchr(s.ptr + 1, '\n', s.len - 1) == NULL) {
        return CUT;
    }
    struct ql_str rest;
    s = ql_str_split((struct ql_str){.ptr = s.ptr + 1, .len = s.len - 1}, '\n', &rest);
    if (!footer_parse(s, &tz->footer)) {
        return "its footer is no POSIX time zone";
    }
    collect_distinct(tz);
    return NULL;
}

enum ql_status ql_tz_from_tzif(struct ql_str bytes, struct ql_str name, struct ql_tz **tz, struct ql_err *err) {
    struct ql_tz *made = ql_mem_zalloc(1, sizeof *made);
    const char *wrong = tzif_read(bytes, made);
    if (wrong != NULL) {
        ql_tz_free(made);
        (void)QL_FAIL(err, QL_E_CONFIG, "the file of time zone '%.*s' cannot be used: %s", QL_STR_ARG(name), wrong);
        ql_err_hint(err, "install the package 'tzdata' anew, or choose another zone");
        return QL_E_CONFIG;
    }
    *tz = made;
    return QL_OK;
}

/* ---- by name ---- */

/* Letters, digits and "_+-" in parts between single slashes: no dot, so neither "..", nor hidden files, nor tables. */
static bool is_zone_name(struct ql_str name) {
    if (name.len == 0 || name.len > NAME_LEN_MAX || name.ptr[0] == '/' || name.ptr[name.len - 1] == '/') {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (!is_word && (c != '/' || name.ptr[i - 1] == '/')) {
            return false;
        }
    }
    /* A link to whatever this machine is set to: it would mean another zone elsewhere. */
    return !ql_str_eq(name, QL_STR("localtime"));
}

struct zone_search {
    struct ql_str wanted;
    struct ql_buf best;
    size_t distance;
};

static struct ql_str last_part(struct ql_str name) {
    for (size_t i = name.len; i > 0; i--) {
        if (name.ptr[i - 1] == '/') {
            return (struct ql_str){.ptr = name.ptr + i, .len = name.len - i};
        }
    }
    return name;
}

/* By whole names, or where only a city was given (or its continent is wrong), by the cities. */
static void zone_consider(struct zone_search *search, struct ql_str name) {
    size_t distance = ql_str_distance(search->wanted, name);
    if (ql_str_eq_nocase(last_part(search->wanted), last_part(name)) && distance > 1) {
        distance = 1;
    }
    if (distance < search->distance) {
        search->distance = distance;
        ql_buf_reset(&search->best);
        ql_buf_put_str(&search->best, name);
    }
}

static void zone_search_folder(struct zone_search *search, struct ql_buf *path, size_t root_len, int depth) {
    DIR *folder = opendir(path->ptr);
    if (folder == NULL) {
        return;
    }
    size_t len = path->len;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat status;
        ql_buf_putc(path, '/');
        ql_buf_puts(path, entry->d_name);
        struct ql_str name = {.ptr = path->ptr + root_len, .len = path->len - root_len};
        bool is_copy = ql_str_has_prefix(name, "posix") || ql_str_has_prefix(name, "right"); /* second sets of all zones */
        if (is_zone_name(name) && !is_copy && stat(path->ptr, &status) == 0) {
            if (S_ISDIR(status.st_mode) && depth < 3) {
                zone_search_folder(search, path, root_len, depth + 1);
            } else if (S_ISREG(status.st_mode)) {
                zone_consider(search, name);
            }
        }
        path->len = len;
        path->ptr[len] = '\0';
    }
    (void)closedir(folder); /* read only */
}

static void hint_zone(struct ql_str name, struct ql_err *err) {
    struct zone_search search = {.wanted = name, .distance = 2 + name.len / 4};
    struct ql_buf path = {0};
    ql_buf_puts(&path, ZONE_FOLDER);
    if (name.len <= NAME_LEN_MAX) {
        zone_search_folder(&search, &path, path.len + 1, 0);
    }
    if (search.best.len != 0) {
        ql_err_hint(err, "did you mean '%s'?", search.best.ptr);
    } else if (access(ZONE_FOLDER, R_OK) != 0) {
        ql_err_hint(err, "install the package 'tzdata': there is no folder '%s'", ZONE_FOLDER);
    } else {
        ql_err_hint(err, "use an IANA name such as 'Europe/Madrid', or 'UTC'");
    }
    ql_buf_fini(&search.best);
    ql_buf_fini(&path);
}

/* The whole of a zone's file; false if there is none of that name. */
static bool file_read(struct ql_str name, struct ql_buf *bytes) {
    struct ql_buf path = {0};
    ql_buf_printf(&path, "%s/%.*s", ZONE_FOLDER, QL_STR_ARG(name));
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ql_buf_fini(&path);
    if (fd < 0) {
        return false;
    }
    struct stat status;
    bool ok = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= FILE_BYTES_MAX;
    while (ok) {
        ssize_t n = read(fd, ql_buf_reserve(bytes, 8192), 8192);
        if (n == 0) {
            break;
        }
        bytes->len += n > 0 ? (size_t)n : 0;
        ok = (n > 0 || errno == EINTR) && bytes->len <= FILE_BYTES_MAX;
    }
    (void)close(fd); /* read only */
    return ok;
}

enum ql_status ql_tz_open(struct ql_str name, struct ql_tz **tz, struct ql_err *err) {
    if (ql_str_eq(name, QL_STR("UTC")) || ql_str_eq(name, QL_STR("Z"))) {
        struct ql_tz *utc = ql_mem_zalloc(1, sizeof *utc);
        utc->footer = (struct footer){.is_set = true};
        utc->n_types = 1;
        utc->offset_s = ql_mem_zalloc(1, sizeof *utc->offset_s);
        collect_distinct(utc);
        *tz = utc;
        return QL_OK;
    }
    struct ql_buf bytes = {0};
    enum ql_status status;
    if (is_zone_name(name) && file_read(name, &bytes)) {
        status = ql_tz_from_tzif(ql_buf_view(&bytes), name, tz, err);
    } else {
        status = QL_FAIL(err, QL_E_CONFIG, "unknown time zone '%.*s'", QL_STR_ARG(name));
        hint_zone(name, err);
    }
    ql_buf_fini(&bytes);
    return status;
}

void ql_tz_free(struct ql_tz *tz) {
    if (tz != NULL) {
        ql_mem_free(tz->at_s);
        ql_mem_free(tz->type);
        ql_mem_free(tz->offset_s);
        ql_mem_free(tz->distinct_s);
        ql_mem_free(tz);
    }
}

/* ---- instants ---- */

static int64_t floor_seconds(int64_t us) {
    return us / QL_US_PER_S - (us % QL_US_PER_S < 0);
}

/* How many transitions are at or before t. */
static size_t transitions_until(const struct ql_tz *tz, int64_t t) {
    size_t low = 0;
    size_t high = tz->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->at_s[middle] <= t) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int offset_at(const struct ql_tz *tz, int64_t t) {
    size_t n = transitions_until(tz, t);
    if (n == tz->n && tz->footer.is_set) {
        return footer_offset_at(&tz->footer, t);
    }
    return tz->offset_s[n == 0 ? 0 : tz->type[n - 1]];
}

int ql_tz_offset_at(const struct ql_tz *tz, int64_t us) {
    return offset_at(tz, floor_seconds(us));
}

enum ql_tz_local ql_tz_to_utc(const struct ql_tz *tz, int64_t local_us, int64_t *us) {
    int64_t local = floor_seconds(local_us);
    /* Every offset that ever held is tried: an instant is one of the answers if the offset holds at it. */
    int found = 0;
    int best_s = 0;
    for (size_t i = 0; i < tz->n_distinct; i++) {
        int candidate_s = tz->distinct_s[i];
        if (offset_at(tz, local - candidate_s) == candidate_s) {
            best_s = found == 0 || candidate_s > best_s ? candidate_s : best_s; /* further east is earlier */
            found++;
        }
    }
    if (found == 0) {
        return QL_TZ_SKIPPED;
    }
    *us = local_us - best_s * QL_US_PER_S;
    return found == 1 ? QL_TZ_UNIQUE : QL_TZ_REPEATED;
}
