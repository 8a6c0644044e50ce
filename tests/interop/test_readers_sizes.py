"""An artefact is not larger than the same table as others write it with their defaults. Bytes, so nothing here depends on the machine.

The data are those of the benchmark's small export; `./dev bench` does the same for the larger ones.
"""
import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from readers.artefacts import ARTEFACTS

pytest_plugins = ["readers.fixtures"]


def by_pyarrow(source, path, codec):
    pq.write_table(pq.read_table(source), path, compression=codec)


def by_duckdb(source, path, codec):
    with duckdb.connect() as db:
        db.execute("set timezone = 'UTC'")
        db.execute(f"copy (select * from read_parquet('{source}')) to '{path}' (format parquet, compression {codec})")


def by_polars(source, path, codec):
    pl.read_parquet(source).write_parquet(path, compression=codec)


WRITERS = {"pyarrow": by_pyarrow, "duckdb": by_duckdb, "polars": by_polars}


@pytest.mark.xdist_group("readers-in-process")
@pytest.mark.parametrize("artefact", [a for a in ARTEFACTS if a.export == "day" and a.layout != "tidy" and a.codec != "none"], ids=str)
@pytest.mark.parametrize("writer", WRITERS)
def test_nobody_writes_it_smaller(writer, artefact, library, tmp_path):
    ours = library.path(artefact)
    WRITERS[writer](ours, tmp_path / "theirs.parquet", artefact.codec)
    sizes = ours.stat().st_size, (tmp_path / "theirs.parquet").stat().st_size
    print(f"{artefact}: {sizes[0]} bytes, {sizes[0] / sizes[1]:.1%} of {sizes[1]} by {writer}")
    assert sizes[0] <= sizes[1]
