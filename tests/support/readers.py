"""Every artefact is read by four code bases that share nothing with queuelake, and compared value by value."""
import datetime as dt
import math

import duckdb
import fastparquet
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

UTC = dt.timezone.utc


def by_pyarrow(path):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    table = file.read()
    return {name: table.column(i).to_pylist() for i, name in enumerate(table.column_names)}


def by_duckdb(path):
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        relation = db.execute(f"select * from read_parquet('{path}')")
        rows = relation.fetchall()
    names = pq.read_schema(path).names  # DuckDB renames a column that differs from another in case only
    return {name: [r[i] for r in rows] for i, name in enumerate(names)}


def by_polars(path):
    frame = pl.read_parquet(path)
    return {name: frame.get_column(name).to_list() for name in frame.columns}


def by_fastparquet(path):
    file = fastparquet.ParquetFile(str(path))
    if not file.row_groups:
        return {name: [] for name in file.columns}
    frame = file.to_pandas()
    return {name: [value_of(v) for v in frame[name]] for name in frame.columns}


def value_of(value):
    """A pandas cell as the others give it."""
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    elif hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and math.isnan(value) or value.__class__.__name__ in ("NaTType", "NAType"):
        return None
    return value


READERS = {"pyarrow": by_pyarrow, "duckdb": by_duckdb, "polars": by_polars, "fastparquet": by_fastparquet}


def same(got, expected, tolerance):
    if isinstance(expected, dt.datetime) and isinstance(got, dt.datetime):
        got = got.replace(tzinfo=UTC) if got.tzinfo is None else got.astimezone(UTC)
        return got == expected
    if isinstance(expected, float) and isinstance(got, (int, float)):
        if tolerance and abs(got - expected) <= tolerance * max(1.0, abs(expected)):
            return True
        return got == expected and math.copysign(1, got) == math.copysign(1, expected)
    return got == expected and isinstance(got, bool) == isinstance(expected, bool)


def assert_same_table(got, expected, reader, tolerance=0.0):
    assert list(got) == list(expected), f"{reader}: columns differ: {set(got) ^ set(expected) or 'order'}"
    for name, want in expected.items():
        have = got[name]
        assert len(have) == len(want), f"{reader}: {name} has {len(have)} values, expected {len(want)}"
        for row, (g, w) in enumerate(zip(have, want)):
            assert same(g, w, tolerance), f"{reader}: {name}[{row}] is {g!r}, expected {w!r}"


def assert_artefact(path, expected, tolerance=0.0, readers=READERS):
    for name in readers:
        assert_same_table(READERS[name](path), expected, name, tolerance)


def column_types(path):
    schema = pq.read_schema(path)
    return {field.name: field.type for field in schema}


TIMESTAMP = pa.timestamp("us", tz="UTC")
