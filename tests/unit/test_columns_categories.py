"""Categories and text as codes."""

from __future__ import annotations

import datetime
import decimal
import re
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.categories import fit_categories
from synthohive_spark.kernels.columns.fit import fit_encoding
from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.kernels.columns.texts import provider_fault
from synthohive_spark.kernels.pii import fake_values
from synthohive_spark.kernels.text import fit_shapes, shapes_of
from synthohive_spark.kernels.text.signs import LEADING, LIMITED, LITERAL
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding, TableEncoding, TextEncoding

CONFIG = EncodingConfig()


def counted(values: list[object], hint: ColumnHint, config: EncodingConfig = CONFIG) -> pd.DataFrame:
    """What Spark hands over for a column of which all rows are in the sample."""
    texts = pd.Series([None if v is None else str(v) for v in values], dtype=object)
    counts = texts.value_counts()
    frame = pd.DataFrame({"text": counts.index.astype(object), "n": counts.to_numpy(), "is_null": False})
    if texts.isna().any():
        frame = pd.concat([frame, pd.DataFrame({"text": [None], "n": [int(texts.isna().sum())], "is_null": [True]})], ignore_index=True)
    number = pd.to_numeric(frame["text"], errors="coerce").astype("float64")
    return frame.assign(column=0, number=number, sampled=frame["n"], distinct=1, kept=(frame["n"] >= config.min_category_rows) | hint.keep_rare)


def fitted(values: list[object], config: EncodingConfig = CONFIG, **hint: object) -> NumberEncoding | CategoryEncoding | TextEncoding:
    column = ColumnHint(**{"name": "x", "spark_type": "string", **hint})
    return fit_encoding(counted(values, column, config), hint=column, config=config, rows=len(values), seed=1)


def round_trip(values: list[object], encoding: CategoryEncoding) -> list[object]:
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": pd.Series(values, dtype=object)}), table)
    return decode_codes(codes, table, np.random.default_rng(0))["x"].to_pylist()


def test_values_and_nulls_come_back() -> None:
    values = ["a", "b", None, "é", ""] * 4
    encoding = fitted(values)
    assert isinstance(encoding, CategoryEncoding) and encoding.has_null
    assert round_trip(values, encoding) == values
    assert encoding.weights == pytest.approx((0.2,) * 5)


def test_rare_values_are_never_kept() -> None:
    encoding = fitted(["a"] * 60 + ["b"] * 30 + ["rare-1", "rare-1", "rare-2"])
    assert set(encoding.values) == {"a", "b"} and sum(encoding.weights) == pytest.approx(1)
    assert set(round_trip(["rare-1", "rare-2", "never seen"], encoding)) <= {"a", "b"}


def test_unseen_values_follow_the_weights_and_stay_where_they_are() -> None:
    encoding = fitted(["a"] * 60 + ["b"] * 30 + ["c"] * 10)
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": [f"new {i}" for i in range(5_000)]}), table)[:, 0]
    np.testing.assert_allclose(np.bincount(codes) / 5_000, encoding.weights, atol=0.03)
    backwards = encode_frame(pd.DataFrame({"x": [f"new {i}" for i in range(4_999, -1, -1)]}), table)[:, 0]
    assert (codes == backwards[::-1]).all()


def test_a_null_where_there_are_none_is_the_commonest_value() -> None:
    assert round_trip([None, "b"], fitted(["b"] * 5 + ["a"] * 9)) == ["a", "b"]


def test_keep_rare_keeps_all() -> None:
    encoding = fitted(["a", "b", "c"], kind="category", keep_rare=True)
    assert round_trip(["a", "b", "c"], encoding) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("spark_type", "texts", "values"),
    [
        ("boolean", ["true", "false"], [True, False]),
        ("bigint", ["-9007199254740993", "7"], [-9007199254740993, 7]),
        ("tinyint", ["1", "2"], [1, 2]),
        ("date", ["2024-02-29", "1899-12-31"], [datetime.date(2024, 2, 29), datetime.date(1899, 12, 31)]),
        ("timestamp_ntz", ["1", "-1000000"], [datetime.datetime(1970, 1, 1, 0, 0, 0, 1), datetime.datetime(1969, 12, 31, 23, 59, 59)]),
        ("timestamp", ["3600000000"], [datetime.datetime(1970, 1, 1, 1, tzinfo=datetime.timezone.utc)]),
        ("decimal(20,3)", ["12345678901234567.125", "0E-3"], [decimal.Decimal("12345678901234567.125"), decimal.Decimal("0.000")]),
        ("double", ["0.1", "1.0E10"], [0.1, 1e10]),
        ("float", ["0.1"], [float(np.float32(0.1))]),
    ],
)
def test_keys_of_every_type_keep_their_exact_value(spark_type: str, texts: list[str], values: list[object]) -> None:
    encoding = fitted(texts * 3, spark_type=spark_type, kind="category")
    again = CategoryEncoding.model_validate_json(encoding.model_dump_json())
    assert again == encoding
    assert round_trip(values, again) == values


