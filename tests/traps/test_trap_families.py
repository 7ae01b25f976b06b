"""Rows of one parent that have something together, and columns that other columns tell."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata

pytestmark = pytest.mark.spark

PARENTS = 200
DAY = date(2022, 1, 1)


def tables() -> dict[str, dict[str, tuple[str, list[Any]]]]:
    rng = random.Random(3)
    customers, versions, shares = [], [], []
    for c in range(PARENTS):
        start, count = DAY + timedelta(days=rng.randrange(300)), rng.randrange(1, 5)
        for i in range(count):
            end = start + timedelta(days=rng.randrange(20, 200))
            versions.append((c, rng.choice("abc"), start, None if i == count - 1 else end, i == count - 1))
            start, last = end, start
        parts = rng.sample(range(1, 100), rng.randrange(0, 4))
        shares += [(c, b - a) for a, b in zip([0, *sorted(parts)], [*sorted(parts), 100], strict=True)]
        year, region, stocks = rng.randrange(2019, 2024), rng.choice(["EU", "US"]), rng.randrange(60)
        bonds = rng.randrange(100 - stocks)
        customers.append((c, year, region, f"{region}/{year}", last, stocks, bonds, 100 - stocks - bonds))
    return {
        "customers": _columns("id long, year int, region string, code string, since date, stocks int, bonds int, cash int", customers),
        "versions": _columns(
            "id long, customer long, tier string, valid_from date, valid_to date, is_current boolean", [(i, *v) for i, v in enumerate(versions)]
        ),
        "shares": _columns("id long, customer long, percent int", [(i, *s) for i, s in enumerate(shares)]),
    }


def _columns(ddl: str, rows: list[tuple[Any, ...]]) -> dict[str, tuple[str, list[Any]]]:
    named = [part.split() for part in ddl.split(", ")]
    return {name: (kind, [row[i] for row in rows]) for i, (name, kind) in enumerate(named)}


@pytest.fixture(scope="module")
def made(frame: Any, copied: Any) -> dict[str, pd.DataFrame]:
    metadata = Metadata().add_table("customers", pk="id")
    for name in ("versions", "shares"):
        metadata.add_table(name, pk="id", fk={"customer": "customers.id"})
    copy = copied(metadata, {name: frame(columns) for name, columns in tables().items()})
    return {name: plain(rows) for name, rows in copy.items()}


def test_versions_of_a_dimension(made: dict[str, pd.DataFrame]) -> None:
    """dbt-labs/metricflow#226: versions of one key must not overlap, and one of them is valid at any time."""
    for _, rows in made["versions"].groupby("customer"):
        rows = rows.sort_values(["valid_from", "id"])
        assert rows.valid_to.tolist()[:-1] == rows.valid_from.tolist()[1:]
        assert rows.valid_to.iloc[-1] is None
        assert rows.is_current.tolist() == [False] * (len(rows) - 1) + [True]


def test_the_greatest_date_of_the_rows_below(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#654: what a column is of many rows must hold; here a date, which nothing could take for 0."""
    greatest = made["versions"].groupby("customer").valid_from.max()
    assert (made["customers"].set_index("id").since == greatest).all()


def test_shares_of_a_family_and_of_a_row(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/CTGAN#229: columns that add up to a constant, and here rows too."""
    assert (made["shares"].groupby("customer").percent.sum() == 100).all()
    parts = made["customers"][["stocks", "bonds", "cash"]]
    assert (parts.sum(axis=1) == 100).all()
    assert (parts >= 0).all(axis=None)


def test_a_code_that_is_put_together(made: dict[str, pd.DataFrame]) -> None:
    """Datavault-UK/automate-dv#20: a key that is made of several columns with something between them."""
    rows = made["customers"]
    assert (rows.code == rows.region + "/" + rows.year.astype(str)).all()
