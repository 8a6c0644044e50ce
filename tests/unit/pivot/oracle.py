#!/usr/bin/env python3
"""The oracle of pivot's unit tests: Fraction and Decimal say what is exact, and Python's Fraction -> float rounds correctly.

usage: oracle.py exact|cells > tests/data/pivot/{exact,cells}.txt     (the same output every time; the files are committed)

It shares no code and no method with src/pivot: it knows nothing of scales, 128-bit integers, buckets or sorting by counting.
"""
import random
import sys
from fractions import Fraction


def text_of(rng, kind=None):
    """A decimal as an export might spell it; `kind` steers how nasty it is."""
    kind = kind or rng.choice(["plain", "plain", "long", "exp", "tiny", "int", "zeros"])
    sign = "-" if rng.random() < 0.3 else ""
    if kind == "plain":
        return f"{sign}{rng.randrange(10**rng.randint(1, 6))}.{rng.randrange(1000):03d}"
    if kind == "long":  # 17 digits and more
        return f"{sign}{rng.randrange(10**rng.randint(1, 25))}.{''.join(rng.choice('0123456789') for _ in range(rng.randint(1, 40)))}"
    if kind == "exp":
        return f"{sign}{rng.randint(1, 9)}.{rng.randrange(10**rng.randint(1, 20))}e{rng.randint(-300, 300)}"
    if kind == "tiny":  # around the subnormals
        return f"{sign}{rng.randint(1, 9)}.{rng.randrange(10**17)}e-{rng.randint(300, 330)}"
    if kind == "zeros":
        return rng.choice(["0", "-0", "0.000", "000.500", "-00012.3400", "1000000", "0e5", "5e0", "1.50e+2", "0e999999999", "1e-999999"])
    return f"{sign}{rng.randrange(10**rng.randint(1, 22))}"


def value_of(text):
    """Exact, but for what is below 10^-400, which reads as zero."""
    mantissa, _, exponent = text.partition("e")
    exponent = int(exponent or 0)
    if abs(exponent) > 5000:
        return Fraction(0)
    value = Fraction(mantissa) * Fraction(10) ** exponent
    return value if abs(value) >= Fraction(1, 10**400) else Fraction(0)


def double_of(value):
    try:
        return float(value).hex()
    except OverflowError:
        return "overflow"


def int_of(value):
    nearest = round(value)  # half to even
    return str(nearest) if abs(nearest) < 2**63 else "overflow"


def decimal_text(value):
    """The whole finite decimal expansion of a dyadic or decimal Fraction."""
    den, scale = value.denominator, 0
    while den % 10 == 0:
        den //= 10
        scale += 1
    twos = fives = 0
    while den % 2 == 0:
        den //= 2
        twos += 1
    while den % 5 == 0:
        den //= 5
        fives += 1
    assert den == 1
    scale += max(twos, fives)
    digits = str(abs(int(value * 10**scale))).rjust(scale + 1, "0")
    text = digits[: len(digits) - scale] + ("." + digits[len(digits) - scale :] if scale else "")
    return ("-" if value < 0 else "") + text


def near_ties(rng):
    """Decimals at, just above and just below the middle between two neighbouring doubles."""
    for _ in range(150):
        low_exp = rng.choice([-1074, -1074, -1073, -1060, -1022, -60, -52, -20, 0, 3])
        odd = 2 * rng.randrange(2**52, 2**53) + 1 if rng.random() < 0.7 else 2 * rng.randrange(1, 2**rng.randint(1, 50)) + 1
        tie = Fraction(odd) * Fraction(2) ** (low_exp - 1)
        for nudge in (0, 1, -1):
            yield tie + nudge * Fraction(1, 10 ** rng.choice([1080, 1090, 1200]))


