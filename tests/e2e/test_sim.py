"""The simulator from outside, with nothing but Python's standard library: what it answers, what its data are like, what its log says."""
import base64
import collections
import concurrent.futures
import datetime as dt
import gzip
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest

from sim_client import BINARY, EXPORTS, METRICS, ROOT, UUID, error_of, query, run_and_fail, s3_error, start  # noqa: F401


# Start and end


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_one_line_says_where_it_listens_and_a_signal_ends_it(start, how):
    simulator = start()
    assert sorted(simulator.info) == ["api_url", "client_id", "client_secret", "download_url", "login_url"]
    assert simulator.info["login_url"] == simulator.info["api_url"] != simulator.info["download_url"]
    for name in ("api_url", "download_url"):
        url = urllib.parse.urlsplit(simulator.info[name])
        assert url.scheme == "http" and url.hostname == "127.0.0.1"
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    simulator.stop(how)


def test_a_port_that_is_taken_is_an_error(start):
    port = urllib.parse.urlsplit(start().info["api_url"]).port
    code, text = run_and_fail("--port", port)
    assert code == 71 and f"port {port}" in text and "in use" in text


@pytest.mark.parametrize("args, says", [
    (["--rate-limt", "3"], "did you mean '--rate-limit'"), (["--port", "65536"], "--port '65536'"), (["--port"], "'--port'"),
    (["--ready-after", "-1"], "--ready-after '-1'"), (["--ready-after", "1.2345"], "three decimals"), (["--ready-after", "1."], "1."),
    (["--queues", "x"], "--queues 'x'"), (["--gzip=zip"], "'encoding' or 'file'"), (["extra"], "'extra'"), (["--rate-limit", "0"], "'0'"),
])
def test_wrong_options_are_named(args, says):
    code, text = run_and_fail(*args)
    assert code == 64 and says in text


def test_files_that_are_not_there_are_named(tmp_path):
    for option, code in (("--csv", 66), ("--fault-plan", 66)):
        got, text = run_and_fail(option, tmp_path / "absent")
        assert got == code and "absent" in text
    assert run_and_fail("--log", tmp_path / "absent/log")[0] == 73


def test_help_names_every_option():
    done = subprocess.run([str(BINARY), "--help"], capture_output=True, timeout=30)
    assert done.returncode == 0 and done.stderr == b""
    names = set(re.findall(r'\{"([a-z-]+)", [A-Z]+, MEMBER', (ROOT / "sim/sim_options.c").read_text()))
    assert len(names) >= 19
    for name in names - {"help"}:
        assert f"--{name}" in done.stdout.decode(), name


# Login


def test_a_token_is_issued_for_the_right_credentials(start):
    simulator = start("--token-life", "4321")
    answer = simulator.ask_token()
    body = json.loads(answer.body)
    assert answer.status == 200 and UUID.fullmatch(answer.headers["ININ-Correlation-Id"])
    assert sorted(body) == ["access_token", "expires_in", "token_type"]
    assert body["token_type"] == "bearer" and body["expires_in"] == 4321 and re.fullmatch(r"[\w-]{64}", body["access_token"])
    assert json.loads(simulator.ask_token().body)["access_token"] != body["access_token"]


def test_credentials_can_be_chosen(start):
    simulator = start("--client-id", "my-id", "--client-secret", "my:secret")
    assert simulator.info["client_id"] == "my-id" and simulator.info["client_secret"] == "my:secret"
    assert simulator.ask_token().status == 200


@pytest.mark.parametrize("wrong, error, description", [
    ({"client_id": "nobody"}, "invalid_client", "client not found"),
    ({"secret": "wrong"}, "invalid_client", "authentication failed"),
    ({"body": "grant_type=password"}, "unsupported_grant_type", "grant type is not supported"),
    ({"body": ""}, "invalid_request", "grant_type is missing"),
    ({"content_type": "application/json"}, "invalid_request", "content type must be application/x-www-form-urlencoded"),
])
def test_login_says_what_is_wrong(start, wrong, error, description):
    answer = start().ask_token(**wrong)
    assert answer.status == 400
    assert json.loads(answer.body) == {"error": error, "description": description, "error_description": description}


