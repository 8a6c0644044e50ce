/*
 * Text to exact decimals, by hand: no locale, no doubles, any length.
 *
 * What is accepted (semantics, section 1): [+-] digits with one point, an exponent; blanks around it; for durations
 * HH:MM:SS[.fff] and "1h 2m 5s", which mean seconds; for percentages a trailing %. Empty text, NaN and infinities are missing
 * values. There are no thousands separators: "1,234" is not a number, because in half of the world it is 1.234.
 *
 * A column's scale (milliseconds, ratios) is a shift of the decimal point, so it is exact; it is for bare numbers only, since
 * HH:MM:SS and % say themselves what they count.
 *
 * Short plain numbers, nearly all, take parse_plain. The rest is reduced to a string of significant digits and a power of ten.
 * A value is refused where the nearest double would be infinite, and is 0 where the nearest double is 0.
 */
#include "csv/csv_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PLAIN_DIGITS_MAX = 18, /* always fit an int64 */
    U64_DIGITS_MAX = 19,
    EXPONENT_MAX = 100000000, /* far beyond what matters; keeps sums of exponents small */
    /* 10^309 is beyond every double, 10^308 is not; 10^-324 may round to the smallest one, 10^-325 cannot. */
    MAGNITUDE_MAX = 309,
    MAGNITUDE_MIN = -323,
    HOUR_DIGITS_MAX = 12,
};

const int64_t ql_csv_powers_of_10[QL_CSV_SCALE_MAX + 1] = {
    INT64_C(1),
    INT64_C(10),
    INT64_C(100),
    INT64_C(1000),
    INT64_C(10000),
    INT64_C(100000),
    INT64_C(1000000),
    INT64_C(10000000),
    INT64_C(100000000),
    INT64_C(1000000000),
    INT64_C(10000000000),
    INT64_C(100000000000),
    INT64_C(1000000000000),
    INT64_C(10000000000000),
    INT64_C(100000000000000),
    INT64_C(1000000000000000),
    INT64_C(10000000000000000),
    INT64_C(100000000000000000),
    INT64_C(1000000000000000000),
};

static inline bool is_digit(char c) {
    return (unsigned char)(c - '0') <= 9;
}

/*
 * Digits with at most one point, no sign, no zeros behind a fraction: false for anything else, and for what needs more than a
 * shift of the scale. Zeros are left to the long way because a batch takes the largest scale that is written in it.
 */
static inline bool parse_plain(struct ql_str s, char point, int shift, bool is_count, struct ql_csv_number *number) {
    if (s.len == 0 || s.len > PLAIN_DIGITS_MAX) {
        return false;
    }
    uint64_t k = 0;
    size_t i = 0;
    while (i < s.len && is_digit(s.ptr[i])) {
        k = k * 10 + (uint64_t)(s.ptr[i++] - '0');
    }
    size_t n_whole = i;
    int scale = 0;
    if (i < s.len) {
        if (s.ptr[i] != point || n_whole == 0) {
            return false;
        }
        for (i++; i < s.len && is_digit(s.ptr[i]); i++) {
            k = k * 10 + (uint64_t)(s.ptr[i] - '0');
        }
        scale = (int)(i - n_whole - 1);
        if (i < s.len || scale == 0 || s.ptr[i - 1] == '0') {
            return false;
        }
    }
    scale -= shift;
    if (scale < 0 || scale > QL_CSV_SCALE_MAX || (is_count && scale != 0)) {
        return false;
    }
    *number = (struct ql_csv_number){.kind = QL_CSV_NUMBER_EXACT, .k = (int64_t)k, .scale = (uint8_t)scale};
    return true;
}

/* ---- blanks ---- */

/* Length of a blank at the end of s: ASCII's, and the no-break spaces that some locales write before a percent sign. */
static size_t blank_len_at_end(struct ql_str s) {
    if (s.len == 0) {
        return 0;
    }
    char c = s.ptr[s.len - 1];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        return 1;
    }
    return ql_str_has_suffix(s, "\xC2\xA0") ? 2 : ql_str_has_suffix(s, "\xE2\x80\xAF") ? 3 : 0;
}