def print_exact():
    rng = random.Random(20240131)
    print("# made by tests/unit/pivot/oracle.py exact; see test_exact.c")
    for _ in range(400):
        text = text_of(rng)
        print("double", text, double_of(value_of(text)))
    for value in near_ties(rng):
        text = decimal_text(value)
        if len(text) < 500 or rng.random() < 0.15:
            print("double", text, double_of(value_of(text)))
    for text in ["1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "179769313486231580793e289", "4.9e-324",
                 "2.4703282292062327e-324", "2.4703282292062328e-324", "2.5e-324", "1e-324", "1e399", "9007199254740993", "9007199254740992.5",
                 "9007199254740993.0000000000000000000000000000000000000001", "-9007199254740995", "1e22", "1e23", "8.5e22", "0.1", "0.3"]:
        print("double", text, double_of(value_of(text)))
    for _ in range(400):
        a, b = text_of(rng), text_of(rng)
        print("sum", a, b, double_of(value_of(a) + value_of(b)))
        print("product", a, b, double_of(value_of(a) * value_of(b)))
        if value_of(b) != 0:
            print("quotient", a, b, double_of(value_of(a) / value_of(b)))
        x, y = value_of(a), value_of(b)
        print("cmp", a, b, (x > y) - (x < y))
    for _ in range(150):  # sums that cancel, where a compensated sum has lost the small ones
        big, small = text_of(rng, "exp").lstrip("-"), [text_of(rng) for _ in range(rng.randint(1, 4))]
        terms = [big, "-" + big, *small]
        rng.shuffle(terms)
        print("sum", *terms, double_of(sum(map(value_of, terms))))
    for _ in range(300):
        num = rng.randrange(-(2 ** rng.randint(1, 126)), 2 ** rng.randint(1, 126))
        den = rng.choice([1, 2, 10 ** rng.randint(0, 18), rng.randrange(1, 2 ** rng.randint(1, 126)), 3])
        print("ratio", num, den, double_of(Fraction(num, den)), int_of(Fraction(num, den)))
    for _ in range(200):  # ties of a quotient: odd multiples of half a unit in the last place, and just beside
        den = rng.choice([1, 2, 3, 5, 7, 10**3, 10**6, rng.randrange(1, 2**30), rng.randrange(2**53, 2**60)])
        num = (2 * rng.randrange(2**52, 2**53) + 1) * den * 2 ** rng.randint(0, 8) + rng.choice([0, 0, 1, -1])
        if num.bit_length() < 127:
            num *= rng.choice([1, -1])
            print("ratio", num, den, double_of(Fraction(num, den)), int_of(Fraction(num, den)))
    for num, den in [(2**63 - 1, 1), (-(2**63) + 1, 1), (2**63, 1), (-(2**63), 1), (2**64 - 1, 2), (-(2**64) + 1, 2), (2**64 - 2, 2), (5, 2), (7, 2), (-5, 2),
                     (1, 2), (3, 2), (-1, 2), (-3, 2), (1, 3), (2, 3), (0, 7), (2**65 - 1, 2), (2**64 - 1, 1), (2**66 - 1, 4), (2**127 - 1, 2**127 - 1),
                     (2**127 - 1, 2**126 + 1), (1, 2**127 - 1), (2**127 - 1, 1), (2**53 + 1, 1), (2**53, 2**53), (2**53 + 1, 2**53), (1, 2**53 + 1)]:
        print("ratio", num, den, double_of(Fraction(num, den)), int_of(Fraction(num, den)))


# --- cells ---

US = 10**6
NONE = None


def step_of(rows, options):
    starts = sorted({r["start"] for r in rows})
    return options["gran"] or min((b - a for a, b in zip(starts, starts[1:])), default=0)


def derive_ends(rows, options):
    step = step_of(rows, options)
    for r in rows:
        if r["end"] is NONE:
            if not step:
                raise ValueError("E_DATA")
            r["end"] = r["start"] + step


def iso(us):
    from datetime import datetime, timedelta, timezone

    t = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=us)
    return t.strftime("%Y-%m-%dT%H:%M:%S.") + (f"{us % US // 1000:03d}Z" if us % 1000 == 0 else f"{us % US:06d}Z")


