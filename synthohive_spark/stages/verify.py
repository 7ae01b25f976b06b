"""The last look at staged tables before they are published: types, keys, numbers of rows. At most two Spark jobs for `FRAMES_PER_JOB` tables or keys each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import reduce
from operator import and_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from ..errors import GenerationError
from ..spec.fitted import FittedSchema
from ..spec.identifiers import quoted
from ..spec.metadata import ForeignKey
from ..spec.program import TableProgram
from .jobs import collect_all, one_row
from .tally import ORPHANS, tally


def verify(fitted: FittedSchema, staged: Mapping[str, DataFrame], rows: Mapping[str, tuple[int, int]]) -> None:
    """Make sure that a copy can be published.

    Keys that hold by the way they are made (a row's number, the driving parent's key, a match on one column) are not counted again.

    Args:
        staged: all tables.
        rows: of the learnt tables, how many there are and how many were to be made.

    Raises:
        GenerationError: with everything that is wrong.
    """
    programs = {name: table.program for name, table in fitted.tables.items()}
    faults = [fault for name, program in programs.items() for fault in _type_faults(program, staged[name])]
    faults += [f"table {name!r}: {there} rows were staged, and {made} were made" for name, (there, made) in rows.items() if there != made]
    faults += _repeats(programs, staged)
    faults += _orphans(programs, staged)
    if faults:
        raise GenerationError("the staged tables are not in order, and nothing is published: " + "; ".join(faults))


def _type_faults(program: TableProgram, frame: DataFrame) -> list[str]:
    found = tuple((f.name, f.dataType.simpleString()) for f in frame.schema.fields)
    wanted = tuple((name, spark_type) for name, spark_type, _ in program.columns)
    return [] if found == wanted else [f"table {program.table!r}: its columns are not those of the real table"]


def _repeats(programs: Mapping[str, TableProgram], staged: Mapping[str, DataFrame]) -> list[str]:
    frames, asked = [], {}
    for name, program in programs.items():
        counts: dict[str, Column] = {}
        for place, unique in enumerate(program.uniques):
            columns = [F.col(quoted(c)) for c in unique.columns]
            counts |= {f"whole{place}": F.count_if(reduce(and_, (c.isNotNull() for c in columns))), f"distinct{place}": F.count_distinct(*columns)}
        if counts:
            asked[name] = program
            frames.append(one_row(name, staged[name], counts))
    faults = []
    for row in collect_all(frames):
        found, program = json.loads(row["facts"]), asked[row["name"]]
        for place, unique in enumerate(program.uniques):
            repeats = found[f"whole{place}"] - found[f"distinct{place}"]
            if repeats:
                faults.append(f"table {program.table!r}: {repeats} rows repeat the key ({', '.join(unique.columns)}) of another row")
    return faults


def _orphans(programs: Mapping[str, TableProgram], staged: Mapping[str, DataFrame]) -> list[str]:
    keys = [(name, key) for name, program in programs.items() for index, key in enumerate(program.foreign_keys) if _may_break(program, index, key)]
    frames = [tally(key, child=staged[name], parent=staged[key.parent_table]).withColumn("key", F.lit(i)) for i, (name, key) in enumerate(keys)]
    orphans: dict[int, int] = {}
    for row in collect_all(frames):
        if row["what"] == ORPHANS:
            orphans[row["key"]] = orphans.get(row["key"], 0) + row["children"]
    return [f"table {keys[i][0]!r}: {n} rows have a key {keys[i][1]} without a parent" for i, n in sorted(orphans.items()) if n]


def _may_break(program: TableProgram, index: int, key: ForeignKey) -> bool:
    """Whether a key holds by more than one step."""
    if index == program.driving:
        return False
    match = next((m for m in program.matches if m.key == index), None)
    return match is None or bool(match.fixed or match.wished) or len(key.columns) > 1
