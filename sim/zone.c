/*
 * A TZif file has two parts that count: transitions with the offset from each on, and, behind the last of them, a rule in the
 * form of POSIX TZ ("CET-1CEST,M3.5.0,M10.5.0/3"). The rule is unrolled into transitions once, up to the year 2100, so that an
 * offset is one binary search.
 */
#include "sim/zone.h"

#include "base/mem.h"
#include "sim/calendar.h"

#include <stdio.h>
#include <stdlib.h>

enum { S_PER_DAY = 86400, MAX_FILE_BYTES = 1 << 20, FIRST_RULE_YEAR = 1970, LAST_RULE_YEAR = 2100 };

struct transition {
    int64_t at_s; /* in UTC */
    int32_t offset_s;
};

struct ql_sim_zone {
    struct transition *items; /* by at_s */
    size_t n, cap;
    int32_t first_offset_s; /* before the first */
};

static void add(struct ql_sim_zone *zone, int64_t at_s, int64_t offset_s) {
    if (zone->n == 0 || zone->items[zone->n - 1].at_s < at_s) {
        QL_MEM_GROW(zone->items, zone->cap, zone->n + 1);
        zone->items[zone->n++] = (struct transition){at_s, (int32_t)offset_s};
    }
}

/* The rule behind the file. */

struct change {
    int month, week, weekday; /* Mm.w.d; month 0: a day of the year instead */
    int day;
    bool skips_leap_day; /* Jn counts no 29 February */
    int64_t time_s;
};

static bool take(struct ql_str *s, char c) {
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = (struct ql_str){s->ptr + 1, s->len - 1};
    return true;
}

static bool take_number(struct ql_str *s, int *value) {
    size_t n = 0;
    *value = 0;
    while (n < s->len && n < 6 && s->ptr[n] >= '0' && s->ptr[n] <= '9') {
        *value = *value * 10 + (s->ptr[n++] - '0');
    }
    *s = (struct ql_str){s->ptr + n, s->len - n};
    return n != 0;
}

/* "CET" or "<+03>" */
static bool take_name(struct ql_str *s) {
    bool is_quoted = take(s, '<');
    size_t n = 0;
    while (n < s->len && (is_quoted ? s->ptr[n] != '>' : (s->ptr[n] | 32) >= 'a' && (s->ptr[n] | 32) <= 'z')) {
        n++;
    }
    *s = (struct ql_str){s->ptr + n, s->len - n};
    return n != 0 && (!is_quoted || take(s, '>'));
}

/* "[+-]h[:m[:s]]" in seconds */
static bool take_time(struct ql_str *s, int64_t *seconds) {
    int sign = take(s, '-') ? -1 : 1;
    (void)(sign == 1 && take(s, '+'));
    int part;
    int64_t sum = 0;
    if (!take_number(s, &part)) {
        return false;
    }
    sum = (int64_t)part * 3600;
    for (int unit = 60; unit != 0 && take(s, ':'); unit /= 60) {
        if (!take_number(s, &part)) {
            return false;
        }
        sum += (int64_t)part * unit;
    }
    *seconds = sign * sum;
    return true;
}

static bool take_change(struct ql_str *s, struct change *change) {
    *change = (struct change){.time_s = 2 * 3600};
    bool is_good;
    if (!take(s, ',')) {
        return false;
    }
    if (take(s, 'M')) {
        is_good = take_number(s, &change->month) && take(s, '.') && take_number(s, &change->week) && take(s, '.') &&
                  take_number(s, &change->weekday) && change->month >= 1 && change->month <= 12 && change->week >= 1 &&
                  change->week <= 5 && change->weekday <= 6;
    } else {
        change->skips_leap_day = take(s, 'J');
        is_good = take_number(s, &change->day);
    }
    return is_good && (!take(s, '/') || take_time(s, &change->time_s));
}

/* The seconds of the clock on the wall at which a change happens in a year. */
static int64_t change_at(const struct change *change, int year) {
    struct ql_sim_civil first = {.year = year, .month = change->month != 0 ? change->month : 1, .day = 1};
    int64_t first_ms = ql_sim_civil_join(&first);
    int64_t day;
    if (change->month != 0) {
        int sunday_based = (ql_sim_weekday(first_ms) + 1) % 7;
        int64_t days_in_month = (ql_sim_civil_add_months(first_ms, 1) - first_ms) / (INT64_C(1000) * S_PER_DAY);
        day = (change->weekday - sunday_based + 7) % 7 + (int64_t)7 * (change->week - 1);
        day -= day >= days_in_month ? 7 : 0;
    } else {
        struct ql_sim_civil march = {.year = year, .month = 3, .day = 1};
        bool is_leap = ql_sim_civil_join(&march) - first_ms == INT64_C(60) * S_PER_DAY * 1000;
        day = change->skips_leap_day ? change->day - 1 + (is_leap && change->day >= 60 ? 1 : 0) : change->day;
    }
    return first_ms / 1000 + day * S_PER_DAY + change->time_s;
}

static void unroll(struct ql_sim_zone *zone, const struct change changes[2], const int64_t offsets[2]) {
    for (int year = FIRST_RULE_YEAR; year <= LAST_RULE_YEAR; year++) {
        int64_t to_summer = change_at(&changes[0], year) - offsets[0];
        int64_t to_winter = change_at(&changes[1], year) - offsets[1];
        if (to_summer < to_winter) {
            add(zone, to_summer, offsets[1]);
            add(zone, to_winter, offsets[0]);
        } else { /* south of the equator the year begins in summer */
            add(zone, to_winter, offsets[0]);
            add(zone, to_summer, offsets[1]);
        }
    }
}

