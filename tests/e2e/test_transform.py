"""transform as its user sees it: what goes in, what comes out, and what is said when something is wrong."""
import datetime as dt
import gzip
import json
import os
import pathlib
import subprocess
from fractions import Fraction

import pyarrow.parquet as pq
import pytest

from conftest import CLEAN
from support import oracle
from support.readers import TIMESTAMP, assert_artefact, by_pyarrow, column_types

UTC = dt.timezone.utc
HEADER = "timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds\n"


def interval(hour, minute=0, minutes=30, day=1):
    start = dt.datetime(2024, 1, day, hour, minute, tzinfo=UTC)
    text = lambda t: t.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"{text(start)}/{text(start + dt.timedelta(minutes=minutes))}"


def export(*rows):
    return HEADER + "".join(",".join(map(str, r)) + "\n" for r in rows)


SMALL = export((interval(9), "q1", "Sales", 10, 8, 80.5, 120.25), (interval(9), "q2", "Support", 4, 4, 100, 60),
               (interval(10), "q1", "Sales", 0, 0, "", ""))


@pytest.fixture
def small(tmp_path):
    (tmp_path / "in.csv").write_text(SMALL)
    return tmp_path


def test_output_is_beside_the_input_without_its_endings(ql, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/day.csv.gz").write_bytes(gzip.compress(SMALL.encode()))
    assert ql("transform", "data/day.csv.gz").code == 0
    assert_artefact(tmp_path / "data/day.parquet", oracle.transform(SMALL.encode()))
    assert sorted(p.name for p in (tmp_path / "data").iterdir()) == ["day.csv.gz", "day.parquet"]


def test_types_are_those_of_the_semantics(ql, small):
    assert ql("transform", "in.csv", "--layout", "long", "-o", "out.parquet").code == 0
    types = {k: str(v) for k, v in column_types(small / "out.parquet").items()}
    assert types == {
        "time_interval": "string", "interval_start": str(TIMESTAMP), "interval_end": str(TIMESTAMP), "queue_id": "string", "queue_name": "string",
        "calls_offered": "int64", "calls_answered": "int64", "avg_handle_time_seconds": "double", "service_level_percent": "double",
        "answer_rate": "double", "abandon_rate": "double"}


def test_standard_input_to_standard_output(ql, small):
    done = ql("transform", "-", stdin=SMALL.encode())
    assert done.code == 0, done
    (small / "out.parquet").write_bytes(done.out)
    assert_artefact(small / "out.parquet", oracle.transform(SMALL.encode()))


def test_every_split_into_two_writes_gives_the_same_bytes(binary, tmp_path):
    """A pipe hands over what its writer wrote: each byte is once the last of the first chunk."""
    data = export((interval(9), "q1", '"Gr\u00f6\u00dfe, ""x""\nnext"', 10, 8, 80.5, 120.25), (interval(10), "q2", "B", 3, 1, 1e1, "2.5")).replace("\n", "\r\n").encode()
    artefacts = set()
    for cut in range(len(data) + 1):
        process = subprocess.Popen([str(binary), "transform", "-", "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=CLEAN, cwd=tmp_path)
        process.stdin.write(data[:cut])
        process.stdin.flush()
        process.stdin.write(data[cut:])
        process.stdin.close()
        artefacts.add(process.stdout.read())
        assert process.wait() == 0
    assert len(artefacts) == 1
    (tmp_path / "out.parquet").write_bytes(artefacts.pop())
    assert_artefact(tmp_path / "out.parquet", oracle.transform(data))


def test_an_idle_cell_has_no_abandon_rate(ql, small):
    """The script that this replaces wrote 1.0."""
    assert ql("transform", "in.csv", "-o", "out.parquet").code == 0
    table = by_pyarrow(small / "out.parquet")
    assert table["abandon_rate_sales"] == [0.2, 0.0] and table["abandon_rate_support"] == [0.0, 0.0]
    assert ql("transform", "in.csv", "--profile", "pandas", "-o", "old.parquet").code == 0
    assert by_pyarrow(small / "old.parquet")["abandon_rate_Support"] == [0.0, 1.0]


def test_service_level_is_kept(ql, small):
    assert ql("transform", "in.csv", "-o", "out.parquet").code == 0
    assert by_pyarrow(small / "out.parquet")["service_level_percent_sales"] == [80.5, 0.0]


def test_a_header_without_dots_does_not_crash(ql, tmp_path):
    """The script's rename did."""
    text = SMALL.replace("queue.id", "queueId").replace("queue.name", "Queue Name").replace("timeInterval", "Time Interval")
    (tmp_path / "in.csv").write_text(text)
    assert ql("transform", "in.csv", "-o", "out.parquet").code == 0
    assert_artefact(tmp_path / "out.parquet", oracle.transform(SMALL.encode()))


def test_several_files_are_one_artefact(ql, tmp_path):
    a = export((interval(9), "q1", "Sales", 10, 8, 80, 100))
    b = export((interval(10), "q1", "Sales", 5, 5, 90, 50))
    (tmp_path / "a.csv").write_text(a)
    (tmp_path / "b.csv").write_text(b)
    assert ql("transform", "a.csv", "b.csv", "-o", "out.parquet").code == 0
    assert_artefact(tmp_path / "out.parquet", oracle.transform((a + b.removeprefix(HEADER)).encode()))


def test_a_cell_in_two_files_needs_a_decision(ql, tmp_path):
    (tmp_path / "a.csv").write_text(export((interval(9), "q1", "Sales", 10, 8, 80, 100)))
    (tmp_path / "b.csv").write_text(export((interval(9), "q1", "Sales", 5, 5, 90, 50)))
    done = ql("transform", "a.csv", "b.csv", "-o", "out.parquet")
    assert done.code == 65 and "Sales" in done.text and "2024-01-01T09:00" in done.text and "--overlap" in done.text
    assert "'a.csv' and 'b.csv' both have rows of interval" in done.text, done
    assert not (tmp_path / "out.parquet").exists()
    assert ql("transform", "a.csv", "b.csv", "--overlap", "sum", "-o", "sum.parquet").code == 0
    assert by_pyarrow(tmp_path / "sum.parquet")["calls_offered_sales"] == [15]
    assert ql("transform", "a.csv", "b.csv", "--overlap", "last", "-o", "last.parquet").code == 0
    assert by_pyarrow(tmp_path / "last.parquet")["calls_offered_sales"] == [5]


def test_totals_are_over_rows_not_means_of_means(ql, small):
    assert ql("transform", "in.csv", "--totals", "-o", "out.parquet").code == 0
    table = by_pyarrow(small / "out.parquet")
    assert table["calls_offered_all_queues"] == [14, 0]
    assert table["avg_handle_time_seconds_all_queues"] == [round((120.25 * 8 + 60 * 4) / 12, 4), 0.0]
    assert table["answer_rate_all_queues"] == [round(12 / 14, 4), 0.0]
    assert list(table).index("calls_offered_all_queues") == list(table).index("calls_offered_support") + 1
    assert ql("transform", "in.csv", "--totals", "--layout", "long").code == 64


def test_gaps_are_filled_on_request(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(9), "q1", "Sales", 1, 1, 1, 1), (interval(9, 30), "q1", "Sales", 1, 1, 1, 1),
                                            (interval(11), "q1", "Sales", 2, 2, 2, 2)))
    assert ql("transform", "in.csv", "--gaps", "fill", "-o", "out.parquet").code == 0
    table = by_pyarrow(tmp_path / "out.parquet")
    assert [t.strftime("%H:%M") for t in table["interval_start"]] == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert table["calls_offered_sales"] == [1, 1, 0, 0, 2]
    assert ql("transform", "in.csv", "--gaps", "fill", "--from", "2024-01-01", "--to", "2024-01-02", "-o", "day.parquet").code == 0
    assert pq.read_metadata(tmp_path / "day.parquet").num_rows == 48


def test_users_own_metrics_and_kpis(ql, tmp_path):
    (tmp_path / "in.csv").write_text(SMALL)
    (tmp_path / "queuelake.yaml").write_text(
        "metrics:\n  longest_handle: {column: avg_handle_time_seconds, agg: max}\n"
        "kpis:\n  workload_erlangs: calls_answered * avg_handle_time_seconds / interval_seconds\n  busy: if(calls_offered > 5, 1, 0)\n")
    done = ql("transform", "in.csv", "--layout", "long", "-o", "out.parquet")
    assert done.code == 0, done
    table = by_pyarrow(tmp_path / "out.parquet")
    assert table["workload_erlangs"] == [round(8 * 120.25 / 1800, 4), round(4 * 60 / 1800, 4), 0.0]
    assert table["busy"] == [1.0, 0.0, 0.0]
    assert ql("transform", "in.csv", "--metrics", "calls_offered,longest_handle", "-o", "out.parquet").code == 0
    names = list(by_pyarrow(tmp_path / "out.parquet"))
    assert "calls_answered_sales" not in names and "longest_handle_sales" in names and "answer_rate_sales" in names


@pytest.mark.parametrize("kpi, words", [("calls_offred + 1", ["calls_offred", "calls_offered", "queuelake.yaml:2"]), ("1 +", ["queuelake.yaml:2"]),
                                        ("(calls_offered", ["queuelake.yaml:2"]), ("mine + 1", ["mine", "queuelake.yaml:2"])])
def test_a_wrong_kpi_is_refused_with_its_position(ql, small, kpi, words):
    (small / "queuelake.yaml").write_text(f"kpis:\n  mine: {kpi}\n")
    done = ql("transform", "in.csv", "-o", "out.parquet")
    assert done.code == 78 and all(w in done.text for w in words), done


def test_queues_can_be_fixed(ql, small):
    (small / "queues.txt").write_text("Support\nSales\nZeta\n")
    assert ql("transform", "in.csv", "--queues-from", "queues.txt", "-o", "out.parquet").code == 0
    names = [n for n in by_pyarrow(small / "out.parquet") if n.startswith("calls_offered_")]
    assert names == ["calls_offered_sales", "calls_offered_support", "calls_offered_zeta"]
    (small / "queues.txt").write_text("Sales\n")
    done = ql("transform", "in.csv", "--queues-from", "queues.txt", "-o", "out.parquet")
    assert done.code == 65 and "Support" in done.text


def test_the_footer_says_what_determined_the_values(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(9), "q1", "Größe & Maß", 10, 8, 80, 100)))
    assert ql("transform", "in.csv", "-o", "out.parquet").code == 0
    footer = json.loads(pq.read_metadata(tmp_path / "out.parquet").metadata[b"queuelake"])
    part = oracle.safe_names(["Größe & Maß"])["Größe & Maß"]
    assert footer["queue_columns"] == {"Größe & Maß": part}
    assert f"calls_offered_{part}" in by_pyarrow(tmp_path / "out.parquet")
    assert footer["profile"] == "default" and footer["layout"] == "wide" and footer["rows"] == 1 and footer["cells"] == 1
    assert "export_id" not in json.dumps(footer)


