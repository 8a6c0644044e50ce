"""What the tests of the readers share."""
import pytest

from readers.artefacts import Library


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return Library(tmp_path_factory.mktemp("artefacts"))
