"""The facts that Spark gathers, and the way from data to metadata and to a copy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))

from detection_eyes import detected, keys_of
from known_schemas import forum, market
from made_up_schemas import calendar, numbers

from synthohive_spark import Metadata, SchemaError, Synthesizer, copy, detect
from synthohive_spark.spec.detection.inclusion import threshold
from synthohive_spark.stages.detection.look import look_at, probed, share_of_combinations
from synthohive_spark.stages.intake import take_in_unnamed


@pytest.fixture(scope="module")
def folder(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two schemas in one folder, some tables as Delta, some as Parquet; and files that are no tables."""
    place = tmp_path_factory.mktemp("lake")
    for index, (name, frame) in enumerate({**numbers().frames, **calendar().frames}.items()):
        if index % 2:
            frame.to_parquet(place / f"{name}.parquet")
        else:
            spark.createDataFrame(frame).write.format("delta").save(str(place / name))
    (place / "README.md").write_text("no table")
    (place / "notes").mkdir()
    (place / "notes" / "a.txt").write_text("no table")
    return place


@pytest.mark.exhaustive
def test_a_folder_gives_its_tables_and_their_keys_whatever_the_partitions(spark: Any, folder: Path) -> None:
    found = detect(folder, spark=spark)
    primary, foreign = keys_of(found.metadata)
    assert (primary, foreign) == ({**numbers().primary, **calendar().primary}, numbers().foreign | calendar().foreign)
    frames = {name: frame.repartition(3) for name, (_, frame) in take_in_unnamed(spark, str(folder)).read.items()}
    again = detect(frames, spark=spark)
    assert again == found
    assert Metadata.from_dict(found.metadata.to_dict()).tables == found.metadata.tables
    Synthesizer(found.metadata, spark=spark).validate_schema(str(folder))


def test_facts_are_those_of_pandas(spark: Any) -> None:
    frames = {name: spark.createDataFrame(frame) for name, frame in market().frames.items()}
    seen = look_at(frames, {})
    for name, frame in market().frames.items():
        for column in seen[name].columns:
            values = frame[column.name].dropna()
            assert (column.rows, column.values) == (len(frame), len(values))
            if column.can_be_key:
                assert column.distinct == pytest.approx(values.nunique(), rel=0.2) and len(column.sample) < 1200
                assert column.share < 1 or column.distinct == values.nunique()
                assert all(h < threshold(column.share) for h in column.sample)
    assert seen["orders"]["order_id"].sample == seen["orders"]["order_id"].sample & _hashes(spark, market().frames["orders"]["order_id"])
    assert seen["products"]["product_photos_qty"].low == market().frames["products"]["product_photos_qty"].min()
    present = probed(spark, frames, seen, {("sellers", "seller_id"): [*seen["sellers"]["seller_id"].in_order[:3], 5]})
    assert present == {("sellers", "seller_id"): set(seen["sellers"]["seller_id"].in_order[:3])}
    shares = share_of_combinations(frames, seen, {"order_items": [("order_id", "order_item_id"), ("order_id", "seller_id")], "orders": []})
    assert set(shares) == {"order_items"} and shares["order_items"]["order_id", "order_item_id"] == 1.0
    assert shares["order_items"]["order_id", "seller_id"] < 1


def _hashes(spark: Any, values: pd.Series) -> set[int]:
    frame = spark.createDataFrame(values.to_frame("v"))
    return {row[0] for row in frame.select(F.xxhash64(F.col("v").cast("string"))).collect()}


def test_pandas_frames_with_nulls_in_whole_keys(spark: Any) -> None:
    frames = forum().frames
    frames["Posts"] = frames["Posts"].astype({"ParentId": "float64", "OwnerUserId": "float64"})
    assert keys_of(detect(frames, spark=spark).metadata) == keys_of(detected(forum().frames)[0])


@pytest.mark.usefixtures("compiled")
def test_a_schema_of_the_catalog_with_comments(spark: Any) -> None:
    spark.sql("CREATE SCHEMA told")
    try:
        spark.sql("CREATE TABLE told.people (a BIGINT COMMENT 'primary key', b STRING) USING delta")
        spark.sql("CREATE TABLE told.things (x BIGINT, y BIGINT COMMENT 'references people(a)') USING delta")
        spark.sql("INSERT INTO told.people VALUES (7, 'x'), (9, 'y'), (11, 'z')")
        spark.sql("INSERT INTO told.things VALUES (1, 7), (1, 9), (1, 9)")
        spark.sql("CREATE VIEW told.seen AS SELECT * FROM told.people")
        found = detect("told", spark=spark)
        assert keys_of(found.metadata) == ({"people": "a"}, {"things(y) -> people(a)"})
        assert all("comment" in one.reason and one.confidence == 0.9 for one in found.keys)
    finally:
        spark.sql("DROP SCHEMA told CASCADE")


