#!/usr/bin/env python3
"""The ledger of instructions: what `transform` of S and of a thirtieth of L costs, room by room, counted by callgrind.

usage: ./dev bench ledger     writes bench/ledger.md anew and prints how it differs from the committed one

Counts do not depend on the clock or on who else uses the machine: a regression is a number. They do depend on compiler and libraries, which
the ledger names, so compare figures of one machine. One thread, the AVX2 kernels (valgrind has no AVX-512).
"""
import collections
import os
import pathlib
import re
import subprocess
import sys

import exports
import jobs
from exports import DATA, HERE, ROOT
from report import first_line, md_table

BUILD = ROOT / "build/ledger"
LEDGER = HERE / "ledger.md"
ROOMS = ["csv", "pivot", "kpi", "layout", "parquet", "codec", "hash", "libc", "loader", "rest"]
COLUMNS = [(name, layout) for name in ("S", "cut") for layout in jobs.LAYOUTS]
CODEC_LIBRARIES = re.compile(r"snappy|zstd|libz\.|FSE_|HUF_|XXH|ZSTD_|deflate|crc32")
HASH_LIBRARIES = re.compile(r"libcrypto|[Ss][Hh][Aa]256|EVP_|OPENSSL_|CRYPTO_")
C_LIBRARIES = re.compile(r"/(libc|libm|libpthread|libstdc\+\+|libgcc_s)[-.]")


def build():
    """As the release preset builds it, with the line tables that say which file an inlined instruction is of."""
    if not (BUILD / "build.ninja").exists():
        subprocess.run(["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG -g", "-DQL_HARDEN=ON",
                        "-DBUILD_TESTING=OFF", "-Wno-dev"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", BUILD, "--target", "queuelake", "--", "--quiet"], check=True)


def count(name, layout):
    """{room: instructions} of one run."""
    profile, out = DATA / "callgrind.out", jobs.artefact(f"{name}.{layout}.ledger")
    command = jobs.transform(exports.path(name), out, layout, "default", "--threads", "1")
    command[0] = BUILD / "queuelake"
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "--quiet"]
    subprocess.run([*valgrind, *command], check=True, env={**os.environ, "QUEUELAKE_CPU": "avx2"})
    out.unlink()
    rooms = collections.Counter()
    for object_name, file, function, cost in self_costs(profile):
        rooms[room_of(object_name, file, function)] += cost
    profile.unlink()
    return rooms


def self_costs(profile):
    """(object, file, function, instructions) of each line of a profile; what a call costs belongs to what is called, not to its line.

    What is inlined counts for the function that it is inlined into, so fi and fe, the files of such lines, only give names.
    The format: https://valgrind.org/docs/manual/cl-format.html; names are written once, "(7) text", and are "(7)" from then on.
    """
    names = collections.defaultdict(dict)
    now = {"ob": "", "fl": "", "fn": ""}
    kinds = {"ob": "ob", "fl": "fl", "fi": "fl", "fe": "fl", "fn": "fn", "cob": "ob", "cfi": "fl", "cfl": "fl", "cfn": "fn"}
    is_call = False
    with open(profile) as lines:
        for line in lines:
            spec = re.match(r"(c?ob|c?f[line])=(?:\((\d+)\))?\s*(.*)", line)
            if spec and spec[1] in kinds:
                kind = kinds[spec[1]]
                text = spec[3]
                if spec[2]:
                    text = names[kind].setdefault(spec[2], text)
                if spec[1] in now:
                    now[spec[1]] = text
            elif line.startswith("calls="):
                is_call = True
            elif line[:1] in "0123456789+-*":
                if not is_call:
                    yield now["ob"], now["fl"], now["fn"], int(line.split()[1])
                is_call = False


def room_of(object_name, file, function):
    inside = re.search(r"(?:^|/)src/(\w+)/", file)
    if inside:
        return inside[1] if inside[1] in ROOMS else "rest"
    if CODEC_LIBRARIES.search(object_name) or CODEC_LIBRARIES.search(function):
        return "codec"
    if HASH_LIBRARIES.search(object_name) or HASH_LIBRARIES.search(function):
        return "hash"
    if "/ld-linux" in object_name:
        return "loader"
    return "libc" if C_LIBRARIES.search(object_name) else "rest"


def measured():
    counts = {}
    for name, layout in COLUMNS:
        print(f"counting {name}, {layout} …", file=sys.stderr)
        counts[name, layout] = count(name, layout)
    return {room: [counts[column][room] for column in COLUMNS] for room in ROOMS} | {
        "total": [sum(counts[column].values()) for column in COLUMNS]}


def write(ledger):
    head = ["room", *(f"{name} {layout}" for name, layout in COLUMNS)]
    text = f"""# Instructions by room

`queuelake transform` on one thread, default job, Snappy, AVX2 kernels: S (8,665 rows) and cut, the first thirtieth of L (259,220 rows). Counted by callgrind with
{first_line("gcc", "--version")} and {first_line("ldd", "--version")}; with others the figures are others. Written by `./dev bench ledger`.

{md_table(head, [[room, *(f"{n:,}" for n in counts)] for room, counts in ledger.items()])}

What is inlined counts for the room that it is inlined into. "codec" and "hash" hold the libraries behind them, "libc" what all rooms ask of it (memory moves above all),
"loader" the shared libraries being bound, "rest" settings, files, and what the rooms share. Valgrind has no SHA instructions: "hash" is several times what it
really is. Two runs differ by a hundred-thousandth.
"""
    LEDGER.write_text(text)


def committed():
    """The table of the ledger in the last commit, {} if there is none."""
    done = subprocess.run(["git", "-C", ROOT, "show", f"HEAD:{pathlib.Path('bench') / LEDGER.name}"], capture_output=True, text=True)
    ledger = {}
    for line in done.stdout.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in [*ROOMS, "total"]:
            ledger[cells[0]] = [int(cell.replace(",", "")) for cell in cells[1:]]
    return ledger


def difference(before, after):
    rows = []
    for room, counts in after.items():
        old = before.get(room, [0] * len(counts))
        rows.append([room, *(f"{n:,} ({100 * (n - o) / o:+.1f} %)" if o else f"{n:,} (new)" for n, o in zip(counts, old))])
    return md_table(["room", *(f"{name} {layout}" for name, layout in COLUMNS)], rows)


def main():
    build()
    ledger = measured()
    print(difference(committed(), ledger))
    write(ledger)


if __name__ == "__main__":
    main()