def fill(seen, rows, options):
    """The intervals to add, by walking along the grid one step at a time."""
    lengths = {e - s for s, e, _ in seen}
    if options["gran"]:
        step = options["gran"]
    elif len(lengths) == 1:  # every interval says the same
        step = lengths.pop()
    else:
        step = step_of(rows, options) or min((x for x in lengths if x > 0), default=0)
    low, high = options["from"], options["to"]
    if not step:
        if low is NONE and high is NONE:
            return []
        raise ValueError("E_DATA")
    by_time = sorted(seen, key=lambda i: i[:2])
    low = low if low is not NONE else by_time[0][0] if by_time else NONE
    high = high if high is not NONE else by_time[-1][0] if by_time else NONE
    if low is NONE or high is NONE:
        return []
    added = []
    if not by_time:
        t = low
        while t < high:
            added.append(t)
            t += step
    else:
        t = by_time[0][0] - step
        while t >= low:
            added.append(t)
            t -= step
    for i, (start, _, _) in enumerate(by_time):
        nxt = by_time[i + 1][0] if i + 1 < len(by_time) else None
        t = start + step
        while t < (high if nxt is None else nxt):
            if all(t >= e for s, e, _ in by_time[: i + 1]) and (nxt is None or t + step <= nxt):
                added.append(t)
            t += step
    has_end = any("/" in text for _, _, text in seen) or not seen
    return [(t, t + step, iso(t) + ("/" + iso(t + step) if has_end else "")) for t in added if low <= t < high]


def queue_keys(rows, options):
    """Sets r["queue"] = (name, id); the queues; how many ids were merged and renamed."""
    names = {}
    for r in rows:
        if r["id"]:
            names.setdefault(r["id"], {}).setdefault(r["name"], []).append((r["start"], r["end"]))
    renamed = sum(len(n) > 1 for n in names.values())
    merged = 0
    if options["by_id"]:
        final = {}
        for id_, by_name in names.items():
            latest = max(max(times) for times in by_name.values())
            final[id_] = min((n for n, times in by_name.items() if max(times) == latest), key=lambda n: n.encode())
        for r in rows:
            r["queue"] = (final[r["id"]], r["id"]) if r["id"] else (r["name"], "")
    else:
        ids = {}
        for r in rows:
            ids.setdefault(r["name"], set()).update([r["id"]] if r["id"] else [])
        merged = sum(max(0, len(i) - 1) for i in ids.values())
        for r in rows:
            r["queue"] = (r["name"], min(ids[r["name"]], key=lambda i: i.encode(), default=""))
    queues = {r["queue"] for r in rows}
    if options["queues"] is not None:
        if any(name not in options["queues"] for name, _ in queues):
            raise ValueError("E_DATA")
        queues |= {(name, "") for name in options["queues"] if name not in {n for n, _ in queues}}
    return sorted(queues, key=lambda q: (q[0].encode(), q[1].encode())), merged, renamed


def aggregate(agg, rows):
    """An exact Fraction, or None."""
    pairs = [(value_of(r["v"][agg["column"]]), r) for r in rows if r["v"][agg["column"]] != ""]
    values = [v for v, _ in pairs]
    if agg["agg"] == "count":
        return Fraction(len(values))
    if not values:
        return None
    if agg["agg"] == "sum":
        return sum(values, Fraction(0))
    if agg["agg"] in ("min", "max"):
        return min(values) if agg["agg"] == "min" else max(values)
    weights = [value_of(r["v"][agg["weight"]] or "0") for _, r in pairs] if agg["weight"] >= 0 else [Fraction(0)] * len(pairs)
    if sum(weights) == 0:
        return sum(values, Fraction(0)) / len(values)
    return sum(v * w for v, w in zip(values, weights)) / sum(weights)


def spell(agg, value):
    if value is None:
        return "null"
    text = int_of(value) if agg["type"] == "int64" else double_of(value)
    if text == "overflow":
        raise ValueError("E_OVERFLOW")
    return text


