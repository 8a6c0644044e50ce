/**
 * Reading the little XML that S3 speaks (expat): the error document that comes with a failed request, and now and then with a
 * successful one; the keys of a bucket.
 *
 * A body is whatever the other side sent, so everything is bounded: 64 KiB, 16 levels, no document type and so no entities
 * of its own; each text is cut at the size of its field. Nothing is trusted beyond that: texts are for messages.
 */
#ifndef QL_XML_XML_H
#define QL_XML_XML_H

#include "base/str.h"

#include <stdbool.h>

/** What S3 says about a failure. A text that the document does not have is empty. Control characters are blanks. */
struct ql_s3_error {
    char code[64];           /* "NoSuchBucket"; empty if the document is damaged before it */
    char message[512];       /* for people */
    char resource[512];      /* the bucket or object */
    char request_id[128];    /* for AWS support */
    char host_id[128];       /* likewise */
    char region[64];         /* where the bucket or the signature should be */
    char endpoint[256];      /* where to go instead (PermanentRedirect) */
    char bucket[256];        /* BucketName or Bucket */
    char server_time[64];    /* RequestTimeTooSkewed: ISO 8601 */
    char argument_name[128]; /* InvalidArgument: which header or parameter; NotImplemented: Header */
};

/**
 * Reads an error document of S3 or STS. True if the root element is <Error> or <ErrorResponse>, also if the document breaks off
 * or is damaged later: an error that cannot be read to its end is still none of success. *out is overwritten in every case.
 */
bool ql_xml_s3_error(struct ql_str body, struct ql_s3_error *out);

/** A page of a bucket's keys. */
struct ql_s3_list {
    void (*found)(void *ctx, struct ql_str key);
    void *ctx;
    struct ql_buf *next; /* what to ask for the next page with; empty: there is none */
};
/** Reads the page; false for what is no such document, or not a whole one. found may have been called all the same. */
bool ql_xml_s3_list(struct ql_str body, struct ql_s3_list *list);

/** A page of a bucket's unfinished multipart uploads. */
struct ql_s3_upload_list {
    /** initiated as S3 writes it, ISO 8601; may be empty. */
    void (*found)(void *ctx, struct ql_str key, struct ql_str id, struct ql_str initiated);
    void *ctx;
    struct ql_buf *next_key, *next_id; /* what to ask for the next page with; the key empty: there is none */
};
/** As ql_xml_s3_list. */
bool ql_xml_s3_uploads(struct ql_str body, struct ql_s3_upload_list *list);

/**
 * Appends the text of the first element at a path such as "GetCallerIdentityResponse/GetCallerIdentityResult/Account", without
 * the blanks around it; text may be NULL. False for what has no such element, is damaged, or breaks off anywhere.
 */
bool ql_xml_text(struct ql_str body, const char *path, struct ql_buf *text);

/** Appends "expat 2.x", for `version`. */
void ql_xml_versions(struct ql_buf *out);

#endif
