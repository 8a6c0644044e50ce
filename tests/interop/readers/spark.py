"""Spark in a JVM beside the tests, with its vectorised reader and its reader by rows."""
import os

from readers.processes import leave_out, need
from readers.tables import common

KINDS = {"vectorised": "true", "rows": "false"}
CONF = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
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
    return common(frame.toArrow())
