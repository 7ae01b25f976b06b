"""The figures of a report: what each tells, which way is better, and how far from its ceiling it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .base import Spec

Grade = Literal["close", "visible", "off", "none"]
CLOSE, VISIBLE = 0.03, 0.10  # of a score below its ceiling: a reader does not see a difference of 0.03 in a plot, and cannot miss one of 0.10
CLOSE_AUC, VISIBLE_AUC = 0.05, 0.15  # of an AUC above its ceiling: 0.55 comes of a few percent of the rows; at 0.65 many give themselves away
NO_AUC = 0.5  # of a classifier that has to guess


@dataclass(frozen=True)
class FigureKind:
    """What a figure tells.

    Attributes:
        title: for a heading.
        hint: what it is of, in a few words.
        auc: it is the AUC of a classifier, or a share of two that should be as large, for which 0.5 is best; else a score for which 1 is.
        close, visible: how far from its ceiling it may be; as all of its kind where None.
    """

    title: str
    hint: str
    auc: bool = False
    close: float | None = None
    visible: float | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """How far from its ceiling it may be to be close, and to be visibly off it."""
        usual = (CLOSE_AUC, VISIBLE_AUC) if self.auc else (CLOSE, VISIBLE)
        return (usual[0] if self.close is None else self.close), (usual[1] if self.visible is None else self.visible)


FIGURES: dict[str, FigureKind] = {
    "shapes": FigureKind("Shapes", "each column on its own"),
    "pairs": FigureKind("Pairs", "how columns go together"),
    "parent_pairs": FigureKind("Parent pairs", "columns of rows and of their parents"),
    "cardinality": FigureKind("Cardinality", "children per parent"),
    "siblings": FigureKind("Siblings", "a row and another of its parent"),
    "sequence": FigureKind("Sequence", "a row and the next of its parent"),
    "paths": FigureKind("Paths", "two ways that lead to one row"),
    "c2st": FigureKind("C2ST", "rows told from real ones", auc=True),
    "c2st_parent": FigureKind("C2ST, parents", "rows with their parents", auc=True),
    "c2st_agg": FigureKind("C2ST, children", "parents with their children", auc=True),
    "tstr": FigureKind("TSTR", "a model that learnt on synthetic rows, tested on real ones"),
    "nearness": FigureKind("Nearness", "rows nearer to those that trained than to others", auc=True, close=0.03, visible=0.08),
    "membership": FigureKind("Membership", "guessing which real rows trained", auc=True, close=0.03, visible=0.08),
    "distance": FigureKind("Distance", "of the nearest 5 % of rows to real ones, in that of real rows", close=0.10, visible=0.30),
    "originality": FigureKind("Originality", "rows that are no real row again"),
}


class Figure(Spec):
    """A number beside the best and the worst that can be expected of it.

    Attributes:
        name: one of `FIGURES`.
        value: None where there is nothing to compare.
        ceiling: what two halves of the real data come to.
        floor: what columns drawn independently of each other come to; None where that says nothing.
    """

    name: str
    value: float | None
    ceiling: float | None
    floor: float | None = None

    @property
    def kind(self) -> FigureKind:
        """What it tells."""
        return FIGURES[self.name]

    @property
    def excess(self) -> float | None:
        """How much worse than the ceiling."""
        if self.value is None or self.ceiling is None:
            return None
        return self.value - self.ceiling if self.kind.auc else self.ceiling - self.value

    @property
    def badness(self) -> float:
        """The excess in units of what cannot be missed; -1 where there is nothing to compare."""
        return -1.0 if self.excess is None else self.excess / self.kind.limits[1]

    @property
    def grade(self) -> Grade:
        """`close` to the ceiling, `visible`y below it, or `off`."""
        if self.excess is None:
            return "none"
        close, visible = self.kind.limits
        return "close" if self.excess <= close else "visible" if self.excess <= visible else "off"


class Case(Figure):
    """One column, pair, table or key behind a figure.

    Attributes:
        table: whose rows they are.
        what: the columns or the key, in words.
    """

    table: str
    what: str
