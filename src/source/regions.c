/*
 * Domains and codes are those of the official SDKs (JavaScript 262, Python 269: their tables of region hosts); the places are
 * those of the AWS regions of the same codes, for people.
 */
#include "source/regions.h"

static const struct ql_region REGIONS[] = {
    {"mypurecloud.com", "us-east-1", "Northern Virginia"},
    {"mypurecloud.ie", "eu-west-1", "Ireland"},
    {"mypurecloud.com.au", "ap-southeast-2", "Sydney"},
    {"mypurecloud.jp", "ap-northeast-1", "Tokyo"},
    {"mypurecloud.de", "eu-central-1", "Frankfurt"},
    {"usw2.pure.cloud", "us-west-2", "Oregon"},
    {"cac1.pure.cloud", "ca-central-1", "Canada"},
    {"apne2.pure.cloud", "ap-northeast-2", "Seoul"},
    {"euw2.pure.cloud", "eu-west-2", "London"},
    {"aps1.pure.cloud", "ap-south-1", "Mumbai"},
    {"use2.us-gov-pure.cloud", "us-east-2", "Ohio, FedRAMP"},
    {"sae1.pure.cloud", "sa-east-1", "Sao Paulo"},
    {"mec1.pure.cloud", "me-central-1", "United Arab Emirates"},
    {"apne3.pure.cloud", "ap-northeast-3", "Osaka"},
    {"euc2.pure.cloud", "eu-central-2", "Zurich"},
    {"mxc1.pure.cloud", "mx-central-1", "Mexico"},
    {"apse1.pure.cloud", "ap-southeast-1", "Singapore"},
    {"edee1.eusc-pure.cloud", "eusc-de-east-1", "European Sovereign Cloud"},
};
enum { N_REGIONS = sizeof REGIONS / sizeof REGIONS[0], MAX_HOST_BYTES = 253 /* RFC 1035 */ };

const struct ql_region *ql_region_all(size_t *n) {
    *n = N_REGIONS;
    return REGIONS;
}

const struct ql_region *ql_region_find(struct ql_str domain) {
    for (size_t i = 0; i < N_REGIONS; i++) {
        if (ql_str_eq_nocase(domain, ql_str_from(REGIONS[i].domain))) {
            return &REGIONS[i];
        }
    }
    return NULL;
}

/* The official SDKs write codes with '_', AWS and the official CLI with '-'. */
static bool is_code(struct ql_str text, const char *code) {
    size_t i = 0;
    while (i < text.len && code[i] != '\0') {
        char c = text.ptr[i] == '_' ? '-' : text.ptr[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (c != code[i]) {
            return false;
        }
        i++;
    }
    return i == text.len && code[i] == '\0';
}

static struct ql_str without_prefix(struct ql_str text, const char *prefix) {
    size_t len = strlen(prefix);
    bool has = text.len > len && ql_str_eq_nocase((struct ql_str){.ptr = text.ptr, .len = len}, ql_str_from(prefix));
    return has ? (struct ql_str){.ptr = text.ptr + len, .len = text.len - len} : text;
}

/* "https://login.mypurecloud.de/oauth/token" -> "mypurecloud.de" */
static struct ql_str domain_of(struct ql_str text) {
    struct ql_str rest;
    text = without_prefix(text, "https://");
    text = ql_str_split(text, '/', &rest);
    while (text.len != 0 && text.ptr[text.len - 1] == '.') { /* the root of DNS, which nobody means */
        text.len--;
    }
    static const char *const LABELS[] = {"login.", "api.", "apps."};
    for (size_t i = 0; i < sizeof LABELS / sizeof LABELS[0]; i++) {
        struct ql_str domain = without_prefix(text, LABELS[i]);
        if (domain.len != text.len && memchr(domain.ptr, '.', domain.len) != NULL) {
            return domain;
        }
    }
    return text;
}

static bool is_host(struct ql_str text) {
    bool is_label_empty = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_word && (c != '.' || is_label_empty)) {
            return false;
        }
        is_label_empty = c == '.';
    }
    return text.len != 0 && text.len <= MAX_HOST_BYTES;
}

enum ql_status ql_region_resolve(struct ql_str text, struct ql_buf *domain, struct ql_err *err) {
    text = ql_str_trim(text);
    for (size_t i = 0; i < N_REGIONS; i++) {
        if (is_code(text, REGIONS[i].code)) {
            ql_buf_puts(domain, REGIONS[i].domain);
            return QL_OK;
        }
    }
    struct ql_str host = domain_of(text);
    if (!is_host(host)) {
        (void)QL_FAIL(err, QL_E_CONFIG, "'%.*s' is no region of Genesys Cloud", (int)(text.len < 100 ? text.len : 100),
                      text.ptr);
        ql_err_hint(err, "set GENESYS_ENVIRONMENT (or GENESYSCLOUD_REGION) to the domain behind 'apps.' in the address of your "
                         "organization's web pages, such as mypurecloud.de, or to its code, such as eu-central-1");
        return QL_E_CONFIG;
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        ql_buf_putc(domain, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    return QL_OK;
}

const char *ql_region_nearest(struct ql_str text) {
    const char *names[2 * N_REGIONS];
    for (size_t i = 0; i < N_REGIONS; i++) {
        names[2 * i] = REGIONS[i].domain;
        names[2 * i + 1] = REGIONS[i].code;
    }
    return ql_str_nearest(text, names, sizeof names / sizeof names[0]);
}
