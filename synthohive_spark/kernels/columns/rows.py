"""Which rows of a table are decoded: what is distinct over all of them must not depend on blocks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..seeds import derive_seed


class Rows(NamedTuple):
    """Some rows of a table.

    Attributes:
        numbers: of the rows, from 0, int64 (N,).
        total: rows of the table, all numbers are below.
        salt: of the run and the table.
    """

    numbers: np.ndarray
    total: int
    salt: int

    def only(self, which: np.ndarray) -> Rows:
        """Those of them, bool (N,)."""
        return self._replace(numbers=self.numbers[which])

    def of_column(self, name: str) -> Rows:
        """The same with a salt for one column."""
        return self._replace(salt=derive_seed(self.salt, name))
