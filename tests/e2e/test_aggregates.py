"""`--source aggregates` against the simulator: figures against exact fractions of its own JSON, and what a fault, a limit or a signal does."""
import base64
import collections
import datetime as dt
import fractions
import json
import signal
import subprocess
import time
import urllib.request
import zoneinfo

import pyarrow.parquet as pq
import pytest

from conftest import CLEAN, FAST

AGGREGATES = "/api/v2/analytics/conversations/aggregates"
QUEUES = "/api/v2/routing/queues"
UTC = dt.timezone.utc
COUNTS = {"calls_offered": "nOffered", "calls_answered": "tAnswered", "calls_abandoned": "tAbandon", "calls_short_abandoned": "tShortAbandon",
          "calls_flowed_out": "tFlowOut", "calls_transferred": "nTransferred", "calls_over_sla": "nOverSla"}
AVERAGES = {"avg_handle_time_seconds": "tHandle", "avg_talk_time_seconds": "tTalkComplete", "avg_hold_time_seconds": "tHeldComplete",
            "avg_after_call_work_seconds": "tAcw", "avg_speed_of_answer_seconds": "tAnswered", "avg_wait_seconds": "tWait"}
METRICS = sorted({*COUNTS.values(), *AVERAGES.values(), "oServiceLevel"})


class Api:
    """What the simulator says when it is asked without the product."""

    def __init__(self, sim):
        self.base = sim.info["api_url"]
        pair = base64.b64encode(f"{sim.info['client_id']}:{sim.info['client_secret']}".encode()).decode()
        self.headers = {"Content-Type": "application/json"}
        self.headers["Authorization"] = "Bearer " + self.call("/oauth/token", b"grant_type=client_credentials", Authorization=f"Basic {pair}",
                                                              **{"Content-Type": "application/x-www-form-urlencoded"})["access_token"]

    def call(self, path, body=None, **headers):
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data=body, headers={**self.headers, **headers})) as answer:
            return json.loads(answer.read())

    def queues(self):
        names, page = {}, 1
        while True:
            answer = self.call(f"{QUEUES}?pageNumber={page}&pageSize=500")
            names.update({q["id"]: q["name"] for q in answer["entities"]})
            if page >= answer["pageCount"]:
                return names
            page += 1

    def cells(self, start, end, granularity="PT30M", zone="UTC", by=("queueId",), **more):
        """{(queue id, ..., interval start): {metric: {stat: sum}}}; the media types of a queue are added up."""
        answer = self.call(AGGREGATES + "/query", {"interval": f"{start}/{end}", "granularity": granularity, "timeZone": zone, "groupBy": list(by),
                                                   "metrics": METRICS, **more})
        got = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(fractions.Fraction)))
        for result in answer.get("results", []):
            if "queueId" not in result["group"]:
                continue
            for data in result["data"]:
                cell = got[(*(result["group"][name] for name in by), instant(data["interval"].split("/")[0]))]
                for metric in data["metrics"]:
                    for stat in ("count", "sum", "numerator", "denominator"):
                        cell[metric["metric"]][stat] += fractions.Fraction(str(metric["stats"].get(stat, 0)))
        return got


