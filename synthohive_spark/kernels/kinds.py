"""Whether the texts of a column have the form of the kind that its name tells, and how many different ones to make."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .recipes import room_of_recipe
from .text import share_of_outlines

ALIKE = 0.8  # of the texts must have the form: notes in between are usual
OFTEN = 0.5  # of the rows: where so many share an outline, it says more than a number of another country's form
UNLIMITED = 1e12  # different values; so many are never drawn


def recipe_for(kind: str | None, texts: pa.Array, counts: np.ndarray, distinct: int, min_rows: int) -> str | None:
    """The kind of recipe that makes such texts; None where their own shapes make better ones.

    Args:
        kind: what the column's name tells, a Faker provider.
        texts: different ones, without null (V,), at least one.
        counts: rows of each, int64 (V,).
        distinct: different values that the column must be able to have.
        min_rows: outlines of fewer rows are not told.
    """
    if kind is None or kind not in _FORMS or not _share(_FORMS[kind](texts)) >= ALIKE or _share(_matches(texts, r"^\P{L}+$|\p{Latin}")) < ALIKE:
        return None
    if kind in _NUMBERED and share_of_outlines(texts, counts, min_rows) >= OFTEN:
        return None
    kind = "first_name" if kind == "name" and _share(_matches(texts, r"\s")) < 1 - ALIKE else kind
    return kind if room_of_recipe(kind, longest_of(texts)) >= distinct else None


def longest_of(texts: pa.Array) -> int:
    """Characters of the longest text."""
    return int(pc.max(pc.utf8_length(texts)).as_py())


def letters_of(texts: pa.Array) -> str:
    """`upper` or `lower` where all letters of nearly all texts are; else nothing."""
    for letters, others in (("upper", r"\p{Ll}"), ("lower", r"\p{Lu}")):
        if _share(pc.invert(_matches(texts, others))) >= ALIKE and _share(_matches(texts, r"\p{Lu}|\p{Ll}")) >= ALIKE:
            return letters
    return ""


def even_pool(rows: int, distinct: int) -> int:
    """How many values there are to draw from evenly, so that `rows` draws have about `distinct` different ones; 0 for no limit."""
    if distinct >= rows:
        return 0
    low, high = 1.0, UNLIMITED
    for _ in range(100):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if -middle * np.expm1(-rows / middle) < distinct else (low, middle)
    return round(high)


def _share(which: pa.Array) -> float:
    return pc.sum(which).as_py() / len(which)


def _matches(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(texts, pattern)


def _like(pattern: str) -> Callable[[pa.Array], pa.Array]:
    return lambda texts: _matches(texts, pattern)


_NAME = r"^\p{L}[\p{L}\p{M} .,'’()&-]*$"
_FORMS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "first_name": _like(_NAME),
    "last_name": _like(_NAME),
    "name": _like(_NAME),
    "user_name": _like(r"^\S*\p{L}\S*$"),
    "email": _like(r"^[^@\s]+@[^@\s]+$"),
    "company": _like(r"\p{L}{2}"),
    "city": _like(_NAME),
    "country": _like(r"^\p{L}[\p{L} .,'’()&-]{3,}$"),  # shorter ones are codes
    "state": _like(r"^\p{L}[\p{L} .,'’()&-]{3,}$"),
    "language_name": _like(r"^\p{L}[\p{L} .,'’()&-]{3,}$"),
    "job": _like(r"^\p{L}[\p{L} .,'’/()&-]{3,}$"),
    "street_address": _like(r"(?s)\p{L}{2}.*[0-9]|[0-9].*\p{L}{2}"),
    "url": _like(r"^(https?://|www\.)\S+$"),
    "phone_number": _like(r"^[+(]?[0-9][0-9 ()./+x-]{4,}$"),
    "postcode": _like(r"^[0-9]{4,6}$"),  # others have letters where they belong
}
_NUMBERED = ("phone_number", "postcode")
