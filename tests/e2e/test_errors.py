"""The errors that people meet: each says what failed in one sentence and what to do in another, and which id to give to support."""
import pytest

from conftest import FAST
from test_run import API, RANGE, run


def test_wrong_client_id(ql, sim):
    genesys = sim()
    done = run(ql, genesys, "-o", "x.parquet", env={"GENESYS_CLIENT_ID": "someone-else"})
    assert done.code == 77 and "client id" in done.text and "GENESYS_ENVIRONMENT" in done.text, done


def test_wrong_secret(ql, sim):
    done = run(ql, sim(), "-o", "x.parquet", env={"GENESYS_CLIENT_SECRET": "wrong-secret-value"})
    assert done.code == 77 and "secret" in done.text and "wrong-secret-value" not in done.text, done


def test_disabled_client(ql, sim):
    done = run(ql, sim("--disabled-client"), "-o", "x.parquet")
    assert done.code == 77 and "disabled" in done.text, done


def test_missing_permission_names_it_and_where_to_grant_it(ql, sim):
    done = run(ql, sim("--permissions", "none"), "-o", "x.parquet")
    assert done.code == 77 and "analytics" in done.text and "role" in done.text.lower() and "request id:" in done.text, done


def test_missing_scope_is_named_before_anything_is_asked(ql, sim):
    genesys = sim("--scopes", "analytics:export:read")
    done = run(ql, genesys, "-o", "x.parquet")
    assert done.code == 77 and "analytics:export:write" in done.text, done
    assert not genesys.requests(path=API)


def test_rate_limit_to_the_end(ql, sim):
    done = run(ql, sim(plan=[{"match": {"path": API}, "times": -1, "fault": {"status": 429, "headers": {"Retry-After": "0"}}}]), "-o", "x.parquet")
    assert done.code == 75 and "429" in done.text and "hint:" in done.text, done


def test_no_network(ql):
    done = ql("run", *RANGE, *FAST, "--attempts", "2", "--login-url", "http://127.0.0.1:1", "--api-url", "http://127.0.0.1:1", "-o", "x.parquet",
              env={"GENESYS_CLIENT_ID": "a", "GENESYS_CLIENT_SECRET": "b"})
    assert done.code == 75 and "127.0.0.1" in done.text and "hint:" in done.text, done


def test_wrong_region_host(ql):
    done = ql("run", *RANGE, *FAST, "--attempts", "2", "-o", "x.parquet",
              env={"GENESYS_CLIENT_ID": "a", "GENESYS_CLIENT_SECRET": "b", "GENESYS_ENVIRONMENT": "no-such-region.invalid"})
    assert done.code == 75 and "login.no-such-region.invalid" in done.text and "GENESYS_ENVIRONMENT" in done.text, done


def test_plain_http_is_for_loopback_only(ql):
    done = ql("run", *RANGE, "--login-url", "http://login.example.com", "-o", "x.parquet", env={"GENESYS_CLIENT_ID": "a", "GENESYS_CLIENT_SECRET": "b"})
    assert done.code == 76 and "--allow-http" in done.text, done


@pytest.mark.parametrize("flags, env, words", [
    (["--api-url", "api.mypurecloud.de"], {}, "--api-url is no URL"), (["--login-url", "login.mypurecloud.de:443/x"], {}, "--login-url is no URL"),
    (["--api-url", "https://"], {}, "--api-url is no URL"), ([], {"HTTPS_PROXY": "ftp://127.0.0.1:1"}, "no URL of a proxy")])
@pytest.mark.parametrize("source", ["aggregates", "reporting", "exports"])
def test_addresses_that_are_none(ql, sim, source, flags, env, words):
    genesys = sim()
    done = ql("run", *RANGE, "--source", source, *genesys.flags, *flags, "-o", "x.parquet", env={**genesys.env, **env})
    assert done.code == 78 and words in done.text and "again" not in done.text, done
    assert not genesys.requests()


def test_html_instead_of_csv(ql, sim):
    genesys = sim(plan=[{"match": {"host": "download"}, "times": -1, "fault": {"status": 200, "body": "<html><body>Sign in</body></html>", "content_type": "text/html"}}])
    done = run(ql, genesys, "-o", "x.parquet")
    assert done.code == 65 and "HTML" in done.text, done


def test_credentials_that_are_missing(ql, sim):
    done = ql("run", *RANGE, "-o", "x.parquet")
    assert done.code == 78 and "GENESYS_CLIENT_ID" in done.text, done
    done = run(ql, sim(), env={"S3_BUCKET": "mine"})
    assert done.code == 78 and "AWS_ACCESS_KEY_ID" in done.text, done


