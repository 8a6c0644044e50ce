/* Single texts out of documents as the API references of S3 and STS show them. */
#include "support/test.h"

#include "xml/xml.h"

static const char IDENTITY[] = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
                               "  <GetCallerIdentityResult>\n"
                               "    <Arn>arn:aws:iam::123456789012:user/Alice</Arn>\n"
                               "    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>\n"
                               "    <Account> 123456789012\n</Account>\n"
                               "  </GetCallerIdentityResult>\n"
                               "  <ResponseMetadata><RequestId>01234567-89ab</RequestId></ResponseMetadata>\n"
                               "</GetCallerIdentityResponse>";

static void assert_text(const char *body, const char *path, const char *expected) {
    struct ql_buf text = {0};
    bool is_found = ql_xml_text(ql_str_from(body), path, &text);
    if (is_found != (expected != NULL) || (expected != NULL && strcmp(ql_buf_text(&text), expected) != 0)) {
        fail_msg("%s in %s: '%s', expected '%s'", path, body, ql_buf_text(&text), expected != NULL ? expected : "nothing");
    }
    ql_buf_fini(&text);
}

static void a_text_is_found_by_its_path(void **state) {
    (void)state;
    assert_text(IDENTITY, "GetCallerIdentityResponse/GetCallerIdentityResult/Account", "123456789012");
    assert_text(IDENTITY, "GetCallerIdentityResponse/ResponseMetadata/RequestId", "01234567-89ab");
    assert_text(IDENTITY, "GetCallerIdentityResponse/GetCallerIdentityResult", "");
    assert_text(IDENTITY, "GetCallerIdentityResponse", "");
    assert_text("\n \n<?xml version=\"1.0\"?><R><U>a&amp;b\xC3\xBC</U></R>", "R/U", "a&b\xC3\xBC");
    assert_text("<R><A><X>1</X></A><B><U>2</U></B><B><U>3</U></B></R>", "R/B/U", "2");
    assert_text("<R><A><B>1</B></A><B>2</B></R>", "R/B", "2");
    assert_text("<R><A><X/></A><A><B>2</B></A></R>", "R/A/B", "2");
    assert_text("<R><U/></R>", "R/U", "");
    assert_true(ql_xml_text(ql_str_from(IDENTITY), "GetCallerIdentityResponse", NULL));
}

static void other_and_broken_documents_have_none(void **state) {
    (void)state;
    assert_text(IDENTITY, "GetCallerIdentityResponse/Account", NULL);
    assert_text(IDENTITY, "Error", NULL);
    assert_text("<R><U>1</U>", "R/U", NULL);
    assert_text("<R><U>1</U></R><R/>", "R/U", NULL);
    assert_text("", "R", NULL);
    assert_text("<html>hotel", "R", NULL);
    assert_text("<!DOCTYPE R [<!ENTITY e \"x\">]><R><U>&e;</U></R>", "R/U", NULL);
    for (size_t len = 0; len < sizeof IDENTITY - 1; len++) { /* cut anywhere */
        assert_false(ql_xml_text((struct ql_str){IDENTITY, len}, "GetCallerIdentityResponse", NULL));
    }
}

static void errors_of_sts_are_read_like_those_of_s3(void **state) {
    (void)state;
    static const char BODY[] = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>"
                               "<Code>ExpiredToken</Code><Message>The security token included in the request is expired"
                               "</Message></Error><RequestId>7a62c49f</RequestId></ErrorResponse>";
    struct ql_s3_error error;
    assert_true(ql_xml_s3_error(QL_STR(BODY), &error));
    assert_string_equal(error.code, "ExpiredToken");
    assert_string_equal(error.message, "The security token included in the request is expired");
    assert_string_equal(error.request_id, "7a62c49f");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_found_by_its_path),
        cmocka_unit_test(other_and_broken_documents_have_none),
        cmocka_unit_test(errors_of_sts_are_read_like_those_of_s3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
