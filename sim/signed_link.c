#include "sim/signed_link.h"

#include "base/mem.h"
#include "sim/calendar.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";
static const char SIGNATURE[] = "X-Amz-Signature";
enum { SHA256_BYTES = 32, SIGNATURE_CHARS = 2 * SHA256_BYTES, MAX_PARAMETERS = 32 };

static void fill_random(unsigned char *ptr, size_t len) {
    if (RAND_bytes(ptr, (int)len) != 1) {
        abort(); /* OpenSSL without entropy: nothing that this program could go on with */
    }
}

void ql_sim_links_init(struct ql_sim_links *links, int64_t life_s) {
    *links = (struct ql_sim_links){.life_s = life_s};
    (void)pthread_mutex_init(&links->lock, NULL);
    fill_random(links->key, sizeof links->key);
}

void ql_sim_links_fini(struct ql_sim_links *links) {
    for (size_t i = 0; i < links->n_revoked; i++) {
        ql_mem_free(links->revoked[i]);
    }
    ql_mem_free(links->revoked);
    (void)pthread_mutex_destroy(&links->lock);
    OPENSSL_cleanse(links->key, sizeof links->key);
}

static void put_hex(struct ql_buf *out, const unsigned char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        ql_buf_printf(out, "%02x", bytes[i]);
    }
}

struct parameter {
    char *name, *value;
};

static int compare_parameters(const void *a, const void *b) {
    const struct parameter *left = a;
    const struct parameter *right = b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : strcmp(left->value, right->value);
}

static void free_parameters(struct parameter *parameters, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ql_mem_free(parameters[i].name);
        ql_mem_free(parameters[i].value);
    }
}

/* Decodes and sorts; false if the query has too many parameters or a broken escape. The caller frees what *n counts. */
static bool read_parameters(struct ql_str query, struct parameter parameters[MAX_PARAMETERS], size_t *n) {
    *n = 0;
    while (query.len != 0) {
        struct ql_str value;
        struct ql_str name = ql_str_split(ql_str_split(query, '&', &query), '=', &value);
        struct ql_buf decoded_name = {0};
        struct ql_buf decoded_value = {0};
        bool is_good =
            *n < MAX_PARAMETERS && ql_sim_percent_decode(name, &decoded_name) && ql_sim_percent_decode(value, &decoded_value);
        if (!is_good) {
            ql_buf_fini(&decoded_name);
            ql_buf_fini(&decoded_value);
            return false;
        }
        parameters[(*n)++] = (struct parameter){ql_buf_take(&decoded_name), ql_buf_take(&decoded_value)};
    }
    qsort(parameters, *n, sizeof *parameters, compare_parameters);
    return true;
}

static const char *get_parameter(const struct parameter *parameters, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parameters[i].name, name) == 0) {
            return parameters[i].value;
        }
    }
    return NULL;
}

/* The signature of what the parameters say, whatever signature is among them. Lengths go in, so that no two sets are one text.
 */
static void compute(const struct ql_sim_links *links, const char *method, struct ql_str path,
                    const struct parameter *parameters, size_t n, struct ql_buf *hex) {
    struct ql_buf text = {0};
    ql_buf_printf(&text, "%s\n%.*s\n", method, QL_STR_ARG(path));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parameters[i].name, SIGNATURE) != 0) {
            ql_buf_printf(&text, "%zu:%s=%zu:%s\n", strlen(parameters[i].name), parameters[i].name, strlen(parameters[i].value),
                          parameters[i].value);
        }
    }
    unsigned char mac[SHA256_BYTES];
    unsigned int mac_len = sizeof mac;
    (void)HMAC(EVP_sha256(), links->key, sizeof links->key, (const unsigned char *)text.ptr, text.len, mac, &mac_len);
    put_hex(hex, mac, sizeof mac);
    ql_buf_fini(&text);
}