def instant(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def expected_row(cell):
    row = {name: int(cell[metric]["count"]) for name, metric in COUNTS.items()}
    for name, metric in AVERAGES.items():
        row[name] = quotient(cell[metric]["sum"], 1000 * cell[metric]["count"])
    row["service_level_percent"] = quotient(100 * cell["oServiceLevel"]["numerator"], cell["oServiceLevel"]["denominator"])
    row["answer_rate"] = quotient(fractions.Fraction(row["calls_answered"]), fractions.Fraction(row["calls_offered"]))
    row["abandon_rate"] = quotient(fractions.Fraction(row["calls_abandoned"]), fractions.Fraction(row["calls_offered"]))
    return row


def quotient(a, b):
    return float(a / b) if b else None  # Fraction -> float is the nearest double


def rows_of(path):
    return pq.read_table(path).to_pylist()


def by_cell(path, id_of=lambda row: row["queue_id"]):
    rows = rows_of(path)
    got = {(id_of(row), row["interval_start"]): row for row in rows}
    assert len(got) == len(rows)
    return got


LONG = ["--layout", "long", "--round", "none", "--empty", "null"]


def run(ql, sim, *args, start="2024-01-08", end="2024-01-09", env=None, timeout=120):
    return ql("run", "--from", start, "--to", end, *sim.flags, *FAST, "--rate-share", "1", *args, env={**sim.env, **(env or {})}, timeout=timeout)


def assert_equal_to_the_api(path, cells, names):
    got = by_cell(path)
    assert set(got) == set(cells)
    for key, cell in cells.items():
        row = got[key]
        want = expected_row(cell)
        assert {name: row[name] for name in want} == want, key
        assert row["queue_name"] == names.get(key[0], key[0])


@pytest.mark.parametrize("world", ["plain", "edge"])
@pytest.mark.parametrize("way", ["query", "job"])
def test_every_figure_is_the_exact_fraction_of_the_apis_own(ql, sim, tmp_path, world, way):
    genesys = sim("--world", world, "--queues", 20, "--ready-after", "0.1")
    api = Api(genesys)
    done = run(ql, genesys, *LONG, "--aggregates", way, "--json", "-o", "a.parquet")
    assert done.code == 0, done
    cells = api.cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z")
    assert len(cells) > 200
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, api.queues())
    assert done.json["input"]["extracted_at"] and done.json["table"]["approximations"] == 0
    if world == "edge":  # a call that is offered at the end of an interval is answered in the next one
        assert done.json["table"]["answered_over_offered"] > 0


def test_aggregates_are_the_default_and_a_wide_artefact_is_the_same_each_time(ql, sim, tmp_path):
    for name in ("a", "b"):
        assert run(ql, sim("--queues", 5, "--ready-after", "0.05"), "--aggregates", "query" if name == "a" else "job", "-o", f"{name}.parquet").code == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    footer = json.loads(pq.read_metadata(tmp_path / "a.parquet").metadata[b"queuelake"])
    assert "avg_handle_time_seconds = sum(handle_seconds) / sum(handle_count)" in footer["columns"]
    assert "service_level_percent = sum(service_level_numerator_x100) / sum(service_level_denominator)" in footer["columns"]


def test_raw_sums_give_every_roll_up_exactly(ql, sim, tmp_path):
    genesys = sim("--world", "edge", "--queues", 10)
    assert run(ql, genesys, *LONG, "--raw-sums", "-o", "a.parquet").code == 0
    table = pq.read_table(tmp_path / "a.parquet")
    assert str(table.schema.field("handle_sum_ms").type) == "int64" and str(table.schema.field("service_level_numerator").type) == "double"
    day = Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z", granularity="P1D")
    for (queue, _), cell in day.items():
        rows = [row for row in table.to_pylist() if row["queue_id"] == queue]
        total = {name: sum(row[name] for row in rows) for name in rows[0] if name.endswith(("_ms", "_count", "_numerator", "_denominator"))}
        for stem, metric in {"handle": "tHandle", "talk": "tTalkComplete", "hold": "tHeldComplete", "after_call_work": "tAcw",
                             "speed_of_answer": "tAnswered", "wait": "tWait"}.items():
            assert (total[f"{stem}_sum_ms"], total[f"{stem}_count"]) == (cell[metric]["sum"], cell[metric]["count"])
        assert total["service_level_numerator"] == cell["oServiceLevel"]["numerator"]
        assert total["service_level_denominator"] == cell["oServiceLevel"]["denominator"]


def test_metrics_and_kpis_of_the_configuration(ql, sim, tmp_path):
    genesys = sim("--queues", 4)
    (tmp_path / "q.yaml").write_text("metrics:\n  talk_of_two: {column: talk_seconds, agg: ratio, weight: calls_answered}\n"
                                     "kpis:\n  erlangs: calls_answered * avg_handle_time_seconds / interval_seconds\n")
    done = run(ql, genesys, *LONG, "--config", "q.yaml", "--metrics", "calls_transferred,talk_of_two", "-o", "a.parquet")
    assert done.code == 0, done
    cells = Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z")
    got = by_cell(tmp_path / "a.parquet")
    assert [n for n in pq.read_schema(tmp_path / "a.parquet").names[5:]] == ["calls_transferred", "talk_of_two", "answer_rate", "abandon_rate", "erlangs"]
    for key, cell in cells.items():
        if key in got:
            assert got[key]["talk_of_two"] == quotient(cell["tTalkComplete"]["sum"], 1000 * cell["tAnswered"]["count"])
    asked = [r["request_json"] for r in genesys.requests(path=AGGREGATES)][0]["metrics"]
    assert set(asked) == {"nOffered", "tAnswered", "tAbandon", "tHandle", "tTalkComplete", "nTransferred"}  # and nothing beyond
    assert run(ql, genesys, "--metrics", "calls_lost", "-o", "b.parquet").code == 78
    done = run(ql, genesys, "--profile", "pandas", "-o", "b.parquet")
    assert done.code == 78 and b"CSV exports only" in done.err, done


