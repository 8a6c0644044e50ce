#!/usr/bin/env python3
"""Reading back: calls offered by queue, by DuckDB, from our long file and from DuckDB's own, in turn.

usage: reading.py ROUNDS A.parquet B.parquet     prints seconds of each query as JSON (the part "reading" of ./dev bench calls it so)
"""
import json
import sys
import time


def query(rounds, *files):
    import duckdb

    seconds = {file: [] for file in files}
    for _ in range(int(rounds) + 1):
        for file in files:
            begun = time.perf_counter()
            duckdb.execute(f"select queue_name, sum(calls_offered) from read_parquet('{file}') group by queue_name").fetchall()
            seconds[file].append(time.perf_counter() - begun)
    print(json.dumps([s[1:] for s in seconds.values()]))  # the first round opens files and starts threads


def run(options):
    import subprocess

    import exports
    import jobs
    import measure

    rows = []
    for size in options.sizes:
        csv, ours, theirs = exports.path(size), jobs.artefact(f"{size}.reading"), jobs.artefact(f"{size}.reading.duckdb")
        measure.run(jobs.transform(csv, ours, "long"))
        measure.run(jobs.peer("duckdb", "long", csv, theirs))
        done = subprocess.run([sys.executable, __file__, str(max(11, options.rounds_of(size))), ours, theirs], check=True, capture_output=True, text=True)
        mine, other = json.loads(done.stdout)
        rows.append({"size": size, "rounds": len(mine), "ours_s": measure.spread(mine), "duckdb_s": measure.spread(other),
                     "ratio": measure.spread(b / a for a, b in zip(mine, other))})
        ours.unlink(), theirs.unlink()
    return rows


def table(rows):
    from report import md_table, ms_or_s, times

    lines = [[r["size"], r["rounds"], ms_or_s(r["ours_s"]), ms_or_s(r["duckdb_s"]), times(r["ratio"], 2)] for r in rows]
    return md_table(["size", "rounds", "our file", "DuckDB's own file", "times as fast"], lines)


if __name__ == "__main__":
    query(*sys.argv[1:])