@pytest.mark.parametrize("authorization", [None, "Basic", "Basic !!!!", "Basic YQ", "Bearer abc"])
def test_login_without_readable_credentials_finds_no_client(start, authorization):
    headers = {"Content-Type": "application/x-www-form-urlencoded", **({"Authorization": authorization} if authorization else {})}
    answer = start().send("/oauth/token", "POST", "grant_type=client_credentials", headers)
    assert answer.status == 400 and json.loads(answer.body)["description"] == "client not found"


def test_a_disabled_client_gets_no_token(start):
    simulator = start("--disabled-client")
    assert json.loads(simulator.ask_token().body)["description"] == "client is disabled"
    assert json.loads(simulator.ask_token(secret="wrong").body)["description"] == "authentication failed"


# Tokens, permissions, paths


def test_tokens_me_describes_the_token(start):
    simulator = start()
    body = json.loads(simulator.call("/api/v2/tokens/me").body)
    assert body["OAuthClient"]["id"] == simulator.info["client_id"] and UUID.fullmatch(body["organization"]["id"])
    assert "authorizedScope" not in body
    head = simulator.call("/api/v2/tokens/me", "HEAD")
    assert head.status == 200 and head.body == b"" and int(head.headers["Content-Length"]) > 100


def test_scopes_are_stated_where_they_are_set(start):
    simulator = start("--scopes", "analytics:export:read, analytics:export:write")
    assert json.loads(simulator.ask_token().body)["scope"] == "analytics:export:read analytics:export:write"
    assert json.loads(simulator.call("/api/v2/tokens/me").body)["authorizedScope"] == ["analytics:export:read", "analytics:export:write"]


def test_requests_without_a_good_token_are_refused(start):
    simulator = start()
    for headers, code in (({}, "authentication.required"), ({"Authorization": "Basic abc"}, "authentication.required"),
                          ({"Authorization": "Bearer abc"}, "bad.credentials")):
        answer = simulator.send("/api/v2/tokens/me", headers=headers)
        assert answer.status == 401 and error_of(answer)[0] == code
    assert simulator.call("/api/v2/tokens/me").status == 200
    assert simulator.call("/api/v2/tokens/me", "DELETE").status == 200
    answer = simulator.call("/api/v2/tokens/me")
    assert answer.status == 401 and error_of(answer)[0] == "credentials.expired"


def test_a_token_expires(start):
    simulator = start("--token-life", 0)
    answer = simulator.call(EXPORTS)
    assert answer.status == 401
    assert error_of(answer) == ("credentials.expired", "The supplied credentials are expired and cannot be used.")


def test_a_missing_permission_is_named(start):
    simulator = start("--permissions", "analytics:dataExport:view, routing:queue:view")
    assert simulator.call(EXPORTS).status == 200
    answer = simulator.call(EXPORTS, "POST", query())
    body = json.loads(answer.body)
    assert answer.status == 403 and body["code"] == "missing.permissions"
    assert body["message"] == ("Unable to perform the requested action. You are missing the following permission(s): "
                               "analytics:dataExport:add")
    assert body["messageWithParams"].replace("{permissions}", body["messageParams"]["permissions"]) == body["message"]
    assert start("--permissions", "").call(EXPORTS).status == 403


def test_paths_and_methods_that_do_not_exist(start):
    simulator = start()
    for path in ("/", "/oauth", "/api/v2/analytics/conversations/export", EXPORTS + "/a/b", EXPORTS + "/", "/oauth/token/"):
        answer = simulator.send(path)
        assert answer.status == 404 and error_of(answer) == ("not.found", "The requested resource was not found."), path
    for path, allowed in (("/oauth/token", "POST"), (EXPORTS, "POST, GET"), (EXPORTS + "/x", "GET")):
        answer = simulator.send(path, "PUT", "")
        assert answer.status == 405 and answer.headers["Allow"] == allowed and error_of(answer)[0] == "method.not.allowed"


# Exports


