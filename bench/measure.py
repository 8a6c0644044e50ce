"""One process, measured: wall and CPU seconds, peak memory; and what a list of such measurements comes to."""
import json
import statistics
import subprocess

from exports import ROOT

SPAWN = ROOT / "build/release/bench/bench_spawn"


class Failed(Exception):
    """The program ended with another exit code than 0."""

    def __init__(self, command, code, stderr):
        super().__init__(f"{' '.join(map(str, command))}\nended with {code}: {stderr[-2000:]}")
        self.code = code


def run(command, env=None, told=None):
    """{"wall_s", "cpu_s", "peak_mb"} of the whole process; raises Failed. told: a list that gets its standard error."""
    done = subprocess.run([SPAWN, *map(str, command)], capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise Failed(command, done.returncode, done.stderr)
    took = json.loads(done.stdout)
    if told is not None:
        told.append(done.stderr)
    if took["exit"] != 0:
        raise Failed(command, took["exit"], done.stderr)
    return {"wall_s": took["wall_s"], "cpu_s": took["cpu_s"], "peak_mb": took["peak_kib"] * 1024 / 1e6}


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def spreads(runs):
    """The spread of each figure over several runs."""
    return {key: spread(r[key] for r in runs) for key in runs[0]}
