"""The job, as commands: queuelake's, and each peer's. bench/README.md says what the job is."""
import pathlib
import sys

from exports import DATA, HERE, ROOT

QUEUELAKE = ROOT / "build/release/queuelake"
LAYOUTS = ("long", "wide")
# What the peers compute; the default job has the service level besides.
METRICS = {"job": ["--metrics", "calls_offered,calls_answered,avg_handle_time_seconds"], "default": []}

# By layout, the fastest first. The native DuckDB has no Python to start: on S it is the peer to beat.
PEERS = {
    "long": ["duckdb_native", "duckdb", "polars", "clickhouse", "pyarrow"],
    "wide": ["polars", "pandas", "pandas_groupby", "duckdb"],
}


def artefact(name):
    return DATA / f"{name}.parquet"


def transform(csv, out, layout, job="job", *flags):
    return [QUEUELAKE, "transform", csv, "--layout", layout, *METRICS[job], *flags, "-q", "-o", out]


def peer(name, layout, csv, out):
    if name == "duckdb_native":
        sys.path.insert(0, str(HERE / "peers"))
        import duckdb_cli
        import duckdb_long

        return [pathlib.Path(duckdb_cli.__file__).parent / "duckdb", "-c", duckdb_long.sql(csv, out)]
    return [sys.executable, HERE / "peers" / f"{name}_{layout}.py", csv, out]
