"""pandas frames as notebooks have them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata, SchemaError

pytestmark = pytest.mark.spark

N = 300


def frames() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(4)
    shops = pd.DataFrame({"shop": np.arange(20), "size": pd.Categorical(rng.choice(["s", "m", "l"], 20), categories=["s", "m", "l", "xl"], ordered=True)})
    sales = pd.DataFrame(
        {
            0: np.arange(N),  # names that are numbers
            "shop": np.where(rng.random(N) < 0.2, np.nan, rng.integers(0, 20, N)),  # floats, as some are missing
            "units": pd.array(rng.integers(1, 9, N), dtype="UInt8"),
            "price": pd.Series(rng.random(N).round(2)).astype("Float64").where(rng.random(N) < 0.8, pd.NA),
            "paid": pd.Series(rng.random(N) < 0.5).astype("boolean").where(rng.random(N) < 0.8, pd.NA),
            "note": pd.Series(rng.choice(["x", "y"], N), dtype="string").where(rng.random(N) < 0.8, pd.NA),
            "when": pd.date_range("2024-03-10", periods=N, freq="7min", tz="Europe/Berlin"),
            "arrow": pd.Series(rng.integers(0, 5, N)).astype("int32[pyarrow]"),
            "label": pd.Series(rng.choice(["ä", "ö"], N)).astype("string[pyarrow]"),
            "level": pd.Categorical(rng.choice([1, 2, 3], N)),
            "never": pd.Series([None] * N, dtype=object),
        }
    ).set_index(pd.MultiIndex.from_product([["a", "b"], range(N // 2)]))
    return {
        "shops": shops.set_index(pd.date_range("2020", periods=20)),
        "sales": sales,
        "tokens": pd.DataFrame({"token": pd.Series([str(uuid.UUID(int=int(x) << 64 | int(y))) for x, y in rng.integers(0, 2**63, (80, 2))])}),
    }


@pytest.fixture(scope="module")
def made(copied: Any) -> dict[str, pd.DataFrame]:
    metadata = Metadata().add_table("shops", pk="shop").add_table("sales", pk="0", fk={"shop": "shops.shop"}).add_table("tokens")
    return {name: plain(table) for name, table in copied(metadata, frames()).items()}


def test_names_that_are_numbers_and_any_index(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#1935: frames read without a header have numbers as names."""
    sales = made["sales"]
    assert sales.columns.tolist()[:3] == ["0", "shop", "units"] and len(sales) == N and sales["0"].is_unique


def test_keys_that_are_floats_because_some_are_missing(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#2514: whole numbers with null came back as floats, or not at all; sdv-dev/SDV#1780: a null in a key was refused."""
    sales, shops = made["sales"], made["shops"]
    assert set(sales.shop.dropna().map(type)) == {int} and set(sales.shop.dropna()) <= set(shops["shop"]) and 0.1 < sales.shop.isna().mean() < 0.3


def test_categories(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#1733: a frame of categories could not be fitted; sdv-dev/SDV#194: categories of whole numbers came back as text."""
    assert set(made["shops"]["size"]) <= {"s", "m", "l"} and set(made["sales"].level) == {1, 2, 3}


def test_nullable_types(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#1835: frames after `convert_dtypes`."""
    sales = made["sales"]
    assert all(0.1 < sales[name].isna().mean() < 0.3 for name in ("price", "paid", "note"))
    assert set(sales.units) == set(range(1, 9)) and set(sales.note.dropna()) == {"x", "y"} and set(sales.paid.dropna()) == {True, False}


def test_columns_of_arrow(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#1813: frames whose columns are Arrow arrays."""
    sales = made["sales"]
    assert set(sales.arrow) == set(range(5)) and set(sales.label) == {"ä", "ö"} and sales.never.isna().all()


def test_times_with_a_zone(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#2594: columns of time stamps with a zone broke the choice of how to learn them."""
    when = pd.to_datetime(made["sales"].when, utc=True)
    assert when.between("2024-03-09 23:00Z", "2024-03-11 10:00Z").all()


def test_a_frame_of_one_column(made: dict[str, pd.DataFrame]) -> None:
    """sdv-dev/SDV#1524: tables without anything to learn."""
    assert made["tokens"].token.str.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").all()


def test_all_faults_of_frames_come_together(copied: Any) -> None:
    """sdv-dev/SDV#241: a column with values of several types; sdv-dev/SDV#888: all faults should come at once."""
    bad = {
        "mixed": pd.DataFrame({"id": range(5), "v": [1, "a", 2.5, None, date(2024, 1, 1)], "w": [1, "secret", 3, 4, 5]}),
        "twice": pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"]),
    }
    with pytest.raises(SchemaError) as found:
        copied(Metadata().add_table("mixed", pk="id").add_table("twice"), bad)
    words = ("column 'v'", "column 'w'", "make it one type or text", "several columns are named ['a']; rename all but one")
    assert all(text in str(found.value) for text in words) and "secret" not in str(found.value)


def test_types_that_do_not_join(copied: Any) -> None:
    """drawdb-io/drawdb#479: keys of text to keys of whole numbers; sdv-dev/SDV#1296: which relation is wrong, and how to mend it."""
    child = pd.DataFrame({"id": np.arange(9), "p": [str(i) for i in range(9)], "r": np.arange(9), "wait": pd.to_timedelta(np.arange(9), unit="s")})
    data = {"p": pd.DataFrame({"id": np.arange(9), "x": 1.5}), "c": child, "empty": pd.DataFrame({"id": pd.Series([], dtype="int64")})}
    metadata = Metadata().add_table("p", pk="id").add_table("c", pk="id", fk={"p": "p.id", "r": "p.nothing"}).add_table("empty", pk="key")
    with pytest.raises(SchemaError) as found:
        copied(metadata, data)
    message = str(found.value)
    assert "4 faults" in message and all(text in message for text in ("'nothing'", "'key'", "'wait'", "string", "bigint"))
