/** Random exports, usual and unusual ones, the same in every run. */
#ifndef QL_TESTS_CSV_RANDOM_H
#define QL_TESTS_CSV_RANDOM_H

#include "unit/csv/csv_harness.h"

static inline uint64_t next_random(uint64_t *seed) { /* splitmix64 */
    uint64_t z = (*seed += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline size_t pick(uint64_t *seed, size_t n) {
    return (size_t)(next_random(seed) % n);
}

static const char *const INTERVALS[] = {CSV_INTERVAL,
                                        CSV_INTERVAL,
                                        CSV_INTERVAL,
                                        CSV_INTERVAL,
                                        "2024-01-01T00:30:00.000Z/2024-01-01T01:00:00.000Z",
                                        "\"" CSV_INTERVAL "\"",
                                        "2024-01-01T00:00:00+01:00/PT30M",
                                        "2024-01-01",
                                        "2024-01-01T01:00Z/2024-01-01T00:30Z",
                                        "yesterday",
                                        "2031-01-01T00:00:00Z"};
static const char *const IDS[] = {"500320d4-f8f2-a545-72d7-e6de5793354a",
                                  "6349ab2f-ca05-7cb1-1cd3-96d5eab513a1",
                                  "q",
                                  "q2",
                                  "",
                                  "\"q3\"",
                                  "a-fairly-long-id-of-a-queue-\xC3\xA9",
                                  " "};
static const char *const NAMES[] = {"Sales 0000",     "Support 0001", "Billing",     "",        "\"VIP, \"\"Gold\"\"\"",
                                    "\"two\nlines\"", "caf\xC3\xA9",  "bad\xFFtext", "\"\"",    " ",
                                    "say \"hi\"",     "\"a\"b",       "cut\rhere",   "\"\"\"\""};
static const char *const NUMBERS[] = {"0",
                                      "1",
                                      "12",
                                      "9",
                                      "123",
                                      "201.896",
                                      "85.5",
                                      "85.50",
                                      "100.0",
                                      "0.0",
                                      "",
                                      "nan",
                                      "-1",
                                      "1e3",
                                      "00:01:30",
                                      "77%",
                                      "12345678",
                                      "123456789",
                                      "1234567890123456",
                                      "1234567.125",
                                      "12345678901234567890",
                                      "\"7\"",
                                      "\"1,5\"",
                                      "x",
                                      " 4 ",
                                      ".5",
                                      "5.",
                                      "1.2.3",
                                      "123456789012.25"};
#define PICK(seed, list, n_usual, rare) \
    ((list)[pick((seed), (rare) != 0 && pick((seed), (rare)) == 0 ? sizeof(list) / sizeof *(list) : (n_usual))])

/* A random export; rare: one field in so many is unusual; 0: none. */
static inline void put_export(struct ql_buf *out, uint64_t *seed, size_t n_rows, size_t rare) {
    ql_buf_puts(out, CSV_HEADER);
    const char *line_end = pick(seed, 2) == 0 ? "\n" : "\r\n";
    for (size_t i = 0; i < n_rows; i++) {
        ql_buf_puts(out, PICK(seed, INTERVALS, 5, rare));
        ql_buf_printf(out, ",%s", PICK(seed, IDS, 4, rare));
        ql_buf_printf(out, ",%s", PICK(seed, NAMES, 3, rare));
        for (int m = 0; m < CSV_METRICS; m++) {
            ql_buf_printf(out, ",%s", PICK(seed, NUMBERS, m < 2 ? 5 : 12, rare));
        }
        if (rare != 0 && pick(seed, 4 * rare) == 0) {
            static const char *const ODD[] = {",more", "\n", "\r", "\r\n\r\n", "\"", "\n,,\n"};
            ql_buf_puts(out, ODD[pick(seed, sizeof ODD / sizeof *ODD)]);
        }
        ql_buf_puts(out, line_end);
    }
    if (pick(seed, 3) == 0) {
        out->len -= strlen(line_end);
    }
}

#endif
