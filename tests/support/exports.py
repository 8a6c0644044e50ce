"""Random exports in every shape that the transform must take; deterministic by seed."""
import csv
import datetime as dt
import io
import random
import uuid

UTC = dt.timezone.utc
HEADER = ["timeInterval", "queue.id", "queue.name", "callsOffered", "callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds"]
NAMES = ["Sales", "Support", "Ventas – España", "VIP, Gold", 'Zweite "Ebene"', "Größe", "线路 一", "Kundendienst", "two\nlines", "  padded ",
         "A/B-Test.1", "NULL", "NaN", "007", "sales", "Straße", "Ærø", "a;b", "tab\there", "emoji 🎧"]


def stamp(t, rng=None):
    text = t.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if rng is None or rng.random() < 0.5:
        return text
    # another spelling of the same instant
    zone = dt.timezone(dt.timedelta(hours=rng.choice([-5, 0, 1, 9])))
    return t.astimezone(zone).isoformat()


def decimal_text(rng, low, high, digits):
    text = f"{rng.uniform(low, high):.{digits}f}"
    return rng.choice([text, text, text, text.rstrip("0").rstrip(".") or "0", f"{float(text):e}" if rng.random() < 0.2 else text])


def random_export(seed, respell=False):
    """(bytes, facts) with facts = {"delimiter", "has_id", …} that the oracle needs."""
    rng = random.Random(seed)
    shape = rng.choice(["plain", "plain", "plain", "one_row", "no_row", "one_queue", "many_queues", "duplicates"])
    n_queues = {"one_queue": 1, "many_queues": 500, "one_row": 1}.get(shape, rng.randint(1, 14))
    n_intervals = {"one_row": 1, "many_queues": 3}.get(shape, rng.randint(1, 24))
    minutes = rng.choice([15, 30, 60])
    pool = NAMES + [f"Queue {i:03d}" for i in range(500)]
    queues = [(str(uuid.UUID(int=rng.getrandbits(128))), name) for name in rng.sample(pool, n_queues)]
    has_id, has_abandoned = rng.random() < 0.8, rng.random() < 0.4
    header = [h for h in HEADER if h != "queue.id" or has_id] + (["callsAbandoned"] if has_abandoned else [])
    if rng.random() < 0.3:
        header += ["mediaType", "Extra, quoted"]
    if rng.random() < 0.4:
        rng.shuffle(header)
    start = dt.datetime(2024, rng.randint(1, 12), rng.randint(1, 28), tzinfo=UTC)
    rows = []
    for k in range(n_intervals):
        a = start + dt.timedelta(minutes=minutes * k)
        b = a + dt.timedelta(minutes=minutes)
        for queue_id, name in queues:
            if shape != "one_row" and rng.random() < 0.25:
                continue
            for _ in range(rng.choice([1, 1, 1, 2, 3]) if shape == "duplicates" else 1):
                offered = rng.choice([0, rng.randint(0, 30), rng.randint(0, 30), rng.randint(0, 10**6)])
                answered = rng.randint(0, offered) if rng.random() < 0.95 else offered + rng.randint(1, 3)
                spell = stamp if not respell else lambda t: stamp(t, rng)
                values = {
                    "timeInterval": f"{spell(a)}/{spell(b)}",
                    "queue.id": queue_id,
                    "queue.name": name if not has_id or rng.random() > 0.02 else "",
                    "callsOffered": str(offered),
                    "callsAnswered": rng.choice([str(answered), str(answered), f"{answered}.0"]),
                    "callsAbandoned": str(max(0, offered - answered)),
                    "serviceLevelPercent": decimal_text(rng, 0, 100, 2),
                    "avgHandleTimeSeconds": decimal_text(rng, 0, 900, rng.choice([0, 1, 3, 3, 3, 6])),
                    "mediaType": "voice",
                    "Extra, quoted": 'with "quotes"',
                }
                for missing in ("callsAnswered", "serviceLevelPercent", "avgHandleTimeSeconds", "callsAbandoned"):
                    if rng.random() < 0.06:
                        values[missing] = rng.choice(["", " ", "NaN"])
                rows.append([values[h] for h in header])
    if shape == "no_row":
        rows = []
    if shape == "one_row":
        rows = rows[:1]
    if rng.random() < 0.6:
        rng.shuffle(rows)
    delimiter = rng.choice([",", ",", ",", ";", "\t", "|"])
    line_end = rng.choice(["\n", "\r\n"])
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=line_end, quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    writer.writerow(header)
    writer.writerows(rows)
    text = out.getvalue()
    if rng.random() < 0.2:
        text = text[: -len(line_end)]  # last line without a break
    data = text.encode()
    if rng.random() < 0.3:
        data = b"\xef\xbb\xbf" + data
    return data, {"delimiter": delimiter, "has_id": has_id, "shape": shape, "n_rows": len(rows)}
