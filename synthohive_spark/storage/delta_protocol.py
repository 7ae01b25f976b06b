"""What a Delta table asks of its writers, and what a schema asks of the table. Pure: protocol and metadata as JSON in, decisions out."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import count
from typing import Any

from ..spec.form import COMMENT, LENGTH
from ..spec.identifiers import needs_mapping
from .delta_rules import foreign_checks

Json = dict[str, Any]

NTZ, MAPPING = "timestampNtz", "columnMapping"
MAPPING_MODE, MAPPING_LAST = "delta.columnMapping.mode", "delta.columnMapping.maxColumnId"
_MAPPING_ID, _PHYSICAL = "delta.columnMapping.id", "delta.columnMapping.physicalName"
# Features that replacing all rows keeps to: nothing is appended by them, and NOT NULL holds by Spark's own schema.
CARRIED = frozenset({"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns", "vacuumProtocolCheck", NTZ, MAPPING})
APPEND_ONLY = "delta.appendOnly"

_PLAIN_TYPES = frozenset({"byte", "short", "integer", "long", "float", "double", "string", "boolean", "binary", "date", "timestamp"})
_DECIMAL = re.compile(r"decimal\(\d+,\d+\)")
# Field metadata that means something to readers. The rest is the session's (aliases, machine learning attributes).
_KEPT_METADATA = (COMMENT, LENGTH)
_COLLATED = "__COLLATIONS"
# The expressions of generated columns are our own, or a schema of ours takes their place.
_MEANT_FOR_WRITERS = re.compile(r'"delta\.(?!columnMapping\.|generationExpression)')
_WRITERS_ONLY = frozenset({"checkConstraints", "generatedColumns"})
# What a protocol number without a list of features means; a table with a list must name them all.
_IMPLIED = {
    2: ("appendOnly", "invariants"),
    3: ("checkConstraints",),
    4: ("changeDataFeed", "generatedColumns"),
    5: ("columnMapping",),
    6: ("identityColumns",),
}


def needed_features(schema: Json) -> frozenset[str] | None:
    """The table features that a schema (Spark's JSON) needs; None where it holds a type that is not known here.

    Plain types and decimals need none, also within structs, arrays and maps.
    """
    return _type_features(schema)


def _type_features(kind: Any) -> frozenset[str] | None:
    if isinstance(kind, str):
        if kind == "timestamp_ntz":
            return frozenset({NTZ})
        return frozenset() if kind in _PLAIN_TYPES or _DECIMAL.fullmatch(kind) else None
    inner: list[Any] = []
    if kind.get("type") == "struct":
        if any(_COLLATED in f.get("metadata", {}) for f in kind["fields"]):
            return None
        inner = [f["type"] for f in kind["fields"]]
    elif kind.get("type") == "array":
        inner = [kind["elementType"]]
    elif kind.get("type") == "map":
        inner = [kind["keyType"], kind["valueType"]]
    else:
        return None
    names = [f["name"] for f in kind["fields"]] if kind["type"] == "struct" else []
    own: frozenset[str] = frozenset({MAPPING} if any(needs_mapping(name) for name in names) else ())
    found = [own, *(_type_features(t) for t in inner)]
    return None if None in found else frozenset(name for features in found for name in features or ())


def carry_fault(protocol: Json, metadata: Json) -> str | None:
    """Why rows of this table cannot be replaced by a commit of ours; None where they can."""
    if protocol.get("minReaderVersion", 1) > 3 or protocol.get("minWriterVersion", 1) > 7:
        return "a protocol version that is not known here"
    unknown = sorted({*protocol.get("writerFeatures", ()), *protocol.get("readerFeatures", ())} - CARRIED)
    if unknown:
        return f"the table features {', '.join(unknown)}"
    configuration = metadata.get("configuration") or {}
    if configuration.get(MAPPING_MODE, "none") not in ("none", "name"):
        return "column mapping by numbers"
    if foreign_checks(configuration):
        return "check constraints of somebody else"
    if _MEANT_FOR_WRITERS.search(metadata.get("schemaString", "")):
        return "identity columns"
    return None


def protocol_for(features: frozenset[str]) -> Json:
    """The lowest protocol of a new table with these features."""
    if not features:
        return {"minReaderVersion": 1, "minWriterVersion": 2}
    return _with_lists(1, features - _WRITERS_ONLY, {*features, *_IMPLIED[2]})


def raised_protocol(protocol: Json, features: frozenset[str]) -> Json | None:
    """The protocol with further features; None where it has them."""
    if features <= set(protocol.get("writerFeatures", ())):
        return None
    reader, writer = protocol.get("minReaderVersion", 1), protocol.get("minWriterVersion", 1)
    had = protocol.get("writerFeatures") if writer == 7 else [name for version, names in _IMPLIED.items() if version <= writer for name in names]
    read = protocol.get("readerFeatures") if reader == 3 else (["columnMapping"] if reader == 2 else [])
    new = features - _WRITERS_ONLY
    return _with_lists(reader, {*(read or ()), *new} if new or reader == 3 else (), {*(had or ()), *(read or ()), *features})


def _with_lists(reader: int, read: Collection[str], written: Collection[str]) -> Json:
    """A protocol that lists its features; readers keep to their version where they need none of them."""
    lists = {"readerFeatures": sorted(read)} if read or reader == 3 else {}
    return {"minReaderVersion": 3 if lists else reader, "minWriterVersion": 7, **lists, "writerFeatures": sorted(written)}


def clean_schema(schema: Json) -> Json:
    """Spark's JSON of a schema as it goes into a log: without metadata of the session."""
    fields = []
    for f in schema["fields"]:
        kept = {key: f["metadata"][key] for key in _KEPT_METADATA if key in f.get("metadata", {})}
        fields.append({"name": f["name"], "type": _clean_type(f["type"]), "nullable": f["nullable"], "metadata": kept})
    return {"type": "struct", "fields": fields}


def _clean_type(kind: Any) -> Any:
    if isinstance(kind, str):
        return kind
    if kind.get("type") == "struct":
        return clean_schema(kind)
    return {key: _clean_type(value) if key in ("elementType", "keyType", "valueType") else value for key, value in kind.items()}


def mapped_schema(schema: Json) -> tuple[Json, int]:
    """A clean schema as a table with column mapping has it, and its greatest column number. Files have the columns under their own names."""
    numbers = count(1)

    def mapped(kind: Any) -> Any:
        if isinstance(kind, list):
            return [mapped(item) for item in kind]
        if not isinstance(kind, dict):
            return kind
        inner = {key: value if key == "metadata" else mapped(value) for key, value in kind.items()}
        if "name" not in kind:
            return inner
        return {**inner, "metadata": {**kind["metadata"], _MAPPING_ID: next(numbers), _PHYSICAL: kind["name"]}}

    result: Json = mapped(clean_schema(schema))
    return result, next(numbers) - 1


def named_as_in_files(kind: Any) -> bool:
    """Whether the columns of a schema have the names that they have in the files."""
    if isinstance(kind, list):
        return all(named_as_in_files(item) for item in kind)
    if not isinstance(kind, dict):
        return True
    physical = kind.get("metadata", {}).get(_PHYSICAL, kind.get("name"))
    return physical == kind.get("name") and all(named_as_in_files(value) for key, value in kind.items() if key != "metadata")


def same_columns(one: Json, other: Json) -> bool:
    """Whether two schemas have the same names, types and nullability in the same order; comments aside."""
    return _bare(one) == _bare(other)


def keeps_form(now: Json, columns: Json) -> bool:
    """Whether a table with the schema `now` says all that `columns` say: the same names, types and lengths of text, and their comments."""
    if not same_columns(now, columns):
        return False
    pairs = zip(_metadata(now), _metadata(columns), strict=True)
    return all(had.get(LENGTH) == has.get(LENGTH) and has.get(COMMENT, had.get(COMMENT)) == had.get(COMMENT) for had, has in pairs)


def _metadata(kind: Any) -> Iterator[Json]:
    """The metadata of all columns and fields, in their order."""
    if isinstance(kind, list):
        for item in kind:
            yield from _metadata(item)
    elif isinstance(kind, dict):
        if "name" in kind:
            yield kind.get("metadata", {})
        for key, value in kind.items():
            if key != "metadata":
                yield from _metadata(value)


def _bare(kind: Any) -> Any:
    if isinstance(kind, dict):
        return {key: _bare(value) for key, value in kind.items() if key != "metadata"}
    return [_bare(item) for item in kind] if isinstance(kind, list) else kind


def schema_of(metadata: Json) -> Json:
    """The schema of a table's metadata."""
    schema: Json = json.loads(metadata["schemaString"])
    return schema
