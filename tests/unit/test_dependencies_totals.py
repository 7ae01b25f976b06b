"""Totals: columns of parents that are counted or summed up from their children, told from chance."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.types import arrow_type
from synthohive_spark.kernels.dependencies.derive import derived_again
from synthohive_spark.kernels.dependencies.find_totals import find_totals
from synthohive_spark.spec.dependencies import Linear, Lookup, Order
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.hidden import distance_column
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Match, Phase, TableProgram
from synthohive_spark.spec.steps import Draw
from synthohive_spark.spec.totals import Total, described_total
from synthohive_spark.stages.totals import _aggregates, _Family, _found, _without_circles

PARENTS = 500
NONE = TableEncoding(table="t", rows=1, columns=())


def families(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of children, and aggregates: those numbers, a sum, a greatest value. Every tenth parent has none."""
    rng = np.random.default_rng(seed)
    rows = np.where(np.arange(PARENTS) % 10 == 0, 0, rng.integers(1, 6, PARENTS))
    total = np.where(rows == 0, np.nan, np.round(rng.uniform(1, 100, PARENTS), 3))
    return rows, np.stack([np.where(rows == 0, np.nan, rows), total, np.where(rows == 0, np.nan, rng.integers(0, 50, PARENTS))], axis=1)


def found(columns: np.ndarray, rows: np.ndarray, aggregates: np.ndarray) -> list[tuple[int, int, str]]:
    return [(f.column, f.aggregate, f.empty) for f in find_totals(columns, aggregates, rows, (False, True, False), [None] * columns.shape[1])]


def test_counts_sums_and_extremes_are_found_with_what_childless_parents_have() -> None:
    rows, aggregates = families()
    rounded = np.round(np.nan_to_num(aggregates[:, 1]), 1)
    columns = np.stack([rows.astype(float), rounded, aggregates[:, 2], np.random.default_rng(1).uniform(0, 9, PARENTS)], axis=1)
    assert found(columns, rows, aggregates) == [(0, 0, "zero"), (1, 1, "zero"), (2, 2, "null")]


@pytest.mark.parametrize(("wrong", "holds"), [(2, True), (20, False)])
def test_a_few_parents_may_differ(wrong: int, holds: bool) -> None:
    rows, aggregates = families()
    column = np.nan_to_num(aggregates[:, 1])
    column[np.flatnonzero(rows)[:wrong]] += 7
    assert bool(found(column[:, None], rows, aggregates)) is holds


def test_what_hardly_varies_and_what_childless_parents_disagree_on_is_no_total() -> None:
    rows, aggregates = families()
    constant = np.where(rows == 0, np.nan, 1.0)
    aggregates[:, 0] = constant
    assert found(np.nan_to_num(constant)[:, None], rows, aggregates) == []
    total = np.where(rows == 0, np.arange(PARENTS), aggregates[:, 1])
    assert found(total[:, None], rows, aggregates) == []


def test_means_are_found_rounded_or_not_and_sums_are_told_from_them() -> None:
    rng = np.random.default_rng(3)
    rows = np.where(np.arange(PARENTS) % 10 == 0, 0, rng.integers(1, 6, PARENTS))
    total = np.where(rows == 0, np.nan, [rng.integers(1, 6, max(n, 1)).sum() for n in rows]).astype(float)
    mean = total / np.where(rows == 0, np.nan, rows)
    columns = np.stack([np.round(mean, 1), mean, np.nan_to_num(total), np.floor(mean * 100) / 100], axis=1)
    aggregates = np.stack([np.where(rows == 0, np.nan, rows), total, mean], axis=1)
    kinds = {"sums": (False, True, False), "counts": (True, False, False), "means": (False, False, True)}
    made = find_totals(columns, aggregates, rows, digits=[None] * 4, **kinds)  # type: ignore[arg-type]
    assert [(f.column, f.aggregate, f.digits, f.empty) for f in made] == [(0, 2, 1, "null"), (1, 2, None, "null"), (2, 1, 0, "zero")]
    always = find_totals(np.round(mean, 1)[rows > 0][:, None], aggregates[rows > 0], rows[rows > 0], digits=[None], **kinds)  # type: ignore[arg-type]
    assert [f.empty for f in always] == ["drawn"]  # nobody has none: what such a parent would have is not known


