/**
 * A request as data becomes one that goes over the wire: address, headers, signature, all for this moment. Each attempt is
 * signed anew, with the credentials, the region and the time that are known by then.
 *
 * Only host, content-type, content-md5, range, if-* and x-amz-* are signed: proxies and gateways change other headers.
 */
#include "store/s3_client.h"

#include "base/mem.h"

enum { MAX_OWN_HEADERS = 8, HASH_BLOCK_BYTES = 256 * 1024 };

static enum ql_status hash_source(const struct ql_http_body_source *source, struct ql_sha256 *hash, char *block,
                                  struct ql_err *err) {
    for (int64_t offset = 0; offset < source->size;) {
        int64_t left = source->size - offset;
        size_t got = 0;
        QL_TRY(source->read(source->ctx, offset, block, left < HASH_BLOCK_BYTES ? (size_t)left : HASH_BLOCK_BYTES, &got, err));
        if (got == 0) {
            return QL_FAIL(err, QL_E_IO, "what is to be stored ended %lld bytes too early", (long long)left);
        }
        ql_sha256_update(hash, block, got);
        offset += (int64_t)got;
    }
    return QL_OK;
}

enum ql_status ql_s3_payload_sha256(const struct ql_s3_payload *payload, char hex[QL_SHA256_HEX_SIZE], struct ql_err *err) {
    if (payload->sha256 != NULL) {
        memcpy(hex, payload->sha256, QL_SHA256_HEX_SIZE);
        return QL_OK;
    }
    enum ql_status status = QL_OK;
    struct ql_sha256 *hash = ql_sha256_new();
    if (payload->source != NULL) {
        char *block = ql_mem_alloc(HASH_BLOCK_BYTES);
        status = hash_source(payload->source, hash, block, err);
        ql_mem_free(block);
    } else if (payload->bytes.len != 0) {
        ql_sha256_update(hash, payload->bytes.ptr, payload->bytes.len);
    }
    uint8_t digest[QL_SHA256_SIZE];
    ql_sha256_take(hash, digest);
    ql_sha256_free(hash);
    ql_hex(digest, sizeof digest, hex);
    return status;
}

/* ---- headers */

static void add(struct ql_s3_wire *wire, const char *name, struct ql_str value) {
    if (value.len != 0) {
        wire->headers[wire->n_headers++] = (struct ql_http_header){.name = ql_str_from(name), .value = value};
    }
}

/* Those of the request, but for what the store is known to lack. */
static void add_those_of_request(struct ql_s3_client *client, const struct ql_s3_request *request, struct ql_s3_wire *wire) {
    const struct ql_s3_options *options = ql_s3_client_options(client);
    unsigned features = ql_s3_features(options);
    for (size_t i = 0; i < request->n_headers; i++) {
        const struct ql_http_header *header = &request->headers[i];
        unsigned feature = request->service == QL_AWS_S3 ? ql_s3_feature_of_header(header->name) : 0;
        if ((features & feature) != feature) {
            ql_s3_client_note_left_out(client, feature);
        } else if (header->value.len != 0) {
            wire->headers[wire->n_headers++] = *header;
        }
    }
}

static void add_those_of_s3(const struct ql_s3_options *options, const char *sha256, struct ql_s3_wire *wire) {
    bool knows_owner = (ql_s3_features(options) & QL_S3_HAS_OWNER) != 0;
    add(wire, "x-amz-content-sha256", ql_str_from(sha256));
    add(wire, "x-amz-expected-bucket-owner", knows_owner ? ql_str_from(wire->owner) : (struct ql_str){0});
    add(wire, "x-amz-request-payer", options->is_requester_pays ? QL_STR("requester") : (struct ql_str){0});
}

static void add_signature(const struct ql_s3_request *request, const char *sha256, struct ql_s3_wire *wire) {
    const struct ql_sigv4_credentials credentials = {.access_key_id = ql_buf_view(&wire->credentials.access_key_id),
                                                     .secret_access_key = ql_buf_view(&wire->credentials.secret_access_key),
                                                     .region = ql_str_from(wire->region),
                                                     .service = request->service == QL_AWS_STS ? QL_STR("sts") : QL_STR("s3")};
    const struct ql_sigv4_request unsigned_request = {.method = request->method,
                                                      .path = ql_buf_view(&wire->address.path),
                                                      .query = request->query,
                                                      .n_query = request->n_query,
                                                      .headers = wire->headers,
                                                      .n_headers = wire->n_headers,
                                                      .payload_sha256 = ql_str_from(sha256),
                                                      .date = wire->date};
    ql_buf_reset(&wire->authorization);
    ql_sigv4_authorization(&credentials, &unsigned_request, &wire->authorization);
    add(wire, "Authorization", ql_buf_view(&wire->authorization));
}

/* ---- all together */

static void put_address(const struct ql_s3_options *options, const struct ql_s3_request *request, struct ql_s3_wire *wire) {
    struct ql_str region = ql_str_from(wire->region);
    ql_s3_address_fini(&wire->address);
    if (request->service == QL_AWS_STS) {
        ql_sts_address_init(&wire->address, options, region);
    } else {
        ql_s3_address_init(&wire->address, options, region, request->bucket, request->key);
    }
    ql_buf_reset(&wire->url);
    ql_buf_put_str(&wire->url, ql_buf_view(&wire->address.url));
    if (request->n_query != 0) {
        ql_buf_putc(&wire->url, '?');
        ql_sigv4_query(request->query, request->n_query, &wire->url);
    }
}

enum ql_status ql_s3_sign(struct ql_s3_client *client, const struct ql_s3_request *request, const char *sha256,
                          struct ql_s3_wire *wire, struct ql_err *err) {
    const struct ql_s3_options *options = ql_s3_client_options(client);
    QL_TRY(ql_s3_client_credentials(client, 0, &wire->credentials, &wire->generation, err));
    ql_s3_client_get_region(client, request->bucket, wire->region);
    ql_s3_client_get_owner(client, request->bucket, wire->owner);
    wire->machine_us = ql_s3_client_world(client)->now_us();
    wire->signed_us = ql_s3_client_now_us(client);
    ql_sigv4_date(wire->signed_us, wire->date);
    put_address(options, request, wire);
    ql_mem_free(wire->headers);
    wire->headers = ql_mem_zalloc(request->n_headers + MAX_OWN_HEADERS, sizeof *wire->headers);
    wire->n_headers = 0;
    add(wire, "Host", ql_buf_view(&wire->address.host));
    add(wire, "x-amz-date", ql_str_from(wire->date));
    add(wire, "x-amz-security-token", ql_buf_view(&wire->credentials.session_token));
    add_those_of_request(client, request, wire);
    if (request->service == QL_AWS_S3) {
        add_those_of_s3(options, sha256, wire);
    }
    add_signature(request, sha256, wire);
    return QL_OK;
}

void ql_s3_wire_fini(struct ql_s3_wire *wire) {
    ql_s3_address_fini(&wire->address);
    ql_buf_fini(&wire->url);
    ql_buf_fini(&wire->authorization);
    ql_aws_credentials_fini(&wire->credentials);
    ql_mem_free(wire->headers);
    wire->headers = NULL;
}