def test_media_types_apart(ql, sim, tmp_path):
    genesys = sim("--world", "edge", "--queues", 10)
    api = Api(genesys)
    names = api.queues()
    cells = api.cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z", by=("queueId", "mediaType"))
    assert len({media for _, media, _ in cells}) > 3
    assert run(ql, genesys, *LONG, "--by", "media_type", "-o", "a.parquet").code == 0
    assert pq.read_schema(tmp_path / "a.parquet").names[3:6] == ["queue_id", "queue_name", "media_type"]
    rows = rows_of(tmp_path / "a.parquet")
    got = {(row["queue_id"], row["media_type"], row["interval_start"]): row for row in rows}
    assert len(got) == len(rows) and set(got) == set(cells)
    for key, cell in cells.items():
        assert got[key]["queue_name"] == names[key[0]]
        assert {n: got[key][n] for n in expected_row(cell)} == expected_row(cell)
    assert [(row["interval_start"], row["queue_name"].encode(), row["media_type"].encode(), row["queue_id"]) for row in rows] == \
        sorted((row["interval_start"], row["queue_name"].encode(), row["media_type"].encode(), row["queue_id"]) for row in rows)

    # wide: part of the column's name; tidy: a column
    assert run(ql, genesys, "--by", "media_type", "--metrics", "calls_offered", "--names", "raw", "-o", "w.parquet").code == 0
    wide = {row["interval_start"]: row for row in rows_of(tmp_path / "w.parquet")}
    assert run(ql, genesys, "--by", "media_type", "--metrics", "calls_offered", "--layout", "tidy", "-o", "t.parquet").code == 0
    tidy = {(row["queue_name"], row["media_type"], row["interval_start"]): row["value"] for row in rows_of(tmp_path / "t.parquet") if row["metric"] == "calls_offered"}
    offered = {key: cell for key, cell in cells.items() if cell["nOffered"]["count"]}  # nothing else was asked for beside what the rates need
    assert len(offered) > 100
    for (queue, media, start), cell in offered.items():
        assert wide[start][f"calls_offered_{names[queue]} [{media}]"] == tidy[names[queue], media, start] == cell["nOffered"]["count"]
    assert sum(tidy.values()) == sum(cell["nOffered"]["count"] for cell in offered.values())
    assert run(ql, genesys, "--by", "media_type", "-o", "s.parquet").code == 0
    footer = json.loads(pq.read_metadata(tmp_path / "s.parquet").metadata[b"queuelake"])
    assert any(name.endswith(" [voice]") and part.endswith("_voice") for name, part in footer["queue_columns"].items())


def clause(dimension, *values):
    return {"type": "or", "predicates": [{"type": "dimension", "dimension": dimension, "value": value} for value in values]}


def test_filters(ql, sim, tmp_path):
    genesys = sim("--world", "edge", "--queues", 12)
    api = Api(genesys)
    names = api.queues()
    ids = sorted(names, key=lambda i: names[i].encode())
    division = api.call(f"{QUEUES}?pageSize=500")["entities"][3]["division"]
    cases = [(["--queues", f"{names[ids[1]]},{ids[2]}"], [clause("queueId", ids[1], ids[2])]),
             (["--media-types", "voice,chat"], [clause("mediaType", "voice", "chat")]),
             (["--directions", "outbound"], [clause("direction", "outbound")]),
             (["--divisions", division["name"], "--media-types", "voice"], [clause("mediaType", "voice"), clause("divisionId", division["id"])]),
             (["--divisions", division["id"]], [clause("divisionId", division["id"])])]
    for flags, clauses in cases:
        assert run(ql, genesys, *LONG, *flags, "-o", "a.parquet").code == 0, flags
        cells = api.cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z", filter={"type": "and", "clauses": clauses})
        assert cells, flags
        assert_equal_to_the_api(tmp_path / "a.parquet", cells, names)
    done = run(ql, genesys, "--queues", names[ids[0]] + "x", "-o", "a.parquet")
    assert done.code == 78 and f"did you mean '{names[ids[0]]}'" in done.text, done
    done = run(ql, genesys, "--divisions", "Nowhere at all", "-o", "a.parquet")
    assert done.code == 78 and "is in a division 'Nowhere at all'" in done.text, done


