#!/usr/bin/env python3
"""Whether artefacts hold the same values: values.py long|wide OURS PEER …

Counts are equal; means and rates agree within 1e-4, because not every peer rounds as NumPy does; rows and queues are the same, in the
same order. Ours has the queues' own names (--names raw). Exit 1 and a line for each artefact that differs.
"""
import pathlib
import re
import sys

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

METRICS = {"calls_offered": 0, "calls_answered": 0, "avg_handle_time_seconds": 1e-4, "answer_rate": 1e-4, "abandon_rate": 1e-4}
SLACK = 1e-9  # of doubles around the tolerance


def column(file, name, kind="float64"):
    values = file.read(columns=[name]).column(0)
    return values.cast("large_string") if kind == "text" else values.to_numpy().astype(kind)


def peer_names(file, layout):
    """{our name: the peer's}. Wide: a peer may put the queue before or behind the metric."""
    names = file.schema_arrow.names
    if layout == "long":
        return dict(zip(["time_interval", "queue_name", *METRICS], names))
    ours = {"time_interval": names[0]}
    for name in names[1:]:
        metric = next(m for m in METRICS if re.match(rf"{m}_|.*_{m}$", name))
        queue = name.removeprefix(metric + "_") if name.startswith(metric + "_") else name.removesuffix("_" + metric)
        ours[f"{metric}_{queue}"] = name
    return ours


def differences(ours, theirs, layout):
    names = peer_names(theirs, layout)
    ignored = {"interval_start", "interval_end", "queue_id"}
    missing = set(ours.schema_arrow.names) - ignored ^ set(names)
    if missing:
        yield f"columns that only one has: {sorted(missing)[:4]} …"
        return
    if ours.metadata.num_rows != theirs.metadata.num_rows:
        yield f"{theirs.metadata.num_rows} rows, not {ours.metadata.num_rows}"
        return
    for mine, their in names.items():
        if mine in ("time_interval", "queue_name"):
            if not pc.all(pc.equal(column(ours, mine, "text"), column(theirs, their, "text"))).as_py():
                yield f"{mine} is not that of the same rows"
            continue
        metric = next(m for m in METRICS if mine.startswith(m))
        worst = np.abs(column(ours, mine) - column(theirs, their)).max(initial=0)
        if not worst <= METRICS[metric] + SLACK:
            yield f"{mine} differs by {worst:g}"


def main():
    layout, ours, *peers = sys.argv[1:]
    bad = False
    for peer in peers:
        found = list(differences(pq.ParquetFile(ours), pq.ParquetFile(peer), layout))
        for line in found[:5]:
            print(f"{pathlib.Path(peer).name}: {line}", file=sys.stderr)
        bad |= bool(found)
    sys.exit(bad)


if __name__ == "__main__":
    main()
