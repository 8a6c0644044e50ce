"""The readers that Python can load. Each gives the common form of a file, and says what it can see of a table: some lose a type."""
import duckdb
import fastparquet
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from readers.tables import TIMESTAMP, assert_same_table, common, replace


def by_pyarrow(path):
    table = pq.read_table(path, page_checksum_verification=True)
    table.validate(full=True)
    return common(table)


def by_duckdb(path):
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        return common(db.sql("select * from read_parquet(?)", params=[str(path)]).to_arrow_table())


def by_polars(path):
    return common(pl.read_parquet(path).to_arrow())


def by_polars_streaming(path):
    return common(pl.scan_parquet(path).collect(engine="streaming").to_arrow())


def from_pandas(frame):
    """NaN, NaT and None are NULL to pandas."""
    return common(pa.Table.from_pandas(frame, preserve_index=False))


def by_pandas(path):
    return from_pandas(pd.read_parquet(path))


def by_pandas_nullable(path):
    return from_pandas(pd.read_parquet(path, dtype_backend="numpy_nullable"))


def by_fastparquet(path):
    file = fastparquet.ParquetFile(str(path))
    if not file.row_groups:  # its to_pandas trips over no row groups; the schema is still there
        return common(pa.Table.from_pandas(pd.DataFrame({c: pd.Series([], dtype=d) for c, d in file.dtypes.items()}), preserve_index=False))
    return from_pandas(file.to_pandas())


def ascii_lower(text):
    return text.encode().lower()


def in_full(table):
    return table


def in_pandas(table):
    """Integers with NULLs are doubles; a column of nothing but NULLs has no type."""

    def change(_, column):
        if column.type == pa.int64() and column.null_count:
            return column.cast(pa.float64(), safe=False)
        return None

    return replace(table, change)


def in_fastparquet(table):
    """Instants are without zone, decimals are doubles."""

    def change(_, column):
        if column.type == TIMESTAMP:
            return column.cast(pa.timestamp("us"))
        return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else None

    return replace(table, change)


def in_duckdb(table):
    """A name that another column has but for the case of ASCII letters gets a number."""
    seen, names = set(), []
    for name in table.column_names:
        new, n = name, 0
        while ascii_lower(new) in seen:
            n += 1
            new = f"{name}_{n}"
        seen.add(ascii_lower(new))
        names.append(new)
    return table.rename_columns(names)


READERS = {
    "pyarrow": (by_pyarrow, in_full),
    "duckdb": (by_duckdb, in_duckdb),
    "polars": (by_polars, in_full),
    "polars-streaming": (by_polars_streaming, in_full),
    "pandas": (by_pandas, in_pandas),
    "pandas-nullable": (by_pandas_nullable, in_full),
    "fastparquet": (by_fastparquet, in_fastparquet),
}


def pairs(artefacts):
    """(reader, artefact) that go together: fastparquet (2026.9.0) knows few of the encodings of today, and misreads or crashes on some."""
    return [(reader, a) for reader in READERS for a in artefacts if reader != "fastparquet" or not a.is_modern()]


def assert_reads(reader, artefact, library):
    read, sees = READERS[reader]
    assert_same_table(reader, read(library.path(artefact)), sees(library.expected(artefact)))
