/** Inside the chain of AWS credentials: what the places share, and the seam at which unit tests set clock and network. */
#ifndef QL_STORE_AWS_INTERNAL_H
#define QL_STORE_AWS_INTERNAL_H

#include "store/aws_chain.h"
#include "store/aws_ini.h"

struct ql_aws_world {
    enum ql_status (*send)(struct ql_http *http, const struct ql_http_request *request, struct ql_http_response *response,
                           struct ql_err *err);
    enum ql_status (*wait)(struct ql_http *http, int64_t wait_ms, const char *reason, struct ql_err *err);
    int64_t (*now_us)(void);
};
extern const struct ql_aws_world QL_AWS_WORLD;
struct ql_aws_chain *ql_aws_chain_new_with(const struct ql_aws_world *world, const struct ql_aws_chain_options *options);

/* ---- one search (aws_search.c) ---- */

/** From the first place to the last. */
struct ql_aws_search {
    const struct ql_aws_world *world;
    const struct ql_aws_chain_options *options;
    struct ql_http *http;   /* NULL until it is needed */
    struct ql_buf absences; /* why the places that were passed over have none; "; " in between */
    enum ql_status absence; /* what the last of them was; for a place that had some before */
    const char *hint;       /* what to do about it; NULL: the general advice */
};
void ql_aws_search_fini(struct ql_aws_search *search);
/** Notes that a place has no credentials, and why. */
void ql_aws_absent(struct ql_aws_search *search, enum ql_status status, const char *fmt, ...) QL_PRINTF(3, 4);
/** The value of a variable; {NULL, 0} where it is not set or empty. */
struct ql_str ql_aws_variable(const struct ql_aws_search *search, const char *name);
/** Masks what is known or looks like a secret in text that comes from elsewhere, and makes one line of it. */
QL_MUST_CHECK enum ql_status ql_aws_redact(struct ql_aws_search *search, struct ql_buf *text, struct ql_err *err);
/** As ql_http_send; the search's client is made if there is none yet. */
QL_MUST_CHECK enum ql_status ql_aws_send(struct ql_aws_search *search, const struct ql_http_request *request,
                                         struct ql_http_response *response, struct ql_err *err);
/** Registers a secret with that client. */
QL_MUST_CHECK enum ql_status ql_aws_add_secret(struct ql_aws_search *search, struct ql_str secret, struct ql_err *err);
/** A file of at most 1 MiB, into *text (which ql_mem_free_secret frees). is_missing NULL: a missing one is an error. */
QL_MUST_CHECK enum ql_status ql_aws_read_file(const char *path, struct ql_buf *text, bool *is_missing, struct ql_err *err);
/** As that, without white space at both ends; E_CONFIG if nothing is left. */
QL_MUST_CHECK enum ql_status ql_aws_read_token(struct ql_str path, struct ql_buf *token, struct ql_err *err);
void ql_aws_buf_fini_secret(struct ql_buf *text);

/** A request to a metadata service: how long one attempt may take, and how many there are. */
struct ql_aws_ask {
    const char *method;
    struct ql_str url;
    const struct ql_http_header *headers;
    size_t n_headers;
    int64_t timeout_ms, wait_ms;
    int attempts;
};
/** Sends; again after a failure of the network, a 429 or a 5xx. */
QL_MUST_CHECK enum ql_status ql_aws_ask(struct ql_aws_search *search, const struct ql_aws_ask *ask,
                                        struct ql_http_response *response, struct ql_err *err);

/** JSON with AccessKeyId, SecretAccessKey, a token and an expiration (aws_answer.c). E_PROTOCOL names what is missing. */
struct ql_aws_answer_form {
    const char *token; /* the field's name */
    bool is_temporary; /* token and Expiration must be there */
    bool has_version;  /* "Version": 1 must be there */
};
QL_MUST_CHECK enum ql_status ql_aws_answer_read(struct ql_str body, const struct ql_aws_answer_form *form,
                                                struct ql_aws_credentials *credentials, struct ql_err *err);
/** "2024-01-01T00:00:00Z" in µs; false for what has no offset or is none. */
bool ql_aws_time_parse(struct ql_str text, int64_t *us);

/* ---- the places; *is_found tells an absence, which was noted, from credentials ---- */

/** By AWS_ACCESS_KEY_ID and its companions in the environment: credential_source = Environment (aws_search.c). */
QL_MUST_CHECK enum ql_status ql_aws_from_environment(struct ql_aws_search *search, struct ql_aws_credentials *credentials,
                                                     bool *is_found, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_aws_from_web_identity(struct ql_aws_search *search, struct ql_aws_credentials *credentials,
                                                      bool *is_found, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_aws_from_profile(struct ql_aws_search *search, struct ql_aws_credentials *credentials,
                                                 bool *is_found, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_aws_from_container(struct ql_aws_search *search, struct ql_aws_credentials *credentials,
                                                   bool *is_found, struct ql_err *err);
QL_MUST_CHECK enum ql_status ql_aws_from_instance(struct ql_aws_search *search, struct ql_aws_credentials *credentials,
                                                  bool *is_found, struct ql_err *err);

/** A command's answer (aws_process.c): started without a shell, its words split as a shell would. */
QL_MUST_CHECK enum ql_status ql_aws_run_process(struct ql_aws_search *search, struct ql_str command,
                                                struct ql_aws_credentials *credentials, struct ql_err *err);

/* ---- the shared files (aws_files.c) ---- */

/** Both, read; a missing one is empty. */
struct ql_aws_files {
    char *config_path, *credentials_path; /* NULL: HOME is not set either */
    struct ql_aws_ini config, credentials;
};
QL_MUST_CHECK enum ql_status ql_aws_files_read(struct ql_aws_search *search, struct ql_aws_files *files, struct ql_err *err);
void ql_aws_files_fini(struct ql_aws_files *files);

/** One profile: its sections in both files, of which the credentials file's wins. */
struct ql_aws_profile {
    const struct ql_aws_files *files;
    struct ql_str name;
    size_t in_config, in_credentials;
};
/** False if neither file has it. */
bool ql_aws_profile_find(const struct ql_aws_files *files, struct ql_str name, struct ql_aws_profile *profile);
struct ql_str ql_aws_profile_get(const struct ql_aws_profile *profile, const char *name);
/** The name of the profile that is asked for. */
struct ql_str ql_aws_profile_name(const struct ql_aws_search *search);

/* ---- STS (aws_sts.c) ---- */

struct ql_aws_role {
    struct ql_str arn, session_name, external_id;
    int64_t duration_s;                      /* 0: the role's */
    struct ql_str token_file;                /* web identity: signed by nobody; else empty ... */
    const struct ql_aws_credentials *source; /* ... and these sign */
};
QL_MUST_CHECK enum ql_status ql_aws_assume_role(struct ql_aws_search *search, const struct ql_aws_role *role,
                                                struct ql_aws_credentials *credentials, struct ql_err *err);

#endif
