"""The relational DAG: in which order tables are generated, and which keys have to wait.

A key whose parent comes later (a self reference, or one edge of a cycle) is deferred: its table is generated without it, and the key is
matched once the parent's rows are there.
"""

from __future__ import annotations

from collections.abc import Collection

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
        order: all tables, parents before children (deferred keys apart); the same whatever the order in which the tables were added.
        deferred: keys matched after their parent, by table and index. Any of them that is no self reference would close a cycle again.
        cycles: each cycle of two or more tables that was broken, as the names along it.
    """

    order: tuple[str, ...]
    deferred: tuple[KeyRef, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def from_metadata(cls, metadata: Metadata) -> SchemaGraph:
        """Order the tables. Keys to tables that are not in the metadata are ignored.

        Raises:
            SchemaError: a cycle runs through primary keys only, so that no row of it can come first; the cycle is named.
        """
        deferred = _self_references(metadata)
        broken: list[KeyRef] = []
        cycles: list[tuple[str, ...]] = []
        while cycle := _find_cycle(metadata, {*deferred, *broken}):
            cycles.append(cycle)
            broken.append(_key_to_defer(metadata, {*deferred, *broken}, cycle))
        # A key deferred late can break a cycle that an earlier one was deferred for.
        for ref in list(broken):
            rest = [r for r in broken if r != ref]
            if not _find_cycle(metadata, {*deferred, *rest}):
                broken = rest
        deferred = sorted([*deferred, *broken], key=lambda r: (r.table, r.index))
        return cls(order=_topological(metadata, set(deferred)), deferred=tuple(deferred), cycles=tuple(dict.fromkeys(cycles)))

    def is_deferred(self, table: str, index: int) -> bool:
        """Whether this key is matched after its parent."""
        return KeyRef(table=table, index=index) in self.deferred


def _self_references(metadata: Metadata) -> list[KeyRef]:
    found = []
    for table in metadata.tables.values():
        for i, fk in enumerate(table.foreign_keys):
            if fk.parent_table != table.name:
                continue
            if set(fk.columns) <= set(table.primary_key):
                raise SchemaError(
                    f"table {table.name!r}: the key {fk} points at its own table from its primary key, so that no row can come first; leave it out"
                )
            found.append(KeyRef(table=table.name, index=i))
    return found


def _edges(metadata: Metadata, deferred: Collection[KeyRef], table: Table) -> list[tuple[int, ForeignKey]]:
    edges = [(i, fk) for i, fk in enumerate(table.foreign_keys) if fk.parent_table in metadata.tables]
    return [(i, fk) for i, fk in edges if KeyRef(table=table.name, index=i) not in deferred] if deferred else edges


def _find_cycle(metadata: Metadata, deferred: Collection[KeyRef]) -> tuple[str, ...] | None:
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


def _key_to_defer(metadata: Metadata, deferred: Collection[KeyRef], cycle: tuple[str, ...]) -> KeyRef:
    """The key out of the table that most others wait for: it should come first.

    A primary key cannot wait; where each key of the cycle has a part in one, one waits with its other part.
    """
    waiting_for = {name: sum(fk.parent_table == name for t in metadata.tables.values() for fk in t.foreign_keys) for name in cycle}
    names = sorted(cycle, key=lambda n: (-waiting_for[n], n))
    steps = [(metadata.tables[name], cycle[(cycle.index(name) + 1) % len(cycle)]) for name in names]
    found = [(table, [(i, fk) for i, fk in _edges(metadata, deferred, table) if fk.parent_table == target]) for table, target in steps]
    for table, keys in found:
        # Where one of two keys to the same parent cannot wait, deferring the other breaks nothing.
        if not any(set(fk.columns) & set(table.primary_key) for _, fk in keys):
            return KeyRef(table=table.name, index=keys[0][0])
    for table, keys in found:
        if not any(set(fk.columns) <= set(table.primary_key) for _, fk in keys):
            return KeyRef(table=table.name, index=keys[0][0])
    way = " -> ".join((*cycle, cycle[0]))
    raise SchemaError(f"the keys form a cycle through primary keys, so that no table can come first: {way}; leave one of these keys out")


def _topological(metadata: Metadata, deferred: Collection[KeyRef]) -> tuple[str, ...]:
    """Level by level, by name within a level."""
    parents = {n: {fk.parent_table for _, fk in _edges(metadata, deferred, t)} for n, t in metadata.tables.items()}
    children: dict[str, list[str]] = {n: [] for n in parents}
    for name, above in parents.items():
        for parent in above:
            children[parent].append(name)
    missing = {name: len(above) for name, above in parents.items()}
    order: list[str] = []
    ready = sorted(name for name, count in missing.items() if count == 0)
    while ready:
        order += ready
        below = [child for name in ready for child in children[name]]
        for child in below:
            missing[child] -= 1
        ready = sorted({child for child in below if missing[child] == 0})
    return tuple(order)
