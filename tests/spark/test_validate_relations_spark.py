"""Figures of relations through Spark: against pandas on whole tables, near it on samples, and the same under any partitioning."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark.errors import QualityError, SchemaError
from synthohive_spark.report import Report
from synthohive_spark.spec.findings import Findings, KeyFinding
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.stages import validate_relations
from synthohive_spark.stages.validate import validate

SHOPS, SALES = 300, 3_000


def frames(seed: int, keeps: bool) -> dict[str, pd.DataFrame]:
    """Regions, shops in them, sales in shops that name the shop's region too; the copy that does not keep relations has other shops for its sales."""
    rng = np.random.default_rng(seed)
    regions = pd.DataFrame({"code": ["n", "s", "w"], "climate": ["cold", "hot", "wet"]})
    shops = pd.DataFrame(
        {"no": np.arange(SHOPS), "region": rng.choice(list("nsw"), SHOPS), "size": rng.normal(size=SHOPS), "kind": rng.choice(list("abc"), SHOPS)}
    )
    at = rng.integers(0, SHOPS, SALES)
    shown = at if keeps else rng.permutation(at)
    price = shops["size"].to_numpy()[at] + 0.3 * rng.normal(size=SALES)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, SALES), unit="s")
    sales = pd.DataFrame({"sale": np.arange(SALES), "shop": shown, "region": shops["region"].to_numpy()[at], "price": price, "day": day.floor("s")})
    sales["word"] = np.where(rng.random(SALES) < 0.1, None, shops["kind"].to_numpy()[at])
    sales.loc[::50, "region"] = None
    return {"regions": regions, "shops": shops, "sales": sales}


@pytest.fixture(scope="module")
def metadata() -> Metadata:
    return (
        Metadata()
        .add_table("regions", pk="code", role="reference")
        .add_table("shops", pk="no", fk={"region": "regions.code"})
        .add_table("sales", pk="sale", fk={"shop": "shops.no", "region": "regions.code"})
    )


def spread(spark: SparkSession, tables: dict[str, pd.DataFrame], parts: int = 2) -> dict[str, DataFrame]:
    ddl = {
        "regions": "code string, climate string",
        "shops": "no bigint, region string, size double, kind string",
        "sales": "sale bigint, shop int, region string, price double, day timestamp, word string",
    }
    return {name: spark.createDataFrame(frame.astype(object).where(frame.notna(), None), ddl[name]).repartition(parts) for name, frame in tables.items()}


@pytest.fixture(scope="module")
def kept(spark: SparkSession, metadata: Metadata) -> Findings:
    return validate(metadata, spread(spark, frames(1, True)), spread(spark, frames(2, True)), seed=4)


@pytest.fixture(scope="module")
def lost(spark: SparkSession, metadata: Metadata) -> Findings:
    return validate(metadata, spread(spark, frames(1, True)), spread(spark, frames(2, False)), seed=4)


def along(found: Findings, table: str, parent: str) -> KeyFinding:
    return next(k for k in found.keys if (k.table, k.parent_table) == (table, parent))


def test_parent_pairs_agree_with_pandas(lost: Findings) -> None:
    sides = [side["sales"].merge(side["shops"], left_on="shop", right_on="no") for side in (frames(1, True), frames(2, False))]
    edges = {name: np.unique(np.quantile(sides[0][name], np.linspace(0, 1, 11)[1:-1])) for name in ("price", "size")}
    shares = [pd.crosstab(*(np.searchsorted(edges[n], s[n], side="right") for n in edges), normalize=True) for s in sides]
    pair = next(p for p in along(lost, "sales", "shops").parent_pairs.pairs if (p.first, p.second) == ("price", "size"))  # type: ignore[union-attr]
    assert pair.distance == pytest.approx(shares[0].sub(shares[1], fill_value=0).abs().to_numpy().sum() / 2, abs=1e-6)
    product = np.outer(shares[0].sum(axis=1), shares[0].sum(axis=0))
    assert pair.floor == pytest.approx(np.abs(shares[0].to_numpy() - product).sum() / 2, abs=1e-6)
    assert pair.ceiling < 0.3 < pair.distance