static bool apply_rule(struct ql_sim_zone *zone, struct ql_str rule) {
    int64_t west_s;
    int64_t offsets[2]; /* winter, summer */
    struct change changes[2];
    if (rule.len == 0) {
        return true;
    }
    if (!take_name(&rule) || !take_time(&rule, &west_s)) {
        return false;
    }
    offsets[0] = -west_s;
    offsets[1] = -west_s + 3600;
    if (rule.len == 0) {
        if (zone->n == 0) {
            zone->first_offset_s = (int32_t)offsets[0];
        }
        return true;
    }
    if (!take_name(&rule)) {
        return false;
    }
    if (rule.len != 0 && rule.ptr[0] != ',') {
        if (!take_time(&rule, &west_s)) {
            return false;
        }
        offsets[1] = -west_s;
    }
    if (!take_change(&rule, &changes[0]) || !take_change(&rule, &changes[1]) || rule.len != 0) {
        return false;
    }
    unroll(zone, changes, offsets);
    return true;
}

/* The file. */

static int64_t read_be(const unsigned char *ptr, size_t len) {
    uint64_t value = ptr[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | ptr[i];
    }
    return (int64_t)value;
}

struct header {
    size_t n_utc, n_std, n_leap, n_times, n_types, n_chars;
};

static bool read_header(const unsigned char *ptr, size_t len, struct header *header) {
    enum { HEADER = 44 };
    if (len < HEADER || memcmp(ptr, "TZif", 4) != 0 || ptr[4] < '2') {
        return false;
    }
    size_t *counts[] = {&header->n_utc, &header->n_std, &header->n_leap, &header->n_times, &header->n_types, &header->n_chars};
    for (size_t i = 0; i < 6; i++) {
        *counts[i] = (size_t)read_be(ptr + 20 + 4 * i, 4);
        if (*counts[i] > len) {
            return false;
        }
    }
    return header->n_types != 0;
}

static size_t body_size(const struct header *header, size_t time_size) {
    return header->n_times * (time_size + 1) + header->n_types * 6 + header->n_chars + header->n_leap * (time_size + 4) +
           header->n_std + header->n_utc;
}

/* The second part, with times of 64 bits; the first is for readers that know no better. */
static bool read_zone(const unsigned char *ptr, size_t len, struct ql_sim_zone *zone) {
    enum { HEADER = 44 };
    struct header header;
    size_t at = HEADER;
    if (!read_header(ptr, len, &header)) {
        return false;
    }
    at += body_size(&header, 4);
    if (at > len || !read_header(ptr + at, len - at, &header)) {
        return false;
    }
    at += HEADER;
    size_t size = body_size(&header, 8);
    if (len - at < size + 2) {
        return false;
    }
    const unsigned char *times = ptr + at;
    const unsigned char *indexes = times + header.n_times * 8;
    const unsigned char *types = indexes + header.n_times;
    zone->first_offset_s = (int32_t)read_be(types, 4);
    for (size_t i = 0; i < header.n_times; i++) {
        if (indexes[i] >= header.n_types) {
            return false;
        }
        add(zone, read_be(times + 8 * i, 8), read_be(types + (size_t)6 * indexes[i], 4));
    }
    struct ql_str footer = {(const char *)ptr + at + size, len - at - size};
    return apply_rule(zone, ql_str_trim(footer));
}

static bool is_zone_name(const char *name) {
    static const char CHARS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    size_t len = strlen(name);
    return len != 0 && len < 64 && strspn(name, CHARS) == len && name[0] != '/' && name[len - 1] != '/';
}

struct ql_sim_zone *ql_sim_zone_open(const char *name) {
    if (!is_zone_name(name)) {
        return NULL;
    }
    struct ql_sim_zone *zone = ql_mem_zalloc(1, sizeof *zone);
    if (strcmp(name, "UTC") == 0) {
        return zone;
    }
    struct ql_buf path = {0};
    ql_buf_printf(&path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(ql_buf_text(&path), "rbe");
    ql_buf_fini(&path);
    unsigned char *bytes = ql_mem_alloc(MAX_FILE_BYTES);
    size_t len = file != NULL ? fread(bytes, 1, MAX_FILE_BYTES, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!read_zone(bytes, len, zone)) {
        ql_sim_zone_free(zone);
        zone = NULL;
    }
    ql_mem_free(bytes);
    return zone;
}

void ql_sim_zone_free(struct ql_sim_zone *zone) {
    if (zone != NULL) {
        ql_mem_free(zone->items);
        ql_mem_free(zone);
    }
}

int64_t ql_sim_zone_offset_ms(const struct ql_sim_zone *zone, int64_t ms) {
    size_t low = 0;
    size_t high = zone->n;
    while (low < high) { /* the first that comes later */
        size_t middle = low + (high - low) / 2;
        if (zone->items[middle].at_s * 1000 <= ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return (int64_t)(low != 0 ? zone->items[low - 1].offset_s : zone->first_offset_s) * 1000;
}

int64_t ql_sim_zone_to_civil(const struct ql_sim_zone *zone, int64_t ms) {
    return ms + ql_sim_zone_offset_ms(zone, ms);
}

int64_t ql_sim_zone_from_civil(const struct ql_sim_zone *zone, int64_t civil_ms) {
    int64_t before = ql_sim_zone_offset_ms(zone, civil_ms - INT64_C(1000) * S_PER_DAY);
    int64_t after = ql_sim_zone_offset_ms(zone, civil_ms + INT64_C(1000) * S_PER_DAY);
    int64_t early = civil_ms - (before > after ? before : after);
    int64_t late = civil_ms - (before > after ? after : before);
    if (ql_sim_zone_to_civil(zone, early) == civil_ms) {
        return early;
    }
    return ql_sim_zone_to_civil(zone, late) == civil_ms ? late : civil_ms - before;
}
