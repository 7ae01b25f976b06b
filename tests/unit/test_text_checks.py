"""Check digits: found where all texts have them, and set so that the reader's own test passes."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.kernels.text import Letters, code_points, fit_shapes, text_from_shapes
from synthohive_spark.kernels.text.checks import check_of

N = 600
VIN = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10), *range(10)], strict=True))
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def eleven(text: str, highest: int = 99) -> bool:
    """Modulus 11, as books have it: weights 1, 2, 3 from the right, or up to `highest`, then 2 again."""
    values = [10 if char in "XK" else int(char) for char in reversed(text) if char.isalnum()]
    return sum(v * (1 if i == 0 else 2 + (i - 1) % (highest - 1)) for i, v in enumerate(values)) % 11 == 0


def two(text: str, highest: int) -> bool:
    """CPF and CNPJ: each of the last two digits is 11 less the rest of the sum before it, and 0 for ten."""
    digits = [int(char) for char in text if char.isdigit()]
    for end in (len(digits) - 2, len(digits) - 1):
        rest = sum(d * (2 + i % (highest - 1)) for i, d in enumerate(reversed(digits[:end]))) % 11
        if digits[end] != (0 if rest < 2 else 11 - rest):
            return False
    return True


def ninety_seven(text: str) -> bool:
    return int("".join(str(int(char, 36)) for char in text if char != " ")) % 97 == 1


def vehicle(text: str) -> bool:
    return len(text) == 17 and set(text) <= set(VIN) and "0123456789X"[sum(VIN[c] * w for c, w in zip(text, WEIGHTS, strict=True)) % 11] == text[8]


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def any_of(*kinds: str) -> Callable[[random.Random], str]:
    """Texts of a form: `9` is any digit, `A` any letter of a VIN, `?` the digit that a test passes with, other characters themselves."""

    def made(rng: random.Random) -> str:
        return "".join({"9": rng.choice("0123456789"), "A": rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ")}.get(char, char) for char in rng.choice(kinds))

    return made


CASES: dict[str, tuple[str, Callable[[str], bool], tuple[str, ...]]] = {
    "ISBN-10": ("isbn10", eleven, ("9-999-99999-?",)),
    "ISSN": ("isbn10", eleven, ("9999-999?",)),
    "NHS": ("mod11", lambda t: t[-1] != "X" and eleven(t), ("999 999 999?",)),
    "organisation": ("mod11-7", lambda t: t[-1] not in "XK" and eleven(t, 7), ("99999999?",)),
    "RUT": ("rut", lambda t: t[-1] != "X" and eleven(t, 7), ("99.999.999-?",)),
    "CPF": ("cpf", lambda t: two(t, 99), ("999.999.999-??",)),
    "CNPJ": ("cnpj", lambda t: two(t, 9), ("99.999.999/0001-??",)),
    "IBAN": ("iban", lambda t: ninety_seven(t[4:] + t[:4]), ("DE??999999999999999999", "NL??ABNA9999999999")),
    "spaced IBAN": ("iban", lambda t: ninety_seven(t[4:] + t[:4]), ("FR?? 9999 9999 9999 9999 9999 999",)),
    "LEI": ("mod97", ninety_seven, ("529900AAA99AA9999A??",)),
    "VIN": ("vin", vehicle, ("WVWAAA9A?A9999999", "1HGA99AA?AA999999")),
    "VINs of many forms": (
        "vin",
        vehicle,
        tuple("".join(random.Random(i).choices("A9", k=8)) + "?" + "".join(random.Random(-i - 1).choices("A9", k=8)) for i in range(40)),
    ),
}


def real(passes: Callable[[str], bool], forms: tuple[str, ...], ten: str) -> list[str]:
    rng, found = random.Random(3), set()
    while len(found) < N:
        draft = any_of(*forms)(rng)
        # Of 01 and 98, which leave the same rest, only 98 is given to accounts.
        ends = [f"{i:02d}" for i in (range(2, 99) if draft[0].isalpha() or "A" in "".join(forms) else range(100))] if "??" in draft else [*"0123456789", *ten]
        found |= {text for end in ends if passes(text := draft.replace("?" * len(end), end))}
    return sorted(found)[:N]


@pytest.mark.parametrize("case", CASES)
def test_texts_that_are_made_pass_as_the_real_ones_do(case: str) -> None:
    name, passes, forms = CASES[case]
    texts = real(passes, forms, {"isbn10": "X", "rut": "K", "vin": "X"}.get(name, ""))
    assert check_of(texts) == name
    other = texts[0][:-1] + ("1" if texts[0][-1] != "1" else "2")
    assert check_of([*texts, other]) == ""
    found = fit_shapes(pa.array(texts), np.ones(len(texts), dtype=np.int64), 3, np.random.default_rng(0))
    shares = np.asarray(found.counts) / sum(found.counts)
    rng = np.random.default_rng(1)
    rows = Rows(np.arange(5_000), 5_000, 7)
    made = text_from_shapes(
        code_points(found.shapes, spoken=not found.lower),
        rng.choice(len(shares), size=5_000, p=shares),
        rng,
        rows,
        Letters(found.upper, found.lower, found.sets, found.check),
    ).to_pylist()
    assert [text for text in made if not passes(text)] == []
    assert len(set(made)) == 5_000 and len(set(made) & set(texts)) <= 1
    assert {len(text) for text in made} == {len(text) for text in texts}


def test_numbers_that_pass_by_chance_have_none() -> None:
    rng = random.Random(5)
    assert check_of([digits(rng, 10) for _ in range(40)]) == ""
    assert check_of([f"{i:04d}" for i in range(0, 2000, 11)]) == ""
