"""The simulator's public contracts from outside, judged by Python's own calendar: aggregates, their jobs, and the world behind them."""
import collections
import concurrent.futures
import datetime as dt
import gzip
import http.client
import json
import random
import time
import urllib.parse
import zoneinfo

import pytest

from sim_client import UUID, error_of, start  # noqa: F401

AGGREGATES = "/api/v2/analytics/conversations/aggregates"
QUEUES = "/api/v2/routing/queues"
METRICS = ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"]
DAY = "2024-01-08T00:00:00Z/2024-01-09T00:00:00Z"


def ask(simulator, interval=DAY, metrics=METRICS, path="/query", **more):
    answer = simulator.call(AGGREGATES + path, "POST", {"interval": interval, "metrics": metrics, **more})
    assert answer.status in (200, 202), answer.body
    return json.loads(answer.body)


def cells(body):
    """{(group, interval): {metric: stats}}; a group that goes on on another page is one group."""
    got = collections.defaultdict(dict)
    for result in body.get("results", []):
        for data in result["data"]:
            key = tuple(sorted(result["group"].items())), data["interval"]
            assert key not in got, "an interval of a group comes once"
            got[key] = {m["metric"]: m["stats"] for m in data["metrics"]}
    return dict(got)


def total(body, metric, member="count"):
    return sum(stats[metric].get(member, 0) for stats in cells(body).values() if metric in stats)


def pages(simulator, job, size=None, cursor=""):
    while cursor is not None:
        parameters = {**({"cursor": cursor} if cursor else {}), **({"pageSize": size} if size else {})}
        answer = simulator.call(f"{AGGREGATES}/jobs/{job}/results?{urllib.parse.urlencode(parameters)}")
        assert answer.status == 200, answer.body
        page = json.loads(answer.body)
        yield page
        cursor = page.get("cursor")


# The query


def test_a_coarser_granularity_is_the_sum_of_a_finer_one(start):
    simulator = start("--world", "edge", "--queues", 8)
    fine = ask(simulator, granularity="PT15M", groupBy=["queueId"])
    for granularity in ("PT30M", "PT1H", "P1D", None):
        coarse = ask(simulator, groupBy=["queueId"], **({"granularity": granularity} if granularity else {}))
        for metric, member in (("nOffered", "count"), ("tHandle", "sum"), ("tAnswered", "count"), ("oServiceLevel", "denominator")):
            assert total(coarse, metric, member) == total(fine, metric, member) > 0
        extremes = [s["tHandle"]["max"] for s in cells(fine).values() if "tHandle" in s]
        assert max(s["tHandle"]["max"] for s in cells(coarse).values() if "tHandle" in s) == max(extremes)


def test_the_media_type_is_always_told(start):
    simulator = start("--world", "edge")
    for group_by in (None, [], ["direction"], ["queueId", "divisionId"]):
        body = ask(simulator, **({} if group_by is None else {"groupBy": group_by}))
        assert all("mediaType" in r["group"] for r in body["results"])
        assert {m for r in body["results"] for m in [r["group"]["mediaType"]]} == {"voice", "callback", "chat", "email", "message"}
        assert total(body, "nOffered") == total(ask(simulator), "nOffered")


def predicate(line, p):
    value = dict(line).get(p["dimension"])
    return {"matches": value == p.get("value"), "exists": value is not None, "notExists": value is None}[p.get("operator", "matches")]


def passes(line, part):
    join = all if part["type"] == "and" else any
    return join([*(predicate(line, p) for p in part.get("predicates", [])), *(passes(line, c) for c in part.get("clauses", []))])


