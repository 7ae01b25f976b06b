"""What holds between the rows of one parent, and between a parent and all of its rows, end to end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

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


@pytest.mark.exhaustive
def test_copies_of_a_matched_parent_are_kept_and_read(spark: SparkSession) -> None:
    rng = np.random.default_rng(6)
    prices = np.round(rng.lognormal(3, 1, 40), 2)
    product, quantity = rng.integers(0, 40, 1500), rng.integers(1, 9, 1500)
    lines = pd.DataFrame({"id": range(1500), "order": np.arange(1500) // 3, "product": pd.array(product, "Int64"), "code": [f"P{p:03d}" for p in product]})
    lines = lines.assign(price=prices[product], quantity=quantity, amount=np.round(prices[product] * quantity, 2))
    lines.loc[rng.random(1500) < 0.1, "product"] = pd.NA
    schema = Metadata().add_table("orders", pk="id").add_table("products", pk="id")
    schema.add_table("lines", pk="id", fk={"order": "orders.id", "product": "products.id"})
    products = pd.DataFrame({"id": range(40), "code": [f"P{p:03d}" for p in range(40)], "price": prices})
    tables = {"orders": pd.DataFrame({"id": range(500)}), "products": products, "lines": lines}
    synthesizer = Synthesizer(schema, spark=spark, model="autoregressive").fit(tables, seed=1, epochs=2)
    assert {"lines: code repeats code of its row in products", "lines: price repeats price of its row in products"} <= set(synthesizer.relations)
    assert synthesizer.dependencies["lines"] == ["amount = price * quantity"]
    copy = {name: frame.toPandas() for name, frame in synthesizer.sample(seed=2).items()}
    rows = copy["lines"].merge(copy["products"], left_on="product", right_on="id", how="left", suffixes=("", "_there"))
    there = rows["product"].notna()
    assert 0.05 < 1 - there.mean() < 0.2 and rows[["code", "price"]].notna().all(axis=None), "rows without a product have a code and a price too"
    assert (rows["code"] == rows["code_there"])[there].all() and (rows["price"] == rows["price_there"])[there].all()
    assert np.allclose(rows["amount"], np.round(rows["price"] * rows["quantity"], 2), atol=0.011)


@pytest.mark.exhaustive
def test_comments_answer_those_of_their_post(spark: SparkSession) -> None:
    rng = np.random.default_rng(8)
    rows, per_post = [], 5
    for post in range(300):
        begin = pd.Timestamp("2020-01-01") + pd.Timedelta(hours=int(rng.integers(0, 9000)))
        times = begin + pd.to_timedelta(np.cumsum(rng.exponential(3, per_post)), unit="h").round("s")
        above = [None, *(int(rng.integers(0, i)) if rng.random() < 0.7 else None for i in range(1, per_post))]
        first = post * per_post
        rows += [(first + i, post, None if up is None else first + up, written) for i, (up, written) in enumerate(zip(above, times, strict=True))]
    comments = pd.DataFrame(rows, columns=["id", "post", "above", "written"]).astype({"above": "Int64"})
    schema = Metadata().add_table("posts", pk="id").add_table("comments", pk="id", fk={"post": "posts.id", "above": "comments.id"})
    tables = {"posts": pd.DataFrame({"id": range(300)}), "comments": comments}
    synthesizer = Synthesizer(schema, spark=spark, model="autoregressive").fit(tables, seed=1, epochs=3)
    assert any("(above) -> comments(id), one step nearer to the top, with the same post" in line for line in synthesizer.relations)
    copy = synthesizer.sample(seed=2)["comments"].toPandas()
    answers = copy.merge(copy, left_on="above", right_on="id", suffixes=("", "_above"))
    assert len(answers) > 500 and (answers["post"] == answers["post_above"]).all()


@pytest.mark.exhaustive
def test_relations_can_be_switched_off(spark: SparkSession) -> None:
    config = FitConfig(siblings=False, partners=False)
    schema, tables = catalogue(spark)
    schema.add_table("people", pk="id").add_table("seasons", fk={"person": "people.id"})
    data = {**tables, **careers(spark)}
    synthesizer = Synthesizer(schema, spark=spark, model="autoregressive", config=config).fit(data, seed=1, epochs=1)  # type: ignore[arg-type]
    assert not any("ordered by" in line or "suits" in line for line in synthesizer.relations)
    assert suited(synthesizer.sample(seed=2))[0] < 0.5


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
    assert all(copy[name]["id"].min() > tables[name].toPandas()["id"].max() for name in tables)  # generated keys are none of the real ones
    with pytest.raises(GenerationError, match="repeats the column 'price' of its row in 'products'"):
        synthesizer.sample(seed=2, conditions=[{"table": "lines", "values": {"price": 1.0}, "rows": 2}])


def catalogue(spark: SparkSession) -> tuple[Metadata, dict[str, DataFrame]]:
    """Lines of orders, driven by the order; how many pieces are bought follows from the product's kind, which parts of the year from its season."""
    rng = np.random.default_rng(8)
    orders = pd.DataFrame({"id": np.arange(1500), "channel": rng.choice(["web", "shop"], 1500)})
    products = pd.DataFrame({"id": np.arange(120), "kind": rng.choice(["screw", "saw", "drill"], 120), "season": rng.integers(1, 13, 120)})
    lines = pd.DataFrame({"id": np.arange(4500), "order": rng.integers(0, 1500, 4500), "product": rng.integers(0, 120, 4500)})
    kind, season = products["kind"].to_numpy()[lines["product"]], products["season"].to_numpy()[lines["product"]]
    lines["pieces"] = np.where(kind == "screw", rng.integers(20, 100, 4500), np.where(kind == "saw", 1, rng.integers(2, 5, 4500)))
    lines["month"] = (season + rng.integers(-1, 2, 4500)).clip(1, 12)
    metadata = Metadata().add_table("orders", pk="id").add_table("products", pk="id")
    metadata.add_table("lines", pk="id", fk={"order": "orders.id", "product": "products.id"})
    return metadata, {name: spark.createDataFrame(frame) for name, frame in {"orders": orders, "products": products, "lines": lines}.items()}