def solve(case):
    """The expected lines of a case."""
    rows, options = [dict(r) for r in case["rows"]], case["options"]
    try:
        derive_ends(rows, options)
        by_text = options["by_text"]
        seen = sorted({(r["start"], r["end"], r["text"] if by_text else "") for r in rows})
        added = fill(seen, rows, options) if options["gaps"] else []
        added = [(s, e, t if by_text else "") for s, e, t in added]
        intervals = sorted(seen + added, key=(lambda i: i[2].encode()) if by_text else (lambda i: i[:2]))
        queues, merged, renamed = queue_keys(rows, options)
        cells = {}
        for r in rows:
            key = (r["start"], r["end"], r["text"] if by_text else "")
            cells.setdefault((intervals.index(key), queues.index(r["queue"])), []).append(r)
        n_duplicates = len(rows) - len(cells)
        for key, members in cells.items():
            if len({r["input"] for r in members}) > 1 and options["overlap"] == "fail":
                raise ValueError("E_OVERLAP")
            if options["overlap"] == "last":
                cells[key] = [r for r in members if r["input"] == max(m["input"] for m in members)]
        lines = [f"interval\t{s}\t{e}\t{t}" for s, e, t in intervals]
        lines += [f"queue\t{id_}\t{name}" for name, id_ in queues]
        for i, q in sorted(cells):
            lines.append("\t".join(["cell", str(i), str(q), *(spell(a, aggregate(a, cells[i, q])) for a in case["aggs"])]))
        for i in range(len(intervals)) if options["totals"] else []:
            members = [r for key, rs in cells.items() if key[0] == i for r in rs]
            lines.append("\t".join(["total", str(i), *(spell(a, aggregate(a, members)) if members else "null" for a in case["aggs"])]))
        lines.append(f"stats\t{len(rows)}\t{n_duplicates}\t{len(added)}\t{merged}\t{renamed}")
        return lines
    except ValueError as error:
        return [f"error\t{error}"]


def random_value(rng, kind):
    if rng.random() < 0.12:
        return ""
    if kind == "count":
        return str(rng.choice([0, rng.randrange(10), rng.randrange(1000)])) if rng.random() < 0.98 else str(rng.randrange(10 ** rng.randint(10, 19)))
    if kind == "mild":
        return f"{rng.randrange(1000)}.{rng.randrange(1000):03d}" if rng.random() < 0.9 else str(rng.randrange(1000))
    if kind == "ties":  # sums and means that end in ...5 beyond the 53rd bit
        return rng.choice(["9007199254740993", "9007199254740992", "1", "0.5", "0.25", "4503599627370497.5", "-9007199254740991", "-0.5", "1e-30", "-1e-30"])
    if kind == "cancel":  # a compensated sum loses what is left
        return rng.choice(["1e300", "-1e300", "1", "1e16", "-1e16", "1e-300", "-1e-300", "0.1", "123456789012345678.9", "-123456789012345678.9", "3e-16"])
    if kind == "floats":  # as a program prints doubles
        return repr(rng.choice([rng.random(), rng.random() * 1000, rng.gammavariate(9, 30), rng.random() * 1e-5]))
    if kind == "scales":
        return f"{rng.randrange(10 ** rng.randint(1, 12))}.{rng.randrange(10 ** rng.randint(1, 18)):0{rng.randint(1, 18)}d}"[:40]
    return text_of(rng)


