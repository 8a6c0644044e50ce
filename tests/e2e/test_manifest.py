"""--manifest: what stands beside an artefact holds against its schema, the artefact itself and the input, as others read them."""
import hashlib
import json

import jsonschema
import pyarrow.parquet as pq
import pytest

from conftest import FAST, ROOT

SCHEMA = json.loads((ROOT / "docs/manifest.schema.json").read_text())
HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,avgHandleTimeSeconds,serviceLevelPercent\n"
ROWS = ["2024-01-01T09:00:00Z/2024-01-01T09:30:00Z,1,a,5,4,30,80\n", "2024-01-01T09:00:00Z/2024-01-01T09:30:00Z,2,b,6,,31,80\n",
        "2024-01-01T10:00:00Z/2024-01-01T10:30:00Z,1,a,7,4,32,80\n", "2024-01-01T10:00:00Z/2024-01-01T10:30:00Z,2,b,x,4,33,80\n"]


def check(text, artefact):
    """A manifest that its schema takes and whose facts of the artefact are those that pyarrow and hashlib see."""
    manifest = json.loads(text)
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(manifest, SCHEMA, format_checker=jsonschema.FormatChecker())
    metadata = pq.read_metadata(artefact)
    says = manifest["artefact"]
    assert says["sha256"] == hashlib.sha256(artefact.read_bytes()).hexdigest() and says["bytes"] == artefact.stat().st_size
    assert (says["rows"], says["columns"]) == (metadata.num_rows, metadata.num_columns)
    footer = json.loads(metadata.metadata[b"queuelake"])
    assert manifest["settings"] == footer["settings"] and manifest["metrics"] == footer["columns"] and manifest["range"] == footer["range"]
    return manifest


@pytest.fixture
def small(tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + "".join(ROWS))
    return tmp_path


def test_beside_a_file(ql, small):
    done = ql("transform", "in.csv", "-o", "lake/{start}.parquet", "--manifest", "--on-bad-row", "skip", "--source-sha256", "--org", "acme", "--layout", "long", "--json")
    assert done.code == 0 and done.json["artefact"]["manifest"] == "lake/2024-01-01T0900Z.parquet.manifest.json", done
    manifest = check((small / done.json["artefact"]["manifest"]).read_text(), small / "lake/2024-01-01T0900Z.parquet")
    data = (small / "in.csv").read_bytes()
    assert manifest["source"] == {"type": "file", "environment": None, "org": "acme", "export_id": None, "paths": ["in.csv"], "inputs": 1, "bytes": len(data),
                                  "sha256": hashlib.sha256(data).hexdigest()}
    assert manifest["counts"] == {"rows_read": 3, "bad_rows": 1, "missing_values": 1, "duplicates_merged": 0, "intervals": 2, "queues": 2, "cells": 3, "cells_filled": 0}
    assert manifest["artefact"]["location"] == "lake/2024-01-01T0900Z.parquet" and manifest["artefact"]["layout"] == "long"
    assert len(list((small / "lake").iterdir())) == 2


def test_it_follows_the_artefact(ql, small):
    """A version has its own; an unchanged artefact gets one that was missing; a skipped one, which is another's, gets none."""
    base = ["transform", "in.csv", "-o", "out.parquet", "--on-bad-row", "skip"]
    assert ql(*base).code == 0
    assert ql(*base, "--manifest", "--layout", "long", "--if-exists", "skip").code == 0
    assert not (small / "out.parquet.manifest.json").exists()
    assert ql(*base, "--manifest").code == 0
    check((small / "out.parquet.manifest.json").read_text(), small / "out.parquet")
    assert ql(*base, "--manifest", "--layout", "long", "--if-exists", "version").code == 0
    check((small / "out.v2.parquet.manifest.json").read_text(), small / "out.v2.parquet")


def test_a_manifest_that_cannot_be_written_is_told(ql, small):
    base = ["transform", "in.csv", "--on-bad-row", "skip", "--manifest", "--json", "-o"]
    for name in ("out.parquet", "2024-01-01T0900Z.parquet"):
        (small / f"{name}.manifest.json").mkdir()
    done = ql(*base, "out.parquet")  # seen before anything is read
    assert done.code == 73 and "out.parquet.manifest.json' is a folder" in done.json["error"]["message"] and not (small / "out.parquet").exists(), done
    done = ql(*base, "{start}.parquet")  # only the input tells the name
    assert done.code == 73, done
    assert done.json["error"]["message"].startswith("'2024-01-01T0900Z.parquet' is stored, but its manifest is not: '2024-01-01T0900Z.parquet.manifest.json' is a folder")
    assert pq.read_table(small / "2024-01-01T0900Z.parquet").num_rows == 2
    done = ql("transform", "in.csv", "--manifest", "-o", "-")
    assert done.code == 64 and "no place beside standard output" in done.text


def test_beside_an_object(ql, sim, s3, tmp_path):
    bucket = s3.bucket(f"manifest-{s3.name}")
    genesys = sim()
    done = ql("run", "--source", "exports", "--from", "2024-01-01", "--to", "2024-01-02", *genesys.flags, *FAST, "--json", "--manifest",
              "-o", f"s3://{bucket}/date={{start:%Y-%m-%d}}/part-{{export_id}}-{{sha256}}.parquet", env={**genesys.env, **s3.env})
    assert done.code == 0, done
    keys = sorted(o["Key"] for o in s3.client.list_objects_v2(Bucket=bucket)["Contents"])
    assert len(keys) == 2 and keys[1] == keys[0] + ".manifest.json"
    path = tmp_path / "object.parquet"
    path.write_bytes(s3.client.get_object(Bucket=bucket, Key=keys[0])["Body"].read())
    text = s3.client.get_object(Bucket=bucket, Key=keys[1])["Body"].read().decode()
    manifest = check(text, path)
    assert manifest["artefact"]["location"] == f"s3://{bucket}/{keys[0]}" and keys[0].endswith(manifest["artefact"]["sha256"] + ".parquet")
    head = s3.client.head_object(Bucket=bucket, Key=keys[0])
    assert manifest["artefact"]["etag"].strip('"') == head["ETag"].strip('"')
    assert manifest["source"]["export_id"] == done.json["input"]["export_id"] and manifest["source"]["environment"] == "mypurecloud.com"
    assert manifest["range"] == {"from": "2024-01-01T00:00:00.000Z", "to": "2024-01-02T00:00:00.000Z"}
    for secret in (genesys.env["GENESYS_CLIENT_SECRET"], genesys.env["GENESYS_CLIENT_ID"], s3.env["AWS_SECRET_ACCESS_KEY"], s3.env["AWS_ACCESS_KEY_ID"]):
        assert secret not in text
