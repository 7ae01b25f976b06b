"""Validation on a small dirty schema, against the same numbers from pandas; the same findings for any partitioning and session time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy.stats import ks_2samp

from synthohive_spark.errors import SchemaError
from synthohive_spark.report import Report
from synthohive_spark.spec.findings import Findings
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages.validate import validate

STAFF_DDL = (
    "id int, boss int, `a.name` string, grade string, pay decimal(10,2), active boolean, born date, seen timestamp, local timestamp_ntz, score double, "
    "level tinyint"
)
LINES_DDL = "a int, b string, staff int, qty bigint, word string"


def staff_rows(n: int, seed: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        moment = datetime(2024, 1, 1) + timedelta(hours=int(rng.integers(0, 5000) * (1 + seed % 2)), seconds=0.25)
        score = None if rng.random() < 0.1 else float("nan") if rng.random() < 0.05 else float(rng.normal(seed, 1))
        rows.append(
            (
                i,
                int(rng.integers(0, n)) if i else None,
                f"person {seed} {i}",
                "solo" if i == 0 else str(rng.choice(["x", "y", "z"], p=[0.5, 0.3, 0.2])),
                Decimal(int(rng.integers(1, 9000))) / 4,
                bool(rng.random() < 0.3 + 0.1 * seed),
                date(1980, 1, 1) + timedelta(days=int(rng.integers(0, 9000))),
                moment,
                moment,
                score,
                int(rng.integers(0, 5)),
            )
        )
    return rows


def tables(spark: SparkSession, n: int, seed: int) -> dict[str, DataFrame]:
    rng = np.random.default_rng(seed + 100)
    lines = [
        (i // 3, None if i == 5 else "abc"[i % 3], int(rng.integers(0, n)) if rng.random() < 0.9 else None, int(rng.poisson(3)), f"w{rng.integers(0, 90)}")
        for i in range(3 * n)
    ]
    if seed:
        lines += [(0, "a", n + 50, 1, "w1"), (0, "a", n + 51, 1, "w1"), (1, "b", None, 1, "new")]
    notes = [(i, "abc"[i % 3], 1.5) for i in range(n // 2)] + ([(10**6, "a", 0.0), (3, None, 0.0)] if seed else [])
    return {
        "staff": spark.createDataFrame(staff_rows(n, seed), STAFF_DDL),
        "lines": spark.createDataFrame(lines, LINES_DDL),
        "notes": spark.createDataFrame(notes, "a int, b string, fixed double"),
        "colours": spark.createDataFrame([(1, "red"), (2, "blue")], "id int, name string"),
    }


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return (
        Metadata()
        .add_table("staff", pk="id", fk={"boss": "staff.id"})
        .add_table("lines", pk=["a", "b"], fk={"staff": "staff.id"})
        .add_table("notes", foreign_keys=[{"columns": ["a", "b"], "parent_table": "lines"}])
        .add_table("colours", pk="id", role="reference")
    )


@pytest.fixture(scope="module")
def sides(spark: SparkSession) -> tuple[dict[str, DataFrame], dict[str, DataFrame]]:
    return tables(spark, 300, 0), tables(spark, 200, 1)


@pytest.fixture(scope="module")
def found(metadata: Metadata, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> Findings:
    return validate(metadata, *sides, seed=4)


def test_columns_agree_with_scipy_and_pandas(found: Findings) -> None:
    staff = next(t for t in found.tables if t.table == "staff")
    assert staff.left_out == {"id": "key", "boss": "key", "a.name": "text"}
    columns = {c.column: c for c in staff.columns}
    assert set(columns) == {"grade", "pay", "active", "born", "seen", "local", "score", "level"}
    real, fake = (list(zip(*staff_rows(n, seed), strict=True)) for n, seed in ((300, 0), (200, 1)))
    for name, place in (("pay", 4), ("born", 6), ("seen", 7), ("local", 8), ("level", 10)):
        a, b = ([float(x) if place in (4, 10) else (x - type(x)(1970, 1, 1)).total_seconds() for x in side[place]] for side in (real, fake))
        assert columns[name].distance == pytest.approx(ks_2samp(a, b).statistic, abs=0.004), name
        assert columns[name].metric == "KS"
    for name, place in (("grade", 3), ("active", 5)):
        shares = [{v: side[place].count(v) / len(side[place]) for v in set(real[place])} for side in (real, fake)]
        assert columns[name].distance == pytest.approx(sum(abs(shares[0][v] - shares[1].get(v, 0)) for v in shares[0]) / 2, abs=1e-6)
    missing = [sum(x is None or x != x for x in side[9]) / len(side[9]) for side in (real, fake)]
    assert [columns["score"].null_rate_real, columns["score"].null_rate_synthetic] == pytest.approx(missing)
    assert len(staff.pairs) == staff.pairs_possible == 28
    assert 0 < columns["pay"].ceiling < 0.15
    assert "solo" not in columns["grade"].distribution.labels
    assert sum(columns["pay"].distribution.real) == pytest.approx(1)


def test_times_do_not_depend_on_their_type(found: Findings) -> None:
    columns = {c.column: c for t in found.tables for c in t.columns}
    assert columns["seen"].distribution == columns["local"].distribution
    assert columns["seen"].distribution.kind == "time"


def test_rare_labels_are_compared_one_by_one(found: Findings, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> None:
    words = [side["lines"].toPandas()["word"].value_counts(normalize=True) for side in sides]
    finding = next(c for t in found.tables if t.table == "lines" for c in t.columns if c.column == "word")
    assert finding.distance == pytest.approx(words[0].sub(words[1], fill_value=0).abs().sum() / 2, abs=1e-6)
    assert "new" not in finding.distribution.labels


def test_correlations_and_constant_columns(found: Findings, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> None:
    staff = next(t for t in found.tables if t.table == "staff")
    r = {(c.first, c.second): c for c in staff.correlations}["pay", "level"]
    for side, value in zip(sides, (r.real, r.synthetic), strict=True):
        frame = side["staff"].toPandas()
        assert value == pytest.approx(frame["pay"].astype(float).corr(frame["level"]), abs=1e-3)
    notes = next(t for t in found.tables if t.table == "notes")
    assert [c.column for c in notes.columns] == ["fixed"]


def test_the_floor_is_the_product_of_the_marginals(found: Findings, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> None:
    lines = next(t for t in found.tables if t.table == "lines")
    pair = next(p for p in lines.pairs if {p.first, p.second} == {"qty", "word"})
    real = sides[0]["lines"].toPandas()
    inner = sorted(set(np.quantile(real["qty"], np.linspace(0, 1, 11)[1:-1])))
    commonest = sorted(real["word"].value_counts().items(), key=lambda item: (-item[1], item[0]))[:50]
    cells = pd.crosstab(np.searchsorted(inner, real["qty"], side="right"), real["word"].where(real["word"].isin([w for w, _ in commonest]), "(other)"))
    shares = cells.to_numpy() / len(real)
    product = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    assert pair.floor == pytest.approx(np.abs(shares - product).sum() / 2, abs=1e-6)
    born = next(p for t in found.tables if t.table == "staff" for p in t.pairs if {p.first, p.second} == {"seen", "local"})
    assert born.floor == pytest.approx(0.9, abs=0.01)  # one is the other: ten cells on the diagonal


def test_keys_are_counted_exactly(found: Findings) -> None:
    by_name = {t.table: t for t in found.tables}
    assert (by_name["lines"].duplicate_keys, by_name["lines"].null_keys) == (3, 1)
    keys = {(k.table, k.parent_table): k for k in found.keys}
    assert keys["lines", "staff"].orphans == 2
    assert keys["staff", "staff"].orphans == 0
    # (1, c) is there as (1, null): the note on it and the one on row 10**6 are orphans of the synthetic side; (3, null) points nowhere.
    lines = {(i // 3, "abc"[i % 3]) for i in range(600) if i != 5}
    notes = [(i, "abc"[i % 3]) for i in range(100)] + [(10**6, "a")]
    assert keys["notes", "lines"].orphans == sum(n not in lines for n in notes)
    assert keys["notes", "lines"].null_rate_synthetic == pytest.approx(1 / 102)
    assert keys["staff", "staff"].mean_real == pytest.approx(299 / 300)
    assert by_name["colours"].columns == ()
    assert len(found.faults) == 4


def test_findings_do_not_depend_on_partitions_or_the_time_zone(
    spark: SparkSession, metadata: Metadata, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]], found: Findings
) -> None:
    cut = [{name: frame.repartition(5) for name, frame in side.items()} for side in sides]
    zone = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        again = validate(metadata, *cut, seed=4)
    finally:
        spark.conf.set("spark.sql.session.timeZone", zone)
    assert again == found


def test_empty_and_tiny_tables(spark: SparkSession, metadata: Metadata, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> None:
    tiny = {name: frame.limit(2) for name, frame in sides[0].items()}
    none = {name: frame.where("false") for name, frame in sides[0].items()}
    worst = validate(metadata, tiny, none)
    assert worst.shapes == 0.0 and worst.pairs == 0.0
    assert not worst.faults
    assert "fewer than 100 rows" in Report(worst).to_html()
    nothing = validate(metadata, none, none)
    assert nothing.shapes == 1.0 and nothing.cardinality == 1.0


def test_what_is_missing_is_named(metadata: Metadata, sides: tuple[dict[str, DataFrame], dict[str, DataFrame]]) -> None:
    real, synthetic = sides
    broken = {**synthetic, "staff": synthetic["staff"].drop("pay")}
    del broken["notes"]
    with pytest.raises(SchemaError, match=r"synthetic table 'staff' has no columns \['pay'\].*no synthetic table 'notes'"):
        validate(metadata, real, broken)
