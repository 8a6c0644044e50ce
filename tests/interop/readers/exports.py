"""Exports and the tables that must come of them: small ones by the oracle of tests/support, large ones by NumPy."""
import csv
import datetime as dt
import functools
import io
import random
import subprocess
import sys
import unicodedata

import numpy as np
import pyarrow as pa
import pyarrow.csv

from parquet_support import ROOT
from readers.tables import TIMESTAMP
from support import oracle

HEADER = ["timeInterval", "queue.id", "queue.name", "callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"]
ODD_NAMES = [
    " leading", "trailing ", "a,b", "a;b", "{a}", "(a)", "tab\there", "two\nlines", "cr\rhere", "a=b", "a.b", "a.b.c", 'say "hi"', "it's", "`tick`", "a/b",
    "a|b", "en – dash", "Ñandú", "$1", "${x}", "a:b", "*", "<b>", "a&b", "me@home", "#1", "wow!", "[0]", "^", "~", "why?", "back\\slash", "100%", "%20",
    "NULL", "NaN", "007", "-1", "true", "__proto__", "constructor", "length", "线路 一", "قائمة", "emoji 🎧", "Straße", "zero\u200bwidth", "\u00a0hard space",
    unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café"), "\x01 control", "\x7f", "l" + "o" * 297 + "ng", "_", "element", "list",
]
CASE_NAMES = ["Sales", "sales", "SALES", "Straße", "STRASSE", "Ärzte", "ärzte"]
COUNTS = ("calls_offered", "calls_answered")
DOUBLES = ("avg_handle_time_seconds", "service_level_percent", "answer_rate", "abandon_rate")
RATES = DOUBLES[2:]


def type_of(column):
    if column in ("interval_start", "interval_end"):
        return TIMESTAMP
    if column in ("time_interval", "timeInterval", "queue_id", "queue_name"):
        return pa.string()
    return pa.int64() if column.startswith(COUNTS) else pa.float64()


def table_of(columns):
    return pa.table({name: pa.array(values, type_of(name)) for name, values in columns.items()})


class Small:
    """An export that the oracle can do: rows of one cell each, some cells missing, some without values."""

    def __init__(self, names, n_intervals=20, seed=1, keep=0.8):
        rng = random.Random(seed)
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow(HEADER)
        start = dt.datetime(2024, 2, 28, 22, 0, tzinfo=dt.timezone.utc)
        stamp = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        for k in range(n_intervals):
            a = start + dt.timedelta(minutes=15 * k)
            for q, name in enumerate(names):
                if rng.random() >= keep:
                    continue
                offered = rng.choice([0, 1, rng.randrange(40), rng.randrange(2**53)])
                level = rng.choice(["", "100", f"{rng.uniform(0, 100):.2f}"])
                handle = rng.choice(["", "0", f"{rng.uniform(0, 900):.3f}", repr(rng.uniform(0, 1e-3)), f"{rng.uniform(0, 1e9):.6f}"])
                writer.writerow([f"{stamp(a)}/{stamp(a + dt.timedelta(minutes=15))}", f"id {q}", name, offered, rng.randint(0, offered), level,
                                 handle if q % 9 else ""])  # every ninth queue never has a handle time
        self.data = out.getvalue().encode()

    def write(self, path):
        path.write_bytes(self.data)

    def expected(self, **how):
        return table_of(oracle.transform(self.data, **how))


class Day(Small):
    """The small export of the benchmarks: one day of 200 queues in half hours."""

    def __init__(self):
        with subprocess.Popen([sys.executable, ROOT / "bench/make_export.py", "1", "200", "30", "/dev/stdout"], stdout=subprocess.PIPE) as made:
            self.data = made.stdout.read()
        self.data = self.data[: self.data.rindex(b"\n", 0, -1) + 1]  # the last line is the number of rows


