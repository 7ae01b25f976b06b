"""Random schemas: parents first, only cycles make keys wait, and the order of insertion does not matter."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata

Edges = dict[str, list[str]]  # table -> the parent of each of its keys


@st.composite
def schemas(draw: st.DrawFn, acyclic: bool = False) -> Edges:
    count = draw(st.integers(1, 8))
    names = [f"t{i}" for i in range(count)]
    edges: Edges = {}
    for i, name in enumerate(names):
        parents = names[:i] if acyclic else names
        edges[name] = draw(st.lists(st.sampled_from(parents), max_size=4)) if parents else []
    return edges


def metadata_of(edges: Edges, shuffle: int = 0) -> Metadata:
    names = sorted(edges)
    random.Random(shuffle).shuffle(names)
    metadata = Metadata()
    for name in names:
        metadata.add_table(name, pk="id", fk={f"k{i}": f"{parent}.id" for i, parent in enumerate(edges[name])})
    return metadata


def is_acyclic(edges: list[tuple[str, str]]) -> bool:
    """By taking away tables that nothing waits for, until none is left; another way than the one under test."""
    left = {n for edge in edges for n in edge}
    while left:
        free = {n for n in left if not any(child == n and parent in left for child, parent in edges)}
        if not free:
            return False
        left -= free
    return True


@settings(max_examples=100, deadline=None)
@given(schemas(acyclic=True), st.integers())
def test_without_cycles_nothing_waits(edges: Edges, shuffle: int) -> None:
    graph = SchemaGraph.from_metadata(metadata_of(edges, shuffle))
    place = {name: i for i, name in enumerate(graph.order)}
    assert sorted(place) == sorted(edges)
    assert graph.deferred == () and graph.cycles == ()
    assert all(place[parent] < place[child] for child, parents in edges.items() for parent in parents)


@settings(max_examples=150, deadline=None)
@given(schemas())
def test_what_waits_is_exactly_what_breaks_the_cycles(edges: Edges) -> None:
    graph = SchemaGraph.from_metadata(metadata_of(edges))
    keys = {(name, i): (name, parent) for name, parents in edges.items() for i, parent in enumerate(parents)}
    waiting = {(ref.table, ref.index) for ref in graph.deferred}
    place = {name: i for i, name in enumerate(graph.order)}
    assert sorted(place) == sorted(edges)
    kept = [edge for ref, edge in keys.items() if ref not in waiting]
    assert all(place[parent] < place[child] for child, parent in kept)
    for ref in waiting:  # none of them waits for nothing
        assert not is_acyclic([*kept, keys[ref]])
    loops = {ref for ref, (child, parent) in keys.items() if child == parent}
    assert loops <= waiting
    assert bool(graph.cycles) == bool(waiting - loops)


@settings(max_examples=100, deadline=None)
@given(schemas(), st.integers(), st.integers())
def test_the_order_of_insertion_does_not_matter(edges: Edges, first: int, second: int) -> None:
    assert SchemaGraph.from_metadata(metadata_of(edges, first)) == SchemaGraph.from_metadata(metadata_of(edges, second))


@settings(max_examples=100, deadline=None)
@given(schemas())
def test_cycles_are_named_along_their_keys(edges: Edges) -> None:
    for cycle in SchemaGraph.from_metadata(metadata_of(edges)).cycles:
        assert len(cycle) >= 2 and len(set(cycle)) == len(cycle)
        assert all(cycle[(i + 1) % len(cycle)] in edges[name] for i, name in enumerate(cycle))
