#include "sim/token.h"

#include "base/mem.h"
#include "sim/calendar.h"
#include "sim/error_body.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <strings.h>

enum { TOKEN_BYTES = 48, TOKEN_CHARS = 64 };

struct ql_sim_token {
    char text[TOKEN_CHARS + 1];
    int64_t expires_ms;
    bool is_revoked;
};

void ql_sim_tokens_init(struct ql_sim_tokens *tokens) {
    (void)pthread_mutex_init(&tokens->lock, NULL);
}

void ql_sim_tokens_fini(struct ql_sim_tokens *tokens) {
    (void)pthread_mutex_destroy(&tokens->lock);
    ql_mem_free_secret(tokens->items, tokens->cap * sizeof *tokens->items);
}

static bool is_same(struct ql_str given, const char *expected) {
    return given.len == strlen(expected) && CRYPTO_memcmp(given.ptr, expected, given.len) == 0;
}

/* "Basic base64(id:secret)": the decoded text, or NULL. The caller frees it. */
static char *decode_basic(const char *authorization) {
    static const char SCHEME[] = "Basic ";
    if (authorization == NULL || strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0) {
        return NULL;
    }
    struct ql_str text = ql_str_trim(ql_str_from(authorization + sizeof SCHEME - 1));
    if (text.len % 4 != 0 || text.len > 8192) {
        return NULL;
    }
    char *decoded = ql_mem_zalloc(text.len + 4, 1);
    if (EVP_DecodeBlock((unsigned char *)decoded, (const unsigned char *)text.ptr, (int)text.len) < 0) {
        ql_mem_free(decoded);
        return NULL;
    }
    return decoded; /* padding became NULs, so the text ends by itself */
}

/* What is wrong with the credentials, or NULL. */
static const char *judge_credentials(const struct ql_sim_tokens *tokens, const char *authorization) {
    char *decoded = decode_basic(authorization);
    if (decoded == NULL) {
        return "client not found";
    }
    struct ql_str secret;
    struct ql_str id = ql_str_split(ql_str_from(decoded), ':', &secret);
    const char *problem = NULL;
    if (!is_same(id, tokens->client_id)) {
        problem = "client not found";
    } else if (!is_same(secret, tokens->client_secret)) {
        problem = "authentication failed";
    } else if (tokens->is_disabled) {
        problem = "client is disabled"; /* the state is documented, the wording is not */
    }
    ql_mem_free_secret(decoded, strlen(decoded));
    return problem;
}

/* What is wrong with the form, or NULL. *description is set with it. */
static const char *judge_form(const struct ql_sim_request *request, const char **description) {
    const char *content_type = ql_sim_request_get_header(request, "Content-Type");
    struct ql_str parameters;
    struct ql_str type = ql_str_trim(ql_str_split(ql_str_from(content_type), ';', &parameters));
    *description = "content type must be application/x-www-form-urlencoded";
    if (!ql_str_eq_nocase(type, QL_STR("application/x-www-form-urlencoded"))) {
        return "invalid_request";
    }
    struct ql_str rest = ql_buf_view(&request->body);
    while (rest.len != 0) {
        struct ql_str value;
        struct ql_str pair = ql_str_split(rest, '&', &rest);
        if (ql_str_eq(ql_str_split(pair, '=', &value), QL_STR("grant_type"))) {
            *description = "grant type is not supported";
            return ql_str_eq(value, QL_STR("client_credentials")) ? NULL : "unsupported_grant_type";
        }
    }
    *description = "grant_type is missing";
    return "invalid_request";
}

static void add_token(struct ql_sim_tokens *tokens, char text[TOKEN_CHARS + 1]) {
    unsigned char bytes[TOKEN_BYTES];
    unsigned char encoded[TOKEN_CHARS + 1];
    if (RAND_bytes(bytes, TOKEN_BYTES) != 1) {
        abort(); /* OpenSSL without entropy: nothing that this program could go on with */
    }
    (void)EVP_EncodeBlock(encoded, bytes, TOKEN_BYTES);
    for (size_t i = 0; i < TOKEN_CHARS; i++) { /* RFC 4648, section 5 */
        text[i] = encoded[i] == '+' ? '-' : encoded[i] == '/' ? '_' : (char)encoded[i];
    }
    text[TOKEN_CHARS] = '\0';
    struct ql_sim_token token = {.expires_ms = ql_sim_monotonic_ms() + tokens->life_ms};
    memcpy(token.text, text, sizeof token.text);
    (void)pthread_mutex_lock(&tokens->lock);
    QL_MEM_GROW(tokens->items, tokens->cap, tokens->n + 1);
    tokens->items[tokens->n++] = token;
    (void)pthread_mutex_unlock(&tokens->lock);
}

