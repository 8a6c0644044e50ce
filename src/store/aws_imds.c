/**
 * Credentials of an EC2 instance, from its metadata service, version 2 only: a token by PUT, then the role's name, then its
 * credentials ("Use IMDSv2", EC2 user guide). Version 1, without a token, would give them to anyone who can make this machine
 * send a GET, and is not spoken.
 *
 * This is the last place, asked also on machines that are no instances: few and short attempts, and that nobody answers is an
 * absence, not an error.
 */
#include "store/aws_internal.h"

#include <stdio.h>

enum { ATTEMPTS = 2, TIMEOUT_MS = 1000, MAX_ROLE_BYTES = 256 };

#define TOKEN_TTL_S "21600"
static const int64_t STABLE_US = 15 * 60 * QL_US_PER_S, EXTENSION_US = 20 * 60 * QL_US_PER_S;

struct imds {
    struct ql_aws_search *search;
    struct ql_buf base; /* without '/' at its end */
    struct ql_buf url;
    struct ql_buf token, role;
};

/* A setting of the environment, else of the profile. */
static struct ql_str setting(const struct imds *imds, const struct ql_aws_profile *profile, const char *variable,
                             const char *name) {
    struct ql_str value = ql_aws_variable(imds->search, variable);
    return value.len != 0 || profile == NULL ? value : ql_aws_profile_get(profile, name);
}

