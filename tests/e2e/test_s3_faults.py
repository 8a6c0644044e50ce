"""Whatever breaks between queuelake and S3: the object is the old one or the new one, whole, and no upload is left that nobody ends.

Every run goes through fault_proxy.py by a plan that fault_plans.py draws from a seed. QL_TEST_MODE=long takes many more seeds. A run that fails is
printed with its seed and plan; `pytest tests/e2e/test_s3_faults.py --seed 17` does it again.
"""
import concurrent.futures
import dataclasses
import datetime as dt
import hashlib
import io
import json
import random
import subprocess
import threading
import uuid

import pyarrow.parquet
import pytest
from conftest import AWS, BUILD, CLEAN, LONG, SANITIZER, VERSITYGW
from fault_plans import ATTEMPTS, Case, at_byte, draw, draw_kill
from fault_proxy import FaultProxy, Signer

DRIVER = BUILD / "src/store/store_driver"
MIB = 1 << 20
N_SEEDS = 600 if LONG else 50
N_KILLS = 100 if LONG else 10
N_PLACES = 17 if LONG else 2
N_CHUNKS = 20 if LONG else 5
SECRET = AWS["AWS_SECRET_ACCESS_KEY"]
QUICK = ["--attempts", ATTEMPTS, "--retry-base", "5ms", "--retry-cap", "10ms", "--stall-time", "1s", "--request-timeout", "1500ms", "--connect-timeout", "1s"]
FOREIGN = b"another's object"
FAILURES = {64, 65, 66, 69, 71, 73, 74, 75, 76, 77, 78}  # 70 is a bug


# ---- the artefacts


@dataclasses.dataclass
class Artefact:
    csv: str
    flags: list
    body: bytes


def make_csv(path, n_queues, name_bytes):
    rng = random.Random(n_queues)
    with path.open("w") as file:
        file.write("timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds\n")
        for i in range(n_queues):
            name = f"Queue {i:04d} {rng.getrandbits(4 * name_bytes):0{name_bytes}x}"
            file.write(f"2026-01-01T00:00:00.000Z/2026-01-01T00:30:00.000Z,{i:08x}-0000-4000-8000-000000000000,{name},{i},{i // 2},80.5,{i / 7:.3f}\n")


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """A small one for one PUT, and one of 11 MB, of few rows with long names, for three parts."""
    folder = tmp_path_factory.mktemp("artefacts")
    made = {}
    for is_large, n_queues, name_bytes in (False, 50, 16), (True, 1150, 10000):
        csv, out = folder / f"{n_queues}.csv", folder / f"{n_queues}.parquet"
        make_csv(csv, n_queues, name_bytes)
        flags = ["--layout", "long", "--compression", "none", "--s3-multipart-threshold", 5 * MIB, "--s3-part-size", 5 * MIB]
        subprocess.run([BUILD / "queuelake", "transform", csv, "-o", out, *map(str, flags)], check=True, capture_output=True, env=CLEAN)
        body = out.read_bytes()
        assert pyarrow.parquet.read_table(io.BytesIO(body)).num_rows == n_queues
        assert (len(body) > 10 * MIB) == is_large
        made[is_large] = Artefact(str(csv), flags, body)
    return made


# ---- one run and what it leaves


class Broken(AssertionError):
    pass


def demand(condition, text):
    if not condition:
        raise Broken(text)


