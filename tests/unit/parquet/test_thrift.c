#include "support/test.h"

#include "parquet/format.h"
#include "parquet/thrift.h"

/*
 * The smallest useful Parquet file, made by hand and read by every reader: one OPTIONAL INT32 'n' of 10, NULL, 30. Its bytes
 * are the expectation; design/parquet.md, section 1.3, annotates them.
 */
static const unsigned char PAGE_HEADER[] = {0x15, 0x00, 0x15, 0x1c, 0x15, 0x1c, 0x2c, 0x15, 0x06,
                                            0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00};
static const unsigned char FOOTER[] = {
    0x15, 0x02,                                                             /* version 1 */
    0x19, 0x2c,                                                             /* two SchemaElements */
    0x48, 0x06, 's',  'c',  'h',  'e',  'm',  'a',  0x15, 0x02, 0x00,       /* root with one child */
    0x15, 0x02, 0x25, 0x02, 0x18, 0x01, 'n',  0x00,                         /* INT32 OPTIONAL n */
    0x16, 0x06,                                                             /* three rows */
    0x19, 0x1c, 0x19, 0x1c, 0x26, 0x00, 0x1c,                               /* a group, a chunk, its metadata */
    0x15, 0x02, 0x19, 0x25, 0x00, 0x06, 0x19, 0x18, 0x01, 'n',  0x15, 0x00, /* type, encodings, path, codec */
    0x16, 0x06, 0x16, 0x3e, 0x16, 0x3e, 0x26, 0x08,                         /* values, sizes, data page offset */
    0x3c, 0x36, 0x02, 0x28, 0x04, 0x1e, 0x00, 0x00, 0x00, 0x18, 0x04, 0x0a, 0x00, 0x00, 0x00, 0x00, /* statistics */
    0x00, 0x00,                                                                                     /* of metadata, of chunk */
    0x16, 0x3e, 0x16, 0x06, 0x00, /* bytes and rows of the group */
    0x28, 0x15, 'x',  ' ',  'v',  'e',  'r',  's',  'i',  'o',  'n',  ' ',  '1',  ' ',  '(',  'b',
    'u',  'i',  'l',  'd',  ' ',  '0',  ')', /* created_by */
    0x19, 0x1c, 0x1c, 0x00, 0x00, 0x00,      /* column_orders */
};

static void a_page_header_comes_out_as_made_by_hand(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    ql_thrift_put_i32(&thrift, 1, QL_PARQUET_PAGE_DATA);
    ql_thrift_put_i32(&thrift, 2, 14);
    ql_thrift_put_i32(&thrift, 3, 14);
    ql_thrift_begin_struct(&thrift, 5);
    ql_thrift_put_i32(&thrift, 1, 3);
    ql_thrift_put_i32(&thrift, 2, QL_PARQUET_ENCODING_PLAIN);
    ql_thrift_put_i32(&thrift, 3, QL_PARQUET_ENCODING_RLE);
    ql_thrift_put_i32(&thrift, 4, QL_PARQUET_ENCODING_RLE);
    ql_thrift_end_struct(&thrift);
    ql_thrift_end_struct(&thrift);
    assert_int_equal(out.len, sizeof PAGE_HEADER);
    assert_memory_equal(out.ptr, PAGE_HEADER, sizeof PAGE_HEADER);
    ql_buf_fini(&out);
}

static void put_schema(struct ql_thrift *thrift) {
    ql_thrift_begin_list(thrift, 2, QL_THRIFT_STRUCT, 2);
    ql_thrift_begin_element(thrift);
    ql_thrift_put_binary(thrift, 4, QL_STR("schema"));
    ql_thrift_put_i32(thrift, 5, 1);
    ql_thrift_end_struct(thrift);
    ql_thrift_begin_element(thrift);
    ql_thrift_put_i32(thrift, 1, 1);
    ql_thrift_put_i32(thrift, 3, QL_PARQUET_REPETITION_OPTIONAL);
    ql_thrift_put_binary(thrift, 4, QL_STR("n"));
    ql_thrift_end_struct(thrift);
}

static void put_column_metadata(struct ql_thrift *thrift) {
    ql_thrift_begin_struct(thrift, 3);
    ql_thrift_put_i32(thrift, 1, 1);
    ql_thrift_begin_list(thrift, 2, QL_THRIFT_I32, 2);
    ql_thrift_add_i32(thrift, QL_PARQUET_ENCODING_PLAIN);
    ql_thrift_add_i32(thrift, QL_PARQUET_ENCODING_RLE);
    ql_thrift_begin_list(thrift, 3, QL_THRIFT_BINARY, 1);
    ql_thrift_add_binary(thrift, QL_STR("n"));
    ql_thrift_put_i32(thrift, 4, QL_PARQUET_CODEC_UNCOMPRESSED);
    ql_thrift_put_i64(thrift, 5, 3);
    ql_thrift_put_i64(thrift, 6, 31);
    ql_thrift_put_i64(thrift, 7, 31);
    ql_thrift_put_i64(thrift, 9, 4);
    ql_thrift_begin_struct(thrift, 12);
    ql_thrift_put_i64(thrift, 3, 1);
    ql_thrift_put_binary(thrift, 5, (struct ql_str){.ptr = "\x1e\0\0\0", .len = 4});
    ql_thrift_put_binary(thrift, 6, (struct ql_str){.ptr = "\x0a\0\0\0", .len = 4});
    ql_thrift_end_struct(thrift);
    ql_thrift_end_struct(thrift);
}

