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
    type: str  # int64, double, timestamp (microseconds, UTC), string, decimal:SCALE
    values: list  # None is NULL; of a decimal: the integers that are to be divided by 10^SCALE
    is_sorted: bool = False


@dataclass
class Table:
    columns: list
    groups: list = None  # rows of each row group; default: one group of all rows
    codec: str = "snappy"
    level: int = 0
    page_rows: int = 0  # most rows of a page; 0: the writer's default
    meta: list = field(default_factory=list)
    compat: str = "broad"
    cpu: str = "native"
    form: str = None  # of every column that can come so: values, coded, scaled; default: by chance
    seed: int = 1  # of the forms in which columns come, of the order and the unused entries of dictionaries

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


def _codes(values, entries, rng):
    """Codes into entries in any order, with entries that nothing uses."""
    if rng.random() < 0.7:
        rng.shuffle(entries)
    code = {entry: i for i, entry in enumerate(entries)}
    return ["~" if v is None else str(code[v]) for v in values]


def _strings(values, rng):
    entries = sorted({v for v in values if v is not None})
    entries += [f"unused {i}" for i in range(rng.randrange(4)) if f"unused {i}" not in entries]
    codes = _codes(values, entries, rng)
    return ["dict", str(len(entries)), *map(_hex, entries), *codes]


def _numbers(values, rng):
    entries = sorted({v for v in values if v is not None})
    entries += [v for v in range(-3, rng.randrange(4)) if v not in entries]
    codes = _codes(values, entries, rng)
    return ["numbers", str(len(entries)), *map(str, entries), *codes]


def scaled(values, scale):
    """The integers k whose doubles k / 10^scale the values are, bit for bit; None if they are not all of 32 bits."""
    ks = []
    for v in values:
        if v is None:
            ks.append(None)
            continue
        if not abs(v) <= 2**31 or (v == 0 and str(v) != "0.0"):
            return None
        k = round(v * 10**scale)
        if k / 10**scale != v or not -(2**31) <= k < 2**31:
            return None
        ks.append(k)
    return ks


def _scaled(column, values, rng):
    if column.type == "double":
        fits = [(s, ks) for s in range(10) if (ks := scaled(values, s)) is not None]
    else:
        ints = column.type != "timestamp" and all(v is None or -(2**31) <= v < 2**31 for v in values)
        fits = [(0, values)] if ints else []
    if not fits:
        return None
    scale, ks = rng.choice(fits)
    known = [k for k in ks if k is not None] or [0]
    low, high = max(min(known) - rng.randrange(3), -(2**31)), min(max(known) + rng.randrange(3), 2**31 - 1)
    return ["scaled", str(scale), str(low), str(high), *("~" if k is None else str(k) for k in ks)]


def _column(column, values, form, rng):
    """The values in a form that can hold them: the one asked for, or any."""
    if column.type == "string":
        return _strings(values, rng)
    forms = {"values": lambda: ["values", *(_value(column, v) for v in values)]}
    if column.type in ("int64", "timestamp"):
        forms["coded"] = lambda: _numbers(values, rng)
    if (words := _scaled(column, values, rng)) is not None:
        forms["scaled"] = lambda: words
    if form is None:
        form = rng.choice(list(forms))
    return forms.get(form, forms["values"])()


def describe(table):
    rng = random.Random(table.seed)
    words = [f"codec {table.codec} {table.level} page_rows {table.page_rows} compat {table.compat} cpu {table.cpu}"]
    words += [f"meta {_hex(k)} {_hex(v)}" for k, v in table.meta]
    words += [f"column {c.type} {'sorted' if c.is_sorted else 'unsorted'} {_hex(c.name)}" for c in table.columns]
    at = 0
    for n in table.row_groups():
        words.append(f"group {n}")
        for column in table.columns:
            words += _column(column, column.values[at : at + n], table.form, rng)
        at += n
    assert at == table.n_rows
    return "\n".join(words) + "\n"


def run_helper(description, path):
    return subprocess.run([helper(), str(path)], input=description.encode(), capture_output=True, check=False)


def write(table, path):
    done = run_helper(describe(table), path)
    assert done.returncode == 0, done.stderr.decode()
    return path