def test_an_export_is_in_progress_until_it_is_ready(start):
    simulator = start("--ready-after", 3600)
    answer = simulator.call(EXPORTS, "POST", query())
    body = json.loads(answer.body)
    assert answer.status == 202 and UUID.fullmatch(body["id"])
    assert body["status"] == "inProgress" and body["downloadUrl"] is None
    created = dt.datetime.fromisoformat(body["createdDate"])
    assert body["createdDate"].endswith("Z") and abs((dt.datetime.now(dt.timezone.utc) - created).total_seconds()) < 60
    polled = json.loads(simulator.call(f"{EXPORTS}/{body['id']}").body)
    assert polled["status"] == "inProgress" and polled["downloadUrl"] is None and polled["createdDate"] == body["createdDate"]


def test_an_export_completes(start):
    simulator = start("--ready-after", "0.3")
    export_id = simulator.create()
    states = []
    while not states or states[-1] != "completed":
        states.append(json.loads(simulator.call(f"{EXPORTS}/{export_id}").body)["status"])
        time.sleep(0.02)
    assert set(states) <= {"inProgress", "completed"}
    body = json.loads(simulator.call(f"{EXPORTS}/{export_id}").body)
    taken = dt.datetime.fromisoformat(body["completedDate"]) - dt.datetime.fromisoformat(body["createdDate"])
    assert taken == dt.timedelta(seconds=0.3)


def test_ids_follow_from_the_seed(start):
    first, second, other = start("--seed", 5), start("--seed", 5), start("--seed", 6)
    ids = [[simulator.create() for _ in range(3)] for simulator in (first, second, other)]
    assert ids[0] == ids[1] and len(set(ids[0] + ids[2])) == 6


def test_exports_are_listed_in_pages(start):
    simulator = start()
    ids = [simulator.create() for _ in range(5)]
    body = json.loads(simulator.call(EXPORTS + "?pageSize=2&pageNumber=2").body)
    assert [e["id"] for e in body["entities"]] == ids[::-1][2:4]
    assert (body["pageSize"], body["pageNumber"], body["total"], body["pageCount"]) == (2, 2, 5, 3)
    seen, path = [], EXPORTS + "?pageSize=2"
    while path:
        body = json.loads(simulator.call(path).body)
        seen += [e["id"] for e in body["entities"]]
        path = body.get("nextUri")
    assert seen == ids[::-1] and body["selfUri"] == body["lastUri"]
    assert len(json.loads(simulator.call(EXPORTS).body)["entities"]) == 5
    for wrong in ("pageSize=0", "pageSize=501", "pageNumber=x", "pageNumber=0"):
        answer = simulator.call(f"{EXPORTS}?{wrong}")
        assert answer.status == 400 and error_of(answer)[0] == "invalid.value"


def test_an_unknown_export_is_not_found(start):
    answer = start().call(EXPORTS + "/00000000-0000-4000-8000-000000000000")
    assert answer.status == 404 and error_of(answer)[0] == "not.found"


def without(*path):
    body = query()
    target = body
    for name in path[:-1]:
        target = target[name]
    del target[path[-1]]
    return body


