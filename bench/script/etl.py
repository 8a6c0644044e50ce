#!/usr/bin/env python3
"""The Python script of the kind that queuelake replaces, repaired: it works, checks what it is told, and stores the same numbers.

usage: etl.py FROM TO     (dates; half-open)

Environment: LOGIN_URL, API_URL, GENESYS_CLIENT_ID, GENESYS_CLIENT_SECRET, S3_BUCKET, AWS_ENDPOINT_URL and what boto3 reads.
"""
import io
import os
import sys
import time

import boto3
import numpy as np
import pandas as pd
import requests

POLL_S = 10
DEADLINE_S = 30 * 60
METRICS = ["callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"]


def get_token(session):
    pair = os.environ["GENESYS_CLIENT_ID"], os.environ["GENESYS_CLIENT_SECRET"]
    answer = session.post(f"{os.environ['LOGIN_URL']}/oauth/token", data={"grant_type": "client_credentials"}, auth=pair, timeout=60)
    answer.raise_for_status()
    return answer.json()["access_token"]


def export_csv(session, start, end):
    """Creates the export, waits for it, and gives its id and its bytes."""
    exports = f"{os.environ['API_URL']}/api/v2/analytics/conversations/exports"
    group_by = ["queue", "timeInterval"]
    date_range = {"startDate": f"{start}T00:00:00.000Z", "endDate": f"{end}T00:00:00.000Z"}
    query = {"query": {"dateRange": date_range, "groupBy": group_by, "metrics": METRICS}, "type": "summary", "groupBy": group_by}
    answer = session.post(exports, json=query, timeout=60)
    answer.raise_for_status()
    export_id = answer.json()["id"]
    deadline = time.monotonic() + DEADLINE_S
    while True:
        answer = session.get(f"{exports}/{export_id}", timeout=60)
        answer.raise_for_status()
        export = answer.json()
        if export["status"] == "completed":
            break
        if export["status"] in ("failed", "cancelled"):
            sys.exit(f"export {export_id} {export['status']}: {export.get('message')}")
        if time.monotonic() > deadline:
            sys.exit(f"export {export_id} is not ready after {DEADLINE_S} s")
        time.sleep(POLL_S)
    download = requests.get(export["downloadUrl"], timeout=300)  # the link is signed: no token goes there
    download.raise_for_status()
    return export_id, download.content


def transform(content):
    """A row for each interval, a column for each metric and queue."""
    df = pd.read_csv(io.BytesIO(content))
    df.columns = [name.replace(".", "_") for name in df.columns]

    def pivot(value, how):
        return df.pivot_table(index="timeInterval", columns="queue_name", values=value, aggfunc=how, fill_value=0)

    offered, answered, handle = pivot("callsOffered", "sum"), pivot("callsAnswered", "sum"), pivot("avgHandleTimeSeconds", "mean")
    answer = pd.DataFrame(np.where(offered > 0, answered / offered, 0.0), index=offered.index, columns=offered.columns).round(4)
    abandon = (1 - answer).where(offered > 0, 0.0).round(4)
    wide = pd.concat([offered, answered, handle, answer, abandon], axis=1,
                     keys=["calls_offered", "calls_answered", "avg_handle_time_seconds", "answer_rate", "abandon_rate"])
    wide.columns = ["_".join(name).strip() for name in wide.columns]
    return wide.reset_index()


def store(table, key, export_id):
    body = io.BytesIO()
    table.to_parquet(body, engine="pyarrow", compression="snappy", index=False)
    boto3.client("s3").put_object(Bucket=os.environ["S3_BUCKET"], Key=key, Body=body.getvalue(), ContentType="application/octet-stream",
                                  ServerSideEncryption="AES256", Tagging=f"Version=1.0.0&ExportId={export_id}&Format=parquet")


def main():
    start, end = sys.argv[1:]
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {get_token(session)}"
    export_id, content = export_csv(session, start, end)
    store(transform(content), f"queue_metrics/{start}.parquet", export_id)


if __name__ == "__main__":
    with np.errstate(divide="ignore", invalid="ignore"):
        main()
