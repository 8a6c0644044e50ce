"""Long ranges through jobs of aggregates: the server's limit of requests is kept, no refusal is answered by a hot loop, and memory is bounded.

With the release build, because a sanitizer's memory says nothing. QL_TEST_MODE=long takes a year, which takes a quarter of an hour of waiting for the limit.
"""
import os
import pathlib
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from conftest import CLEAN, ROOT
from test_aggregates import windows

RELEASE = pathlib.Path(os.environ.get("QL_RELEASE_DIR", ROOT / "build/release")) / "queuelake"
LONG = os.environ.get("QL_TEST_MODE") == "long"
QUARTER = ["--granularity", "PT15M", "--layout", "long", "--aggregates", "job"]


# A process that is started counts the memory of the one that starts it as its own: so a small one does, not the tests'.
MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def fetch(sim, tmp_path, *args):
    """Runs it and gives the most memory that it had at once, in KiB."""
    if not RELEASE.exists():
        pytest.skip(f"{RELEASE} is not built: ./dev build")
    done = subprocess.run([sys.executable, "-c", MEASURE, RELEASE, "run", *QUARTER, *args, *sim.flags, "-o", "out.parquet"], cwd=tmp_path,
                          env={**CLEAN, **sim.env}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


def assert_kept(sim, window_ms, ours):
    requests = [r for r in sim.requests() if r["path"].startswith("/api/")]
    assert max(windows(requests, window_ms)) <= ours
    assert not [r for r in requests if r["status"] == 429]
    return len(requests)


def test_weeks_of_500_queues(sim, tmp_path):
    """Jobs of a week, pages, and several windows of the server's limit."""
    genesys = sim("--queues", 500, "--rate-limit", 60, "--rate-window", 2)
    assert fetch(genesys, tmp_path, "--from", "2024-01-01", "--to", "2024-01-15") < 256 * 1024
    assert assert_kept(genesys, 2000, 30) > 60  # so more than two windows
    metadata = pq.read_metadata(tmp_path / "out.parquet")
    assert metadata.num_rows > 200000


@pytest.mark.skipif(not LONG, reason="QL_TEST_MODE is not long")
def test_a_year_of_500_queues(sim, tmp_path):
    """Some 7 million cells, 5 GB of JSON and 1,800 requests under a limit of 300 a minute, of which half are ours."""
    genesys = sim("--queues", 500, "--rate-limit", 300)
    assert fetch(genesys, tmp_path, "--from", "2023-01-01", "--to", "2024-01-01") < 256 * 1024
    assert assert_kept(genesys, 60000, 150) > 1000
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows > 7000000