@pytest.mark.parametrize("body, code, field", [
    (without("query"), "constraint.validation", "query"),
    (without("query", "dateRange"), "constraint.validation", "query.dateRange"),
    (without("query", "dateRange", "startDate"), "constraint.validation", "query.dateRange.startDate"),
    (without("query", "groupBy"), "constraint.validation", "query.groupBy"),
    (without("query", "metrics"), "constraint.validation", "query.metrics"),
    (without("type"), "constraint.validation", "type"),
    (without("groupBy"), "constraint.validation", "groupBy"),
    (query(start="yesterday"), "invalid.date", "query.dateRange.startDate"),
    (query(start="2024-02-30T00:00:00.000Z"), "invalid.date", "query.dateRange.startDate"),
    (query(start="2023-02-29"), "invalid.date", "query.dateRange.startDate"),
    (query(end="2024-01-02T00:00:00.000"), "invalid.date", "query.dateRange.endDate"),
    (query(end="2024-01-02T24:00:00Z"), "invalid.date", "query.dateRange.endDate"),
    (query(end="2024-01-02 00:00:00Z"), "invalid.date", "query.dateRange.endDate"),
    (query(end="2024-01-01T00:00:00.000Z"), "bad.request", "query.dateRange"),
    (query(metrics=[]), "constraint.validation", "query.metrics"),
    (query(metrics=["callsOffered", "nOffered"]), "invalid.value", "query.metrics"),
    (query(metrics=["callsOffered", "callsOffered"]), "constraint.validation", "query.metrics"),
    (query(granularity="PT20M"), "invalid.value", "query.granularity"),
    (query(granularity="PT0M"), "invalid.value", "query.granularity"),
    (query(granularity="30m"), "invalid.value", "query.granularity"),
    (query(granularity="P1DT"), "invalid.value", "query.granularity"),
    (query(granularity="PT30M1H"), "invalid.value", "query.granularity"),
    ({**query(), "type": "detail"}, "invalid.value", "type"),
    ({**query(), "groupBy": ["queue"]}, "bad.request", "groupBy"),
    ({**query(), "groupBy": ["queue", "user"]}, "invalid.value", "groupBy"),
])
def test_a_wrong_query_is_refused_with_its_field(start, body, code, field):
    simulator = start()
    answer = simulator.call(EXPORTS, "POST", body)
    assert answer.status == 400 and error_of(answer)[0] == code
    assert [d["fieldName"] for d in json.loads(answer.body)["details"]] == [field]
    assert json.loads(simulator.call(EXPORTS).body)["total"] == 0


def test_an_invalid_value_comes_with_what_is_allowed(start):
    message = error_of(start().call(EXPORTS, "POST", query(metrics=["nope"])))[1]
    assert message.startswith("Value [nope] is not valid for field type [query.metrics]. Allowable values are: ")
    assert all(metric in message for metric in METRICS)


def test_bodies_that_are_not_json_are_refused(start):
    simulator = start()
    for body, content_type, status, code in (
            ("{", "application/json", 400, "bad.request"), ("[]", "application/json", 400, "bad.request"),
            ('{"a":1,"a":2}', "application/json", 400, "bad.request"), ("", "application/json", 400, "bad.request"),
            (json.dumps(query()), "text/plain", 415, "unsupported.media.type"),
            (json.dumps(query()), "application/json; charset=utf-8", 202, None),
            (" " * 512001, "application/json", 413, "request.entity.too.large")):
        answer = simulator.send(EXPORTS, "POST", body, {**simulator.bearer, "Content-Type": content_type})
        assert answer.status == status
        assert code is None or error_of(answer)[0] == code
    answer = simulator.send(EXPORTS, "POST", json.dumps(query()), simulator.bearer)
    assert answer.status == 415


# Rate limit


def test_the_rate_limit_counts_and_refuses(start):
    simulator = start("--rate-limit", 3)
    for count in (1, 2, 3):
        headers = simulator.call(EXPORTS).headers
        assert (headers["inin-ratelimit-count"], headers["inin-ratelimit-allowed"]) == (str(count), "3")
        assert 1 <= int(headers["inin-ratelimit-reset"]) <= 60
    for _ in range(2):
        answer = simulator.call(EXPORTS)
        assert answer.status == 429 and answer.headers["inin-ratelimit-count"] == "3"
        wait = answer.headers["Retry-After"]
        assert 1 <= int(wait) <= 60 and wait == answer.headers["inin-ratelimit-reset"]
        assert error_of(answer) == ("too.many.requests.retry.after",
                                    f"Rate limit exceeded the maximum. Retry the request in [{wait}] seconds")
    assert simulator.call(EXPORTS, "POST", query()).status == 429
    assert simulator.ask_token().status == 200, "the login host has a limit of its own"
    assert simulator.send(EXPORTS).status == 401, "who has no token does not use up the client's requests"


