"""How many rows keys have room for, against an exhaustive count of their combinations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive_spark.spec.encoding import CategoryEncoding, TableEncoding
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.planning.programs import plan_schema
from synthohive_spark.spec.planning.room import Room, TableRows
from synthohive_spark.spec.survey import KeyFacts, Survey, TableFacts, UniqueFacts

PARENTS = ("a", "b", "c")


@dataclass(frozen=True)
class Small:
    """A table `t` whose primary key is made of keys to parents, of labels, and of a key of two columns to a reference table.

    Attributes:
        rows: of each parent.
        keys: parents that the primary key points at, and others that the table must point at.
        labels: how many values each natural part has.
        combinations: of the reference table; 0 where it is no part of the key.
        children: rows that each row of the first parent has in the real data.
    """

    rows: dict[str, int]
    keys: tuple[str, ...]
    others: tuple[str, ...]
    labels: tuple[int, ...]
    combinations: int
    children: int

    @property
    def natural(self) -> dict[str, int]:
        sizes = {f"n{i}": n for i, n in enumerate(self.labels)}
        return sizes | ({"r0": self.combinations, "r1": self.combinations} if self.combinations else {})

    @property
    def metadata(self) -> Metadata:
        metadata = Metadata()
        for parent in PARENTS:
            metadata.add_table(parent, pk="id")
        metadata.add_table("r", pk=["r0", "r1"], role="reference")
        keys = {f"{p}_id": f"{p}.id" for p in (*self.keys, *self.others)}
        pair = [{"columns": ["r0", "r1"], "parent_table": "r"}] if self.combinations else []
        return metadata.add_table("t", pk=[*(f"{p}_id" for p in self.keys), *self.natural], fk=keys, foreign_keys=pair)

    @property
    def survey(self) -> Survey:
        metadata = self.metadata
        tables = {p: TableFacts(table=p, columns=(("id", "int", False),), rows=9, read=9, uniques=(UniqueFacts(columns=("id",)),)) for p in PARENTS}
        pair = (("r0", "date", False), ("r1", "date", False))
        tables["r"] = TableFacts(table="r", columns=pair, rows=self.combinations, read=self.combinations, uniques=(UniqueFacts(columns=("r0", "r1")),))
        table = metadata.tables["t"]
        columns = (*((f"{p}_id", "int", False) for p in (*self.keys, *self.others)), *((name, "date", False) for name in self.natural))
        facts = tuple(KeyFacts(matched=9 * self.children, children=((self.children, 9),)) for _ in table.foreign_keys)
        tables["t"] = TableFacts(
            table="t", columns=columns, rows=9 * self.children, read=9 * self.children, uniques=(UniqueFacts(columns=table.primary_key),), keys=facts
        )
        return Survey(tables=tables)

    def planned(self, scale: float) -> TableRows:
        graph = SchemaGraph.from_metadata(self.metadata)
        plan = plan_schema(self.metadata, graph, self.survey)
        assert plan.faults == []
        labels = {name: tuple(f"{name}-{i}" for i in range(n)) for name, n in self.natural.items()}
        columns = [
            CategoryEncoding(name=n, spark_type="date", has_null=False, weights=(1.0,), values=v, counts=(1,) * len(v), starts=(0,)) for n, v in labels.items()
        ]
        encodings = {name: TableEncoding(table=name, rows=9, columns=tuple(columns) if name == "t" else ()) for name in plan.programs}
        return Room(plan.programs, encodings, plan.references).plan(graph, self.rows, scale)["t"]

    def exhaustive(self) -> int:
        """All primary keys that there can be."""
        sides = [[(p, i) for i in range(self.rows[p])] for p in self.keys]
        sides += [[(f"n{i}", k) for k in range(n)] for i, n in enumerate(self.labels)]
        sides += [[("r", k) for k in range(self.combinations)]] if self.combinations else []
        return len(set(product(*sides))) if all(self.rows[p] for p in self.others) else 0


@st.composite
def smalls(draw: st.DrawFn) -> Small:
    parents = draw(st.permutations(PARENTS))
    keys = draw(st.integers(0, 3))
    others = draw(st.integers(0, 3 - keys))
    labels = tuple(draw(st.lists(st.integers(1, 3), min_size=0 if keys else 1, max_size=2)))
    rows = {p: draw(st.integers(0, 4)) for p in PARENTS}
    return Small(rows, tuple(parents[:keys]), tuple(parents[keys : keys + others]), labels, draw(st.sampled_from([0, 0, 1, 4])), draw(st.integers(1, 5)))


@settings(max_examples=300, deadline=None)
@given(smalls(), st.sampled_from([0.5, 1.0, 4.0]))
def test_as_many_rows_as_there_are_keys(small: Small, scale: float) -> None:
    planned = small.planned(scale)
    assert planned.rows == min(planned.asked, small.exhaustive())
