/** Whose credentials these are: the one call of STS that needs no permission. */
#include "store/store_internal.h"

#include <stdio.h>

enum { ACCOUNT_DIGITS = QL_AWS_ACCOUNT_SIZE - 1 };

static bool is_account(struct ql_str text) {
    bool is_fine = text.len == ACCOUNT_DIGITS;
    for (size_t i = 0; i < text.len && is_fine; i++) {
        is_fine = text.ptr[i] >= '0' && text.ptr[i] <= '9';
    }
    return is_fine;
}

static enum ql_status read_account(struct ql_s3_client *client, const struct ql_s3_request *request,
                                   const struct ql_s3_answer *answer, char account[QL_AWS_ACCOUNT_SIZE], struct ql_err *err) {
    struct ql_buf text = {0};
    bool is_found =
        ql_xml_text(ql_buf_view(&answer->response.body), "GetCallerIdentityResponse/GetCallerIdentityResult/Account", &text) &&
        is_account(ql_buf_view(&text));
    if (is_found) {
        (void)snprintf(account, QL_AWS_ACCOUNT_SIZE, "%s", ql_buf_text(&text));
    }
    ql_buf_fini(&text);
    return is_found ? QL_OK : ql_s3_answer_fail(client, request, answer, err);
}

enum ql_status ql_sts_get_caller_identity(struct ql_s3_client *client, char account[QL_AWS_ACCOUNT_SIZE], struct ql_err *err) {
    static const struct ql_http_header TYPE = {{"Content-Type", 12}, {"application/x-www-form-urlencoded; charset=utf-8", 48}};
    const struct ql_s3_request request = {.act = QL_S3_IDENTIFY,
                                          .service = QL_AWS_STS,
                                          .method = "POST",
                                          .headers = &TYPE,
                                          .n_headers = 1,
                                          .payload = {.bytes = QL_STR("Action=GetCallerIdentity&Version=2011-06-15")},
                                          .root = "GetCallerIdentityResponse"};
    struct ql_s3_answer answer;
    enum ql_status status = ql_s3_send(client, &request, &answer, err);
    if (status == QL_OK) {
        status = read_account(client, &request, &answer, account, err);
    }
    ql_s3_answer_fini(&answer);
    return status;
}
