"""Keys as real schemas have them: of every type, shared, nullable, one to one, in circles, to columns that are no primary key."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata

pytestmark = pytest.mark.spark

PARENTS, CHILDREN = 60, 240
Columns = dict[str, tuple[str, list[Any]]]
RNG = random.Random(7)


def pointing(kind: str, keys: list[Any], *, null: float = 0.0, child_kind: str = "") -> tuple[Columns, Columns]:
    """A parent with these keys and a child that points at them."""
    refs = [None if RNG.random() < null else RNG.choice(keys) for _ in range(CHILDREN)]
    child = {"id": ("int", list(range(CHILDREN))), "k": (child_kind or kind, refs), "y": ("string", [RNG.choice("ab") for _ in refs])}
    return {"k": (kind, keys), "x": ("double", [RNG.random() for _ in keys])}, child


TYPES = {
    "mail": pointing("string", [f"{c}.{i}@mail{i % 3}.de" for i, c in enumerate("abcdefghijklmnopqrst" * 3)]),
    "digest": pointing("string", [f"{random.Random(i).getrandbits(128):032x}" for i in range(PARENTS)]),
    "zeros": pointing("string", [f"{i * 37:06d}" for i in range(PARENTS)], null=0.2),
    "day": pointing("date", [date(2024, 1, 1) + timedelta(days=i) for i in range(PARENTS)]),
    "moment": pointing("timestamp", [datetime(2024, 3, 9, 12) + timedelta(minutes=30 * i) for i in range(PARENTS)]),
    "tiny": pointing("tinyint", list(range(-30, 30))),
    "double": pointing("double", [i + 0.5 for i in range(PARENTS)], null=0.1),
    "wide": pointing("bigint", [i * 10**6 for i in range(PARENTS)], child_kind="int"),
}


def relations() -> tuple[Metadata, dict[str, Columns]]:
    """Shapes of keys that schemas have."""
    rng = random.Random(5)
    metadata = Metadata()
    people: Columns = {
        "id": ("bigint", list(range(1, 81))),
        "code": ("string", [f"P-{i:03d}" for i in range(80)]),
        "age": ("int", [rng.randrange(90) for _ in range(80)]),
    }
    people["boss"] = ("bigint", [None if i < 4 else rng.randrange(1, i) for i in range(80)])
    metadata.add_table("people", pk="ID", fk={"BOSS": "PEOPLE.Id"})
    details: Columns = {"id": ("bigint", list(range(1, 81, 2))), "note": ("string", [rng.choice("xyz") for _ in range(40)])}
    metadata.add_table("details", pk="id", fk={"id": "people.id"})
    workers = [rng.randrange(1, 81) for _ in range(200)]
    tasks: Columns = {"id": ("int", list(range(200))), "doer": ("bigint", workers)}
    tasks["checker"] = ("bigint", [None if rng.random() < 0.4 else rng.choice([p for p in range(1, 81) if p != doer]) for doer in workers])
    metadata.add_table("tasks", pk="id", fk={"doer": "people.id", "checker": "people.id"})
    badges: Columns = {"n": ("int", list(range(120))), "person": ("string", [f"P-{rng.randrange(80):03d}" for _ in range(120)])}
    metadata.add_table("badges", pk="n", fk={"person": "people.code"})
    member: Columns = {
        "person": ("bigint", [p for p in range(1, 81) for _ in range(2)]),
        "task": ("int", [t for p in range(80) for t in rng.sample(range(200), 2)]),
    }
    metadata.add_table("member", fk={"person": "people.id", "task": "tasks.id"})
    firms: Columns = {"id": ("int", list(range(3))), "city": ("string", ["a", "b", "a"])}
    metadata.add_table("firms", pk="id")
    offers: Columns = {"id": ("int", list(range(300))), "firm": ("int", [1] * 300)}
    metadata.add_table("offers", pk="id", fk={"firm": "firms.id"})
    rooms: Columns = {
        "house": ("int", [h for h in range(8) for _ in range(5)]),
        "room": ("string", [f"r{i % 5}" for i in range(40)]),
        "size": ("float", [rng.random() for _ in range(40)]),
    }
    metadata.add_table("rooms", pk=["house", "room"])
    half = [rng.random() for _ in range(200)]
    visits: Columns = {
        "id": ("int", list(range(200))),
        "house": ("int", [None if h < 0.2 else rng.randrange(8) for h in half]),
        "room": ("string", [None if h < 0.1 or h > 0.9 else f"r{rng.randrange(5)}" for h in half]),
    }
    metadata.add_table("visits", pk="id", foreign_keys=[{"columns": ["house", "room"], "parent_table": "rooms"}])
    left: Columns = {"id": ("int", list(range(50))), "right": ("int", [None if i % 3 else rng.randrange(50) for i in range(50)])}
    right: Columns = {"id": ("int", list(range(50))), "left": ("int", [rng.randrange(50) for _ in range(50)])}
    metadata.add_table("left", pk="id", fk={"right": "right.id"})
    metadata.add_table("right", pk="id", fk={"left": "left.id"})
    tables = {"people": people, "details": details, "tasks": tasks, "badges": badges, "member": member, "firms": firms, "offers": offers}
    return metadata, tables | {"rooms": rooms, "visits": visits, "left": left, "right": right}


@pytest.fixture(scope="module")
def both(frame: Any, copied: Any) -> tuple[dict[str, Columns], dict[str, pd.DataFrame]]:
    """All of it as one schema: the real columns and the copy."""
    metadata, tables = relations()
    for name, (parent, child) in TYPES.items():
        metadata.add_table(f"{name}_p", pk="k")
        metadata.add_table(f"{name}_c", pk="id", fk={"k": f"{name}_p.k"})
        tables |= {f"{name}_p": parent, f"{name}_c": child}
    made = copied(metadata, {name: frame(columns) for name, columns in tables.items()})
    return tables, {name: plain(made[name]) for name in tables}


def children(made: dict[str, pd.DataFrame], child: str, key: str, parent: str, pk: str = "id") -> pd.Series:
    """Children of each parent; no child points at none."""
    assert set(made[child][key].dropna()) <= set(made[parent][pk])
    counts = made[child][key].value_counts()
    return made[parent][pk].map(counts).fillna(0).astype(int)


@pytest.mark.parametrize("name", TYPES)
def test_keys_of_every_type(both: Any, name: str) -> None:
    """sdv-dev/SDV#361: keys that are dates, times or floats; sdv-dev/SDV#117: keys that are text. All join, at the real share of nulls."""
    real, made = both
    parent, child = made[f"{name}_p"], made[f"{name}_c"]
    assert len(parent) == len(real[f"{name}_p"]["k"][1]) and parent.k.is_unique and parent.k.notna().all()
    assert set(child.k.dropna()) <= set(parent.k) and len(child) == CHILDREN
    assert abs(child.k.isna().mean() - pd.Series(real[f"{name}_c"]["k"][1], dtype=object).isna().mean()) < 0.06


