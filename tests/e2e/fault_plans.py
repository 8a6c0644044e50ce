"""What goes wrong in one run, drawn by a seed: the same seed gives the same run again.

A case says what is stored and how, what the proxy does (fault_proxy.py), and what has to come of it: "ok", as without faults; "fail", an error; "any"
of the two. Whatever comes, test_s3_faults.py holds the object and the uploads against the invariants.
"""
import dataclasses
import random

ATTEMPTS = 3  # --attempts of every run
PARTS = 3     # of the large artefact
SMALL_OPS = ["HeadObject", "PutObject", "PutObject"]
PARTS_OPS = ["HeadObject", "CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload", "CompleteMultipartUpload"]
PASSING = [(500, "InternalError"), (503, "SlowDown"), (503, "ServiceUnavailable"), (400, "RequestTimeout"), (429, "TooManyRequests"), (502, ""), (503, ""),
           (504, ""), (400, "BadDigest")]
FINAL = [(403, "AccessDenied"), (404, "NoSuchBucket"), (403, "InvalidAccessKeyId"), (400, "InvalidTag"), (400, "KMS.DisabledException"), (501, "NotImplemented"),
         (403, "QuotaExceeded")]


@dataclasses.dataclass
class Case:
    seed: int
    server: str = "versitygw"
    is_large: bool = False
    if_exists: str = "replace"
    existing: str = "none"  # none, old, same
    checksum: str = "none"
    plan: list = dataclasses.field(default_factory=list)
    world: str = ""  # redirect, malformed, clock, token
    expect: str = "any"


def weighted(rng, table):
    return rng.choices([name for name, _ in table], [weight for _, weight in table])[0]


def draw(seed, has_versitygw=True):
    rng = random.Random(seed)
    case = Case(seed, is_large=rng.random() < 0.6)
    case.if_exists = weighted(rng, [("replace", 55), ("skip", 15), ("fail", 15), ("version", 15)])
    case.existing = weighted(rng, [("none", 60), ("old", 30), ("same", 10)])
    if not has_versitygw or (case.if_exists == "replace" and rng.random() < 0.15):
        case.server, case.if_exists = "moto", "replace"  # moto knows no condition at CompleteMultipartUpload
    elif rng.random() < 0.3:
        case.checksum = rng.choice(["crc64nvme", "crc32c", "sha256", "md5"])
    kind = weighted(rng, [("one", 55), ("two", 15), ("lasting", 12), ("abort", 8), ("world", 10)])
    if kind == "world":
        case.world = rng.choice(["redirect", "malformed", "clock", "token"])
        case.plan = [] if rng.random() < 0.5 else [fault(rng, case, 1)]
        case.expect = "ok" if all(rule["passing"] for rule in case.plan) else "any"
        return case
    if kind == "lasting":
        rule = fault(rng, case, ATTEMPTS * PARTS)
        case.plan, case.expect = [rule], "any"
        is_met = case.existing == "none" and rule["op"] not in ("HeadObject", "*")
        if is_met and rule["fault"] in ("cut_request", "answer") and not rule.get("passes"):
            case.expect = "fail"
        return case
    if kind == "abort" and case.is_large:
        status, code = rng.choice(FINAL)
        case.plan = [{"op": rng.choice(["UploadPart", "CompleteMultipartUpload"]), "nth": rng.randint(1, 2), "times": ATTEMPTS * PARTS, "fault": "answer",
                      "status": status, "code": code, "passes": False},
                     {**fault(rng, case, rng.choice([1, 1, 2, 50])), "op": rng.choice(["AbortMultipartUpload", "AbortMultipartUpload", "ListParts"])}]
        return case
    case.plan = [fault(rng, case, rng.randint(1, ATTEMPTS - 1))]
    if kind == "two":
        case.plan.append(fault(rng, case, 1))
    is_passing = all(rule["passing"] for rule in case.plan)
    n_faults = sum(rule["times"] for rule in case.plan)
    case.expect = "ok" if is_passing and n_faults < ATTEMPTS else "any"
    return case


def fault(rng, case, times):
    """One rule. passing: the run gets over it, if it does not come as often as there are attempts."""
    op = rng.choice(PARTS_OPS if case.is_large else SMALL_OPS)
    nth = rng.randint(1, PARTS) if op == "UploadPart" else 1
    rule = {"op": op, "nth": nth, "times": times, "at": round(rng.random(), 4), "rst": rng.random() < 0.5, "passing": True}
    kind = weighted(rng, [("cut_request", 20), ("lose_answer", 16), ("cut_answer", 14), ("burst", 18), ("error_in_200", 9), ("truncate", 8), ("checksum", 4),
                          ("flip", 5), ("stall", 2), ("intrude", 6), ("final", 5)])
    rule["fault"] = kind
    if kind == "cut_request":
        rule["passes"] = rng.random() < 0.5
    elif kind == "burst":
        status, code = rng.choice(PASSING)
        rule.update(fault="answer", status=status, code=code, passes=status == 500 and rng.random() < 0.5)
        rule["passing"] = status != 400 or op != "HeadObject"  # whose answers have no code
    elif kind == "error_in_200":
        rule.update(fault="answer", status=200, code=rng.choice(["InternalError", "SlowDown"]), passes=rng.random() < 0.5)
        rule["passing"] = op != "HeadObject"
    elif kind == "final":
        status, code = rng.choice(FINAL)
        rule.update(fault="answer", status=status, code=code, passes=False, passing=False)
    elif kind == "stall":
        rule.update(fault=rng.choice(["stall_request", "stall_answer"]), times=1)  # libcurl looks at the last seconds, so each takes some
        rule["then_rst"] = op == "CompleteMultipartUpload"  # which may take minutes to answer
        if rule["then_rst"]:
            rule["fault"] = "stall_answer"
    elif kind == "flip" and case.server == "moto":  # which does not look at what it gets
        rule["fault"] = "lose_answer"
    elif kind == "checksum":
        rule["passing"] = case.checksum == "none"
    elif kind == "intrude":
        rule.update(times=1, passing=False)
        if case.world:  # there, the object's history is another matter
            rule["fault"] = "lose_answer"
    return rule


def at_byte(seed, op, fault, at):
    """One cut at one place; the runs that sweep over a message are not drawn."""
    is_large = op != "PutObject"
    return Case(seed, is_large=is_large, plan=[{"op": op, "fault": fault, "at": at, "rst": seed % 2 == 0, "passes": seed % 4 < 2}], expect="ok")


def draw_kill(seed):
    """The process dies while a request is sent, or its answer read; or a little later."""
    rng = random.Random(seed)
    case = Case(seed, is_large=rng.random() < 0.85, existing=rng.choice(["none", "none", "old"]))
    op = rng.choice(["HeadObject", "PutObject"] if not case.is_large else PARTS_OPS + ["UploadPart", "UploadPart"])
    nth = rng.randint(1, PARTS) if op == "UploadPart" else 1
    case.plan = [{"op": op, "nth": nth, "fault": "kill", "where": rng.choice(["request", "answer"]), "at": round(rng.random(), 4), "passes": rng.random() < 0.5,
                  "later_ms": rng.choice([0, 0, 0, rng.randint(1, 30)])}]
    return case
