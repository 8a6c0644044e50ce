"""--success-file: _SUCCESS stands in a folder once all that the run stores is there, as Hadoop's jobs leave it, and never before."""
import duckdb
import pyarrow.dataset as ds
import pytest

from conftest import FAST
from fault_proxy import FaultProxy

HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n"
ROW = "2024-01-{:02}T09:00:00Z/2024-01-{:02}T09:30:00Z,1,a,5,4,30,80\n"
KEY = "lake/date={start:%Y-%m-%d}/part-0.parquet"
RUN = ["run", "--source", "exports", "--from", "2024-01-01", "--to", "2024-01-02", *FAST, "--success-file"]


@pytest.fixture
def small(tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + ROW.format(1, 1))
    return tmp_path


def names(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def keys(s3, bucket):
    return [o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_in_a_folder(ql, small):
    done = ql("transform", "in.csv", "--success-file", "--manifest", "--json", "-o", KEY)
    assert done.code == 0 and done.json["artefact"]["success_file"] == "lake/date=2024-01-01/_SUCCESS", done
    day = small / "lake/date=2024-01-01"
    assert names(day) == ["_SUCCESS", "part-0.parquet", "part-0.parquet.manifest.json"] and (day / "_SUCCESS").stat().st_size == 0
    for args in (["--layout", "long"], ["--if-exists", "skip"], ["--if-exists", "version"], []):  # also where the artefact stays
        (day / "_SUCCESS").unlink()
        assert ql("transform", "in.csv", "--success-file", "-o", KEY, *args).code == 0
        assert (day / "_SUCCESS").read_bytes() == b""
    assert "  beside it: part-0.parquet.manifest.json, _SUCCESS\n" in ql("transform", "in.csv", "--success-file", "--manifest", "-o", KEY).text
    assert "  beside it: _SUCCESS\n" in ql("transform", "in.csv", "--success-file", "-o", KEY).text
    assert "beside" not in ql("transform", "in.csv", "-o", "plain/x.parquet").text
    assert ql("transform", "in.csv", "-o", "plain/x.parquet", "--json").json["artefact"]["success_file"] is None
    assert names(small / "plain") == ["x.parquet"]


def test_it_is_replaced_only_if_it_is_not_empty(ql, small):
    day = small / "lake/date=2024-01-01"
    day.mkdir(parents=True)
    (day / "_SUCCESS").write_text("{}")  # some of Hadoop's committers write JSON
    assert ql("transform", "in.csv", "--success-file", "-o", KEY).code == 0 and (day / "_SUCCESS").read_bytes() == b""
    before = (day / "_SUCCESS").stat()
    assert ql("transform", "in.csv", "--success-file", "-o", KEY).code == 0
    assert (day / "_SUCCESS").stat().st_mtime_ns == before.st_mtime_ns and (day / "_SUCCESS").stat().st_ino == before.st_ino


def test_a_failure_leaves_none(ql, small):
    day = small / "lake/date=2024-01-01"
    (small / "bad.csv").write_text(HEADER + ROW.format(1, 1).replace(",5,4,", ",five,4,"))
    assert ql("transform", "bad.csv", "--success-file", "-o", KEY).code == 65 and names(day) == []
    assert ql("transform", "in.csv", "-o", KEY).code == 0
    done = ql("transform", "in.csv", "--success-file", "--layout", "long", "--if-exists", "fail", "-o", KEY)
    assert done.code == 73 and names(day) == ["part-0.parquet"], done
    (day / "part-0.parquet.manifest.json").mkdir()
    done = ql("transform", "in.csv", "--success-file", "--manifest", "-o", KEY)
    assert done.code == 73 and "its manifest is not" in done.text and "_SUCCESS" not in names(day), done


def test_what_is_in_its_way_is_told(ql, small):
    for folder in ("out", "lake/date=2024-01-01"):
        (small / folder / "_SUCCESS").mkdir(parents=True)
    done = ql("transform", "in.csv", "--success-file", "-o", "out/x.parquet")  # seen before anything is read
    assert done.code == 73 and "'out/_SUCCESS' is a folder" in done.text and names(small / "out") == ["_SUCCESS"], done
    done = ql("transform", "in.csv", "--success-file", "-o", KEY)  # only the input tells the folder
    assert done.code == 73 and "'lake/date=2024-01-01/part-0.parquet' is stored, but its _SUCCESS is not: 'lake/date=2024-01-01/_SUCCESS' is a folder" in done.text, done


@pytest.mark.parametrize(("output", "args", "code", "says"), [
    ("-", [], 64, "--success-file has no place beside standard output"),
    ("x.parquet", [], 64, "--success-file needs a folder, and 'x.parquet' is in none"),
    ("s3://bucket/x.parquet", [], 64, "--success-file needs a folder, and 'x.parquet' is in none"),
    ("lake/_SUCCESS", [], 64, "has the name of the file that --success-file writes"),
    ("lake/", [], 78, "would put several windows into one folder"),
    ("lake/{start}.parquet", [], 78, "would put several windows into one folder"),
    ("lake/{start:%Y-%m}/{start:%d}.parquet", [], 78, "would put several windows into one folder"),
    ("lake/{start:%Y/%m/%d}.parquet", [], 78, "would put several windows into one folder"),
    ("lake/{start:%F}/{start}.parquet", ["--from", "2024-01-01T09:00Z", "--to", "2024-01-01T10:00Z"], 78, "as in -o 'lake/window={start}/part-0.parquet'"),
    ("./x.parquet", [], 0, ""),
    ("lake/2024-01-01/x.parquet", [], 0, ""),  # whoever calls it names the window
    ("lake/}/{start:%F}/x.parquet", [], 0, ""),
    ("lake/{start:%Y/%m/%d/}x.parquet", [], 0, ""),
    ("lake/window={start}/x.parquet", ["--from", "2024-01-01T09:00Z", "--to", "2024-01-01T10:00Z"], 0, ""),
    # A day of 23 hours, a month of 29 days, a year of 365.
    ("lake/{start:%F}/x.parquet", ["--timezone", "Europe/Berlin", "--from", "2024-03-31", "--to", "2024-04-01"], 0, ""),
    ("lake/{start:%Y-%m}/x.parquet", ["--from", "2024-02-01", "--to", "2024-03-01"], 0, ""),
    ("lake/{start:%Y}/x.parquet", ["--from", "2023-01-01", "--to", "2024-01-01"], 0, ""),
])
def test_which_folders_it_may_speak_for(ql, small, output, args, code, says):
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
    done = ql("transform", "in.csv", "--success-file", "--on-bad-row", "skip", *args, "-o", output, env=env)  # rows may be out of the range
    assert done.code == code and says in done.text, done
    assert (code == 0) == bool(list(small.rglob("_SUCCESS"))) and (code == 0) == bool(list(small.rglob("*.parquet"))), done


def test_it_must_not_be_an_input_nor_the_quarantine(ql, small):
    out = ["--success-file", "-o", "x/out.parquet"]
    (small / "x").mkdir()
    (small / "in.csv").rename(small / "x/_SUCCESS")
    text = (small / "x/_SUCCESS").read_text()
    done = ql("transform", "x/_SUCCESS", *out)
    assert done.code == 64 and "'x/_SUCCESS' is an input itself" in done.text and names(small / "x") == ["_SUCCESS"], done
    assert (small / "x/_SUCCESS").read_text() == text
    (small / "x/_SUCCESS").rename(small / "in.csv")
    done = ql("transform", "in.csv", *out, "--on-bad-row", "quarantine", "--quarantine-file", "x/_SUCCESS")
    assert done.code == 64 and "'x/_SUCCESS' is the output itself" in done.text, done


def test_beside_an_object(ql, sim, s3):
    bucket = s3.bucket(f"success-{s3.name}")
    genesys = sim()
    env = {**genesys.env, **s3.env}
    output = ["-o", f"s3://{bucket}/date={{start:%Y-%m-%d}}/part-0.parquet"]
    for args in ([], ["--if-exists", "skip"]):
        done = ql(*RUN, *genesys.flags, *output, "--json", *args, env=env)
        assert done.code == 0 and done.json["artefact"]["success_file"] == f"s3://{bucket}/date=2024-01-01/_SUCCESS", done
        assert keys(s3, bucket) == ["date=2024-01-01/_SUCCESS", "date=2024-01-01/part-0.parquet"]
        assert s3.client.head_object(Bucket=bucket, Key="date=2024-01-01/_SUCCESS")["ContentLength"] == 0
        s3.client.delete_object(Bucket=bucket, Key="date=2024-01-01/_SUCCESS")
    done = ql(*RUN, *genesys.flags, *output, "--if-exists", "fail", "--layout", "long", env=env)
    assert done.code == 73 and keys(s3, bucket) == ["date=2024-01-01/part-0.parquet"], done
    done = ql(*RUN, *genesys.flags, "-o", f"s3://{bucket}/", env=env)
    assert done.code == 78 and "several windows" in done.text and len(keys(s3, bucket)) == 1, done


def test_readers_pass_over_it(ql, tmp_path):
    for day in (1, 2):
        (tmp_path / "in.csv").write_text(HEADER + ROW.format(day, day))
        assert ql("transform", "in.csv", "--layout", "long", "--success-file", "-o", KEY).code == 0
    assert len(list(tmp_path.rglob("_SUCCESS"))) == 2
    assert ds.dataset(tmp_path / "lake", format="parquet", partitioning="hive").to_table().num_rows == 2  # without exclude_invalid_files
    assert duckdb.sql(f"select count(*) from read_parquet('{tmp_path}/lake/*/*.parquet', hive_partitioning = true)").fetchall() == [(2,)]


@pytest.mark.parametrize(("nth", "says"), [(1, "cannot store 's3://{}/date=2024-01-01/part-0.parquet': access denied"),
                                           (2, "part-0.parquet' is stored, but its manifest is not: cannot store"),
                                           (3, "part-0.parquet' is stored, but its _SUCCESS is not: cannot store")])
def test_an_upload_that_is_refused_leaves_none(ql, small, moto, nth, says):
    """The artefact's, its manifest's or its own; the run that follows makes up for it."""
    bucket = moto.bucket(f"success-refused-{nth}")
    command = ["transform", "in.csv", "--success-file", "--manifest", "-o", f"s3://{bucket}/date={{start:%Y-%m-%d}}/part-0.parquet"]
    all_of_them = ["date=2024-01-01/_SUCCESS", "date=2024-01-01/part-0.parquet", "date=2024-01-01/part-0.parquet.manifest.json"]
    plan = [{"op": "PutObject", "nth": nth, "times": 1, "fault": "answer", "status": 403, "code": "AccessDenied"}]
    with FaultProxy(int(moto.url.rsplit(":", 1)[1]), plan) as proxy:
        done = ql(*command, env={**moto.env, "AWS_ENDPOINT_URL": proxy.url})
    assert done.code == 77 and says.format(bucket) in done.text, done
    assert keys(moto, bucket) == all_of_them[1:nth]
    assert ql(*command, env=moto.env).code == 0 and keys(moto, bucket) == all_of_them
