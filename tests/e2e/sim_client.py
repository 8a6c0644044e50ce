"""A client of the simulator made of Python's standard library alone: it shares nothing with what it judges."""
import base64
import collections
import csv
import http.client
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.parse

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("QL_BUILD_DIR", ROOT / "build/dev")) / "queuelake-sim"
EXPORTS = "/api/v2/analytics/conversations/exports"
METRICS = ["callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
Answer = collections.namedtuple("Answer", "status headers body")


def query(start="2024-01-01T00:00:00.000Z", end="2024-01-02T00:00:00.000Z", metrics=METRICS, **more):
    return {"query": {"dateRange": {"startDate": start, "endDate": end}, "groupBy": ["queue", "timeInterval"], "metrics": metrics, **more},
            "type": "summary", "groupBy": ["queue", "timeInterval"]}


class Simulator:
    def __init__(self, *args, log=None):
        self.log_path = log
        args = [*map(str, args), *(["--log", str(log)] if log else [])]
        self.process = subprocess.Popen([str(BINARY), "--port", "0", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read().decode()
        self.info = json.loads(line)

    def stop(self, how=signal.SIGTERM):
        """Ends the program as a user would; what is left on its standard output, and a sanitizer's report, fail the test."""
        if self.process.returncode is None:
            self.process.send_signal(how)
            out, err = self.process.communicate(timeout=30)
            assert (self.process.returncode, out, err) == (0, b"", b"")

    def send(self, url, method="GET", body=None, headers=None):
        if url.startswith("/"):
            url = self.info["api_url"] + url
        parts = urllib.parse.urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        connection.request(method, parts.path + ("?" + parts.query if parts.query else ""), body, headers or {})
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def ask_token(self, client_id=None, secret=None, body="grant_type=client_credentials", content_type="application/x-www-form-urlencoded"):
        pair = f"{client_id or self.info['client_id']}:{secret or self.info['client_secret']}"
        return self.send("/oauth/token", "POST", body, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
                                                        "Content-Type": content_type})

    @property
    def bearer(self):
        if not hasattr(self, "_bearer"):
            self._bearer = {"Authorization": "Bearer " + json.loads(self.ask_token().body)["access_token"]}
        return self._bearer

    def call(self, path, method="GET", json_body=None, headers=None):
        body = None if json_body is None else json.dumps(json_body)
        more = {} if body is None else {"Content-Type": "application/json"}
        return self.send(path, method, body, {**self.bearer, **more, **(headers or {})})

    def create(self, **changes):
        answer = self.call(EXPORTS, "POST", query(**changes))
        assert answer.status == 202, answer.body
        return json.loads(answer.body)["id"]

    def link(self, export_id):
        body = json.loads(self.call(f"{EXPORTS}/{export_id}").body)
        assert body["status"] == "completed"
        return body["downloadUrl"]

    def download(self, **changes):
        answer = self.send(self.link(self.create(**changes)))
        assert answer.status == 200
        return answer.body

    def rows(self, **changes):
        return list(csv.DictReader(io.StringIO(self.download(**changes).decode(), newline="")))

    def log(self):
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]


@pytest.fixture
def start():
    running = []

    def run(*args, **more):
        running.append(Simulator(*args, **more))
        return running[-1]

    yield run
    for simulator in running:
        simulator.stop()


def run_and_fail(*args):
    done = subprocess.run([str(BINARY), *map(str, args)], capture_output=True, timeout=30)
    assert done.stdout == b""
    return done.returncode, done.stderr.decode()


def error_of(answer):
    body = json.loads(answer.body)
    assert body["status"] == answer.status and body["contextId"] == answer.headers["ININ-Correlation-Id"]
    assert answer.headers["Content-Type"] == "application/json"
    return body["code"], body["message"]


def s3_error(answer):
    assert answer.headers["Content-Type"] == "application/xml" and answer.headers["x-amz-request-id"].encode() in answer.body
    return answer.status, re.search(rb"<Code>(\w+)</Code>", answer.body)[1].decode()
