"""Steps that give what a row has before anything is drawn."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from step_blocks import block, labels, values

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.steps import carry, number_key, parent_key, position
from synthohive_spark.spec.hidden import status_column
from synthohive_spark.spec.steps import Carry, KeyPattern, NumberKey, ParentKey, Position


@pytest.mark.parametrize(
    ("spark_type", "pattern", "expected"),
    [
        ("tinyint", KeyPattern(), [8, 9]),
        ("decimal(10,0)", KeyPattern(), [Decimal(8), Decimal(9)]),
        ("string", KeyPattern(form="text", prefix="C_", width=4), ["C_0008", "C_0009"]),
    ],
)
def test_a_generated_key_counts_rows(spark_type: str, pattern: KeyPattern, expected: list[object]) -> None:
    made = block({"id": spark_type}, rows=[7, 8])
    number_key.apply(NumberKey(column="id", pattern=pattern), made)
    assert values(made, "id") == expected


def test_uuids_differ_and_depend_on_row_and_seed_only() -> None:
    step = NumberKey(column="id", pattern=KeyPattern(form="uuid"))
    found = []
    for rows, seed in ((range(5), 1), (range(3, 5), 1), (range(5), 2)):
        made = block({"id": "string"}, rows=rows, seed=seed)
        number_key.apply(step, made)
        found.append(values(made, "id"))
    assert len(set(found[0])) == 5 and found[1] == found[0][3:] and not set(found[0]) & set(found[2])


def test_a_key_that_its_type_cannot_hold_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(GenerationError, match="sample fewer rows, or widen the column"):
        number_key.apply(NumberKey(column="id", pattern=KeyPattern()), block({"id": "tinyint"}, rows=[126, 127]))


def test_children_have_their_parents_key_in_their_own_type() -> None:
    made = block({"a": "bigint", "b": "string"}, families=[2, 0, 1], parents={"pa": pd.array([7, 8, 9], dtype="Int32"), "pb": ["x", None, "z"]})
    parent_key.apply(ParentKey(columns=("a", "b"), parent_columns=("pa", "pb")), made)
    assert values(made, "a", "b") == [(7, "x"), (7, "x"), (9, "z")]
    assert str(made.columns["a"].type) == "int64"


def test_rows_without_a_parent_have_no_key_but_for_what_they_draw() -> None:
    made = block({"a": "bigint", "b": "string"}, rows=range(2))
    parent_key.apply(ParentKey(columns=("a", "b"), parent_columns=("pa", "pb"), fallback=("b",)), made)
    assert values(made, "a") == [None, None] and "b" not in made.columns


def test_positions_count_within_a_family() -> None:
    made = block({"line": "smallint"}, families=[3, 0, 2])
    position.apply(Position(column="line", start=10), made)
    assert values(made, "line") == [10, 11, 12, 10, 11]
    assert str(made.columns["line"].type) == "int16"


def test_carried_columns_come_in_their_exact_type() -> None:
    made = block({"d": "decimal(6,2)", "n": "int"}, rows=range(2))
    made.carried = pd.DataFrame({"d": [Decimal("1.50"), None], "n": pd.array([3, None], dtype="Int64")})
    carry.apply(Carry(columns=("d", "n")), made)
    assert values(made, "d", "n") == [(Decimal("1.50"), 3), (None, None)]
    assert str(made.columns["d"].type) == "decimal128(6, 2)" and str(made.columns["n"].type) == "int32"


def test_what_no_partner_has_brought_waits_for_the_row_model() -> None:
    has = status_column(0)
    made = block({"price": "double"}, [labels(has, True, False, spark_type="boolean")], rows=range(2))
    made.carried = pd.DataFrame({"price": [9.5, None], has: [True, False]})
    carry.apply(Carry(columns=("price", has), unless=(("price", has),)), made)
    assert made.open["price"].tolist() == [False, True]
