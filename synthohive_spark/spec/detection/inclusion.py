"""Whether the values of one column lie in another: from hashes of both, and what it would be worth by chance."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass

from .facts import ColumnSeen

ENOUGH = 20  # values compared, from which on a share says something
HOPELESS = 5  # values compared, from which on it says something that none was found
PROBED = 128  # values of a column that are looked for in the whole of another one, where the samples have too few in common
HASHES = 2**64
_LOWEST = -(2**63)
_ONE, _TWO = 0.3, 0.55  # what one value, or two, can say at most
_SURE = 0.9
_ROOM = 2.0  # texts of a key are not twice as long, or half as long, as those that point at it


@dataclass(frozen=True)
class Inclusion:
    """How many of a column's different values lie in another.

    Attributes:
        found: of those compared.
        compared: values.
        final: whether all of the sample was compared, or enough of it.
    """

    found: int
    compared: int
    final: bool

    @property
    def share(self) -> float:
        """In [0, 1]; 1 where nothing could be compared."""
        return self.found / self.compared if self.compared else 1.0


def threshold(share: float) -> int:
    """The signed 64-bit number below which the lowest `share` of all hashes lie."""
    return min(_LOWEST + int(share * HASHES), -_LOWEST - 1)


def of_samples(child: ColumnSeen, parent: ColumnSeen) -> Inclusion:
    """From the samples alone: values whose hash is below both thresholds are in both samples, if they are in both columns."""
    whole = parent.share >= child.share
    compared = len(child.in_order) if whole else bisect_left(child.in_order, threshold(parent.share))
    found = len(child.sample & parent.sample)
    if not whole and compared < ENOUGH and child.whole and parent.density == 1 and within(child, parent):
        return Inclusion(len(child.in_order), len(child.in_order), True)  # all numbers of the range are there
    return Inclusion(found, compared, whole or compared >= ENOUGH or (compared >= HOPELESS and not found) or not child.sample)


def of_probe(child: ColumnSeen, present: Collection[int]) -> Inclusion:
    """From those of the child's hashes that were looked for in the whole parent, and found there."""
    asked = child.in_order[:PROBED]
    return Inclusion(sum(h in present for h in asked), len(asked), True)


def alike(child: ColumnSeen, parent: ColumnSeen) -> bool:
    """Whether most of a column's values can lie in another, by the number of values, their range and the lengths of texts."""
    if child.distinct > 2 * parent.distinct + 2:
        return False
    if child.whole:
        return within(child, parent) or parent.density < 1
    return parent.length <= _ROOM * child.length and child.length <= _ROOM * parent.length


def within(child: ColumnSeen, parent: ColumnSeen) -> bool:
    """Whether the range of whole numbers lies in another one."""
    if child.low is None or child.high is None or parent.low is None or parent.high is None:
        return False
    return parent.low <= child.low and child.high <= parent.high


def surprise(child: ColumnSeen, parent: ColumnSeen, inclusion: Inclusion) -> float:
    """How unlikely it is that so many values lie in the other column by chance, in [0, 1)."""
    if not inclusion.compared or not inclusion.found:
        return 0.0
    return _whole(child, parent, inclusion.found) if child.whole else _text(child, parent, inclusion.found)


def _whole(child: ColumnSeen, parent: ColumnSeen, found: int) -> float:
    low, high = parent.low, parent.high
    if low is None or high is None or child.low is None or child.high is None:
        return 0.0
    if parent.density < 1:
        return _few(found, min(_SURE, 1 - parent.density**found))
    if not within(child, parent):
        return 0.0
    # A key that counts 1 to n holds any small number: only how the ranges fit, or a start of its own, says something.
    if low > max(100, 2 * (high - low) / 100) and child.distinct >= 5:
        return 0.8
    span = (child.high - child.low) / max(high - low, 1)
    covered = child.distinct / max(parent.distinct, 1)
    if child.distinct >= 20 and span >= 0.98 and covered >= 0.5:
        return 0.62
    return 0.4 if child.distinct >= 10 and span >= 0.9 and covered >= 0.5 else 0.1 if child.distinct >= 3 else 0.05


def _text(child: ColumnSeen, parent: ColumnSeen, found: int) -> float:
    short_numbers = child.digits > 0.5 and child.length <= 3
    if child.length < 2 or short_numbers:
        return _ONE
    return _few(found, min(_SURE, 1 - 0.5**found))


def _few(found: int, value: float) -> float:
    return min(value, {1: _ONE, 2: _TWO}.get(found, value))
