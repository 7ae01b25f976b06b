"""The last look at staged tables before they are published: types, keys, numbers of rows. One query counts up to `KEYS_PER_JOB` keys."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame

from ..errors import GenerationError
from ..spec.fitted import FittedSchema
from ..spec.metadata import ForeignKey
from ..spec.program import TableProgram
from .intake import flattened
from .tally import KeyCount, count_keys, total


def verify(fitted: FittedSchema, staged: Mapping[str, DataFrame], rows: Mapping[str, tuple[int, int]]) -> None:
    """Make sure that a copy can be published.

    Keys that hold by the way they are made (a row's number, the driving parent's key, a match on one column) are not counted again.

    Args:
        staged: all tables.
        rows: of the learnt tables, how many there are and how many were to be made.

    Raises:
        GenerationError: with everything that is wrong.
    """
    staged = {name: flattened(frame, "drop")[0] if name in fitted.layouts else frame for name, frame in staged.items()}
    programs = {name: table.program for name, table in fitted.tables.items()}
    faults = [fault for name, program in programs.items() for fault in _type_faults(program, staged[name])]
    faults += [f"table {name!r}: {there} rows were staged, and {made} were made" for name, (there, made) in rows.items() if there != made]
    faults += _key_faults(programs, staged)
    if faults:
        raise GenerationError("the staged tables are not in order, and nothing is published: " + "; ".join(faults))


def _type_faults(program: TableProgram, frame: DataFrame) -> list[str]:
    found = tuple((f.name, f.dataType.simpleString()) for f in frame.schema.fields)
    wanted = tuple((name, spark_type) for name, spark_type, _ in program.shown)
    return [] if found == wanted else [f"table {program.table!r}: its columns are not those of the real table"]


def _key_faults(programs: Mapping[str, TableProgram], staged: Mapping[str, DataFrame]) -> list[str]:
    asked: list[tuple[str, tuple[str, ...], KeyCount]] = []
    for name, program in programs.items():
        asked += [(name, unique.columns, KeyCount(name, unique.columns)) for unique in program.uniques]
        for index, key in enumerate(program.foreign_keys):
            if _may_break(program, index, key):
                asked.append((name, key.columns, KeyCount(key.parent_table, key.parent_columns, name, key.columns)))
    faults = []
    for (name, columns, count), tallies in zip(asked, count_keys([count for _, _, count in asked], staged), strict=True):
        what, words = ("repeats", "repeat the key of another row") if count.child is None else ("orphans", "have a key without a parent")
        if found := total(tallies, what):
            faults.append(f"table {name!r}: {found} rows {words}, columns {', '.join(columns)}")
    return faults


def _may_break(program: TableProgram, index: int, key: ForeignKey) -> bool:
    """Whether a key holds by more than one step."""
    if index == program.driving:
        return False
    match = next((m for m in program.matches if m.key == index), None)
    return match is None or bool(match.fixed or match.wished) or len(key.columns) > 1
