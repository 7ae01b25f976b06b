"""Encode then decode, whatever the values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthohive_spark.kernels.columns import arrow_type, decode_codes, encode_frame
from synthohive_spark.kernels.columns.categories import fit_categories
from synthohive_spark.kernels.columns.measured import measured
from synthohive_spark.kernels.columns.numbers import fit_numbers
from synthohive_spark.kernels.text import Letters, fit_shapes, shapes_of, text_from_shapes
from synthohive_spark.kernels.text import code_points as points_of
from synthohive_spark.kernels.text.signs import plain_sign
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import ColumnEncoding, NumberEncoding, TableEncoding

NUMBERS = st.lists(st.one_of(st.floats(allow_nan=False), st.integers(-(10**6), 10**6).map(float), st.sampled_from([0.0, 999.0])), max_size=60)
TYPES = st.sampled_from(["tinyint", "bigint", "float", "double", "decimal(10,2)", "decimal(38,18)", "date", "timestamp", "timestamp_ntz"])
CONFIGS = st.builds(EncodingConfig, max_codes=st.integers(8, 40), bins=st.integers(2, 30), min_category_rows=st.integers(1, 4))


def one(column: ColumnEncoding) -> TableEncoding:
    return TableEncoding(table="t", rows=1, columns=(column,))


@settings(max_examples=150, deadline=None)
@given(NUMBERS, TYPES, CONFIGS, st.sampled_from([0.0, 0.25]))
def test_any_number_column_decodes_to_its_type(values: list[float], spark_type: str, config: EncodingConfig, null_share: float) -> None:
    whole = np.array(values, dtype=np.float64)
    if spark_type not in ("float", "double"):
        whole = np.round(np.clip(np.nan_to_num(whole), -1e6, 1e6))
    encoding = fit_numbers("x", spark_type, measured(whole, np.ones(len(whole), dtype=np.int64), null_share), config)
    assert NumberEncoding.model_validate_json(encoding.model_dump_json()) == encoding
    assert encoding.cardinality <= config.max_codes and abs(sum(encoding.weights) - 1) < 1e-9 and min(encoding.weights) > 0
    assert list(encoding.knots) == sorted(encoding.knots)
    codes = np.repeat(np.arange(encoding.cardinality), 7)
    array = decode_codes(codes[:, None], one(encoding), np.random.default_rng(0))["x"]
    assert array.type == arrow_type(spark_type)
    assert (np.array(array.is_null()) == (encoding.has_null & (codes == 0))).all()
    assert encode_frame(pd.DataFrame({"x": whole}), one(encoding)).max(initial=0) < encoding.cardinality


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-50, 50), min_size=1, max_size=200), CONFIGS)
def test_tokens_come_back_exactly(values: list[int], config: EncodingConfig) -> None:
    x = np.array(values, dtype=np.float64)
    encoding = fit_numbers("x", "int", measured(x, np.ones(len(x), dtype=np.int64), 0.0), config)
    codes = encode_frame(pd.DataFrame({"x": values}), one(encoding))
    again = decode_codes(codes, one(encoding), np.random.default_rng(0))["x"].to_pylist()
    for value, back, code in zip(values, again, codes[:, 0], strict=True):
        assert (back == value and code < len(encoding.tokens)) if value in encoding.tokens else values.count(value) < config.min_category_rows or encoding.bins
        assert min(values) <= back <= max(values)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.integers(1, 50), min_size=1, max_size=120), CONFIGS, st.sampled_from([0.0, 0.5]), st.randoms())
def test_categories_come_back_and_order_does_not_matter(found: dict[str, int], config: EncodingConfig, null_share: float, random: object) -> None:
    values, counts = list(found), np.array(list(found.values()))
    encoding = fit_categories("x", "string", values, counts, null_share, config)
    shuffled = list(range(len(values)))
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert fit_categories("x", "string", [values[i] for i in shuffled], counts[shuffled], null_share, config) == encoding
    assert encoding.cardinality <= config.max_codes and abs(sum(encoding.weights) - 1) < 1e-9
    codes = encode_frame(pd.DataFrame({"x": values}), one(encoding))
    back = decode_codes(codes, one(encoding), np.random.default_rng(0))["x"]
    assert (encode_frame(pd.DataFrame({"x": back.to_pandas()}), one(encoding)) == codes).all()
    if len(values) <= config.max_codes - encoding.has_null:
        assert back.to_pylist() == values


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20), min_size=1, max_size=30, unique=True), st.integers(1, 3))
def test_generated_text_has_a_fitted_shape(texts: list[str], min_rows: int) -> None:
    found = fit_shapes(pa.array(texts, type=pa.string()), np.ones(len(texts), dtype=np.int64), min_rows, np.random.default_rng(0))
    assert len(found.shapes) == len(found.counts) and sum(found.counts) == len(texts)
    chosen = np.arange(len(found.shapes))
    letters = Letters(found.upper, found.lower, found.sets, found.check)
    made = text_from_shapes(points_of(found.shapes, spoken=not found.lower), chosen, np.random.default_rng(1), None, letters)
    assert shapes_of(made).to_pylist() == ["".join(map(plain_sign, s)).rstrip("\x00") for s in found.shapes]
