#!/usr/bin/env python3
"""Writes number_cases.h: texts of numbers, and what Python's decimal and float make of them. Deterministic.

usage: number_cases.py > number_cases.h

The oracle shares nothing with number.c: a regular expression says what a number is, decimal says its exact value (with the
column's shift), float says whether the nearest double is infinite or 0.
"""
import random
import re
from decimal import Context, Decimal, MAX_EMAX, MIN_EMIN

EXACT = Context(prec=20000, Emax=MAX_EMAX, Emin=MIN_EMIN)
BLANKS = " \t\r\n\u00a0\u202f"
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DURATION = re.compile(r"(\d{1,12}):([0-5]\d):([0-5]\d)(?:\.(\d+))?", re.ASCII)
BLANK = f"[{BLANKS}]*"
UNITS = re.compile(rf"(?=.)(?:(\d{{1,12}})d{BLANK})?(?:(\d{{1,12}})h{BLANK})?(?:(\d{{1,12}})m{BLANK})?(?:(\d{{1,12}})(?:\.(\d+))?s)?", re.ASCII | re.IGNORECASE)
NAN = re.compile(r"[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)


def canonical(value):
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(text) - len(stripped)
    return ("-" if sign else "") + stripped + (f"e{exponent}" if exponent else "")


def expected(text, kind, comma, shift):
    """What number.c must say: a value, "-" (empty), "nan", or the name of the fault."""
    s = text.strip(BLANKS)
    if not s:
        return "-"
    if kind == "percentage" and s.endswith("%"):
        s, shift = s[:-1].strip(BLANKS), 0
    if NAN.fullmatch(s):
        return "nan"
    if kind == "duration" and ":" not in s and s[-1] in "dhmsDHMS":
        match = UNITS.fullmatch(s.replace(",", ".") if comma else s)
        if not match:
            return "NUMBER"
        days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[:4])
        value = Decimal(f"{((days * 24 + hours) * 60 + minutes) * 60 + seconds}.{match[5] or 0}")
        shift = 0
    elif kind == "duration" and ":" in s:
        match = DURATION.fullmatch(s.replace(",", ".") if comma else s)
        if not match:
            return "NUMBER"
        hours, minutes, seconds, fraction = match.groups()
        value = Decimal(f"{(int(hours) * 60 + int(minutes)) * 60 + int(seconds)}.{fraction or 0}")
        shift = 0
    else:
        if comma:
            s = "x" if "." in s else s.replace(",", ".")
        if not NUMBER.fullmatch(s):
            return "NUMBER"
        mantissa, _, exponent = s.lower().partition("e")
        exponent = max(-10**8, min(10**8, int(exponent or 0)))
        value = Decimal(mantissa).scaleb(exponent, EXACT)
    if value == 0:
        return "0"
    value = value.scaleb(shift, EXACT)
    if kind == "count":
        if value.as_tuple().exponent < 0 and value.normalize(EXACT).as_tuple().exponent < 0:
            return "COUNT"
        if value < 0:
            return "NEGATIVE"
        return canonical(value) if value.adjusted() < 30 and value < 2**63 else "COUNT_OVERFLOW"
    if value.adjusted() > 400 or float(value) in (float("inf"), float("-inf")):
        return "OVERFLOW"
    if value.adjusted() < -400 or float(value) == 0:
        return "0"
    return canonical(value)


HAND = """0 00 -0 +0 1 12 007 +5 -5 0.5 .5 5. 0. .0 . + - +. -. 1.5 1.50 1.0 100 1e5 1E5 1e+5 1e-5 1.5e1 1.2e1 12.0 1.25e1 e5 1e 1e+ 1e5.0
1e5x x1 1x 1,5 1,234 1.234,5 1'000 1_000 1.2.3 --1 +-1 0x10 1f 1d NULL NA N/A None null ? ½ ١٢ 1e400 -1e400 1e308 1.7976931348623157e308
1.7976931348623158e308 1.7976931348623159e308 -1.7976931348623159e308 1797693134862315807e290 1e309 0.1e310 1e-320 4.9e-324 2.5e-324
2.4e-324 2.4703282292062327e-324 2.4703282292062328e-324 1e-400 -1e-400 0e999999999999999999999 0e-99999999999999999999
1e99999999999999999999 1e-99999999999999999999 9223372036854775806 9223372036854775807 9223372036854775808 -9223372036854775806
-9223372036854775807 -9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 99999999999999999999
9999999999999999999 999999999999999999 1000000000000000000 0.000000000000000001 0.0000000000000000001 0.9223372036854775807
922337203685477580.7 9.223372036854775806 123456789012345678.5 1234567890123456.78 0.1 0.2 0.30000000000000004 1e18 1e19 1e22 1e23
5e-324 123456789012345678901234567890 3.141592653589793238462643383279502884197 nan NaN NAN +nan -NaN inf -inf Infinity +Infinity -INFINITY
infinit nano nan1 80% 80.5% % 80%% %80 1e2% nan% -5% 0:00:30 00:05:30 1:02:03.456 123:45:06 00:00:60 00:60:00 0:0:0 00:00 00:05:3 1:02:03.
0h2m5s 2m5s 5s 0s 1h 90m 1d 1d2h3m4.5s 2H5M 1.5h 5m2h 1s2m 3m3m m h5 5ms 5x2s -5s 1234567890123s 999999999999d 1e5s 5.s .5s 1:2m
1:02:03,5 -0:00:01 :00:01 0:00:01x 999999999999:59:59.999999999999 1234567890123:00:00 00:00:00.000000000000000000001 1e1:00:00 1.5:00:00""".split()


