"""Where buckets are, against real S3 servers: other regions than the one that was said, names in the host, the owner's account."""
import contextlib
import shutil
import subprocess

import pytest
from conftest import AWS, VERSITYGW, free_port, wait_for_port

HEADER = "timeInterval,queueName,callsOffered,callsAnswered\n"
ROW = "2024-01-01T00:00:00Z/2024-01-01T00:30:00Z,Support,3,2\n"


@pytest.fixture
def csv(tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + ROW)


@pytest.mark.skipif(not VERSITYGW.exists(), reason="no versitygw")
def test_a_bucket_in_another_region_is_found(ql, versitygw, csv):
    bucket = versitygw.bucket("lake-elsewhere")
    done = ql("transform", "in.csv", "-o", f"s3://{bucket}/x.parquet", env={**versitygw.env, "AWS_REGION": "us-west-2"})
    assert done.code == 0 and "set AWS_REGION=eu-west-1" in done.text, done
    assert versitygw.client.head_object(Bucket=bucket, Key="x.parquet")["ContentLength"] > 0
    versitygw.client.put_object(Bucket=bucket, Key="in/a.csv", Body=(HEADER + ROW).encode())
    done = ql("transform", f"s3://{bucket}/in/", "-o", "out.parquet", env={**versitygw.env, "AWS_REGION": "us-west-2"})
    assert done.code == 0 and done.text.count("set AWS_REGION=eu-west-1") == 1, done


@pytest.fixture
def virtual(tmp_path_factory):
    """versitygw with buckets in the host."""
    folder = tmp_path_factory.mktemp("virtual")
    (folder / "data").mkdir()
    port, log = free_port(), folder / "log"
    server = subprocess.Popen([str(VERSITYGW), "--access", AWS["AWS_ACCESS_KEY_ID"], "--secret", AWS["AWS_SECRET_ACCESS_KEY"], "--region", AWS["AWS_REGION"],
                               "--virtual-domain", f"localhost:{port}", "--port", f"127.0.0.1:{port}", "posix", str(folder / "data")],
                              stdout=log.open("wb"), stderr=subprocess.STDOUT)
    wait_for_port(port, server, log)
    (folder / "data" / "lake-virtual").mkdir()
    yield f"http://localhost:{port}", folder / "data" / "lake-virtual"
    server.terminate()
    server.wait()
    with contextlib.suppress(OSError):
        shutil.rmtree(folder)


@pytest.mark.skipif(not VERSITYGW.exists(), reason="no versitygw")
def test_the_buckets_name_in_the_host(ql, virtual, csv):
    endpoint, folder = virtual
    env = {**AWS, "AWS_ENDPOINT_URL": endpoint}
    done = ql("transform", "in.csv", "--s3-addressing", "virtual", "-o", "s3://lake-virtual/a/x.parquet", env=env)
    assert done.code == 0, done
    assert (folder / "a/x.parquet").read_bytes()[:4] == b"PAR1"
    done = ql("transform", "in.csv", "--s3-addressing", "virtual", "-o", "s3://lake-virtual/x.parquet",
              env={**AWS, "AWS_ENDPOINT_URL": endpoint.replace("localhost", "127.0.0.1")})
    assert done.code == 78 and "--s3-addressing path" in done.text, done


def test_tags_can_be_left_out(ql, moto, csv):
    bucket = moto.bucket("lake-untagged")
    done = ql("transform", "in.csv", "--s3-tagging", "none", "-o", f"s3://{bucket}/x.parquet", env=moto.env)
    assert done.code == 0 and "tags" not in done.text, done
    assert moto.client.get_object_tagging(Bucket=bucket, Key="x.parquet")["TagSet"] == []


def test_sts_is_asked_before_the_default_bucket_is_used(ql, moto, csv):
    """The account is known, so what fails is S3 itself, which nobody can reach from here."""
    env = {**AWS, "AWS_ENDPOINT_URL_STS": moto.url, "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = ql("transform", "in.csv", "-o", "s3://genesys-analytics-exports/x.parquet", env=env)
    assert done.code == 75 and "cannot look at 's3://genesys-analytics-exports/x.parquet'" in done.text, done


def test_fips_and_another_endpoint_exclude_each_other(ql, moto, csv):
    done = ql("transform", "in.csv", "--s3-fips", "-o", "s3://lake/x.parquet", env=moto.env)
    assert done.code == 78 and "--s3-fips" in done.text, done