def test_filters_let_through_what_they_say(start):
    simulator = start("--world", "edge", "--queues", 10, "--rate-limit", 1000)
    every = cells(ask(simulator, groupBy=["queueId", "direction", "divisionId", "messageType"]))
    values = collections.defaultdict(set)
    for group, _ in every:
        for dimension, value in group:
            values[dimension].add(value)
    rng = random.Random(5)

    def random_predicate():
        dimension = rng.choice([*sorted(values), "userId"])
        operator = rng.choice(["matches", "matches", "matches", "exists", "notExists"])
        p = {"dimension": dimension, "operator": operator, "value": rng.choice(sorted(values[dimension] | {"none"}))}
        if operator == "matches" and rng.random() < 0.5:
            del p["operator"]
        return {**p, **({"type": "dimension"} if rng.random() < 0.5 else {})}

    for _ in range(40):
        clauses = [{"type": rng.choice(["and", "or"]), "predicates": [random_predicate() for _ in range(rng.randint(1, 3))]} for _ in range(rng.randint(0, 2))]
        predicates = [random_predicate() for _ in range(rng.randint(0 if clauses else 1, 2))]
        tree = {"type": rng.choice(["and", "or"]), "clauses": clauses, "predicates": predicates}
        got = cells(ask(simulator, groupBy=["queueId", "direction", "divisionId", "messageType"], filter=tree))
        assert got == {key: stats for key, stats in every.items() if passes(key[0], tree)}, tree


@pytest.mark.parametrize("change, code, field", [
    ({"interval": None}, "constraint.validation", "interval"), ({"interval": "2024-01-08"}, "bad.request", "interval"),
    ({"interval": "2024-01-09T00:00:00Z/2024-01-08T00:00:00Z"}, "bad.request", "interval"),
    ({"interval": "2024-02-30T00:00:00Z/2024-03-01T00:00:00Z"}, "bad.request", "interval"),
    ({"timeZone": "Mars/Olympus"}, "bad.request", "timeZone"), ({"timeZone": "../../etc/passwd"}, "bad.request", "timeZone"),
    ({"granularity": "PT7M"}, "invalid.value", "granularity"), ({"granularity": "daily"}, "invalid.value", "granularity"),
    ({"metrics": []}, "constraint.validation", "metrics"), ({"metrics": ["nOffered", "nAnswered"]}, "invalid.value", "metrics"),
    ({"groupBy": ["queueid"]}, "bad.request", "groupBy"), ({"queryType": "topN"}, "bad.request", "queryType"),
    ({"views": [{"target": "tHandle"}]}, "bad.request", "views"), ({"filter": {}}, "constraint.validation", "filter.type"),
    ({"filter": {"type": "and"}}, "constraint.validation", "predicates"),
    ({"filter": {"type": "xor", "predicates": [{"dimension": "queueId", "value": "x"}]}}, "invalid.value", "type"),
    ({"filter": {"type": "and", "predicates": [{"dimension": "conversationEnd", "value": "x"}]}}, "invalid.value", "dimension"),
    ({"filter": {"type": "and", "predicates": [{"dimension": "queueId"}]}}, "constraint.validation", "value"),
])
def test_a_wrong_query_is_refused_with_its_field(start, change, code, field):
    simulator = start()
    body = {"interval": DAY, "metrics": METRICS, **change}
    for path in ("/query", "/jobs"):
        answer = simulator.call(AGGREGATES + path, "POST", {k: v for k, v in body.items() if v is not None})
        assert answer.status == 400 and error_of(answer)[0] == code
        assert [d["fieldName"] for d in json.loads(answer.body)["details"]] == [field]


def test_limits_that_nobody_knows(start):
    simulator = start("--max-query-days", 7, "--max-query-buckets", 1000, "--max-job-days", 31)
    week, month, long = "2024-01-01/2024-01-08", "2024-01-01/2024-02-01", "2024-01-01/2024-02-02"
    assert ask(simulator, week, granularity="P1D", groupBy=["queueId"])["results"]
    answer = simulator.call(AGGREGATES + "/query", "POST", {"interval": month, "metrics": METRICS})
    assert answer.status == 400 and error_of(answer) == ("bad.request", "The interval is too long. It must not be longer than 7 days")
    answer = simulator.call(AGGREGATES + "/query", "POST", {"interval": week, "metrics": METRICS, "granularity": "PT15M", "groupBy": ["queueId"]})
    assert answer.status == 413 and error_of(answer)[0] == "response.entity.too.large"
    assert ask(simulator, month, path="/jobs", granularity="PT15M")["jobId"]
    assert simulator.call(AGGREGATES + "/jobs", "POST", {"interval": long, "metrics": METRICS}).status == 400


# The calendar


