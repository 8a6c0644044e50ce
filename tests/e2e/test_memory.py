"""Memory bounds change no byte of the artefact: rows that do not fit wait in a temporary file, which nobody sees and which is gone afterwards."""
import random

import pytest

QUEUES = [f"Queue {i:03d}" for i in range(150)]
INTERVALS = 480
HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds\n"


def lines(seed):
    rng = random.Random(seed)
    made = []
    for i in range(INTERVALS):
        a, b = (f"2024-01-{1 + k // 96:02d}T{k % 96 // 4:02d}:{k % 4 * 15:02d}:00.000Z" for k in (i, i + 1))
        for q, name in enumerate(QUEUES):
            if rng.random() < 0.9:
                offered = rng.choice([0, 3, rng.randrange(40), rng.randrange(70000)])
                answered = rng.randrange(offered + 1)
                made.append(f"{a}/{b},id{q},{name},{offered},{answered},{rng.uniform(0, 100):.2f},{rng.uniform(30, 900):.3f}\n")
    return made


@pytest.fixture(scope="module")
def rows():
    return lines(7)


def transform(ql, tmp_path, *options):
    done = ql("transform", "in.csv", *options, "--temp-dir", tmp_path / "temp", "--json", "-o", "out.parquet")
    assert done.code == 0, done
    assert list((tmp_path / "temp").iterdir()) == []
    return (tmp_path / "out.parquet").read_bytes(), done.json


@pytest.mark.parametrize("layout", ["wide", "long", "tidy"])
def test_a_bound_on_memory_changes_no_byte(ql, tmp_path, rows, layout):
    (tmp_path / "temp").mkdir()
    shuffled = rows[:]
    random.Random(1).shuffle(shuffled)
    artefacts = set()
    for order in (rows, shuffled):
        (tmp_path / "in.csv").write_text(HEADER + "".join(order))
        for options in ((), ("--memory-limit", "1M"), ("--memory-limit", "1M", "--threads", "1"), ("--memory-limit", "2M", "--threads", "3")):
            artefact, summary = transform(ql, tmp_path, "--layout", layout, *options)
            artefacts.add(artefact)
            if options == ():
                assert summary["table"]["bytes_spilled"] == 0
            if "1M" in options:
                assert summary["table"]["bytes_spilled"] > 0
    assert len(artefacts) == 1


def test_a_temporary_folder_that_is_not_there_matters_only_when_it_is_needed(ql, tmp_path, rows):
    (tmp_path / "in.csv").write_text(HEADER + "".join(rows))
    assert ql("transform", "in.csv", "--temp-dir", "nowhere", "-o", "out.parquet").code == 0
    (tmp_path / "out.parquet").unlink()
    done = ql("transform", "in.csv", "--temp-dir", "nowhere", "--memory-limit", "1M", "-o", "out.parquet")
    assert done.code not in (0, 70, 71), done
    assert "nowhere" in done.text and "--temp-dir" in done.text, done
    assert not (tmp_path / "out.parquet").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.csv"]
