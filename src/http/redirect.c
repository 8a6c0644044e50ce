/*
 * Where a request may go. libcurl follows nothing: its own redirects carry every custom header along (measured with 7.88.1:
 * x-amz-security-token and X-Api-Key reached the other host), know no limit by default, and go to ftp:.
 *
 * Headers that change origin are chosen by a list of those that may, not of those that may not.
 */
#include "http/http_internal.h"

bool ql_redirect_is(long status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool ql_redirect_keeps_header(struct ql_str name) {
    static const struct ql_str KEPT[] = {
        {"accept", 6}, {"accept-encoding", 15}, {"accept-language", 15}, {"range", 5}, {"if-range", 8}};
    for (size_t i = 0; i < sizeof KEPT / sizeof KEPT[0]; i++) {
        if (ql_str_eq_nocase(name, KEPT[i])) {
            return true;
        }
    }
    return false;
}

static enum ql_status check_foreign(const struct ql_http_options *options, const struct ql_url *url, const struct ql_hop *hop,
                                    struct ql_err *err) {
    if (options->allow_private_redirects) {
        return QL_OK;
    }
    enum ql_address_kind kind = url->is_loopback ? QL_ADDRESS_LOOPBACK : ql_address_classify_text(url->host);
    if (kind == QL_ADDRESS_PRIVATE || (kind == QL_ADDRESS_LOOPBACK && !hop->allows_loopback)) {
        QL_FAIL(err, QL_E_REFUSED_URL, "a server sent us to '%s', which is a %s address", url->authority,
                kind == QL_ADDRESS_LOOPBACK ? "loopback" : "private");
        ql_err_hint(err, "if that is right, say --allow-private-redirects");
        return QL_E_REFUSED_URL;
    }
    return QL_OK;
}

enum ql_status ql_redirect_check_url(const struct ql_http_options *options, const struct ql_url *url, const struct ql_hop *hop,
                                     struct ql_err *err) {
    if (url->has_user) {
        QL_FAIL(err, QL_E_REFUSED_URL, "the address of '%s' carries a user name or password", url->authority);
        ql_err_hint(err, "take it out of the URL");
        return QL_E_REFUSED_URL;
    }
    if (!url->is_https && !url->is_loopback && !options->allow_http && !hop->allows_http) {
        QL_FAIL(err, QL_E_REFUSED_URL, "'%s' would be asked over plain http", url->authority);
        ql_err_hint(err, "use https, or say --allow-http if the network in between can be trusted");
        return QL_E_REFUSED_URL;
    }
    return hop->is_foreign ? check_foreign(options, url, hop, err) : QL_OK;
}

enum ql_status ql_redirect_follow(const struct ql_url *from, const struct ql_url *to, struct ql_hop *hop, struct ql_err *err) {
    if (from->is_https && !to->is_https) {
        QL_FAIL(err, QL_E_REFUSED_URL, "'%s' redirects from https to http at '%s'", from->authority, to->authority);
        ql_err_hint(err, "the server has to redirect to https");
        return QL_E_REFUSED_URL;
    }
    if (!ql_url_has_origin_of(from, to)) {
        hop->is_foreign = true;
        hop->allows_http = false;
        hop->is_stripped = true; /* for good: coming back does not make the way in between trustworthy */
    }
    return QL_OK;
}
