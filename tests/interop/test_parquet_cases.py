"""The cases that random tables meet too rarely, each in all readers."""

import struct

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from parquet_readers import READERS, count_by_duckdb
from parquet_structure import DELTA, DELTA_BYTES, DELTA_LENGTH, PLAIN, PLAIN_DICTIONARY, SPLIT, check
from parquet_support import Column, Table, run_helper, write
from test_parquet_properties import assert_readable, assert_same

KINDS = {"int64": 7, "double": 0.25, "timestamp": 1704067200000000, "string": "Kundendienst", "decimal:4": 9312}


def assert_written(table, tmp_path, name="case.parquet"):
    path = write(table, tmp_path / name)
    assert_readable(table, path)
    return check(path, table.compat == "modern")


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
def test_no_rows_give_a_schema_and_no_row_group(codec, tmp_path):
    columns = [Column(kind, kind, []) for kind in KINDS]
    for groups in ([], [0], [0, 0]):
        file = assert_written(Table(columns, groups=groups, codec=codec, meta=[("rows", "0")]), tmp_path)
        assert file.groups == []


@pytest.mark.parametrize("codec", ["none", "snappy", "zstd"])
@pytest.mark.parametrize("page_rows", [0, 2])
def test_null_everywhere_and_then_values(codec, page_rows, tmp_path):
    """The first row group gives no hint; later ones must still fit its choice."""
    columns = []
    for kind, value in KINDS.items():
        columns.append(Column(f"{kind} never", kind, [None] * 15))
        columns.append(Column(f"{kind} later", kind, [None] * 5 + [value] * 4 + [None] * 6))
    assert_written(Table(columns, groups=[5, 5, 5], codec=codec, page_rows=page_rows), tmp_path)


def test_a_choice_holds_for_every_row_group(tmp_path):
    """Whatever the first group says, the second would rather have it the other way round."""
    few, many = [i % 3 for i in range(1000)], [i * 977 for i in range(1000)]
    shapes = {
        "int64": lambda v: v,
        "double": lambda v: v * 0.7390851332151607,
        "timestamp": lambda v: v,
        "string": lambda v: f"queue {v:012d}",
        "decimal:2": lambda v: -v,
    }
    columns = []
    for kind, shape in shapes.items():
        columns.append(Column(f"{kind} few first", kind, [shape(v) for v in few + many]))
        columns.append(Column(f"{kind} many first", kind, [shape(v) for v in many + few]))
    file = assert_written(Table(columns, groups=[1000, 1000]), tmp_path)
    for c in range(0, len(columns), 2):
        assert [g[c].encoding for g in file.groups] == [PLAIN_DICTIONARY] * 2
    assert [g[7].encoding for g in file.groups] == [PLAIN] * 2


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 128, 129, 255, 256, 257, 65536, 65537, 70000])
def test_dictionaries_around_every_bit_width(n, tmp_path):
    numbers = list(range(n)) * 2 + [0] * n
    columns = [
        Column("i", "int64", numbers),
        Column("s", "string", [f"{v:07d}" for v in numbers]),
        Column("hashed", "double", [v * 0.1234567891 for v in numbers]),
        Column("scaled", "double", [v / 10000 for v in numbers]),
    ]
    file = assert_written(Table(columns, codec="none"), tmp_path)
    if n > 4:
        assert [chunk.encoding for chunk in file.groups[0]] == [PLAIN_DICTIONARY] * 4


def test_dictionaries_beyond_one_mebibyte_where_they_pay(tmp_path):
    """0.2 million distinct values in a million rows: 1.6 MB of entries, 18 bits a row."""
    rng = np.random.default_rng(3)
    values = np.round(rng.integers(0, 200_000, 1_000_000) / 1000, 3).tolist()
    file = assert_written(Table([Column("handle time", "double", values)]), tmp_path)
    chunk = file.groups[0][0]
    assert chunk.encoding == PLAIN_DICTIONARY and len(chunk.pages) == 16 and chunk.has_column_index
    assert chunk.meta[7] < 0.64 * 8 * len(values)  # what PLAIN takes under Snappy


def test_extremes_and_signed_zeros(tmp_path):
    ints = [-(2**63), 2**63 - 1, 0, -1, 1] * 3
    doubles = [0.0, -0.0, 5e-324, -5e-324, 1.7976931348623157e308, -1.7976931348623157e308, float("inf"), float("-inf")] * 3
    for n in (0, 4):
        assert_written(Table([Column("i", "int64", ints)], page_rows=n), tmp_path)
        assert_written(Table([Column("d", "double", doubles)], page_rows=n), tmp_path)
        for zeros in ([0.0, 0.0], [-0.0, -0.0], [-0.0, 0.0], [0.0, 1.0], [-1.0, -0.0]):
            path = write(Table([Column("z", "double", zeros * 4)], page_rows=n), tmp_path / "zeros.parquet")
            db = duckdb.connect()
            for zero in ("0.0", "-0.0"):
                want = 4 * sum(z == 0 for z in zeros)
                assert count_by_duckdb(db, path, f"z = '{zero}'::double") == want
                assert pl.scan_parquet(path).filter(pl.col("z") == float(zero)).collect().height == want
                assert ds.dataset(path).count_rows(filter=pc.field("z") == float(zero)) == want


