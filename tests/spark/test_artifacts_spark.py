"""Reference tables written by Spark go into an artifact and are read back by Spark."""

from __future__ import annotations

import datetime
from decimal import Decimal

from synthohive_spark.spec.fitted import FittedSchema
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.storage.artifacts import load_artifact, package_version, save_artifact
from synthohive_spark.storage.tables import read_table


def test_reference_tables_come_back_with_their_types(spark, tmp_path):
    schema = "code string, price decimal(9,3), since date, seen timestamp_ntz, active boolean"
    rows = [
        ("a", Decimal("1.125"), datetime.date(1969, 7, 20), datetime.datetime(2020, 1, 1, 1, 2, 3, 456789), True),
        ("ü", None, None, None, None),
        (None, Decimal("-999999.999"), datetime.date(9999, 12, 31), datetime.datetime(1600, 1, 1), False),
    ]
    frame = spark.createDataFrame(rows, schema)
    frame.repartition(3).write.parquet(str(tmp_path / "src"))
    metadata = Metadata().add_table("codes", pk="code", role="reference")
    fitted = FittedSchema(metadata, SchemaGraph.from_metadata(metadata), {}, {"codes": str(tmp_path / "src")}, 1, package_version())
    save_artifact(fitted, tmp_path / "m")
    loaded = read_table(spark, load_artifact(tmp_path / "m").references["codes"])
    assert loaded.schema == frame.schema
    assert sorted(map(repr, loaded.collect())) == sorted(map(repr, frame.collect()))
