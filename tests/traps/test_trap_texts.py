"""Text columns as exports have them: numbers dressed up as text, identifiers with a form of their own, what documents hold."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import random
import uuid
from typing import Any

import pandas as pd
import pytest
from trap_frames import plain

from synthohive_spark import Metadata

pytestmark = pytest.mark.spark

N = 1_500


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = [int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def with_check_digit(digits: str) -> str:
    return next(digits + str(d) for d in range(10) if luhn(digits + str(d)))


def texts() -> dict[str, list[Any]]:
    rng = random.Random(3)

    def document() -> str:
        return json.dumps({"user": rng.randrange(10**9), "ok": rng.random() < 0.5, "tags": [rng.choice("abc")], "note": f"n{rng.randrange(999)}"})

    return {
        "device": [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(N)],
        "session": [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(N)],
        "digest": [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)],
        "branch": [rng.choice(["0311", "0042", "1107", "0007", "9000"]) for _ in range(N)],
        "ip": [str(ipaddress.IPv4Address(rng.getrandbits(32))) for _ in range(N)],
        "card": [with_check_digit("4" + "".join(rng.choices("0123456789", k=14))) for _ in range(N)],
        "payload": [document() for _ in range(N)],
        "path": [f"/var/log/app/2024-{rng.randrange(1, 13):02d}/worker-{rng.randrange(10**8):08d}.log" for _ in range(N)],
        "flag": [rng.choice(["Y"] * 7 + ["N"] * 2 + [""]) for _ in range(N)],
        "blank": [rng.choice([" ", "  ", "\t", "", None, "x"]) for _ in range(N)],
        "letters": ["".join(rng.choices("אבגדהוזחטיכלמ", k=rng.randrange(7, 12))) + f" {i}" for i in range(N)],
        "long": [("lorem ipsum " * 2000)[: rng.randrange(4_000, 6_000)] + str(i) for i in range(N)],
        "quoted": [f"\"{rng.randrange(10**6)}\",'x'\n\\N;{rng.randrange(10**6)}\r\n" for i in range(N)],
    }


@pytest.fixture(scope="module")
def both(frame: Any, copied: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The real columns and those of the copy."""
    real = texts()
    data = frame({"id": ("long", list(range(N))), **{name: ("string", values) for name, values in real.items()}})
    return pd.DataFrame(real, dtype=object), plain(copied(Metadata().add_table("t", pk="id"), {"t": data})["t"])


def shares(values: pd.Series) -> dict[Any, float]:
    return values.value_counts(normalize=True, dropna=False).to_dict()


def test_two_columns_of_uuids(both: Any) -> None:
    """sdv-dev/SDV#1303: both columns of uuids got the same value in each row."""
    real, made = both
    assert all(uuid.UUID(v).hex and v[14] == "4" for v in [*made.device, *made.session])
    assert made.device.is_unique and made.session.is_unique and not set(made.device) & set(made.session) and not set(made.device) & set(real.device)


def test_hashes(both: Any) -> None:
    """sdv-dev/RDT#623: ids of 32 hexadecimal digits have so many values that no generator could count them."""
    made = both[1].digest
    assert made.str.fullmatch("[0-9a-f]{64}").all() and made.is_unique


def test_codes_that_begin_with_zeros(both: Any) -> None:
    """sdv-dev/SDV#1099: the code 0311 came back as the number 311."""
    real, made = both
    assert set(made.branch) == set(real.branch)


def test_addresses_of_machines(both: Any) -> None:
    """joke2k/faker#2079: made-up addresses must be addresses, and differ."""
    made = both[1].ip
    assert made.map(lambda text: str(ipaddress.IPv4Address(text))).is_unique


def test_numbers_of_cards_pass_their_check(both: Any) -> None:
    """faker-js/faker#952: validators refused the numbers that were made."""
    real, made = both
    assert made.card.str.fullmatch(r"4\d{15}").all() and made.card.map(luhn).all() and not set(made.card) & set(real.card)


def test_sixteen_digits_stay_text(both: Any) -> None:
    """sdv-dev/SDV#241: a column of card numbers broke the fit."""
    assert both[1].card.map(type).eq(str).all()


def test_documents_in_text(both: Any) -> None:
    """sdv-dev/SDV#2208: the user had to write a regular expression for texts of a structure, and it was not understood."""
    real, made = both
    parsed = made.payload.map(json.loads)
    assert {tuple(document) for document in parsed} == {("user", "ok", "tags", "note")} and not set(made.payload) & set(real.payload)
    assert {document["ok"] for document in parsed} == {True, False} and {type(document["user"]) for document in parsed} == {int}


def test_paths_keep_their_folders(both: Any) -> None:
    """sdv-dev/SDV#265: free text is either told or garbage; the structure that all have should stay."""
    made = both[1].path
    assert made.str.fullmatch(r"/var/log/app/2024-\d\d/worker-\d{8}\.log").all() and set(made.str[18:20].astype(int)) == set(range(1, 13))


def test_flags_in_text(both: Any) -> None:
    """sdv-dev/SDV#580: the rarer value of a flag was never sampled."""
    real, made = both
    assert all(abs(shares(made.flag)[value] - share) < 0.05 for value, share in shares(real.flag).items())


def test_blanks_are_not_null(both: Any) -> None:
    """sdv-dev/SDV#2288: what stands for nothing disappears; blanks of several kinds, empty text and null are different values."""
    real, made = both
    assert all(abs(shares(made.blank).get(value, 0) - share) < 0.05 for value, share in shares(real.blank).items())


def test_other_scripts(both: Any) -> None:
    """sdv-dev/SDV#265: names of one country came back as those of another."""
    made = both[1].letters
    assert made.str.fullmatch(r"[א-ת]{7,11} \d{1,4}").all()


def test_long_texts(both: Any) -> None:
    """sdv-dev/SDV#265: free text, here of 5,000 characters, is learnt without its words."""
    real, made = both
    assert made.long.notna().all() and not set(made.long) & set(real.long)


def test_quotes_and_line_breaks(both: Any, spark: Any, tmp_path: Any) -> None:
    """sdv-dev/SDV#265: free text with what CSV and loaders trip over comes back with it."""
    assert both[1].quoted.str.fullmatch(r'"\d{1,6}",\'x\'\n\\N;\d{1,6}\r\n').all()