def test_bad_rows_are_kept_with_their_reasons(ql, tmp_path):
    rows = [(interval(9), "q1", "Sales", 10, 8, 80, 100), (interval(9), "q2", "Support", "ten", 8, 80, 100), ("yesterday", "q2", "Support", 1, 1, 1, 1),
            (interval(10), "q1", "Sales", -1, 0, 0, 0)]
    (tmp_path / "in.csv").write_text(export(*rows))
    done = ql("transform", "in.csv", "-o", "out.parquet")
    assert done.code == 65 and "line 3" in done.text and "callsOffered" in done.text and "ten" in done.text, done
    assert not (tmp_path / "out.parquet").exists()
    done = ql("transform", "in.csv", "--on-bad-row", "quarantine", "--json", "-o", "out.parquet")
    assert done.code == 0 and done.json["input"]["bad_rows"] == 3, done
    side = (tmp_path / "out.bad-rows.csv").read_text()
    assert "ten" in side and "yesterday" in side and "-1" in side
    assert ql("transform", "in.csv", "--on-bad-row", "skip", "--max-bad-rows", "1", "-o", "out2.parquet").code == 65
    assert not (tmp_path / "out2.parquet").exists()


@pytest.mark.parametrize("flag, data", [
    ("--max-field-bytes", export((interval(9), "q1", "S" * 3000, 1, 1, 1, 1))),
    ("--max-row-bytes", export((interval(9), "q1", "S" * 3000, 1, 1, 1, 1))),
    ("--max-rows", export(*[(interval(h % 24), "q1", "Sales", 1, 1, 1, 1) for h in range(1025)])),
    ("--max-decoded-bytes", export(*[(interval(h % 24), "q1", "Sales", 1, 1, 1, 1) for h in range(100)])),
    ("--max-columns", "timeInterval,queueName,callsOffered,callsAnswered" + "".join(f",c{i}" for i in range(1025)) + "\n"),
    ("--max-output-columns", export(*[(interval(9), f"q{i}", f"Queue {i}", 1, 1, 1, 1) for i in range(400)])),
])
def test_every_limit_is_a_setting_that_its_message_names(ql, tmp_path, flag, data):
    (tmp_path / "in.csv").write_text(data)
    done = ql("transform", "in.csv", flag, "1024", "--overlap", "sum", "-o", "out.parquet")
    assert done.code == 65 and flag in done.text, done
    assert not (tmp_path / "out.parquet").exists()
    assert "hint" in done.text