def suited(tables: dict[str, DataFrame]) -> tuple[float, float]:
    """Shares of the lines with as many pieces as their product's kind is bought in, and in a month near to its season."""
    products, lines = tables["products"].toPandas().set_index("id"), tables["lines"].toPandas()
    theirs = products.loc[lines["product"]]
    bought = np.select([lines["pieces"] == 1, lines["pieces"] < 10], ["saw", "drill"], "screw")
    return float((bought == theirs["kind"].to_numpy()).mean()), float(((lines["month"].to_numpy() - theirs["season"].to_numpy()).__abs__() <= 1).mean())


@pytest.mark.exhaustive
def test_rows_find_partners_that_suit_them(spark: SparkSession) -> None:
    metadata, tables = catalogue(spark)
    synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive").fit(tables, seed=1)  # type: ignore[arg-type]
    assert any("matched by (product) -> products(id), with one that suits in" in line for line in synthesizer.relations)
    kind, season = suited(synthesizer.sample(seed=2))
    assert kind > 0.9 and season > 0.75  # all in the real rows; 0.33 and 0.24 at random


def test_two_keys_to_one_parent_keep_what_holds_between_them(spark: SparkSession) -> None:
    """No team plays itself; a third of the players is lent out, the others play for the club that has them under contract."""
    rng = np.random.default_rng(9)
    teams = pd.DataFrame({"id": np.arange(12)})
    home = rng.integers(0, 12, 900)
    games = pd.DataFrame({"season": rng.integers(0, 40, 900), "home": home, "away": (home + rng.integers(1, 12, 900)) % 12})
    owner = rng.integers(0, 12, 600)
    players = pd.DataFrame({"owner": owner, "plays_for": np.where(rng.random(600) < 0.67, owner, rng.integers(0, 12, 600))})
    frames = {"seasons": pd.DataFrame({"id": np.arange(40)}), "teams": teams, "games": games, "players": players}
    metadata = Metadata().add_table("seasons", pk="id").add_table("teams", pk="id")
    metadata.add_table("games", fk={"season": "seasons.id", "home": "teams.id", "away": "teams.id"})
    metadata.add_table("players", fk={"owner": "teams.id", "plays_for": "teams.id"})
    tables = {name: spark.createDataFrame(frame) for name, frame in frames.items()}
    synthesizer = Synthesizer(metadata, spark=spark, model="independent").fit(tables, seed=1)
    assert "games: matched by (away) -> teams(id), never the one of (home)" in synthesizer.relations
    copy = {name: frame.toPandas() for name, frame in synthesizer.sample(seed=2).items()}
    assert len(copy["games"]) == 900 and (copy["games"]["home"] != copy["games"]["away"]).all()
    assert 0.6 < (copy["players"]["owner"] == copy["players"]["plays_for"]).mean() < 0.8  # 0.7 in the real rows, 0.08 at random


