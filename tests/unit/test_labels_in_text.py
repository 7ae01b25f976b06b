"""Labels among texts that name their row, and among dates and numbers in text (`\\N`, `n/a`, nothing), come back at their rate; the rest stays what it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_columns_categories import fitted

from synthohive_spark.kernels.asked import asked_code
from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.date_forms import find_form
from synthohive_spark.kernels.columns.fit import fit_encoding
from synthohive_spark.kernels.columns.number_forms import find_number_form
from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding, TableEncoding, TextEncoding

RNG = np.random.default_rng(3)
ROWS = 800
DAYS = [str(day) for day in np.datetime64("2020-01-01") + RNG.integers(0, 900, ROWS)]


def round_trip(values: list[str], encoding: NumberEncoding | CategoryEncoding | TextEncoding) -> list[str]:
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": values}), table)
    return decode_codes(codes, table, np.random.default_rng(0), Rows(np.arange(len(values)), len(values), 5))["x"].to_pylist()


def beside(values: list[str], *labels: str) -> list[str]:
    """The values with one of the labels in three of ten rows."""
    return [labels[i % len(labels)] if i % 10 < 3 else value for i, value in enumerate(values)]


def test_a_label_that_hardly_a_sampled_row_has_is_none_among_dates() -> None:
    days = pd.date_range("2001-01-01", periods=400).strftime("%d/%m/%Y").tolist()
    counted = {"text": [*days, "n/a"], "number": np.nan, "n": [1000] * 400 + [30], "sampled": [100] * 400 + [2], "distinct": 1, "kept": True, "is_null": False}
    hint, config = ColumnHint(name="x", spark_type="string"), EncodingConfig()
    encoding = fit_encoding(pd.DataFrame(counted), hint=hint, config=config, rows=400_030, seed=1)
    assert isinstance(encoding, NumberEncoding) and encoding.form == "%d/%m/%Y" and encoding.labels == ()
    told = fit_encoding(pd.DataFrame(counted | {"sampled": [100] * 400 + [3]}), hint=hint, config=config, rows=400_030, seed=1)
    assert isinstance(told, NumberEncoding) and told.labels == ("n/a",) and round_trip(["n/a"], told) == ["n/a"]


@pytest.mark.parametrize("label", ["\\N", "", "n/a", "?", "0000-00-00"])
def test_a_label_among_texts_that_name_their_row_comes_back_whole(label: str) -> None:
    values = beside([f"AB-{i:06d}" for i in RNG.permutation(10**6)[:ROWS]], label)
    encoding = fitted(values)
    assert isinstance(encoding, CategoryEncoding) and encoding.values == (label,)
    made = round_trip(values, encoding)
    assert [text == label for text in made] == [text == label for text in values]
    others = [text for text in made if text != label]
    assert len(set(others)) == len(others), "texts that never repeat do not"
    assert not set(others) & set(values) and all(text.startswith("AB-") for text in others)


@pytest.mark.parametrize(
    ("values", "labels", "form"),
    [
        (DAYS, ("\\N",), "%Y-%m-%d"),
        (DAYS, ("", "0000-00-00"), "%Y-%m-%d"),
        ([f"{day} 08:{i % 60:02d}:00" for i, day in enumerate(DAYS)], ("0000-00-00 00:00:00", "never"), "%Y-%m-%d %H:%M:%S"),
        ([f"{x:.1f}" for x in RNG.normal(80, 9, ROWS)], ("Former smoker", "Never smoker"), "0.0"),
        ([f"${x:,.2f}" for x in RNG.lognormal(6, 1, ROWS)], ("n/a",), "$#,##0.00"),
    ],
)
def test_labels_among_dates_and_numbers_are_codes_of_their_own(values: list[str], labels: tuple[str, ...], form: str) -> None:
    values = beside(values, *labels)
    encoding = fitted(values)
    assert isinstance(encoding, NumberEncoding) and (encoding.form, encoding.labels) == (form, labels)
    made = round_trip(values, encoding)
    assert [text if text in labels else "" for text in made] == [text if text in labels else "" for text in values]
    assert (find_form if "%" in form else find_number_form)(pa.array(sorted(set(made) - set(labels)))) == form
    code, typed = asked_code(labels[0], encoding, "UTC")
    assert typed.to_pylist() == [labels[0]] and round_trip([labels[0]], encoding) == [labels[0]] and 0 <= code < encoding.cardinality


def test_a_label_that_too_few_rows_have_is_not_told() -> None:
    encoding = fitted([*DAYS, "unknown to Mr. Smith"])
    assert isinstance(encoding, NumberEncoding) is False or encoding.labels == ()
    assert "unknown to Mr. Smith" not in encoding.model_dump_json()


def test_many_words_among_numbers_are_a_vocabulary() -> None:
    numbers = [f"{x:.1f}" for x in RNG.normal(80, 9, ROWS)]
    encoding = fitted([chr(ord("a") + i // 3 % 20) * 3 if i % 3 == 0 else number for i, number in enumerate(numbers)])
    assert not isinstance(encoding, NumberEncoding)


@pytest.mark.parametrize(("common", "label"), [("Berlin", False), ("unknown", True), ("NULL", True), ("-", True), ("(none)", True)])
def test_the_commonest_of_like_texts_is_no_label(common: str, label: bool) -> None:
    others = ["".join(RNG.choice(list("abcdefgh"), RNG.integers(4, 9))).title() for _ in range(300)]
    encoding = fitted([common] * 600 + sorted(set(others)))
    assert isinstance(encoding, CategoryEncoding) and encoding.values == (common,) and (encoding.rare is not None) == label


def test_few_odd_values_among_labels_are_not_made_up() -> None:
    encoding = fitted(["open", "closed"] * 1000 + [f"typo {i}" for i in range(60)])
    assert isinstance(encoding, CategoryEncoding) and encoding.rare is None and encoding.values == ("closed", "open")
