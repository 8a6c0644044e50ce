/**
 * The headers by which an object is stored, and what the answer's headers say to them.
 *
 * Header names are in lower case as S3 documents them ("PutObject", "CreateMultipartUpload", S3 API reference). Only what was
 * asked for is sent: other servers than AWS refuse headers that they do not know.
 */
#include "store/s3_object.h"

#include "json/json.h"

#include <stdio.h>

void ql_s3_headers_fini(struct ql_s3_headers *headers) {
    ql_arena_fini(&headers->texts);
    headers->n = 0;
}

void ql_s3_headers_add(struct ql_s3_headers *headers, const char *name, struct ql_str value) {
    if (value.len != 0 && headers->n < QL_S3_MAX_HEADERS) {
        headers->items[headers->n++] = (struct ql_http_header){.name = ql_str_from(name), .value = value};
    }
}

void ql_s3_headers_add_copy(struct ql_s3_headers *headers, const char *name, struct ql_str value) {
    if (value.len != 0) {
        ql_s3_headers_add(headers, ql_arena_copy(&headers->texts, name, strlen(name)),
                          (struct ql_str){.ptr = ql_arena_copy(&headers->texts, value.ptr, value.len), .len = value.len});
    }
}

/* ---- encryption */

static bool is_kms(const struct ql_s3_options *options) {
    return ql_str_has_prefix(options->server_side_encryption, "aws:kms");
}

struct ql_str ql_s3_encryption_of(const struct ql_s3_options *options) {
    struct ql_str wanted = options->server_side_encryption;
    if (ql_str_eq(wanted, QL_STR("none"))) {
        return (struct ql_str){0};
    }
    return wanted.len != 0 ? wanted : QL_STR("AES256");
}

/* "Base64-encoded string of a UTF-8 encoded JSON, which contains the encryption context as key-value pairs". */
static void add_context(struct ql_s3_headers *headers, const struct ql_s3_options *options) {
    struct ql_json *context = ql_json_new_object();
    struct ql_buf json = {0};
    struct ql_buf text = {0};
    for (size_t i = 0; i < options->n_kms_context; i++) {
        const struct ql_tag *pair = &options->kms_context[i];
        const char *key = ql_arena_copy(&headers->texts, pair->key.ptr, pair->key.len); /* with a NUL behind */
        ql_json_set(context, key, ql_json_new_text(pair->value));
    }
    ql_json_write(context, false, &json);
    ql_json_free(context);
    ql_base64(json.ptr, json.len, &text);
    ql_s3_headers_add_copy(headers, "x-amz-server-side-encryption-context", ql_buf_view(&text));
    ql_buf_fini(&json);
    ql_buf_fini(&text);
}

static void add_encryption(struct ql_s3_headers *headers, const struct ql_s3_options *options) {
    ql_s3_headers_add(headers, "x-amz-server-side-encryption", ql_s3_encryption_of(options));
    if (!is_kms(options)) {
        return;
    }
    ql_s3_headers_add(headers, "x-amz-server-side-encryption-aws-kms-key-id", options->kms_key);
    if (options->n_kms_context != 0) {
        add_context(headers, options);
    }
    if (options->uses_bucket_key) {
        ql_s3_headers_add(headers, "x-amz-server-side-encryption-bucket-key-enabled", QL_STR("true"));
    }
}

/* An answer names a key by its ARN, a setting perhaps by its id. What an alias stands for is not ours to know. */
static bool is_key(struct ql_str wanted, struct ql_str told) {
    bool is_alias = memmem(wanted.ptr, wanted.len, "alias/", strlen("alias/")) != NULL;
    bool is_end = told.len > wanted.len && told.ptr[told.len - wanted.len - 1] == '/' &&
                  memcmp(told.ptr + told.len - wanted.len, wanted.ptr, wanted.len) == 0;
    return is_alias || ql_str_eq(told, wanted) || is_end;
}

enum ql_status ql_s3_encryption_verify(const struct ql_s3_options *options, const struct ql_http_response *response,
                                       struct ql_err *err) {
    struct ql_str wanted = ql_s3_encryption_of(options);
    struct ql_str told = ql_http_response_get(response, "x-amz-server-side-encryption");
    struct ql_str key = ql_http_response_get(response, "x-amz-server-side-encryption-aws-kms-key-id");
    if (wanted.len == 0 || (told.len == 0 && !is_kms(options))) {
        return QL_OK;
    }
    char text[32];
    ql_s3_copy_text(told, text, sizeof text);
    if (!ql_str_eq(told, wanted)) {
        (void)QL_FAIL(err, QL_E_S3, "the server confirms %s%s%s encryption, where '%.*s' was asked for",
                      text[0] != '\0' ? "'" : "", text[0] != '\0' ? text : "no", text[0] != '\0' ? "'" : "",
                      QL_STR_ARG(wanted));
        ql_err_hint(err, "this server does not encrypt as asked; see --s3-encryption");
        return QL_E_S3;
    }
    if (is_kms(options) && options->kms_key.len != 0 && key.len != 0 && !is_key(options->kms_key, key)) {
        (void)QL_FAIL(err, QL_E_S3, "the server encrypts with another KMS key than '%.*s'", QL_STR_ARG(options->kms_key));
        ql_err_hint(err, "see --s3-kms-key and the bucket's policy");
        return QL_E_S3;
    }
    return QL_OK;
}

