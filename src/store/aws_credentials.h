/**
 * Who signs: credentials of AWS, and the interface behind which they are found, kept and renewed.
 *
 * A provider owns where its credentials come from (settings, a profile, a metadata service) and when they are renewed; who
 * signs asks it before every request and never keeps what it got for longer than that request.
 */
#ifndef QL_STORE_AWS_CREDENTIALS_H
#define QL_STORE_AWS_CREDENTIALS_H

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"

/** Zero-initialise to start. Texts are owned. */
struct ql_aws_credentials {
    struct ql_buf access_key_id, secret_access_key;
    struct ql_buf session_token; /* empty: a permanent key */
    int64_t expires_us;          /* wall clock; QL_TIME_NONE: never, or nobody knows when */
};
/** Overwrites before it frees. Safe to repeat. */
void ql_aws_credentials_fini(struct ql_aws_credentials *credentials);
/** Replaces *to by a copy. */
void ql_aws_credentials_copy(struct ql_aws_credentials *to, const struct ql_aws_credentials *from);

struct ql_aws_credentials_provider {
    /**
     * Replaces *credentials by ones that are good for the next minutes: mostly those of the last call, renewed when they near
     * their end. A renewal that fails while the old ones are still good gives the old ones.
     *
     * is_forced: the last ones were refused (ExpiredToken); what was kept must not be given again if there is a way to new
     * ones. Errors: E_CONFIG if there are none anywhere (the hint says where one was looked for), E_S3_DENIED if the place
     * refused, those of http. Threads: never called by two at once. Secrets are registered with http by the caller.
     */
    enum ql_status (*get)(void *ctx, bool is_forced, struct ql_aws_credentials *credentials, struct ql_err *err);
    void *ctx;
};

/** Keys that were set: always the same ones, also when forced. Borrows the texts. */
struct ql_aws_static_credentials {
    struct ql_str access_key_id, secret_access_key, session_token;
};
/** A provider over them; both live as long as it is used. */
struct ql_aws_credentials_provider ql_aws_static_provider(const struct ql_aws_static_credentials *keys);

#endif
