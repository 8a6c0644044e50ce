#include "sim/sim_options.h"

#include "base/str.h"

#include <getopt.h>
#include <stddef.h>

enum kind { PORT, SECONDS, WHOLE, SEED, TEXT, FLAG, GZIP };

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
    {"csv", TEXT, MEMBER(csv_path), 0, 0},
    {"gzip", GZIP, MEMBER(gzip), 0, 0},
    {"ready-after", SECONDS, MEMBER(ready_after_ms), 0, 86400},
    {"token-life", SECONDS, MEMBER(token_life_ms), 0, 172800},
    {"link-life", WHOLE, MEMBER(link_life_s), 0, 604800},
    {"rate-limit", WHOLE, MEMBER(rate_limit), 1, 1000000000},
    {"rate-window", SECONDS, MEMBER(rate_window_ms), 0, 86400},
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

const char *ql_sim_options_help(void) {
    return "usage: queuelake-sim [--port N] [options]\n"
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
           "  --client-id ID, --client-secret SECRET   (default: made up at start)\n"
           "  --scopes A,B                  stated in the token's answer and in tokens/me (default: none stated)\n"
           "  --permissions A,B             what the client may do; '' for nothing (default: all)\n"
           "  --disabled-client             the client exists but gets no token\n"
           "\n"
           "For tests\n"
           "  --log FILE                    one line of JSON a request, secrets masked\n"
           "  --fault-plan FILE             a JSON list of {\"match\": {\"host\": \"api\"|\"download\", \"method\", \"path\": "
           "prefix or glob},\n"
           "                                \"skip\": N, \"times\": M (default 1, -1 always), \"fault\": {...}}; the first "
           "rule that is due fires.\n"
           "\n"
           "  Members of \"fault\". Another answer:\n"
           "    status, headers, body, content_type; html STATUS; redirect URL ({url}, {api}, {download} stand for this "
           "request's URL and\n"
           "    the two hosts); bomb MIB (gzip of zeros; download)\n"
           "  The right answer, damaged on its way (bytes are those of the body):\n"
           "    close_before_answer; reset (alone: before the first byte); truncate_after BYTES; wrong_length DIFFERENCE; "
           "duplicate_length\n"
           "    BYTES; no_length; chunked; stall_ms (alone: before the answer), with stall_after BYTES or stall_in_head; slice "
           "BYTES,\n"
           "    slice_ms; big_headers BYTES; informational COUNT (so many 103 first)\n"
           "  The right answer over a damaged content (download): gzip_cut BYTES (off its end, framing intact), corrupt_gzip\n"
           "  Another state: export_status \"failed\"|\"cancelled\" with message; expire_link; expire_token\n"
           "  acts true|false: whether the request takes effect (default: false with another answer, else true)\n";
}

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
        if (!parse_seconds(text, &number) || number > row->max * 1000) {
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
