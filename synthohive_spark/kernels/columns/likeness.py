"""Which values of a category with more values than codes share a code: those whose rows are alike in the other columns.

A row model sees codes only, so what a value says about the other columns is kept as far as the values of its code say the same. The values' profiles (how often
each code of the other columns comes with them) are laid out by correspondence analysis (Greenacre 1984), and cut along its axes into groups of equal mass.

Legend: `N` sampled rows, `V` values of the column, `P` other columns, `K` codes of them all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from ...spec.encoding import CategoryEncoding, TableEncoding
from ..distances import coarse_codes
from . import encode_frame
from .categories import places_of
from .types import to_typed

AXES = 8  # of the correspondence analysis; 127 groups are told apart by seven cuts
OTHERS = 24  # other columns that are compared; the work grows with their square
LABELS = 32  # codes of a category among them: its commonest values, and the rest as one
CLEAR = 1.2  # inertia of an axis over the largest that values without any meaning would show


def shared_from(encoding: CategoryEncoding) -> int:
    """Number of the first group from which on values share codes; the number of groups where none do."""
    sizes = np.diff(np.append(np.asarray(encoding.starts, dtype=np.int64), len(encoding.values)))
    several = np.flatnonzero(sizes > 1)
    return int(several[0]) if len(several) else len(sizes)


def compared(encoding: TableEncoding) -> TableEncoding:
    """The columns whose codes tell values apart: at most `OTHERS` that have several, those with few codes first."""
    several = sorted((c for c in encoding.columns if c.cardinality > 1), key=lambda c: c.cardinality)
    return encoding.select(tuple(c.name for c in several[: OTHERS + 1]))  # one of them may be the column itself


def placed_frames(frames: Iterator[pd.DataFrame], *, large: TableEncoding, others: TableEncoding) -> Iterator[pd.DataFrame]:
    """Frames of real rows in; integers out: places of the values of the `large` columns (`p0...`), and codes of the `others`, made coarse (`o0...`)."""
    maps = _coarse(others)
    for frame in frames:
        places = {f"p{i}": places_of(to_typed(frame[c.name], c.name, c.spark_type), c) for i, c in enumerate(large.columns) if isinstance(c, CategoryEncoding)}
        codes = encode_frame(frame, others)
        yield pd.DataFrame({**places, **{f"o{i}": kept[codes[:, i]] for i, kept in enumerate(maps)}}).astype("int32")


def regrouped_frames(frames: Iterator[pd.DataFrame], *, large: TableEncoding, others: TableEncoding) -> Iterator[pd.DataFrame]:
    """All that `placed_frames` gave in; out one row per large column (`column`, `encoding`), its encoding as JSON."""
    seen = pd.concat(list(frames), ignore_index=True)
    sizes = [int(kept.max()) + 1 for kept in _coarse(others)]
    found = []
    for i, column in enumerate(large.columns):
        if isinstance(column, CategoryEncoding):
            apart = [j for j, other in enumerate(others.columns) if other.name != column.name]
            codes = seen[[f"o{j}" for j in apart]].to_numpy(dtype=np.int64)
            found.append((i, regrouped(column, seen[f"p{i}"].to_numpy(dtype=np.int64), codes, tuple(sizes[j] for j in apart)).model_dump_json()))
    yield pd.DataFrame(found, columns=["column", "encoding"])


def _coarse(others: TableEncoding) -> list[np.ndarray]:
    return [
        np.minimum(np.arange(c.cardinality), LABELS - 1) if isinstance(c, CategoryEncoding) else coarse_codes(c.cardinality, np.asarray(c.weights))
        for c in others.columns
    ]


def regrouped(encoding: CategoryEncoding, place: np.ndarray, others: np.ndarray, sizes: tuple[int, ...]) -> CategoryEncoding:
    """`encoding` with its shared codes given to values that are alike.

    Args:
        place: of each sampled row, the number of its value among `encoding.values`, int64 (N,); -1 where it has none of them.
        others: the codes of the other columns in the same rows, int64 (N, P).
        sizes: how many codes each of them has, P numbers.
    """
    first = shared_from(encoding)
    start = encoding.starts[first] if first < len(encoding.starts) else len(encoding.values)
    seen = place >= start
    groups = len(encoding.starts) - first
    if not seen.any() or groups < 2 or not sizes:
        return encoding
    counts = np.asarray(encoding.counts, dtype=np.int64)
    where = _coordinates(place[seen] - start, others[seen], sizes, len(counts) - start)  # (V, axes)
    if not where.shape[1]:
        return encoding  # the other columns say nothing about the values
    cells = [cell + start for cell in _cells(where, counts[start:].astype(np.float64), groups)]
    order = np.concatenate([np.arange(start), *cells])
    starts = np.concatenate([encoding.starts[:first], start + np.cumsum([0, *(len(cell) for cell in cells[:-1])])]).astype(np.int64)
    rows = np.add.reduceat(counts[order], starts).astype(np.float64)
    null = encoding.weights[0] if encoding.has_null else 0.0
    rare = encoding.weights[-1] if encoding.rare is not None else 0.0
    return encoding.model_copy(
        update={
            "values": tuple(encoding.values[i] for i in order),
            "counts": tuple(counts[order].tolist()),
            "starts": tuple(starts.tolist()),
            "weights": tuple(
                ([null] if encoding.has_null else []) + (rows / rows.sum() * (1 - null - rare)).tolist() + ([rare] if encoding.rare is not None else [])
            ),
        }
    )


def _coordinates(place: np.ndarray, others: np.ndarray, sizes: tuple[int, ...], values: int) -> np.ndarray:
    """The values on the axes along which they differ most, float64 (V, at most AXES); a value without a row is in the middle."""
    offsets = np.cumsum([0, *sizes])
    columns = (others + offsets[:-1]).ravel()  # (N * P,)
    table = sparse.coo_matrix((np.ones(len(columns)), (np.repeat(place, len(sizes)), columns)), shape=(values, int(offsets[-1]))).tocsr()  # (V, K)
    rows = np.bincount(place, minlength=values).astype(np.float64)
    means = sparse.diags(1 / np.maximum(rows, 1)) @ table
    share = np.asarray(table.sum(axis=0)).ravel() / len(place)
    scale = 1 / np.sqrt(np.maximum(share, 1 / len(place)))
    spread = (table.T @ means).toarray() - len(place) * np.outer(share, share)  # (K, K), between the values
    inertia, axes = np.linalg.eigh(spread * scale[:, None] * scale[None, :])
    some = float((rows > 0).sum())
    noise = some * (1 + np.sqrt(len(share) / some)) ** 2  # the edge of Marchenko and Pastur (1967); each value adds about 1 to every axis by chance
    kept = [i for i in np.argsort(-inertia)[:AXES] if inertia[i] > CLEAR * noise]
    turned = scale[:, None] * axes[:, kept]  # (K, axes)
    return np.where(rows[:, None] > 0, means @ turned - share @ turned, 0.0)


def _cells(where: np.ndarray, mass: np.ndarray, groups: int) -> list[np.ndarray]:
    """The values in at most `groups` cells of about equal mass: halved along the axis on which a cell is widest, as often as it takes."""
    done: list[np.ndarray] = []
    waiting = [(np.arange(len(mass)), groups)]
    while waiting:
        cell, count = waiting.pop()
        if count < 2 or len(cell) < 2:
            done.append(np.sort(cell))
            continue
        weights = np.maximum(mass[cell], 1e-12)
        middle = np.average(where[cell], axis=0, weights=weights)
        widest = int(np.argmax(np.average((where[cell] - middle) ** 2, axis=0, weights=weights)))
        ordered = cell[np.argsort(where[cell, widest], kind="stable")]
        cumulated = np.cumsum(mass[ordered])
        left = count // 2
        cut = int(np.clip(np.searchsorted(cumulated, cumulated[-1] * left / count), 1, len(cell) - 1))
        waiting += [(ordered[cut:], count - left), (ordered[:cut], left)]
    return done
