"""The artefacts of the command line in the readers that Python can load, value for value."""
import pytest
from parquet_structure import check

from readers.artefacts import ARTEFACTS, WISHES, choices
from readers.in_process import assert_reads, pairs

pytest_plugins = ["readers.fixtures"]
pytestmark = pytest.mark.xdist_group("readers-in-process")


@pytest.mark.parametrize("reader,artefact", pairs(ARTEFACTS), ids=str)
def test_a_reader_sees_what_the_oracle_says(reader, artefact, library):
    assert_reads(reader, artefact, library)


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=str)
def test_every_byte_is_accounted_for(artefact, library):
    check(library.path(artefact), artefact.is_modern())


@pytest.mark.parametrize("flag,value", WISHES)
def test_artefacts_are_made_with_every_setting(flag, value):
    if value not in choices(flag):
        pytest.skip(f"`queuelake transform --help` has no --{flag} {value}: artefacts made with it are left out")
    assert any((flag, value) in a.all_settings() for a in ARTEFACTS)
