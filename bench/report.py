"""How figures are written: machine facts, numbers with their spread, Markdown tables."""
import os
import pathlib
import platform
import re
import subprocess
from importlib import metadata

PACKAGES = ["duckdb", "duckdb-cli", "polars", "pandas", "pyarrow", "chdb-core", "numpy"]


def machine():
    """What the figures depend on besides queuelake."""
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    return {
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(memory.group(1)) * 1024 / 1e9, 1),
        "kernel": platform.release(),
        "compiler": first_line("gcc", "--version"),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
    }


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def machine_line(facts):
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    return (f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB, Linux {facts['kernel']}, {facts['compiler']}, "
            f"Python {facts['python']}; {packages}.")


def md_table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def times(ratio, digits=1):
    return f"{ratio['median']:.{digits}f} ({ratio['min']:.{digits}f} to {ratio['max']:.{digits}f})"


def ms_or_s(spread):
    """Median with half of what lies between the extremes."""
    half = (spread["max"] - spread["min"]) / 2
    if spread["median"] < 0.2:
        return f"{spread['median'] * 1e3:.1f} ± {half * 1e3:.1f} ms"
    return f"{spread['median']:.2f} ± {half:.2f} s"


def size_text(n_bytes):
    return f"{n_bytes / 1e6:.2f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:.1f} kB"