def test_types_that_are_not_learnt_and_structs(spark: Any) -> None:
    rows = spark.range(50).select(
        F.col("id").alias("order_id"), F.struct((F.col("id") % 5).alias("city_id")).alias("to"), F.array("id").alias("tags"), F.lit(b"x").alias("raw")
    )
    cities = spark.range(5).select(F.col("id").alias("city_id"), F.concat(F.lit("City "), F.col("id")).alias("name"))
    found = detect({"orders": rows, "cities": cities}, spark=spark)
    assert keys_of(found.metadata) == ({"orders": "order_id", "cities": "city_id"}, {"orders(to.city_id) -> cities(city_id)"})
    assert found.metadata.tables["orders"].unsupported == "null"
    Synthesizer(found.metadata, spark=spark).validate_schema({"orders": rows, "cities": cities})


def test_a_place_without_tables_and_a_table_that_is_not_there(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"has no tables; expected Delta tables"):
        detect(tmp_path, spark=spark)
    with pytest.raises(SchemaError, match="no schema 'nowhere'; a folder needs a slash"):
        detect("nowhere", spark=spark)
    with pytest.raises(SchemaError, match="table 'a'.*there is nothing"):
        detect({"a": str(tmp_path / "gone")}, spark=spark)
    with pytest.raises(SchemaError, match="expected one DataFrame"):
        detect([1], spark=spark)  # type: ignore[arg-type]


def test_what_is_proposed_for_dirty_tables_is_what_fit_takes(spark: Any) -> None:
    ids = np.arange(200) + 1
    codes = np.array([f"K{i:04d}" for i in range(200)])
    customers = pd.DataFrame({"customer_id": ids, "customer_code": codes, "tax_no": codes[::-1]})
    customers.loc[0, "customer_id"], customers.loc[5, "tax_no"] = 2, codes[0]
    orders = pd.DataFrame({"order_id": np.arange(1000), "customer_id": np.resize(ids[1:], 1000)})
    cards = pd.DataFrame({"card_id": np.arange(400), "customer_code": np.resize(codes, 400)})
    bills = pd.DataFrame({"bill_id": np.arange(400), "tax_no": np.resize(codes[20:], 400)})
    frames = {"customers": customers, "orders": orders, "cards": cards, "bills": bills}
    found = detect(frames, spark=spark)
    metadata, expected = detected(frames)
    assert keys_of(found.metadata) == keys_of(metadata) and {one.told for one in found.doubtful} == {one.told for one in expected if not one.taken}
    assert [key.orphans for key in found.metadata.tables["cards"].foreign_keys] == ["null"]
    assert ["1 of 200 rows of customers repeat" in one.reason for one in found.doubtful] == [True]
    with pytest.warns(UserWarning, match="left out 1 rows whose primary key"):
        Synthesizer(found.metadata, spark=spark).validate_schema(frames)


@pytest.mark.exhaustive
def test_a_copy_in_one_call(spark: Any, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    for name, frame in calendar().frames.items():
        spark.createDataFrame(frame).write.format("delta").save(str(lake / name))
    with pytest.warns(UserWarning, match="look like lookups"):
        made = copy(str(lake), str(tmp_path / "out"), spark=spark, model="independent", seed=3, report=tmp_path / "r.html")
    assert made.detected is not None and not made.detected.references and not made.faults
    assert set(made.tables) == set(calendar().frames) and made.tables["budgets"].count() == 360
    assert made.tables["sales"].join(made.tables["stores"], "store_code", "left_anti").count() == 0
    real = set(calendar().frames["regions"]["label"])
    assert not real & {row.label for row in made.tables["regions"].collect()}
    assert "<html" in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = copy(str(lake), str(tmp_path / "out"), metadata=detect(str(lake), spark=spark).metadata, spark=spark, model="independent", seed=3, scale=0.5)
    assert again.detected is None and {row.label for row in again.tables["regions"].collect()} == real
