"""Natural key parts that were drawn, moved where they repeat within a family; and combinations of reference tables."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from step_blocks import block, days, labels, values

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.steps import combine, distinct
from synthohive_spark.spec.encoding import TextEncoding
from synthohive_spark.spec.steps import Combine, Distinct

CITIES = [("at", "graz"), ("at", "wien"), ("ch", "bern"), ("de", "bonn")]
TYPES = {"day": "date", "kind": "string", "flag": "boolean", "note": "string", "country": "string", "city": "string"}
DAY, KIND, FLAG = days("day", 0, 30), labels("kind", "a", "b", "c"), labels("flag", True, False, spark_type="boolean")
NOTE = TextEncoding(name="note", spark_type="string", has_null=False, weights=(1.0,))
PAIR = (labels("country", "at", "ch", "de"), labels("city", "graz", "wien", "bern", "bonn"))
ENCODINGS = (DAY, KIND, FLAG, NOTE, *PAIR)
MONDAY = date(1970, 1, 5)


@pytest.mark.parametrize(
    ("there", "references"),
    [
        ({"day": [MONDAY] * 6}, ()),
        ({"kind": ["a", "a", "b", "c", "c", "c"]}, ()),
        ({"kind": ["a"] * 6, "flag": [True] * 6}, ()),
        ({"flag": [True] * 6, "note": ["x"] * 6}, ()),  # text has room, flags have not
        ({"kind": ["a"] * 6, "day": [MONDAY] * 6}, ()),
        ({"country": ["at"] * 6, "city": ["graz"] * 6}, (0,)),
        ({"country": ["at"] * 6, "city": ["graz"] * 6, "flag": [True] * 6}, (0,)),
        ({"country": ["at"] * 6, "city": ["graz"] * 6, "day": [MONDAY] * 6}, (0,)),
    ],
)
def test_no_family_has_a_combination_twice(there: dict[str, list[object]], references: tuple[int, ...]) -> None:
    made = block(TYPES, ENCODINGS, families=[3, 0, 3], there=there, combinations=CITIES)
    distinct.apply(Distinct(columns=tuple(there), references=references), made)
    families = [0, 0, 0, 1, 1, 1]
    assert len(set(zip(families, *(values(made, c) for c in there), strict=True))) == 6
    if references:
        assert set(values(made, "country", "city")) <= set(CITIES)


def test_what_differs_already_stays() -> None:
    drawn = {"kind": ["a", "b", "c", "a"], "day": [MONDAY, MONDAY, MONDAY, MONDAY + timedelta(1)]}
    made = block(TYPES, ENCODINGS, families=[4], there=drawn)
    distinct.apply(Distinct(columns=("day", "kind")), made)
    assert {c: values(made, c) for c in drawn} == drawn


def test_numbers_move_before_labels_do() -> None:
    made = block(TYPES, ENCODINGS, families=[3], there={"kind": ["a"] * 3, "day": [MONDAY] * 3})
    distinct.apply(Distinct(columns=("kind", "day")), made)
    assert values(made, "kind") == ["a"] * 3
    assert sorted(values(made, "day")) == [MONDAY, MONDAY + timedelta(1), MONDAY + timedelta(2)]


def test_rows_with_a_null_repeat_nothing() -> None:
    made = block(TYPES, ENCODINGS, families=[5], there={"kind": [None, None, "a", "a", None]})
    distinct.apply(Distinct(columns=("kind",)), made)
    found = values(made, "kind")
    assert found[:2] == [None, None] and found[4] is None and found[2] == "a" and found[3] in ("b", "c")


def test_values_may_repeat_as_often_as_a_later_key_tells_them_apart() -> None:
    made = block(TYPES, ENCODINGS, families=[6], there={"kind": ["a"] * 6}, partners={2: 2})
    distinct.apply(Distinct(columns=("kind",), later=(2,)), made)
    assert sorted(values(made, "kind")) == ["a", "a", "b", "b", "c", "c"]
    enough = block(TYPES, ENCODINGS, families=[6], there={"kind": ["a"] * 6}, partners={2: 6})
    distinct.apply(Distinct(columns=("kind",), later=(2,)), enough)
    assert values(enough, "kind") == ["a"] * 6


def test_a_family_with_more_rows_than_combinations_is_an_error() -> None:
    made = block(TYPES, ENCODINGS, families=[7], there={"kind": ["a"] * 7, "flag": [True] * 7})
    with pytest.raises(GenerationError, match="more rows than its key columns"):
        distinct.apply(Distinct(columns=("kind", "flag")), made)


def test_combinations_that_do_not_exist_give_way_around_what_is_fixed() -> None:
    made = block(TYPES, ENCODINGS, rows=range(3), there={"country": ["at", "ch", "de"], "city": ["wien", "wien", None]}, combinations=CITIES)
    combine.apply(Combine(key=0, fixed=("country",)), made)
    assert values(made, "country", "city") == [("at", "wien"), ("ch", "bern"), ("de", None)]
