"""Totals: columns of a parent that are counted, summed up, averaged or picked from its rows in a child table; they are set when these are there."""

from __future__ import annotations

from typing import Literal

from .base import Spec


class Total(Spec):
    """`column` of a parent by its rows in `child`.

    Attributes:
        column: of the parent.
        child: table.
        key: index of its foreign key to the parent.
        what: number of the rows, or the sum, the mean, the least or the greatest of `of`, nulls left out (true counts 1, false 0); or what `of` is in the
            first or the last row.
        of: the child's columns; of a sum their product.
        by: the child's columns by which its rows are first or last.
        digits: after the point, to which a sum or mean is rounded; None for none.
        empty: what parents without rows have: 0, null, or the value that was drawn for them.
        share: of the real parents, those on which it holds. It holds on all synthetic ones.
    """

    column: str
    child: str
    key: int
    what: Literal["rows", "sum", "mean", "least", "greatest", "first", "last"]
    of: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    digits: int | None = None
    empty: Literal["zero", "null", "drawn"] = "zero"
    share: float = 1.0


def described_total(total: Total) -> str:
    """The total in words: `total = sum of quantity * unit_price in lines`."""
    what = "number of rows" if total.what == "rows" else f"{total.what} of {' * '.join(total.of)}"
    return f"{total.column} = {what} in {total.child}{f' by {total.by[0]}' if total.by else ''}"
