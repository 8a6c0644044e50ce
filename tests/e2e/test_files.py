"""Inputs of `transform` and `run --source file`: folders, patterns, standard input, objects of S3 and their prefixes; what breaks on the way."""
import gzip
import http.server
import threading

import pyarrow.parquet as pq
import pytest

from conftest import AWS, FAST

HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n"
S3_FAST = ["--retry-base", "20ms", "--retry-cap", "40ms", "--rate-wait", "20ms"]


def day(n, queue="a", offered=1):
    return f"{HEADER}2024-01-{n:02}T09:00:00Z/2024-01-{n:02}T09:30:00Z,id-{queue},{queue},{offered},1,30,80\n"


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "in"
    (folder / "2024/02").mkdir(parents=True)
    (folder / "b.csv").write_text(day(2))
    (folder / "a.csv").write_text(day(1))
    (folder / "c.csv.gz").write_bytes(gzip.compress(day(3).encode()))
    (folder / "notes.txt").write_text("no CSV")
    (folder / "2024/02/d.csv").write_text(day(4))
    return folder


def days(path):
    return [row["interval_start"].day for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("paths, expected", [
    (["in"], [1, 2, 3]), (["in/"], [1, 2, 3]), (["in/*.csv"], [1, 2]), (["in/**"], [1, 2, 3, 4]), (["in/**/d.csv"], [4]), (["in/2024/02", "in/a.csv"], [1, 4]),
    (["in/[bc].csv*"], [2, 3]), (["*/?.csv", "in/c.csv.gz"], [1, 2, 3]), (["in/a.csv", "-"], [1, 5]),
])
@pytest.mark.parametrize("command", [["transform"], ["run", "--source", "file"]])
def test_folders_and_patterns(ql, tree, tmp_path, paths, expected, command):
    done = ql(*command, *paths, "-o", "out.parquet", "--json", stdin=day(5).encode() if "-" in paths else None)
    assert done.code == 0 and days(tmp_path / "out.parquet") == expected, done
    assert done.json["input"]["inputs"] == len(expected)


def test_files_come_by_name_and_later_ones_win(ql, tree, tmp_path):
    (tree / "z.csv").write_text(day(1, offered=7))
    for name, path in (("folder", "in"), ("pattern", "in/*.csv")):
        done = ql("transform", path, "-o", f"{name}.parquet", "--overlap", "last", "--layout", "long")
        assert done.code == 0, done
        assert [r["calls_offered"] for r in pq.read_table(tmp_path / f"{name}.parquet").to_pylist() if r["interval_start"].day == 1] == [7]


def test_a_folder_has_its_artefact_beside_it(ql, tree, tmp_path):
    assert ql("transform", "in/").code == 0
    assert days(tmp_path / "in.parquet") == [1, 2, 3]
    done = ql("transform", "in/*.csv")
    assert done.code == 64 and "-o" in done.text, done


@pytest.mark.parametrize("path, says", [("empty", "has no CSV file"), ("in/*.parquet", "no file matches 'in/*.parquet'"), ("missing.csv", "cannot read 'missing.csv'")])
def test_nothing_to_read_is_an_error(ql, tree, tmp_path, path, says):
    (tmp_path / "empty").mkdir()
    done = ql("transform", path, "-o", "out.parquet")
    assert done.code == 66 and says in done.text and not (tmp_path / "out.parquet").exists(), done


def test_an_input_of_a_folder_is_not_overwritten(ql, tree):
    before = (tree / "b.csv").read_bytes()
    for path in ("in", "in/*.csv"):
        done = ql("transform", path, "-o", "in/b.csv")
        assert done.code == 64 and "is an input itself" in done.text and (tree / "b.csv").read_bytes() == before, done


# S3


@pytest.fixture
def lake(s3, request):
    bucket = s3.bucket(f"in-{s3.name}-{abs(hash(request.node.name)) % 10**8}")
    for key, body in {"exports/b.csv": day(2).encode(), "exports/a b+ü.csv": day(1).encode(), "exports/c.csv.gz": gzip.compress(day(3).encode()),
                      "exports/deep/d.csv": day(4).encode(), "exports/notes.txt": b"x", "exports-old/e.csv": day(5).encode()}.items():
        s3.client.put_object(Bucket=bucket, Key=key, Body=body)
    return bucket


@pytest.mark.parametrize("path, expected", [
    ("exports/b.csv", [2]), ("exports/a b+ü.csv", [1]), ("exports/c.csv.gz", [3]), ("exports/", [1, 2, 3]), ("exports/**", [1, 2, 3, 4]), ("**", [1, 2, 3, 4, 5]),
])
def test_objects_and_prefixes(ql, s3, lake, tmp_path, path, expected):
    done = ql("transform", f"s3://{lake}/{path}", "-o", "out.parquet", "--json", env=s3.env)
    assert done.code == 0 and days(tmp_path / "out.parquet") == expected, done


def test_more_keys_than_a_page_has(ql, moto, tmp_path):
    bucket = moto.bucket("many-keys")
    for i in range(1005):
        moto.client.put_object(Bucket=bucket, Key=f"x/{i:04}.csv", Body=day(1 + i % 28, queue=str(i)).encode())
    done = ql("run", "--source", "file", f"s3://{bucket}/x/", "-o", "out.parquet", "--layout", "long", "--json", env=moto.env)
    assert done.code == 0 and done.json["input"]["inputs"] == 1005, done


def test_from_s3_to_s3_and_not_onto_itself(ql, s3, lake):
    done = ql("transform", f"s3://{lake}/exports/b.csv", "in.csv", "-o", f"s3://{lake}/out/x.parquet", env=s3.env)
    assert done.code == 66, done
    done = ql("transform", f"s3://{lake}/exports/b.csv", "-o", f"s3://{lake}/out/x.parquet", env=s3.env)
    assert done.code == 0, done
    done = ql("transform", f"s3://{lake}/exports/b.csv", "-o", f"s3://{lake}/exports/b.csv", env=s3.env)
    assert done.code == 64 and "is an input itself" in done.text, done


def test_what_s3_refuses_is_told(ql, s3, lake):
    for path, code, says in ((f"s3://{lake}/exports/missing.csv", 66, "the object does not exist"), (f"s3://{lake}/nothing/", 66, "has no CSV object"),
                             ("s3://no-such-bucket-here/x.csv", 73, "the bucket does not exist"), ("s3://no-such-bucket-here/x/", 73, "the bucket does not exist")):
        done = ql("transform", path, "-o", "out.parquet", *S3_FAST, env=s3.env)
        assert done.code == code and says in done.text and "cannot store" not in done.text, done
    done = ql("transform", f"s3://{lake}/exports/b.csv", "-o", "out.parquet", env={k: v for k, v in s3.env.items() if k != "AWS_SECRET_ACCESS_KEY"})
    assert done.code == 78 and "AWS_SECRET_ACCESS_KEY" in done.text, done
    assert ql("transform", f"s3://{lake}/exports/b.csv", env=s3.env).code == 64


class Broken(http.server.ThreadingHTTPServer):
    """An S3 server that answers by a script: how many bytes of the body come before the connection ends; None: all of it."""

    daemon_threads = True

    def __init__(self, bodies, script):
        super().__init__(("127.0.0.1", 0), BrokenHandler)
        self.bodies, self.script, self.seen = bodies, list(script), []
        self.env = {**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.server_address[1]}"}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class BrokenHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        body = server.bodies[self.path]
        stop = server.script.pop(0) if server.script else None
        server.seen.append((self.path, dict(self.headers)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if stop is None else body[:stop])
        if stop is not None:
            self.close_connection = True


@pytest.fixture
def broken():
    running = []

    def start(bodies, script):
        running.append(Broken(bodies, script))
        return running[-1]

    yield start
    for one in running:
        one.shutdown()
        one.server_close()


def test_an_object_that_breaks_is_begun_again_with_all_before_it(ql, tree, tmp_path, broken):
    server = broken({"/lake/x.csv": day(8).encode(), "/lake/y.csv": day(9).encode()}, [None, 130, None, None])
    done = ql("transform", "in/a.csv", "s3://lake/x.csv", "s3://lake/y.csv", "-o", "out.parquet", "--json", *S3_FAST, env=server.env)
    assert done.code == 0 and days(tmp_path / "out.parquet") == [1, 8, 9], done
    assert done.json["input"]["restarts"] == 1 and done.json["input"]["inputs"] == 3 and done.json["input"]["rows"] == 3
    assert [path for path, _ in server.seen] == ["/lake/x.csv", "/lake/y.csv"] * 2
    assert all("AWS4-HMAC-SHA256" in headers["Authorization"] for _, headers in server.seen)


def test_tries_are_bounded_and_standard_input_is_read_once(ql, broken):
    server = broken({"/lake/x.csv": day(8).encode()}, [130] * 9)
    done = ql("transform", "s3://lake/x.csv", "-o", "out.parquet", "--download-attempts", "2", *S3_FAST, env=server.env)
    assert done.code == 75 and "s3://lake/x.csv" in done.text and len(server.seen) == 2, done
    server = broken({"/lake/x.csv": day(8).encode()}, [130, None])
    done = ql("transform", "-", "s3://lake/x.csv", "-o", "out.parquet", *S3_FAST, env=server.env, stdin=day(1).encode())
    assert done.code == 75 and len(server.seen) == 1, done


def test_a_cut_gzip_in_a_whole_object_stays_cut(ql, broken):
    server = broken({"/lake/x.csv.gz": gzip.compress(day(8).encode())[:-6]}, [])
    done = ql("transform", "s3://lake/x.csv.gz", "-o", "out.parquet", *S3_FAST, env=server.env)
    assert done.code == 65 and len(server.seen) == 1, done