def test_a_gzip_bomb_is_stopped_by_its_ratio(ql, tmp_path):
    (tmp_path / "in.csv.gz").write_bytes(gzip.compress(HEADER.encode() + b"\n" * 200_000_000, 6))
    done = ql("transform", "in.csv.gz", "--max-ratio", "100", "-o", "out.parquet")
    assert done.code == 65 and "--max-ratio" in done.text, done


@pytest.mark.parametrize("name, data, words", [
    ("empty", b"", ["empty"]),
    ("html", b"<!DOCTYPE html><html><body>Please log in</body></html>", ["HTML"]),
    ("json", b'{"message": "no"}', ["JSON"]),
    ("cut gzip", gzip.compress(SMALL.encode())[:-9], ["gzip"]),
    ("open quote", SMALL.encode() + b'"2024', ["quote"]),
    ("no answered", SMALL.replace("callsAnswered", "callsAnserwed").encode(), ["calls_answered", "callsAnserwed", "callsOffered"]),
    ("collision", SMALL.replace("serviceLevelPercent", "calls_offered").encode(), ["calls_offered", "callsOffered"]),
    ("latin1", SMALL.replace("Sales", "Größe").encode("latin1"), ["UTF-8"]),
])
def test_what_is_no_export_is_named(ql, tmp_path, name, data, words):
    (tmp_path / "in.csv").write_bytes(data)
    done = ql("transform", "in.csv", "-o", "out.parquet")
    assert done.code == 65 and all(w in done.text for w in words) and "hint:" in done.text, done
    assert not (tmp_path / "out.parquet").exists()


