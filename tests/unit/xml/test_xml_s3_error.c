/* Documents as the Amazon S3 API reference prints them, and what a hostile or broken server could send instead. */
#include "support/test.h"

#include "base/mem.h"
#include "xml/xml.h"

static void reads_the_document_of_the_reference(void **state) {
    (void)state;
    struct ql_s3_error error;
    assert_true(ql_xml_s3_error(QL_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                       "<Error>\n"
                                       "  <Code>NoSuchKey</Code>\n"
                                       "  <Message>The resource you requested does not exist</Message>\n"
                                       "  <Resource>/mybucket/myfoto.jpg</Resource> \n"
                                       "  <RequestId>4442587FB7D0A2F9</RequestId>\n"
                                       "</Error>"),
                                &error));
    assert_string_equal(error.code, "NoSuchKey");
    assert_string_equal(error.message, "The resource you requested does not exist");
    assert_string_equal(error.resource, "/mybucket/myfoto.jpg");
    assert_string_equal(error.request_id, "4442587FB7D0A2F9");
    assert_string_equal(error.region, "");
}

static void reads_regions_endpoints_and_clocks(void **state) {
    (void)state;
    struct ql_s3_error error;
    assert_true(ql_xml_s3_error(
        QL_STR("<Error xmlns=\"urn:any\"><Code>AuthorizationHeaderMalformed</Code><Message>the region 'us-east-1' is wrong; "
               "expecting &apos;eu-west-1&apos; &#38; more</Message><Region>eu-west-1</Region><HostId>abc=</HostId></Error>"),
        &error));
    assert_string_equal(error.region, "eu-west-1");
    assert_string_equal(error.message, "the region 'us-east-1' is wrong; expecting 'eu-west-1' & more");
    assert_string_equal(error.host_id, "abc=");
    assert_true(ql_xml_s3_error(QL_STR("\r\n  <?xml version=\"1.0\"?><Error><Endpoint>b.s3-eu-west-1.amazonaws.com</Endpoint>"
                                       "<Bucket>b</Bucket><ServerTime>2026-01-01T00:00:00Z</ServerTime>"
                                       "<Code><![CDATA[Permanent]]>Redirect</Code></Error>"),
                                &error));
    assert_string_equal(error.endpoint, "b.s3-eu-west-1.amazonaws.com");
    assert_string_equal(error.bucket, "b");
    assert_string_equal(error.server_time, "2026-01-01T00:00:00Z");
    assert_string_equal(error.code, "PermanentRedirect");
}

static void other_documents_are_no_errors(void **state) {
    (void)state;
    static const char *const OTHERS[] = {
        "",
        " \r\n",
        "Error",
        "{\"Error\": 1}",
        "<html><body><Error><Code>X</Code></Error></body></html>",
        "<!doctype html><Error><Code>X</Code></Error>",
        "<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>",
        "<error><Code>X</Code></error>",
    };
    for (size_t i = 0; i < sizeof OTHERS / sizeof OTHERS[0]; i++) {
        struct ql_s3_error error;
        memset(&error, 'x', sizeof error);
        if (ql_xml_s3_error(ql_str_from(OTHERS[i]), &error)) {
            fail_msg("taken for an error: %s", OTHERS[i]);
        }
        assert_string_equal(error.code, "");
    }
}

/* Every prefix of a document that has reached "<Error>" is an error, and none reads beyond its end. */
static void a_document_cut_anywhere_is_still_an_error(void **state) {
    (void)state;
    static const char TEXT[] =
        "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please reduce \xc3\xa9</Message></Error>";
    size_t root_end = (size_t)(strstr(TEXT, "<Error>") - TEXT) + strlen("<Error>");
    for (size_t len = 0; len < sizeof TEXT; len++) {
        char *exact = ql_mem_alloc(len); /* its own block, so that a sanitizer sees a byte too far */
        memcpy(exact, TEXT, len);
        struct ql_s3_error error;
        bool is_error = ql_xml_s3_error((struct ql_str){.ptr = exact, .len = len}, &error);
        assert_int_equal(is_error, len >= root_end);
        ql_mem_free(exact);
    }
    struct ql_s3_error error;
    assert_true(ql_xml_s3_error(QL_STR("<Error><Code>SlowDown</Code><Message>a & b"), &error));
    assert_string_equal(error.code, "SlowDown");
}