def test_booleans_keep_a_rare_value_only_if_spark_says_so() -> None:
    frame = counted(["true"] * 50 + ["false"], ColumnHint(name="x", spark_type="boolean", keep_rare=True))
    encoding = fit_encoding(frame, hint=ColumnHint(name="x", spark_type="boolean"), config=CONFIG, rows=51, seed=1)
    assert set(encoding.values) == {True, False}


def test_integer_categories_that_are_all_rare_become_numbers() -> None:
    encoding = fitted(list(range(8)), spark_type="bigint", kind="category")
    assert isinstance(encoding, NumberEncoding) and encoding.tokens == ()


def test_many_values_share_codes_of_equal_mass() -> None:
    counts = np.concatenate([[50_000, 20_000], np.full(5_000, 20)])
    encoding = fit_categories("x", "string", [f"v{i:05d}" for i in range(len(counts))], counts, 0.0, CONFIG)
    assert encoding.cardinality == CONFIG.max_codes and encoding.starts[:3] == (0, 1, 2)
    assert encoding.values[:2] == ("v00000", "v00001")
    tail = np.array(encoding.weights[2:])
    assert tail.max() < 1.2 * tail.min()
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = np.random.default_rng(0).choice(encoding.cardinality, p=np.array(encoding.weights) / sum(encoding.weights), size=100_000)[:, None]
    values = decode_codes(codes, table, np.random.default_rng(1))["x"]
    assert (encode_frame(pd.DataFrame({"x": values.to_pandas()}), table) == codes).all()
    shares = values.to_pandas().value_counts(normalize=True)
    assert shares["v00000"] == pytest.approx(50_000 / counts.sum(), abs=0.01) and len(shares) > 4_500


