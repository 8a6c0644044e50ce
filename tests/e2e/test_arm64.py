"""arm64 without such a machine: csv is compiled for it and run under QEMU, its NEON kernels against the portable ones.

The libraries that the whole program is linked with are not needed: tests/arm64/stand_ins has what csv asks of them. On an arm64
machine there is nothing to do here: ctest has run the same on the processor itself.
"""
import platform
import shutil
import subprocess

import pytest

from conftest import ROOT

CROSS, QEMU = "aarch64-linux-gnu-gcc", "qemu-aarch64"
MISSING = [tool for tool in (CROSS, QEMU, "gcc") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.skipif(platform.machine() == "aarch64", reason="this is an arm64 machine: ctest has run NEON on it"),
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)} (./dev test installs them on Debian and Ubuntu)"),
    pytest.mark.xdist_group("arm64"),  # what is compiled once is for all of them
]

STAND_INS = ROOT / "tests/arm64/stand_ins"
SOURCES = [*sorted((ROOT / "src/csv").glob("*.c")), ROOT / "src/cpu/cpu.c", STAND_INS / "codec.c",
           *(ROOT / f"src/base/{name}.c" for name in ("err", "mem", "parallel", "str", "time", "tz", "unicode"))]
# As the release is compiled. Linked statically, so that QEMU need not be told where libraries for arm64 are.
FLAGS = ["-std=c17", "-O3", "-DNDEBUG", "-D_GNU_SOURCE", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fno-strict-aliasing",
         "-pthread", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'src'}", f"-I{ROOT / 'tests'}", f"-I{STAND_INS}"]
# Those that make no compressed streams. They have a measure of their own: an automaton, literal rows, Python's numbers.
UNIT_TESTS = ("header", "index", "interval", "number", "rows")


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, errors="replace", timeout=300)
    assert done.returncode == 0, f"{command[0]}: exit {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def compile_csv(compiler, folder):
    """compile(main.c) gives a program of that file and csv."""
    run(compiler, *FLAGS, "-c", *SOURCES, cwd=folder)
    objects = sorted(folder.glob("*.o"))
    assert len(objects) == len(SOURCES)

    def compile_program(main):
        program = folder / main.stem
        run(compiler, *FLAGS, "-static", main, *objects, "-o", program)
        return program

    return compile_program


@pytest.fixture(scope="module")
def for_arm64(tmp_path_factory):
    return compile_csv(CROSS, tmp_path_factory.mktemp("arm64"))


def test_neon_reads_what_the_portable_kernel_and_another_machine_read(for_arm64, tmp_path):
    """Each of the two programs has compared its kernels, threads and chunks; their digests compare the machines."""
    main = ROOT / "tests/arm64/csv_texts.c"
    kernel, *there, summary = run(QEMU, for_arm64(main)).splitlines()
    _, *here, summary_here = run(compile_csv("gcc", tmp_path)(main)).splitlines()
    assert kernel == "kernel neon"
    assert there == here
    assert summary == summary_here
    n_texts, n_good = int(summary.split()[0]), int(summary.split()[5])
    assert n_texts == len(there) and n_texts > n_good > n_texts / 2, summary  # most are read to the end, some must fail


@pytest.mark.parametrize("name", UNIT_TESTS)
def test_units_of_csv(for_arm64, name):
    run(QEMU, for_arm64(ROOT / f"tests/unit/csv/test_csv_{name}.c"))
