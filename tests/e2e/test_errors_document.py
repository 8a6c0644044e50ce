"""docs/errors.md: the errors that people meet, as they meet them.

Each row is made by making the error happen: the program runs against the simulator (or a server that answers what the row needs) and the message, the
exit code and the advice are what it said. The file is compared with what is said today; to write it anew: QL_UPDATE_GENERATED=1 pytest
tests/e2e/test_errors_document.py. Sources that this build does not have are left out.
"""
import dataclasses
import gzip
import os
import re
import subprocess

from conftest import AWS, BUILD, CLEAN, FAST, ROOT
from fault_proxy import FaultProxy
from s3_refusals import REFUSALS
from test_check import known_sources
from test_s3_faults import artefacts  # noqa: F401 (a fixture)

PATH = ROOT / "docs/errors.md"
RETRY = FAST[:FAST.index("--poll-min")] + ["--attempts", "2"]  # those that every command has
DAY = ["--from", "2024-01-01", "--to", "2024-01-02"]
APIS = {"aggregates": "/api/v2/analytics/conversations/aggregates", "reporting": "/api/v2/analytics/reporting/exports",
        "exports": "/api/v2/analytics/conversations/exports"}
PAGE = "<html><body>Sign in</body></html>"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEADER = "Interval,Queue Id,Queue Name,Offered,Answered\n"
ROW = "2024-01-01T00:00:00Z/2024-01-01T00:30:00Z,q1,Sales,2,1\n"


@dataclasses.dataclass
class Case:
    """What happened, in words for people; and how to make it happen."""

    why: str
    sim: list = dataclasses.field(default_factory=list)
    fault: dict | None = None
    match: dict | None = None  # of the fault; default: the source's own requests
    args: list = dataclasses.field(default_factory=list)
    env: dict = dataclasses.field(default_factory=dict)
    host: str = "api.mypurecloud.com"  # what the simulator is called in the message
    urls: list | None = None  # instead of the simulator's
    csv: str | None = None
    where: str = "x.parquet"


LOGIN = {"host": "login.mypurecloud.com"}

CLIENT = [
    Case("The client id has a slip, or the organization is in another region.", env={"GENESYS_CLIENT_ID": "no-such-client"}, **LOGIN),
    Case("The secret is not, or no longer, that of the client.", env={"GENESYS_CLIENT_SECRET": "no-such-secret"}, **LOGIN),
    Case("The client was switched off in the admin console.", ["--disabled-client"], **LOGIN),
    Case("Nothing names the client.", env={"GENESYS_CLIENT_ID": ""}),
    Case("The region's name has a slip: there is no such host.", urls=[], env={"GENESYS_ENVIRONMENT": "mypurecluod.invalid"}),
    Case("There is no network, or a firewall in between.", urls=["--login-url", "http://127.0.0.1:1", "--api-url", "http://127.0.0.1:1"]),
    Case("The login host is another one's: a web page answers.", fault={"status": 200, "body": PAGE, "content_type": "text/html"}, match={"path": "/oauth/token"}, **LOGIN),
    Case("A permission is missing; `run` sees it before it creates anything.", ["--permissions", "none"]),
    Case("A permission is missing, and `--no-check` leaves it to the request itself to find out.", ["--permissions", "none"], args=["--no-check"]),
    Case("The client's requests are used up, by other programs too.", fault={"status": 429, "headers": {"Retry-After": "0"}}),
    Case("Genesys Cloud has trouble.", fault={"status": 503, "code": "service.unavailable", "message": "The service is unavailable."}),
    Case("A gateway or proxy in between answers with a page of its own.", fault={"html": 502}),
    Case("The API host is not one of Genesys Cloud, or does not offer this.", fault={"status": 404, "code": "not.found", "message": "The requested resource was not found."}),
    Case("The server does not understand what is asked.", fault={"status": 400, "code": "bad.request", "message": "The granularity is not valid."}),
]

DOWNLOAD = [
    Case("The download link has expired each time that it was asked for.", fault={"expire_link": True}, match={"host": "download"}),
    Case("A page comes instead of the CSV.", fault={"status": 200, "body": PAGE, "content_type": "text/html"}, match={"host": "download"}),
    Case("The connection breaks in each download.", fault={"truncate_after": 100}, match={"host": "download"}),
]

