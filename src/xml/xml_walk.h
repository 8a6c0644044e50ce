/** What the readers of the room share: expat with our memory, without document types, down to a bounded depth. */
#ifndef QL_XML_XML_WALK_H
#define QL_XML_XML_WALK_H

#include "base/str.h"

#include <stdbool.h>

/** One walk through a document. The handlers get `ctx`; depth counts the open elements, the one that begins or ends included.
 */
struct ql_xml_walk {
    void (*on_start)(void *ctx, const char *element);
    void (*on_end)(void *ctx, const char *element);
    void (*on_text)(void *ctx, const char *text, size_t len); /* in pieces */
    void *ctx;
    int depth;
    bool is_stopped;
    void *parser; /* the walk's own */
};
/** False for a document that is damaged, breaks off (but where has_more says that it was cut here), declares a type, or was
 * stopped. */
bool ql_xml_walk_run(struct ql_xml_walk *walk, struct ql_str body, bool has_more);
/** For handlers: nothing that follows matters. */
void ql_xml_walk_stop(struct ql_xml_walk *walk);

#endif
