"""The job against each peer, in turn: queuelake's job, the peer, queuelake's default job, and so on, so that a slow phase of the
machine meets all three. What counts is the median of the ratios of neighbours."""
import subprocess
import sys

import exports
import jobs
import measure
from exports import HERE
from report import md_table, ms_or_s, size_text, times


def run(options):
    rows = []
    for size in options.sizes:
        csv = exports.path(size)
        exports.warm(csv)
        for layout in jobs.LAYOUTS:
            peers = [p for p in jobs.PEERS[layout] if options.peers is None or p in options.peers]
            rows += compare(csv, size, layout, peers, options.rounds_of(size))
    return rows


def compare(csv, size, layout, peers, rounds):
    """One row for each peer. In every round each peer stands between two runs of queuelake."""
    outs = {name: jobs.artefact(f"{size}.{layout}.{name}") for name in ["job", "default", *peers]}
    ours = {job: jobs.transform(csv, outs[job], layout, job) for job in ("job", "default")}
    runs = {peer: [] for peer in peers}
    for i in range(rounds):
        for peer in peers:
            print(f"\r{size} {layout}: round {i + 1} of {rounds}, {peer}   ", end="", file=sys.stderr, flush=True)
            runs[peer].append({
                "job": measure.run(ours["job"]),
                "peer": measure.run(jobs.peer(peer, layout, csv, outs[peer])),
                "default": measure.run(ours["default"]),
            })
    print(file=sys.stderr)
    if peers:
        agree(csv, layout, [outs[peer] for peer in peers])
    rows = []
    for peer in peers:
        row = {"size": size, "layout": layout, "name": peer, "rounds": rounds,
               "bytes": {who: out.stat().st_size for who, out in [("job", outs["job"]), ("default", outs["default"]), ("peer", outs[peer])]}}
        for who in ("job", "default", "peer"):
            row[who] = measure.spreads([r[who] for r in runs[peer]])
        for job in ("job", "default"):
            row[f"{job}_ratio"] = measure.spread(r["peer"]["wall_s"] / r[job]["wall_s"] for r in runs[peer])
            row[f"{job}_cpu_ratio"] = measure.spread(r["peer"]["cpu_s"] / r[job]["cpu_s"] for r in runs[peer])
        rows.append(row)
        outs[peer].unlink()
    return rows


def agree(csv, layout, peers):
    """Cell by cell, with the queues' own names, in a process of its own, which needs much memory."""
    mine = jobs.artefact(f"{csv.stem}.{layout}.check")
    measure.run(jobs.transform(csv, mine, layout, "job", "--names", "raw"))
    subprocess.run([sys.executable, HERE / "values.py", layout, mine, *peers], check=True)
    mine.unlink()


def table(rows):
    head = ["size", "layout", "peer", "times as fast", "by CPU", "default job", "wall", "peer's", "CPU", "peer's", "peak MB", "peer's", "written", "peer's"]
    lines = []
    for r in rows:
        job, peer = r["job"], r["peer"]
        lines.append([r["size"], r["layout"], r["name"], f"**{times(r['job_ratio'])}**", times(r["job_cpu_ratio"]), times(r["default_ratio"]),
                      ms_or_s(job["wall_s"]), ms_or_s(peer["wall_s"]), ms_or_s(job["cpu_s"]), ms_or_s(peer["cpu_s"]),
                      f"{job['peak_mb']['median']:.0f}", f"{peer['peak_mb']['median']:.0f}", size_text(r["bytes"]["job"]), size_text(r["bytes"]["peer"])])
    return md_table(head, lines) + "\n\n" + default_table(rows)


def default_table(rows):
    """The default job's own figures: of all its runs, whichever peer was beside them."""
    lines = []
    for size, layout in dict.fromkeys((r["size"], r["layout"]) for r in rows):
        beside = [r for r in rows if (r["size"], r["layout"]) == (size, layout)]
        best = {key: min((r["default"][key] for r in beside), key=lambda s: s["median"]) for key in ("wall_s", "cpu_s", "peak_mb")}
        lines.append([size, layout, ms_or_s(best["wall_s"]), ms_or_s(best["cpu_s"]), f"{best['peak_mb']['median']:.0f}", size_text(beside[0]["bytes"]["default"])])
    return "The default job (service level besides), the series with the lowest median:\n\n" + md_table(["size", "layout", "wall", "CPU", "peak MB", "written"], lines)
