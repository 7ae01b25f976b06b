"""Times that several tables count from one of their parent, which part of a key may be."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from synthohive_spark import FitConfig, Metadata, Synthesizer, TrainingConfig


def test_all_begin_on_the_day_of_hire(spark: SparkSession) -> None:
    rng = np.random.default_rng(8)
    hired = pd.Timestamp("2010-01-01") + pd.to_timedelta(rng.integers(0, 2_000, 500), unit="D")
    staff = pd.DataFrame({"no": np.arange(500), "hired": hired.date, "level": rng.choice(["a", "b"], 500)})
    owner, year = np.repeat(np.arange(500), 5), np.tile(np.arange(5), 500)
    since = (hired[owner] + pd.to_timedelta(365 * year, unit="D")).date
    pay = pd.DataFrame({"no": owner, "since": since, "amount": rng.integers(30, 90, 2_500)})
    posts = pd.DataFrame({"id": np.arange(500), "no": np.arange(500), "since": hired.date, "room": rng.integers(1, 40, 500)})
    metadata = (
        Metadata().add_table("staff", pk="no").add_table("pay", pk=["no", "since"], fk={"no": "staff.no"}).add_table("posts", pk="id", fk={"no": "staff.no"})
    )
    config = FitConfig(training=TrainingConfig(epochs=4, evaluations=1))
    synth = Synthesizer(metadata, spark=spark, model="autoregressive", config=config).fit({"staff": staff, "pay": pay, "posts": posts}, seed=1)
    assert synth.dependencies["staff"] == []  # as the least of either, it would be set away from the other
    made = {name: frame.toPandas() for name, frame in synth.sample(seed=2).items()}
    first = made["pay"].groupby("no")["since"].min()
    hire = made["staff"].set_index("no")["hired"]
    assert (first == hire.loc[first.index]).mean() > 0.98
    assert (made["posts"]["since"].to_numpy() == hire.loc[made["posts"]["no"]].to_numpy()).mean() > 0.98
