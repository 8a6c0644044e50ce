/**
 * Settings of S3 that can be refused before a token is asked for: what is missing, what cannot be a name, what would end up in
 * a host name or a header and must not.
 *
 * Towards AWS itself the published rules of bucket names hold; other servers have looser ones, so there only what would break
 * the URL is refused.
 */
#include "store/store_internal.h"

enum { MAX_OTHER_BUCKET_BYTES = 255, ACCOUNT_DIGITS = 12, MAX_REGION_BYTES = 64 };

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool has_only(struct ql_str text, const char *set) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(set, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Visible ASCII: what a header value can carry as it is. */
static bool is_plain(struct ql_str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c <= 0x20 || c >= 0x7f) {
            return false;
        }
    }
    return true;
}

static enum ql_status fail_config(struct ql_err *err, const char *what, const char *hint) {
    QL_FAIL(err, QL_E_CONFIG, "%s", what);
    ql_err_hint(err, "%s", hint);
    return QL_E_CONFIG;
}

/* ---- credentials ---- */

static enum ql_status check_credentials(const struct ql_s3_options *options, struct ql_err *err) {
    bool has_id = options->access_key_id.len != 0;
    bool has_secret = options->secret_access_key.len != 0;
    if (!has_id && !has_secret) {
        return fail_config(err, "no AWS credentials are set",
                           "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if they are temporary");
    }
    if (!has_id) {
        return fail_config(err, "the AWS access key id is missing",
                           "set AWS_ACCESS_KEY_ID, which belongs to AWS_SECRET_ACCESS_KEY");
    }
    if (!has_secret) {
        return fail_config(err, "the AWS secret access key is missing",
                           "set AWS_SECRET_ACCESS_KEY, which belongs to AWS_ACCESS_KEY_ID");
    }
    if (!is_plain(options->access_key_id) || memchr(options->access_key_id.ptr, '/', options->access_key_id.len) != NULL) {
        return fail_config(err, "the AWS access key id has a character that no key id has", "correct AWS_ACCESS_KEY_ID");
    }
    if (!is_plain(options->secret_access_key)) {
        return fail_config(err, "the AWS secret access key has a blank or another character that no key has",
                           "correct AWS_SECRET_ACCESS_KEY; it may have been copied with a line break or quotes");
    }
    if (!is_plain(options->session_token)) {
        return fail_config(err, "the AWS session token has a blank or another character that no token has",
                           "correct AWS_SESSION_TOKEN; it may have been copied with a line break or quotes");
    }
    /* "Understanding unique ID prefixes" (IAM): ASIA is a temporary key, which is nothing without its token. */
    if (ql_str_has_prefix(options->access_key_id, "ASIA") && options->session_token.len == 0 && options->endpoint.len == 0) {
        return fail_config(err, "the AWS access key is temporary (ASIA...), but there is no session token",
                           "set AWS_SESSION_TOKEN too");
    }
    return QL_OK;
}

/* ---- where ---- */

static enum ql_status check_region(const struct ql_s3_options *options, struct ql_err *err) {
    struct ql_str region = options->region;
    if (has_only(region, "abcdefghijklmnopqrstuvwxyz0123456789-") && region.len <= MAX_REGION_BYTES) {
        return QL_OK;
    }
    bool is_other = options->endpoint.len != 0 && region.len <= MAX_REGION_BYTES && is_plain(region) &&
                    memchr(region.ptr, '/', region.len) == NULL && memchr(region.ptr, ',', region.len) == NULL;
    if (is_other) {
        return QL_OK;
    }
    QL_FAIL(err, QL_E_CONFIG, "'%.*s' is no AWS region", QL_STR_ARG(region));
    ql_err_hint(err, "set AWS_REGION to the region's code, such as eu-central-1");
    return QL_E_CONFIG;
}

