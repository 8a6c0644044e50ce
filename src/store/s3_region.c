/**
 * A bucket in another region than the request was signed for: whether an answer says so, and which region it names.
 *
 * S3 has several ways to say it ("Request redirection and the REST API"): 301 PermanentRedirect and 307 TemporaryRedirect with
 * an <Endpoint>, 400 AuthorizationHeaderMalformed with a <Region>, 400 IllegalLocationConstraintException, and the header
 * x-amz-bucket-region, which is all that a HEAD has.
 */
#include "store/store_internal.h"

bool ql_s3_is_region(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return text.len != 0 && text.len <= 32;
}

/* "bucket.s3.eu-west-1.amazonaws.com", "bucket.s3-eu-west-1.amazonaws.com" and without the bucket. */
static struct ql_str region_of_endpoint(struct ql_str endpoint) {
    struct ql_str rest = endpoint;
    while (rest.ptr != NULL) {
        struct ql_str label = ql_str_split(rest, '.', &rest);
        if (ql_str_eq(label, QL_STR("s3")) || ql_str_eq(label, QL_STR("s3-fips"))) {
            label = ql_str_split(rest, '.', &rest);
            return ql_str_eq(label, QL_STR("dualstack")) ? ql_str_split(rest, '.', &rest) : label;
        }
        if (ql_str_has_prefix(label, "s3-")) {
            return (struct ql_str){.ptr = label.ptr + 3, .len = label.len - 3};
        }
    }
    return (struct ql_str){0};
}

struct ql_str ql_s3_told_region(const struct ql_s3_error *error, const struct ql_http_response *response) {
    const struct ql_str told[] = {
        ql_http_response_get(response, "x-amz-bucket-region"),
        ql_str_from(error->region),
        region_of_endpoint(ql_str_from(error->endpoint)),
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        if (ql_s3_is_region(told[i]) && !ql_str_eq(told[i], QL_STR("amazonaws"))) {
            return told[i];
        }
    }
    return (struct ql_str){0};
}

bool ql_s3_is_about_region(const struct ql_s3_error *error, const struct ql_http_response *response) {
    return response->status == 301 || response->status == 307 || response->status == 308 ||
           strcmp(error->code, "PermanentRedirect") == 0 || strcmp(error->code, "TemporaryRedirect") == 0 ||
           strcmp(error->code, "AuthorizationHeaderMalformed") == 0 ||
           strcmp(error->code, "IllegalLocationConstraintException") == 0;
}
