"""Tables in Python, written by queuelake's writer through the helper `parquet_table` (built below QL_BUILD_DIR)."""

import os
import pathlib
import random
import subprocess
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parents[2]


def helper():
    build = pathlib.Path(os.environ.get("QL_BUILD_DIR", ROOT / "build" / "dev"))
    path = (build if build.is_absolute() else ROOT / build) / "tests" / "interop" / "parquet_table"
    assert path.exists(), f"no {path}: build the target 'parquet_table', or say QL_BUILD_DIR"
    return path


@dataclass
class Column:
    name: str
    type: str  # int64, double, timestamp (microseconds, UTC), string
    values: list  # None is NULL
    is_sorted: bool = False


@dataclass
class Table:
    columns: list
    groups: list = None  # rows of each row group; default: one group of all rows
    codec: str = "snappy"
    level: int = 0
    page_rows: int = 0  # most rows of a page; 0: the writer's default
    meta: list = field(default_factory=list)
    seed: int = 1  # of the order and the unused entries of dictionaries

    @property
    def n_rows(self):
        return len(self.columns[0].values)

    def row_groups(self):
        return self.groups if self.groups is not None else ([self.n_rows] if self.n_rows else [])


def _hex(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return raw.hex() or "-"


def _value(column, value):
    if value is None:
        return "~"
    return float(value).hex() if column.type == "double" else str(value)


def _strings(values, rng):
    """A dictionary as a layout may have one: in any order, with entries that nothing uses."""
    entries = sorted({v for v in values if v is not None})
    entries += [f"unused {i}" for i in range(rng.randrange(4)) if f"unused {i}" not in entries]
    if rng.random() < 0.7:
        rng.shuffle(entries)
    code = {text: i for i, text in enumerate(entries)}
    words = ["dict", str(len(entries)), *map(_hex, entries)]
    return words + ["~" if v is None else str(code[v]) for v in values]


def describe(table):
    rng = random.Random(table.seed)
    words = [f"codec {table.codec} {table.level} page_rows {table.page_rows}"]
    words += [f"meta {_hex(k)} {_hex(v)}" for k, v in table.meta]
    words += [f"column {c.type} {'sorted' if c.is_sorted else 'unsorted'} {_hex(c.name)}" for c in table.columns]
    at = 0
    for n in table.row_groups():
        words.append(f"group {n}")
        for column in table.columns:
            values = column.values[at : at + n]
            words += _strings(values, rng) if column.type == "string" else [_value(column, v) for v in values]
        at += n
    assert at == table.n_rows
    return "\n".join(words) + "\n"


def run_helper(description, path):
    return subprocess.run([helper(), str(path)], input=description.encode(), capture_output=True, check=False)


def write(table, path):
    done = run_helper(describe(table), path)
    assert done.returncode == 0, done.stderr.decode()
    return path
