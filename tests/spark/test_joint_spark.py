"""Keys that lead to rows together, end to end: laps of drivers in races, whose pairs no table has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import Metadata, Synthesizer

RACES, DRIVERS, STARTERS = 60, 40, 8


def frames() -> dict[str, pd.DataFrame]:
    """The pace of a lap is its race's and its driver's; each driver of a race has laps from 1 on."""
    rng = np.random.default_rng(3)
    length, talent = rng.choice([70, 90, 110], RACES), rng.choice([0, 20], DRIVERS)
    laps = [
        (race, int(driver), lap, int(1000 * length[race] + 1000 * talent[driver] + rng.normal(0, 300)))
        for race in range(RACES)
        for driver in rng.choice(DRIVERS, STARTERS, replace=False)
        for lap in range(1, int(rng.integers(3, 9)))
    ]
    return {
        "races": pd.DataFrame({"race": np.arange(RACES), "length": length}),
        "drivers": pd.DataFrame({"driver": np.arange(DRIVERS), "car": np.where(talent == 0, "fast", "slow")}),
        "laps": pd.DataFrame(laps, columns=["race", "driver", "lap", "milliseconds"]),
    }


METADATA = (
    Metadata()
    .add_table("races", pk="race")
    .add_table("drivers", pk="driver")
    .add_table("laps", pk=["race", "driver", "lap"], fk={"race": "races.race", "driver": "drivers.driver"})
)


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    return Synthesizer(METADATA, spark=spark, model="autoregressive").fit(frames(), seed=1)


@pytest.fixture(scope="module")
def copy(fitted: Synthesizer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, DataFrame]]:
    output = tmp_path_factory.mktemp("joint") / "copy"
    return output, fitted.sample(seed=2, output=str(output))


def test_each_driver_of_a_race_has_laps_without_a_gap(copy: tuple[Path, dict[str, DataFrame]]) -> None:
    laps = copy[1]["laps"].toPandas()
    stints = laps.groupby(["race", "driver"])["lap"].agg(["min", "max", "count"])
    assert (stints["min"] == 1).all() and (stints["max"] == stints["count"]).all()
    assert stints["count"].between(2, 7).all()
    drivers = laps.groupby("race")["driver"].nunique()
    assert abs(drivers.mean() - STARTERS) < 1.0  # matched row by row, a race would see nearly all of them


def test_laps_know_their_race_and_their_driver(copy: tuple[Path, dict[str, DataFrame]]) -> None:
    tables = {name: frame.toPandas() for name, frame in copy[1].items()}
    laps = tables["laps"].merge(tables["races"], on="race").merge(tables["drivers"], on="driver")
    pace = laps.groupby("length")["milliseconds"].mean()
    assert pace[110] - pace[70] == pytest.approx(40_000, rel=0.3)
    cars = laps.groupby("car")["milliseconds"].mean()
    assert cars["slow"] - cars["fast"] > 8_000


def test_the_table_of_pairs_is_told_and_never_published(
    fitted: Synthesizer, copy: tuple[Path, dict[str, DataFrame]], spark: SparkSession, tmp_path: Path
) -> None:
    output, tables = copy
    assert "laps: several rows for each (race, driver)" in fitted.relations
    assert set(tables) == {"races", "drivers", "laps"} == {p.name for p in output.iterdir() if not p.name.startswith((".", "_"))}
    again = Synthesizer.load(fitted.save(str(tmp_path / "model")), spark=spark)
    assert again.metadata == METADATA
    made = again.sample(seed=2)
    assert set(made) == set(tables)
    assert made["laps"].exceptAll(tables["laps"]).count() == 0
    report = again.generate_validation_report(frames(), made)
    assert {key.table for key in report.findings.keys} == {"laps"}
