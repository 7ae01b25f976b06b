"""Saving and loading a fitted schema. An artifact is JSON, tensors and Parquet: loading it runs no code."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TypeVar

from pydantic import ValidationError
from safetensors import SafetensorError, deserialize

from ..errors import SchemaError, SerializationError
from ..spec.base import Spec
from ..spec.encoding import TableEncoding
from ..spec.fitted import FittedSchema, FittedTable, ModelSpec
from ..spec.identifiers import safe_name
from ..spec.program import TableProgram
from .folders import Folder, swap_in
from .manifest import MANIFEST, UNKNOWN_VERSION, FileEntry, Manifest, explain, listed_files, package_version, parse_manifest
from .signature import SIGNATURE, check_key, check_signature, signature
from .together import together_fault

__all__ = ["check_free", "fingerprint", "load_artifact", "package_version", "save_artifact"]

S = TypeVar("S", bound=Spec)


def save_artifact(fitted: FittedSchema, path: str | os.PathLike[str], *, overwrite: bool = False, sign: bool = False) -> None:
    """Write a fitted schema to a folder.

    The folder is written under another name beside `path` and then takes its place, so that a failure leaves what was there before.

    Args:
        fitted: what `fit` gave; its reference tables are copied into the folder.
        path: a local path or a URL that fsspec knows; a folder that is not there yet.
        overwrite: replace `path` if it is an artifact or an empty folder; anything else is never removed.
        sign: add a signature (`signature.py`).

    Raises:
        SerializationError: `path` exists, or cannot be written; or something in `fitted` cannot be saved; or there is no key to sign with.
        MissingDependencyError: the protocol of `path` needs a package that is not installed.
    """
    place = Folder.open(path)
    if sign:
        check_key()
    payloads = _payloads(fitted)
    staged = place.beside("part")
    try:
        _check_free(place, overwrite)
        entries = [_entry(name, staged.write(name, [payload])) for name, payload in payloads.items()]
        for table, source in sorted(fitted.references.items()):
            entries += _copy_reference(staged, table, source)
        manifest = Manifest(
            reference_required=fitted.reference_required,
            reference_rows=fitted.reference_rows,
            layouts=fitted.layouts,
            forms=fitted.forms,
            sources=fitted.sources,
            joint=fitted.joint,
            version=fitted.version,
            seed=fitted.seed,
            metadata=fitted.metadata,
            graph=fitted.graph,
            files=tuple(sorted(entries, key=lambda e: e.path)),
        ).render()
        parse_manifest(manifest, f"{place.url}/{MANIFEST}")  # what could not be loaded is not saved
        staged.write(MANIFEST, [manifest])
        if sign:
            staged.write(SIGNATURE, [signature(manifest)])
        swap_in(staged, place)
    except (OSError, UnicodeError) as error:
        raise SerializationError(f"cannot write {place.url}: {type(error).__name__}: {error}; check that the place is writable") from error
    finally:
        _discard(staged, place)


def check_free(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a place that `save_artifact` would refuse, before there is anything to save.

    Raises:
        SerializationError: `path` exists, and is not to be replaced.
    """
    _check_free(Folder.open(path), overwrite)


def fingerprint(fitted: FittedSchema, *, contents: bool = True) -> str:
    """A hash that only the same learnt schema has: of all that the tables of a copy depend on.

    Args:
        contents: of reference tables, too, which are read once; else their numbers of rows stand for them.

    Raises:
        SerializationError: something in `fitted` cannot be saved.
        OSError: a reference table cannot be read.
    """
    parts = {name: hashlib.sha256(payload).hexdigest() for name, payload in _payloads(fitted).items()}
    for table, source in fitted.references.items() if contents else ():
        origin = Folder.open(source)
        names = [name for name in origin.listing() if name.endswith(".parquet")]
        parts[f"reference/{table}"] = " ".join(sorted(_digest(origin, name) for name in names))  # a saved one has other names of files
    said = {
        "metadata": fitted.metadata.model_dump(mode="json"),
        "layouts": {name: [column.model_dump(mode="json") for column in layout] for name, layout in fitted.layouts.items()},
        "forms": {name: form.model_dump(mode="json") for name, form in fitted.forms.items()},
        "joint": [found.model_dump(mode="json") for found in fitted.joint],
        "required": fitted.reference_required,
        "rest": [fitted.version, fitted.seed, fitted.reference_rows],
    }
    return hashlib.sha256(json.dumps([parts, said], sort_keys=True).encode()).hexdigest()


def _digest(folder: Folder, name: str) -> str:
    digest = hashlib.sha256()
    for chunk in folder.chunks(name):
        digest.update(chunk)
    return digest.hexdigest()