TITLES = ("head", "director", "manager", "engineer", "intern")
ROWS_OF_LEVEL = (1, 8, 60, 500, 1931)


def employees(spark: SparkSession) -> DataFrame:
    """A tree of five levels; whoever is on the last one has nobody below, and most people work where their manager does."""
    rng = np.random.default_rng(6)
    level = np.repeat(np.arange(5), ROWS_OF_LEVEL)
    first = np.concatenate([[0], np.cumsum(ROWS_OF_LEVEL)])
    manager = np.array([-1, *(first[n - 1] + rng.choice(ROWS_OF_LEVEL[n - 1]) for n in level[1:])])
    town = rng.integers(0, 6, len(level))
    for row in range(1, len(level)):
        town[row] = town[manager[row]] if rng.random() < 0.9 else town[row]
    ids = rng.permutation(len(level))
    rows = {
        "id": ids.tolist(),
        "manager": [int(ids[m]) if m >= 0 else None for m in manager],
        "title": [TITLES[n] for n in level],
        "town": [f"t{t}" for t in town],
    }
    return spark.createDataFrame(list(zip(*rows.values(), strict=True)), "id bigint, manager bigint, title string, town string").repartition(3)


def test_a_table_that_points_at_itself_is_a_forest_as_the_real_one_is(spark: SparkSession) -> None:
    metadata = Metadata().add_table("employees", pk="id", fk={"manager": "employees.id"})
    synthesizer = Synthesizer(metadata, spark=spark, model="autoregressive").fit({"employees": employees(spark)}, seed=1)
    assert any("matched by (manager) -> employees(id), one step nearer to the top, with one that suits in" in line for line in synthesizer.relations)
    rows = synthesizer.sample(seed=2)["employees"].toPandas().set_index("id")
    above = rows.reindex(rows["manager"])
    depth = pd.Series(0, index=rows.index)
    at = rows["manager"]
    while at.notna().any():  # a circle would never end
        depth += at.notna()
        assert depth.max() < 8
        at = at.map(rows["manager"])
    counts = np.bincount(depth, minlength=5)
    assert counts[0] >= 1 and len(counts) == 5 and np.abs(counts - ROWS_OF_LEVEL).max() <= 150
    assert (above["title"] == "intern").sum() <= 0.02 * len(rows)
    rank = {title: n for n, title in enumerate(TITLES)}
    steps = rows["title"].map(rank).to_numpy() - above["title"].map(rank).to_numpy()
    assert (steps == 1).mean() > 0.85
    assert (above["town"].to_numpy() == rows["town"].to_numpy()).mean() > 0.6  # 0.92 in the real rows, 0.17 at random


def test_circles_are_no_forest(spark: SparkSession) -> None:
    rng = np.random.default_rng(7)
    friends = spark.createDataFrame([(i, int(f)) for i, f in enumerate(rng.permutation(300))], "id bigint, friend bigint")
    synthesizer = Synthesizer(Metadata().add_table("people", pk="id", fk={"friend": "people.id"}), spark=spark, model="independent")
    rows = synthesizer.fit({"people": friends}, seed=1).sample(seed=2)["people"].toPandas()
    assert rows["friend"].isin(rows["id"]).all() and rows["friend"].nunique() == 300
