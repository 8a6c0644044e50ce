/**
 * What S3-compatible stores lack, as their documents say it (cited per line). Nothing here is guessed from a version: a store
 * that is not listed is asked for everything, and refuses for itself.
 *
 * A header of a feature that the store lacks is not sent. Features that the user relies on (conditions, the owner, KMS) are
 * refused before anything runs instead of being left out; s3_check.c does that.
 */
#include "store/store_internal.h"

enum { ALL = QL_S3_HAS_ALL };

static const struct ql_s3_quirks QUIRKS[] = {
    /* "S3 API compatibility" (Cloudflare): object tags, SSE, bucket owner and ACLs of PutObject are not implemented, 501. */
    {"*.r2.cloudflarestorage.com", "Cloudflare R2", ALL & ~(QL_S3_HAS_TAGS | QL_S3_HAS_SSE | QL_S3_HAS_OWNER | QL_S3_HAS_ACL),
     "auto"},
    /* "HTTP headers for XML API" (Google): no tags, no x-amz SSE, no owner; conditions of a PUT go by
     * x-goog-if-generation-match, If-None-Match being one of GET only. */
    {"storage.googleapis.com", "Google Cloud Storage",
     ALL & ~(QL_S3_HAS_TAGS | QL_S3_HAS_SSE | QL_S3_HAS_OWNER | QL_S3_HAS_CONDITIONS | QL_S3_HAS_CHECKSUMS), "auto"},
    /* "S3 Put Object" (Backblaze): lists neither x-amz-tagging nor x-amz-storage-class. */
    {"s3.*.backblazeb2.com", "Backblaze B2", ALL & ~(QL_S3_HAS_TAGS | QL_S3_HAS_CLASSES), NULL},
    /* "Compatibility with Amazon S3" (Alibaba Cloud): virtual hosted style only (SecondLevelDomainForbidden). */
    {"*.aliyuncs.com", "Alibaba Cloud OSS", ALL & ~(QL_S3_HAS_PATH_STYLE | QL_S3_HAS_OWNER | QL_S3_HAS_CONDITIONS), NULL},
};
static const struct ql_s3_quirks NONE = {"*", "S3", ALL, NULL};

/* '*' stands for any bytes; only one or two stand in a pattern. */
static bool fits(struct ql_str host, const char *pattern) {
    const char *star = strchr(pattern, '*');
    if (star == NULL) {
        return ql_str_eq_nocase(host, ql_str_from(pattern));
    }
    struct ql_str head = {.ptr = pattern, .len = (size_t)(star - pattern)};
    if (host.len < head.len || !ql_str_eq_nocase((struct ql_str){.ptr = host.ptr, .len = head.len}, head)) {
        return false;
    }
    for (size_t i = head.len; i <= host.len; i++) {
        if (fits((struct ql_str){.ptr = host.ptr + i, .len = host.len - i}, star + 1)) {
            return true;
        }
    }
    return false;
}

const struct ql_s3_quirks *ql_s3_quirks_of(struct ql_str endpoint) {
    struct ql_s3_endpoint parts;
    if (endpoint.len != 0 && ql_s3_endpoint_parse(endpoint, &parts)) {
        struct ql_str port;
        struct ql_str host = ql_str_split(parts.authority, ':', &port);
        for (size_t i = 0; i < sizeof QUIRKS / sizeof QUIRKS[0]; i++) {
            if (fits(host, QUIRKS[i].pattern)) {
                return &QUIRKS[i];
            }
        }
    }
    return &NONE;
}

unsigned ql_s3_features(const struct ql_s3_options *options) {
    unsigned known = ql_s3_quirks_of(options->endpoint)->features;
    return options->has_no_tags ? known & ~(unsigned)QL_S3_HAS_TAGS : known;
}

const struct ql_s3_quirks *ql_s3_quirks_table(size_t *n) {
    *n = sizeof QUIRKS / sizeof QUIRKS[0];
    return QUIRKS;
}

unsigned ql_s3_feature_of_header(struct ql_str name) {
    static const struct {
        const char *prefix;
        unsigned feature;
    } HEADERS[] = {
        {"x-amz-tagging", QL_S3_HAS_TAGS},
        {"x-amz-server-side-encryption", QL_S3_HAS_SSE},
        {"x-amz-expected-bucket-owner", QL_S3_HAS_OWNER},
        {"x-amz-checksum-", QL_S3_HAS_CHECKSUMS},
        {"x-amz-sdk-checksum-algorithm", QL_S3_HAS_CHECKSUMS},
        {"x-amz-acl", QL_S3_HAS_ACL},
        {"x-amz-storage-class", QL_S3_HAS_CLASSES},
        {"if-none-match", QL_S3_HAS_CONDITIONS},
        {"if-match", QL_S3_HAS_CONDITIONS},
    };
    for (size_t i = 0; i < sizeof HEADERS / sizeof HEADERS[0]; i++) {
        size_t len = strlen(HEADERS[i].prefix);
        if (name.len >= len && ql_str_eq_nocase((struct ql_str){.ptr = name.ptr, .len = len}, ql_str_from(HEADERS[i].prefix))) {
            return HEADERS[i].feature;
        }
    }
    return 0;
}
