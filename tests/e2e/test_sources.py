"""The three Genesys sources tell of one world: the same counts over the same range, and what is awkward in real data (callbacks, digital media, transfers,
short abandons, work that is answered or ended in a later interval, late data) is in all of them what the API's own figures say."""
from fractions import Fraction

import pytest

from test_aggregates import LONG, Api, by_cell, quotient, rows_of, run
from conftest import FAST

SOURCES = ["aggregates", "reporting", "exports"]
TWO_DAYS = {"start": "2024-01-08", "end": "2024-01-10"}
RANGE = ("2024-01-08T00:00:00Z", "2024-01-10T00:00:00Z")


def fetch(ql, sim, source, *args, **span):
    # Rows of a queue's media types are one cell: reporting and exports have them apart.
    overlap = [] if source == "aggregates" else ["--overlap", "sum"]
    done = run(ql, sim, "--source", source, *LONG, *overlap, "--json", "-o", f"{source}.parquet", *args, **(span or TWO_DAYS))
    assert done.code == 0, done
    return done.json


def counts(path, names):
    """{(queue, start): (count, ...)} of cells in which anything was counted: exports have rows of zeros, aggregates have none."""
    got = {key: tuple(row[name] for name in names) for key, row in by_cell(path).items()}
    return {key: value for key, value in got.items() if any(value)}


def of_api(cells, metrics):
    got = {key: tuple(int(cell[metric]["count"]) for metric in metrics) for key, cell in cells.items()}
    return {key: value for key, value in got.items() if any(value)}


@pytest.mark.parametrize("world", ["plain", "edge"])
def test_the_counts_are_the_same(ql, sim, tmp_path, world):
    genesys = sim("--world", world, "--queues", 9)
    for source in SOURCES:
        fetch(ql, genesys, source)
    cells = Api(genesys).cells(*RANGE)
    want = of_api(cells, ["nOffered", "tAnswered"])
    assert len(want) > 300
    for source in SOURCES:
        assert counts(tmp_path / f"{source}.parquet", ["calls_offered", "calls_answered"]) == want, source
    want = of_api(cells, ["nOffered", "tAnswered", "tAbandon"])
    for source in ("aggregates", "reporting"):  # the contract exports does not count abandoned calls
        assert counts(tmp_path / f"{source}.parquet", ["calls_offered", "calls_answered", "calls_abandoned"]) == want, source


def test_averages_are_exact_or_said_to_be_approximations(ql, sim, tmp_path):
    genesys = sim("--world", "edge", "--queues", 9)
    cells = Api(genesys).cells(*RANGE)
    exact = {key: (quotient(cell["tHandle"]["sum"], 1000 * cell["tHandle"]["count"]),
                   quotient(100 * cell["oServiceLevel"]["numerator"], cell["oServiceLevel"]["denominator"])) for key, cell in cells.items()}
    said = {}
    for source in SOURCES:
        said[source] = fetch(ql, genesys, source)["table"]["approximate_averages"]
        rows = by_cell(tmp_path / f"{source}.parquet")
        off = [key for key, row in rows.items() if key in exact and (row["avg_handle_time_seconds"], row["service_level_percent"]) != exact[key]]
        assert bool(off) == (source != "aggregates"), (source, len(off))
    assert said == {"aggregates": None, "reporting": "avg_handle_time_seconds, service_level_percent",
                    "exports": "avg_handle_time_seconds, service_level_percent"}
    text = ql("run", "--source", "reporting", "--from", "2024-01-08", "--to", "2024-01-09", *genesys.flags, *FAST, "-o", "x.parquet", env=genesys.env).text
    assert "weighted approximations, which --source aggregates has exactly: avg_handle_time_seconds, service_level_percent" in text
    assert "approximations" not in run(ql, genesys, "-o", "x.parquet").text


@pytest.mark.parametrize("source", SOURCES)
def test_more_may_be_answered_than_offered(ql, sim, tmp_path, source):
    """A call that is offered at 7:28 and answered at 7:32 counts in two intervals: the rate of the second one is beyond 1, and stays so."""
    genesys = sim("--world", "edge", "--queues", 9)
    summary = fetch(ql, genesys, source)
    cells = Api(genesys).cells(*RANGE)
    over = {key for key, cell in cells.items() if cell["tAnswered"]["count"] > cell["nOffered"]["count"]}
    rows = by_cell(tmp_path / f"{source}.parquet")
    assert len(over) > 5 and {key for key, row in rows.items() if row["calls_answered"] > row["calls_offered"]} == over
    assert summary["table"]["answered_over_offered"] == len(over)
    for key in over:
        want = quotient(cells[key]["tAnswered"]["count"], cells[key]["nOffered"]["count"])
        assert rows[key]["answer_rate"] == want and (want is None or want > 1)
    assert any(rows[key]["answer_rate"] for key in over)


