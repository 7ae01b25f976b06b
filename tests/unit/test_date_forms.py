"""Dates and times in text and in whole numbers."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.date_forms import FORMS, find_form, numbers_of, texts_of
from synthohive_spark.kernels.columns.fit import COUNTED, fit_encoding
from synthohive_spark.spec.config import EncodingConfig
from synthohive_spark.spec.date_forms import ELAPSED, form_range, is_date_form
from synthohive_spark.spec.encoding import ColumnHint, NumberEncoding, TableEncoding
from synthohive_spark.spec.number_forms import is_number_form

MOMENTS = [dt.datetime(2021, 1, 1) + dt.timedelta(days=17 * i, seconds=7_919 * i) for i in range(200)]


def _counted(values, spark_type):
    text = spark_type == "string"
    kept = {"text": values if text else None, "number": np.nan if text else np.array(values, dtype=float)}
    frame = pd.DataFrame({name: 0 for name in COUNTED}, index=range(len(values))).assign(n=1, sampled=1, distinct=1, is_null=False, kept=False, **kept)
    return fit_encoding(frame, hint=ColumnHint(name="x", spark_type=spark_type), config=EncodingConfig(), rows=len(values), seed=1)


def _made(encoding, size=2_000):
    rng = np.random.default_rng(0)
    codes = rng.choice(encoding.cardinality, size=size, p=np.array(encoding.weights) / sum(encoding.weights))
    return decode_codes(codes[:, None], TableEncoding(table="t", rows=1, columns=(encoding,)), rng)["x"].to_pylist()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_and_comes_back(form):
    texts = pa.array([m.strftime(form) for m in MOMENTS] + [None])
    found = find_form(texts)
    assert found is not None and [dt.datetime.strptime(t, found).strftime(found) for t in texts.to_pylist()[:-1]] == texts.to_pylist()[:-1]
    numbers = numbers_of(texts, form)
    assert texts_of(numbers, np.isnan(numbers), form).to_pylist() == texts.to_pylist()
    encoding = _counted(sorted(set(texts.to_pylist()[:-1])), "string")
    assert isinstance(encoding, NumberEncoding) and encoding.form == found
    made = _made(encoding)
    assert all(dt.datetime.strptime(t, found).strftime(found) == t for t in made)
    assert min(made, key=lambda t: dt.datetime.strptime(t, found)) >= min(t for t in texts.to_pylist() if t) or "%Y" not in form[:2]
    codes = encode_frame(pd.DataFrame({"x": made}), TableEncoding(table="t", rows=1, columns=(encoding,)))
    assert len(np.unique(codes)) == encoding.cardinality


@pytest.mark.parametrize(
    "texts",
    [
        ["31/13/2021", "01/02/2021", "02/02/2021", "03/02/2021"],  # no month 13
        ["1/2/2021", "01/02/2021", "02/02/2021"],  # two forms
        ["20210101", "20210102", "99999999", *(f"2021{i:04d}" for i in range(101, 110))],
        ["20210101", "20210102", "20210103"],  # so few digits may be codes
        [f"20{year:02d}{month:02d}" for year in range(1, 13) for month in range(1, 13)],  # months, or days of 2020
        ["10.04.20", "12.05.21", "18.10.22"],  # so few may be versions
        [f"{day:02d}-05-{year}" for day in range(10, 28) for year in (21, 22, 23)],  # either end may be the year
        [f"{day:02d}/0{month}/21" for day in range(1, 13) for month in range(1, 9)],
        ["2021-01-01", "soon", "later", "never"],
        [f"0{m}/01/{year}" for m in range(1, 9) for year in range(1990, 2020)],  # firsts of months, or days of January
        [None, None],
        [],
    ],
)
def test_what_is_no_form(texts):
    assert find_form(pa.array(texts, type=pa.string())) is None


@pytest.mark.parametrize("form", ["%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%y", "%y%m%d", "%m/%d/%y %H:%M"])
def test_years_of_two_digits_are_those_of_1969_to_2068(form):
    moments = [dt.datetime(1993, 1, 1) + dt.timedelta(hours=h) for h in np.random.default_rng(2).integers(0, 24 * 9000, 400).tolist()]
    texts = sorted({m.strftime(form) for m in moments})
    assert find_form(pa.array(texts)) == form and is_date_form(form)
    numbers = numbers_of(pa.array([dt.datetime(1969, 1, 1).strftime(form), dt.datetime(2068, 12, 31, 23, 59).strftime(form)]), form)
    assert (form_range(form)[0], form_range(form)[1]) == (numbers[0], numbers[1])
    encoding = _counted(texts, "string")
    assert isinstance(encoding, NumberEncoding) and encoding.form == form
    made = [dt.datetime.strptime(text, form) for text in _made(encoding)]
    assert min(made).year == 1993 and 2015 < max(made).year < 2019


def test_whole_numbers_of_six_digits_can_be_dates():
    days = [dt.date(1993, 1, 1) + dt.timedelta(days=d) for d in range(0, 2000, 3)]
    encoding = _counted([int(d.strftime("%y%m%d")) for d in days], "bigint")
    assert encoding.form == "%y%m%d"
    assert all(dt.datetime.strptime(str(v), "%y%m%d").year in range(1993, 1999) for v in _made(encoding))
    assert _counted([200101 + 100 * y + m for y in range(12) for m in range(12)], "bigint").form == ""


def _hours(seconds: int, form: str) -> str:
    hours = f"{seconds // 3600}" if "?" in form else f"{seconds // 3600:02d}"
    return f"{hours}:{seconds // 60 % 60:02d}" + (f":{seconds % 60:02d}" if form.endswith("%S") else "")


@pytest.mark.parametrize("form", ELAPSED)
def test_hours_that_go_on_past_midnight_are_times(form):
    texts = sorted({_hours(int(s), form) for s in np.random.default_rng(1).integers(3 * 3600, 130 * 3600, 500)})
    assert find_form(pa.array([*texts, None])) == form
    numbers = numbers_of(pa.array([*texts, None]), form)
    assert numbers[:-1].min() >= 3 * 3600e6 and np.isnan(numbers[-1])
    assert texts_of(numbers, np.isnan(numbers), form).to_pylist() == [*texts, None]
    encoding = _counted(texts, "string")
    assert isinstance(encoding, NumberEncoding) and encoding.form == form
    made = numbers_of(pa.array(_made(encoding)), form)
    assert numbers[:-1].min() <= made.min() < 10 * 3600e6 and 120 * 3600e6 < made.max() <= numbers[:-1].max()


def test_hours_past_midnight_with_parts_of_a_second():
    texts = [f"{_hours(s, '[?%H]:%M:%S')}.{s % 1000:03d}" for s in np.random.default_rng(1).integers(3600, 130 * 3600, 300).tolist()]
    form = find_form(pa.array(texts))
    assert form == "[?%H]:%M:%S.%3f" and is_date_form(form) and form_range(form)[1] > 130 * 3600e6
    numbers = numbers_of(pa.array(texts), form)
    assert texts_of(numbers, np.zeros(300, dtype=bool), form).to_pylist() == texts


@pytest.mark.parametrize("texts", [[f"{a}:{b}" for a in range(6) for b in range(6)], [f"{h}:{m:02d}" for h in range(30) for m in (10, 61)], ["25:00", "26:00"]])
def test_scores_and_few_values_are_no_hours(texts):
    assert find_form(pa.array(texts)) is None


@pytest.mark.parametrize(("form", "spark_type"), [("%Y%m%d", "int"), ("%Y%m%d", "bigint")])
def test_dates_as_whole_numbers(form, spark_type):
    values = sorted({int(m.strftime(form)) for m in MOMENTS})
    encoding = _counted(values, spark_type)
    assert encoding.form == form
    made = _made(encoding)
    assert all(dt.datetime.strptime(str(v), form) for v in made) and values[0] <= min(made) and max(made) <= values[-1]
    frame = pd.DataFrame({"x": [values[3], None]})  # pandas has floats where some are null
    assert encode_frame(frame, TableEncoding(table="t", rows=1, columns=(encoding,))).shape == (2, 1)
    assert _counted(list(range(20_210_101, 20_210_301)), spark_type).form == ""


@pytest.mark.parametrize(("form", "spark_type"), [("%Y%m%d", "int"), ("%d/%m/%Y", "string"), ("%Y-%m-%d", "string")])
def test_a_date_for_no_end_spoils_no_form(form, spark_type):
    kind = int if spark_type == "int" else str
    values = [kind(m.strftime(form)) for m in MOMENTS] + [kind(dt.date(9999, 12, 31).strftime(form))] * 100
    frame_values, counts = np.unique(np.array(values, dtype=object), return_counts=True)
    encoding = _counted(list(frame_values), spark_type)
    assert encoding.form == form
    assert all(dt.datetime.strptime(str(v), form).strftime(form) == str(v) for v in _made(encoding))
    never = _counted(
        [kind(dt.date(9999, 12, 31).strftime(form))] + [kind(f"99981{m:02d}15") if kind is int else f"15/{m:02d}/9998" for m in range(10, 13)], spark_type
    )
    assert isinstance(never, NumberEncoding) is (kind is int) and getattr(never, "form", "") == ""


LONG = [dt.datetime(2022, 9, 2) + dt.timedelta(seconds=i * 7919, milliseconds=i * 13) for i in range(300)]


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        ([f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond // 1000:03d}" for t in LONG], "%Y-%m-%d %H:%M:%S.%3f"),
        ([f"{t:%Y-%m-%dT%H:%M:%S.%f}Z" for t in LONG], "%Y-%m-%dT%H:%M:%S.%6fZ"),
        ([str(t) for t in LONG], "%Y-%m-%d %H:%M:%S.%6?f"),
        ([f"{t.isoformat()}+01:00" for t in LONG], "%Y-%m-%dT%H:%M:%S.%6?f+01:00"),
        ([f"{t:%d/%m/%Y %H:%M}+0200" for t in LONG], "%d/%m/%Y %H:%M+0200"),
        ([f"{t:%Y-%m-%d %H:%M:%S}-05:00" for t in LONG], "%Y-%m-%d %H:%M:%S-05:00"),
    ],
)
def test_parts_of_seconds_and_offsets(texts: list[str], form: str) -> None:
    array = pa.array(texts)
    assert find_form(array) == form and not is_number_form(form)
    encoding = _counted(sorted(set(texts)), "string")
    assert encoding.form == form == find_form(pa.array(sorted(set(_made(encoding)))))
    numbers = numbers_of(array, form)
    assert texts_of(numbers, np.zeros(len(numbers), dtype=bool), form).equals(array)
    assert np.isnan(numbers_of(pa.array([None, "2022", "x" + texts[0]]), form)).all()


def test_mixed_offsets_become_the_commonest_one() -> None:
    texts = pa.array([f"{t:%Y-%m-%d %H:%M:%S}{'+02:00' if i % 3 else '-05:00'}" for i, t in enumerate(LONG)])
    form = find_form(texts)
    assert form == "%Y-%m-%d %H:%M:%S+02:00"
    made = texts_of(numbers_of(texts, form), np.zeros(len(texts), dtype=bool), form).to_pylist()
    assert [dt.datetime.fromisoformat(a) for a in made] == [dt.datetime.fromisoformat(b) for b in texts.to_pylist()]


def test_no_form_of_parts() -> None:
    assert find_form(pa.array([f"1.{i}" for i in range(300)])) is None
    assert find_form(pa.array([f"{t:%Y-%m-%d}+0200" for t in LONG])) is None
    assert find_form(pa.array([f"{t:%Y-%m-%d %H:%M:%S}{'Z' if i % 2 else '+01:00'}" for i, t in enumerate(LONG)])) is None
