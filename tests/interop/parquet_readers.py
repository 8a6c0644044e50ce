"""Other people's readers: each gives the columns of a file as lists of plain values (timestamps as microseconds, NULL as None).

fastparquet gives decimals as doubles, and knows neither DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY nor BYTE_STREAM_SPLIT; of
DELTA_BINARY_PACKED it (2026.9.0) reads miniblocks of more than 28 bits wrongly, and crashes on some.
"""

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def by_pyarrow(path):
    table = pq.read_table(path, page_checksum_verification=True)
    table.validate(full=True)
    columns = []
    for column in table.columns:
        if pa.types.is_timestamp(column.type):
            assert column.type == pa.timestamp("us", tz="UTC")
            column = column.cast(pa.int64())
        columns.append(column.to_pylist())
    return columns


def by_polars(path):
    frame = pl.read_parquet(path)
    columns = []
    for series in frame.get_columns():
        if series.dtype.is_temporal():
            assert series.dtype == pl.Datetime("us", "UTC")
            series = series.cast(pl.Int64)
        columns.append(series.to_list())
    return columns


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def from_duckdb(path):
    return "read_parquet('" + str(path).replace("'", "''") + "')"


def by_duckdb(path):
    """In one query: ten thousand would each read the footer."""
    db = duckdb.connect()
    wanted = []
    for name, kind, *_ in db.execute(f"describe select * from {from_duckdb(path)}").fetchall():
        assert kind in ("BIGINT", "DOUBLE", "VARCHAR", "TIMESTAMP WITH TIME ZONE") or kind.startswith("DECIMAL(18,"), kind
        wanted.append(f"epoch_us({quoted(name)})" if kind.startswith("TIMESTAMP") else quoted(name))
    rows = db.execute(f"select {', '.join(wanted)} from {from_duckdb(path)}").fetchall()
    return [[row[c] for row in rows] for c in range(len(wanted))]


def by_fastparquet(path):
    """It gives NULL doubles as NaN; a NaN of the file's own cannot be told from them."""
    file = fastparquet.ParquetFile(str(path))
    frame = file.to_pandas()
    columns = []
    for name in file.columns:
        series = frame[name]
        if str(series.dtype).startswith("datetime64"):
            us = series.to_numpy().astype("datetime64[us]")
            columns.append([None if np.isnat(v) else int(v.astype("int64")) for v in us])
        else:
            columns.append([None if v is None or v is pd.NA or v != v else v for v in series.tolist()])
    return columns


READERS = {"pyarrow": by_pyarrow, "polars": by_polars, "duckdb": by_duckdb, "fastparquet": by_fastparquet}


def count_by_duckdb(db, path, condition):
    return db.execute(f"select count(*) from {from_duckdb(path)} where {condition}").fetchone()[0]