def make_cases():
    rng = random.Random(20240101)
    cases = []
    for text in HAND:
        for kind in ("count", "number", "duration", "percentage"):
            cases.append((text, kind, False, 0))
        cases.append((text, "number", True, 0))
    for text in ("", " ", "\t", " 12 ", "\t12\r\n", "\u00a012\u00a0", "\u202f12", "1 2", "80 %", "80\u00a0%", " 80% ", "80\u202f %", "1 e5", "- 1",
                 " nan ", "\u00a0", "12\u200b", "12\x00", "\x0012"):
        for kind in ("count", "number", "percentage"):
            cases.append((text, kind, False, 0))
    for text in ("0h 2m 5s", " 1d  2h\u00a03m 4s ", "2 m 5s", "1h 5", "2m\u202f5.25s", "5 s", "s", "2m,5s"):
        for kind in ("count", "number", "duration"):
            cases.append((text, kind, False, -3))
    for text in ("5,25s", "2m 5.25s", "1,5", "1.5", "-1,25e2", ",5", "5,", "1.234,5", "1,2,3", "0:00:01,5", "0:00:01.5", "12", "80,5 %", "1e5"):
        for kind in ("count", "number", "duration", "percentage"):
            cases.append((text, kind, True, 0))
    for text in ("0", "1", "12", "345678", "345678.9", "0.5", "0.875", "1e3", "80%", "0:05:30", "1e308", "1e310", "1e-323", "0.8333333333333334",
                 "999999999999999999", "9223372036854775806", "92233720368547758.07", "123456789012345678", "0.000000000000000001", "nan", ""):
        for shift in (-18, -3, -1, 1, 2, 3, 18):
            for kind in ("count", "number", "duration", "percentage"):
                cases.append((text, kind, False, shift))
    for _ in range(1500):
        whole = "".join(rng.choice("0123456789") for _ in range(rng.choice([0, 1, 1, 2, 3, 5, 9, 17, 18, 19, 20, 25])))
        fraction = "".join(rng.choice("0000123456789") for _ in range(rng.choice([0, 1, 2, 3, 6, 12, 16, 18, 19, 20, 25])))
        text = rng.choice(["", "", "", "-", "+"]) + whole + ("." + fraction if fraction or rng.random() < 0.1 else "")
        if rng.random() < 0.3:
            text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.choice([0, 1, 2, 5, 17, 18, 19, 20, 40, 290, 308, 309, 320, 330]))
        cases.append((text, rng.choice(["count", "number", "number", "percentage", "duration"]), False, rng.choice([0, 0, 0, 0, -3, 2])))
    for _ in range(300):  # doubles as programs print them
        value = rng.choice([rng.uniform(0, 900), rng.gauss(0, 1) * 10.0 ** rng.randint(-300, 300), float(rng.randint(0, 10**17))])
        cases.append((rng.choice([repr(value), f"{value:.3f}", f"{value:e}", f"{value:.17g}"]), "number", False, 0))
    for digits in (100, 800):
        cases.append(("1" + "0" * digits, "number", False, 0))
        cases.append(("0." + "0" * digits + "1", "number", False, 0))
        cases.append(("0." + "123456789" * (digits // 9), "number", False, 0))
        cases.append(("0" * digits + "12." + "0" * digits, "count", False, 0))
    return [case for case in dict.fromkeys(cases)]


def c_string(text):
    return '"' + "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in text.encode()) + '"'


def main():
    print("/* Written by number_cases.py: N(text, kind, decimal comma, shift, what Python's decimal and float make of it). */")
    print("/* clang-format off */")
    for text, kind, comma, shift in make_cases():
        print(f'N({c_string(text)}, {kind.upper()}, {int(comma)}, {shift}, "{expected(text, kind, comma, shift)}")')


if __name__ == "__main__":
    main()
