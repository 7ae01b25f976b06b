"""Columns of a table that belong to a parent's row: all rows that one of its keys leads there have the same value (the price of a product, in order lines).

Such a column becomes a hidden one of the parent, and its rows repeat it as they repeat the columns that the parent shows.
"""

from __future__ import annotations

from .base import Spec
from .hidden import value_column


class Denormalized(Spec):
    """A column that the row which a key leads to decides.

    Attributes:
        table: that has it.
        key: the place of the key.
        column: no part of a key.
    """

    table: str
    key: int
    column: str

    @property
    def name(self) -> str:
        """What the column is called in the parent's rows."""
        return value_column(self.table, self.key, self.column)
