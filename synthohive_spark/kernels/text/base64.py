"""Bytes in text by base64: of any length, which no shape of letters tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase, ascii_uppercase, digits

from .signs import CHOSEN

SETS = (ascii_uppercase + ascii_lowercase + digits + "+/", "AQgw", "AEIMQUYcgkosw048")  # of any place; before two and before one "=", where bits are left over
LEAST_ALIKE = 3  # texts of one length: rarer lengths are not told
SHORTEST = 8  # shorter ones are words and codes
MIXED = 0.9  # of the texts have capitals, small letters and no word
_TEXT = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{4})")
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[A-Z].*[A-Z])(?=.*[A-Za-z][0-9]|.*[a-z][A-Z])")


def base64_shapes(texts: Sequence[str]) -> list[str] | None:
    """The shapes of texts (V,), whose signs stand for `SETS`; None where they are not base64."""
    if not all(len(text) >= SHORTEST and _TEXT.fullmatch(text) for text in texts) or not any(set("+/=") & set(text) for text in texts):
        return None
    if sum(bool(_MIXED.match(text)) for text in texts) < MIXED * len(texts):
        return None
    forms = [(len(text), text.count("=")) for text in texts]
    usual = [form for form, n in Counter(forms).items() if n >= LEAST_ALIKE] or [sorted(forms)[len(forms) // 2]]
    nearest = {form: min(usual, key=lambda other: (abs(other[0] - form[0]), abs(other[1] - form[1]), other)) for form in set(forms)}
    return [_shape(*nearest[form]) for form in forms]


def _shape(length: int, padding: int) -> str:
    last = {0: "", 1: chr(CHOSEN + 2) + "=", 2: chr(CHOSEN + 1) + "=="}[padding]
    return chr(CHOSEN) * (length - len(last)) + last
