"""Reading the log of a Delta table without Spark: its protocol, its metadata, its files. The format is public (PROTOCOL.md of Delta Lake)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pyarrow.parquet as pq

from ..errors import GenerationError
from .folders import Folder

LOG = "_delta_log"
Action = dict[str, Any]

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet")
_OTHER_CHECKPOINT = re.compile(r"\d{20}\.checkpoint\..+")
# Without the parsed statistics, which grow with the columns.
_ADD_FIELDS = ("path", "partitionValues", "size", "modificationTime", "dataChange", "stats")


class UnknownLog(GenerationError):
    """The log has a form that this reader does not know, or has gaps: Delta itself must read it."""


@dataclass(frozen=True)
class TableState:
    """A table at one version.

    Attributes:
        version: of the last commit.
        protocol: the action, as in the log.
        metadata: the action, as in the log.
        files: `add` actions by decoded path; empty where they were not asked for.
    """

    version: int
    protocol: Action
    metadata: Action
    files: dict[str, Action] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.metadata.get("id"))

    @property
    def configuration(self) -> dict[str, str]:
        """The table properties."""
        return dict(self.metadata.get("configuration") or {})


def commit_name(version: int) -> str:
    """The file of a commit, relative to the table's folder."""
    return f"{LOG}/{version:020d}.json"


def is_delta(folder: Folder) -> bool:
    """Whether the folder is a Delta table."""
    return any(_COMMIT.fullmatch(name) or _CHECKPOINT.fullmatch(name) for name in folder.below(LOG).names())


def read_commit(folder: Folder, version: int) -> list[Action]:
    """The actions of one commit.

    Raises:
        FileNotFoundError: there is no such commit.
    """
    return [json.loads(line) for line in folder.read(commit_name(version)).splitlines() if line.strip()]


def read_state(folder: Folder, version: int | None = None, *, files: bool = True) -> TableState | None:
    """The table at a version, the latest by default; None where there is no Delta table.

    Args:
        files: gather the active files too; without, most of the log is not parsed.

    Raises:
        UnknownLog: the log cannot be read here.
        OSError: the storage failed.
    """
    names = folder.below(LOG).names()
    commits = {int(m[1]) for name in names if (m := _COMMIT.fullmatch(name))}
    checkpoints = _checkpoints(names)
    last = max([*commits, *checkpoints], default=None)
    if last is None:
        return None
    target = last if version is None else version
    start = max((v for v in checkpoints if v <= target), default=-1)
    missing = sorted(set(range(start + 1, target + 1)) - commits)
    if missing or any(_OTHER_CHECKPOINT.fullmatch(n) and not _CHECKPOINT.fullmatch(n) for n in names):
        raise UnknownLog(f"{folder.url}: the log has {'gaps' if missing else 'checkpoints of another form'}; only Delta itself can read it")
    actions = _checkpoint_actions(folder, checkpoints[start], files) if start >= 0 else iter(())
    state = _Replay(files)
    for action in actions:
        state.take(action)
    for number in range(start + 1, target + 1):
        for action in _commit_actions(folder, number, files):
            state.take(action)
    return state.result(target, folder.url)


def _checkpoints(names: list[str]) -> dict[int, list[str]]:
    """The complete checkpoints by version, each with its parts."""
    found: dict[int, dict[str, list[str]]] = {}
    for name in names:
        if match := _CHECKPOINT.fullmatch(name):
            found.setdefault(int(match[1]), {}).setdefault(match[3] or "0000000001", []).append(name)
    return {v: parts for v, sets in found.items() for count, parts in sets.items() if len(parts) == int(count)}


def _commit_actions(folder: Folder, version: int, files: bool) -> Iterator[Action]:
    for line in folder.read(commit_name(version)).splitlines():
        if line.strip() and (files or not line.lstrip().startswith((b'{"add"', b'{"remove"'))):
            yield json.loads(line)


def _checkpoint_actions(folder: Folder, parts: list[str], files: bool) -> Iterator[Action]:
    columns = ["protocol", "metaData", *([f"add.{name}" for name in _ADD_FIELDS] + ["add.deletionVector"] if files else [])]
    for part in parts:
        with folder.files.open(folder.at(f"{LOG}/{part}"), "rb") as stream:
            table = pq.ParquetFile(stream).read(columns=columns)
        for kind in table.column_names:
            column = table.column(kind)
            for value in column.filter(column.is_valid()).to_pylist():
                yield {kind: _plain(value)}


def _plain(value: Action) -> Action:
    """A row of a checkpoint as the JSON of a commit would have it: maps are lists of pairs in Parquet, and what is not set is null."""
    result = {}
    for key, item in value.items():
        if isinstance(item, list) and all(isinstance(pair, tuple) for pair in item) and key in ("partitionValues", "configuration", "options"):
            item = dict(item)
        elif isinstance(item, dict):
            item = _plain(item)
        if item is not None:
            result[key] = item
    return result


class _Replay:
    """The later action wins."""

    def __init__(self, files: bool) -> None:
        self._keep_files = files
        self._last: dict[str, Action] = {}
        self._files: dict[str, Action] = {}

    def take(self, action: Action) -> None:
        for kind in ("protocol", "metaData"):
            if kind in action:
                self._last[kind] = action[kind]
        if self._keep_files and "add" in action:
            self._files[unquote(action["add"]["path"])] = action["add"]
        elif self._keep_files and "remove" in action:
            self._files.pop(unquote(action["remove"]["path"]), None)

    def result(self, version: int, where: str) -> TableState:
        if set(self._last) != {"protocol", "metaData"}:
            raise UnknownLog(f"{where}: the log holds no protocol or no metadata; it is damaged")
        return TableState(version, self._last["protocol"], self._last["metaData"], self._files)
