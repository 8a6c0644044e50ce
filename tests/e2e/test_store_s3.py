"""The S3 store over the real HTTP client, against a server that checks every signature with botocore and fails on demand.

What a real S3 server accepts is tested with moto and versitygw elsewhere; here is what they never do: answer with 503, with an error
in a 200, cut connections, redirect. `store_driver` is the program of tests/unit/store/store_driver.c.
"""
import hashlib
import http.server
import subprocess
import threading

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import BUILD, CLEAN, SANITIZER

DRIVER = BUILD / "src/store/store_driver"
KEY_ID, SECRET, TOKEN = "AKIDTESTTESTTEST", "secret/secret+secret", "session/token+=="
BUCKET, KEY = "lake", "date=2026-01-01/a+b c@\u00fc.parquet"
ERROR = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>words of the server</Message>{}</Error>"


def error(status, code, more="", **headers):
    return {"status": status, "body": ERROR.format(code, more), "headers": headers}


FINE = {"status": 200, "headers": {"ETag": '"0123456789abcdef"', "x-amz-version-id": "v1", "x-amz-server-side-encryption": "AES256"}}


class Server(http.server.ThreadingHTTPServer):
    """Answers in the order of a script; keeps what arrived."""

    daemon_threads = True

    def __init__(self, script):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script, self.seen, self.lock = list(script), [], threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def step(self):
        with self.lock:
            return self.script.pop(0) if len(self.script) > 1 else self.script[0]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def signature(self, headers):
        """The Authorization that botocore makes of the same request."""
        signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
        request = botocore.awsrequest.AWSRequest(method=self.command, url=self.server.url + self.path,
                                                 headers={n: headers[n] for n in signed if n not in ("host", "x-amz-date")})
        region = headers["authorization"].split("/")[2]
        signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(KEY_ID, SECRET), "s3", region)
        request.context["timestamp"] = headers["x-amz-date"]
        request.headers["X-Amz-Date"] = headers["x-amz-date"]
        canonical = signer.canonical_request(request)
        return signer.signature(signer.string_to_sign(request, canonical), request), signed

    def do_HEAD(self):
        """Nothing is there."""
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self):
        step = self.server.step()
        headers = {n.lower(): v for n, v in self.headers.items()}
        seen = {"path": self.path, "headers": headers, "body": None}
        self.server.seen.append(seen)
        seen["signature"], seen["signed"] = self.signature(headers)
        if step.get("cut") == "before":
            self.close_connection = True
            return self.connection.close()
        if not step.get("early"):
            seen["body"] = self.rfile.read(int(headers["content-length"]))
        if step.get("cut") == "after":
            self.close_connection = True
            return self.connection.close()
        body = step.get("body", "").encode()
        self.send_response(step["status"])
        for name, value in {"x-amz-request-id": f"REQ{len(self.server.seen)}", **step.get("headers", {})}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        if step.get("early"):
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server():
    running = []

    def start(*script):
        running.append(Server(script))
        return running[-1]

    yield start
    for one in running:
        one.shutdown()
        one.server_close()


def put(one, body=b"PAR1 and more", tags=("Version=1.0.0", "Format=parquet"), **env):
    variables = {"AWS_ENDPOINT_URL": one.url, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}
    done = subprocess.run([str(DRIVER), BUCKET, KEY, *tags], input=body, capture_output=True, timeout=60, env={**CLEAN, **variables, **env})
    text = done.stderr.decode(errors="replace")
    assert not any(word in text for word in SANITIZER), text
    out = done.stdout.decode()
    assert SECRET not in out + text and TOKEN not in out + text
    return done.returncode, dict(line.split(": ", 1) for line in out.splitlines())


