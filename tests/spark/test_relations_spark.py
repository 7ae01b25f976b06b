"""What holds between the rows of one parent, and between a parent and all of its rows, end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.errors import GenerationError
from synthohive_spark.spec.config import FitConfig

PEOPLE = 600


def careers(spark: SparkSession) -> dict[str, object]:
    """People who start in some year, work for a firm in runs of years, and whose pay depends on a talent that nothing else tells."""
    rng = np.random.default_rng(4)
    seasons = rng.integers(1, 12, PEOPLE)
    talent = rng.normal(0, 1, PEOPLE)
    start = rng.integers(1950, 2010, PEOPLE)
    rows = []
    for person in range(PEOPLE):
        firm, year = rng.integers(0, 20), int(start[person])
        for _ in range(seasons[person]):
            rows.append((person, year, f"firm{firm}", round(float(np.exp(talent[person] + rng.normal(0, 0.1))), 2)))
            year += int(rng.choice([1, 1, 1, 2]))
            firm = firm if rng.random() < 0.8 else rng.integers(0, 20)
    people = pd.DataFrame({"id": np.arange(PEOPLE), "sex": rng.choice(["f", "m"], PEOPLE)})
    return {
        "people": spark.createDataFrame(people),
        "seasons": spark.createDataFrame(pd.DataFrame(rows, columns=["person", "year", "firm", "pay"]), "person bigint, year int, firm string, pay double"),
    }


def metadata() -> Metadata:
    return Metadata().add_table("people", pk="id").add_table("seasons", fk={"person": "people.id"})


@pytest.fixture(scope="module")
def copy(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesizer, pd.DataFrame]:
    synthesizer = Synthesizer(metadata(), spark=spark, model="autoregressive").fit(careers(spark), seed=1)  # type: ignore[arg-type]
    tables = synthesizer.sample(seed=2)
    seasons = tables["seasons"].toPandas().sort_values(["person", "year"], kind="stable").reset_index(drop=True)
    return synthesizer, seasons


def test_the_order_is_found_and_runs_in_its_real_steps(copy: tuple[Synthesizer, pd.DataFrame]) -> None:
    synthesizer, seasons = copy
    assert any("seasons: rows of one people are ordered by year" in line for line in synthesizer.relations)
    gaps = seasons.groupby("person")["year"].diff().dropna()
    assert gaps.between(1, 2).mean() > 0.97  # drawn one by one, years of one person would lie decades apart
    assert 0.6 < (gaps == 1).mean() < 0.9
    assert seasons["year"].between(1950, 2035).all()


def test_siblings_are_alike(copy: tuple[Synthesizer, pd.DataFrame]) -> None:
    _, seasons = copy
    same = seasons["firm"] == seasons.groupby("person")["firm"].shift()
    assert same[seasons.groupby("person").cumcount() > 0].mean() > 0.6  # 0.81 in the real rows, 0.05 at random
    pay = np.log(seasons["pay"].clip(lower=0.01))
    means = pay.groupby(seasons["person"]).transform("mean")
    assert (pay - means).std() < 0.5 * pay.std()  # 0.1 of it in the real rows


def test_what_was_learnt_of_siblings_is_saved(copy: tuple[Synthesizer, pd.DataFrame], spark: SparkSession, tmp_path: Path) -> None:
    synthesizer, seasons = copy
    synthesizer.save(str(tmp_path / "model"))
    again = Synthesizer.load(str(tmp_path / "model"), spark=spark)
    assert again.relations == synthesizer.relations
    rows = again.sample(seed=2)["seasons"].toPandas().sort_values(["person", "year"], kind="stable").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, seasons)


def test_relations_can_be_switched_off(spark: SparkSession) -> None:
    config = FitConfig(siblings=False)
    synthesizer = Synthesizer(metadata(), spark=spark, model="autoregressive", config=config).fit(careers(spark), seed=1, epochs=1)  # type: ignore[arg-type]
    assert not any("ordered by" in line for line in synthesizer.relations)
    assert synthesizer.sample(seed=2)["seasons"].count() > 0


def shop(spark: SparkSession) -> dict[str, object]:
    """Payments point at an order and its customer; lines show their product's price; three orders of four go to the customer's town."""
    rng = np.random.default_rng(5)
    customers = pd.DataFrame({"id": np.arange(300), "town": [f"town{i}" for i in rng.integers(0, 40, 300)]})
    orders = pd.DataFrame({"id": np.arange(900), "customer": rng.integers(0, 300, 900)})
    home = customers["town"].to_numpy()[orders["customer"]]
    orders["ship_town"] = np.where(rng.random(900) < 0.75, home, [f"town{i}" for i in rng.integers(0, 40, 900)])
    orders["ship_town"] = orders["ship_town"].where(orders["id"] % 30 > 0, None)
    products = pd.DataFrame({"id": np.arange(60), "price": np.round(rng.gamma(2, 10, 60), 2)})
    lines = pd.DataFrame({"id": np.arange(1800), "order": rng.integers(0, 900, 1800), "product": rng.integers(0, 60, 1800)})
    lines["price"] = products["price"].to_numpy()[lines["product"]]
    payments = orders[["id", "customer"]].rename(columns={"id": "order"}).assign(id=np.arange(900))
    frames = {"customers": customers, "orders": orders, "products": products, "lines": lines, "payments": payments}
    return {name: spark.createDataFrame(frame) for name, frame in frames.items()}


def test_what_two_ways_lead_to_is_one_row_and_copies_stay_copies(spark: SparkSession) -> None:
    tables = shop(spark)
    metadata = Metadata().add_table("customers", pk="id").add_table("products", pk="id").add_table("orders", pk="id", fk={"customer": "customers.id"})
    metadata.add_table("lines", pk="id", fk={"order": "orders.id", "product": "products.id"})
    metadata.add_table("payments", pk="id", fk={"order": "orders.id", "customer": "customers.id"})
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit(tables, seed=1)  # type: ignore[arg-type]
    assert "payments: customer repeats customer of its row in orders" in synthesizer.relations
    assert "lines: price repeats price of its row in products" in synthesizer.relations
    assert "orders: ship_town repeats town of its row in customers, where a hidden column says so" in synthesizer.relations
    copy = {name: frame.toPandas() for name, frame in synthesizer.sample(seed=2).items()}
    orders = copy["orders"].set_index("id")
    assert (copy["payments"]["customer"].to_numpy() == orders["customer"].reindex(copy["payments"]["order"]).to_numpy()).all()
    prices = copy["products"].set_index("id")["price"]
    assert (copy["lines"]["price"].to_numpy() == prices.reindex(copy["lines"]["product"]).to_numpy()).all()
    home = copy["customers"].set_index("id")["town"].reindex(orders["customer"]).to_numpy()
    assert 0.65 < (orders["ship_town"].to_numpy() == home).mean() < 0.85  # 0.73 in the real rows, 0.03 at random
    with pytest.raises(GenerationError, match="repeats the column 'price' of its row in 'products'"):
        synthesizer.sample(seed=2, conditions=[{"table": "lines", "values": {"price": 1.0}, "rows": 2}])
