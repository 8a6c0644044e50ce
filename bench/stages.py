"""Micro-benchmark by stage, on one thread, against the floors on the same file."""
import collections
import json
import subprocess
import sys

import exports
import jobs
from exports import ROOT
from report import md_table

STAGES = ROOT / "build/release/bench/bench_stages"
FLOORS = ["read", "memcpy", "memchr", "scan", "index"]  # each includes the read; index is the csv room's own
NAMES = {"read": "floor: read", "memcpy": "floor: read, memcpy", "memchr": "floor: read, memchr of line ends", "scan": "floor: read, AVX2 index of delimiters",
         "index": "read, csv's index of delimiters", "csv": "csv", "pivot": "+ pivot (packed, closed)", "parts": "+ cells of each part", "kpi": "+ KPIs, rounding",
         "layout": "+ layout", "parquet": "+ Parquet, Snappy"}
ROOMS = ["csv", "pivot", "parts", "kpi", "layout", "parquet"]  # each includes those before it


def run(options):
    rows = []
    for size in options.sizes:
        csv = exports.path(size)
        exports.warm(csv)
        for layout in jobs.LAYOUTS:
            print(f"stages: {size} {layout}", file=sys.stderr)
            done = subprocess.run([STAGES, csv, str(options.rounds_of(size)), layout, *jobs.METRICS["job"][1:]], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"bench_stages failed on {csv.name}, {layout}: {done.stderr}")
            rows.append({"size": size, "layout": layout, "stages": best_passes(done.stdout)})
    return rows


def best_passes(lines):
    """{stage: its pass with the least CPU time}: one is taken from another, and what disturbs a pass only adds to it."""
    passes = collections.defaultdict(list)
    for line in lines.splitlines():
        one = json.loads(line)
        passes[one.pop("stage")].append(one)
    return {name: min(runs, key=lambda r: r["cpu_s"]) for name, runs in passes.items()}


def table(rows):
    return "\n\n".join(one_table(r) for r in rows)


def one_table(row):
    stages = row["stages"]
    n_rows, n_bytes = stages["csv"]["rows"], stages["read"]["in_bytes"]
    lines, before_s = [], 0
    for name in FLOORS + ROOMS:
        if name not in stages:
            continue
        cpu_s, n_cells = stages[name]["cpu_s"], stages[name]["cells"]
        base_s = 0 if name == "read" else stages["read"]["cpu_s"] if name in FLOORS else before_s
        if name in ROOMS:
            before_s = cpu_s
        lines.append([NAMES[name], f"{cpu_s * 1e3:.2f}", f"{(cpu_s - base_s) * 1e3:.2f}", f"{n_bytes / cpu_s / 1e9:.2f}",
                      f"{cpu_s / n_rows * 1e9:.1f}", f"{(cpu_s - base_s) / n_rows * 1e9:.1f}", f"{n_cells / cpu_s / 1e6:.2f}" if n_cells else ""])
    head = ["up to", "CPU ms", "of it new", "GB/s", "ns/row", "of it new", "M cells/s"]
    return f"{row['size']}, {row['layout']} ({n_rows:,} rows, {n_bytes / 1e6:.1f} MB):\n\n" + md_table(head, lines)
