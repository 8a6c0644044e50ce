"""The exports that are measured: made once, kept in build/bench, the same bytes on every machine."""
import os
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
DATA = ROOT / "build/bench"

# Days, queues, minutes. "cut" is the first thirtieth of L, for what runs fifty times slower; L10 is made only when asked for.
SHAPES = {"S": (1, 200, 30), "M": (31, 500, 15), "L": (365, 250, 15), "cut": (12, 250, 15), "L10": (3650, 250, 15)}
SHUFFLED = "_shuffled"


def path(name):
    """The export of that name ("S", "L", "L_shuffled", …), made if it is not there."""
    file = DATA / f"{name}.csv"
    if not file.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        print(f"making {file.name} …", file=sys.stderr)
        if name.endswith(SHUFFLED):
            shuffle(path(name.removesuffix(SHUFFLED)), part)
        else:
            command = [sys.executable, HERE / "make_export.py", *map(str, SHAPES[name]), part]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        os.rename(part, file)
    return file


def warm(file):
    """Reads it once, so that the page cache has it."""
    with file.open("rb", buffering=0) as stream:
        while stream.read(1 << 20):
            pass


def shuffle(source, target, n_buckets=64, seed=7):
    """Every data row at a random place: rows are dealt to buckets at random, and each bucket is shuffled in memory."""
    rng = random.Random(seed)
    names = [target.with_suffix(f".bucket{i}") for i in range(n_buckets)]
    with source.open("rb") as rows:
        header = rows.readline()
        buckets = [name.open("wb") for name in names]
        for row in rows:
            buckets[int(rng.random() * n_buckets)].write(row)
        for bucket in buckets:
            bucket.close()
    with target.open("wb") as out:
        out.write(header)
        for name in names:
            rows = name.read_bytes().splitlines(keepends=True)
            rng.shuffle(rows)
            out.writelines(rows)
            name.unlink()
