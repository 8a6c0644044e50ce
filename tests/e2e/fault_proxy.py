"""A proxy between queuelake and a real S3 server that breaks requests and answers by a plan.

A plan is a list of rules: {"op": …, "nth": 2, "times": 3, "fault": …, more}. `op` is S3's name of the operation, or "*". The rule holds for the
nth request of that operation and the following ones, `times` in all. Positions in messages (`at`) are fractions of their bytes.

  cut_request   {at, passes, rst}   the connection ends in the request; passes: the server got the bytes so far
  stall_request {at}                nothing more is read
  lose_answer   {rst}               the request is carried out, the connection ends without a byte of the answer
  cut_answer    {at, rst}           likewise, in the answer
  stall_answer  {at, then_rst}      the answer stops coming
  answer        {status, code, …}   an answer of ours; passes: the request is carried out all the same
  truncate      {at}                the answer's document is cut, its length says nothing of it
  checksum                          the answer's checksums are wrong
  flip          {at}                a byte of the request's body is changed
  intrude                           somebody else acts (`on_intrude`) before the request is passed on
  kill          {at, where}         `on_kill` is called with the rule in the midst of the "request" or the "answer"

What all requests meet is the proxy's world: `region`, of the bucket, and `redirects` or not; `clock_s`, how far the server's clock is ahead;
`token`, which session tokens still count. Then the proxy checks signatures itself and signs anew for the server behind it.
"""
import collections
import datetime as dt
import hashlib
import http.client
import re
import socket
import struct
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message>{}<RequestId>PROXY</RequestId></Error>'


class Gone(Exception):
    """The client has gone, or the plan says that the connection ends here."""


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.head = head
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = [line.split(": ", 1) if ": " in line else (line.rstrip(":"), "") for line in lines[1:] if line]
        self.body = b""
        url = urllib.parse.urlsplit(self.target)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        has_key = "/" in url.path[1:].rstrip("/")
        self.op = operation(self.method, has_key, query)
        self.part = int(query.get("partNumber", ["0"])[0])

    def get(self, name, default=""):
        return next((value for n, value in self.headers if n.lower() == name), default)

    @property
    def length(self):
        return int(self.get("content-length", "0"))


def operation(method, has_key, query):
    if method == "PUT":
        return "UploadPart" if "partNumber" in query else "PutObject"
    if method == "POST":
        return "CreateMultipartUpload" if "uploads" in query else "CompleteMultipartUpload"
    if method == "DELETE":
        return "AbortMultipartUpload"
    if method == "HEAD":
        return "HeadObject"
    if not has_key:
        return "ListMultipartUploads" if "uploads" in query else "ListObjectsV2"
    return "ListParts" if "uploadId" in query else "GetObject"