def load_artifact(path: str | os.PathLike[str], *, verify: bool = False) -> FittedSchema:
    """Read a fitted schema. Every file is checked against the manifest first; a different version of the package warns.

    Args:
        path: the folder that `save_artifact` wrote.
        verify: refuse what is not signed with our key, before anything else of it is read.

    Returns:
        The fitted schema; its reference tables point into the folder.

    Raises:
        SerializationError: there is no artifact, or it is damaged, or of a newer format; or its signature does not fit.
        MissingDependencyError: the protocol of `path` needs a package that is not installed.
    """
    place = Folder.open(path)
    try:
        raw = _manifest_bytes(place)
        if verify:
            check_signature(raw, place.read(SIGNATURE) if place.has(SIGNATURE) else None, place.url)
        manifest = parse_manifest(raw, f"{place.url}/{MANIFEST}")
        payloads = _verified(place, manifest)
    except OSError as error:
        raise SerializationError(f"cannot read {place.url}: {type(error).__name__}: {error}; check that the place is readable") from error
    running = package_version()
    if manifest.version != running and UNKNOWN_VERSION not in (manifest.version, running):
        warnings.warn(f"{place.url} was fitted with synthohive_spark {manifest.version}, and this is {running}; samples may differ", UserWarning, stacklevel=2)
    return FittedSchema(
        metadata=manifest.metadata,
        graph=manifest.graph,
        tables={table: _table(place, table, payloads) for table in _in_order(manifest, manifest.tables())},
        references={table: f"{place.url}/reference/{safe_name(table)}" for table in _in_order(manifest, manifest.references())},
        seed=manifest.seed,
        version=manifest.version,
        reference_required=manifest.reference_required,
        reference_rows=manifest.reference_rows,
        layouts=manifest.layouts,
        forms=manifest.forms,
        sources=manifest.sources,
        joint=manifest.joint,
    )


def _payloads(fitted: FittedSchema) -> dict[str, bytes]:
    """All files of the learnt tables, by relative path."""
    names = [*fitted.tables, *fitted.references]
    try:
        for name in names:
            safe_name(name)
    except SchemaError as error:
        raise SerializationError(str(error)) from error
    if len({safe_name(name).lower() for name in names}) < len(names):
        raise SerializationError(f"two of the tables {sorted(names)} have the same name but for upper and lower case; rename one")
    payloads: dict[str, bytes] = {}
    for name, table in fitted.tables.items():
        folder = f"tables/{safe_name(name)}"
        payloads[f"{folder}/program.json"] = _json(f"{folder}/program.json", table.program)
        payloads[f"{folder}/encoding.json"] = _json(f"{folder}/encoding.json", table.encoding)
        if table.context_encoding is not None:
            payloads[f"{folder}/context_encoding.json"] = _json(f"{folder}/context_encoding.json", table.context_encoding)
        if table.model is not None:
            payloads[f"{folder}/model.json"] = _json(f"{folder}/model.json", table.model)
        if table.weights:
            _check_tensors(f"{folder}/weights.safetensors", table.weights)
            payloads[f"{folder}/weights.safetensors"] = table.weights
    return payloads


def _json(where: str, spec: Spec) -> bytes:
    """The spec as JSON, if it comes back the same: JSON has no NaN, and a setting may hold anything."""
    try:
        payload = spec.model_dump_json()
        json.dumps(spec.model_dump(), allow_nan=False)  # pydantic would write null for NaN and infinity
        same = type(spec).model_validate_json(payload).model_dump_json() == payload
    except (ValueError, TypeError) as error:  # pydantic's errors are ValueErrors
        raise SerializationError(f"{where} cannot be saved: it holds something that JSON cannot ({type(error).__name__})") from error
    if not same:
        raise SerializationError(f"{where} cannot be saved: it would not come back the same")
    return payload.encode()


def _check_tensors(where: str, weights: bytes) -> None:
    try:
        deserialize(weights)
    except SafetensorError as error:
        raise SerializationError(f"{where} is not in safetensors form: {error}") from error


def _entry(name: str, written: tuple[int, str]) -> FileEntry:
    return FileEntry(path=name, size=written[0], sha256=written[1])


def _copy_reference(staged: Folder, table: str, source: str) -> list[FileEntry]:
    origin = Folder.open(source)
    names = [n for n in origin.listing() if n.endswith(".parquet") and not n.startswith((".", "_"))]
    if not names:
        raise SerializationError(f"the reference table {table!r}: {origin.url} holds no Parquet file; was it moved since the fit?")
    if any("/" in n for n in names):
        raise SerializationError(f"the reference table {table!r}: {origin.url} is partitioned into sub-folders; write it without partitionBy")
    targets = [f"reference/{safe_name(table)}/part-{i:05d}.parquet" for i in range(len(names))]
    return [_entry(target, staged.write(target, origin.chunks(name))) for name, target in zip(names, targets, strict=True)]


