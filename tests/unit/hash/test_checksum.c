/* Expected values: the check values of the "Catalogue of parametrised CRC algorithms", RFC 3720 (B.4), RFC 1321, RFC 4648, and,
 * for the long input, AWS's own library (awscrt.checksums) and Python's hashlib. */
#include "support/test.h"

#include "base/mem.h"
#include "hash/checksum.h"

static void assert_checksum(struct ql_checksum *checksum, const char *expected) {
    uint8_t bytes[QL_CHECKSUM_MAX_SIZE];
    char hex[2 * QL_CHECKSUM_MAX_SIZE + 1];
    ql_hex(bytes, ql_checksum_take(checksum, bytes), hex);
    assert_string_equal(hex, expected);
}

static void check_of(enum ql_checksum_kind kind, const void *ptr, size_t len, const char *expected) {
    struct ql_checksum *checksum = ql_checksum_new(kind);
    ql_checksum_update(checksum, ptr, len);
    assert_checksum(checksum, expected);
    ql_checksum_update(checksum, ptr, len); /* it has started anew */
    assert_checksum(checksum, expected);
    ql_checksum_free(checksum);
}

static void check_values_are_the_published_ones(void **state) {
    (void)state;
    static const uint8_t ZEROS[32];
    check_of(QL_CHECKSUM_CRC64NVME, "123456789", 9, "ae8b14860a799888");
    check_of(QL_CHECKSUM_CRC32C, "123456789", 9, "e3069283");
    check_of(QL_CHECKSUM_CRC64NVME, ZEROS, sizeof ZEROS, "cf3473434d4ecf3b");
    check_of(QL_CHECKSUM_CRC32C, ZEROS, sizeof ZEROS, "8a9136aa");
    check_of(QL_CHECKSUM_CRC64NVME, "", 0, "0000000000000000");
    check_of(QL_CHECKSUM_CRC32C, "", 0, "00000000");
    check_of(QL_CHECKSUM_MD5, "", 0, "d41d8cd98f00b204e9800998ecf8427e");
    check_of(QL_CHECKSUM_MD5, "message digest", 14, "f96b697d7cb7938d525a2f31aaf161d0");
    check_of(QL_CHECKSUM_SHA256, "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void pieces_make_the_same_checksum_as_the_whole(void **state) {
    (void)state;
    enum { SIZE = 10007 };
    static const struct {
        enum ql_checksum_kind kind;
        const char *expected;
    } CASES[] = {
        {QL_CHECKSUM_CRC64NVME, "ac858ad60f0fd53c"},
        {QL_CHECKSUM_CRC32C, "86a61b8b"},
        {QL_CHECKSUM_MD5, "b6d88404a005f6071494c340ea6b316e"},
        {QL_CHECKSUM_SHA256, "9369be820fe4c52fd91cf0e70ae1c682f1b82987e1d17ad38fa1b4b1919b72eb"},
    };
    uint8_t *bytes = ql_mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_checksum *checksum = ql_checksum_new(CASES[i].kind);
        size_t at = 0;
        for (size_t len = 0; at < SIZE; len++) { /* 0, 1, 2, ... bytes: every alignment and every rest */
            size_t n = len < SIZE - at ? len : SIZE - at;
            ql_checksum_update(checksum, bytes + at, n);
            at += n;
        }
        assert_checksum(checksum, CASES[i].expected);
        ql_checksum_free(checksum);
    }
    ql_mem_free(bytes);
}

static void none_is_a_checksum_too(void **state) {
    (void)state;
    uint8_t bytes[QL_CHECKSUM_MAX_SIZE];
    struct ql_checksum *checksum = ql_checksum_new(QL_CHECKSUM_NONE);
    ql_checksum_update(checksum, "x", 1);
    assert_int_equal(ql_checksum_take(checksum, bytes), 0);
    ql_checksum_free(checksum);
}

static void base64_is_that_of_rfc_4648(void **state) {
    (void)state;
    static const char *const CASES[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"},
                                           {"\xfb\xff\xbf", "+/+/"}};
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct ql_buf out = {0};
        ql_base64(CASES[i][0], strlen(CASES[i][0]), &out);
        assert_string_equal(ql_buf_text(&out), CASES[i][1]);
        ql_buf_fini(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_values_are_the_published_ones),
        cmocka_unit_test(pieces_make_the_same_checksum_as_the_whole),
        cmocka_unit_test(none_is_a_checksum_too),
        cmocka_unit_test(base64_is_that_of_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