class Answer:
    def __init__(self, status, headers=(), body=b"", reason="", length=None):
        self.status, self.reason, self.body = status, reason or http.client.responses.get(status, "Unknown"), body
        self.length = len(body) if length is None else length
        self.headers = [(n, v) for n, v in headers if n.lower() not in ("content-length", "transfer-encoding", "connection", "keep-alive")]

    def bytes(self):
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{n}: {v}" for n, v in self.headers)]
        if self.status not in (204, 304):
            lines.append(f"Content-Length: {self.length}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def error_answer(request, status, code="", message="words of the server", more="", headers=None):
    body = ERROR.format(code, message, more).encode() if code else b""
    return Answer(status, [("Content-Type", "application/xml"), ("x-amz-request-id", "PROXY"), *(headers or {}).items()],
                  b"" if request.method == "HEAD" else body)


class Rule:
    def __init__(self, spec):
        self.spec, self.op = spec, spec["op"]
        self.first, self.last = spec.get("nth", 1), spec.get("nth", 1) + spec.get("times", 1) - 1
        self.n, self.n_used = 0, 0

    def takes(self, request):
        if self.op not in ("*", request.op):
            return False
        self.n += 1
        self.n_used += self.first <= self.n <= self.last
        return self.first <= self.n <= self.last


class Signer:
    """Signatures by botocore: those that came are compared, those that go on are made."""

    def __init__(self, access_key_id, secret, region):
        self.access_key_id, self.secret, self.region = access_key_id, secret, region

    @staticmethod
    def expected(request, secret, region):
        signed = request.get("authorization").split("SignedHeaders=")[1].split(",")[0].split(";")
        url = f"http://{request.get('host')}{request.target}"
        made = botocore.awsrequest.AWSRequest(method=request.method, url=url, data=request.body,
                                              headers={n: request.get(n) for n in signed if n not in ("host", "x-amz-date")})
        signer = botocore.auth.S3SigV4Auth(botocore.credentials.Credentials("id", secret), "s3", region)
        made.context["timestamp"] = request.get("x-amz-date")
        made.headers["X-Amz-Date"] = request.get("x-amz-date")
        return signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made)

    def renew(self, request):
        """The head of the request as it would be with the server's own key, region and time."""
        gone = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-length", "expect")
        kept = {n: v for n, v in request.headers if n.lower() not in gone}
        made = botocore.awsrequest.AWSRequest(method=request.method, url=f"http://{request.get('host')}{request.target}", data=request.body, headers=kept)
        botocore.auth.S3SigV4Auth(botocore.credentials.Credentials(self.access_key_id, self.secret), "s3", self.region).add_auth(made)
        lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{n}: {v}" for n, v in made.headers.items()), f"Content-Length: {len(request.body)}"]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class FaultProxy:
    def __init__(self, server_port, plan=(), world=None, signer=None, on_intrude=None, on_kill=None):
        self.server_port, self.world, self.signer = server_port, dict(world or {}), signer
        self.on_intrude, self.on_kill = on_intrude, on_kill
        self.lock, self.seen, self.counts = threading.Lock(), [], collections.Counter()
        self.secrets = {}  # of access key ids other than the signer's
        self.set_plan(plan)
        self.is_open, self.troubles = True, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def set_plan(self, plan):
        with self.lock:
            self.rules = [Rule(spec) for spec in plan]

    def close(self):
        self.is_open = False
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def accept(self):
        while self.is_open:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    # ---- one connection

    def serve(self, client):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self.is_open:
                self.exchange(client)
        except (Gone, ConnectionError):
            pass
        except Exception as trouble:  # of the proxy or of the server behind it: no fault of the plan
            self.troubles.append(repr(trouble))
        finally:
            client.close()

    def exchange(self, client):
        request = Request(read_head(client))
        rule = self.rule_of(request)
        fault = rule.get("fault")
        record = {"op": request.op, "part": request.part, "fault": fault, "status": None, "begun": time.monotonic(), "applied": None}
        with self.lock:
            self.seen.append(record)
        if request.get("expect"):
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if fault in ("cut_request", "stall_request") or (fault == "kill" and rule["where"] == "request"):
            self.break_request(client, request, rule)
        request.body = read_exactly(client, request.length)
        answer = self.answer(request, rule, record)
        record["status"], record["ended"] = answer.status, time.monotonic()
        send_answer(client, answer, rule, self.on_kill)

    def rule_of(self, request):
        with self.lock:
            self.counts[request.op] += 1
            specs = [rule.spec for rule in self.rules if rule.takes(request)]  # each counts its own
        return specs[0] if specs else {}

    def break_request(self, client, request, rule):
        size = len(request.head) + request.length
        wanted = max(0, int(size * rule["at"]) - len(request.head))
        begun = read_exactly(client, min(wanted, request.length))
        if rule["fault"] == "stall_request":
            wait_until_gone(client)
        if rule.get("passes") and wanted > 0:
            with socket.create_connection(("127.0.0.1", self.server_port)) as server:
                server.sendall(request.head + begun)
        if rule["fault"] == "kill":
            self.on_kill(rule)
        end(client, rule.get("rst"))

    # ---- what the answer is

    def answer(self, request, rule, record):
        fault = rule.get("fault")
        if fault == "flip" and request.body:
            at = min(int(len(request.body) * rule["at"]), len(request.body) - 1)
            request.body = request.body[:at] + bytes([request.body[at] ^ 1]) + request.body[at + 1:]
        refusal = self.refusal(request)
        if refusal is not None:
            return refusal
        if fault == "answer" and not rule.get("passes"):
            return canned(request, rule)
        if fault == "intrude":
            self.on_intrude()
        answer = self.pass_on(request)
        record["applied"] = answer.status
        if fault == "answer":
            return canned(request, rule)
        if fault == "truncate" and request.method != "HEAD":
            answer = Answer(answer.status, answer.headers, answer.body[:int(len(answer.body) * rule["at"])])
        if fault == "checksum":
            answer = wrong_checksums(answer)
        return answer

    def refusal(self, request):
        """What the world has against a request."""
        if self.signer is None:
            return None
        scope = re.search(r"Credential=([^/]+)/\d+/([^/]+)/s3/aws4_request.*Signature=([0-9a-f]{64})", request.get("authorization"))
        if scope is None:
            return error_answer(request, 403, "AccessDenied", "no signature")
        key_id, region, signature = scope.groups()
        if self.world.get("region", region) != region:
            home = self.world["region"]
            if self.world.get("redirects"):
                return error_answer(request, 301, "PermanentRedirect", "use the specified endpoint", headers={"x-amz-bucket-region": home})
            return error_answer(request, 400, "AuthorizationHeaderMalformed", f"the region '{region}' is wrong; expecting '{home}'",
                                f"<Region>{home}</Region>", {"x-amz-bucket-region": home})
        now = dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=self.world.get("clock_s", 0))
        signed = dt.datetime.strptime(request.get("x-amz-date"), "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.timezone.utc)
        if abs((now - signed).total_seconds()) > 900:
            return error_answer(request, 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.",
                                f"<ServerTime>{now:%Y-%m-%dT%H:%M:%SZ}</ServerTime>", {"Date": now.strftime("%a, %d %b %Y %H:%M:%S GMT")})
        token = self.world.get("token")
        if token is not None and not token(request.get("x-amz-security-token")):
            return error_answer(request, 400, "ExpiredToken", "The provided token has expired.")
        secret = self.secrets.get(key_id, self.signer.secret)
        sha256 = hashlib.sha256(request.body).hexdigest()
        if request.get("x-amz-content-sha256") != sha256:
            return error_answer(request, 400, "XAmzContentSHA256Mismatch", "the body is not what was signed")
        if Signer.expected(request, secret, region) != signature:
            return error_answer(request, 403, "SignatureDoesNotMatch", "the proxy computes another signature")
        return None

    def pass_on(self, request):
        head = self.signer.renew(request) if self.signer is not None else without_expect(request.head)
        with socket.create_connection(("127.0.0.1", self.server_port)) as server:
            server.sendall(head + request.body)
            response = http.client.HTTPResponse(server, method=request.method)
            response.begin()
            body = response.read()
            length = int(response.headers.get("content-length", "0")) if request.method == "HEAD" else None
            return Answer(response.status, response.getheaders(), body, response.reason, length)


# ---- pieces


def canned(request, rule):
    status, body = rule["status"], rule.get("body")
    if body is not None:
        return Answer(status, [*rule.get("headers", {}).items()], b"" if request.method == "HEAD" else body.encode())
    return error_answer(request, status, rule.get("code", ""), rule.get("message", "words of the server"), rule.get("more", ""), rule.get("headers"))


def wrong_checksums(answer):
    def other(text):
        return ("B" if text.startswith("A") else "A") + text[1:]

    headers = [(n, other(v) if n.lower().startswith("x-amz-checksum-") and n.lower() != "x-amz-checksum-type" else v) for n, v in answer.headers]
    body = re.sub(rb"(<Checksum(?!Type)\w+>)(.)", lambda m: m[1] + (b"B" if m[2] == b"A" else b"A"), answer.body)
    return Answer(answer.status, headers, body, answer.reason, None if answer.body else answer.length)


def send_answer(client, answer, rule, on_kill):
    data, fault = answer.bytes(), rule.get("fault")
    if fault == "lose_answer":
        end(client, rule.get("rst"))
    if fault in ("cut_answer", "stall_answer") or (fault == "kill" and rule["where"] == "answer"):
        client.sendall(data[:int(len(data) * rule["at"])])
        if fault == "stall_answer":
            wait_until_gone(client, 1.5 if rule.get("then_rst") else 30)
        if fault == "kill":
            on_kill(rule)
        end(client, rule.get("rst") or rule.get("then_rst"))
    client.sendall(data)


def without_expect(head):
    return re.sub(rb"\r\n[Ee]xpect: [^\r]*", b"", head)


def read_head(client):
    data = b""
    while b"\r\n\r\n" not in data:
        new = client.recv(65536, socket.MSG_PEEK)
        if not new:
            raise Gone
        end_at = (data + new).find(b"\r\n\r\n")
        data += client.recv(len(new) if end_at < 0 else end_at + 4 - len(data))
    return data


def read_exactly(client, n):
    parts, left = [], n
    while left:
        data = client.recv(min(left, 1 << 20))
        if not data:
            raise Gone
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def wait_until_gone(client, seconds=30):
    """Reads nothing of what comes, so that it waits in the kernel; notices when the other side resets or closes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        state = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
        if state != 1:  # TCP_ESTABLISHED
            raise Gone
        time.sleep(0.02)


def end(client, rst):
    if rst:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Gone
