"""Totals and orders through fit and sample: a chain of tables whose totals are set from the bottom up, and times that never go back."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from synthohive_spark import GenerationError, Metadata, Synthesizer

pytestmark = pytest.mark.spark


def shop(spark: SparkSession) -> dict[str, DataFrame]:
    """Customers with what their orders came to; orders with what their lines came to, the tax on it, and when they were sent and came."""
    rng = random.Random(3)
    customers, orders, lines = [], [], []
    for c in range(120):
        spent, last = Decimal(0), None
        for _ in range(rng.randrange(0, 6)):
            own = [(rng.randrange(1, 5), Decimal(rng.choice(("0.99", "1.99", "4.50")))) for _ in range(rng.randrange(1, 5))]
            net = sum((q * p for q, p in own), Decimal(0))
            ordered = date(2021, 1, 1) + timedelta(days=rng.randrange(700))
            sent = datetime(ordered.year, ordered.month, ordered.day) + timedelta(hours=rng.randrange(1, 300))
            came = sent + timedelta(minutes=rng.randrange(60, 9_000)) if rng.random() < 0.7 else None
            lines += [(len(lines) + i, len(orders), q, p) for i, (q, p) in enumerate(own)]
            orders.append((len(orders), c, net, 2 * net, len(own), ordered, sent, came))
            spent, last = spent + net, max(last or ordered, ordered)
        customers.append((c, rng.choice("abc"), spent, last))
    return {
        "customers": spark.createDataFrame(customers, "cid long, kind string, spent decimal(12,2), last date"),
        "orders": spark.createDataFrame(
            orders, "oid long, cid long, net decimal(10,2), gross decimal(10,2), n int, ordered date, sent timestamp_ntz, came timestamp_ntz"
        ),
        "lines": spark.createDataFrame(lines, "lid long, oid long, qty int, price decimal(6,2)"),
    }


@pytest.fixture(scope="module")
def fitted(spark: SparkSession) -> Synthesizer:
    metadata = Metadata()
    metadata.add_table("customers", pk="cid")
    metadata.add_table("orders", pk="oid", fk={"cid": "customers.cid"})
    metadata.add_table("lines", pk="lid", fk={"oid": "orders.oid"})
    return Synthesizer(metadata, spark=spark, model="autoregressive").fit(shop(spark), seed=1, epochs=4)


def test_all_of_them_are_found(fitted: Synthesizer) -> None:
    found = fitted.dependencies
    assert {"spent = sum of net in orders", "last = greatest of ordered in orders"} <= set(found["customers"])
    assert {"net = sum of qty * price in lines", "n = number of rows in lines", "gross = 2 * net"} <= set(found["orders"])
    assert sum(">=" in rule or "<=" in rule for rule in found["orders"]) == 2


def test_synthetic_rows_keep_them(fitted: Synthesizer, tmp_path: Path) -> None:
    made = {name: frame.toPandas() for name, frame in fitted.sample(output=str(tmp_path / "out"), seed=2, scale=2.0).items()}
    lines, orders, customers = made["lines"], made["orders"], made["customers"]
    by_order = (lines.qty * lines.price).groupby(lines.oid).sum().reindex(orders.oid).fillna(Decimal(0)).to_numpy()
    assert (orders.net.to_numpy() == by_order).all()
    assert (orders.gross == 2 * orders.net).all()
    assert (orders.n == lines.groupby("oid").size().reindex(orders.oid).fillna(0).to_numpy()).all()
    assert (customers.spent.to_numpy() == orders.groupby("cid").net.sum().reindex(customers.cid).fillna(Decimal(0)).to_numpy()).all()
    last = orders.groupby("cid").ordered.max().reindex(customers.cid)
    assert (last.isna().to_numpy() == customers["last"].isna().to_numpy()).all()
    assert (customers["last"].dropna().to_numpy() == last.dropna().to_numpy()).all()
    assert (orders.sent >= pd.to_datetime(orders.ordered)).all()
    assert not (orders.came < orders.sent).any()
    assert 0.1 < orders.came.isna().mean() < 0.5


def test_the_report_counts_them(spark: SparkSession, fitted: Synthesizer) -> None:
    report = fitted.generate_validation_report(shop(spark), fitted.sample(seed=3))
    rules = report.findings.rules
    assert {rule.rule for rule in rules} == {rule for found in fitted.dependencies.values() for rule in found}
    assert not any(rule.broken for rule in rules) and all(rule.rows for rule in rules)
    assert f"of {len(rules)} hold" in report.summary() and "sent &gt;= ordered" in report.to_html()


def test_a_column_drawn_as_a_distance_can_be_asked_for_and_a_total_cannot(fitted: Synthesizer, tmp_path: Path) -> None:
    sent = datetime(2022, 5, 1, 10)
    out = fitted.sample(output=str(tmp_path / "out"), seed=2, conditions=[{"table": "orders", "values": {"sent": sent}, "rows": 40}])
    orders = out["orders"].toPandas()
    asked = orders[orders.sent == pd.Timestamp(sent)]
    assert len(asked) >= 40
    assert (pd.to_datetime(asked.ordered) <= sent).all() and (pd.to_datetime(asked.ordered) > sent - timedelta(days=40)).all()
    with pytest.raises(GenerationError, match="'n' is the number of its rows in 'lines'.*break sent >= ordered"):
        values = [{"n": 3}, {"sent": sent, "ordered": date(2022, 5, 2)}]
        fitted.sample(output=str(tmp_path / "no"), seed=2, conditions=[{"table": "orders", "values": v, "rows": 2} for v in values])
