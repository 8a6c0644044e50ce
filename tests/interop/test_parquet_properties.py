"""Random tables through the writer, judged by a strict structural checker and by four readers that share no code with it.

QL_INTEROP_ROUNDS says how many tables (default 40), QL_INTEROP_SEED which ones; a failure names the seed of its table.
"""

import os
import random
import struct
from decimal import Decimal

import duckdb
import pytest
from parquet_readers import READERS, count_by_duckdb, quoted
from parquet_structure import DELTA, PLAIN, PLAIN_DICTIONARY, check, wrapped
from parquet_support import Column, Table, write

ROUNDS = int(os.environ.get("QL_INTEROP_ROUNDS", "40"))
SEED = int(os.environ.get("QL_INTEROP_SEED", "20240101"))
LETTERS = "abcXYZ 0189_-./|'\"äñß–€😀中\u00a0"


def random_text(rng, longest):
    return "".join(rng.choice(LETTERS) for _ in range(rng.randrange(longest)))


def distinct_values(rng, kind, n):
    """n values of one of the shapes that data take: few, scaled decimals, wide ranges, extremes."""
    shape = rng.randrange(4)
    if kind == "string":
        return [f"{i}{random_text(rng, [4, 12, 40, 150][shape])}" for i in range(n)]
    if kind == "double":
        return [
            [lambda: float(rng.randrange(2000)) / 4, lambda: round(rng.gauss(200, 90), 4), rng.random, lambda: extreme(rng)][shape]()
            for _ in range(n)
        ]
    low, high = [(0, 40), (-500, 500), (1704067200000000, 1704067200000000 + 2**40), (-(2**63), 2**63 - 1)][shape]
    if kind.startswith("decimal"):
        low, high = max(low, 1 - 10**18), min(high, 10**18 - 1)
    if kind == "timestamp":
        low, high = max(low, -(2**55)), min(high, 2**55)  # where every reader's calendar ends
    return [rng.choice([low, high, rng.randint(low, high)]) for _ in range(n)]


def extreme(rng):
    return rng.choice([5e-324, -1.7976931348623157e308, 1.7976931348623157e308, float("inf"), float("-inf"), -0.0, 0.0, 0.1])


