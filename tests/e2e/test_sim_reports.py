"""The simulator's reporting exports: the file as the service writes it, and what can become of an export."""
import csv
import datetime as dt
import io
import json
import re
import zoneinfo

import pytest

from sim_client import error_of, run_and_fail, s3_error, start  # noqa: F401

REPORTS = "/api/v2/analytics/reporting/exports"
HEADER = ("Interval Start,Interval End,Interval Complete,Filters,Media Type,Queue Id,Queue Name,Offer,Answer,Answer %,Abandon,Abandon %,ASA,Service Level %,"
          "Service Level Target %,Avg Wait,Avg Handle,Avg Talk,Avg Hold,Avg ACW,Hold,Transfer,Short Abandon").split(",")


def request(**changes):
    body = {"name": "test", "timeZone": "UTC", "exportFormat": "CSV", "interval": "2024-01-08T00:00:00.000Z/2024-01-09T00:00:00.000Z", "period": "PT30M",
            "viewType": "QUEUE_PERFORMANCE_DETAIL_VIEW", "filter": {}, "locale": "en-us", "hasFormatDurations": False, "hasSplitFilters": True,
            "excludeEmptyRows": True, "hasSplitByMedia": True, "hasSummaryRow": False, "csvDelimiter": "COMMA", **changes}
    return {key: value for key, value in body.items() if value is not None}


def create(simulator, **changes):
    answer = simulator.call(REPORTS, "POST", request(**changes))
    assert answer.status == 200, answer.body
    return json.loads(answer.body)["id"]


def look(simulator, report_id):
    return json.loads(simulator.call(f"{REPORTS}/{report_id}").body)


def fetch(simulator, **changes):
    entity = look(simulator, create(simulator, **changes))
    assert entity["status"] == "COMPLETED", entity
    link = json.loads(simulator.call(entity["downloadUrl"] + "?issueRedirect=false").body)["url"]
    answer = simulator.send(link)
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/csv")
    return answer.body


def table(simulator, delimiter=",", **changes):
    return list(csv.reader(io.StringIO(fetch(simulator, **changes).decode("utf-8-sig"), newline=""), delimiter=delimiter))


def rows(simulator, **changes):
    lines = table(simulator, **changes)
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def queue_ids(simulator, n):
    return [q["id"] for q in json.loads(simulator.call("/api/v2/routing/queues?pageSize=100").body)["entities"]][:n]


# The file


def test_the_file_is_made_for_people(start):
    plain, edge = fetch(start()), fetch(start("--world", "edge"))
    assert plain.split(b"\n")[0].decode() == ",".join(f'"{name}"' for name in HEADER) and b"\r" not in plain
    assert edge.startswith(b'\xef\xbb\xbf"Full Export Completed","Partial Result Timestamp","Interval Start"') and edge.endswith(b"\r\n")
    assert b'"1/8/24 9:30 AM"' in plain and b'"01/08/24 09:30 AM"' in edge
    assert b'"Support Level 2"' in plain and '"Rückfragen ""Premium"""'.encode() in plain
    for row in rows(start("--queues", 3)):
        assert all(value == "" or float(value) > 0 for value in (row["Offer"], row["Answer"], row["Abandon"], row["Avg Handle"])), "a count of nothing is empty"
        assert row["Service Level %"] == "" or 0 <= float(row["Service Level %"]) <= 1
        assert row["Interval Complete"] == "TRUE"


