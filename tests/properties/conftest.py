"""Generated tables have some rows only: what larger ones get is planned for them too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synthohive_spark.spec.planning import siblings


@pytest.fixture(autouse=True, scope="module")
def small_tables_have_siblings() -> Iterator[None]:
    """For a whole module: Hypothesis allows no fixture per test."""
    usual, siblings.LEAST_ROWS = siblings.LEAST_ROWS, 2
    yield
    siblings.LEAST_ROWS = usual
