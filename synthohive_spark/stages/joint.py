"""Look for keys that lead to rows together: one count of the candidates' keys, and one of the pairs of keys that have no table yet."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from ..spec.identifiers import quoted
from ..spec.joint import JointKey
from ..spec.metadata import Metadata
from ..spec.planning.joint import Counted, chosen_joint_keys, joint_candidates
from ..spec.survey import Survey
from ..storage.frames import read_parquet, write_parquet
from .duplicates import Aside
from .frames import plain_value
from .jobs import collect_all, one_row
from .tally import KeyCount, count_keys, total


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
    return chosen_joint_keys(metadata, survey, counted | _pairs(data, survey, [c for c in asked if c.made]))


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