static size_t blank_len_at_begin(struct ql_str s) {
    if (s.len == 0) {
        return 0;
    }
    char c = s.ptr[0];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        return 1;
    }
    return ql_str_has_prefix(s, "\xC2\xA0") ? 2 : ql_str_has_prefix(s, "\xE2\x80\xAF") ? 3 : 0;
}

static struct ql_str trim(struct ql_str s) {
    for (size_t n = blank_len_at_begin(s); n != 0; n = blank_len_at_begin(s)) {
        s.ptr += n;
        s.len -= n;
    }
    for (size_t n = blank_len_at_end(s); n != 0; n = blank_len_at_end(s)) {
        s.len -= n;
    }
    return s;
}

/* ---- the long way ---- */

/* The value is +-d1d2d3... * 10^exponent. */
struct decimal {
    bool is_negative;
    struct ql_buf *digits; /* no zeros at either end; empty: the value is 0 */
    int64_t exponent;
};

static void put_digits(struct decimal *decimal, struct ql_str digits) {
    if (decimal->digits->len == 0) {
        while (digits.len != 0 && digits.ptr[0] == '0') {
            digits.ptr++;
            digits.len--;
        }
    }
    ql_buf_put_str(decimal->digits, digits);
}

static void strip_zeros(struct decimal *decimal) {
    struct ql_buf *digits = decimal->digits;
    while (digits->len != 0 && digits->ptr[digits->len - 1] == '0') {
        digits->len--;
        decimal->exponent++;
    }
    if (digits->len == 0) {
        decimal->exponent = 0;
        decimal->is_negative = false;
    }
}

static struct ql_str take_digits(struct ql_str *s) {
    size_t n = 0;
    while (n < s->len && is_digit(s->ptr[n])) {
        n++;
    }
    struct ql_str digits = {.ptr = s->ptr, .len = n};
    s->ptr += n;
    s->len -= n;
    return digits;
}

static bool take_char(struct ql_str *s, char a, char b) {
    if (s->len == 0 || (s->ptr[0] != a && s->ptr[0] != b)) {
        return false;
    }
    s->ptr++;
    s->len--;
    return true;
}

static bool take_sign(struct ql_str *s) {
    bool is_negative = s->len != 0 && s->ptr[0] == '-';
    (void)take_char(s, '-', '+');
    return is_negative;
}

static bool take_exponent(struct ql_str *s, int64_t *exponent) {
    bool is_negative = take_sign(s);
    struct ql_str digits = take_digits(s);
    int64_t sum = 0;
    for (size_t i = 0; i < digits.len && sum < EXPONENT_MAX; i++) {
        sum = sum * 10 + (digits.ptr[i] - '0');
    }
    sum = sum < EXPONENT_MAX ? sum : EXPONENT_MAX;
    *exponent += is_negative ? -sum : sum;
    return digits.len != 0;
}

static bool parse_decimal(struct ql_str s, char point, struct decimal *decimal) {
    decimal->is_negative = take_sign(&s);
    struct ql_str whole = take_digits(&s);
    struct ql_str fraction = {0};
    if (take_char(&s, point, point)) {
        fraction = take_digits(&s);
    }
    if (whole.len + fraction.len == 0) {
        return false;
    }
    put_digits(decimal, whole);
    put_digits(decimal, fraction);
    decimal->exponent = -(int64_t)fraction.len;
    if (take_char(&s, 'e', 'E') && !take_exponent(&s, &decimal->exponent)) {
        return false;
    }
    strip_zeros(decimal);
    return s.len == 0;
}

/* Two digits below 60. */
static bool take_sexagesimal(struct ql_str *s, int64_t *value) {
    struct ql_str digits = take_digits(s);
    if (digits.len != 2) {
        return false;
    }
    *value = (digits.ptr[0] - '0') * 10 + (digits.ptr[1] - '0');
    return *value < 60;
}

/* What stands behind a point: nothing, or digits. */
static bool take_fraction(struct ql_str *s, char point, struct ql_str *fraction) {
    if (!take_char(s, '.', point)) { /* a point is accepted whatever the locale, nothing else can be meant */
        return true;
    }
    *fraction = take_digits(s);
    return fraction->len != 0;
}

