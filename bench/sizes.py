#!/usr/bin/env python3
"""Output size: our artefact, and the same table read and written again by pyarrow, DuckDB and Polars with their defaults for the codec.

usage: sizes.py WRITER CODEC IN.parquet OUT.parquet     (the part "sizes" of ./dev bench calls it so: a writer needs much memory)
"""
import subprocess
import sys

WRITERS = ["pyarrow", "duckdb", "polars"]
CODECS = ["snappy", "zstd"]


def rewrite(writer, codec, source, target):
    if writer == "pyarrow":
        import pyarrow.parquet as pq

        pq.write_table(pq.read_table(source), target, compression=codec)
    elif writer == "duckdb":
        import duckdb

        duckdb.execute("set timezone = 'UTC'")
        duckdb.execute(f"copy (from read_parquet('{source}')) to '{target}' (format parquet, compression {codec})")
    else:
        import polars as pl

        pl.read_parquet(source).write_parquet(target, compression=codec)


def run(options):
    import exports
    import jobs
    import measure

    rows = []
    for size in options.sizes:
        csv = exports.path(size)
        for layout in jobs.LAYOUTS:
            for job in jobs.METRICS:
                for codec in CODECS:
                    print(f"sizes: {size} {layout} {job} {codec}", file=sys.stderr)
                    ours, theirs = jobs.artefact(f"{size}.{layout}.sizes"), jobs.artefact(f"{size}.{layout}.rewritten")
                    measure.run(jobs.transform(csv, ours, layout, job, "--compression", codec))
                    row = {"size": size, "layout": layout, "job": job, "codec": codec, "csv": csv.stat().st_size, "queuelake": ours.stat().st_size}
                    for writer in WRITERS:
                        subprocess.run([sys.executable, __file__, writer, codec, ours, theirs], check=True)
                        row[writer] = theirs.stat().st_size
                        theirs.unlink()
                    ours.unlink()
                    rows.append(row)
    return rows


def table(rows):
    from report import md_table, size_text

    lines = []
    for r in rows:
        best = min(r[writer] for writer in WRITERS)
        lines.append([r["size"], r["layout"], r["job"], r["codec"], f"**{size_text(r['queuelake'])}**", f"{100 * r['queuelake'] / r['csv']:.1f} %",
                      *(size_text(r[writer]) for writer in WRITERS), f"**{100 * r['queuelake'] / best:.1f} %**"])
    return md_table(["size", "layout", "job", "codec", "queuelake", "of the CSV", *WRITERS, "of the smallest peer's"], lines)


if __name__ == "__main__":
    rewrite(*sys.argv[1:])