def test_keys_look_as_they_did(both: Any) -> None:
    """sdv-dev/SDV#246: natural keys became numbers of a sequence, and lost what they said."""
    made = both[1]
    assert made["mail_p"].k.str.fullmatch(r"[^@ ]+@example\.com").all() and made["digest_p"].k.str.fullmatch("[0-9a-f]{32}").all()
    assert made["zeros_p"].k.str.fullmatch(r"\d{6}").all() and made["people"].code.str.fullmatch(r"P-\d{3}").all()


def test_numbers_as_keys_are_unique(both: Any) -> None:
    """sdv-dev/SDV#1109: a key of numbers repeated itself."""
    real, made = both
    assert made["tiny_p"].k.is_unique and made["tiny_p"].k.between(-128, 127).all() and made["wide_p"].k.is_unique


def test_a_table_that_points_at_itself(both: Any) -> None:
    """sdv-dev/SDV#735: employees report to employees; names of keys in other capitals."""
    people = both[1]["people"]
    boss = people.set_index("id").boss
    assert set(boss.dropna()) <= set(people.id) and boss.isna().sum() == 4
    for start in people.id:  # no circles
        seen = set()
        while start is not None and start == start:
            assert start not in seen
            seen.add(start)
            start = boss[start]


def test_a_key_that_is_a_key_to_another_table(both: Any) -> None:
    """sdv-dev/SDV#2779: a table of details, at most one row per person."""
    made = both[1]
    assert children(made, "details", "id", "people").max() == 1 and len(made["details"]) == 40


def test_two_keys_to_one_table(both: Any) -> None:
    """sdv-dev/SDV#185: a task has somebody who does it, and perhaps somebody else who checks it."""
    made = both[1]
    children(made, "tasks", "doer", "people"), children(made, "tasks", "checker", "people")
    tasks = made["tasks"]
    assert abs(tasks.checker.isna().mean() - 0.4) < 0.1 and (tasks.doer == tasks.checker).sum() <= 5  # so few rows would hardly meet by chance


def test_a_key_to_a_unique_column_that_is_no_primary_key(both: Any) -> None:
    """sdv-dev/SDV#2309: the key refers to another column of the parent, which never repeats."""
    made = both[1]
    children(made, "badges", "person", "people", "code")
    assert made["people"].code.is_unique


def test_a_table_of_two_keys_alone(both: Any) -> None:
    """sdv-dev/SDV#161: who works on what, with no other column; sdv-dev/SDV#1257: such tables have nothing to learn."""
    made = both[1]
    assert children(made, "member", "person", "people").eq(2).all() and len(made["member"]) == 160
    children(made, "member", "task", "tasks")


def test_one_parent_has_all_children(both: Any) -> None:
    """sdv-dev/SDV#1834: numbers of children must be those of the real parents."""
    assert sorted(children(both[1], "offers", "firm", "firms")) == [0, 0, 300]


def test_keys_of_several_columns_that_are_partly_null(both: Any) -> None:
    """sdv-dev/SDV#613: keys of several columns; sdv-dev/SDV#1656: keys that may be null, here in one of two columns."""
    made = both[1]
    rooms, visits = made["rooms"], made["visits"]
    whole = visits.dropna(subset=["house", "room"])
    assert set(zip(whole.house, whole.room, strict=True)) <= set(zip(rooms.house, rooms.room, strict=True)) and not rooms.duplicated(["house", "room"]).any()
    assert (visits.house.notna() & visits.room.isna()).any() and (visits.house.isna() & visits.room.notna()).any()


def test_tables_that_point_at_each_other(both: Any) -> None:
    """sdv-dev/SDV#2205: circles of tables were not noticed, and broke later."""
    made = both[1]
    children(made, "left", "right", "right"), children(made, "right", "left", "left")
    assert abs(made["left"].right.isna().mean() - 0.66) < 0.1 and made["right"].left.notna().all()
