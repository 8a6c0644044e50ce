/** Credentials as values, and the provider that has them from settings. */
#include "store/aws_credentials.h"

#include "base/mem.h"

static void free_secret(struct ql_buf *text) {
    if (text->ptr != NULL) {
        explicit_bzero(text->ptr, text->cap);
    }
    ql_buf_fini(text);
}

void ql_aws_credentials_fini(struct ql_aws_credentials *credentials) {
    free_secret(&credentials->access_key_id);
    free_secret(&credentials->secret_access_key);
    free_secret(&credentials->session_token);
    *credentials = (struct ql_aws_credentials){.expires_us = QL_TIME_NONE};
}

void ql_aws_credentials_copy(struct ql_aws_credentials *to, const struct ql_aws_credentials *from) {
    ql_aws_credentials_fini(to);
    ql_buf_put_str(&to->access_key_id, ql_buf_view(&from->access_key_id));
    ql_buf_put_str(&to->secret_access_key, ql_buf_view(&from->secret_access_key));
    ql_buf_put_str(&to->session_token, ql_buf_view(&from->session_token));
    to->expires_us = from->expires_us;
}

static enum ql_status get_static(void *ctx, bool is_forced, struct ql_aws_credentials *credentials, struct ql_err *err) {
    const struct ql_aws_static_credentials *keys = ctx;
    (void)is_forced;
    (void)err;
    ql_aws_credentials_fini(credentials);
    ql_buf_put_str(&credentials->access_key_id, keys->access_key_id);
    ql_buf_put_str(&credentials->secret_access_key, keys->secret_access_key);
    ql_buf_put_str(&credentials->session_token, keys->session_token);
    return QL_OK;
}

struct ql_aws_credentials_provider ql_aws_static_provider(const struct ql_aws_static_credentials *keys) {
    return (struct ql_aws_credentials_provider){.get = get_static, .ctx = (void *)(uintptr_t)keys};
}
