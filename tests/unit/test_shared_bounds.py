"""What always holds between columns that are the same in all rows of a family: found, and kept in whole families."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from synthohive_spark.kernels.block import Block, GenerationPlan, Parents
from synthohive_spark.kernels.dependencies.choose_orders import with_orders
from synthohive_spark.kernels.dependencies.find_absences import find_absences
from synthohive_spark.kernels.dependencies.find_orders import find_orders
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.kernels.given import Given, GivenValues
from synthohive_spark.kernels.steps import APPLY
from synthohive_spark.spec.across_rows import Mirrored, Shared
from synthohive_spark.spec.dependencies import Absence, AnyDependency, Order, Unequal
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable
from synthohive_spark.spec.hidden import ROW, distance_column
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.planning.across import with_across_rows
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw

ROWS = 3_000
NAMES = ("opened", "closed", "reason", "buyer", "seller", "own")
TYPES = dict.fromkeys(NAMES, "bigint")
FAR = distance_column("closed")
BOUNDS: tuple[AnyDependency, ...] = (
    Unequal(target="buyer", determinants=("seller",)),
    Order(target="closed", determinants=(FAR, "opened"), at_least=("opened",), base="opened"),
    Absence(target="reason", determinants=("buyer",), values=(1, 2)),
    Order(target="own", determinants=("opened",), at_least=("opened",)),
)
SHARED = tuple(Shared(column=c) for c in ("opened", "closed", "reason", "buyer", "seller"))


def sampled(rng: np.random.Generator) -> tuple[Sample, dict[str, str]]:
    opened, low = rng.integers(0, 10_000, ROWS), rng.integers(0, 900, ROWS)
    kind = rng.integers(0, 5, ROWS)
    columns = {
        "opened": pa.array(opened),
        "closed": pa.array(opened + rng.integers(1, 90, ROWS)),
        "kind": pa.array(kind),
        "reason": pa.array(rng.integers(0, 50, ROWS), mask=kind < 2),
        "own": pa.array(low),
    }
    types = dict.fromkeys(columns, "bigint")
    return Sample(columns, types, ROWS), types


def searched(types: dict[str, str], shared: tuple[str, ...], steady: tuple[str, ...] = ()) -> Search:
    names = tuple(types)
    return Search(
        types=types,
        targets=names,
        inputs=names,
        discrete=(),
        ordered=names,
        absent=names,
        watched=names,
        valued=names,
        shared=shared,
        steady=(*shared, *steady),
    )


def test_columns_that_families_share_bound_one_another_and_no_others() -> None:
    sample, types = sampled(np.random.default_rng(0))
    both = searched(types, ("opened", "closed", "kind", "reason"))
    pairs = find_orders(sample, both, ())
    (order,) = with_orders([], pairs, both)
    assert isinstance(order, Order) and {order.target, *order.at_least, *order.at_most} == {"opened", "closed"} and order.base is not None
    assert [(a.target, a.determinants, a.values) for a in find_absences(sample, both)] == [("reason", ("kind",), (0, 1))]
    one = searched(types, ("closed", "reason"))
    (order,) = with_orders([], pairs, one)
    assert isinstance(order, Order) and order.target == "opened", "the other column gives way"
    assert not find_absences(sample, one)
    mirrored = searched(types, (), ("opened", "closed"))
    assert with_orders([], pairs, mirrored) == []


def numbers(name: str, has_null: bool = False) -> NumberEncoding:
    weights = (0.2, 0.8) if has_null else (1.0,)
    return NumberEncoding(name=name, spark_type="bigint", has_null=has_null, weights=weights, knots=(0.0, 0.0, 2_000.0, 2_000.0), knots_per_bin=3, step=1.0)


def made(given: Given | None = None) -> pd.DataFrame:
    """Families of one to five rows through all steps after the draw, each column drawn anew in each row."""
    drawn = ("opened", FAR, "reason", "buyer", "seller", "own")
    steps = (Draw(columns=drawn), Derive(dependencies=BOUNDS))
    key = ForeignKey(columns=("p",), parent_table="p", parent_columns=("p",))
    program = TableProgram(table="t", rows=100, columns=tuple((n, "bigint", True) for n in NAMES), phases=(Phase(steps=steps),), driving=0, foreign_keys=(key,))
    program = with_across_rows(program, SHARED)
    assert [rule.column for rule in program.across_told] == [rule.column for rule in SHARED] and len(program.across) == len(SHARED) + 1
    encoding = TableEncoding(table="t", rows=100, columns=tuple(numbers(n, n == "reason") for n in (*NAMES, FAR)))
    sizes = np.random.default_rng(2).integers(1, 6, 200)
    of_child = np.repeat(np.arange(200), sizes)
    n = len(of_child)
    parents = Parents(pd.DataFrame({ROW: range(200)}), of_child, np.arange(n) - (np.cumsum(sizes) - sizes)[of_child], sizes[of_child])
    plan = GenerationPlan(FittedTable(program=program, encoding=encoding), 3, n, given=given)
    block = Block(plan, 0, "rows", np.arange(n), parents)
    rng = np.random.default_rng(4)
    few = {"buyer", "seller"}
    block.columns = {c: pa.array(rng.integers(0, 4 if c in few else 900, n), mask=rng.random(n) < (0.3 if c == "reason" else 0)) for c in drawn}
    block.columns = block.with_given(block.columns)
    for step in program.steps[1:]:
        APPLY[type(step)](step, block)
    return pd.DataFrame({c: block.columns[c].to_pandas() for c in NAMES}).assign(family=of_child)


def is_whole(rows: pd.DataFrame) -> bool:
    one = rows.groupby("family")[["opened", "closed", "reason", "buyer", "seller"]].nunique(dropna=False)
    assert (one == 1).to_numpy().all()
    assert (rows["closed"] >= rows["opened"]).all() and (rows["buyer"] != rows["seller"]).all() and (rows["own"] >= rows["opened"]).all()
    assert (rows["reason"].isna() == rows["buyer"].isin([1, 2])).all()
    return True


def test_whole_families_keep_them() -> None:
    rows = made()
    assert is_whole(rows) and rows.groupby("family")["own"].nunique().max() > 2
    assert (rows["closed"] - rows["opened"]).nunique() > 50  # distances as they were drawn


def test_families_follow_a_row_that_has_a_given_value_in_all_that_they_share() -> None:
    given = Given((GivenValues(60, {}, {"seller": pa.array([3])}),), among=len(made()))
    rows = made(given)
    assert is_whole(rows) and (rows["seller"] == 3).sum() >= 60


def test_what_two_rows_mirror_is_not_taken_for_shared() -> None:
    search = searched(dict.fromkeys("ab", "bigint"), (), tuple(r.column for r in (Mirrored(column="a", of="b"), Mirrored(column="b", of="a"))))
    assert not search.may_give_way("a", "b")
