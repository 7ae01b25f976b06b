"""Rows of a chain of tables: any block can be made alone, and is the same as where all are made in one go."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest
from safetensors.torch import save

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.block import as_frame
from synthohive_spark.kernels.chain import Chain
from synthohive_spark.kernels.conditioning import context_cardinalities
from synthohive_spark.kernels.generate import BLOCK_ROWS, generate_children, generate_roots
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable, ModelSpec
from synthohive_spark.spec.form import TableForm, TableRules
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.hidden import BLOCK, PARENT_ROW, POSITION, ROW, above_column, count_column
from synthohive_spark.spec.joint import JointKey
from synthohive_spark.spec.layout import OutputColumn
from synthohive_spark.spec.metadata import ForeignKey, Metadata
from synthohive_spark.spec.planning.chains import chain_faults, chain_of
from synthohive_spark.spec.program import AboveColumn, Linkage, Match, Phase, TableProgram, UniqueKey
from synthohive_spark.spec.steps import Draw, KeyPattern, NumberKey, ParentKey
from synthohive_spark.spec.totals import Total
from synthohive_spark.stages.chains import ChainPlanner

COUNT = count_column("b", 0)
ROOTS = 2 * BLOCK_ROWS + 500


def number(name: str, *tokens: float) -> NumberEncoding:
    weights = tuple(1 / len(tokens) for _ in tokens)
    return NumberEncoding(name=name, spark_type="bigint", has_null=False, weights=weights, tokens=tokens, step=1.0)


def learnt(table: str, above: str | None, count: str | None, **changes: object) -> FittedTable:
    key = ForeignKey(columns=("parent",), parent_table=above or "", parent_columns=("id",))
    parent = (ParentKey(columns=("parent",), parent_columns=("id",)),) if above else ()
    drawn = ("value", *([count] if count else []))
    program = TableProgram(
        table=table,
        rows=100,
        columns=(("id", "bigint", False), ("value", "bigint", False), *((("parent", "bigint", True),) if above else ())),
        primary_key=("id",),
        foreign_keys=(key,) if above else (),
        phases=(Phase(steps=(NumberKey(column="id", pattern=KeyPattern()), *parent, Draw(columns=drawn))),),
        driving=0 if above else None,
        linkages={0: Linkage(values=(0, 1, 3), weights=(0.25, 0.5, 0.25), mean=1.25, variance=1.2, null_rate=0.1)} if above else {},
    ).model_copy(update=changes)
    encoding = TableEncoding(table=table, rows=100, columns=tuple([number("value", 3, 5, 8), *([number(count, 0, 1, 3)] if count else [])]))
    context = TableEncoding(table=above or "", rows=100, columns=(number("value", 3, 5, 8),)) if above else None
    row = tuple(len(c.weights) for c in encoding.columns)
    model = ModelSpec(name="independent", row=row, context=context_cardinalities(encoding.select(()), context))
    return FittedTable(program, encoding, context, model, save({}))


def schema(**changes: dict[str, object]) -> FittedSchema:
    tables = {"a": learnt("a", None, COUNT, **changes.get("a", {})), "b": learnt("b", "a", None, **changes.get("b", {})), "c": learnt("c", "b", None)}
    metadata = Metadata().add_table("a", pk="id").add_table("b", pk="id", fk={"parent": "a.id"}).add_table("c", pk="id", fk={"parent": "b.id"})
    return FittedSchema(metadata, SchemaGraph(order=("a", "b", "c")), tables, {}, seed=1, version="1")


def told_of(table: FittedTable, above: AboveColumn) -> FittedTable:
    return replace(table, program=table.program.model_copy(update={"above": (above,)}))


def chain(table: str, names: tuple[str, ...], rows: int = ROOTS) -> Chain:
    return ChainPlanner(schema(), seed=7, scale=1.0, rows=rows, strict=False, told=[]).plan(table, names)


def whole(made: Chain, level: int = -1) -> pd.DataFrame:
    return pd.concat([made.block(span, level) for span in range(len(made.links[level].spans[0]))], ignore_index=True)


def test_rows_are_the_same_whichever_are_made_before() -> None:
    names = ("id", "value", "parent", ROW)
    made = chain("c", names)
    everything = whole(made)
    last = len(made.links[-1].spans[0]) - 1
    for span in (last, 3, 0):
        first = made.links[-1].spans[0][span]
        block = chain("c", names).block(span)
        pd.testing.assert_frame_equal(block, everything.iloc[first : first + len(block)].reset_index(drop=True))
    assert everything["id"].tolist() == list(range(1, made.links[-1].rows + 1))


def test_rows_are_those_that_a_pass_over_all_parents_makes() -> None:
    made = chain("b", ("id", "parent", "value", PARENT_ROW, POSITION))
    above, link = made.links
    ids = pa.RecordBatch.from_pydict({"id": range(3)})
    batches = generate_roots(iter([ids]), plan=above.plan, roots=above.roots, types=above.plan.typed(("id", "value", ROW, COUNT)))
    parents = pa.Table.from_batches(list(batches))
    parents = parents.append_column(BLOCK, pa.array(parents[ROW].to_numpy() // link.families.per_block))
    names, types = tuple(parents.column_names), link.plan.typed(link.names)
    children = generate_children(iter(parents.to_batches()), plan=link.plan, families=link.families, names=names, types=types)
    direct = as_frame(pa.Table.from_batches(list(children)))
    alone = whole(made).iloc[len(direct) :]
    pd.testing.assert_frame_equal(whole(made).iloc[: len(direct)], direct)
    assert alone["parent"].isna().all() and len(alone) == pytest.approx(0.1 * len(whole(made)), rel=0.02)


def test_numbers_of_children_follow_what_their_parents_drew() -> None:
    made = chain("b", ("parent",))
    drawn = whole(made, 0).set_index("id")[COUNT].astype("int64")
    children = whole(made)["parent"].dropna().value_counts().reindex(drawn.index, fill_value=0)
    means = children.groupby(drawn).mean()
    assert means[0] < 0.5 < means[1] < means[3]
    assert children.sum() == pytest.approx(1.25 * ROOTS, rel=0.01)


def test_rows_carry_what_those_below_are_told_of_rows_further_above() -> None:
    name = above_column((0,), "value")
    fitted = schema()
    fitted.tables["c"] = told_of(fitted.tables["c"], AboveColumn(name=name, path=(0,), column="value"))
    made = ChainPlanner(fitted, seed=7, scale=1.0, rows=ROOTS, strict=False, told=[]).plan("c", ("id", "parent"))
    parents, own = whole(made, 1), whole(chain("b", ("parent",)))["parent"]
    grandparents, there = whole(chain("a", ("id", "value"))).set_index("id")["value"], own.notna()
    assert there.any() and not there.all()
    assert parents[name][there].astype("int64").tolist() == grandparents.loc[own[there]].astype("int64").tolist()
    assert parents[name][~there].isna().all()
    fitted.tables["c"] = told_of(fitted.tables["c"], AboveColumn(name=name, path=(1,), column="value"))
    fitted.tables["b"] = learnt("b", "a", None, foreign_keys=fitted.tables["b"].program.foreign_keys * 2)
    assert any("which does not drive" in fault for fault in chain_faults(fitted, "c"))


def test_a_table_without_rows_has_no_blocks() -> None:
    made = chain("c", ("id",), rows=0)
    assert [len(link.spans[0]) for link in made.links] == [0, 0, 0]


def test_chains_go_up_to_a_root() -> None:
    programs = {name: table.program for name, table in schema().tables.items()}
    assert chain_of(programs, "c") == ("a", "b", "c")
    assert chain_of(programs, "a") == ("a",)


MATCH = Match(key=0)
UNIQUE = {"uniques": (UniqueKey(columns=("parent",), per="group"),)}
TOTAL = {"totals": (Total(column="value", child="c", key=0, what="rows"),)}
PHASES = learnt("b", "a", None).program.phases


@pytest.mark.parametrize(
    ("changes", "table", "told"),
    [
        ({"b": {"phases": (Phase(steps=(), matches=(MATCH,)), *PHASES)}}, "b", "is matched with the rows of 'a'"),
        ({"b": {"phases": (Phase(steps=(), matches=(MATCH,)), *PHASES)}}, "c", "table 'b': its key .* is matched"),
        ({"b": {"phases": (Phase(steps=PHASES[0].steps, matches=(MATCH,)),)}}, "b", "is matched once the rows of 'a' are there"),
        ({"b": {"needs": (0,)}}, "c", "leave other keys a partner"),
        ({"b": TOTAL}, "b", "its column 'value' sums up rows of 'c'"),
        ({"b": TOTAL}, "c", "it depends on 'value' of 'b'"),
        ({"b": UNIQUE}, "b", "numbered over all driving parents"),
    ],
)
def test_what_needs_rows_of_other_tables_is_refused(changes: dict[str, dict[str, object]], table: str, told: str) -> None:
    fitted = schema(**changes)
    with pytest.raises(GenerationError, match=rf"{told}.*; write the tables with Synthesizer\.sample"):
        ChainPlanner(fitted, seed=7, scale=1.0, rows=None, strict=False, told=[]).plan(table, ("id",))
    assert chain_faults(fitted, "a") == []


def test_a_late_key_of_a_parent_matters_only_to_those_that_read_it() -> None:
    late = {"b": {"phases": (Phase(steps=PHASES[0].steps, matches=(MATCH,)),)}}
    assert chain_faults(schema(**late), "c") == []


def test_rules_and_structs_are_for_spark() -> None:
    fitted = schema()
    fitted.forms["b"] = TableForm(rules=TableRules(checks={"odd": "value > 0"}))
    fitted.layouts["c"] = (OutputColumn(name="s", fields=(OutputColumn(name="x", source="value"),)),)
    assert [fault[:9] for fault in chain_faults(fitted, "c")] == ["table 'b'", "table 'c'"]
    assert chain_faults(fitted, "a") == []


def test_rows_of_groups_that_were_found_are_asked_for_by_scale() -> None:
    key = JointKey(table="b", keys=(0,), columns=("parent",), parent="a", parent_columns=("id",), made=True)
    fitted = replace(schema(), joint=(key,))
    with pytest.raises(GenerationError, match="rows: those of 'b' come in groups that `fit` has found, .* `scale`"):
        ChainPlanner(fitted, seed=7, scale=1.0, rows=5, strict=False, told=[]).plan("b", ("id",))
    assert ChainPlanner(fitted, seed=7, scale=1.0, rows=None, strict=False, told=[]).plan("b", ("id",)).links[0].rows == 100