def test_the_rate_limit_ends_with_its_window(start):
    simulator = start("--rate-limit", 1, "--rate-window", "0.4")
    statuses = []
    deadline = time.monotonic() + 30
    while statuses.count(200) < 2 and time.monotonic() < deadline:
        statuses.append(simulator.call(EXPORTS).status)
        time.sleep(0.01)
    assert statuses[0] == 200 and 429 in statuses and statuses[-1] == 200


# Download host


def test_a_signed_link_gives_the_file(start):
    simulator = start()
    export_id = simulator.create()
    first, second = simulator.link(export_id), simulator.link(export_id)
    assert first != second and first.startswith(simulator.info["download_url"] + "/exports/" + export_id)
    answers = [simulator.send(link) for link in (first, second, first)]
    assert {a.status for a in answers} == {200} and len({a.body for a in answers}) == 1
    assert answers[0].headers["Content-Type"] == "text/csv" and int(answers[0].headers["Content-Length"]) == len(answers[0].body)


def test_a_bearer_token_at_the_download_host_is_refused(start):
    simulator = start()
    link = simulator.link(simulator.create())
    answer = simulator.send(link, headers=simulator.bearer)
    assert s3_error(answer) == (400, "InvalidArgument") and b"Only one auth mechanism allowed" in answer.body
    answer = simulator.send(link.split("?")[0], headers=simulator.bearer)
    assert s3_error(answer) == (400, "InvalidArgument") and b"Unsupported Authorization Type" in answer.body
    assert s3_error(simulator.send(link.split("?")[0])) == (403, "AccessDenied")


def test_an_altered_link_is_refused(start):
    simulator = start()
    first, second = simulator.create(), simulator.create()
    link = simulator.link(first)
    base, text = link.split("?")
    pairs = urllib.parse.parse_qsl(text)
    assert [name for name, _ in pairs] == ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Security-Token",
                                           "X-Amz-SignedHeaders", "X-Amz-Signature"]

    def send(changed, path=base, method="GET"):
        return simulator.send(path + "?" + urllib.parse.urlencode(changed), method)

    for i, (name, value) in enumerate(pairs):
        if name == "X-Amz-Date":
            other = "20991231T235959Z"
        elif name == "X-Amz-Expires":
            other = "604800"
        else:
            other = value[:-1] + ("0" if value[-1] != "0" else "1")
        assert s3_error(send([*pairs[:i], (name, other), *pairs[i + 1:]])) == (403, "SignatureDoesNotMatch"), name
        if name != "X-Amz-Security-Token":
            assert s3_error(send([*pairs[:i], *pairs[i + 1:]])) == (400, "AuthorizationQueryParametersError"), name
    assert s3_error(send([*pairs, ("x", "y")])) == (403, "SignatureDoesNotMatch")
    assert s3_error(send([p for p in pairs if p[0] != "X-Amz-Security-Token"])) == (403, "SignatureDoesNotMatch")
    assert s3_error(send(pairs, base.replace(first, second))) == (403, "SignatureDoesNotMatch")
    assert send(pairs, method="HEAD").status == 403, "the method is signed as well"
    assert s3_error(send(pairs, method="PUT")) == (405, "MethodNotAllowed")
    assert send(pairs[::-1]).status == 200, "order means nothing"
    assert simulator.send(link.replace("%2F", "%2f")).status == 200, "nor does the spelling of an escape"
    assert simulator.send(link).status == 200


def test_a_link_expires(start):
    simulator = start("--link-life", 0)
    link = simulator.link(simulator.create())
    deadline = time.monotonic() + 30
    while simulator.send(link).status == 200 and time.monotonic() < deadline:  # its date is a whole second
        time.sleep(0.05)
    answer = simulator.send(link)
    assert s3_error(answer) == (403, "AccessDenied")
    assert b"<Message>Request has expired</Message><X-Amz-Expires>0</X-Amz-Expires><Expires>" in answer.body


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", os.urandom(300000)], ids=["empty", "two lines", "random"])
def test_a_users_file_is_served_as_it_is(start, tmp_path, content):
    (tmp_path / "mine.csv").write_bytes(content)
    simulator = start("--csv", tmp_path / "mine.csv")
    assert simulator.download() == content
    (tmp_path / "mine.csv").write_bytes(content + b"more")
    assert simulator.download() == content + b"more"