@pytest.mark.parametrize("changes, pattern", [
    ({"hasFormatDurations": True}, r"\d\d:\d\d:\d\d"), ({"durationFormat": "Hhmmss"}, r"\d\d:\d\d:\d\d"), ({"durationFormat": "Hms"}, r"\d+h \d+m \d+s"),
    ({"hasFormatDurations": True, "durationFormat": "Milliseconds"}, r"\d+(\.\d+)?"), ({"durationFormat": "Seconds"}, r"\d+(\.\d+)?"),
])
def test_durations_are_as_asked_for(start, changes, pattern):
    simulator = start("--queues", 4)
    milliseconds, got = rows(simulator), rows(simulator, **changes)
    assert len(got) == len(milliseconds) > 20
    for row, ms in zip(got, milliseconds):
        for name in ("ASA", "Avg Handle", "Avg Hold"):
            assert (row[name] == "") == (ms[name] == "")
            if row[name]:
                assert re.fullmatch(pattern, row[name])
                parts = [float(part.strip("hms")) for part in row[name].replace(":", " ").split()]
                seconds = parts[0] * 3600 + parts[1] * 60 + parts[2] if len(parts) == 3 else parts[0] / (1 if changes.get("durationFormat") == "Seconds" else 1000)
                assert seconds == pytest.approx(float(ms[name]) / 1000, abs=1)
    header = table(simulator, **changes, includeDurationFormatInHeader=True)[0]
    assert any(name.startswith("Avg Handle (") for name in header) and "Offer" in header


@pytest.mark.parametrize("locale, first, date", [
    ("en-us", "Interval Start", "1/8/24 9:30 AM"), ("EN_US", "Interval Start", "1/8/24 9:30 AM"), ("en-gb", "Interval Start", "08/01/2024 09:30"),
    ("es", "Inicio del intervalo", "8/1/24 9:30"), ("de-DE", "Intervallbeginn", "08.01.24 09:30"), ("fr", "D\u00e9but de l'intervalle", "08/01/2024 09:30"),
])
def test_headers_and_dates_follow_the_locale(start, locale, first, date):
    simulator = start("--queues", 5)
    english, lines = table(simulator), table(simulator, locale=locale, csvDelimiter="SEMICOLON", delimiter=";")
    assert lines[0][0] == first and len(lines[0]) == len(HEADER) == len(set(lines[0])) and date in {line[0] for line in lines}
    assert [line[5:] for line in lines[1:]] == [line[5:] for line in english[1:]]


def test_several_queues_are_a_row_of_their_own_or_one_together(start):
    simulator = start("--queues", 6)
    ids = queue_ids(simulator, 3)
    split, joined = rows(simulator, filter={"queueIds": ids}), rows(simulator, filter={"queueIds": ids}, hasSplitFilters=False)
    assert {r["Queue Id"] for r in split} == set(ids)
    assert {frozenset(r["Queue Id"].split("; ")) for r in joined} == {frozenset(ids)} and all(r["Queue Name"].count("; ") == 2 for r in joined)
    assert sum(int(r["Offer"] or 0) for r in split) == sum(int(r["Offer"] or 0) for r in joined) > 0


def test_a_summary_row_comes_last(start):
    simulator = start("--queues", 4)
    data, summed = rows(simulator), rows(simulator, hasSummaryRow=True)
    assert summed[:-1] == data
    last = summed[-1]
    assert (last["Interval Start"], last["Interval End"]) == ("1/8/24 12:00 AM", "1/9/24 12:00 AM") and last["Queue Id"].count("; ") == 3
    for name in ("Offer", "Answer", "Abandon", "Transfer"):
        assert int(last[name] or 0) == sum(int(r[name] or 0) for r in data)


def test_a_summary_view_has_a_row_a_queue(start):
    simulator = start("--queues", 5)
    summary, detail = rows(simulator, viewType="QUEUE_PERFORMANCE_SUMMARY_VIEW"), rows(simulator)
    assert sorted(r["Queue Id"] for r in summary) == sorted(queue_ids(simulator, 5))
    for row in summary:
        assert int(row["Offer"]) == sum(int(r["Offer"] or 0) for r in detail if r["Queue Id"] == row["Queue Id"])


def test_empty_rows_are_there_unless_left_out(start):
    simulator = start("--queues", 2)
    every = rows(simulator, excludeEmptyRows=False)
    assert len(every) == 96 and any(r["Offer"] == "" and r["Avg Handle"] == "" for r in every)
    assert [r for r in every if any(r[name] for name in HEADER[7:])] == rows(simulator)


