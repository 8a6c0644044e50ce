"""The transform, written a second time: slow, exact, and sharing nothing with the product.

Rows come from Python's csv module, numbers from decimal, sums are fractions, rounding is NumPy's. It covers what the
differential tests need of docs/semantics.md: profiles default and pandas, layouts wide and long, safe and raw names, rows of any
order, duplicates, missing values.
"""
import csv
import datetime as dt
import hashlib
import io
import re
import unicodedata
from decimal import Decimal
from fractions import Fraction

import numpy as np

UTC = dt.timezone.utc
COUNTS = ("calls_offered", "calls_answered", "calls_abandoned")
WEIGHTS = {"avg_handle_time_seconds": "calls_answered", "service_level_percent": "calls_offered"}
DEFAULT_METRICS = ("calls_offered", "calls_answered", "calls_abandoned", "avg_handle_time_seconds", "service_level_percent")


def normalise(name):
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name.lstrip("\ufeff").strip())
    return re.sub(r"[.\s/\-]+", "_", name).lower()


def instant(text):
    stamp = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return stamp.replace(tzinfo=UTC) if stamp.tzinfo is None else stamp.astimezone(UTC)


def read_rows(data, delimiter=",", encoding="utf-8-sig"):
    """The export as dictionaries by normalised name, numbers as Fraction or None."""
    reader = csv.reader(io.StringIO(data.decode(encoding), newline=""), delimiter=delimiter)
    header = [normalise(c) for c in next(reader)]
    header = ["time_interval" if c == "interval" else c for c in header]
    rows = []
    for fields in reader:
        if not fields:
            continue
        row = dict(zip(header, fields, strict=True))
        start, end = row["time_interval"].split("/")
        out = {"text": row["time_interval"], "start": instant(start), "end": instant(end), "id": row.get("queue_id"), "name": row["queue_name"]}
        if out["name"].strip() == "":
            out["name"] = out["id"]
        for metric in DEFAULT_METRICS:
            text = row.get(metric, "").strip()
            out[metric] = Fraction(Decimal(text)) if text and text.lower() not in ("nan", "inf", "-inf", "infinity") else None
        rows.append(out)
    return header, rows


def to_double(fraction):
    return float(fraction)  # Fraction to float is correctly rounded


def aggregate(rows, metrics, weighted=True):
    """One cell: {metric: int, float or None}."""
    cell = {}
    for metric in metrics:
        present = [r for r in rows if r[metric] is not None]
        if not present:
            cell[metric] = None
        elif metric in COUNTS:
            cell[metric] = int(sum(r[metric] for r in present))
        else:
            weights = [(r[WEIGHTS[metric]] or 0) if weighted else 0 for r in present]
            if sum(weights):
                cell[metric] = to_double(sum(r[metric] * w for r, w in zip(present, weights)) / sum(weights))
            else:
                cell[metric] = to_double(sum(r[metric] for r in present) / len(present))
    return cell


def rates(cell, has_abandoned):
    offered, answered, abandoned = cell.get("calls_offered"), cell.get("calls_answered"), cell.get("calls_abandoned")
    rate = answered / offered if offered and answered is not None else None
    if has_abandoned:
        lost = abandoned / offered if offered and abandoned is not None else None
    else:
        lost = None if rate is None else 1 - rate
    return {"answer_rate": rate, "abandon_rate": lost}


def finish(value, is_count, digits=4, empty_null=False):
    if value is None:
        return None if empty_null else (0 if is_count else 0.0)
    if is_count:
        return value
    scaled = value * 10.0**digits
    if digits is not None and abs(scaled) < 2.0**53:
        value = float(np.round(value, digits))
    return 0.0 if value == 0 else value


def safe_names(names):
    """{queue name: part of a column name}."""

    def hashed(part, name):
        digest = hashlib.sha256(name.encode()).hexdigest()[:6]
        return f"{part}_{digest}" if part else f"_{digest}"

    parts, lost = {}, {}
    for name in names:
        out, lost[name] = "", False
        for ch in unicodedata.normalize("NFKD", name):
            kind = unicodedata.category(ch)
            if kind.startswith("M"):
                continue
            if ch.isascii() and ch.isalnum():
                out += ch.lower()
            else:
                lost[name] |= kind[0] in "LN"
                out += "_"
        parts[name] = re.sub(r"_+", "_", out).strip("_")
        lost[name] |= parts[name] == ""
    parts = {n: hashed(p, n) if lost[n] else p for n, p in parts.items()}
    clashes = {p for p in parts.values() if list(parts.values()).count(p) > 1}
    return {n: hashed(p, n) if p in clashes and not lost[n] else p for n, p in parts.items()}


