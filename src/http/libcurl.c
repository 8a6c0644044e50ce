/*
 * The only place that knows where libcurl's functions are. The name is that of its ABI, which is the same since 2006, with
 * every TLS library and in every distribution; a function is asked for without a version, which gives the library's default
 * one.
 */
#include "http/libcurl.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static void find(void *library, const char *name, void *slot, const char **missing) {
    void *address = dlsym(library, name);
    if (address == NULL) {
        *missing = name;
    }
    memcpy(slot, &address, sizeof address); /* POSIX's way from an address to a pointer to a function */
}

static enum ql_status fail_to_load(struct ql_err *err) {
    const char *reason = dlerror(); /* begins with the library's name */
    QL_FAIL(err, QL_E_SYSTEM, "libcurl, which makes the requests, cannot be loaded: %.300s", reason != NULL ? reason : "");
    ql_err_hint(err,
                "install it (Debian, Ubuntu: apt-get install libcurl4; Fedora: dnf install libcurl); a transform from file "
                "to file does without");
    return QL_E_SYSTEM;
}

static enum ql_status fail_as_old(const struct ql_libcurl *curl, const char *missing, struct ql_err *err) {
    if (missing != NULL) {
        QL_FAIL(err, QL_E_SYSTEM, "the libcurl of this machine lacks '%s'", missing);
    } else {
        QL_FAIL(err, QL_E_SYSTEM, "the libcurl of this machine, %s, is too old", curl->version_info(CURLVERSION_NOW)->version);
    }
    ql_err_hint(err, "install libcurl 7.87.0 or newer");
    return QL_E_SYSTEM;
}

enum ql_status ql_libcurl_load_from(const char *name, unsigned int oldest, struct ql_libcurl *curl, struct ql_err *err) {
    /* Never closed: OpenSSL, which comes along, leaves handlers for the exit behind. */
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        return fail_to_load(err);
    }
    const char *missing = NULL;
#define FIND(function) find(library, "curl_" #function, &curl->function, &missing)
    QL_LIBCURL_FUNCTIONS(FIND);
#undef FIND
    if (missing != NULL || curl->version_info(CURLVERSION_NOW)->version_num < oldest) {
        return fail_as_old(curl, missing, err);
    }
    return QL_OK;
}

enum ql_status ql_libcurl_load(struct ql_libcurl *curl, struct ql_err *err) {
    return ql_libcurl_load_from(LIBRARY, QL_LIBCURL_OLDEST, curl, err);
}
