"""What is the same in all rows of a parent is found, kept, and shown nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.types import StructField, StructType

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.spec.denormalized import Denormalized
from synthohive_spark.stages.denormalized import values_of_children, with_givers, with_values

PRODUCTS, SOLD, ITEMS = 800, 200, 1500


def test_values_of_children_are_joined_to_their_parents(spark: SparkSession, tmp_path: Path) -> None:
    metadata = Metadata().add_table("parents", pk="id").add_table("children", pk="no", fk={"parent": "parents.id"})
    children = spark.createDataFrame(
        [(0, 1, "a", 7), (1, 1, "a", 7), (2, 1, "b", 7), (3, 2, None, 8), (4, None, "c", 9)], "no int, parent int, word string, n int"
    )
    data = {"parents": spark.createDataFrame([(1,), (2,), (3,), (4,)], "id int"), "children": children}
    found = [Denormalized(table="children", key=0, column=c) for c in ("word", "n")]
    held = values_of_children(metadata, data, found, lambda name: str(tmp_path / name))
    joined = with_values(data, held)["parents"]
    word, n = (entry.name for entry in found)
    rows = joined.toPandas().set_index("id")
    assert list(joined.columns) == ["id", word, n] and list(rows[n][:2]) == [7, 8]
    assert rows[word][1] == "a" and rows[word][2] is None, "the commonest one, nulls too"
    assert {(None if pd.isna(w) else w, k) for w, k in zip(rows[word], rows[n], strict=True)} <= {("a", 7), (None, 8)}, "those without children have another's"
    counted, givers = with_givers(joined, held)
    assert set(givers) == {word, n} and len(set(givers.values())) == 1
    assert {row["id"]: row[givers[n]] is not None for row in counted.collect()} == {1: True, 2: True, 3: False, 4: False}, "and count for nobody"


def test_a_price_by_product(spark: SparkSession, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    products = pd.DataFrame({"product": np.arange(PRODUCTS), "weight": rng.gamma(2, 3, PRODUCTS).round(1)})
    orders = pd.DataFrame({"order": np.arange(900), "channel": rng.choice(["web", "shop"], 900)})
    price, product = (1000 * rng.lognormal(3, 1, PRODUCTS)).round(2), rng.integers(0, SOLD, ITEMS)
    items = pd.DataFrame({"order": np.sort(rng.integers(0, 900, ITEMS)), "product": product})
    items["line"] = items.groupby("order").cumcount() + 1
    items["unit.price"], items["count"] = price[product], rng.integers(1, 5, ITEMS)
    metadata = Metadata().add_table("products", pk="product").add_table("orders", pk="order")
    metadata.add_table("items", pk=["order", "line"], fk={"order": "orders.order", "product": "products.product"})
    frames = {"products": products, "orders": orders, "items": items}
    data = {name: spark.createDataFrame(f) for name, f in frames.items()}
    required = StructType([StructField(f.name, f.dataType, f.name != "unit.price") for f in data["items"].schema.fields])
    data["items"] = spark.createDataFrame(items, schema=required)
    synth = Synthesizer(metadata, spark=spark).fit(data, seed=1, epochs=1)
    assert "items: unit.price is the same in all rows of one products" in synth.relations
    synth.save(str(tmp_path / "model"))
    loaded = Synthesizer.load(str(tmp_path / "model"), spark=spark)
    copy = loaded.sample(seed=2)
    made = {name: frame.toPandas() for name, frame in copy.items()}
    assert {name: list(frame.columns) for name, frame in made.items()} == {name: list(frame.columns) for name, frame in frames.items()}
    prices = made["items"]["unit.price"]
    assert (made["items"].groupby("product")["unit.price"].nunique() == 1).all() and prices.nunique() > 50
    assert prices.isin(price).mean() < 0.1, "the price of one product is told of nobody, though others without rows were given it"
    assert loaded.generate_validation_report(data, copy).findings.tables