def test_a_nan_that_should_not_be_there_takes_the_bounds_away(tmp_path):
    values = [1.0, 2.0, float("nan"), 1.5, None, float("nan")]
    for page_rows in (0, 2):
        for repeat in (1, 500):
            table = Table([Column("x", "double", values * repeat)], page_rows=page_rows)
            path = write(table, tmp_path / "nan.parquet")
            file = check(path)
            stats = file.groups[0][0].meta[12]
            assert stats == {3: repeat, 9: 2 * repeat}
            got = pq.read_table(path)["x"].to_pylist()
            assert [struct.pack("<d", v) if v is not None else v for v in got] == [
                struct.pack("<d", v) if v is not None else v for v in table.columns[0].values
            ]
            db = duckdb.connect()
            assert count_by_duckdb(db, path, "isnan(x)") == 2 * repeat
            assert count_by_duckdb(db, path, "x > 100") == 2 * repeat  # NaN is DuckDB's greatest number


LAST = "\U0010ffff"
LONG_TEXTS = {
    "cut inside a two-byte letter": ["a" * 63 + "ñ" + "b"],
    "cut inside a four-byte sign": ["a" * 61 + "😀" + "b", "a" * 62 + "😀" + "b", "a" * 60 + "😀" + "b"],
    "the last letter cannot be raised": ["q" + LAST * 16],
    "nothing can be raised": [LAST * 17],
    "raised over the surrogates": ["x" * 61 + "\ud7ff" + "y"],
    "raised to the end of its length": ["x" * 63 + "\x7f" + "y", "x" * 62 + "\u07ff" + "y", "x" * 61 + "\uffff" + "y"],
    "exactly as long as a bound": ["k" * 64, "k" * 65],
    "empty and long": ["", "z" * 500],
}


def modern_columns(n, seed=5):
    """Columns of which each gains by another encoding, and some that gain by none: {name: (column, encoding)}."""
    rng = np.random.default_rng(seed)
    ids = np.cumsum(rng.integers(1, 900, n))
    noise = rng.bytes(16 * n).hex()
    shapes = {
        "ids": ("int64", ids.tolist(), DELTA),
        "times": ("timestamp", (1704067200000000 + ids * 1000000).tolist(), DELTA),
        "amounts": ("decimal:2", ids.tolist(), DELTA),
        "wrapping": ("int64", rng.choice([-(2**63), 2**63 - 1, 0], n).tolist(), PLAIN_DICTIONARY),
        "counts": ("int64", rng.integers(0, 30, n).tolist(), PLAIN_DICTIONARY),
        "noise": ("double", (100 + rng.random(n)).tolist(), SPLIT),
        "durations": ("double", np.round(rng.gamma(9, 30, n), 3).tolist(), PLAIN),
        "keys": ("string", [f"conversation/{i:012d}" for i in ids.tolist()], DELTA_BYTES),
        "hashes": ("string", [noise[32 * i : 32 * i + 20 + i % 9] for i in range(n)], DELTA_LENGTH),
        "queues": ("string", [f"queue {i}" for i in rng.integers(0, 40, n).tolist()], PLAIN_DICTIONARY),
    }
    return {name: (Column(name, kind, values), encoding) for name, (kind, values, encoding) in shapes.items()}


@pytest.mark.parametrize("codec,n", [("none", 2000), ("snappy", 2000), ("zstd", 2000), ("snappy", 70_000)])
def test_encodings_of_today_only_where_they_gain(codec, n, tmp_path):
    """70,000 rows are more than are tried as a whole. Never larger than the broad file, and nothing modern in that."""
    shapes = modern_columns(n)
    columns = [column for column, _ in shapes.values()]
    modern = assert_written(Table(columns, codec=codec, compat="modern"), tmp_path, "modern.parquet")
    broad = assert_written(Table(columns, codec=codec), tmp_path, "broad.parquet")
    found = {name: chunk.encoding for name, chunk in zip(shapes, modern.groups[0])}
    assert found["durations"] in (PLAIN, PLAIN_DICTIONARY)  # they are scaled integers
    for name, (_, encoding) in shapes.items():
        if codec != "none" and name != "durations":  # uncompressed, a split saves nothing
            assert found[name] == encoding, name
    for a, b in zip(modern.groups[0], broad.groups[0]):
        assert a.encoding == b.encoding or a.meta[7] < 0.995 * b.meta[7]


