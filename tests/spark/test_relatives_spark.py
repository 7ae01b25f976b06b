"""Two keys to rows below one row of a third table: found, and kept in the copy."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from synthohive_spark import Metadata, Synthesizer
from synthohive_spark.spec.hidden import shared_column


def test_both_ends_of_an_edge_lie_in_one_component(spark: SparkSession) -> None:
    rng = np.random.default_rng(3)
    groups = pd.DataFrame({"name": [f"g{i:03d}" for i in range(60)], "kind": rng.choice(["a", "b"], 60)})
    nodes = pd.DataFrame({"node": np.arange(720), "component": np.repeat(groups["name"], 12).to_numpy(), "size": rng.gamma(2, 3, 720).round(1)})
    start = rng.integers(0, 720, 1500)
    edges = pd.DataFrame({"edge": np.arange(1500), "start": start, "end": start // 12 * 12 + (start % 12 + rng.integers(1, 12, 1500)) % 12})
    data = {name: spark.createDataFrame(frame) for name, frame in {"groups": groups, "nodes": nodes, "edges": edges}.items()}
    metadata = Metadata().add_table("groups", pk="name").add_table("nodes", pk="node", fk={"component": "groups.name"})
    metadata.add_table("edges", pk="edge", fk={"start": "nodes.node", "end": "nodes.node"})
    synth = Synthesizer(metadata, spark=spark, model="independent").fit(data, seed=1)
    (match,) = synth._fitted.tables["edges"].program.matches
    assert match.agree == ((shared_column("component"), "component"),) and match.never == (0,)
    made = {name: frame.toPandas() for name, frame in synth.sample(seed=2).items()}
    component = made["nodes"].set_index("node")["component"]
    assert (component[made["edges"]["start"]].to_numpy() == component[made["edges"]["end"]].to_numpy()).all()
    assert (made["edges"]["start"] != made["edges"]["end"]).all() and list(made["edges"].columns) == ["edge", "start", "end"]