def _check_free(place: Folder, overwrite: bool) -> None:
    """Refuse what must not be removed."""
    if not place.exists():
        return
    if not overwrite:
        raise SerializationError(f"{place.url} exists; choose another path, or pass overwrite=True to replace a saved synthesizer")
    refusal = f"{place.url} is not replaced: overwrite=True removes only saved synthesizers and empty folders"
    if not place.is_folder():
        raise SerializationError(f"{refusal}, and this is a file; choose another path, or remove it by hand")
    if place.is_empty():
        return
    try:
        listed = listed_files(_manifest_bytes(place), f"{place.url}/{MANIFEST}")
    except SerializationError as error:
        raise SerializationError(f"{refusal} ({error}); choose another path, or remove it by hand") from error
    strangers = _strangers(place.listing(), listed)
    if strangers:
        raise SerializationError(f"{refusal}, and it holds other files too ({', '.join(strangers[:3])}); choose another path, or move them away")


def _strangers(names: list[str], listed: Iterable[str]) -> list[str]:
    """Files that are not among the listed ones; those with a dot or underscore first are left by tools (.DS_Store, .crc, _SUCCESS), and Spark skips them."""
    known = {MANIFEST, SIGNATURE, *listed}
    return [n for n in names if n not in known and not PurePosixPath(n).name.startswith((".", "_"))]


def _manifest_bytes(place: Folder) -> bytes:
    try:
        return place.read(MANIFEST)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        what = f"holds no {MANIFEST}, so that it is not a saved synthesizer" if place.exists() else "does not exist"
        raise SerializationError(f"{place.url} {what}; expected a folder that `save` wrote") from error


def _verified(place: Folder, manifest: Manifest) -> dict[str, bytes]:
    """Check every file; give the content of those of the learnt tables."""
    strangers = _strangers(place.listing(), (entry.path for entry in manifest.files))
    if strangers:
        raise SerializationError(f"{place.url} holds files that its manifest does not list: {', '.join(strangers[:3])}; remove them")
    payloads = {}
    for entry in manifest.files:
        where = f"{place.url}/{entry.path}"
        keep = entry.path.startswith("tables/")
        digest, size, kept = hashlib.sha256(), 0, []
        try:
            for chunk in place.chunks(entry.path):
                digest.update(chunk)
                size += len(chunk)
                if keep:
                    kept.append(chunk)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise SerializationError(f"{where} is missing; restore it from a copy, or fit and save again") from error
        if size != entry.size or digest.hexdigest() != entry.sha256:
            found = f"{size} bytes instead of {entry.size}" if size != entry.size else "its checksum does not fit"
            raise SerializationError(f"{where} is damaged: {found}; restore it from a copy, or fit and save again")
        if keep:
            payloads[entry.path] = b"".join(kept)
    return payloads


def _table(place: Folder, table: str, payloads: dict[str, bytes]) -> FittedTable:
    folder = f"tables/{safe_name(table)}"

    def spec(kind: type[S], name: str) -> S | None:
        raw = payloads.get(f"{folder}/{name}")
        if raw is None:
            return None
        try:
            return kind.model_validate_json(raw)
        except ValidationError as error:
            raise SerializationError(f"{place.url}/{folder}/{name}: {explain(error)}") from error

    program, encoding = spec(TableProgram, "program.json"), spec(TableEncoding, "encoding.json")
    if program is None or encoding is None:
        raise SerializationError(f"{place.url}/{folder} has no {'program' if program is None else 'encoding'}.json; fit and save again")
    model = spec(ModelSpec, "model.json")
    if fault := together_fault(table, program, encoding, model):
        raise SerializationError(f"{place.url}/{folder} {fault}; restore it from a copy, or fit and save again")
    weights = payloads.get(f"{folder}/weights.safetensors", b"")
    if weights:
        _check_tensors(f"{place.url}/{folder}/weights.safetensors", weights)
    return FittedTable(program, encoding, spec(TableEncoding, "context_encoding.json"), model, weights)


def _in_order(manifest: Manifest, names: list[str]) -> list[str]:
    """In the order of the graph, so that a loaded schema equals the saved one whatever its file names."""
    place = {name: i for i, name in enumerate(manifest.graph.order)}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


def _discard(staged: Folder, place: Folder) -> None:
    """Remove what a failed save left, unless it is the only complete copy."""
    try:
        if staged.exists() and (place.exists() or not staged.files.exists(staged.at(MANIFEST))):
            staged.remove()
    except OSError:
        return  # the error that led here says more
