"""Exact dependencies from the real table to every synthetic row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from judge_metadata import frames_from_judge, metadata_from_judge
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, GenerationError, Metadata, SchemaError, Synthesizer, TrainingConfig
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.dependencies import described
from synthohive_spark.spec.encoding import ColumnHint
from synthohive_spark.spec.metadata import Table
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Draw
from synthohive_spark.stages.dependencies import find_dependencies
from synthohive_spark.stages.jobs import side_by_side
from synthohive_spark.stages.profile import profile_table

ROWS = 3_000


def broken(data: DataFrame, left: str, right: str) -> int:
    """Rows on which two SQL expressions differ; null equals null."""
    return data.where(~F.expr(left).eqNullSafe(F.expr(right))).count()


def trips(spark: SparkSession) -> DataFrame:
    """A table with one of each kind, hostile names and nulls; 0.2 % of its rows break a rule."""
    rng = np.random.default_rng(3)
    code = rng.choice(["a b", "c.d", "é"], ROWS, p=[0.6, 0.3, 0.1])
    to = rng.choice([f"t{i}" for i in range(8)], ROWS)
    to = np.where((code == "é") & (to < "t4"), "t7", to)
    frame = pd.DataFrame({"from-code-é": code, "to": to})
    frame["km"] = (frame["from-code-é"].map({"a b": 100, "c.d": 130, "é": 150}) + frame.to.str[1:].astype(int) % 5 * 10).astype("int32")
    frame["at"] = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 400 * 24 * 60, ROWS), unit="min")
    frame["net"] = (rng.gamma(2, 20, ROWS)).round(2)
    frame["tax"] = (rng.gamma(2, 5, ROWS)).round(2)
    frame["gross"] = (frame.net + frame.tax).round(2)
    frame["clock"] = rng.integers(0, 24, ROWS) * 100 + rng.integers(0, 60, ROWS)
    frame["hour"], frame["minute"] = frame.clock // 100, frame.clock % 100
    frame.loc[frame.index[:6], "gross"] = 1.0
    frame["clock"] = frame.clock.mask(rng.random(ROWS) < 0.1).astype("Int64")
    frame["hour"] = frame.hour.mask(frame.clock.isna()).astype("Int64")
    frame["minute"] = frame.minute.mask(frame.clock.isna()).astype("Int64")
    data = spark.createDataFrame(frame)
    return data.withColumns({"on": F.to_date("at"), "local_hour": F.hour(F.from_utc_timestamp("at", "Asia/Tokyo"))})


RULES = {
    "gross": ("round(gross * 100)", "round(net * 100) + round(tax * 100)"),
    "hour": ("hour", "clock div 100"),
    "minute": ("minute", "clock % 100"),
    "on": ("on", "to_date(at)"),
}


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    config = FitConfig(training=TrainingConfig(epochs=2, evaluations=1))
    return Synthesizer(Metadata().add_table("trips"), spark=spark, config=config).fit({"trips": trips(spark)}, seed=1)


def test_what_is_found_is_told_and_left_out_of_the_model(fitted: Synthesizer) -> None:
    told = {text.split(" = ")[0].split(" by ")[0]: text for text in fitted.dependencies["trips"]}
    assert set(told) == {"km", "gross", "hour", "minute", "on", "local_hour"}
    assert told["gross"] == "gross = net + tax" and told["hour"] == "hour = clock // 100" and told["local_hour"].endswith("(Asia/Tokyo)")
    program = fitted._fitted.tables["trips"].program  # type: ignore[union-attr]
    assert set(program.drawn) == {"from-code-é", "to", "at", "net", "tax", "clock"}
    assert next(d.share for d in program.dependencies if d.target == "gross") == pytest.approx(1 - 6 / ROWS)


@pytest.mark.parametrize("name", RULES)
def test_every_synthetic_row_keeps_the_rules(spark: SparkSession, fitted: Synthesizer, sampled: DataFrame, name: str) -> None:
    assert broken(sampled, *RULES[name]) == 0


@pytest.fixture(scope="module")
def sampled(fitted: Synthesizer) -> DataFrame:
    return fitted.sample(num_rows={"trips": 4_000}, seed=2)["trips"]


def test_only_real_combinations_come_back(spark: SparkSession, sampled: DataFrame) -> None:
    routes = ["`from-code-é`", "to", "km"]
    real = trips(spark).groupBy(*routes).count().where("count >= 3").select(*routes)
    assert (
        sampled.select(*routes)
        .distinct()
        .join(real.withColumnsRenamed({"from-code-é": "f", "to": "t", "km": "k"}), F.expr("`from-code-é` = f and to = t and km = k"), "left_anti")
        .count()
        == 0
    )
    assert broken(sampled, "local_hour", "hour(from_utc_timestamp(at, 'Asia/Tokyo'))") == 0
    assert sampled.where("clock is null").count() == pytest.approx(400, abs=200)


def test_columns_that_follow_from_others_can_be_asked_for(fitted: Synthesizer) -> None:
    asked = [{"local_hour": 5, "on": "2023-03-04"}, {"gross": 61.5, "minute": 7}, {"km": 110, "hour": 13}]
    conditions = [{"table": "trips", "values": values, "rows": 100} for values in asked]
    found = fitted.sample(conditions=conditions, seed=4)["trips"].toPandas()
    parts = [found[100 * i : 100 * (i + 1)] for i in range(3)]
    assert set(parts[0]["local_hour"]) == {5} and {str(day) for day in parts[0]["at"].dt.date} == {"2023-03-04"}
    assert set(parts[1]["gross"]) == {61.5} and ((parts[1]["net"] + parts[1]["tax"]).round(2) == 61.5).all() and (parts[1]["clock"] % 100 == 7).all()
    assert parts[1]["net"].nunique() > 50 and parts[1]["clock"].nunique() > 10
    assert set(parts[2]["km"]) == {110} and (parts[2]["clock"] // 100 == 13).all()
    assert set(zip(parts[2]["from-code-é"], parts[2]["to"], strict=True)) == {("a b", "t1"), ("a b", "t6")}
    refused = [{"table": "trips", "values": values, "rows": 1} for values in ({"on": "2023-03-04", "local_hour": 30}, {"hour": 13, "clock": 1412})]
    with pytest.raises(GenerationError, match="2 faults.*'local_hour': 30.*'hour': no values of 'clock' that are like real ones"):
        fitted.sample(conditions=refused, seed=4)


def test_a_saved_model_keeps_them(spark: SparkSession, fitted: Synthesizer, tmp_path: Path) -> None:
    fitted.save(str(tmp_path / "model"))
    loaded = Synthesizer.load(str(tmp_path / "model"), spark=spark)
    assert loaded.dependencies == fitted.dependencies
    raw = (tmp_path / "model" / "tables" / "trips" / "program.json").read_text(encoding="utf-8")
    assert TableProgram.model_validate_json(raw).dependencies == fitted._fitted.tables["trips"].program.dependencies  # type: ignore[union-attr]


def test_they_can_be_switched_off(spark: SparkSession) -> None:
    data = trips(spark)
    for switch in (False, {"trips": False}):
        synth = Synthesizer(Metadata().add_table("trips"), spark=spark, model="independent", config=FitConfig(exact_dependencies=switch))
        assert synth.fit({"trips": data}, seed=1).dependencies == {"trips": []}
    with pytest.raises(SchemaError, match="trpis"):
        Synthesizer(Metadata().add_table("trips"), spark=spark, config=FitConfig(exact_dependencies={"trpis": False})).fit({"trips": data}, seed=1)


def test_keys_and_private_columns_are_never_derived(spark: SparkSession) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.arange(1_000), "copy_of_id": np.arange(1_000), "name": rng.choice(["x", "y", "z"], 1_000)})
    frame["secret"] = frame.name.map({"x": "p", "y": "q", "z": "r"})
    frame["k"] = rng.integers(0, 5, 1_000)
    frame["k2"] = frame.k
    parents = spark.createDataFrame(pd.DataFrame({"k": np.arange(5), "label": list("abcde")}))
    metadata = Metadata().add_table("parents", pk="k", role="reference").add_table("t", pk="id", fk={"k": "parents.k"}, pii_cols={"secret": "name"})
    synth = Synthesizer(metadata, spark=spark, model="independent").fit({"parents": parents, "t": spark.createDataFrame(frame)}, seed=1)
    assert synth.dependencies["t"] == ["k2 = k"]


def test_names_with_dots_are_found_too(spark: SparkSession) -> None:
    data = spark.range(2_000).select((F.col("id") % 50).alias("a.b"), ((F.col("id") % 50) * 3).alias("c.d e"))
    encoding = profile_table(
        data, table="t", rows=2_000, hints=[ColumnHint(name=n, spark_type="bigint") for n in data.columns], config=EncodingConfig(), seed=1
    )
    phases = (Phase(steps=(Draw(columns=tuple(data.columns)),)),)
    program = TableProgram(table="t", rows=2_000, columns=tuple((n, "bigint", True) for n in data.columns), phases=phases)
    search = find_dependencies(program, data, table=Table(name="t"), encoding=encoding, min_rows=3, seed=1)
    found = side_by_side("looking for dependencies in", {"t": search})["t"]
    assert [described(d, program.types) for d in found] == ["c.d e = 3 * a.b"]


@pytest.mark.exhaustive
def test_adult_education(spark: SparkSession, shared_data: Path) -> None:
    real = spark.read.parquet(str(shared_data / "adult" / "adult.parquet"))
    synth = Synthesizer(Metadata().add_table("adult"), spark=spark, model="independent").fit({"adult": real}, seed=1)
    assert synth.dependencies == {"adult": ["education_num by education (16 combinations)", "occupation is null exactly when workclass is null"]}
    pairs = synth.sample(num_rows={"adult": 5_000}, seed=2)["adult"].select("education", "education_num").distinct()
    assert pairs.count() == 16 == pairs.join(real, ["education", "education_num"], "left_semi").count()


@pytest.mark.exhaustive
def test_flights_keep_their_clock_and_distances(spark: SparkSession, shared_data: Path) -> None:
    folder = shared_data / "nycflights13_100k"
    nulls = dict.fromkeys(("flights.dest", "flights.tailnum", "flights.origin,time_hour"), "null")
    metadata, data = metadata_from_judge(folder, reference=("airlines", "airports"), orphans=nulls), frames_from_judge(spark, folder)
    # A month of weather and its flights, so that the test stays short; all rows say the same.
    data["weather"] = data["weather"].where("time_hour >= '2013-03-01' and time_hour < '2013-05-01'")
    data["flights"] = data["flights"].where("time_hour >= '2013-03-01' and time_hour < '2013-05-01'")
    synth = Synthesizer(metadata, spark=spark, model="independent").fit(data, seed=1)
    clock = {f"{part} = {part} of time_hour (America/New_York)" for part in ("year", "month", "day", "hour")}
    assert set(synth.dependencies["weather"]) == clock | {"temp >= dewp", "wind_gust >= wind_speed"}
    found = set(synth.dependencies["flights"])
    assert clock | {"sched_dep_time = 100 * hour + minute"} < found and any(text.startswith("distance by origin, dest") for text in found)
    tables = synth.sample(seed=2)
    local = "from_utc_timestamp(time_hour, 'America/New_York')"  # the session's zone is UTC
    for table in ("weather", "flights"):
        rows = tables[table].where("time_hour is not null")
        assert [broken(rows, part, f"{part}({local})") for part in ("year", "month", "day", "hour")] == [0, 0, 0, 0]
    flights = tables["flights"]
    assert broken(flights, "sched_dep_time", "100 * hour + minute") == 0 and flights.where("hour is null or month is null").count() == 0
    routes = flights.where("dest is not null").select("origin", "dest", "distance").distinct()
    assert (
        routes.count()
        == routes.select("origin", "dest").distinct().count()
        == routes.join(data["flights"], ["origin", "dest", "distance"], "left_semi").count()
    )


def test_cities_stay_in_their_countries(spark: SparkSession) -> None:
    """4,000 cities of some three rows each, postal codes as whole numbers, and a chain over both."""
    rng = np.random.default_rng(7)
    city, code = rng.integers(0, 4_000, 12_000), rng.integers(0, 1_500, 12_000)
    frame = pd.DataFrame({"city": [f"city {c:04d}" for c in city], "country": [f"C{c * 7919 % 20}" for c in city]})
    frame["code"], frame["place"], frame["state"] = code + 10_000, [f"place {c // 3}" for c in code], [f"S{c // 3 * 37 % 25}" for c in code]
    synth = Synthesizer(Metadata().add_table("t"), spark=spark, model="independent").fit({"t": spark.createDataFrame(frame)}, seed=1)
    assert [text.split(" (")[0] for text in synth.dependencies["t"]] == ["country by city", "place by code", "state by place"]
    out = synth.sample(num_rows={"t": 6_000}, seed=2)["t"].toPandas()
    for determinant, target in (("city", "country"), ("code", "place"), ("place", "state")):
        rule = frame.drop_duplicates(determinant).set_index(determinant)[target]
        assert (out[determinant].map(rule) == out[target]).all()
    rare = frame.city.value_counts().loc[lambda n: n < 3].index
    assert not out.city.isin(rare).any() and out.city.nunique() > 2_000


def tickets(rows: int = 4_000) -> pd.DataFrame:
    """Columns that are null together, by a status and by a flag; sums of which one part is null in some rows."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"status": rng.choice(["open", "paid", "done"], rows, p=[0.3, 0.2, 0.5]), "gift": rng.random(rows) < 0.2})
    frame["opened"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300_000, rows), unit="min")
    frame["closed"] = (frame.opened + pd.to_timedelta(rng.integers(1, 9_000, rows), unit="min")).mask(frame.status != "done")
    frame["wish"] = pd.Series(rng.choice(["love", "luck"], rows)).where(frame.gift, None)
    there = rng.random(rows) < 0.6
    frame["left"], frame["right"] = (pd.Series(rng.choice(["a", "b", "c"], rows)).where(there, None) for _ in range(2))
    frame["net"], frame["tax"] = rng.integers(0, 500, rows), rng.integers(0, 100, rows)
    frame["total"] = frame.net + frame.tax
    frame["paid"] = frame.total + rng.integers(0, 9, rows)
    frame["tax"] = frame.tax.mask(rng.random(rows) < 0.3).astype("Int64")
    return frame