def test_more_queues_than_one_query_may_name(ql, sim, tmp_path):
    genesys = sim("--queues", 250)
    api = Api(genesys)
    names = api.queues()
    wanted = sorted(names)[:230]
    assert run(ql, genesys, *LONG, "--queues", ",".join(wanted), "--config", "/dev/null", "-o", "a.parquet", start="2024-01-08T10:00:00Z", end="2024-01-08T12:00:00Z").code == 0
    cells = api.cells("2024-01-08T10:00:00Z", "2024-01-08T12:00:00Z", filter={"type": "and", "clauses": [clause("queueId", *wanted)]})
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, names)


def test_nothing_happened(ql, sim, tmp_path):
    for world in ("plain", "edge"):  # `results` is empty in one, and absent in the other
        done = run(ql, sim("--queues", 0, "--world", world), "--json", "-o", "a.parquet")
        assert done.code == 0 and done.json["warnings"] == ["the source has no rows; the artefact has the schema alone"], done
        assert pq.read_table(tmp_path / "a.parquet").num_rows == 0


# Windows


@pytest.mark.parametrize("limits", [["--max-query-days", 1], ["--max-query-buckets", 40], ["--max-query-buckets", 500]])
def test_what_is_refused_as_too_much_is_asked_for_in_parts(ql, sim, tmp_path, limits):
    genesys = sim("--queues", 12, *limits)
    done = run(ql, genesys, *LONG, "--aggregates", "query", "--verbose", "-o", "a.parquet", end="2024-01-10T06:00:00Z")
    assert done.code == 0 and "asking for less" in done.text, done
    cells = Api(sim("--queues", 12)).cells("2024-01-08T00:00:00Z", "2024-01-10T06:00:00Z")
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, Api(genesys).queues())


def test_an_answer_that_is_larger_than_we_hold_is_asked_for_in_parts(ql, sim, tmp_path):
    for way in ("query", "job"):
        genesys = sim("--queues", 12)
        done = run(ql, genesys, *LONG, "--aggregates", way, "--max-body-bytes", "64K", "--verbose", "-o", "a.parquet")
        assert done.code == 0, done
        cells = Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z")
        assert_equal_to_the_api(tmp_path / "a.parquet", cells, Api(genesys).queues())


def test_what_cannot_be_parted_further_is_an_error(ql, sim):
    done = run(ql, sim("--queues", 12, "--max-query-buckets", 11), "--aggregates", "query", "-o", "a.parquet")
    assert done.code != 0 and "response.entity.too.large" in done.text and "ask for less" in done.text, done


def test_a_gateway_that_gives_up_is_asked_for_less(ql, sim, tmp_path):
    plan = [{"match": {"path": AGGREGATES + "/query"}, "times": 2, "fault": {"html": 504}}]
    genesys = sim("--queues", 5, plan=plan)
    done = run(ql, genesys, *LONG, "--aggregates", "query", "--attempts", "2", "-o", "a.parquet")
    assert done.code == 0, done
    assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z"), Api(genesys).queues())


def test_a_long_range_goes_by_jobs_and_by_queries_where_there_are_none(ql, sim, tmp_path):
    args = ["--granularity", "P1D", *LONG]
    genesys = sim("--queues", 5)
    assert run(ql, genesys, *args, "-o", "a.parquet", end="2024-03-08").code == 0
    assert genesys.requests(path="/aggregates/jobs") and not genesys.requests(path="/aggregates/query")
    for status in (403, 404, 405):
        none = sim("--queues", 5, plan=[{"match": {"path": AGGREGATES + "/jobs"}, "times": -1, "fault": {"status": status}}])
        done = run(ql, none, *args, "--verbose", "-o", "b.parquet", end="2024-03-08")
        assert done.code == 0 and "there are no jobs here" in done.text, done
        assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
        done = run(ql, none, *args, "--aggregates", "job", "-o", "b.parquet", end="2024-03-08")
        assert done.code != 0 and "creating a job" in done.text, done


