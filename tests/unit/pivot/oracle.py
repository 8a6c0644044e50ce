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


if __name__ == "__main__":
    {"exact": print_exact}[sys.argv[1]]()