# exportErrorMessagesType of the SDK's model; src/source's own table decides what each one means.
REPORT_ERRORS = """FAILED_CONVERTING_EXPORT_JOB FAILED_CONVERTING_EXPORT_JOB_TO_QUEUE_PERFORMANCE_JOB EXPORT_TYPE_NOT_IMPLEMENTED FAILED_NO_DATA_EXPORT_JOB_FOUND
FAILED_GETTING_DATA_FROM_SERVICE FAILED_GENERATING_TEMP_FILE FAILED_SAVING_FILE_TO_S3 FAILED_NOTIFYING_SKYWALKER_OF_DOWNLOAD
FAILED_BUILDING_DOWNLOAD_URL_FROM_SKYWALKER_RESPONSE REACHED_MAXIMUM_ATTEMPT_OF_RETRY CIRCUIT_BREAKER_OPEN_FOR_VIEW_TYPE FAILED_LONG_RUNNING_EXPORT
FAILED_AS_EXPORT_FILE_SIZE_IS_GREATER_THAN_10MB EXPORT_EMAIL_FILE_SIZE_EXCEEDED_LIMIT TOO_MANY_SEARCH_CRITERIA SEARCH_CRITERIA_VALUES_EXCEED_LIMIT
TOO_MANY_REQUESTS_FROM_AN_ORGANIZATION NOT_AUTHORIZED_TO_VIEW_EXPORT STATIC_LINK_EXPORT_FAILED BAD_REQUEST_SCHEDULED_RUN""".split()

OWN = {
    "aggregates": [
        Case("The job for a long range failed at the server.", fault={"job_state": "FAILED", "message": "Too many results"}, args=["--aggregates", "job"]),
        Case("The job's results were not fetched in time.", fault={"job_state": "EXPIRED"}, args=["--aggregates", "job"]),
        Case("The job is not ready in time.", ["--ready-after", "3600"], args=["--aggregates", "job", "--deadline", "1s"]),
        Case("A single query is too large for the server.", fault={"status": 413, "code": "response.entity.too.large", "message": "The response is over the size limit."},
             args=["--aggregates", "query"]),
    ],
    "reporting": [
        *(Case(f"The export failed with `{error}`.", fault={"report_status": "FAILED", "report_error": error}) for error in REPORT_ERRORS),
        Case("The export has partial results only.", fault={"report_status": "COMPLETED_WITH_PARTIAL_RESULTS"}),
        Case("Somebody cancelled the export.", fault={"report_status": "CANCELLED"}),
        Case("The export is not ready in time.", ["--ready-after", "3600"], args=["--deadline", "1s"]),
        *DOWNLOAD,
    ],
    "exports": [
        Case("The token states scopes, and not all that are needed.", ["--scopes", "analytics:export:read"]),
        Case("The export failed at the server.", fault={"export_status": "failed", "message": "Internal processing error"}),
        Case("Somebody cancelled the export.", fault={"export_status": "cancelled", "message": "Cancelled by an administrator"}),
        Case("The export is not ready in time.", ["--ready-after", "3600"], args=["--deadline", "1s"]),
        Case("The connection broke while the export was being created.", fault={"close_before_answer": True, "acts": True}, match={"method": "POST", "path": APIS["exports"]}),
        *DOWNLOAD,
        Case("The CSV lacks a column that is needed.", csv="Interval,Queue Name,Offred,Answered\n2024-01-01T00:00:00Z/2024-01-01T00:30:00Z,Sales,2,1\n"),
    ],
}

FILES = [
    ("There is no such file.", None),
    ("A page was saved instead of the export.", PAGE.encode()),
    ("The file is empty.", b""),
    ("A column that is needed is missing.", b"Interval,Queue Name,Offred,Answered\n"),
    ("Two columns are one by their names.", b"Interval,Queue Name,Offered,calls_offered,Answered\n"),
    ("A row cannot be read.", (HEADER + ROW + ROW.replace(",2,", ",two,")).encode()),
    ("A compressed file is cut.", gzip.compress((HEADER + ROW).encode(), mtime=0)[:-6]),
]

