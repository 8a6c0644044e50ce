"""Whatever kernel the processor allows and however the input arrives: the same bytes."""
import json
import subprocess

import pytest

from conftest import CLEAN
from support.exports import random_export

CEILINGS = ("scalar", "avx2", "native")


@pytest.mark.parametrize("seed", range(40))
def test_kernels_and_chunks_change_no_byte(ql, binary, tmp_path, seed):
    data, _ = random_export(1000 + seed, respell=seed % 3 == 0)
    (tmp_path / "in.csv").write_bytes(data)
    for layout in ("wide", "long"):
        results = set()
        for ceiling in CEILINGS:
            done = ql("transform", "in.csv", "--layout", layout, "-o", "out.parquet", env={"QUEUELAKE_CPU": ceiling})
            assert done.code == 0, done
            results.add((tmp_path / "out.parquet").read_bytes())
            process = subprocess.Popen([str(binary), "transform", "-", "-q", "--layout", layout], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, env={**CLEAN, "QUEUELAKE_CPU": ceiling}, cwd=tmp_path)
            for at in range(0, len(data), 777):
                process.stdin.write(data[at : at + 777])
                process.stdin.flush()
            results.add(process.communicate()[0])
            assert process.returncode == 0
        assert len(results) == 1, f"{layout}: {len(results)} different artefacts"


def test_version_tells_the_kernels(ql):
    assert json.loads(ql("version", "--json", env={"QUEUELAKE_CPU": "scalar"}).out)["kernels"] == "scalar"
    assert json.loads(ql("version", "--json").out)["kernels"] in ("avx512", "avx2", "neon", "scalar")


def test_a_ceiling_that_is_none_is_refused(ql, tmp_path):
    (tmp_path / "in.csv").write_text("timeInterval,queueName,callsOffered,callsAnswered\n")
    done = ql("transform", "in.csv", env={"QUEUELAKE_CPU": "sse9"})
    assert done.code == 78
    assert "QUEUELAKE_CPU 'sse9'" in done.text
    assert not (tmp_path / "in.parquet").exists()
