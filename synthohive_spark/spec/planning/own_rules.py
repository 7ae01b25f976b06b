"""Which rules of a table its made-up rows can keep. Pure."""

from __future__ import annotations

from collections.abc import Collection

from ..form import TableForm
from ..program import TableProgram
from ..steps import NumberKey

_KEY = "it is part of a key, whose values are made, or come from another table"


def keepable(form: TableForm, program: TableProgram, pointed: Collection[str]) -> TableForm:
    """The form without the generated columns that keys hold fast: a computed value could repeat, or have no parent.

    In a unique key beside a generated number it cannot repeat.

    Args:
        pointed: columns of the table that keys of other tables point at.
    """
    numbered = {c for step in program.of_kind(NumberKey) for c in step.columns}
    fast = {*pointed, *(c for key in program.foreign_keys for c in key.columns)}
    uniques = [program.primary_key, *(unique.columns for unique in program.uniques)]
    fast |= {c for columns in uniques if not set(columns) & numbered for c in columns} | numbered
    return form.without_rules({c: _KEY for c in form.rules.generated if c in fast or c not in program.types}, {})