/* service and variable: for messages, "S3" and "AWS_ENDPOINT_URL". */
static enum ql_status check_endpoint(const struct ql_s3_options *options, struct ql_str text, const char *service,
                                     const char *variable, struct ql_err *err) {
    struct ql_s3_endpoint endpoint;
    if (text.len == 0) {
        return QL_OK;
    }
    if (ql_s3_endpoint_parse(text, &endpoint)) {
        if (endpoint.is_https || endpoint.is_loopback || options->allow_http) {
            return QL_OK;
        }
        QL_FAIL(err, QL_E_CONFIG, "the %s endpoint '%.*s' would be spoken to over plain http", service, QL_STR_ARG(text));
        ql_err_hint(err,
                    "set %s to https://, or say --allow-http if the network in between can be trusted; "
                    "plain http goes to this machine only",
                    variable);
        return QL_E_CONFIG;
    }
    /* Not repeated in the message if it may hold a password. */
    if (memchr(text.ptr, '@', text.len) != NULL) {
        QL_FAIL(err, QL_E_CONFIG, "the %s endpoint has a user name or password in it", service);
        ql_err_hint(err, "write %s without it; credentials go to AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", variable);
        return QL_E_CONFIG;
    }
    struct ql_str query; /* may be a signature */
    struct ql_str shown = ql_str_split(text, '?', &query);
    QL_FAIL(err, QL_E_CONFIG, "'%.*s%s' is no URL of an %s endpoint", QL_STR_ARG(shown), query.ptr != NULL ? "?..." : "",
            service);
    ql_err_hint(err, "write %s as https://host, with a port or a path if need be, without '?' and '#'", variable);
    return QL_E_CONFIG;
}