def test_media_types_are_split_or_not(start):
    simulator = start("--world", "edge", "--queues", 8)
    split, joined = rows(simulator), rows(simulator, hasSplitByMedia=False)
    assert {r["Media Type"] for r in split} == {"voice", "callback", "chat", "email", "message"} and {r["Media Type"] for r in joined} == {""}
    assert sum(int(r["Offer"] or 0) for r in split) == sum(int(r["Offer"] or 0) for r in joined)
    for media in ("voice", "callback"):
        only = rows(simulator, filter={"mediaTypes": [media], "directions": ["inbound"]}, hasSplitByMedia=False)
        assert {r["Media Type"] for r in only} == {media} and {r["Filters"] for r in only} == {"Direction"}
        assert sum(int(r["Offer"] or 0) for r in only) == sum(int(r["Offer"] or 0) for r in split if r["Media Type"] == media)


@pytest.mark.parametrize("day, zone, n", [("2024-03-31", "Europe/Berlin", 46), ("2024-10-27", "Europe/Berlin", 50), ("2024-11-03", "America/New_York", 50)])
def test_days_on_which_the_clock_changes(start, day, zone, n):
    """The repeated hour is printed twice and cannot be told apart: that is how the file is."""
    tz = zoneinfo.ZoneInfo(zone)
    first = dt.datetime.fromisoformat(day)
    after = first + dt.timedelta(days=1)
    got = rows(start("--queues", 1), timeZone=zone, interval=f"{first.isoformat()}/{after.isoformat()}", excludeEmptyRows=False)
    begin = first.replace(tzinfo=tz).astimezone(dt.timezone.utc)
    wanted = [(begin + i * dt.timedelta(minutes=30)).astimezone(tz) for i in range(n)]
    assert [dt.datetime.strptime(r["Interval Start"], "%m/%d/%y %I:%M %p") for r in got] == [w.replace(tzinfo=None) for w in wanted]
    assert len({r["Interval Start"] for r in got}) == (n if n < 48 else 48)


def test_the_interval_that_is_not_over_is_not_complete(start):
    got = rows(start("--queues", 20, "--now", "2024-01-08T10:10:00Z"))
    begins = [dt.datetime.strptime(r["Interval Start"], "%m/%d/%y %I:%M %p") for r in got]
    assert max(begins) == dt.datetime(2024, 1, 8, 10) > min(begins)
    assert [r["Interval Complete"] for r in got] == ["FALSE" if begin == max(begins) else "TRUE" for begin in begins]


# What becomes of an export


def test_what_is_too_large_or_too_long_fails(start):
    simulator = start("--max-report-bytes", 20000, "--max-report-days", 3)
    cases = {"FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB": request(), "FAILED_LONG_RUNNING_EXPORT": request(interval="2024-01-08T00:00Z/2024-01-12T00:00Z"),
             "EXPORT_TYPE_NOT_IMPLEMENTED": request(exportFormat="PDF")}
    for error, body in cases.items():
        entity = look(simulator, json.loads(simulator.call(REPORTS, "POST", body).body)["id"])
        assert (entity["status"], entity["exportErrorMessagesType"]) == ("FAILED", error) and "downloadUrl" not in entity
    assert look(simulator, create(simulator, viewType="AGENT_STATUS_SUMMARY_VIEW"))["exportErrorMessagesType"] == "EXPORT_TYPE_NOT_IMPLEMENTED"
    assert len(fetch(simulator, filter={"queueIds": queue_ids(simulator, 1)})) <= 20000


def test_one_export_is_looked_at_changed_and_deleted(start):
    simulator = start()
    report_id = create(simulator)
    path = f"{REPORTS}/{report_id}"
    assert look(simulator, report_id)["read"] is False
    assert json.loads(simulator.call(path, "PATCH", {"read": True}).body)["read"] is True and look(simulator, report_id)["read"] is True
    download = look(simulator, report_id)["downloadUrl"]
    link = json.loads(simulator.call(download + "?issueRedirect=false").body)["url"]
    assert simulator.call(path, "DELETE").status == 204
    assert simulator.call(path).status == simulator.call(path, "DELETE").status == simulator.call(download).status == 404
    assert s3_error(simulator.send(link)) == (404, "NoSuchKey") and json.loads(simulator.call(REPORTS).body)["total"] == 0


