"""The artefact is the same whatever number of threads makes it. The exports are large enough that threads are really started."""
import random

import pytest

QUEUES = [f"Queue {i:03d}" for i in range(130)]
INTERVALS = 600  # 600 x 130 cells, less one in ten


def export(seed):
    rng = random.Random(seed)
    rows = ["timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds"]
    for i in range(INTERVALS):
        a, b = (f"2024-01-{1 + k // 96:02d}T{k % 96 // 4:02d}:{k % 4 * 15:02d}:00.000Z" for k in (i, i + 1))
        for q, name in enumerate(QUEUES):
            if rng.random() < 0.9:
                offered = rng.choice([0, 1, 2, 5, rng.randrange(40)])
                answered = rng.randrange(offered + 1)
                handle = f"{rng.uniform(30, 900):.3f}" if rng.random() < 0.95 else ""
                rows.append(f"{a}/{b},id{q},{name},{offered},{answered},{rng.uniform(0, 100):.2f},{handle}")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("options", [("--layout", "wide"), ("--layout", "wide", "--totals", "--empty", "null", "--compression", "zstd"), ("--layout", "long"),
                                     ("--layout", "long", "--cells", "all", "--empty", "null", "--round", "none")])
def test_bytes_do_not_depend_on_the_number_of_threads(ql, tmp_path, options):
    (tmp_path / "in.csv").write_text(export(len(options)))
    made = []
    for threads in ("1", "2", "5", "0"):
        done = ql("transform", "in.csv", *options, "--threads", threads, "-o", "out.parquet")
        assert done.code == 0, done
        made.append((tmp_path / "out.parquet").read_bytes())
    assert all(m == made[0] for m in made)
