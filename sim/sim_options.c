#include "sim/sim_options.h"

#include "base/str.h"
#include "sim/calendar.h"

#include <getopt.h>
#include <stddef.h>

enum kind { PORT, SECONDS, WHOLE, SEED, TEXT, FLAG, GZIP, WORLD, INSTANT };

struct option_row {
    const char *name;
    enum kind kind;
    size_t offset;
    int64_t min, max;
};

#define MEMBER(member) offsetof(struct ql_sim_options, member)
static const struct option_row ROWS[] = {
    {"port", PORT, MEMBER(port), 0, 65535},
    {"download-port", PORT, MEMBER(download_port), 0, 65535},
    {"seed", SEED, MEMBER(seed), 0, 0},
    {"queues", WHOLE, MEMBER(n_queues), 0, 100000},
    {"line-breaks", FLAG, MEMBER(has_line_breaks), 0, 0},
    {"world", WORLD, MEMBER(is_edge), 0, 0},
    {"now", INSTANT, MEMBER(now_ms), 0, 0},
    {"settle", SECONDS, MEMBER(settle_ms), 1, 8640000},
    {"divisions", TEXT, MEMBER(divisions), 0, 0},
    {"csv", TEXT, MEMBER(csv_path), 0, 0},
    {"gzip", GZIP, MEMBER(gzip), 0, 0},
    {"ready-after", SECONDS, MEMBER(ready_after_ms), 0, 86400},
    {"token-life", SECONDS, MEMBER(token_life_ms), 0, 172800},
    {"link-life", WHOLE, MEMBER(link_life_s), 0, 604800},
    {"rate-limit", WHOLE, MEMBER(rate_limit), 1, 1000000000},
    {"rate-window", SECONDS, MEMBER(rate_window_ms), 0, 86400},
    {"job-life", SECONDS, MEMBER(job_life_ms), 0, 864000},
    {"max-query-days", WHOLE, MEMBER(max_query_days), 0, 100000},
    {"max-query-buckets", WHOLE, MEMBER(max_query_buckets), 0, INT64_MAX},
    {"max-job-days", WHOLE, MEMBER(max_job_days), 0, 100000},
    {"max-jobs", WHOLE, MEMBER(max_jobs), 0, 100000},
    {"max-report-days", WHOLE, MEMBER(max_report_days), 0, 100000},
    {"max-report-bytes", WHOLE, MEMBER(max_report_bytes), 0, INT64_MAX},
    {"other-reports", WHOLE, MEMBER(n_other_reports), 0, 100000},
    {"public-only", FLAG, MEMBER(is_public_only), 0, 0},
    {"split-groups", FLAG, MEMBER(splits_groups), 0, 0},
    {"gzip-api", FLAG, MEMBER(zips_api), 0, 0},
    {"offsets", FLAG, MEMBER(has_offsets), 0, 0},
    {"client-id", TEXT, MEMBER(client_id), 0, 0},
    {"client-secret", TEXT, MEMBER(client_secret), 0, 0},
    {"scopes", TEXT, MEMBER(scopes), 0, 0},
    {"permissions", TEXT, MEMBER(permissions), 0, 0},
    {"disabled-client", FLAG, MEMBER(is_disabled), 0, 0},
    {"log", TEXT, MEMBER(log_path), 0, 0},
    {"fault-plan", TEXT, MEMBER(fault_plan_path), 0, 0},
    {"help", FLAG, MEMBER(wants_help), 0, 0},
};
enum { N_ROWS = sizeof ROWS / sizeof ROWS[0] };