def test_what_was_lost_is_told(kept: Findings, lost: Findings) -> None:
    good, bad = ({name: figure.value for name, figure in f.figures.items()} for f in (kept, lost))
    for name in ("nearness", "membership", "tstr"):
        assert good.pop(name) is bad.pop(name) is None, "no training is known, and no target is named"
    assert all(value is not None for value in [*good.values(), *bad.values()])
    assert good["originality"] > 0.9  # type: ignore[operator]
    assert bad["c2st"] < 0.55 and good["c2st"] < 0.55, "rows by themselves are the same"  # type: ignore[operator]
    assert bad["c2st_parent"] > good["c2st_parent"] + 0.1 and bad["parent_pairs"] < good["parent_pairs"] - 0.04  # type: ignore[operator]
    assert bad["c2st_agg"] > good["c2st_agg"] + 0.1 and bad["siblings"] < good["siblings"] - 0.05  # type: ignore[operator]
    assert good["paths"] == 1.0 and bad["paths"] == pytest.approx(1 / 3, abs=0.06)
    (path,) = lost.paths
    assert path.path == "sales(region) -> regions(code), and through shops by shop" and path.ceiling == 0.0
    sales = next(t for t in lost.tables if t.table == "sales")
    assert {name for name, _ in sales.c2st_parent.features} & {"price", "word", "shops.size", "shops.kind"}  # type: ignore[union-attr]
    assert lost.figures["c2st_parent"].grade != "close" and "paths 0.3" in repr(Report(lost)).split("do not trust")[1]


def test_the_same_whatever_the_partitions(spark: SparkSession, metadata: Metadata, lost: Findings) -> None:
    again = validate(metadata, spread(spark, frames(1, True), 5), spread(spark, frames(2, False), 1), seed=4)
    assert again == lost


@pytest.mark.exhaustive
def test_samples_come_near_the_whole(spark: SparkSession, metadata: Metadata, lost: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validate_relations, "MOST_ROWS", 1_500)
    monkeypatch.setattr(validate_relations, "ROWS", 1_000)
    monkeypatch.setattr(validate_relations, "CELLS", 0)
    plain = Metadata(tables={n: t.model_copy(update={"primary_key": () if n == "sales" else t.primary_key}) for n, t in metadata.tables.items()})
    monkeypatch.setattr(validate_relations, "FEW_FAMILIES", 20)
    sampled = validate(plain, spread(spark, frames(1, True)), spread(spark, frames(2, False)), seed=4)
    for name in ("c2st_parent", "c2st_agg"):
        value = sampled.figures[name].value
        assert value is not None and value > 0.6, name
    assert sampled.figures["paths"].value == pytest.approx(lost.figures["paths"].value, abs=0.15)
    assert sampled.figures["sequence"].value is not None
    assert along(sampled, "sales", "shops").c2st_agg.rows < SHOPS  # type: ignore[union-attr]
    assert along(sampled, "sales", "regions").sequence is None and along(sampled, "sales", "regions").siblings is not None, "three families say nothing"


def test_a_column_is_predicted_from_the_row_and_its_parents(spark: SparkSession, metadata: Metadata) -> None:
    real, made = spread(spark, frames(1, True)), spread(spark, frames(2, True))
    report = Report(validate(metadata, real, made, seed=4, target={"Sales": "PRICE"}))
    found = next(t.tstr for t in report.findings.tables if t.table == "sales")
    assert found is not None and (found.column, found.metric) == ("price", "r2") and found.real > 0.5
    assert report.findings.figures["tstr"].value == found.synthetic < found.real + 0.05  # shops are others: their sizes tell the price
    assert "Predicting price" in report.to_html() and "tstr" in report.summary() and "tstr" in set(report.to_frame()["figure"])
    with pytest.raises(QualityError, match="tstr"):
        report.check(min_tstr=0.999)


@pytest.mark.parametrize(("target", "told"), [({"regions": "climate"}, "no learnt tables"), ({"sales": "sale"}, "(key)"), ({"sales": "colour"}, "no column")])
def test_targets_that_are_none(spark: SparkSession, metadata: Metadata, target: dict[str, str], told: str) -> None:
    real = spread(spark, frames(1, True))
    with pytest.raises(SchemaError, match=re.escape(told)):
        validate(metadata, real, real, target=target)
