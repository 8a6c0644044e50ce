"""The artefacts of the command line in Spark, value for value: by its vectorised reader and by rows."""
import pytest

from readers.artefacts import ARTEFACTS
from readers.spark import KINDS, read
from readers.tables import assert_same_table

pytest_plugins = ["readers.fixtures"]
pytestmark = pytest.mark.xdist_group("spark")


@pytest.mark.parametrize("artefact", ARTEFACTS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_spark_sees_what_the_oracle_says(kind, artefact, library, spark):
    assert_same_table(f"Spark, {kind}", read(spark, library.path(artefact), kind), library.expected(artefact))