class Bench:
    """A bucket, a folder of state, a proxy in front of a server, and runs of queuelake through it."""

    def __init__(self, s3, artefact, folder, case):
        self.s3, self.client, self.artefact, self.case = s3, s3.client, artefact, case
        self.folder = folder / uuid.uuid4().hex
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.bucket = s3.bucket(f"f-{uuid.uuid4().hex[:20]}")
        self.key = "day=1/k.parquet"
        self.new, self.old = artefact.body, b"the old object" * 100
        self.has_intruded, self.process, self.secrets = False, None, [SECRET]
        self.env = {**CLEAN, **AWS}
        world, signer = self.world(case.world)
        self.proxy = FaultProxy(int(s3.url.rsplit(":", 1)[1]), case.plan, world, signer, self.intrude, self.kill)
        self.env.update(AWS_ENDPOINT_URL=self.proxy.url, TMPDIR=str(self.folder))
        if case.existing != "none":
            body = self.old if case.existing == "old" else self.new
            self.client.put_object(Bucket=self.bucket, Key=self.key, Body=body, Metadata={"queuelake-sha256": hashlib.sha256(body).hexdigest()})
        self.first = self.object()

    def world(self, name):
        if not name:
            return {}, None
        signer = Signer(AWS["AWS_ACCESS_KEY_ID"], SECRET, AWS["AWS_REGION"])
        if name in ("redirect", "malformed"):
            self.env["AWS_REGION"] = "us-east-1"
            return {"region": AWS["AWS_REGION"], "redirects": name == "redirect"}, signer
        if name == "clock":
            return {"clock_s": random.Random(self.case.seed).choice([-1, 1]) * 7200}, signer
        tokens = Tokens(self.folder)
        self.secrets += [tokens.text(i) for i in range(100)]
        for name in "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY":
            del self.env[name]
        self.env.update(AWS_CONFIG_FILE=str(tokens.config), AWS_SHARED_CREDENTIALS_FILE="/dev/null")
        return {"token": tokens.counts}, signer

    def intrude(self):
        self.has_intruded = True
        self.client.put_object(Bucket=self.bucket, Key=self.key, Body=FOREIGN)

    def kill(self, rule):
        threading.Timer(rule["later_ms"] / 1000, self.process.kill).start()
        if rule["later_ms"] == 0:
            self.process.wait()

    def start(self):
        flags = ["--if-exists", self.case.if_exists, "--checksum", self.case.checksum, "--state-dir", self.state, "--json", *self.artefact.flags, *QUICK]
        command = [BUILD / "queuelake", "transform", self.artefact.csv, "-o", f"s3://{self.bucket}/{self.key}", *flags]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env, cwd=self.folder)

    def wait(self, process=None):
        process = process or self.process
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Broken("the run does not end") from None
        return self.look_over(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def look_over(self, code, out, err):
        self.text = f"exit {code}\n{out}\n{err}"
        demand(not any(word in err for word in SANITIZER), "a sanitizer reports")
        demand(not any(secret in out + err for secret in self.secrets), "a secret is told")
        demand("Signature=" not in out + err and "AWS4-HMAC" not in out + err, "a signature is told")
        said = json.loads(out) if out.startswith("{") else {}
        self.text = f"exit {code}: {json.dumps({name: said.get(name) for name in ('error', 'warnings', 'artefact')})} {err}"
        return code, said

    def orphans(self, ends):
        """What `queuelake check --orphans` does, over a connection on which nothing breaks any more."""
        self.proxy.set_plan([])
        env = {**self.env, "STATE_DIR": str(self.state), "MIN_AGE_MS": str(24 * 3600 * 1000), **({"ENDS": "1"} if ends else {})}
        process = subprocess.Popen([str(DRIVER), "--orphans", self.bucket, ""], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=self.folder)
        code, _ = self.wait(process)
        return code

    # what is there

    def object(self, key=None):
        try:
            return self.client.get_object(Bucket=self.bucket, Key=key or self.key)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None

    def keys(self):
        return sorted(found["Key"] for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", []))

    def uploads(self):
        return self.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])

    def n_parts(self, upload):
        return len(self.client.list_parts(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"]).get("Parts", []))

    def notes(self):
        return list(self.state.glob("uploads/*.json"))

    def name(self, body):
        names = {self.new: "the new one", self.old: "the old one", FOREIGN: "another's", None: "none"}
        return names.get(body, f"BROKEN, {len(body or b'')} bytes")

    def close(self):
        self.proxy.close()
        for upload in self.uploads():
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        for key in self.keys():
            self.client.delete_object(Bucket=self.bucket, Key=key)
        self.client.delete_bucket(Bucket=self.bucket)


class Tokens:
    """A credential process that has a new token each time; those before the second part's are worth nothing from then on."""

    def __init__(self, folder):
        self.count, self.seen, self.lock = folder / "count", 0, threading.Lock()
        self.count.write_text("0")
        self.least = 0
        expires = (dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
        script = folder / "process.sh"
        script.write_text(f'#!/bin/sh\nn=$(($(cat {self.count}) + 1))\necho $n > {self.count}\ncat <<END\n{{"Version": 1, '
                          f'"AccessKeyId": "{AWS["AWS_ACCESS_KEY_ID"]}", "SecretAccessKey": "{SECRET}", "SessionToken": "session/token+$n==", '
                          f'"Expiration": "{expires}"}}\nEND\n')
        script.chmod(0o700)
        self.config = folder / "config"
        self.config.write_text(f"[default]\ncredential_process = {script}\n")

    @staticmethod
    def text(n):
        return f"session/token+{n}=="

    def counts(self, token):
        with self.lock:
            self.seen += 1
            if self.seen == 4:  # in a large upload, among its parts
                self.least = int(self.count.read_text()) + 1
            return token.startswith("session/token+") and int(token[14:-2]) >= self.least


# ---- what has to hold


def check_object(bench, code, said):
    case, now = bench.case, bench.object()
    location = said.get("artefact", {}).get("location", "") if code == 0 else ""
    at_location = bench.object(location.split("/", 3)[3]) if location.startswith("s3://") else None
    allowed = {bench.first, bench.new} | ({FOREIGN} if bench.has_intruded else set())
    demand(now in allowed, f"the object is {bench.name(now)}")
    for key in bench.keys():
        if key != bench.key:
            demand(case.if_exists == "version" and bench.object(key) == bench.new, f"'{key}' is {bench.name(bench.object(key))}")
    if code == 0 and case.if_exists != "skip":
        demand(at_location == bench.new, f"exit 0, and at '{location}' is {bench.name(at_location)}")
    if code == 0 and case.if_exists == "skip":
        demand(now is not None, "exit 0, and nothing is there")
    if case.if_exists != "replace" and bench.first is not None:
        demand(now in (bench.first, FOREIGN), f"--if-exists {case.if_exists} has replaced the object")
    if case.if_exists in ("fail", "version") and bench.has_intruded and now == bench.new:
        demand(False, "another's object was replaced")
    is_news = now == bench.new and bench.first != bench.new
    if code != 0 and is_news:
        words = said["error"]["message"] + said["error"]["hint"]
        demand("stored" in words or "is there now" in words, f"the object is the new one, which the message does not say: {words}")


def check_uploads(bench, code, said):
    left = bench.uploads()
    told = [text for text in said.get("warnings", []) if "could not be ended" in text]
    silent = [upload for upload in left if bench.n_parts(upload) != 0]
    demand(not silent or told, f"{len(silent)} uploads with parts are left, and nobody is told")
    if left or bench.notes():
        demand(bench.orphans(ends=True) == 0, "check --orphans --abort fails")
    left = [upload for upload in bench.uploads() if bench.n_parts(upload) != 0]
    demand(not left, "check --orphans --abort has left an upload")
    demand(not bench.notes(), "a note is left")


def check_exit(bench, code, said):
    case = bench.case
    usual = 73 if case.if_exists == "fail" and case.existing == "old" else 0
    demand(code in FAILURES | {0}, f"the exit code is {code}")
    demand(code == 0 or (said.get("error", {}).get("message") and said["error"].get("hint")), "an error without words")
    if case.expect == "ok":
        demand(code == usual, f"the exit code is {code}, not {usual}")
    if case.expect == "fail":
        demand(code not in (0, 73), f"the exit code is {code} in spite of all")


def run_case(bench):
    bench.start()
    code, said = bench.wait()
    check_exit(bench, code, said)
    check_object(bench, code, said)
    check_uploads(bench, code, said)


def story(bench, broken):
    lines = [f"seed {bench.case.seed}: {broken}", f"  {bench.case}", *(f"  {r['op']}{' ' + str(r['part']) if r['part'] else ''}: {r['fault'] or '-'} "
             f"-> {r['status']} (server: {r['applied']})" for r in bench.proxy.seen), *bench.proxy.troubles, f"  {getattr(bench, 'text', '')}"]
    return "\n".join(lines)


def try_cases(cases, servers, artefacts, folder, run=run_case):
    """Runs two at a time; fails with the stories of all that failed."""
    def one(case):
        bench = Bench(servers[case.server], artefacts[case.is_large], folder, case)
        try:
            run(bench)
        except Exception as broken:  # each is told with its seed
            return story(bench, broken if isinstance(broken, Broken) else repr(broken))
        finally:
            bench.close()
        return None

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        stories = [text for text in pool.map(one, cases) if text]
    if stories:
        pytest.fail(f"{len(stories)} of {len(cases)} runs:\n" + "\n\n".join(stories), pytrace=False)


@pytest.fixture(scope="session")
def servers(request):
    names = ["moto", *(["versitygw"] if VERSITYGW.exists() else [])]
    return {name: request.getfixturevalue(name) for name in names}


def seeds_of(config, n):
    one = config.getoption("--seed")
    return list(range(n)) if one is None else [one]


# ---- the tests


@pytest.mark.parametrize("chunk", range(N_CHUNKS))
def test_seeded_faults(pytestconfig, servers, artefacts, tmp_path, chunk):
    seeds = seeds_of(pytestconfig, N_SEEDS)[chunk::N_CHUNKS]
    try_cases([draw(seed, "versitygw" in servers) for seed in seeds], servers, artefacts, tmp_path)


@pytest.mark.parametrize("op", ["HeadObject", "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
def test_cuts_from_the_first_to_the_last_byte(servers, artefacts, tmp_path, op):
    if "versitygw" not in servers:
        pytest.skip("versitygw is not built")
    faults = ["cut_request", "cut_answer", *(["truncate"] if op.startswith("C") else [])]
    places = [(fault, i / (N_PLACES - 1) * (0.999 if fault == "truncate" else 1)) for fault in faults for i in range(N_PLACES)]
    try_cases([at_byte(seed, op, fault, at) for seed, (fault, at) in enumerate(places)], servers, artefacts, tmp_path)


@pytest.mark.parametrize("world,refused,warns", [("redirect", 301, "AWS_REGION=eu-west-1"), ("malformed", 400, "AWS_REGION=eu-west-1"), ("clock", 403, "clock"),
                                                 ("token", 400, "")])
@pytest.mark.parametrize("is_large", [False, True])
def test_what_can_be_mended_is_mended_and_told(servers, artefacts, tmp_path, world, refused, warns, is_large):
    """Another region, another clock, a token that expires in the middle of a large upload."""
    bench = Bench(servers["moto"], artefacts[is_large], tmp_path, Case(0, server="moto", is_large=is_large, world=world, expect="ok"))
    bench.start()
    code, said = bench.wait()
    statuses = [seen["status"] for seen in bench.proxy.seen]
    try:
        assert code == 0 and bench.object() == bench.new, bench.text
        expires = world != "token" or is_large  # a small one ends before
        assert (statuses.count(refused) >= 1) == expires and len(statuses) <= (2 * 6 if is_large else 4), bench.proxy.seen
        assert all(warns in text for text in said["warnings"]) and len(said["warnings"]) == (1 if warns else 0), bench.text
        if world == "token" and is_large:
            assert {seen["op"] for seen in bench.proxy.seen if seen["status"] == refused} == {"UploadPart"}, bench.proxy.seen
        assert not bench.uploads() and not bench.notes()
    finally:
        bench.close()


# ---- SIGKILL


def run_killed(bench):
    bench.start()
    bench.process.communicate(timeout=60)
    now = bench.object()
    demand(now in (bench.first, bench.new), f"the object is {bench.name(now)}")
    left = {upload["UploadId"] for upload in bench.uploads() if bench.n_parts(upload) != 0}
    noted = {json.loads(line)["upload_id"] for note in bench.notes() for line in note.read_text().split("\n")[:-1]}  # a line before there is an id, one with it
    demand(left <= noted, "an upload with parts is left that no note knows")
    bench.proxy.set_plan([])
    bench.start()
    code, _ = bench.wait()
    demand(code == 0, f"the next run ends with {code}")
    demand(bench.object() == bench.new, f"after the next run, the object is {bench.name(bench.object())}")
    demand(not [upload for upload in bench.uploads() if bench.n_parts(upload) != 0], "the next run has left an upload with parts")
    demand(not bench.notes(), "a note is left")


@pytest.mark.parametrize("chunk", range(5))
def test_sigkill_leaves_nothing_that_the_next_run_does_not_end(pytestconfig, servers, artefacts, tmp_path, chunk):
    if "versitygw" not in servers:
        pytest.skip("versitygw is not built")
    seeds = seeds_of(pytestconfig, N_KILLS)[chunk::5]
    try_cases([draw_kill(seed) for seed in seeds], servers, artefacts, tmp_path, run_killed)
