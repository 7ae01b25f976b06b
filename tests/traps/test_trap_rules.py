"""Rules that rows of many schemas keep, and that no key or type tells of: values picked from other columns, what children add up to, check digits."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata

pytestmark = pytest.mark.spark

SHOPS, ROWS = 500, 1_500


def account(rng: random.Random) -> str:
    number = f"{rng.randrange(10**18):018d}"
    return f"DE{98 - int(number + '131400') % 97:02d}{number}"


@pytest.fixture(scope="module")
def made(frame: Any, copied: Any) -> dict[str, pd.DataFrame]:
    rng = random.Random(4)
    start = datetime(2024, 1, 1)
    reviews: list[tuple[Any, ...]] = []
    for i in range(ROWS):
        written = start + timedelta(seconds=rng.randrange(10**7))
        edited = written + timedelta(seconds=rng.randrange(10**6)) if rng.random() < 0.4 else None
        seen = start + timedelta(seconds=rng.randrange(10**7)) if rng.random() < 0.6 else None
        nick, name = rng.choice([None, "ace", "bo", "cy"]), rng.choice(["Ann", "Bea", "Cid", "Dov"])
        last = max(t for t in (written, edited, seen) if t)
        reviews.append(
            (i, rng.randrange(SHOPS), rng.randrange(1, 6), rng.choice(["new", "read", "done"]), written, edited, seen, last, nick, name, nick or name)
        )
    shops = []
    for shop in range(SHOPS):
        own = [r for r in reviews if r[1] == shop]
        stars = round(sum(r[2] for r in own) / len(own), 1) if own else None
        shops.append((shop, stars, max(own, key=lambda r: r[4])[3] if own else None, account(rng)))
    types = ["long", "long", "int", "string", *["timestamp_ntz"] * 4, *["string"] * 3]
    names = ["id", "shop_id", "stars", "status", "written", "edited", "seen", "last", "nick", "name", "shown"]
    columns = {n: (kind, list(values)) for n, kind, values in zip(names, types, zip(*reviews, strict=True), strict=True)}
    parents = dict(zip(["shop_id", "rating", "status", "iban"], zip(*shops, strict=True), strict=True))
    kinds = {"shop_id": "long", "rating": "double", "status": "string", "iban": "string"}
    metadata = Metadata().add_table("shops", pk="shop_id").add_table("reviews", pk="id", fk={"shop_id": "shops.shop_id"})
    data = {"shops": frame({n: (kinds[n], list(values)) for n, values in parents.items()}), "reviews": frame(columns)}
    return {name: plain(rows) for name, rows in copied(metadata, data).items()}


def test_values_that_are_picked_from_others(made: dict[str, pd.DataFrame]) -> None:
    rows = made["reviews"]
    assert [nick or name for nick, name in zip(rows["nick"], rows["name"], strict=True)] == list(rows.shown)
    times = zip(rows.written, rows.edited, rows.seen, strict=True)
    assert [max(t for t in row if not pd.isna(t)) for row in times] == list(rows["last"])


def test_means_and_last_texts_of_children(made: dict[str, pd.DataFrame]) -> None:
    shops, reviews = made["shops"].set_index("shop_id"), made["reviews"].astype({"stars": float})
    means = reviews.groupby("shop_id").stars.mean()
    assert ((means - shops.rating[means.index].astype(float)).abs() <= 0.0500001).all()
    last = reviews.sort_values("written").groupby("shop_id").status.last()
    assert (last == shops.status[last.index]).mean() > 0.99  # two reviews of one second tell no last one


def test_accounts_pass_their_check(made: dict[str, pd.DataFrame]) -> None:
    assert all(int(f"{text[4:]}1314{text[2:4]}") % 97 == 1 and text.startswith("DE") for text in made["shops"].iban)
