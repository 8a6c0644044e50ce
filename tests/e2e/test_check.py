"""`queuelake check`: each thing that can stop a run is found before it runs, and told with what to do; `run` looks at permissions by itself."""
import http.server
import json
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import AWS, CLEAN, FAST
from test_run import API, RANGE

ROLES = "Admin > Integrations > OAuth > the client > Roles"
SOURCES = {"aggregates": ["analytics:conversationAggregate:view", "routing:queue:view"],
           "reporting": ["analytics:dataExport:add", "analytics:dataExport:view"],
           "exports": ["analytics:dataExport:add", "analytics:dataExport:view"]}
EXPORTS_ROLE = "analytics:dataExport:add,analytics:dataExport:view"


def check(ql, sim, *args, source="exports", env=None):
    return ql("check", "--source", source, *(sim.flags if sim else []), *FAST, "--json", *args, env={**(sim.env if sim else {}), **(env or {})})


def lines(done, name, result=None):
    return [c for c in done.json["checks"] if c["check"] == name and result in (None, c["result"])]


def one(done, name):
    found = lines(done, name)
    assert len(found) == 1, (name, done)
    return found[0]


def known_sources(ql):
    return re.search(r"--source ([a-z|]+)", ql("help", "check").out.decode())[1].split("|")


def test_all_is_well(ql, sim, tmp_path):
    genesys = sim()
    done = check(ql, genesys, "-o", "lake/day.parquet")
    assert done.code == 0 and done.json["status"] == "ok" and done.json["command"] == "check" and done.json["schema_version"] == 1, done
    assert "error" not in done.json and done.json["source"] == "exports"
    assert {c["result"] for c in done.json["checks"]} == {"ok"}, done
    assert all(set(c) == {"check", "result", "message", "hint", "request_id"} for c in done.json["checks"])
    assert [c["check"] for c in done.json["checks"]] == ["region", "login", "api", "clock", "token", "organization", "scopes", "permission", "permission", "divisions",
                                                         "queues", "rate", "limits", "limits", "destination", "folder", "disk", "disk"]
    assert "12" in one(done, "queues")["message"] and "300" in one(done, "rate")["message"]
    assert "client.credentials.token.rate.per.minute 300" in lines(done, "limits")[0]["message"]
    assert all(r["method"] in ("GET", "HEAD") or r["path"] == "/oauth/token" for r in genesys.requests())  # nothing was created
    assert list(tmp_path.glob("**/*.parquet")) == [] and not (tmp_path / "lake").exists()


def test_for_people(ql, sim):
    genesys = sim("--permissions", "none")
    done = ql("check", "--source", "exports", *genesys.flags, "-o", "day.parquet", env=genesys.env)
    text = done.out.decode()
    assert done.code == 77 and done.text == "" and "2 would stop a run" in text, done
    assert "problem  permission" in text and ROLES in text and "not scopes" in text and "request id: " in text
    quiet = ql("check", "--source", "exports", *genesys.flags, "-o", "day.parquet", "--quiet", env=genesys.env).out.decode()
    assert "problem" in quiet and "\nok " not in quiet and not quiet.startswith("ok ")


@pytest.mark.parametrize("source", SOURCES)
def test_each_missing_permission_is_named(ql, sim, source):
    if source not in known_sources(ql):
        pytest.skip("this source is not there yet")
    needed = SOURCES[source]
    whole = check(ql, sim("--permissions", ",".join(needed + ["analytics:conversationAggregate:view"])), "-o", "x.parquet", source=source)
    assert whole.code == 0 and len(lines(whole, "permission", "ok")) >= len(needed), whole
    for missing in needed:
        done = check(ql, sim("--permissions", ",".join(set(needed) - {missing}) or "none"), "-o", "x.parquet", source=source)
        problems = lines(done, "permission", "problem")
        assert done.code == 77 and [missing in p["message"] for p in problems] == [True], done
        assert ROLES in problems[0]["hint"] and problems[0]["request_id"] and problems[0]["code"] == "E_PERMISSION"
        assert done.json["error"]["exit_code"] == 77


