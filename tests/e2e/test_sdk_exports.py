"""The official SDK against the simulator: reporting exports from their creation to the file."""
import csv
import io
import json
import time

import pytest

from sdk_client import ApiException, aggregation, check, fetch_report, find_report, gc, report, sdk, start  # noqa: F401
from sim_client import METRICS

STATES = ["SUBMITTED", "RUNNING", "CANCELLING", "CANCELLED", "COMPLETED", "COMPLETED_WITH_PARTIAL_RESULTS", "FAILED"]
ERRORS = ["FAILED_CONVERTING_EXPORT_JOB", "FAILED_NO_DATA_EXPORT_JOB_FOUND", "FAILED_GETTING_DATA_FROM_SERVICE", "FAILED_GENERATING_TEMP_FILE",
          "FAILED_SAVING_FILE_TO_S3", "FAILED_NOTIFYING_SKYWALKER_OF_DOWNLOAD", "FAILED_BUILDING_DOWNLOAD_URL_FROM_SKYWALKER_RESPONSE",
          "FAILED_CONVERTING_EXPORT_JOB_TO_QUEUE_PERFORMANCE_JOB", "EXPORT_TYPE_NOT_IMPLEMENTED", "REACHED_MAXIMUM_ATTEMPT_OF_RETRY",
          "FAILED_LONG_RUNNING_EXPORT", "TOO_MANY_REQUESTS_FROM_AN_ORGANIZATION", "FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB",
          "NOT_AUTHORIZED_TO_VIEW_EXPORT", "STATIC_LINK_EXPORT_FAILED", "TOO_MANY_SEARCH_CRITERIA", "SEARCH_CRITERIA_VALUES_EXCEED_LIMIT",
          "EXPORT_EMAIL_FILE_SIZE_EXCEEDED_LIMIT", "CIRCUIT_BREAKER_OPEN_FOR_VIEW_TYPE", "BAD_REQUEST_SCHEDULED_RUN"]


def rows_of(body):
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_an_export_from_creation_to_file(sdk):
    sdk = sdk("--ready-after", "0.6")
    created = sdk.analytics.post_analytics_reporting_exports(report())
    check(created, sdk.raw())
    assert created.status == "SUBMITTED" and created.download_url is None and created.name == "queuelake 2024-01-08"
    states = []
    while not states or states[-1] in ("SUBMITTED", "RUNNING"):
        entity = find_report(sdk, created.id)
        states.append(entity.status)
        time.sleep(0.02)
    assert states == sorted(states, key=["SUBMITTED", "RUNNING", "COMPLETED"].index) and entity.percentage_complete == 1.0
    assert entity.download_url.startswith(sdk.simulator.info["api_url"] + "/platform/api/v2/downloads/")
    rows = rows_of(fetch_report(sdk, entity))
    assert len(rows) > 100 and rows[0]["Interval Start"] == "1/8/24 12:00 AM" and {r["Media Type"] for r in rows} == {"voice"}
    link = sdk.downloads.get_download(entity.download_url.rsplit("/", 1)[1], issue_redirect=False).url
    assert sdk.simulator.send(link, headers=sdk.simulator.bearer).status == 400, "a signed link takes no token"
    assert sdk.simulator.send(entity.download_url).status == 401, "the download's page takes nothing else"
    answer = sdk.simulator.send(entity.download_url, headers=sdk.simulator.bearer)
    assert answer.status == 302 and answer.headers["Location"].startswith(sdk.simulator.info["download_url"])


def test_an_export_is_found_on_a_later_page(sdk):
    sdk = sdk("--other-reports", "60")
    created = sdk.analytics.post_analytics_reporting_exports(report())
    assert find_report(sdk, created.id).status == "COMPLETED"
    first = sdk.analytics.get_analytics_reporting_exports()
    assert first.total == 61 and created.id not in {e.id for e in first.entities} and {e.status for e in first.entities} == {"COMPLETED", "FAILED"}


def test_every_state_and_every_error(sdk, tmp_path):
    plan = tmp_path / "plan.json"
    faults = [{"report_status": s} for s in STATES] + [{"report_status": "FAILED", "report_error": e} for e in ERRORS]
    plan.write_text(json.dumps([{"match": {"method": "POST", "path": "/api/v2/analytics/reporting/exports"}, "fault": fault} for fault in faults]))
    sdk = sdk("--fault-plan", plan, "--rate-limit", "1000", "--queues", "3")
    ids = [sdk.analytics.post_analytics_reporting_exports(report()).id for _ in faults]
    listing = sdk.analytics.get_analytics_reporting_exports(page_size=100)
    check(listing, sdk.raw())
    found = {e.id: e for e in listing.entities}
    for fault, report_id in zip(faults, ids):
        entity = found[report_id]
        assert entity.status == fault["report_status"]
        assert (entity.download_url is not None) == entity.status.startswith("COMPLETED")
        assert entity.export_error_messages_type == fault.get("report_error", "FAILED_GETTING_DATA_FROM_SERVICE" if entity.status == "FAILED" else None)
    partial = rows_of(fetch_report(sdk, found[ids[STATES.index("COMPLETED_WITH_PARTIAL_RESULTS")]]))
    whole = rows_of(fetch_report(sdk, found[ids[STATES.index("COMPLETED")]]))
    assert {r["Full Export Completed"] for r in partial} == {"NO"} and all(r["Partial Result Timestamp"] for r in partial)
    assert "Full Export Completed" not in whole[0] and 0 < len(partial) < len(whole)


