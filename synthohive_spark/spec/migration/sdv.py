"""SDV's multi-table metadata (JSON): tables, keys, and what columns hold.

The form is that of its documentation: https://docs.sdv.dev/sdv/concepts/metadata/metadata-json. Types of numbers and forms of dates are not carried over: they
are read from the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import SchemaError
from ..documents import checked_tree, read_json
from .draft import Draft, hint

VERSIONS = ("MULTI_TABLE_V1", "V1")
_FILE = {"METADATA_SPEC_VERSION", "tables", "relationships"}
_TABLE = {"METADATA_SPEC_VERSION", "columns", "primary_key", "alternate_keys", "sequence_key", "sequence_index", "column_relationships"}
_COLUMN = {"sdtype", "pii", "regex_format", "datetime_format", "computer_representation", "order", "order_by"}
_KEY = {"parent_table_name", "child_table_name", "parent_primary_key", "child_foreign_key"}
_SEEN_IN_DATA = {"numerical", "datetime", "boolean"}  # what the data itself tells
# Kinds of personal values that SDV names otherwise than Faker does; the other ones are names of Faker's providers.
_PROVIDERS = {"ipv4_address": "ipv4", "ipv6_address": "ipv6", "user_agent_string": "user_agent"}
_KNOWN_PROVIDERS = """
    address administrative_unit bban city company country country_code credit_card_number email first_name iban job
    last_name latitude license_plate longitude mac_address name phone_number postcode secondary_address ssn state state_abbr
    street_address street_name swift8 swift11 url user_name vin