@pytest.mark.parametrize("day, halves", [("2024-03-31", 46), ("2024-10-27", 50), ("2024-06-01", 48)])
def test_days_on_which_the_clock_changes(ql, sim, tmp_path, day, halves):
    zone = zoneinfo.ZoneInfo("Europe/Madrid")
    start = dt.datetime.fromisoformat(day).replace(tzinfo=zone)
    end = (dt.datetime.fromisoformat(day) + dt.timedelta(days=1)).replace(tzinfo=zone)
    genesys = sim("--queues", 30, "--world", "edge", "--offsets")
    api = Api(genesys)
    args = ["--timezone", "Europe/Madrid"]
    assert run(ql, genesys, *LONG, *args, "-o", "a.parquet", start=day, end=str(end.date())).code == 0
    cells = api.cells(start.isoformat(), end.isoformat(), zone="Europe/Madrid")
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, api.queues())
    assert len({row["interval_start"] for row in rows_of(tmp_path / "a.parquet")}) == halves
    # A day is one interval of 23, 24 or 25 hours.
    assert run(ql, genesys, *LONG, *args, "--granularity", "1d", "-o", "d.parquet", start=day, end=str(end.date())).code == 0
    rows = rows_of(tmp_path / "d.parquet")
    assert {row["interval_end"] - row["interval_start"] for row in rows} == {dt.timedelta(minutes=30 * halves)}


def test_windows_of_a_zone_end_at_its_midnights(ql, sim, tmp_path):
    """Days of a range with a change of the clock, asked for two at a time."""
    genesys = sim("--queues", 3, "--max-query-days", 2)
    assert run(ql, genesys, *LONG, "--timezone", "Europe/Madrid", "--granularity", "1d", "-o", "a.parquet", start="2024-10-25", end="2024-10-30").code == 0
    cells = Api(sim("--queues", 3)).cells("2024-10-25T00:00:00+02:00", "2024-10-30T00:00:00+01:00", granularity="P1D", zone="Europe/Madrid")
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, Api(genesys).queues())


def test_late_data_replace_what_was_there(ql, sim, tmp_path):
    args = [*LONG, "-o", "a.parquet"]
    early = sim("--queues", 8, "--world", "edge", "--now", "2024-01-08T18:00:00Z", "--settle", 7200)
    late = sim("--queues", 8, "--world", "edge", "--now", "2024-01-12T00:00:00Z", "--settle", 7200)
    sums = []
    for genesys in (early, late):
        assert run(ql, genesys, *args).code == 0
        assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z"), Api(genesys).queues())
        sums.append(sum(row["calls_offered"] for row in rows_of(tmp_path / "a.parquet")))
    assert 0 < sums[0] < sums[1]


# Jobs


@pytest.mark.parametrize("args", [[], ["--split-groups"], ["--split-groups", "--offsets"]])
def test_cursors_are_followed_to_the_end(ql, sim, tmp_path, args):
    genesys = sim("--queues", 40, "--world", "edge", *args)
    done = run(ql, genesys, *LONG, "--aggregates", "job", "--max-json-bytes", "256K", "--max-body-bytes", "256K", "-o", "a.parquet")
    assert done.code == 0, done
    assert len(genesys.requests(path="/results")) > 5
    assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z"), Api(genesys).queues())


def job_faults(*faults, path=AGGREGATES + "/jobs/*"):
    return [{"match": {"method": "GET", "path": path}, "times": 1, **fault} for fault in faults]


def test_a_job_that_fails_says_why(ql, sim):
    genesys = sim(plan=job_faults({"fault": {"job_state": "FAILED", "message": "the shard is on fire"}}))
    done = run(ql, genesys, "--aggregates", "job", "-o", "a.parquet")
    assert done.code != 0 and "is FAILED: the shard is on fire" in done.text, done
    assert not genesys.requests(path="/aggregates/query")


@pytest.mark.parametrize("fault", [{"fault": {"job_state": "EXPIRED"}}, {"fault": {"status": 404}}, {"fault": {"status": 404}, "match": {"method": "GET", "path": "*/results*"}, "skip": 1}])
def test_a_job_that_is_lost_is_created_again(ql, sim, tmp_path, fault):
    genesys = sim("--queues", 30, plan=job_faults(fault))
    done = run(ql, genesys, *LONG, "--aggregates", "job", "--max-body-bytes", "128K", "--verbose", "-o", "a.parquet")
    assert done.code == 0 and "created again" in done.text, done
    assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z"), Api(genesys).queues())