/* "a,b" as the space-separated list of RFC 6749, section 3.3. */
static json_t *scope_text(const char *scopes) {
    struct ql_buf text = {0};
    struct ql_str rest = ql_str_from(scopes);
    while (rest.len != 0) {
        struct ql_str scope = ql_str_trim(ql_str_split(rest, ',', &rest));
        ql_buf_puts(&text, text.len != 0 && scope.len != 0 ? " " : "");
        ql_buf_put_str(&text, scope);
    }
    json_t *json = json_string(ql_buf_text(&text));
    ql_buf_fini(&text);
    return json;
}

void ql_sim_tokens_issue(struct ql_sim_tokens *tokens, const struct ql_sim_request *request, struct ql_sim_answer *answer) {
    const char *description;
    const char *error = judge_form(request, &description);
    if (error != NULL) {
        ql_sim_answer_login_error(answer, error, description);
        return;
    }
    const char *problem = judge_credentials(tokens, ql_sim_request_get_header(request, "Authorization"));
    if (problem != NULL) {
        ql_sim_answer_login_error(answer, "invalid_client", problem);
        return;
    }
    char text[TOKEN_CHARS + 1];
    add_token(tokens, text);
    json_t *body = json_pack("{s:s,s:s,s:I}", "access_token", text, "token_type", "bearer", "expires_in",
                             (json_int_t)((tokens->life_ms + 999) / 1000));
    if (tokens->scopes != NULL) {
        (void)json_object_set_new(body, "scope", scope_text(tokens->scopes));
    }
    ql_sim_answer_set_header(answer, "Cache-Control", "no-store");
    ql_sim_answer_set_json(answer, 200, body);
}

/* The token that the request carries; the lock is held. *is_absent: it carries none. */
static struct ql_sim_token *find(struct ql_sim_tokens *tokens, struct ql_sim_request *request, bool *is_absent) {
    static const char SCHEME[] = "Bearer ";
    const char *authorization = ql_sim_request_get_header(request, "Authorization");
    *is_absent = authorization == NULL || strncasecmp(authorization, SCHEME, sizeof SCHEME - 1) != 0;
    if (*is_absent) {
        return NULL;
    }
    struct ql_str text = ql_str_trim(ql_str_from(authorization + sizeof SCHEME - 1));
    for (size_t i = 0; i < tokens->n; i++) {
        if (is_same(text, tokens->items[i].text)) {
            request->token_number = i + 1;
            return &tokens->items[i];
        }
    }
    return NULL;
}

enum ql_sim_token_state ql_sim_tokens_check(struct ql_sim_tokens *tokens, struct ql_sim_request *request) {
    bool is_absent;
    (void)pthread_mutex_lock(&tokens->lock);
    const struct ql_sim_token *token = find(tokens, request, &is_absent);
    enum ql_sim_token_state state = QL_SIM_TOKEN_GOOD;
    if (token == NULL) {
        state = is_absent ? QL_SIM_TOKEN_ABSENT : QL_SIM_TOKEN_UNKNOWN;
    } else if (token->is_revoked || ql_sim_monotonic_ms() >= token->expires_ms) {
        state = QL_SIM_TOKEN_EXPIRED;
    }
    (void)pthread_mutex_unlock(&tokens->lock);
    return state;
}

void ql_sim_tokens_revoke(struct ql_sim_tokens *tokens, struct ql_sim_request *request) {
    bool is_absent;
    (void)pthread_mutex_lock(&tokens->lock);
    struct ql_sim_token *token = find(tokens, request, &is_absent);
    if (token != NULL) {
        token->is_revoked = true;
    }
    (void)pthread_mutex_unlock(&tokens->lock);
}
