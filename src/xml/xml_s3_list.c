/**
 * <ListBucketResult>: the keys of a bucket, one page of them ("ListObjectsV2", Amazon S3 API reference). Unlike an error, a
 * page counts only when it is whole: half of one would be half of the data.
 */
#include "xml/xml.h"

#include "base/mem.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_KEY_BYTES = 4096 };

struct reader {
    XML_Parser parser;
    struct ql_s3_list *list;
    bool is_list, is_bad;
    int depth;
    bool is_in_contents;
    struct ql_buf *open; /* where text goes; NULL: nowhere */
    struct ql_buf key, truncated, token;
};

static void stop(struct reader *reader) {
    reader->is_bad = true;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void on_start(void *ctx, const char *element, const char **attributes) {
    struct reader *reader = ctx;
    (void)attributes;
    reader->depth++;
    reader->open = NULL;
    if (reader->depth == 1) {
        reader->is_list = strcmp(element, "ListBucketResult") == 0;
    }
    if (!reader->is_list || reader->depth > MAX_DEPTH) {
        stop(reader);
        return;
    }
    if (reader->depth == 2) {
        reader->is_in_contents = strcmp(element, "Contents") == 0;
        reader->open = strcmp(element, "IsTruncated") == 0             ? &reader->truncated
                       : strcmp(element, "NextContinuationToken") == 0 ? &reader->token
                                                                       : NULL;
    } else if (reader->depth == 3 && reader->is_in_contents && strcmp(element, "Key") == 0) {
        reader->open = &reader->key;
    }
    if (reader->open != NULL) {
        ql_buf_reset(reader->open);
    }
}

static void on_end(void *ctx, const char *element) {
    struct reader *reader = ctx;
    (void)element;
    if (reader->depth == 3 && reader->open == &reader->key && reader->key.len != 0) {
        reader->list->found(reader->list->ctx, ql_buf_view(&reader->key));
    }
    reader->depth--;
    reader->open = NULL;
}

static void on_text(void *ctx, const char *text, int len) {
    struct reader *reader = ctx;
    if (reader->open != NULL) {
        ql_buf_put(reader->open, text, (size_t)len);
        if (reader->open->len > MAX_KEY_BYTES) {
            stop(reader);
        }
    }
}

/* A document type could define entities; S3 sends none. */
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

bool ql_xml_s3_list(struct ql_str body, struct ql_s3_list *list) {
    static const XML_Memory_Handling_Suite MEMORY = {memory_alloc, memory_realloc, memory_free};
    body = ql_str_trim(body);
    if (body.len == 0 || body.len > INT_MAX) {
        return false;
    }
    struct reader reader = {.list = list, .parser = XML_ParserCreate_MM(NULL, &MEMORY, NULL)};
    if (reader.parser == NULL) {
        return false; /* the allocator never fails, so expat has no reason to */
    }
    XML_SetUserData(reader.parser, &reader);
    XML_SetElementHandler(reader.parser, on_start, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    bool is_whole = XML_Parse(reader.parser, body.ptr, (int)body.len, XML_TRUE) == XML_STATUS_OK && !reader.is_bad;
    XML_ParserFree(reader.parser);
    bool is_truncated = ql_str_eq(ql_str_trim(ql_buf_view(&reader.truncated)), QL_STR("true"));
    ql_buf_reset(list->next);
    if (is_truncated) {
        ql_buf_put_str(list->next, ql_buf_view(&reader.token));
    }
    ql_buf_fini(&reader.key);
    ql_buf_fini(&reader.truncated);
    ql_buf_fini(&reader.token);
    return is_whole && (!is_truncated || list->next->len != 0);
}
