/* Pages of keys, as the S3 API reference shows them, and what is no page. */
#include "support/test.h"

#include "xml/xml.h"

#include <string.h>

static void found(void *ctx, struct ql_str key) {
    ql_buf_put_str(ctx, key);
    ql_buf_puts(ctx, "\n");
}

static bool read_list(const char *body, struct ql_buf *keys, struct ql_buf *next) {
    struct ql_s3_list list = {.found = found, .ctx = keys, .next = next};
    ql_buf_reset(keys);
    return ql_xml_s3_list(ql_str_from(body), &list);
}

static void keys_and_the_next_page_are_read(void **state) {
    (void)state;
    struct ql_buf keys = {0};
    struct ql_buf next = {0};
    assert_true(
        read_list("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>lake</Name><Prefix>in/</Prefix>"
                  "<IsTruncated>true</IsTruncated><NextContinuationToken>1ue/+=</NextContinuationToken>"
                  "<Contents><Key>in/a &amp; b.csv</Key><Size>1</Size><Owner><ID>x</ID></Owner></Contents>"
                  "<Contents><Size>1</Size><Key>in/\xC3\xBC.csv</Key></Contents>"
                  "<CommonPrefixes><Prefix>in/deep/</Prefix></CommonPrefixes></ListBucketResult>",
                  &keys, &next));
    assert_string_equal(ql_buf_text(&keys), "in/a & b.csv\nin/\xC3\xBC.csv\n");
    assert_string_equal(ql_buf_text(&next), "1ue/+=");
    assert_true(read_list("<ListBucketResult><IsTruncated>false</IsTruncated><NextContinuationToken>x</NextContinuationToken>"
                          "</ListBucketResult>",
                          &keys, &next));
    assert_int_equal(keys.len, 0);
    assert_int_equal(next.len, 0);
    ql_buf_fini(&keys);
    ql_buf_fini(&next);
}

static void what_is_no_whole_page_is_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {
        "",
        "<Error><Code>AccessDenied</Code></Error>",
        "<html/>",
        "{}",
        "<ListBucketResult><Contents><Key>a.csv</Key></Contents>",
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<!DOCTYPE a [<!ENTITY b \"c\">]><ListBucketResult/>",
        "<ListBucketResult><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a></a></a></a></a></"
        "a></a>"
        "</a></ListBucketResult>",
    };
    struct ql_buf keys = {0};
    struct ql_buf next = {0};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (read_list(BAD[i], &keys, &next)) {
            fail_msg("%s", BAD[i]);
        }
    }
    struct ql_buf huge = {0};
    ql_buf_puts(&huge, "<ListBucketResult><Contents><Key>");
    for (int i = 0; i < 5000; i++) {
        ql_buf_putc(&huge, 'k');
    }
    ql_buf_puts(&huge, "</Key></Contents></ListBucketResult>");
    assert_false(read_list(ql_buf_text(&huge), &keys, &next));
    ql_buf_fini(&huge);
    ql_buf_fini(&keys);
    ql_buf_fini(&next);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_the_next_page_are_read),
        cmocka_unit_test(what_is_no_whole_page_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