/* HH:MM:SS[.fff], any number of hours, no sign. */
static bool take_clock(struct ql_str *s, char point, int64_t *seconds, struct ql_str *fraction) {
    struct ql_str hour_digits = take_digits(s);
    int64_t hours = 0;
    int64_t minutes = 0;
    if (hour_digits.len > HOUR_DIGITS_MAX || !ql_str_to_i64(hour_digits, &hours) || !take_char(s, ':', ':') ||
        !take_sexagesimal(s, &minutes) || !take_char(s, ':', ':') || !take_sexagesimal(s, seconds)) {
        return false;
    }
    *seconds += (hours * 60 + minutes) * 60;
    return take_fraction(s, point, fraction);
}

/* "1d 2h 3m 5s", "2m 5.5s": units from large to small, each once at most, no sign. */
static bool take_units(struct ql_str *s, char point, int64_t *seconds, struct ql_str *fraction) {
    static const struct {
        char small, capital;
        int64_t seconds;
    } UNITS[] = {{'d', 'D', 86400}, {'h', 'H', 3600}, {'m', 'M', 60}, {'s', 'S', 1}};
    *seconds = 0;
    for (size_t unit = 0; s->len != 0; unit++) {
        struct ql_str digits = take_digits(s);
        int64_t n = 0;
        if (digits.len > HOUR_DIGITS_MAX || !ql_str_to_i64(digits, &n) || !take_fraction(s, point, fraction)) {
            return false;
        }
        while (unit < 4 && !take_char(s, UNITS[unit].small, UNITS[unit].capital)) {
            unit++;
        }
        if (unit == 4 || (fraction->len != 0 && UNITS[unit].seconds != 1)) {
            return false;
        }
        *seconds += n * UNITS[unit].seconds;
        *s = trim(*s);
    }
    return true;
}

/* Both say their unit themselves. */
static bool is_duration_text(struct ql_str s) {
    return memchr(s.ptr, ':', s.len) != NULL || strchr("dhmsDHMS", s.ptr[s.len - 1]) != NULL;
}

static bool parse_duration(struct ql_str s, char point, struct decimal *decimal) {
    int64_t seconds = 0;
    struct ql_str fraction = {0};
    bool is_clock = memchr(s.ptr, ':', s.len) != NULL;
    if (is_clock ? !take_clock(&s, point, &seconds, &fraction) : !take_units(&s, point, &seconds, &fraction)) {
        return false;
    }
    struct ql_buf whole = {0};
    ql_buf_printf(&whole, "%" PRId64, seconds);
    put_digits(decimal, ql_buf_view(&whole));
    ql_buf_fini(&whole);
    put_digits(decimal, fraction);
    decimal->exponent = -(int64_t)fraction.len;
    strip_zeros(decimal);
    return s.len == 0;
}

static bool is_nan_or_infinity(struct ql_str s) {
    (void)take_sign(&s);
    return ql_str_eq_nocase(s, QL_STR("nan")) || ql_str_eq_nocase(s, QL_STR("inf")) || ql_str_eq_nocase(s, QL_STR("infinity"));
}

/* k and scale of an int64, where the value is one; rows.h uses the two lowest for marks. */
static bool to_exact(const struct decimal *decimal, struct ql_csv_number *number) {
    int64_t n_digits = (int64_t)decimal->digits->len;
    int64_t zeros = decimal->exponent > 0 ? decimal->exponent : 0;
    if (n_digits + zeros > U64_DIGITS_MAX || decimal->exponent < -QL_CSV_SCALE_MAX) {
        return false;
    }
    uint64_t k = 0; /* 19 digits fit */
    for (int64_t i = 0; i < n_digits + zeros; i++) {
        k = k * 10 + (uint64_t)(i < n_digits ? decimal->digits->ptr[i] - '0' : 0);
    }
    if (k > (uint64_t)INT64_MAX - decimal->is_negative) {
        return false;
    }
    number->kind = QL_CSV_NUMBER_EXACT;
    number->k = decimal->is_negative ? -(int64_t)k : (int64_t)k;
    number->scale = (uint8_t)(zeros != 0 ? 0 : -decimal->exponent);
    return true;
}

