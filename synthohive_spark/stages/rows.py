"""How many rows each table of a sample gets: planned before anything is drawn, told where there is no room for what was asked."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from numbers import Integral, Real

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
    roots = sorted(n for n, t in fitted.tables.items() if t.program.driving is None)
    faults = row_faults(roots, num_rows, scale)
    if faults:
        raise GenerationError("; ".join(faults))


def row_faults(roots: Collection[str], num_rows: Mapping[str, int], scale: float) -> list[str]:
    """What makes no sense in the numbers of rows that are asked for.

    Args:
        roots: tables that may be named.
    """
    faults = [] if isinstance(scale, Real) and 0 < scale < math.inf else [f"scale must be a number above 0, got {scale!r}"]
    wrong = sorted(n for n in num_rows if n not in roots)
    if wrong:
        faults.append(f"num_rows: {wrong} are no root tables: children follow from their parents, reference tables are copied; roots are {sorted(roots)}")
    odd = sorted(n for n, rows in num_rows.items() if not isinstance(rows, Integral) or isinstance(rows, bool) or rows < 0)
    if odd:
        faults.append(f"num_rows: {odd} must be whole numbers of 0 or more")
    return faults
