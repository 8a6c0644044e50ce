"""Folders as destinations, on file systems that are really full, read-only or killed in the middle; keys; --if-exists; trees that other engines read."""
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time

import duckdb
import polars
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from conftest import CLEAN, SANITIZER

HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n"
CAN_MOUNT = subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0 if shutil.which("unshare") else False
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="only root may mount a file system of its own")


def day(n, offered=1, queues=1):
    rows = (f"2024-01-{n:02}T{h:02}:00:00Z/2024-01-{n:02}T{h:02}:30:00Z,id-{q},queue {q},{offered + h * q % 97},1,{30 + q * h % 101},80\n"
            for h in range(24) for q in range(queues))
    return HEADER + "".join(rows)


@pytest.fixture
def small(tmp_path):
    (tmp_path / "in.csv").write_text(day(1))
    return tmp_path


def in_a_mount(binary, tmp_path, script):
    """Runs a shell script with a mount namespace of its own, `$ql` being the program and `$disk` an empty folder."""
    (tmp_path / "disk").mkdir()
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, cwd=tmp_path, timeout=120,
                          env={**CLEAN, "ql": str(binary), "disk": str(tmp_path / "disk")})
    text = done.stdout.decode() + done.stderr.decode()
    assert not any(word in text for word in SANITIZER), text
    return done.stdout.decode(), done.stderr.decode()


@needs_mount
def test_a_full_disk_leaves_the_old_file_and_nothing_else(binary, tmp_path):
    (tmp_path / "in.csv").write_text(day(1, queues=3000))
    out, err = in_a_mount(binary, tmp_path, """
        mount -t tmpfs -o size=64k tmpfs $disk && echo old > $disk/out.parquet
        $ql transform in.csv --layout long -o $disk/out.parquet; echo code $?
        $ql transform in.csv --layout long -o $disk/new.parquet; echo code $?
        ls -A $disk; cat $disk/out.parquet""")
    assert out.split("\n") == ["code 74", "code 74", "out.parquet", "old", ""], out + err
    assert err.count("No space left on device") == 2 and f"free space in '{tmp_path}/disk'" in err


@needs_mount
def test_a_limit_of_file_size_is_an_error_that_is_told(binary, small):
    """'ulimit -f' in blocks of 1 kB; the signal that comes with it would end the program without a word."""
    (small / "out.parquet").write_bytes(b"old")
    done = subprocess.run(["bash", "-c", 'ulimit -f 1; exec "$0" transform in.csv -o out.parquet', str(binary)], capture_output=True, cwd=small, env=CLEAN, timeout=60)
    assert done.returncode == 74 and b"cannot write 'out.parquet': File too large" in done.stderr and b"ulimit -f" in done.stderr, done
    assert (small / "out.parquet").read_bytes() == b"old" and len(list(small.iterdir())) == 2


def test_a_read_only_file_system_is_refused_before_anything_is_read(binary, tmp_path):
    (tmp_path / "in.csv").write_text(day(1))
    out, err = in_a_mount(binary, tmp_path, """
        mount -t tmpfs tmpfs $disk && echo old > $disk/out.parquet && mount -o remount,ro $disk
        echo bad | $ql transform - -o $disk/out.parquet; echo code $?
        $ql transform in.csv -o $disk/sub/new.parquet; echo code $?
        cat $disk/out.parquet""")
    assert out.split("\n") == ["code 73", "code 73", "old", ""], out + err
    assert err.count("mounted read-only; choose another folder") == 2


def test_names_that_cannot_be(ql, small):
    (small / "folder.parquet").mkdir()
    for name, says in (("folder.parquet", "is a folder"), ("x" * 260, "File name too long"), ("in.csv/x", "is a file, not a folder")):
        done = ql("transform", "in.csv", "-o", name)
        assert done.code == 73 and says in done.text, done


def test_a_killed_run_leaves_the_old_file_or_the_new_one(binary, tmp_path):
    """SIGKILL at some hundred moments, from before the first byte to after the last."""
    (tmp_path / "in.csv").write_text(day(1, queues=400))
    target = tmp_path / "lake/out.parquet"
    command = [str(binary), "transform", "in.csv", "-o", "lake/out.parquet", "--quiet", "--compression", "none"]
    target.parent.mkdir()
    begun = time.monotonic()
    subprocess.run(command, cwd=tmp_path, env=CLEAN, check=True)
    took, whole = time.monotonic() - begun, target.read_bytes()
    seen = set()
    for i in range(100):
        target.write_bytes(b"old")
        run = subprocess.Popen(command, cwd=tmp_path, env=CLEAN)
        time.sleep(took * (i + 1) / 95)
        run.send_signal(signal.SIGKILL)
        run.wait()
        content = target.read_bytes()
        assert content in (b"old", whole)
        seen.add(content == whole)
        assert len(os.listdir(target.parent)) <= 2, "a named temporary file is there between link and rename at most"
    assert seen == {False, True}
    subprocess.run(command, cwd=tmp_path, env=CLEAN, check=True)
    assert os.listdir(target.parent) == ["out.parquet"]