def test_rows_of_a_job_that_is_lost_halfway_count_once(ql, sim, tmp_path):
    """So many that the first of them had reached the pivot."""
    genesys = sim("--queues", 60, plan=job_faults({"fault": {"status": 404}, "match": {"method": "GET", "path": "*/results*"}, "skip": 15}))
    args = ["--granularity", "PT15M", "--max-body-bytes", "1M", "--aggregates", "job"]
    done = run(ql, genesys, *LONG, *args, "--json", "-o", "a.parquet", end="2024-01-12")
    assert done.code == 0 and done.json["input"]["rows"] > 8192 and done.json["input"]["duplicates_merged"] == 0, done
    assert len([r for r in genesys.requests(path="/aggregates/jobs") if r["method"] == "POST"]) > 1
    assert [r["number"] for r in genesys.requests(path="/results")][-1] > 20
    assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-12T00:00:00Z", granularity="PT15M"), Api(genesys).queues())


def test_a_job_that_is_always_lost_ends_the_run(ql, sim):
    genesys = sim(plan=[{"match": {"method": "POST", "path": AGGREGATES + "/jobs"}, "times": -1, "fault": {"job_state": "EXPIRED", "acts": True}}])
    done = run(ql, genesys, "--aggregates", "job", "-o", "a.parquet")
    assert done.code != 0 and "EXPIRED" in done.text, done
    assert len([r for r in genesys.requests(path="/jobs") if r["method"] == "POST"]) == 3


