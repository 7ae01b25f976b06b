"""Natural key columns that never repeat: alone, nested, in groups, by entity, with combinations of a reference table."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from step_blocks import block, days, labels, values

from synthohive_spark.kernels.steps import series
from synthohive_spark.spec.encoding import TextEncoding
from synthohive_spark.spec.steps import Series

CITIES = [("at", "graz"), ("at", "wien"), ("ch", "bern"), ("de", "bonn"), ("de", "köln"), ("it", "rome")]
TYPES = {"day": "date", "kind": "string", "flag": "boolean", "note": "string", "country": "string", "city": "string"}
DAY, KIND, FLAG = days("day", 100, 199), labels("kind", "a", "b", "c", counts=(70, 20, 10)), labels("flag", True, False, spark_type="boolean")
PAIR = (labels("country", "at", "ch", "de", "it"), labels("city", "graz", "wien", "bern", "bonn", "köln", "rome"))
NOTE = TextEncoding(name="note", spark_type="string", has_null=False, weights=(1.0,))


@pytest.mark.parametrize(
    ("columns", "total", "references"),
    [
        (("day",), 40, ()),
        (("day",), 130, ()),  # more than there were days
        (("kind",), 3, ()),
        (("kind", "day"), 90, ()),
        (("kind", "flag"), 6, ()),  # no room left
        (("flag", "kind", "day"), 500, ()),
        (("kind", "note"), 50, ()),
        (("country", "city"), 6, (0,)),
        (("kind", "country", "city"), 18, (0,)),
        (("country", "city", "day"), 300, (0,)),
    ],
)
def test_no_two_rows_are_alike_and_blocks_do_not_matter(columns: tuple[str, ...], total: int, references: tuple[int, ...]) -> None:
    step = Series(columns=columns, references=references)

    def made(first: int, last: int) -> list[object]:
        one = block(TYPES, (DAY, KIND, FLAG, NOTE, *PAIR), rows=range(first, last), total=total, combinations=CITIES)
        series.apply(step, one)
        return values(one, *columns)

    whole = made(0, total)
    assert len(set(whole)) == total
    assert made(0, total // 3) + made(total // 3, total) == whole
    if references:
        place = columns.index("country")
        assert {row[place : place + 2] for row in whole} <= set(CITIES)  # type: ignore[index]


def test_a_series_has_the_columns_distribution() -> None:
    made = block(TYPES, (DAY, KIND), rows=range(100), total=100)
    series.apply(Series(columns=("kind", "day")), made)
    assert values(made, "day") == sorted(values(made, "day"))
    first, last = date(1970, 1, 1) + timedelta(100), date(1970, 1, 1) + timedelta(199)
    assert first <= min(values(made, "day")) and max(values(made, "day")) <= last
    assert Counter(values(made, "kind")) == {"a": 70, "b": 20, "c": 10}


def test_rows_of_a_group_are_told_apart_over_its_parents() -> None:
    """Two parents share a region: their rows differ in the day; those of another region may have the same ones."""
    made = block(
        TYPES | {"region": "string"},
        (DAY,),
        families=[4, 5, 6],
        parents={},
        groups=([0, 4, 0], [9, 9, 6]),
        there={"region": ["n"] * 9 + ["s"] * 6},
        total=15,
    )
    series.apply(Series(columns=("day",), within=("region",)), made)
    rows = values(made, "region", "day")
    assert len(set(rows)) == 15
    assert {d for r, d in rows if r == "n"} != {d for r, d in rows if r == "s"}


def test_rows_without_a_parent_need_not_differ() -> None:
    """Their group is null: more of them than there are values or combinations are no trouble."""
    made = block(TYPES | {"region": "string"}, (KIND, *PAIR), rows=range(500), total=500, there={"region": [None] * 500}, combinations=CITIES)
    series.apply(Series(columns=("kind", "country", "city"), within=("region",), references=(0,)), made)
    assert len(values(made, "kind")) == 500 and set(values(made, "country", "city")) <= set(CITIES)
    assert 0.6 < Counter(values(made, "kind"))["a"] / 500 < 0.8


def test_entities_keep_their_shares_and_each_runs_on_its_own() -> None:
    step = Series(columns=("kind", "day"), entities=(("a",), ("b",)), counts=(30, 10))
    made = block(TYPES, (DAY, KIND), rows=range(80), total=80)
    series.apply(step, made)
    assert Counter(values(made, "kind")) == {"a": 60, "b": 20}
    assert len(set(values(made, "kind", "day"))) == 80


def test_an_entity_gets_no_more_rows_than_it_has_room_for() -> None:
    step = Series(columns=("kind", "flag"), entities=(("a",), ("b",), ("c",)), counts=(90, 5, 5))
    made = block(TYPES, (KIND, FLAG), rows=range(6), total=6)
    series.apply(step, made)
    assert len(set(values(made, "kind", "flag"))) == 6


def test_rows_of_families_have_no_order() -> None:
    made = block(TYPES, (DAY,), families=[30, 30, 30], total=90)
    series.apply(Series(columns=("day",)), made)
    found = [d.toordinal() for d in values(made, "day")]
    assert len(set(found)) == 90 and abs(np.corrcoef(range(90), found)[0, 1]) < 0.4
