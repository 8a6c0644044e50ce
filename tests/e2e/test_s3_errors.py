"""What the owner of a bucket is told, end to end: a server that works, but for the one request that s3_refusals.py has refused."""
import pytest
from conftest import AWS
from fault_proxy import FaultProxy
from s3_refusals import REFUSALS
from test_s3_faults import QUICK, artefacts  # noqa: F401 (a fixture)


@pytest.fixture(scope="module")
def bucket(moto):
    return moto.bucket("refusing")


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_each_refusal_says_what_failed_and_what_to_do(ql, moto, bucket, artefacts, tmp_path, refusal):  # noqa: F811
    artefact = artefacts[refusal.op != "PutObject"]
    with FaultProxy(int(moto.url.rsplit(":", 1)[1]), [refusal.rule]) as proxy:
        env = {**AWS, "AWS_ENDPOINT_URL": proxy.url, "TMPDIR": str(tmp_path)}
        flags = [*artefact.flags, *QUICK, *refusal.flags, "--state-dir", tmp_path / "state", "--json"]
        done = ql("transform", artefact.csv, "-o", f"s3://{bucket}/day=1/k.parquet", *flags, env=env)
    error = done.json["error"]
    assert done.code == error["exit_code"] == refusal.exit_code, done
    assert refusal.says in error["message"] and f"s3://{bucket}/day=1/k.parquet" in error["message"], done
    assert f"({refusal.code}: " in error["message"] and refusal.message[:40] in error["message"], done
    assert refusal.advice.format(bucket=bucket) in error["hint"], done
    assert error["request_id"] == "PROXY"
    assert AWS["AWS_SECRET_ACCESS_KEY"] not in done.text + done.out.decode()
    assert moto.client.list_objects_v2(Bucket=bucket).get("Contents", []) == []
    assert moto.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


@pytest.mark.parametrize("is_allowed", [True, False])
def test_who_may_not_abort_is_told_what_is_left(ql, moto, bucket, artefacts, tmp_path, is_allowed):  # noqa: F811
    plan = [{"op": "UploadPart", "times": 1000, "fault": "answer", "status": 403, "code": "AccessDenied"}]
    if not is_allowed:
        plan.append({"op": "AbortMultipartUpload", "times": 1000, "fault": "answer", "status": 403, "code": "AccessDenied"})
    artefact = artefacts[True]
    with FaultProxy(int(moto.url.rsplit(":", 1)[1]), plan) as proxy:
        done = ql("transform", artefact.csv, "-o", f"s3://{bucket}/aborts/k.parquet", *artefact.flags, *QUICK, "--state-dir", tmp_path / "state",
                  env={**AWS, "AWS_ENDPOINT_URL": proxy.url, "TMPDIR": str(tmp_path)})
    assert done.code == 77
    assert ("could not be ended" in done.text and "check --orphans" in done.text) == (not is_allowed), done
    for upload in moto.client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
        moto.client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
