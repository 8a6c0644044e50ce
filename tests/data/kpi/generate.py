#!/usr/bin/env python3
"""Vectors for the unit tests of kpi and of pivot's layouts: expected values from Python, NumPy and pandas.

usage: generate.py  (writes *.tsv beside itself; needs numpy and pandas; the same bytes every time)

Numbers are hexadecimal floats (exact), NULL is "-". The rules are those of docs/semantics.md, written here a second time.
"""
import ast
import hashlib
import math
import pathlib
import random
import re
import unicodedata

import numpy as np
import pandas as pd

HERE = pathlib.Path(__file__).parent
TWO_TO_53 = 2.0**53


def spell(x):
    return "-" if x is None or (isinstance(x, float) and math.isnan(x)) else float(x).hex()


def round_like_numpy(x, digits):
    if x is None or math.isnan(x):
        return x
    with np.errstate(over="ignore"):
        scaled = np.float64(x) * 10.0**digits if digits >= 0 else np.float64(x) / 10.0**-digits
    return x if abs(scaled) >= TWO_TO_53 else float(np.round(np.float64(x), digits)) + 0.0


# ---- rounding

def write_round(rng):
    lines = []
    for _ in range(600):
        digits = rng.choice([0, 1, 2, 3, 4, 4, 4, 6, 9, 12, 15, -1, -3, -15])
        kind = rng.randrange(5)
        if kind == 0:  # ties as people write them
            x = float(f"{rng.randrange(-10**6, 10**6)}.{rng.randrange(10**4):04d}5")
        elif kind == 1:  # ties as doubles have them
            x = rng.randrange(-4000, 4000) / 8
        elif kind == 2:
            x = rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 25)
        elif kind == 3:  # about 2^53 when scaled
            x = (TWO_TO_53 + rng.randrange(-5, 5)) / 10.0**digits * rng.choice([1, -1, 0.5])
        else:
            x = rng.choice([0.0, -0.0, -0.00001, 1e308, -1e308, 5e-324, 0.49999999999999994, 2.5, -2.5, 1 / 3, 0.1 + 0.2])
        lines.append(f"{x.hex()}\t{digits}\t{round_like_numpy(x, digits).hex()}")
    (HERE / "round.tsv").write_text("\n".join(lines) + "\n")


# ---- expressions: Python's own parser says what binds tighter

OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, VALUE = range(8)


def generate(rng, depth):
    """(text, precedence of its outermost operator)"""
    if depth == 0 or rng.random() < 0.15:
        leaf = rng.choice(["a", "b", "c", "interval_seconds", "a", "b", "c", "0", "1", "2.5", ".5", "1e3", "100.", "7E-1"])
        return leaf, VALUE

    def operand(least):
        text, precedence = generate(rng, depth - 1)
        return f"({text})" if precedence < least or rng.random() < 0.05 else text

    sign = lambda s: rng.choice(["", " "]) + s + rng.choice(["", " "])
    kind = rng.random()
    if kind < 0.38:
        op = rng.choice("+-*/")
        level = SUM if op in "+-" else PRODUCT
        return operand(level) + sign(op) + operand(level + 1), level
    if kind < 0.50:
        return operand(SUM) + sign(rng.choice(["<", "<=", ">", ">=", "==", "!="])) + operand(SUM), COMPARISON
    if kind < 0.58:
        op = rng.choice(["and", "or"])
        level = AND if op == "and" else OR
        return f"{operand(level)} {op} {operand(level + 1)}", level
    if kind < 0.63:
        return f"not {operand(NOT)}", NOT
    if kind < 0.70:
        return f"-{operand(SIGN)}", SIGN
    name = rng.choice(["if", "coalesce", "round", "min", "max", "abs"])
    if name == "round":
        digits = rng.choice([None, 0, 2, 4, -1])
        return f"round({operand(OR)}" + ("" if digits is None else f", {digits}") + ")", VALUE
    count = {"if": 3, "abs": 1, "coalesce": rng.choice([1, 2, 3, 5])}.get(name, rng.choice([2, 3, 4]))
    return f"{name}({', '.join(operand(OR) for _ in range(count))})", VALUE


def finite(x):
    return x if math.isfinite(x) else None


