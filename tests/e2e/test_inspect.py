"""queuelake inspect: what it says of a file is what pyarrow says, of artefacts and of other writers' files; damage is found and told."""
import datetime as dt
import decimal
import json
import math
import os
import random
import struct
import subprocess

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import CLEAN

ARTEFACTS = [(layout, codec, compat, rates) for layout in ("wide", "long", "tidy") for codec in ("snappy", "zstd", "none") for compat in ("broad", "modern")
             for rates in (("double", "decimal") if codec == "zstd" else ("double",))]


def export(n_intervals=30, n_queues=6):
    rng = random.Random(1)
    lines = ["timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds"]
    start = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
    for i in range(n_intervals):
        a, b = (start + dt.timedelta(minutes=30 * k) for k in (i, i + 1))
        for q in range(n_queues):
            offered = rng.randrange(30)
            lines.append(f"{a:%Y-%m-%dT%H:%M:%SZ}/{b:%Y-%m-%dT%H:%M:%SZ},id-{q},Ventas \u2013 Q{q},{offered},{rng.randrange(offered + 1)},"
                         f"{rng.uniform(0, 100):.2f},{rng.uniform(0, 900):.3f}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def make(binary, tmp_path_factory):
    """make(layout, codec, compat, rates): the path of an artefact."""
    folder = tmp_path_factory.mktemp("artefacts")
    (folder / "export.csv").write_text(export())

    def run(layout="long", codec="snappy", compat="broad", rates="double"):
        path = folder / f"{layout}-{codec}-{compat}-{rates}.parquet"
        if not path.exists():
            subprocess.run([binary, "transform", "export.csv", "-q", "-o", path, "--layout", layout, "--compression", codec, "--parquet-compat", compat,
                            "--rates", rates], cwd=folder, env=CLEAN, check=True)
        return path

    return run


def shown(value):
    """A bound of pyarrow's as inspect writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (bytes, str)):
        return value if isinstance(value, str) else "0x" + value.hex()
    if isinstance(value, (int, decimal.Decimal)):
        return str(value)
    return value.isoformat()


def same_bound(mine, theirs):
    if mine is None or theirs is None:
        return mine is None and theirs is None
    if isinstance(theirs, float):
        return float(mine) == theirs or struct.pack("<f", float(mine)) == struct.pack("<f", theirs)  # the shortest text of a FLOAT
    text = shown(theirs)
    if "T" in text and text.endswith("+00:00"):
        text = text.removesuffix("+00:00") + "Z"
    return mine == text or mine.replace(".000Z", "Z") == text or mine.removesuffix(".000") == text or same_fraction(mine, text)


def same_fraction(mine, text):
    """2024-01-01T00:00:00.5Z and ...500Z; decimals of any number of digits."""
    strip = lambda t: (t.rstrip("Z").rstrip("0"), t.endswith("Z"))  # noqa: E731
    return "." in mine and "." in text and strip(mine) == strip(text)


def check_against_pyarrow(document, path):
    meta = pq.read_metadata(path)
    file = document["file"]
    assert (file["rows"], file["columns"], file["row_groups"]) == (meta.num_rows, meta.num_columns, meta.num_row_groups)
    assert file["bytes"] == os.path.getsize(path) and file["footer_bytes"] == meta.serialized_size and file["created_by"] == meta.created_by
    pairs = {p["key"]: p["value"] for p in document["metadata"]}
    assert pairs == {k.decode(): v.decode() for k, v in (meta.metadata or {}).items()}
    assert [c["name"] for c in document["schema"]] == [meta.schema.column(i).path for i in range(meta.num_columns)]
    for i, column in enumerate(document["schema"]):
        theirs = meta.schema.column(i)
        assert column["physical_type"] == theirs.physical_type
        assert column["repetition"] == ("REPEATED" if theirs.max_repetition_level else "OPTIONAL" if theirs.max_definition_level else "REQUIRED")
    for g, group in enumerate(document["row_groups"]):
        theirs = meta.row_group(g)
        assert (group["rows"], group["bytes_uncompressed"]) == (theirs.num_rows, theirs.total_byte_size)
        assert [(document["schema"].index(next(c for c in document["schema"] if c["name"] == s["column"])), s["descending"], s["nulls_first"])
                for s in group["sorting"]] == [(s.column_index, s.descending, s.nulls_first) for s in theirs.sorting_columns]
        for c, chunk in enumerate(group["columns"]):
            check_chunk(chunk, theirs.column(c))


def check_chunk(chunk, theirs):
    assert chunk["column"] == theirs.path_in_schema and chunk["values"] == theirs.num_values
    assert (chunk["bytes"], chunk["bytes_uncompressed"]) == (theirs.total_compressed_size, theirs.total_uncompressed_size)
    assert (chunk["data_page_offset"], chunk["dictionary_page_offset"]) == (theirs.data_page_offset, theirs.dictionary_page_offset)
    assert chunk["codec"] == theirs.compression and set(chunk["encodings"]) == set(theirs.encodings)
    assert (chunk["column_index"] is not None, chunk["offset_index"] is not None) == (theirs.has_column_index, theirs.has_offset_index)
    statistics = theirs.statistics
    if statistics is None:
        assert chunk["nulls"] is None and chunk["min"] is None
        return
    assert chunk["nulls"] == (statistics.null_count if statistics.has_null_count else None)
    if statistics.has_min_max and theirs.physical_type not in ("INT96", "FIXED_LEN_BYTE_ARRAY"):
        assert same_bound(chunk["min"], statistics.min) and same_bound(chunk["max"], statistics.max), (chunk, statistics)


@pytest.mark.parametrize("artefact", ARTEFACTS, ids="-".join)
def test_an_artefact_is_shown_as_pyarrow_sees_it_and_verified(ql, make, artefact):
    path = make(*artefact)
    done = ql("inspect", "--verify", "--json", path)
    assert done.code == 0, done
    check_against_pyarrow(done.json, path)
    verification = done.json["verification"]
    assert verification["result"] == "good" and verification["problems"] == [] and verification["bytes_unknown"] == 0
    table = pq.read_table(path)
    assert verification["values"] == table.num_rows * table.num_columns
    assert verification["nulls"] == sum(column.null_count for column in table.columns)
    assert verification["sha256"] == subprocess.run(["sha256sum", path], capture_output=True, check=True).stdout.decode().split()[0]
    assert done.json["queuelake"]["layout"] == artefact[0] and done.json["queuelake"]["rows"] == table.num_rows


def test_a_dictionary_by_frequency_is_verified(binary, ql, tmp_path):
    """Under zstd the entries of a metric with few values come by frequency; DuckDB, which reads the values, counts them."""
    (tmp_path / "export.csv").write_text(export(400, 6))
    subprocess.run([binary, "transform", "export.csv", "-q", "-o", "zstd.parquet", "--layout", "long", "--compression", "zstd"], cwd=tmp_path, env=CLEAN, check=True)
    done = ql("inspect", "--verify", "--json", "zstd.parquet")
    assert done.code == 0 and done.json["verification"]["result"] == "good", done
    chunks = [c for c in done.json["row_groups"][0]["columns"] if c["column"] == "calls_offered"]
    assert chunks[0]["dictionary_page_offset"] is not None
    data = (tmp_path / "zstd.parquet").read_bytes()
    counts = duckdb.sql(f"select calls_offered, count(*) from '{tmp_path / 'zstd.parquet'}' group by 1").fetchall()
    entries = first_dictionary(data, chunks[0], len(counts))
    assert entries == [v for v, _ in sorted(counts, key=lambda c: (-c[1], c[0]))] and entries != sorted(entries)


def first_dictionary(data, chunk, n):
    """The n 8-byte entries of a chunk's dictionary page under zstd, whose frame begins behind the page's header."""
    at = data.index(bytes.fromhex("28b52ffd"), chunk["dictionary_page_offset"])
    raw = pa.Codec("zstd").decompress(data[at:chunk["data_page_offset"]], decompressed_size=8 * n)
    return [v for (v,) in struct.iter_unpack("<q", raw)]


# ---- files of other writers ----

def foreign_table():
    rng = random.Random(3)
    n = 3000
    some = lambda make: [None if rng.random() < 0.1 else make() for _ in range(n)]  # noqa: E731
    return pa.table({
        "i64": pa.array(some(lambda: rng.randrange(-(2**62), 2**62)), pa.int64()),
        "i32": pa.array(some(lambda: rng.randrange(50)), pa.int32()),
        "u16": pa.array(some(lambda: rng.randrange(2**16)), pa.uint16()),
        "u64": pa.array(some(lambda: rng.randrange(2**64)), pa.uint64()),
        "f32": pa.array(some(rng.random), pa.float32()),
        "f64": pa.array(some(lambda: rng.choice([rng.random(), 1.5, -0.0])), pa.float64()),
        "flag": pa.array(some(lambda: rng.random() < 0.5), pa.bool_()),
        "text": pa.array(some(lambda: f"queue {rng.randrange(100)} – España"), pa.string()),
        "blob": pa.array(some(lambda: rng.randbytes(rng.randrange(20))), pa.binary()),
        "day": pa.array(some(lambda: rng.randrange(20000)), pa.date32()),
        "at": pa.array(some(lambda: rng.randrange(10**15)), pa.timestamp("us", "UTC")),
        "local": pa.array(some(lambda: rng.randrange(10**12)), pa.timestamp("ms")),
        "exact": pa.array(some(lambda: decimal.Decimal(rng.randrange(10**9)) / 100), pa.decimal128(12, 2)),
        "nothing": pa.array([None] * n, pa.string()),
    })


def write_foreign(name, path):
    table = foreign_table()
    if name == "duckdb":
        connection = duckdb.connect()
        connection.register("frame", table)
        connection.execute(f"copy (select * from frame) to '{path}' (format parquet, row_group_size 2048)")
    elif name == "polars":
        pl.from_arrow(table).write_parquet(path, row_group_size=1000, statistics="full")
    else:
        settings = {
            "pyarrow": {},
            "pyarrow zstd": {"compression": "zstd", "data_page_size": 2000, "write_page_index": True, "row_group_size": 1000},
            "pyarrow v2": {"compression": "snappy", "data_page_version": "2.0", "data_page_size": 3000, "write_page_index": True},
            "pyarrow crc": {"write_page_checksum": True, "compression": "none", "use_dictionary": False},
            "pyarrow delta": {"use_dictionary": False, "column_encoding": {"i64": "DELTA_BINARY_PACKED", "i32": "DELTA_BINARY_PACKED", "text": "DELTA_BYTE_ARRAY",
                                                                          "blob": "DELTA_LENGTH_BYTE_ARRAY", "f64": "BYTE_STREAM_SPLIT", "f32": "BYTE_STREAM_SPLIT",
                                                                          "u64": "BYTE_STREAM_SPLIT", "flag": "RLE"}},
        }[name]
        pq.write_table(table, path, **settings)


WRITERS = ["pyarrow", "pyarrow zstd", "pyarrow v2", "pyarrow crc", "pyarrow delta", "duckdb", "polars"]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_of_another_writer_is_shown_and_its_pages_are_verified(ql, tmp_path, writer):
    path = tmp_path / "foreign.parquet"
    write_foreign(writer, path)
    done = ql("inspect", "--verify", "--json", path)
    assert done.code == 0, done
    check_against_pyarrow(done.json, path)
    table = pq.read_table(path)
    verification = done.json["verification"]
    assert (verification["values"], verification["nulls"]) == (table.num_rows * table.num_columns, sum(c.null_count for c in table.columns))
    assert "queuelake" not in done.json
    assert ql("inspect", path).code == 0


def test_nested_columns_are_shown_and_counted(ql, tmp_path):
    table = pa.table({"tags": pa.array([["a", "b"], [], None, ["c"]]), "point": pa.array([{"x": 1, "y": None}, None, {"x": None, "y": 2}, {"x": 4, "y": 5}])})
    pq.write_table(table, tmp_path / "nested.parquet")
    done = ql("inspect", "--verify", "--json", tmp_path / "nested.parquet")
    assert done.code == 0, done
    check_against_pyarrow(done.json, tmp_path / "nested.parquet")
    assert [c["name"] for c in done.json["schema"]] == ["tags.list.element", "point.x", "point.y"]
    refused = ql("inspect", "--ddl", "duckdb", tmp_path / "nested.parquet")
    assert refused.code == 65 and "nested" in refused.text


@pytest.mark.parametrize("codec", ["gzip", "brotli", "lz4"])
def test_what_queuelake_does_not_decode_is_shown_and_not_called_damage(ql, tmp_path, codec):
    pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "other.parquet", compression=codec)
    assert ql("inspect", tmp_path / "other.parquet").code == 0
    done = ql("inspect", "--verify", "--json", tmp_path / "other.parquet")
    assert done.code == 65 and done.json["verification"]["result"] == "not verifiable"
    assert "is not decoded by queuelake" in done.json["error"]["message"]


# ---- damage ----

@pytest.mark.parametrize("layout,compat", [("wide", "broad"), ("long", "modern"), ("tidy", "broad")])
def test_a_turned_bit_in_a_page_is_found_with_its_place(ql, make, tmp_path, layout, compat):
    path = make(layout, "zstd", compat)
    good = path.read_bytes()
    chunks = [(g, c, chunk) for g, group in enumerate(ql("inspect", "--json", path).json["row_groups"]) for c, chunk in enumerate(group["columns"])]
    rng = random.Random(layout)
    for _ in range(25):
        g, _, chunk = rng.choice(chunks)
        at = chunk["offset"] + rng.randrange(chunk["bytes"])
        bad = bytearray(good)
        bad[at] ^= 1 << rng.randrange(8)
        (tmp_path / "bad.parquet").write_bytes(bad)
        done = ql("inspect", "--verify", "--json", tmp_path / "bad.parquet")
        assert done.code == 65 and done.json["status"] == "error", (at, done)
        [problem] = done.json["verification"]["problems"]
        assert (problem["row_group"], problem["column"]) == (g, chunk["column"]) and not problem["is_unsupported"]
        assert chunk["offset"] <= problem["offset"] <= at
        assert f"column '{chunk['column']}'" in done.json["error"]["message"]


def test_a_cut_file_is_refused_everywhere(ql, make, tmp_path):
    good = make("long", "snappy").read_bytes()
    rng = random.Random(5)
    for size in [0, 1, 4, 8, 11, 12, len(good) - 1, len(good) - 4, len(good) - 8, len(good) - 9, *rng.sample(range(len(good)), 12)]:
        (tmp_path / "cut.parquet").write_bytes(good[:size])
        done = ql("inspect", tmp_path / "cut.parquet")
        assert done.code == 65 and "cut.parquet" in done.text, done


@pytest.mark.parametrize("name,data,words", [
    ("x.csv", b"interval,queue\n" * 20, "no Parquet file"),
    ("x.gz", b"\x1f\x8b\x08" + b"x" * 40, "gzip"),
    ("x.json", b'{"a": 1}' * 10, "JSON"),
    ("x.arrow", b"ARROW1\0\0" + b"x" * 40, "Arrow IPC"),
    ("x.zip", b"PK\x03\x04" + b"x" * 40, "ZIP"),
    ("x.parquet", b"PARE" + b"x" * 40 + b"\x10\0\0\0PARE", "encrypted"),
    ("empty", b"", "too few"),
])
def test_what_is_no_parquet_file_is_called_by_its_name(ql, tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    done = ql("inspect", tmp_path / name)
    assert done.code == 65 and words in done.text and done.out == b"", done


def test_the_hint_of_what_is_no_parquet_file_can_be_followed(ql, tmp_path):
    (tmp_path / "x.csv").write_text(export(2))
    assert "'queuelake transform' makes one of CSV" in ql("inspect", "x.csv").text
    for uri in ("s3://lake", "s3://lake/", "s3://lake/date=2024-01-01/"):  # before anybody is asked
        done = ql("inspect", uri)
        assert done.code == 64 and f"'{uri}' names no object" in done.text, done
    assert ql("transform", "x.csv").code == 0 and ql("inspect", "x.parquet").code == 0


def test_numbers_are_written_as_people_write_them(ql, tmp_path):
    """Whatever is below 1e15; beyond, and far below one, an exponent is what people write."""
    for number, text in ((30.0, "30"), (-120000.0, "-120000"), (9e14, "900000000000000"), (0.5, "0.5"), (1e15, "1e+15"), (1e-7, "1e-07"), (1 / 3, repr(1 / 3))):
        for kind in (pa.float64(), *([pa.float32()] if number in (30.0, -120000.0, 0.5) else [])):
            pq.write_table(pa.table({"a": pa.array([number], kind)}), tmp_path / "n.parquet")
            column = ql("inspect", "--json", "n.parquet").json["schema"][0]
            assert column["min"] == column["max"] == text, (number, kind, column)


def test_what_is_damaged_is_told_behind_what_is_shown(binary, make, tmp_path):
    """Also where both go to one place."""
    data = bytearray(make("wide", "snappy").read_bytes())
    data[100] ^= 1
    (tmp_path / "x.parquet").write_bytes(data)
    done = subprocess.run([binary, "inspect", "--verify", "x.parquet"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path, env=CLEAN, timeout=60)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 65 and [line.startswith("queuelake: ") for line in lines].index(True) == len(lines) - 2, lines


def test_metadata_of_hostile_files_do_not_steer_the_terminal(ql, tmp_path):
    table = pa.table({"\x1b[31mred\x07": [1], "tab\tnew\nline": [2]}).replace_schema_metadata({"k\x1b[2J": "v\x1b]0;title\x07\u009b1m"})
    pq.write_table(table, tmp_path / "steer.parquet", store_schema=False)
    done = ql("inspect", tmp_path / "steer.parquet")
    assert done.code == 0 and not any(c < 0x20 and c != 0x0A or c == 0x7F for c in done.out) and "\u009b" not in done.out.decode()
    assert "\\x1b[31mred" in done.out.decode()


# ---- the command ----

def test_text_fits_a_terminal_and_has_what_people_look_for(ql, make):
    path = make("wide", "snappy")
    text = ql("inspect", path, "--verify").out.decode()
    assert all(len(line) <= 100 for line in text.splitlines()[1:]), max(text.splitlines(), key=len)
    for words in ("30 rows", "sorted by interval_start", "layout wide", "calls_offered = sum(calls_offered)", "SNAPPY", "everything is as the file says",
                  "names in columns"):
        assert words in text
    assert len(ql("inspect", path, "--verbose").out) >= len(ql("inspect", path).out)


def test_standard_input_and_its_pipe(ql, binary, make, tmp_path):
    path = make("long", "zstd", "modern")
    from_file = ql("inspect", "--json", "--verify", path).json
    with path.open("rb") as file:
        redirected = subprocess.run([binary, "inspect", "--json", "--verify", "-"], stdin=file, capture_output=True, env=CLEAN, check=True)
    piped = ql("inspect", "--json", "--verify", "-", stdin=path.read_bytes())
    for other in (json.loads(redirected.stdout), piped.json):
        assert other["location"] == "-"
        assert {k: v for k, v in other.items() if k != "location"} == {k: v for k, v in from_file.items() if k != "location"}
    uri = ql("inspect", "--json", "--verify", f"file://{path}")
    assert uri.json["row_groups"] == from_file["row_groups"]


def test_wrong_use_is_told(ql, tmp_path):
    assert ql("inspect").code == 64 and ql("inspect", "a", "b").code == 64
    missing = ql("inspect", "--json", "missing.parquet")
    assert missing.code == 66 and missing.json["error"]["code"] == "E_NO_INPUT" and "missing.parquet" in missing.json["error"]["message"]
    assert ql("inspect", tmp_path).code == 66
    assert ql("inspect", "--layout", "wide", "x").code == 64


def test_memory_does_not_grow_with_the_file(binary, tmp_path):
    """A column of random numbers, 5 and 40 MB; the address sanitizer keeps what was freed, so only the release build is asked."""
    release = binary.parent.parent / "release/queuelake"
    if not release.exists():
        pytest.skip("there is no release build")
    import numpy as np

    peaks = []
    for n in (600_000, 5_000_000):
        path = tmp_path / f"{n}.parquet"
        pq.write_table(pa.table({"x": np.random.default_rng(1).random(n)}), path, use_dictionary=False, compression="snappy", row_group_size=200_000)
        done = subprocess.run(["/usr/bin/time", "-f", "%M", release, "inspect", "--verify", "--json", path], capture_output=True, env=CLEAN, check=True)
        peaks.append(int(done.stderr.split()[-1]))
    assert peaks[1] < peaks[0] + 8 * 1024, peaks
    assert math.isfinite(peaks[0])


# ---- S3 ----

def test_an_object_is_inspected_without_being_fetched_whole(ql, s3, tmp_path):
    """3 MB, so that ranges are read and not only the tail: the same document as of the file, and damage at the same place."""
    rng = random.Random(2)
    table = pa.table({"x": [rng.random() for _ in range(400_000)]})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, use_dictionary=False, row_group_size=50_000, write_page_checksum=True)
    bucket = s3.bucket(f"inspect-{s3.name}")
    s3.client.upload_file(str(path), bucket, "lake/date=2024-01-01/x.parquet")
    uri = f"s3://{bucket}/lake/date=2024-01-01/x.parquet"
    mine, theirs = ql("inspect", "--json", "--verify", path).json, ql("inspect", "--json", "--verify", uri, env=s3.env)
    assert theirs.code == 0, theirs
    assert theirs.json["location"] == uri
    assert {k: v for k, v in theirs.json.items() if k != "location"} == {k: v for k, v in mine.items() if k != "location"}
    assert "PARTITIONED BY" in ql("inspect", "--ddl", "athena", uri, env=s3.env).out.decode()
    bad = bytearray(path.read_bytes())
    bad[len(bad) // 3] ^= 4
    s3.client.put_object(Bucket=bucket, Key="bad.parquet", Body=bytes(bad))
    done = ql("inspect", "--verify", f"s3://{bucket}/bad.parquet", env=s3.env)
    assert done.code == 65 and "CRC" in done.text and f"s3://{bucket}/bad.parquet" in done.text


def test_objects_that_are_not_there_or_empty(ql, s3):
    bucket = s3.bucket(f"inspect-none-{s3.name}")
    s3.client.put_object(Bucket=bucket, Key="empty", Body=b"")
    s3.client.put_object(Bucket=bucket, Key="small", Body=b"PAR1")
    assert ql("inspect", f"s3://{bucket}/missing.parquet", env=s3.env).code == 66
    assert ql("inspect", f"s3://no-such-{bucket}/x.parquet", env=s3.env).code == 73
    for key in ("empty", "small"):
        done = ql("inspect", f"s3://{bucket}/{key}", env=s3.env)
        assert done.code == 65 and "too few" in done.text, done
