"""Whose rows those of a table are, and what that leaves of values that one person has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from generated_schemas import GeneratedSchema

from synthohive_spark.kernels.columns.fit import fit_encoding
from synthohive_spark.kernels.dependencies.combinations import told_only
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.dependencies import Lookup
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.planning.entities import LEAST_ENTITIES, entity_keys
from synthohive_spark.spec.planning.programs import plan_schema

MANY = LEAST_ENTITIES


def entity_of(table: str, *tables: tuple[str, str, int, str | None], reference: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The tables on the way up from `table`. Each is (name, columns beside its key, rows, its parent), two rows for each row of a parent."""
    metadata, columns, rows = Metadata(), {}, {}
    for name, more, n, parent in tables:
        metadata.add_table(
            name, pk=f"{name}_id", fk={f"{parent}_id": f"{parent}.{parent}_id"} if parent else {}, role="reference" if name in reference else None
        )
        names = [f"{name}_id", *([f"{parent}_id"] if parent else []), *more.split()]
        columns[name] = tuple((c, "bigint" if c.endswith("_id") else "string", False) for c in names)
        rows[name] = [{c: i // 2 if c == f"{parent}_id" else i if c.endswith("_id") else f"{c} {i}" for c in names} for i in range(n)]
    plan = plan_schema(metadata, SchemaGraph.from_metadata(metadata), GeneratedSchema(metadata, columns, rows).survey())
    assert plan.faults == []
    return tuple(key.parent_table for key in entity_keys(table, plan.programs))


def test_the_driving_parent_is_the_entity() -> None:
    assert entity_of("flights", ("planes", "maker", MANY, None), ("flights", "remark", 2 * MANY, "planes")) == ("planes",)


def test_persons_are_where_they_are_on_the_way_up() -> None:
    tables = [("customers", "email", MANY, None), ("orders", "way", 2 * MANY, "customers"), ("lines", "note", 4 * MANY, "orders")]
    assert entity_of("lines", *tables) == ("orders", "customers") and entity_of("orders", *tables) == ("customers",)
    above = [("areas", "region", MANY, None), ("customers", "email", 2 * MANY, "areas"), ("orders", "way", 4 * MANY, "customers")]
    assert entity_of("orders", *above) == ("customers",)
    assert entity_of("customers", *above) == ()  # each row is a person, whatever the area


@pytest.mark.parametrize(("parent", "rows", "reference"), [("shops", MANY - 1, ()), ("countries", MANY, ()), ("planes", MANY, ("planes",))])
def test_few_parents_and_lists_of_what_there_is_own_their_values(parent: str, rows: int, reference: tuple[str, ...]) -> None:
    assert entity_of("flights", (parent, "maker", rows, None), ("flights", "remark", 2 * rows, parent), reference=reference) == ()


def counted(values: list[object], rows: list[int], kept: list[bool], *, text: bool) -> pd.DataFrame:
    frame = pd.DataFrame({"text": values if text else None, "number": np.nan if text else values, "n": rows, "kept": kept})
    return frame.assign(table=0, column=0, is_null=False, sampled=frame["n"], distinct=1)


def fitted(frame: pd.DataFrame, spark_type: str) -> NumberEncoding | CategoryEncoding | TextEncoding:
    return fit_encoding(frame, hint=ColumnHint(name="x", spark_type=spark_type), config=EncodingConfig(), rows=int(frame["n"].sum()), seed=1)


def test_a_text_of_one_person_is_not_told_in_however_many_rows() -> None:
    found = fitted(counted(["none", "late", "Erna's cat"], [900, 100, 500], [True, True, False], text=True), "string")
    assert isinstance(found, CategoryEncoding) and found.values == ("none", "late")


def test_a_number_of_one_person_gets_no_code() -> None:
    frame = counted([*range(10), 77_777.0, 88_888.0], [100] * 10 + [50, 60], [True] * 10 + [False] * 2, text=False)
    found = fitted(frame, "bigint")
    assert isinstance(found, NumberEncoding) and found.tokens == tuple(range(10)) and found.knots == ()
    assert found.weights[-1] == pytest.approx(210 / 1110)  # their rows are the nearest value's


@pytest.mark.parametrize(("spark_type", "scale"), [("bigint", 1), ("decimal(18,2)", 1), ("double", 1)])
def test_a_number_of_one_person_far_from_all_others_is_told_nowhere(spark_type: str, scale: int) -> None:
    usual = [*range(10_000, 14_000, 10)]
    texts = [str(v) for v in [*usual, 987_654_321]] if spark_type != "double" else None
    numbers = np.array([*usual, 987_654_321], dtype=float)
    frame = pd.DataFrame({"text": texts, "number": numbers, "n": [5] * len(usual) + [500], "kept": [True] * len(usual) + [False]})
    found = fitted(frame.assign(table=0, column=0, is_null=False, sampled=frame["n"], distinct=1), spark_type)
    assert "987654321" not in found.model_dump_json() and "98764" not in found.model_dump_json().replace(".", "")


def test_a_number_of_one_person_that_stands_alone_leaves_no_trace() -> None:
    found = fitted(counted([1234.5], [500], [False], text=False), "double")
    assert "1234" not in found.model_dump_json()


def test_lookups_leave_texts_of_one_person_out() -> None:
    told = CategoryEncoding(name="code", spark_type="string", has_null=False, weights=(0.5, 0.5), values=("a", "b"), counts=(5, 5), starts=(0, 1))
    encoding = TableEncoding(table="t", rows=10, columns=(told, told.model_copy(update={"name": "label"})))
    lookup = Lookup(target="label", determinants=("code",), share=1.0, keys=(("a", "b", "c"),), values=("a", "b", "b"), counts=(5, 5, 5), combinations=3)
    assert told_only(lookup, encoding, ()) is lookup
    found = told_only(lookup, encoding, {"code"})
    assert found is not None and found.keys == (("a", "b"),) and found.values == ("a", "b") and found.combinations == 2
    assert told_only(lookup.model_copy(update={"values": ("x", "b", "y")}), encoding, {"label"}) is None
