"""The order of the tables, and the keys that wait."""

from __future__ import annotations

import time

import pytest

from synthohive_spark.errors import SchemaError
from synthohive_spark.spec.graph import KeyRef, SchemaGraph
from synthohive_spark.spec.metadata import Metadata


def schema(**tables: dict[str, str]) -> Metadata:
    """Tables with the primary key `id` and single-column keys."""
    metadata = Metadata()
    for name, fk in tables.items():
        metadata.add_table(name, pk="id", fk=fk)
    return metadata


def test_parents_come_first_by_level_then_name() -> None:
    graph = SchemaGraph.from_metadata(schema(d={"b": "b.id", "c": "c.id"}, c={"a": "a.id"}, b={"a": "a.id"}, a={}, lone={}))
    assert graph.order == ("a", "lone", "b", "c", "d")
    assert graph.deferred == () and graph.cycles == ()


def test_two_keys_to_one_parent() -> None:
    assert SchemaGraph.from_metadata(schema(flights={"origin": "airports.id", "dest": "airports.id"}, airports={})).order == ("airports", "flights")


def test_unknown_parents_are_left_to_validation() -> None:
    assert SchemaGraph.from_metadata(schema(a={"x": "nowhere.id"})).order == ("a",)


def test_self_reference_waits_and_is_no_cycle() -> None:
    graph = SchemaGraph.from_metadata(schema(employees={"city": "cities.id", "boss": "employees.id"}, cities={}))
    assert graph.order == ("cities", "employees")
    assert graph.deferred == (KeyRef(table="employees", index=1),)
    assert graph.cycles == ()
    assert graph.is_deferred("employees", 1) and not graph.is_deferred("employees", 0)


def test_self_reference_within_a_composite_key_waits() -> None:
    metadata = Metadata().add_table(
        "t", pk=["tenant", "id"], foreign_keys=[{"columns": ["tenant", "up"], "parent_table": "t", "parent_columns": ["tenant", "id"]}]
    )
    assert SchemaGraph.from_metadata(metadata).deferred == (KeyRef(table="t", index=0),)


def test_self_reference_from_the_primary_key_is_refused() -> None:
    with pytest.raises(SchemaError, match=r"table 'a': the key \(id\) -> a\(id\) .* leave it out"):
        SchemaGraph.from_metadata(schema(a={"id": "a.id"}))


def test_cycle_is_broken_where_most_tables_wait() -> None:
    # As in sakila: a store has a manager, a member of staff has a store, and customers have a store too.
    graph = SchemaGraph.from_metadata(schema(customer={"s": "store.id"}, staff={"s": "store.id"}, store={"m": "staff.id"}))
    assert graph.order == ("store", "customer", "staff")
    assert graph.deferred == (KeyRef(table="store", index=0),)
    assert [set(c) for c in graph.cycles] == [{"staff", "store"}]


def test_parallel_keys_of_a_cycle_all_wait_and_the_cycle_is_named_once() -> None:
    graph = SchemaGraph.from_metadata(schema(a={"x": "b.id", "y": "b.id"}, b={"z": "a.id"}, c={"w": "a.id"}))
    assert graph.deferred == (KeyRef(table="a", index=0), KeyRef(table="a", index=1))
    assert len(graph.cycles) == 1


def test_a_key_in_the_primary_key_does_not_wait() -> None:
    # `b` shares its primary key with `a`, so that the key of `a` has to wait, though more tables wait for `b`.
    metadata = schema(a={"b": "b.id"}, b={"id": "a.id"}, c={"b": "b.id"}, d={"b": "b.id"})
    graph = SchemaGraph.from_metadata(metadata)
    assert graph.deferred == (KeyRef(table="a", index=0),)
    assert graph.order == ("a", "b", "c", "d")


def test_a_parallel_key_in_the_primary_key_makes_the_other_side_wait() -> None:
    graph = SchemaGraph.from_metadata(schema(a={"id": "b.id", "x": "b.id"}, b={"y": "a.id"}, c={"a": "a.id"}))
    assert graph.deferred == (KeyRef(table="b", index=0),)


def test_cycle_through_primary_keys_is_named() -> None:
    with pytest.raises(SchemaError, match="a -> b -> c -> a"):
        SchemaGraph.from_metadata(schema(a={"id": "b.id"}, b={"id": "c.id"}, c={"id": "a.id"}))


def test_a_late_break_frees_an_early_one() -> None:
    graph = SchemaGraph.from_metadata(schema(a={"b": "b.id"}, b={"c": "c.id"}, c={"a": "a.id", "b": "b.id"}))
    assert graph.deferred == (KeyRef(table="b", index=0),)
    assert graph.order == ("b", "a", "c")


def test_a_chain_of_a_thousand_tables_is_fast() -> None:
    metadata = schema(**{f"t{i}": ({"up": f"t{i - 1}.id"} if i else {}) for i in range(1000)})
    started = time.process_time()
    graph = SchemaGraph.from_metadata(metadata)
    assert time.process_time() - started < 1.0
    assert graph.order == tuple(f"t{i}" for i in range(1000))


def test_a_ring_of_a_thousand_tables_is_broken_once() -> None:
    graph = SchemaGraph.from_metadata(schema(**{f"t{i}": {"up": f"t{(i - 1) % 1000}.id"} for i in range(1000)}))
    assert len(graph.deferred) == 1 and len(graph.cycles[0]) == 1000


def test_survives_json() -> None:
    graph = SchemaGraph.from_metadata(schema(a={"b": "b.id"}, b={"a": "a.id"}))
    assert SchemaGraph.model_validate_json(graph.model_dump_json()) == graph