class Told:
    """What a run that failed said."""

    def __init__(self, code, text, names):
        told = [m for m in re.findall(r"^queuelake: (.*)$", text, re.M) if not m.startswith("warning:") and "; trying again in " not in m]
        hint = re.search(r"^  hint: (.*)$", text, re.M)
        self.has_id = "\n  request id: " in text
        assert code != 0 and told and hint, text
        self.code, self.message, self.hint = code, told[-1], hint[1]
        for this, that in names:
            self.message, self.hint = self.message.replace(this, that), self.hint.replace(this, that)
        self.message, self.hint = UUID.sub("...", self.message), UUID.sub("...", self.hint)

    def row(self, why):
        cells = [why, f"`{self.message}`", "yes" if self.has_id else "", str(self.code), self.hint]
        return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |\n"


TABLE = "\n| why | what is seen | with an id | exit code | what to do |\n| --- | --- | --- | --- | --- |\n"


def genesys_rows(ql, sim, tmp_path, source):
    for case in CLIENT + OWN[source]:
        args = list(case.sim)
        if case.csv is not None:
            (tmp_path / "export.csv").write_text(case.csv)
            args += ["--csv", tmp_path / "export.csv"]
        plan = None if case.fault is None else [{"match": case.match or {"path": APIS[source]}, "times": -1, "fault": case.fault}]
        genesys = sim(*args, plan=plan)
        urls = genesys.flags if case.urls is None else case.urls
        done = ql("run", "--source", source, *DAY, *urls, *FAST, "--attempts", "2", "--download-attempts", "2", *case.args, "-o", case.where, env={**genesys.env, **case.env})
        names = [(genesys.info["api_url"].removeprefix("http://"), case.host), (genesys.info["download_url"].removeprefix("http://"), "download.example.com"),
                 (genesys.info["client_id"], "your-client-id")]
        yield Told(done.code, done.text, names).row(case.why)


def file_rows(ql, tmp_path):
    for why, content in FILES:
        name = "export.csv.gz" if content is not None and content[:2] == b"\x1f\x8b" else "export.csv"
        (tmp_path / name).unlink(missing_ok=True)
        if content is not None:
            (tmp_path / name).write_bytes(content)
        done = ql("transform", name, "-o", "x.parquet")
        yield Told(done.code, done.text, []).row(why)
        (tmp_path / name).unlink(missing_ok=True)
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER + ROW)
    done = ql("transform", "a.csv", "b.csv", "-o", "x.parquet")
    yield Told(done.code, done.text, []).row("Two files tell of one interval and queue.")


def refusal_rows(ql, tmp_path, moto, artefacts):  # noqa: F811
    """What the owner of a bucket meets: s3_refusals.py, each once, from a server that works but for the one request."""
    bucket = moto.bucket("for-the-document")
    refusals = {}
    for refusal in REFUSALS:
        refusals.setdefault(refusal.why, refusal)
    for refusal in refusals.values():
        with FaultProxy(int(moto.url.rsplit(":", 1)[1]), [refusal.rule]) as proxy:
            artefact = artefacts[refusal.op != "PutObject"]
            flags = [*artefact.flags, *RETRY, *refusal.flags, "--state-dir", tmp_path / "state"]
            done = ql("transform", artefact.csv, "-o", f"s3://{bucket}/day.parquet", *flags, env={**AWS, "AWS_ENDPOINT_URL": proxy.url})
            names = [(proxy.url.removeprefix("http://"), "s3.example.com"), (bucket, "lake")]
        told = Told(done.code, done.text, names)
        told.message = re.sub(r"\bpart \d+", "part 1", told.message)  # parts go side by side
        told.message = re.sub(r"\d+ h \d+ min", "5 h 30 min", told.message)
        yield told.row(refusal.why)


