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

static void found_upload(void *ctx, struct ql_str key, struct ql_str id, struct ql_str initiated) {
    ql_buf_printf(ctx, "%.*s|%.*s|%.*s\n", QL_STR_ARG(key), QL_STR_ARG(id), QL_STR_ARG(initiated));
}

/* The example of "ListMultipartUploads" in the S3 API reference, shortened. */
static const char UPLOADS[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListMultipartUploadsResult "
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>bucket</Bucket><KeyMarker></KeyMarker>"
    "<UploadIdMarker></UploadIdMarker><NextKeyMarker>my-movie.m2ts</NextKeyMarker>"
    "<NextUploadIdMarker>YW55IGlkZWEgd2h5</NextUploadIdMarker><MaxUploads>3</MaxUploads><IsTruncated>true</IsTruncated>"
    "<Upload><Key>my-divisor</Key><UploadId>XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw</UploadId><Initiator>"
    "<ID>arn:aws:iam::111122223333:user/user1</ID></Initiator><StorageClass>STANDARD</StorageClass>"
    "<Initiated>2010-11-10T20:48:33.000Z</Initiated></Upload>"
    "<Upload><Initiated>2010-11-10T20:49:33.000Z</Initiated><UploadId>YW55</UploadId><Key>a&lt;b</Key></Upload>"
    "<Upload><Key>no-date</Key><UploadId>id3</UploadId></Upload></ListMultipartUploadsResult>";

static void uploads_and_the_next_page_are_read(void **state) {
    (void)state;
    struct ql_buf out = {0};
    struct ql_buf next_key = {0};
    struct ql_buf next_id = {0};
    struct ql_s3_upload_list list = {.found = found_upload, .ctx = &out, .next_key = &next_key, .next_id = &next_id};
    assert_true(ql_xml_s3_uploads(ql_str_from(UPLOADS), &list));
    assert_string_equal(ql_buf_text(&out),
                        "my-divisor|XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw|2010-11-10T20:48:33.000Z\n"
                        "a<b|YW55|2010-11-10T20:49:33.000Z\nno-date|id3|\n");
    assert_string_equal(ql_buf_text(&next_key), "my-movie.m2ts");
    assert_string_equal(ql_buf_text(&next_id), "YW55IGlkZWEgd2h5");
    assert_true(ql_xml_s3_uploads(
        QL_STR("<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"), &list));
    assert_int_equal(next_key.len, 0);
    assert_false(ql_xml_s3_uploads(QL_STR("<ListBucketResult/>"), &list));
    assert_false(ql_xml_s3_uploads((struct ql_str){UPLOADS, sizeof UPLOADS - 5}, &list));
    ql_buf_fini(&out);
    ql_buf_fini(&next_key);
    ql_buf_fini(&next_id);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_and_the_next_page_are_read),
        cmocka_unit_test(what_is_no_whole_page_is_refused),
        cmocka_unit_test(uploads_and_the_next_page_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
