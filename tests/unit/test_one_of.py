"""Keys of which each row has exactly one: planned, and kept in blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from synthohive_spark.kernels.steps.one_of import apply
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.hidden import status_column
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.planning.programs import plan_schema
from synthohive_spark.spec.steps import OneOf
from synthohive_spark.spec.survey import KeyFacts, Survey, TableFacts, UniqueFacts


@dataclass
class Rows:
    """A block as far as the step reads it."""

    columns: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def rng(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng(len(purpose))


def test_the_other_key_is_there_where_the_driving_one_is_not() -> None:
    block = Rows({"post": pa.array([1, None, 2, None]), "has": pa.array([True, True, False, False])})
    apply(OneOf(driving=("post",), statuses=("has",), shares=(0.5,)), block)  # type: ignore[arg-type]
    assert block.columns["has"].to_pylist() == [False, True, False, True]


def test_one_of_three_is_there() -> None:
    rng = np.random.default_rng(1)
    names = ("a", "b")
    block = Rows({"post": pa.array([1, None] * 500), **{n: pa.array(rng.random(1_000) < 0.3) for n in names}})
    drawn = np.stack([block.columns[n].to_numpy(zero_copy_only=False) for n in names], axis=1)
    apply(OneOf(driving=("post",), statuses=names, shares=(0.4, 0.1)), block)  # type: ignore[arg-type]
    kept = np.stack([block.columns[n].to_numpy(zero_copy_only=False) for n in names], axis=1)
    assert not kept[::2].any() and (kept[1::2].sum(axis=1) == 1).all()
    one = drawn[1::2].sum(axis=1) == 1
    assert (kept[1::2][one] == drawn[1::2][one]).all()
    none = ~drawn[1::2].any(axis=1)
    assert 0.7 < kept[1::2][none, 0].mean() < 0.9


def test_the_plan_says_which_keys_exclude_each_other() -> None:
    metadata = Metadata().add_table("posts", pk="id").add_table("photos", pk="id")
    metadata.add_table("comments", pk="id", fk={"post": "posts.id", "photo": "photos.id"})
    whole = (("id", "bigint", False),)
    above = {n: TableFacts(table=n, columns=whole, rows=10, read=10, uniques=(UniqueFacts(columns=("id",), nulls=0, repeats=0),)) for n in ("posts", "photos")}
    key = KeyFacts(matched=20, nulls=20, children=((2, 10),))
    columns = (*whole, ("post", "bigint", True), ("photo", "bigint", True))
    unique = (UniqueFacts(columns=("id",), nulls=0, repeats=0),)
    comments = TableFacts(table="comments", columns=columns, rows=40, read=40, uniques=unique, keys=(key, key), one_of=((0, 1),))
    for facts, wanted in ((comments, True), (comments.model_copy(update={"one_of": ()}), False)):
        plan = plan_schema(metadata, SchemaGraph.from_metadata(metadata), Survey(tables={**above, "comments": facts}))
        program = plan.programs["comments"]
        found = [step for step in program.phases[0].steps if isinstance(step, OneOf)]
        assert bool(found) == wanted
        if wanted and program.driver is not None:
            other = next(i for i in (0, 1) if i != program.driving)
            assert found == [OneOf(driving=program.driver.columns, statuses=(status_column(other),), shares=(0.5,))]
