"""Lookups by columns of many values: found where values repeat, judged on all rows, and kept whatever value a generated row has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_dependencies_derive import counted, strings

from synthohive_spark.kernels.dependencies.choose import choose
from synthohive_spark.kernels.dependencies.find_lookups import find_among_families, find_lookups, many_valued
from synthohive_spark.kernels.dependencies.lookups import look_up
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.spec.dependencies import AnyDependency, Lookup
from synthohive_spark.spec.encoding import CategoryEncoding, TextEncoding

RNG = np.random.default_rng(5)
TYPES = {"city": "string", "country": "string"}


def cities(rows: int, count: int, wrong: float = 0.0) -> pd.DataFrame:
    """Each city is in one of 20 countries, but for a share of the rows."""
    city = RNG.integers(0, count, rows)
    country = (city * 7919) % 20
    country = np.where(RNG.random(rows) < wrong, RNG.integers(0, 20, rows), country)
    return pd.DataFrame({"city": [f"city {c}" for c in city], "country": [f"C{c}" for c in country]})


def sample(frame: pd.DataFrame, types: dict[str, str]) -> tuple[Sample, Search]:
    arrays = {name: pa.array(frame[name], from_pandas=True) for name in frame}
    return Sample(arrays, types, len(frame)), Search(types=types, targets=tuple(types), inputs=(), discrete=tuple(types))


def of_families(frame: pd.DataFrame) -> list[str]:
    drawn, search = sample(frame, TYPES)
    return [f.target for f in find_among_families(drawn, search, "city", ())]


def test_what_is_alone_in_the_sample_is_looked_at_in_another() -> None:
    drawn, search = sample(cities(2_000, 20_000), TYPES)
    assert find_lookups(drawn, search, ()) == []
    many = many_valued(drawn, search)
    assert list(many) == ["city"] and many["city"] == pytest.approx(20_000, rel=0.5)
    assert many_valued(*sample(cities(2_000, 20), TYPES)) == {}


def test_families_show_a_rule_and_chance_shows_none() -> None:
    assert of_families(cities(3_000, 1_000)) == ["country"]
    shuffled = cities(3_000, 1_000)
    shuffled["country"] = RNG.permutation(shuffled["country"])
    assert of_families(shuffled) == []
    assert of_families(cities(3_000, 1_000, wrong=0.1)) == []
    assert of_families(cities(3_000, 10**9)) == []  # every city is alone, and determines everything
    nearly_constant = cities(3_000, 1_000)
    nearly_constant["country"] = np.where(RNG.random(3_000) < 0.01, "X", "C")
    assert of_families(nearly_constant) == []


def confirmed(frame: pd.DataFrame, limit: int = 100_000) -> Lookup | None:
    columns = {name: pa.array(frame[name], pa.string(), from_pandas=True) for name in frame}
    found = counted(Lookup(target="country", determinants=("city",)), columns, TYPES, limit=limit)
    return found if isinstance(found, Lookup) else None


def test_all_rows_decide_and_only_values_of_enough_rows_are_stored() -> None:
    frame = cities(6_000, 2_000)
    found = confirmed(frame)
    often = frame.groupby("city").size()
    assert found is not None and found.share == 1 and not found.drawn
    assert dict(zip(found.keys[0], found.counts, strict=True)) == often[often >= 3].to_dict()
    rule = frame.drop_duplicates("city").set_index("city").country
    assert all(rule[city] == country for city, country in zip(found.keys[0], found.values, strict=True))
    assert confirmed(frame, limit=found.combinations - 1) is None
    assert confirmed(cities(6_000, 2_000, wrong=0.02)) is None
    assert confirmed(cities(6_000, 2_000, wrong=0.002)) is not None
    assert confirmed(cities(6_000, 8_000)) is None  # most rows have a city of fewer rows than may be told


def test_an_accident_of_few_repeated_values_is_no_rule() -> None:
    frame = pd.DataFrame({"city": [f"city {i // 3}" for i in range(6_000)]})
    frame["country"] = np.where(frame.index < 12, "X", "C")  # 12 rows of another value: chance
    assert confirmed(frame) is None
    frame["country"] = np.where(frame.index < 30, "X", "C")
    assert confirmed(frame) is not None


def test_where_the_target_is_null_at_random_the_rest_of_the_rule_is_found() -> None:
    frame = cities(6_000, 500)
    frame["country"] = frame.country.mask(RNG.random(6_000) < 0.2)
    found = confirmed(frame)
    assert found is not None and found.gaps and not found.loose and None not in found.values
    frame = cities(6_000, 500)
    frame["city"] = frame.city.mask(RNG.random(6_000) < 0.2)
    found = confirmed(frame)
    assert found is not None and found.loose and not found.gaps and None not in found.keys[0]


def looked_up(lookup: Lookup, values: pa.Array, types: dict[str, str], fixed: tuple[str, ...] = (), encoding: CategoryEncoding | None = None) -> pd.DataFrame:
    name = lookup.determinants[0]
    encodings = {} if encoding is None else {name: encoding}
    found, _ = look_up(lookup, {name: values}, types, fixed, {}, np.random.default_rng(0), encodings)
    return pd.DataFrame({name: found.get(name, values).to_pylist(), lookup.target: found[lookup.target].to_pylist()})


ZIPS = Lookup(target="place", determinants=("zip",), keys=((10, 20, 30, None),), values=("a", "b", "c", "d"), counts=(5, 5, 5, 5))


def test_numbers_move_to_the_nearest_one_that_is_known() -> None:
    types = {"zip": "int", "place": "string"}
    out = looked_up(ZIPS, pa.array([9, 14, 16, 29, 99, 20, None], pa.int32()), types)
    assert out.zip.fillna(-1).tolist() == [10, 10, 20, 30, 30, 20, -1] and out.place.tolist() == list("aabccbd")
    kept = looked_up(ZIPS, pa.array([9, 14, 16, 29, 99, 20, None], pa.int32()), types, fixed=("zip",))
    assert kept.zip.fillna(-1).tolist() == [9, 14, 16, 29, 99, 20, -1] and kept.place.tolist() == list("aabccbd")
    dates = ZIPS.model_copy(update={"keys": (("2024-01-01", "2024-02-01", "2024-03-01", None),)})
    days = pa.array(["2023-05-05", "2024-02-12"], pa.string()).cast(pa.date32())
    moved = looked_up(dates, days, {"zip": "date", "place": "string"})
    assert moved.zip.astype(str).tolist() == ["2024-01-01", "2024-02-01"] and moved.place.tolist() == ["a", "b"]


def test_made_up_values_stay_and_always_say_the_same() -> None:
    lookup = Lookup(target="country", determinants=("city",), keys=(("Oslo", "Bonn", "Köln"),), values=("NO", "DE", "DE"), counts=(10, 10, 20))
    made = TextEncoding(name="city", spark_type="string", has_null=False, weights=(1.0,), recipe="city")
    encoding = CategoryEncoding(
        name="city", spark_type="string", has_null=False, weights=(0.2, 0.3, 0.4, 0.1), values=("Oslo", "Bonn", "Köln"), counts=(10, 10, 20), starts=(0, 1, 2)
    )
    towns = strings([f"town {i % 300}" for i in range(3_000)] + ["Oslo"])
    out = looked_up(lookup, towns, TYPES, encoding=encoding.model_copy(update={"rare": made}))
    assert out.city.tolist() == towns.to_pylist() and out.country.iloc[-1] == "NO"
    assert out.groupby("city").country.nunique().max() == 1 and (out.country == "NO").mean() == pytest.approx(0.25, abs=0.1)
    again = looked_up(lookup, pa.concat_arrays([towns.slice(1_000), towns]), TYPES, encoding=encoding.model_copy(update={"rare": made}))
    assert again.country.iloc[2_001:].tolist() == out.country.tolist()  # whatever else is in the block
    assert set(looked_up(lookup, towns, TYPES, encoding=encoding).city) == {"Oslo", "Bonn", "Köln"}  # where none is made up, unknown ones give way


def test_the_column_of_fewest_values_is_the_determinant() -> None:
    names = ("zip", "city", "state")
    pairs = [("city", "zip"), ("state", "zip"), ("state", "city")]
    candidates: list[AnyDependency] = [Lookup(target=t, determinants=(d,)) for t, d in pairs]
    for order in (candidates, candidates[::-1]):
        chosen = choose(order, (), dict.fromkeys(names, "string"), {"zip": 40_000, "city": 20_000, "state": 50})
        assert {(d.target, d.determinants) for d in chosen} == {("city", ("zip",)), ("state", ("city",))}
