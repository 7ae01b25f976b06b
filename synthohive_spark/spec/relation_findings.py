"""What was found of columns together, in one row and over several, and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .base import Spec
from .figures import NO_AUC, Figure


class PairFinding(Spec):
    """Association of two columns of a table.

    Attributes:
        distance: TVD of the two contingency tables (numbers in ten quantile bins of the real column, labels in the 50 commonest and the rest), in [0, 1].
        ceiling: the same between two random halves of the real table, on average.
        floor: the same between the real table and the product of its marginals: what columns drawn independently of each other come to.
    """

    first: str
    second: str
    distance: float
    ceiling: float
    floor: float


class ClassifierFinding(Spec):
    """How well a classifier tells real rows from synthetic ones (C2ST: Lopez-Paz & Oquab 2017, arXiv 1610.06545).

    Attributes:
        auc: of scikit-learn's histogram gradient boosting over three folds, from 0.5 (it has to guess) to 1.
        ceiling: of one real half against the other; None where they have too few rows.
        floor: of the real rows against shuffled ones: each column by itself; the parents among their rows; the children among their parents.
        rows: of each side that it saw.
        features: what gives rows away: by how much the AUC falls where the feature is shuffled (permutation importance, Breiman 2001).
    """

    auc: float
    ceiling: float | None = None
    floor: float | None = None
    rows: int
    features: tuple[tuple[str, float], ...] = ()


class NearestFinding(Spec):
    """How near synthetic rows are to real ones: distance to closest record (DCR).

    A distance adds up the differences of ranks of numbers, in [0, 1], and 1 for each label, or null, that differs.

    Attributes:
        nearness: of rows as many that trained and that were held out, the share of the synthetic rows whose nearest is one that trained; 0.5 where nothing
            was learnt by heart. None where nothing was trained, too few rows were held out, or the training saw a sample of the table.
        distance: the 5 % quantile of the distances of synthetic rows to their nearest real ones.
        distance_real: that of real rows, held out ones or a half, to other real rows.
        same: share of the synthetic rows that are the same as a real one in all compared columns.
        same_real: share of those real rows that are the same as another.
        rows: synthetic rows that were looked at.
        membership: AUC of a guess which real rows trained, by how much nearer they have a synthetic row than a real one of a reference; 0.5 where nothing
            tells. None as `nearness`, and where fewer than 2,000 rows were held out.
    """

    nearness: float | None
    distance: float
    distance_real: float
    same: float
    same_real: float
    rows: int
    membership: float | None = None


class UtilityFinding(Spec):
    """How well a column is predicted by what was learnt on synthetic rows (train on synthetic, test on real: Esteban et al. 2017, arXiv 1706.02633).

    Attributes:
        column: what is predicted, from the other compared columns of its table, and those of the parents of its rows.
        metric: `auc` of two classes, `accuracy` of more (the 20 commonest), `r2` of a number, 0 at least.
        synthetic: on real rows that were held out, of histogram gradient boosting that learnt on synthetic rows.
        real: of the same that learnt on real ones.
        trained: rows of each side that it learnt on.
        tested: rows it was tested on.
    """

    column: str
    metric: Literal["auc", "accuracy", "r2"]
    synthetic: float
    real: float
    trained: int
    tested: int


class AcrossFinding(Spec):
    """Pairs of columns over two rows: TVD of the contingency tables, as in `PairFinding`.

    Attributes:
        distance, ceiling, floor: means over the pairs; halves are of whole families, or of rows where the parents are reference rows.
        count: pairs that were compared, of those `possible`.
        pairs: those pairs; of very many the worst. The columns of a pair are one where both rows are of the same table.
    """

    distance: float
    ceiling: float
    floor: float
    count: int
    possible: int
    pairs: tuple[PairFinding, ...] = ()


class PathFinding(Spec):
    """A key that leads to rows to which two other keys lead as well (payment -> customer, payment -> rental -> customer).

    Attributes:
        path: both ways, in words.
        real: share of the rows for which both lead to one row, on the real side, and on the `synthetic` one.
        ceiling: the difference of two real halves, expected.
    """

    table: str
    path: str
    real: float
    synthetic: float
    ceiling: float

    @property
    def distance(self) -> float:
        """The difference of both sides."""
        return abs(self.real - self.synthetic)


def across_figure(name: str, found: Sequence[AcrossFinding | PairFinding]) -> Figure:
    """The mean over pairs."""
    return Figure(name=name, value=score([f.distance for f in found]), ceiling=score([f.ceiling for f in found]), floor=score([f.floor for f in found]))


def classifier_figure(name: str, found: Sequence[ClassifierFinding]) -> Figure:
    """The mean over classifiers; a ceiling of which there are too few rows is that of one that guesses."""
    if not found:
        return Figure(name=name, value=None, ceiling=None)
    floors = [f.floor for f in found if f.floor is not None]
    return Figure(
        name=name,
        value=mean([f.auc for f in found]),
        ceiling=mean([NO_AUC if f.ceiling is None else f.ceiling for f in found]),
        floor=mean(floors) if len(floors) == len(found) else None,
    )


def utility_figure(found: Sequence[UtilityFinding]) -> Figure:
    """The mean over tables; the ceiling is what real rows teach."""
    if not found:
        return Figure(name="tstr", value=None, ceiling=None)
    return Figure(name="tstr", value=mean([f.synthetic for f in found]), ceiling=mean([f.real for f in found]))


def nearest_figures(found: Sequence[NearestFinding]) -> list[Figure]:
    """The means over tables of what tells of copied rows."""
    known = [f.nearness for f in found if f.nearness is not None]
    guessed = [f.membership for f in found if f.membership is not None]
    distances = [1.0 if f.distance >= f.distance_real else f.distance / f.distance_real for f in found]
    return [
        Figure(name="nearness", value=mean(known) if known else None, ceiling=NO_AUC if known else None),
        Figure(name="membership", value=mean(guessed) if guessed else None, ceiling=NO_AUC if guessed else None),
        Figure(name="distance", value=mean(distances) if found else None, ceiling=1.0 if found else None),
        Figure(name="originality", value=score([f.same for f in found]), ceiling=score([f.same_real for f in found])),
    ]


def mean(values: Sequence[float]) -> float:
    """Of one value or more."""
    return sum(values) / len(values)


def score(distances: Sequence[float]) -> float | None:
    """1 - the mean distance; None where there is none."""
    return 1.0 - mean(distances) if distances else None
