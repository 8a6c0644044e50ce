"""Every fault of the simulator as a client meets it, on the raw socket where that tells more than a library would."""
import gzip
import json
import select
import signal
import socket
import struct
import time
import urllib.parse
import zlib

import pytest

from sim_client import EXPORTS, UUID, error_of, query, run_and_fail, s3_error, start  # noqa: F401

POLL = {"host": "api", "method": "GET", "path": EXPORTS + "/"}
DOWNLOAD = {"host": "download", "path": "/exports/"}


@pytest.fixture
def faulty(start, tmp_path):  # noqa: F811
    """faulty([rule, ...]) starts a simulator with that plan; faulty({...}, match) with that one fault."""

    def run(plan, match=None, *args, **rest):
        if isinstance(plan, dict):
            plan = [{"match": match or DOWNLOAD, "fault": plan, **rest}]
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        return start("--fault-plan", tmp_path / "plan.json", *args, log=tmp_path / "log")

    return run


class Raw:
    """One request on a socket of its own, and what came back, byte by byte."""

    def __init__(self, url, method="GET", headers=(), body=b"", timeout=60):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=timeout)
        head = [f"{method} {url.split(parts.netloc, 1)[1]} HTTP/1.1", f"Host: {parts.netloc}", *headers]
        if body:
            head.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        self.bytes, self.end = b"", None

    def read(self, until=None):
        """Reads to the end, which is "fin" or "reset", or until the head and so many bytes of body are there."""
        while until is None or b"\r\n\r\n" not in self.bytes or len(self.body) < until:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                self.end = "reset"
                break
            if not piece:
                self.end = "fin"
                break
            self.bytes += piece
        return self

    def is_quiet(self, seconds=0.2):
        return not select.select([self.socket], [], [], seconds)[0]

    @property
    def head(self):
        return self.bytes.split(b"\r\n\r\n")[0].decode().split("\r\n")

    @property
    def headers(self):
        return [tuple(line.split(": ", 1)) for line in self.head[1:]]

    @property
    def body(self):
        return self.bytes.split(b"\r\n\r\n", 1)[1] if b"\r\n\r\n" in self.bytes else b""

    def values(self, name):
        return [v for k, v in self.headers if k.lower() == name.lower()]


def raw_download(simulator, **more):
    link = simulator.link(simulator.create())
    return Raw(link, **more)


def right_content(simulator):
    """What the faults are measured against: a second download, because the fault fires once."""
    return simulator.download()


# Another answer


def test_a_status_with_all_that_belongs_to_it(faulty):
    simulator = faulty({"status": 503, "headers": {"Retry-After": "7", "X-Extra": "a"}, "body": "{\"a\": 1}", "content_type": "application/json"},
                       {"host": "api", "method": "POST", "path": "/oauth/token"})
    answer = simulator.ask_token()
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (503, b'{"a": 1}', "application/json")
    assert answer.headers["Retry-After"] == "7" and answer.headers["X-Extra"] == "a" and UUID.fullmatch(answer.headers["ININ-Correlation-Id"])
    assert simulator.ask_token().status == 200, "it fires once"
    assert simulator.log()[0]["fault"] == "status,headers,body,content_type" and simulator.log()[0]["rule"] == 1


@pytest.mark.parametrize("status, code", [(400, "bad.request"), (429, "too.many.requests.retry.after"), (500, "internal.server.error"),
                                          (503, "service.unavailable"), (504, "request.timeout")])
def test_a_bare_status_has_the_apis_own_body(faulty, status, code):
    simulator = faulty({"status": status}, {"host": "api", "path": EXPORTS})
    answer = simulator.call(EXPORTS)
    assert answer.status == status and error_of(answer)[0] == code and answer.headers["Retry-After"] is None


def test_a_bare_status_at_the_download_host_has_the_body_of_s3(faulty):
    simulator = faulty({"status": 503})
    link = simulator.link(simulator.create())
    assert s3_error(simulator.send(link)) == (503, "SlowDown")
    assert simulator.send(link).status == 200


