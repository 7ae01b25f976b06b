"""Whether a formula holds, from counts of rows: of a sample, or of the whole table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .formulas import Verdict

HOLDS = 0.995  # share of the rows on which a rule must hold to be taken for one
LEAST_TOLD = 0.5  # share of the target's values that the formula must give: of fewer it says little
MIN_TOLD = 100  # rows that the formula must speak for where it leaves others to the row model


class Holding(NamedTuple):
    """How a formula holds.

    Attributes:
        share: of the rows that it speaks for.
        loose, gaps: as in the dependency.
    """

    share: float
    loose: bool
    gaps: bool


def measured(verdict: Verdict) -> dict[str, int]:
    """The counts, which add up."""
    made, there, right = verdict
    return {
        "rows": len(made),
        "null": int((~there).sum()),
        "told": int((made & there).sum()),
        "broken": int((made & there & ~right).sum()),
        "loose": int((~made & there).sum()),
        "gaps": int((made & ~there).sum()),
    }


def holding(measures: Mapping[str, int]) -> Holding | None:
    """How it holds; None where it does not.

    Rows that have a target without the formula's columns, or none with them, are left to the row model where they are more than exceptions, and break the
    formula where not. A target that is never null must not become so: it is left to the row model in all of them.
    """
    rows, told = measures["rows"], measures["told"]
    few = (1 - HOLDS) * rows
    loose = measures["loose"] > (few if measures["null"] else 0)
    gaps = measures["gaps"] > few
    if told < max(1, LEAST_TOLD * (rows - measures["null"]), MIN_TOLD * (gaps or measures["loose"] > few)):
        return None
    errors = measures["broken"] + (0 if loose else measures["loose"]) + (0 if gaps else measures["gaps"])
    counted = rows - (measures["loose"] if loose else 0) - (measures["gaps"] if gaps else 0)
    return Holding(1 - errors / counted, loose, gaps) if errors <= (1 - HOLDS) * counted else None