@pytest.mark.parametrize("option, encoding, suffix, content_type", [
    ("--gzip", "gzip", ".csv", "text/csv"), ("--gzip=encoding", "gzip", ".csv", "text/csv"), ("--gzip=file", None, ".csv.gz", "application/gzip")])
def test_downloads_can_be_compressed(start, option, encoding, suffix, content_type):
    plain, packed = start(), start(option)
    answer = packed.send(link := packed.link(packed.create()))
    assert urllib.parse.urlsplit(link).path.endswith(suffix) and answer.headers["Content-Type"] == content_type
    assert answer.headers["Content-Encoding"] == encoding and int(answer.headers["Content-Length"]) == len(answer.body)
    assert len(answer.body) < 20000 and gzip.decompress(answer.body) == plain.download()
    assert packed.send(link).body == answer.body


# Data


def test_the_same_seed_and_range_give_the_same_bytes(start):
    first, second, other = start("--seed", 7), start("--seed", 7), start("--seed", 8)
    assert first.download() == second.download() == first.download() != other.download()


def test_an_interval_has_the_same_figures_in_whatever_range(start):
    simulator = start()
    week = simulator.rows(start="2024-02-26T00:00:00Z", end="2024-03-04T00:00:00Z")
    for day_start, day_end in (("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"), ("2024-03-01T09:30:00Z", "2024-03-01T12:00:00+01:00"),
                               *((f"2024-02-26T{h}:00:00Z", "2024-02-26T16:00Z") for h in range(10, 15))):
        low, high = (dt.datetime.fromisoformat(t).astimezone(dt.timezone.utc) for t in (day_start, day_end))
        part = simulator.rows(start=day_start, end=day_end)
        assert part and part == [r for r in week if low <= dt.datetime.fromisoformat(r["timeInterval"].split("/")[0]) < high]
    few = start("--queues", 3)
    ids = {r["queue.id"] for r in few.rows()}
    assert few.rows() == [r for r in simulator.rows() if r["queue.id"] in ids] and len(ids) == 3


def test_intervals_are_right_and_in_order(start):
    simulator = start("--queues", 20)
    rows = simulator.rows(start="2023-12-31T00:00:00.000Z", end="2024-03-02")
    seen = list(dict.fromkeys(r["timeInterval"] for r in rows))
    first = dt.datetime(2023, 12, 31)
    expected = [f"{first + dt.timedelta(minutes=30 * i):%Y-%m-%dT%H:%M:%S}.000Z/{first + dt.timedelta(minutes=30 * i + 30):%Y-%m-%dT%H:%M:%S}.000Z"
                for i in range(62 * 48)]
    assert [e for e in expected if e in set(seen)] == seen and len(seen) > 2000
    assert len({(r["timeInterval"], r["queue.id"]) for r in rows}) == len(rows)


def test_values_are_what_a_contact_centre_has(start):
    rows = start("--queues", 16).rows(start="2024-01-01", end="2024-02-26", metrics=[*METRICS, "callsAbandoned"])
    total = collections.Counter()
    weekday, hour = collections.Counter(), collections.Counter()
    for r in rows:
        offered, answered, abandoned = (int(r[m]) for m in ("callsOffered", "callsAnswered", "callsAbandoned"))
        assert min(offered, answered, abandoned) >= 0 and offered + answered + abandoned > 0, "idle cells are left out"
        assert re.fullmatch(r"(100|\d{1,2})\.\d\d", r["serviceLevelPercent"]) if answered + abandoned else r["serviceLevelPercent"] == ""
        assert re.fullmatch(r"[1-9]\d*\.\d{3}", r["avgHandleTimeSeconds"]) if answered else r["avgHandleTimeSeconds"] == ""
        total.update(offered=offered, answered=answered, abandoned=abandoned, more=answered > offered, cells=1)
        when = dt.datetime.fromisoformat(r["timeInterval"][:24])
        weekday[when.weekday()] += offered
        hour[when.hour] += offered
    assert 0 <= abs(total["offered"] - total["answered"] - total["abandoned"]) <= 200, "every call ends, but for those across the range's edges"
    assert 0 < total["more"] < total["cells"] / 4, "answered exceeds offered now and then"
    assert 0.80 < total["answered"] / total["offered"] < 0.99
    assert total["cells"] < 0.8 * 16 * 48 * 56, "many cells are idle"
    assert hour[3] < hour[10] / 10 and weekday[6] < weekday[0] / 2


