"""The transform against the oracle, over random exports, read back by four foreign readers."""
import random

import pytest

from support import oracle
from support.exports import random_export
from support.readers import assert_artefact, assert_same_table, by_pyarrow

SEEDS = range(200)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_export(ql, tmp_path, seed):
    data, facts = random_export(seed, respell=seed % 4 == 0)
    (tmp_path / "in.csv").write_bytes(data)
    for layout in ("wide", "long"):
        done = ql("transform", "in.csv", "--layout", layout, "-o", f"{layout}.parquet")
        assert done.code == 0, done
        assert_artefact(tmp_path / f"{layout}.parquet", oracle.transform(data, layout, delimiter=facts["delimiter"]))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_export_in_the_pandas_profile(ql, tmp_path, seed):
    data, facts = random_export(seed)
    (tmp_path / "in.csv").write_bytes(data)
    done = ql("transform", "in.csv", "--profile", "pandas", "-o", "out.parquet")
    assert done.code == 0, done
    expected = oracle.transform(data, profile="pandas", delimiter=facts["delimiter"])
    assert_artefact(tmp_path / "out.parquet", expected, tolerance=1e-12)


@pytest.mark.parametrize("seed", range(0, 200, 10))
def test_row_order_codec_and_spelling_of_instants_change_nothing(ql, tmp_path, seed):
    """Equal data are equal bytes; another codec is other bytes with the same values."""
    data, facts = random_export(seed)
    rng = random.Random(seed)
    # Shuffle whole records: quoted line breaks must not be cut, so the csv module does it.
    import csv
    import io

    reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=facts["delimiter"])
    header, *rows = list(reader)
    rng.shuffle(rows)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    (tmp_path / "a.csv").write_bytes(data)
    (tmp_path / "b.csv").write_bytes(out.getvalue().encode("utf-16"))
    for layout in ("wide", "long"):
        artefacts = []
        for name in ("a", "b"):
            done = ql("transform", f"{name}.csv", "--layout", layout, "-o", f"{name}.parquet")
            assert done.code == 0, done
            artefacts.append((tmp_path / f"{name}.parquet").read_bytes())
        assert artefacts[0] == artefacts[1]
        expected = oracle.transform(data, layout, delimiter=facts["delimiter"])
        for codec in ("zstd", "none"):
            assert ql("transform", "a.csv", "--layout", layout, "--compression", codec, "-o", "c.parquet").code == 0
            assert_same_table(by_pyarrow(tmp_path / "c.parquet"), expected, codec)


def test_null_instead_of_zero(ql, tmp_path):
    data, facts = random_export(3)
    (tmp_path / "in.csv").write_bytes(data)
    for layout in ("wide", "long"):
        assert ql("transform", "in.csv", "--empty", "null", "--layout", layout, "-o", "out.parquet").code == 0
        assert_artefact(tmp_path / "out.parquet", oracle.transform(data, layout, delimiter=facts["delimiter"], empty_null=True))
