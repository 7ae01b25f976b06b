"""Rows with given values: which they are, and that nothing between the model and the row changes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from safetensors.torch import save

from synthohive_spark.kernels.block import GenerationPlan
from synthohive_spark.kernels.generate import BLOCK_ROWS, Roots, generate_roots
from synthohive_spark.kernels.given import Given, GivenValues, condition_of, draw_given, given_codes, repair_around, with_given_values
from synthohive_spark.kernels.repair import ReferenceKey
from synthohive_spark.kernels.seeds import generator
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable, ModelSpec
from synthohive_spark.spec.hidden import ROW
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Draw, KeyPattern, NumberKey


@pytest.fixture
def root_plan() -> GenerationPlan:
    value = NumberEncoding(name="value", spark_type="int", has_null=True, weights=(0.1, 0.4, 0.5), tokens=(3.0, 8.0), step=1.0)
    steps = (NumberKey(column="id", pattern=KeyPattern()), Draw(columns=("value",)))
    columns = (("id", "bigint", False), ("value", "int", True))
    program = TableProgram(table="t", rows=10, columns=columns, primary_key=("id",), phases=(Phase(steps=steps),))
    model = ModelSpec(name="independent", row=(3,), context=())
    fitted = FittedTable(program=program, encoding=TableEncoding(table="t", rows=10, columns=(value,)), model=model, weights=save({}))
    return GenerationPlan(fitted=fitted, seed=7, total=0)


def values(rows: int, **codes: int) -> GivenValues:
    return GivenValues(rows, codes, {name: pa.array([code * 10]) for name, code in codes.items()})


def which(given: Given, start: int, stop: int) -> np.ndarray:
    found = condition_of(given, np.arange(start, stop))
    return np.full(stop - start, -1) if found is None else found


def test_the_first_rows_of_a_root_carry_the_conditions_in_order() -> None:
    given = Given((values(3, a=1), values(2, a=2)))
    assert which(given, 0, 7).tolist() == [0, 0, 0, 1, 1, -1, -1]
    assert condition_of(given, np.arange(5, 9)) is None and condition_of(None, np.arange(3)) is None
    assert condition_of(given, np.arange(0)) is None


@pytest.mark.parametrize(("asked", "total"), [((3,), 10), ((10,), 10), ((1,), 1), ((4, 3, 2), 9), ((17, 250), 1001), ((1, 1, 1), 1000)])
def test_spread_rows_are_exact_even_and_do_not_depend_on_blocks(asked: tuple[int, ...], total: int) -> None:
    given = Given(tuple(values(n, a=i) for i, n in enumerate(asked)), among=total)
    whole = which(given, 0, total)
    assert tuple((whole == i).sum() for i in range(len(asked))) == asked
    for size in (1, 3, 7, 100):
        cut = np.concatenate([which(given, at, min(at + size, total)) for at in range(0, total, size)])
        assert cut.tolist() == whole.tolist()
    for i, n in enumerate(asked):
        places = np.flatnonzero(whole == i)
        shares = np.arange(1, n + 1) / n
        assert np.abs((places + 1) / total - shares).max() <= 2 * len(asked) / n + 1 / total  # no run of them, no gap


def test_tables_past_32_bits_do_not_overflow() -> None:
    total, rows = 3 * 10**11, 10**11
    given = Given((values(rows, a=0),), among=total)
    last = which(given, total - 30_000, total)
    assert (last == 0).sum() == 10_000


class Stubborn:
    """Ignores what it is given."""

    def sample(self, context, rng, given=None):
        return np.zeros((len(context), 2), dtype=np.int64)


def test_codes_are_kept_whatever_the_model_does() -> None:
    given = Given((values(2, a=1), values(1, b=3)))
    codes = given_codes(given, np.array([0, -1, 1]), ["b", "a"])
    assert codes is not None and codes.tolist() == [[-1, 1], [-1, -1], [3, -1]]
    rows = draw_given(Stubborn(), np.zeros((3, 0)), generator(1), codes, 2)  # type: ignore[arg-type]
    assert rows.tolist() == [[0, 1], [0, 0], [3, 0]]


def test_exact_values_replace_those_of_the_code_and_no_others() -> None:
    given = Given((values(1, a=1), GivenValues(1, {"a": 0}, {"a": pa.nulls(1, pa.int64())})))
    columns = {"a": pa.array([7, 8, 9]), "b": pa.array(["x", "y", "z"])}
    out = with_given_values(columns, given, np.array([1, -1, 0]))
    assert out["a"].to_pylist() == [None, 8, 10] and out["b"].to_pylist() == ["x", "y", "z"]
    assert with_given_values(columns, None, None) == columns


def test_a_key_to_a_reference_table_is_completed_around_what_was_given() -> None:
    key = ReferenceKey(columns=("p", "q"), fixed=(), combinations=(pa.array([1, 1, 2]), pa.array(["a", "b", "c"])))
    columns = {"p": pa.array([1] * 40), "q": pa.array(["c"] * 40)}  # no such row
    given = Given((GivenValues(20, {"q": 2}, {"q": pa.array(["c"])}),))
    out = repair_around(columns, key, generator(1), given, np.repeat([0, -1], 20))
    assert out["p"].to_pylist()[:20] == [2] * 20 and out["q"].to_pylist()[:20] == ["c"] * 20
    assert set(zip(out["p"].to_pylist()[20:], out["q"].to_pylist()[20:], strict=True)) <= {(1, "a"), (1, "b"), (2, "c")}


def test_blocks_with_conditions_do_not_depend_on_their_order_and_rows_without_any_are_as_ever(root_plan) -> None:
    def blocks(plan, *numbers: int) -> pd.DataFrame:
        types = {"id": "bigint", "value": "int", ROW: "bigint"}
        batches = generate_roots(iter([pa.RecordBatch.from_pydict({"id": list(numbers)})]), plan=plan, roots=Roots(0, plan.total), types=types)
        return pa.Table.from_batches(list(batches)).to_pandas()

    free = replace(root_plan, total=2 * BLOCK_ROWS)
    given = replace(free, given=Given((GivenValues(12_000, {"value": 2}, {"value": pa.array([8], pa.int32())}),)))
    whole = blocks(given, 0, 1)
    assert (whole["value"][:12_000] == 8).all() and set(whole["value"][12_000:].dropna()) == {3, 8}
    pd.testing.assert_frame_equal(blocks(given, 1), whole.iloc[BLOCK_ROWS:].reset_index(drop=True))
    later = replace(free, given=Given((GivenValues(BLOCK_ROWS, {"value": 2}, {"value": pa.array([8], pa.int32())}),)))
    pd.testing.assert_frame_equal(blocks(later, 1), blocks(free, 1))