def test_if_exists(ql, small):
    def run(*args):
        return ql("transform", "in.csv", "-o", "out.parquet", "--json", *args)

    assert run("--if-exists", "fail").json["artefact"]["outcome"] == "stored"
    first = (small / "out.parquet").read_bytes()
    done = run("--if-exists", "fail")
    assert done.code == 73 and done.json["error"]["code"] == "E_EXISTS" and "--if-exists" in done.json["error"]["hint"], done
    inode = (small / "out.parquet").stat().st_ino
    assert run().json["artefact"]["outcome"] == "unchanged" and (small / "out.parquet").stat().st_ino == inode
    assert run("--layout", "long", "--if-exists", "skip").json["artefact"]["outcome"] == "skipped"
    assert (small / "out.parquet").read_bytes() == first
    done = run("--layout", "long", "--if-exists", "version")
    assert done.json["artefact"]["location"] == "out.v2.parquet" and done.json["artefact"]["outcome"] == "stored"
    assert run("--layout", "long", "--if-exists", "version").json["artefact"] | {"outcome": "stored"} == done.json["artefact"]
    assert run("--layout", "long").json["artefact"]["outcome"] == "stored" and (small / "out.parquet").read_bytes() != first
    assert sorted(p.name for p in small.iterdir()) == ["in.csv", "out.parquet", "out.v2.parquet"]
    done = ql("transform", "in.csv", "-o", "out.parquet", "--if-exists", "skip")
    assert "out.parquet exists already (--if-exists skip)" in done.text


def test_placeholders(ql, small):
    done = ql("transform", "in.csv", "-o", "lake/org={org}/{start:%Y}/{layout}-{source}-{now:%Y}-{sha256}.parquet", "--org", "Ac/me", "--json")
    assert done.code == 0, done
    path = small / done.json["artefact"]["location"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert re.fullmatch(rf"lake/org=Ac%2Fme/2024/wide-file-20\d\d-{digest}\.parquet", done.json["artefact"]["location"])
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert pq.read_table(path).num_rows == 24


@pytest.mark.parametrize("output, code, says", [
    ("lake/{strat}.parquet", 78, "'{strat}' at character 1"), ("lake/x{start:%Q}/a", 78, "at character 2"), ("a/{start}/../../b", 64, "(character 9 of its template)"),
    ("{layout}/nul.parquet", 64, "a device's name on Windows"), ("{start:%H:%M}.parquet", 64, "which Windows does not take"), ("{layout}./x", 64, "which Windows cuts off"),
    ("{org}.parquet", 64, "has no value here"), ("{export_id}.parquet", 64, "only an export has an id"), ("{sha256}/x.parquet", 78, "in the name of a folder"),
    ("{layout}" + "x" * 252, 64, "more than 255 bytes"), ("s3://bucket/" + "x" * 1025, 64, "longer than 1024 bytes"), ("s3://bucket/a?b", 64, "which Windows does not take"),
    ("s3://bucket/aux", 64, "a device's name"),
])
def test_bad_templates_are_refused_before_anything_is_read(ql, small, output, code, says):
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    done = ql("transform", "-", "-o", output, stdin=b"this is no CSV", env=env)
    assert done.code == code and says in done.text, done
    assert [p.name for p in small.iterdir()] == ["in.csv"]


def test_a_hive_tree_is_one_table(ql, tmp_path):
    """As docs/storage.md says it is read."""
    for n in range(1, 8):
        (tmp_path / "in.csv").write_text(day(n, offered=n, queues=3))
        done = ql("transform", "in.csv", "--layout", "long", "-o", "lake/date={start:%Y-%m-%d}/part-{start:%Y%m%d}.parquet", "--manifest")
        assert done.code == 0, done
    expected = 7 * 24 * 3
    rows = duckdb.sql(f"select date, count(*), min(interval_start) from read_parquet('{tmp_path}/lake/*/*.parquet', hive_partitioning = true) "
                      "where date >= date '2024-01-06' group by date order by date").fetchall()
    assert [(str(d), n) for d, n, _ in rows] == [("2024-01-06", 72), ("2024-01-07", 72)]
    frame = polars.scan_parquet(tmp_path / "lake/**/*.parquet", hive_partitioning=True).collect()
    assert frame.height == expected and frame["date"].n_unique() == 7
    table = ds.dataset(tmp_path / "lake", format="parquet", partitioning="hive", exclude_invalid_files=True).to_table()
    assert table.num_rows == expected and len(set(table["date"].to_pylist())) == 7


@pytest.mark.skipif(shutil.which("rclone") is None, reason="rclone is not installed")
def test_rclone_carries_a_folder_on(ql, small):
    """The commands of docs/storage.md, with a folder for a remote."""
    assert ql("transform", "in.csv", "-o", "lake/date={start:%Y-%m-%d}/part-0.parquet", "--manifest").code == 0
    (small / "lake/date=2024-01-01/.queuelake-0000000000000000-0123456789abcdef.tmp").write_text("half")
    for _ in range(2):
        subprocess.run(["rclone", "copy", "--exclude", ".queuelake-*", "lake", ":local:" + str(small / "remote")], cwd=small, check=True, capture_output=True, timeout=60)
    part = "date=2024-01-01/part-0.parquet"
    assert (small / "remote" / part).read_bytes() == (small / "lake" / part).read_bytes()
    assert sorted(p.name for p in (small / "remote").rglob("*") if p.is_file()) == ["part-0.parquet", "part-0.parquet.manifest.json"]
    data = ql("transform", "in.csv", "-o", "-").out
    subprocess.run(["rclone", "rcat", ":local:" + str(small / "remote/piped.parquet")], input=data, check=True, capture_output=True, timeout=60)
    assert (small / "remote/piped.parquet").read_bytes() == data
