/**
 * One text out of a document that is known to be whole: <InitiateMultipartUploadResult><UploadId>…, an account of STS.
 *
 * The path is compared with the names of the open elements, level by level; the first element that fits wins.
 */
#include "xml/xml.h"
#include "xml/xml_walk.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 64 * 1024 };

struct reader {
    struct ql_xml_walk walk;
    const char *rest; /* of the path, behind the elements that fit */
    int fitting;
    bool is_inside, is_found;
    struct ql_buf text;
};

static void on_start(void *ctx, const char *element) {
    struct reader *reader = ctx;
    reader->is_inside = false;
    size_t len = strcspn(reader->rest, "/");
    if (reader->is_found || reader->fitting != reader->walk.depth - 1 || len == 0 || strlen(element) != len ||
        memcmp(element, reader->rest, len) != 0) {
        return;
    }
    reader->fitting = reader->walk.depth;
    reader->rest += len;
    reader->is_found = *reader->rest == '\0';
    reader->is_inside = reader->is_found;
    reader->rest += *reader->rest == '/' ? 1 : 0;
}

static void on_end(void *ctx, const char *element) {
    struct reader *reader = ctx;
    reader->is_inside = false;
    if (!reader->is_found && reader->fitting == reader->walk.depth) {
        reader->rest -= strlen(element) + 1; /* with its '/' */
        reader->fitting--;
    }
}

static void on_text(void *ctx, const char *text, size_t len) {
    struct reader *reader = ctx;
    if (reader->is_inside) {
        ql_buf_put(&reader->text, text, len);
        if (reader->text.len > MAX_TEXT_BYTES) {
            ql_xml_walk_stop(&reader->walk);
        }
    }
}

bool ql_xml_text(struct ql_str body, const char *path, struct ql_buf *text) {
    struct reader reader = {.walk = {.on_start = on_start, .on_end = on_end, .on_text = on_text}, .rest = path};
    reader.walk.ctx = &reader;
    bool is_fine = ql_xml_walk_run(&reader.walk, body, false) && reader.is_found;
    if (is_fine && text != NULL) {
        ql_buf_put_str(text, ql_str_trim(ql_buf_view(&reader.text)));
    }
    ql_buf_fini(&reader.text);
    return is_fine;
}
