"""Numbers in text ("$1,234.50", "12.5%", "1.234,50 €"): which form a column has, and the way to numbers and back."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...spec.number_forms import MOST, NumberForm, parsed_form

LEAST_DIFFERENT = 20  # values: fewer are labels that look like numbers
TRIED = 2_000  # values that decide which forms are worth a look at all of them
MOST_DECIMALS = 9
# A sign, a currency, digits, and a unit; what is only digits is a code.
_NUMBER = re.compile(r"-?((?:[$€£¥₹]|[A-Z]{3}) ?)?(\d[\d.,' \u00a0]*?)( ?(?:%|[^\W\d_]{1,3}|[$€£¥₹]))?")
_PLAIN = r"^[-+]?[0-9]+(?:[.,' \x{a0}][0-9]+)*$"  # as RE2 writes it
_SIGNS = {"-": ("-", ""), "()": ("(", ")"), "+-": ("", "-")}
_WRITTEN = ((",", "."), (".", ","), ("'", "."), (" ", ","), ("\u00a0", ","), ("", "."), ("", ","))  # thousands and decimals


def is_number_text(texts: pa.Array) -> np.ndarray:
    """Which texts are digits, with signs and points between them and nothing else, bool (N,)."""
    return np.asarray(pc.match_substring_regex(texts, _PLAIN).fill_null(False).to_numpy(zero_copy_only=False))


def find_number_form(texts: pa.Array) -> str | None:
    """The form that all values have; None where there is none, or where they are digits alone.

    Args:
        texts: distinct values (N,); nulls count as no value.
    """
    known = texts.drop_null()
    if len(known) < LEAST_DIFFERENT:
        return None
    minus = _minus_of(known)
    some = _with_sign_first(known[:TRIED], minus).to_pylist()
    parts = [_NUMBER.fullmatch(text or "") for text in some]
    if not all(parts) or len({(found[1], found[3]) for found in parts if found}) > 1:
        return None
    prefix, suffix = (parts[0][1] or "", parts[0][3] or "") if parts[0] else ("", "")
    digits = [found[2] for found in parts if found]
    for between, point in _WRITTEN:
        if (between and not any(between in number for number in digits)) or any(set(number) - set(f"0123456789{between}{point}") for number in digits):
            continue
        after = {number.partition(point)[2] for number in digits}
        decimals = set(map(len, after))
        form = NumberForm(prefix, between, point, decimals.pop() if len(decimals) == 1 else None, suffix, int(0 not in decimals and "0" in after), minus)
        form = form if form.decimals is None else form._replace(least=0)
        # Letters before whole numbers are codes (INV1001); so are digits in groups that are always as many (telephones, tax numbers).
        code = form.decimals == 0 and (prefix.strip().isalpha() or (between and not (prefix or suffix) and len(set(map(len, digits))) == 1))
        told = not code and (prefix or suffix or between or form.decimals != 0)
        if told and (form.decimals or 0) <= MOST_DECIMALS and _all_of(known[:TRIED], form) and _all_of(known, form):
            return str(form)
    return None


def _minus_of(texts: pa.Array) -> str:
    """How negative numbers are told: books put them into brackets, and some systems the minus at their end."""
    for minus, pattern in (("()", r"^\(.*\)$"), ("+-", r"[^-]-$")):
        if pc.any(pc.match_substring_regex(texts, pattern)).as_py():
            return minus
    return "-"


def _with_sign_first(texts: pa.Array, minus: str) -> pa.Array:
    """The texts with the minus of negative numbers before all; those that have it there although they should not are null."""
    if minus == "-":
        return texts
    pattern = r"^\((.*)\)$" if minus == "()" else r"^(.*)-$"
    wrong = pc.match_substring_regex(texts, "^-")
    return pc.if_else(wrong, pa.scalar(None, pa.string()), pc.replace_substring_regex(texts, pattern, r"-\1"))


def numbers_in(texts: pa.Array, form: str) -> np.ndarray:
    """The numbers, float64 (N,); nan for null and for what has another form."""
    return np.asarray(_parsed(texts, parsed_form(form)).to_numpy(zero_copy_only=False), dtype=np.float64)


def written(x: np.ndarray, null: np.ndarray, form: str) -> pa.Array:
    """The inverse of `numbers_in`: float64 (N,) and a mask of nulls (N,)."""
    return pa.array([None if gone else text for text, gone in zip(_texts(np.where(null, 0.0, x), parsed_form(form)), null, strict=True)], type=pa.string())


def _all_of(texts: pa.Array, form: NumberForm) -> bool:
    numbers = _parsed(texts, form)
    if numbers.null_count or pc.max(pc.abs(numbers)).as_py() >= MOST:
        return False
    return _texts(numbers.to_numpy(zero_copy_only=False), form) == texts.to_pylist()


def _parsed(texts: pa.Array, form: NumberForm) -> pa.Array:
    texts, between = _with_sign_first(texts, form.minus), re.escape(form.between)
    decimals = "" if form.decimals == 0 else rf"(?:{re.escape(form.point)}[0-9]+)?"
    fits = pc.match_substring_regex(texts, rf"^-?{re.escape(form.prefix)}[0-9]+(?:{between}[0-9]+)*{decimals}{re.escape(form.suffix)}$")
    plain = pc.if_else(fits, texts, pa.scalar(None, pa.string()))
    for part, stands in ((form.prefix, ""), (form.suffix, ""), (form.between, ""), (form.point, ".")):
        if part:
            plain = pc.replace_substring(plain, part, stands)
    return plain.cast(pa.float64())


def _texts(x: np.ndarray, form: NumberForm) -> list[str]:
    decimals = MOST_DECIMALS if form.decimals is None else form.decimals
    out = []
    for value in x.tolist():
        text = f"{abs(value):{',' if form.between else ''}.{decimals}f}"
        whole, _, after = text.partition(".")
        after = after.rstrip("0").ljust(form.least, "0") if form.decimals is None else after
        plain = f"{form.prefix}{whole.replace(',', form.between)}{form.point + after if after else ''}{form.suffix}"
        before, behind = _SIGNS[form.minus] if value < 0 and text.strip("0.,") else ("", "")
        out.append(f"{before}{plain}{behind}")
    return out
