"""C2ST: how well a classifier tells real rows from synthetic ones (Lopez-Paz & Oquab 2017, arXiv 1610.06545), by its AUC: 0.5 where it has to guess.

The classifier is scikit-learn's histogram gradient boosting, small, over three folds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from ..seeds import derive_seed
from .rows import Values

ROWS = 20_000  # of each side; an AUC of so many is exact to 0.005
LEAST_ROWS = 50  # of each side, below which an AUC says nothing
FOLDS = 3
CHECKED_ROWS = 10_000  # for ceilings and floors: one fold of so many is exact to 0.01
REPEATED_ROWS = 500  # of each side, below which chance decides which rows a fold has: the folds are drawn again
ONE_FOLD_ROWS = 2_000  # of each side, from which on one fold is enough for a ceiling or a floor
REPEATS = 2
COMMON, MOST_LABELS = 30, 250  # a label in few rows tells which fold a row is in, not which side
GIVEN_AWAY = 0.52  # an AUC below which no feature gives anything away
TESTED_ROWS, TOLD_FEATURES = 4_000, 5

Columns = Mapping[str, Values]


@dataclass(frozen=True)
class Told:
    """What the classifier found.

    Attributes:
        auc: at least 0.5.
        rows: of each side.
        features: those that give rows away, with how much worse the AUC is where they are shuffled; the most telling first.
    """

    auc: float
    rows: int
    features: tuple[tuple[str, float], ...] = ()


def told_apart(real: Columns, synthetic: Columns, seed: int, *, explain: bool = True, quick: bool = False) -> Told | None:
    """The AUC of a classifier, real rows against as many synthetic ones: the first of each side, which are in an order that says nothing.

    Args:
        explain: look for the features that give rows away.
        quick: one fold of fewer rows, for a ceiling or a floor.

    Returns:
        None where a side has too few rows, or there is no column.
    """
    n = min(_length(real), _length(synthetic), CHECKED_ROWS if quick else ROWS)
    if n < LEAST_ROWS:
        return None
    names, x, categorical = _features(real, synthetic, n)
    if not names:
        return None
    y = np.r_[np.ones(n), np.zeros(n)]
    repeats = REPEATS if n < REPEATED_ROWS and not quick else 1
    scores: list[float] = []
    features: tuple[tuple[str, float], ...] = ()
    with threadpool_limits(1):  # trees this small are slower on several threads, and a task has one core
        for repeat in range(repeats):
            folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=(seed + repeat) % 2**32).split(x, y))
            for train, test in folds[: 1 if quick and n >= ONE_FOLD_ROWS else FOLDS]:
                z, kinds, kept = varied(x, train, categorical)
                if not len(kept):
                    return Told(0.5, n)
                model = HistGradientBoostingClassifier(random_state=seed % 2**32, categorical_features=kinds, max_iter=60, max_leaf_nodes=15)
                model.fit(z[train], y[train])
                scores.append(roc_auc_score(y[test], model.predict_proba(z[test])[:, 1]))
        if explain and np.mean(scores) > GIVEN_AWAY:
            some = test[:: max(1, len(test) // TESTED_ROWS)]  # the folds are sorted: the first rows are all real
            features = _telling(model, z[some], y[some], [names[i] for i in kept], seed)
    return Told(max(0.5, float(np.mean(scores))), n, features)


def shuffled(columns: Columns, seed: int) -> dict[str, Values]:
    """Each column in an order of its own: what columns drawn independently of each other are like."""
    n = _length(columns)
    return {name: v.take(np.random.default_rng(derive_seed(seed, "shuffled", name)).permutation(n)) for name, v in columns.items()}


def first(columns: Columns, rows: np.ndarray) -> dict[str, Values]:
    """Some rows of all columns."""
    return {name: v.take(rows) for name, v in columns.items()}


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())).data) if columns else 0


def _features(real: Columns, synthetic: Columns, n: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    found = {}
    for name, values in real.items():
        a, b = values.data[:n], synthetic[name].data[:n]
        if values.labels:
            found[name] = _common_labels(np.concatenate([a, b]), values.labels)
        elif not _is_numbering(a, values.kind):
            found[name] = np.concatenate([a, b])
    x = np.column_stack([np.where(np.isfinite(v), v, np.nan) for v in found.values()]) if found else np.empty((2 * n, 0))
    return list(found), x, np.array([bool(real[name].labels) for name in found], dtype=bool)


def _common_labels(codes: np.ndarray, labels: int) -> np.ndarray:
    counts = np.bincount(codes + 1, minlength=labels + 1)
    top = np.argsort(-counts, kind="stable")[:MOST_LABELS]
    top = top[counts[top] >= COMMON]
    code = np.zeros(labels + 1)
    code[top] = 1 + np.arange(len(top))
    return code[codes + 1]


def _is_numbering(values: np.ndarray, kind: str) -> bool:
    """Whole numbers that never repeat tell one row from another, not one side from the other."""
    if kind != "number" or np.isnan(values).any() or not (values == np.round(values)).all():
        return False
    return len(np.unique(values)) == len(values)


def varied(x: np.ndarray, train: np.ndarray, categorical: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns that vary over the rows `train`, which of them are categories, and their places; of one value and nulls, whether there is a null varies."""
    known = [c[~np.isnan(c)] for c in x[train].T]
    few = np.array([not len(c) or bool((c == c[0]).all()) for c in known])
    z = np.where(few, np.isnan(x), x)  # the binning needs two values
    kept = np.flatnonzero([len(k) != 0 and (not one or len(k) != len(train)) for k, one in zip(known, few, strict=True)])
    return z[:, kept], (categorical & ~few)[kept], kept


def _telling(model: HistGradientBoostingClassifier, x: np.ndarray, y: np.ndarray, names: list[str], seed: int) -> tuple[tuple[str, float], ...]:
    lost = permutation_importance(model, x, y, scoring="roc_auc", n_repeats=1, random_state=seed % 2**32).importances_mean
    order = np.argsort(-lost, kind="stable")[:TOLD_FEATURES]
    return tuple((names[i], round(float(lost[i]), 4)) for i in order if lost[i] > 0.005)
