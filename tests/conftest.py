"""Where the binaries are, how they are run, and the servers that the end-to-end tests talk to. Everything is on loopback."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))
BUILD = pathlib.Path(os.environ.get("QL_BUILD_DIR", ROOT / "build/dev"))
# What a run may see of this environment: nothing that could change it.
CLEAN = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", "AWS_EC2_METADATA_DISABLED": "true", "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0",
         "UBSAN_OPTIONS": "print_stacktrace=1"}
LONG = os.environ.get("QL_TEST_MODE") == "long"  # ./dev test --long
SANITIZER = ("AddressSanitizer", "LeakSanitizer", "runtime error:")


def pytest_addoption(parser):
    parser.addoption("--seed", type=int, help="of tests that draw what they do: only this one")


class Done:
    """A finished run."""

    def __init__(self, args, code, out, err):
        self.args, self.code, self.out, self.err = args, code, out, err

    @property
    def text(self):
        return self.err.decode()

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"{' '.join(map(str, self.args))}\nexit {self.code}\n--- stdout\n{self.out[:2000]!r}\n--- stderr\n{self.err.decode(errors='replace')[:4000]}"


@pytest.fixture(scope="session")
def binary():
    path = BUILD / "queuelake"
    assert path.exists(), f"{path} is not built: ./dev build"
    return path


@pytest.fixture
def ql(binary, tmp_path):
    """ql("transform", "in.csv", env={…}, stdin=b"") runs queuelake in an empty folder and gives a Done. A sanitizer's report fails the test."""

    def run(*args, env=None, stdin=None, cwd=None, timeout=120):
        command = [str(binary), *map(str, args)]
        done = subprocess.run(command, input=stdin, stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True,
                              cwd=cwd or tmp_path, env={**CLEAN, **(env or {})}, timeout=timeout)
        result = Done(args, done.returncode, done.stdout, done.stderr)
        assert not any(word in result.err.decode(errors="replace") for word in SANITIZER), repr(result)
        return result

    return run


class Sim:
    """A running simulator."""

    def __init__(self, log, *args):
        self.log_path = log
        self.process = subprocess.Popen([str(BUILD / "queuelake-sim"), "--port", "0", "--log", str(log), *map(str, args)],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("queuelake-sim: " + self.process.stderr.read().decode())
        self.info = json.loads(line)
        self.env = {"GENESYS_CLIENT_ID": self.info["client_id"], "GENESYS_CLIENT_SECRET": self.info["client_secret"]}
        self.flags = ["--login-url", self.info["login_url"], "--api-url", self.info["api_url"]]

    def requests(self, host=None, path=None):
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines()] if self.log_path.exists() else []
        return [r for r in lines if (host is None or r["host"] == host) and (path is None or path in r["path"])]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            out, err = self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert not any(word in err.decode(errors="replace") for word in SANITIZER), err.decode(errors="replace")


@pytest.fixture
def sim(tmp_path):
    """sim("--ready-after", 0.2, plan=[…]) starts a simulator; every one is stopped, and its sanitizer's report read, at the end."""
    running = []

    def start(*args, plan=None):
        log = tmp_path / f"requests-{len(running)}.jsonl"
        if plan is not None:
            path = tmp_path / f"plan-{len(running)}.json"
            path.write_text(json.dumps(plan))
            args = (*args, "--fault-plan", path)
        running.append(Sim(log, *args))
        return running[-1]

    yield start
    for one in running:
        one.stop()


# Fast waits: what is tested is that and when the program waits, not how long.
FAST = ["--retry-base", "20ms", "--retry-cap", "40ms", "--rate-wait", "20ms", "--poll-min", "20ms", "--poll-max", "50ms"]
AWS = {"AWS_ACCESS_KEY_ID": "AKIDTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "secret/secret+secret", "AWS_REGION": "eu-west-1"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process, log):
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}: {log.read_text()[-2000:]}")


class S3:
    """A real S3 server on loopback."""

    def __init__(self, name, url, env):
        import boto3
        from botocore.config import Config

        self.name, self.url = name, url
        self.env = {**env, "AWS_ENDPOINT_URL": url}
        self.client = boto3.client("s3", endpoint_url=url, aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                                   aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"], region_name=env["AWS_REGION"],
                                   config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 2}))

    def bucket(self, name):
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        return name


@pytest.fixture(scope="session")
def moto(tmp_path_factory):
    folder = tmp_path_factory.mktemp("moto")
    port, log = free_port(), folder / "log"
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log.open("wb"), stderr=subprocess.STDOUT,
                              env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"})
    wait_for_port(port, server, log)
    yield S3("moto", f"http://127.0.0.1:{port}", AWS)
    server.terminate()
    server.wait()


VERSITYGW = ROOT / "build/tools/versitygw"  # built by ./dev test where Go is on the machine


@pytest.fixture(scope="session")
def versitygw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versitygw")
    (folder / "data").mkdir()
    port, log = free_port(), folder / "log"
    server = subprocess.Popen([str(VERSITYGW), "--access", AWS["AWS_ACCESS_KEY_ID"], "--secret", AWS["AWS_SECRET_ACCESS_KEY"], "--region", AWS["AWS_REGION"],
                               "--port", f"127.0.0.1:{port}", "posix", str(folder / "data")], stdout=log.open("wb"), stderr=subprocess.STDOUT)
    wait_for_port(port, server, log)
    yield S3("versitygw", f"http://127.0.0.1:{port}", AWS)
    server.terminate()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["moto", *(["versitygw"] if VERSITYGW.exists() else [])])
def s3(request):
    """Each S3 server in turn."""
    return request.getfixturevalue(request.param)
