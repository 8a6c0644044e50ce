"""The artefacts of the command line in the readers that Python can load, value for value."""
import pytest
from parquet_structure import check

from readers.artefacts import ARTEFACTS, LEFT_OUT
from readers.in_process import READERS, assert_reads

pytest_plugins = ["readers.fixtures"]
pytestmark = pytest.mark.xdist_group("readers-in-process")


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=str)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_sees_what_the_oracle_says(reader, artefact, library):
    assert_reads(reader, artefact, library)


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=str)
def test_every_byte_is_accounted_for(artefact, library):
    check(library.path(artefact))


@pytest.mark.parametrize("setting", LEFT_OUT)
def test_what_this_binary_does_not_offer_yet(setting):
    pytest.skip(f"`queuelake transform --help` has no {setting}: artefacts made with it are left out")
