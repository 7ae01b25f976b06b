"""The numbers of a report that must not change from one version to the next: keys of every shape, tables above and below the sample's size."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark.spec.findings import Findings
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages.validate import validate
from synthohive_spark.stages.validate_plans import SAMPLE_ROWS

PEOPLE_DDL = "id int, mentor bigint, name string, town string, born date, pay decimal(9,2)"
CARDS_DDL = "no string, owner bigint, limit float, active boolean"
PLACES_DDL = "a bigint, b decimal(10,2), size double"
VISITS_DDL = "owner string, no string, a int, b decimal(8,2), seat tinyint, price double, word string"


def tables(spark: SparkSession, n: int, shift: int) -> dict[str, DataFrame]:
    def noise(i: int, salt: int, values: int) -> int:
        return (i * 7_919 + salt * 104_729 + shift * 15_485_863) ** 2 % 1_000_003 % values

    people = [
        (
            i,
            noise(i, 1, n) if i % 7 else None,
            f"person {i}",
            "abcde"[noise(i, 2, 5)],
            date(1970, 1, 1) + timedelta(noise(i, 3, 9_000)),
            Decimal(noise(i, 4, 900)) / 4,
        )
        for i in range(n)
    ]
    people += [(None, 1, "nobody", "a", None, None), (3, 1, "again", "b", None, None)] if shift else []
    cards = [(f"card {i}", noise(i, 5, n + 5 * shift), noise(i, 6, 40) / 8, noise(i, 7, 3) > 0) for i in range(2 * n)]
    places = [(i % 5, Decimal(i) / 2, float(noise(i, 8, 77))) for i in range(n // 3)]
    visits = [
        (
            str(noise(i, 9, n + 20 * shift)) if i % 11 else None,
            f"card {noise(i, 10, 2 * n + shift)}",
            None if i % 13 == 0 else noise(i, 11, n // 3) % 5,
            Decimal(noise(i, 11, n // 3)) / 2,
            noise(i, 12, 4 + shift),
            float("nan") if i % 17 == 0 else noise(i, 13, 50) + noise(i, 12, 4) * 20.0,
            f"w{noise(i, 14, 70)}",
        )
        for i in range(5 * n)
    ]
    visits += visits[: n // 2]
    return {
        "people": spark.createDataFrame(people, PEOPLE_DDL),
        "cards": spark.createDataFrame(cards, CARDS_DDL),
        "places": spark.createDataFrame(places, PLACES_DDL),
        "visits": spark.createDataFrame(visits, VISITS_DDL),
        "alone": spark.createDataFrame([(i % 3, i) for i in range(20 - 5 * shift)], "x int, y int"),
    }


WHOLE = {
    "scores": [0.889316854, 0.852098419, 0.675908084, 0.46426915, 0.757842966, 0.898490338, 0.873833333],
    "people": [120, 92, 1, 1, 3],
    "people.town": [0.072826087, 0.146607767, 0.0, 0.0],
    "people.born": [0.122222222, 0.146666667, 0.0, 0.02173913],
    "people.pay": [0.080555556, 0.1575, 0.0, 0.02173913],
    "people pairs": [2.564130435, 3.489471811, 1.539583333],
    "cards": [240, 180, 0, 0, 1],
    "cards.limit": [0.065277778, 0.0975, 0.0, 0.0],
    "cards.active": [0.022222222, 0.048545291, 0.0, 0.0],
    "cards pairs": [0.168055556, 0.219740396, 0.072222222],
    "places": [40, 30, 0, 0, 0],
    "visits": [660, 495, 0, 0, 3],
    "visits.seat": [0.171717172, 0.041363636, 0.0, 0.0],
    "visits.price": [0.05483871, 0.062282061, 0.060606061, 0.060606061],
    "visits.word": [0.233838384, 0.253550388, 0.0, 0.0],
    "visits pairs": [2.854545454, 2.700583846, 1.862821397],
    "visits.seat with price": [0.814007, -0.046574],
    "alone": [20, 15, 0, 0, 1],
    "alone.x": [0.033333333, 0.21, 0.0, 0.0],
    "alone.y": [0.25, 0.315, 0.0, 0.0],
    "alone pairs": [0.25, 0.996147233, 0.33],
    "alone.x with y": [0.037861, 0.188982],
    "people(mentor) -> people(id)": [0, 0.048188406, 0.103333333, 0.15, 0.141304348, 0.85, 0.858695652],
    "cards(owner) -> people(id)": [17, 0.070652174, 0.108333333, 0.0, 0.0, 2.0, 1.793478261],
    "visits(owner) -> people(id)": [105, 0.212318841, 0.1225, 0.092424242, 0.092929293, 4.991666667, 3.760869565],
    "visits(no) -> cards(no)": [0, 0.051388889, 0.071666667, 0.0, 0.0, 2.75, 2.75],
    "visits(a, b) -> places(a, b)": [0, 0.125, 0.225, 0.078787879, 0.078787879, 15.2, 15.2],
    "plots": [116.883333359, 115.898814241, 184612039476.0],
}
"""With every real table below the size of the sample."""
SAMPLED = WHOLE | {
    "scores": [0.889316854, 0.85435526, 0.68826215, 0.472626041, 0.750216799, 0.898490338, 0.873833333],
    "people.born": [0.122222222, 0.14, 0.0, 0.02173913],
    "people.pay": [0.080555556, 0.140833333, 0.0, 0.02173913],
    "people pairs": [2.564855073, 3.384159825, 1.620416668],
    "cards.limit": [0.065277778, 0.095833333, 0.0, 0.0],
    "cards pairs": [0.15, 0.218165138, 0.097222222],
    "visits.price": [0.05483871, 0.064713648, 0.060606061, 0.060606061],
    "visits pairs": [2.622222223, 2.597633439, 1.813624885],
    "visits.seat with price": [0.813989, -0.046455],
    "plots": [116.892424265, 116.033201605, 184612039476.0],
}
"""With all but `alone` above it."""


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return (
        Metadata()
        .add_table("people", pk="id", fk={"mentor": "people.id"})
        .add_table("cards", pk="no", fk={"owner": "people.id"})
        .add_table("places", pk=["a", "b"], role="reference")
        .add_table("visits", fk={"owner": "people.id", "no": "cards.no"}, foreign_keys=[{"columns": ["a", "b"], "parent_table": "places"}])
        .add_table("alone")
    )


@pytest.fixture(scope="module")
def sides(spark: SparkSession) -> tuple[dict[str, DataFrame], dict[str, DataFrame]]:
    return tables(spark, 120, 0), tables(spark, 90, 1)


def numbers(found: Findings) -> dict[str, list[float]]:
    """The findings without their plots; of the pairs and correlations the sums, weighted by place."""
    told = {"scores": [found.shapes, found.shapes_ceiling, found.pairs, found.pairs_ceiling, found.pairs_floor, found.cardinality, found.cardinality_ceiling]}
    for t in found.tables:
        told[t.table] = [t.rows_real, t.rows_synthetic, t.duplicate_keys, t.null_keys, len(t.pairs)]
        told |= {f"{t.table}.{c.column}": [c.distance, c.ceiling, c.null_rate_real, c.null_rate_synthetic] for c in t.columns}
        for i, pair in enumerate(t.pairs):
            told[f"{t.table} pairs"] = [
                x + (i + 1) * y for x, y in zip(told.get(f"{t.table} pairs", [0, 0, 0]), (pair.distance, pair.ceiling, pair.floor), strict=True)
            ]
        told |= {f"{t.table}.{c.first} with {c.second}": [c.real, c.synthetic] for c in t.correlations}
    for k in found.keys:
        told[k.key] = [k.orphans, k.distance, k.ceiling, k.null_rate_real, k.null_rate_synthetic, k.mean_real, k.mean_synthetic]
    shown = [d for t in found.tables for d in [c.distribution for c in t.columns]] + [k.distribution for k in found.keys]
    told["plots"] = [sum((i + 1) * x for d in shown for i, x in enumerate(side(d))) for side in (lambda d: d.real, lambda d: d.synthetic, lambda d: d.edges)]
    return told


@pytest.mark.parametrize(("sample_rows", "expected"), [pytest.param(SAMPLE_ROWS, WHOLE, marks=pytest.mark.exhaustive), (100, SAMPLED)])
def test_findings_stay_the_same(
    monkeypatch: pytest.MonkeyPatch,
    metadata: Metadata,
    sides: tuple[dict[str, DataFrame], dict[str, DataFrame]],
    sample_rows: int,
    expected: dict[str, list[float]],
) -> None:
    monkeypatch.setattr("synthohive_spark.stages.validate_plans.SAMPLE_ROWS", sample_rows)
    found = numbers(validate(metadata, *sides, seed=5))
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-9, abs=1e-9), name
