"""The official Python SDK, pointed at the simulator as its gateway; and a comparison of its models with the JSON that they were made of."""
import datetime as dt
import json
import types
import urllib.parse

import PureCloudPlatformClientV2 as gc
import pytest
from PureCloudPlatformClientV2.rest import ApiException  # noqa: F401

from sim_client import start  # noqa: F401

# What live answers have and the SDK's models do not know.
UNDOCUMENTED = {"intervalKeyType"}


def connect(simulator, client_id=None, secret=None):
    client = gc.ApiClient()
    url = urllib.parse.urlsplit(simulator.info["api_url"])
    client.set_gateway(url.hostname, url.scheme, url.port, None, None)
    client.get_client_credentials_token(client_id or simulator.info["client_id"], secret or simulator.info["client_secret"])
    return types.SimpleNamespace(
        client=client, analytics=gc.AnalyticsApi(client), routing=gc.RoutingApi(client), authorization=gc.AuthorizationApi(client),
        organization=gc.OrganizationApi(client), tokens=gc.TokensApi(client), users=gc.UsersApi(client), downloads=gc.DownloadsApi(client),
        raw=lambda: json.loads(client.last_response.data))


def check(model, raw, where="$"):
    """Every value of the JSON is in the model, with its type: nothing was unknown, out of an enumeration, or lost."""
    if hasattr(model, "attribute_map"):
        attributes = {key: attribute for attribute, key in model.attribute_map.items()}
        assert set(raw) - set(attributes) <= UNDOCUMENTED, where
        for key, value in raw.items():
            if key in attributes:
                check(getattr(model, attributes[key]), value, f"{where}.{key}")
    elif isinstance(raw, list):
        assert len(model) == len(raw), where
        for i, (m, r) in enumerate(zip(model, raw)):
            check(m, r, f"{where}[{i}]")
    elif isinstance(raw, dict):
        assert model.keys() == raw.keys(), where
        for key in raw:
            check(model[key], raw[key], f"{where}.{key}")
    elif isinstance(model, dt.datetime):
        assert model == dt.datetime.fromisoformat(raw), where
    else:
        assert model == raw and not isinstance(model, bool) ^ isinstance(raw, bool), where


@pytest.fixture
def sdk(start):  # noqa: F811
    """sdk("--queues", 3) starts a simulator and connects to it."""

    def run(*args, **more):
        simulator = start(*args, **more)
        connected = connect(simulator)
        connected.simulator = simulator
        return connected

    return run


def aggregation(interval="2024-01-08T00:00:00Z/2024-01-09T00:00:00Z", granularity="PT30M", group_by=("queueId", "mediaType"), metrics=None,
                kind=None, **more):
    query = (kind or gc.ConversationAggregationQuery)()
    query.interval, query.granularity, query.group_by = interval, granularity, list(group_by)
    query.metrics = metrics or ["nOffered", "tAnswered", "tAbandon", "tHandle", "oServiceLevel"]
    for name, value in more.items():
        setattr(query, name, value)
    return query


def report(interval="2024-01-08T00:00:00.000Z/2024-01-09T00:00:00.000Z", **more):
    """The settings that make the file parseable (unless `more` has others)."""
    body = gc.ReportingExportJobRequest()
    settings = dict(name="queuelake 2024-01-08", time_zone="UTC", export_format="CSV", interval=interval, period="PT30M", locale="en-us",
                    view_type="QUEUE_PERFORMANCE_DETAIL_VIEW", filter=gc.ViewFilter(), has_format_durations=False, has_split_filters=True,
                    exclude_empty_rows=True, has_split_by_media=True, has_summary_row=False, csv_delimiter="COMMA", read=True, recipient_emails=[])
    for name, value in {**settings, **more}.items():
        setattr(body, name, value)
    return body


def find_report(sdk, report_id, page_size=25):
    """The export by its id, from however many pages: the public API has no other way."""
    page = 1
    while True:
        listing = sdk.analytics.get_analytics_reporting_exports(page_number=page, page_size=page_size)
        check(listing, sdk.raw())
        for entity in listing.entities:
            if entity.id == report_id:
                return entity
        if page >= listing.page_count:
            return None
        page += 1


def fetch_report(sdk, entity):
    link = sdk.downloads.get_download(entity.download_url.rsplit("/", 1)[1], issue_redirect=False)
    check(link, sdk.raw())
    answer = sdk.simulator.send(link.url)
    assert answer.status == 200
    return answer.body
