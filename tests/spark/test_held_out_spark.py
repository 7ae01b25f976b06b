"""The report knows the rows that training held out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synthohive_spark.kernels.columns import encode_frame
from synthohive_spark.kernels.splits import read_rows
from synthohive_spark.spec.config import EncodingConfig, TrainingConfig
from synthohive_spark.spec.encoding import ColumnHint
from synthohive_spark.spec.fitted import ModelSpec
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Draw
from synthohive_spark.stages.encode import held_out, held_share, order_seed, stage_training_rows
from synthohive_spark.stages.profile import profile_table

ROWS = 3_000


def test_rows_that_training_held_out_are_told_by_their_hash(spark: SparkSession, tmp_path: Path) -> None:
    rows = spark.range(ROWS).select(F.col("id").cast("int").alias("x"), (F.col("id") % 7).cast("int").alias("y"))
    hints = [ColumnHint(name=name, spark_type="int") for name in ("x", "y")]
    encoding = profile_table(rows, table="t", rows=ROWS, hints=hints, config=EncodingConfig(), seed=1)
    program = TableProgram(table="t", rows=ROWS, columns=(("x", "int", True), ("y", "int", True)), phases=(Phase(steps=(Draw(columns=("x", "y")),)),))
    path, seed, share = str(tmp_path / "rows"), 5, held_share(program, TrainingConfig())
    stage_training_rows(
        rows, None, program=program, encoding=encoding, context=None, sample_rows=TrainingConfig().sample_rows, seed=order_seed(seed, "t"), path=path
    )
    model = ModelSpec(name="m", row=encoding.cardinalities, context=(), held_out=share)
    split = read_rows(path, "t", model, TrainingConfig().holdout)
    sides = [pd.DataFrame(side, columns=["x", "y"]).value_counts() for side in (split.rows, split.held_rows)]
    told = rows.withColumn("held", held_out(model, program, seed)).toPandas()
    assert share == 0.1 and len(split.held_rows) == ROWS // 10 and 0.9 < (told["held"] >= 0).mean() < 1
    for held, side in ((0, sides[0]), (1, sides[1])):
        codes = pd.DataFrame(encode_frame(told[told["held"] == held], encoding), columns=["x", "y"]).value_counts()
        assert len(codes) and (codes - side.reindex(codes.index).fillna(0) <= 0).all()


def test_what_was_held_out_by_another_rule_is_not_known() -> None:
    program = TableProgram(table="t", rows=ROWS, columns=(("x", "int", True),), phases=(Phase(steps=(Draw(columns=("x",)),)),))
    assert held_share(program, TrainingConfig(sample_rows=ROWS - 1)) == 0
    assert held_share(program.model_copy(update={"rows": 100}), TrainingConfig()) == 0
    assert held_share(program.model_copy(update={"rows": 200_000}), TrainingConfig()) == 5_000 / 200_000