def test_three_hundred_thousand_values_are_fast() -> None:
    counts = np.maximum(1, 1_000_000 // np.arange(1, 300_001))
    encoding = fit_categories("x", "string", [f"customer {i}" for i in range(300_000)], counts, 0.1, CONFIG)
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = np.random.default_rng(0).choice(encoding.cardinality, p=np.array(encoding.weights) / sum(encoding.weights), size=100_000)[:, None]
    decode_codes(codes[:1], table, np.random.default_rng(0))
    start = time.perf_counter()
    values = decode_codes(codes, table, np.random.default_rng(0))["x"]
    again = encode_frame(pd.DataFrame({"x": values.to_pandas()}), table)
    assert time.perf_counter() - start < 5  # 0.1 s on a free core; Python loops over rows would take far longer
    assert (again == codes).all()


def test_strings_that_name_their_row_are_text_and_never_come_back() -> None:
    names = [f"Person{chr(65 + i % 26)}{chr(97 + i // 26)} Smith{i}" for i in range(400)]
    encoding = fitted([*names, None])
    assert isinstance(encoding, TextEncoding) and encoding.cardinality == 2
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    made = decode_codes(np.array([[0], [1]] * 500), table, np.random.default_rng(0))["x"].to_pylist()
    assert made[::2] == [None] * 500 and all(isinstance(v, str) and v for v in made[1::2])
    assert not set(made) & set(names)
    assert not any("Person" in shape for shape in encoding.shapes)
    assert encode_frame(pd.DataFrame({"x": [None, "anything"]}), table)[:, 0].tolist() == [0, 1]


def signs(shape: str) -> str:
    """A shape with the characters that its literal signs stand for."""
    return "".join(chr(ord(c) - LITERAL) if LITERAL <= ord(c) < LIMITED else c for c in shape)


def test_text_has_the_shape_of_the_real_text() -> None:
    phones = [f"+1 ({i % 900 + 100}) 555-{i:04d}" for i in range(300)]
    encoding = fitted(phones)
    assert [signs(shape) for shape in encoding.shapes] == [f"+9 ({LEADING}99) {LEADING}99-9999"]
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    made = decode_codes(np.zeros((1_000, 1), dtype=np.int64), table, np.random.default_rng(0))["x"].to_pylist()
    assert all(re.fullmatch(r"\+\d \([1-9]\d{2}\) [1-9]\d{2}-\d{4}", v) for v in made) and len(set(made)) > 990


def test_private_characters_and_capitals_that_all_texts_have_come_back() -> None:
    """Icons of a font lie in the private use area."""
    made = decode_codes(
        np.zeros((200, 1), dtype=np.int64),
        TableEncoding(table="t", rows=1, columns=(fitted([f"XZ-\ue041\ue07f\U000f0041{i:05d}" for i in range(300)]),)),
        np.random.default_rng(0),
    )["x"].to_pylist()
    assert all(re.fullmatch("XZ-\ue041\ue07f\\d{5}", v) for v in made) and len(set(made)) > 190


def test_what_few_texts_have_in_common_is_not_told() -> None:
    encoding = fitted([f"Q{i:02d}" for i in range(15)] + [f"name-{i}x" for i in range(100, 160)])
    assert "A99" in encoding.shapes  # though all fifteen begin with Q
    assert {signs(shape) for shape in encoding.shapes} == {"A99", f"aaaa-{LEADING}99x"}


def test_texts_that_differ_stay_different_over_blocks() -> None:
    encoding = fitted([f"AB-{i * 7919 % 10_000:04d}" for i in range(2_000)])
    assert encoding.distinct
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    rows = [Rows(np.arange(start, start + 4_000), 8_000, 5) for start in (0, 4_000)]
    made = [v for r in rows for v in decode_codes(np.zeros((4_000, 1), dtype=np.int64), table, np.random.default_rng(r.numbers[0]), r)["x"].to_pylist()]
    assert len(set(made)) == 8_000 and all(re.fullmatch(r"AB-\d{4}", v) for v in made)
    more = Rows(np.arange(20_000), 20_000, 5)  # more than four digits can tell
    assert len(decode_codes(np.zeros((20_000, 1), dtype=np.int64), table, np.random.default_rng(0), more)["x"]) == 20_000
    assert not fitted([f"AB-{i % 900}" for i in range(1_000)]).distinct


def test_shapes_of_letters_digits_and_scripts() -> None:
    assert shapes_of(pa.array(["Ab9-é", "ÅÄ ß", "日本 7", "a/A"])).to_pylist() == ["Aa9-a", "AA a", "aa 9", "a/A"]


def test_words_can_be_spoken_and_codes_keep_all_letters() -> None:
    encoding = TextEncoding(name="x", spark_type="string", has_null=False, weights=(1.0,), shapes=("Aaaaaaa aaa aa9a99a",), shape_counts=(1,))
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    made = decode_codes(np.zeros((2_000, 1), dtype=np.int64), table, np.random.default_rng(0))["x"].to_pylist()
    spoken = re.compile("[A-Z]" + "[aeiou][^aeiou]" * 3 + " [^aeiou][aeiou][^aeiou] [a-z]{2}[0-9][a-z][0-9]{2}[a-z]")
    assert all(spoken.fullmatch(text) for text in made) and len(set(made)) == 2_000
    assert len({text[-7] for text in made}) == len({text[-1] for text in made}) > 20


def test_rare_shapes_are_mixed_or_made_generic() -> None:
    rng = np.random.default_rng(0)
    uuids = pa.array(["".join(rng.choice(list("0123456789abcdef"), 8)) + "-" + "".join(rng.choice(list("0123456789abcdef"), 4)) for _ in range(200)])
    found = fit_shapes(uuids, np.ones(200, dtype=np.int64), 3, np.random.default_rng(1))
    assert sum(found.counts) == 200 and all(re.fullmatch(r"[a9]{8}-[a9]{4}", s) for s in found.shapes)
    assert found.upper == "" and set(found.lower) == set("abcdef")
    assert fit_shapes(pa.array(["One singular sentence!", "42"]), np.array([1, 1]), 3, rng).shapes == ("99", "Aaaaaaa aaaaaaa aaaaaaa")


def test_text_is_generated_fast_and_repeatably() -> None:
    encoding = TextEncoding(name="x", spark_type="string", has_null=False, weights=(1.0,), shapes=("Aaaaaaa Aaaaaaaa", "99999 Aaaa"), shape_counts=(5, 5))
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = np.zeros((50_000, 1), dtype=np.int64)
    start = time.perf_counter()
    first = decode_codes(codes, table, np.random.default_rng(3))["x"]
    assert time.perf_counter() - start < 2
    assert first.equals(decode_codes(codes, table, np.random.default_rng(3))["x"])
    assert not first.equals(decode_codes(codes, table, np.random.default_rng(4))["x"])


def test_faker_fills_text_and_other_types() -> None:
    emails = fake_values("email", 1_000, np.random.default_rng(0))
    assert all("@" in v for v in emails.to_pylist()) and emails.equals(fake_values("email", 1_000, np.random.default_rng(0)))
    encoding = fitted(["1990-01-01"] * 3, spark_type="date", kind="text", provider="date_of_birth")
    made = decode_codes(np.zeros((10, 1), dtype=np.int64), TableEncoding(table="t", rows=3, columns=(encoding,)), np.random.default_rng(0))["x"]
    assert made.type == pa.date32() and made.null_count == 0


@pytest.mark.parametrize(("provider", "spark_type"), [("no_such_thing", "string"), ("__class__", "string"), ("profile", "string"), ("email", "bigint")])
def test_providers_that_cannot_fill_a_column_are_told(provider: str, spark_type: str) -> None:
    assert provider in str(provider_fault(provider, spark_type))
    assert provider_fault("email", "string") is None


def test_no_rows_no_trouble() -> None:
    for spark_type in ("string", "boolean", "int", "timestamp"):
        frame = counted(["x"], ColumnHint(name="x", spark_type=spark_type)).iloc[:0]
        encoding = fit_encoding(frame, hint=ColumnHint(name="x", spark_type=spark_type), config=CONFIG, rows=0, seed=1)
        table = TableEncoding(table="t", rows=0, columns=(encoding,))
        assert encoding.weights == (1.0,)
        assert decode_codes(np.zeros((3, 1), dtype=np.int64), table, np.random.default_rng(0))["x"].to_pylist() == [None] * 3
        assert decode_codes(np.zeros((0, 1), dtype=np.int64), table, np.random.default_rng(0))["x"].to_pylist() == []


def test_iso_dates_in_strings_are_dates() -> None:
    days = [str(datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d))) for d in np.random.default_rng(0).integers(0, 700, 800)]
    encoding = fitted([*days, None])
    assert isinstance(encoding, NumberEncoding) and encoding.has_null and encoding.step == 1
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": days}), table)
    again = decode_codes(codes, table, np.random.default_rng(0))["x"]
    assert again.type == pa.string() and (encode_frame(pd.DataFrame({"x": again.to_pandas()}), table) == codes).mean() > 0.99
    assert all(min(days) <= d <= max(days) and str(datetime.date.fromisoformat(d)) == d for d in again.to_pylist())
    assert encode_frame(pd.DataFrame({"x": [None, "no date", "2020-13-45"]}), table)[:, 0].tolist() == [0, 0, 0]
    assert not isinstance(fitted([*days, "no date"]), NumberEncoding)