"""
UNKNOWN_KIND = {"unknown": None}  # personal, in a form that nothing is known of: texts of the real shape


def read_sdv(source: Mapping[str, Any] | str | Path) -> tuple[Draft, str]:
    """A draft of the metadata, and what was read, for messages.

    Args:
        source: the JSON's path, or what it holds.

    Raises:
        SchemaError: the file cannot be read, or is no JSON.
    """
    if isinstance(source, Mapping):
        return draft_of(checked_tree(source, "SDV metadata")), "SDV metadata"
    raw = read_json(source)
    if not isinstance(raw, Mapping):
        raise SchemaError(f"{source}: expected an object with `tables`, found {type(raw).__name__}")
    return draft_of(raw), str(source)


def draft_of(raw: Mapping[str, Any]) -> Draft:
    """What the metadata says, table by table."""
    draft = Draft()
    version = raw.get("METADATA_SPEC_VERSION")
    if version not in VERSIONS:
        single = "; a description of one table has no name for it: put it below `tables` under its name" if version == "SINGLE_TABLE_V1" else ""
        draft.faults.append(f"METADATA_SPEC_VERSION is {version!r}; expected {' or '.join(VERSIONS)}{single}")
    tables = raw.get("tables")
    if not isinstance(tables, Mapping) or not all(isinstance(t, Mapping) and isinstance(t.get("columns", {}), Mapping) for t in tables.values()):
        draft.faults.append("`tables` must map names of tables to objects with `columns`")
        return draft
    draft.left += [f"the field {name!r} is not known" for name in raw if name not in _FILE]
    odd = {name: [field for field, fits in _FORMS.items() if not fits(table.get(field))] for name, table in tables.items()}
    draft.faults += [f"table {name!r}: {', '.join(fields)} must be names of columns, or lists of them" for name, fields in odd.items() if fields]
    if any(odd.values()):
        return draft
    for name, table in tables.items():
        draft.tables[name] = {"pk": _list(table.get("primary_key")), "foreign_keys": []}
    _keys(raw.get("relationships", []), tables, draft)
    for name, table in tables.items():
        _table(name, table, draft)
    return draft


def _keys(relationships: Any, tables: Mapping[str, Any], draft: Draft) -> None:
    if not isinstance(relationships, Sequence) or isinstance(relationships, str):
        draft.faults.append("`relationships` must be a list")
        return
    for number, key in enumerate(relationships, 1):
        where = f"relationship {number}"
        if not isinstance(key, Mapping) or not set(key) >= _KEY:
            draft.faults.append(f"{where}: expected an object with {', '.join(sorted(_KEY))}")
            continue
        odd = sorted(n for n in ("parent_table_name", "child_table_name") if not isinstance(key[n], str))
        odd += sorted(n for n in ("parent_primary_key", "child_foreign_key") if not _is_names(key[n]))
        if odd:
            draft.faults.append(f"{where}: {', '.join(odd)} must be a name, or for keys a list of names")
            continue
        missing = [t for t in (key["parent_table_name"], key["child_table_name"]) if t not in tables]
        draft.faults += [f"{where}: no table {t!r}; {hint(str(t), tables)}" for t in missing]
        draft.left += [f"{where}: the field {name!r} is not known" for name in key if name not in _KEY]
        if not missing:
            _key(where, key, tables, draft)


def _key(where: str, key: Mapping[str, Any], tables: Mapping[str, Any], draft: Draft) -> None:
    child, parent = key["child_table_name"], key["parent_table_name"]
    columns, above = _list(key["child_foreign_key"]), _list(key["parent_primary_key"])
    for table, names in ((child, columns), (parent, above)):
        known = tables[table].get("columns", {})
        draft.faults += [f"{where}: table {table!r} has no column {c!r}; {hint(str(c), known)}" for c in names if c not in known]
    draft.tables[child]["foreign_keys"].append({"columns": columns, "parent_table": parent, "parent_columns": above})


def _table(name: str, table: Mapping[str, Any], draft: Draft) -> None:
    where, fields, columns = f"table {name!r}", draft.tables[name], table.get("columns", {})
    draft.faults += [f"{where}: the primary key has no column {c!r}; {hint(str(c), columns)}" for c in fields["pk"] if c not in columns]
    keys = {*fields["pk"], *(c for key in fields["foreign_keys"] for c in key["columns"])}
    fields["pii_cols"], fields["high_cardinality_cols"] = {}, []
    for column, said in columns.items():
        _column(f"{where}, column {column!r}", column, said if isinstance(said, Mapping) else {}, column in keys, fields, draft)
    if table.get("sequence_index") is not None:
        fields["order_by"] = table["sequence_index"]
    draft.left += [f"{where}: the field {field!r} is not known" for field in table if field not in _TABLE]
    for key in table.get("alternate_keys") or ():
        draft.left.append(
            f"{where}: that {_list(key)} is unique (alternate_keys); texts that never repeat in the data are made so, keys that others point at too"
        )
    if (entity := table.get("sequence_key")) is not None and not set(_list(entity)) <= keys:
        draft.left.append(f"{where}: that {entity!r} names sequences (sequence_key); rows are ordered within the parents of a foreign key")
    kinds = [str(r.get("type")) for r in table.get("column_relationships") or () if isinstance(r, Mapping)]
    if kinds:
        draft.left.append(f"{where}: column_relationships ({', '.join(kinds)}); what columns determine each other is found in the data")


def _column(where: str, column: str, said: Mapping[str, Any], is_key: bool, fields: dict[str, Any], draft: Draft) -> None:
    kind = said.get("sdtype")
    draft.left += [f"{where}: the field {name!r} is not known" for name in said if name not in _COLUMN]
    draft.left += [f"{where}: {name}; the order of values is not learnt" for name in ("order", "order_by") if said.get(name) is not None]
    if said.get("regex_format") is not None:
        draft.left.append(f"{where}: regex_format; texts get the shapes of those in the data")
    if not isinstance(kind, str):
        draft.faults.append(f"{where}: the sdtype is missing")
    elif is_key or kind in _SEEN_IN_DATA:
        return  # keys are made anew, and never real values
    elif kind == "categorical":
        fields["high_cardinality_cols"].append(column)
    elif kind == "id":
        draft.left.append(f"{where}: an id that is no key here; it is learnt like any other column (pii_cols keeps real values of text out)")
    elif said.get("pii", True):
        if kind not in _KNOWN_PROVIDERS.split() and kind not in _PROVIDERS and kind not in UNKNOWN_KIND:
            draft.left.append(f"{where}: the sdtype {kind!r} is not known here, and is taken for the name of a Faker provider")
        fields["pii_cols"][column] = UNKNOWN_KIND.get(kind, _PROVIDERS.get(kind, kind))


def _is_names(value: Any) -> bool:
    return value is None or isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(v, str) for v in value))


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list | tuple)


_FORMS = {"primary_key": _is_names, "sequence_key": _is_names, "sequence_index": _is_names, "alternate_keys": _is_list, "column_relationships": _is_list}


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
