"""Layout tidy, decimal rates and the modern encodings: other forms of the values that `long` has, which other tests hold against the oracle."""
import decimal

import pyarrow.parquet as pq
import pytest

from support.exports import random_export
from support.readers import by_duckdb, by_polars, by_pyarrow


def make(ql, name, *options):
    done = ql("transform", "in.csv", *options, "-o", name)
    assert done.code == 0, done


def rows_of(table, columns):
    return list(zip(*(table.column(c).to_pylist() for c in columns)))


@pytest.mark.parametrize("seed", range(25))
def test_tidy_is_long_with_a_row_for_each_value(ql, tmp_path, seed):
    data, _ = random_export(3000 + seed)
    (tmp_path / "in.csv").write_bytes(data)
    options = ("--empty", "null") if seed % 2 else ()
    make(ql, "long.parquet", "--layout", "long", "--columns-by", "name", *options)
    make(ql, "tidy.parquet", "--layout", "tidy", *options)
    long, tidy = pq.read_table(tmp_path / "long.parquet"), pq.read_table(tmp_path / "tidy.parquet")
    assert tidy.column_names == ["interval_start", "interval_end", "queue_name", "metric", "value"]
    fixed = ["interval_start", "interval_end", "queue_name"]
    metrics = [c for c in long.column_names if c not in fixed + ["time_interval", "queue_id"]]
    expected = [(*row[:3], metric, None if value is None else float(value))
                for row in rows_of(long, fixed + metrics) for metric, value in zip(metrics, row[3:])]
    assert rows_of(tidy, tidy.column_names) == expected
    for reader in (by_duckdb, by_polars, by_pyarrow):
        reader(tmp_path / "tidy.parquet")


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_decimal_rates_are_the_rounded_rates_exactly(ql, tmp_path, layout):
    data, _ = random_export(3100)
    (tmp_path / "in.csv").write_bytes(data)
    make(ql, "double.parquet", "--layout", layout)
    make(ql, "decimal.parquet", "--layout", layout, "--rates", "decimal")
    doubles, decimals = pq.read_table(tmp_path / "double.parquet"), pq.read_table(tmp_path / "decimal.parquet")
    assert doubles.column_names == decimals.column_names
    n_rates = 0
    for name in doubles.column_names:
        a, b = doubles.column(name), decimals.column(name)
        if name.startswith(("answer_rate", "abandon_rate")):
            n_rates += 1
            assert str(b.type) == "decimal128(18, 4)", b.type
            assert b.to_pylist() == [None if v is None else decimal.Decimal(f"{v:.4f}") for v in a.to_pylist()]
        else:
            assert a.equals(b)
    assert n_rates >= 2


def test_decimal_rates_need_digits(ql, tmp_path):
    (tmp_path / "in.csv").write_text("timeInterval,queueName,callsOffered,callsAnswered\n")
    done = ql("transform", "in.csv", "--rates", "decimal", "--round", "none")
    assert done.code == 64 and "--round" in done.text


@pytest.mark.parametrize("seed", range(25))
def test_modern_encodings_hold_the_same_values(ql, tmp_path, seed):
    data, _ = random_export(3200 + seed)
    (tmp_path / "in.csv").write_bytes(data)
    for layout in ("wide", "long", "tidy"):
        options = ("--layout", layout, "--compression", ("snappy", "zstd", "none")[seed % 3])
        make(ql, "broad.parquet", *options)
        make(ql, "modern.parquet", *options, "--parquet-compat", "modern")
        for reader in (by_pyarrow, by_duckdb, by_polars):
            assert reader(tmp_path / "modern.parquet") == reader(tmp_path / "broad.parquet")
