/**
 * How long to wait before another attempt: the SDKs' standard mode ("Retry behavior", AWS SDKs and Tools reference;
 * botocore/retries/standard.py), with its full jitter, its cap of 20 s and its second for throttling. Other faults begin at 200
 * ms: the SDKs are about to go from a second to 50 ms, of which a store that restarts would see all attempts.
 *
 * What the server asks for is a lower bound: Retry-After, or S3's x-amz-retry-after in ms, believed up to 5 s beyond the
 * jitter.
 */
#include "store/store_internal.h"

enum { FAULT_BASE_MS = 200, THROTTLE_BASE_MS = 1000, CAP_MS = 20000, MAX_AMZ_RETRY_AFTER_MS = 5000 };

static int64_t at_most(int64_t usual, int64_t bound) {
    return bound != 0 && bound < usual ? bound : usual;
}

static int64_t amz_retry_after_ms(const struct ql_http_response *response) {
    int64_t ms;
    struct ql_str text = ql_http_response_get(response, "x-amz-retry-after");
    return text.ptr != NULL && ql_str_to_i64(text, &ms) && ms > 0 ? ms : 0;
}

int64_t ql_s3_wait_ms(const struct ql_s3_options *options, int n_attempts, enum ql_s3_kind kind,
                      const struct ql_http_response *response, uint64_t random) {
    int64_t cap = at_most(CAP_MS, options->retry_cap_ms);
    int64_t longest = at_most(kind == QL_S3_THROTTLED ? THROTTLE_BASE_MS : FAULT_BASE_MS, options->retry_base_ms);
    for (int i = 1; i < n_attempts && longest < cap; i++) {
        longest *= 2;
    }
    longest = longest < cap ? longest : cap;
    int64_t wait = (int64_t)(random % (uint64_t)(longest + 1));
    int64_t asked = amz_retry_after_ms(response);
    if (asked > wait) {
        wait = asked < wait + MAX_AMZ_RETRY_AFTER_MS ? asked : wait + MAX_AMZ_RETRY_AFTER_MS;
    }
    return response->retry_after_ms > wait ? response->retry_after_ms : wait;
}
