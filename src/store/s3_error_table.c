/**
 * The codes of S3, STS and of the servers that speak like them: what each means, whether it may pass, what to do.
 *
 * The first row that fits counts, so a code with telling words stands before the same code without. What is transient and what
 * is throttling is that of the SDKs' standard mode (botocore/retries/standard.py and data/_retry.json), with S3's own beside
 * it.
 */
#include "store/store_internal.h"

#define NEW_TOKEN "get new temporary credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN"
#define CHECK_NETWORK "check the network or the proxy, then run again"
#define LATER "run again later"
#define USE_KMS                                                                                                              \
    "the KMS key must be enabled, in the bucket's region, and allow these credentials kms:GenerateDataKey (and kms:Decrypt " \
    "for an "                                                                                                                \
    "upload in parts)"
#define WANTS_CHECKSUM "say --checksum sha256"

static const struct ql_s3_explanation EXPLANATIONS[] = {
    {"AccessDenied", "kms:", QL_E_S3_DENIED, QL_S3_FINAL, "the KMS key cannot be used", USE_KMS},
    {"AccessDenied", "object lock", QL_E_S3_DENIED, QL_S3_FINAL, "the object is locked",
     "wait for the end of its retention or legal hold, or write to another key"},
    {"AccessDenied", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "access denied", "allow these credentials {actions} on {arn}{owner}"},
    {"AllAccessDisabled", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "all access to the bucket is disabled",
     "ask the owner of bucket '{bucket}'"},
    {"AccountProblem", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the AWS account has a problem", "ask AWS support"},
    {"NotSignedUp", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the AWS account has no S3", "sign up for S3, or use another account"},
    {"InvalidAccessKeyId", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the access key id is not known",
     "check AWS_ACCESS_KEY_ID; a temporary key needs AWS_SESSION_TOKEN too"},
    {"InvalidClientTokenId", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the access key id is not known",
     "check AWS_ACCESS_KEY_ID; a temporary key needs AWS_SESSION_TOKEN too"},
    {"SignatureDoesNotMatch", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the signature does not match",
     "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID: copy both again; else see whether a proxy changes requests"},
    {"RequestTimeTooSkewed", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "this machine's clock differs too much from that of S3",
     "set this machine's clock (timedatectl set-ntp true), then run again"},
    {"ExpiredToken*", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the session token has expired", NEW_TOKEN},
    {"TokenRefreshRequired", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the session token has expired", NEW_TOKEN},
    {"InvalidToken", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the session token is not valid",
     "AWS_SESSION_TOKEN does not belong to AWS_ACCESS_KEY_ID; unset it for a permanent key"},
    {"NoSuchBucket", NULL, QL_E_NO_BUCKET, QL_S3_FINAL, "the bucket does not exist",
     "create bucket '{bucket}', or correct its name (S3_BUCKET or --output) and AWS_REGION"},
    {"NoSuchKey", NULL, QL_E_NO_INPUT, QL_S3_FINAL, "the object does not exist", "check the key; a prefix ends in '/'"},
    {"NoSuchUpload", NULL, QL_E_S3, QL_S3_FINAL, "the upload in parts is gone",
     "another run or a lifecycle rule of the bucket has ended it; run again"},
    {"PermanentRedirect", NULL, QL_E_CONFIG, QL_S3_FINAL, "the bucket is in another region",
     "set AWS_REGION to the bucket's region"},
    {"AuthorizationHeaderMalformed", NULL, QL_E_CONFIG, QL_S3_FINAL, "S3 does not take the signature's region or key",
     "set AWS_REGION to the bucket's region, and check AWS_ACCESS_KEY_ID"},
    {"InvalidBucketName", NULL, QL_E_CONFIG, QL_S3_FINAL, "the bucket's name is not valid", "correct S3_BUCKET or --output"},
    {"KeyTooLongError", NULL, QL_E_CONFIG, QL_S3_FINAL, "the key is too long", "shorten the key template"},
    {"InvalidTag", NULL, QL_E_CONFIG, QL_S3_FINAL, "an object tag is not valid",
     "correct --tag; tags are letters, numbers, spaces and _ . : / = + - @, at most 10"},
    {"KMSInvalidStateException", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the KMS key cannot be used",
     "enable the bucket's KMS key"},
    {"KMS.ThrottlingException", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests to KMS",
     "use a bucket key, or raise the request quota of KMS"},
    {"KMS.*", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the KMS key cannot be used", USE_KMS},
    {"EntityTooLarge", NULL, QL_E_LIMIT, QL_S3_FINAL, "the artefact is larger than one upload may be",
     "export a shorter range at a time"},
    {"*", "Content-MD5", QL_E_S3, QL_S3_FINAL, "the bucket wants a checksum with each upload (Object Lock)", WANTS_CHECKSUM},
    {"*", "WORM", QL_E_S3_DENIED, QL_S3_FINAL, "the object is locked",
     "wait for the end of its retention or legal hold, or write to another key"},
    {"ObjectLocked", NULL, QL_E_S3_DENIED, QL_S3_FINAL, "the object is locked",
     "wait for the end of its retention or legal hold, or write to another key"},
    {"SlowDown*", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"Throttl*", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"TooManyRequests*", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"RequestThrottled*", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"RequestLimitExceeded", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"BandwidthLimitExceeded", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"PriorRequestNotComplete", NULL, QL_E_RATE, QL_S3_THROTTLED, "too many requests", LATER},
    {"InternalError", NULL, QL_E_SERVER, QL_S3_TRANSIENT, "S3 failed", LATER},
    {"InternalFailure", NULL, QL_E_SERVER, QL_S3_TRANSIENT, "the service failed", LATER},
    {"ServiceUnavailable", NULL, QL_E_SERVER, QL_S3_TRANSIENT, "S3 is not available", LATER},
    {"OperationAborted", NULL, QL_E_SERVER, QL_S3_TRANSIENT, "another operation is changing the bucket or the object",
     "run again in a minute"},
    {"ConditionalRequestConflict", NULL, QL_E_SERVER, QL_S3_TRANSIENT, "another upload is writing the object",
     "run again in a minute"},
    {"RequestTimeout*", NULL, QL_E_TIMEOUT, QL_S3_TRANSIENT, "the upload was too slow", "check the network, then run again"},
    {"IncompleteBody", NULL, QL_E_NETWORK, QL_S3_TRANSIENT, "the upload was cut short", CHECK_NETWORK},
    {"BadDigest", NULL, QL_E_NETWORK, QL_S3_TRANSIENT, "the bytes changed on the way", CHECK_NETWORK},
    {"XAmzContentSHA256Mismatch", NULL, QL_E_NETWORK, QL_S3_TRANSIENT, "the bytes changed on the way", CHECK_NETWORK},
    {"NotImplemented", NULL, QL_E_S3, QL_S3_FINAL, "this S3 server does not know a header of the request",
     "the server cannot do what its words name (object tags, encryption, bucket owner)"},
    {"MethodNotAllowed", NULL, QL_E_S3, QL_S3_FINAL, "uploads are not allowed there",
     "check that AWS_ENDPOINT_URL is the address of the S3 API, not of a console or a web site"},
    {"QuotaExceeded", NULL, QL_E_S3, QL_S3_FINAL, "the storage quota is used up", "delete objects or raise the quota"},
    {"XMinioAdminBucketQuotaExceeded", NULL, QL_E_S3, QL_S3_FINAL, "the storage quota is used up",
     "delete objects or raise the quota"},
    {"XMinioStorageFull", NULL, QL_E_S3, QL_S3_FINAL, "the storage is full", "free space on the S3 server"},
    {"InvalidObjectState", NULL, QL_E_S3, QL_S3_FINAL, "the object is archived", "restore it first, or see its storage class"},
};

const struct ql_s3_explanation *ql_s3_explanations(size_t *n) {
    *n = sizeof EXPLANATIONS / sizeof EXPLANATIONS[0];
    return EXPLANATIONS;
}

static bool fits(const struct ql_s3_explanation *row, const char *code, const char *words) {
    size_t len = strlen(row->code);
    bool is_prefix = row->code[len - 1] == '*';
    bool has_code = is_prefix ? strncmp(code, row->code, len - 1) == 0 : strcmp(code, row->code) == 0;
    return has_code && (row->words == NULL || strcasestr(words, row->words) != NULL);
}

const struct ql_s3_explanation *ql_s3_explain(const char *code, const char *words) {
    for (size_t i = 0; code[0] != '\0' && i < sizeof EXPLANATIONS / sizeof EXPLANATIONS[0]; i++) {
        if (fits(&EXPLANATIONS[i], code, words)) {
            return &EXPLANATIONS[i];
        }
    }
    return NULL;
}

enum ql_s3_kind ql_s3_kind_of(const char *code, const char *words, long status) {
    const struct ql_s3_explanation *known = ql_s3_explain(code, words);
    if (known != NULL) {
        return known->kind;
    }
    switch (status) {
    case 408:
    case 500:
    case 502:
    case 504:
        return QL_S3_TRANSIENT;
    case 503: /* a HEAD has no code; S3's 503s are SlowDown */
        return code[0] == '\0' ? QL_S3_THROTTLED : QL_S3_TRANSIENT;
    case 429:
    case 509: /* of a few stores: bandwidth limit exceeded */
        return QL_S3_THROTTLED;
    default:
        return QL_S3_FINAL;
    }
}
