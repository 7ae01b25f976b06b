"""Look for keys that lead to rows together: one count of the candidates' keys, and one of the pairs of keys that have no table yet."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..spec.hidden import hidden
from ..spec.identifiers import quoted
from ..spec.joint import JointKey
from ..spec.metadata import Metadata
from ..spec.planning.joint import Counted, chosen_joint_keys, holds, joint_candidates
from ..spec.survey import Survey
from ..storage.frames import read_parquet, write_parquet
from .duplicates import Aside
from .frames import plain_value
from .jobs import collect_all, one_row
from .tally import KeyCount, count_keys, total

ALL = 0.995  # share of the pairs that have rows, from which on there is nothing to spread


def find_joint_keys(metadata: Metadata, data: Mapping[str, DataFrame], survey: Survey) -> tuple[JointKey, ...]:
    """Those that hold in all rows, where that is no chance."""
    asked = joint_candidates(metadata, survey)
    within = [c for c in asked if not c.made]
    counts = [KeyCount(c.parent, c.parent_columns, c.table, c.columns) for c in within]
    tallies = count_keys(counts, data) if counts else []
    counted = {
        candidate: Counted(repeats=total(t, "repeats") + total(t, "hollow"), orphans=total(t, "orphans") + total(t, "nulls"))
        for candidate, t in zip(within, tallies, strict=True)
    }
    promising = [candidate for candidate, found in counted.items() if holds(metadata, survey, candidate, found)]
    counted = {candidate: replace(counted[candidate], dispersion=index) for candidate, index in _dispersions(metadata, data, promising).items()}
    return chosen_joint_keys(metadata, survey, counted | _pairs(data, survey, [c for c in asked if c.made]))


def _dispersions(metadata: Metadata, data: Mapping[str, DataFrame], asked: Sequence[JointKey]) -> dict[JointKey, tuple[float, ...]]:
    """How the pairs that have rows are spread over the parents of each key: the variance of their number by parent over that of a binomial."""
    frames: list[DataFrame] = []
    places: list[int] = []
    for place, candidate in enumerate(asked):
        start = 0
        for index in candidate.keys:
            width = len(metadata.tables[candidate.table].foreign_keys[index].columns)
            frames.append(_spread(data, candidate, slice(start, start + width), len(frames)))
            places.append(place)
            start += width
    found: dict[int, list[float]] = defaultdict(list)
    for row in collect_all(frames):
        facts = json.loads(row["facts"])
        share = facts["mine"] / facts["theirs"]
        chance = facts["theirs"] * share * (1 - share)
        squares = facts["mine2"] - 2 * share * facts["both"] + share**2 * facts["theirs2"]
        found[places[int(row["name"])]].append(squares / chance if share < ALL else 1.0)
    return {asked[place]: tuple(indices) for place, indices in found.items()}


def _spread(data: Mapping[str, DataFrame], candidate: JointKey, part: slice, number: int) -> DataFrame:
    """Of the pairs of each row that one of the keys leads to: how many the other table has, and how many of these have rows; as sums over all such rows."""
    by = [hidden(f"by_{i}") for i in range(len(candidate.columns[part]))]
    sides = []
    for table, columns, name in ((candidate.parent, candidate.parent_columns, "theirs"), (candidate.table, candidate.columns, "mine")):
        pairs = data[table].select(*(F.col(quoted(c)).alias(hidden(f"c{i}")) for i, c in enumerate(columns))).distinct()
        chosen = [F.col(hidden(f"c{i}")).alias(link) for i, link in zip(range(len(columns))[part], by, strict=True)]
        sides.append(pairs.select(*chosen).groupBy(*by).agg(F.count(F.lit(1)).cast("double").alias(name)))
    counted = sides[0].join(sides[1], by, "left")
    theirs, mine = F.col("theirs"), F.coalesce("mine", F.lit(0.0))
    sums = {"theirs": theirs, "mine": mine, "theirs2": theirs * theirs, "mine2": mine * mine, "both": theirs * mine}
    return one_row(str(number), counted, {name: F.sum(value) for name, value in sums.items()})


def _pairs(data: Mapping[str, DataFrame], survey: Survey, asked: list[JointKey]) -> dict[JointKey, Counted]:
    frames = []
    for place, candidate in enumerate(asked):
        types = survey.tables[candidate.table].types
        pair = F.xxhash64(*(plain_value(c, types[c]) for c in candidate.columns))
        frames.append(one_row(str(place), data[candidate.table], {"pairs": F.approx_count_distinct(pair)}))
    return {asked[int(row["name"])]: Counted(pairs=json.loads(row["facts"])["pairs"]) for row in collect_all(frames)}


def with_pairs(data: Mapping[str, DataFrame], joint: tuple[JointKey, ...], aside: Aside) -> dict[str, DataFrame]:
    """The tables, with those that are made for joint keys; they are set aside."""
    tables = dict(data)
    for found in joint:
        if found.made:
            pairs = data[found.table].select(*(F.col(quoted(c)) for c in found.columns)).distinct()
            folder = aside(found.parent)
            write_parquet(pairs, folder)
            tables[found.parent] = read_parquet(pairs.sparkSession, folder, pairs.schema.jsonValue())
    return tables