def test_divisions_and_queues_that_the_client_sees(ql, sim):
    done = check(ql, sim("--divisions", "North"), "-o", "x.parquet")
    assert done.code == 0 and "'North'" in one(done, "divisions")["message"] and "South" not in one(done, "divisions")["message"], done
    assert int(one(done, "queues")["message"].split()[0]) < 12
    none = check(ql, sim("--queues", "0"), "-o", "x.parquet")
    assert none.code == 0 and one(none, "queues")["result"] == "warning" and "division" in one(none, "queues")["hint"], none


def test_scopes_are_named_where_a_token_has_some(ql, sim):
    done = check(ql, sim("--scopes", "analytics:export:read"), "-o", "x.parquet")
    assert done.code == 77 and "analytics:export:write" in one(done, "scopes")["message"] and "analytics:export:read" not in one(done, "scopes")["message"], done
    both = check(ql, sim("--scopes", "other:thing"), "-o", "x.parquet")
    assert all(s in one(both, "scopes")["message"] for s in ("analytics:export:read", "analytics:export:write")) and both.code == 77
    assert check(ql, sim("--scopes", "analytics:export"), "-o", "x.parquet").code == 0


@pytest.mark.parametrize("change, code, words", [
    ({"GENESYS_CLIENT_SECRET": "wrong-secret-value"}, 77, "secret"),
    ({"GENESYS_CLIENT_ID": "someone-else"}, 77, "client id"),
    ({"GENESYS_CLIENT_SECRET": ""}, 78, "GENESYS_CLIENT_SECRET"),
    ({"GENESYS_CLIENT_ID": ""}, 78, "GENESYS_CLIENT_ID"),
])
def test_credentials(ql, sim, change, code, words):
    """The rest is looked at all the same."""
    done = check(ql, sim(), "-o", "x.parquet", env=change)
    assert done.code == code and one(done, "token")["result"] == "problem" and words in one(done, "token")["message"], done
    assert one(done, "permission")["result"] == "skipped" and one(done, "folder")["result"] == "ok" and lines(done, "disk", "ok")
    assert b"wrong-secret-value" not in done.out + done.err


def test_the_official_clis_names(ql, sim, tmp_path):
    genesys = sim()
    (tmp_path / "secret").write_text(genesys.info["client_secret"] + "\n")
    env = {"GENESYSCLOUD_OAUTHCLIENT_ID": genesys.info["client_id"], "GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE": "secret", "GENESYSCLOUD_REGION": "eu-central-1"}
    done = ql("check", "--source", "exports", *genesys.flags, "--json", "-o", "x.parquet", env=env)
    assert done.code == 0, done


def test_a_host_that_is_not_there(ql):
    env = {"GENESYS_CLIENT_ID": "a", "GENESYS_CLIENT_SECRET": "bbbbbbbb", "GENESYS_ENVIRONMENT": "mypurecluod.invalid"}
    done = check(ql, None, "--connect-timeout", "5s", "-o", "x.parquet", env=env)
    assert done.code == 75 and one(done, "region")["result"] == "warning" and one(done, "token")["result"] == "skipped", done
    for name, host in (("login", "login.mypurecluod.invalid"), ("api", "api.mypurecluod.invalid")):
        assert one(done, name)["result"] == "problem" and host in one(done, name)["message"], done
    slip = check(ql, None, "-o", "x.parquet", "--https-proxy", "http://127.0.0.1:1", env={**env, "GENESYS_ENVIRONMENT": "eu-centrla-1"})
    assert "eu-central-1" in one(slip, "region")["hint"]
    fine = check(ql, None, "-o", "x.parquet", "--https-proxy", "http://127.0.0.1:1", env={**env, "GENESYS_ENVIRONMENT": "eu-central-1"})
    assert one(fine, "region") == {**one(fine, "region"), "result": "ok"} and "mypurecloud.de" in one(fine, "region")["message"]
    wrong = check(ql, None, "-o", "x.parquet", env={**env, "GENESYS_ENVIRONMENT": "http://x y"})
    assert wrong.code == 78 and "region" in wrong.json["error"]["message"]


def test_an_unknown_region_is_a_warning_of_a_run_too(ql, sim):
    genesys = sim()
    args = ["run", *RANGE, *FAST, "--json", "-o", "x.parquet", "--login-url", genesys.info["login_url"], "--attempts", "1"]
    done = ql(*args, "--no-check", env={**genesys.env, "GENESYS_ENVIRONMENT": "new.region.invalid"})
    assert any("new.region.invalid" in w for w in done.json["warnings"]), done


