"""Parents with the hidden columns that their rows in other tables decide: one shuffle of these rows' keys for each key that has such columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_VALUES, _DONORS = hidden("values"), hidden("donors")


def with_values_of_children(metadata: Metadata, data: Mapping[str, DataFrame], found: Sequence[Denormalized], aside: Aside) -> dict[str, DataFrame]:
    """The tables; parents have what belongs to their rows. The values are set aside, and joined to the parents whenever these are read.

    Parents without children have the values of others: whoever is given one as its parent finds something there.
    """
    tables = dict(data)
    for place, ((table, key), entries) in enumerate(groupby(found, key=lambda e: (e.table, e.key))):
        declared = metadata.tables[table].foreign_keys[key]
        names = {entry.column: entry.name for entry in entries}
        parents = tables[declared.parent_table]
        values = _values(data[table], data[declared.parent_table], declared, names)
        folder = aside(f"values{place}")
        write_parquet(values, folder)
        kept = read_parquet(values.sparkSession, folder, values.schema.jsonValue())
        on = [F.col(quoted(p)) == F.col(link) for p, link in zip(declared.parent_columns, _links(declared), strict=True)]
        joined = parents.join(kept, on, "left").drop(*_links(declared))
        required = {names[f.name] for f in data[table].schema.fields if f.name in names and not f.nullable}
        kinds = {f.name: f.dataType for f in kept.schema.fields}
        tables[declared.parent_table] = joined.withColumns({name: never_null(F.col(quoted(name)), kinds[name]) for name in required}) if required else joined
    return tables


def with_givers(parents: DataFrame, metadata: Metadata, data: Mapping[str, DataFrame], found: Sequence[Denormalized]) -> tuple[DataFrame, dict[str, str]]:
    """`parents` with a column for each key that hidden ones of `found` come from: whose value a row has, null where it was taken from another row.

    A value that one parent has is not told because others without children were given it. One shuffle of the children's keys for each.

    Returns:
        The rows, and for each hidden column the one that was added for it.
    """
    givers: dict[str, str] = {}
    for (table, key), entries in groupby(found, key=lambda e: (e.table, e.key)):
        declared, giver = metadata.tables[table].foreign_keys[key], hidden(f"giver_{key} of {table}")
        links = _links(declared)
        own = [F.col(quoted(c)).alias(link) for c, link in zip(declared.columns, links, strict=True)]
        theirs = data[table].where(all_there(declared.columns)).select(*own).distinct()
        on = [F.col(quoted(p)) == F.col(link) for p, link in zip(declared.parent_columns, links, strict=True)]
        entity = F.col(quoted(ENTITY)) if ENTITY in parents.columns else F.xxhash64(*(F.col(quoted(p)) for p in declared.parent_columns))
        joined = parents.join(theirs, on, "left")
        parents = joined.withColumn(giver, F.when(F.col(links[0]).isNotNull(), entity)).drop(*links)
        givers |= dict.fromkeys((entry.name for entry in entries), giver)
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
    return every.select(*links, *(values.getField(f"v{i}").alias(name) for i, name in enumerate(names.values())))


def _links(key: ForeignKey) -> list[str]:
    return [hidden(f"key_{i}") for i in range(len(key.columns))]
