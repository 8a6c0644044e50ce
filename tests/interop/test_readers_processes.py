"""The artefacts of the command line in hyparquet (JavaScript) and parquet-java, value for value."""
import pytest

from readers.artefacts import ARTEFACTS
from readers.processes import PROCESSES
from readers.tables import assert_same_table

pytest_plugins = ["readers.fixtures"]


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=str)
@pytest.mark.parametrize("reader", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in PROCESSES])
def test_a_reader_sees_what_the_oracle_says(reader, artefact, library, process, reads):
    expected = library.expected(artefact)
    assert_same_table(reader, process(reader).table(reads(reader)[artefact], expected), expected)
