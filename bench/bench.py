#!/usr/bin/env python3
"""The benchmark: queuelake and its peers in turn on this machine, in parts that can be run alone.

usage: ./dev bench [PART …] [flags]
       ./dev bench ledger

  peers       the job and the default job against each peer: wall, CPU, peak memory, size; the values are compared
  sizes       our artefact read and written again by the peers, Snappy and zstd
  reading     a query by DuckDB over our file and its own
  memory      the largest size in order, shuffled, and shuffled with a memory limit
  stages      each stage on one thread against the floors on the same file
  upload      1 GB in parts to versitygw, against aws s3 cp and s5cmd
  end-to-end  queuelake run and the Python script that it replaces, on the simulator and moto
  ledger      instructions by room; writes bench/ledger.md and prints the difference to the committed one

Without a part: all but the ledger and upload. Results go to bench/results/latest.md, .json and .svg; a part that was not run keeps what it had. What is
measured and how: bench/README.md.
"""
import argparse
import datetime as dt
import importlib
import json
import pathlib
import subprocess
import sys

import report
from exports import DATA, HERE, ROOT

PARTS = {
    "peers": ("against_peers", "The job against each peer, in turn"),
    "sizes": ("sizes", "Size: the same table written again by each peer"),
    "reading": ("reading", "Reading back: calls by queue, by DuckDB"),
    "memory": ("memory", "Bounded memory"),
    "stages": ("stages", "By stage, one thread"),
    "upload": ("upload", "1 GB to S3"),
    "end-to-end": ("end_to_end", "From export to object, against the Python script (S)"),
}
ROUNDS = {"S": 15, "M": 5, "L": 3}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--sizes", type=lambda text: text.split(","), help="S (a day), M (a month), L (a year) [S,M,L]")
    parser.add_argument("--rounds", type=int, help="how often each is run [S 15, M 5, L 3; end-to-end 3]")
    parser.add_argument("--peers", type=lambda text: text.split(","), help="only these: duckdb_native,duckdb,polars,clickhouse,pyarrow,pandas,pandas_groupby")
    parser.add_argument("--quick", action="store_true", help="S alone, 2 rounds: to see that it works")
    parser.add_argument("--ten-times", action="store_true", help="memory: ten times L too (9.6 GB of disk, some minutes to make)")
    parser.add_argument("--no-trace", action="store_true", help="upload: without the runs that note when each request came")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results", metavar="DIR")
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"there is no part '{part}'; there are {', '.join(PARTS)}")
    options.parts = options.parts or [part for part in PARTS if part != "upload"]
    options.sizes = options.sizes or (["S"] if options.quick else list(ROUNDS))
    for size in options.sizes:
        if size not in ROUNDS:
            parser.error(f"there is no size '{size}'; there are {', '.join(ROUNDS)}")
    options.rounds_of = lambda size: options.rounds or (2 if options.quick else ROUNDS[size])
    return options


def commit():
    described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return described.stdout.strip() or "unknown"


def earlier(path, machine):
    """The parts of the last run, as far as they are of this machine."""
    if not path.exists():
        return {}
    last = json.loads(path.read_text())
    return last["parts"] if last.get("machine") == machine else {}


def document(results):
    lines = ["# Benchmark", "", f"{report.machine_line(results['machine'])} Written by `./dev bench`; [what is measured and how](../README.md).", "",
             "Times are medians ± half of what lies between the extremes; ratios are medians of the ratios of neighbours in one run (least to greatest).",
             "Memory is `ru_maxrss` of the process; MB are 10^6 bytes."]
    for name, (module, title) in PARTS.items():
        if name in results["parts"]:
            part = results["parts"][name]
            lines += ["", f"## {title}", "", f"{part['date']}, commit {part['commit']}.", "", importlib.import_module(module).table(part["data"])]
    return "\n".join(lines) + "\n"


def main():
    options = arguments()
    DATA.mkdir(parents=True, exist_ok=True)
    options.out.mkdir(parents=True, exist_ok=True)
    machine = report.machine()
    results = {"machine": machine, "parts": earlier(options.out / "latest.json", machine)}
    for name in options.parts:
        data = importlib.import_module(PARTS[name][0]).run(options)
        results["parts"][name] = {"date": str(dt.date.today()), "commit": commit(), "data": data}
        (options.out / "latest.json").write_text(json.dumps(results, indent=1) + "\n")
    text = document(results)
    (options.out / "latest.md").write_text(text)
    if "peers" in results["parts"]:
        subprocess.run([sys.executable, HERE / "plot.py", options.out / "latest.json", options.out / "latest.svg"], check=True)
    print(text)


if __name__ == "__main__":
    main()