def test_a_coarser_granularity_is_the_sum_of_finer_ones(start):
    simulator = start()
    fine, half, hour, day = (simulator.rows(granularity=g, metrics=[*METRICS, "callsAbandoned"]) for g in ("PT15M", None, "PT1H", "P1D"))
    assert {r["timeInterval"] for r in day} == {"2024-01-01T00:00:00.000Z/2024-01-02T00:00:00.000Z"}

    def sums(rows, width):
        cells = collections.defaultdict(lambda: [0, 0, 0, 0.0])
        for r in rows:
            when = dt.datetime.fromisoformat(r["timeInterval"][:24])
            cell = cells[(when.hour * 60 + when.minute) // width, r["queue.id"]]
            for i, m in enumerate(("callsOffered", "callsAnswered", "callsAbandoned")):
                cell[i] += int(r[m])
            cell[3] += float(r["avgHandleTimeSeconds"] or 0) * int(r["callsAnswered"])
        return cells

    for coarse, width in ((half, 30), (hour, 60), (day, 1440)):
        from_fine, from_coarse = sums(fine, width), sums(coarse, width)
        assert from_fine.keys() == from_coarse.keys()
        for key, cell in from_fine.items():
            assert cell[:3] == from_coarse[key][:3]
            assert cell[3] == pytest.approx(from_coarse[key][3], abs=0.001 * max(1, cell[1]))


def test_a_range_that_is_no_multiple_of_the_granularity(start):
    simulator = start("--queues", 4)
    rows = simulator.rows(start="2024-01-03T10:10:00Z", end="2024-01-03T11:25:00Z")
    assert list(dict.fromkeys(r["timeInterval"] for r in rows)) == [
        "2024-01-03T10:10:00.000Z/2024-01-03T10:40:00.000Z", "2024-01-03T10:40:00.000Z/2024-01-03T11:10:00.000Z",
        "2024-01-03T11:10:00.000Z/2024-01-03T11:25:00.000Z"]


def test_columns_follow_the_query(start):
    simulator = start("--queues", 2)
    for metrics in (METRICS, ["avgHandleTimeSeconds", "callsAbandoned", "callsOffered"], ["callsAnswered"]):
        text = simulator.download(metrics=metrics)
        assert text.split(b"\n")[0].decode() == ",".join(["timeInterval", "queue.id", "queue.name", *metrics])
    whole = simulator.rows(metrics=[*METRICS, "callsAbandoned"])
    assert [r["callsAbandoned"] for r in simulator.rows(metrics=["callsAbandoned"])] == [r["callsAbandoned"] for r in whole]


def test_names_have_what_breaks_careless_readers(start):
    names = {r["queue.id"]: r["queue.name"] for r in start("--queues", 40).rows(start="2024-01-01", end="2024-02-01")}
    assert len(names) == 40 == len(set(names.values())) and all(UUID.fullmatch(i) for i in names)
    text = "".join(names.values())
    assert all(c in text for c in ',"/&\u00e9\u00f1\u00df\u00f8\u65e5') and "\n" not in text
    assert any("\n" in r["queue.name"] for r in start("--line-breaks").rows())


def test_no_queue_gives_a_header_alone(start):
    assert start("--queues", 0).download() == b"timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds\n"


def test_years_are_streamed(start):
    simulator = start("--queues", 20)
    link = simulator.link(simulator.create(start="2022-01-01", end="2024-01-01"))
    status = pathlib.Path(f"/proc/{simulator.process.pid}/status")

    def peak_kib():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])

    simulator.download()
    before = peak_kib()
    body = simulator.send(link).body
    assert len(body) > 30_000_000 and body.endswith(b"\n")
    if "libasan" not in pathlib.Path(f"/proc/{simulator.process.pid}/maps").read_text():  # which never gives memory back
        assert peak_kib() - before < 8192