def test_a_modern_choice_holds_for_row_groups_that_it_does_not_suit(tmp_path):
    """The second group is the first one's opposite, the third is NULL, the fourth a single row; pages of 50 rows."""
    first, second = modern_columns(500), modern_columns(500, seed=6)
    columns = []
    for name, (column, _) in first.items():
        other = second[name][0].values[:]
        other.sort(key=lambda v: hash(str(v)) % 1000)
        values = column.values + other + [None] * 60 + column.values[:1]
        columns.append(Column(name, column.type, [None if i % 7 == 3 else v for i, v in enumerate(values)]))
    table = Table(columns, groups=[500, 500, 60, 1], page_rows=50, codec="zstd", compat="modern")
    file = assert_written(table, tmp_path)
    found = {chunk.encoding for chunk in file.groups[0]}
    assert {DELTA, SPLIT} <= found and found & {DELTA_BYTES, DELTA_LENGTH}


@pytest.mark.parametrize("compat", ["broad", "modern"])
def test_decimals_at_their_limits(compat, tmp_path):
    limit = 10**18 - 1
    columns = []
    for scale in (0, 1, 4, 17, 18):
        columns.append(Column(f"few {scale}", f"decimal:{scale}", [limit, -limit, 0, None, 1, -1] * 20))
        columns.append(Column(f"many {scale}", f"decimal:{scale}", [(i * 123456789 - 5) % limit - i for i in range(120)]))
    assert_written(Table(columns, compat=compat), tmp_path)
    path = tmp_path / "case.parquet"
    for column in columns:
        known = [v for v in column.values if v is not None]
        stats = pq.read_metadata(path).row_group(0).column(columns.index(column)).statistics
        scale = int(column.type.split(":")[1])
        assert (int(stats.min.scaleb(scale)), int(stats.max.scaleb(scale))) == (min(known), max(known))


