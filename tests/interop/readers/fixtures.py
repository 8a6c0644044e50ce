"""What the tests of the readers share: made once in a process of the tests."""
import functools

import pytest

from readers.artefacts import ARTEFACTS, Library
from readers.processes import PROCESSES
from readers.spark import start as start_spark


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    return Library(tmp_path_factory.mktemp("artefacts"))


@pytest.fixture(scope="session")
def process(tmp_path_factory):
    """process("hyparquet") is that reader, with the set of all artefacts read by one process when first asked for."""
    return functools.cache(lambda name: PROCESSES[name](tmp_path_factory.mktemp(name)))


@pytest.fixture(scope="session")
def reads(process, library):
    """reads("hyparquet") is {artefact: where its dump is}."""

    @functools.cache
    def run(name):
        tasks = {("read", library.path(a)): a for a in ARTEFACTS}
        return {tasks[task]: out for task, out in process(name).run(tasks).items()}

    return run


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    session = start_spark(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()