def test_rare_values_that_are_no_numbers_are_made_up_among_numbers() -> None:
    rng = np.random.default_rng(0)
    houses = [f"{n}{rng.choice(list('AB')) if u < 0.03 else ''}" for n, u in zip(rng.gamma(2, 20, 6_000).astype(int) + 1, rng.random(6_000), strict=True)]
    encoding = fitted(houses)
    assert isinstance(encoding, CategoryEncoding) and encoding.numbers and encoding.rare is not None
    table = TableEncoding(table="t", rows=6_000, columns=(encoding,))
    codes = encode_frame(pd.DataFrame({"x": houses}), table)
    made = decode_codes(codes, table, rng)["x"].to_pylist()
    odd, real = ({v for v in values if not v.isdigit()} for values in (made, houses))
    share = sum(not v.isdigit() for v in made) / 6_000
    assert abs(share - sum(not v.isdigit() for v in houses) / 6_000) < 0.01
    assert all(re.fullmatch("[0-9]{1,3}[A-Z]", v) for v in odd) and len(odd) > 50
    singles = {v for v in real if houses.count(v) < CONFIG.min_category_rows}
    assert len(odd & singles) < len(singles) / 2  # made up, and no list of the real ones
    assert {v for v in made if v.isdigit()} <= {v for v in houses if houses.count(v) >= CONFIG.min_category_rows}  # no number that is no real one


def test_labels_of_which_a_few_are_digits_are_no_numbers() -> None:
    labels = [f"L{n % 40}" for n in range(4_000)] + [str(n % 30) for n in range(300)] + [f"q{n}" for n in range(40)]
    encoding = fitted(labels)
    assert isinstance(encoding, CategoryEncoding) and encoding.rare is None and not encoding.numbers
    plain = fitted([str(n % 60) for n in range(3_000)] + [str(n) for n in range(900, 940)])
    assert isinstance(plain, CategoryEncoding) and plain.rare is None  # rare numbers: as ever
