"""Blocks of rows: the same however frames are cut, in whatever order and however often they are made."""

from __future__ import annotations

import pandas as pd
from safetensors.torch import save

from synthohive_spark.kernels.cardinality import fit_linkage
from synthohive_spark.kernels.conditioning import context_cardinalities
from synthohive_spark.kernels.generate import BLOCK, BLOCK_ROWS, GenerationPlan, generate_children, generate_roots
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedTable, ModelSpec
from synthohive_spark.spec.metadata import ForeignKey
from synthohive_spark.spec.program import ROW, ColumnStep, KeyPattern, TableProgram

VALUE = NumberEncoding(name="value", spark_type="int", has_null=True, weights=(0.1, 0.4, 0.5), tokens=(3.0, 8.0), step=1.0)


def plan(driven: bool) -> GenerationPlan:
    key = ForeignKey(columns=("parent",), parent_table="parents", parent_columns=("pk",))
    steps = [ColumnStep(column="id", kind="known", source="row_number"), ColumnStep(column="value", kind="drawn", source="model")]
    if driven:
        steps.insert(1, ColumnStep(column="parent", kind="known", source="parent"))
    program = TableProgram(
        table="t",
        rows=10,
        columns=(("id", "bigint", False), ("value", "int", True), *((("parent", "bigint", True),) if driven else ())),
        primary_key=("id",),
        foreign_keys=(key,) if driven else (),
        steps=tuple(steps),
        driving=0 if driven else None,
        key=KeyPattern(),
        linkages={0: fit_linkage([2], [5], method="empirical")} if driven else {},
    )
    encoding = TableEncoding(table="t", rows=10, columns=(VALUE,))
    model = ModelSpec(name="independent", row=(3,), context=context_cardinalities(encoding.select(()), None))
    fitted = FittedTable(program=program, encoding=encoding, model=model, weights=save({}))
    counts = {"__n_0_child": fit_linkage([0, 2], [1, 1], method="empirical")}
    return GenerationPlan(fitted=fitted, counts=counts, references=(), seed=7, rows=2 * BLOCK_ROWS + 5)


def blocks(*numbers: int) -> pd.DataFrame:
    return pd.concat(list(generate_roots(iter([pd.DataFrame({"id": list(numbers)})]), plan=plan(driven=False))), ignore_index=True)


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


def test_children_do_not_depend_on_where_arrow_cuts_their_parents() -> None:
    parents = pd.DataFrame({ROW: range(60), "pk": range(100, 160), "n": [i % 4 for i in range(60)], BLOCK: [i // 20 for i in range(60)]})
    offsets = {0: 0, 1: 30, 2: 60}

    def children(*cuts: int) -> pd.DataFrame:
        edges = [0, *cuts, 60]
        frames = (parents.iloc[a:b].reset_index(drop=True) for a, b in zip(edges, edges[1:], strict=False))
        return pd.concat(list(generate_children(frames, plan=plan(driven=True), count_column="n", offsets=offsets)), ignore_index=True)

    whole = children()
    assert whole["id"].tolist() == list(range(1, 91))
    assert whole["parent"].value_counts().to_dict() == {100 + i: i % 4 for i in range(60) if i % 4}
    for cuts in [(7,), (20, 40), (1, 2, 3, 59)]:
        pd.testing.assert_frame_equal(children(*cuts), whole)