def test_nulls_follow_and_what_is_left_open_is_drawn(spark: SparkSession) -> None:
    frame = tickets()
    config = FitConfig(training=TrainingConfig(epochs=20))
    synth = Synthesizer(Metadata().add_table("tickets"), spark=spark, model="autoregressive", config=config).fit({"tickets": frame}, seed=1)
    found = set(synth.dependencies["tickets"])
    assert {"closed is null exactly when status != 'done'", "wish is null exactly when gift = false"} < found
    assert {"right is null exactly when left is null", "total = net + tax"} < found
    rows = synth.sample(num_rows={"tickets": 4_000}, seed=2, conditions=[{"table": "tickets", "values": {"wish": "love"}, "rows": 300}])["tickets"]
    for rule in ("closed is null <=> status <> 'done'", "wish is null <=> not gift", "right is null <=> left is null", "total is not null"):
        assert broken(rows, *rule.split(" <=> "), *(["true"] if " <=> " not in rule else [])) == 0
    assert broken(rows.where("tax is not null"), "total", "net + tax") == 0 and rows.where("wish = 'love'").count() >= 300
    without = rows.where("tax is null").select("net", "total", "paid").toPandas().astype(float)
    assert len(without) > 800 and without.corr().loc["total", "paid"] > 0.9  # drawn with the rest of the row, not by itself


