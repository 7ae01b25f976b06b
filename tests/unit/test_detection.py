"""What is decided from facts: keys of schemas with all kinds of names, dirty keys, declared keys, personal columns, lookups."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from detection_eyes import detected, keys_of
from known_schemas import KNOWN
from made_up_schemas import SCHEMAS, MadeUp

from synthohive_spark.spec.detection.declared import declared_in, told_in_comments
from synthohive_spark.spec.detection.facts import ColumnSeen, DeclaredKey
from synthohive_spark.spec.detection.inclusion import Inclusion, of_samples, surprise, threshold
from synthohive_spark.spec.detection.names import Names
from synthohive_spark.spec.planning.faults import rows_to_leave_out
from synthohive_spark.spec.survey import Survey, TableFacts, UniqueFacts
from synthohive_spark.stages.detection.declared import declared_keys


@pytest.mark.parametrize("make", [*SCHEMAS.values(), *KNOWN.values()], ids=[*SCHEMAS, *KNOWN])
def test_keys_are_found_whatever_the_habit_of_naming(make: Callable[[], MadeUp]) -> None:
    made = make()
    metadata, found = detected(made.frames)
    assert keys_of(metadata) == (made.primary, made.foreign)
    assert all(0 <= one.confidence <= 1 and one.reason for one in found)
    assert detected(made.frames) == (metadata, found)


@pytest.mark.parametrize("name", ["chinook", "sakila", "northwind"])
def test_the_declared_keys_of_known_datasets_are_found_and_no_others(name: str, shared_data: Path) -> None:
    raw = json.loads((shared_data / name / "metadata.json").read_text(encoding="utf-8"))
    frames = {}
    for table, spec in raw["tables"].items():
        frame = pd.read_parquet(shared_data / name / spec["file"])
        whole = [c for c, said in spec["columns"].items() if said["type"] == "int64"]
        frames[table] = frame.astype(dict.fromkeys(whole, "Int64"))
    metadata, _ = detected(frames)
    primary, foreign = keys_of(metadata)
    assert primary == {table: ", ".join(spec["primary_key"]) for table, spec in raw["tables"].items()}
    assert foreign == {f"{k['table']}({', '.join(k['columns'])}) -> {k['parent_table']}({', '.join(k['parent_columns'])})" for k in raw["foreign_keys"]}


def shop(**orders: object) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    customers = pd.DataFrame({"customer_id": np.arange(200) + 1, "segment": rng.choice(["a", "b"], 200)})
    return {"customers": customers, "orders": pd.DataFrame({"order_id": np.arange(1000) + 1, "customer_id": rng.integers(1, 201, 1000)} | orders)}


def test_orphans_get_a_policy_and_a_reason() -> None:
    frames = shop()
    frames["orders"].loc[:29, "customer_id"] = -1
    metadata, found = detected(frames)
    (key,) = metadata.tables["orders"].foreign_keys
    assert key.orphans == "null"
    (told,) = [one for one in found if one.what == "foreign key"]
    assert "30 of 1,000 rows have no parent" in told.reason and told.confidence < 0.99


def test_a_key_that_most_rows_break_is_none() -> None:
    frames = shop()
    frames["orders"]["customer_id"] += 150
    metadata, _ = detected(frames)
    assert not metadata.tables["orders"].foreign_keys


def test_orphans_in_a_primary_key_are_dropped_as_it_cannot_be_null() -> None:
    rng = np.random.default_rng(3)
    codes = np.array([f"K{i:04d}" for i in range(300)])
    frames = {"items": pd.DataFrame({"item_code": codes[:280]}), "item_stocks": pd.DataFrame({"item_code": codes, "pieces": rng.integers(0, 9, 300)})}
    metadata, _ = detected(frames)
    assert [str(k) + k.orphans for k in metadata.tables["item_stocks"].foreign_keys] == ["(item_code) -> items(item_code)drop"]


def test_few_repeats_leave_a_key_less_sure_and_many_none() -> None:
    frames = shop()
    frames["customers"].loc[0, "customer_id"] = 2
    metadata, found = detected(frames)
    assert metadata.tables["customers"].primary_key == ("customer_id",)
    assert any("1 of 200 rows repeat it" in one.reason and one.confidence < 0.95 for one in found)
    frames["customers"].loc[:50, "customer_id"] = 2
    assert not detected(frames)[0].tables["customers"].primary_key


def test_what_is_proposed_for_a_dirty_primary_key_is_what_fit_leaves_out() -> None:
    frames = shop()
    frames["orders"].loc[:2, "order_id"] = 1
    metadata, _ = detected(frames)
    repeats = UniqueFacts(columns=("order_id",), repeats=2)
    survey = Survey(tables={"orders": TableFacts(table="orders", columns=(), rows=1000, read=1000, uniques=(repeats,))})
    assert rows_to_leave_out(metadata, survey) == {"orders": 2}


BY_ID = {"customers": [DeclaredKey(("customer_id",))]}


def with_codes(repeated: int) -> dict[str, pd.DataFrame]:
    """Orders that point at a code of customers beside its key."""
    frames = shop()
    codes = [f"K{i:04d}" for i in range(200)]
    frames["customers"]["customer_code"] = codes[repeated:] + codes[-1:] * repeated
    frames["orders"] = frames["orders"].drop(columns="customer_id").assign(customer_code=np.resize(codes[repeated:], 1000))
    return frames


def test_keys_to_columns_that_repeat_are_told_and_not_taken() -> None:
    binding = {"orders": [DeclaredKey(("customer_code",), "customers", ("customer_code",))]}
    for repeated, declared in ((0, {}), (1, {}), (1, binding)):
        metadata, found = detected(with_codes(repeated), declared | BY_ID)
        told = [one for one in found if one.what == "foreign key"]
        assert [one.taken for one in told] == [not repeated] == [bool(metadata.tables["orders"].foreign_keys)]
        assert ("1 of 200 rows of customers repeat" in told[0].reason) == bool(repeated)


def test_rows_left_out_above_give_the_keys_below_a_policy() -> None:
    frames = with_codes(0)
    frames["customers"].loc[0, "customer_id"] = 2
    metadata, found = detected(frames, BY_ID)
    assert [key.orphans for key in metadata.tables["orders"].foreign_keys] == ["null"]
    assert any(one.what == "foreign key" and "rows of customers are left out" in one.reason for one in found)
    codes = [f"K{i:04d}" for i in range(300)]
    frames = {
        "items": pd.DataFrame({"item_code": codes[:280]}),
        "item_stocks": pd.DataFrame({"item_code": codes}),
        "moves": pd.DataFrame({"move_id": np.arange(900), "stock": np.resize(codes, 900)}),
    }
    declared = {"item_stocks": [DeclaredKey(("item_code",)), DeclaredKey(("item_code",), "items")], "moves": [DeclaredKey(("stock",), "item_stocks")]}
    metadata, _ = detected(frames, declared)
    assert {name: [key.orphans for key in table.foreign_keys] for name, table in metadata.tables.items()} == {
        "items": [],
        "item_stocks": ["drop"],
        "moves": ["null"],
    }


def test_orphans_in_a_circle_that_no_policy_mends_leave_the_key_out() -> None:
    frames = {"people": pd.DataFrame({"person_id": np.arange(100) + 1, "boss_id": np.arange(100) + 4})}
    declared = {"people": [DeclaredKey(("boss_id",), "people")]}
    assert [key.orphans for key in detected(frames, declared)[0].tables["people"].foreign_keys] == ["null"]
    metadata, found = detected(frames, declared, not_null={"boss_id"})
    assert not metadata.tables["people"].foreign_keys and metadata.tables["people"].primary_key
    assert [(one.taken, "no column to empty" in one.reason) for one in found if one.what == "foreign key"] == [(False, True)]
    frames["people"].loc[97:, "boss_id"] = 1
    assert [key.orphans for key in detected(frames, declared, not_null={"boss_id"})[0].tables["people"].foreign_keys] == ["error"]


def test_a_table_that_joins_two_has_their_keys_where_they_hold() -> None:
    rng = np.random.default_rng(4)
    frames = {
        "actors": pd.DataFrame({"actor_id": np.arange(60) + 100}),
        "films": pd.DataFrame({"film_id": np.arange(60) + 5000}),
        "film_actors": pd.DataFrame({"film_id": rng.permutation(60) + 5000, "actor_id": pd.array(rng.integers(100, 160, 60), "Int64")}),
        "reviews": pd.DataFrame({"review_id": np.arange(500), "film_id": rng.integers(5000, 5060, 500)}),
    }
    assert detected(frames)[0].tables["film_actors"].primary_key == ("film_id", "actor_id")
    assert detected(frames, {"film_actors": [DeclaredKey(("film_id",))]})[0].tables["film_actors"].primary_key == ("film_id",)
    frames["film_actors"].loc[3, "actor_id"] = None
    assert detected(frames)[0].tables["film_actors"].primary_key == ("film_id",)


def test_numbers_of_lines_are_parts_of_keys_in_any_spelling() -> None:
    sizes = np.arange(200) % 5 + 1
    orders, lines = np.repeat(np.arange(200) + 1, sizes), np.concatenate([np.arange(size) + 1 for size in sizes])
    sure = {}
    for name in ("line_rank", "lineRank", "Line-Rank", "quantity"):
        items = pd.DataFrame({"order_id": orders, name: lines})
        _, found = detected({"orders": pd.DataFrame({"order_id": np.arange(200) + 1}), "order_items": items})
        sure[name] = next(one.confidence for one in found if one.columns == ("order_id", name))
    assert sure["line_rank"] == sure["lineRank"] == sure["Line-Rank"] > sure["quantity"]


def test_what_is_declared_comes_first() -> None:
    frames = shop(other=np.arange(1000) + 5000, buyer=np.tile(np.arange(200) + 1, 5))
    declared = {"orders": [DeclaredKey(("other",)), DeclaredKey(("buyer",), "customers")]}
    metadata, found = detected(frames, declared)
    assert metadata.tables["orders"].primary_key == ("other",)
    assert [str(k) for k in metadata.tables["orders"].foreign_keys] == ["(buyer) -> customers(customer_id)", "(customer_id) -> customers(customer_id)"]
    assert {one.confidence for one in found if "declared by a constraint" in one.reason} == {1.0}


def test_a_circle_through_primary_keys_is_cut_where_it_is_least_sure() -> None:
    ids = np.array([f"x{i:05d}" for i in range(100)])
    frames = {"a": pd.DataFrame({"id": ids}), "b": pd.DataFrame({"id": ids}), "c": pd.DataFrame({"id": ids})}
    declared = {"a": [DeclaredKey(("id",), "b")], "b": [DeclaredKey(("id",), "c", binding=False)], "c": [DeclaredKey(("id",), "a")]}
    metadata, found = detected(frames, declared)
    assert {name: len(table.foreign_keys) for name, table in metadata.tables.items()} == {"a": 1, "b": 0, "c": 1}
    assert [one.table for one in found if "no row could come first" in one.reason and not one.taken] == ["b"]


def test_an_empty_schema_and_empty_tables_are_taken_by_their_names() -> None:
    assert detected({})[0].tables == {}
    empty = {name: frame.iloc[:0] for name, frame in shop().items()}
    metadata, found = detected(empty)
    assert keys_of(metadata) == ({"customers": "customer_id", "orders": "order_id"}, {"orders(customer_id) -> customers(customer_id)"})
    assert max(one.confidence for one in found) < 0.75


def test_personal_columns_by_name_and_by_content() -> None:
    rng = np.random.default_rng(1)
    names = rng.choice(["Ana", "Bo", "Cy"], 50)
    frame = pd.DataFrame(
        {
            "user_id": np.arange(50),
            "first_name": names,
            "contact": [f"{n}{i}@mail.test" for i, n in enumerate(names)],
            "origin": [f"10.0.{i}.1" for i in range(50)],
            "city": rng.choice(["Oslo", "Rome"], 50),
            "passport_no": [f"P{i:06d}" for i in range(50)],
        }
    )
    metadata, found = detected({"users": frame})
    assert metadata.tables["users"].pii_cols == {"first_name": "first_name", "contact": "email", "origin": "ipv4", "passport_no": None}
    assert not any(str(value) in one.reason for one in found for value in [*frame["contact"], *frame["passport_no"]])
    assert not detected({"things": frame[["user_id", "city"]]})[0].tables["things"].pii_cols


def test_lookups_are_references_or_only_told() -> None:
    frames = shop(status_id=np.tile([1, 2, 3, 4, 5], 200))
    frames["order_status"] = pd.DataFrame({"status_id": np.arange(1, 6), "label": ["new", "paid", "sent", "lost", "back"]})
    metadata, _ = detected(frames)
    assert {name: table.role for name, table in metadata.tables.items()} == {"customers": "learnt", "orders": "learnt", "order_status": "reference"}
    frames["order_status"]["category_id"], frames["order_status"]["since"] = [1, 1, 2, 2, 2], pd.date_range("2024-01-01", periods=5)
    frames["categories"] = pd.DataFrame({"category_id": [1, 2], "label": ["open", "closed"]})
    metadata, found = detected(frames)
    assert metadata.tables["order_status"].foreign_keys and not [one for one in found if one.what == "order" and one.table == "order_status"]
    assert all(table.order_by is None for table in metadata.tables.values())
    told, found = detected(frames, references=False)
    assert told.tables["order_status"].role == "learnt" and "role" not in told.tables["order_status"].model_fields_set
    assert {one.taken for one in found if one.what == "reference"} == {False}


def test_the_time_of_an_event_orders_and_that_of_an_update_does_not() -> None:
    times = pd.date_range("2024-01-01", periods=1000, freq="h")
    assert detected(shop(placed=times, last_update=times[::-1]))[0].tables["orders"].order_by == "placed"
    assert detected(shop(last_update=times))[0].tables["orders"].order_by is None


@pytest.mark.parametrize(
    ("child", "parent", "least", "most"),
    [
        ("orders.customer_id", "customers.id", 0.9, 1),
        ("orders.customer", "customers.id", 0.8, 0.9),
        ("orders.billingCustomerRef", "customers.id", 0.8, 0.9),
        ("orders.CUST_NO", "customers.id", 0.6, 0.7),
        ("orders.custid", "customers.id", 0.6, 0.7),
        ("orders.id", "customers.id", 0, 0),
        ("orders.customers", "customers.id", 0, 0),  # how many
        ("orders.order_id", "customers.id", 0, 0),
        ("people.parent_id", "people.person_id", 0.8, 0.9),
        ("people.name", "people.person_id", 0, 0),
    ],
)
def test_names_tell_how_likely_a_key_is(child: str, parent: str, least: float, most: float) -> None:
    pair = [tuple(name.split(".")) for name in (child, parent)]
    tables: dict[str, list[str]] = {"customers": ["id"], "orders": ["id"], "people": ["person_id"]}
    for table, column in pair:
        tables[table].append(column)
    assert least <= Names.of(tables).affinity(pair[0], pair[1])[0] <= most


def test_samples_of_one_hash_tell_inclusion_from_few_values() -> None:
    rng = np.random.default_rng(2)
    hashes = [int(h) for h in rng.integers(-(2**63), 2**63, 10_000)]

    def column(values: list[int], share: float) -> ColumnSeen:
        kept = frozenset(h for h in values if h < threshold(share))
        return ColumnSeen("c", "string", distinct=len(values), length=8.0, sample=kept, share=share)

    parent, half = column(hashes, 0.05), column(hashes[:5000] + [int(h) for h in rng.integers(-(2**63), 2**63, 5000)], 0.1)
    assert of_samples(column(hashes[:4000], 0.1), parent).share == 1.0
    assert of_samples(half, parent).share == pytest.approx(0.5, abs=0.08)
    few = of_samples(column(hashes[:40], 1.0), parent)
    assert not few.final and few.compared < 20


def test_numbers_that_any_key_would_hold_surprise_nobody() -> None:
    def whole(low: int, high: int, distinct: int) -> ColumnSeen:
        return ColumnSeen("c", "bigint", rows=5000, values=5000, distinct=distinct, low=low, high=high)

    all_there = Inclusion(50, 50, True)
    assert surprise(whole(1, 50, 50), whole(1, 5000, 5000), all_there) <= 0.1
    assert surprise(whole(1, 4990, 4000), whole(1, 5000, 5000), all_there) > 0.5
    assert surprise(whole(7000, 9000, 50), whole(5000, 900000, 5000), all_there) == 0.9
    assert surprise(whole(1, 50, 50), whole(1, 5000, 5000), Inclusion(0, 50, True)) == 0


def test_constraints_as_catalogs_describe_them() -> None:
    lines = [
        "PRIMARY KEY (`first name`, `last``s`)",
        "FOREIGN KEY (`owner`, no) REFERENCES `main`.`default`.`persons` (`first name`, `last``s`) NOT ENFORCED",
        "CHECK (a > 0)",
        "FOREIGN KEY (`x`) REFERENCES `y`",
    ]
    first, second, third = declared_in(lines)
    assert first.columns == ("first name", "last`s") and first.parent_table is None
    assert (second.columns, second.parent_table, second.parent_columns) == (("owner", "no"), "persons", ("first name", "last`s"))
    assert (third.columns, third.parent_table, third.parent_columns) == (("x",), "y", ())


def test_comments_tell_keys_only_where_they_name_tables() -> None:
    comments = {
        "id": "Primary key.",
        "buyer": "FK to Customers.ID",
        "seller": "references customers(id)",
        "note": "references to older letters",
        "kind": "the primary colour",
        "part": "part of the primary key of customers",
    }
    told = told_in_comments(comments, {"customers": ["id"], "orders": list(comments)})
    assert [(k.columns, k.parent_table, k.parent_columns) for k in told] == [
        (("id",), None, ()),
        (("buyer",), "customers", ("id",)),
        (("seller",), "customers", ("id",)),
    ]


def test_no_reason_holds_a_value() -> None:
    secret = shop(code=[f"SECRET{i:04d}" for i in range(1000)])
    _, found = detected(secret)
    assert not any(re.search("SECRET", one.model_dump_json()) for one in found)


def test_what_a_catalog_declares_is_told_in_the_names_of_the_data() -> None:
    described = [
        ("id", "bigint"),
        ("# Constraints", ""),
        ("k", "FOREIGN KEY (BUYER) REFERENCES lake.shop.Customers (ID) NOT ENFORCED"),
        ("l", "FOREIGN KEY (seller) REFERENCES lake.shop.elsewhere (id)"),
        ("m", "FOREIGN KEY (gone) REFERENCES lake.shop.customers (id)"),
        ("# Detailed Table Information", ""),
        ("Comment", "PRIMARY KEY (seller)"),
    ]
    rows = [{"col_name": name, "data_type": text} for name, text in described]
    spark: Any = SimpleNamespace(sql=lambda text: SimpleNamespace(collect=lambda: rows if "orders" in text else []))

    def frame(*columns: str) -> Any:
        fields = [{"name": c, "type": "long", "metadata": {}} for c in columns]
        return SimpleNamespace(columns=list(columns), schema=SimpleNamespace(jsonValue=lambda: {"fields": fields}))

    read: dict[str, Any] = {"buyers": ("lake.shop.customers", frame("id")), "orders": ("lake.shop.orders", frame("id", "buyer", "seller"))}
    found = declared_keys(spark, read)
    assert found["buyers"] == []
    assert [(k.columns, k.parent_table, k.parent_columns) for k in found["orders"]] == [(("buyer",), "buyers", ("id",))]