def random_values(rng, kind, n):
    pool = distinct_values(rng, kind, rng.choice([1, 2, 3, 17, max(n // 2, 1), max(n, 1)]))
    order = rng.randrange(4)
    values = [rng.choice(pool) for _ in range(n)]
    if order == 0:
        values.sort(key=lambda v: v.encode() if kind == "string" else v, reverse=rng.random() < 0.3)
    elif order == 1 and n:  # runs
        values = [pool[i * 7 // max(n, 1) % len(pool)] for i in range(n)]
    elif order == 2:
        values = [pool[i % len(pool)] for i in range(n)]
    nulls = rng.choice([0, 0, 0.02, 0.5, 0.97, 1])
    if nulls and rng.random() < 0.4:  # in blocks, so that whole pages and groups are NULL
        cut = sorted(rng.randrange(n + 1) for _ in range(2))
        return [None if cut[0] <= i < cut[1] else v for i, v in enumerate(values)]
    return [None if rng.random() < nulls else v for v in values]


def random_groups(rng, n):
    if n == 0:
        return rng.choice([[], [0]])
    if rng.random() < 0.5:
        return [n]
    cuts = sorted(rng.randrange(n + 1) for _ in range(rng.randrange(1, 5)))
    return [b - a for a, b in zip([0, *cuts], [*cuts, n])]


def random_table(rng):
    n = rng.choice([0, 1, 7, 8, 9, 64, 333, 1000, 5000])
    kinds = ["int64", "double", "timestamp", "string", f"decimal:{rng.choice([0, 2, 4, 18])}"]
    columns = []
    for i in range(rng.randrange(1, 9)):
        kind = rng.choice(kinds)
        columns.append(Column(f"{i} {random_text(rng, 20)}".strip(), kind, random_values(rng, kind, n)))
    return Table(
        columns,
        groups=random_groups(rng, n),
        codec=rng.choice(["none", "snappy", "zstd"]),
        level=rng.choice([0, 1, 9]),
        compat=rng.choice(["broad", "modern"]),
        page_rows=rng.choice([0, 0, 1 if n < 400 else 50, 3 if n < 400 else 64, 100, 1000]),
        meta=[(f"key {i}", random_text(rng, 30)) for i in range(rng.randrange(3))],
        seed=rng.randrange(1 << 30),
    )


def exactly(values):
    """Doubles by their bits: -0.0 is not 0.0."""
    return [struct.pack("<d", v) if isinstance(v, float) else v for v in values]


def numerator(column, value):
    """The integer that a DECIMAL is made of; a double (fastparquet's) is near it."""
    scale = int(column.type.split(":")[1])
    return int(value.scaleb(scale)) if isinstance(value, Decimal) else value * 10.0**scale


def assert_near(column, got, reader):
    for row, (a, b) in enumerate(zip(got, column.values)):
        same = a == b if a is None or b is None else abs(numerator(column, a) - b) <= 1e-12 * abs(b)
        assert same, f"{reader}, column {column.name!r}, row {row}: {a!r} instead of {b!r}"


def assert_same(column, got, reader):
    want = exactly(column.values)
    assert len(got) == len(want), f"{reader}, column {column.name!r}: {len(got)} rows instead of {len(want)}"
    if column.type.startswith("decimal") and reader != "structure":
        if reader == "fastparquet":
            assert_near(column, got, reader)
            return
        got = [v if v is None else numerator(column, v) for v in got]
    got = exactly([float(v) if column.type == "double" and v is not None else v for v in got])
    for row, (a, b) in enumerate(zip(got, want)):
        assert a == b, f"{reader}, column {column.name!r}, row {row}: {a!r} instead of {b!r}"


def widest_delta(values):
    """Bits that some miniblock of a page may need: those between the least and the greatest step of its block of 128."""
    known = [v for v in values if v is not None]
    steps = [wrapped(b - a) for a, b in zip(known, known[1:])]
    blocks = [steps[i : i + 128] for i in range(0, len(steps), 128)]
    return max(((max(block) - min(block)).bit_length() for block in blocks), default=0)


def can_fastparquet(chunk):
    if chunk.encoding == DELTA:
        return all(widest_delta(values) <= 28 for values in chunk.page_values)
    return chunk.encoding in (PLAIN, PLAIN_DICTIONARY)


def readers_of(file):
    fits = all(can_fastparquet(chunk) for group in file.groups for chunk in group)
    return [reader for reader in READERS if fits or reader != "fastparquet"]


def assert_readable(table, path):
    file = check(path, table.compat == "modern")
    assert [c[0] for c in file.columns] == [c.name for c in table.columns]
    assert [len(g[0].values) for g in file.groups] == [n for n in table.row_groups() if n]
    assert file.meta == dict(table.meta)
    for c, column in enumerate(table.columns):
        assert_same(column, file.values(c), "structure")
    for reader in readers_of(file):
        columns = READERS[reader](path)
        assert len(columns) == len(table.columns), reader
        for column, got in zip(table.columns, columns):
            assert_same(column, got, reader)


def literal(column, value):
    if column.type == "string":
        return "'" + value.replace("'", "''") + "'"
    if column.type == "timestamp":
        return f"make_timestamptz({value})"
    if column.type.startswith("decimal"):
        scale = int(column.type.split(":")[1])
        return f"'{Decimal(value).scaleb(-scale):f}'::decimal(18,{scale})"
    return f"'{value!r}'::double" if column.type == "double" else f"({value})::bigint"


OPERATORS = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def order_of(value):
    return value.encode() if isinstance(value, str) else value


def conditions(rng, column):
    """(SQL, expected count): constants from the data, where bounds are tight, and beside them."""
    known = [v for v in column.values if v is not None]
    name = quoted(column.name)
    yield f"{name} is null", len(column.values) - len(known)
    yield f"{name} is not null", len(known)
    if not known:
        return
    ordered = sorted(known, key=order_of)
    for constant in {ordered[0], ordered[-1], rng.choice(known), known[0]}:
        for sign, holds in OPERATORS.items():
            count = sum(holds(order_of(v), order_of(constant)) for v in known)
            yield f"{name} {sign} {literal(column, constant)}", count


def assert_filters(rng, table, path):
    """A wrong bound loses rows only where a reader skips by it: counts with and without the statistics."""
    pushed, plain = duckdb.connect(), duckdb.connect()
    plain.execute("set disabled_optimizers = 'filter_pushdown,statistics_propagation'")
    for column in table.columns:
        for condition, count in conditions(rng, column):
            assert count_by_duckdb(pushed, path, condition) == count, condition
            if rng.random() < 0.1:
                assert count_by_duckdb(plain, path, condition) == count, f"{condition}, without statistics"


@pytest.mark.parametrize("seed", range(SEED, SEED + ROUNDS))
def test_random_tables_read_back_everywhere(seed, tmp_path):
    rng = random.Random(seed)
    table = random_table(rng)
    path = write(table, tmp_path / "random.parquet")
    assert_readable(table, path)
    if table.n_rows and sum(len(c.values) for c in table.columns) < 12000:
        assert_filters(rng, table, path)
    # The form in which columns come is no part of the data, nor is the order of dictionaries and what they hold beside.
    for form in ("values", "coded", "scaled"):
        table.seed, table.form, table.cpu = table.seed + 1, form, rng.choice(["scalar", "avx2", "native"])
        assert write(table, tmp_path / "again.parquet").read_bytes() == path.read_bytes(), form
