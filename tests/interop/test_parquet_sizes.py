"""How large artefacts are beside the CSV they come from: one day of 200 queues in half hours, a tenth of the cells left out.

The same data as the small export of the benchmarks. Goals for Snappy: 15 % in `long`, 55 % in `wide`.
"""

import datetime as dt
import re
import unicodedata
import uuid

import numpy as np
import pytest
from parquet_structure import check
from parquet_support import Column, Table, write

N_QUEUES, N_INTERVALS, MINUTES = 200, 48, 30
DOUBLES = ("avg_handle_time_seconds", "service_level_percent", "answer_rate", "abandon_rate")
METRICS = ("calls_offered", "calls_answered", *DOUBLES)


def stamp(time):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def make_rows():
    rng = np.random.default_rng(7)
    kinds = ["Sales", "Support", "Billing", "Ventas – España", "Kundendienst", "VIP, Gold"]
    names = [f"{kinds[i % 6]} {i:04d}" for i in range(N_QUEUES)]
    ids = [str(uuid.UUID(int=int(rng.integers(0, 2**63)) << 64 | int(rng.integers(0, 2**63)))) for _ in range(N_QUEUES)]
    rows = []
    for k in range(N_INTERVALS):
        start = dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(minutes=MINUTES * k)
        keep = rng.random(N_QUEUES) >= 0.1
        offered = rng.poisson(12, N_QUEUES)
        answered = rng.binomial(offered, 0.93)
        level, handle = np.round(rng.random(N_QUEUES) * 30 + 70, 2), np.round(rng.gamma(9, 30, N_QUEUES), 3)
        for i in np.nonzero(keep)[0]:
            rows.append((start, ids[i], names[i], int(offered[i]), int(answered[i]), float(level[i]), float(handle[i])))
    return sorted(rows, key=lambda row: (row[0], row[2].encode()))


def interval(start):
    return f"{stamp(start)}/{stamp(start + dt.timedelta(minutes=MINUTES))}"


def csv_size(rows):
    lines = ["timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds"]
    for start, queue_id, name, *numbers in rows:
        name = f'"{name}"' if "," in name else name
        lines.append(",".join([interval(start), queue_id, name, *map(str, numbers)]))
    return len("".join(line + "\n" for line in lines).encode())


def metrics(row):
    _, _, _, offered, answered, level, handle = row
    rate = answered / offered if offered else None
    return (offered, answered, handle, level, round(rate, 4) if offered else 0.0, round(1 - rate, 4) + 0.0 if offered else 0.0)


def microseconds(time):
    return int(time.timestamp()) * 1_000_000


def interval_columns(starts):
    return [
        Column("time_interval", "string", [interval(s) for s in starts]),
        Column("interval_start", "timestamp", [microseconds(s) for s in starts], is_sorted=True),
        Column("interval_end", "timestamp", [microseconds(s) + MINUTES * 60_000_000 for s in starts]),
    ]


def kind_of(metric):
    return "double" if metric in DOUBLES else "int64"


def long_table(rows):
    columns = interval_columns([row[0] for row in rows])
    columns.append(Column("queue_id", "string", [row[1] for row in rows]))
    columns.append(Column("queue_name", "string", [row[2] for row in rows], is_sorted=True))
    values = list(zip(*map(metrics, rows)))
    return columns + [Column(m, kind_of(m), list(v)) for m, v in zip(METRICS, values)]


def safe(name):
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "_", ascii_name).strip("_")


def wide_table(rows):
    starts = sorted({row[0] for row in rows})
    cells = {(row[0], row[2]): metrics(row) for row in rows}
    columns = interval_columns(starts)
    for m, metric in enumerate(METRICS):
        idle = 0.0 if metric in DOUBLES else 0
        for name in sorted({row[2] for row in rows}, key=str.encode):
            values = [cells[s, name][m] if (s, name) in cells else idle for s in starts]
            columns.append(Column(f"{metric}_{safe(name)}", kind_of(metric), values))
    return columns


@pytest.mark.parametrize("layout,make,share", [("long", long_table, 0.15), ("wide", wide_table, 0.55)])
def test_a_day_is_small_beside_its_csv(layout, make, share, tmp_path):
    rows = make_rows()
    columns = make(rows)
    assert len(columns) == (11 if layout == "long" else 3 + 6 * N_QUEUES)
    size = write(Table(columns), tmp_path / f"{layout}.parquet").stat().st_size
    check(tmp_path / f"{layout}.parquet")
    print(f"{layout}: {size} bytes, {size / csv_size(rows):.1%} of {csv_size(rows)}")
    assert size <= share * csv_size(rows)
