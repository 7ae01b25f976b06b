"""From tables to a proposal for their metadata.

Spark jobs, each for 16 tables or 64 keys: counts of values, samples of values, combinations of columns where a table has no key of one, what samples leave
open, and exact counts of the keys that were chosen. Their number does not grow with pairs of columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession

from ...causes import step
from ...spec.detection.decide import Decision
from ...spec.detection.facts import Column, Seen
from ...spec.detection.findings import Finding
from ...spec.detection.foreign import ForeignProposal
from ...spec.detection.names import Names
from ...spec.metadata import Metadata
from ..intake import Intake
from ..tally import KeyCount, count_keys, total
from .declared import declared_keys
from .look import look_at, probed, share_of_combinations


@step("looking at the tables")
def detect_metadata(spark: SparkSession, taken: Intake, *, references: bool = True) -> tuple[Metadata, list[Finding]]:
    """What the tables seem to be: metadata that can be edited, and what was found, with how sure that is and why.

    Args:
        taken: the tables, without metadata.
        references: give lookup tables the role that copies them.
    """
    seen = look_at(taken.frames, declared_keys(spark, taken.read))
    names = Names.of({name: table.names for name, table in seen.items()})
    return Decision(seen, names, references, _SparkEyes(spark, taken.frames, seen)).made()


@dataclass(frozen=True)
class _SparkEyes:
    spark: SparkSession
    frames: Mapping[str, DataFrame]
    seen: Seen

    def combinations(self, asked: Mapping[str, Sequence[tuple[str, ...]]]) -> dict[str, dict[tuple[str, ...], float]]:
        return share_of_combinations(self.frames, self.seen, asked)

    def probe(self, asked: Mapping[Column, Sequence[int]]) -> dict[Column, set[int]]:
        return probed(self.spark, self.frames, self.seen, asked)

    def repeats(self, keys: Sequence[tuple[str, tuple[str, ...]]]) -> list[int]:
        tallies = count_keys([KeyCount(table, columns) for table, columns in keys], self.frames)
        return [total(tally, "repeats") + total(tally, "hollow") for tally in tallies]

    def links(self, keys: Sequence[ForeignProposal]) -> list[tuple[int, int, int]]:
        tallies = count_keys([KeyCount(key.parent_table, key.parent_columns, key.table, key.columns) for key in keys], self.frames)
        return [(total(tally, "matched"), total(tally, "orphans"), total(tally, "repeats")) for tally in tallies]