def test_callbacks_are_offered_and_never_answered(ql, sim, tmp_path):
    """They fill neither tAnswered nor tAbandon, so a queue's rates are right only where media types are told apart."""
    genesys = sim("--world", "edge", "--queues", 30)
    fetch(ql, genesys, "aggregates", "--by", "media_type")
    rows = rows_of(tmp_path / "aggregates.parquet")
    callbacks = [row for row in rows if row["media_type"] == "callback"]
    assert sum(row["calls_offered"] for row in callbacks) > 20
    assert sum(row["calls_answered"] + row["calls_abandoned"] for row in callbacks) == 0
    of = {row["queue_id"] for row in callbacks}
    fetch(ql, genesys, "aggregates", "--media-types", "voice")
    alone = {key: row for key, row in by_cell(tmp_path / "aggregates.parquet").items()}
    for row in rows:  # the voice of a queue with callbacks has the rate that it has without them
        if row["media_type"] == "voice" and row["queue_id"] in of:
            assert row["answer_rate"] == alone[row["queue_id"], row["interval_start"]]["answer_rate"]


def test_handling_ends_later_than_the_offer(ql, sim, tmp_path):
    """Digital media: handle time lands where handling ends, hours later, in intervals that nothing is offered in."""
    genesys = sim("--world", "edge", "--queues", 30)
    fetch(ql, genesys, "aggregates", "--by", "media_type", "--raw-sums")
    late = [row for row in rows_of(tmp_path / "aggregates.parquet")
            if row["media_type"] in ("chat", "email", "message") and row["calls_offered"] == 0 and row["handle_count"]]
    assert len(late) > 10
    for row in late:
        assert row["answer_rate"] is None and row["abandon_rate"] is None
        assert row["avg_handle_time_seconds"] == quotient(Fraction(row["handle_sum_ms"]), Fraction(1000 * row["handle_count"]))
    # By day nothing of it is lost: the sum over the intervals is that of the day.
    api = Api(genesys)
    total = sum(cell["tHandle"]["sum"] for cell in api.cells(*RANGE, granularity="P2D", filter={"type": "or", "predicates": [
        {"dimension": "mediaType", "value": media} for media in ("chat", "email", "message")]}).values())
    assert sum(row["handle_sum_ms"] for row in rows_of(tmp_path / "aggregates.parquet") if row["media_type"] in ("chat", "email", "message")) == total > 0


def test_a_transfer_is_another_offer(ql, sim, tmp_path):
    """It counts where it leaves and is offered again where it arrives: the offers of all queues are more than the calls."""
    genesys = sim("--world", "edge", "--queues", 12)
    fetch(ql, genesys, "aggregates", "--metrics", "calls_offered,calls_answered,calls_transferred")
    rows = rows_of(tmp_path / "aggregates.parquet")
    cells = Api(genesys).cells(*RANGE)
    assert sum(row["calls_transferred"] for row in rows) == sum(cell["nTransferred"]["count"] for cell in cells.values()) > 50
    for source in ("reporting", "exports"):
        fetch(ql, genesys, source)
        assert sum(row["calls_offered"] for row in rows_of(tmp_path / f"{source}.parquet")) == sum(row["calls_offered"] for row in rows)


def test_short_abandons_can_be_left_out_of_the_rate(ql, sim, tmp_path):
    (tmp_path / "q.yaml").write_text("kpis:\n  abandon_rate_without_short: (calls_abandoned - calls_short_abandoned) / (calls_offered - calls_short_abandoned)\n")
    genesys = sim("--world", "edge", "--queues", 12)
    fetch(ql, genesys, "aggregates", "--config", "q.yaml", "--metrics", "calls_offered,calls_answered,calls_abandoned,calls_short_abandoned,calls_flowed_out")
    rows, n = rows_of(tmp_path / "aggregates.parquet"), 0
    for row in rows:
        offered, abandoned, short = row["calls_offered"], row["calls_abandoned"], row["calls_short_abandoned"]
        n += short != 0
        assert row["abandon_rate"] == quotient(Fraction(abandoned), Fraction(offered))
        assert row["abandon_rate_without_short"] == quotient(Fraction(abandoned - short), Fraction(offered - short))
    assert n > 20
    total = {name: sum(row[name] for row in rows) for name in ("calls_offered", "calls_answered", "calls_abandoned", "calls_flowed_out")}
    assert total["calls_flowed_out"] > 0  # they explain offered - answered - abandoned
    assert abs(total["calls_offered"] - total["calls_answered"] - total["calls_abandoned"] - total["calls_flowed_out"]) < total["calls_offered"] * 0.3


@pytest.mark.parametrize("source", SOURCES)
def test_late_data_replace_what_was_there(ql, sim, tmp_path, source):
    """The same range again, once everything has happened: the artefact is the whole of it, not the sum of both."""
    offered = []
    for now in ("2024-01-08T18:00:00Z", "2024-01-12T00:00:00Z"):
        genesys = sim("--queues", 8, "--world", "edge", "--now", now, "--settle", 7200)
        fetch(ql, genesys, source, start="2024-01-08", end="2024-01-09")
        offered.append(sum(row["calls_offered"] for row in rows_of(tmp_path / f"{source}.parquet")))
        assert offered[-1] == sum(cell["nOffered"]["count"] for cell in Api(genesys).cells("2024-01-08T00:00:00Z", "2024-01-09T00:00:00Z").values())
    assert 0 < offered[0] < offered[1]
