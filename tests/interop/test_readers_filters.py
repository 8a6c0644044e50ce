"""Rows under conditions at the edges of pages and row groups: as many whether a reader skips by bounds or looks at every row."""
import functools

import pytest
from parquet_structure import check

from readers.artefacts import PAGED
from readers.filters import COUNTERS, assert_counts, conditions, edges
from readers.spark import FILTERS, counts

pytest_plugins = ["readers.fixtures"]
# Spark plans a query slowly, and parquet-java reads by rows: of the conditions they are asked some of each column.
SPARK_STEP, JAVA_STEP = 11, 7
MODES = {True: "skipping", False: "not skipping"}


@pytest.fixture(scope="module")
def asked(library):
    """asked(artefact) is [(condition, rows)]: the edges are those of the pages of the artefact's interval_start."""

    @functools.cache
    def of(artefact):
        file = check(library.path(artefact), artefact.is_modern())
        place = [name for name, *_ in file.columns].index("interval_start")
        pages = [len(values) for group in file.groups for values in group[place].page_values]
        assert len(pages) > 2
        return conditions(library.expected(artefact), edges(pages))

    return of


@pytest.mark.xdist_group("readers-in-process")
@pytest.mark.parametrize("artefact", PAGED, ids=str)
@pytest.mark.parametrize("is_skipping", MODES, ids=MODES.get)
@pytest.mark.parametrize("reader", COUNTERS)
def test_no_row_is_lost_at_an_edge(reader, is_skipping, artefact, library, asked):
    got = COUNTERS[reader](library.path(artefact), [c for c, _ in asked(artefact)], is_skipping)
    assert_counts(f"{reader}, {MODES[is_skipping]}", asked(artefact), got)


@pytest.mark.xdist_group("parquet-java")
@pytest.mark.parametrize("artefact", PAGED, ids=str)
def test_no_row_is_lost_at_an_edge_in_parquet_java(artefact, library, asked, process):
    some = asked(artefact)[::JAVA_STEP]
    found = process("parquet-java").counts(library.path(artefact), [c for c, _ in some])
    assert_counts("parquet-java, by records", some, [n for n, _, _ in found])
    assert_counts("parquet-java, skipping", some, [n for _, n, _ in found])
    # the page index is there to be used: of a narrow range little is left to look at
    n_rows = library.expected(artefact).num_rows
    assert min(left for (c, _), (_, n, left) in zip(some, found) if c.column == "interval_start" and n) < n_rows / 2


@pytest.mark.xdist_group("spark")
@pytest.mark.parametrize("artefact", PAGED, ids=str)
@pytest.mark.parametrize("mode", FILTERS)
def test_no_row_is_lost_at_an_edge_in_spark(mode, artefact, library, asked, spark):
    some = asked(artefact)[::SPARK_STEP]
    assert_counts(f"Spark, {mode}", some, counts(spark, library.path(artefact), [c for c, _ in some], mode))