static void put_groups(struct ql_thrift *thrift) {
    ql_thrift_begin_list(thrift, 4, QL_THRIFT_STRUCT, 1);
    ql_thrift_begin_element(thrift);
    ql_thrift_begin_list(thrift, 1, QL_THRIFT_STRUCT, 1);
    ql_thrift_begin_element(thrift);
    ql_thrift_put_i64(thrift, 2, 0);
    put_column_metadata(thrift);
    ql_thrift_end_struct(thrift);
    ql_thrift_put_i64(thrift, 2, 31);
    ql_thrift_put_i64(thrift, 3, 3);
    ql_thrift_end_struct(thrift);
}

static void a_footer_comes_out_as_made_by_hand(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    ql_thrift_put_i32(&thrift, 1, 1);
    put_schema(&thrift);
    ql_thrift_put_i64(&thrift, 3, 3);
    put_groups(&thrift);
    ql_thrift_put_binary(&thrift, 6, QL_STR("x version 1 (build 0)"));
    ql_thrift_begin_list(&thrift, 7, QL_THRIFT_STRUCT, 1);
    ql_thrift_begin_element(&thrift);
    ql_thrift_put_empty_struct(&thrift, 1);
    ql_thrift_end_struct(&thrift);
    ql_thrift_end_struct(&thrift);
    assert_int_equal(sizeof FOOTER, 104); /* the 0x68 of the file's footer length */
    assert_int_equal(out.len, sizeof FOOTER);
    assert_memory_equal(out.ptr, FOOTER, sizeof FOOTER);
    ql_buf_fini(&out);
}

#define assert_bytes(buf, literal)                                      \
    do {                                                                \
        assert_int_equal((buf).len, sizeof(literal) - 1);               \
        assert_memory_equal((buf).ptr, (literal), sizeof(literal) - 1); \
        ql_buf_reset(&(buf));                                           \
    } while (0)

/* Expectations from the compact protocol's specification: zigzag, then base 128 from the lowest bits on. */
static void integers_are_zigzag_and_base_128(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    ql_thrift_put_i32(&thrift, 1, -1);
    assert_bytes(out, "\x15\x01");
    ql_thrift_put_i32(&thrift, 2, INT32_MIN);
    assert_bytes(out, "\x15\xff\xff\xff\xff\x0f");
    ql_thrift_put_i64(&thrift, 3, INT64_MIN);
    assert_bytes(out, "\x16\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    ql_thrift_put_i64(&thrift, 4, 64);
    assert_bytes(out, "\x16\x80\x01");
    ql_varint_put(&out, 300);
    assert_bytes(out, "\xac\x02");
    ql_buf_fini(&out);
}

static void long_lists_and_far_fields_take_the_long_form(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    ql_thrift_begin_list(&thrift, 1, QL_THRIFT_I64, 14);
    assert_bytes(out, "\x19\xe6");
    ql_thrift_begin_list(&thrift, 2, QL_THRIFT_I64, 15);
    assert_bytes(out, "\x19\xf6\x0f");
    ql_thrift_begin_list(&thrift, 3, QL_THRIFT_STRUCT, 10000);
    assert_bytes(out, "\x19\xfc\x90\x4e");
    ql_thrift_put_bool(&thrift, 18, true); /* 15 further on: still short */
    assert_bytes(out, "\xf1");
    ql_thrift_put_bool(&thrift, 34, false); /* 16 further on */
    assert_bytes(out, "\x02\x44");
    ql_buf_fini(&out);
}

/* "19 21 02 02" is what pyarrow writes for two false null_pages. */
static void a_list_of_bools_spends_a_byte_on_each(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_thrift thrift;
    ql_thrift_init(&thrift, &out);
    ql_thrift_begin_list(&thrift, 1, QL_THRIFT_TRUE, 2);
    ql_thrift_add_bool(&thrift, false);
    ql_thrift_add_bool(&thrift, false);
    assert_bytes(out, "\x19\x21\x02\x02");
    ql_thrift_add_bool(&thrift, true);
    assert_bytes(out, "\x01");
    ql_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_header_comes_out_as_made_by_hand),
        cmocka_unit_test(a_footer_comes_out_as_made_by_hand),
        cmocka_unit_test(integers_are_zigzag_and_base_128),
        cmocka_unit_test(long_lists_and_far_fields_take_the_long_form),
        cmocka_unit_test(a_list_of_bools_spends_a_byte_on_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