const char *const ql_sim_options_help[] = {
    "usage: queuelake-sim [--port N] [options]\n"
    "\n"
    "Simulates Genesys Cloud on loopback: login and API on one port, the download host on another. Once both listen, "
    "one line\n"
    "of JSON on standard output says where, and with which client id and secret. Runs until SIGINT or SIGTERM.\n"
    "\n"
    "  --port N, --download-port N   0 takes a free one (default)\n"
    "\n"
    "Data\n"
    "  --seed N                      the same seed gives the same queues and figures (default 1)\n"
    "  --queues N                    how many queues (default 12)\n"
    "  --line-breaks                 one queue's name has a line break\n"
    "  --world plain|edge            edge adds callbacks, digital media, outbound calls, transfers, flow-outs, an "
    "awkward "
    "CSV\n"
    "                                (default plain: every queue is inbound voice)\n"
    "  --now TIME                    nothing later than that has happened, and what is recent still grows (default: "
    "everything has)\n"
    "  --settle SECONDS              how long a quarter of an hour grows after its end (default 86400)\n"
    "  --divisions A,B               the client sees the queues of these of Home, North and South alone (default: all)\n"
    "  --csv FILE                    every export has this content instead\n"
    "  --gzip[=encoding|file]        downloads compressed: Content-Encoding: gzip (default), or an object that is a "
    ".gz\n"
    "\n"
    "Behaviour\n"
    "  --ready-after SECONDS         how long an export is in progress (default 0)\n"
    "  --token-life SECONDS          (default 86400)\n"
    "  --link-life SECONDS           how long a download link is good (default 900)\n"
    "  --rate-limit N                requests of the client at the API in a window (default 300)\n"
    "  --rate-window SECONDS         the length of that window (default 60)\n"
    "  --job-life SECONDS            how long a job's results are kept (default 86400)\n"
    "  --max-query-days N, --max-query-buckets N, --max-job-days N, --max-jobs N\n"
    "                                limits of aggregates that no client knows: length, size, jobs at once (default 0: "
    "none)\n"
    "  --max-report-days N, --max-report-bytes N\n"
    "                                a reporting export beyond fails (default 0: none; 10485760)\n"
    "  --other-reports N             reporting exports that are there already and come first in the list (default 0)\n"
    "  --public-only                 no GET, PATCH, DELETE of one reporting export: the SDKs do not have them\n"
    "  --split-groups                a page of a job's results may end inside a group; its size counts intervals\n"
    "  --gzip-api                    answers of the API are compressed for clients that take it\n"
    "  --offsets                     intervals of aggregates are written in the query's time zone\n"
    "  --client-id ID, --client-secret SECRET   (default: made up at start)\n"
    "  --scopes A,B                  stated in the token's answer and in tokens/me (default: none stated)\n"
    "  --permissions A,B             what the client may do; '' for nothing (default: all)\n"
    "  --disabled-client             the client exists but gets no token\n"
    "\n",
    "For tests\n"
    "  --log FILE                    one line of JSON a request, secrets masked\n"
    "  --fault-plan FILE             a JSON list of {\"match\": {\"host\": \"api\"|\"download\", \"method\", \"path\": "
    "prefix or glob},\n"
    "                                \"skip\": N, \"times\": M (default 1, -1 always), \"fault\": {...}}; the first "
    "rule that is due fires.\n"
    "\n"
    "  Members of \"fault\". Another answer:\n"
    "    status, headers, body, content_type; status with code and message (an error of the API); permission NAME (403);\n"
    "    html STATUS; redirect URL ({url}, {api}, {download} stand for this request's URL and the two hosts); bomb MIB (gzip "
    "of\n"
    "    zeros; download)\n"
    "  The right answer, damaged on its way (bytes are those of the body):\n"
    "    close_before_answer; reset (alone: before the first byte); truncate_after BYTES; wrong_length DIFFERENCE; "
    "duplicate_length\n"
    "    BYTES; no_length; chunked; stall_ms (alone: before the answer), with stall_after BYTES or stall_in_head; slice "
    "BYTES,\n"
    "    slice_ms; big_headers BYTES; informational COUNT (so many 103 first)\n"
    "  The right answer over a damaged content (download): gzip_cut BYTES (off its end, framing intact), corrupt_gzip\n"
    "  Another state: export_status \"failed\"|\"cancelled\" with message; report_status with report_error; job_state "
    "with message;\n"
    "    expire_link; expire_token; rename_queue NUMBER; delete_queue NUMBER (from 1)\n"
    "  acts true|false: whether the request takes effect (default: false with another answer, else true)\n",
    NULL};

static enum ql_status refuse(struct ql_err *err, const char *name, const char *value, const char *wanted) {
    enum ql_status status = QL_FAIL(err, QL_E_USAGE, "--%s '%s' must be %s", name, value, wanted);
    ql_err_hint(err, "see 'queuelake-sim --help'");
    return status;
}

/* "2", "0.25": seconds with at most three decimals, as milliseconds. */
static bool parse_seconds(struct ql_str text, int64_t *ms) {
    struct ql_str fraction;
    struct ql_str whole = ql_str_split(text, '.', &fraction);
    int64_t seconds = 0;
    int64_t thousandths = 0;
    if (!ql_str_to_i64(whole, &seconds) || seconds < 0 || seconds > INT32_MAX || fraction.len > 3 ||
        (fraction.ptr != NULL && (fraction.len == 0 || !ql_str_to_i64(fraction, &thousandths) || fraction.ptr[0] < '0'))) {
        return false;
    }
    for (size_t i = fraction.len; i < 3; i++) {
        thousandths *= 10;
    }
    *ms = seconds * 1000 + thousandths;
    return true;
}