def test_a_client_may_delete_only_where_it_is_allowed_to(start):
    simulator = start("--permissions", "analytics:dataExport:add,analytics:dataExport:view")
    path = f"{REPORTS}/{create(simulator)}"
    assert simulator.call(path).status == 200
    answer = simulator.call(path, "DELETE")
    assert answer.status == 403 and error_of(answer)[0] == "missing.permissions" and simulator.call(path).status == 200


def test_the_private_endpoints_may_be_gone(start):
    simulator = start("--public-only")
    path = f"{REPORTS}/{create(simulator)}"
    assert [simulator.call(path, method, {} if method == "PATCH" else None).status for method in ("GET", "PATCH", "DELETE")] == [404] * 3
    assert simulator.call(REPORTS).status == simulator.call(REPORTS + "/metadata").status == 200


def test_an_export_that_changes_while_it_is_looked_at(start, tmp_path):
    plan = tmp_path / "plan.json"
    states = ["RUNNING", "CANCELLING", "CANCELLED"]
    plan.write_text(json.dumps([{"match": {"method": "GET", "path": REPORTS + "/*"}, "fault": {"report_status": state}} for state in states]))
    simulator = start("--fault-plan", plan)
    report_id = create(simulator)
    assert [look(simulator, report_id)["status"] for _ in range(4)] == [*states, "CANCELLED"]


def test_a_link_is_good_for_its_time(start, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"match": {"path": "/reports/"}, "fault": {"expire_link": True}}]))
    simulator = start("--fault-plan", plan)
    download = look(simulator, create(simulator))["downloadUrl"] + "?issueRedirect=false"
    links = [json.loads(simulator.call(download).body)["url"] for _ in range(2)]
    assert links[0] != links[1] and s3_error(simulator.send(links[0])) == (403, "AccessDenied")
    assert simulator.send(links[0]).status == 403 and simulator.send(links[1]).status == 200
    assert simulator.send(links[1].split("?")[0]).status == 403


@pytest.mark.parametrize("changes, code, field", [
    *(({name: None}, "constraint.validation", name) for name in ("name", "timeZone", "exportFormat", "interval", "period", "viewType", "filter", "locale")),
    ({"timeZone": "Nowhere"}, "bad.request", "timeZone"), ({"interval": "today"}, "bad.request", "interval"), ({"period": "PT7M"}, "invalid.value", "period"),
    ({"viewType": "queues"}, "invalid.value", "viewType"), ({"exportFormat": "XLS"}, "invalid.value", "exportFormat"),
    ({"csvDelimiter": "TAB"}, "invalid.value", "csvDelimiter"), ({"durationFormat": "Days"}, "invalid.value", "durationFormat"),
    ({"hasSummaryRow": "yes"}, "constraint.validation", "hasSummaryRow"), ({"locale": "xx"}, "invalid.value", "locale"),
    ({"filter": {"queueIds": "x"}}, "constraint.validation", "queueIds"),
    ({"selectedColumns": [{"columnOrder": 1, "columnName": "Nope"}]}, "invalid.value", "selectedColumns"),
])
def test_a_wrong_request_is_refused_with_its_field(start, changes, code, field):
    simulator = start()
    answer = simulator.call(REPORTS, "POST", request(**changes))
    assert answer.status == 400 and error_of(answer)[0] == code
    assert [d["fieldName"] for d in json.loads(answer.body)["details"]] == [field]


@pytest.mark.parametrize("fault, says", [
    ({"report_status": "DONE"}, "'report_status' must be a status"), ({"report_error": "FAILED_GENERATING_TEMP_FILE"}, "needs 'report_status' FAILED"),
    ({"report_status": "FAILED", "report_error": "OOPS"}, "exportErrorMessagesType"), ({"job_state": "DONE"}, "'job_state' must be a state"),
    ({"code": "x"}, "'code' needs a 'status'"), ({"status": 404, "message": "x"}, "'message' needs"), ({"permission": "a:b:c", "status": 403}, "more than one answer"),
    ({"rename_queue": 0}, "out of range"),
])
def test_a_wrong_fault_plan_is_named(tmp_path, fault, says):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"fault": fault}]))
    code, text = run_and_fail("--fault-plan", plan)
    assert code == 78 and says in text