def test_the_default_bucket_could_be_anyones(ql, sim):
    nobody = {"AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"}  # discard: no STS listens there
    done = run(ql, sim(), env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", **nobody})
    assert done.code == 75 and "genesys-analytics-exports" in done.text and "--expected-bucket-owner" in done.text and "S3_BUCKET" in done.text, done


def test_plain_http_to_a_store_is_for_loopback_only(ql, sim):
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": "http://s3.example.invalid:9000", "S3_BUCKET": "lake"}
    done = run(ql, sim(), env=env)
    assert done.code == 78 and "--allow-http" in done.text, done
    done = run(ql, sim(), "--allow-http", "--attempts", "1", env=env)
    assert done.code == 75 and "s3.example.invalid" in done.text, done


def test_bucket_missing(ql, sim, s3):
    done = run(ql, sim(), env={**s3.env, "S3_BUCKET": "there-is-no-such-bucket"})
    assert done.code == 73 and "NoSuchBucket" in done.text and "there-is-no-such-bucket" in done.text, done


def test_access_denied(ql, sim, versitygw_or_moto):
    """A wrong secret: the server refuses the signature and says so with its own code."""
    s3 = versitygw_or_moto
    bucket = s3.bucket("lake-denied")
    done = run(ql, sim(), env={**s3.env, "S3_BUCKET": bucket, "AWS_SECRET_ACCESS_KEY": "not-the-secret"})
    if s3.name == "moto":  # checks no signature
        assert done.code == 0
    else:
        assert done.code == 77 and "SignatureDoesNotMatch" in done.text and "not-the-secret" not in done.text, done


@pytest.fixture(params=["versitygw_or_moto"])
def versitygw_or_moto(request):
    from conftest import VERSITYGW

    return request.getfixturevalue("versitygw" if VERSITYGW.exists() else "moto")


def test_tag_mistakes(ql, sim, moto):
    for tag, word in (("aws:x=1", "aws:"), ("k=" + "v" * 300, "256"), ("a=b;c", ";"), ("novalue", "key=value")):
        done = run(ql, sim(), "--tag", tag, env={**moto.env, "S3_BUCKET": "b-b-b"})
        assert done.code in (64, 78) and word in done.text, done


@pytest.mark.parametrize("args, code, words", [
    (["transfrom", "x.csv"], 64, ["transfrom", "transform"]),
    (["transform"], 64, ["no input"]),
    (["transform", "x.csv"], 66, ["x.csv"]),
    (["transform", "x.csv", "--layuot", "long"], 64, ["--layuot", "--layout"]),
    (["transform", "x.csv", "--layout", "lang"], 64, ["lang", "long"]),
    (["transform", "x.csv", "--round", "77"], 64, ["77"]),
    (["run", "--from", "2024-13-01", "--to", "2024-12-01"], 64, ["2024-13-01"]),
    (["run", "--from", "2024-01-02", "--to", "2024-01-01"], 64, ["before"]),
    (["run", "--from", "2024-01-02"], 64, ["--to"]),
    (["run", "--genesys-client-secret", "hush-hush"], 64, ["GENESYS_CLIENT_SECRET"]),
    (["transform", "x.csv", "--timezone", "Europe/Madird"], 64, ["Europe/Madird"]),
    (["transform", "-", "--json", "-o", "-"], 64, ["--json"]),
    (["transform", "x.csv", "-o", "s3://bucket/{strat}.parquet"], 78, ["{strat}", "{start"]),
    (["transform", "x.csv", "-o", "s3://bucket/../x.parquet"], 64, [".."]),
    (["transform", "x.csv", "-o", "ftp://x/y"], 64, ["ftp"]),
])
def test_wrong_use(ql, tmp_path, args, code, words):
    done = ql(*args, env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    told = done.text + done.out.decode()
    assert done.code == code and all(w in told for w in words), done
    assert "hush-hush" not in told


def test_errors_as_json_even_before_a_run(ql):
    done = ql("transform", "nowhere.csv", "--json")
    assert done.code == 66 and done.json["status"] == "error" and done.json["error"]["exit_code"] == 66
    assert "nowhere.csv" in done.json["error"]["message"] and done.json["error"]["hint"]
    done = ql("run", "--json", "--no-such-flag")
    assert done.code == 64 and done.json["error"]["code"] == "E_USAGE"
