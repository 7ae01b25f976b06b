"""What always holds between the rows of one parent, from real tables to synthetic ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synthohive_spark import Metadata, Synthesizer

pytestmark = pytest.mark.spark


def league(spark: SparkSession, count: int) -> dict[str, DataFrame]:
    """Matches with two sides each, one row per side; the two goals, teams and results are crosswise the same."""
    rng = np.random.default_rng(5)
    teams = [(i, f"town {i}", float(rng.normal())) for i in range(1, count + 1)]
    matches, sides = [], []
    for m in range(600):
        one, two = (int(i) + 1 for i in rng.permutation(count)[:2])
        goals = int(rng.poisson(np.exp(0.4 + 0.3 * teams[one - 1][2]))), int(rng.poisson(np.exp(0.1 + 0.3 * teams[two - 1][2])))
        matches.append((m, date(2020, 1, 1) + timedelta(days=int(rng.integers(0, 900)))))
        for side, (mine, theirs) in enumerate(((0, 1), (1, 0))):
            result = "won" if goals[mine] > goals[theirs] else "lost" if goals[mine] < goals[theirs] else "drawn"
            shots = goals[mine] * 3 + int(rng.poisson(6))
            sides.append((2 * m + side, m, (one, two)[mine], (one, two)[theirs], side == 0, goals[mine], goals[theirs], result, shots))
    return {
        "teams": spark.createDataFrame(teams, "team_id int, name string, strength double"),
        "matches": spark.createDataFrame(matches, "match_id int, day date"),
        "sides": spark.createDataFrame(
            sides, "side_id int, match_id int, team_id int, opponent_id int, at_home boolean, goals int, against int, result string, shots int"
        ),
    }


@pytest.mark.exhaustive
@pytest.mark.parametrize("teams", [20, 900])  # of a finer parent rows would come team by team
def test_two_sides_of_a_match(spark: SparkSession, teams: int) -> None:
    metadata = Metadata().add_table("teams", pk="team_id").add_table("matches", pk="match_id")
    metadata.add_table("sides", pk="side_id", fk={"match_id": "matches.match_id", "team_id": "teams.team_id", "opponent_id": "teams.team_id"})
    synth = Synthesizer(metadata, spark=spark, model="autoregressive").fit(league(spark, teams), seed=1, epochs=3)
    assert "goals = against of the other row in each row of matches" in synth.dependencies["sides"]
    rows = synth.sample(seed=2)["sides"].toPandas().sort_values(["match_id", "side_id"])
    sizes = rows.groupby("match_id")["side_id"].transform("size")
    assert (sizes == 2).mean() > 0.99
    first, second = rows[sizes == 2].iloc[::2], rows[sizes == 2].iloc[1::2]
    for mine, theirs in (("goals", "against"), ("against", "goals"), ("team_id", "opponent_id"), ("opponent_id", "team_id")):
        assert (first[mine].to_numpy() == second[theirs].to_numpy()).all(), (mine, theirs)
    assert (first["at_home"].to_numpy() != second["at_home"].to_numpy()).all()
    assert (first["result"].map({"won": "lost", "lost": "won", "drawn": "drawn"}).to_numpy() == second["result"].to_numpy()).all()
    assert teams > 20 or (rows["team_id"] != rows["opponent_id"]).all()  # among 900, chance alone would hardly ever make them equal: no rule
    won = np.sign(rows["goals"] - rows["against"]).map({1: "won", -1: "lost", 0: "drawn"})
    assert teams > 20 or (won == rows["result"]).mean() > 0.55, "by chance .38; no lookup, as rare scores have too few rows"


def bank(spark: SparkSession) -> dict[str, DataFrame]:
    """Accounts of one currency each, though they do not say so, and a balance that adds up over time."""
    rng = np.random.default_rng(7)
    accounts, moves, number = [], [], 0
    for a in range(250):
        kind = str(rng.choice(["private", "business"]))
        currency, balance = str(rng.choice(["EUR", "USD", "CHF"], p=[0.5, 0.3, 0.2])), Decimal(int(rng.integers(0, 2_000)))
        when = datetime(2021, 1, 1) + timedelta(minutes=int(rng.integers(0, 500_000)))
        for _ in range(int(rng.integers(3, 20))):
            way = "out" if balance > 1_500 or rng.random() < 0.5 else "in"
            amount = Decimal(int(rng.integers(100, 50_000))) / 100
            before, balance = balance, balance + (amount if way == "in" else -amount)
            when += timedelta(minutes=int(rng.integers(10, 50_000)))
            moves.append((number, a, when, way, amount, before, balance, currency))
            number += 1
        accounts.append((a, kind, balance))
    return {
        "accounts": spark.createDataFrame(accounts, "account_id long, kind string, now decimal(12,2)"),
        "moves": spark.createDataFrame(
            moves,
            "move_id long, account_id long, at timestamp_ntz, way string, amount decimal(10,2), before decimal(12,2), balance decimal(12,2), currency string",
        ),
    }


@pytest.mark.exhaustive
def test_a_ledger_adds_up(spark: SparkSession) -> None:
    metadata = Metadata().add_table("accounts", pk="account_id").add_table("moves", pk="move_id", fk={"account_id": "accounts.account_id"})
    data = bank(spark)
    synth = Synthesizer(metadata, spark=spark, model="autoregressive").fit(data, seed=1, epochs=3)
    rules = synth.dependencies["moves"]
    assert "currency is the same in each row of accounts" in rules
    assert any(rule.startswith("balance = balance before + amount (signs by way)") for rule in rules)
    rows = synth.sample(seed=2)["moves"].toPandas().sort_values(["account_id", "at", "move_id"])
    assert (rows.groupby("account_id")["currency"].nunique() == 1).all()
    signed = rows["amount"].where(rows["way"] == "in", -rows["amount"])
    steps = rows.groupby("account_id")["balance"].diff()
    later = steps.notna()
    assert (steps[later] == signed[later]).all()
    was = rows.groupby("account_id")["balance"].shift()
    assert (was[later] == rows["before"][later]).all()
    assert synth.dependencies["accounts"] == ["now = last of balance in moves by at"]
    last = rows.groupby("account_id")["balance"].last()
    accounts = synth.sample(seed=2)["accounts"].toPandas().set_index("account_id")["now"]
    assert (accounts.loc[last.index] == last).all()
    real = data["moves"].toPandas()
    assert abs(float(rows["balance"].astype(float).median()) - float(real["balance"].astype(float).median())) < float(real["balance"].astype(float).std())
    report = synth.generate_validation_report(data, synth.sample(seed=2))
    rules = {rule.rule: rule for rule in report.findings.rules}
    assert set(rules) == {*synth.dependencies["accounts"], *synth.dependencies["moves"]}
    assert report.findings.rules_held == len(rules)
    assert min(rule.rows for rule in rules.values()) >= 250
    broken = {"accounts": data["accounts"], "moves": data["moves"].withColumn("balance", F.col("balance") + F.when(F.col("move_id") % 2 == 0, 1).otherwise(0))}
    rules = {rule.rule.split(" =")[0]: rule for rule in synth.generate_validation_report(data, broken).findings.rules}
    assert rules["balance"].broken > 1_000 and rules["before"].broken > 1_000 and rules["now"].broken > 50
    again = synth.sample(seed=2)["moves"].toPandas().sort_values(["account_id", "at", "move_id"])
    pd.testing.assert_frame_equal(rows.reset_index(drop=True), again.reset_index(drop=True))
