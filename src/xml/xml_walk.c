/**
 * Expat, as all readers of the room want it.
 *
 * White space before the XML declaration, which expat refuses, is skipped: S3 sends it to keep a slow connection alive. A
 * document type could define entities; S3 and STS send none, so one ends the walk.
 */
#include "xml/xml_walk.h"
#include "xml/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <limits.h>

enum { MAX_DEPTH = 16 };

void ql_xml_walk_stop(struct ql_xml_walk *walk) {
    walk->is_stopped = true;
    (void)XML_StopParser(walk->parser, XML_FALSE);
}

static void on_start(void *ctx, const char *element, const char **attributes) {
    struct ql_xml_walk *walk = ctx;
    (void)attributes;
    if (++walk->depth > MAX_DEPTH) {
        ql_xml_walk_stop(walk);
        return;
    }
    walk->on_start(walk->ctx, element);
}

static void on_end(void *ctx, const char *element) {
    struct ql_xml_walk *walk = ctx;
    walk->on_end(walk->ctx, element);
    walk->depth--;
}

static void on_text(void *ctx, const char *text, int len) {
    struct ql_xml_walk *walk = ctx;
    walk->on_text(walk->ctx, text, (size_t)len);
}

static void on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int has_internal_subset) {
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal_subset;
    ql_xml_walk_stop(ctx);
}

static void *memory_alloc(size_t size) {
    return ql_mem_alloc(size);
}
static void *memory_realloc(void *ptr, size_t size) {
    return ql_mem_realloc(ptr, size, 1);
}
static void memory_free(void *ptr) {
    ql_mem_free(ptr);
}

bool ql_xml_walk_run(struct ql_xml_walk *walk, struct ql_str body, bool has_more) {
    static const XML_Memory_Handling_Suite MEMORY = {memory_alloc, memory_realloc, memory_free};
    body = ql_str_trim(body);
    if (body.len == 0 || body.len > INT_MAX) {
        return false;
    }
    XML_Parser parser = XML_ParserCreate_MM(NULL, &MEMORY, NULL);
    if (parser == NULL) {
        return false; /* the allocator never fails, so expat has no reason to */
    }
    walk->parser = parser;
    XML_SetUserData(parser, walk);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    bool is_sound = XML_Parse(parser, body.ptr, (int)body.len, !has_more) == XML_STATUS_OK && !walk->is_stopped;
    XML_ParserFree(parser);
    walk->parser = NULL;
    return is_sound;
}

void ql_xml_versions(struct ql_buf *out) {
    XML_Expat_Version version = XML_ExpatVersionInfo();
    ql_buf_printf(out, "expat %d.%d.%d", version.major, version.minor, version.micro);
}
