"""The whole job against the simulator: what is asked for, what is sent where, what is published, and what a fault does."""
import json
import pathlib
import signal
import subprocess
import time

import pyarrow.parquet as pq
import pytest

from conftest import AWS, CLEAN, FAST
from support import oracle
from support.readers import assert_artefact, by_pyarrow

RANGE = ["--source", "exports", "--from", "2024-01-01", "--to", "2024-01-02"]
API = "/api/v2/analytics/conversations/exports"


def download(sim):
    """What the simulator serves for RANGE, fetched without the product."""
    import base64
    import urllib.request

    def call(url, body=None, **headers):
        request = urllib.request.Request(url, data=body, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    pair = base64.b64encode(f"{sim.info['client_id']}:{sim.info['client_secret']}".encode()).decode()
    token = json.loads(call(sim.info["login_url"] + "/oauth/token", b"grant_type=client_credentials", Authorization=f"Basic {pair}",
                            **{"Content-Type": "application/x-www-form-urlencoded"}))["access_token"]
    query = {"query": {"dateRange": {"startDate": "2024-01-01T00:00:00.000Z", "endDate": "2024-01-02T00:00:00.000Z"}, "groupBy": ["queue", "timeInterval"],
                       "metrics": ["callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"]},
             "type": "summary", "groupBy": ["queue", "timeInterval"]}
    bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    job = json.loads(call(sim.info["api_url"] + API, json.dumps(query).encode(), **bearer))
    while job["status"] != "completed":
        time.sleep(0.05)
        job = json.loads(call(f"{sim.info['api_url']}{API}/{job['id']}", **bearer))
    return call(job["downloadUrl"])


def run(ql, sim, *args, env=None):
    return ql("run", *RANGE, *sim.flags, *FAST, *args, env={**sim.env, **(env or {})})


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_the_whole_job_into_a_folder(ql, sim, tmp_path, layout):
    genesys = sim("--ready-after", "0.3")
    done = run(ql, genesys, "--layout", layout, "--json", "-o", "file://" + str(tmp_path / "lake/{start:%Y}/day.parquet"))
    assert done.code == 0, done
    path = tmp_path / "lake/2024/day.parquet"
    assert done.json["artefact"]["location"].endswith(str(path)) and done.json["artefact"]["bytes"] == path.stat().st_size
    assert_artefact(path, oracle.transform(download(genesys), layout))
    import hashlib

    assert done.json["artefact"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_asked_for(ql, sim, tmp_path):
    genesys = sim("--ready-after", "0.3")
    assert run(ql, genesys, "-o", "out.parquet").code == 0
    requests = genesys.requests()
    assert [(r["method"], r["path"]) for r in requests if r["path"] == "/oauth/token"] == [("POST", "/oauth/token")]
    assert len([r for r in requests if r["method"] == "POST" and r["path"] == API]) == 1
    assert len([r for r in requests if r["method"] == "GET" and r["path"].startswith(API + "/")]) >= 2
    downloads = genesys.requests(host="download")
    assert len(downloads) == 1 and not downloads[0]["has_authorization"]
    polls = [r for r in requests if r["path"].startswith(API)]
    assert all(r["has_authorization"] for r in polls)


def test_two_runs_give_equal_bytes(ql, sim, tmp_path):
    """Another export id, another day of running: nothing of it is in the file."""
    for name in ("a", "b"):
        assert run(ql, sim(), "-o", f"{name}.parquet").code == 0
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    genesys = sim()
    done = run(ql, genesys, "--embed-provenance", "--json", "-o", "c.parquet")
    footer = json.loads(pq.read_metadata(tmp_path / "c.parquet").metadata[b"queuelake"])
    assert footer["provenance"]["export_id"] == done.json["input"]["export_id"]
    assert footer["provenance"]["extracted_at"] == done.json["input"]["extracted_at"]  # names of queues are those of that moment


def test_s3_by_one_put_with_encryption_and_tags(ql, sim, s3, tmp_path):
    bucket = s3.bucket(f"lake-{s3.name}-put")
    genesys = sim()
    done = run(ql, genesys, "--json", "--tag", "team=süd + co", "--version-tag", "2.1", env={**s3.env, "S3_BUCKET": bucket})
    assert done.code == 0, done
    key = "queue_metrics/2024-01-01.parquet"
    assert done.json["artefact"]["location"] == f"s3://{bucket}/{key}"
    export_id = done.json["input"]["export_id"]
    got = s3.client.get_object(Bucket=bucket, Key=key)
    path = tmp_path / "out.parquet"
    path.write_bytes(got["Body"].read())
    assert_artefact(path, oracle.transform(download(genesys)))
    assert got["ContentType"] == "application/octet-stream"
    tags = {t["Key"]: t["Value"] for t in s3.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
    assert tags == {"Version": "2.1", "ExportId": export_id, "Format": "parquet", "team": "süd + co"}
    if s3.name == "moto":  # versitygw's folder back end does not report encryption
        assert got["ServerSideEncryption"] == "AES256"
    assert s3.client.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("key", ["date={start:%Y-%m-%d}/part-{export_id}.parquet", "a+b c@,&=/ü/{layout}.parquet", "plain.parquet"])
def test_keys_that_are_hard_to_sign(ql, sim, s3, key):
    bucket = s3.bucket(f"lake-{s3.name}-{abs(hash(key)) % 10**8}")
    done = run(ql, sim(), "--json", "-o", f"s3://{bucket}/{key}", env=s3.env)
    assert done.code == 0, done
    expected = key.replace("{start:%Y-%m-%d}", "2024-01-01").replace("{export_id}", done.json["input"]["export_id"]).replace("{layout}", "wide")
    assert [o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket)["Contents"]] == [expected]


def test_transform_has_no_export_id_to_tag(ql, moto, tmp_path):
    bucket = moto.bucket("lake-transform")
    (tmp_path / "in.csv").write_text("timeInterval,queueName,callsOffered,callsAnswered\n2024-05-06T09:00:00Z/2024-05-06T09:30:00Z,S,1,1\n")
    done = ql("transform", "in.csv", "-o", f"s3://{bucket}/x/", env=moto.env)
    assert done.code == 0, done
    key = "x/queue_metrics/2024-05-06.parquet"  # {start} of a file is its first interval
    tags = {t["Key"]: t["Value"] for t in moto.client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
    assert tags == {"Version": "1.0.0", "Format": "parquet"}


def test_metrics_are_those_of_the_query_and_of_the_output(ql, sim, tmp_path):
    genesys = sim()
    done = run(ql, genesys, "--metrics", "calls_answered,calls_offered", "--layout", "long", "-o", "out.parquet")
    assert done.code == 0, done
    assert list(by_pyarrow(tmp_path / "out.parquet"))[5:] == ["calls_answered", "calls_offered", "answer_rate", "abandon_rate"]


FAULTS = {
    "token 503": ({"path": "/oauth/token"}, {"status": 503}, 1),
    "create 429": ({"method": "POST", "path": API}, {"status": 429, "headers": {"Retry-After": "0"}}, 1),
    "create 503": ({"method": "POST", "path": API}, {"status": 503}, 1),
    "poll 502 in HTML": ({"method": "GET", "path": API}, {"html": 502}, 2),
    "poll 500 once": ({"method": "GET", "path": API}, {"status": 500}, 1),
    "poll reset": ({"method": "GET", "path": API}, {"reset": True}, 1),
    "poll closes": ({"method": "GET", "path": API}, {"close_before_answer": True}, 2),
    "token expires": ({"method": "GET", "path": API}, {"expire_token": True}, 1),
    "link expires": ({"host": "download"}, {"expire_link": True}, 1),
    "download cut": ({"host": "download"}, {"truncate_after": 700}, 1),
    "download reset": ({"host": "download"}, {"truncate_after": 700, "reset": True}, 1),
    "download length": ({"host": "download"}, {"wrong_length": 50}, 1),
    "download 503": ({"host": "download"}, {"status": 503}, 1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_transient_fault_changes_nothing(ql, sim, tmp_path, name):
    match, fault, times = FAULTS[name]
    genesys = sim(plan=[{"match": match, "times": times, "fault": fault}])
    done = run(ql, genesys, "-o", "out.parquet")
    assert done.code == 0, done
    assert any(r.get("fault") for r in genesys.requests()), "the fault did not happen"
    clean = sim()
    assert_artefact(tmp_path / "out.parquet", oracle.transform(download(clean)))
    assert len([r for r in genesys.requests() if r["method"] == "POST" and r["path"] == API and r["status"] == 202]) == 1


@pytest.mark.parametrize("fault", [{"gzip_cut": 40}, {"gzip_cut": 4}, {"corrupt_gzip": True}])
def test_a_damaged_gzip_is_fetched_again(ql, sim, tmp_path, fault):
    genesys = sim("--gzip", plan=[{"match": {"host": "download"}, "times": 1, "fault": fault}])
    done = run(ql, genesys, "-o", "out.parquet")
    assert done.code == 0, done
    assert len(genesys.requests(host="download")) == 2
    assert_artefact(tmp_path / "out.parquet", oracle.transform(download(sim())))


PERMANENT = {
    "create 500": ({"method": "POST", "path": API}, {"status": 500}, 75, ["may exist"]),
    "create lost": ({"method": "POST", "path": API}, {"close_before_answer": True}, 75, ["may exist"]),
    "create reset": ({"method": "POST", "path": API}, {"reset": True}, 75, ["may exist"]),
    "rate to the end": ({"path": API}, {"status": 429, "headers": {"Retry-After": "0"}}, 75, ["429"]),
    "export failed": ({"method": "GET", "path": API}, {"export_status": "failed", "message": "the moon was in the way"}, 69, ["the moon was in the way"]),
    "export cancelled": ({"method": "GET", "path": API}, {"export_status": "cancelled", "message": "by an admin"}, 69, ["by an admin"]),
    "link expired to the end": ({"host": "download"}, {"expire_link": True}, 75, ["link"]),
    "cut to the end": ({"host": "download"}, {"truncate_after": 500}, 75, []),
    "no length": ({"host": "download"}, {"no_length": True}, 76, ["--allow-unsized"]),
    "to a foreign host": ({"host": "download"}, {"redirect": "http://192.168.7.7/x"}, 76, ["http"]),
    "big headers": ({"host": "download"}, {"big_headers": 200000}, 65, ["--max-header-bytes"]),
    "bomb": ({"host": "download"}, {"bomb": 300}, 65, []),
}


@pytest.mark.parametrize("name", PERMANENT)
def test_a_lasting_fault_publishes_nothing(ql, sim, tmp_path, name):
    match, fault, code, words = PERMANENT[name]
    genesys = sim(plan=[{"match": match, "times": -1, "fault": fault}])
    (tmp_path / "out.parquet").write_bytes(b"old")
    done = run(ql, genesys, "-o", "out.parquet")
    assert done.code == code and all(w in done.text for w in words) and "hint:" in done.text, done
    assert (tmp_path / "out.parquet").read_bytes() == b"old"
    if name.startswith("create"):
        assert len([r for r in genesys.requests() if r["method"] == "POST" and r["path"] == API]) == 1
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []


def test_an_unsized_body_is_taken_on_request_if_it_ends_in_a_line_break(ql, sim, tmp_path):
    genesys = sim(plan=[{"match": {"host": "download"}, "times": 1, "fault": {"no_length": True}}])
    assert run(ql, genesys, "--allow-unsized", "-o", "out.parquet").code == 0
    assert_artefact(tmp_path / "out.parquet", oracle.transform(download(sim())))
    genesys = sim(plan=[{"match": {"host": "download"}, "times": -1, "fault": {"no_length": True, "truncate_after": 1000}}])
    done = run(ql, genesys, "--allow-unsized", "-o", "cut.parquet")
    assert done.code == 75 and not (tmp_path / "cut.parquet").exists(), done


NESTED = '{"id": "x", "status": "inProgress", "a": ' + "[" * 8 + "]" * 8 + "}"
LONG = '{"id": "x", "status": "inProgress", "pad": "' + "x" * 5000 + '"}'


@pytest.mark.parametrize("flag, value, body", [("--max-download-bytes", "1K", None), ("--max-body-bytes", "4K", LONG), ("--max-json-bytes", "4K", LONG),
                                               ("--max-json-depth", "4", NESTED)])
def test_network_limits_are_settings(ql, sim, flag, value, body):
    plan = [] if body is None else [{"match": {"method": "GET", "path": API}, "times": -1, "fault": {"status": 200, "body": body}}]
    done = run(ql, sim(plan=plan), flag, value, "-o", "out.parquet")
    assert done.code in (65, 76) and flag in done.text, done


def test_redirects_are_few(ql, sim, tmp_path):
    target = sim()
    genesys = sim(plan=[{"match": {"host": "download"}, "times": -1, "fault": {"redirect": target.info["download_url"] + "/again"}}])
    done = run(ql, genesys, "--max-redirects", "0", "-o", "out.parquet")
    assert done.code == 76 and "--max-redirects" in done.text, done


def test_no_bearer_through_a_redirect(ql, sim, tmp_path):
    """A redirect of the API to elsewhere does not carry the token there."""
    other = sim()
    genesys = sim(plan=[{"match": {"method": "GET", "path": API}, "times": 1, "fault": {"redirect": other.info["download_url"] + "/catch"}}])
    run(ql, genesys, "-o", "out.parquet")
    assert not any(r["has_authorization"] for r in other.requests())


def test_deadline(ql, sim):
    done = run(ql, sim("--ready-after", "3600"), "--deadline", "1s", "-o", "out.parquet")
    assert done.code == 75 and "--deadline" in done.text, done


def test_rate_limit_of_the_api_is_kept(ql, sim, tmp_path):
    """More polls than the limit allows are not sent: the client waits for the window instead of collecting refusals."""
    genesys = sim("--rate-limit", "6", "--ready-after", "1")
    done = run(ql, genesys, "--deadline", "2s", "-o", "out.parquet")
    assert done.code in (0, 75), done
    assert not [r for r in genesys.requests() if r["status"] == 429]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_at_once_and_cleanly(binary, sim, tmp_path, number):
    genesys = sim("--ready-after", "3600")
    process = subprocess.Popen([str(binary), "run", *RANGE, *genesys.flags, *FAST, "-o", "out.parquet"], env={**CLEAN, **genesys.env}, cwd=tmp_path,
                               stderr=subprocess.PIPE)
    while not [r for r in genesys.requests(path=API) if r["method"] == "GET"]:
        time.sleep(0.05)
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert not list(tmp_path.glob("*.parquet")) and not list(tmp_path.glob(".*tmp"))


def test_no_secret_anywhere(ql, sim, moto, tmp_path):
    """Secrets, tokens and signatures are in no output, no log and no file, whatever happens."""
    secret = AWS["AWS_SECRET_ACCESS_KEY"]
    outputs = []
    for fault in ({"status": 500}, {"status": 401}, {"html": 502}, {"truncate_after": 100}, {"redirect": "https://127.0.0.1:1/x?X-Amz-Signature=abc"}):
        genesys = sim(plan=[{"match": {"host": host}, "skip": 1 if host == "api" else 0, "times": 9, "fault": fault} for host in ("api", "download")])
        bucket = "no-such-bucket-here"
        done = run(ql, genesys, "-v", env={**moto.env, "S3_BUCKET": bucket})
        assert done.code != 0
        outputs.append((genesys, done))
    genesys = sim()
    outputs.append((genesys, run(ql, genesys, "-v", env={**moto.env, "S3_BUCKET": "no-such-bucket-here"})))
    outputs.append((genesys, ql("config", env={**genesys.env, **moto.env})))
    for genesys, done in outputs:
        everything = done.out + done.err
        for word in (genesys.info["client_secret"], secret, "X-Amz-Signature=", "Bearer "):
            assert word.encode() not in everything, (word, done)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix not in (".jsonl", ".json") and secret.encode() in p.read_bytes()]
    assert pathlib.Path("/nonexistent").exists() is False


# What a hostile review found.


def test_aws_by_its_own_name_is_aws(ql, tmp_path):
    (tmp_path / "in.csv").write_text("timeInterval,queueName,callsOffered,callsAnswered\n")
    for endpoint in ("https://s3.eu-west-1.amazonaws.com", "HTTPS://S3.AMAZONAWS.COM.:443/x"):
        env = {**AWS, "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}
        done = ql("transform", "in.csv", "-o", "s3://genesys-analytics-exports/x.parquet", env=env)
        assert done.code == 75 and "--expected-bucket-owner" in done.text, done


def test_a_failed_run_names_its_export(ql, sim):
    genesys = sim(plan=[{"match": {"method": "GET", "path": API}, "times": -1, "fault": {"export_status": "failed", "message": "no"}}])
    done = run(ql, genesys, "--json", "-o", "out.parquet")
    assert done.code == 69 and done.json["input"]["export_id"] in done.json["error"]["message"], done


def test_the_last_look_is_just_before_the_deadline(ql, sim):
    genesys = sim("--ready-after", "3600")
    done = ql("run", *RANGE, *genesys.flags, "--deadline", "1s", "--poll-min", "700ms", "--poll-max", "5s", "-o", "out.parquet", env=genesys.env)
    assert done.code == 75 and "--deadline" in done.text, done
    assert len([r for r in genesys.requests(path=API) if r["method"] == "GET"]) >= 2
