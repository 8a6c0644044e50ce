#!/usr/bin/env python3
"""The law of includes (tools/deps.toml): which room may include which, and which third-party header lives in one room only.

usage: check_includes.py [ROOT]     exit 1 and one line per breach
"""
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
LAW = tomllib.loads((ROOT / "tools/deps.toml").read_text())
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
EXTERN_FUNCTION = re.compile(r"^extern\s+[^;]*\([^;]*\)\s*;", re.M)


def room_of(path: pathlib.Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[0]


def main() -> int:
    rooms, owners = LAW["rooms"], {h: r for r, hs in LAW["third_party"].items() for h in hs}
    breaches = []
    for path in sorted([*ROOT.glob("src/*/*.[ch]"), *ROOT.glob("cli/*.[ch]"), *ROOT.glob("sim/*.[ch]")]):
        room, text = room_of(path), path.read_text()
        where = path.relative_to(ROOT)
        if room not in rooms:
            breaches.append(f"{where}: the room '{room}' is not in tools/deps.toml")
            continue
        for quote, name in INCLUDE.findall(text):
            if quote == '"':
                target = name.split("/")[0]
                if "/" not in name:
                    breaches.append(f"{where}: include \"{name}\" by its room, \"{room}/{name}\"")
                elif target not in ("queuelake", room) and target not in rooms[room]:
                    breaches.append(f"{where}: {room} must not include {name}")
                if name.endswith("_internal.h") and target != room:
                    breaches.append(f"{where}: {name} is internal to {target}")
            else:
                # sim has libraries of its own, so that a mistake of the product cannot cancel itself out.
                allowed = LAW["third_party_of_sim"] if room == "sim" else None
                for prefix, owner in owners.items():
                    if name.startswith(prefix) and owner != room and not (allowed and prefix in allowed):
                        breaches.append(f"{where}: <{name}> belongs to {owner} alone")
        if path.suffix == ".c" and EXTERN_FUNCTION.search(text):
            breaches.append(f"{where}: a function is declared extern in a .c file; declare it in a header")
    for line in breaches:
        print(line)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