def test_a_post_takes_effect_or_not_as_the_plan_says(faulty):
    post = {"host": "api", "method": "POST", "path": EXPORTS}
    simulator = faulty([{"match": post, "fault": {"status": 504}}, {"match": post, "fault": {"status": 504, "acts": True}},
                        {"match": post, "fault": {"close_before_answer": True, "acts": False}},
                        {"match": post, "fault": {"close_before_answer": True}}])
    totals = []
    for _ in range(2):
        assert simulator.call(EXPORTS, "POST", query()).status == 504
        totals.append(json.loads(simulator.call(EXPORTS).body)["total"])
    for _ in range(2):
        body = json.dumps(query()).encode()
        headers = ["Content-Type: application/json", "Authorization: " + simulator.bearer["Authorization"]]
        answer = Raw(simulator.info["api_url"] + EXPORTS, "POST", headers, body).read()
        assert (answer.bytes, answer.end) == (b"", "fin")
        totals.append(json.loads(simulator.call(EXPORTS).body)["total"])
    assert totals == [0, 1, 1, 2]


@pytest.mark.parametrize("status, acts", [(502, False), (200, False), (504, True)])
def test_a_gateways_page(faulty, status, acts):
    simulator = faulty({"html": status, "acts": acts}, {"host": "api", "path": EXPORTS})
    answer = simulator.call(EXPORTS)
    assert answer.status == status and answer.headers["Content-Type"] == "text/html" and answer.headers["ININ-Correlation-Id"] is None
    assert answer.body.startswith(b"<!DOCTYPE html>") and str(status).encode() in answer.body


def test_redirects_know_the_hosts(faulty):
    simulator = faulty([{"match": DOWNLOAD, "fault": {"redirect": "{url}"}}, {"match": DOWNLOAD, "fault": {"redirect": "{api}/x?y", "status": 307}},
                        {"match": DOWNLOAD, "fault": {"redirect": "{download}/z"}}, {"match": DOWNLOAD, "fault": {"redirect": "http://192.0.2.1/{odd}"}}])
    link = simulator.link(simulator.create())
    answers = [simulator.send(link) for _ in range(4)]
    assert [a.status for a in answers] == [302, 307, 302, 302]
    assert [a.headers["Location"] for a in answers] == [link, simulator.info["api_url"] + "/x?y", simulator.info["download_url"] + "/z",
                                                        "http://192.0.2.1/{odd}"]
    assert simulator.send(link).status == 200


def test_a_bomb_is_small_and_opens_to_zeros(faulty):
    simulator = faulty({"bomb": 8})
    answer = simulator.send(simulator.link(simulator.create()))
    assert answer.status == 200 and answer.headers["Content-Encoding"] == "gzip" and answer.headers["Transfer-Encoding"] == "chunked"
    assert len(answer.body) < 60000 and gzip.decompress(answer.body) == bytes(8 << 20)


# The connection


def test_a_connection_that_closes_without_a_byte(faulty):
    simulator = faulty({"close_before_answer": True})
    answer = raw_download(simulator).read()
    assert (answer.bytes, answer.end) == (b"", "fin")
    assert simulator.log()[-1]["status"] is None and simulator.log()[-1]["body_bytes"] == 0


