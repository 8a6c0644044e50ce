"""The whole run against the Python script that it replaces: the simulator has the export ready 5 s after its creation, moto takes
the object. Both in turn on S; what counts is the time from ready to stored, the end of the process."""
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import exports
import jobs
import measure
from exports import DATA, HERE, ROOT
from report import md_table, ms_or_s, times

READY_AFTER_S = 5
EXPORTS = "/api/v2/analytics/conversations/exports"
DAY = ("2024-01-01", "2024-01-02")
BUCKET = "bench"
AWS = {"AWS_ACCESS_KEY_ID": "AKIDBENCHBENCHBE", "AWS_SECRET_ACCESS_KEY": "bench", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"}


def run(options):
    rounds = options.rounds or (1 if options.quick else 3)
    runs = {"script": [], "queuelake": []}
    with moto() as s3_url, Simulator(exports.path("S")) as sim:
        environment = {"PATH": os.environ["PATH"], "HOME": str(DATA), "LANG": "C.UTF-8", **AWS, "AWS_ENDPOINT_URL": s3_url, "S3_BUCKET": BUCKET,
                       "LOGIN_URL": sim.info["login_url"], "API_URL": sim.info["api_url"],
                       "GENESYS_CLIENT_ID": sim.info["client_id"], "GENESYS_CLIENT_SECRET": sim.info["client_secret"]}
        commands = {
            "script": [sys.executable, HERE / "script/etl.py", *DAY],
            "queuelake": [jobs.QUEUELAKE, "run", "--source", "exports", "--from", DAY[0], "--to", DAY[1], "--login-url", sim.info["login_url"],
                          "--api-url", sim.info["api_url"], "-q"],
        }
        for i in range(rounds):
            for name, command in commands.items():
                print(f"\rend to end: round {i + 1} of {rounds}, {name}   ", end="", file=sys.stderr, flush=True)
                runs[name].append(one_run(sim, s3_url, command, environment))
        print(file=sys.stderr)
    return {"rounds": rounds, "ready_after_s": READY_AFTER_S, **{name: measure.spreads(of) for name, of in runs.items()},
            "ratio": measure.spread(a["ready_to_stored_s"] / b["ready_to_stored_s"] for a, b in zip(runs["script"], runs["queuelake"]))}


def one_run(sim, s3_url, command, environment):
    delete_object(s3_url)
    took = measure.run(command, environment)
    ended_s = time.monotonic()
    if not object_size(s3_url):
        sys.exit(f"nothing was stored by {command[0]}")
    return {**took, "ready_to_stored_s": ended_s - (sim.last_creation_s() + READY_AFTER_S), "polls": sim.polls()}


class Simulator:
    """queuelake-sim, and what its log says in this process's clock."""

    def __init__(self, csv):
        self.log = DATA / "sim.jsonl"
        self.process = subprocess.Popen([ROOT / "build/release/queuelake-sim", "--port", "0", "--csv", csv, "--ready-after", str(READY_AFTER_S), "--log", self.log],
                                        stdout=subprocess.PIPE, text=True)
        self.info = json.loads(self.process.stdout.readline())
        self.clock_s = self.compare_clocks()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.unlink()

    def requests(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def compare_clocks(self):
        """time.monotonic() when the log's time_ms was 0, to a millisecond."""
        before_s = time.monotonic()
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(self.info["api_url"] + "/bench")
        asked_s = (before_s + time.monotonic()) / 2
        while not self.requests():
            time.sleep(0.01)  # a line is written once its answer has gone
        return asked_s - self.requests()[-1]["time_ms"] / 1e3

    def last_creation_s(self):
        return self.clock_s + max(r["time_ms"] for r in self.requests() if r["method"] == "POST" and r["path"] == EXPORTS) / 1e3

    def polls(self):
        """How often the last export was asked for."""
        requests = self.requests()
        created = max(i for i, r in enumerate(requests) if r["method"] == "POST" and r["path"] == EXPORTS)
        return sum(r["method"] == "GET" and r["path"].startswith(EXPORTS + "/") for r in requests[created:])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port):
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)


@contextlib.contextmanager
def moto():
    """An S3 server with the bucket; its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (DATA / "moto.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log, env={**os.environ, **AWS})
    try:
        wait_for_port(port)
        s3(url).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": AWS["AWS_REGION"]})
        yield url
    finally:
        server.terminate()
        server.wait()


def s3(url):
    import boto3
    from botocore.config import Config

    return boto3.client("s3", endpoint_url=url, aws_access_key_id=AWS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=AWS["AWS_SECRET_ACCESS_KEY"],
                        region_name=AWS["AWS_REGION"], config=Config(s3={"addressing_style": "path"}))


KEY = f"queue_metrics/{DAY[0]}.parquet"


def delete_object(url):
    s3(url).delete_object(Bucket=BUCKET, Key=KEY)


def object_size(url):
    return s3(url).head_object(Bucket=BUCKET, Key=KEY)["ContentLength"]


def table(data):
    lines = [[name, ms_or_s(data[name]["ready_to_stored_s"]), ms_or_s(data[name]["wall_s"]), ms_or_s(data[name]["cpu_s"]),
              f"{data[name]['peak_mb']['max']:.1f}", f"{data[name]['polls']['median']:.0f}"] for name in ("script", "queuelake")]
    return (md_table(["", "ready to stored", "whole process", "CPU", "peak MB (worst)", "polls"], lines)
            + f"\n\nFrom ready to stored queuelake is **{times(data['ratio'])}** times as fast ({data['rounds']} rounds).")