static void entities_of_a_document_type_are_never_expanded(void **state) {
    (void)state;
    struct ql_s3_error error;
    assert_false(ql_xml_s3_error(QL_STR("<!DOCTYPE Error [<!ENTITY a \"boom\"><!ENTITY b \"&a;&a;&a;\">]>"
                                        "<Error><Code>&b;</Code></Error>"),
                                 &error));
    assert_string_equal(error.code, "");
    assert_false(
        ql_xml_s3_error(QL_STR("<!DOCTYPE Error SYSTEM \"file:///etc/passwd\"><Error><Code>X</Code></Error>"), &error));
    /* An entity nobody defined ends the reading. */
    assert_true(ql_xml_s3_error(QL_STR("<Error><Code>A&x;B</Code><Message>m</Message></Error>"), &error));
    assert_string_equal(error.message, "");
}

static void sizes_and_depths_are_bounded(void **state) {
    (void)state;
    struct ql_s3_error error;
    struct ql_buf text = {0};
    ql_buf_puts(&text, "<Error><Code>First</Code><Code>Second</Code><Message>");
    for (int i = 0; i < 400; i++) {
        ql_buf_puts(&text, "\xc3\xa9"); /* 800 bytes; 511 is in the middle of one */
    }
    ql_buf_puts(&text, "</Message><Deep>");
    for (int i = 0; i < 100; i++) {
        ql_buf_puts(&text, "<Code>");
    }
    assert_true(ql_xml_s3_error(ql_buf_view(&text), &error));
    assert_string_equal(error.code, "First");
    assert_int_equal(strlen(error.message), 510);
    assert_int_equal((unsigned char)error.message[509], 0xa9);
    ql_buf_reset(&text);
    ql_buf_puts(&text, "<Error><Code>Big</Code><Message>");
    for (int i = 0; i < 1 << 20; i++) {
        ql_buf_putc(&text, '<');
    }
    assert_true(ql_xml_s3_error(ql_buf_view(&text), &error));
    assert_string_equal(error.code, "Big");
    ql_buf_fini(&text);
    /* What lies beyond 64 KiB is not read. */
    ql_buf_puts(&text, "<Error><Message>");
    for (int i = 0; i < 64 * 1024; i++) {
        ql_buf_putc(&text, 'm');
    }
    ql_buf_puts(&text, "</Message><Code>Late</Code></Error>");
    assert_true(ql_xml_s3_error(ql_buf_view(&text), &error));
    assert_string_equal(error.code, "");
    assert_int_equal(strlen(error.message), sizeof error.message - 1);
    ql_buf_fini(&text);
}

static void texts_are_fit_for_one_line(void **state) {
    (void)state;
    struct ql_s3_error error;
    assert_true(ql_xml_s3_error(QL_STR("<Error><Code>X&#10;Y</Code><Message>a\n\tb&#127;c \n</Message>"
                                       "<Nested><Message>no</Message></Nested></Error>"),
                                &error));
    assert_string_equal(error.code, "X Y");
    assert_string_equal(error.message, "a  b c");
}

static void versions_name_the_library(void **state) {
    (void)state;
    struct ql_buf text = {0};
    ql_xml_versions(&text);
    assert_true(ql_str_has_prefix(ql_buf_view(&text), "expat 2."));
    ql_buf_fini(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_document_of_the_reference),
        cmocka_unit_test(reads_regions_endpoints_and_clocks),
        cmocka_unit_test(other_documents_are_no_errors),
        cmocka_unit_test(a_document_cut_anywhere_is_still_an_error),
        cmocka_unit_test(entities_of_a_document_type_are_never_expanded),
        cmocka_unit_test(sizes_and_depths_are_bounded),
        cmocka_unit_test(texts_are_fit_for_one_line),
        cmocka_unit_test(versions_name_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
