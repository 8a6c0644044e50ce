"""docs/catalogues.md as it stands: artefacts as one table of DuckDB, Spark, Iceberg, and the statements of inspect --ddl."""
import datetime as dt
import pathlib
import subprocess

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlglot

from conftest import BUILD, CLEAN
from readers.spark import start

DAYS = [dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 1, 3)]
QUEUES = ["Sales", "Ventas – España", "it's a `queue` \"x\""]


def inspect(*args):
    done = subprocess.run([BUILD / "queuelake", "inspect", *map(str, args)], capture_output=True, env=CLEAN, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def transform(csv, path, *flags):
    path.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([BUILD / "queuelake", "transform", csv, "-q", "-o", path, *flags], capture_output=True, env=CLEAN, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """queue_metrics/date=2024-01-01/part.parquet and so on: a day each."""
    folder = tmp_path_factory.mktemp("lake")
    root = folder / "it's the lake" / "queue_metrics"
    for n, day in enumerate(DAYS):
        lines = ["timeInterval,queue.id,queue.name,callsOffered,callsAnswered,serviceLevelPercent,avgHandleTimeSeconds"]
        for half in range(48):
            a = dt.datetime.combine(day, dt.time(), dt.timezone.utc) + dt.timedelta(minutes=30 * half)
            b = a + dt.timedelta(minutes=30)
            for q, name in enumerate(QUEUES):
                name = '"' + name.replace('"', '""') + '"'
                lines.append(f"{a:%Y-%m-%dT%H:%M:%SZ}/{b:%Y-%m-%dT%H:%M:%SZ},id-{q},{name},{half + q + n},{half},{half / 2},{100 + half}.5")
        (folder / "day.csv").write_text("\n".join(lines) + "\n")
        transform(folder / "day.csv", root / f"date={day}" / "part.parquet", "--layout", "long", *(["--compression", "zstd", "--parquet-compat", "modern"] if n else []))
    return root


@pytest.fixture(scope="module")
def expected(tree):
    """All rows with their day, by pyarrow."""
    parts = []
    for day in DAYS:
        part = pq.ParquetFile(tree / f"date={day}" / "part.parquet").read()
        parts.append(part.append_column("date", pa.array([day] * part.num_rows, pa.date32())))
    return ordered(pa.concat_tables(parts))


def ordered(table):
    return table.sort_by([("interval_start", "ascending"), ("queue_name", "ascending")])


def same(table, expected):
    columns = [c for c in expected.column_names if c in table.column_names]
    assert columns == expected.column_names, table.column_names
    table = ordered(table.select(columns))
    for name in columns:
        theirs = table.column(name)
        if pa.types.is_timestamp(theirs.type):
            theirs = theirs.cast(pa.timestamp("us", "UTC"))
        assert theirs.cast(expected.schema.field(name).type).to_pylist() == expected.column(name).to_pylist(), name


def statements(text):
    parts = [part.strip() for part in text.split(";\n")]
    assert parts[-1] == ""
    return parts[:-1]


# ---- DuckDB ----

def test_duckdb_reads_the_tree_as_one_table(tree, expected):
    pattern = str(tree / "*" / "*.parquet").replace("'", "''")
    table = duckdb.sql(f"select * from read_parquet('{pattern}', hive_partitioning = true)").to_arrow_table()
    same(table, expected)


def test_duckdb_runs_its_statement(tree, expected):
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    for statement in statements(inspect("--ddl", "duckdb", tree / f"date={DAYS[0]}" / "part.parquet")):
        connection.execute(statement)
    same(connection.sql("select * from queue_metrics").to_arrow_table(), expected)
    kinds = dict(connection.sql("select column_name, data_type from information_schema.columns where table_name = 'queue_metrics'").fetchall())
    assert kinds["date"] == "DATE" and kinds["interval_start"] == "TIMESTAMP WITH TIME ZONE" and kinds["calls_offered"] == "BIGINT"
    assert connection.sql("select count(*) from queue_metrics where date = '2024-01-02'").fetchall() == [(48 * len(QUEUES),)]


@pytest.mark.parametrize("settings", [("--layout", "wide"), ("--layout", "wide", "--names", "raw"), ("--layout", "tidy"), ("--layout", "long", "--rates", "decimal")])
def test_duckdb_runs_the_statement_of_every_layout(tmp_path, tree, settings):
    day = tmp_path / "a day's" / "x.parquet"
    transform(tree.parent.parent / "day.csv", day, *settings)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create schema lake")
    for statement in statements(inspect("--ddl", "duckdb", "--table", "lake.the day", day)):
        connection.execute(statement)
    table = connection.sql('select * from lake."the day"').to_arrow_table()
    reference = pq.read_table(day)
    assert table.column_names == reference.column_names
    for name in table.column_names:
        assert table.column(name).cast(reference.schema.field(name).type).equals(reference.column(name)), name


# ---- Spark, one session ----

@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    session = start(tmp_path_factory.mktemp("spark"))
    yield session
    session.stop()


@pytest.mark.xdist_group("spark")
def test_spark_reads_the_tree_as_one_table_and_runs_its_statements(spark, tree, expected):
    frame = spark.read.parquet(str(tree))
    same(frame.toArrow(), expected)
    assert frame.schema["date"].dataType.typeName() == "date"
    for statement in statements(inspect("--ddl", "spark", tree / f"date={DAYS[0]}" / "part.parquet")):
        spark.sql(statement)
    same(spark.table("queue_metrics").toArrow(), expected)
    assert spark.sql("select count(*) from queue_metrics where date = date'2024-01-02'").collect()[0][0] == 48 * len(QUEUES)
    plan = spark.sql("select * from queue_metrics where date = date'2024-01-02'")._jdf.queryExecution().executedPlan().toString()
    assert "PartitionFilters: [isnotnull(date" in plan, plan
    spark.sql("drop table queue_metrics")


# ---- Athena: there is no engine here, so a parser of its dialect judges ----

def test_athena_statement_is_what_its_dialect_knows(tree):
    text = inspect("--ddl", "athena", "--location", "s3://lake/queue_metrics", "--table", "lake.queue_metrics", tree / f"date={DAYS[0]}" / "part.parquet")
    create, repair = statements(text)
    for dialect in ("athena", "hive"):
        tree_of = sqlglot.parse_one(create, dialect=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        assert isinstance(tree_of, sqlglot.exp.Create) and tree_of.kind == "TABLE"
        assert not isinstance(sqlglot.parse_one(repair, dialect=dialect), sqlglot.exp.Create)
        table = tree_of.find(sqlglot.exp.Table)
        assert (table.db, table.name) == ("lake", "queue_metrics")
        kinds = {c.name: c.kind.sql("hive") for c in tree_of.this.expressions}
        assert kinds == {"time_interval": "STRING", "interval_start": "TIMESTAMP", "interval_end": "TIMESTAMP", "queue_id": "STRING", "queue_name": "STRING",
                         "calls_offered": "BIGINT", "calls_answered": "BIGINT", "avg_handle_time_seconds": "DOUBLE", "service_level_percent": "DOUBLE",
                         "answer_rate": "DOUBLE", "abandon_rate": "DOUBLE"}
        partitions = tree_of.find(sqlglot.exp.PartitionedByProperty)
        assert [(c.name, c.kind.sql("hive")) for c in partitions.this.expressions] == [("date", "DATE")]
        assert tree_of.find(sqlglot.exp.LocationProperty).this.name == "s3://lake/queue_metrics/"


def refused(*args):
    done = subprocess.run([BUILD / "queuelake", "inspect", *map(str, args)], capture_output=True, env=CLEAN, check=False)
    assert done.returncode != 0 and done.stdout == b""
    return done.returncode, done.stderr.decode()


def test_what_cannot_be_a_table_is_refused(tmp_path, tree):
    file = tree / f"date={DAYS[0]}" / "part.parquet"
    code, text = refused("--ddl", "athena", file)
    assert code == 64 and "--location s3://" in text
    code, text = refused("--ddl", "spark", "--partitioned", "date:money", file)
    assert code == 64 and "NAME:TYPE" in text
    code, text = refused("--ddl", "duckdb", "--partitioned", "Queue_Name", file)
    assert code == 65 and "would be one column" in text
    pq.write_table(pa.table({"a": [1], "A": [2]}), tmp_path / "case.parquet")
    assert refused("--ddl", "spark", tmp_path / "case.parquet")[0] == 65
    pq.write_table(pa.table({"t": pa.array([1], pa.time64("us"))}), tmp_path / "time.parquet")
    code, text = refused("--ddl", "athena", "--location", "s3://b/p/", tmp_path / "time.parquet")
    assert code == 65 and "Athena has no type" in text


# ---- Iceberg ----

def catalog(folder):
    from pyiceberg.catalog.sql import SqlCatalog

    (folder / "warehouse").mkdir()
    return SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")


def test_pyiceberg_takes_the_files_as_they_are(tmp_path, tree, expected):
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.transforms import DayTransform

    lake = catalog(tmp_path)
    lake.create_namespace("stats")
    files = [str(tree / f"date={day}" / "part.parquet") for day in DAYS]
    table = lake.create_table("stats.queue_metrics", schema=pq.read_schema(files[0]))
    with table.update_spec() as update:
        update.add_field("interval_start", DayTransform(), "day")
    table.add_files(files)

    rows = expected.drop_columns(["date"])
    same(table.scan().to_arrow(), rows)
    entries = table.inspect.files().to_pylist()
    assert sorted(e["file_path"].removeprefix("file://") for e in entries) == sorted(files)
    assert sum(e["record_count"] for e in entries) == rows.num_rows
    days = {e["partition"]["day"] if isinstance(e["partition"]["day"], dt.date) else dt.date(1970, 1, 1) + dt.timedelta(days=e["partition"]["day"]) for e in entries}
    assert days == set(DAYS)

    low, high = "2024-01-02T12:00:00+00:00", "2024-01-02T13:00:00+00:00"
    some = table.scan(row_filter=And(GreaterThanOrEqual("interval_start", low), LessThan("interval_start", high)))
    assert len(list(some.plan_files())) == 1
    mask = pc.and_(pc.greater_equal(rows["interval_start"], dt.datetime.fromisoformat(low)), pc.less(rows["interval_start"], dt.datetime.fromisoformat(high)))
    same(some.to_arrow(), rows.filter(mask))

    with pytest.raises(ValueError, match="already referenced"):
        table.add_files(files[:1])
    assert isinstance(table.spec(), PartitionSpec) and isinstance(table.spec().fields[0], PartitionField)


def test_a_day_is_replaced_under_a_new_key(tmp_path, tree, expected):
    """Files of an Iceberg table are never overwritten: a day that is pulled again is another file, and one commit."""
    from pyiceberg.expressions import And, GreaterThanOrEqual, LessThan

    lake = catalog(tmp_path)
    lake.create_namespace("stats")
    files = [str(tree / f"date={day}" / "part.parquet") for day in DAYS]
    table = lake.create_table("stats.queue_metrics", schema=pq.read_schema(files[0]))
    table.add_files(files)
    again = tmp_path / "again.parquet"
    transform(pathlib.Path(tree).parent.parent / "day.csv", again, "--layout", "long")  # the last day, once more
    day = And(GreaterThanOrEqual("interval_start", "2024-01-03T00:00:00+00:00"), LessThan("interval_start", "2024-01-04T00:00:00+00:00"))
    with table.transaction() as tx:
        tx.delete(day)
        tx.add_files([str(again)])
    same(table.scan().to_arrow(), expected.drop_columns(["date"]))
    paths = {e["file_path"].removeprefix("file://") for e in table.inspect.files().to_pylist()}
    assert paths == {*files[:2], str(again)}
