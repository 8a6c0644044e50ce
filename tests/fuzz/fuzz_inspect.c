/**
 * Any bytes as a Parquet file: no read out of bounds, no leak, an end to every loop; what is refused has a reason, and what is
 * read can be summed up, written as JSON, declared as a table and verified.
 *
 *   clang -fsanitize=fuzzer,address,undefined -DQL_LIBFUZZER -ffp-contract=off -D_GNU_SOURCE -Isrc -Iinclude
 * -Ithird_party/snappy \
 *     tests/fuzz/fuzz_inspect.c src/inspect/?*.c src/parquet/{decode,page_header,page_index_read,read,read_names,thrift_read}.c
 * \ src/codec/{checksum,decompressor}.c src/hash/sha256.c src/json/?*.c src/base/?*.c ... -lz -lzstd -lcrypto -ljansson
 * -lutf8proc
 *   ./fuzz_inspect -max_total_time=60 /tmp/corpus tests/fuzz/corpus_parquet
 *
 * Without QL_LIBFUZZER it has a main() that takes each file that it is given, and some hundred seeded changes of each.
 */
#include "inspect/inspect.h"
#include "json/json.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(expr) ((expr) ? (void)0 : ((void)fprintf(stderr, "failed: %s\n", #expr), abort()))

struct bytes {
    const uint8_t *ptr;
    size_t len;
};

static enum ql_status read_at(void *ctx, int64_t offset, void *ptr, size_t len, struct ql_err *err) {
    const struct bytes *bytes = ctx;
    (void)err;
    CHECK(offset >= 0 && (uint64_t)offset <= bytes->len && len <= bytes->len - (size_t)offset);
    if (len != 0) {
        memcpy(ptr, bytes->ptr + offset, len);
    }
    return QL_OK;
}

static void declare(const struct ql_parquet_file *file) {
    static const struct ql_str LOCATION = {"s3://b/p/date=2024-01-01/x.parquet", 34};
    for (int engine = QL_DDL_ATHENA; engine <= QL_DDL_DUCKDB; engine++) {
        const struct ql_ddl_options options = {.engine = (enum ql_ddl_engine)engine, .location = LOCATION};
        struct ql_buf text = {0};
        struct ql_err err = {0};
        enum ql_status status = ql_ddl_put(file, &options, &text, &err);
        CHECK(status == QL_OK ? text.len != 0 : text.len == 0 && err.message[0] != '\0');
        ql_buf_fini(&text);
    }
}

static void verify(const struct ql_parquet_input *input, const struct ql_parquet_file *file, struct ql_json *root) {
    struct ql_verify_report *report = ql_mem_zalloc(1, sizeof *report);
    struct ql_err err = {0};
    CHECK(ql_verify(input, file, NULL, report, &err) == QL_OK);
    CHECK(report->n_unsupported <= report->n_problems);
    CHECK(report->n_problems == 0 || ql_verify_fail(report, file, &err) == QL_E_DATA);
    ql_json_set(root, "verification", ql_verify_json(report, file));
    ql_mem_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes bytes = {.ptr = data, .len = size};
    const struct ql_parquet_input input = {.size = (int64_t)size, .read_at = read_at, .ctx = &bytes};
    struct ql_parquet_file file;
    struct ql_err err = {0};
    if (ql_parquet_file_read(&input, &file, &err) == QL_OK) {
        struct ql_json *root = ql_json_new_object();
        struct ql_buf text = {0};
        verify(&input, &file, root);
        ql_inspect_json(&file, root);
        ql_json_write(root, false, &text);
        CHECK(text.len != 0);
        ql_buf_fini(&text);
        ql_json_free(root);
        declare(&file);
    } else {
        CHECK((err.status == QL_E_DATA || err.status == QL_E_LIMIT) && err.message[0] != '\0');
    }
    ql_parquet_file_fini(&file);
    return 0;
}

#ifndef QL_LIBFUZZER
static uint64_t random_state = 1;

static size_t next_random(size_t below) {
    random_state = random_state * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(random_state >> 33) % below;
}

static void move(uint8_t *data, size_t size, size_t to) {
    size_t from = next_random(size);
    size_t most = size - (from > to ? from : to);
    memmove(data + to, data + from, next_random(most < 40 ? most : 40) + 1);
}

/* Bits, bytes, numbers at their ends, pieces moved; mostly near the end, where the footer is. */
static size_t change(uint8_t *data, size_t size) {
    static const uint8_t ENDS[] = {0x00, 0x7f, 0x80, 0xff, 0xfe, 0x01, 0x15, 0x19, 0xf9, 0x1c};
    for (size_t n = 1 + next_random(4); n != 0; n--) {
        size_t at = next_random(2) == 0 ? next_random(size) : size - 1 - next_random(size < 1200 ? size : 1200);
        switch (next_random(4)) {
        case 0:
            data[at] ^= (uint8_t)(1U << next_random(8));
            break;
        case 1:
            data[at] = ENDS[next_random(sizeof ENDS)];
            break;
        case 2:
            data[at] = (uint8_t)next_random(256);
            break;
        default:
            move(data, size, at);
        }
    }
    if (next_random(8) == 0) { /* a footer of another length */
        data[size - 8] = (uint8_t)next_random(256);
        data[size - 7] = (uint8_t)next_random(8);
    }
    return size;
}

enum { N_CHANGES = 1000 };

static void replay(const struct ql_buf *file) {
    (void)LLVMFuzzerTestOneInput((const uint8_t *)file->ptr, file->len);
    for (size_t i = 0; i < N_CHANGES && file->len > 16; i++) {
        uint8_t *exact = malloc(file->len); /* no byte behind it */
        CHECK(exact != NULL);
        memcpy(exact, file->ptr, file->len);
        (void)LLVMFuzzerTestOneInput(exact, change(exact, file->len));
        free(exact);
    }
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL) {
            perror(argv[i]);
            return 1;
        }
        struct ql_buf bytes = {0};
        for (size_t n = 1; n != 0; bytes.len += n) {
            n = fread(ql_buf_reserve(&bytes, 4096), 1, 4096, file);
        }
        (void)fclose(file);
        replay(&bytes);
        ql_buf_fini(&bytes);
    }
    printf("%d files, %d changes of each\n", argc - 1, N_CHANGES);
    return 0;
}
#endif
