"""The main job, end to end, on small tables: fit, sample, save, load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import (
    ConstraintViolationError,
    FitConfig,
    GenerationError,
    Metadata,
    SchemaValidationError,
    Synthesizer,
    TrainingConfig,
    read_run,
)
from synthohive_spark.storage.artifacts import fingerprint
from synthohive_spark.storage.delta_log import read_state
from synthohive_spark.storage.folders import Folder

QUICK = FitConfig(training=TrainingConfig(epochs=3, evaluations=1))


def shop(spark: SparkSession) -> dict[str, DataFrame]:
    """Three tables joined by keys: customers, orders, and items of orders that point at products too."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(300) + 7000, "segment": rng.choice(["a", "b", "c"], 300), "age": rng.integers(18, 80, 300)})
    orders = pd.DataFrame({"order_id": [f"ORD-{i:06d}" for i in range(900)], "customer_id": rng.choice(customers.customer_id[:250], 900)})
    orders["placed"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, 900), unit="D")
    orders.loc[::10, "customer_id"] = None
    products = pd.DataFrame({"sku": np.arange(40), "price": rng.gamma(2.0, 10.0, 40).round(2)})
    items = pd.DataFrame({"order_id": rng.choice(orders.order_id, 2000)})
    items["line"] = items.groupby("order_id").cumcount() + 1
    items["sku"] = rng.choice(products.sku, 2000)
    items["quantity"] = rng.poisson(2.0, 2000) + 1
    frames = {"customers": customers, "orders": orders.astype({"customer_id": "Int64"}), "products": products, "items": items}
    return {name: spark.createDataFrame(frame) for name, frame in frames.items()}


def shop_metadata() -> Metadata:
    metadata = Metadata()
    metadata.add_table("customers", pk="customer_id", constraints={"age": {"min": 18, "max": 60}})
    metadata.add_table("orders", pk="order_id", fk={"customer_id": "customers.customer_id"})
    metadata.add_table("products", pk="sku")
    metadata.add_table("items", pk=["order_id", "line"], fk={"order_id": "orders.order_id", "sku": "products.sku"})
    return metadata


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    return Synthesizer(shop_metadata(), spark=spark, config=QUICK).fit(shop(spark), seed=1)


@pytest.fixture(scope="module")
def tables(fitted: Synthesizer) -> dict[str, DataFrame]:
    return fitted.sample(seed=7)


def orphans(child: DataFrame, column: str, parent: DataFrame, parent_column: str) -> int:
    keys = parent.select(F.col(parent_column).alias(column))
    return child.where(F.col(column).isNotNull()).join(keys, column, "left_anti").count()


def as_rows(tables: dict[str, DataFrame]) -> dict[str, list]:
    return {name: sorted(map(tuple, frame.collect()), key=repr) for name, frame in tables.items()}


def test_how_training_went_is_told_and_what_was_learnt_shown(fitted: Synthesizer) -> None:
    assert set(fitted.training) == {name for name, table in fitted.fitted.tables.items() if table.model}
    for history in fitted.training.values():
        assert [entry["epoch"] for entry in history] == sorted({entry["epoch"] for entry in history}) and 0 < history[-1]["epoch"] <= 3
        assert all(0 <= entry["distance"] <= 2 for entry in history)
    page = fitted._repr_html_()
    assert "fitted with seed 1" in page and "driven by (customer_id) -&gt; customers(customer_id)" in page


def test_schema_is_the_input_s(spark: SparkSession, tables: dict[str, DataFrame]) -> None:
    for name, frame in shop(spark).items():
        assert tables[name].schema == frame.schema


def test_keys_are_unique_and_join(tables: dict[str, DataFrame]) -> None:
    for name, key in {"customers": ["customer_id"], "orders": ["order_id"], "products": ["sku"], "items": ["order_id", "line"]}.items():
        assert tables[name].select(key).distinct().count() == tables[name].count() > 0
    assert orphans(tables["orders"], "customer_id", tables["customers"], "customer_id") == 0
    assert orphans(tables["items"], "order_id", tables["orders"], "order_id") == 0
    assert orphans(tables["items"], "sku", tables["products"], "sku") == 0


def test_row_counts_and_null_keys_follow_the_real_ones(tables: dict[str, DataFrame]) -> None:
    assert tables["customers"].count() == 300
    assert tables["orders"].count() == pytest.approx(900, rel=0.1)
    assert tables["items"].count() == pytest.approx(2000, rel=0.1)
    assert tables["orders"].where("customer_id is null").count() == pytest.approx(90, abs=20)


