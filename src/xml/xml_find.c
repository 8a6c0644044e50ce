/**
 * The text of one element of a small document, wherever it stands: what S3 answers to questions about a bucket has one value
 * that matters. The same bounds as for errors: 64 KiB, no document type and so no entities of its own.
 */
#include "xml/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <string.h>

enum { MAX_BODY_BYTES = 64 * 1024 };

struct finder {
    XML_Parser parser;
    const char *element;
    char *out;
    size_t size, len;
    bool is_inside, is_found;
};

static void on_start(void *ctx, const char *element, const char **attributes) {
    struct finder *finder = ctx;
    (void)attributes;
    finder->is_inside = !finder->is_found && strcmp(element, finder->element) == 0;
}

static void on_end(void *ctx, const char *element) {
    struct finder *finder = ctx;
    (void)element;
    finder->is_found = finder->is_found || finder->is_inside;
    finder->is_inside = false;
}

static void on_text(void *ctx, const char *text, int len) {
    struct finder *finder = ctx;
    for (int i = 0; finder->is_inside && i < len && finder->len < finder->size - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        finder->out[finder->len++] = c < 0x20 || c >= 0x7f ? ' ' : (char)c;
    }
}

static void on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int has_internal_subset) {
    struct finder *finder = ctx;
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal_subset;
    (void)XML_StopParser(finder->parser, XML_FALSE);
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

bool ql_xml_find_text(struct ql_str body, const char *element, char *out, size_t size) {
    static const XML_Memory_Handling_Suite MEMORY = {memory_alloc, memory_realloc, memory_free};
    body = ql_str_trim(body);
    out[0] = '\0';
    if (body.len == 0 || body.len > MAX_BODY_BYTES) {
        return false;
    }
    struct finder finder = {.element = element, .out = out, .size = size, .parser = XML_ParserCreate_MM(NULL, &MEMORY, NULL)};
    if (finder.parser == NULL) {
        return false; /* the allocator never fails, so expat has no reason to */
    }
    XML_SetUserData(finder.parser, &finder);
    XML_SetElementHandler(finder.parser, on_start, on_end);
    XML_SetCharacterDataHandler(finder.parser, on_text);
    XML_SetStartDoctypeDeclHandler(finder.parser, on_doctype);
    bool is_whole = XML_Parse(finder.parser, body.ptr, (int)body.len, 1) == XML_STATUS_OK;
    XML_ParserFree(finder.parser);
    out[is_whole && finder.is_found ? finder.len : 0] = '\0';
    return is_whole && finder.is_found;
}
