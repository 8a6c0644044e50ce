/**
 * The chain of AWS credentials: the places where the SDKs look when no keys are set (those are ql_s3_options' own), in their
 * order; the first that has some is kept and asked again when they near their end.
 *
 *     web identity         AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (IRSA): STS AssumeRoleWithWebIdentity
 *     profile              the shared files: keys, roles by STS, credential_process
 *     container            AWS_CONTAINER_CREDENTIALS_* (ECS, EKS Pod Identity)
 *     instance metadata    IMDSv2
 *
 * A place that is not set up is passed over; one that is set up and fails ends the search, because what it would have given
 * was meant. If none has any, one error says why each had none.
 */
#ifndef QL_STORE_AWS_CHAIN_H
#define QL_STORE_AWS_CHAIN_H

#include "http/http.h"
#include "store/aws_credentials.h"
#include "store/store.h"

/** Borrowed, with all texts, as long as the chain lives. */
struct ql_aws_chain_options {
    struct ql_str profile;          /* AWS_PROFILE or --s3-profile, which then must exist; empty: "default", if any */
    bool is_profile_wanted;         /* --s3-profile: the environment's web identity does not count */
    const struct ql_s3_options *s3; /* its region, STS endpoint, FIPS and dual stack are those of STS */
    /** "NAME=value", NULL at the end: what AWS_* say, and what a credential process gets. */
    const char *const *environment;
    int64_t process_timeout_ms;
    const struct ql_http_options *http; /* the chain has an HTTP client of its own, made when it needs one */
};

struct ql_aws_chain;
struct ql_aws_chain *ql_aws_chain_new(const struct ql_aws_chain_options *options);
void ql_aws_chain_free(struct ql_aws_chain *chain);
/**
 * The chain as a provider. Credentials that expire are renewed from 15 minutes before (if that fails, again a minute later,
 * while the old ones are used) and must be from 10 minutes before: then each call tries, and the old ones are given only while
 * they last. Forced: asked for anew in any case. Any thread may call it; while one asks, others wait.
 *
 * Errors: E_CONFIG for wrong settings and if there are none anywhere, E_S3_DENIED where a place refused, E_AUTH for expired
 * ones and for a credential process that failed, E_PROTOCOL for an answer that is none, those of http. No message has a secret.
 */
struct ql_aws_credentials_provider ql_aws_chain_provider(struct ql_aws_chain *chain);
/** The region that the profile names, or {NULL, 0}; valid as long as the chain. E_CONFIG for a file that cannot be read. */
QL_MUST_CHECK enum ql_status ql_aws_chain_region(struct ql_aws_chain *chain, struct ql_str *region, struct ql_err *err);

#endif
