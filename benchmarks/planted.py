"""Values that one row, or the rows of one person, have, planted into real tables; and as many of the same kinds that nobody has.

What chance alone gives is told by the second: a number inside the range of the others may come up without having been learnt.
"""

from __future__ import annotations

import datetime
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

LETTERS = np.array(list(string.ascii_lowercase))
DAY = 86_400_000_000  # microseconds
EPOCH = datetime.date(1970, 1, 1)
FEW_ROWS = 4  # of a person, from which on all of its rows get the same planted value


@dataclass(frozen=True)
class Plant:
    """Planted values of one kind in one column.

    Attributes:
        what: the kind, as it is reported: the same kind is in several columns.
        values: planted ones, texts, or numbers (days or microseconds of dates and times).
        others: as many of the same kind that are nowhere in the data.
        half: of the step of the numbers; what is nearer to a value than that tells it.
    """

    what: str
    table: str
    column: str
    values: tuple[str, ...] | tuple[float, ...]
    others: tuple[str, ...] | tuple[float, ...]
    half: float = 0.0


class Planter:
    """Puts values into the rows of a table: each row gets one at most in a column."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.plants: list[Plant] = []

    def put(self, frame: pd.DataFrame, table: str, column: str, what: str, made: Callable[[int], list[object]], n: int, half: float = 0.0) -> None:
        """`n` values of `made`, which gives as many different ones as it is asked for, each into one row."""
        values = made(2 * n)
        taken = self._taken(frame, column)
        rows = self.random.choice(np.flatnonzero(~taken), size=n, replace=False)
        self._set(frame, column, rows, values[:n], table, what, values, half)

    def put_into_families(
        self, frame: pd.DataFrame, table: str, column: str, key: str, what: str, made: Callable[[int], list[object]], n: int, half: float = 0.0
    ) -> None:
        """The same into all rows of `n` persons that have several."""
        values = made(2 * n)
        counts = frame.loc[~self._taken(frame, column), key].value_counts()
        persons = self.random.choice(counts[counts.between(FEW_ROWS, 400)].index.to_numpy(), size=n, replace=False)
        taken = set(frame.loc[self._taken(frame, column), key])
        persons = [p for p in persons if p not in taken]
        place = {p: i for i, p in enumerate(persons)}
        rows = np.flatnonzero(frame[key].isin(place))
        told = [values[place[p]] for p in frame[key].iloc[rows]]
        self._set(frame, column, rows, told, table, what, values, half, len(persons))

    def _taken(self, frame: pd.DataFrame, column: str) -> np.ndarray:
        return frame.attrs.setdefault("taken", {}).setdefault(column, np.zeros(len(frame), dtype=bool))

    def _set(
        self,
        frame: pd.DataFrame,
        column: str,
        rows: np.ndarray,
        told: list[object],
        table: str,
        what: str,
        values: list[object],
        half: float,
        n: int | None = None,
    ) -> None:
        n = len(told) if n is None else n
        new = frame[column].to_numpy(dtype=object).copy()
        new[rows] = told
        taken = frame.attrs["taken"]
        frame[column] = pd.Series(new, index=frame.index).astype(frame[column].dtype)
        taken[column][rows] = True
        frame.attrs["taken"] = taken
        plain = [_plain(v) for v in values]
        self.plants.append(Plant(what, table, column, tuple(plain[:n]), tuple(plain[-n:]), half))

    def texts(self, kind: str) -> Callable[[int], list[object]]:
        """Words, or e-mail addresses, that nobody else would make up."""
        return lambda n: [self._word(9) + ("@" + self._word(7) + ".example" if kind == "e-mail" else " " + self._word(6)) for _ in range(n)]

    def numbers(self, low: float, high: float, step: float, column: pd.Series) -> Callable[[int], list[object]]:
        """Multiples of `step` from `low` to `high` that the column does not have."""

        def made(n: int) -> list[object]:
            used = set(np.rint(column.dropna().to_numpy(dtype=float) / step).astype("int64").tolist())
            cells = self.random.choice(np.arange(round(low / step), round(high / step)), size=min(30 * n, round((high - low) / step)), replace=False)
            free = [int(c) for c in cells if int(c) not in used][:n]
            return [c * step if isinstance(step, int) else round(c * step, 6) for c in free]

        return made

    def days(self, first: str, last: str) -> Callable[[int], list[object]]:
        """Different days."""
        low, high = (datetime.date.fromisoformat(d).toordinal() for d in (first, last))
        return lambda n: [datetime.date.fromordinal(int(d)) for d in self.random.choice(np.arange(low, high), size=n, replace=False)]

    def times(self, first: str, last: str, unit_s: int) -> Callable[[int], list[object]]:
        """Different moments, UTC."""
        low, high = (int(pd.Timestamp(t, tz="UTC").timestamp()) // unit_s for t in (first, last))
        return lambda n: [pd.Timestamp(int(t) * unit_s, unit="s", tz="UTC") for t in self.random.choice(np.arange(low, high), size=n, replace=False)]

    def _word(self, letters: int) -> str:
        return "".join(self.random.choice(LETTERS, letters))


def _plain(value: object) -> str | float:
    if isinstance(value, str):
        return value
    if isinstance(value, pd.Timestamp):
        return float(value.as_unit("ns").value // 1000)
    return float((value - EPOCH).days) if isinstance(value, datetime.date) else float(value)  # type: ignore[arg-type]


def adult(folder: Path, seed: int) -> tuple[dict[str, pd.DataFrame], list[Plant]]:
    """One table, with dates, times, money, long numbers and addresses beside its own columns; 1,000 values."""
    frame, planter = pd.read_parquet(folder / "adult.parquet"), Planter(seed)
    n, random = len(frame), planter.random
    frame["born"] = [
        datetime.date(1994 - int(age), 1, 1) + datetime.timedelta(days=int(d)) for age, d in zip(frame["age"], random.integers(365, size=n), strict=True)
    ]
    frame["seen"] = pd.to_datetime(pd.Timestamp("1994-01-01").value + random.integers(365 * 86_400, size=n) * 10**9, utc=True).as_unit("us")
    frame["billed"] = [datetime.date(1993 + int(m) // 12, 1 + int(m) % 12, 1) for m in random.integers(24, size=n)]
    frame["savings"] = np.round(np.exp(random.normal(7, 1, n)), 2)
    frame["account"] = 40_000_000_000_000_000 + random.integers(10**14, size=n)
    frame["contact"] = [f"{planter._word(8)}@{planter._word(5)}.org" for _ in range(n)]
    for column in ("native_country", "occupation", "education"):
        planter.put(frame, "adult", column, "text", planter.texts("text"), 50)
    planter.put(frame, "adult", "contact", "e-mail", planter.texts("e-mail"), 100)
    planter.put(frame, "adult", "workclass", "e-mail", planter.texts("e-mail"), 50)
    weight = frame["fnlwgt"]
    planter.put(frame, "adult", "fnlwgt", "outlier", planter.numbers(2_000_000, 9_000_000, 1, weight), 75, 0.5)
    planter.put(frame, "adult", "fnlwgt", "outlier", planter.numbers(-900_000, -10_000, 1, weight), 75, 0.5)
    planter.put(frame, "adult", "fnlwgt", "inner number", planter.numbers(30_000, 400_000, 1, weight), 55, 0.5)
    planter.put(frame, "adult", "capital_gain", "inner number", planter.numbers(200, 90_000, 1, frame["capital_gain"]), 75, 0.5)
    planter.put(frame, "adult", "savings", "outlier", planter.numbers(200_000, 5_000_000, 0.01, frame["savings"]), 100, 0.005)
    account = frame["account"]
    planter.put(frame, "adult", "account", "outlier", lambda k: [int(v) for v in 60_000_000_000_000_000 + random.integers(10**16, size=k)], 100, 0.5)
    frame["account"] = frame["account"].astype(account.dtype)
    planter.put(frame, "adult", "born", "early date", planter.days("1850-01-01", "1890-01-01"), 100, 0.5)
    planter.put(frame, "adult", "born", "late date", planter.days("2010-01-01", "2080-01-01"), 50, 0.5)
    planter.put(frame, "adult", "seen", "early date", planter.times("1980-01-01", "1993-01-01", 1), 20, 5e5)
    # Columns of few values: what is rare there has nothing around it.
    planter.put(frame, "adult", "education_num", "rare among few", planter.numbers(10_000, 99_000, 1, frame["education_num"]), 20, 0.5)
    planter.put(frame, "adult", "billed", "rare among few", planter.days("1850-01-01", "1890-01-01"), 30, 0.5)
    frame.attrs.clear()
    return {"adult": frame}, planter.plants


def flights(folder: Path, seed: int) -> tuple[dict[str, pd.DataFrame], list[Plant]]:
    """Planes and their flights, of which a plane's share what was planted for it; 1,000 values."""
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in ("airlines", "airports", "planes", "flights")}
    planes, rows, planter = frames["planes"], frames["flights"], Planter(seed)
    random = planter.random
    rows["tailnum"] = rows["tailnum"].where(rows["tailnum"].isin(planes["tailnum"]))
    rows["dest"] = rows["dest"].where(rows["dest"].isin(frames["airports"]["faa"]))
    rows.drop(rows.index[rows["tailnum"].isna()], inplace=True)
    rows.reset_index(drop=True, inplace=True)
    rows["remark"] = random.choice(["none", "late crew", "weather", "de-icing"], size=len(rows), p=[0.7, 0.1, 0.15, 0.05])
    rows["load"] = random.integers(20, 220, size=len(rows))
    planes["bought"] = [datetime.date(1990, 1, 1) + datetime.timedelta(days=int(d)) for d in random.integers(8_000, size=len(planes))]
    planes["contact"] = [f"{planter._word(8)}@{planter._word(5)}.org" for _ in range(len(planes))]
    for column in ("model", "manufacturer"):
        planter.put(planes, "planes", column, "text", planter.texts("text"), 75)
    planter.put(planes, "planes", "contact", "e-mail", planter.texts("e-mail"), 100)
    planter.put_into_families(rows, "flights", "remark", "tailnum", "text of one plane", planter.texts("text"), 100)
    planter.put_into_families(rows, "flights", "remark", "tailnum", "e-mail of one plane", planter.texts("e-mail"), 50)
    planter.put_into_families(rows, "flights", "load", "tailnum", "number of one plane", planter.numbers(1_000, 90_000, 1, rows["load"]), 100, 0.5)
    for low, high in ((2_000, 90_000), (-90_000, -500)):
        planter.put(rows, "flights", "dep_delay", "outlier", planter.numbers(low, high, 1, rows["dep_delay"]), 75, 0.5)
    planter.put(rows, "flights", "distance", "outlier", planter.numbers(6_000, 90_000, 1, rows["distance"]), 75, 0.5)
    planter.put(rows, "flights", "air_time", "outlier", planter.numbers(800, 90_000, 1, rows["air_time"]), 75, 0.5)
    planter.put(planes, "planes", "seats", "outlier", planter.numbers(500, 90_000, 1, planes["seats"]), 50, 0.5)
    planter.put(rows, "flights", "time_hour", "early date", planter.times("1950-01-01", "2000-01-01", 3600), 75, 1.8e9)
    planter.put(rows, "flights", "time_hour", "late date", planter.times("2020-01-01", "2060-01-01", 3600), 25, 1.8e9)
    planter.put(planes, "planes", "bought", "early date", planter.days("1900-01-01", "1960-01-01"), 50, 0.5)
    for frame in frames.values():
        frame.attrs.clear()
    return frames, planter.plants
