"""AWS credentials from where the SDKs find them, end to end: doubles of STS, the container endpoints and the instance metadata hand them out,
and the object must be there. versitygw checks signatures but takes no session tokens, moto takes anything; so a judge, which lets botocore sign
the same request, stands beside them. moto is also an STS of other hands."""
import http.server
import json
import os
import stat
import threading
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from conftest import AWS, FAST

CSV = "timeInterval,queueName,callsOffered,callsAnswered\n2024-05-06T09:00:00Z/2024-05-06T09:30:00Z,S,1,1\n"
ID, SECRET = AWS["AWS_ACCESS_KEY_ID"], AWS["AWS_SECRET_ACCESS_KEY"]
TOKEN = "session/token+=="
LATER = "2099-01-01T00:00:00Z"
ROLE = "arn:aws:iam::123456789012:role/lake"


class Double(http.server.ThreadingHTTPServer):
    """Answers by a function of the request; keeps what arrived."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer, self.seen = answer, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def serve(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        seen = {"method": self.command, "path": self.path, "headers": {n.lower(): v for n, v in self.headers.items()}, "body": body}
        self.server.seen.append(seen)
        status, headers, answer = self.server.answer(seen)
        answer = answer.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else answer)

    do_GET = do_PUT = do_POST = do_HEAD = serve


@pytest.fixture
def double():
    running = []

    def start(answer):
        running.append(Double(answer))
        return running[-1]

    yield start
    for one in running:
        one.shutdown()
        one.server_close()


def as_json(id=ID, secret=SECRET, token=TOKEN, expiration=LATER):
    return json.dumps({"Code": "Success", "AccessKeyId": id, "SecretAccessKey": secret, "Token": token, "Expiration": expiration})


def as_xml(action, id=ID, secret=SECRET, token=TOKEN):
    return (f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId>'
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken><Expiration>{LATER}</Expiration></Credentials>"
            f"</{action}Result></{action}Response>")


def signature(seen, url, credentials, service, region="eu-west-1"):
    """The signature that botocore makes of the same request."""
    signed = seen["headers"]["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = botocore.awsrequest.AWSRequest(method=seen["method"], url=url + seen["path"], data=seen["body"],
                                             headers={n: seen["headers"][n] for n in signed if n not in ("host", "x-amz-date")})
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(botocore.credentials.Credentials(*credentials), service, region)
    request.context["timestamp"] = seen["headers"]["x-amz-date"]
    request.headers["X-Amz-Date"] = seen["headers"]["x-amz-date"]
    return signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)


class Judge:
    """An S3 server that takes an object if botocore signs its request alike."""

    name = "judge"

    def __init__(self, double, secrets):
        self.keys = []
        self.server = double(self.answer)
        self.url, self.secrets = self.server.url, secrets

    def answer(self, seen):
        token = seen["headers"].get("x-amz-security-token", "")
        id, secret = self.secrets.get(token, ("", ""))
        authorization = seen["headers"]["authorization"]
        if not secret or f"Credential={id}/" not in authorization or not authorization.endswith("=" + signature(seen, self.url, (id, secret, token), "s3")):
            return 400, {}, "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
        self.keys += [seen["path"].split("/", 2)[2]] if seen["method"] == "PUT" else []
        return (200, {"ETag": '"e"'}, "") if seen["method"] == "PUT" else (404, {}, "")


@pytest.fixture(params=["moto", "judge"])
def store(request, ql, double, tmp_path):
    """store(env, *args): transforms into a bucket without keys in the environment, and gives the run and the keys there."""
    if request.param == "moto":
        s3 = request.getfixturevalue("moto")
        bucket = s3.bucket(f"creds-{abs(hash(tmp_path)) % 10**8}")
    else:
        s3, bucket = Judge(double, {TOKEN: (ID, SECRET), "": (ID, SECRET)}), "lake"
    (tmp_path / "in.csv").write_text(CSV)

    def run(env, *args):
        base = {"AWS_ENDPOINT_URL_S3": s3.url, "AWS_REGION": "eu-west-1"}
        done = ql("transform", "in.csv", "-o", f"s3://{bucket}/x.parquet", *FAST[:4], *args, env={**base, **env})
        assert SECRET not in done.text and SECRET not in done.out.decode() and TOKEN not in done.text
        return done, s3.keys if s3.name == "judge" else [o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    return run


def assert_stored(result):
    done, keys = result
    assert done.code == 0 and keys == ["x.parquet"], done


def test_instance_metadata_version_2(store, double):
    def answer(seen):
        path, headers = seen["path"], seen["headers"]
        if path == "/latest/api/token":
            return (200, {}, "t0ken-of-imds") if seen["method"] == "PUT" and headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600" else (400, {}, "")
        if headers.get("x-aws-ec2-metadata-token") != "t0ken-of-imds":
            return 401, {}, ""
        return 200, {}, {"/latest/meta-data/iam/security-credentials/": "a-role", "/latest/meta-data/iam/security-credentials/a-role": as_json()}[path]

    imds = double(answer)
    # A proxy must not see it: none listens there.
    assert_stored(store({"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url + "/", "http_proxy": "http://127.0.0.1:1"}))
    assert [seen["method"] for seen in imds.seen] == ["PUT", "GET", "GET"]


def test_metadata_behind_one_hop_too_many(ql, double, tmp_path):
    """The answer to the token's PUT never comes: the instance's hop limit ends it on its way into a container."""
    over = threading.Event()
    imds = double(lambda seen: over.wait(30) and (503, {}, "") or (503, {}, ""))
    (tmp_path / "in.csv").write_text(CSV)
    done = ql("transform", "in.csv", "-o", "s3://lake/x.parquet",
              env={"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": imds.url, "AWS_REGION": "eu-west-1"})
    over.set()
    assert done.code == 78 and "--http-put-response-hop-limit 2" in done.text and imds.url in done.text, done
    assert {seen["method"] for seen in imds.seen} == {"PUT"} and len(imds.seen) == 2  # never version 1


def test_container_with_a_token_file(store, double, tmp_path):
    (tmp_path / "token").write_text("pod-t0ken\n")
    agent = double(lambda seen: (200, {}, as_json()) if seen["headers"].get("authorization") == "pod-t0ken" else (401, {}, ""))
    assert_stored(store({"AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url + "/v1/credentials",
                         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token")}))
    assert [seen["path"] for seen in agent.seen] == ["/v1/credentials"]


def test_web_identity(store, double, tmp_path):
    (tmp_path / "token").write_text("web.t0ken/+=\n")
    sts = double(lambda seen: (200, {}, as_xml("AssumeRoleWithWebIdentity")))
    assert_stored(store({"AWS_ENDPOINT_URL_STS": sts.url, "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": ROLE,
                         "AWS_ROLE_SESSION_NAME": "lake@home"}))
    [seen] = sts.seen
    assert (seen["method"], seen["path"]) == ("POST", "/") and "authorization" not in seen["headers"]
    assert dict(urllib.parse.parse_qsl(seen["body"].decode())) == {
        "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE, "RoleSessionName": "lake@home", "WebIdentityToken": "web.t0ken/+="}


@pytest.mark.parametrize("by", ["flag", "environment"])
def test_profile_with_a_role(store, double, tmp_path, by):
    sts = double(lambda seen: (200, {}, as_xml("AssumeRole")))
    (tmp_path / "config").write_text(f"[profile lake]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = a b+c\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text("[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = b/s+s\naws_session_token = b/t+t=\n")
    env = {"AWS_ENDPOINT_URL_STS": sts.url, "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
           "AWS_REGION": ""}
    if by == "flag":  # which wins over keys, as with the AWS CLI
        assert_stored(store({**env, "AWS_ACCESS_KEY_ID": "AKIDWRONG", "AWS_SECRET_ACCESS_KEY": "wrong"}, "--s3-profile", "lake"))
    else:
        assert_stored(store({**env, "AWS_PROFILE": "lake"}))
    [seen] = sts.seen
    assert dict(urllib.parse.parse_qsl(seen["body"].decode()))["ExternalId"] == "a b+c"
    assert seen["headers"]["authorization"].endswith("Signature=" + signature(seen, sts.url, ("AKIDBASE", "b/s+s", "b/t+t="), "sts"))


def test_credential_process(store, tmp_path):
    program = tmp_path / "a program"
    program.write_text("#!/bin/sh\n[ -z \"$GENESYS_CLIENT_SECRET\" ] || exit 5\necho \"$0 says $1\" >&2\n"
                       f"echo '{{\"Version\": 1, \"AccessKeyId\": \"{ID}\", \"SecretAccessKey\": \"{SECRET}\"}}'\nexit $FAILS\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "config").write_text(f"[default]\ncredential_process = '{program}' '{SECRET}'\n")
    env = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "GENESYS_CLIENT_SECRET": "hush-hush"}
    assert_stored(store({**env, "FAILS": "0"}))
    done, _ = store({**env, "FAILS": "3"})
    assert done.code == 77 and "exit code 3" in done.text and "says ***" in done.text, done


def test_keys_of_a_profile(ql, s3, tmp_path):
    bucket = s3.bucket(f"creds-{s3.name}-keys")
    (tmp_path / "in.csv").write_text(CSV)
    (tmp_path / "credentials").write_text(f"[default]\n  aws_access_key_id : {ID}\n  AWS_SECRET_ACCESS_KEY = {SECRET}\n")
    done = ql("transform", "in.csv", "-o", f"s3://{bucket}/x.parquet",
              env={"AWS_ENDPOINT_URL": s3.url, "AWS_REGION": "eu-west-1", "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")})
    assert_stored((done, [o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket).get("Contents", [])]))


def test_nothing_anywhere_is_one_message(store):
    done, keys = store({})
    assert done.code == 78 and keys == [], done
    for part in ("AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE", "/nonexistent/.aws/credentials", "AWS_CONTAINER_CREDENTIALS",
                 "AWS_EC2_METADATA_DISABLED", "--s3-profile"):
        assert part in done.text, done


def test_an_expiration_in_the_past_is_told_before_anything_is_sent(store):
    done, keys = store({**AWS, "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"})
    assert done.code == 77 and keys == [] and "expired at 2020-01-01T00:00:00Z" in done.text, done
    assert_stored(store({**AWS, "AWS_CREDENTIAL_EXPIRATION": LATER}))


def test_a_token_that_expires_on_the_way_is_renewed(ql, double, tmp_path):
    """The first credentials are refused by S3; the container has new ones."""
    answers = iter(["old", "new", "never"])
    agent = double(lambda seen: (200, {}, as_json("AKID" + (name := next(answers)).upper(), "secret-of-" + name, "token-of-" + name)))

    bucket = Judge(double, {"token-of-new": ("AKIDNEW", "secret-of-new")})
    (tmp_path / "in.csv").write_text(CSV)
    done = ql("transform", "in.csv", "-o", "s3://lake/x.parquet", *FAST[:4],
              env={"AWS_ENDPOINT_URL_S3": bucket.url, "AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url})
    assert done.code == 0 and len(agent.seen) == 2 and bucket.keys == ["x.parquet"], done
    assert "secret-of" not in done.text and "token-of" not in done.text


def test_roles_of_a_second_sts(ql, moto, tmp_path):
    """moto's own STS and S3: answers that nobody here wrote. A chain of two roles, then a web identity."""
    bucket = moto.bucket("creds-moto-sts")
    (tmp_path / "in.csv").write_text(CSV)
    (tmp_path / "token").write_text("a.b.c")
    (tmp_path / "config").write_text(
        f"[profile two]\nrole_arn = {ROLE}-two\nsource_profile = one\n[profile one]\nrole_arn = {ROLE}-one\ncredential_source = Environment\n"
        f"[profile web]\nrole_arn = {ROLE}-web\nweb_identity_token_file = {tmp_path}/token\n")
    for profile in ("two", "web"):
        done = ql("transform", "in.csv", "-o", f"s3://{bucket}/{profile}.parquet", "--s3-profile", profile,
                  env={**AWS, "AWS_ENDPOINT_URL": moto.url, "AWS_CONFIG_FILE": str(tmp_path / "config")})
        assert done.code == 0, done
    assert [o["Key"] for o in moto.client.list_objects_v2(Bucket=bucket)["Contents"]] == ["two.parquet", "web.parquet"]


def test_run_finds_credentials_before_it_asks_for_an_export(ql, sim):
    genesys = sim()
    done = ql("run", "--source", "exports", "--from", "2024-01-01", "--to", "2024-01-02", *FAST, *genesys.flags, "-o", "s3://lake/x.parquet", env=genesys.env)
    assert done.code == 78 and "there are no AWS credentials" in done.text, done
    assert genesys.requests() == []


def test_a_file_needs_no_credentials(ql, tmp_path):
    (tmp_path / "in.csv").write_text(CSV)
    done = ql("transform", "in.csv", "-o", "out.parquet", env={"AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": "/dev/null/x"})
    assert done.code == 0 and os.path.exists(tmp_path / "out.parquet"), done