def test_the_api_is_down_behind_a_good_login(ql, sim):
    genesys = sim()
    done = ql("check", "--source", "exports", "--login-url", genesys.info["login_url"], "--api-url", "http://127.0.0.1:1", "--json", "-o", "x.parquet", env=genesys.env)
    assert done.code == 75 and one(done, "api")["result"] == "problem" and one(done, "token")["result"] == "ok", done
    assert {one(done, n)["result"] for n in ("permission", "queues", "limits")} == {"skipped"} and one(done, "folder")["result"] == "ok"


@pytest.mark.parametrize("fault", [{"status": 403, "permission": "authorization:subject:view"}, {"status": 404}, {"html": 502}, {"reset": True}])
def test_what_subjects_me_refuses_stops_nothing(ql, sim, fault):
    plan = [{"match": {"path": "/api/v2/authorization/subjects/me"}, "times": -1, "fault": {k: v for k, v in fault.items() if k != "status" or len(fault) == 1}}]
    genesys = sim(plan=plan)
    done = check(ql, genesys, "-o", "x.parquet")
    assert done.code == 0 and one(done, "permission")["result"] == "warning", done
    done = ql("run", *RANGE, *genesys.flags, *FAST, "--json", "-o", "x.parquet", env=genesys.env)
    assert done.code == 0, done
    assert len(genesys.requests(path="subjects/me")) == 2  # asked once by each


def test_limits_that_may_not_be_read_are_no_problem(ql, sim):
    done = check(ql, sim(plan=[{"match": {"path": "/api/v2/organizations/limits"}, "times": -1, "fault": {"permission": "x:y:z"}}]), "-o", "x.parquet")
    assert done.code == 0 and {c["result"] for c in lines(done, "limits")} == {"skipped"}, done


# ---- run looks by itself


def test_run_looks_before_it_creates_anything(ql, sim, tmp_path):
    genesys = sim("--permissions", "analytics:dataExport:add")  # enough to create, not to see it finish
    done = ql("run", *RANGE, *genesys.flags, *FAST, "-o", "x.parquet", env=genesys.env)
    assert done.code == 77 and "analytics:dataExport:view" in done.text and ROLES in done.text and "request id:" in done.text, done
    assert not genesys.requests(path=API) and not (tmp_path / "x.parquet").exists()


def test_run_without_a_look(ql, sim):
    genesys = sim("--permissions", "analytics:dataExport:add")
    done = ql("run", *RANGE, *genesys.flags, *FAST, "--no-check", "-o", "x.parquet", env=genesys.env)
    assert done.code == 77 and genesys.requests(path=API) and not genesys.requests(path="subjects/me"), done


def test_run_with_the_least_role(ql, sim):
    genesys = sim("--permissions", EXPORTS_ROLE)
    done = ql("run", *RANGE, *genesys.flags, *FAST, "-o", "x.parquet", env=genesys.env)
    assert done.code == 0 and len(genesys.requests(path="subjects/me")) == 1, done
    assert len([r for r in genesys.requests() if r["path"] == "/oauth/token"]) == 1


# ---- destinations


def test_folders(ql, sim, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "there").mkdir()
    genesys = sim()
    assert "will be made" in one(check(ql, genesys, "-o", "a/b/c.parquet"), "folder")["message"]
    assert "'there' takes files" in one(check(ql, genesys, "-o", "there/c.parquet"), "folder")["message"]
    done = check(ql, genesys, "-o", "file/a/b.parquet")
    assert done.code == 73 and one(done, "folder")["code"] == "E_CANNOT_CREATE" and "file" in one(done, "folder")["message"], done
    assert check(ql, genesys, "-o", "file/b.parquet").code == 73
    assert list((tmp_path / "there").iterdir()) == []
    done = check(ql, genesys, "-o", "x.parquet", "--temp-dir", "nowhere")
    assert done.code == 0 and lines(done, "disk", "warning") and "--temp-dir" in lines(done, "disk", "warning")[0]["hint"], done
    assert check(ql, genesys, "-o", "{strat}.parquet").code == 78
    assert one(check(ql, genesys, "-o", "x-{export_id}.parquet"), "folder")["result"] == "ok"


