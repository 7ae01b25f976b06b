"""`independent` with a copula on a parent and its children: no training, and the same model under any partitioning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import FitConfig, Metadata, SchemaError, Synthesizer, TrainingConfig


def shop(spark: SparkSession, partitions: int) -> dict[str, DataFrame]:
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"id": np.arange(400), "size": rng.gamma(2.0, 10.0, 400).round(1), "kind": rng.choice(["a", "b", "c", "d"], 400)})
    children = pd.DataFrame({"parent": np.repeat(parents.id.to_numpy(), 5)})
    size, kind = (parents[name].to_numpy()[children.parent] for name in ("size", "kind"))
    children["price"] = (size * rng.lognormal(0.0, 0.2, len(children))).round(2)
    children["label"] = np.where(rng.random(len(children)) < 0.9, kind, "e")
    return {"parents": spark.createDataFrame(parents).repartition(partitions), "children": spark.createDataFrame(children).repartition(partitions)}


def synthesizer(spark: SparkSession, **settings: object) -> Synthesizer:
    metadata = Metadata().add_table("parents", pk="id").add_table("children", fk={"parent": "parents.id"})
    return Synthesizer(metadata, spark=spark, model="independent", config=FitConfig(training=TrainingConfig(settings=settings)))


@pytest.mark.exhaustive
def test_children_follow_their_parents_and_the_model_does_not_depend_on_partitions(spark: SparkSession) -> None:
    fitted = synthesizer(spark, copula=True).fit(shop(spark, 3), seed=1)
    rows = {name: frame.toPandas() for name, frame in fitted.sample(seed=2).items()}
    joined = rows["children"].merge(rows["parents"], left_on="parent", right_on="id")
    assert np.corrcoef(joined["size"].rank(), joined["price"].rank())[0, 1] > 0.85
    assert (joined["label"] == joined["kind"]).mean() > 0.35  # 0.9 in truth, 0.225 if they were drawn apart: one axis cannot tell four kinds apart
    again = synthesizer(spark, copula=True).fit(shop(spark, 1), seed=1)
    tables = [s._need_fitted("compare").tables["children"] for s in (fitted, again)]
    assert tables[0].weights == tables[1].weights and len(tables[0].weights) > 1000


def test_an_unknown_setting_is_refused_by_name(spark: SparkSession) -> None:
    with pytest.raises(SchemaError, match="independent: unknown settings kopula; there are copula"):
        synthesizer(spark, kopula=True).fit(shop(spark, 1), seed=1)