def compute(node, names):
    """The value of a Python syntax tree under the one rule for NULL (None)."""
    if isinstance(node, ast.Constant):
        return float(node.value)
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        x = compute(node.operand, names)
        if x is None:
            return None
        return -x if isinstance(node.op, ast.USub) else float(x == 0)
    if isinstance(node, ast.BinOp):
        x, y = compute(node.left, names), compute(node.right, names)
        if x is None or y is None:
            return None
        if isinstance(node.op, ast.Div):
            return None if y == 0 else finite(x / y)
        return finite({ast.Add: x.__add__, ast.Sub: x.__sub__, ast.Mult: x.__mul__}[type(node.op)](y))
    if isinstance(node, ast.BoolOp):
        values = [compute(v, names) for v in node.values]
        if None in values:
            return None
        return float((all if isinstance(node.op, ast.And) else any)(v != 0 for v in values))
    if isinstance(node, ast.Compare):
        assert len(node.ops) == 1
        x, y = compute(node.left, names), compute(node.comparators[0], names)
        if x is None or y is None:
            return None
        order = {ast.Lt: x < y, ast.LtE: x <= y, ast.Gt: x > y, ast.GtE: x >= y, ast.Eq: x == y, ast.NotEq: x != y}
        return float(order[type(node.ops[0])])
    assert isinstance(node, ast.Call)
    name = node.func.id
    if name == "round" and len(node.args) == 2:
        return round_like_numpy(compute(node.args[0], names), int(compute(node.args[1], names)))
    values = [compute(v, names) for v in node.args]
    if name == "if_":
        return values[1] if values[0] is not None and values[0] != 0 else values[2]
    if name == "coalesce":
        return next((v for v in values if v is not None), None)
    if None in values:
        return None
    return {"min": min, "max": max, "abs": lambda v: abs(v[0]), "round": lambda v: round_like_numpy(v[0], 0)}[name](values)


def write_expr(rng):
    lines = []
    for _ in range(300):
        text, _ = generate(rng, rng.choice([1, 2, 3, 4]))
        if len(text) > 400:
            continue
        tree = ast.parse(re.sub(r"\bif\(", "if_(", text), mode="eval").body
        lines.append(f"E\t{text}")
        for _ in range(6):
            names = {"a": rng.choice([None, 0.0, 1.0, 2.0, 7.0, float(rng.randrange(10**6)), 2.0**60]),
                     "b": rng.choice([None, 0.0, 0.5, 1.0, 2.0, -3.25, rng.uniform(-100, 100), 1e308, -1e-308]),
                     "c": rng.choice([None, 0.0, 1.0, 2.5, rng.uniform(0, 1), rng.uniform(-1e6, 1e6)]),
                     "interval_seconds": rng.choice([900.0, 1800.0, 86400.0])}
            lines.append("R\t" + "\t".join(spell(v) for v in names.values()) + "\t" + spell(compute(tree, names)))
    (HERE / "expr.tsv").write_text("\n".join(lines) + "\n")


# ---- a plan applied to cells

COUNTS = ["calls_offered", "calls_answered", "calls_abandoned"]
METRICS = COUNTS + ["avg_handle_time_seconds", "service_level_percent"]


def random_cells(rng, n):
    rows = []
    for _ in range(n):
        offered = rng.choice([0, 0, 1, 3, 7, rng.randrange(1, 500), 10**15 + 7])
        answered = rng.choice([0, offered, max(0, offered - rng.randrange(5)), offered + rng.choice([0, 0, 1])])
        row = [offered, answered, rng.choice([0, max(0, offered - answered)]),
               rng.uniform(0, 900) if rng.random() < 0.5 else round(rng.uniform(0, 900), 3), rng.uniform(0, 100)]
        rows.append([None if rng.random() < 0.07 else v for v in row])
    return pd.DataFrame(rows, columns=METRICS, dtype="float64")


def default_columns(df, has_abandoned):
    out = df[METRICS if has_abandoned else [m for m in METRICS if m != "calls_abandoned"]].copy()
    offered = df.calls_offered.where(df.calls_offered != 0)
    out["answer_rate"] = df.calls_answered / offered
    out["abandon_rate"] = df.calls_abandoned / offered if has_abandoned else 1 - out.answer_rate
    return out


def pandas_columns(df):
    offered, answered = df.calls_offered.fillna(0), df.calls_answered.fillna(0)
    out = df[["calls_offered", "calls_answered", "avg_handle_time_seconds"]].copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        out["answer_rate"] = np.where(offered > 0, answered / offered, 0.0)
    out["abandon_rate"] = 1.0 - out.answer_rate
    return out


