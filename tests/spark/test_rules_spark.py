"""Columns that are never equal and sums on clocks, from the real table to every synthetic row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import FitConfig, GenerationError, Metadata, Synthesizer, TrainingConfig

ROWS = 4_000
TEAMS = 6
MINUTES = "pmod(planned div 100 * 60 + planned % 100 + late, 1440)"


def games() -> pd.DataFrame:
    """Two keys to a reference table and two texts that are never equal, and a start that is a clock's sum of a plan and a delay."""
    rng = np.random.default_rng(0)
    home = rng.choice(TEAMS, ROWS, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    sender = rng.integers(0, 4, ROWS)
    planned, late = rng.integers(0, 1440, ROWS), np.maximum(rng.gamma(1, 60, ROWS).astype(int) - 20, -15)
    start = (planned + late) % 1440
    frame = pd.DataFrame({"home": home, "away": (home + rng.integers(1, TEAMS, ROWS)) % TEAMS})
    frame["sender"] = np.array(list("abcd"))[sender]
    frame["receiver"] = np.array(list("abcd"))[(sender + rng.integers(1, 4, ROWS)) % 4]
    frame["planned"] = planned // 60 * 100 + planned % 60
    frame["late"] = pd.Series(late).mask(rng.random(ROWS) < 0.05).astype("Int64")
    frame["start"] = pd.Series(np.where(start == 0, 2400, start // 60 * 100 + start % 60)).mask(frame.late.isna()).astype("Int64")
    frame["fine"] = pd.Series(rng.integers(1, 90, ROWS)).mask(rng.random(ROWS) < 0.6).astype("Int64")
    frame["owed"] = rng.integers(100, 5_000, ROWS)
    frame["due"] = frame.owed + frame.fine.fillna(0).astype(int)
    frame["told"] = pd.to_datetime(planned * 60, unit="s").strftime("%H:%M")
    return frame


def teams(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(pd.DataFrame({"team": range(TEAMS), "city": [f"c{i}" for i in range(TEAMS)]}))


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    metadata = Metadata().add_table("teams", pk="team", role="reference")
    metadata.add_table("games", fk={"home": "teams.team", "away": "teams.team"})
    config = FitConfig(training=TrainingConfig(epochs=2))
    return Synthesizer(metadata, spark=spark, model="autoregressive", config=config).fit(
        {"teams": teams(spark), "games": spark.createDataFrame(games())}, seed=1
    )


def test_rules_hold_on_every_row(spark: SparkSession, fitted: Synthesizer) -> None:
    rules = ", ".join(fitted.dependencies["games"])
    assert "start = planned + late min (clock hhmm)" in rules and "told = planned (clock HH:MM)" in rules
    assert any(f in rules for f in ("home != away", "away != home")) and any(f in rules for f in ("sender != receiver", "receiver != sender"))
    made = fitted.sample(seed=2)["games"]
    assert made.where("home = away or sender = receiver").isEmpty() and made.count() == ROWS
    right = f"if({MINUTES} = 0, 2400, {MINUTES} div 60 * 100 + {MINUTES} % 60)"
    assert "due = owed + coalesce(fine, 0)" in rules and made.where("not due <=> owed + coalesce(fine, 0)").isEmpty()
    assert 0.5 < made.where("fine is null").count() / ROWS < 0.7
    assert made.where(~F.col("start").eqNullSafe(F.expr(right))).isEmpty()
    assert 0.02 < made.where("start is null").count() / ROWS < 0.1
    report = fitted.generate_validation_report({"teams": teams(spark), "games": spark.createDataFrame(games())}, fitted.sample(seed=2))
    assert report.findings.rules_held == len(report.findings.rules) == len(fitted.dependencies["games"])
    real = games()
    for name in ("home", "away", "sender", "receiver"):
        shares = made.groupBy(name).count().toPandas().set_index(name)["count"]
        assert (shares / shares.sum() - real[name].value_counts(normalize=True)).abs().max() < 0.06


def test_asked_values_stay_and_equal_ones_are_refused(fitted: Synthesizer) -> None:
    for values in ({"home": 0, "sender": "a"}, {"away": 0, "receiver": "a"}):
        asked = fitted.sample(seed=2, conditions=[{"table": "games", "values": values, "rows": 300}])["games"]
        assert asked.where(" and ".join(f"{name} = '{value}'" for name, value in values.items())).count() == 300
        assert asked.where("home = away or sender = receiver").isEmpty()
    asked = fitted.sample(seed=2, conditions=[{"table": "games", "values": {"start": 5}, "rows": 300}])["games"]
    assert asked.where(f"start = 5 and {MINUTES} = 5").count() == 300 and asked.select("planned").distinct().count() > 5
    with pytest.raises(GenerationError, match="2 faults.* != "):
        refused = ({"home": 1, "away": 1}, {"start": 5, "planned": 1200})
        fitted.sample(conditions=[{"table": "games", "values": values, "rows": 1} for values in refused])
