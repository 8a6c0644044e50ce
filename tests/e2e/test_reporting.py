"""`run --source reporting` against the simulator: what is asked for, every state and failure, what is split, what is deleted, what the file says."""
import datetime as dt
import json
import re
import zoneinfo

import pyarrow.parquet as pq
import pytest

from conftest import FAST

PATH = "/api/v2/analytics/reporting/exports"
DAY = ["--from", "2024-01-08", "--to", "2024-01-09"]
LONG = ["--layout", "long", "--columns-by", "id"]


def run(ql, sim, *args, span=DAY, source="reporting"):
    return ql("run", "--source", source, *span, *sim.flags, *FAST, "-o", "out.parquet", "--json", *args, env=sim.env)


def table(tmp_path, name="out.parquet"):
    return pq.read_table(tmp_path / name).to_pylist()


def error(done):
    return done.json["error"]


def created(sim):
    return [r for r in sim.requests() if r["method"] == "POST" and r["path"] == PATH]


def codes():
    """The enum of the SDK's model: what may come, from outside the program."""
    from PureCloudPlatformClientV2.models.reporting_export_job_response import ReportingExportJobResponse
    import inspect

    source = inspect.getsource(ReportingExportJobResponse.export_error_messages_type.fset)
    return re.findall(r'"([A-Z0-9_]{6,})"', source)


def test_the_whole_way(ql, sim, tmp_path):
    genesys = sim("--ready-after", "0.2", "--queues", 4)
    done = run(ql, genesys, *LONG)
    assert done.code == 0, done
    requests = genesys.requests()
    assert len([r for r in requests if r["path"] == "/oauth/token"]) == 1 and len(created(genesys)) == 1
    shown = [r for r in requests if r["path"].startswith("/api/v2/downloads/")]
    assert len(shown) == 1 and shown[0]["has_authorization"]
    files = genesys.requests(host="download")
    assert len(files) == 1 and not files[0]["has_authorization"]
    assert not [r for r in requests if r["method"] == "DELETE"]
    assert done.json["warnings"] == [] and done.json["input"]["export_id"]
    assert len(table(tmp_path)) == done.json["input"]["rows"] > 50


def test_what_is_asked_for_is_what_a_program_can_read(ql, sim):
    genesys = sim("--queues", 3)
    done = run(ql, genesys, "--granularity", "PT1H", "--report-media-types", "voice", "--report-directions", "inbound", "--report-columns", "Offer,Answer,AvgHandle")
    assert done.code == 0, done
    entity = json.loads(call(genesys, PATH + "?pageSize=100"))["entities"][0]
    assert {k: entity[k] for k in ("viewType", "timeZone", "locale", "interval", "period", "exportFormat", "csvDelimiter", "filter", "durationFormat")} == {
        "viewType": "QUEUE_PERFORMANCE_DETAIL_VIEW", "timeZone": "UTC", "locale": "en-us", "interval": "2024-01-08T00:00:00.000Z/2024-01-09T00:00:00.000Z",
        "period": "PT1H", "exportFormat": "CSV", "csvDelimiter": "COMMA", "filter": {"mediaTypes": ["voice"], "directions": ["inbound"]},
        "durationFormat": "Milliseconds"}
    assert [entity[k] for k in ("hasFormatDurations", "hasSplitFilters", "excludeEmptyRows", "hasSplitByMedia", "hasSummaryRow", "includeDurationFormatInHeader")] == \
        [False, True, True, True, False, False]
    assert entity["selectedColumns"] == [{"columnOrder": i + 1, "columnName": c} for i, c in enumerate(["Offer", "Answer", "AvgHandle"])]