# Log, load, nonsense


def test_the_log_has_a_line_for_every_answer_and_no_secret(start, tmp_path):
    simulator = start(log=tmp_path / "log")
    export_id = simulator.create()
    link = simulator.link(export_id)
    simulator.send(link, headers={"X-Amz-Security-Token": "hidden", "Cookie": "hidden", "User-Agent": "tester"})
    simulator.send(link, headers=simulator.bearer)
    lines = simulator.log()
    assert [(r["number"], r["host"], r["method"], r["status"]) for r in lines] == [
        (1, "api", "POST", 200), (2, "api", "POST", 202), (3, "api", "GET", 200), (4, "download", "GET", 200), (5, "download", "GET", 400)]
    assert [r["path"] for r in lines] == ["/oauth/token", EXPORTS, f"{EXPORTS}/{export_id}"] + [f"/exports/{export_id}.csv"] * 2
    assert [r["has_authorization"] for r in lines] == [True, True, True, False, True]
    assert [r["token"] for r in lines] == [None, 1, 1, None, None]
    assert lines[1]["request_json"] == query() and lines[1]["request_bytes"] == len(json.dumps(query())) and lines[0]["request_json"] is None
    assert lines[3]["headers"]["user-agent"] == "tester" and lines[1]["headers"]["authorization"] == "Bearer ***"
    assert lines[3]["body_bytes"] == len(simulator.download()) and len({r["connection"] for r in lines}) == 5
    assert all(UUID.fullmatch(r["id"]) and r["fault"] is None and r["rule"] is None and r["time_ms"] >= 0 for r in lines)
    assert "X-Amz-Signature=***" in lines[3]["query"] and "X-Amz-Expires=900" in lines[3]["query"]
    text = simulator.log_path.read_text()
    secrets = [simulator.info["client_secret"], simulator.bearer["Authorization"].split()[1], "hidden",
               base64.b64encode(f"{simulator.info['client_id']}:{simulator.info['client_secret']}".encode()).decode(),
               *(v for k, v in urllib.parse.parse_qsl(link) if k in ("X-Amz-Signature", "X-Amz-Security-Token"))]
    assert len(secrets) == 6 and not any(secret in text for secret in secrets)


def test_a_kept_connection_is_one_connection(start, tmp_path):
    simulator = start(log=tmp_path / "log")
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(simulator.info["api_url"]).netloc, timeout=30)
    for _ in range(3):
        connection.request("GET", EXPORTS, headers=simulator.bearer)
        assert connection.getresponse().read()
    connection.close()
    assert len({r["connection"] for r in simulator.log() if r["method"] == "GET"}) == 1


def test_many_requests_at_once(start):
    simulator = start("--ready-after", 0, "--rate-limit", 10000)
    expected = simulator.download()
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        assert set(pool.map(lambda _: simulator.download(), range(60))) == {expected}
    assert json.loads(simulator.call(EXPORTS).body)["total"] == 61


def test_nonsense_on_the_wire_does_no_harm(start, tmp_path):
    simulator = start(log=tmp_path / "log")
    address = urllib.parse.urlsplit(simulator.info["api_url"])
    for nonsense in (b"", b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST /oauth/token HTTP/1.1\r\nHost: x\r\n"
                     b"Content-Length: 1000\r\n\r\nshort", b"GET /\xff%zz?\xfe=%q HTTP/1.1\r\nHost: x\r\nX: \xff\xfe\r\n\r\n", b"A" * 200000):
        with socket.create_connection((address.hostname, address.port), timeout=30) as s:
            try:
                s.sendall(nonsense)
                s.shutdown(socket.SHUT_WR)
                s.recv(100)
            except OSError:
                pass
    assert simulator.call(EXPORTS).status == 200
    assert all(r["status"] for r in simulator.log())
