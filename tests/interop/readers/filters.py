"""Conditions whose counts show whether bounds can be trusted: a wrong one loses rows only where a reader skips by it."""
import functools
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from readers.tables import TIMESTAMP

COLUMNS = ("interval_start", "queue_name", "calls_offered", "avg_handle_time_seconds", "answer_rate", "abandon_rate")
SIGNS = {"=": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


@dataclass(frozen=True)
class Condition:
    """All of (sign, value) hold for the column. A value is an integer for instants (microseconds) and decimals (without the point)."""

    column: str
    kind: pa.DataType
    parts: tuple

    def __str__(self):
        return " and ".join(f"{self.column} {sign} {value!r}" for sign, value in self.parts)

    def scalars(self):
        return [(sign, scalar(self.kind, value)) for sign, value in self.parts]

    def sql(self, literal):
        return " and ".join(f"{self.column} {sign} {literal(self.kind, value)}" for sign, value in self.parts)

    def mask(self, column):
        """Of an Arrow column; NULL counts as false."""
        return functools.reduce(pc.and_kleene, (SIGNS[sign](column, value) for sign, value in self.scalars()))


def scalar(kind, value):
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(value).scaleb(-kind.scale), kind)
    return pa.scalar(value, pa.int64()).cast(kind) if kind == TIMESTAMP else pa.scalar(value, kind)


def value_of(scalar_):
    if pa.types.is_decimal(scalar_.type):
        return int(scalar_.as_py().scaleb(scalar_.type.scale))
    return scalar_.value if scalar_.type == TIMESTAMP else scalar_.as_py()


def beside(value):
    if isinstance(value, float):
        return float(np.nextafter(value, -np.inf)), float(np.nextafter(value, np.inf))
    return (value[:-1], value + " ") if isinstance(value, str) else (value - 1, value + 1)


def bounds(column, edges):
    """Least and greatest values between the edges, in order; of many those of the first two, of one in the middle, and of the last two."""
    found = set()
    for first, last in zip(edges, edges[1:]):
        least_and_greatest = pc.min_max(column.slice(first, last - first))
        found |= {value_of(s) for s in least_and_greatest.values() if s.is_valid}
    ordered = sorted(found, key=lambda v: v.encode() if isinstance(v, str) else v)
    return ordered if len(ordered) <= 6 else [*ordered[:2], ordered[len(ordered) // 2], *ordered[-2:]]


def conditions_of_column(name, column, edges):
    condition = lambda *parts: Condition(name, column.type, parts)
    chosen = bounds(column, edges)
    for value in chosen:
        for sign in SIGNS:
            yield condition((sign, value))
        for near in beside(value):
            for sign in ("=", "<", ">="):
                yield condition((sign, near))
    for low, high in zip(chosen, chosen[1:]):
        yield condition((">=", low), ("<=", high))
        yield condition((">", low), ("<", high))


def conditions(table, edges):
    """[(condition, how many rows it takes)]; edges are the rows where row groups or pages begin, and the end."""
    return [(c, pc.sum(c.mask(table[name])).as_py() or 0) for name in COLUMNS for c in conditions_of_column(name, table[name], edges)]


def edges(sizes):
    return [0, *np.cumsum(sizes).tolist()]


def literal(kind, value, timestamp, double):
    """In SQL, so that it is a constant when the query is planned."""
    if kind == TIMESTAMP:
        return timestamp.format(value)
    if pa.types.is_decimal(kind):
        return f"cast('{Decimal(value).scaleb(-kind.scale):f}' as decimal(18,{kind.scale}))"
    if isinstance(value, str):
        assert not set("'\\") & set(value)
        return f"'{value}'"
    return double.format(value) if isinstance(value, float) else f"cast({value} as bigint)"


def duckdb_literal(kind, value):
    return literal(kind, value, "make_timestamptz({})", "'{!r}'::double")


def by_duckdb(path, conditions_, is_skipping):
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        if not is_skipping:
            db.execute("set disabled_optimizers = 'filter_pushdown,statistics_propagation'")
        return [db.execute(f"select count(*) from read_parquet('{path}') where {c.sql(duckdb_literal)}").fetchone()[0] for c in conditions_]


def by_pyarrow(path, conditions_, is_skipping):
    if is_skipping:
        data = ds.dataset(path)
        return [data.count_rows(filter=c.mask(pc.field(c.column))) for c in conditions_]
    table = pq.read_table(path, columns=list(COLUMNS))
    return [pc.sum(c.mask(table[c.column])).as_py() or 0 for c in conditions_]


def by_polars(path, conditions_, is_skipping):
    frame = pl.scan_parquet(path, use_statistics=is_skipping)
    compare = {"=": pl.Expr.eq, "!=": pl.Expr.ne, "<": pl.Expr.lt, "<=": pl.Expr.le, ">": pl.Expr.gt, ">=": pl.Expr.ge}
    holds = lambda c: [compare[sign](pl.col(c.column), pl.lit(value.as_py())) for sign, value in c.scalars()]
    return [frame.filter(*holds(c)).select(pl.len()).collect().item() for c in conditions_]


def assert_counts(reader, asked, got):
    wrong = [f"{c}: {n} rows instead of {want}" for (c, want), n in zip(asked, got, strict=True) if n != want]
    assert not wrong, f"{reader}: {len(wrong)} of {len(asked)} counts are wrong:\n" + "\n".join(wrong[:20])


COUNTERS = {"duckdb": by_duckdb, "pyarrow": by_pyarrow, "polars": by_polars}