def test_no_rows_is_an_artefact_with_a_warning(ql, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER)
    done = ql("transform", "in.csv", "--layout", "long", "-o", "out.parquet")
    assert done.code == 0 and "warning" in done.text, done
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows == 0
    assert_artefact(tmp_path / "out.parquet", oracle.transform(HEADER.encode(), "long"))


def test_two_queues_that_share_a_column_name(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(9), "q1", "Sales-A", 1, 1, 1, 1), (interval(9), "q2", "sales a", 2, 2, 2, 2)))
    done = ql("transform", "in.csv", "-o", "out.parquet")
    assert done.code == 0 and "warning" in done.text, done
    assert_artefact(tmp_path / "out.parquet", oracle.transform((tmp_path / "in.csv").read_bytes()))
    (tmp_path / "in.csv").write_text(export((interval(9), "q1", "All Queues", 1, 1, 1, 1)))
    done = ql("transform", "in.csv", "--totals", "-o", "out.parquet")
    assert done.code == 65 and "_all_queues" in done.text and "'All Queues'" in done.text, done


def test_a_sum_beyond_int64_names_its_cell(ql, tmp_path):
    big = 2**63 - 1
    (tmp_path / "in.csv").write_text(export((interval(9), "q1", "Sales", big, 1, 1, 1), (interval(9), "q1", "Sales", big, 1, 1, 1)))
    done = ql("transform", "in.csv", "-o", "out.parquet")
    assert done.code == 65 and "Sales" in done.text and "2024-01-01T09:00" in done.text, done


