/* Expected values: FIPS 180-4's examples (NIST "SHA256.pdf"), NIST's long-message example, and RFC 4231. */
#include "support/test.h"

#include "base/mem.h"
#include "hash/hash.h"

static void assert_digest(const uint8_t digest[QL_SHA256_SIZE], const char *expected) {
    char hex[QL_SHA256_HEX_SIZE];
    ql_hex(digest, QL_SHA256_SIZE, hex);
    assert_string_equal(hex, expected);
}

static void digests_are_those_of_fips_180(void **state) {
    (void)state;
    static const struct {
        const char *text, *digest;
    } CASES[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint8_t digest[QL_SHA256_SIZE];
        ql_sha256_of(CASES[i].text, strlen(CASES[i].text), digest);
        assert_digest(digest, CASES[i].digest);
    }
    uint8_t digest[QL_SHA256_SIZE];
    ql_sha256_of(NULL, 0, digest);
    assert_digest(digest, CASES[0].digest);
}

static void a_million_letters_in_any_pieces_give_the_known_digest(void **state) {
    (void)state;
    enum { N = 1000000 };
    char *text = ql_mem_alloc(N);
    memset(text, 'a', N);
    static const size_t PIECES[] = {N, 1, 63, 64, 65, 4096, 99991};
    struct ql_sha256 *hash = ql_sha256_new(); /* one for all: taking the digest starts anew */
    for (size_t i = 0; i < sizeof PIECES / sizeof PIECES[0]; i++) {
        for (size_t at = 0; at < N; at += PIECES[i]) {
            ql_sha256_update(hash, text + at, PIECES[i] < N - at ? PIECES[i] : N - at);
            ql_sha256_update(hash, NULL, 0);
        }
        uint8_t digest[QL_SHA256_SIZE];
        ql_sha256_take(hash, digest);
        assert_digest(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
    ql_sha256_free(hash);
    ql_sha256_free(NULL);
    ql_mem_free(text);
}

static void hmac_is_that_of_rfc_4231(void **state) {
    (void)state;
    uint8_t digest[QL_SHA256_SIZE], key[131];
    memset(key, 0x0b, 20);
    ql_hmac_sha256(key, 20, "Hi There", 8, digest);
    assert_digest(digest, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    ql_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, digest);
    assert_digest(digest, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, 131);
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    ql_hmac_sha256(key, 131, text, strlen(text), digest);
    assert_digest(digest, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    /* Empty key and message: the well-known value of HMAC_SHA256("", ""). */
    ql_hmac_sha256(NULL, 0, NULL, 0, digest);
    assert_digest(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void versions_name_the_library(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_hash_versions(&text);
    assert_true(ql_str_has_prefix(ql_buf_view(&text), "OpenSSL 3."));
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_fips_180),
        cmocka_unit_test(a_million_letters_in_any_pieces_give_the_known_digest),
        cmocka_unit_test(hmac_is_that_of_rfc_4231),
        cmocka_unit_test(versions_name_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