def test_the_default_bucket_does_not_hide_the_rest(ql, sim):
    """Whose it is STS tells, which nobody can reach from here."""
    done = check(ql, sim(), env={**AWS, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"})
    assert done.code == 75 and one(done, "destination")["result"] == "problem" and "S3_BUCKET" in one(done, "destination")["hint"], done
    assert lines(done, "permission", "ok") and lines(done, "disk", "ok")


def objects(s3, bucket):
    return [o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_a_bucket(ql, sim, s3):
    bucket = s3.bucket("lake-check")
    genesys = sim()
    args = ["-o", f"s3://{bucket}/date={{start:%Y-%m-%d}}/part-{{export_id}}.parquet"]
    done = check(ql, genesys, *args, env=s3.env)
    assert done.code == 0 and one(done, "s3")["result"] == "ok" and one(done, "bucket")["result"] == "ok", done
    says = one(done, "versioning")
    if s3.name == "moto":  # answers with another root element than S3: GetBucketVersioningResponse
        assert says["result"] == "skipped" and says["message"] == "the server does not say whether it is on", done
    else:
        assert says["result"] == "ok" and says["message"].startswith("off"), done
    assert "AES256" in one(done, "encryption")["message"]
    assert one(done, "write")["result"] == one(done, "tags")["result"] == "skipped" and "--write-test" in one(done, "write")["message"]
    done = check(ql, genesys, *args, "--write-test", env=s3.env)
    assert done.code == 0 and one(done, "write")["result"] == one(done, "tags")["result"] == "ok", done
    assert "3 object tags" in one(done, "tags")["message"] and objects(s3, bucket) == []


def test_a_versioned_and_encrypted_bucket(ql, sim, moto, double):
    bucket = moto.bucket("lake-check-versions")
    moto.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    moto.client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    done = check(ql, sim(), "--write-test", "-o", f"s3://{bucket}/x.parquet", env=moto.env)
    assert done.code == 0 and "aws:kms" in one(done, "encryption")["message"], done
    versions = moto.client.list_object_versions(Bucket=bucket)
    assert "Versions" not in versions and "DeleteMarkers" not in versions  # the test's own version is gone, too
    handler, env = double()
    for document, starts in (("<Status>Enabled</Status>", "on: "), ("<Status>Suspended</Status>", "off: "), ("", "off: ")):  # as S3's documentation has it
        handler.documents = {**S3Double.documents, "versioning": f'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{document}</VersioningConfiguration>'}
        assert one(check(ql, sim(), "-o", "s3://lake/x.parquet", env=env), "versioning")["message"].startswith(starts)


def test_a_file_where_a_folder_should_be(ql, sim, tmp_path):
    (tmp_path / "file").write_text("x")
    done = check(ql, sim(), "-o", "file/x.parquet")
    assert done.code == 73 and "is a file where a folder should be" in one(done, "folder")["hint"], done


def test_a_bucket_that_is_not_there(ql, sim, s3):
    done = check(ql, sim(), "--write-test", "-o", "s3://there-is-no-such-bucket/x.parquet", env=s3.env)
    assert done.code == 73 and one(done, "bucket")["code"] == "E_NO_BUCKET" and one(done, "write")["result"] == "skipped", done
    assert lines(done, "permission", "ok")


def test_aws_credentials_that_are_missing(ql, sim, moto):
    done = check(ql, sim(), "-o", "s3://lake/x.parquet", env={"AWS_ENDPOINT_URL": moto.url})
    assert done.code == 78 and "AWS_ACCESS_KEY_ID" in one(done, "destination")["hint"], done


class S3Double(http.server.BaseHTTPRequestHandler):
    """Answers by the part of its class that a test sets: (method, marker in query or header) -> (status, code)."""

    protocol_version = "HTTP/1.1"
    date = None
    rules = {}
    seen = []
    documents = {"list-type": "<ListBucketResult/>", "encryption": "<ServerSideEncryptionConfiguration/>", "versioning": "<VersioningConfiguration/>"}

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return self.date or super().date_time_string(timestamp)

    def answer(self):
        size = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(size)
        tags = "tags" if self.headers.get("x-amz-tagging") else "no-tags"
        question = next((q for q in ("list-type", "encryption", "versioning", "versionId") if q in self.path), tags)
        self.seen.append((self.command, question))
        status, code = self.rules.get((self.command, question), (200, ""))
        body = f"<Error><Code>{code}</Code><Message>words of the server</Message></Error>" if code else self.documents.get(question, "") if self.command == "GET" else ""
        body = body.encode()
        self.send_response(status)
        self.send_header("ETag", '"0123"')
        self.send_header("x-amz-request-id", "REQ123")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_PUT = do_DELETE = answer


@pytest.fixture
def double():
    running = []

    def start(rules=None, date=None):
        handler = type("Handler", (S3Double,), {"rules": rules or {}, "date": date, "seen": []})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return handler, {**AWS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_address[1]}"}

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


DENIED = (403, "AccessDenied")


def test_credentials_that_may_put_and_nothing_else(ql, sim, double):
    handler, env = double({("GET", "list-type"): DENIED, ("GET", "encryption"): DENIED, ("GET", "versioning"): DENIED, ("DELETE", "no-tags"): DENIED})
    done = check(ql, sim(), "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 0 and one(done, "bucket")["result"] == "warning" and "s3:ListBucket" in one(done, "bucket")["message"], done
    assert one(done, "encryption")["result"] == one(done, "versioning")["result"] == "skipped" and not [s for s in handler.seen if s[0] in ("PUT", "DELETE")]
    done = check(ql, sim(), "--write-test", "-o", "s3://lake/x.parquet", env=env)
    left = one(done, "write")
    assert done.code == 0 and left["result"] == "warning" and "s3://lake/x.parquet.queuelake-check-" in left["message"], done


def test_tags_that_are_refused(ql, sim, double):
    handler, env = double({("PUT", "tags"): DENIED})
    done = check(ql, sim(), "--write-test", "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 77 and one(done, "tags")["code"] == "E_S3_DENIED" and "s3:PutObjectTagging" in one(done, "tags")["hint"], done
    assert one(done, "write")["result"] == "ok" and one(done, "tags")["request_id"] == "REQ123" and ("DELETE", "no-tags") in handler.seen


def test_uploads_that_are_refused(ql, sim, double):
    _, env = double({("PUT", "tags"): DENIED, ("PUT", "no-tags"): DENIED})
    done = check(ql, sim(), "--write-test", "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 77 and one(done, "write")["code"] == "E_S3_DENIED" and one(done, "tags")["result"] == "skipped", done


@pytest.mark.parametrize("code, words", [("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"), ("InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"), ("ExpiredToken", "AWS_SESSION_TOKEN")])
def test_a_wrong_key_is_told_from_a_missing_permission(ql, sim, double, code, words):
    _, env = double({("GET", "list-type"): (403, code)})
    done = check(ql, sim(), "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 77 and one(done, "bucket")["result"] == "problem" and words in one(done, "bucket")["hint"], done


def test_a_clock_that_s3_would_refuse(ql, sim, double):
    """A run signs by S3's clock then, so it is no problem; the machine's own has to be set all the same."""
    _, env = double(date="Mon, 01 Jan 2024 00:00:00 GMT")
    done = check(ql, sim(), "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 0 and one(done, "clock")["result"] == "warning" and "ahead" in one(done, "clock")["message"], done
    assert "15 minutes" in one(done, "clock")["message"] and "ntp" in one(done, "clock")["hint"]


# ---- uploads that a crash has left


def test_orphans(ql, s3):
    bucket = s3.bucket("lake-check-orphans")
    upload = s3.client.create_multipart_upload(Bucket=bucket, Key="a/2024.parquet")
    is_young = s3.name != "moto"  # all uploads to moto began in 2010

    def look(*args, key="a/{start:%Y}.parquet"):
        return ql("check", "--orphans", *args, "-o", f"s3://{bucket}/{key}", env=s3.env)

    def left():
        return [u["UploadId"] for u in s3.client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]

    done = look("--json")
    assert done.code == 0 and done.json["command"] == "check" and done.json["status"] == "ok", done
    [found] = done.json["orphans"]
    assert (found["bucket"], found["key"], found["upload_id"]) == (bucket, "a/2024.parquet", upload["UploadId"])
    assert (found["noted_here"], found["may_be_running"], found["ended"], found["failure"]) == (False, is_young, False, None)
    assert upload["UploadId"] in look().out.decode() and left() == [upload["UploadId"]]
    assert b"no unfinished uploads" in look(key="b/{start:%Y}.parquet").out
    done = look("--abort", "--json")
    assert done.code == 0 and [o["ended"] for o in done.json["orphans"]] == [not is_young], done
    assert left() == ([upload["UploadId"]] if is_young else [])


def test_orphans_are_those_of_a_bucket(ql, double):
    assert ql("check", "--orphans", "-o", "x.parquet").code == 64 and ql("check", "--abort", "-o", "s3://lake/x.parquet").code == 64
    assert ql("check", "--orphans", "--json", "-o", "s3://lake/x.parquet").json["error"]["exit_code"] == 78  # no credentials
    _, env = double({("GET", "no-tags"): DENIED})
    done = ql("check", "--orphans", "-o", "s3://lake/x.parquet", env=env)
    assert done.code == 77 and "s3:ListBucketMultipartUploads" in done.text, done


# ---- nothing secret


def test_no_secret_is_told(ql, sim, moto):
    bucket = moto.bucket("lake-check-secrets")
    for simulated in (sim(), sim("--permissions", "none", "--scopes", "a:b")):
        for args in (["--json"], ["--verbose"]):
            env = {**simulated.env, **moto.env, "AWS_SESSION_TOKEN": "session-token-of-nobody"}
            done = ql("check", "--source", "exports", *simulated.flags, "--write-test", *args, "-o", f"s3://{bucket}/x.parquet", env=env)
            told = (done.out + done.err).decode()
            for secret in (simulated.info["client_secret"], AWS["AWS_SECRET_ACCESS_KEY"], "session-token-of-nobody", "Bearer", "Basic ", "Signature="):
                assert secret not in told, secret


def test_files_need_no_client(ql, tmp_path):
    (tmp_path / "in.csv").write_text("Interval,Queue Name,Offered,Answered\n")
    done = ql("check", "--source", "file", "--json", "in.csv", "-o", "x.parquet")
    assert done.code == 0 and {c["check"] for c in done.json["checks"]} == {"inputs", "destination", "folder", "disk"}, done
    done = ql("check", "--source", "file", "--json", "in.csv", "-o", "in.csv")
    assert done.code == 64 and one(done, "destination")["code"] == "E_USAGE", done
    done = ql("check", "--source", "file", "--json", "none.csv", "-o", "x.parquet")
    assert done.code == 66 and one(done, "inputs")["code"] == "E_NO_INPUT" and one(done, "destination")["result"] == "ok", done


def test_a_signal_ends_it(binary, sim, tmp_path):
    genesys = sim(plan=[{"match": {"path": "/api/v2/authorization/subjects/me"}, "times": -1, "fault": {"stall_ms": 20000}}])
    process = subprocess.Popen([str(binary), "check", "--source", "exports", *genesys.flags, "--json", "-o", "x.parquet"], cwd=tmp_path, env={**CLEAN, **genesys.env},
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not genesys.requests(path="tokens/me"):
        time.sleep(0.02)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and json.loads(out)["error"]["code"] == "E_CANCELLED"


def test_a_host_that_answers_nothing_is_there_all_the_same(ql, sim):
    done = check(ql, sim(plan=[{"match": {"method": "HEAD"}, "times": -1, "fault": {"close_before_answer": True}}]), "-o", "x.parquet")
    assert done.code == 0 and one(done, "login")["result"] == one(done, "api")["result"] == "warning" and one(done, "token")["result"] == "ok", done
    assert one(done, "clock")["result"] == "skipped"


def test_wrong_use(ql):
    assert ql("check", "--no-such-flag").code == 64
    assert ql("run", "--write-test").code == 64 and ql("run", "--orphans").code == 64 and ql("check", "--no-check").code == 64
    assert json.loads(ql("check", "--json", "--from", "soon").out)["error"]["exit_code"] == 64
