"""The official SDK against the simulator: token, aggregates as a query and as a job, queues, who the client is."""
import json

import pytest

from sdk_client import ApiException, aggregation, check, connect, gc, sdk, start  # noqa: F401

METRICS = ["nOffered", "nConnected", "nConversations", "nTransferred", "nOverSla", "nOutbound", "nCallbackScheduled", "tAnswered", "tAbandon",
           "tShortAbandon", "tFlowOut", "tWait", "tAcd", "tHandle", "tTalk", "tTalkComplete", "tHeld", "tHeldComplete", "tAcw", "oServiceLevel",
           "oServiceTarget", "oCallbackServiceLevel", "nError", "tVoicemail"]


def flat(results):
    """{(group, interval): {metric: stats}}"""
    return {(tuple(sorted(r.group.items())), d.interval): {m.metric: m.stats for m in d.metrics} for r in results or [] for d in r.data}


@pytest.mark.parametrize("world", ["plain", "edge"])
def test_aggregates_are_what_the_models_expect(sdk, world):
    sdk = sdk("--world", world)
    answer = sdk.analytics.post_analytics_conversations_aggregates_query(aggregation(metrics=METRICS))
    check(answer, sdk.raw())
    cells = flat(answer.results)
    assert len(cells) > 100 and all(dict(group)["mediaType"] for group, _ in cells)
    for stats in cells.values():
        for name in ("tAnswered", "tHandle", "tWait"):
            if name in stats:
                one = stats[name]
                assert one.count >= 1 and one.min <= one.sum / one.count <= one.max
        if "oServiceLevel" in stats:
            level = stats["oServiceLevel"]
            assert level.ratio == pytest.approx(level.numerator / level.denominator) and level.target == 0.8
        assert "nError" not in stats, "what has no data is absent"


def test_a_filter_of_the_sdk_is_understood(sdk):
    sdk = sdk("--world", "edge")
    every = flat(sdk.analytics.post_analytics_conversations_aggregates_query(aggregation()).results)
    queue = sdk.routing.get_routing_queues(page_size=3).entities[1].id

    def clause(dimension, *values):
        c = gc.ConversationAggregateQueryClause()
        c.type, c.predicates = "or", []
        for value in values:
            p = gc.ConversationAggregateQueryPredicate()
            p.dimension, p.value = dimension, value
            c.predicates.append(p)
        return c

    only = gc.ConversationAggregateQueryFilter()
    only.type, only.clauses = "and", [clause("queueId", queue), clause("mediaType", "voice", "callback")]
    got = flat(sdk.analytics.post_analytics_conversations_aggregates_query(aggregation(filter=only)).results)
    wanted = {key: stats for key, stats in every.items() if dict(key[0]).get("queueId") == queue and dict(key[0])["mediaType"] in ("voice", "callback")}
    assert got.keys() == wanted.keys() and got


def test_a_job_is_polled_and_paged(sdk, tmp_path):
    plan = tmp_path / "plan.json"
    states = ["QUEUED", "QUEUED", "PENDING", "FULFILLED"]
    plan.write_text(json.dumps([{"match": {"method": "GET", "path": "/api/v2/analytics/conversations/aggregates/jobs/"}, "fault": {"job_state": state}}
                                for state in states]))
    sdk = sdk("--queues", "9", "--fault-plan", plan)
    query = aggregation(kind=gc.ConversationAsyncAggregationQuery, page_size=2, metrics=METRICS)
    created = sdk.analytics.post_analytics_conversations_aggregates_jobs(query)
    check(created, sdk.raw())
    for state in states:
        status = sdk.analytics.get_analytics_conversations_aggregates_job(created.job_id)
        check(status, sdk.raw())
        assert status.state == state and (status.completion_date is None) == (state in ("QUEUED", "PENDING"))
    assert status.submission_date <= status.completion_date < status.expiration_date
    results, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = sdk.analytics.get_analytics_conversations_aggregates_job_results(created.job_id, **({"cursor": cursor} if cursor else {}))
        check(page, sdk.raw())
        assert len(page.results) <= 2
        results += page.results
        cursor, pages = page.cursor, pages + 1
    assert pages >= 5
    at_once = sdk.analytics.post_analytics_conversations_aggregates_query(aggregation(metrics=METRICS))
    assert {k: {m: s.to_dict() for m, s in v.items()} for k, v in flat(results).items()} == {
        k: {m: s.to_dict() for m, s in v.items()} for k, v in flat(at_once.results).items()}


def test_a_job_can_be_cancelled(sdk):
    sdk = sdk("--ready-after", "60")
    job = sdk.analytics.post_analytics_conversations_aggregates_jobs(aggregation(kind=gc.ConversationAsyncAggregationQuery)).job_id
    sdk.analytics.delete_analytics_conversations_aggregates_job(job)
    assert sdk.analytics.get_analytics_conversations_aggregates_job(job).state == "CANCELLED"


