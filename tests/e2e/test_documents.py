"""What the documents promise: the demo runs, the flags and files that they name exist, the release binary is hardened."""
import os
import pathlib
import re
import subprocess

import pytest

from conftest import ROOT

RELEASE = pathlib.Path(os.environ.get("QL_RELEASE_DIR", ROOT / "build/release"))
DOCUMENTS = [p for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/design/*.md")]]


def test_the_demo_ends_with_parquet_and_a_look_at_it():
    done = subprocess.run([ROOT / "tools/demo.sh"], capture_output=True, timeout=120)
    text = done.stdout.decode()
    assert done.returncode == 0, text + done.stderr.decode()
    for layout in ("wide", "long"):
        shape = re.search(rf"^{layout}: (\S+) \((\d+) rows x (\d+) columns", text, re.M)
        assert shape and pathlib.Path(shape[1]).stat().st_size > 1000 and int(shape[2]) > 20
    one_liner = re.search(r'^  (build/venv/bin/python -c ".*")$', text, re.M)[1]
    look = subprocess.run(one_liner, shell=True, cwd=ROOT, capture_output=True, timeout=60)
    assert look.returncode == 0 and b"queue_name" in look.stdout, look.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: p.name)
def test_flags_and_links_of_documents_exist(document, ql):
    text = "\n".join(line for line in document.read_text().splitlines() if not line.startswith(("    rclone ", "    azcopy ")))  # have flags of their own
    text = re.sub(r"'aws s3api [^']*'", "", text)  # advice to use another program
    known = "".join(ql("help", command).out.decode() for command in ("run", "transform", "check", "inspect", "config", "version"))
    known += subprocess.run([RELEASE / "queuelake-sim", "--help"], capture_output=True).stdout.decode() + (ROOT / "dev").read_text() + "--json --help --config"
    for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", text)) - {"--max-"}:
        assert flag in known, f"{document.name} names {flag}"
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (document.parent / link).exists(), f"{document.name} links to {link}"


def test_the_readme_has_every_region_and_permission():
    text = (ROOT / "README.md").read_text()
    regions = re.findall(r'^    \{"([^"]+)", "([^"]+)", "([^"]+)"\}', (ROOT / "src/source/regions.c").read_text(), re.M)
    assert len(regions) == 18
    for domain, code, _ in regions:
        assert re.search(rf"`{re.escape(domain)}`\s+\({code}\)", text), domain
    for permission in set(re.findall(r'"([a-z]+:[a-zA-Z]+:[a-z]+)"', (ROOT / "src/source/permissions.c").read_text())):
        assert f"`{permission}`" in text, permission


def test_the_release_binary_is_hardened():
    def readelf(flag):
        return subprocess.run(["readelf", flag, "-W", RELEASE / "queuelake"], capture_output=True, check=True).stdout.decode()

    assert re.search(r"Type:\s+DYN", readelf("-h"))
    dynamic, segments, symbols = readelf("-d"), readelf("-l"), readelf("-s")
    assert "BIND_NOW" in dynamic or "NOW" in dynamic
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert "GNU_RELRO" in segments and re.search(r"GNU_STACK.*\bRW\b", segments)
    assert "__stack_chk_fail" in symbols and re.search(r"__\w+_chk@", symbols)


def test_help_fits_and_every_command_has_it(ql):
    for command in ("run", "transform", "check", "inspect", "config", "version"):
        done = ql(command, "--help")
        assert done.code == 0 and done.out == ql("help", command).out
        lines = [line for line in done.out.decode().splitlines() if " " in line.strip()]  # one word cannot be broken
        assert max(map(len, lines)) <= 80
    assert max(map(len, ql("help").out.decode().splitlines())) <= 80
    assert ql().code == 0 and ql("--help").out == ql().out and ql("help").out == ql().out
    assert ql("--version").out.startswith(b"queuelake ")
    assert ql("version").code == 0 and ql("version", "--json").json["version"] == ql("--version").out.decode().split()[1]
