"""Bounded memory: the largest size in order, shuffled, and shuffled with a memory limit, in turn; the artefact must be the same to the byte."""
import hashlib
import sys

import exports
import jobs
import measure
from report import md_table, ms_or_s, times

LIMIT = "64M"
EX_USAGE = 64


def run(options):
    size = options.sizes[-1]  # the largest
    inputs = {"ordered": (exports.path(size), []), "shuffled": (exports.path(size + exports.SHUFFLED), []),
              f"shuffled, {LIMIT}": (exports.path(size + exports.SHUFFLED), ["--memory-limit", LIMIT])}
    rows = []
    for layout in jobs.LAYOUTS:
        rows += in_turn(size, layout, inputs, options.rounds_of(size))
        if options.ten_times:
            rows += in_turn("L10", layout, {"ordered": (exports.path("L10"), [])}, 1)
    return rows


def in_turn(size, layout, inputs, rounds):
    out = jobs.artefact(f"{size}.{layout}.memory")
    runs, hashes = {name: [] for name in inputs}, {}
    for i in range(rounds):
        for name, (csv, flags) in list(inputs.items()):
            print(f"\rmemory: {size} {layout}: round {i + 1} of {rounds}, {name}   ", end="", file=sys.stderr, flush=True)
            exports.warm(csv)
            try:
                runs[name].append(measure.run(jobs.transform(csv, out, layout, "job", *flags)))
            except measure.Failed as failed:
                if not flags or failed.code != EX_USAGE:
                    raise
                print(f"{flags[0]} is unknown to this build; left out", file=sys.stderr)
                del inputs[name], runs[name]
                continue
            hashes[name] = file_sha256(out)
            out.unlink()
    print(file=sys.stderr)
    ordered = runs["ordered"]
    return [{"size": size, "layout": layout, "input": name, "rounds": len(of_input), **measure.spreads(of_input),
             "to_ordered": measure.spread(a["wall_s"] / b["wall_s"] for a, b in zip(of_input, ordered)),
             "is_same": hashes[name] == hashes["ordered"]} for name, of_input in runs.items()]


def file_sha256(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def table(rows):
    lines = [[r["size"], r["layout"], r["input"], ms_or_s(r["wall_s"]), ms_or_s(r["cpu_s"]), f"**{r['peak_mb']['median']:.0f}** (to {r['peak_mb']['max']:.0f})",
              times(r["to_ordered"], 2), "yes" if r["is_same"] else "**NO**"] for r in rows]
    return md_table(["size", "layout", "input", "wall", "CPU", "peak MB", "time of the ordered one's", "same bytes"], lines)
