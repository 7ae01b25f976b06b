"""Decimals of up to 38 digits: exact as columns, in rules and as keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.asked import asked_code
from synthohive_spark.kernels.columns import arrow_type, decode_codes, encode_frame
from synthohive_spark.kernels.columns.decimals import find_form, from_units, numbers_of, units_of, values_of
from synthohive_spark.kernels.columns.fit import fit_encoding
from synthohive_spark.kernels.dependencies.find import find_candidates
from synthohive_spark.kernels.dependencies.formulas import evaluate, holds
from synthohive_spark.kernels.dependencies.orders import in_order, keep_order
from synthohive_spark.kernels.dependencies.sample import Sample, Search
from synthohive_spark.kernels.keys import key_values
from synthohive_spark.kernels.spread import numbers_at
from synthohive_spark.kernels.steps.series import as_numbers
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.decimal_forms import decimal_form
from synthohive_spark.spec.dependencies import Linear, Order, Product, described
from synthohive_spark.spec.encoding import ColumnHint, NumberEncoding, TableEncoding
from synthohive_spark.spec.planning.room import room_of
from synthohive_spark.spec.steps import KeyPattern

ROWS = 4000
WHOLE = "decimal(38,0)"


def fitted(values: Sequence[Decimal | None], spark_type: str) -> NumberEncoding:
    seen = Counter(values)
    frame = pd.DataFrame(
        {
            "column": 0,
            "text": [None if v is None or (spark_type == "bigint" and abs(v) <= 2**53) else str(v) for v in seen],
            "number": [np.nan if v is None else float(v) for v in seen],
            "is_null": [v is None for v in seen],
            "n": seen.values(),
            "sampled": seen.values(),
            "kept": [n >= EncodingConfig().min_category_rows for n in seen.values()],
            "distinct": 1,
        }
    )
    encoding = fit_encoding(frame, hint=ColumnHint(name="x", spark_type=spark_type), config=EncodingConfig(), rows=len(values), seed=1)
    assert isinstance(encoding, NumberEncoding)
    return NumberEncoding.model_validate_json(encoding.model_dump_json())


def copied(values: Sequence[Decimal | None], spark_type: str) -> pa.Array:
    """Real rows through their codes and back, each of the same code again."""
    table = TableEncoding(table="t", rows=1, columns=(fitted(values, spark_type),))
    codes = encode_frame(pd.DataFrame({"x": pd.Series(values, dtype=object)}), table)
    out = decode_codes(codes, table, np.random.default_rng(1))["x"]
    assert out.type == arrow_type(spark_type)
    assert (encode_frame(pd.DataFrame({"x": pd.Series(out.to_pylist(), dtype=object)}), table) == codes).mean() > 0.999
    return out


def scaled(units: np.ndarray | Sequence[int], scale: int) -> list[Decimal]:
    with localcontext(prec=60):
        return [Decimal(int(u)).scaleb(-scale) for u in units]


def wide(seed: int, digits: int, size: int = ROWS) -> list[int]:
    """Whole numbers of up to so many digits."""
    rng = np.random.default_rng(seed)
    return [int("".join(map(str, row))) % 10 ** int(d) for row, d in zip(rng.integers(0, 10, (size, digits)), rng.integers(1, digits + 1, size), strict=True)]


@pytest.mark.parametrize(
    ("name", "values", "spark_type"),
    [
        ("frequent among many", [Decimal("12345678901234567890123456.78"), *scaled(wide(1, 38), 10)], "decimal(38,10)"),
        ("ids in a row", [Decimal(10**37 + i) for i in range(ROWS)], WHOLE),
        ("all digits", [Decimal(v) for v in ("9" * 38, "-" + "9" * 38)] * 2000, WHOLE),
        ("negative", scaled([-v for v in wide(2, 30)], 18), "decimal(38,18)"),
        ("cents in a wide type", scaled(np.random.default_rng(3).integers(1, 10**6, ROWS).astype(object) * 10**16, 18), "decimal(38,18)"),
        ("multiples of a quarter", scaled(np.random.default_rng(4).integers(1, 10**6, ROWS).astype(object) * 25 * 10**20, 10), "decimal(38,10)"),
        ("one value", [Decimal("1.5")] * 50, "decimal(38,18)"),
        ("mostly null", [None] * 3000 + scaled(wide(5, 25, 1000), 4), "decimal(30,4)"),
        ("narrow", scaled(np.random.default_rng(6).integers(-(10**6), 10**6, ROWS), 4), "decimal(18,4)"),
        ("near zero", scaled(np.random.default_rng(7).integers(0, 300, ROWS), 38), "decimal(38,38)"),
    ],
)
def test_columns_stay_inside_their_range_and_on_their_grid(name: str, values: list[Decimal | None], spark_type: str) -> None:
    out = [v for v in copied(values, spark_type).to_pylist() if v is not None]
    real = [v for v in values if v is not None]
    assert min(real) <= min(out) and max(out) <= max(real)
    if name == "cents in a wide type":
        assert all(v == round(v, 2) for v in out)
    if name == "multiples of a quarter":
        with localcontext(prec=60):
            assert all((v * 10**10) % (25 * 10**20) == min(real) * 10**10 % (25 * 10**20) for v in out)
    if name == "ids in a row":
        assert len(set(out)) > ROWS / 2


def test_frequent_values_come_back_exactly_however_near_they_lie() -> None:
    rng = np.random.default_rng(0)
    near = [Decimal("12345678901234567890123456.78"), Decimal("12345678901234567890123456.79")]
    values = [near[i] if (i := rng.integers(3)) < 2 else other for other in scaled([10**36 + v for v in wide(1, 37)], 10)]
    out = Counter(copied(values, "decimal(38,10)").to_pylist())
    assert [out[v] for v in near] == [values.count(v) for v in near]


def test_a_code_for_nothing_beside_long_ids_does_not_blur_them() -> None:
    values = [Decimal(0) if i % 50 == 0 else Decimal(10**30 + i % 1000) for i in range(ROWS)]
    out = Counter(copied(values, WHOLE).to_pylist())
    assert out[Decimal(0)] == 80 and len(out) > 900 and min(set(out) - {Decimal(0)}) >= 10**30


def test_whole_numbers_past_what_a_float_holds() -> None:
    rng = np.random.default_rng(5)
    near = [9_007_199_254_740_993, 9_007_199_254_740_995, 2**63 - 1, -(2**63) + 1, 3]
    values = [near[i] if (i := int(rng.integers(8))) < 5 else int(v) for v in rng.integers(-(2**63), 2**63 - 1, ROWS)]
    out = copied(values, "bigint").to_pylist()  # type: ignore[arg-type]
    assert all(Counter(out)[v] == values.count(v) for v in near) and min(out) >= min(values) and max(out) <= max(values)
    ids = [1_234_567_890_123_456_789 + 2 * int(v) for v in rng.integers(0, 20, ROWS)]
    assert set(copied(ids, "bigint").to_pylist()) == set(ids)  # type: ignore[arg-type]
    seconds = [1_700_000_000_000_000_000 + 10**9 * int(v) for v in rng.integers(0, 10**6, ROWS)]
    made = copied(seconds, "bigint").to_pylist()  # type: ignore[arg-type]
    assert all(v % 10**9 == 0 for v in made) and len(set(made)) > ROWS / 2


def test_rare_values_that_share_a_float_are_not_told() -> None:
    rare = [Decimal(5 * 10**29 + i) for i in range(1000)]
    values = rare + scaled([int(v) for v in np.linspace(0, 10**9, 3000)], -27)
    encoding = fitted(values, WHOLE)
    assert "" in encoding.exact and not {str(v) for v in rare} & set(encoding.exact)
    out = copied(values, WHOLE).to_pylist()
    assert not set(rare) & set(out) and len({v for v in out if 4 * 10**29 < v < 6 * 10**29}) > 900


def test_numbers_of_a_form_and_back() -> None:
    units = np.sort(np.array([0, 5, 10**30, 10**30 + 5, 10**30 + 10] * 30, dtype=object))
    form = str(find_form(np.unique(units), np.full(5, 30), 10**38 - 1))
    assert decimal_form(form) == (10**38 - 1, 1, 0, (0, 10**30), (5, 10**30 + 10)) and str(decimal_form(form)) == form
    assert numbers_of(units, form).tolist() == sorted([0, 5, 6, 11, 16] * 30)
    assert values_of(numbers_of(units, form), form).tolist() == units.tolist()
    assert numbers_of(np.array([7, 10**20], dtype=object), form).tolist() == [5.0, 5.0]
    exact = from_units(units, units == 5, pa.decimal128(38, 0))
    assert units_of(exact).tolist() == np.where(units == 5, 0, units).tolist() and exact.null_count == 30


def test_unique_values_differ() -> None:
    for values in ([Decimal(10**37 + 7 * i) for i in range(ROWS)], [Decimal(v) for v in set(wide(3, 38))]):
        encoding = fitted(values, WHOLE)
        made = as_numbers(numbers_at(encoding, np.arange(10_000), 10_000, 1), encoding).to_pylist()
        assert len(set(made)) == 10_000 and min(made) >= min(values)
        assert (room_of(encoding) or 0) > 10**30


def test_keys_go_on_after_the_greatest_real_one() -> None:
    after = 10**37 + 5
    keys = key_values(KeyPattern.model_validate_json(KeyPattern(after=after).model_dump_json()), np.arange(3), pa.decimal128(38, 0), 1)
    assert keys.to_pylist() == [after + 1, after + 2, after + 3]


def test_sums_products_and_orders_are_exact() -> None:
    kind = "decimal(38,10)"
    types = {"a": kind, "b": kind, "total": kind, "n": "int", "amount": kind}
    a, b = wide(1, 30), wide(2, 29)
    n = np.arange(ROWS) % 7 + 1
    columns = {
        "a": pa.array(scaled(a, 10), arrow_type(kind)),
        "b": pa.array(scaled(b, 10), arrow_type(kind)),
        "total": pa.array(scaled([x + y for x, y in zip(a, b, strict=True)], 10), arrow_type(kind)),
        "n": pa.array(n, pa.int32()),
        "amount": pa.array(scaled([x * int(k) for x, k in zip(a, n, strict=True)], 10), arrow_type(kind)),
    }
    names = tuple(types)
    found = find_candidates(Sample(columns, types, ROWS), Search(types=types, targets=names, inputs=names, discrete=(), ordered=names))
    assert {"total = a + b", "amount = a * n"} <= {described(f, types) for f in found}
    total = Linear(target="total", determinants=("a", "b"), factors=(1, 1), digits=(10, 10, 10))
    assert evaluate(total, columns, types).equals(columns["total"]) and holds(total, columns, types).all()
    assert evaluate(Product(target="amount", determinants=("a", "n"), digits=10), columns, types).equals(columns["amount"])
    off = dict(columns, total=pa.array(scaled([x + y + 1 for x, y in zip(a, b, strict=True)], 10), arrow_type(kind)))
    assert not holds(total, off, types).any()
    order = Order(target="total", determinants=("a",), at_least=("a",), digits=10)
    assert in_order(order, columns, types).all() and not in_order(order, {"a": off["total"], "total": columns["total"]}, types).any()
    kept = keep_order(order, columns | {"total": columns["b"]}, types, fitted(columns["total"].to_pylist(), kind))
    assert in_order(order, columns | {"total": kept}, types).all()


@pytest.mark.parametrize(
    ("way", "first", "second", "expected"),
    [
        ("over", "1", "3", "0.3333333333"),
        ("over", "-20000000000000000000", "3", "-6666666666666666666.6666666667"),
        ("times", "12345678901234567890.5", "-0.1", "-1234567890123456789.05"),
        ("more", "10000000000000000000", "0.2", "12000000000000000000"),
        ("less", "10000000000000000000", "0.2", "8000000000000000000"),
    ],
)
def test_products_past_what_a_float_holds(way: str, first: str, second: str, expected: str) -> None:
    types = {"x": "decimal(38,10)", "a": "decimal(38,10)", "b": "decimal(38,10)"}
    columns = {n: pa.array([Decimal(v), None], arrow_type(types[n])) for n, v in (("a", first), ("b", second))}
    product = Product.model_validate({"target": "x", "determinants": ("a", "b"), "way": way, "digits": 10})
    made = evaluate(product, columns, types).to_pylist()
    assert abs(made[0] - Decimal(expected)) <= (Decimal("1e-10") if "e" in expected else 0) and made[1] is None


def test_values_are_asked_for_exactly() -> None:
    one = Decimal("12345678901234567890123456.78")
    encoding = fitted([one] * 500 + scaled(wide(1, 37), 10), "decimal(38,10)")
    code, typed = asked_code(one, encoding, "UTC")
    assert Decimal(encoding.exact[code]) == one and typed[0].as_py() == one
    only = fitted([one] * 500 + [Decimal(1)] * 500, "decimal(38,10)")
    with pytest.raises(ValueError, match="never seen"):
        asked_code(one + Decimal("0.01"), only, "UTC")