@pytest.mark.parametrize("form", ["values", "coded", "scaled"])
def test_a_large_table_in_every_form(form, tmp_path):
    rng = np.random.default_rng(11)
    n = 80_000
    columns = [
        Column("start", "timestamp", [1704067200000000 + i // 225 * 1800000000 for i in range(n)], is_sorted=True),
        Column("counts", "int64", rng.poisson(12, n).tolist()),
        Column("rates", "double", np.round(rng.random(n), 4).tolist()),
        Column("durations", "double", np.round(rng.gamma(9, 30, n), 3).tolist()),
        Column("decimals", "decimal:4", rng.integers(0, 10001, n).tolist()),
    ]
    path = write(Table(columns, form=form), tmp_path / "large.parquet")
    plain = write(Table(columns, form="values", cpu="scalar"), tmp_path / "plain.parquet")
    assert path.read_bytes() == plain.read_bytes()
    assert_same(columns[3], READERS["pyarrow"](path)[3], "pyarrow")


@pytest.mark.parametrize("case", LONG_TEXTS)
@pytest.mark.parametrize("page_rows", [0, 1])
def test_bounds_of_long_strings(case, page_rows, tmp_path):
    texts = LONG_TEXTS[case]
    table = Table([Column("s", "string", texts * 3 + [None] + texts)], page_rows=page_rows)
    assert_written(table, tmp_path)
    path = tmp_path / "case.parquet"
    db = duckdb.connect()
    for text in texts:
        want = table.columns[0].values.count(text)
        assert db.execute(f"select count(*) from read_parquet('{path}') where s = ?", [text]).fetchone()[0] == want
        assert db.execute(f"select count(*) from read_parquet('{path}') where s > ?", [text[:40]]).fetchone()[0] >= (want if text[40:] else 0)
        assert pl.scan_parquet(path).filter(pl.col("s") == text).collect().height == want
        assert ds.dataset(path).count_rows(filter=pc.field("s") == text) == want


def test_a_page_index_says_in_which_order_pages_lie(tmp_path):
    n = 1000
    columns = [
        Column("up", "int64", list(range(n)), is_sorted=True),
        Column("down", "double", [float(-i) for i in range(n)]),
        Column("mixed", "string", [f"{i * 7919 % n:04d}" for i in range(n)]),
        Column("up with gaps", "timestamp", [None if 200 <= i < 500 else i for i in range(n)]),
    ]
    path = write(Table(columns, page_rows=64), tmp_path / "index.parquet")
    file = check(path)  # which proves the order that is claimed
    assert all(chunk.has_column_index and len(chunk.pages) == 16 for chunk in file.groups[0])
    assert file.sorting == [(0, False, False)]
    meta = pq.read_metadata(path).row_group(0)
    assert all(meta.column(c).has_column_index and meta.column(c).has_offset_index for c in range(4))


def test_strings_that_do_not_repeat_are_cut_at_a_mebibyte(tmp_path):
    texts = [f"{i:06d}" + "x" * 994 for i in range(5000)]
    texts[2500] = "y" * 3_000_000  # larger than any page: a page of its own
    file = assert_written(Table([Column("s", "string", texts)]), tmp_path)
    chunk = file.groups[0][0]
    assert chunk.encoding == PLAIN and len(chunk.pages) > 5
    assert sum(page.raw_size > 1_048_576 + 100 for page in chunk.pages) == 1


def test_ten_thousand_columns(tmp_path):
    columns = [Column(f"calls_offered_queue_{i:05d}", *[("int64", [0, i, None]), ("double", [0.0, i / 4, None])][i % 2]) for i in range(10_000)]
    file = assert_written(Table(columns), tmp_path)
    assert len(file.columns) == 10_000


def test_keys_and_values_and_created_by(tmp_path):
    meta = [("queuelake", '{"format":"1.0.0"}'), ("empty", ""), ("text", "Ventas – España 😀")]
    path = write(Table([Column("a", "int64", [1])], meta=meta), tmp_path / "meta.parquet")
    found = pq.read_metadata(path)
    assert found.metadata == {k.encode(): v.encode() for k, v in meta}
    assert found.created_by == "queuelake version 1.0.0 (build 0000000)"
    rows = duckdb.execute(f"select key, value from parquet_kv_metadata('{path}')").fetchall()
    assert rows == [(k.encode(), v.encode()) for k, v in meta]


def test_types_are_those_of_the_contract(tmp_path):
    columns = [Column(kind, kind, [value]) for kind, value in KINDS.items()]
    path = write(Table(columns), tmp_path / "types.parquet")
    rows = duckdb.execute(f"select name, type, repetition_type, converted_type, logical_type from parquet_schema('{path}')").fetchall()
    assert rows[1:] == [
        ("int64", "INT64", "OPTIONAL", None, None),
        ("double", "DOUBLE", "OPTIONAL", None, None),
        ("timestamp", "INT64", "OPTIONAL", "TIMESTAMP_MICROS", rows[3][4]),
        ("string", "BYTE_ARRAY", "OPTIONAL", "UTF8", "StringType()"),
        ("decimal:4", "INT64", "OPTIONAL", "DECIMAL", rows[5][4]),
    ]
    assert "isAdjustedToUTC=1" in rows[3][4] and "MICROS" in rows[3][4]
    assert pq.read_schema(path).field("decimal:4").type == pa.decimal128(18, 4)


@pytest.mark.parametrize("codec,level", [("none", 0), ("snappy", 0), ("zstd", 1), ("zstd", 19)])
def test_the_codec_asked_for_is_that_of_every_column(codec, level, tmp_path):
    columns = [Column(kind, kind, [value] * 9) for kind, value in KINDS.items()]
    write(Table(columns, codec=codec, level=level), tmp_path / "codec.parquet")
    group = pq.read_metadata(tmp_path / "codec.parquet").row_group(0)
    want = {"none": "UNCOMPRESSED"}.get(codec, codec.upper())
    assert [group.column(c).compression for c in range(len(KINDS))] == [want] * len(KINDS)


@pytest.mark.parametrize(
    "description,words",
    [
        ("column int64 unsorted 61 column double unsorted 61", "E_COLLISION: two columns are named 'a'"),
        ("column int64 unsorted -", "empty name"),
        ("codec snappy 0", "a schema of 0 columns"),
        ("column string unsorted 61 group 2 dict 1 62 0 1", "code 1 is beyond the dictionary of 1 entries"),
        ("column int64 unsorted 61 group 2 numbers 1 62 0 1", "code 1 is beyond the dictionary of 1 entries"),
        ("column double unsorted 61 group 2 scaled 4 0 9 0 10", "scaled integers of 0 to 10 where 0 to 9 were stated"),
        ("column double unsorted 61 group 2 scaled 10 0 9 0 9", "a scale of 10 decimals"),
        ("column double unsorted 61 group 2 numbers 1 62 0 0", "cannot come in form"),
        ("column decimal:19 unsorted 61", "column 'a' is a DECIMAL of scale 19"),
        ("column int64 unsorted 61 group 2147483648", "E_LIMIT: a Parquet row group of 2147483648 rows"),
    ],
)
def test_what_makes_no_sound_file_is_refused(description, words, tmp_path):
    done = run_helper(description, tmp_path / "refused.parquet")
    assert done.returncode == 1 and words in done.stderr.decode()
