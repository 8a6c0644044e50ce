/**
 * One text out of a document that is known to be whole: <InitiateMultipartUploadResult><UploadId>…, an account of STS.
 *
 * The path is compared with the names of the open elements, level by level; the first element that fits wins.
 */
#include "xml/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_TEXT_BYTES = 64 * 1024 };

struct reader {
    XML_Parser parser;
    const char *rest; /* of the path, behind the elements that fit */
    int depth, fitting;
    bool is_inside, is_found, is_bad;
    struct ql_buf text;
};

static void stop(struct reader *reader) {
    reader->is_bad = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *ctx, const char *element, const char **attributes) {
    struct reader *reader = ctx;
    (void)attributes;
    reader->depth++;
    reader->is_inside = false;
    if (reader->depth > MAX_DEPTH) {
        stop(reader);
        return;
    }
    size_t len = strcspn(reader->rest, "/");
    if (reader->is_found || reader->fitting != reader->depth - 1 || len == 0 || strlen(element) != len ||
        memcmp(element, reader->rest, len) != 0) {
        return;
    }
    reader->fitting = reader->depth;
    reader->rest += len;
    reader->is_found = *reader->rest == '\0';
    reader->is_inside = reader->is_found;
    reader->rest += *reader->rest == '/' ? 1 : 0;
}

static void on_end(void *ctx, const char *element) {
    struct reader *reader = ctx;
    reader->is_inside = false;
    if (!reader->is_found && reader->fitting == reader->depth) {
        reader->rest -= strlen(element) + 1; /* with its '/' */
        reader->fitting--;
    }
    reader->depth--;
}

static void on_text(void *ctx, const char *text, int len) {
    struct reader *reader = ctx;
    if (reader->is_inside) {
        ql_buf_put(&reader->text, text, (size_t)len);
        if (reader->text.len > MAX_TEXT_BYTES) {
            stop(reader);
        }
    }
}

/* A document type could define entities; AWS sends none. */
static void on_doctype(void *ctx, const char *name, const char *sysid, const char *pubid, int has_internal_subset) {
    (void)name;
    (void)sysid;
    (void)pubid;
    (void)has_internal_subset;
    stop(ctx);
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

bool ql_xml_text(struct ql_str body, const char *path, struct ql_buf *text) {
    static const XML_Memory_Handling_Suite MEMORY = {memory_alloc, memory_realloc, memory_free};
    body = ql_str_trim(body);
    if (body.len == 0 || body.len > INT_MAX) {
        return false;
    }
    struct reader reader = {.rest = path, .parser = XML_ParserCreate_MM(NULL, &MEMORY, NULL)};
    if (reader.parser == NULL) {
        return false; /* the allocator never fails, so expat has no reason to */
    }
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    bool is_whole = XML_Parse(reader.parser, body.ptr, (int)body.len, XML_TRUE) == XML_STATUS_OK && !reader.is_bad;
    XML_ParserFree(reader.parser);
    bool is_fine = is_whole && reader.is_found;
    if (is_fine && text != NULL) {
        ql_buf_put_str(text, ql_str_trim(ql_buf_view(&reader.text)));
    }
    ql_buf_fini(&reader.text);
    return is_fine;
}
