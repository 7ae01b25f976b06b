"""How numbers are written in text, as spreadsheets tell it.

"$#,##0.00", "#.##0,00 €", "0.#%" (as many decimals as the number needs), "0.0#" (one at least), "0.00;(0.00)" and "0.00;0.00-" (negative ones in brackets,
or with the sign at their end).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .decimal_forms import is_decimal_form

MOST = 10**15  # numbers below it keep all digits in a double
_FORM = re.compile(r"([^#0;]*)(?:#(.)##0|0)(?:([.,])(0#|0+|#))?([^#0;]*)(?:;(\(|).*)?")


class NumberForm(NamedTuple):
    """The parts of a form.

    Attributes:
        prefix, suffix: what stands around the digits.
        between: what parts thousands; "" for nothing.
        point: the decimal point.
        decimals: how many there always are; None for as many as the number needs.
        least: how many there are at least, where that depends on the number: 0 or 1.
        minus: how negative numbers are told: "-" before all, "()" around all, or "+-" for a minus after all.
    """

    prefix: str
    between: str
    point: str
    decimals: int | None
    suffix: str
    least: int = 0
    minus: str = "-"

    def __str__(self) -> str:
        whole = f"#{self.between}##0" if self.between else "0"
        after = "" if self.decimals == 0 else self.point + ("0" * self.least + "#" if self.decimals is None else "0" * self.decimals)
        plain = f"{self.prefix}{whole}{after}{self.suffix}"
        return plain + {"-": "", "()": f";({plain})", "+-": f";{plain}-"}[self.minus]


def is_number_form(form: str) -> bool:
    """Whether a form is that of numbers, and not of dates or times, which all have a day or an hour; "" is none."""
    return form != "" and "%d" not in form and "%H" not in form and not is_decimal_form(form)


def parsed_form(form: str) -> NumberForm:
    """The parts of a form.

    Raises:
        ValueError: it is no form of numbers.
    """
    found = _FORM.fullmatch(form)
    if found is None:
        raise ValueError(f"{form!r} is no form of numbers")
    prefix, between, point, digits, suffix, bracket = found.groups()
    decimals = 0 if digits is None else None if "#" in digits else len(digits)
    return NumberForm(prefix, between or "", point or ".", decimals, suffix, int(digits == "0#"), {None: "-", "(": "()", "": "+-"}[bracket])