/* "-123e-45": no point, so that the text means the same in every locale. */
static void put_wide_text(const struct decimal *decimal, struct ql_buf *text) {
    ql_buf_reset(text);
    ql_buf_puts(text, decimal->is_negative ? "-" : "");
    ql_buf_put(text, decimal->digits->ptr, decimal->digits->len);
    if (decimal->exponent != 0) {
        ql_buf_printf(text, "e%+03lld", (long long)decimal->exponent);
    }
}

static enum ql_csv_fault to_wide(const struct decimal *decimal, struct ql_csv_number *number, struct ql_buf *text) {
    int64_t magnitude = (int64_t)decimal->digits->len + decimal->exponent; /* 10^(magnitude - 1) <= |value| < 10^magnitude */
    if (magnitude > MAGNITUDE_MAX) {
        return QL_CSV_FAULT_OVERFLOW;
    }
    bool is_tiny = magnitude < MAGNITUDE_MIN;
    if (!is_tiny) {
        put_wide_text(decimal, text);
        double nearest = magnitude == MAGNITUDE_MAX || magnitude == MAGNITUDE_MIN ? strtod(text->ptr, NULL) : 1.0;
        if (__builtin_isinf(nearest)) {
            return QL_CSV_FAULT_OVERFLOW;
        }
        is_tiny = nearest == 0.0;
    }
    *number = (struct ql_csv_number){.kind = is_tiny ? QL_CSV_NUMBER_EXACT : QL_CSV_NUMBER_WIDE};
    return QL_CSV_FINE;
}

static enum ql_csv_fault check_count(const struct decimal *decimal, struct ql_csv_number *number) {
    if (decimal->exponent < 0) {
        return QL_CSV_FAULT_COUNT;
    }
    if (decimal->is_negative) {
        return QL_CSV_FAULT_NEGATIVE;
    }
    return to_exact(decimal, number) ? QL_CSV_FINE : QL_CSV_FAULT_COUNT_OVERFLOW;
}

static enum ql_csv_fault parse_long(struct ql_str s, const struct ql_csv_number_rule *rule, struct ql_csv_number *number,
                                    struct ql_csv_number_scratch *scratch) {
    struct decimal decimal = {.digits = &scratch->digits};
    int shift = rule->shift;
    *number = (struct ql_csv_number){.kind = QL_CSV_NUMBER_EMPTY};
    s = trim(s);
    if (s.len == 0) {
        return QL_CSV_FINE;
    }
    if (rule->is_percentage && s.ptr[s.len - 1] == '%') {
        s.len--;
        s = trim(s);
        shift = 0;
    }
    if (is_nan_or_infinity(s)) {
        number->kind = QL_CSV_NUMBER_NAN;
        return QL_CSV_FINE;
    }
    ql_buf_reset(&scratch->digits);
    if (rule->is_duration && is_duration_text(s)) {
        shift = 0;
        if (!parse_duration(s, rule->point, &decimal)) {
            return QL_CSV_FAULT_NUMBER;
        }
    } else if (!parse_decimal(s, rule->point, &decimal)) {
        return QL_CSV_FAULT_NUMBER;
    }
    decimal.exponent += decimal.digits->len != 0 ? shift : 0;
    if (rule->kind == QL_NUMBER_COUNT) {
        return check_count(&decimal, number);
    }
    return to_exact(&decimal, number) ? QL_CSV_FINE : to_wide(&decimal, number, &scratch->text);
}

enum ql_csv_fault ql_csv_number_parse(struct ql_str s, const struct ql_csv_number_rule *rule, struct ql_csv_number *number,
                                      struct ql_csv_number_scratch *scratch) {
    if (parse_plain(s, rule->point, rule->shift, rule->kind == QL_NUMBER_COUNT, number)) {
        return QL_CSV_FINE;
    }
    return parse_long(s, rule, number, scratch);
}

void ql_csv_number_scratch_fini(struct ql_csv_number_scratch *scratch) {
    ql_buf_fini(&scratch->digits);
    ql_buf_fini(&scratch->text);
}
