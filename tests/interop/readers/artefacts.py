"""The artefacts that every reader is asked about: which export, made with which settings, and what must be in them.

What a binary does not offer is left out, by its own help, and a test that is skipped for it says so.
"""
import functools
import os
import pathlib
import re
import subprocess
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from conftest import BUILD, CLEAN, SANITIZER
from parquet_support import ROOT
from readers.exports import RATES, export, tidy
from readers.tables import replace, unscaled

RELEASE = pathlib.Path(os.environ.get("QL_RELEASE_DIR", ROOT / "build/release"))
DECIMALS = 4


@functools.cache
def choices(flag):
    """What the help of this binary says that a setting can be; nothing where there is no such setting or no binary."""
    binary = BUILD / "queuelake"
    text = subprocess.run([binary, "transform", "--help"], capture_output=True, env=CLEAN, check=True).stdout.decode() if binary.exists() else ""
    found = re.search(rf"^ +(?:-\w, )?--{flag} +(\S+)", text, re.MULTILINE)
    return found[1].split("|") if found else []


@dataclass(frozen=True)
class Artefact:
    export: str
    layout: str
    codec: str
    settings: tuple = ()  # further (flag, value)

    def __str__(self):
        return "-".join([self.export, self.layout, self.codec, *(value for _, value in self.settings)])

    def offered(self):
        return all(value in choices(flag) for flag, value in self.all_settings() if flag in ASKED)

    def is_modern(self):
        return MODERN in self.settings

    def all_settings(self):
        return (("layout", self.layout), ("compression", self.codec), *self.settings)

    def flags(self):
        return [text for flag, value in self.all_settings() for text in (f"--{flag}", value)]

    def expected(self):
        settings = dict(self.settings)
        how = {"layout": "long" if self.layout == "tidy" else self.layout}
        how |= {key: settings[key] for key in ("profile", "names") if key in settings}
        if settings.get("empty") == "null":
            how["empty_null"] = True
        if settings.get("round") == "none":
            how["digits"] = None
        table = export(self.export).expected(**how)
        if self.layout == "tidy":
            return tidy(table)
        return replace(table, as_decimal) if settings.get("rates") == "decimal" else table


def as_decimal(name, column):
    """--rates decimal: the KPIs, exactly, with the decimals that they were rounded to."""
    if not name.startswith(RATES):
        return None
    return unscaled(pc.round(pc.multiply(column, 10.0**DECIMALS)).cast(pa.int64()).combine_chunks(), DECIMALS)


ASKED = ("layout", "parquet-compat", "rates")
CODECS = ("snappy", "zstd", "none")
NULL, RAW, EXACT, MODERN, DECIMAL = ("empty", "null"), ("names", "raw"), ("round", "none"), ("parquet-compat", "modern"), ("rates", "decimal")


def wanted():
    """Every codec with what an export without surprises needs; the rest with one of them each."""
    for codec in CODECS:
        for null in ((), (NULL,)):
            yield Artefact("odd", "wide", codec, (RAW, *null))
            yield Artefact("odd", "long", codec, null)
        for layout in ("wide", "long"):
            yield Artefact("day", layout, codec)
        yield Artefact("pages", "long", codec, (NULL,))
        yield Artefact("precise", "long", codec, (EXACT, NULL))
        yield Artefact("odd", "tidy", codec, (NULL,))
    for codec in CODECS[:2]:
        yield Artefact("day", "long", codec, (MODERN,))
        yield Artefact("odd", "long", codec, (NULL, DECIMAL, MODERN))
        yield Artefact("precise", "long", codec, (EXACT, NULL, MODERN))
    for settings in ((NULL, MODERN), (NULL, DECIMAL)):
        yield Artefact("pages", "long", "zstd", settings)
        yield Artefact("odd", "tidy", "zstd", settings)
    yield Artefact("day", "long", "zstd", (DECIMAL,))
    yield Artefact("odd", "wide", "zstd")
    yield Artefact("odd", "wide", "snappy", (("profile", "pandas"),))
    yield Artefact("odd", "wide", "zstd", (RAW, NULL, MODERN))
    yield Artefact("odd", "wide", "zstd", (RAW, DECIMAL))
    yield Artefact("case", "wide", "snappy", (RAW,))
    yield Artefact("day", "wide", "zstd", (NULL, MODERN))
    yield Artefact("day", "wide", "snappy", (DECIMAL,))
    yield Artefact("day", "tidy", "zstd")
    yield Artefact("stripes", "wide", "zstd", (NULL,))
    yield Artefact("stripes", "wide", "snappy", (NULL, MODERN))
    yield Artefact("stripes", "wide", "snappy", (NULL, DECIMAL))
    yield Artefact("precise", "wide", "snappy", (EXACT,))
    for layout in ("wide", "long", "tidy"):
        yield Artefact("none", layout, "snappy")
        yield Artefact("one", layout, "zstd")


ARTEFACTS = [a for a in wanted() if a.offered()]
# More than two million rows: one such file, and another only where time is no matter.
GROUPS = [Artefact("groups", "long", "zstd", (NULL,)), Artefact("groups", "long", "snappy", (NULL, MODERN))]
GROUPS = [a for a in GROUPS if a.offered()][: 2 if os.environ.get("QL_TEST_MODE") == "long" else 1]
# Those whose chunks have several pages, and whose columns are those that filters ask for. The codec does not matter to bounds.
PAGED = [a for a in ARTEFACTS if a.export == "pages" and a.codec == "zstd"]
WISHES = sorted({(flag, value) for a in wanted() for flag, value in a.all_settings() if flag in ASKED})


class Library:
    """Makes each artefact once, when it is first asked for."""

    def __init__(self, folder):
        self.folder, self.tables = folder, {}

    def path(self, artefact):
        path = self.folder / f"{artefact}.parquet"
        return path if path.exists() else self.make(artefact, path)

    def make(self, artefact, path):
        source, is_huge = self.folder / f"{artefact.export}.csv", artefact.export == "groups"
        if not source.exists():
            export(artefact.export).write(source)
        # sanitizers are slow over millions of rows, and such a source is not kept
        binary = (RELEASE if is_huge else BUILD) / "queuelake"
        assert binary.exists(), f"{binary} is not built: ./dev build"
        done = subprocess.run([binary, "transform", source, *artefact.flags(), "--quiet", "-o", path], capture_output=True, env=CLEAN, check=False)
        errors = done.stderr.decode(errors="replace")
        assert done.returncode == 0 and not any(word in errors for word in SANITIZER), f"{artefact}: exit {done.returncode}: {errors}"
        if is_huge:
            source.unlink()
        return path

    def expected(self, artefact):
        if artefact not in self.tables:
            self.tables[artefact] = artefact.expected()
        return self.tables[artefact]
