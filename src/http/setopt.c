/*
 * The only doors to curl_easy_setopt for values. It takes its argument through "...": an int where a long is read, or a long
 * where a curl_off_t is, compiles and reads garbage. Callbacks are set in handle.c, where their types stand beside them.
 */
#include "http/http_internal.h"

static void note(struct ql_setter *setter, CURLoption option, CURLcode code) {
    if (code != CURLE_OK && setter->failure == CURLE_OK) {
        setter->failure = code;
        setter->option = option;
    }
}

void ql_set_long(struct ql_setter *setter, CURLoption option, long value) {
    note(setter, option, setter->curl->easy_setopt(setter->easy, option, value));
}

void ql_set_text(struct ql_setter *setter, CURLoption option, const char *text) {
    note(setter, option, setter->curl->easy_setopt(setter->easy, option, text));
}

void ql_set_pointer(struct ql_setter *setter, CURLoption option, void *pointer) {
    note(setter, option, setter->curl->easy_setopt(setter->easy, option, pointer));
}

void ql_set_off_t(struct ql_setter *setter, CURLoption option, curl_off_t value) {
    note(setter, option, setter->curl->easy_setopt(setter->easy, option, value));
}
