#!/usr/bin/env python3
"""The part "peers" as a picture: plot.py latest.json OUT.svg|OUT.png"""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OURS, PEER = "#1f6f8b", "#c9ccd1"
matplotlib.rcParams.update({"svg.hashsalt": "queuelake", "font.size": 9})


def bars(rows):
    """[(name, what it took, how many times as long as queuelake beside it)], the slowest first, which is drawn at the bottom."""
    ours = min((r["job"] for r in rows), key=lambda job: job["wall_s"]["median"])
    entries = [("queuelake", ours, None), *((r["name"], r["peer"], r["job_ratio"]["median"]) for r in rows)]
    return sorted(entries, key=lambda entry: -entry[1]["wall_s"]["median"])


def seconds(value):
    return f"{value * 1e3:.0f} ms" if value < 1 else f"{value:.1f} s"


def draw(axes, title, rows):
    drawn = bars(rows)
    walls = [took["wall_s"]["median"] for _, took, _ in drawn]
    axes.barh([name for name, *_ in drawn], walls, color=[OURS if ratio is None else PEER for *_, ratio in drawn])
    for i, (_, took, ratio) in enumerate(drawn):
        text = f"{seconds(walls[i])}, {took['peak_mb']['median']:.0f} MB" + (f", {ratio:.1f} ×" if ratio else "")
        axes.annotate(text, (walls[i], i), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.set_xlim(0, walls[0] * 1.55)
    axes.xaxis.set_visible(False)
    axes.tick_params(left=False)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)


def main():
    source, target = sys.argv[1:]
    with open(source) as file:
        rows = json.load(file)["parts"]["peers"]["data"]
    sizes = list(dict.fromkeys(r["size"] for r in rows))
    layouts = list(dict.fromkeys(r["layout"] for r in rows))
    figure, grid = plt.subplots(len(layouts), len(sizes), figsize=(4.6 * len(sizes), 2.3 * len(layouts)), squeeze=False, layout="constrained")
    for axes, layout in zip(grid, layouts):
        for ax, size in zip(axes, sizes):
            of_panel = [r for r in rows if (r["layout"], r["size"]) == (layout, size)]
            if of_panel:
                draw(ax, f"{size}, {layout}: wall time, peak memory", of_panel)
    figure.savefig(target, metadata={"Date": None} if str(target).endswith(".svg") else None)


if __name__ == "__main__":
    main()