def test_texts_may_be_anything_in_parents_without_children() -> None:
    rng = np.random.default_rng(4)
    rows, last = np.where(np.arange(PARENTS) % 5 == 0, 0, 2), rng.integers(0, 4, PARENTS).astype(float)
    aggregate = np.where(rows == 0, np.nan, last)[:, None]
    assert [f.empty for f in find_totals(last[:, None], aggregate, rows, (False,), [0], labels=True)] == ["drawn"]
    assert not find_totals(last[:, None], aggregate, rows, (False,), [0])


def test_texts_that_are_the_same_in_all_rows_of_a_parent_are_no_last_ones() -> None:
    """They repeat the parent's own, which must not wait for them."""
    columns = (("id", "bigint", False), ("pid", "bigint", True), ("at", "date", True), ("status", "string", True))
    metadata = Metadata().add_table("p", pk="id").add_table("c", pk="id", fk={"pid": "p.id"})
    keys = metadata.tables["c"].foreign_keys
    phase = (Phase(steps=(Draw(columns=("at", "status")),)),)
    child = TableProgram(table="c", rows=9, columns=columns, foreign_keys=keys, driving=0, phases=phase)
    parent = TableProgram(table="p", rows=9, columns=(("id", "bigint", False), ("status", "string", True)), phases=(Phase(steps=(Draw(columns=("status",)),)),))
    family = _Family(parent, child, 0, ("status",), _aggregates(metadata, child, 0))
    rng = np.random.default_rng(5)
    own, before = rng.integers(0, 4, PARENTS).astype(float), rng.integers(0, 4, PARENTS).astype(float)

    def aggregates(first: np.ndarray) -> np.ndarray:
        told = {("rows", ()): np.full(PARENTS, 3.0), ("last", ("status",)): own, ("first", ("status",)): first}
        return np.stack([told.get((t.what, t.of), np.arange(PARENTS) * 86_400.0) for t in family.aggregates], axis=1)

    assert [described_total(t) for t in _found(family, own[:, None], aggregates(before))] == ["status = last of status in c by at"]
    assert list(_found(family, own[:, None], aggregates(own))) == []


def test_what_a_text_tells_follows_when_it_is_set() -> None:
    label = Lookup(target="label", determinants=("status",), keys=(("new", "paid"),), values=("Open", "Closed"), counts=(5, 5))
    batch = pa.record_batch({"c0": pa.array(["paid", "lost", "new"]), "c1": pa.array(["Open", "Other", "Open"])})
    types = {"status": "string", "label": "string"}
    (out,) = derived_again(iter([batch]), names=tuple(types), dependencies=(label,), types=types, encoding=NONE, drawn={})
    assert out.column("c1").to_pylist() == ["Closed", "Other", "Open"]


def test_tables_never_wait_for_one_another() -> None:
    a, b, c = (Total(column="x", child=child, key=0, what="rows") for child in ("b", "c", "a"))
    assert _without_circles({"a": (a,), "b": (b,), "c": (c,)}) == {"a": (a,), "b": (b,)}
    itself = Total(column="x", child="a", key=0, what="rows")
    assert _without_circles({"a": (itself,)}) == {"a": (itself,)}


def test_what_is_brought_from_one_parent_can_be_summed_up_by_another() -> None:
    metadata = Metadata().add_table("orders", pk="oid").add_table("items", pk="iid")
    metadata.add_table("lines", pk="lid", fk={"oid": "orders.oid", "iid": "items.iid"})
    keys = metadata.tables["lines"].foreign_keys
    child = TableProgram(
        table="lines",
        rows=9,
        columns=(("lid", "bigint", False), ("oid", "bigint", True), ("iid", "bigint", True), ("price", "double", True)),
        foreign_keys=keys,
        driving=0,
        phases=(Phase(steps=(Draw(columns=("price",)),), matches=(Match(key=1, brings=(("price", "price"),)),)),),
    )
    assert [t.of for t in _aggregates(metadata, child, 0) if t.what == "sum"] == [("price",)]
    assert [t.of for t in _aggregates(metadata, child, 1)] == [()]


