"""Train on synthetic, test on real (TSTR: Esteban et al. 2017, arXiv 1706.02633): are models that learn from synthetic rows as good as those of real ones?

Both are scikit-learn's histogram gradient boosting, on as many rows each, tested on the same real rows, which neither has seen; the row model has not seen
them either where it is known which rows trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from threadpoolctl import threadpool_limits

from .classifier import Columns, varied
from .rows import Values

TRAINED, TESTED = 20_000, 10_000  # rows, at most: a score of so many is exact to 0.01
LEAST = 50  # rows that are tested, and of each of two classes LEAST_OF_CLASS
LEAST_OF_CLASS = 10
MOST_CLASSES = 20  # rows of rarer ones are left out: too few to be tested
FINITE = 1e150  # greater numbers stand for something else, and their squares are infinite
MOST_LABELS = 250  # of a feature, which the boosting can take as categories

Metric = Literal["auc", "accuracy", "r2"]


@dataclass(frozen=True)
class Utility:
    """Scores on real rows that were held out.

    Attributes:
        metric: `auc` of two classes, `accuracy` of more, `r2` of a number.
        synthetic, real: of the model that learnt on rows of that side; `r2` below 0 counts as 0.
        trained, tested: rows.
    """

    metric: Metric
    synthetic: float
    real: float
    trained: int
    tested: int


def useful(real: Columns, synthetic: Columns, target: str, held: np.ndarray, half: np.ndarray, seed: int) -> Utility | None:
    """Both scores.

    Args:
        target: the column that is predicted from all others.
        held: of the real rows, 1 where it was held out, 0 where it trained, -1 where that is not known, int64 (N,).
        half: of the real rows, bool (N,): those to be tested where it is not known which trained.

    Returns:
        None where there are too few rows, or nothing to predict.
    """
    known = (held >= 0).sum() > len(held) / 2 and (held == 1).sum() >= LEAST
    test, train = (np.flatnonzero(held == 1), np.flatnonzero(held == 0)) if known else (np.flatnonzero(half), np.flatnonzero(~half))
    y_real, y_made, metric = _targets(real[target], synthetic[target], train)
    test, train = (rows[np.isfinite(y_real[rows])] for rows in (test, train))
    made = np.flatnonzero(np.isfinite(y_made))
    n = min(len(train), len(made), TRAINED)
    test, train, made = test[:TESTED], train[:n], made[:n]
    if len(real) < 2 or min(len(test), n) < LEAST or not _varies(y_real[train], y_real[test], metric):
        return None
    x_real, x_made, categorical = _features(real, synthetic, target, train)
    scores = []
    for x, y, rows in ((x_made, y_made, made), (x_real, y_real, train)):
        scores.append(_score(x[rows], y[rows], x_real[test], y_real[test], categorical, metric, seed))
    return Utility(metric, scores[0], scores[1], n, len(test))


def _targets(real: Values, synthetic: Values, train: np.ndarray) -> tuple[np.ndarray, np.ndarray, Metric]:
    """What is predicted, float64 per row of each side, NaN where a row is left out."""
    known = real.data[train]
    known = known[known >= 0] if real.labels else known[np.abs(known) < FINITE]
    values, counts = np.unique(known, return_counts=True)
    if not real.labels and len(values) > 2:
        found = [np.where(np.abs(side.data) < FINITE, side.data, np.nan) for side in (real, synthetic)]
        return found[0], found[1], "r2"
    top = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    classes = np.sort(values[top][counts[top] >= LEAST_OF_CLASS])
    found = [np.where(np.isin(side.data, classes), side.data.astype("float64"), np.nan) for side in (real, synthetic)]
    return found[0], found[1], "auc" if len(classes) == 2 else "accuracy"


def _varies(train: np.ndarray, test: np.ndarray, metric: Metric) -> bool:
    if metric == "r2":
        return bool(np.ptp(train) > 0 and np.ptp(test) > 0)
    return min(len(np.unique(train)), len(np.unique(test))) > 1


def _features(real: Columns, synthetic: Columns, target: str, train: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both sides as float64 (rows, columns), and which columns are categories: the commonest labels of the real rows that train, and the rest."""
    sides: list[list[np.ndarray]] = [[], []]
    names = [name for name in real if name != target]
    for name in names:
        codes = _codes(real[name], train) if real[name].labels else None
        for found, side in zip(sides, (real, synthetic), strict=True):
            data = side[name].data
            found.append(np.where(np.isfinite(data), data, np.nan) if codes is None else codes[data + 1])
    x = [np.column_stack(found) for found in sides]
    return x[0], x[1], np.array([bool(real[name].labels) for name in names], dtype=bool)


def _codes(values: Values, train: np.ndarray) -> np.ndarray:
    counts = np.bincount(values.data[train] + 1, minlength=values.labels + 1)
    top = np.argsort(-counts, kind="stable")[: MOST_LABELS - 1]
    codes = np.zeros(values.labels + 1)
    codes[top[counts[top] > 0]] = 1 + np.arange(int((counts[top] > 0).sum()))
    return codes


def _score(x: np.ndarray, y: np.ndarray, tested: np.ndarray, expected: np.ndarray, categorical: np.ndarray, metric: Metric, seed: int) -> float:
    """Of a model of `x` (n, columns) and `y` (n,), on `tested`."""
    if metric != "r2" and len(np.unique(y)) < 2:
        return 0.5 if metric == "auc" else float((expected == y[0]).mean())  # one class only: it knows no other
    both = np.concatenate([x, tested])
    z, kinds, kept = varied(both, np.arange(len(x)), categorical)
    if not len(kept):
        z, kinds = np.zeros((len(both), 1)), np.zeros(1, dtype=bool)
    z, t = z[: len(x)], z[len(x) :]
    kind = HistGradientBoostingRegressor if metric == "r2" else HistGradientBoostingClassifier
    with threadpool_limits(1):  # a task has one core
        model = kind(random_state=seed % 2**32, categorical_features=kinds, max_iter=100, max_leaf_nodes=15).fit(z, y)
        if metric == "auc":
            return float(roc_auc_score(expected == model.classes_[1], model.predict_proba(t)[:, 1]))
        predicted = model.predict(t)
    return max(0.0, float(r2_score(expected, predicted))) if metric == "r2" else float((predicted == expected).mean())