@pytest.mark.parametrize("zone, day, halves", [
    ("Europe/Berlin", "2024-03-31", 46), ("Europe/Berlin", "2024-10-27", 50), ("America/New_York", "2024-03-10", 46), ("America/New_York", "2024-11-03", 50),
    ("Australia/Lord_Howe", "2024-04-07", 49), ("Asia/Kolkata", "2024-03-31", 48), ("Europe/Berlin", "2061-03-27", 46), ("UTC", "2024-03-31", 48),
])
def test_a_day_has_its_half_hours(start, zone, day, halves):
    tz = zoneinfo.ZoneInfo(zone)
    first = dt.datetime.fromisoformat(day)
    after = first + dt.timedelta(days=1)
    simulator = start("--queues", 60, "--offsets")
    body = ask(simulator, f"{first.isoformat()}/{after.isoformat()}", ["nOffered"], granularity="PT30M", timeZone=zone)
    got = [[dt.datetime.fromisoformat(end) for end in data["interval"].split("/")] for data in body["results"][0]["data"]]
    begin = first.replace(tzinfo=tz).astimezone(dt.timezone.utc)
    wanted = [[begin + i * dt.timedelta(minutes=30), begin + (i + 1) * dt.timedelta(minutes=30)] for i in range(halves)]
    assert got == wanted and wanted[-1][1] == after.replace(tzinfo=tz).astimezone(dt.timezone.utc)
    assert all(end.utcoffset() == end.astimezone(tz).utcoffset() for pair in got for end in pair)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Sao_Paulo", "Africa/Casablanca", "Pacific/Auckland", "America/St_Johns", "Asia/Tehran"])
def test_days_and_months_are_those_of_the_zone(start, zone):
    tz = zoneinfo.ZoneInfo(zone)
    simulator = start("--queues", 1)
    for granularity, step in (("P1D", lambda n: dt.datetime(2024, 1, 1) + dt.timedelta(days=n)), ("P1W", lambda n: dt.datetime(2024, 1, 1) + dt.timedelta(weeks=n)),
                              ("P1M", lambda n: dt.datetime(2024 + n // 12, n % 12 + 1, 1))):
        body = ask(simulator, "2024-01-01T00:00:00/2025-01-01T00:00:00", ["nOffered"], granularity=granularity, timeZone=zone)
        starts = [dt.datetime.fromisoformat(data["interval"].split("/")[0]) for data in body["results"][0]["data"]]
        assert len(starts) > 11
        assert set(starts) <= {step(n).replace(tzinfo=tz).astimezone(dt.timezone.utc) for n in range(366)}


# Jobs


@pytest.mark.parametrize("how", [[], ["--split-groups"]])
def test_pages_of_any_size_are_the_whole(start, how):
    simulator = start("--world", "edge", "--queues", 6, "--rate-limit", 100000, *how)
    wanted = cells(ask(simulator, granularity="PT1H", groupBy=["queueId"]))
    job = ask(simulator, path="/jobs", granularity="PT1H", groupBy=["queueId"])["jobId"]
    for size in (1, 3, 7, 100, 100000) if not how else (23, 100, 100000):
        got = {}
        for page in pages(simulator, job, size):
            n = len(cells(page)) if how else len(page["results"])
            assert n == size or ("cursor" not in page and n < size)
            assert not got.keys() & cells(page).keys()
            got |= cells(page)
        assert got == wanted
    if how:
        groups = [r["group"] for page in pages(simulator, job, 23) for r in page["results"]]
        assert len(groups) > len({tuple(sorted(g.items())) for g in groups}), "a group goes on on the next page"


def test_a_cursor_is_its_jobs_own(start):
    simulator = start()
    jobs = [ask(simulator, path="/jobs", groupBy=["queueId"], pageSize=2)["jobId"] for _ in range(2)]
    cursor = next(pages(simulator, jobs[0]))["cursor"]
    assert any(c in cursor for c in "+/=") and cursor != next(pages(simulator, jobs[1]))["cursor"]
    for wrong in (cursor, "x", "", cursor[:-1], "A" * len(cursor)):
        answer = simulator.call(f"{AGGREGATES}/jobs/{jobs[1]}/results?{urllib.parse.urlencode({'cursor': wrong})}")
        assert answer.status == 400 and error_of(answer)[0] == "bad.request", wrong
    assert simulator.call(f"{AGGREGATES}/jobs/{jobs[0]}/results?pageSize=0").status == 400


def test_states_of_a_job(start, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"match": {"method": "GET", "path": AGGREGATES + "/jobs/*"}, "skip": 1, "fault": {"job_state": "EXPIRED"}}]))
    simulator = start("--fault-plan", plan)
    job = ask(simulator, path="/jobs")["jobId"]
    assert UUID.fullmatch(job)
    status = json.loads(simulator.call(f"{AGGREGATES}/jobs/{job}").body)
    assert status["state"] == "FULFILLED" and sorted(status) == ["completionDate", "expirationDate", "state", "submissionDate"]
    assert json.loads(simulator.call(f"{AGGREGATES}/jobs/{job}").body)["state"] == "EXPIRED"
    assert simulator.call(f"{AGGREGATES}/jobs/{job}/results").status == 404
    slow = start("--ready-after", 3600)
    job = ask(slow, path="/jobs")["jobId"]
    assert json.loads(slow.call(f"{AGGREGATES}/jobs/{job}").body)["state"] == "QUEUED"
    assert slow.call(f"{AGGREGATES}/jobs/{job}/results").status == 404
    assert slow.call(f"{AGGREGATES}/jobs/{job}", "DELETE").status == 204
    assert json.loads(slow.call(f"{AGGREGATES}/jobs/{job}").body)["state"] == "CANCELLED"
    gone = start("--job-life", 0)
    job = ask(gone, path="/jobs")["jobId"]
    assert json.loads(gone.call(f"{AGGREGATES}/jobs/{job}").body)["state"] == "EXPIRED"
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/results")):
        assert gone.call(f"{AGGREGATES}/jobs/00000000-0000-4000-8000-000000000000{path}", method).status == 404


