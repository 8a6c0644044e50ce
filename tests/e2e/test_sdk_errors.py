"""The official SDK against the simulator: what goes wrong reaches its user as its own exception, whole."""
import json

import pytest
import urllib3

from sdk_client import ApiException, aggregation, connect, gc, sdk, start  # noqa: F401

QUEUES = "/api/v2/routing/queues"


def plan_file(tmp_path, *faults, path=QUEUES):
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"match": {"path": path}, "fault": fault} for fault in faults]))
    return plan


def test_wrong_credentials(start):  # noqa: F811
    simulator = start()
    for wrong, description in (({"client_id": "nobody"}, "client not found"), ({"secret": "wrong"}, "authentication failed")):
        with pytest.raises(ApiException) as error:
            connect(simulator, **wrong)
        assert error.value.status == 400
        assert json.loads(error.value.body) == {"error": "invalid_client", "description": description, "error_description": description}


@pytest.mark.parametrize("status, code", [(400, "bad.request"), (403, "not.authorized"), (404, "not.found"), (408, "client.timeout"), (409, "conflict"),
                                          (413, "request.entity.too.large"), (500, "internal.server.error"), (503, "service.unavailable"),
                                          (504, "request.timeout")])
def test_error_bodies(sdk, tmp_path, status, code):
    sdk = sdk("--fault-plan", plan_file(tmp_path, {"status": status}))
    with pytest.raises(ApiException) as error:
        sdk.routing.get_routing_queues()
    body = json.loads(error.value.body)
    known = set(gc.ErrorBody().attribute_map.values())
    assert error.value.status == status == body["status"] and body["code"] == code and set(body) <= known
    assert error.value.headers["inin-correlation-id"] == body["contextId"]
    assert sdk.routing.get_routing_queues().total == 12


def test_an_error_with_a_code_of_its_own(sdk, tmp_path):
    sdk = sdk("--fault-plan", plan_file(tmp_path, {"status": 400, "code": "invalid.date", "message": "no such day"}, {"permission": "routing:queue:view"}))
    for status, code, text in ((400, "invalid.date", "no such day"), (403, "missing.permissions", "routing:queue:view")):
        with pytest.raises(ApiException) as error:
            sdk.routing.get_routing_queues()
        body = json.loads(error.value.body)
        assert (error.value.status, body["code"]) == (status, code) and text in body["message"]


def test_a_gateway_answers_in_html(sdk, tmp_path):
    sdk = sdk("--fault-plan", plan_file(tmp_path, {"html": 502}))
    with pytest.raises(ApiException) as error:
        sdk.routing.get_routing_queues()
    assert error.value.status == 502 and error.value.body.startswith("<!DOCTYPE html>") and "inin-correlation-id" not in error.value.headers


def test_429_is_retried_as_the_sdk_is_set_to(sdk, tmp_path):
    """urllib3's Retry, which the SDK uses, obeys Retry-After for every method."""
    path, limited = "/api/v2/analytics/conversations/aggregates/query", {"status": 429, "headers": {"Retry-After": "1"}}
    sdk = sdk("--fault-plan", plan_file(tmp_path, limited, limited, path=path), log=tmp_path / "log")
    assert sdk.analytics.post_analytics_conversations_aggregates_query(aggregation(granularity="P1D")).results
    lines = [r for r in sdk.simulator.log() if r["path"] == path]
    assert [r["status"] for r in lines] == [429, 429, 200] and lines[2]["time_ms"] - lines[0]["time_ms"] >= 2000


def test_above_the_limit_the_sdk_is_told_when_it_ends(sdk):
    sdk = sdk("--rate-limit", "1", "--rate-window", "3600")
    sdk.routing.get_routing_queues()
    sdk.client.get_http_client().rest_client.pool_manager.connection_pool_kw["retries"] = False
    sdk.client.get_http_client().rest_client.pool_manager.clear()
    with pytest.raises(ApiException) as error:
        sdk.routing.get_routing_queues()
    headers = error.value.headers
    assert error.value.status == 429 and (headers["inin-ratelimit-count"], headers["inin-ratelimit-allowed"]) == ("1", "1")
    assert 3500 < int(headers["Retry-After"]) == int(headers["inin-ratelimit-reset"]) <= 3600


def test_429_without_retry_after_is_an_error(sdk, tmp_path):
    sdk = sdk("--fault-plan", plan_file(tmp_path, {"status": 429}))
    with pytest.raises(ApiException) as error:
        sdk.routing.get_routing_queues()
    assert error.value.status == 429 and json.loads(error.value.body)["code"] == "too.many.requests.retry.after"


def test_too_many_jobs_at_once(sdk):
    sdk = sdk("--max-jobs", "1", "--ready-after", "60")
    query = aggregation(kind=gc.ConversationAsyncAggregationQuery)
    sdk.analytics.post_analytics_conversations_aggregates_jobs(query)
    with pytest.raises(ApiException) as error:
        sdk.analytics.post_analytics_conversations_aggregates_jobs(query)
    body = json.loads(error.value.body)
    assert error.value.status == 429 and body["limit"] == {"key": "async.aggregate.jobs.concurrent.max", "namespace": "analytics", "value": 1}


def test_a_connection_that_breaks(sdk, tmp_path):
    sdk = sdk("--fault-plan", plan_file(tmp_path, *[{"reset": True}] * 20))
    with pytest.raises(urllib3.exceptions.HTTPError):
        sdk.routing.get_routing_queues()
