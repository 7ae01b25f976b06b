"""Texts of well-known kinds, and columns that are made of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from faker import Faker
from test_columns_categories import fitted

from synthohive_spark.kernels.columns import decode_codes, encode_frame
from synthohive_spark.kernels.columns.likeness import regrouped
from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.kernels.kinds import even_pool, letters_of, recipe_for
from synthohive_spark.kernels.recipes import kinds, room_of_recipe, values_of
from synthohive_spark.spec.encoding import CategoryEncoding, TableEncoding, TextEncoding


@pytest.mark.parametrize("kind", kinds())
def test_every_number_gives_another_value_past_the_plainest_form_too(kind: str) -> None:
    room = room_of_recipe(kind)
    ends = np.unique(np.concatenate([np.arange(min(room, 20_000)), np.arange(max(0, room - 2_000), room)]))
    made = values_of(kind, ends, salt=3).to_pylist()
    assert len(set(made)) == len(ends) and all(value == value.strip() and value for value in made)
    assert made == values_of(kind, ends, salt=3).to_pylist() != values_of(kind, ends, salt=4).to_pylist()


@pytest.mark.parametrize("kind", kinds())
def test_values_keep_to_a_length(kind: str) -> None:
    for longest in (40, 16, 9, 5):
        room = room_of_recipe(kind, longest)
        if room:
            made = values_of(kind, np.arange(min(room, 3_000)), longest=longest).to_pylist()
            assert max(map(len, made)) <= longest and len(set(made)) == min(room, 3_000)
    assert room_of_recipe(kind, 1) == room_of_recipe("no such kind") == 0
    with pytest.raises(ValueError, match="at most 1"):
        values_of(kind, np.arange(3), longest=1)


def real(provider: str, rows: int = 300, **calls: object) -> list[str]:
    faker = Faker("en_GB")
    faker.seed_instance(1)
    return [str(getattr(faker, provider)(**calls)) for _ in range(rows)]


def made(encoding: TextEncoding, rows: int = 2_000, total: int | None = None) -> list[str]:
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    numbers = Rows(np.arange(rows), total or rows, 5)
    return decode_codes(np.zeros((rows, 1), dtype=np.int64), table, np.random.default_rng(0), numbers)[encoding.name].to_pylist()


@pytest.mark.parametrize("kind", ["name", "email", "company", "city", "job", "url", "street_address", "user_name", "last_name"])
def test_a_column_is_of_its_kind_where_name_and_texts_agree(kind: str) -> None:
    texts = [text.replace("\n", " ") for text in real(kind)]
    encoding = fitted(texts, likely=kind)
    assert isinstance(encoding, TextEncoding) and encoding.recipe == kind and encoding.shapes == ()
    assert max(map(len, made(encoding))) <= max(map(len, texts))
    assert fitted([f"{i:05d}-{i % 7}" for i in range(300)], likely=kind).recipe is None
    assert fitted(texts).recipe is None


def test_numbers_keep_their_own_outline() -> None:
    assert fitted([f"+44 20 {i:04d} {i * 7 % 10_000:04d}" for i in range(300)], likely="phone_number").recipe is None
    assert fitted([f"{i:05d}" for i in range(300)], likely="postcode").recipe is None
    mixed = [f"+{'12345678901234567890'[: 4 + i % 11]} {'9876543210'[: 2 + i // 11]}" for i in range(88)]
    assert fitted(mixed, likely="phone_number").recipe == "phone_number"


def test_a_name_of_one_word_is_a_first_name_and_a_code_no_country() -> None:
    assert fitted([f"{name}" for name in sorted(set(real("first_name", 900)))], likely="name").recipe == "first_name"
    codes = sorted({a + b for a in "ABCDEFGHIJ" for b in "KLMNOPQRST"})
    assert fitted(codes, likely="country").recipe is None


def test_an_address_may_have_lines() -> None:
    assert fitted([f"House {chr(97 + i % 26)}\nRoad {i}" for i in range(90)], likely="street_address").recipe == "street_address"


def test_other_scripts_keep_their_shapes() -> None:
    assert fitted([f"{chr(0x4E00 + i)}{chr(0x5E00 + i)} {chr(0x6E00 + i)}" for i in range(200)], likely="name").recipe is None


def test_few_rows_of_a_table_are_made_up_too() -> None:
    encoding = fitted(["Nancy", "Margaret", "Andrew", None, "Jane"], likely="first_name")
    assert isinstance(encoding, TextEncoding) and encoding.recipe == "first_name" and encoding.weights == pytest.approx((0.2, 0.8))


def test_letters_are_of_the_case_that_they_have() -> None:
    assert letters_of(pa.array(["MARY", "JOHN"] * 9 + ["Eve"])) == "upper" and letters_of(pa.array(["a.b@c.d", "x1"])) == "lower"
    assert letters_of(pa.array(["12", "7-8"])) == letters_of(pa.array(["Mary", "Ann"])) == ""
    assert all(value.isupper() for value in made(fitted([text.upper() for text in real("name")], likely="name")))


def test_unique_texts_stay_unique_over_blocks() -> None:
    emails = [f"{i}{text}" for i, text in enumerate(real("email"))]
    encoding = fitted(emails, likely="email")
    assert encoding.distinct
    table = TableEncoding(table="t", rows=1, columns=(encoding,))
    parts = [Rows(np.arange(start, start + 4_000), 8_000, 5) for start in (0, 4_000)]
    values = [v for r in parts for v in decode_codes(np.zeros((4_000, 1), dtype=np.int64), table, np.random.default_rng(r.numbers[0]), r)["x"].to_pylist()]
    assert len(set(values)) == 8_000
    explicit = fitted(emails, kind="text", provider="email")
    assert explicit.recipe == "email" and len(set(made(explicit, 8_000))) == 8_000


def test_unique_texts_past_all_that_there_are_have_shapes_or_repeat() -> None:
    jobs = [f"{a} {b}" for a in sorted(set(real("job", 60))) for b in sorted(set(real("job", 60)))][:1_500]
    assert fitted(jobs, likely="job").recipe is None  # 639 jobs
    few = fitted(jobs[:200], likely="job")
    assert few.recipe == "job" and few.distinct and len(made(few, 1_000)) == 1_000


def test_texts_repeat_as_often_as_the_real_ones() -> None:
    rng = np.random.default_rng(0)
    names = sorted(set(real("last_name", 3_000)))[:150]
    texts = [names[i] for i in rng.integers(len(names), size=170)]
    encoding = fitted(texts, likely="last_name")
    assert encoding.recipe == "last_name" and not encoding.distinct
    assert len(set(made(encoding, 170))) == pytest.approx(len(set(texts)), rel=0.15)
    assert len(set(made(encoding, 5_000))) == pytest.approx(150, rel=0.5)
    assert even_pool(10, 10) == 0 and even_pool(1_000, 1) == 1 and even_pool(1_000, 500) == pytest.approx(627, abs=2)


def test_no_real_text_is_kept() -> None:
    texts = real("name")
    encoding = fitted(texts, likely="name")
    told = encoding.model_dump_json()
    assert not [text for text in texts if text in told]


def test_a_kind_without_texts_is_none() -> None:
    assert recipe_for("name", pa.array(["Ann Lee"]), np.array([1]), 10**12, 3) is None
    assert recipe_for("no such kind", pa.array(["Ann Lee"]), np.array([1]), 1, 3) is None


def cities(common: int, rare: int) -> list[str]:
    return ["Berlin"] * common + ["Paris"] * (common // 2) + [f"{chr(97 + i // 26)}{chr(97 + i % 26)} Quuxxx" for i in range(rare)]


def test_rare_values_among_common_ones_are_made_up_at_their_rate() -> None:
    values = cities(400, 300)
    encoding = fitted([*values, *[None] * 100], likely="city")
    assert isinstance(encoding, CategoryEncoding) and encoding.rare is not None and encoding.rare.recipe == "city"
    assert set(encoding.values) == {"Berlin", "Paris"} and encoding.weights == pytest.approx((0.1, 0.4, 0.2, 0.3))
    table = TableEncoding(table="t", rows=1, columns=(CategoryEncoding.model_validate_json(encoding.model_dump_json()),))
    codes = np.tile(np.arange(4), 500)[:, None]
    back = decode_codes(codes, table, np.random.default_rng(0), Rows(np.arange(2_000), 2_000, 5))["x"]
    assert back.to_pylist()[:3] == [None, "Berlin", "Paris"] and not set(back.to_pylist()[3::4]) & {None, *values}
    assert len(set(back.to_pylist()[3::4])) > 100 and max(map(len, back.drop_null().to_pylist())) <= max(map(len, values))
    assert (encode_frame(pd.DataFrame({"x": back.to_pandas()}), table) == codes).all()
    assert encode_frame(pd.DataFrame({"x": values}), table)[:, 0].tolist() == [1] * 400 + [2] * 200 + [3] * 300


def test_few_rare_values_and_those_of_no_kind_give_way_to_common_ones() -> None:
    assert fitted(cities(400, 20), likely="city").rare is None
    assert fitted(cities(400, 300)).rare is None
    assert fitted(cities(400, 300), likely="postcode").rare is None


def test_values_that_share_codes_keep_the_share_of_rare_ones() -> None:
    names = [f"{a}{b}ton" for a in sorted(set(real("last_name", 300)))[:150] for b in "aeo"]
    values = [name for name in names for _ in range(5)] + [f"{chr(97 + i // 26)}{chr(97 + i % 26)}ville" for i in range(500)]
    encoding = fitted(values, likely="city")
    assert encoding.rare is not None and encoding.cardinality == 128 and encoding.weights[-1] == pytest.approx(500 / len(values))
    place = np.arange(len(encoding.values)).repeat(4)
    again = regrouped(encoding, place, (place % 2)[:, None], (2,))
    assert again.weights[-1] == encoding.weights[-1] and sum(again.weights) == pytest.approx(1) and again.cardinality == 128