def test_a_job_takes_its_time(start):
    simulator = start("--ready-after", "0.4")
    job = ask(simulator, path="/jobs")["jobId"]
    states = []
    while not states or states[-1] != "FULFILLED":
        states.append(json.loads(simulator.call(f"{AGGREGATES}/jobs/{job}").body)["state"])
        time.sleep(0.02)
    assert states == sorted(states, key=["QUEUED", "PENDING", "FULFILLED"].index)


def test_faults_reach_what_is_made_while_it_is_sent(start, tmp_path):
    plan, path = tmp_path / "plan.json", AGGREGATES + "/query"
    plan.write_text(json.dumps([{"match": {"path": path}, "fault": {"wrong_length": 10}}, {"match": {"path": path}, "fault": {"truncate_after": 300}}]))
    simulator = start("--fault-plan", plan)
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            simulator.call(path, "POST", {"interval": DAY, "metrics": METRICS})
    assert ask(simulator)["results"]


def test_answers_are_compressed_for_who_takes_it(start):
    simulator = start("--gzip-api")
    plain = ask(simulator, groupBy=["queueId"])
    answer = simulator.call(AGGREGATES + "/query", "POST", {"interval": DAY, "metrics": METRICS, "groupBy": ["queueId"]}, {"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip" and json.loads(gzip.decompress(answer.body)) == plain
    answer = simulator.call(QUEUES, headers={"Accept-Encoding": "gzip, deflate"})
    assert json.loads(gzip.decompress(answer.body))["total"] == 12


# The world


def test_the_edge_world_has_what_is_awkward(start):
    simulator = start("--world", "edge", "--queues", 20)
    metrics = [*METRICS, "tShortAbandon", "tFlowOut", "nTransferred", "nConversations", "nConnected", "nOutbound", "oCallbackServiceLevel"]
    body = ask(simulator, "2024-01-08/2024-01-15", metrics, granularity="PT15M", groupBy=["queueId", "direction"])
    by_media = collections.defaultdict(collections.Counter)
    for (group, _), stats in cells(body).items():
        line = dict(group)["mediaType"], dict(group)["direction"]
        for metric, values in stats.items():
            by_media[line][metric] += values.get("count", values.get("denominator", 0))
    voice, callback, outbound = by_media["voice", "inbound"], by_media["callback", "inbound"], by_media["voice", "outbound"]
    assert 0 < voice["tShortAbandon"] < voice["tAbandon"] and voice["tFlowOut"] > 0
    assert voice["nOffered"] == voice["nConversations"] + voice["nTransferred"] and voice["nTransferred"] > 0, "a transfer is a new offer"
    assert abs(voice["nOffered"] - voice["tAnswered"] - voice["tAbandon"] - voice["tFlowOut"]) < 50, "but for what crosses the edges of the week"
    assert callback["tAnswered"] == callback["tAbandon"] == callback["oServiceLevel"] == 0
    assert 0 < callback["nConnected"] < callback["nOffered"] and callback["oCallbackServiceLevel"] > 0
    assert outbound["nOffered"] == 0 and outbound["nOutbound"] > 0 and outbound["tHandle"] > 0
    assert all(by_media[media, "inbound"]["tHandle"] > 0 for media in ("chat", "email", "message"))
    assert any("queueId" not in dict(group) for group, _ in cells(body)), "some work is of no queue"
    over = [s for s in cells(body).values() if s.get("tAnswered", {}).get("count", 0) > s.get("nOffered", {}).get("count", 0)]
    assert len(over) > 20, "answered later than offered"
    assert any("nOffered" not in s and "tHandle" in s for (g, _), s in cells(body).items() if dict(g)["mediaType"] == "email"), "handled hours later"


@pytest.mark.parametrize("media, hours", [("email", 3), ("message", 1.75), ("chat", 0), ("voice", 0)])
def test_digital_media_are_handled_hours_later(start, media, hours):
    body = ask(start("--world", "edge", "--queues", 12), "2024-01-08/2024-01-12", granularity="PT15M", groupBy=["queueId", "direction"],
               filter={"type": "and", "predicates": [{"dimension": "mediaType", "value": media}, {"dimension": "direction", "value": "inbound"}]})
    answered, handled = {}, {}
    for (group, interval), stats in cells(body).items():
        begin = dt.datetime.fromisoformat(interval.split("/")[0])
        if "tAnswered" in stats:
            answered[group, begin + dt.timedelta(hours=hours)] = stats["tAnswered"]["count"]
        if "tHandle" in stats:
            handled[group, begin] = stats["tHandle"]["count"]
    inner = dt.datetime(2024, 1, 8, 4, tzinfo=dt.timezone.utc), dt.datetime(2024, 1, 12, tzinfo=dt.timezone.utc)
    expected = {key: n for key, n in answered.items() if inner[0] <= key[1] < inner[1]}
    assert {key: n for key, n in handled.items() if key[1] >= inner[0]} == expected and len(expected) > 50


def test_nothing_matches(start):
    none = {"type": "and", "predicates": [{"dimension": "queueId", "value": "nobody"}]}
    assert ask(start(), filter=none) == {"results": []}
    assert ask(start("--world", "edge"), filter=none) == {}


def test_recent_figures_grow_until_they_settle(start):
    times = ["2024-01-08T12:07:00Z", "2024-01-08T20:00:00Z", "2024-01-09T06:00:00Z", "2024-01-10T23:00:00Z", None]
    every = [cells(ask(start("--queues", 30, *(["--now", t] if t else [])), granularity="PT30M", groupBy=["queueId"])) for t in times]
    sums = [sum(s["nOffered"]["count"] for s in got.values() if "nOffered" in s) for got in every]
    assert sums[0] < sums[1] < sums[2] < sums[3] == sums[4] and every[3] == every[4] and sums[0] > 0
    assert max(interval for _, interval in every[0]).startswith("2024-01-08T12:00")
    for earlier, later in zip(every, every[1:]):
        for key, stats in earlier.items():
            assert stats.get("nOffered", {}).get("count", 0) <= later[key].get("nOffered", {}).get("count", 0)


def test_a_client_sees_its_divisions_alone(start):
    whole, part = start("--queues", 9), start("--queues", 9, "--divisions", "North")
    shown = {q["id"] for q in json.loads(part.call(QUEUES).body)["entities"]}
    assert len(shown) == 3
    wanted = {key: stats for key, stats in cells(ask(whole, granularity="PT1H", groupBy=["queueId"])).items() if dict(key[0])["queueId"] in shown}
    assert cells(ask(part, granularity="PT1H", groupBy=["queueId"])) == wanted and wanted
    assert {r["queue.id"] for r in part.rows()} <= shown


def test_queues_are_renamed_and_deleted_meanwhile(start, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"match": {"path": QUEUES}, "skip": 1, "fault": {"rename_queue": 1}}, {"match": {"path": QUEUES}, "fault": {"delete_queue": 2}}]))
    simulator = start("--queues", 3, "--fault-plan", plan)
    before = json.loads(simulator.call(QUEUES).body)
    after = json.loads(simulator.call(QUEUES).body)
    ids = {r["queue.id"]: r["queue.name"] for r in simulator.rows(start="2024-01-08", end="2024-01-12")}
    assert before["total"] == after["total"] == 2 and len(ids) == 3, "a deleted queue keeps its history"
    old, new = ({q["id"]: q["name"] for q in body["entities"]} for body in (before, after))
    changed = [i for i in old if old[i] != new[i]]
    assert len(changed) == 1 and new[changed[0]] == f"{old[changed[0]]} (renamed)" == ids[changed[0]]
    deleted, = set(ids) - set(new)
    assert simulator.call(f"{QUEUES}/{deleted}").status == 404 and simulator.call(f"{QUEUES}/{changed[0]}").status == 200