def test_a_job_that_fails_says_why(sdk, tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text('[{"match": {"path": "/api/v2/analytics/conversations/aggregates/jobs"}, "fault": {"job_state": "FAILED", "message": "too much"}}]')
    sdk = sdk("--fault-plan", plan)
    job = sdk.analytics.post_analytics_conversations_aggregates_jobs(aggregation(kind=gc.ConversationAsyncAggregationQuery)).job_id
    status = sdk.analytics.get_analytics_conversations_aggregates_job(job)
    check(status, sdk.raw())
    assert (status.state, status.error_message) == ("FAILED", "too much")
    with pytest.raises(ApiException) as error:
        sdk.analytics.get_analytics_conversations_aggregates_job_results(job)
    assert error.value.status == 404


def test_queues_come_in_pages(sdk):
    sdk = sdk("--queues", "40")
    seen, page = [], 1
    while page:
        listing = sdk.routing.get_routing_queues(page_size=7, page_number=page)
        check(listing, sdk.raw())
        assert (listing.total, listing.page_count, listing.page_size, listing.page_number) == (40, 6, 7, page)
        seen += listing.entities
        page = page + 1 if listing.next_uri else None
    assert len({q.id for q in seen}) == 40 and [q.name for q in seen] == sorted((q.name for q in seen), key=str.encode)
    some = sdk.routing.get_routing_queues(name="*level 2*").entities
    assert {q.name for q in some} == {q.name for q in seen if "level 2" in q.name.lower()} and len(some) >= 3
    assert [q.id for q in sdk.routing.get_routing_queues(name="VIP, Gold").entities] == [q.id for q in seen if q.name == "VIP, Gold"]
    wanted = [seen[3].id, seen[20].id]
    assert [q.id for q in sdk.routing.get_routing_queues(id=wanted).entities] == wanted
    north = seen[0].division.id
    assert {q.id for q in sdk.routing.get_routing_queues(division_id=[north], page_size=100).entities} == {
        q.id for q in seen if q.division.id == north}
    light = sdk.routing.get_routing_queues_divisionviews_all(page_size=500)
    check(light, sdk.raw())
    assert [(q.id, q.name) for q in light.entities] == [(q.id, q.name) for q in seen]
    assert sdk.routing.get_routing_queue(seen[5].id).name == seen[5].name


def test_who_the_client_is(sdk):
    sdk = sdk("--permissions", "analytics:conversationAggregate:view,routing:queue:*", "--divisions", "Home,South")
    subject = sdk.authorization.get_authorization_subjects_me()
    check(subject, sdk.raw())
    assert subject.id == sdk.simulator.info["client_id"]
    assert [grant.division.name for grant in subject.grants] == ["Home", "South"]
    assert [(p.domain, p.entity_name, p.actions) for p in subject.grants[0].role.policies] == [
        ("analytics", "conversationAggregate", ["view"]), ("routing", "queue", ["*"])]
    divisions = sdk.authorization.get_authorization_divisions()
    check(divisions, sdk.raw())
    assert [d.name for d in divisions.entities] == ["Home", "South"] and divisions.entities[0].home_division
    assert {q.division.name for q in sdk.routing.get_routing_queues().entities} == {"Home", "South"}
    token = sdk.tokens.get_tokens_me()
    check(token, sdk.raw())
    assert token.o_auth_client.id == subject.id
    sdk.tokens.head_tokens_me()
    organization = sdk.organization.get_organizations_me()
    check(organization, sdk.raw())
    assert organization.id == token.organization.id
    with pytest.raises(ApiException) as error:
        sdk.users.get_users_me()
    assert error.value.status == 400 and "Client credentials" in error.value.body


def test_limits_are_told(sdk):
    sdk = sdk("--rate-limit", "77")
    assert "platform.api" in sdk.organization.get_organizations_limits_namespaces()["entities"]
    for listing in (sdk.organization.get_organizations_limits_namespace, sdk.organization.get_organizations_limits_namespace_defaults):
        limits = listing("platform.api")
        check(limits, sdk.raw())
        assert {l.key: l.value for l in limits.entities}["client.credentials.token.rate.per.minute"] == 77
    sdk.organization.get_organizations_limits_docs()
    check(sdk.analytics.get_analytics_conversations_details_jobs_availability(), sdk.raw())
    check(sdk.analytics.get_analytics_dataretention_settings(), sdk.raw())


def test_a_revoked_token_is_refused(sdk):
    sdk = sdk()
    sdk.tokens.delete_tokens_me()
    with pytest.raises(ApiException) as error:
        sdk.routing.get_routing_queues()
    assert error.value.status == 401
    assert connect(sdk.simulator).routing.get_routing_queues().total == 12