def test_a_kept_connection_that_dies_under_the_second_request(faulty):
    simulator = faulty({"close_before_answer": True}, {"host": "api", "method": "POST", "path": EXPORTS})
    token = "Authorization: " + simulator.bearer["Authorization"]
    connection = Raw(simulator.info["api_url"] + EXPORTS, headers=[token]).read(until=10)
    body = json.dumps(query()).encode()
    connection.socket.sendall(f"POST {EXPORTS} HTTP/1.1\r\nHost: x\r\n{token}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                              .encode() + body)
    before = len(connection.bytes)
    connection.read()
    assert connection.end == "fin" and connection.bytes[before:].count(b"HTTP/1.1") == 0
    assert len({r["connection"] for r in simulator.log()[-2:]}) == 1


def test_a_reset_before_the_answer(faulty):
    answer = raw_download(faulty({"reset": True})).read()
    assert (answer.bytes, answer.end) == (b"", "reset")


@pytest.mark.parametrize("reset, end", [(False, "fin"), (True, "reset")])
@pytest.mark.parametrize("count", [0, 1, 1000, 20000])
def test_a_body_that_is_cut(faulty, count, reset, end):
    simulator = faulty({"truncate_after": count, "reset": reset})
    answer = raw_download(simulator).read()
    whole = right_content(simulator)
    assert answer.end == end and answer.body == whole[:count] and len(whole) > 20000
    assert answer.values("Content-Length") == [str(len(whole))] and answer.head[0] == "HTTP/1.1 200 OK"
    assert [r["body_bytes"] for r in simulator.log() if r["host"] == "download"] == [count, len(whole)]


def test_a_cut_behind_the_end_cuts_nothing(faulty):
    simulator = faulty({"truncate_after": 10**9})
    answer = raw_download(simulator).read()
    assert answer.end == "fin" and answer.body == right_content(simulator) and answer.values("Content-Length") == [str(len(answer.body))]


@pytest.mark.parametrize("difference", [5, -5, -10**9])
def test_a_length_that_is_wrong(faulty, difference):
    simulator = faulty({"wrong_length": difference})
    answer = raw_download(simulator).read()
    assert answer.end == "fin" and answer.body == right_content(simulator)
    assert answer.values("Content-Length") == [str(max(0, len(answer.body) + difference))]


def test_two_lengths(faulty):
    answer = raw_download(faulty({"duplicate_length": 3})).read()
    assert answer.values("Content-Length") == [str(len(answer.body)), "3"]


def test_a_body_without_length(faulty):
    simulator = faulty([{"match": DOWNLOAD, "fault": {"no_length": True}}, {"match": DOWNLOAD, "fault": {"no_length": True, "truncate_after": 77}}])
    answer, cut = raw_download(simulator).read(), raw_download(simulator).read()
    whole = right_content(simulator)
    assert answer.values("Content-Length") == answer.values("Transfer-Encoding") == [] and answer.values("Connection") == ["close"]
    assert (answer.body, answer.end) == (whole, "fin") and (cut.body, cut.end) == (whole[:77], "fin")


def dechunk(body):
    """The content of a chunked body, and whether it ended as it must."""
    content = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            return content, rest == b"\r\n"
        content += rest[:size]
        if rest[size:size + 2] != b"\r\n":
            return content, False
        body = rest[size + 2:]
    return content, False


def test_a_chunked_body_whole_and_cut(faulty):
    simulator = faulty([{"match": DOWNLOAD, "fault": {"chunked": True}}, {"match": DOWNLOAD, "fault": {"chunked": True, "truncate_after": 1000}}])
    answer, cut = raw_download(simulator).read(), raw_download(simulator).read()
    whole = right_content(simulator)
    assert answer.values("Transfer-Encoding") == ["chunked"] and answer.values("Content-Length") == []
    assert dechunk(answer.body) == (whole, True)
    assert dechunk(cut.body) == (whole[:1000], False) and cut.end == "fin"


def test_a_body_in_slices(faulty):
    simulator = faulty([{"match": DOWNLOAD, "fault": {"slice": 1, "slice_ms": 2, "truncate_after": 100}}, {"match": DOWNLOAD, "fault": {"slice": 3}}])
    start_s = time.monotonic()
    trickle = raw_download(simulator).read()
    assert time.monotonic() - start_s >= 0.2, "a hundred waits of 2 ms"
    sliced = raw_download(simulator).read()
    whole = right_content(simulator)
    assert trickle.body == whole[:100] and (sliced.body, sliced.end) == (whole, "fin")


# Waiting


def test_a_stall_before_the_answer(faulty):
    simulator = faulty({"stall_ms": 3600000})
    answer = raw_download(simulator)
    assert answer.is_quiet() and simulator.log()[-1]["fault"] == "stall_ms" and simulator.log()[-1]["status"] == 200
    simulator.stop()
    assert answer.read().bytes == b"" and answer.end == "fin"


def test_a_short_stall_is_followed_by_the_answer(faulty):
    simulator = faulty({"stall_ms": 50})
    start_s = time.monotonic()
    answer = simulator.send(simulator.link(simulator.create()))
    assert time.monotonic() - start_s >= 0.05 and answer.body == right_content(simulator)


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_a_stall_in_the_body(faulty, count):
    simulator = faulty({"stall_after": count, "stall_ms": 3600000})
    answer = raw_download(simulator)
    assert answer.read(until=count).is_quiet()
    simulator.stop(signal.SIGINT)
    answer.read()
    assert len(answer.body) == count and answer.end == "fin" and answer.head[0] == "HTTP/1.1 200 OK"


def test_a_stall_in_the_body_that_ends(faulty):
    simulator = faulty([{"match": DOWNLOAD, "fault": {"stall_after": 100, "stall_ms": 30}},
                        {"match": DOWNLOAD, "fault": {"stall_after": 100, "stall_ms": 30, "reset": True}}])
    whole, cut = raw_download(simulator).read(), raw_download(simulator).read()
    right = right_content(simulator)
    assert (whole.body, whole.end) == (right, "fin") and (cut.body, cut.end) == (right[:100], "reset")


def test_a_stall_in_the_head(faulty):
    simulator = faulty({"stall_in_head": True, "stall_ms": 3600000})
    answer = raw_download(simulator)
    first = answer.socket.recv(65536)
    assert first.startswith(b"HTTP/1.1 200 OK\r\n") and b"\r\n\r\n" not in first and answer.is_quiet()
    simulator.stop()


def test_stalls_do_not_hold_up_others(faulty):
    simulator = faulty({"stall_ms": 3600000}, DOWNLOAD, times=-1)
    link = simulator.link(simulator.create())
    stalled = [Raw(link) for _ in range(60)]
    assert simulator.call(EXPORTS).status == 200
    deadline = time.monotonic() + 30
    while sum(r["host"] == "download" for r in simulator.log()) < 60 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sum(r["host"] == "download" for r in simulator.log()) == 60 and all(s.is_quiet(0) for s in stalled)
    simulator.stop()


# Heads


def test_big_headers(faulty):
    simulator = faulty({"big_headers": 300 * 1024})
    answer = raw_download(simulator).read()
    padding = [v for k, v in answer.headers if k.startswith("X-Padding-")]
    assert sum(map(len, padding)) == 300 * 1024 and max(map(len, padding)) <= 1000 and answer.body == right_content(simulator)


def test_informational_answers_first(faulty):
    simulator = faulty({"informational": 50})
    answer = raw_download(simulator).read()
    parts = answer.bytes.split(b"\r\n\r\n", 51)
    assert parts[:50] == [b"HTTP/1.1 103 Early Hints"] * 50 and parts[50].startswith(b"HTTP/1.1 200 OK\r\n")
    assert parts[51] == right_content(simulator)


# Content


@pytest.mark.parametrize("args", [[], ["--gzip"], ["--gzip=file"]])
@pytest.mark.parametrize("cut", [1, 8, 9, 40, 5000])
def test_a_gzip_that_is_cut_inside_a_right_frame(faulty, args, cut):
    simulator = faulty({"gzip_cut": cut}, DOWNLOAD, *args)
    answer = simulator.send(simulator.link(simulator.create()))
    assert answer.headers["Content-Encoding"] == (None if "--gzip=file" in args else "gzip") and int(answer.headers["Content-Length"]) == len(answer.body)
    reader = zlib.decompressobj(31)
    plain = reader.decompress(answer.body)
    whole = simulator.download()
    whole = gzip.decompress(whole) if args else whole
    assert not reader.eof and whole.startswith(plain)
    assert plain == whole if cut <= 8 else cut == 9 or plain != whole, "the last eight bytes are the checksum and the length"


def test_a_gzip_that_is_cut_to_nothing(faulty):
    simulator = faulty({"gzip_cut": 10**12})
    answer = simulator.send(simulator.link(simulator.create()))
    assert (answer.status, answer.body, answer.headers["Content-Encoding"]) == (200, b"", "gzip")


def test_a_gzip_with_a_wrong_checksum(faulty):
    simulator = faulty({"corrupt_gzip": True})
    answer = simulator.send(simulator.link(simulator.create()))
    plain = zlib.decompressobj(-15).decompress(answer.body[10:])
    assert plain == right_content(simulator)
    crc, size = struct.unpack("<II", answer.body[-8:])
    assert crc != zlib.crc32(plain) and size == len(plain)
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(answer.body)


# State


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_export_that_ends_badly(faulty, status):
    simulator = faulty({"export_status": status, "message": "Too many rows"}, POLL)
    for export_id, states in ((simulator.create(), [status, status]), (simulator.create(), ["completed"])):
        for state in states:
            body = json.loads(simulator.call(f"{EXPORTS}/{export_id}").body)
            assert (body["status"], body.get("message")) == (state, "Too many rows" if state == status else None)
            assert (body["downloadUrl"] is None) == (state == status)


def test_an_export_that_is_bound_to_fail_from_its_creation(faulty):
    simulator = faulty({"export_status": "failed"}, {"host": "api", "method": "POST", "path": EXPORTS}, "--ready-after", "0.3")
    created = json.loads(simulator.call(EXPORTS, "POST", query()).body)
    assert created["status"] == "inProgress" and "message" not in created
    states = []
    while not states or states[-1] == "inProgress":
        body = json.loads(simulator.call(f"{EXPORTS}/{created['id']}").body)
        states.append(body["status"])
        time.sleep(0.02)
    assert states[-1] == "failed" and body["message"]


def test_a_link_that_expires_is_replaced_by_a_fresh_one(faulty):
    simulator = faulty({"expire_link": True})
    export_id = simulator.create()
    link = simulator.link(export_id)
    for _ in range(2):
        answer = simulator.send(link)
        assert s3_error(answer) == (403, "AccessDenied") and b"Request has expired" in answer.body
    assert simulator.send(simulator.link(export_id)).status == 200


def test_a_token_that_expires_is_replaced_by_a_fresh_one(faulty):
    simulator = faulty({"expire_token": True}, POLL)
    export_id = simulator.create()
    for _ in range(2):
        answer = simulator.call(f"{EXPORTS}/{export_id}")
        assert answer.status == 401 and error_of(answer)[0] == "credentials.expired"
    fresh = json.loads(simulator.ask_token().body)["access_token"]
    assert simulator.send(f"{EXPORTS}/{export_id}", headers={"Authorization": "Bearer " + fresh}).status == 200
    assert [r["token"] for r in simulator.log() if r["path"] != "/oauth/token"] == [1, 1, 1, 2]


# Which request


def test_rules_count_what_they_match(faulty):
    simulator = faulty([{"match": {"host": "api", "method": "GET", "path": "/api/*/tokens/m?"}, "skip": 1, "times": 2, "fault": {"status": 503}},
                        {"match": {"method": "GET"}, "skip": 2, "times": -1, "fault": {"status": 500}}])
    path = "/api/v2/tokens/me"
    assert [simulator.call(path).status for _ in range(7)] == [200, 503, 503, 200, 500, 500, 500]
    assert simulator.call(path, "HEAD").status == 200 and simulator.call("/api/v2/tokens/you").status == 500
    assert simulator.send(simulator.info["download_url"] + "/x").status == 500
    assert [r["rule"] for r in simulator.log() if r["method"] == "GET"] == [None, 1, 1, None, 2, 2, 2, 2, 2]


def test_a_rule_without_match_takes_every_request(faulty):
    simulator = faulty([{"times": 2, "fault": {"status": 503}}])
    assert [simulator.ask_token().status, simulator.send(simulator.info["download_url"] + "/").status, simulator.ask_token().status] == [503, 503, 200]


def test_a_fault_of_one_host_waits_for_that_host(faulty):
    simulator = faulty([{"fault": {"expire_link": True}}, {"fault": {"export_status": "cancelled"}, "match": {"path": EXPORTS + "/"}}])
    first, second = simulator.create(), simulator.create()
    assert json.loads(simulator.call(f"{EXPORTS}/{first}").body)["status"] == "cancelled"
    assert [simulator.send(simulator.link(second)).status for _ in range(2)] == [403, 200]


def test_a_path_without_a_pattern_is_a_prefix(faulty):
    simulator = faulty({"status": 500}, {"path": EXPORTS}, times=-1)
    assert simulator.call(EXPORTS + "/abc").status == 500 and simulator.call("/api/v2/tokens/me").status == 200


@pytest.mark.parametrize("plan, says", [
    ("[{]", "line 1, column 3"), ("[\n{\"fault\": {\"reset\": true}},\n{\"fault\" {}}]", "line 3"), ("{}", "must be a list of rules"),
    ("[1]", "rule 1: 'rule' must be an object"), ("[{}]", "rule 1: 'fault' must be an object"), ('[{"fault": {}}]', "'fault' must be"),
    ('[{"fault": {"reset": true}}, {"fault": {"truncate_aftr": 3}}]', "rule 2: 'truncate_aftr' is not known\ndid you mean 'truncate_after'?"),
    ('[{"fault": {"reset": true}, "time": 3}]', "did you mean 'times'?"), ('[{"fault": {"reset": true}, "times": 0}]', "'times' must be 1 or more"),
    ('[{"fault": {"reset": true}, "skip": -1}]', "'skip' is out of range"), ('[{"fault": {"reset": 1}}]', "'reset' must be true or false"),
    ('[{"fault": {"status": 42}}]', "'status' is out of range"), ('[{"fault": {"status": "503"}}]', "'status' must be a whole number"),
    ('[{"fault": {"truncate_after": 1.5}}]', "whole number"), ('[{"match": {"host": "apis"}, "fault": {"reset": true}}]', "'host' must be"),
    ('[{"match": {"pth": "/"}, "fault": {"reset": true}}]', "did you mean 'path'?"), ('[{"match": {"path": 3}, "fault": {"reset": true}}]', "'path' must be a text"),
    ('[{"fault": {"status": 500, "headers": {"a": 1}}}]', "'a' must be a text"), ('[{"fault": {"headers": {}}}]', "'status' is missing"),
    ('[{"fault": {"body": "x"}}]', "'status' is missing"), ('[{"fault": {"stall_after": 3}}]', "'stall_ms' is missing"),
    ('[{"fault": {"slice_ms": 3}}]', "'slice' is missing"), ('[{"match": {"host": "api"}, "fault": {"bomb": 3}}]', "the host 'download' only"),
    ('[{"fault": {"expire_link": true, "expire_token": true}}]', "the host 'download' only"),
    ('[{"match": {"host": "download"}, "fault": {"expire_token": true}}]', "the host 'api' only"), ('[{"match": {"host": "api"}, "fault": {"message": "x"}}]', "needs 'export_status'"),
    ('[{"match": {"host": "api"}, "fault": {"export_status": "lost"}}]', "'failed' or 'cancelled'"),
    ('[{"fault": {"no_length": true, "chunked": true}}]', "more than one of"), ('[{"fault": {"html": 502, "status": 502}}]', "more than one answer"),
    ('[{"fault": {"truncate_after": 1, "acts": false}}]', "'acts' can be false only"), ('[{"fault": {"reset": true, "reset": true}}]', "duplicate"),
])
def test_a_plan_that_means_nothing_is_refused_at_the_start(tmp_path, plan, says):
    (tmp_path / "plan.json").write_text(plan)
    code, text = run_and_fail("--fault-plan", tmp_path / "plan.json")
    assert code == 78 and says in text and "plan.json" in text
