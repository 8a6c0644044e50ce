#!/usr/bin/env python3
"""Known answers for AWS Signature Version 4, made by botocore's own signer and checked against published signatures.

    python3 -m venv venv && venv/bin/pip install botocore && venv/bin/python generate.py

Writes requests.txt (anything may be signed), uploads.txt (whole PUT requests as botocore's S3 client addresses them) and
exchanges.txt (the other operations of S3 and STS, with the endpoints of every kind of region).
`published` is the signature that AWS prints for the same request: in the aws4_testsuite (aws-c-auth,
tests/aws-signing-test-suite/v4) and in "Authenticating Requests" of the Amazon S3 API reference.
"""
import datetime
import hashlib
import pathlib
import urllib.parse
from unittest import mock

import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials

HERE = pathlib.Path(__file__).parent
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
S3_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = hashlib.sha256(b"").hexdigest()
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJHMEUCIQ+/=="


def at(text):
    return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)


def encode(text, safe):
    return urllib.parse.quote(text, safe=safe)


def sign(case):
    """The canonical request and the Authorization header that botocore makes."""
    is_s3 = case["service"] == "s3"
    # botocore encodes the path once more for every service but S3; the suite's paths are raw.
    path = encode(case["path"], "/~") if is_s3 else case["path"]
    url = "https://" + dict((n.lower(), v) for n, v in case["headers"])["host"] + path
    if case["query"]:
        url += "?" + "&".join(encode(n, "~") + "=" + encode(v, "~") for n, v in case["query"])
    request = AWSRequest(method=case["method"], url=url)
    for name, value in case["headers"]:
        if name.lower() not in ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256"):
            request.headers.add_header(name, value)
    token = dict((n.lower(), v) for n, v in case["headers"]).get("x-amz-security-token")
    kind = botocore.auth.S3SigV4Auth if is_s3 else botocore.auth.SigV4Auth
    signer = kind(Credentials(case["key"], case["secret"], token), case["service"], case["region"])
    signer.payload = lambda _: case["payload"]
    if "Date" in request.headers:  # botocore would leave out x-amz-date and rewrite the date
        signer._set_necessary_date_headers = lambda request: request.headers.add_header("X-Amz-Date", case["date"])
    seen = {}
    original = signer.canonical_request

    def canonical_request(request):
        seen["text"] = original(request)
        return seen["text"]

    signer.canonical_request = canonical_request
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at(case["date"]).replace(tzinfo=None)):
        signer.add_auth(request)
    return seen["text"], request.headers["Authorization"]


def write_requests(cases, out):
    for case in cases:
        canonical, authorization = sign(case)
        if case["published"]:
            assert authorization.endswith("Signature=" + case["published"]), (case["name"], canonical, authorization)
        print(f"case {case['name']}", file=out)
        for field in ("key", "secret", "region", "service", "date", "method", "path"):
            print(f"{field} {case[field]}", file=out)
        for name, value in case["query"]:
            print(f"query {name}={value}", file=out)
        for name, value in case["headers"]:
            print(f"header {name}:{value}", file=out)
        print(f"payload {case['payload']}", file=out)
        print(f"canonical_sha256 {hashlib.sha256(canonical.encode()).hexdigest()}", file=out)
        print(f"authorization {authorization}\nend\n", file=out)


def suite(name, published, method="GET", path="/", query=(), headers=(), payload=EMPTY):
    date = "20150830T123600Z"
    headers = [("Host", "example.amazonaws.com"), *headers, ("X-Amz-Date", date)]
    return dict(name=name, published=published, method=method, path=path, query=list(query), headers=headers, payload=payload,
                key="AKIDEXAMPLE", secret=SECRET, region="us-east-1", service="service", date=date)


def s3(name, published, method, path, query=(), headers=(), payload=EMPTY, region="us-east-1", date="20130524T000000Z",
       host="examplebucket.s3.amazonaws.com"):
    headers = [("Host", host), *headers, ("x-amz-content-sha256", payload), ("x-amz-date", date)]
    return dict(name=name, published=published, method=method, path=path, query=list(query), headers=headers, payload=payload,
                key="AKIAIOSFODNN7EXAMPLE", secret=S3_SECRET, region=region, service="s3", date=date)


STS_TOKEN = ("AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
             "x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9"
             "q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==")
LETTERS = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()