# Nonsense, load


def mutate(rng, value):
    """A copy with one thing in it replaced by another: of another type, out of range, or missing."""
    odd = [None, True, -1, 0, 1 << 70, 1.5, "", "x", "\u0000", "2024-01-01/9999-12-31", "9999-12-31T23:59:59Z/0001-01-01T00:00:00Z", "PT0S", "P9999999Y", [], [[]], [None], {}, {"a": []}]
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        if rng.random() < 0.15:
            return {k: v for k, v in value.items() if k != key}
        return {k: mutate(rng, v) if k == key else v for k, v in value.items()}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [mutate(rng, v) if i == at else v for i, v in enumerate(value)]
    return rng.choice(odd)


def test_nonsense_in_a_body_is_refused_or_harmless(start):
    simulator = start("--rate-limit", 1000000, "--queues", 2, "--max-query-days", 40, "--max-query-buckets", 5000, "--max-job-days", 40, "--max-report-days", 40)
    rng = random.Random(11)
    aggregate = {"interval": DAY, "metrics": METRICS, "granularity": "PT30M", "timeZone": "Europe/Berlin", "groupBy": ["queueId", "mediaType"], "views": [], "pageSize": 5,
                 "filter": {"type": "and", "predicates": [{"type": "dimension", "dimension": "queueId", "operator": "exists", "value": "x"}],
                            "clauses": [{"type": "or", "predicates": [{"dimension": "mediaType", "value": "voice"}]}]}}
    report = {"name": "n", "timeZone": "UTC", "exportFormat": "CSV", "interval": DAY, "period": "PT30M", "viewType": "QUEUE_PERFORMANCE_DETAIL_VIEW", "locale": "en-us",
              "filter": {"queueIds": ["x"], "mediaTypes": ["voice"], "directions": ["inbound"]}, "selectedColumns": [{"columnOrder": 1, "columnName": "Offer"}],
              "hasSummaryRow": True, "durationFormat": "Hms", "csvDelimiter": "COMMA"}
    statuses = collections.Counter()
    for _ in range(250):
        for path, body in ((AGGREGATES + "/query", aggregate), (AGGREGATES + "/jobs", aggregate), ("/api/v2/analytics/reporting/exports", report)):
            changed = mutate(rng, mutate(rng, body) if rng.random() < 0.3 else body) or 0
            answer = simulator.call(path, "POST", changed)
            assert answer.status in (200, 202, 400, 413), (changed, answer)
            json.loads(answer.body)
            statuses[answer.status] += 1
    assert statuses[400] > 100 and statuses[200] > 50


def test_many_clients_at_once(start):
    simulator = start("--world", "edge", "--queues", 4, "--rate-limit", 100000)
    wanted = cells(ask(simulator, granularity="PT1H", groupBy=["queueId"]))

    def work(i):
        job = ask(simulator, path="/jobs", granularity="PT1H", groupBy=["queueId"])["jobId"]
        got = {}
        for page in pages(simulator, job, 1 + i % 5):
            got |= cells(page)
        return got == wanted and simulator.call(QUEUES).status == 200

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(48)))
