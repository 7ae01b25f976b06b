"""How many rows each table of a sample gets: planned before anything is drawn, told where there is no room for what was asked."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import GenerationError
from ..kernels.given import Given
from ..spec.fitted import FittedSchema
from ..spec.planning.room import Room, TableRows
from .conditions import too_few


def room_of_schema(fitted: FittedSchema) -> Room:
    """What the fitted tables have room for."""
    return Room(
        programs={name: table.program for name, table in fitted.tables.items()},
        encodings={name: table.encoding for name, table in fitted.tables.items()},
        references=fitted.reference_rows,
    )


def plan_rows(
    fitted: FittedSchema, num_rows: Mapping[str, int], scale: float, given: Mapping[str, Given], *, strict: bool, told: list[str]
) -> dict[str, TableRows]:
    """The rows of each learnt table.

    Args:
        num_rows: rows of root tables, by name.
        scale: of the other roots.
        given: conditions by table; a root table with conditions has their rows, and those of `num_rows` beside them.
        strict: refuse where there is no room, instead of a warning.
        told: takes the warning.

    Raises:
        GenerationError: scale or `num_rows` make no sense; a table gets fewer rows than its conditions ask for; `strict`, and a table has less room than
            was asked for.
    """
    _check(fitted, num_rows, scale)
    roots = dict(num_rows)
    roots |= {n: given[n].rows + num_rows.get(n, 0) for n in given if fitted.tables[n].program.driver is None}
    planned = room_of_schema(fitted).plan(fitted.graph, roots, scale)
    faults = [fault for n, g in given.items() if _follows_the_real(fitted, n, given) and (fault := too_few(g, planned[n].rows, n))]
    if faults:
        raise GenerationError(f"conditions: {'; '.join(faults)}")
    short = [f"table {n!r}: {r.asked:,} rows are asked for and {r.rows:,} are possible" for n, r in planned.items() if r.rows < r.asked]
    if short:
        text = f"keys have room for fewer rows than asked for: {'; '.join(short)}"
        if strict:
            raise GenerationError(f"{text}; ask for fewer (scale, num_rows), for more rows of their parents, or leave strict out")
        told.append(f"{text}; as many as possible are made")
    return planned


def _follows_the_real(fitted: FittedSchema, table: str, given: Mapping[str, Given]) -> bool:
    """Whether a table has as many rows as planned: parents with given values have numbers of children of their own."""
    driver = fitted.tables[table].program.driver
    while driver is not None:
        if driver.parent_table in given:
            return False
        driver = fitted.tables[driver.parent_table].program.driver
    return True


def _check(fitted: FittedSchema, num_rows: Mapping[str, int], scale: float) -> None:
    if not scale > 0:
        raise GenerationError(f"scale must be above 0, got {scale}")
    roots = sorted(n for n, t in fitted.tables.items() if t.program.driving is None)
    wrong = sorted(n for n in num_rows if n not in roots)
    if wrong:
        raise GenerationError(f"num_rows: {wrong} are no root tables: children follow from their parents, reference tables are copied; roots are {roots}")
    negative = sorted(n for n, rows in num_rows.items() if rows < 0)
    if negative:
        raise GenerationError(f"num_rows: {negative} must be 0 or more")