void ql_sim_links_sign(struct ql_sim_links *links, const char *path, struct ql_buf *out) {
    unsigned char nonce[24];
    fill_random(nonce, sizeof nonce);
    char date[32];
    ql_sim_time_print_basic(ql_sim_now_ms() + 999, date); /* rounded up: no link lives shorter than its life */
    struct ql_buf query = {0};
    ql_buf_printf(&query, "X-Amz-Algorithm=%s&X-Amz-Credential=ASIASIMULATOR%%2F%.8s%%2Feu-west-1%%2Fs3%%2Faws4_request",
                  ALGORITHM, date);
    ql_buf_printf(&query, "&X-Amz-Date=%s&X-Amz-Expires=%lld&X-Amz-Security-Token=", date, (long long)links->life_s);
    put_hex(&query, nonce, sizeof nonce); /* what makes every link another one */
    ql_buf_puts(&query, "&X-Amz-SignedHeaders=host");
    struct parameter parameters[MAX_PARAMETERS] = {0};
    size_t n;
    struct ql_buf hex = {0};
    if (read_parameters(ql_buf_view(&query), parameters, &n)) {
        compute(links, "GET", ql_str_from(path), parameters, n, &hex);
    }
    free_parameters(parameters, n);
    ql_buf_printf(out, "%s?%s&%s=%s", path, ql_buf_text(&query), SIGNATURE, ql_buf_text(&hex));
    ql_buf_fini(&query);
    ql_buf_fini(&hex);
}

static bool is_revoked(struct ql_sim_links *links, const char *signature) {
    bool found = false;
    (void)pthread_mutex_lock(&links->lock);
    for (size_t i = 0; i < links->n_revoked && !found; i++) {
        found = strcmp(links->revoked[i], signature) == 0;
    }
    (void)pthread_mutex_unlock(&links->lock);
    return found;
}

static struct ql_sim_link_check judge(struct ql_sim_links *links, const struct ql_sim_request *request,
                                      const struct parameter *parameters, size_t n) {
    static const char *const NEEDED[] = {"X-Amz-Algorithm", "X-Amz-Credential",    "X-Amz-Date",
                                         "X-Amz-Expires",   "X-Amz-SignedHeaders", SIGNATURE};
    size_t n_there = 0;
    for (size_t i = 0; i < sizeof NEEDED / sizeof NEEDED[0]; i++) {
        n_there += get_parameter(parameters, n, NEEDED[i]) != NULL ? 1 : 0;
    }
    struct ql_sim_link_check check = {.state = n_there == 0 ? QL_SIM_LINK_UNSIGNED : QL_SIM_LINK_INCOMPLETE};
    if (n_there != sizeof NEEDED / sizeof NEEDED[0]) {
        return check;
    }
    int64_t signed_ms;
    if (!ql_sim_time_parse_basic(ql_str_from(get_parameter(parameters, n, "X-Amz-Date")), &signed_ms) ||
        !ql_str_to_i64(ql_str_from(get_parameter(parameters, n, "X-Amz-Expires")), &check.life_s) || check.life_s < 0 ||
        check.life_s > 604800 /* S3's own limit: seven days */) {
        return check;
    }
    check.expires_ms = signed_ms + check.life_s * 1000;
    const char *signature = get_parameter(parameters, n, SIGNATURE);
    struct ql_buf expected = {0};
    compute(links, request->method, request->path, parameters, n, &expected);
    bool is_right = strlen(signature) == SIGNATURE_CHARS && CRYPTO_memcmp(signature, expected.ptr, SIGNATURE_CHARS) == 0;
    ql_buf_fini(&expected);
    if (ql_sim_now_ms() >= check.expires_ms || (is_right && is_revoked(links, signature))) {
        check.state = QL_SIM_LINK_EXPIRED;
    } else {
        check.state = is_right ? QL_SIM_LINK_GOOD : QL_SIM_LINK_ALTERED;
    }
    return check;
}

struct ql_sim_link_check ql_sim_links_check(struct ql_sim_links *links, const struct ql_sim_request *request) {
    struct parameter parameters[MAX_PARAMETERS] = {0};
    size_t n;
    struct ql_sim_link_check check = {.state = QL_SIM_LINK_INCOMPLETE};
    if (read_parameters(request->query, parameters, &n)) {
        check = judge(links, request, parameters, n);
    }
    free_parameters(parameters, n);
    return check;
}

void ql_sim_links_revoke(struct ql_sim_links *links, const struct ql_sim_request *request) {
    struct ql_buf signature = {0};
    if (ql_sim_request_get_parameter(request, SIGNATURE, &signature)) {
        (void)pthread_mutex_lock(&links->lock);
        QL_MEM_GROW(links->revoked, links->cap_revoked, links->n_revoked + 1);
        links->revoked[links->n_revoked++] = ql_buf_take(&signature);
        (void)pthread_mutex_unlock(&links->lock);
    }
    ql_buf_fini(&signature);
}