def test_local_stamps_across_the_end_of_summer_time(ql, tmp_path):
    rows = ("timeInterval,queueName,callsOffered,callsAnswered\n"
            "2024-10-27T01:00:00/2024-10-27T01:30:00,S,1,1\n2024-10-27T03:00:00/2024-10-27T03:30:00,S,2,2\n")
    (tmp_path / "in.csv").write_text(rows)
    assert ql("transform", "in.csv", "--csv-timezone", "Europe/Madrid", "-o", "out.parquet").code == 0
    assert [t.strftime("%dT%H:%M") for t in by_pyarrow(tmp_path / "out.parquet")["interval_start"]] == ["26T23:00", "27T02:00"]
    (tmp_path / "in.csv").write_text(rows + "2024-10-27T02:30:00/2024-10-27T03:00:00,S,3,3\n")
    done = ql("transform", "in.csv", "--csv-timezone", "Europe/Madrid", "-o", "out.parquet")
    assert done.code == 65 and "line 4" in done.text, done


def test_local_folder_faults_leave_the_old_file(ql, small):
    (small / "out.parquet").write_bytes(b"old")
    for output, code in (("nodir-file/x.parquet", 73), (".", 73), ("x" * 300 + ".parquet", 73)):
        (small / "nodir-file").write_bytes(b"a file") if output.startswith("nodir") else None
        done = ql("transform", "in.csv", "-o", output)
        assert done.code == code and "hint:" in done.text, done
    assert (small / "out.parquet").read_bytes() == b"old"
    assert sorted(p.name for p in small.iterdir()) == ["in.csv", "nodir-file", "out.parquet"]


def test_disk_full(ql, small):
    """/dev/full takes no byte; a device is no place for an artefact either way, so a tiny file system stands in where one can be made."""
    mount = small / "tiny"
    mount.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(mount)], capture_output=True).returncode != 0:
        done = subprocess.run(["sh", "-c", f"ulimit -f 0; exec '{os.environ.get('QL_BUILD_DIR', 'build/dev')}/queuelake' transform in.csv -o out.parquet"],
                              cwd=small, env=CLEAN, capture_output=True)
        assert done.returncode in (73, 74, -25), done
    else:
        try:
            (mount / "out.parquet").write_bytes(b"old")
            done = ql("transform", "in.csv", "-o", str(mount / "out.parquet"))
            assert done.code == 74 and "space" in done.text.lower() and "hint:" in done.text, done
            assert [p.name for p in mount.iterdir()] == ["out.parquet"] and (mount / "out.parquet").read_bytes() == b"old"
        finally:
            subprocess.run(["umount", str(mount)], check=True)
    assert not (small / "out.parquet").exists()


def test_means_are_exact_where_doubles_are_not(ql, tmp_path):
    """0.1 + 0.2 + … in any order: the exact mean of decimals, rounded once. Fractions decide."""
    rows = [(interval(9), "q1", "S", w, w, 50, v) for w, v in [(1, "0.1"), (1, "0.2"), (1, "0.3"), (3, "1e22"), (3, "-1e22"), (7, "123456789012345678.125")]]
    (tmp_path / "in.csv").write_text(export(*rows))
    assert ql("transform", "in.csv", "--round", "none", "-o", "out.parquet").code == 0
    mean = sum(Fraction(str(r[6])) * r[4] for r in rows) / sum(r[4] for r in rows)
    assert by_pyarrow(tmp_path / "out.parquet")["avg_handle_time_seconds_s"] == [float(mean)]