class Large:
    """Every queue in every interval, made by NumPy. `precise` values have nothing that repeats, so that no dictionary pays."""

    def __init__(self, n_intervals, n_queues, minutes=15, precise=False, seed=1):
        rng = np.random.default_rng(seed)
        n = n_intervals * n_queues
        self.n_intervals, self.n_queues = n_intervals, n_queues
        self.starts = np.datetime64("2023-06-01T00:00:00", "us") + np.arange(n_intervals) * np.timedelta64(minutes, "m")
        self.step = np.timedelta64(minutes, "m")
        self.names = sorted((f"{['Sales', 'Ärzte', 'VIP, Gold'][q % 3]} {q:03d}" for q in range(n_queues)), key=str.encode)
        self.ids = [f"{rng.integers(1 << 32):08x}-{q}" for q in range(n_queues)]
        # counts drift with time: pages and row groups differ in what they span, and meet at their edges
        drift = np.repeat(np.arange(n_intervals) * 40 // n_intervals, n_queues)
        self.offered = rng.integers(0, 10**15, n) if precise else rng.poisson(6, n) * (rng.random(n) > 0.1) + drift
        self.answered = (self.offered * rng.random(n)).astype(np.int64) if precise else rng.binomial(self.offered, 0.93)
        self.handle = rng.gamma(9, 30, n) if precise else np.round(rng.gamma(9, 30, n), 3)
        self.level = rng.random(n) * 100 if precise else np.round(70 + 30 * rng.random(n), 2)
        # missing here and there, and in one stretch that is longer than pages are
        self.missing = rng.random(n) < 0.02
        self.missing[n // 4 : n // 4 + min(n // 2, 140_000)] = True

    def write(self, path):
        form = lambda times: np.strings.add(np.datetime_as_string(times, "ms"), "Z")
        texts = pa.array(np.strings.add(np.strings.add(form(self.starts), "/"), form(self.starts + self.step)))
        interval, queue = self.codes()
        rows = pa.table([pa.DictionaryArray.from_arrays(interval, texts).cast(pa.string()), pa.DictionaryArray.from_arrays(queue, self.ids).cast(pa.string()),
                         pa.DictionaryArray.from_arrays(queue, self.names).cast(pa.string()), pa.array(self.offered), pa.array(self.answered),
                         pa.array(self.level), pa.array(self.handle, mask=self.missing)], names=HEADER)
        pa.csv.write_csv(rows, path, pa.csv.WriteOptions(quoting_style="needed"))

    def codes(self):
        return (pa.array(np.repeat(np.arange(self.n_intervals, dtype=np.int32), self.n_queues)),
                pa.array(np.tile(np.arange(self.n_queues, dtype=np.int32), self.n_intervals)))

    def values(self, empty_null, digits):
        rounded = lambda v: (v if digits is None else np.round(v, digits)) + 0.0
        with np.errstate(all="ignore"):
            rate = self.answered / self.offered
        idle = self.offered == 0
        result = {"calls_offered": (self.offered, None), "calls_answered": (self.answered, None)}
        for name, values, missing in [("avg_handle_time_seconds", self.handle, self.missing), ("service_level_percent", self.level, None),
                                      ("answer_rate", rate, idle), ("abandon_rate", 1 - rate, idle)]:
            values = rounded(values)
            if missing is not None and not empty_null:
                values, missing = np.where(missing, 0.0, values), None
            result[name] = (values, missing)
        return result

    def expected(self, layout="wide", empty_null=False, digits=4):
        form = lambda times: np.strings.add(np.datetime_as_string(times, "ms"), "Z")
        ends = self.starts + self.step
        once = {"time_interval": pa.array(np.strings.add(np.strings.add(form(self.starts), "/"), form(ends))), "interval_start": self.starts.astype(np.int64),
                "interval_end": ends.astype(np.int64)}
        values = self.values(empty_null, digits)
        if layout == "long":
            interval, queue = self.codes()
            columns = {name: pa.array(column).cast(type_of(name)).take(interval) for name, column in once.items()}
            columns |= {name: pa.array(column).take(queue) for name, column in (("queue_id", self.ids), ("queue_name", self.names))}
            return pa.table(columns | {name: pa.array(v, mask=m) for name, (v, m) in values.items()})
        columns = {name: pa.array(column).cast(type_of(name)) for name, column in once.items()}
        part = oracle.safe_names(self.names)
        for metric, (v, m) in values.items():
            for q, name in enumerate(self.names):
                of_queue = slice(q, None, self.n_queues)
                columns[f"{metric}_{part[name]}"] = pa.array(v[of_queue], mask=None if m is None else m[of_queue])
        return pa.table(columns)


def tidy(long):
    """One value a row: of each cell its metrics in their order, counts as doubles."""
    metrics = [m for m in (*COUNTS, *DOUBLES) if m in long.column_names]
    n = long.num_rows
    cell = pa.array(np.repeat(np.arange(n), len(metrics)))
    values = pa.chunked_array([long[m].cast(pa.float64()).combine_chunks() for m in metrics]).combine_chunks() if n else pa.array([], pa.float64())
    turned = np.arange(n * len(metrics)).reshape(len(metrics), n).T.ravel()
    return pa.table({"interval_start": long["interval_start"].take(cell), "interval_end": long["interval_end"].take(cell),
                     "queue_name": long["queue_name"].take(cell), "metric": pa.array(metrics * n, pa.string()), "value": values.take(pa.array(turned))})


EXPORTS = {
    "odd": lambda: Small(ODD_NAMES),
    "case": lambda: Small(CASE_NAMES, seed=2),
    "day": Day,
    "none": lambda: Small([]),
    "one": lambda: Small(["Sales"], n_intervals=1, keep=1.0),
    "pages": lambda: Large(2_400, 90),  # 216,000 rows of long
    "stripes": lambda: Large(150_000, 2, minutes=1),  # as many rows of wide
    "precise": lambda: Large(400, 200, precise=True),
    "groups": lambda: Large(24_000, 90),  # 2,160,000 rows of long: beyond one row group
}


@functools.cache
def export(name):
    return EXPORTS[name]()
