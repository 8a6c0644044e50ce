"""Spark in a JVM beside the tests, with its vectorised reader and its reader by rows."""
import os

import pyarrow as pa
import pyarrow.parquet as pq

from readers.filters import literal
from readers.processes import leave_out, need
from readers.tables import common

CELLS_AT_ONCE = 8_000_000  # of a task's result, which is in memory several times
KINDS = {"vectorised": "true", "rows": "false"}
CONF = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.memory": "4g",
    # without it a thread that finds no memory dies alone, and Python waits for its result for ever
    "spark.driver.extraJavaOptions": "-XX:+ExitOnOutOfMemoryError",
    "spark.driver.maxResultSize": "0",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    # a file is one task and its rows stay in order; beyond 100 columns Spark would leave its vectorised reader
    "spark.sql.files.openCostInBytes": "1g",
    "spark.sql.files.maxPartitionBytes": "1g",
    "spark.sql.codegen.maxFields": "100000",
    "spark.sql.caseSensitive": "true",
    "spark.log.level": "ERROR",
}

# How Spark may find out which rows a condition takes: as it does by default, by its reader of rows with parquet-java's own filter
# of records, or by looking at each.
FILTERS = {
    "skipping": {"enableVectorizedReader": "true", "filterPushdown": "true", "recordLevelFilter.enabled": "false"},
    "skipping, by rows": {"enableVectorizedReader": "false", "filterPushdown": "true", "recordLevelFilter.enabled": "true"},
    "not skipping": {"enableVectorizedReader": "true", "filterPushdown": "false", "recordLevelFilter.enabled": "false"},
}


def start(folder):
    need("Spark", "java")
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        leave_out("Spark was left out: there is no pyspark in this Python: ./dev test installs it where Java is")
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    builder = SparkSession.builder.config("spark.local.dir", str(folder)).config("spark.sql.warehouse.dir", str(folder))
    for key, value in CONF.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def read(spark, path, kind):
    """The common form; that the reader was the one asked for is in the plan."""
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", KINDS[kind])
    frame = spark.read.parquet(str(path))
    plan = frame._jdf.queryExecution().executedPlan().toString()
    assert f"Batched: {KINDS[kind]}" in plan, plan
    width = max(1, CELLS_AT_ONCE // max(1, pq.read_metadata(path).num_rows))
    blocks = [frame.columns[i : i + width] for i in range(0, len(frame.columns), width)]
    columns = []
    for block in blocks:
        columns += common(frame.select([quoted(name) for name in block]).toArrow() if len(blocks) > 1 else frame.toArrow()).columns
    return pa.Table.from_arrays(columns, names=frame.columns)


def quoted(name):
    return "`" + name.replace("`", "``") + "`"



def sql_literal(kind, value):
    return literal(kind, value, "timestamp_micros({})", "double('{!r}')")


def counts(spark, path, conditions, mode):
    """Many in one query: each is a scan of its own, with its own filters."""
    for key, value in FILTERS[mode].items():
        spark.conf.set(f"spark.sql.parquet.{key}", value)
    spark.read.parquet(str(path)).createOrReplaceTempView("artefact")
    found = {}
    for first in range(0, len(conditions), 40):
        queries = [f"select {i} as i, count(*) as n from artefact where {c.sql(sql_literal)}" for i, c in enumerate(conditions[first : first + 40], first)]
        frame = spark.sql(" union all ".join(queries))
        found |= {row.i: row.n for row in frame.collect()}
    return [found[i] for i in range(len(conditions))]