def interval_text(start, end):
    form = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.") + f"{t.microsecond // 1000:03d}Z"
    return f"{form(start)}/{form(end)}"


def transform(data, layout="wide", profile="default", names="safe", delimiter=",", empty_null=False, digits=4, encoding="utf-8-sig"):
    """{column name: list of values} in the order of the artefact's columns."""
    header, rows = read_rows(data, delimiter, encoding)
    if profile == "pandas":
        return pandas_wide(rows)
    has_id = "queue_id" in header
    metrics = [m for m in DEFAULT_METRICS if m in header]
    has_abandoned = "calls_abandoned" in header
    by_id = layout == "long" and has_id
    key_of = (lambda r: ("id", r["id"]) if r["id"] else ("name", r["name"])) if by_id else (lambda r: ("name", r["name"]))

    cells, latest, ids = {}, {}, {}
    for r in rows:
        key = key_of(r)
        cells.setdefault((r["start"], r["end"], key), []).append(r)
        # the name of the latest interval; ties: the smallest by bytes
        stamp = (r["start"], r["end"])
        old = latest.get(key)
        if old is None or stamp > old[0] or (stamp == old[0] and r["name"].encode() < old[1].encode()):
            latest[key] = (stamp, r["name"])
        if r["id"]:
            ids[key] = min(ids.get(key, r["id"]), r["id"], key=str.encode)
    intervals = sorted({k[:2] for k in cells})
    queues = sorted(latest, key=lambda k: (latest[k][1].encode(), (ids.get(k) or "").encode()))
    values = {}
    for key, members in cells.items():
        cell = aggregate(members, metrics)
        cell |= rates(cell, has_abandoned)
        values[key] = cell
    outputs = metrics + ["answer_rate", "abandon_rate"]
    write = lambda cell, m: finish(cell.get(m) if cell else None, m in COUNTS, digits, empty_null)

    if layout == "long":
        keys = [(i, q) for i in intervals for q in queues if (*i, q) in values]
        table = {"time_interval": [interval_text(*i) for i, _ in keys], "interval_start": [i[0] for i, _ in keys],
                 "interval_end": [i[1] for i, _ in keys]}
        if has_id:
            table["queue_id"] = [ids.get(q) for _, q in keys]
        table["queue_name"] = [latest[q][1] for _, q in keys]
        for m in outputs:
            table[m] = [write(values[(*i, q)], m) for i, q in keys]
        return table
    parts = safe_names([latest[q][1] for q in queues]) if names == "safe" else {latest[q][1]: latest[q][1] for q in queues}
    table = {"time_interval": [interval_text(*i) for i in intervals], "interval_start": [i[0] for i in intervals],
             "interval_end": [i[1] for i in intervals]}
    for m in outputs:
        for q in queues:
            table[f"{m}_{parts[latest[q][1]]}"] = [write(values.get((*i, q)), m) for i in intervals]
    return table


def pandas_wide(rows):
    """What the pandas script gives: text intervals, raw names, plain means, no service level, abandon rate 1 where idle."""
    metrics = ["calls_offered", "calls_answered", "avg_handle_time_seconds"]
    cells = {}
    for r in rows:
        cells.setdefault((r["text"], r["name"]), []).append(r)
    intervals = sorted({k[0] for k in cells}, key=str.encode)
    queues = sorted({k[1] for k in cells}, key=str.encode)
    values = {k: {m: v if v is not None else 0 for m, v in aggregate(members, metrics, weighted=False).items()} for k, members in cells.items()}
    idle = {m: 0 for m in metrics}
    table = {"timeInterval": intervals}
    for m in metrics:
        for q in queues:
            kind = int if m in COUNTS else float
            table[f"{m}_{q}"] = [kind(values.get((i, q), idle)[m]) for i in intervals]
    answer = {}
    for q in queues:
        for i in intervals:
            cell = values.get((i, q), idle)
            answer[i, q] = cell["calls_answered"] / cell["calls_offered"] if cell["calls_offered"] > 0 else 0.0
    for q in queues:
        table[f"answer_rate_{q}"] = [answer[i, q] for i in intervals]
    for q in queues:
        table[f"abandon_rate_{q}"] = [1.0 - answer[i, q] for i in intervals]
    return table
