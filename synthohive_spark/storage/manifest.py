"""The manifest of an artifact: what it holds, with sizes and checksums, and a checksum of itself."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from pydantic import Field, ValidationError

from ..errors import SchemaError, SerializationError
from ..spec.base import Spec
from ..spec.form import TableForm
from ..spec.graph import SchemaGraph
from ..spec.identifiers import safe_name
from ..spec.joint import JointKey
from ..spec.layout import Layout
from ..spec.metadata import Metadata
from ..spec.sources import Sources

MANIFEST = "manifest.json"
FORMAT = "synthohive_spark.artifact"
FORMAT_VERSION = 6
UNKNOWN_VERSION = "unknown"
TABLE_FILES = ("program.json", "encoding.json", "context_encoding.json", "model.json", "weights.safetensors")
_TABLE_FILE = re.compile(r"tables/([^/]+)/(" + "|".join(re.escape(name) for name in TABLE_FILES) + ")")
_REFERENCE_FILE = re.compile(r"reference/([^/]+)/part-[0-9]{5}\.parquet")


class FileEntry(Spec):
    """One file of the artifact: its path relative to the folder, its size in bytes, its checksum."""

    path: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(Spec):
    """What `manifest.json` holds beside its own checksum."""

    format: Literal["synthohive_spark.artifact"] = "synthohive_spark.artifact"
    format_version: int = FORMAT_VERSION
    version: str
    seed: int
    metadata: Metadata
    graph: SchemaGraph
    files: tuple[FileEntry, ...]
    reference_required: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    reference_rows: dict[str, int] = Field(default_factory=dict)
    layouts: dict[str, Layout] = Field(default_factory=dict)
    forms: dict[str, TableForm] = Field(default_factory=dict)
    sources: Sources = Field(default_factory=Sources)
    joint: tuple[JointKey, ...] = ()

    def render(self) -> bytes:
        """The bytes of the file."""
        return _render(self.model_dump(mode="json"))

    def tables(self) -> list[str]:
        """Names of the learnt tables, in the order of the metadata."""
        return self._with_folder(_TABLE_FILE)

    def references(self) -> list[str]:
        """Names of the reference tables, in the order of the metadata."""
        return self._with_folder(_REFERENCE_FILE)

    def _with_folder(self, form: re.Pattern[str]) -> list[str]:
        folders = self._folders(form)
        return [name for name in self.metadata.tables if safe_name(name) in folders]

    def _folders(self, form: re.Pattern[str]) -> set[str]:
        return {m[1] for e in self.files if (m := form.fullmatch(e.path))}

    def check_names(self) -> None:
        """Every name must be one that we could have written: none may lead out of the folder, or into SQL.

        Raises:
            SchemaError: one is not.
        """
        for name in self.metadata.tables:
            safe_name(name)
        paths = [entry.path for entry in self.files]
        for path in paths:
            if not (_TABLE_FILE.fullmatch(path) or _REFERENCE_FILE.fullmatch(path)):
                raise SchemaError(f"the file {path[:80]!r} has no place in an artifact")
        if len(set(paths)) < len(paths):
            raise SchemaError("a file is listed twice")
        strangers = sorted((self._folders(_TABLE_FILE) | self._folders(_REFERENCE_FILE)) - {safe_name(name) for name in self.metadata.tables})
        strangers += sorted(set(self.graph.order) - set(self.metadata.tables))
        if strangers:
            raise SchemaError(f"the tables {strangers} are not in its metadata")


def package_version() -> str:
    """Version of the installed package; `unknown` where it travels as plain files."""
    try:
        return version("synthohive_spark")
    except PackageNotFoundError:
        return UNKNOWN_VERSION


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """Read the bytes of a manifest.

    Args:
        raw: the file.
        where: its path, for messages.

    Raises:
        SerializationError: it is damaged, foreign, of a newer format, or names something outside of its folder.
    """
    body = _body(raw, where)
    if body["format_version"] < FORMAT_VERSION:
        raise SerializationError(f"{where} was saved by an earlier synthohive_spark, whose row programs this one cannot carry out; fit and save again")
    _check_whole(body, raw, where)
    try:
        manifest = Manifest.model_validate_json(json.dumps({name: value for name, value in body.items() if name != "checksum"}))
        manifest.check_names()
    except ValidationError as error:
        raise SerializationError(f"{where}: {explain(error)}") from error
    except SchemaError as error:
        raise SerializationError(f"{where}: {error}") from error
    return manifest


def listed_files(raw: bytes, where: str) -> tuple[str, ...]:
    """The files that a manifest of this format or an earlier one lists: what is too old to be read can still be replaced.

    Raises:
        SerializationError: it is damaged, foreign, or of a newer format.
    """
    body = _body(raw, where)
    _check_whole(body, raw, where)
    files = body.get("files")
    paths = [entry.get("path") if isinstance(entry, dict) else None for entry in files] if isinstance(files, list) else [None]
    if not all(isinstance(path, str) for path in paths):
        raise SerializationError(f"{where} is damaged: it does not list its files; restore it from a copy, or fit and save again")
    return tuple(str(path) for path in paths)


def _body(raw: bytes, where: str) -> dict[str, Any]:
    """What a manifest says, of this format or an earlier one."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise SerializationError(f"{where} is damaged: it is no JSON; restore it from a copy, or fit and save again") from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise SerializationError(f"{where} does not belong to a saved synthesizer; expected the format {FORMAT}")
    number = body.get("format_version")
    if not isinstance(number, int) or isinstance(number, bool) or number > FORMAT_VERSION:
        raise SerializationError(f"{where} has format version {number!r:.40}, and this package reads up to {FORMAT_VERSION}; install a newer synthohive_spark")
    return body


def _check_whole(body: dict[str, Any], raw: bytes, where: str) -> None:
    """The bytes must be those that we would write, so that a change of any single one shows."""
    if _render({name: value for name, value in body.items() if name != "checksum"}) != raw:
        raise SerializationError(f"{where} is damaged: its checksum does not fit; restore it from a copy, or fit and save again")


def explain(error: ValidationError) -> str:
    """The faults that pydantic found, without the values that it found them in."""
    faults = [f"{'.'.join(str(p) for p in e['loc'])[:80]}: {e['msg']}" for e in error.errors(include_url=False, include_input=False, include_context=False)]
    return "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")


def _render(body: dict[str, Any]) -> bytes:
    # Keys keep their order: the order of the tables is part of the metadata.
    text = json.dumps(body, indent=1, ensure_ascii=True)
    checksum = hashlib.sha256(text.encode()).hexdigest()
    return (json.dumps({**body, "checksum": checksum}, indent=1, ensure_ascii=True) + "\n").encode()