/* ---- the object */

static void add_metadata(struct ql_s3_headers *headers, const struct ql_publication *publication) {
    char name[64];
    for (size_t i = 0; i < publication->n_metadata; i++) {
        const struct ql_tag *pair = &publication->metadata[i];
        (void)snprintf(name, sizeof name, QL_S3_META "%.*s", QL_STR_ARG(pair->key));
        ql_s3_headers_add_copy(headers, name, pair->value);
    }
}

void ql_s3_headers_add_object(struct ql_s3_headers *headers, const struct ql_s3_options *options,
                              const struct ql_publication *publication) {
    struct ql_buf tags = {0};
    ql_tags_header(publication->tags, publication->n_tags, &tags);
    ql_s3_headers_add(headers, "content-type",
                      options->content_type.len != 0 ? options->content_type : QL_STR("application/octet-stream"));
    ql_s3_headers_add(headers, "cache-control", options->cache_control);
    ql_s3_headers_add(headers, "x-amz-acl", options->acl);
    ql_s3_headers_add(headers, "x-amz-storage-class", options->storage_class);
    ql_s3_headers_add_copy(headers, "x-amz-tagging", ql_buf_view(&tags));
    add_encryption(headers, options);
    add_metadata(headers, publication);
    ql_buf_fini(&tags);
}

/* ---- checksums */

static const struct {
    const char *header, *element, *algorithm;
} CHECKSUMS[] = {
    [QL_CHECKSUM_NONE] = {NULL, NULL, NULL},
    [QL_CHECKSUM_CRC64NVME] = {"x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", "CRC64NVME"},
    [QL_CHECKSUM_CRC32C] = {"x-amz-checksum-crc32c", "ChecksumCRC32C", "CRC32C"},
    [QL_CHECKSUM_SHA256] = {"x-amz-checksum-sha256", "ChecksumSHA256", "SHA256"},
    [QL_CHECKSUM_MD5] = {"content-md5", NULL, NULL},
};

const char *ql_s3_checksum_header(enum ql_checksum_kind kind) {
    return CHECKSUMS[kind].header;
}
const char *ql_s3_checksum_element(enum ql_checksum_kind kind) {
    return CHECKSUMS[kind].element;
}
const char *ql_s3_checksum_algorithm(enum ql_checksum_kind kind) {
    return CHECKSUMS[kind].algorithm;
}

void ql_checksum_text_take(struct ql_checksum *checksum, struct ql_checksum_text *out) {
    uint8_t bytes[QL_CHECKSUM_MAX_SIZE];
    struct ql_buf text = {0};
    ql_base64(bytes, ql_checksum_take(checksum, bytes), &text);
    (void)snprintf(out->text, sizeof out->text, "%s", ql_buf_text(&text));
    ql_buf_fini(&text);
}

enum ql_status ql_s3_checksum_verify(const struct ql_http_response *response, enum ql_checksum_kind kind,
                                     const struct ql_checksum_text *sent, struct ql_err *err) {
    if (CHECKSUMS[kind].element == NULL) { /* Content-MD5 is not answered, and an ETag is not the MD5 */
        return QL_OK;
    }
    struct ql_str told = ql_http_response_get(response, CHECKSUMS[kind].header);
    if (told.len == 0 || ql_str_eq(told, ql_str_from(sent->text))) {
        return QL_OK;
    }
    char text[64];
    ql_s3_copy_text(told, text, sizeof text);
    (void)QL_FAIL(err, QL_E_PROTOCOL, "the server has the %s '%s' of what was sent as '%s'", CHECKSUMS[kind].algorithm, text,
                  sent->text);
    ql_err_hint(err, "the bytes changed on the way or in the server: look at proxies in between, then run again");
    return QL_E_PROTOCOL;
}

/* ---- an answer's texts */

void ql_s3_copy_text(struct ql_str value, char *out, size_t size) {
    size_t len = 0;
    for (size_t i = 0; i < value.len && len < size - 1; i++) {
        if (value.ptr[i] >= 0x20 && value.ptr[i] < 0x7f) {
            out[len++] = value.ptr[i];
        }
    }
    out[len] = '\0';
}

static void take_text(const struct ql_http_response *response, const char *name, char *out, size_t size) {
    struct ql_str value = ql_http_response_get(response, name);
    if (value.len != 0) {
        ql_s3_copy_text(value, out, size);
    }
}

void ql_s3_note_answer(const struct ql_http_response *response, struct ql_stored *stored) {
    take_text(response, "etag", stored->etag, sizeof stored->etag);
    take_text(response, "x-amz-version-id", stored->version_id, sizeof stored->version_id);
    take_text(response, "x-amz-request-id", stored->request_id, sizeof stored->request_id);
    take_text(response, "x-amz-server-side-encryption", stored->server_side_encryption, sizeof stored->server_side_encryption);
}
