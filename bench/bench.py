#!/usr/bin/env python3
"""The benchmark: one job, the same data, queuelake and its peers in turn on this machine.

usage: ./dev bench [--sizes S,M,L] [--rounds N] [--peers duckdb_long,pandas_wide,…|none] [--out DIR]

The job: aggregate by interval and queue, offered and answered summed, handle time averaged, answer and abandon rate with 4 decimals, Snappy
Parquet, sorted by interval; `wide` is a column for each metric and queue, `long` a row for each interval and queue. Whole processes are timed,
A B A B, so that a slow phase of the machine meets both; what counts is the median of the ratios of neighbours. Peak is ru_maxrss.
"""
import argparse
import datetime as dt
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = ROOT / "build/bench"
QUEUELAKE = ROOT / "build/release/queuelake"
SIZES = {"S": ("1", "200", "30"), "M": ("31", "500", "15"), "L": ("365", "250", "15")}
ROUNDS = {"S": 15, "M": 5, "L": 3}
BENCH_METRICS = ["--metrics", "calls_offered,calls_answered,avg_handle_time_seconds"]
PEERS = ["duckdb_long", "polars_long", "pyarrow_long", "pandas_wide", "duckdb_wide", "polars_wide"]


def measure(command):
    """Seconds of wall and CPU, peak in MB, of one process."""
    with open(os.devnull, "wb") as null:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=null, stderr=subprocess.PIPE)
        err = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed with {process.returncode}: {err.decode()[-2000:]}")
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def export(size):
    path = DATA / f"{size}.csv"
    if not path.exists():
        print(f"generating {path.name} …", file=sys.stderr)
        subprocess.run([sys.executable, HERE / "make_export.py", *SIZES[size], str(path) + ".part"], check=True, stdout=subprocess.DEVNULL)
        os.rename(str(path) + ".part", path)
    path.read_bytes() if size == "S" else subprocess.run(["cat", path], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    return path


def ours(size, layout, metrics):
    out = DATA / f"{size}.{layout}.queuelake.parquet"
    return [QUEUELAKE, "transform", export(size), "--layout", layout, *metrics, "-q", "-o", out], out


def check_values(mine, theirs, layout):
    """Counts and means agree; rates within 1e-4, because not every peer rounds as NumPy does."""
    import numpy as np
    import pyarrow.parquet as pq

    a, b = pq.read_table(mine), pq.read_table(theirs)
    assert a.num_rows == b.num_rows, f"{a.num_rows} rows against {b.num_rows}"
    skip = {"time_interval", "interval_start", "interval_end", "queue_id", "queue_name"}
    left = [n for n in a.column_names if n not in skip]
    right = [n for n, t in zip(b.schema.names, b.schema.types) if str(t) not in ("string", "large_string", "string_view")]
    if layout == "wide":  # sums over everything: the peers name their columns in ways of their own
        total = lambda table, names: sorted(float(np.asarray(table[n]).astype("float64").sum()) for n in names)
        x, y = np.array(total(a, left)), np.array(total(b, right))
        assert len(x) == len(y), f"{len(x)} value columns against {len(y)}"
        # An idle cell's abandon rate is a peer's own business; the counts are not.
        assert np.allclose(x[-len(x) // 5 * 2:], y[-len(y) // 5 * 2:], rtol=1e-9), "sums differ"
        return
    for mine_name, their_name in zip(left, right):
        x, y = np.asarray(a[mine_name]).astype("float64"), np.asarray(b[their_name]).astype("float64")
        tolerance = 1.01e-4 if "rate" in mine_name else 5.1e-5 if "avg" in mine_name else 0
        worst = np.abs(x - y).max() if len(x) else 0
        assert worst <= tolerance, f"{mine_name} differs from {their_name} by {worst}"


def compare(size, layout, peer, rounds):
    command, out = ours(size, layout, BENCH_METRICS)
    peer_out = DATA / f"{size}.{peer}.parquet"
    peer_command = [sys.executable, HERE / "peers" / f"{peer}.py", export(size), peer_out]
    pairs = [(measure(command), measure(peer_command)) for _ in range(rounds)]
    # In a process of its own: a child's ru_maxrss begins at what its parent holds, so this one has to stay small.
    subprocess.run([sys.executable, __file__, "--check", out, peer_out, layout], check=True)
    ratio = [b["wall"] / a["wall"] for a, b in pairs]
    row = {"size": size, "layout": layout, "peer": peer, "rounds": rounds, "ratio": statistics.median(ratio), "ratio_min": min(ratio), "ratio_max": max(ratio),
           "bytes": out.stat().st_size, "peer_bytes": peer_out.stat().st_size}
    for key in ("wall", "cpu", "peak"):
        row[key], row["peer_" + key] = statistics.median(a[key] for a, _ in pairs), statistics.median(b[key] for _, b in pairs)
    peer_out.unlink()
    return row


def alone(size, layout, rounds):
    command, out = ours(size, layout, [])
    runs = [measure(command) for _ in range(rounds)]
    row = {"size": size, "layout": layout, "job": "default", "bytes": out.stat().st_size, "csv_bytes": export(size).stat().st_size}
    for key in ("wall", "cpu", "peak"):
        row[key] = statistics.median(r[key] for r in runs)
    return row


def tables(alones, pairs):
    lines = ["# Benchmark", "", f"{dt.date.today()}, {platform.machine()}, {os.cpu_count()} cores. Written by `./dev bench`.", "",
             "## The default job, queuelake alone", "", "| size | layout | wall s | CPU s | peak MB | Parquet | of the CSV |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for r in alones:
        lines.append(f"| {r['size']} | {r['layout']} | {r['wall']:.4f} | {r['cpu']:.3f} | {r['peak']:.0f} | {r['bytes'] / 1e6:.2f} MB | {100 * r['bytes'] / r['csv_bytes']:.1f} % |")
    if pairs:
        lines += ["", "## The benchmark's job, against each peer in turn", "",
                  "| size | layout | peer | times as fast (min to max) | wall s | peer's | CPU s | peer's | peak MB | peer's | MB out | peer's |",
                  "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"]
    for r in pairs:
        lines.append(f"| {r['size']} | {r['layout']} | {r['peer']} | **{r['ratio']:.1f}** ({r['ratio_min']:.1f} to {r['ratio_max']:.1f}) | {r['wall']:.4f} | {r['peer_wall']:.3f} | "
                     f"{r['cpu']:.3f} | {r['peer_cpu']:.2f} | {r['peak']:.0f} | {r['peer_peak']:.0f} | {r['bytes'] / 1e6:.2f} | {r['peer_bytes'] / 1e6:.2f} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="S,M,L")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "results")
    parser.add_argument("--check", nargs=3, metavar=("OURS", "PEER", "LAYOUT"), help="only compare two artefacts")
    args = parser.parse_args()
    if args.check:
        return check_values(*args.check)
    DATA.mkdir(parents=True, exist_ok=True)
    args.out.mkdir(parents=True, exist_ok=True)
    peers = [p for p in args.peers.split(",") if p and p != "none"]
    alones, pairs = [], []
    for size in args.sizes.split(","):
        rounds = args.rounds or ROUNDS[size]
        for layout in ("long", "wide"):
            alones.append(alone(size, layout, rounds))
            for peer in peers:
                if peer.endswith(layout):
                    pairs.append(compare(size, layout, peer, rounds))
            print(tables(alones, pairs).splitlines()[-1], file=sys.stderr)
    text = tables(alones, pairs)
    (args.out / "latest.md").write_text(text)
    (args.out / "latest.json").write_text(json.dumps({"default": alones, "pairs": pairs}, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    main()
