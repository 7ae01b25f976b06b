"""Numbers that stand in text come back in the same form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from test_columns_categories import fitted

from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.number_forms import find_number_form, numbers_in, written
from synthohive_spark.spec.encoding import NumberEncoding, TableEncoding, TextEncoding
from synthohive_spark.spec.number_forms import is_number_form, parsed_form

X = np.random.default_rng(1).lognormal(5, 2, 400)


def german(x: float) -> str:
    return f"{x:,.2f} €".translate({ord(","): ".", ord("."): ","})


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ([f"${x:,.2f}" for x in X], "$#,##0.00"),
        ([f"-${x:,.2f}" if i % 3 else f"${x:,.2f}" for i, x in enumerate(X)], "$#,##0.00"),
        ([german(x) for x in X], "#.##0,00 €"),
        ([f"{x:.1f}%" for x in X], "0.0%"),
        ([f"{round(x)}%" for x in X], "0%"),
        ([f"{round(x * 100):,}" for x in X], "#,##0"),
        ([f"{x:.3f}" for x in X], "0.000"),
        ([f"{x:.3f}".rstrip("0").rstrip(".") for x in X], "0.#"),
        ([f"USD {x:.2f}" for x in X], "USD 0.00"),
        ([str(round(x, i % 4)) for i, x in enumerate(X)], "0.0#"),
        ([str(round(x, i % 4)).replace(".", ",") for i, x in enumerate(X)], "0,0#"),
        ([f"(${x:,.2f})" if i % 3 == 0 else f"${x:,.2f}" for i, x in enumerate(X)], "$#,##0.00;($#,##0.00)"),
        ([f"({x:.0f}%)" if i % 3 == 0 else f"{x:.0f}%" for i, x in enumerate(X)], "0%;(0%)"),
        ([german(x)[:-2] + "-" * (i % 2) for i, x in enumerate(X)], "#.##0,00;#.##0,00-"),
        ([f"{x:.1f} kg" for x in X], "0.0 kg"),
    ],
)
def test_forms_are_found_and_come_back(texts: list[str], form: str) -> None:
    different = pa.array(sorted(set(texts)))
    assert find_number_form(different) == form and is_number_form(form) and str(parsed_form(form)) == form
    numbers = numbers_in(different, form)
    assert written(numbers, np.zeros(len(numbers), dtype=bool), form).equals(different)
    encoding = fitted(texts)
    assert isinstance(encoding, NumberEncoding) and encoding.form == form
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": texts}), table)
    made = decode_codes(codes, table, np.random.default_rng(0))["x"]
    assert find_number_form(pa.array(sorted(set(made.to_pylist())))) == form
    sizes = [np.log1p(np.abs(numbers_in(values, form))) for values in (made, pa.array(texts))]
    assert np.corrcoef(*sizes)[0, 1] > 0.9


@pytest.mark.parametrize(
    "texts",
    [
        [str(i) for i in range(400)],  # codes
        [f"{i:06d}" for i in range(400)],
        [f"1.{i}" for i in range(400)],  # versions: 1.10 is not 1.1
        [f"{i}A" if i % 2 else f"{i}B" for i in range(400)],
        [f"Q{i}" for i in range(400)],
        [f"{i}.5.{i}" for i in range(400)],
        [f"{i}.50" for i in range(15)],  # labels
        [f"0{i}.5" for i in range(400)],
        ["9" * 17 + f".{i}" for i in range(400)],
        [f"({i}.5)" if i % 2 else f"-{i}.5" for i in range(400)],  # two ways to say minus
        [f"{i}-" if i % 2 else f"{i}" for i in range(400)],
    ],
)
def test_what_is_no_number(texts: list[str]) -> None:
    assert find_number_form(pa.array(texts)) is None


def test_other_texts_are_null() -> None:
    assert np.isnan(numbers_in(pa.array(["$1.5", "1.50", None, "$x", "$1.50"]), "$0.00"))[1:4].all()
    assert numbers_in(pa.array(["$1,234.50"]), "$#,##0.00").tolist() == [1234.5]
    assert isinstance(fitted([f"{i:08d}" for i in range(400)]), TextEncoding)
    with pytest.raises(ValueError, match="no form"):
        parsed_form("%Y-%m-%d")
