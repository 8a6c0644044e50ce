"""A file of several row groups: more than two million rows, so that it is made once and judged here by everyone."""
import pyarrow.parquet as pq
import pytest
from parquet_structure import check

from readers.artefacts import GROUPS
from readers.filters import COUNTERS, assert_counts, conditions, edges
from readers.in_process import assert_reads, pairs
from readers.processes import PROCESSES
from readers.spark import FILTERS, KINDS, counts, read
from readers.tables import assert_same_table

pytest_plugins = ["readers.fixtures"]
pytestmark = pytest.mark.xdist_group("groups")
each_artefact = pytest.mark.parametrize("artefact", GROUPS, ids=str)
STEP = 25  # of the conditions: each reads millions of rows


@pytest.fixture
def asked(artefact, library):
    metadata = pq.read_metadata(library.path(artefact))
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    assert len(sizes) > 1 and sum(sizes) == library.expected(artefact).num_rows
    return conditions(library.expected(artefact), edges(sizes))


@each_artefact
def test_every_byte_is_accounted_for(artefact, library):
    assert len(check(library.path(artefact), artefact.is_modern()).groups) > 1


@pytest.mark.parametrize("reader,artefact", pairs(GROUPS), ids=str)
def test_a_reader_sees_every_row_group(reader, artefact, library):
    assert_reads(reader, artefact, library)


@each_artefact
@pytest.mark.parametrize("reader", PROCESSES)
def test_a_process_sees_every_row_group(reader, artefact, library, process):
    judge, task, expected = process(reader), ("read", library.path(artefact)), library.expected(artefact)
    assert_same_table(reader, judge.table(judge.run([task])[task], expected), expected)


@each_artefact
@pytest.mark.parametrize("kind", KINDS)
def test_spark_sees_every_row_group(kind, artefact, library, spark):
    assert_same_table(f"Spark, {kind}", read(spark, library.path(artefact), kind), library.expected(artefact))


@each_artefact
@pytest.mark.parametrize("is_skipping", [True, False], ids=["skipping", "not skipping"])
@pytest.mark.parametrize("reader", COUNTERS)
def test_no_row_is_lost_at_an_edge(reader, is_skipping, artefact, library, asked):
    assert_counts(reader, asked, COUNTERS[reader](library.path(artefact), [c for c, _ in asked], is_skipping))


@each_artefact
def test_no_row_is_lost_at_an_edge_in_parquet_java(artefact, library, asked, process):
    some = asked[::STEP]
    found = process("parquet-java").counts(library.path(artefact), [c for c, _ in some])
    assert_counts("parquet-java, by records", some, [n for n, _, _ in found])
    assert_counts("parquet-java, skipping", some, [n for _, n, _ in found])


@each_artefact
@pytest.mark.parametrize("mode", FILTERS)
def test_no_row_is_lost_at_an_edge_in_spark(mode, artefact, library, asked, spark):
    some = asked[::STEP]
    assert_counts(f"Spark, {mode}", some, counts(spark, library.path(artefact), [c for c, _ in some], mode))