def test_formulas_follow_a_changed_total() -> None:
    gross = Linear(target="gross", determinants=("net",), factors=(2.0,), constant=1.0, digits=(0, 0))
    due = Linear(target="due", determinants=("gross", "sent"), factors=(86_400_000_000.0, 1.0), digits=(0, 0, 0))
    types = {"net": "bigint", "gross": "int", "sent": "timestamp_ntz", "due": "timestamp_ntz"}
    noon = datetime.datetime(2024, 1, 1, 12)
    columns = {"c0": pa.array([5, None]), "c1": pa.array([0, 9], pa.int32()), "c2": pa.array([noon, noon], pa.timestamp("us"))}
    batch = pa.record_batch(columns | {"c3": pa.array([None, None], pa.timestamp("us")), "c4": pa.array(["a", "b"])})
    (out,) = derived_again(iter([batch]), names=(*types, "text"), dependencies=(gross, due), types=types, encoding=NONE, drawn={})
    assert out.schema == batch.schema
    assert out.column("c1").to_pylist() == [11, 9]
    assert out.column("c3").to_pylist() == [noon + datetime.timedelta(days=11), noon + datetime.timedelta(days=9)]
    assert out.column("c4").to_pylist() == ["a", "b"]


def _number(name: str, kind: str, low: float, high: float) -> NumberEncoding:
    return NumberEncoding(name=name, spark_type=kind, has_null=True, weights=(0.5, 0.5), knots=(low, high))


def test_what_is_in_order_with_a_total_follows_it() -> None:
    """Paid stays the same share of a total where that has fallen below it, and the day of the last order as far from the first one as it was drawn."""
    day = datetime.date(2024, 1, 1)
    paid = Order(target="paid", determinants=("total",), at_most=("total",), digits=2)
    since = Order(target="since", determinants=(distance_column("since"), "first"), at_most=("first",), base="first")
    double = Linear(target="double", determinants=("paid",), factors=(2.0,), digits=(2, 2))
    types = {
        "total": "decimal(9,2)",
        "paid": "double",
        "first": "date",
        "since": "date",
        "double": "decimal(9,2)",
        "old_total": "decimal(9,2)",
        "old_first": "date",
    }
    columns = {
        "total": [Decimal(50), Decimal(500), Decimal(0), None],
        "paid": [80.0, 80.0, 80.0, 80.0],
        "first": [day, day + datetime.timedelta(days=30), None, day],
        "since": [day, day, day, None],
        "double": [Decimal(160)] * 4,
        "old_total": [Decimal(100)] * 4,
        "old_first": [day + datetime.timedelta(days=10)] * 4,
    }
    batch = pa.record_batch({f"c{i}": pa.array(v, arrow_type(types[n])) for i, (n, v) in enumerate(columns.items())})
    encoding = TableEncoding(table="t", rows=1, columns=(_number("paid", "double", 0, 1000), _number("since", "date", 19_700, 20_000)))
    drawn = {"total": "old_total", "first": "old_first"}
    rules = (paid, since, double)
    (out,) = derived_again(iter([batch]), names=tuple(types), dependencies=rules, types=types, encoding=encoding, drawn=drawn)
    assert out.schema == batch.schema
    assert out.column("c1").to_pylist() == [40.0, 80.0, 0.0, 80.0]
    assert out.column("c3").to_pylist() == [day - datetime.timedelta(days=10), day + datetime.timedelta(days=20), None, None]
    assert out.column("c4").to_pylist() == [Decimal(80), Decimal(160), Decimal(0), Decimal(160)]


def test_totals_are_told_in_words() -> None:
    assert described_total(Total(column="n", child="lines", key=0, what="rows")) == "n = number of rows in lines"
    assert described_total(Total(column="t", child="lines", key=0, what="sum", of=("q", "p"))) == "t = sum of q * p in lines"
