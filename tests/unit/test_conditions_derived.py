"""Conditions on columns that follow from others: what those others can be is found before anything is written, and chosen as the row model would."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

from synthohive_spark.errors import GenerationError
from synthohive_spark.kernels.block import GenerationPlan
from synthohive_spark.kernels.columns.measured import measured
from synthohive_spark.kernels.columns.numbers import fit_numbers
from synthohive_spark.kernels.columns.types import arrow_type, to_float64
from synthohive_spark.kernels.generate import Roots, generate_roots
from synthohive_spark.kernels.models.autoregressive import Autoregressive
from synthohive_spark.kernels.models.base import CodeLayout, ConditionalGenerativeModel
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.dependencies import AnyDependency, Clock, DatePart, Linear, Lookup, Order, Product, Quotient, Remainder, Unequal
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding, TableEncoding
from synthohive_spark.spec.fitted import FittedSchema, FittedTable, ModelSpec
from synthohive_spark.spec.graph import SchemaGraph
from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.program import Phase, TableProgram
from synthohive_spark.spec.steps import Derive, Draw, KeyPattern, NumberKey
from synthohive_spark.stages.conditions import plan_conditions

REAL = 20_000
TYPES = {"at": "timestamp", "net": "decimal(12,2)", "tax": "decimal(12,2)", "sched": "int", "delay": "int", "city": "string", "price": "double"}
DERIVED = {
    "year": "int",
    "month": "int",
    "total": "decimal(12,2)",
    "hour": "int",
    "minute": "int",
    "dep": "int",
    "country": "string",
    "amount": "double",
}
RULES: tuple[AnyDependency, ...] = (
    DatePart(target="year", determinants=("at",), part="year", zone="Europe/Berlin"),
    DatePart(target="month", determinants=("at",), part="month", zone="Europe/Berlin"),
    Linear(target="total", determinants=("net", "tax"), factors=(1.0, 1.0), digits=(2, 2, 2)),
    Quotient(target="hour", determinants=("sched",), divisor=100),
    Remainder(target="minute", determinants=("sched",), divisor=100),
    Clock(target="dep", determinants=("sched", "delay"), factors=(1, 1), cycle=1440, readings=("hhmm", "hhmm", "number")),
    Lookup(target="country", determinants=("city",), keys=(("Ulm", "Bonn", "Nice"),), values=("de", "de", "fr"), counts=(9, 5, 3), combinations=3),
    Product(target="amount", determinants=("price", "delay"), way="times", digits=2),
)


def real_rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    hours = rng.integers(0, 3 * 8766, REAL)
    net = rng.gamma(2.0, 100, REAL).round(2)
    sched = rng.integers(5, 23, REAL) * 100 + rng.integers(0, 60, REAL)
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2012-01-01", tz="UTC") + pd.to_timedelta(hours, unit="h"),
            "net": [Decimal(str(v)).quantize(Decimal("0.01")) for v in net],
            "tax": [Decimal(str(v)).quantize(Decimal("0.01")) for v in net * 0.2],
            "sched": sched,
            "delay": rng.integers(1, 60, REAL),
            "price": rng.integers(100, 2_000, REAL) / 100,
        }
    )


def encoded(name: str, values: pd.Series, spark_type: str) -> NumberEncoding:
    x = to_float64(pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values).cast(arrow_type(spark_type))]))), name, spark_type)
    distinct, counts = np.unique(x, return_counts=True)
    return fit_numbers(name, spark_type, measured(distinct, counts, 0.0), EncodingConfig(max_codes=60))


def labels(name: str, values: Sequence[str]) -> CategoryEncoding:
    n = len(values)
    return CategoryEncoding(name=name, spark_type="string", has_null=False, weights=(1 / n,) * n, values=tuple(values), counts=(9,) * n, starts=tuple(range(n)))


class Related(ConditionalGenerativeModel):
    """`tax` is near a fifth of `net`, by rank; all else is drawn by itself."""

    name = "related"
    any_order = True

    def training_step(self, rows: Any, context: Any, reduce: Any) -> dict[str, float]:
        return {}

    def shares(self, context: np.ndarray, given: np.ndarray, column: int) -> np.ndarray:
        own = np.tile(self.layout.weights[column], (len(given), 1))
        if column in (1, 2):  # net and tax
            own_at, at = (np.cumsum(self.layout.weights[c]) - self.layout.weights[c] / 2 for c in (column, 3 - column))
            near = np.exp(-(((own_at[None, :] - at[given[:, 3 - column]][:, None]) / 0.03) ** 2))
            own = np.where(given[:, [3 - column]] >= 0, own * near, own)
        return own / own.sum(axis=1, keepdims=True)

    def sample(self, context: np.ndarray, rng: np.random.Generator, given: np.ndarray | None = None) -> np.ndarray:
        rows = np.full((len(context), len(self.layout.row)), -1) if given is None else given.copy()
        for d in range(rows.shape[1]):
            upto = self.shares(context, rows, d).cumsum(axis=1)
            drawn = (upto[:, :-1] <= rng.random(len(rows))[:, None]).sum(axis=1)
            rows[:, d] = np.where(rows[:, d] < 0, drawn, rows[:, d])
        return rows

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load_state(self, state: Mapping[str, torch.Tensor]) -> None:
        pass


@pytest.fixture(scope="module")
def table() -> FittedTable:
    from safetensors.torch import save

    real = real_rows()
    drawn = tuple(labels("city", ["Ulm", "Bonn", "Nice"]) if n == "city" else encoded(n, real[n], t) for n, t in TYPES.items())
    made = {
        "year": [2012, 2013, 2014] * 3,
        "month": [*range(1, 13)] * 3,
        "total": np.arange(0, 200_000) / 100,
        "hour": [*range(24)] * 3,
        "minute": range(60),
        "dep": range(2400),
        "amount": np.arange(100, 120_000) / 100,
    }
    late = tuple(
        labels("country", ["de", "fr"]) if n == "country" else encoded(n, pd.Series([Decimal(str(v)) for v in made[n]] if "decimal" in t else list(made[n])), t)
        for n, t in DERIVED.items()
    )
    steps = (NumberKey(column="id", pattern=KeyPattern()), Draw(columns=tuple(TYPES)), Derive(dependencies=RULES))
    columns = (("id", "bigint", False), *((n, t, True) for n, t in {**TYPES, **DERIVED}.items()))
    program = TableProgram(table="t", rows=REAL, columns=columns, primary_key=("id",), phases=(Phase(steps=steps),))
    model = ModelSpec(name="related", row=tuple(e.cardinality for e in drawn), context=())
    encoding = TableEncoding(table="t", rows=REAL, columns=(*drawn, *late))
    return FittedTable(program=program, encoding=encoding, model=model, weights=save({}))


def with_rules(table: FittedTable, *more: AnyDependency) -> FittedTable:
    steps = table.program.phases[0].steps
    derive = Derive(dependencies=(*RULES, *more))
    return replace(table, program=table.program.model_copy(update={"phases": (Phase(steps=(*steps[:-1], derive)),)}))


def planned(table: FittedTable, *asked: dict[str, Any], rows: int = 400) -> Any:
    metadata = Metadata().add_table("t", pk="id")
    fitted = FittedSchema(metadata=metadata, graph=SchemaGraph.from_metadata(metadata), tables={"t": table}, references={}, seed=1, version="0")
    conditions = [{"table": "t", "values": values, "rows": rows} for values in asked]
    return plan_conditions(fitted, conditions, "Europe/Berlin", lambda *_: True, lambda *_: [])["t"]


def made(table: FittedTable, *asked: dict[str, Any], rows: int = 400, seed: int = 5) -> pd.DataFrame:
    plan = GenerationPlan(fitted=table, seed=seed, total=rows * len(asked), row_model=Related, given=planned(table, *asked, rows=rows))
    types = {name: table.program.types[name] for name in (*TYPES, *DERIVED)}
    batches = generate_roots(iter([pa.RecordBatch.from_pydict({"id": [0]})]), plan=plan, roots=Roots(0, rows * len(asked)), types=types)
    return pa.Table.from_batches(list(batches)).to_pandas(types_mapper=pd.ArrowDtype)


def test_parts_of_a_time_are_asked_for_one_or_several(table: FittedTable) -> None:
    found = made(table, {"year": 2013}, {"year": 2014, "month": 2})
    local = found["at"].astype("datetime64[us, UTC]").dt.tz_convert("Europe/Berlin")
    assert (local[:400].dt.year == 2013).all() and set(found["year"][:400]) == {2013}
    assert ((local[400:].dt.year == 2014) & (local[400:].dt.month == 2)).all() and set(found["month"][400:]) == {2}
    assert local[:400].dt.month.value_counts().max() < 70  # all over the year
    assert local[400:].dt.day.nunique() > 20 and local[:400].nunique() > 300


def test_addends_of_an_asked_sum_fit_to_one_another(table: FittedTable) -> None:
    found = made(table, {"total": Decimal("240.00")}, {"total": "612.34"})
    assert set(found["total"][:400]) == {Decimal("240.00")} and set(found["total"][400:]) == {Decimal("612.34")}
    assert (found["net"] + found["tax"] == found["total"]).all()
    share = (found["tax"].astype(float) / found["total"].astype(float)).to_numpy()
    assert np.abs(np.median(share[:400]) - 1 / 6) < 0.01 and np.abs(np.median(share[400:]) - 1 / 6) < 0.01  # not any pair that adds up
    assert np.quantile(np.abs(share[:400] - 1 / 6), 0.9) < 0.04
    assert found["net"][:400].nunique() > 50


def test_quotients_remainders_clocks_lookups_and_products(table: FittedTable) -> None:
    found = made(table, {"hour": 7, "minute": 15}, {"dep": 2302}, {"country": "fr"}, {"amount": 60.0}, {"hour": 22, "dep": 2302}, rows=100)
    assert set(found["sched"][:100]) == {715}
    assert set(found["dep"][100:200]) == {2302} and found["sched"][100:200].nunique() > 10
    assert set(found["city"][200:300]) == {"Nice"} and set(found["country"][200:300]) == {"fr"}
    assert np.allclose(found["amount"][300:400], 60.0) and np.allclose((found["price"] * found["delay"])[300:400].round(2), 60.0)
    assert found["delay"][300:400].nunique() > 5
    assert set(found["hour"][400:]) == {22} and set(found["dep"][400:]) == {2302}


def test_what_no_row_can_have_is_refused_with_all_other_faults(table: FittedTable) -> None:
    asked = [{"year": 2013, "at": datetime.datetime(2014, 5, 1)}, {"minute": 7, "sched": 508}, {"hour": 3}, {"total": 10, "net": 11}, {"city": "Rome"}]
    with pytest.raises(GenerationError) as caught:
        planned(table, *asked)
    text = str(caught.value)
    assert text.startswith("5 faults in the conditions: ")
    for index, (target, root) in enumerate([("year", "at"), ("minute", "sched"), ("hour", "sched")]):
        assert f"conditions[{index}]: table 't': {target!r}: no values of {root!r} that are like real ones give what was asked for" in text
    assert "conditions[3]: table 't': 'total': no values of 'net', 'tax' that" in text and "'Rome' was never seen" in text
    assert planned(table, {"year": 2014, "at": datetime.datetime(2014, 5, 1)}, {"total": 12, "net": 10}).rows == 800


def test_what_is_chosen_breaks_no_other_rule(table: FittedTable) -> None:
    apart = Unequal(target="net", determinants=("tax",), free=("tax",))
    both = with_rules(table, apart, Order(target="net", determinants=("tax",), at_least=("tax",), digits=2))
    found = made(both, {"total": Decimal("20.00")})
    assert (found["net"] > found["tax"]).all() and (found["net"] + found["tax"] == Decimal("20.00")).all()


def test_rows_are_the_same_again_and_others_by_another_seed(table: FittedTable) -> None:
    asked = {"total": Decimal("240.00"), "month": 3}
    first = made(table, asked)
    assert first.equals(made(table, asked)) and not first["net"].equals(made(table, asked, seed=6)["net"])


def test_the_autoregressive_model_tells_what_it_draws_by() -> None:
    torch.manual_seed(0)
    layout = CodeLayout((3, 4), (2,), (np.full(3, 1 / 3), np.full(4, 0.25)))
    model = Autoregressive(layout, {})
    with torch.no_grad():
        model.network.odds.mul_(20)
    context, given = np.zeros((40_000, 1), dtype=np.int64), np.tile([1, -1], (40_000, 1))
    shares = model.shares(context[:1], given[:1], 1)
    drawn = model.sample_columns(context, np.random.default_rng(0), given, [1])[:, 0]
    assert np.abs(np.bincount(drawn, minlength=4) / 40_000 - shares[0]).max() < 0.01 and shares.max() - shares.min() > 0.05