static enum ql_status set_number(const struct option_row *row, const char *value, void *member, struct ql_err *err) {
    int64_t number;
    struct ql_str text = ql_str_from(value);
    if (row->kind == SECONDS) {
        if (!parse_seconds(text, &number) || number < row->min * 1000 || number > row->max * 1000) {
            return refuse(err, row->name, value, "a number of seconds, with three decimals at most");
        }
        *(int64_t *)member = number;
        return QL_OK;
    }
    if (!ql_str_to_i64(text, &number) || (row->kind != SEED && (number < row->min || number > row->max))) {
        return refuse(err, row->name, value, "a whole number in range");
    }
    if (row->kind == PORT) {
        *(uint16_t *)member = (uint16_t)number;
    } else if (row->kind == SEED) {
        *(uint64_t *)member = (uint64_t)number;
    } else {
        *(int64_t *)member = number;
    }
    return QL_OK;
}

static enum ql_status set_option(const struct option_row *row, const char *value, struct ql_sim_options *options,
                                 struct ql_err *err) {
    void *member = (char *)options + row->offset;
    switch (row->kind) {
    case FLAG:
        *(bool *)member = true;
        return QL_OK;
    case TEXT:
        *(const char **)member = value;
        return QL_OK;
    case GZIP:
        if (value != NULL && strcmp(value, "encoding") != 0 && strcmp(value, "file") != 0) {
            return refuse(err, row->name, value, "'encoding' or 'file'");
        }
        options->gzip = value != NULL && strcmp(value, "file") == 0 ? QL_SIM_GZIP_FILE : QL_SIM_GZIP_ENCODING;
        return QL_OK;
    case WORLD:
        if (strcmp(value, "plain") != 0 && strcmp(value, "edge") != 0) {
            return refuse(err, row->name, value, "'plain' or 'edge'");
        }
        options->is_edge = strcmp(value, "edge") == 0;
        return QL_OK;
    case INSTANT:
        return ql_sim_time_parse(ql_str_from(value), member) ? QL_OK
                                                             : refuse(err, row->name, value, "a time as 2024-01-01T12:00:00Z");
    case PORT:
    case SECONDS:
    case WHOLE:
    case SEED:
    default:
        return set_number(row, value, member, err);
    }
}

static enum ql_status refuse_word(struct ql_err *err, const char *word) {
    const char *names[N_ROWS];
    for (size_t i = 0; i < N_ROWS; i++) {
        names[i] = ROWS[i].name;
    }
    enum ql_status status = QL_FAIL(err, QL_E_USAGE, "'%s' is no option, or lacks its value", word);
    const char *nearest = ql_str_nearest(ql_str_from(word + strspn(word, "-")), names, N_ROWS);
    if (nearest != NULL) {
        ql_err_hint(err, "did you mean '--%s'? See 'queuelake-sim --help'", nearest);
    } else {
        ql_err_hint(err, "see 'queuelake-sim --help'");
    }
    return status;
}

enum ql_status ql_sim_options_read(int argc, char **argv, struct ql_sim_options *options, struct ql_err *err) {
    struct option longs[N_ROWS + 1] = {0};
    for (size_t i = 0; i < N_ROWS; i++) {
        int has_value = ROWS[i].kind == FLAG ? no_argument : ROWS[i].kind == GZIP ? optional_argument : required_argument;
        longs[i] = (struct option){ROWS[i].name, has_value, NULL, (int)i + 1};
    }
    *options = (struct ql_sim_options){.seed = 1,
                                       .n_queues = 12,
                                       .now_ms = INT64_MAX,
                                       .settle_ms = 86400 * 1000,
                                       .job_life_ms = 86400 * 1000,
                                       .max_report_bytes = 10 * 1024 * 1024,
                                       .token_life_ms = 86400 * 1000,
                                       .link_life_s = 900,
                                       .rate_limit = 300,
                                       .rate_window_ms = 60 * 1000};
    opterr = 0;
    for (;;) {
        int word = optind;
        int row = getopt_long(argc, argv, "+", longs, NULL);
        if (row == -1) {
            break;
        }
        if (row == '?') {
            return refuse_word(err, argv[word]);
        }
        QL_TRY(set_option(&ROWS[row - 1], optarg, options, err));
    }
    return optind < argc ? refuse_word(err, argv[optind]) : QL_OK;
}