def test_views_tell_their_columns(sdk):
    sdk = sdk()
    views = sdk.analytics.get_analytics_reporting_exports_metadata()
    check(views, sdk.raw())
    detail = {v.view_type: v for v in views.entities}["QUEUE_PERFORMANCE_DETAIL_VIEW"]
    assert {"Offer", "Handle", "TotalHandle"} <= set(detail.available_column_ids)
    columns = []
    for order, name in ((2, "Handle"), (1, "Offer"), (3, "TotalHandle")):
        columns.append(gc.SelectedColumns())
        columns[-1].column_order, columns[-1].column_name = order, name
    entity = sdk.analytics.post_analytics_reporting_exports(report(selected_columns=columns))
    check(entity, sdk.raw())
    header = fetch_report(sdk, find_report(sdk, entity.id)).splitlines()[0].decode()
    assert header.endswith('"Queue Id","Queue Name","Offer","Handle","Total Handle"')


@pytest.mark.parametrize("world", ["plain", "edge"])
def test_three_ways_tell_the_same(sdk, world):
    """The exports contract, aggregates and reporting: the same queues and half-hours have the same counts."""
    sdk = sdk("--world", world, "--queues", "16")
    exports = {}
    for row in sdk.simulator.rows(start="2024-01-08", end="2024-01-09", metrics=[*METRICS, "callsAbandoned"]):
        exports[row["queue.id"], row["timeInterval"].split("/")[0]] = row
    aggregates = {}
    for result in sdk.analytics.post_analytics_conversations_aggregates_query(aggregation()).results:
        for cell in result.data:
            into = aggregates.setdefault((result.group.get("queueId"), cell.interval.split("/")[0]), {})
            for metric in cell.metrics:
                for name in ("count", "sum", "numerator", "denominator"):
                    into[metric.metric, name] = into.get((metric.metric, name), 0) + (getattr(metric.stats, name) or 0)
    entity = sdk.analytics.post_analytics_reporting_exports(report(has_split_by_media=False))
    reporting = {}
    for row in rows_of(fetch_report(sdk, find_report(sdk, entity.id))):
        begin = time.strftime("%Y-%m-%dT%H:%M:00.000Z", time.strptime(row["Interval Start"], "%m/%d/%y %I:%M %p"))
        reporting[row["Queue Id"], begin] = row
    aggregates = {key: cell for key, cell in aggregates.items() if key[0] is not None}
    only_outbound = {key for key in aggregates if key not in exports}
    assert exports.keys() <= aggregates.keys() and reporting.keys() == aggregates.keys() and len(exports) > 200
    assert all(aggregates[key].get(("nOffered", "count"), 0) == 0 for key in only_outbound)
    for key, row in exports.items():
        cell, line = aggregates[key], reporting[key]
        for name, metric, column in (("callsOffered", "nOffered", "Offer"), ("callsAnswered", "tAnswered", "Answer"),
                                     ("callsAbandoned", "tAbandon", "Abandon")):
            assert int(row[name]) == cell.get((metric, "count"), 0) == int(line[column] or 0), (key, name)
        handled = cell.get(("tHandle", "count"), 0)
        if handled:
            mean = cell["tHandle", "sum"] / handled
            assert float(line["Avg Handle"]) == pytest.approx(mean) and float(row["avgHandleTimeSeconds"]) == pytest.approx(mean / 1000, abs=0.0006)
        ended = cell.get(("oServiceLevel", "denominator"), 0)
        if ended:
            level = cell["oServiceLevel", "numerator"] / ended
            assert float(line["Service Level %"]) == pytest.approx(level) and float(row["serviceLevelPercent"]) == pytest.approx(100 * level, abs=0.006)
        else:
            assert line["Service Level %"] == row["serviceLevelPercent"] == ""


def test_a_permission_that_is_missing_is_named(sdk):
    sdk = sdk("--permissions", "analytics:dataExport:view")
    with pytest.raises(ApiException) as error:
        sdk.analytics.post_analytics_reporting_exports(report())
    body = json.loads(error.value.body)
    assert error.value.status == 403 and body["code"] == "missing.permissions" and body["messageParams"] == {"permissions": "analytics:dataExport:add"}