def destination_rows(ql, tmp_path, binary, moto, artefacts):  # noqa: F811
    (tmp_path / "in.csv").write_text(HEADER + ROW)
    (tmp_path / "lake").write_text("a file, not a folder")

    def told(why, where, env=None, names=()):
        done = ql("transform", "in.csv", *RETRY, "-o", where, env=env)
        return Told(done.code, done.text, names).row(why)

    yield told("The folder cannot be made.", "lake/day.parquet")
    full = subprocess.run([str(binary), "transform", "in.csv", "-o", "-"], stdout=open("/dev/full", "wb"), stderr=subprocess.PIPE, cwd=tmp_path, env=CLEAN)
    yield Told(full.returncode, full.stderr.decode(), []).row("The disk is full (here that behind standard output).")
    nobody = {**AWS, "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:1"}
    yield told("Nothing names the bucket, and whose the one of the default name is cannot be found out.", "s3://genesys-analytics-exports/day.parquet", nobody)
    yield told("There are no credentials for S3.", "s3://lake/day.parquet")
    yield from refusal_rows(ql, tmp_path, moto, artefacts)
    yield told("The S3 server cannot be reached.", "s3://lake/day.parquet", {**AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})


def s3_codes():
    """The table of src/store/s3_error_table.c, as the program has it."""
    done = subprocess.run([BUILD / "src/store/store_driver", "--explanations"], capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        code, words, status, kind, what, hint = line.split("\t")
        cells = [f"`{code}`" + (f", with '{words}' in its words" if words else ""), what, f"`{status}`", kind, hint.replace("{owner}", "")]
        yield "| " + " | ".join(cells) + " |\n"


def statuses():
    """The table of src/base/status.h, which gives each error its exit code and, where it has no better one, its advice."""
    table = (ROOT / "src/base/status.h").read_text().split("#define QL_STATUS_TABLE(X)")[1].split("enum ql_status")[0].replace("\\\n", "\n")
    rows = re.findall(r'X\((\w+), (\d+), (\d+), (true|false), "([^"]*)",\s*"([^"]*)"\)', table)
    assert len(rows) == table.count("X(")
    return [(name, code, again == "true", meaning, advice) for name, _, code, again, meaning, advice in rows if name != "OK"]


PREFACE = """# Errors

Generated by `tests/e2e/test_errors_document.py`, which makes each error happen and writes down what the program says; a test compares.

A run that fails says what failed, where there is one the request id (`ININ-Correlation-Id`, or `x-amz-request-id` of S3) that support asks for, and what to
do; `--json` has the same under `error`. `queuelake check` finds most of this before a run. A scheduler runs again on exit code 75 and on nothing else.

Ids are shortened to `...` here. The simulator stands where `--login-url` and `--api-url` say; without these flags the advice names `GENESYS_ENVIRONMENT` alone.
"""


S3_PREFACE = """
## What S3, STS and servers like them answer

The code decides, not the HTTP status; a code that is not here is told in the server's own words. `*` stands for any ending. What may pass is tried again before it
is told, and what asks for fewer requests gets fewer. `{arn}` is the bucket's or the object's, `{actions}` are those of the request that was refused.

| code | what it means | error | tried again? | what to do |
| --- | --- | --- | --- | --- |
"""


def document(ql, sim, tmp_path, binary, moto, artefacts):  # noqa: F811
    text = PREFACE
    for source in (s for s in APIS if s in known_sources(ql)):
        text += f"\n## `run --source {source}`\n" + TABLE + "".join(genesys_rows(ql, sim, tmp_path, source))
    text += "\n## Files\n" + TABLE + "".join(file_rows(ql, tmp_path))
    text += "\n## Where the artefact goes\n" + TABLE + "".join(destination_rows(ql, tmp_path, binary, moto, artefacts))
    text += S3_PREFACE + "".join(s3_codes())
    text += "\n## All kinds of errors\n\n| code | exit code | run again? | what it means | what to do, if the error itself does not say |\n| --- | --- | --- | --- | --- |\n"
    for name, code, again, meaning, advice in statuses():
        text += f"| `{name}` | {code} | {'yes' if again else 'no'} | {meaning} | {advice} |\n"
    return text


def test_the_document_says_what_the_program_says(ql, sim, tmp_path, binary, moto, artefacts):  # noqa: F811
    text = document(ql, sim, tmp_path, binary, moto, artefacts)
    assert "127.0.0.1:1" in text and not re.search(r"127\.0\.0\.1:\d\d", text) and str(tmp_path) not in text and "no-such-secret" not in text
    if os.environ.get("QL_UPDATE_GENERATED"):
        PATH.write_text(text)
    assert PATH.read_text() == text, "docs/errors.md is not what the program says; run this test with QL_UPDATE_GENERATED=1"