def random_case(rng, number):
    kinds = [rng.choice(["count", "mild", "mild", "ties", "cancel", "floats", "scales", "nasty"]) for _ in range(4)]
    kinds[0] = "count"
    step = rng.choice([900, 1800, 86400]) * US
    base = rng.choice([1704067200, -3600, 951782400]) * US
    n_intervals, n_queues = rng.randint(1, 6), rng.randint(1, 5)
    names = rng.sample(["Sales", "sales", "Ventas – España", "VIP, Gold", "Ä", "z", "a\u00e9", "Q 1", "Q 10", "NULL"], n_queues)
    ids = [rng.choice(["", "id-1", "id-2", "b", "A", f"x{q}"]) for q in range(n_queues)]
    overlap = rng.choice(["fail", "sum", "last", "sum"])
    options = {"by_id": rng.random() < 0.5, "by_text": rng.random() < 0.2, "gaps": rng.random() < 0.3, "totals": rng.random() < 0.5,
               "gran": rng.choice([0, 0, step, step // 2]), "from": NONE, "to": NONE, "overlap": overlap, "queues": None}
    if options["gaps"] and rng.random() < 0.6:
        options["from"] = base - rng.randint(0, 3) * step - rng.choice([0, 0, 7 * US])
        options["to"] = base + rng.randint(5, 9) * step + rng.choice([0, 0, 7 * US])
    if rng.random() < 0.15:
        options["queues"] = names + ["Nobody", "Another"] if rng.random() < 0.8 else names[1:] + ["Nobody"]
    rows, texts = [], {}
    n_inputs = rng.choice([1, 1, 1, 3])
    ragged = rng.random() < (0.4 if options["gaps"] else 0.15)
    if ragged and rng.random() < 0.7:
        options["gran"] = step
    for _ in range(rng.randint(0, 40)):
        start = base + rng.randrange(n_intervals + (4 if options["gaps"] else 0)) * step + (rng.choice([0, 0, 0, 60 * US]) if ragged else 0)
        end = NONE if rng.random() < 0.1 or options["gran"] == step and rng.random() < 0.5 else start + step
        q = rng.randrange(n_queues)
        id_ = ids[q] if rng.random() < 0.9 else ""
        name = names[q] if rng.random() < 0.95 else rng.choice(names)
        text = ""
        if options["by_text"]:
            text = iso(start) if rng.random() < 0.8 or end is NONE else iso(start)[:-5] + "+00:00"
            text += "" if end is NONE else "/" + iso(end)
            if texts.setdefault(text, (start, end)) != (start, end):
                continue
        rows.append({"input": rng.randrange(n_inputs), "start": start, "end": end, "id": id_, "name": name, "text": text,
                     "v": [random_value(rng, k) for k in kinds]})
    aggs = []
    for a in range(rng.randint(1, 6)):
        agg = rng.choice(["sum", "mean", "mean", "min", "max", "count"])
        column, weight = rng.randrange(4), rng.choice([-1, 0, rng.randrange(4)]) if agg == "mean" else -1
        is_int = agg == "count" or column == 0 and agg != "mean" and rng.random() < 0.7 or rng.random() < 0.05
        aggs.append({"name": f"m{a}", "column": column, "weight": weight, "agg": agg, "type": "int64" if is_int else "double"})
    return {"name": f"random {number}", "options": options, "aggs": aggs, "rows": rows}


def print_case(case):
    options = case["options"]
    print(f"case\t{case['name']}")
    for key in ("by_id", "by_text", "gaps", "totals", "gran", "from", "to"):
        if options[key] not in (NONE, 0, False):
            print(f"option\t{key}\t{int(options[key])}")
    print(f"option\toverlap\t{options['overlap']}")
    for name in options["queues"] or []:
        print(f"only\t{name}")
    for a in case["aggs"]:
        print(f"agg\t{a['name']}\t{a['column']}\t{a['weight']}\t{a['agg']}\t{a['type']}")
    for r in case["rows"]:
        end = "none" if r["end"] is NONE else r["end"]
        print("\t".join(map(str, ["row", r["input"], r["start"], end, r["id"], r["name"], r["text"], *r["v"]])))
    for line in solve(case):
        print(line)
    print("end")


def print_cells():
    rng = random.Random(19991231)
    print("# made by tests/unit/pivot/oracle.py cells; see test_pivot_oracle.c")
    for number in range(200):
        print_case(random_case(rng, number))


if __name__ == "__main__":
    {"exact": print_exact, "cells": print_cells}[sys.argv[1]]()
