"""Readers in processes of their own: hyparquet in Node, parquet-java in a JVM. One process reads all files that it is asked for.

`./dev test` installs what they need below build/readers. Where that is missing their tests are skipped and say why; with
QL_READERS=all, as in CI, they fail instead.
"""
import os
import pathlib
import shutil
import subprocess
import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from parquet_support import ROOT
from readers.tables import TIMESTAMP, decimal, read_dump, replace, unscaled

HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = ROOT / "build/readers"
TIMEOUT_S = 600


def need(what, *programs, folder=None):
    missing = [p for p in programs if shutil.which(p) is None]
    reason = f"there is no {' and no '.join(missing)} here" if missing else None
    if reason is None and folder is not None and not folder.exists():
        reason = f"there is no {folder.relative_to(ROOT)}: ./dev test installs it"
    if reason is not None:
        leave_out(f"{what} was left out: {reason}")


def leave_out(text):
    if os.environ.get("QL_READERS") == "all":
        pytest.fail(text)
    pytest.skip(text)


class Process:
    """run(tasks) gives {task: where its result is}; a task is (word, file, …)."""

    def __init__(self, name, folder):
        self.name, self.folder, self.n = name, folder, 0
        self.folder.mkdir(exist_ok=True)

    def run(self, tasks):
        tasks = list(tasks)
        outs = {}
        for task in tasks:
            outs[task] = self.folder / f"{self.n}"
            self.n += 1
        lines = "".join(self.line(task, outs[task]) + "\n" for task in tasks)
        start = time.perf_counter()
        done = subprocess.run(self.command(), input=lines.encode(), capture_output=True, cwd=self.folder, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, f"{self.name}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-4000:]}"
        print(f"{self.name}: {len(tasks)} tasks in {time.perf_counter() - start:.1f} s")
        return outs

    def result(self, out):
        error = out.with_name(out.name + ".error")
        assert not error.exists(), f"{self.name}: {error.read_text()[:4000]}"
        return out


class Hyparquet(Process):
    def __init__(self, folder):
        need("hyparquet", "node", folder=INSTALLED / "hyparquet/node_modules/hyparquet")
        super().__init__("hyparquet", folder)
        # an ES module finds what it imports beside itself
        shutil.copy(HERE / "hyparquet/read.mjs", folder)
        (folder / "node_modules").symlink_to(INSTALLED / "hyparquet/node_modules")

    def command(self):
        return ["node", "--max-old-space-size=4096", self.folder / "read.mjs"]

    def line(self, task, out):
        return f"{task[1]}\t{out}"

    def table(self, out, expected):
        """Decimals are numbers to it, made by a multiplication with V8's 10 ** -scale: the decimal's own double, or one close by."""
        types = {"bigint": pa.int64(), "number": pa.float64(), "date": TIMESTAMP, "string": pa.string(), "null": pa.null()}
        kinds = dict(zip(expected.column_names, expected.schema.types))

        def change(name, column):
            kind = kinds.get(name)
            return nearest(column.combine_chunks(), kind.scale) if kind and pa.types.is_decimal(kind) and column.type == pa.float64() else None

        return replace(read_dump(self.result(out), types.__getitem__), change)


def nearest(doubles, scale):
    numbers = pc.round(pc.multiply(doubles, 10.0**scale))
    off = pc.max(pc.abs(pc.subtract(doubles, pc.divide(numbers, 10.0**scale)))).as_py()
    assert off is None or off < 1e-15, f"{off} beside the decimal"
    return unscaled(numbers.cast(pa.int64()), scale)


class ParquetJava(Process):
    def __init__(self, folder):
        lib = INSTALLED / "parquet-java/lib"
        need("parquet-java", "java", "javac", folder=lib)
        super().__init__("parquet-java", folder)
        self.classes = f"{lib}/*"
        subprocess.run(["javac", "-cp", self.classes, "-d", folder, HERE / "parquet-java/ReadParquet.java"], check=True, capture_output=True, timeout=TIMEOUT_S)

    def command(self):
        return ["java", "-Xmx2g", "-XX:+UseSerialGC", "-cp", f"{self.classes}:{self.folder}", "ReadParquet"]

    def line(self, task, out):
        return "\t".join([task[0], str(task[1]), str(out), *task[2:]])

    def table(self, out, _expected):
        return read_dump(self.result(out), self.type)

    def counts(self, path, conditions):
        """For each condition the rows that it takes by the records alone, by all that lets rows be skipped, and how many were left to look at."""
        tasks = [("count", path, *self.task(c)) for c in conditions]
        outs = self.run(tasks)
        return [[int(word) for word in self.result(outs[task]).read_text().split()] for task in tasks]

    @staticmethod
    def task(condition):
        letter = "s" if condition.kind == pa.string() else "d" if condition.kind == pa.float64() else "i"
        return [condition.column, *(text for sign, value in condition.parts for text in (sign, f"{letter}{value}"))]

    @staticmethod
    def type(name):
        plain = {"INT64 null": pa.int64(), "DOUBLE null": pa.float64(), "BINARY STRING": pa.string(), "INT64 TIMESTAMP(MICROS,true)": TIMESTAMP}
        if "DECIMAL" in name:
            return decimal(int(name.rstrip(")").rpartition(",")[2]))
        return plain[name]


PROCESSES = {"hyparquet": Hyparquet, "parquet-java": ParquetJava}