def test_a_column_can_be_null_with_a_key(spark: SparkSession) -> None:
    """The time at which an agent closed a ticket, in a table of which another key drives."""
    rng = np.random.default_rng(4)
    agents, customers = pd.DataFrame({"agent": np.arange(30), "team": rng.choice(["a", "b"], 30)}), pd.DataFrame({"customer": np.arange(200)})
    rows = pd.DataFrame({"ticket": np.arange(2_000), "customer": rng.integers(0, 200, 2_000)})
    open_ = rng.random(2_000) < 0.4
    rows["closed_by"] = pd.Series(rng.integers(0, 30, 2_000)).astype("Int64").mask(open_)
    rows["closed_at"] = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9_000, 2_000), unit="h")).mask(open_)
    metadata = Metadata().add_table("agents", pk="agent").add_table("customers", pk="customer")
    metadata.add_table("tickets", pk="ticket", fk={"customer": "customers.customer", "closed_by": "agents.agent"})
    synth = Synthesizer(metadata, spark=spark, model="independent").fit({"agents": agents, "customers": customers, "tickets": rows}, seed=1)
    assert synth.dependencies["tickets"] == ["closed_at is null exactly when closed_by is null"]
    made = synth.sample(seed=2)["tickets"]
    assert broken(made, "closed_at is null", "closed_by is null") == 0 and 500 < made.where("closed_at is null").count() < 1_100
