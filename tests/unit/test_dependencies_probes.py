"""The first look at all pairs of columns: it rules out nearly all, and never one that follows a rule."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.dependencies.find_linear import find_single, find_sums
from synthohive_spark.kernels.dependencies.find_lookups import find_lookups
from synthohive_spark.kernels.dependencies.probes import Numbers, may_be_equal, may_be_told
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import Linear, Quotient, Remainder


def with_exceptions(values: np.ndarray, rng: np.random.Generator, share: float = 0.01) -> np.ndarray:
    return np.where(rng.random(len(values)) < share, values + rng.integers(1, 50, len(values)), values)


@pytest.mark.parametrize("seed", range(20))
def test_rules_with_few_exceptions_and_nulls_are_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, z = rng.integers(0, 10_000, 200).astype(float), rng.integers(0, 500, 200).astype(float)
    columns = [x, 3 * x - 7, x // 60, x % 60, x + z, z]
    values = np.stack([np.where(rng.random(200) < 0.3, np.nan, with_exceptions(c, rng) if 0 < i < 5 else c) for i, c in enumerate(columns)], axis=1)
    looked = Numbers(values)
    assert looked.lines(0)[1]
    assert looked.quotients(0)[2]
    assert looked.remainders(0)[3]
    assert looked.sums(0)[4, 4]  # of x and the fifth column after it


def test_columns_without_a_rule_are_ruled_out() -> None:
    rng = np.random.default_rng(1)
    looked = Numbers(rng.normal(0, 100, (200, 300)).round(2))
    assert looked.lines(0)[1:].sum() == 0
    assert looked.sums(0).sum() == 0
    whole = Numbers(rng.integers(0, 1_000, (200, 300)).astype(float))
    assert whole.lines(0)[1:].mean() < 0.01
    assert whole.quotients(0)[1:].mean() < 0.05
    assert whole.remainders(0)[1:].mean() < 0.6


def test_columns_that_are_mostly_null_are_left_to_a_closer_look() -> None:
    values = np.full((200, 4), np.nan)
    values[0] = 5.0, 3.0, 1.0, 2.0
    looked = Numbers(values)
    assert all(found.all() for found in (looked.lines(0), looked.quotients(0), looked.remainders(0), looked.sums(0)))


def test_copies_are_left_and_others_are_not() -> None:
    rng = np.random.default_rng(2)
    hashes = rng.integers(0, 10, (16, 5)).astype(np.uint64)
    hashes[:, 1] = hashes[:, 0]
    hashes[3, 1] += np.uint64(1)
    nulls = np.zeros((16, 5), dtype=bool)
    nulls[:, 4] = True
    assert may_be_equal(hashes, nulls, 0).tolist() == [True, True, False, False, True]


def test_what_a_column_determines_but_for_some_errors_is_left() -> None:
    rng = np.random.default_rng(3)
    groups = rng.integers(0, 20, 400)
    told = groups % 7
    told[:2] = 9
    targets = np.stack([told, rng.integers(0, 7, 400), np.where(rng.random(400) < 0.9, -1, told)], axis=1)
    assert may_be_told(groups, targets, 2.0).tolist() == [True, False, True]
    assert may_be_told(np.full(400, -1), targets, 0.0).all()  # null says nothing


def test_a_thousand_columns_are_searched_in_seconds() -> None:
    rng = np.random.default_rng(4)
    columns: dict[str, pa.Array] = {}
    for i in range(500):
        columns[f"n{i}"] = pa.array(rng.integers(0, 1_000, 60)) if i % 2 else pa.array(rng.normal(0, 9, 60).round(2))
        columns[f"t{i}"] = pa.array(rng.choice([f"k{j}" for j in range(3 + i % 5)], 60))
    columns["sum"] = pa.array(columns["n1"].to_numpy() + columns["n3"].to_numpy())
    columns["line"] = pa.array(4 * columns["n5"].to_numpy() + 1)
    columns["hour"] = pa.array(columns["n7"].to_numpy() // 60)
    columns["minute"] = pa.array(columns["n7"].to_numpy() % 60)
    columns["shop"] = pa.array([{"k0": "a", "k1": "b"}.get(v, "c") for v in columns["t0"].to_pylist()])
    types = {n: "string" if pa.types.is_string(a.type) else "double" if pa.types.is_floating(a.type) else "bigint" for n, a in columns.items()}
    discrete = tuple(n for n, kind in types.items() if kind == "string")
    numbers = tuple(n for n in types if n not in discrete)
    search = Search(types=types, targets=tuple(types), inputs=numbers, discrete=discrete, whole=tuple(n for n in numbers if types[n] == "bigint"))
    sample, spent = Sample(columns, types, 60), time.process_time()
    found = find_single(sample, search)
    assert {(f.target, f.determinants) for f in found if isinstance(f, Linear)} == {("line", ("n5",))}
    assert ("hour", ("n7",)) in {(f.target, f.determinants) for f in found if isinstance(f, Quotient)}
    assert ("minute", ("n7",)) in {(f.target, f.determinants) for f in found if isinstance(f, Remainder)}
    sums = find_sums(sample, search, [f for f in found if isinstance(f, Quotient)])
    assert {f.target for f in sums if isinstance(f, Linear) and set(f.determinants) <= {"n1", "n3", "sum"}} == {"n1", "n3", "sum"}
    assert ("shop", ("t0",)) in {(f.target, f.determinants) for f in find_lookups(sample, search, {f.target for f in (*found, *sums)})}
    assert time.process_time() - spent < 120  # pair by pair it takes many minutes