def call(sim, path):
    import base64
    import urllib.request

    pair = base64.b64encode(f"{sim.info['client_id']}:{sim.info['client_secret']}".encode()).decode()
    ask = urllib.request.Request(sim.info["login_url"] + "/oauth/token", b"grant_type=client_credentials",
                                 {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"})
    token = json.loads(urllib.request.urlopen(ask).read())["access_token"]
    return urllib.request.urlopen(urllib.request.Request(sim.info["api_url"] + path, headers={"Authorization": f"Bearer {token}"})).read()


def counts(rows):
    return {(r["interval_start"], r["queue_id"]): (r["calls_offered"], r["calls_answered"]) for r in rows if r["calls_offered"] or r["calls_answered"]}


@pytest.mark.parametrize("world", ["plain", "edge"])
def test_counts_are_those_of_the_other_source(ql, sim, tmp_path, world):
    genesys = sim("--world", world, "--queues", 9)
    results = []
    for source in ("reporting", "exports"):
        done = run(ql, genesys, *LONG, "--overlap", "sum", source=source, span=["--from", "2024-01-08", "--to", "2024-01-10"])
        assert done.code == 0, done
        results.append(counts(table(tmp_path)))
    assert results[0] == results[1] and len(results[0]) > 300


def test_percent_and_seconds_are_canonical(ql, sim, tmp_path):
    genesys = sim("--queues", 5)
    results = []
    for source in ("reporting", "exports"):
        assert run(ql, genesys, *LONG, source=source).code == 0
        results.append({(r["interval_start"], r["queue_id"]): r for r in table(tmp_path)})
    n = 0
    for key, row in results[0].items():
        other = results[1][key]
        if row["calls_answered"]:
            n += 1
            assert row["avg_handle_time_seconds"] == pytest.approx(other["avg_handle_time_seconds"], abs=0.01)
            assert row["service_level_percent"] == pytest.approx(other["service_level_percent"], abs=0.01)
    assert n > 50


# States


@pytest.mark.parametrize("public", [True, False])
def test_an_export_is_found_on_whatever_page_it_is(ql, sim, tmp_path, public):
    """Foreign exports come first: ours is on the fourth page."""
    genesys = sim("--ready-after", "0.3", "--other-reports", 350, *(["--public-only"] if public else []))
    assert run(ql, genesys).code == 0
    pages = [r for r in genesys.requests() if r["method"] == "GET" and r["path"] == PATH]
    singles = [r for r in genesys.requests() if r["method"] == "GET" and r["path"].startswith(PATH + "/")]
    assert (len(pages) >= 4 and len(singles) == 1) if public else (not pages and len(singles) >= 2)


def test_states_are_lived_through(ql, sim):
    states = ["SUBMITTED", "RUNNING", "CANCELLING", "INVENTED_LATER"]
    genesys = sim(plan=[{"match": {"method": "GET", "path": PATH + "/*"}, "fault": {"report_status": s}} for s in states[:3]]
                  + [{"match": {"method": "GET", "path": PATH + "/*"}, "fault": {"report_status": "COMPLETED"}}])
    assert run(ql, genesys).code == 0
    assert len([r for r in genesys.requests() if r["path"].startswith(PATH + "/")]) == 4


def test_a_cancelled_export_is_an_error(ql, sim):
    done = run(ql, sim(plan=[{"match": {"method": "POST", "path": PATH}, "fault": {"report_status": "CANCELLED"}}]))
    assert done.code == 69 and "is CANCELLED" in error(done)["message"], done


def test_partial_results_are_taken_only_when_told(ql, sim, tmp_path):
    plan = [{"match": {"method": "POST", "path": PATH}, "times": -1, "fault": {"report_status": "COMPLETED_WITH_PARTIAL_RESULTS"}}]
    done = run(ql, sim(plan=plan))
    assert done.code == 69 and "partial results" in error(done)["message"] and "--accept-partial" in error(done)["hint"]
    assert not (tmp_path / "out.parquet").exists()
    done = run(ql, sim(plan=plan), "--accept-partial")
    assert done.code == 0 and any("partial results only" in w for w in done.json["warnings"]) and any("not complete" in w for w in done.json["warnings"]), done


# Failures

LATER = {"FAILED_GETTING_DATA_FROM_SERVICE", "FAILED_GENERATING_TEMP_FILE", "FAILED_SAVING_FILE_TO_S3", "FAILED_NOTIFYING_SKYWALKER_OF_DOWNLOAD",
         "FAILED_BUILDING_DOWNLOAD_URL_FROM_SKYWALKER_RESPONSE", "REACHED_MAXIMUM_ATTEMPT_OF_RETRY", "CIRCUIT_BREAKER_OPEN_FOR_VIEW_TYPE",
         "TOO_MANY_REQUESTS_FROM_AN_ORGANIZATION"}
SPLIT = {"FAILED_LONG_RUNNING_EXPORT", "FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB", "EXPORT_EMAIL_FILE_SIZE_EXCEEDED_LIMIT"}


def test_every_code_of_the_sdk_has_its_own_sentence_and_exit_code(ql, sim):
    known = codes()
    assert len(known) == 20
    sentences = set()
    for code in known:
        genesys = sim(plan=[{"match": {"method": "POST", "path": PATH}, "times": -1, "fault": {"report_status": "FAILED", "report_error": code}}])
        done = run(ql, genesys, span=["--from", "2024-01-08T00:00Z", "--to", "2024-01-08T00:30Z"])
        assert done.code == (75 if code in LATER else 77 if code == "NOT_AUTHORIZED_TO_VIEW_EXPORT" else 69), done
        message, hint = error(done)["message"], error(done)["hint"]
        assert message.endswith(f"({code})") and "is FAILED: " in message and hint, message
        assert error(done)["retryable"] == (code in LATER)
        sentences.add(message.split("FAILED: ")[1].split(" (")[0])
        assert len(created(genesys)) == 1, "one interval of all queues cannot be split"
    assert len(sentences) == 20


def test_a_code_that_nobody_knows_is_told_as_it_is(ql, sim):
    """By a server of our own: the simulator knows the SDK's codes only."""
    answer = {"id": "11111111-2222-4333-8444-555555555555", "status": "FAILED", "exportErrorMessagesType": "FAILED_ON_A_TUESDAY"}
    done = run(ql, sim(plan=[{"match": {"method": "POST", "path": PATH}, "fault": {"status": 200, "content_type": "application/json", "body": json.dumps(answer)}}]))
    assert done.code == 69 and "is FAILED: FAILED_ON_A_TUESDAY" in error(done)["message"]


# Splitting

WEEK = ["--from", "2024-01-08", "--to", "2024-01-15"]


@pytest.mark.parametrize("limit", [["--max-report-days", 1], ["--max-report-days", 2], ["--max-report-bytes", 30000]])
def test_what_is_too_large_is_halved_and_the_values_are_those_of_the_whole(ql, sim, tmp_path, limit):
    assert run(ql, sim("--queues", 5), span=WEEK).code == 0
    whole = (tmp_path / "out.parquet").read_bytes()
    genesys = sim("--queues", 5, *limit)
    done = run(ql, genesys, span=WEEK)
    assert done.code == 0, done
    assert (tmp_path / "out.parquet").read_bytes() == whole
    assert done.json["input"]["inputs"] >= 4
    spans = [json.loads(call(genesys, PATH + "?pageSize=100"))["entities"]]
    done_spans = sorted(e["interval"].split("/") for e in spans[0] if e["status"] == "COMPLETED")
    assert [s[0] for s in done_spans[1:]] == [s[1] for s in done_spans[:-1]], "the parts follow one another"
    assert done_spans[0][0].startswith("2024-01-08T00") and done_spans[-1][1].startswith("2024-01-15T00")


def test_a_range_is_cut_at_midnights_of_its_zone(ql, sim, tmp_path):
    genesys = sim("--queues", 2, "--max-report-days", 1)
    zone = ["--timezone", "Europe/Berlin", "--csv-timezone", "Europe/Berlin", "--granularity", "P1D"]
    done = run(ql, genesys, *zone, span=["--from", "2024-03-29", "--to", "2024-04-02"])
    assert done.code == 0, done
    spans = sorted(e["interval"].split("/") for e in json.loads(call(genesys, PATH + "?pageSize=100"))["entities"] if e["status"] == "COMPLETED")
    midnights = [dt.datetime(2024, 3, 29 + i if i < 3 else 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")) if i < 3 else
                 dt.datetime(2024, 4, i - 2, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")) for i in range(5)]
    assert [dt.datetime.fromisoformat(s[0]) for s in spans] == [m.astimezone(dt.timezone.utc) for m in midnights[:-1]]
    assert len(table(tmp_path)) == 4


def test_a_list_of_queues_is_halved_where_the_server_takes_fewer(ql, sim, tmp_path):
    names = json.loads(call(sim("--queues", 6), "/api/v2/routing/queues?pageSize=100"))["entities"]
    queues = ",".join(q["id"] for q in names[:4])
    assert run(ql, sim("--queues", 6), "--report-queues", queues).code == 0
    whole = (tmp_path / "out.parquet").read_bytes()
    plan = [{"match": {"method": "POST", "path": PATH}, "times": 1, "fault": {"report_status": "FAILED", "report_error": "SEARCH_CRITERIA_VALUES_EXCEED_LIMIT"}}]
    genesys = sim("--queues", 6, plan=plan)
    done = run(ql, genesys, "--report-queues", queues)
    assert done.code == 0 and done.json["input"]["inputs"] == 2, done
    assert (tmp_path / "out.parquet").read_bytes() == whole


def test_splitting_has_a_limit(ql, sim):
    done = run(ql, sim("--max-report-days", 1), "--max-exports", "3", span=WEEK)
    assert done.code == 69 and "split into 3 exports already" in error(done)["message"] and "--max-exports" in error(done)["hint"], done


# Links and broken downloads


def test_an_expired_link_is_asked_for_again(ql, sim):
    genesys = sim(plan=[{"match": {"path": "/reports/"}, "fault": {"expire_link": True}}])
    done = run(ql, genesys)
    assert done.code == 0 and done.json["input"]["restarts"] == 0, done
    assert len([r for r in genesys.requests() if r["path"].startswith("/api/v2/downloads/")]) == 2


def test_a_part_that_breaks_begins_everything_anew(ql, sim, tmp_path):
    assert run(ql, sim("--queues", 3), span=WEEK).code == 0
    whole = (tmp_path / "out.parquet").read_bytes()
    genesys = sim("--queues", 3, "--max-report-days", 4, plan=[{"match": {"path": "/reports/"}, "skip": 1, "fault": {"truncate_after": 3000}}])
    done = run(ql, genesys, span=WEEK)
    assert done.code == 0 and done.json["input"]["restarts"] == 1 and done.json["input"]["inputs"] == 2, done
    assert (tmp_path / "out.parquet").read_bytes() == whole
    assert len(genesys.requests(host="download")) == 4


def test_a_link_that_stays_refused_is_an_error(ql, sim):
    genesys = sim(plan=[{"match": {"path": "/reports/"}, "times": -1, "fault": {"expire_link": True}}])
    done = run(ql, genesys, "--download-attempts", "2")
    assert done.code == 75 and "refuses the download link" in error(done)["message"] and len(genesys.requests(host="download")) == 2, done


# Deleting


def deletions(sim):
    return [r["path"].rsplit("/", 1)[1] for r in sim.requests() if r["method"] == "DELETE"]


def test_only_what_the_run_made_is_deleted_and_only_when_told(ql, sim):
    genesys = sim("--other-reports", 5, "--max-report-days", 4)
    done = run(ql, genesys, "--delete-export", span=WEEK)
    assert done.code == 0 and done.json["warnings"] == [], done
    assert len(deletions(genesys)) == len(created(genesys)) == 3
    left = json.loads(call(genesys, PATH + "?pageSize=100"))["entities"]
    assert len(left) == 5 and {e["name"] for e in left} == {"Weekly overview"}


@pytest.mark.parametrize("flags", [["--public-only"], ["--permissions", "analytics:dataExport:add,analytics:dataExport:view"]])
def test_what_cannot_be_deleted_is_a_warning(ql, sim, flags):
    done = run(ql, sim(*flags), "--delete-export")
    assert done.code == 0 and len(done.json["warnings"]) == 1 and "could not be deleted" in done.json["warnings"][0], done


def test_missing_permissions_are_named(ql, sim):
    done = run(ql, sim("--permissions", "analytics:dataExport:view"))
    assert done.code == 77 and "analytics:dataExport:add" in error(done)["message"]


# The file


@pytest.mark.parametrize("locale", ["en-us", "en-gb", "es", "de", "fr"])
def test_headers_and_dates_of_the_locale_change_nothing(ql, sim, tmp_path, locale):
    assert run(ql, sim("--queues", 4)).code == 0
    english = (tmp_path / "out.parquet").read_bytes()
    done = run(ql, sim("--queues", 4), "--report-locale", locale)
    assert done.code == 0, done
    assert (tmp_path / "out.parquet").read_bytes() == english


def test_days_on_which_the_clock_changes(ql, sim, tmp_path):
    """In UTC nothing is lost; in the zone itself the repeated hour cannot be read, and is said so."""
    genesys = sim("--queues", 30, "--world", "edge")
    for day, after, n in (("2024-03-31", "2024-04-01", 46), ("2024-10-27", "2024-10-28", 50)):
        span = ["--timezone", "Europe/Berlin", "--from", day, "--to", after]
        done = run(ql, genesys, "--gaps", "fill", "--granularity", "30m", *LONG, "--cells", "all", span=span)
        assert done.code == 0 and done.json["table"]["intervals"] == n and len({r["interval_start"] for r in table(tmp_path)}) == n, done
    spring = ["--timezone", "Europe/Berlin", "--csv-timezone", "Europe/Berlin", "--from", "2024-03-31", "--to", "2024-04-01"]
    assert run(ql, sim("--queues", 8), *LONG, span=["--timezone", "Europe/Berlin", "--from", "2024-03-31", "--to", "2024-04-01"]).code == 0
    in_utc = table(tmp_path)
    assert run(ql, sim("--queues", 8), *LONG, span=spring).code == 0
    assert table(tmp_path) == in_utc
    autumn = run(ql, sim("--queues", 40, "--world", "edge"), span=["--timezone", "Europe/Berlin", "--csv-timezone", "Europe/Berlin", "--from", "2024-10-27", "--to", "2024-10-28"])
    assert autumn.code == 65 and "the time zone has twice" in error(autumn)["message"], autumn


def test_a_file_that_was_fetched_before_reads_the_same(ql, sim, tmp_path):
    """What a person exports by hand: transform takes it, with its summary row, once it is told how dates are written."""
    from sim_client import Simulator

    genesys = sim("--world", "edge", "--queues", 7)
    assert run(ql, genesys, *LONG).code == 0
    fetched = table(tmp_path)
    own = Simulator("--world", "edge", "--queues", 7)
    try:
        body = {"name": "by hand", "timeZone": "UTC", "exportFormat": "CSV", "interval": "2024-01-08T00:00:00Z/2024-01-09T00:00:00Z", "period": "PT30M",
                "viewType": "QUEUE_PERFORMANCE_DETAIL_VIEW", "filter": {}, "locale": "en-us", "hasSplitFilters": True, "excludeEmptyRows": True,
                "hasSplitByMedia": True, "hasSummaryRow": True, "csvDelimiter": "SEMICOLON", "hasFormatDurations": False, "includeDurationFormatInHeader": True}
        entity = json.loads(own.call(PATH + "/" + json.loads(own.call(PATH, "POST", body).body)["id"]).body)
        link = json.loads(own.call(entity["downloadUrl"] + "?issueRedirect=false").body)["url"]
        (tmp_path / "hand.csv").write_bytes(own.send(link).body)
    finally:
        own.stop()
    done = ql("transform", "hand.csv", "-o", "out.parquet", *LONG, "--json")
    assert done.code == 65 and "--csv-dates us" in error(done)["hint"], done
    done = ql("transform", "hand.csv", "-o", "out.parquet", *LONG, "--json", "--csv-dates", "us")
    assert done.code == 0 and any("sum up several queues were left out: 1" in w for w in done.json["warnings"]), done
    assert table(tmp_path) == fetched
