/**
 * Pages of lists: the keys of a bucket (<ListBucketResult>, "ListObjectsV2") and its unfinished uploads
 * (<ListMultipartUploadsResult>, "ListMultipartUploads", Amazon S3 API reference). Unlike an error, a page counts only when it
 * is whole: half of one would be half of the data.
 */
#include "xml/xml.h"
#include "xml/xml_walk.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 4096, MAX_FIELDS = 3, MAX_MARKERS = 2 };

/** What a page looks like: root > item > fields, and beside the items where the next page begins. */
struct form {
    const char *root, *item;
    const char *fields[MAX_FIELDS];
    const char *markers[MAX_MARKERS];
};

struct reader {
    struct ql_xml_walk walk;
    const struct form *form;
    void (*found)(void *ctx, const struct ql_buf *fields);
    void *ctx;
    bool is_page;
    bool is_in_item;
    struct ql_buf *open; /* where text goes; NULL: nowhere */
    struct ql_buf fields[MAX_FIELDS], markers[MAX_MARKERS], truncated;
};

static struct ql_buf *buffer_of(const char *element, const char *const *names, size_t n, struct ql_buf *buffers) {
    for (size_t i = 0; i < n && names[i] != NULL; i++) {
        if (strcmp(element, names[i]) == 0) {
            return &buffers[i];
        }
    }
    return NULL;
}

static void begin_item(struct reader *reader) {
    reader->is_in_item = true;
    for (size_t i = 0; i < MAX_FIELDS; i++) {
        ql_buf_reset(&reader->fields[i]);
    }
}

static void on_start(void *ctx, const char *element) {
    struct reader *reader = ctx;
    const struct form *form = reader->form;
    reader->open = NULL;
    if (reader->walk.depth == 1) {
        reader->is_page = strcmp(element, form->root) == 0;
    }
    if (!reader->is_page) {
        ql_xml_walk_stop(&reader->walk);
        return;
    }
    if (reader->walk.depth == 2 && strcmp(element, form->item) == 0) {
        begin_item(reader);
    } else if (reader->walk.depth == 2) {
        reader->open = strcmp(element, "IsTruncated") == 0 ? &reader->truncated
                                                           : buffer_of(element, form->markers, MAX_MARKERS, reader->markers);
    } else if (reader->walk.depth == 3 && reader->is_in_item) {
        reader->open = buffer_of(element, form->fields, MAX_FIELDS, reader->fields);
    }
    if (reader->open != NULL) {
        ql_buf_reset(reader->open);
    }
}

static void on_end(void *ctx, const char *element) {
    struct reader *reader = ctx;
    (void)element;
    if (reader->walk.depth == 2 && reader->is_in_item) {
        reader->is_in_item = false;
        if (reader->fields[0].len != 0) {
            reader->found(reader->ctx, reader->fields);
        }
    }
    reader->open = NULL;
}

static void on_text(void *ctx, const char *text, size_t len) {
    struct reader *reader = ctx;
    if (reader->open != NULL) {
        ql_buf_put(reader->open, text, len);
        if (reader->open->len > MAX_TEXT_BYTES) {
            ql_xml_walk_stop(&reader->walk);
        }
    }
}

/* Reads the page; next[i] is markers[i] if there is a page behind this one, else empty. */
static bool read_page(struct reader *reader, struct ql_str body, struct ql_buf *const *next) {
    reader->walk = (struct ql_xml_walk){.on_start = on_start, .on_end = on_end, .on_text = on_text, .ctx = reader};
    bool is_whole = ql_xml_walk_run(&reader->walk, body, false);
    bool is_truncated = ql_str_eq(ql_str_trim(ql_buf_view(&reader->truncated)), QL_STR("true"));
    for (size_t i = 0; i < MAX_MARKERS && next[i] != NULL; i++) {
        ql_buf_reset(next[i]);
        if (is_truncated) {
            ql_buf_put_str(next[i], ql_buf_view(&reader->markers[i]));
        }
    }
    for (size_t i = 0; i < MAX_FIELDS; i++) {
        ql_buf_fini(&reader->fields[i]);
    }
    for (size_t i = 0; i < MAX_MARKERS; i++) {
        ql_buf_fini(&reader->markers[i]);
    }
    ql_buf_fini(&reader->truncated);
    return is_whole && (!is_truncated || next[0]->len != 0); /* cut off, and no way to go on */
}

static void found_key(void *ctx, const struct ql_buf *fields) {
    const struct ql_s3_list *list = ctx;
    list->found(list->ctx, ql_buf_view(&fields[0]));
}

bool ql_xml_s3_list(struct ql_str body, struct ql_s3_list *list) {
    static const struct form FORM = {
        .root = "ListBucketResult", .item = "Contents", .fields = {"Key"}, .markers = {"NextContinuationToken"}};
    struct reader reader = {.form = &FORM, .found = found_key, .ctx = list};
    struct ql_buf *const next[MAX_MARKERS] = {list->next};
    return read_page(&reader, body, next);
}

static void found_upload(void *ctx, const struct ql_buf *fields) {
    const struct ql_s3_upload_list *list = ctx;
    list->found(list->ctx, ql_buf_view(&fields[0]), ql_buf_view(&fields[1]), ql_buf_view(&fields[2]));
}

bool ql_xml_s3_uploads(struct ql_str body, struct ql_s3_upload_list *list) {
    static const struct form FORM = {.root = "ListMultipartUploadsResult",
                                     .item = "Upload",
                                     .fields = {"Key", "UploadId", "Initiated"},
                                     .markers = {"NextKeyMarker", "NextUploadIdMarker"}};
    struct reader reader = {.form = &FORM, .found = found_upload, .ctx = list};
    struct ql_buf *const next[MAX_MARKERS] = {list->next_key, list->next_id};
    return read_page(&reader, body, next);
}
