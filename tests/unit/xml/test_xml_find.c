/* One value out of a small document, and nothing out of a damaged one. */
#include "support/test.h"

#include "xml/xml.h"

/* The answers of S3's API reference to GetBucketVersioning and GetBucketEncryption. */
static const char VERSIONING[] = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
                                 "  <Status>Enabled</Status>\n</VersioningConfiguration>";
static const char ENCRYPTION[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ServerSideEncryptionConfiguration "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms"
    "</SSEAlgorithm><KMSMasterKeyID>arn:aws:kms:us-east-1:1234:key/5678</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>"
    "</Rule></ServerSideEncryptionConfiguration>";

static void assert_found(const char *body, const char *element, const char *expected) {
    char out[32];
    assert_true(ql_xml_find_text(ql_str_from(body), element, out, sizeof out));
    assert_string_equal(out, expected);
}

static void assert_not_found(const char *body, const char *element) {
    char out[32] = "old";
    assert_false(ql_xml_find_text(ql_str_from(body), element, out, sizeof out));
    assert_string_equal(out, "");
}

static void the_answers_of_s3_are_read(void **state) {
    (void)state;
    assert_found(VERSIONING, "Status", "Enabled");
    assert_found(ENCRYPTION, "SSEAlgorithm", "aws:kms");
    assert_found("<a><b>one</b><b>two</b></a>", "b", "one");
    assert_found("<a><b/><c>x</c></a>", "b", "");
    assert_found("<a><b>x&#10;y\303\274</b></a>", "b", "x y  ");
    assert_found("<a><b>0123456789012345678901234567890123456789</b></a>", "b", "0123456789012345678901234567890");
}

static void what_is_not_there_or_damaged_is_not_found(void **state) {
    (void)state;
    assert_not_found("<VersioningConfiguration/>", "Status");
    assert_not_found("", "Status");
    assert_not_found("<a><Status>Enabled</Status>", "Status");
    assert_not_found("<html><body>Sign in</body>", "Status");
    assert_not_found("{\"Status\": 1}", "Status");
    assert_not_found("<!DOCTYPE a [<!ENTITY e \"Enabled\">]><a><Status>&e;</Status></a>", "Status");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answers_of_s3_are_read),
        cmocka_unit_test(what_is_not_there_or_damaged_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
