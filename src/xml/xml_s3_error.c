/**
 * <Error><Code>…</Code><Message>…</Message>…</Error>: the children of the root, each into its field. STS puts the same into an
 * <ErrorResponse>.
 *
 * Format: "REST error responses" of the Amazon S3 API reference. Elements may come in any order, unknown ones are skipped,
 * deeper ones too. The first element of a name wins, so that what follows cannot overwrite it.
 */
#include "xml/xml.h"
#include "xml/xml_walk.h"

#include <string.h>

enum { MAX_BODY_BYTES = 64 * 1024 };

struct field {
    const char *element;
    size_t offset, size;
};

#define FIELD(element, member) \
    { element, offsetof(struct ql_s3_error, member), sizeof(((struct ql_s3_error *)0)->member) }
static const struct field FIELDS[] = {
    FIELD("Code", code),
    FIELD("Message", message),
    FIELD("Resource", resource),
    FIELD("RequestId", request_id),
    FIELD("HostId", host_id),
    FIELD("Region", region),
    FIELD("Endpoint", endpoint),
    FIELD("BucketName", bucket),
    FIELD("Bucket", bucket),
    FIELD("ServerTime", server_time),
    FIELD("ArgumentName", argument_name),
    FIELD("Header", argument_name),
};

struct reader {
    struct ql_xml_walk walk;
    struct ql_s3_error *out;
    bool is_error;
    int base;                 /* depth of <Error> */
    const struct field *open; /* the field whose text is being read; NULL: none */
    size_t len;               /* of that text so far */
};

static const struct field *find_field(const char *element) {
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        if (strcmp(FIELDS[i].element, element) == 0) {
            return &FIELDS[i];
        }
    }
    return NULL;
}

static char *field_text(const struct reader *reader, const struct field *field) {
    return (char *)reader->out + field->offset;
}

static void on_start(void *ctx, const char *element) {
    struct reader *reader = ctx;
    bool is_wrapper = reader->walk.depth == 1 && strcmp(element, "ErrorResponse") == 0;
    if (reader->walk.depth == 1) {
        reader->is_error = is_wrapper || strcmp(element, "Error") == 0;
        reader->base = is_wrapper ? 2 : 1;
    }
    if (!reader->is_error) {
        ql_xml_walk_stop(&reader->walk);
        return;
    }
    reader->open = NULL;
    /* What stands beside <Error> in STS's document (RequestId) is read as if it stood in it. */
    if (reader->walk.depth == reader->base + 1 || (reader->walk.depth == 2 && reader->base == 2)) {
        const struct field *field = find_field(element);
        if (field != NULL && field_text(reader, field)[0] == '\0') {
            reader->open = field;
            reader->len = 0;
        }
    }
}

static void on_end(void *ctx, const char *element) {
    struct reader *reader = ctx;
    (void)element;
    reader->open = NULL;
}

static void on_text(void *ctx, const char *text, size_t len) {
    struct reader *reader = ctx;
    const struct field *field = reader->open;
    if (field == NULL) {
        return;
    }
    char *out = field_text(reader, field);
    for (size_t i = 0; i < len && reader->len < field->size - 1; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_control = c < 0x20 || c == 0x7f;
        out[reader->len++] = is_control ? ' ' : (char)c;
    }
}

/* A text that was cut inside a UTF-8 sequence loses that sequence; blanks at the end go. */
static void tidy_texts(struct ql_s3_error *out) {
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        char *text = (char *)out + FIELDS[i].offset;
        size_t len = strlen(text);
        if (len == FIELDS[i].size - 1) {
            size_t start = len;
            while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
                start--;
            }
            unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
            size_t want = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
            if (len - start < want) {
                len = start - 1;
            }
        }
        while (len > 0 && text[len - 1] == ' ') {
            len--;
        }
        text[len] = '\0';
    }
}

bool ql_xml_s3_error(struct ql_str body, struct ql_s3_error *out) {
    memset(out, 0, sizeof *out);
    body = ql_str_trim(body);
    bool is_cut = body.len > MAX_BODY_BYTES;
    struct reader reader = {.walk = {.on_start = on_start, .on_end = on_end, .on_text = on_text}, .out = out};
    reader.walk.ctx = &reader;
    /* The result does not matter: a root that was seen is an answer, however the rest looks. */
    (void)ql_xml_walk_run(&reader.walk, (struct ql_str){body.ptr, is_cut ? MAX_BODY_BYTES : body.len}, is_cut);
    if (!reader.is_error) {
        memset(out, 0, sizeof *out);
        return false;
    }
    tidy_texts(out);
    return true;
}
