"""What users ask a model for: rows twice, another session, a tenth, ten times, none, and what cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from trap_frames import plain

from synthohive_spark import GenerationError, Metadata, Synthesizer

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def learnt(spark: SparkSession, frame: Any) -> Synthesizer:
    rng = np.random.default_rng(2)
    people = {
        "id": ("int", list(range(100))),
        "land": ("string", rng.choice(["de", "fr", None], 100).tolist()),
        "age": ("int", rng.integers(20, 60, 100).tolist()),
    }
    pets = {
        "name": ("string", [f"pet{i}" for i in range(250)]),
        "owner": ("int", rng.integers(0, 100, 250).tolist()),
        "kind": ("string", rng.choice(["cat", "dog"], 250).tolist()),
    }
    words = {"select": ("int", list(range(40))), "count": ("bigint", [3] * 40), "Order by": ("string", ["a", "b"] * 20), "struct": ("double", [0.5] * 40)}
    metadata = Metadata().add_table("people", pk="id").add_table("pets", fk={"owner": "people.id"}).add_table("where", pk="select")
    return Synthesizer(metadata, spark=spark, model="independent").fit({"people": frame(people), "pets": frame(pets), "where": frame(words)}, seed=1)


def counts(tables: dict[str, Any]) -> dict[str, int]:
    return {name: table.count() for name, table in tables.items()}


def test_twice_and_in_another_session(learnt: Synthesizer, spark: SparkSession, tmp_path: Path) -> None:
    """sdv-dev/SDV#157: no way to get the same rows again; sdv-dev/SDV#1201: keys went on from one sample to the next."""
    first = {name: plain(table) for name, table in learnt.sample(seed=5).items()}
    learnt.save(str(tmp_path / "model"))
    other = spark.newSession()
    other.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    again = {name: plain(table) for name, table in Synthesizer.load(str(tmp_path / "model"), spark=other).sample(seed=5).items()}
    assert all(first[name].equals(again[name]) for name in first)
    assert first["people"].id.tolist() == list(range(100, 200)) and set(first["pets"].owner) <= set(first["people"].id)


def test_names_that_are_words_of_sql(learnt: Synthesizer) -> None:
    """sdv-dev/SDV#1935: names of columns and tables that the tool cannot calculate with, here `select`, `count`, `struct` in a table `where`."""
    made = learnt.sample(seed=6, num_rows={"people": 0})["where"]
    assert made.columns == ["select", "count", "Order by", "struct"] and made.count() == 40
    assert {tuple(row) for row in made.select("count", "`Order by`", "struct").distinct().collect()} == {(3, "a", 0.5), (3, "b", 0.5)}


def test_a_tenth_and_none(learnt: Synthesizer) -> None:
    """sdv-dev/SDV#2045: a small scale broke the sampling of tables that got less than a row."""
    assert counts(learnt.sample(seed=5, scale=0.1)) == {"people": 10, "pets": 25, "where": 4}
    assert counts(learnt.sample(seed=5, num_rows={"people": 0})) == {"people": 0, "pets": 0, "where": 40}


def test_numbers_that_make_no_sense(learnt: Synthesizer) -> None:
    """sdv-dev/SDV#614: an odd number of rows broke somewhere inside; sdv-dev/SDV#2154: the size of a child table."""
    with pytest.raises(GenerationError, match="scale must be a number above 0.*'pets'.* no root tables.*'people'.* whole numbers"):
        learnt.sample(num_rows={"pets": 5, "people": 2.5}, scale=float("nan"))  # type: ignore[dict-item]


def test_conditions_that_cannot_be_met(learnt: Synthesizer) -> None:
    """sdv-dev/SDV#1424: after a hundred tries, no rows, and no word of why."""
    asked = [
        {"table": "people", "values": {"land": "xx"}, "rows": 3},
        {"table": "people", "values": {"age": 999, "id": 4}, "rows": 3},
        {"table": "nothing", "values": {"a": 1}, "rows": 3},
    ]
    with pytest.raises(GenerationError) as found:
        learnt.sample(conditions=asked)
    words = ("'land': 'xx' was never seen", "'age': 999 is outside", "'id' is a generated key; columns that can be", "table 'nothing' is not there")
    assert all(text in str(found.value) for text in words)


def test_null_as_a_condition(learnt: Synthesizer) -> None:
    """sdv-dev/SDV#2581: rows in which a column is null could not be asked for."""
    people = plain(learnt.sample(seed=5, conditions=[{"table": "people", "values": {"land": None}, "rows": 7}])["people"])
    assert len(people) == 7 and people.land.isna().all() and people.age.notna().all()