# What an audit found, so that it stays mended.


@pytest.mark.parametrize("args", [["-o", "in.csv"], ["-o", "link.csv"], ["--on-bad-row", "quarantine", "--quarantine-file", "in.csv", "-o", "o.parquet"],
                                  ["--on-bad-row", "quarantine", "--quarantine-file", "o.parquet", "-o", "o.parquet"],
                                  ["-o", "{layout}.csv", "--layout", "wide"]])
def test_no_file_is_destroyed_by_another(ql, small, args):
    (small / "link.csv").symlink_to("in.csv")
    if "{layout}.csv" in args:
        (small / "wide.csv").hardlink_to(small / "in.csv")
    done = ql("transform", "in.csv", *args)
    assert done.code == 64 and "itself" in done.text, done
    assert (small / "in.csv").read_text() == SMALL and not (small / "o.parquet").exists()


def test_the_order_of_inputs_decides_nothing(ql, tmp_path):
    base = "timeInterval,queue.name,callsOffered,callsAnswered"
    (tmp_path / "a.csv").write_text(f"{base}\n{interval(9)},S,1,1\n")
    (tmp_path / "b.csv").write_text(f"{base},callsAbandoned\n{interval(10)},S,2,1,1\n")
    for order in (["a.csv", "b.csv"], ["b.csv", "a.csv"]):
        done = ql("transform", *order, "-o", "out.parquet")
        assert done.code == 65 and "calls_abandoned" in done.text and "a.csv" in done.text and "b.csv" in done.text, done
    (tmp_path / "b.csv").write_text(f"{base}\n{interval(10)},S,2,1\n")
    artefacts = set()
    for order in (["a.csv", "b.csv"], ["b.csv", "a.csv"]):
        assert ql("transform", *order, "-o", "out.parquet").code == 0
        artefacts.add((tmp_path / "out.parquet").read_bytes())
    assert len(artefacts) == 1


def test_fixed_queues_do_not_merge_ids_in_long(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(9), "x", "B", 10, 8, 80, 100), (interval(9), "y", "B", 10, 8, 80, 100)))
    (tmp_path / "q.txt").write_text("C\nB\n")
    assert ql("transform", "in.csv", "--layout", "long", "--queues-from", "q.txt", "-o", "out.parquet").code == 0
    assert by_pyarrow(tmp_path / "out.parquet")["queue_id"] == ["x", "y"]
    (tmp_path / "q.txt").write_bytes(b"S\xff\nB\n")
    done = ql("transform", "in.csv", "--queues-from", "q.txt", "-o", "out.parquet")
    assert done.code == 65 and "UTF-8" in done.text, done


def test_filled_intervals_are_as_long_as_the_others(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(0), "q", "S", 1, 1, 1, 1), (interval(3), "q", "S", 1, 1, 1, 1)))
    assert ql("transform", "in.csv", "--gaps", "fill", "--from", "2024-01-01", "--to", "2024-01-01T12:00Z", "-o", "out.parquet").code == 0
    table = by_pyarrow(tmp_path / "out.parquet")
    assert len(table["interval_start"]) == 24
    assert {e - s for s, e in zip(table["interval_start"], table["interval_end"])} == {dt.timedelta(minutes=30)}


def test_the_total_of_a_count_is_null_where_no_row_is(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(0), "q", "S", 1, 1, 1, 1), (interval(1), "q", "S", 1, 1, 1, 1)))
    (tmp_path / "queuelake.yaml").write_text("metrics:\n  rows_seen: {column: calls_offered, agg: count}\n")
    assert ql("transform", "in.csv", "--totals", "--gaps", "fill", "--empty", "null", "-o", "out.parquet").code == 0
    table = by_pyarrow(tmp_path / "out.parquet")
    assert table["rows_seen_s"] == [1, None, 1] and table["rows_seen_all_queues"] == [1, None, 1]


