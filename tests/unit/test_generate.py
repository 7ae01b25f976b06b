"""Blocks of rows: the same however frames are cut, in whatever order and however often they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from safetensors.torch import save

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.block import ROWS, Block, GenerationPlan
from synthohive_spark.kernels.cardinality import CountRule
from synthohive_spark.kernels.columns import encode_frame
from synthohive_spark.kernels.columns.marks import INFINITE, NAN
from synthohive_spark.kernels.conditioning import context_cardinalities
from synthohive_spark.kernels.generate import BLOCK_ROWS, Families, Roots, finish_children, generate_children, generate_roots
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable, ModelSpec
from synthohive_spark.spec.hidden import BLOCK, PARENT_ROW, POSITION, ROW, SIBLINGS
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Carry, Combine, Draw, KeyPattern, NumberKey, ParentKey

VALUE = NumberEncoding(name="value", spark_type="int", has_null=True, weights=(0.1, 0.4, 0.5), tokens=(3.0, 8.0), step=1.0)
NUMBER = NumberKey(column="id", pattern=KeyPattern())
PARENT = ParentKey(columns=("parent",), parent_columns=("pk",))


def plan(*phases: Phase, driven: bool = False, total: int = 2 * BLOCK_ROWS + 5) -> GenerationPlan:
    key = ForeignKey(columns=("parent",), parent_table="parents", parent_columns=("pk",))
    program = TableProgram(
        table="t",
        rows=10,
        columns=(("id", "bigint", False), ("value", "int", True), *((("parent", "bigint", True),) if driven else ())),
        primary_key=("id",),
        foreign_keys=(key,) if driven else (),
        phases=phases or (Phase(steps=(NUMBER, *((PARENT,) if driven else ()), Draw(columns=("value",)))),),
        driving=0 if driven else None,
    )
    encoding = TableEncoding(table="t", rows=10, columns=(VALUE,))
    model = ModelSpec(name="independent", row=(3,), context=context_cardinalities(encoding.select(()), None))
    fitted = FittedTable(program=program, encoding=encoding, model=model, weights=save({}))
    return GenerationPlan(fitted=fitted, seed=7, total=total, phase=0)


def typed(*names: str) -> dict[str, str]:
    return {name: "int" if name == "value" else "bigint" for name in names}


def numbered(*numbers: int) -> Iterator[pa.RecordBatch]:
    return iter([pa.RecordBatch.from_pydict({"id": list(numbers)})])


def together(batches: Iterable[pa.RecordBatch]) -> pd.DataFrame:
    return pa.Table.from_batches(list(batches)).to_pandas()


def blocks(*numbers: int) -> pd.DataFrame:
    return together(generate_roots(numbered(*numbers), plan=plan(), roots=Roots(0, 2 * BLOCK_ROWS + 5), types=typed("id", "value", ROW)))


def test_a_block_does_not_depend_on_what_its_task_made_before() -> None:
    everything = blocks(0, 1, 2)
    assert len(everything) == 2 * BLOCK_ROWS + 5
    pd.testing.assert_frame_equal(blocks(2), everything.iloc[2 * BLOCK_ROWS :].reset_index(drop=True))
    pd.testing.assert_frame_equal(blocks(1), blocks(1))


def test_blocks_differ_and_count_on() -> None:
    both = blocks(0, 1)
    assert both["id"].tolist() == list(range(1, 2 * BLOCK_ROWS + 1))
    assert both["value"][:BLOCK_ROWS].tolist() != both["value"][BLOCK_ROWS:].tolist()
    assert set(both["value"].dropna()) == {3, 8}


PARENTS = pd.DataFrame({ROW: range(60), "pk": range(100, 160), BLOCK: [i // 20 for i in range(60)]})
FAMILIES = Families(CountRule(by_row=np.arange(60) % 4), None, None, 20, {0: 0, 1: 30, 2: 60})


def children(*cuts: int) -> pd.DataFrame:
    edges = [0, *cuts, 60]
    batches = (parent_rows(PARENTS.iloc[a:b]) for a, b in zip(edges, edges[1:], strict=False))
    return together(made_children(batches, plan(driven=True), FAMILIES, "id", "value", "parent", ROW))


def parent_rows(frame: pd.DataFrame) -> pa.RecordBatch:
    """As Spark hands them over: by number."""
    return pa.RecordBatch.from_pandas(frame, preserve_index=False).rename_columns([f"c{i}" for i in range(frame.shape[1])])


def made_children(batches: Iterable[pa.RecordBatch], plan: GenerationPlan, families: Families, *names: str) -> Iterator[pa.RecordBatch]:
    return generate_children(iter(batches), plan=plan, families=families, names=tuple(PARENTS.columns), types=typed(*names))


def test_children_do_not_depend_on_where_arrow_cuts_their_parents() -> None:
    whole = children()
    assert whole["id"].tolist() == list(range(1, 91))
    assert whole["parent"].value_counts().to_dict() == {100 + i: i % 4 for i in range(60) if i % 4}
    for cuts in [(7,), (20, 40), (1, 2, 3, 59)]:
        pd.testing.assert_frame_equal(children(*cuts), whole)


def test_children_past_the_room_are_not_made() -> None:
    families = replace(FAMILIES, room=70)
    made = together(made_children([parent_rows(PARENTS)], plan(driven=True), families, "id", "parent", ROW))
    assert made["id"].tolist() == list(range(1, 71))
    assert made["parent"].tolist() == children()["parent"].tolist()[:70]
    assert replace(FAMILIES, room=2**70).in_block(0, PARENTS[:20]).tolist() == FAMILIES.children(PARENTS[:20]).tolist()


def test_a_row_in_two_phases_is_the_row_in_one() -> None:
    """A model that draws whole rows draws the same one in each phase; the order of the rows that come in does not matter."""
    first = Phase(steps=(Draw(columns=("value",)),))
    last = Phase(steps=(NUMBER, PARENT, Carry(columns=("value",)), Draw(columns=("value",))))
    names = ("value", ROW, BLOCK, PARENT_ROW, POSITION, SIBLINGS)
    two = plan(first, last, driven=True)
    narrow = pa.Table.from_batches(list(made_children([parent_rows(PARENTS)], two, FAMILIES, *names))).to_pandas(types_mapper=pd.ArrowDtype)
    finished = []
    for block, rows in narrow.sample(frac=1, random_state=1).groupby(BLOCK):
        parents = PARENTS[PARENTS[BLOCK] == block].sample(frac=1, random_state=2)
        tables = (pa.Table.from_pandas(frame, preserve_index=False).rename_columns([f"c{i}" for i in range(frame.shape[1])]) for frame in (rows, parents))
        last, known = GenerationPlan(two.fitted, 7, two.total), (names, tuple(PARENTS.columns))
        finished.append(finish_children(*tables, plan=last, names=known, types=typed("id", "value", "parent", ROW)))
    pd.testing.assert_frame_equal(pa.concat_tables(finished).to_pandas(), children())


def test_what_a_step_raises_names_table_and_step_and_shows_no_value() -> None:
    broken = plan(Phase(steps=(NUMBER, Combine(key=0))), driven=True)
    with pytest.raises(GenerationError, match=r"table 't', step 'combine': KeyError in combine\.py:\d+ \(apply\)"):
        list(generate_roots(numbered(0), plan=broken, roots=Roots(0, 3), types=typed("id")))


def test_nan_in_a_block_is_encoded_as_nan() -> None:
    block = Block(plan(), 0, ROWS, np.arange(4))
    block.columns = {"x": pa.array([1.0, np.nan, None, np.inf])}
    x = NumberEncoding(name="x", spark_type="double", has_null=True, weights=(0.25,) * 4, tokens=(1.0, INFINITE, NAN), step=1.0)
    assert encode_frame(block.frame(("x",)), TableEncoding(table="t", rows=4, columns=(x,)))[:, 0].tolist() == [1, 3, 0, 2]
