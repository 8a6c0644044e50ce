"""What a start costs: which libraries are loaded for what, and what is said where libcurl is not there."""
import re

import pytest

from conftest import AWS

EXPORT = ("timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds\n"
          "2024-01-01T09:00:00.000Z/2024-01-01T09:30:00.000Z,q1,Sales,10,8,80.5,120.25\n")
# Of requests, and of what libcurl brings along; SQLite for what keeps a journal.
NOT_FOR_FILES = re.compile(r"lib(curl|ssl|gnutls|nghttp|ldap|lber|krb5|gssapi|ssh|rtmp|psl|idn|sqlite)")


def loaded(done):
    return set(re.findall(r"find library=(\S+)", done.text))


@pytest.fixture
def export(tmp_path):
    (tmp_path / "in.csv").write_text(EXPORT)
    return tmp_path


@pytest.fixture
def without_libcurl(tmp_path):
    """An environment in which the library that the loader finds first under libcurl's name is none."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libcurl.so.4").write_bytes(b"")
    return {"LD_LIBRARY_PATH": str(tmp_path / "lib")}


@pytest.mark.parametrize("args", [("transform", "in.csv", "-o", "out.parquet"), ("transform", "in.csv", "-o", "out.parquet", "--layout", "long"),
                                  ("transform", "in.csv", "-o", "out.parquet", "--compression", "zstd", "--source-sha256"), ("transform", "in.csv", "-o", "-"),
                                  ("config",), ("help", "run"), ("--version",)])
def test_what_needs_no_network_loads_none_of_its_libraries(ql, export, args):
    done = ql(*args, env={"LD_DEBUG": "libs"})
    assert done.code == 0, done
    assert "libc.so.6" in loaded(done)  # what is looked for would be seen
    assert not [name for name in loaded(done) if NOT_FOR_FILES.match(name)]


def test_what_asks_for_libcurl_loads_it(ql):
    done = ql("version", env={"LD_DEBUG": "libs"})
    assert done.code == 0 and b"libcurl/" in done.out, done
    assert "libcurl.so.4" in loaded(done)


def test_without_libcurl_files_are_transformed(ql, export, without_libcurl):
    assert ql("transform", "in.csv", "-o", "out.parquet", env=without_libcurl).code == 0
    assert (export / "out.parquet").read_bytes()[:4] == b"PAR1"
    done = ql("version", env=without_libcurl)
    assert done.code == 0 and b"no libcurl" in done.out, done


@pytest.mark.parametrize("args", [("transform", "in.csv", "-o", "s3://bucket/key.parquet"),
                                  ("run", "--from", "2024-01-01", "--to", "2024-01-02", "-o", "out.parquet")])
def test_without_libcurl_a_request_says_what_to_install(ql, export, without_libcurl, args):
    done = ql(*args, env={**without_libcurl, **AWS, "GENESYS_CLIENT_ID": "id", "GENESYS_CLIENT_SECRET": "secret"})
    assert done.code == 71, done
    assert "libcurl, which makes the requests, cannot be loaded: " in done.text and "libcurl.so.4: file too short" in done.text
    assert "apt-get install libcurl4" in done.text
    assert not (export / "out.parquet").exists()