def test_line_numbers_count_within_their_order(tables: dict[str, DataFrame]) -> None:
    dense = tables["items"].groupBy("order_id").agg(F.max("line").alias("high"), F.count("*").alias("n")).where("high = n").count()
    assert dense == tables["items"].select("order_id").distinct().count()


def test_primary_keys_are_dense_and_go_on_after_the_real_ones(spark: SparkSession, tables: dict[str, DataFrame]) -> None:
    last = shop(spark)["customers"].agg(F.max("customer_id")).first()[0]
    row = tables["customers"].agg(F.min("customer_id"), F.max("customer_id")).first()
    assert tuple(row) == (last + 1, last + 300)


@pytest.mark.parametrize("partitions", [1, 13])
def test_rows_do_not_depend_on_partitions(spark: SparkSession, fitted: Synthesizer, tables: dict[str, DataFrame], partitions: int) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", partitions)
    try:
        assert as_rows(fitted.sample(seed=7)) == as_rows(tables)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)


def test_another_seed_gives_other_rows(fitted: Synthesizer, tables: dict[str, DataFrame]) -> None:
    assert as_rows(fitted.sample(seed=8))["customers"] != as_rows(tables)["customers"]


def test_two_fits_with_one_seed_are_equal_to_the_bit(spark: SparkSession, fitted: Synthesizer) -> None:
    data = {name: frame.repartition(5) for name, frame in shop(spark).items()}
    again = Synthesizer(shop_metadata(), spark=spark, config=QUICK).fit(data, seed=1)
    assert again._fitted.tables == fitted._fitted.tables


