/**
 * libcurl, loaded when the first request is to be made. With all that it is linked to it takes longer to load than the
 * transform of a small file takes, which makes no request (docs/design/0009-start-up.md).
 *
 * libcurl's header gives types and constants; its functions are called through this table and nowhere by their own names.
 */
#ifndef QL_HTTP_LIBCURL_H
#define QL_HTTP_LIBCURL_H

#include "base/err.h"

#include <curl/curl.h>

/* 7.87.0 brought CURLOPT_QUICK_EXIT, the youngest of what this room asks for. */
#define QL_LIBCURL_OLDEST 0x075700
_Static_assert(LIBCURL_VERSION_NUM >= QL_LIBCURL_OLDEST, "libcurl 7.87.0 or newer is needed");

/* What of libcurl is used, without "curl_". */
#define QL_LIBCURL_FUNCTIONS(F) \
    F(easy_cleanup);            \
    F(easy_getinfo);            \
    F(easy_init);               \
    F(easy_setopt);             \
    F(easy_strerror);           \
    F(free);                    \
    F(global_cleanup);          \
    F(global_init);             \
    F(multi_add_handle);        \
    F(multi_cleanup);           \
    F(multi_info_read);         \
    F(multi_init);              \
    F(multi_perform);           \
    F(multi_poll);              \
    F(multi_remove_handle);     \
    F(multi_setopt);            \
    F(slist_append);            \
    F(slist_free_all);          \
    F(url);                     \
    F(url_cleanup);             \
    F(url_dup);                 \
    F(url_get);                 \
    F(url_set);                 \
    F(url_strerror);            \
    F(version);                 \
    F(version_info)

#define QL_LIBCURL_MEMBER(name) __typeof__(curl_##name) *name
struct ql_libcurl {
    QL_LIBCURL_FUNCTIONS(QL_LIBCURL_MEMBER);
};
#undef QL_LIBCURL_MEMBER

/**
 * Fills the table. The library stays loaded to the end of the process, so that tables may be copied and forgotten: the second
 * time costs some microseconds.
 *
 * Errors: E_SYSTEM with a hint what to install, if there is no libcurl, or one older than QL_LIBCURL_OLDEST.
 */
QL_MUST_CHECK enum ql_status ql_libcurl_load(struct ql_libcurl *curl, struct ql_err *err);
/** The same with a library of another name and another oldest version: for tests. */
QL_MUST_CHECK enum ql_status ql_libcurl_load_from(const char *name, unsigned int oldest, struct ql_libcurl *curl,
                                                  struct ql_err *err);

#endif
