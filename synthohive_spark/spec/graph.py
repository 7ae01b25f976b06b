"""The relational DAG: in which order tables are generated, and which keys have to wait.

A key whose parent comes later (a self reference, or one edge of a cycle) is deferred: its table is generated without it, and the key is
matched once the parent's rows are there.
"""

from __future__ import annotations

from ..errors import SchemaError
from .base import Spec
from .metadata import ForeignKey, Metadata, Table


class KeyRef(Spec):
    """The `index`-th foreign key of `table`."""

    table: str
    index: int


class SchemaGraph(Spec):
    """Tables resolved to an order.

    Attributes:
        order: all tables, parents before children (deferred keys apart).
        deferred: keys matched after their parent, in order.
        cycles: each cycle of two or more tables, as the names along it.
    """

    order: tuple[str, ...]
    deferred: tuple[KeyRef, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def from_metadata(cls, metadata: Metadata) -> SchemaGraph:
        """Order the tables.

        Raises:
            SchemaError: a cycle runs through primary keys only, so that no row of it can come first; the cycle is named.
        """
        deferred = [KeyRef(table=t.name, index=i) for t in metadata.tables.values() for i, fk in enumerate(t.foreign_keys) if fk.parent_table == t.name]
        cycles: list[tuple[str, ...]] = []
        while cycle := _find_cycle(metadata, deferred):
            cycles.append(cycle)
            deferred.append(_edge_to_defer(metadata, deferred, cycle))
        return cls(order=_topological(metadata, deferred), deferred=tuple(deferred), cycles=tuple(cycles))

    def is_deferred(self, table: str, index: int) -> bool:
        """Whether this key is matched after its parent."""
        return KeyRef(table=table, index=index) in self.deferred


def _edges(metadata: Metadata, deferred: list[KeyRef], table: Table) -> list[tuple[int, ForeignKey]]:
    waiting = {ref.index for ref in deferred if ref.table == table.name}
    return [(i, fk) for i, fk in enumerate(table.foreign_keys) if i not in waiting and fk.parent_table in metadata.tables]


def _find_cycle(metadata: Metadata, deferred: list[KeyRef]) -> tuple[str, ...] | None:
    done: set[str] = set()
    for start in sorted(metadata.tables):
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:  # iterative: a chain of a thousand tables must not hit the recursion limit
            name, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(name)
                done.add(name)
                continue
            if name in on_path:
                return tuple(path[path.index(name) :])
            if name in done:
                continue
            path.append(name)
            on_path.add(name)
            stack.append((name, True))
            stack.extend((fk.parent_table, False) for _, fk in reversed(_edges(metadata, deferred, metadata.tables[name])))
    return None


def _edge_to_defer(metadata: Metadata, deferred: list[KeyRef], cycle: tuple[str, ...]) -> KeyRef:
    """The edge out of the table that most others wait for: it should come first."""
    waiting_for = {name: sum(fk.parent_table == name for t in metadata.tables.values() for fk in t.foreign_keys) for name in cycle}
    for name in sorted(cycle, key=lambda n: (-waiting_for[n], n)):
        target = cycle[(cycle.index(name) + 1) % len(cycle)]
        table = metadata.tables[name]
        for i, fk in _edges(metadata, deferred, table):
            if fk.parent_table == target and not set(fk.columns) & set(table.primary_key):
                return KeyRef(table=name, index=i)
    way = " -> ".join((*cycle, cycle[0]))
    raise SchemaError(f"the keys form a cycle through primary keys, so that no table can come first: {way}; leave one of these keys out")


def _topological(metadata: Metadata, deferred: list[KeyRef]) -> tuple[str, ...]:
    parents = {n: {fk.parent_table for _, fk in _edges(metadata, deferred, t)} for n, t in metadata.tables.items()}
    order: list[str] = []
    while parents:
        ready = sorted(name for name, above in parents.items() if not above)
        order += ready
        parents = {name: above - set(ready) for name, above in parents.items() if name not in ready}
    return tuple(order)
