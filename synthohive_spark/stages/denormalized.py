"""Parents with the hidden columns that their rows in other tables decide: one shuffle of these rows' keys for each key that has such columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..spec.denormalized import Denormalized
from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey, Metadata
from ..storage.frames import never_null, read_parquet, write_parquet
from .duplicates import Aside
from .entities import ENTITY
from .frames import all_there

DONORS = 1_000  # parents that rows without children take their values from: each says as much as any other
_VALUES, _DONORS, _OWN = hidden("values"), hidden("donors"), hidden("own")


@dataclass(frozen=True)
class HeldValues:
    """What the rows along one key decide of their parents.

    Attributes:
        key: of the table that has the rows.
        names: the hidden columns.
        required: those of them that are never null.
        frame: the parents' keys, set aside with the columns, and whether they are a parent's own or were taken from another one.
    """

    key: ForeignKey
    names: tuple[str, ...]
    required: frozenset[str]
    frame: DataFrame

    @property
    def parent(self) -> str:
        return self.key.parent_table

    @property
    def links(self) -> list[str]:
        return _links(self.key)

    def joined_to(self, parents: DataFrame, columns: Iterable[str]) -> DataFrame:
        """The parents, with some of the columns that were set aside."""
        on = [F.col(quoted(p)) == F.col(link) for p, link in zip(self.key.parent_columns, self.links, strict=True)]
        return parents.join(self.frame.select(*self.links, *(F.col(quoted(c)) for c in columns)), on, "left").drop(*self.links)


def values_of_children(metadata: Metadata, data: Mapping[str, DataFrame], found: Sequence[Denormalized], aside: Aside) -> tuple[HeldValues, ...]:
    """What belongs to the parents' rows, set aside; by key.

    Parents without children have the values of others: whoever is given one as its parent finds something there.
    """
    held: list[HeldValues] = []
    for (table, index), entries in groupby(found, key=lambda e: (e.table, e.key)):
        key, names = metadata.tables[table].foreign_keys[index], {entry.column: entry.name for entry in entries}
        values = _values(data[table], data[key.parent_table], key, names)
        folder = aside(f"values{len(held)}")
        write_parquet(values, folder)
        frame = read_parquet(values.sparkSession, folder, values.schema.jsonValue())
        required = frozenset(names[f.name] for f in data[table].schema.fields if f.name in names and not f.nullable)
        held.append(HeldValues(key, tuple(names.values()), required, frame))
    return tuple(held)


def with_values(data: Mapping[str, DataFrame], held: Iterable[HeldValues]) -> dict[str, DataFrame]:
    """The tables; parents have what belongs to their rows, joined to them whenever they are read."""
    tables = dict(data)
    for values in held:
        kinds = {f.name: f.dataType for f in values.frame.schema.fields}
        joined = values.joined_to(tables[values.parent], values.names)
        never = {name: never_null(F.col(quoted(name)), kinds[name]) for name in values.required}
        tables[values.parent] = joined.withColumns(never) if never else joined  # Spark Connect takes no empty mapping
    return tables


def with_givers(parents: DataFrame, held: Iterable[HeldValues]) -> tuple[DataFrame, dict[str, str]]:
    """`parents` with a column for each key that hidden ones come from: whose value a row has, null where it was taken from another row.

    A value that one parent has is not told because others without children were given it.

    Returns:
        The rows, and for each hidden column the one that was added for it.
    """
    givers: dict[str, str] = {}
    for place, values in enumerate(held):
        giver = hidden(f"giver_{place}")
        entity = F.col(quoted(ENTITY)) if ENTITY in parents.columns else F.xxhash64(*(F.col(quoted(p)) for p in values.key.parent_columns))
        parents = values.joined_to(parents, [_OWN]).withColumn(giver, F.when(F.col(_OWN), entity)).drop(_OWN)
        givers |= dict.fromkeys(values.names, giver)
    return parents, givers


def _values(children: DataFrame, parents: DataFrame, key: ForeignKey, names: Mapping[str, str]) -> DataFrame:
    """The parents' keys, with the commonest combination of values among the rows of each."""
    links = _links(key)
    struct = F.struct(*(F.col(quoted(c)).alias(f"v{i}") for i, c in enumerate(names)))
    own = [F.col(quoted(c)).alias(link) for c, link in zip(key.columns, links, strict=True)]
    held = children.where(all_there(key.columns)).groupBy(*own).agg(F.mode(struct, True).alias(_VALUES))
    number = F.xxhash64(*(F.col(link) for link in links))
    some = held.select(number.alias("n"), _VALUES).orderBy("n").limit(DONORS)
    donors = some.agg(F.sort_array(F.collect_list(F.struct("n", _VALUES))).alias(_DONORS))
    theirs = parents.where(all_there(key.parent_columns)).select(*(F.col(quoted(p)).alias(link) for p, link in zip(key.parent_columns, links, strict=True)))
    every = theirs.join(held, links, "left").crossJoin(F.broadcast(donors))
    chosen = F.element_at(F.col(_DONORS), (F.pmod(number, F.size(_DONORS)) + 1).cast("int")).getField(_VALUES)
    values = F.coalesce(F.col(_VALUES), chosen)
    return every.select(*links, *(values.getField(f"v{i}").alias(name) for i, name in enumerate(names.values())), F.col(_VALUES).isNotNull().alias(_OWN))


def _links(key: ForeignKey) -> list[str]:
    return [hidden(f"key_{i}") for i in range(len(key.columns))]