def write_apply(rng):
    lines = []
    for profile, has_abandoned, digits, empty in [("default", 1, 4, "zero"), ("default", 0, 4, "zero"), ("default", 1, 2, "null"),
                                                  ("default", 0, -1, "null"), ("pandas", 0, -1, "zero"), ("pandas", 0, 4, "zero")]:
        df = random_cells(rng, 50)
        out = default_columns(df, has_abandoned) if profile == "default" else pandas_columns(df)
        n_nulls = int(out.isna().sum().sum()) if empty == "zero" else 0
        over = int((df.calls_answered > df.calls_offered).sum())
        approximate = profile == "default" and not has_abandoned
        lines.append(f"C\t{profile}\t{has_abandoned}\t{digits}\t{empty}\t{over}\t"
                     f"{int(out.abandon_rate.notna().sum()) if approximate else 0}\t{n_nulls}\t{len(out.columns)}\t{len(df)}")
        for name in out:
            values = out[name].tolist()
            if name not in COUNTS:
                values = [v if digits < 0 else round_like_numpy(v, digits) for v in values]
            if empty == "zero":
                values = [0.0 if math.isnan(v) else v for v in values]
            lines.append("\t".join(["O", name] + [spell(v) for v in values]))
        for name in METRICS:
            lines.append("\t".join(["I", name] + [spell(v) for v in df[name].tolist()]))
    (HERE / "apply.tsv").write_text("\n".join(lines) + "\n")


# ---- names of queues in columns

def safe_part(name):
    out, is_lost = "", False
    for ch in unicodedata.normalize("NFKD", name):
        if unicodedata.category(ch).startswith("M"):
            continue
        plain = ch.isascii() and ch.isalnum()
        is_lost |= not plain and unicodedata.category(ch)[0] in "LN"
        out += ch.lower() if plain else "_"
    part = re.sub("_+", "_", out).strip("_")
    return part, is_lost or part == ""


def safe_parts(names):
    digest = {n: hashlib.sha256(n.encode()).hexdigest()[:6] for n in names}
    parts = {n: p + "_" + digest[n] if is_lost else p for n in names for p, is_lost in [safe_part(n)]}
    hashed = {n for n in names if safe_part(n)[1]}
    clashing = {n for n in names if list(parts.values()).count(parts[n]) > 1}
    return {n: parts[n] if n in hashed or n not in clashing else parts[n] + "_" + digest[n] for n in names}, len(clashing - hashed)


def write_names():
    sets = [["Sales", "Support EN", "Verkauf & Service", "billing"],
            ["Caf\u00e9", "cafe", "CAFE!", "Stra\u00dfe", "strae", "\u00d8resund", "resund"],
            ["\u5ba2\u670d", "\u9500\u552e", "***", "\U0001f4de", "Queue 1", "queue-1", "queue_1", "1"],
            ["\ufb01rst", "first", "\u212bngstr\u00f6m", "a__b", "_a b_", "\u00bd day", "NULL", "NaN"],
            [" lead", "tail ", "tab\there", "line\nbreak", "quote\"d", "comma,s", "\u0130stanbul"]]
    lines = []
    for names in sets:
        names = sorted(names, key=str.encode)
        parts, n_clashes = safe_parts(names)
        lines.append(f"S\t{len(names)}\t{n_clashes}")
        lines += [f"{n.encode().hex()}\t{parts[n]}" for n in names]
    (HERE / "names.tsv").write_text("\n".join(lines) + "\n")


# ---- wide and long: pandas pivots

def write_layout(rng):
    lines = []
    for n_intervals, n_queues, density in [(1, 1, 1.0), (5, 3, 0.6), (17, 9, 0.3), (40, 1, 0.5), (3, 30, 0.5)]:
        keys = sorted({(i, q) for i in range(n_intervals) for q in range(n_queues) if rng.random() < density} | {(0, 0)})
        df = pd.DataFrame(keys, columns=["i", "q"])
        df["n"] = [None if rng.random() < 0.1 else float(rng.randrange(-5, 10**6)) for _ in keys]
        df["x"] = [None if rng.random() < 0.1 else rng.uniform(-10, 10) for _ in keys]
        idle_n, idle_x = rng.choice([0.0, -1.0]), rng.choice([0.0, 0.25])
        lines.append(f"L\t{n_intervals}\t{n_queues}\t{len(keys)}\t{spell(idle_n)}\t{spell(idle_x)}")
        for row in df.itertuples():
            lines.append(f"C\t{row.i}\t{row.q}\t{spell(row.n)}\t{spell(row.x)}")
        mentioned = df.assign(one=1.0).pivot(index="i", columns="q", values="one")
        mentioned = mentioned.reindex(index=range(n_intervals), columns=range(n_queues)).notna()
        for metric, idle in (("n", idle_n), ("x", idle_x)):
            wide = df.pivot(index="i", columns="q", values=metric).reindex(index=range(n_intervals), columns=range(n_queues))
            wide = wide.where(mentioned, idle)
            for q in range(n_queues):
                lines.append("\t".join(["W", metric, str(q)] + [spell(v) for v in wide[q].tolist()]))
    (HERE / "layout.tsv").write_text("\n".join(lines) + "\n")


def main():
    write_round(random.Random(1))
    write_expr(random.Random(2))
    write_apply(random.Random(3))
    write_names()
    write_layout(random.Random(5))


if __name__ == "__main__":
    main()
