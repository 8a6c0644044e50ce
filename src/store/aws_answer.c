/** Credentials as JSON: what a credential process prints and what the metadata services of containers and instances answer. */
#include "store/aws_internal.h"

#include "json/json.h"

enum { MAX_DEPTH = 8 };

static enum ql_status take(const struct ql_json *json, const char *name, bool is_needed, struct ql_buf *out,
                           struct ql_err *err) {
    struct ql_str text = ql_json_get_text(json, name);
    if (text.len == 0 && is_needed) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has no '%s'", name);
    }
    ql_buf_put_str(out, text);
    return QL_OK;
}

static enum ql_status read_object(const struct ql_json *json, const struct ql_aws_answer_form *form,
                                  struct ql_aws_credentials *credentials, struct ql_err *err) {
    int64_t version = 0;
    if (!ql_json_is_object(json)) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer is no JSON object");
    }
    if (form->has_version && (!ql_json_get_int(json, "Version", &version) || version != 1)) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has no \"Version\": 1");
    }
    QL_TRY(take(json, "AccessKeyId", true, &credentials->access_key_id, err));
    QL_TRY(take(json, "SecretAccessKey", true, &credentials->secret_access_key, err));
    QL_TRY(take(json, form->token, form->is_temporary, &credentials->session_token, err));
    struct ql_str expiration = ql_json_get_text(json, "Expiration");
    if (expiration.len == 0 && form->is_temporary) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer has no 'Expiration'");
    }
    if (expiration.len != 0 && !ql_aws_time_parse(expiration, &credentials->expires_us)) {
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer's 'Expiration' is no ISO 8601 time");
    }
    return QL_OK;
}

enum ql_status ql_aws_answer_read(struct ql_str body, const struct ql_aws_answer_form *form,
                                  struct ql_aws_credentials *credentials, struct ql_err *err) {
    struct ql_json *json = NULL;
    ql_aws_credentials_fini(credentials);
    if (ql_json_parse(body, MAX_DEPTH, &json, NULL) != QL_OK) { /* its words could quote the body */
        return QL_FAIL(err, QL_E_PROTOCOL, "the answer is no JSON");
    }
    enum ql_status status = read_object(json, form, credentials, err);
    ql_json_free(json);
    return status;
}