def test_results_that_are_not_ready_after_all(ql, sim, tmp_path):
    genesys = sim(plan=job_faults({"fault": {"status": 202, "body": "{}"}, "match": {"method": "GET", "path": "*/results*"}}))
    assert run(ql, genesys, *LONG, "--aggregates", "job", "-o", "a.parquet").code == 0
    assert_equal_to_the_api(tmp_path / "a.parquet", Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z"), Api(genesys).queues())


def test_a_job_is_cancelled_when_the_run_fails(ql, sim):
    genesys = sim(plan=job_faults({"fault": {"status": 200, "body": "{\"results\": [{\"group\": {\"queueId\": \"q\"}, \"data\": [{}]}]}"}, "match": {"method": "GET", "path": "*/results*"}}))
    done = run(ql, genesys, "--aggregates", "job", "-o", "a.parquet")
    assert done.code != 0 and "figures without an interval" in done.text, done
    assert [r["status"] for r in genesys.requests(path="/jobs/") if r["method"] == "DELETE"] == [204]


def test_a_job_that_takes_too_long_is_cancelled(ql, sim):
    genesys = sim("--ready-after", 3600)
    done = run(ql, genesys, "--aggregates", "job", "--deadline", "1s", "-o", "a.parquet")
    assert done.code == 75 and "was not ready after 1 s" in done.text, done
    assert [r["status"] for r in genesys.requests(path="/jobs/") if r["method"] == "DELETE"] == [204]


def test_a_signal_cancels_the_job(binary, sim, tmp_path):
    genesys = sim("--ready-after", 3600)
    process = subprocess.Popen([str(binary), "run", "--from", "2024-01-08", "--to", "2024-01-09", *genesys.flags, *FAST, "--aggregates", "job", "-o", "a.parquet"],
                               cwd=tmp_path, env={**CLEAN, **genesys.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(600):
        if any(r["method"] == "GET" for r in genesys.requests(path="/jobs/")):
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM and not (tmp_path / "a.parquet").exists()
    assert [r["status"] for r in genesys.requests(path="/jobs/") if r["method"] == "DELETE"] == [204]


# Queues


def test_all_pages_of_queues(ql, sim, tmp_path):
    genesys = sim("--queues", 230)
    assert run(ql, genesys, *LONG, "-o", "a.parquet", start="2024-01-08T10:00:00Z", end="2024-01-08T10:30:00Z").code == 0
    pages = genesys.requests(path=QUEUES)
    assert len(pages) == 3 and len({r["query"] for r in pages}) == 3
    cells = Api(genesys).cells("2024-01-08T10:00:00Z", "2024-01-08T10:30:00Z")
    assert_equal_to_the_api(tmp_path / "a.parquet", cells, Api(genesys).queues())


def test_deleted_and_renamed_queues(ql, sim, tmp_path):
    names = Api(sim("--queues", 6)).queues()
    genesys = sim("--queues", 6, plan=[{"match": {"path": "/oauth/token"}, "fault": {"delete_queue": 2, "rename_queue": 3}}])
    assert run(ql, genesys, *LONG, "-o", "a.parquet").code == 0
    now = Api(genesys).queues()
    gone = set(names) - set(now)
    renamed = {i for i in now if now[i] != names[i]}
    assert len(gone) == 1 and len(renamed) == 1
    seen = {row["queue_id"]: row["queue_name"] for row in rows_of(tmp_path / "a.parquet")}
    assert set(seen) == set(names) and all(seen[i] == now.get(i, i) for i in seen)
    done = run(ql, genesys, *LONG, "--queues", next(iter(gone)), "-o", "b.parquet")  # its history is still there
    assert done.code == 0 and {row["queue_id"] for row in rows_of(tmp_path / "b.parquet")} == gone


def test_a_client_that_may_only_search_queues(ql, sim, tmp_path):
    genesys = sim("--queues", 5, "--permissions", "analytics:conversationAggregate:view,routing:queue:search")
    assert run(ql, genesys, *LONG, "-o", "a.parquet").code == 0
    assert all(row["queue_name"] != row["queue_id"] for row in rows_of(tmp_path / "a.parquet"))
    for flags, reason in (([], "names of queues"), (["--no-check"], "names of the queues")):  # told by the look at permissions, or by the refusal itself
        done = run(ql, sim("--permissions", "analytics:conversationAggregate:view"), *flags, "-o", "a.parquet")
        assert done.code == 77 and "routing:queue:view" in done.text and reason in done.text, done
        done = run(ql, sim("--permissions", "routing:queue:view"), *flags, "-o", "a.parquet")
        assert done.code == 77 and "analytics:conversationAggregate:view" in done.text, done


# The rate budget


def windows(requests, window_ms):
    """How many requests each of the server's windows had: one begins with the first request behind the end of the last."""
    counts, start = [], None
    for time_ms in sorted(r["time_ms"] for r in requests):
        if start is None or time_ms - start >= window_ms:
            start = time_ms
            counts.append(0)
        counts[-1] += 1
    return counts


@pytest.mark.parametrize("share, ours", [("0.5", 5), ("1", 10), ("0.05", 1)])
def test_no_window_of_the_server_has_more_than_our_share(ql, sim, share, ours):
    """Ten requests in four seconds stand for three hundred in a minute."""
    genesys = sim("--queues", 4, "--rate-limit", 10, "--rate-window", 4, "--max-query-days", 1)
    end = "2024-01-10" if ours == 1 else "2024-01-20"
    done = run(ql, genesys, "--rate-share", share, "--granularity", "PT1H", "--verbose", "-o", "a.parquet", end=end)
    assert done.code == 0, done
    requests = [r for r in genesys.requests() if r["path"].startswith("/api/")]
    assert max(windows(requests, 4000)) == ours < len(requests)
    assert not [r for r in requests if r["status"] == 429]
    assert "--rate-share" in done.text or ours == 10


def test_a_storm_of_429_is_sat_out(ql, sim):
    """Other programs use up every window: each refusal says when the next one begins, and nothing is sent before."""
    storm = {"status": 429, "headers": {"Retry-After": "1", "inin-ratelimit-count": "10", "inin-ratelimit-allowed": "10", "inin-ratelimit-reset": "1"}}
    genesys = sim("--queues", 4, plan=[{"match": {"path": QUEUES}, "times": 3, "fault": storm},
                                       {"match": {"path": AGGREGATES}, "times": 2, "fault": {"status": 429, "headers": {"Retry-After": "1"}}}])
    done = run(ql, genesys, "-o", "a.parquet")
    assert done.code == 0, done
    requests = [r for r in genesys.requests() if r["path"].startswith("/api/")]
    times = [r["time_ms"] for r in requests]
    refused = [i for i, r in enumerate(requests) if r["status"] == 429]
    assert len(refused) == 5 and all(times[i + 1] - times[i] >= 1000 for i in refused)


@pytest.mark.parametrize("share", ["0", "1.01", "half", "", "0.04999", "-0.5"])
def test_shares_that_are_none(ql, sim, share):
    done = run(ql, sim(), f"--rate-share={share}", "-o", "a.parquet")
    assert done.code in (64, 78) and "rate-share" in done.text, done


@pytest.mark.parametrize("flags, words", [(["--source", "exports", "--queues", "Sales"], "--queues goes with --source aggregates or reporting only"),
                                          (["--source", "exports", "--raw-sums"], "--raw-sums goes with --source aggregates only"),
                                          (["--export-metrics", "callsOffered"], "--export-metrics goes with --source exports only"),
                                          (["--layout", "long", "--queues-from", "q.txt"], "--queues-from goes with --layout wide only")])
def test_flags_of_another_source_are_refused(ql, sim, flags, words):
    done = run(ql, sim(), *flags, "-o", "a.parquet")
    assert done.code == 64 and words in done.text, done


def test_a_filter_of_the_file_is_never_left_out_in_silence(ql, sim, tmp_path):
    (tmp_path / "queuelake.yaml").write_text("queues: [Sales]\nraw_sums: true\n")
    done = run(ql, sim(), "--source", "exports", "-o", "a.parquet")
    assert done.code == 64 and "--queues goes with --source aggregates or reporting only" in done.text, done


# What no server should say


@pytest.mark.parametrize("body, words", [
    ("{\"results\": [", "the text ends too early"), ("[]", "no JSON object"), ("<html><body>gateway</body></html>", "HTML page"),
    ("{\"results\": [{\"group\": {\"queueId\": \"q\"}, \"data\": [{\"interval\": \"yesterday\", \"metrics\": []}]}]}", "interval 'yesterday'"),
    ("{\"results\": [{\"group\": {\"queueId\": \"q\"}, \"data\": [{\"interval\": \"2023-01-08T00:00:00Z/2023-01-08T00:30:00Z\", \"metrics\": []}]}]}", "not asked for"),
    ("{\"results\": [{\"group\": {\"queueId\": \"q\"}, \"data\": [{\"interval\": \"2024-01-08T00:00:00Z/2024-01-08T00:30:00Z\", "
     "\"metrics\": [{\"metric\": \"nOffered\", \"stats\": {\"count\": 1.5}}]}]}]}", "metric 'nOffered' has the count '1.5'"),
    ("{\"results\": [{\"group\": {\"queueId\": \"q\"}, \"data\": [{\"interval\": \"2024-01-08T00:00:00Z/2024-01-08T00:30:00Z\", "
     "\"metrics\": [{\"metric\": \"nOffered\", \"stats\": {\"count\": -1}}]}]}]}", "metric 'nOffered' has the count '-1'"),
])
def test_answers_that_are_none(ql, sim, body, words):
    done = run(ql, sim(plan=[{"match": {"path": AGGREGATES}, "times": -1, "fault": {"status": 200, "body": body}}]), "-o", "a.parquet")
    assert done.code != 0 and words in done.text and "asking for 2024-01-08T00:00:00.000Z" in done.text, done


def test_an_answer_in_another_order_and_with_unknown_members(ql, sim, tmp_path):
    body = {"systemErrors": None, "results": [
        {"data": [{"views": [], "metrics": [{"stats": {"p95": 1, "count": 3, "max": 9.0}, "metric": "nOffered"},
                                            {"metric": "nOffered", "qualifier": "part", "stats": {"count": 1}},
                                            {"metric": "tHandle", "stats": {"sum": 1.0E7, "count": 3.0}},
                                            {"metric": "tAcw", "stats": {"count": 2}}, {"metric": "tNew", "stats": {"count": "x"}}],
                   "interval": "2024-01-08T01:00:00+01:00/2024-01-08T00:30:00.000Z"}],
         "group": {"mediaType": "voice", "queueId": "caf\u00e9 \"1\""}},
        {"group": {"mediaType": "voice"}, "data": [{"interval": "2024-01-08T00:00:00Z/2024-01-08T00:30:00Z", "metrics": []}]}]}
    genesys = sim(plan=[{"match": {"path": AGGREGATES}, "fault": {"status": 200, "body": json.dumps(body)}}])
    done = run(ql, genesys, *LONG, "--verbose", "-o", "a.parquet")
    assert done.code == 0, done
    row, = rows_of(tmp_path / "a.parquet")
    assert row["queue_id"] == row["queue_name"] == "caf\u00e9 \"1\"" and row["calls_offered"] == 3 and row["calls_answered"] == 0
    assert row["avg_handle_time_seconds"] == 1e7 / 3000 and row["avg_after_call_work_seconds"] is None and row["avg_talk_time_seconds"] is None
    assert "of no queue were left out: 1" in done.text and "a sum or a count alone: 1" in done.text