REQUESTS = [
    suite("get-vanilla", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    suite("get-vanilla-empty-query-key", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
          query=[("Param1", "value1")]),
    suite("get-vanilla-query-order-encoded", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
          query=[("Param-3", "Value3"), ("Param", "Value2"), ("\u1234", "Value1")]),
    suite("get-vanilla-query-order-key-case", None, query=[("Param2", "value2"), ("Param1", "value1"), ("param1", "value0")]),
    suite("get-vanilla-query-order-value", None, query=[("Param1", "value2"), ("Param1", "Value1"), ("Param1", "value1")]),
    suite("get-vanilla-query-unreserved", None, query=[(LETTERS, LETTERS)]),
    suite("get-vanilla-query-valueless", None, query=[("uploads", "")]),
    suite("get-vanilla-query-reserved", None, query=[("prefix", "a/b c+d=e&f"), ("list-type", "2")]),
    suite("get-vanilla-utf8-query", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
          query=[("\u1234", "bar")]),
    suite("get-utf8", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85", path="/\u1234"),
    suite("get-space", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", path="/example space/"),
    suite("get-unreserved", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", path="/" + LETTERS),
    suite("get-header-key-duplicate", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
          headers=[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")]),
    suite("get-header-value-order", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01",
          headers=[("My-Header1", "value4"), ("My-Header1", "value1"), ("My-Header1", "value3"), ("My-Header1", "value2")]),
    suite("get-header-value-trim", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
          headers=[("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')]),
    suite("get-header-value-blanks", None, headers=[("My-Header1", "  a \t b\t\tc  "), ("My-Header2", "")]),
    suite("get-vanilla-with-session-token", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
          headers=[("X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267")]),
    suite("post-header-key-sort", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c", "POST",
          headers=[("My-Header1", "value1")]),
    suite("post-header-value-case", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d", "POST",
          headers=[("My-Header1", "VALUE1")]),
    suite("post-sts-header-before", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead", "POST",
          headers=[("X-Amz-Security-Token", STS_TOKEN)]),
    # The four worked examples of the S3 documentation.
    s3("s3-get-object", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", "GET", "/test.txt",
       headers=[("Range", "bytes=0-9")]),
    s3("s3-put-object", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", "PUT", "/test$file.text",
       headers=[("Date", "Fri, 24 May 2013 00:00:00 GMT"), ("x-amz-storage-class", "REDUCED_REDUNDANCY")], payload=BODY),
    s3("s3-get-lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543", "GET", "/",
       query=[("lifecycle", "")]),
    s3("s3-list-objects", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7", "GET", "/",
       query=[("prefix", "J"), ("max-keys", "2")]),
    # What libcurl 7.88.1 gets wrong, and names that need care.
    s3("s3-hive-key", None, "PUT", "/date=2026-01-01/k.parquet", payload=BODY),
    s3("s3-reserved-key", None, "PUT", "/a+b c@:,;!*'()&=$#?[]%25.parquet", payload=BODY),
    s3("s3-utf8-key", None, "PUT", "/warteschlange/\u00fcbersicht-\u65e5\u672c-\U0001f600.parquet", payload=BODY),
    s3("s3-kms-headers", None, "PUT", "/k", payload=BODY, region="eu-central-1",
       headers=[("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu-central-1:111122223333:key/1234abcd"),
                ("x-amz-server-side-encryption", "aws:kms"), ("x-amz-meta-test-two", "2"), ("x-amz-meta-test", "1")]),
    s3("s3-session-token", None, "PUT", "/k", payload=BODY, headers=[("x-amz-security-token", TOKEN)]),
    s3("s3-upload-part", None, "PUT", "/k", query=[("uploadId", "VXBsb2FkIElE/+="), ("partNumber", "7")], payload=BODY),
    s3("s3-port", None, "PUT", "/bucket/k", payload=BODY, host="127.0.0.1:9000"),
    s3("s3-leap-day", None, "PUT", "/k", payload=BODY, date="20240229T235959Z"),
]


def upload(name, bucket, key, tags=(), body=b"PAR1", region="us-east-1", endpoint="", token="", owner="", encryption="AES256",
           content_type="application/octet-stream", date="20260102T030405Z"):
    return dict(name=name, bucket=bucket, key=key, tags=list(tags), body=body, region=region, endpoint=endpoint, token=token,
                owner=owner, encryption=encryption, content_type=content_type, date=date)


TAGS = [("Version", "1.0.0"), ("ExportId", "a1b2c3d4-e5f6-7890-abcd-ef1234567890"), ("Format", "parquet")]
UPLOADS = [
    upload("virtual-host", "examplebucket", "queue_metrics/2026-01-01.parquet", TAGS),
    upload("hive-key", "examplebucket", "date=2026-01-01/k.parquet", TAGS, region="eu-west-1"),
    upload("dots-in-bucket", "example.bucket.one", "k.parquet", region="eu-central-1"),
    upload("china", "examplebucket", "k.parquet", region="cn-north-1"),
    upload("government", "examplebucket", "k.parquet", region="us-gov-west-1"),
    upload("custom-endpoint", "examplebucket", "a+b c@:,/k.parquet", endpoint="https://minio.example.com:9000"),
    upload("loopback", "examplebucket", "k", endpoint="http://127.0.0.1:5000"),
    upload("default-port", "examplebucket", "k", endpoint="https://s3.example.com:443"),
    upload("endpoint-with-path", "examplebucket", "k", endpoint="https://example.com/storage/v1/s3", region="eu-north-1"),
    upload("utf8-key", "examplebucket", "\u00fcbersicht/\u65e5\u672c \U0001f600.parquet", TAGS),
    upload("odd-characters", "examplebucket", "!\"#$%&'()*+,-.:;<=>?@[\\]^_`{|}~%2F", TAGS),
    upload("odd-tags", "examplebucket", "k", [("Team/Owner", "a b+c=d:e@f"), ("\u00e9t\u00e9", "\u65e5\u672c"), ("Empty", "")]),
    upload("temporary-credentials", "examplebucket", "k", TAGS, token=TOKEN),
    upload("owner-and-kms", "examplebucket", "k", owner="111122223333", encryption="aws:kms"),
    upload("no-encryption", "examplebucket", "k", encryption="none"),
    upload("content-type", "examplebucket", "k", content_type="application/vnd.apache.parquet"),
    upload("empty-body", "examplebucket", "k", body=b""),
]


def send(case):
    """What botocore's S3 client puts on the wire, and the Authorization of the headers that queuelake sends."""
    client = botocore.session.get_session().create_client(
        "s3", region_name=case["region"], aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key=S3_SECRET,
        aws_session_token=case["token"] or None, endpoint_url=case["endpoint"] or None,
        config=Config(request_checksum_calculation="when_required", signature_version="s3v4",
                      s3={"addressing_style": "path" if case["endpoint"] or "." in case["bucket"] else "virtual",
                          "payload_signing_enabled": True, "us_east_1_regional_endpoint": "regional"}))
    seen = []

    def before_send(request, **_):
        seen.append(request)
        return AWSResponse(request.url, 200, {}, None)

    client.meta.events.register("before-send.s3.PutObject", before_send)
    options = {}
    if case["tags"]:
        options["Tagging"] = urllib.parse.urlencode(case["tags"], quote_via=urllib.parse.quote, safe="~")
    if case["owner"]:
        options["ExpectedBucketOwner"] = case["owner"]
    if case["encryption"] != "none":
        options["ServerSideEncryption"] = case["encryption"]
    sha256 = hashlib.sha256(case["body"]).hexdigest()
    try:
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at(case["date"]).replace(tzinfo=None)):
            client.put_object(Bucket=case["bucket"], Key=case["key"], Body=case["body"], ContentType=case["content_type"],
                              Metadata={"queuelake-sha256": sha256}, **options)
    except Exception:  # the made-up answer has no body to read; the request was seen
        assert seen
    request = seen[0]
    wire = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    wire["x-amz-date"] = case["date"]  # newer clients do not take the time from where it was put
    url = urllib.parse.urlsplit(request.url)
    port = {"https": ":443", "http": ":80"}[url.scheme]
    host = url.netloc.removesuffix(port)
    headers = [("host", host)] + [(n, v) for n, v in sorted(wire.items())
                                  if n.startswith("x-amz-") or n == "content-type"]
    own = AWSRequest(method="PUT", url=request.url, data=case["body"])
    for name, value in headers:
        if name not in ("host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"):
            own.headers[name] = value
    signer = botocore.auth.S3SigV4Auth(Credentials("AKIAIOSFODNN7EXAMPLE", S3_SECRET, case["token"] or None), "s3",
                                       case["region"])
    signer.payload = lambda _: sha256
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at(case["date"]).replace(tzinfo=None)):
        signer.add_auth(own)
    return f"{url.scheme}://{host}{url.path}", headers, own.headers["Authorization"]


def write_uploads(cases, out):
    for case in cases:
        url, headers, authorization = send(case)
        print(f"case {case['name']}", file=out)
        for field in ("bucket", "key", "region", "endpoint", "token", "owner", "encryption", "content_type", "date"):
            print(f"{field} {case[field]}", file=out)
        for name, value in case["tags"]:
            print(f"tag {name}={value}", file=out)
        print(f"body {case['body'].decode()}", file=out)
        print(f"url {url}", file=out)
        for name, value in headers:
            print(f"header {name}:{value}", file=out)
        print(f"authorization {authorization}\nend\n", file=out)


PARTS = {"Parts": [{"ETag": "\"e1\"", "PartNumber": 1}]}


def exchange(name, service, operation, key="", region="eu-west-1", endpoint="", style="auto", fips=False, dual=False, token="",
             owner="", payer="", **options):
    return dict(name=name, service=service, operation=operation, key=key, region=region, endpoint=endpoint, style=style, fips=fips,
                dual=dual, token=token, owner=owner, payer=payer, options=options)


def s3_call(name, operation, key="", bucket="examplebucket", **more):
    return exchange(name, "s3", operation, key=key, Bucket=bucket, **({"Key": key} if key else {}), **more)


EXCHANGES = [
    s3_call("list", "list_objects_v2", Prefix="a b/c=d+e", Delimiter="/"),
    s3_call("list-more", "list_objects_v2", Prefix="", ContinuationToken="1ue/+=&x", region="us-east-1", token=TOKEN),
    s3_call("list-dots", "list_objects_v2", Prefix="p", bucket="example.bucket.one"),
    s3_call("list-custom", "list_objects_v2", Prefix="p", endpoint="https://minio.example.com:9000/s3"),
    s3_call("head", "head_object", key="date=2026-01-01/k.parquet", owner="111122223333", payer="requester"),
    s3_call("get-range", "get_object", key="k", Range="bytes=0-9", payer="requester"),
    s3_call("begin-parts", "create_multipart_upload", key="k", ServerSideEncryption="aws:kms",
            SSEKMSKeyId="arn:aws:kms:eu-central-1:111122223333:key/1234abcd", region="eu-central-1"),
    s3_call("store-part", "upload_part", key="k", UploadId="VXBsb2FkIElE/+=", PartNumber=7, Body=b"PAR1"),
    s3_call("join-parts", "complete_multipart_upload", key="k", UploadId="u", MultipartUpload=PARTS, IfNoneMatch="*"),
    s3_call("drop-parts", "abort_multipart_upload", key="k", UploadId="u"),
    s3_call("list-uploads", "list_multipart_uploads", Prefix="q/"),
    s3_call("dual-stack", "head_object", key="k", dual=True),
    s3_call("fips", "head_object", key="k", fips=True, region="us-east-1"),
    s3_call("fips-dual-stack", "head_object", key="k", fips=True, dual=True, region="us-gov-west-1"),
    s3_call("fips-dots", "head_object", key="k", fips=True, bucket="example.bucket.one", region="us-gov-east-1"),
    s3_call("china", "head_object", key="k", region="cn-northwest-1"),
    s3_call("china-dual-stack", "head_object", key="k", region="cn-north-1", dual=True),
    s3_call("government", "head_object", key="k", region="us-gov-west-1"),
    s3_call("sovereign", "head_object", key="k", region="eusc-de-east-1"),
    s3_call("iso", "head_object", key="k", region="us-iso-east-1"),
    s3_call("path-at-aws", "head_object", key="k", style="path"),
    s3_call("virtual-custom", "head_object", key="k", style="virtual", endpoint="https://s3.example.com:8443"),
    s3_call("virtual-default-port", "head_object", key="k", style="virtual", endpoint="https://s3.example.com:443"),
    exchange("identity", "sts", "get_caller_identity"),
    exchange("identity-token", "sts", "get_caller_identity", region="us-east-1", token=TOKEN),
    exchange("identity-china", "sts", "get_caller_identity", region="cn-north-1"),
    exchange("identity-government-fips", "sts", "get_caller_identity", region="us-gov-west-1", fips=True),
    exchange("identity-fips", "sts", "get_caller_identity", region="us-east-2", fips=True),
    exchange("identity-dual-stack", "sts", "get_caller_identity", dual=True),
    exchange("identity-government-both", "sts", "get_caller_identity", region="us-gov-west-1", fips=True, dual=True),
    exchange("identity-endpoint", "sts", "get_caller_identity", endpoint="http://127.0.0.1:5000"),
]
SIGNED = ("content-type", "content-md5", "range")


def exchanged(case):
    """What botocore's client sends for an operation, signed over the headers that queuelake sends."""
    # botocore is told in which style to address where "auto" is queuelake's own decision.
    bucket = case["options"].get("Bucket", "")
    style = case["style"] if case["style"] != "auto" else "path" if case["endpoint"] or "." in bucket else "virtual"
    config = Config(request_checksum_calculation="when_required", signature_version="s3v4" if case["service"] == "s3" else "v4",
                    use_fips_endpoint=case["fips"], use_dualstack_endpoint=case["dual"], retries={"max_attempts": 1},
                    s3={"addressing_style": style, "payload_signing_enabled": True, "us_east_1_regional_endpoint": "regional"})
    client = botocore.session.get_session().create_client(
        case["service"], region_name=case["region"], aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key=S3_SECRET,
        aws_session_token=case["token"] or None, endpoint_url=case["endpoint"] or None, config=config)
    seen = []

    def before_send(request, **_):
        seen.append(request)
        return AWSResponse(request.url, 200, {}, None)

    client.meta.events.register("before-send", before_send)
    options = dict(case["options"])
    if case["owner"]:
        options["ExpectedBucketOwner"] = case["owner"]
    if case["payer"]:
        options["RequestPayer"] = case["payer"]
    try:
        with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at("20260102T030405Z").replace(tzinfo=None)):
            getattr(client, case["operation"])(**options)
    except Exception:  # the made-up answer has no body to read; the request was seen
        assert seen
    request = seen[0]
    wire = {name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    wire["x-amz-date"] = "20260102T030405Z"
    body = request.body or b""
    body = body.read() if hasattr(body, "read") else body.encode() if isinstance(body, str) else bytes(body)
    url = urllib.parse.urlsplit(request.url)
    # encoding-type is botocore's own wish, not part of the operation; bodies of XML are queuelake's own to write.
    query = [(n, v) for n, v in urllib.parse.parse_qsl(url.query, keep_blank_values=True) if n != "encoding-type"]
    host = url.netloc.removesuffix({"https": ":443", "http": ":80"}[url.scheme])
    headers = [("host", host)] + [(n, v) for n, v in sorted(wire.items())
                                  if n in SIGNED or n.startswith(("x-amz-", "if-")) and not n.startswith("x-amz-user-agent")]
    encoded = "&".join(sorted(encode(n, "~") + "=" + encode(v, "~") for n, v in query))
    address = f"{url.scheme}://{host}{url.path or '/'}" + ("?" + encoded if encoded else "")
    own = AWSRequest(method=request.method, url=address, data=body)
    for name, value in headers:
        if name not in ("host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"):
            own.headers[name] = value
    kind = botocore.auth.S3SigV4Auth if case["service"] == "s3" else botocore.auth.SigV4Auth
    signer = kind(Credentials("AKIAIOSFODNN7EXAMPLE", S3_SECRET, case["token"] or None), case["service"], case["region"])
    signer.payload = lambda _: hashlib.sha256(body).hexdigest()
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda *_, **__: at("20260102T030405Z").replace(tzinfo=None)):
        signer.add_auth(own)
    return request.method, address, query, headers, body, own.headers["Authorization"]


def write_exchanges(cases, out):
    own = ("host", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "x-amz-expected-bucket-owner",
           "x-amz-request-payer")
    for case in cases:
        method, address, query, headers, body, authorization = exchanged(case)
        print(f"case {case['name']}", file=out)
        for field in ("service", "key", "region", "endpoint", "style", "token", "owner", "payer"):
            print(f"{field} {case[field]}", file=out)
        print(f"bucket {case['options'].get('Bucket', '')}", file=out)
        print(f"fips {int(case['fips'])}\ndual {int(case['dual'])}\nmethod {method}\ndate 20260102T030405Z", file=out)
        for name, value in query:
            print(f"query {name}={value}", file=out)
        for name, value in headers:
            if name not in own:
                print(f"given {name}:{value}", file=out)
            print(f"header {name}:{value}", file=out)
        assert b"\n" not in body
        print(f"body {body.decode()}\nurl {address}\nauthorization {authorization}\nend\n", file=out)


def main():
    for name, write, cases in (("requests.txt", write_requests, REQUESTS), ("uploads.txt", write_uploads, UPLOADS),
                               ("exchanges.txt", write_exchanges, EXCHANGES)):
        with open(HERE / name, "w", encoding="utf-8", newline="\n") as out:
            print(f"# Made by generate.py with botocore {botocore.__version__}; not to be edited.\n", file=out)
            write(cases, out)


if __name__ == "__main__":
    main()