def test_the_footer_has_what_shapes_values(ql, small):
    (small / "queuelake.yaml").write_text("aliases:\n  nobody's: {to: calls_waiting, scale: 0.001}\n")
    assert ql("transform", "in.csv", "--granularity", "30m", "--decimal-comma", "--on-bad-row", "skip", "--csv-timezone", "Europe/Madrid",
              "-o", "out.parquet").code == 0
    settings = json.loads(pq.read_metadata(small / "out.parquet").metadata[b"queuelake"])["settings"]
    assert settings["granularity_s"] == 1800 and settings["decimal_comma"] is True and settings["csv_timezone"] == "Europe/Madrid"
    assert settings["aliases"] == ["nobody's -> calls_waiting * 1 / 1000"]


def test_names_that_differ_in_case_only_are_warned_of(ql, tmp_path):
    (tmp_path / "in.csv").write_text(export((interval(9), "x", "Sales", 1, 1, 1, 1), (interval(9), "y", "sales", 1, 1, 1, 1)))
    done = ql("transform", "in.csv", "--names", "raw", "-o", "out.parquet")
    assert done.code == 0 and "case" in done.text, done


def test_a_brace_in_the_inputs_name_is_no_template(ql, tmp_path):
    (tmp_path / "br{start}.csv").write_text(SMALL)
    assert ql("transform", "br{start}.csv").code == 0
    assert (tmp_path / "br{start}.parquet").exists()


def test_a_failed_run_leaves_no_folder(ql, tmp_path):
    assert ql("transform", "nowhere.csv", "-o", "fresh/a/b/x.parquet").code == 66
    assert not (tmp_path / "fresh").exists()


def test_what_stands_for_something_already_is_not_suggested_for_something_else(ql, tmp_path):
    (tmp_path / "in.csv").write_text("timeInterval,queueName,callsOffered\n")
    done = ql("transform", "in.csv")
    assert done.code == 65 and "for calls_answered" in done.text and "nearest: 'callsOffered'" not in done.text, done


# What a newcomer tripped over.


def test_a_column_called_abandoned_is_no_approximation(ql, tmp_path):
    (tmp_path / "in.csv").write_text(f"Queue Name,interval,Offered,Answered,Abandoned,Notes\nS,{interval(9)},10,5,1,x\n")
    done = ql("transform", "in.csv", "--layout", "long", "-o", "out.parquet")
    assert done.code == 0 and "'Notes'" in done.text and "1 - answer_rate" not in done.text, done
    assert by_pyarrow(tmp_path / "out.parquet")["abandon_rate"] == [0.1]


@pytest.mark.parametrize("args, word", [(["-o", ""], "nothing"), (["-o", "~/x.parquet"], "~"), (["--quarantine-file", "q.csv"], "--on-bad-row"),
                                        (["--totals", "--layout", "long"], "--totals")])
def test_what_would_surprise_is_refused(ql, small, args, word):
    done = ql("transform", "in.csv", *args)
    assert done.code == 64 and word in done.text, done
    assert [p.name for p in small.iterdir()] == ["in.csv"]


def test_a_home_of_somebody_else_is_no_obstacle(binary, small):
    """As under schedulers that change the user and keep HOME."""
    if os.geteuid() != 0:
        return  # only root can become somebody else
    locked = small / "locked"
    (locked / ".config").mkdir(parents=True)
    locked.chmod(0o700)
    for folder in (small, *[p for p in small.parents if p.is_relative_to("/tmp") and p != pathlib.Path("/tmp")]):
        folder.chmod(0o755)
    done = subprocess.run([str(binary), "config"], env={**CLEAN, "HOME": str(locked)}, user=65534, group=65534, extra_groups=[], capture_output=True, cwd="/")
    assert done.returncode == 0, done.stderr