def check_requests(one, body):
    """Each request is whole, signed by the secret, and has nothing that other servers than AWS refuse."""
    for seen in one.seen:
        headers = seen["headers"]
        assert headers["authorization"].endswith("Signature=" + seen["signature"])
        assert all(n in seen["signed"] for n in headers if n.startswith("x-amz-") or n in ("host", "content-type"))
        assert "x-amz-security-token" in seen["signed"]
        assert headers["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
        assert int(headers["content-length"]) == len(body)
        assert "transfer-encoding" not in headers and "content-encoding" not in headers
        assert not any("checksum" in n or "trailer" in n for n in headers)
        assert headers["x-amz-tagging"] == "Version=1.0.0&Format=parquet"
        assert seen["path"] == "/lake/date%3D2026-01-01/a%2Bb%20c%40%C3%BC.parquet"


@pytest.mark.parametrize("body", [b"", b"PAR1", b"x" * 20_000_000], ids=["empty", "small", "large"])
def test_one_put_stores_the_object(server, body):
    one = server(FINE)
    code, said = put(one, body)
    assert code == 0, said
    check_requests(one, body)
    assert [seen["body"] for seen in one.seen] == [body]
    assert said["etag"] == '"0123456789abcdef"' and said["version_id"] == "v1" and said["encryption"] == "AES256"
    assert said["sha256"] == hashlib.sha256(body).hexdigest() and said["location"] == f"s3://{BUCKET}/{KEY}"


@pytest.mark.parametrize("fault", [
    error(503, "SlowDown"), error(400, "RequestTimeout"), error(500, "InternalError"), error(200, "InternalError", ETag='"x"'),
    error(400, "BadDigest"), {"status": 502, "body": "<html>"}, {"cut": "before"}, {"cut": "after"},
], ids=["SlowDown", "RequestTimeout", "InternalError", "error-in-200", "BadDigest", "gateway", "cut-before", "cut-after"])
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_passing_fault_is_repeated_with_the_whole_body(server, fault, size):
    one = server(fault, fault, FINE)
    body = b"b" * size
    code, said = put(one, body)
    assert code == 0, said
    check_requests(one, body)
    assert len(one.seen) == 3 and one.seen[-1]["body"] == body


@pytest.mark.parametrize("fault, code, words", [
    (error(503, "SlowDown"), 75, "SlowDown"),
    (error(200, "InternalError", ETag='"x"'), 75, "InternalError"),
    ({"cut": "after"}, 75, "cannot store 's3://lake/"),
], ids=["SlowDown", "error-in-200", "cut"])
def test_a_lasting_fault_ends_after_the_attempts(server, fault, code, words):
    one = server(fault)
    got, said = put(one)
    assert got == code and words in said["message"], said
    assert len(one.seen) == 4


@pytest.mark.parametrize("answer, code, words, hint", [
    (error(403, "AccessDenied"), 77, "access denied (AccessDenied: words of the server)", "s3:PutObject and s3:PutObjectTagging on arn:aws:s3:::lake/date=2026"),
    (error(404, "NoSuchBucket"), 73, "the bucket does not exist (NoSuchBucket", "create bucket 'lake'"),
    (error(403, "InvalidAccessKeyId"), 77, "access key id is not known", "AWS_ACCESS_KEY_ID"),
    (error(403, "SignatureDoesNotMatch"), 77, "signature does not match", "AWS_SECRET_ACCESS_KEY"),
    (error(400, "ExpiredToken"), 77, "session token has expired", "AWS_SESSION_TOKEN"),
    (error(400, "InvalidTag"), 78, "object tag is not valid", "--tag"),
    ({"status": 404, "body": "<html>nginx</html>"}, 69, "without an S3 error (HTTP 404)", "AWS_ENDPOINT_URL"),
    ({"status": 200, "body": "hello"}, 76, "not one of S3 (HTTP 200)", "AWS_ENDPOINT_URL"),
    ({"status": 200}, 76, "not one of S3 (HTTP 200)", "AWS_ENDPOINT_URL"),
], ids=lambda value: value if isinstance(value, str) and value.isidentifier() else None)
def test_a_final_answer_is_one_sentence_and_one_request(server, answer, code, words, hint):
    one = server(answer)
    got, said = put(one)
    assert got == code and words in said["message"] and hint in said["hint"], said
    assert len(one.seen) == 1
    assert said["request_id"] == "REQ1"


@pytest.mark.parametrize("answer", [
    error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-north-1"}),
    error(301, "PermanentRedirect", "<Endpoint>lake.s3.eu-north-1.amazonaws.com</Endpoint>"),
    error(400, "AuthorizationHeaderMalformed", "<Region>eu-north-1</Region>"),
], ids=["header", "endpoint", "malformed"])
def test_another_region_is_signed_for_once(server, answer):
    one = server(answer, FINE)
    code, said = put(one)
    assert code == 0 and "set AWS_REGION=eu-north-1" in said["warning"], said
    check_requests(one, b"PAR1 and more")
    assert [seen["headers"]["authorization"].split("/")[2] for seen in one.seen] == ["eu-west-1", "eu-north-1"]
    two = server(answer, error(301, "PermanentRedirect", **{"x-amz-bucket-region": "us-east-2"}))
    code, said = put(two)
    assert code == 78 and "in region 'us-east-2', not in 'eu-north-1'" in said["message"] and len(two.seen) == 2, said


def test_the_servers_clock_signs_once_it_is_known(server):
    skewed = error(403, "RequestTimeTooSkewed", "<ServerTime>2001-01-01T00:00:00Z</ServerTime>")
    one = server(skewed, FINE)
    code, said = put(one)
    assert code == 0 and "ahead of that of S3" in said["warning"], said
    check_requests(one, b"PAR1 and more")
    assert one.seen[1]["headers"]["x-amz-date"].startswith("20010101T0000")
    two = server(skewed)
    code, said = put(two)
    assert code == 77 and "ahead of that of S3" in said["message"] and "clock" in said["hint"] and len(two.seen) == 2, said


def test_a_refusal_before_the_body_is_read_is_understood(server):
    one = server({**error(403, "AccessDenied"), "early": True})
    code, said = put(one, b"z" * 20_000_000)
    assert code == 77 and "AccessDenied" in said["message"], said


def test_a_redirect_is_not_followed(server):
    other = server(FINE)
    one = server({"status": 307, "headers": {"Location": other.url + "/lake/k"}})
    code, said = put(one)
    assert code != 0 and other.seen == [], said


def test_plain_http_goes_to_this_machine_only(server):
    one = server(FINE)
    code, said = put(one, AWS_ENDPOINT_URL="http://s3.example.com:9000")
    assert code == 78 and "plain http" in said["message"] and said["requests"] == "0", said
