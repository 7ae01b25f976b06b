"""What the row model draws where a rule says nothing: given what the rule says elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import save

from synthohive_spark.kernels.block import ROWS, Block, GenerationPlan
from synthohive_spark.kernels.models import ConditionalGenerativeModel
from synthohive_spark.kernels.models.base import Reduce
from synthohive_spark.kernels.steps import derive, draw
from synthohive_spark.spec.dependencies import DatePart
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable, ModelSpec
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw

HOURS = 24


class Echo(ConditionalGenerativeModel):
    """Two columns, each of which is drawn as the other one is, where that is there."""

    name = "echo"
    any_order = True

    def training_step(self, rows: torch.Tensor, context: torch.Tensor, reduce: Reduce) -> dict[str, float]:
        return {}

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        return self.sample_columns(context, rng, given, range(2))

    def sample_columns(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None, columns: Sequence[int]) -> np.ndarray:
        rows = np.full((len(context), 2), -1) if given is None else given.copy()
        for i in columns:
            other = rows[:, 1 - i]
            rows[:, i] = np.where(rows[:, i] >= 0, rows[:, i], np.where(other >= 0, other, rng.integers(0, HOURS, len(rows))))
        return rows[:, list(columns)]

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        return


class Whole(Echo):
    """The same for a model that draws whole rows."""

    name = "whole"
    any_order = False


def hours(name: str) -> NumberEncoding:
    return NumberEncoding(name=name, spark_type="int", has_null=False, weights=(1 / HOURS,) * HOURS, tokens=tuple(map(float, range(HOURS))), step=1.0)


def made(model: type[ConditionalGenerativeModel], last: tuple[str, ...] = ("hour",), rows: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hour by the rule (-1 for none), hour and start of each row: three hours in four follow from a known time."""
    rule = DatePart(target="hour", determinants=("at",), part="hour", loose=True)
    columns = (("at", "timestamp_ntz", True), ("start", "int", False), ("hour", "int", False))
    steps = (Derive(dependencies=(rule,)), Draw(columns=("start", "hour"), last=last))
    program = TableProgram(table="t", rows=rows, columns=columns, phases=(Phase(steps=steps),))
    encoding = TableEncoding(table="t", rows=rows, columns=(hours("start"), hours("hour")))
    spec = ModelSpec(name=model.name, row=(HOURS, HOURS), context=())
    fitted = FittedTable(program=program, encoding=encoding, model=spec, weights=save({}))
    block = Block(GenerationPlan(fitted=fitted, seed=1, total=rows, row_model=model), 0, ROWS, np.arange(rows))
    known = np.arange(rows) % 4 > 0
    block.columns["at"] = pa.array(np.arange(rows) * 3_600_000_000, mask=~known).cast(pa.timestamp("us"))
    derive.apply(steps[0], block)
    assert block.columns["hour"].null_count == (~known).sum() and block.open["hour"].tolist() == (~known).tolist()
    draw.apply(steps[1], block)
    assert not block.open
    return np.where(known, np.arange(rows) % HOURS, -1), block.columns["hour"].to_numpy(), block.columns["start"].to_numpy()


@pytest.mark.parametrize("last", [("hour",), ("start",)])
def test_a_model_of_any_order_is_given_what_the_rule_says_and_draws_the_rest_in_its_order(last: tuple[str, ...]) -> None:
    ruled, hour, start = made(Echo, last)
    assert (hour[ruled >= 0] == ruled[ruled >= 0]).all()
    assert (start == hour).all()  # also where the rule says nothing: the start follows the hour
    assert len(set(hour[ruled < 0])) == HOURS


def test_any_other_model_keeps_to_the_rule_too() -> None:
    ruled, hour, start = made(Whole)
    assert (hour[ruled >= 0] == ruled[ruled >= 0]).all() and (start == hour)[ruled < 0].all()
