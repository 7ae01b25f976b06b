"""Which columns are personal: by their names and by the forms of their texts."""

from __future__ import annotations

from collections.abc import Collection

from ..column_names import is_person, is_personal, is_personal_kind, is_secret, kind_of, words
from ..types import base_type
from .facts import ColumnSeen, TableSeen
from .findings import Finding
from .primary import LEAST

# Faker provider -> regular expression that both Java and Python read; a text of this form is one whatever the name of its column.
FORMS = {
    "email": r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$",
    "ipv4": r"^(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}$",
    "iban": r"^[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,3})?$",
    "ssn": r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$",
    "credit_card_number": r"^([0-9]{4}[ -]){3}[0-9]{1,7}$|^3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}$",
    "phone_number": r"^[+(][0-9][0-9 ()./+x-]{6,}$",
}
# What texts have where the name of the column tells their kind.
FITTING = {"letters": r"^\p{L}[\p{L}\p{M} .,'’()&-]*$", "numbers": r"^[+(]?[0-9][0-9 ()./+x-]{4,}$"}
_EXPECTED = {"first_name": "letters", "last_name": "letters", "name": "letters", "phone_number": "numbers"}
_MOST, _SOME = 0.8, 0.2  # of the texts
_UNDER_16 = frozenset({"ipv4", "iban", "ssn", "credit_card_number"})


def personal_columns(table: TableSeen, keys: Collection[str]) -> list[Finding]:
    """Proposals for `pii_cols`.

    Args:
        keys: columns of keys, which are generated anyway.
    """
    contacts = is_personal(table.names, table.name)
    texts = [c for c in table.columns if c.name not in keys and base_type(c.spark_type) in ("string", "varchar", "char")]
    found = [one for c in texts if (one := _personal(table, c, contacts)) is not None]
    return [one.model_copy(update={"taken": one.confidence >= LEAST}) for one in found]


def _personal(table: TableSeen, column: ColumnSeen, contacts: bool) -> Finding | None:
    kind = kind_of(column.name, table.name)
    form = max(FORMS, key=lambda name: column.forms.get(name, 0.0))
    share = column.forms.get(form, 0.0)
    if share >= _MOST:
        named = kind == form
        reason = f"{share:.0%} of its texts have the form of one ({form})" + (", and its name says so" if named else "")
        return _finding(table, column, form, 0.98 if named or form == "email" else 0.9, reason)
    if is_personal_kind(kind, contacts=contacts):
        wanted = _EXPECTED.get(str(kind))
        fits = column.forms.get(wanted, 0.0) if wanted is not None and column.sampled else 1.0
        if kind in FORMS and kind != "phone_number" and column.sampled and share < _SOME:
            fits = 0.5 if kind in _UNDER_16 else fits
        sure = (0.7 if kind == "name" and not _of_persons(table, column) else 0.9) * (1.0 if fits >= _MOST else 0.6)
        return _finding(table, column, kind, sure, f"its name says {kind}" + ("" if fits >= _MOST else ", though its texts do not look like it"))
    if is_secret(column.name) and column.distinct > 2:
        return _finding(table, column, None, 0.7, "its name tells of what stands for one person or opens a door")
    return None


def _of_persons(table: TableSeen, column: ColumnSeen) -> bool:
    return is_person(table.name) or len(words(column.name)) > 1


def _finding(table: TableSeen, column: ColumnSeen, provider: str | None, confidence: float, reason: str) -> Finding:
    return Finding(table=table.name, what="personal", columns=(column.name,), provider=provider, confidence=round(confidence, 3), reason=reason)