def test_saved_model_samples_the_same_rows_in_a_fresh_process(fitted: Synthesizer, tables: dict[str, DataFrame], tmp_path: Path) -> None:
    fitted.save(str(tmp_path / "model"))
    script = (
        "import sys\n"
        "from synthohive_spark import Synthesizer, spark_session\n"
        "synth = Synthesizer.load(sys.argv[1], spark=spark_session('fresh'))\n"
        "synth.sample(seed=7, output=sys.argv[2])\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "model"), str(tmp_path / "out")], check=True, timeout=300)
    fresh = {name: frame.sparkSession.read.format("delta").load(str(tmp_path / "out" / name)) for name, frame in tables.items()}
    assert as_rows(fresh) == as_rows(tables)


def test_scale_multiplies_the_roots(fitted: Synthesizer) -> None:
    counts = {name: frame.count() for name, frame in fitted.sample(scale=0.5, seed=1).items()}
    assert (counts["customers"], counts["products"]) == (150, 20)
    assert counts["orders"] == pytest.approx(450, rel=0.15)


def test_num_rows_sets_roots_and_refuses_children(fitted: Synthesizer) -> None:
    assert fitted.sample(num_rows={"customers": 10}, seed=1)["customers"].count() == 10
    with pytest.raises(GenerationError, match="orders.*roots are"):
        fitted.sample(num_rows={"orders": 10})


def test_constraints_leave_only_valid_rows_and_whole_keys(fitted: Synthesizer) -> None:
    with pytest.warns(UserWarning, match=r"violations - age: got \d+ \(max=60"):
        tables = fitted.sample(seed=7, enforce_constraints=True)
    assert tables["customers"].agg(F.max("age")).first()[0] <= 60
    assert orphans(tables["orders"], "customer_id", tables["customers"], "customer_id") == 0


def test_quality_threshold_names_the_columns(fitted: Synthesizer) -> None:
    with pytest.raises(ConstraintViolationError, match=r"customers\.\w+ 0\.\d+"):
        fitted.sample(seed=7, quality_threshold=1e-6)


def test_faults_of_the_data_come_all_at_once(spark: SparkSession) -> None:
    data = shop(spark)
    data["orders"] = data["orders"].withColumn("customer_id", F.lit(1))
    del data["products"]
    with pytest.raises(SchemaValidationError, match="products"):
        Synthesizer(shop_metadata(), spark=spark).fit(data)


def test_sampling_before_fitting_says_what_to_do(spark: SparkSession) -> None:
    with pytest.raises(GenerationError, match="call fit"):
        Synthesizer(shop_metadata(), spark=spark).sample()


def test_real_tables_are_never_replaced(spark: SparkSession, tmp_path: Path) -> None:
    """Not those of others, and not a synthetic copy that a model was fitted on; also after a load, and whether they are named or passed as frames."""
    real, copy, second = (str(tmp_path / name) for name in ("real", "copy", "second"))
    spark.range(50).withColumn("x", F.col("id") % 3).write.format("delta").save(f"{real}/t")
    metadata = Metadata().add_table("t", pk="id")
    first = Synthesizer(metadata, spark=spark, model="independent").fit({"t": f"{real}/t"}, seed=1)
    with pytest.raises(GenerationError, match=r"real table that the model was fitted on \(t\)"):
        first.sample(seed=1, output=real)
    first.sample(seed=1, output=copy)
    first.sample(seed=2, output=copy)
    Synthesizer(metadata, spark=spark, model="independent").fit({"t": spark.read.format("delta").load(f"{copy}/t")}, seed=1).save(str(tmp_path / "model"))
    again = Synthesizer.load(str(tmp_path / "model"), spark=spark)
    for place in (copy, f"{copy}/t/inside"):
        with pytest.raises(GenerationError):
            again.sample(seed=1, output=place)
    with pytest.raises(GenerationError, match="fitted on"):
        again.save_to_hive({"t": spark.range(3)}, copy)
    again.sample(seed=1, output=second)
    assert (tmp_path / "copy" / "t" / "_delta_log" / f"{2:020d}.json").exists() is False


def test_a_run_that_fails_late_leaves_the_tables_of_the_one_before(fitted: Synthesizer, spark: SparkSession, tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    with pytest.raises(ConstraintViolationError):
        fitted.sample(seed=7, output=output, quality_threshold=1e-6)
    assert not (tmp_path / "out").exists()
    with pytest.warns(UserWarning):
        tables = fitted.sample(num_rows={"customers": 20, "products": 5}, seed=7, output=output, enforce_constraints=True)
    before = as_rows(tables)
    with pytest.raises(ConstraintViolationError):
        fitted.sample(seed=8, output=output, quality_threshold=1e-6)
    assert as_rows(read_run(spark, output)) == before
    assert as_rows({name: spark.read.format("delta").load(f"{output}/{name}") for name in tables}) == before
    for name, table in fitted.metadata.tables.items():
        told = read_state(Folder.open(f"{output}/{name}")).configuration
        assert told["synthohive.synthetic"] == ("false" if table.role == "reference" else "true")
        assert (told["synthohive.model"], told["synthohive.seed"]) == (fingerprint(fitted.fitted, contents=False), "7")
    notes = json.loads((tmp_path / "out" / "_synthohive" / "manifest.json").read_text())
    assert notes["seed"] == 7 and "ctgan" in notes["model"] and "violations" in notes["warnings"][0]


def test_tables_outlive_the_synthesizer_that_made_them(spark: SparkSession, fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(str(tmp_path / "model"))
    tables = Synthesizer.load(str(tmp_path / "model"), spark=spark).sample(num_rows={"customers": 3, "products": 2}, seed=1)
    assert tables["customers"].count() == 3


def test_decimal_keys_are_generated_and_never_repeat(spark: SparkSession) -> None:
    parents = spark.range(40).withColumnRenamed("id", "p")
    children = spark.range(200).select(F.col("id").cast("decimal(10,0)").alias("c"), (F.col("id") % 40).alias("p"), (F.col("id") % 3).alias("x"))
    metadata = Metadata().add_table("parents", pk="p").add_table("children", pk="c", fk={"p": "parents.p"})
    sampled = Synthesizer(metadata, spark=spark, model="independent").fit({"parents": parents, "children": children}, seed=1).sample(seed=2)["children"]
    assert sampled.schema == children.schema
    assert sampled.select("c").distinct().count() == sampled.count() > 150


def test_a_single_table_without_keys_end_to_end(spark: SparkSession, shared_data: Path) -> None:
    real = spark.read.parquet(str(shared_data / "adult" / "adult.parquet")).limit(3000)
    synth = Synthesizer(Metadata().add_table("adult"), spark=spark, config=QUICK).fit({"adult": real}, seed=1)
    sampled = synth.sample(num_rows={"adult": 500}, seed=2)
    assert sampled["adult"].schema == real.schema
    assert sampled["adult"].count() == 500
    findings = synth.generate_validation_report({"adult": real}, sampled).findings
    assert findings.shapes is not None and findings.shapes > 0.9
