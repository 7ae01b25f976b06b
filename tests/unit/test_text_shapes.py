"""What texts of a column have in common comes back, and nothing that only few of them have."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import random
import re
import uuid
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from synthohive_spark.kernels.columns.rows import Rows
from synthohive_spark.kernels.text import Letters, code_points, fit_shapes, text_from_shapes
from synthohive_spark.kernels.text.base64 import base64_shapes
from synthohive_spark.kernels.text.checks import check_of

N = 1_000


def made(texts: list[str], rows: int = 2_000, *, apart: bool = False) -> list[str]:
    found = fit_shapes(pa.array(texts), np.ones(len(texts), dtype=np.int64), 3, np.random.default_rng(0))
    chosen = np.random.default_rng(1).choice(len(found.shapes), rows, p=np.array(found.counts) / sum(found.counts))
    points = code_points(found.shapes, spoken=not found.lower)
    numbers = Rows(np.arange(rows), rows, 5) if apart else None
    letters = Letters(found.upper, found.lower, found.sets, found.check)
    return text_from_shapes(points, chosen, np.random.default_rng(2), numbers, letters).to_pylist()


def real(make: Callable[[random.Random], str], rows: int = N) -> list[str]:
    rng = random.Random(3)
    return sorted({make(rng) for _ in range(rows)})


def test_hexadecimal_digits_stay_so_and_differ() -> None:
    digests = [hashlib.sha256(str(i).encode()).hexdigest() for i in range(N)]
    texts = made(digests, apart=True)
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in texts) and len(set(texts)) == len(texts) and not set(texts) & set(digests)
    assert len({char for text in texts for char in text}) == 16


def test_versions_of_uuids() -> None:
    texts = made(real(lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4))))
    assert {uuid.UUID(text).version for text in texts} == {4}


def test_addresses_of_machines_lie_in_the_range_of_bytes() -> None:
    texts = made(real(lambda rng: str(ipaddress.IPv4Address(rng.getrandbits(32)))), apart=True)
    assert len({str(ipaddress.IPv4Address(text)) for text in texts}) == len(texts)


def test_months_and_days_in_paths() -> None:
    texts = made(real(lambda rng: f"/var/log/{rng.choice(['web', 'db'])}/{rng.randrange(2019, 2025)}/{rng.randrange(1, 13):02d}/{rng.randrange(10**9)}.log"))
    parts = [re.fullmatch(r"/var/log/(web|db)/(\d{4})/(\d\d)/(0|[1-9]\d*)\.log", text) for text in texts]
    assert all(parts) and {int(p[3]) for p in parts if p} == set(range(1, 13))
    assert np.mean([2010 <= int(p[2]) < 2030 for p in parts if p]) > 0.97  # few have a number of few digits


def test_documents_keep_their_words_and_structure() -> None:
    texts = made(real(lambda rng: json.dumps({"user": rng.randrange(10**9), "ok": rng.random() < 0.5, "note": f"n{rng.randrange(10 ** rng.randrange(1, 9))}"})))
    assert {tuple(json.loads(text)) for text in texts} == {("user", "ok", "note")} and {json.loads(text)["ok"] for text in texts} == {True, False}


@pytest.mark.parametrize("letters", ["абвгдежзийклмнопрстуфхцчшщыэюя", "אבגדהוזחטיכלמנסעפצקרשת", "acgt"])
def test_words_are_of_the_letters_of_the_column(letters: str) -> None:
    texts = made(real(lambda rng: "".join(rng.choices(letters, k=rng.randrange(15, 22)))))
    assert {char for text in texts for char in text} == set(letters)


def test_what_few_have_is_not_told() -> None:
    names = [f"{''.join(random.Random(i).choices('abcdefghijklmnopqrstuvwxyz', k=7))} {'huber' if i < 15 else 'x' * (i % 5 + 2)}".title() for i in range(400)]
    assert not any("Huber" in text for text in made(names))
    assert made([f"Q7-{i:02d}" for i in range(15)])[0][:2] != "Q7" or made([f"Q7-{i:02d}" for i in range(15)])[1][:2] != "Q7"


def test_the_more_texts_the_less_is_told() -> None:
    texts = pa.array(real(lambda rng: f"worker {rng.randrange(10**8):08d}"))
    few, many = (fit_shapes(texts, np.ones(len(texts), dtype=np.int64), 3, np.random.default_rng(0), n) for n in (0, 10**6))
    assert len(few.shapes) == 1 and "a" not in few.shapes[0] and "aaaaaa" in many.shapes[0]


def test_more_rows_than_the_digits_that_vary_can_tell() -> None:
    texts = made([f"inv-{i:06d}" for i in range(900)], 5_000, apart=True)
    assert len(set(texts)) == 5_000 and all(re.fullmatch(r"inv-\d{6}", text) for text in texts)


@pytest.mark.parametrize(("name", "weights"), [("luhn", (1, 2)), ("gtin", (1, 3))])
def test_check_digits(name: str, weights: tuple[int, int]) -> None:
    def total(digits: str) -> int:
        added = [int(d) * weights[i % 2] for i, d in enumerate(reversed(re.sub(r"\D", "", digits)))]
        return sum(x - 9 if name == "luhn" and x > 9 else x for x in added)

    starts = real(lambda rng: f"4{rng.randrange(10**3):03d} {rng.randrange(10**4):04d} {rng.randrange(10**7):07d}")
    cards = [next(f"{start}{d}" for d in range(10) if total(f"{start}{d}") % 10 == 0) for start in starts]
    assert check_of(cards) == name and check_of([*cards, cards[0][:-1] + str(-(-int(cards[0][-1]) - 1) % 10)]) == ""
    texts = made(cards, apart=True)
    assert all(total(text) % 10 == 0 and re.fullmatch(r"4\d{3} \d{4} \d{8}", text) for text in texts) and len(set(texts)) == len(texts)


def test_syntax_stays_where_so_few_texts_are_possible_that_more_would_copy_real_ones() -> None:
    rng = random.Random(1)
    events = [json.dumps({"page": rng.choice(["/a", "/b"]), "duration_ms": rng.randrange(999), "ok": rng.random() < 0.5}) for _ in range(N)]
    assert all({*json.loads(text)} == {"page", "duration_ms", "ok"} and isinstance(json.loads(text)["ok"], bool) for text in made(sorted(set(events))))
    durations = {f"PT{rng.randrange(24)}H{rng.randrange(60)}M" for _ in range(200)}
    assert all(re.fullmatch(r"PT\d{1,2}H\d{1,2}M", text) for text in made(sorted(durations)))
    rates = {f"EUR/{rng.choice(['USD', 'GBP'])} {rng.uniform(0.8, 1.4):.2f}" for _ in range(200)}
    assert all(re.fullmatch(r"EUR/(USD|GBP) \d\.\d\d", text) for text in made(sorted(rates)))
    queries = {f"?page={rng.randrange(40)}&size={rng.randrange(20)}" for _ in range(300)}
    assert all(re.fullmatch(r"\?page=\d+&size=\d+", text) for text in made(sorted(queries)))
    tags = {f"<row><qty>{rng.randrange(90)}</qty></row>" for _ in range(300)}
    assert all(re.fullmatch(r"<row><qty>\d+</qty></row>", text) for text in made(sorted(tags)))


def test_what_all_texts_begin_with_stays_however_few_are_alike() -> None:
    addresses = real(lambda rng: f"10.{rng.randrange(4, 256)}.{rng.randrange(256)}.{rng.randrange(256)}", rows=250)
    texts = made(addresses)
    assert all(text.startswith("10.") for text in texts) and all(ipaddress.ip_address(text) for text in texts)


@pytest.mark.parametrize("lengths", [(3, 40), (12, 13), (100, 200)])
def test_bytes_in_text_can_be_read(lengths: tuple[int, int]) -> None:
    rng = random.Random(4)
    texts = made([base64.b64encode(rng.randbytes(rng.randrange(max(6, lengths[0]), max(7, lengths[1])))).decode() for _ in range(150)])
    sizes = [len(base64.b64decode(text, validate=True)) for text in texts]
    assert all(base64.b64encode(base64.b64decode(text)).decode() == text for text in texts)
    assert min(sizes) >= 6 and max(sizes) <= lengths[1] and len(set(texts)) > 1990


def test_words_are_not_taken_for_bytes() -> None:
    words = ["".join(random.Random(i).choices("abcdefghij", k=8)).title() for i in range(200)]
    assert base64_shapes(words) is None and base64_shapes([f"Ab{i:06d}" for i in range(100)]) is None


def test_what_is_no_syntax_is_not_told() -> None:
    rng = random.Random(1)
    mails = {f"jo{rng.randrange(99)}@home{rng.randrange(9)}.org" for _ in range(300)}
    assert sum(text.endswith(".org") or "home" in text for text in made(sorted(mails))) < 40  # by chance, of 2,000
    few = [f'{{"{"".join(rng.choices("abcdefgh", k=9))}": {i}}}' for i in range(300)]  # each text has a field of its own
    assert not {re.findall(r'"(\w+)"', text)[0] for text in few} & {re.findall(r'"(\w+)"', text)[0] for text in made(few)}
    streets = {f"Elmwood Street {rng.randrange(99)}" for _ in range(300)}
    assert not any("Elmwood" in text for text in made(sorted(streets)))


def test_codes_of_letters_that_never_repeat_do_not() -> None:
    rng = np.random.default_rng(3)
    letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    codes = pa.array(sorted({"".join(rng.choice(letters, 3)) for _ in range(1500)}))
    found = fit_shapes(codes, np.ones(len(codes), dtype=np.int64), 3, rng, len(codes))
    shapes = code_points(found.shapes)
    total = 2000
    made = []
    for first in (0, 500):  # in two blocks
        rows = Rows(np.arange(first, first + 500), total, 7)
        chosen = rng.integers(len(shapes), size=500)
        made += text_from_shapes(shapes, chosen, rng, rows, Letters(found.upper, found.lower, found.sets)).to_pylist()
    assert len(set(made)) == 1000 and all(len(code) == 3 and code.isupper() for code in made)
    assert len({code[0] for code in made}) > 20