static enum ql_status choose_base(struct imds *imds, const struct ql_aws_profile *profile, struct ql_err *err) {
    struct ql_str endpoint = setting(imds, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    struct ql_str mode = setting(imds, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    bool is_ipv6 = ql_str_eq_nocase(mode, QL_STR("ipv6"));
    if (endpoint.len != 0) {
        while (endpoint.len != 0 && endpoint.ptr[endpoint.len - 1] == '/') {
            endpoint.len--;
        }
        ql_buf_put_str(&imds->base, endpoint);
        return QL_OK;
    }
    if (mode.len != 0 && !is_ipv6 && !ql_str_eq_nocase(mode, QL_STR("ipv4"))) {
        QL_FAIL(err, QL_E_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE '%.*s' is neither IPv4 nor IPv6", QL_STR_ARG(mode));
        return QL_E_CONFIG;
    }
    ql_buf_puts(&imds->base, is_ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254");
    return QL_OK;
}

static enum ql_status find_base(struct imds *imds, struct ql_err *err) {
    struct ql_aws_files files;
    struct ql_aws_profile profile;
    QL_TRY(ql_aws_files_read(imds->search, &files, err));
    bool has_profile = ql_aws_profile_find(&files, ql_aws_profile_name(imds->search), &profile);
    enum ql_status status = choose_base(imds, has_profile ? &profile : NULL, err);
    ql_aws_files_fini(&files);
    return status;
}

static enum ql_status ask(struct imds *imds, const char *method, const char *path, struct ql_http_header header,
                          struct ql_http_response *response, struct ql_err *err) {
    ql_buf_reset(&imds->url);
    ql_buf_put_str(&imds->url, ql_buf_view(&imds->base));
    ql_buf_puts(&imds->url, path);
    const struct ql_aws_ask request = {.method = method,
                                       .url = ql_buf_view(&imds->url),
                                       .headers = &header,
                                       .n_headers = 1,
                                       .timeout_ms = TIMEOUT_MS,
                                       .attempts = ATTEMPTS};
    return ql_aws_ask(imds->search, &request, response, err);
}

/* What a fault of the network means here. Signals and deadlines are what they are anywhere. */
static enum ql_status note_fault(struct imds *imds, enum ql_status status, const struct ql_http_response *response,
                                 const struct ql_err *cause, struct ql_err *err) {
    if (status != QL_E_NETWORK && status != QL_E_TIMEOUT && status != QL_E_TRUNCATED) {
        if (err != NULL) {
            *err = *cause;
        }
        return status;
    }
    ql_aws_absent(imds->search, status, "instance metadata (%s): %s", ql_buf_text(&imds->base), cause->message);
    if (status == QL_E_TIMEOUT && response->was_sent) {
        imds->search->hint = "in a container on EC2, raise the instance's hop limit: aws ec2 modify-instance-metadata-options "
                             "--http-put-response-hop-limit 2 --instance-id ...; elsewhere set credentials or a profile, and "
                             "AWS_EC2_METADATA_DISABLED=true";
    }
    return QL_OK;
}

static void note_refusal(struct imds *imds, const char *path, long status, bool is_role) {
    bool has_no_role = is_role && status == 404;
    ql_aws_absent(imds->search, status >= 500 ? QL_E_SERVER : QL_E_CONFIG, "instance metadata (%s): %s (HTTP %ld)",
                  ql_buf_text(&imds->base), has_no_role ? "the instance has no IAM role" : path, status);
    if (has_no_role) {
        imds->search->hint = "attach an instance profile with a role to the instance, or set credentials or a profile";
    } else if (status == 403) {
        imds->search->hint = "if this is an EC2 instance, its metadata service is switched off: aws ec2 "
                             "modify-instance-metadata-options --http-endpoint enabled; elsewhere set AWS_ACCESS_KEY_ID and "
                             "AWS_SECRET_ACCESS_KEY, or name a profile with --s3-profile";
    }
}

/* One step: the text that it answers. *is_found false: it has none, which was noted. */
static enum ql_status step(struct imds *imds, const char *method, const char *path, struct ql_http_header header,
                           struct ql_buf *out, bool *is_found, struct ql_err *err) {
    struct ql_http_response response = {0};
    struct ql_err cause = {0};
    *is_found = false;
    enum ql_status status = ask(imds, method, path, header, &response, &cause);
    if (status != QL_OK) {
        status = note_fault(imds, status, &response, &cause, err);
    } else if (response.status != 200) {
        note_refusal(imds, path, response.status, out == &imds->role);
    } else {
        ql_buf_put_str(out, ql_buf_view(&response.body));
        *is_found = true;
    }
    ql_http_response_fini(&response);
    return status;
}

/* The first line names the role; it becomes part of a path. */
static bool take_role(struct imds *imds) {
    struct ql_str rest;
    struct ql_str line = ql_str_trim(ql_str_split(ql_buf_view(&imds->role), '\n', &rest));
    bool is_fine = line.len != 0 && line.len <= MAX_ROLE_BYTES;
    struct ql_buf path = {0};
    ql_buf_puts(&path, "/latest/meta-data/iam/security-credentials/");
    ql_http_encode(line, false, &path);
    ql_buf_fini(&imds->role);
    imds->role = path;
    return is_fine;
}

/*
 * Where the service behind the metadata has trouble, it gives credentials that are about to expire or have expired, and S3
 * still takes them: they are used, and asked for again five minutes later ("static stability" of the SDKs).
 */
static void extend(const struct imds *imds, struct ql_aws_credentials *credentials) {
    int64_t now_us = imds->search->world->now_us();
    if (credentials->expires_us - now_us <= STABLE_US) {
        credentials->expires_us = now_us + EXTENSION_US;
    }
}

static enum ql_status read_credentials(struct imds *imds, struct ql_str body, struct ql_aws_credentials *credentials,
                                       struct ql_err *err) {
    static const struct ql_aws_answer_form FORM = {.token = "Token", .is_temporary = true};
    enum ql_status status = ql_aws_answer_read(body, &FORM, credentials, err);
    if (status != QL_OK) {
        ql_err_wrap(err, "no AWS credentials of the instance ('%s')", ql_buf_text(&imds->role));
        ql_err_hint(err, "see that EC2 may assume the role of the instance profile (its trust policy)");
        return status;
    }
    extend(imds, credentials);
    return QL_OK;
}

static enum ql_status walk(struct imds *imds, struct ql_aws_credentials *credentials, bool *is_found, struct ql_err *err) {
    struct ql_buf body = {0};
    QL_TRY(find_base(imds, err));
    struct ql_http_header header = {QL_STR("x-aws-ec2-metadata-token-ttl-seconds"), QL_STR(TOKEN_TTL_S)};
    QL_TRY(step(imds, "PUT", "/latest/api/token", header, &imds->token, is_found, err));
    if (!*is_found) {
        return QL_OK;
    }
    QL_TRY(ql_aws_add_secret(imds->search, ql_buf_view(&imds->token), err));
    header = (struct ql_http_header){QL_STR("x-aws-ec2-metadata-token"), ql_str_trim(ql_buf_view(&imds->token))};
    QL_TRY(step(imds, "GET", "/latest/meta-data/iam/security-credentials/", header, &imds->role, is_found, err));
    if (*is_found && !take_role(imds)) {
        *is_found = false;
        ql_aws_absent(imds->search, QL_E_CONFIG, "instance metadata (%s): the instance has no IAM role",
                      ql_buf_text(&imds->base));
    }
    if (!*is_found) {
        return QL_OK;
    }
    enum ql_status status = step(imds, "GET", ql_buf_text(&imds->role), header, &body, is_found, err);
    if (status == QL_OK && *is_found) {
        status = read_credentials(imds, ql_buf_view(&body), credentials, err);
    }
    ql_aws_buf_fini_secret(&body);
    return status;
}

enum ql_status ql_aws_from_instance(struct ql_aws_search *search, struct ql_aws_credentials *credentials, bool *is_found,
                                    struct ql_err *err) {
    *is_found = false;
    if (ql_str_eq_nocase(ql_aws_variable(search, "AWS_EC2_METADATA_DISABLED"), QL_STR("true"))) {
        ql_aws_absent(search, QL_E_CONFIG, "instance metadata: AWS_EC2_METADATA_DISABLED is true");
        return QL_OK;
    }
    struct imds imds = {.search = search};
    enum ql_status status = walk(&imds, credentials, is_found, err);
    ql_buf_fini(&imds.base);
    ql_buf_fini(&imds.url);
    ql_aws_buf_fini_secret(&imds.token);
    ql_buf_fini(&imds.role);
    return status;
}
