"""Decimals of up to 38 digits from the real tables to the synthetic ones."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from synthohive_spark import Metadata, Synthesizer

FREQUENT = 123456789012345678901234567800000000
ACCOUNTS, LINES = 400, 3_000


@pytest.mark.exhaustive
def test_wide_decimals_stay_exact(spark: SparkSession) -> None:
    rng = np.random.default_rng(1)

    def amount(digits: int) -> int:
        return int("".join(map(str, rng.integers(1, 10, digits))))

    def decimal(units: int) -> Decimal:
        with localcontext(prec=60):
            return Decimal(units).scaleb(-10)

    ids = [Decimal(10**36 + 7 * i) for i in range(ACCOUNTS)]
    codes = [decimal(10**24 + 13 * i) for i in range(ACCOUNTS)]
    totals = dict.fromkeys(range(ACCOUNTS), 0)
    rows = []
    for i in range(LINES):
        at, net, tax = int(rng.integers(ACCOUNTS)), FREQUENT if rng.random() < 0.3 else amount(28), amount(25)
        totals[at] += net + tax
        rows.append((Decimal(10**30 + i), ids[at], codes[at], decimal(net), decimal(tax), decimal(net + tax)))
    kind = "decimal(38,10)"
    real = {
        "accounts": spark.createDataFrame([(ids[i], codes[i], decimal(totals[i])) for i in range(ACCOUNTS)], f"id decimal(38,0), code {kind}, total {kind}"),
        "lines": spark.createDataFrame(rows, f"id decimal(38,0), account decimal(38,0), code {kind}, net {kind}, tax {kind}, gross {kind}"),
    }
    metadata = Metadata().add_table("accounts", pk="id").add_table("lines", pk="id", fk={"account": "accounts.id", "code": "accounts.code"})
    synth = Synthesizer(metadata, spark=spark, model="independent").fit(real, seed=1)
    assert "gross = net + tax" in synth.dependencies["lines"] and "total = sum of gross in lines" in synth.dependencies["accounts"]
    made = synth.sample(seed=2, conditions=[{"table": "lines", "values": {"net": decimal(FREQUENT)}, "rows": 50}])
    accounts, drawn = made["accounts"], made["lines"]
    assert accounts.schema == real["accounts"].schema and drawn.schema == real["lines"].schema
    assert drawn.where("gross <> net + tax").isEmpty()
    assert 0.25 < drawn.where(F.col("net") == F.lit(decimal(FREQUENT))).count() / drawn.count() < 0.37
    for name in ("net", "tax"):
        ends = [frame.agg(F.min(name), F.max(name)).collect()[0] for frame in (real["lines"], drawn)]
        assert ends[0][0] <= ends[1][0] and ends[1][1] <= ends[0][1]
    for name in ("id", "code"):
        assert accounts.select(name).distinct().count() == accounts.count() == ACCOUNTS
    assert int(accounts.agg(F.min("id")).collect()[0][0]) == int(max(ids)) + 1
    assert drawn.join(accounts, drawn["account"] == accounts["id"], "left_anti").isEmpty()
    assert drawn.join(accounts, drawn["code"] == accounts["code"], "left_anti").isEmpty()
    sums = drawn.groupBy(F.col("account").alias("id")).agg(F.sum("gross").alias("sum"))
    assert accounts.join(sums, "id", "left").where("total <> coalesce(sum, 0)").isEmpty()
