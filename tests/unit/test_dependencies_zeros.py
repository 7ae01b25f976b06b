"""Sums in which nulls count as 0: found where rows show it, and computed so."""

from __future__ import annotations

import time
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.choose import choose
from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.formulas import evaluate, holds
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import Linear, described

ROWS = 4_000


def rules(columns: dict[str, pa.Array], types: dict[str, str]) -> dict[str, str]:
    """What is found and chosen, in words, by target."""
    typed = {n: a.cast(arrow_type(types[n])) for n, a in columns.items()}
    sample = Sample(typed, types, ROWS)
    found = find_candidates(sample, Search(types=types, targets=tuple(types), inputs=tuple(types), discrete=()))
    kept = [f for f in choose([f for f in found if f.kind not in ("order", "unequal", "absence")], (), types)]
    for rule in kept:
        assert holds(rule, typed, types).mean() > 0.99 or rule.drawn  # type: ignore[arg-type]
    return {rule.target: described(rule, types) for rule in kept}


def cents(values: np.ndarray, null: np.ndarray | None = None) -> pa.Array:
    return (
        pa.array([Decimal(int(v)).scaleb(-2) for v in values], pa.decimal128(12, 2), mask=null)
        if null is None
        else pa.array([None if gone else Decimal(int(v)).scaleb(-2) for v, gone in zip(values, null, strict=True)], pa.decimal128(12, 2))
    )


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_tax_that_is_null_counts_as_nothing(share: float) -> None:
    rng = np.random.default_rng(0)
    net, tax, gone = rng.integers(100, 90_000, ROWS), rng.integers(100, 9_000, ROWS), rng.random(ROWS) < share
    columns = {"net": cents(net), "tax": cents(tax, gone), "total": cents(net + np.where(gone, 0, tax))}
    found = rules(columns, dict.fromkeys(columns, "decimal(12,2)"))
    assert found == {"total": "total = net + coalesce(tax, 0)"}


def test_either_of_two_and_several() -> None:
    rng = np.random.default_rng(1)
    debit, credit, fee, kind = (rng.integers(1, 5_000, ROWS) for _ in range(4))
    is_debit, no_fee = kind % 2 == 0, rng.random(ROWS) < 0.7
    columns = {
        "debit": pa.array(debit, mask=~is_debit),
        "credit": pa.array(credit, mask=is_debit),
        "fee": pa.array(fee, mask=no_fee),
        "change": pa.array(np.where(is_debit, 0, credit) - np.where(is_debit, debit, 0) - np.where(no_fee, 0, fee)),
    }
    found = rules(columns, dict.fromkeys(columns, "bigint"))
    assert found == {"change": "change = coalesce(credit, 0) - coalesce(debit, 0) - coalesce(fee, 0)"}


def test_a_null_as_zero_alone_and_a_sum_that_is_null_with_its_term() -> None:
    rng = np.random.default_rng(2)
    paid, gone = rng.integers(1, 5_000, ROWS), rng.random(ROWS) < 0.3
    net, tip = rng.integers(1, 5_000, ROWS), rng.integers(1, 500, ROWS)
    columns = {
        "paid": pa.array(paid, mask=gone),
        "shown": pa.array(np.where(gone, 0, paid)),
        "net": pa.array(net, mask=gone),
        "tip": pa.array(tip),
        "sum": pa.array(net + tip, mask=gone),
    }
    found = rules(columns, dict.fromkeys(columns, "bigint"))
    assert found["shown"] == "shown = coalesce(paid, 0)" and found["sum"] == "sum = net + tip"


def test_columns_that_are_seldom_there_fit_to_nothing_by_chance() -> None:
    rng = np.random.default_rng(3)
    columns = {f"c{i}": pa.array(rng.integers(1, 100, ROWS), mask=rng.random(ROWS) > 0.01) for i in range(24)} | {"all": pa.array(rng.integers(1, 100, ROWS))}
    start = time.process_time()
    assert rules(columns, dict.fromkeys(columns, "bigint")) == {}
    assert time.process_time() - start < 30


@pytest.mark.parametrize(("kind", "digits"), [("double", 2), ("double", None), ("bigint", 0)])
def test_they_are_computed(kind: str, digits: int | None) -> None:
    rule = Linear(target="t", determinants=("a", "b"), factors=(1.0, -1.0), digits=(digits,) * 3, as_zero=("b",), constant=3.0)
    columns = {"a": pa.array([5, 6, None]).cast(arrow_type(kind)), "b": pa.array([None, 2, 1]).cast(arrow_type(kind))}
    assert evaluate(rule, columns, dict.fromkeys("tab", kind)).to_pylist() == [8, 7, None]
    assert rule.required == ("a",) and described(rule, dict.fromkeys("tab", kind)) == "t = a - coalesce(b, 0) + 3"
