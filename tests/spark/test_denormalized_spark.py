"""What is the same in all rows of a parent is found, kept, and shown nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.spec.denormalized import Denormalized
from synthohive_spark.stages.denormalized import with_values_of_children

PRODUCTS, ITEMS = 150, 1500


def test_values_of_children_are_joined_to_their_parents(spark: SparkSession, tmp_path: Path) -> None:
    metadata = Metadata().add_table("parents", pk="id").add_table("children", pk="no", fk={"parent": "parents.id"})
    children = spark.createDataFrame(
        [(0, 1, "a", 7), (1, 1, "a", 7), (2, 1, "b", 7), (3, 2, None, 8), (4, None, "c", 9)], "no int, parent int, word string, n int"
    )
    data = {"parents": spark.createDataFrame([(1,), (2,), (3,), (4,)], "id int"), "children": children}
    found = [Denormalized(table="children", key=0, columns=(c,)) for c in ("word", "n")]
    joined = with_values_of_children(metadata, data, found, lambda name: str(tmp_path / name))["parents"]
    word, n = (entry.names[0] for entry in found)
    rows = joined.toPandas().set_index("id")
    assert list(joined.columns) == ["id", word, n] and list(rows[n][:2]) == [7, 8]
    assert rows[word][1] == "a" and rows[word][2] is None, "the commonest one, nulls too"
    assert {(None if pd.isna(w) else w, k) for w, k in zip(rows[word], rows[n], strict=True)} <= {("a", 7), (None, 8)}, "those without children have another's"


def test_a_price_and_a_seller_by_product(spark: SparkSession, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    sellers = pd.DataFrame({"seller": [f"S{i:02d}" for i in range(30)], "town": rng.choice(["x", "y", "z"], 30)})
    products = pd.DataFrame({"product": np.arange(PRODUCTS), "weight": rng.gamma(2, 3, PRODUCTS).round(1)})
    orders = pd.DataFrame({"order": np.arange(900), "channel": rng.choice(["web", "shop"], 900)})
    price, seller = rng.lognormal(3, 1, PRODUCTS).round(2), rng.integers(0, 30, PRODUCTS)
    product = rng.integers(0, PRODUCTS - 20, ITEMS)
    items = pd.DataFrame({"order": np.sort(rng.integers(0, 900, ITEMS)), "product": product, "seller": sellers["seller"].to_numpy()[seller[product]]})
    items["line"] = items.groupby("order").cumcount() + 1
    items["price"], items["count"] = price[product], rng.integers(1, 5, ITEMS)
    metadata = Metadata().add_table("sellers", pk="seller").add_table("products", pk="product").add_table("orders", pk="order")
    metadata.add_table("items", pk=["order", "line"], fk={"order": "orders.order", "product": "products.product", "seller": "sellers.seller"})
    frames = {"sellers": sellers, "products": products, "orders": orders, "items": items}
    synth = Synthesizer(metadata, spark=spark, model="independent").fit({name: spark.createDataFrame(f) for name, f in frames.items()}, seed=1)
    assert {"items: price is the same in all rows of one products", "items: seller is the same in all rows of one products"} <= set(synth.relations)
    synth.save(str(tmp_path / "model"))
    loaded = Synthesizer.load(str(tmp_path / "model"), spark=spark)
    assert loaded.metadata == metadata
    made = {name: frame.toPandas() for name, frame in loaded.sample(seed=2).items()}
    assert {name: list(frame.columns) for name, frame in made.items()} == {name: list(frame.columns) for name, frame in frames.items()}
    by_product = made["items"].groupby("product")
    assert (by_product["price"].nunique() == 1).all() and (by_product["seller"].nunique() == 1).all() and made["items"].notna().all().all()
    assert made["items"]["price"].nunique() > 50 and made["items"]["seller"].isin(made["sellers"]["seller"]).all()