/* "General purpose bucket naming rules" (S3 user guide). */
static const char *aws_bucket_fault(struct ql_str bucket) {
    if (bucket.len < 3 || bucket.len > 63) {
        return "has not 3 to 63 characters";
    }
    if (!has_only(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-")) {
        return "has other characters than lower-case letters, digits, '.' and '-'";
    }
    char first = bucket.ptr[0];
    char last = bucket.ptr[bucket.len - 1];
    if (!(is_lower(first) || is_digit(first)) || !(is_lower(last) || is_digit(last))) {
        return "does not begin and end with a letter or a digit";
    }
    size_t dots = 0;
    for (size_t i = 0; i < bucket.len; i++) {
        dots += bucket.ptr[i] == '.';
        if (bucket.ptr[i] == '.' && bucket.ptr[i + 1] == '.') { /* not the last, which is no dot */
            return "has two dots in a row";
        }
    }
    if (dots == 3 && has_only(bucket, "0123456789.")) {
        return "has the form of an IP address";
    }
    if (ql_str_has_suffix(bucket, "--x-s3")) {
        return "is a directory bucket (S3 Express), which is not supported";
    }
    return NULL;
}

static const char *other_bucket_fault(struct ql_str bucket) {
    if (bucket.len > MAX_OTHER_BUCKET_BYTES) {
        return "is longer than 255 bytes";
    }
    /* ':' separates a tenant from its bucket in Ceph. */
    if (!has_only(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:")) {
        return "has other characters than letters, digits and '.', '-', '_', ':'";
    }
    return ql_str_eq(bucket, QL_STR(".")) || ql_str_eq(bucket, QL_STR("..")) ? "is none" : NULL;
}

static enum ql_status check_bucket(const struct ql_s3_options *options, struct ql_str bucket, struct ql_err *err) {
    if (bucket.len == 0) {
        return fail_config(err, "no bucket is named", "set S3_BUCKET, or write --output s3://bucket/key");
    }
    bool is_in_host = options->addressing == QL_S3_ADDRESSING_VIRTUAL;
    const char *fault = options->endpoint.len == 0 || is_in_host ? aws_bucket_fault(bucket) : other_bucket_fault(bucket);
    if (fault == NULL) {
        return QL_OK;
    }
    QL_FAIL(err, QL_E_CONFIG, "the bucket name '%.*s' %s", QL_STR_ARG(bucket), fault);
    ql_err_hint(err, ql_str_has_prefix(bucket, "arn:") ? "write the bucket's name, not an ARN; access points are not supported"
                                                       : "correct S3_BUCKET or --output");
    return QL_E_CONFIG;
}

/* ---- headers ---- */

/* A line break would begin another header. */
static enum ql_status check_values(const struct ql_s3_options *options, struct ql_err *err) {
    const struct {
        const char *what;
        struct ql_str value;
    } VALUES[] = {{"content type", options->content_type},
                  {"cache control", options->cache_control},
                  {"storage class", options->storage_class},
                  {"ACL", options->acl},
                  {"KMS key", options->kms_key}};
    for (size_t i = 0; i < sizeof VALUES / sizeof VALUES[0]; i++) {
        for (size_t j = 0; j < VALUES[i].value.len; j++) {
            unsigned char c = (unsigned char)VALUES[i].value.ptr[j];
            if (c < 0x20 || c >= 0x7f) {
                QL_FAIL(err, QL_E_CONFIG, "the %s has a character that no header can carry", VALUES[i].what);
                ql_err_hint(err, "correct the %s", VALUES[i].what);
                return QL_E_CONFIG;
            }
        }
    }
    return QL_OK;
}

static enum ql_status check_headers(const struct ql_s3_options *options, struct ql_err *err) {
    struct ql_str owner = options->expected_bucket_owner;
    if (owner.len != 0 && (owner.len != ACCOUNT_DIGITS || !has_only(owner, "0123456789"))) {
        QL_FAIL(err, QL_E_CONFIG, "'%.*s' is no AWS account id", QL_STR_ARG(owner));
        ql_err_hint(err, "give --expected-bucket-owner the 12 digits of the account that owns the bucket");
        return QL_E_CONFIG;
    }
    struct ql_str encryption = options->server_side_encryption;
    bool is_known = encryption.len == 0 || ql_str_eq(encryption, QL_STR("none")) || ql_str_eq(encryption, QL_STR("AES256")) ||
                    ql_str_eq(encryption, QL_STR("aws:kms")) || ql_str_eq(encryption, QL_STR("aws:kms:dsse"));
    if (!is_known) {
        QL_FAIL(err, QL_E_CONFIG, "'%.*s' is no server-side encryption of S3", QL_STR_ARG(encryption));
        ql_err_hint(err, "there are AES256, aws:kms, aws:kms:dsse and none");
        return QL_E_CONFIG;
    }
    bool is_kms = ql_str_has_prefix(encryption, "aws:kms");
    if (!is_kms && (options->kms_key.len != 0 || options->n_kms_context != 0 || options->uses_bucket_key)) {
        return fail_config(
            err, "a KMS key, its context or a bucket key is set, but the encryption is not KMS's",
            "say --s3-encryption aws:kms as well, or leave --s3-kms-key, --s3-kms-context and --s3-bucket-key out");
    }
    return check_values(options, err);
}

/* ---- what the store lacks, and AWS has not everywhere */

static enum ql_status check_features(const struct ql_s3_options *options, struct ql_err *err) {
    const struct ql_s3_quirks *store = ql_s3_quirks_of(options->endpoint);
    struct ql_str encryption = options->server_side_encryption;
    if (options->endpoint.len != 0 && (options->uses_fips || options->uses_dual_stack)) {
        return fail_config(err, "FIPS and dual-stack endpoints are AWS's own, but another endpoint is set",
                           "leave out AWS_ENDPOINT_URL, or --s3-fips and --s3-dual-stack");
    }
    struct ql_s3_endpoint endpoint;
    if (options->addressing == QL_S3_ADDRESSING_VIRTUAL && ql_s3_endpoint_parse(options->endpoint, &endpoint) &&
        endpoint.is_address) {
        return fail_config(err, "the S3 endpoint is an address, which has no names of buckets below it",
                           "say --s3-addressing path, or write AWS_ENDPOINT_URL with a host name");
    }
    if (options->uses_fips && !ql_aws_partition_of(ql_s3_region(options))->has_s3_fips) {
        return fail_config(err, "there are no FIPS endpoints of S3 in China", "leave out --s3-fips");
    }
    unsigned features = ql_s3_features(options);
    if ((features & QL_S3_HAS_OWNER) == 0 && options->expected_bucket_owner.len != 0) {
        QL_FAIL(err, QL_E_CONFIG, "%s does not compare the bucket's owner", store->name);
        ql_err_hint(err, "leave --expected-bucket-owner out");
        return QL_E_CONFIG;
    }
    if ((features & QL_S3_HAS_SSE) == 0 && ql_str_has_prefix(encryption, "aws:kms")) {
        QL_FAIL(err, QL_E_CONFIG, "%s does not encrypt by KMS", store->name);
        ql_err_hint(err, "say AES256 or none");
        return QL_E_CONFIG;
    }
    return QL_OK;
}

enum ql_status ql_s3_check_options(const struct ql_s3_options *options, struct ql_err *err) {
    QL_TRY(check_endpoint(options, options->endpoint, "S3", "AWS_ENDPOINT_URL", err));
    QL_TRY(check_endpoint(options, options->sts_endpoint, "STS", "AWS_ENDPOINT_URL_STS", err));
    QL_TRY(check_region(options, err));
    if (options->credentials == NULL) {
        QL_TRY(check_credentials(options, err));
    }
    QL_TRY(check_features(options, err));
    return check_headers(options, err);
}

enum ql_status ql_s3_check(const struct ql_s3_options *options, struct ql_str bucket, struct ql_err *err) {
    QL_TRY(check_bucket(options, bucket, err));
    return ql_s3_check_options(options, err);
}
