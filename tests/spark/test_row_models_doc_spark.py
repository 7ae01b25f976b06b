"""The worked example of docs/row_models.md runs as it stands, and learns; classes reach the executors by value."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from synthohive_spark import FitConfig, Metadata, SerializationError, Synthesizer, TrainingConfig, register_model
from synthohive_spark.kernels import models
from synthohive_spark.kernels.models import known_models
from synthohive_spark.kernels.models.base import CodeLayout

PAGE = Path(__file__).resolve().parents[2] / "docs" / "row_models.md"


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_MODELS", dict(models._MODELS))


def examples() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1:]


def defined() -> dict:
    scope: dict = {"__name__": "__main__"}  # as in a notebook
    exec(compile(examples()[0], "row_models.md", "exec"), scope)
    return scope


def shop() -> dict[str, pd.DataFrame]:
    """The channel follows the customer's country, and the fee the channel: two steps of a chain."""
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(200), "country": rng.choice(["de", "fr"], 200)})
    orders = pd.DataFrame({"order_id": np.arange(1200), "customer_id": rng.choice(200, 1200)})
    german = customers["country"].to_numpy()[orders["customer_id"]] == "de"
    orders["channel"] = np.where(rng.random(1200) < np.where(german, 0.9, 0.1), "web", "shop")
    orders["fee"] = np.where(orders["channel"] == "web", rng.integers(0, 5, 1200), rng.integers(50, 55, 1200))
    return {"customers": customers, "orders": orders}


def test_the_example_learns_saves_loads_and_samples(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, frame in shop().items():
        spark.createDataFrame(frame).write.format("delta").save(str(tmp_path / "lake" / name))
    metadata = Metadata().add_table("customers", pk="customer_id")
    metadata.add_table("orders", pk="order_id", fk={"customer_id": "customers.customer_id"})
    scope = defined() | {"metadata": metadata, "spark": spark}
    exec(compile(examples()[1], "row_models.md", "exec"), scope)
    orders = scope["tables"]["orders"].join(scope["tables"]["customers"], "customer_id").toPandas()
    web = orders["channel"] == "web"
    assert ((orders["fee"] < 50) == web).mean() > 0.99
    assert web[orders["country"] == "de"].mean() == pytest.approx(0.9, abs=0.06)
    assert web[orders["country"] == "fr"].mean() == pytest.approx(0.1, abs=0.06)
    assert "chow-liu" in (tmp_path / "models/shop/tables/orders/model.json").read_text()


def test_the_example_conditions_exactly_up_and_down_the_tree() -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 3, 4000)
    rows = np.stack([a, np.where(rng.random(4000) < 0.8, a, rng.integers(0, 3, 4000)), rng.integers(0, 2, 4000)], axis=1)
    weights = tuple(np.bincount(rows[:, d], minlength=k) / 4000 for d, k in enumerate((3, 3, 2)))
    model = defined()["ChowLiu"](CodeLayout(row=(3, 3, 2), context=(), weights=weights), {})
    model.prepare(rows, np.zeros((4000, 0), dtype=int), 1, 4000)
    for column in (0, 1):
        given = np.full((6000, 3), -1)
        given[:, column] = 2
        drawn = model.sample(np.zeros((6000, 0), dtype=int), np.random.default_rng(2), given)
        real = rows[rows[:, column] == 2]
        assert (drawn[:, column] == 2).all()
        assert (drawn[:, 1 - column] == 2).mean() == pytest.approx((real[:, 1 - column] == 2).mean(), abs=0.03)


def test_a_model_that_is_not_known_says_both_ways_out(spark: SparkSession, tmp_path: Path) -> None:
    quick = FitConfig(training=TrainingConfig(epochs=1))
    cls = defined()["ChowLiu"]
    frame = spark.createDataFrame(shop()["customers"])
    synth = Synthesizer(Metadata().add_table("customers", pk="customer_id"), spark=spark, model=cls, config=quick).fit({"customers": frame}, seed=1)
    path = synth.save(str(tmp_path / "m"))
    expected = sorted(map(tuple, synth.sample(seed=3)["customers"].collect()))
    del models._MODELS["chow-liu"]
    with pytest.raises(SerializationError, match=r"'chow-liu' of 'customers'.*models=\[MyModel\].*register_model\(MyModel\)"):
        Synthesizer.load(path, spark=spark)
    register_model(cls)
    assert sorted(map(tuple, Synthesizer.load(path, spark=spark).sample(seed=3)["customers"].collect())) == expected


def test_the_page_names_every_registered_model() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in known_models())
