"""Means against fractions, on data where sums of doubles are wrong, and where compensated sums are wrong too."""
import math
import random
from fractions import Fraction

import pyarrow.parquet as pq

HEADER = "timeInterval,queueName,callsOffered,callsAnswered,avgHandleTimeSeconds\n"


def neumaier(values):
    total = correction = 0.0
    for v in values:
        t = total + v
        correction += (total - t) + v if abs(total) >= abs(v) else (v - t) + total
        total = t
    return total + correction


def cells(seed, n):
    rng = random.Random(seed)
    for _ in range(n):
        size = rng.randint(2, 6)
        digits = rng.choice([1, 3, 7, 12])
        yield [(rng.choice([1, rng.randint(1, 40), rng.randint(1, 10**9)]), f"{rng.uniform(0, 10 ** rng.randint(0, 6)):.{digits}f}") for _ in range(size)]


def exact_mean(rows):
    mean = sum(Fraction(x) * w for w, x in rows) / sum(w for w, _ in rows)
    return mean.numerator / mean.denominator  # int / int is correctly rounded


def test_means_are_the_nearest_doubles(ql, tmp_path):
    data = list(cells(5, 3000))
    expected = [exact_mean(rows) for rows in data]
    plain = [sum(float(x) * w for w, x in rows) / sum(w for w, _ in rows) for rows in data]
    compensated = [neumaier(float(x) * w for w, x in rows) / sum(w for w, _ in rows) for rows in data]
    assert sum(a != b for a, b in zip(plain, expected)) > 100, "the data are too easy"
    assert sum(a != b for a, b in zip(compensated, expected)) > 100, "the data are too easy for compensated sums"
    lines = [f"2024-01-01T00:00:00Z/2024-01-01T00:30:00Z,q{i:05d},{w},{w},{x}\n" for i, rows in enumerate(data) for w, x in rows]
    for order in range(3):
        random.Random(order).shuffle(lines)
        (tmp_path / "in.csv").write_text(HEADER + "".join(lines))
        done = ql("transform", "in.csv", "--layout", "long", "--round", "none", "-o", "out.parquet")
        assert done.code == 0, done
        got = pq.read_table(tmp_path / "out.parquet").column("avg_handle_time_seconds").to_pylist()
        assert [math.nan if a is None else a for a in got] == expected
