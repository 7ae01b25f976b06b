"""What a run notes down while it works, so that the next one can clear up after it or finish it, and what the last whole run left."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator

from ..errors import GenerationError, SchemaError
from ..spec.base import Spec
from ..spec.form import TableRules
from .folders import Folder
from .footers import StagedFile

BOOKS = "_synthohive"  # Spark skips folders with an underscore
WHOLE = "manifest.json"
PROBE = "probe-"
SYNTHETIC, FINGERPRINT, SEED = "synthohive.synthetic", "synthohive.model", "synthohive.seed"  # properties of published tables
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_JOURNAL = re.compile(r"run-([A-Za-z0-9][A-Za-z0-9_-]{0,63})\.json", re.ASCII)
_active: set[str] = set()  # runs of this process: a journal of it that is not among them is left over

S = TypeVar("S", bound=Spec)


@dataclass(frozen=True)
class RunInfo:
    """Which run writes.

    Attributes:
        run: an id that no other run has, of letters, digits, - and _.
        model: what made the rows.
        seed: of the rows; None where nobody knows.
        fingerprint: of what made the rows; empty where nobody knows.
        real: tables whose rows are real ones, copied as they are.

    Raises:
        SchemaError: the id cannot be part of a folder's name.
    """

    run: str
    model: str = ""
    seed: int | None = None
    fingerprint: str = ""
    real: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not _RUN.fullmatch(self.run):
            raise SchemaError(f"the run id {self.run!r:.80} must be 1 to 64 ASCII letters, digits, - and _, with a letter or digit first")

    @classmethod
    def fresh(cls, model: str = "", seed: int | None = None) -> RunInfo:
        """With an id of its own, which begins with the time so that folders sort."""
        return cls(f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}", model, seed)

    def anew(self) -> RunInfo:
        """The same with another id."""
        return replace(self, run=self.fresh().run)

    def marks(self, table: str) -> dict[str, str]:
        """The properties that tell readers of a table what its rows are: always the same ones, so that none of an earlier run stays."""
        seed = "unknown" if self.seed is None else str(self.seed)
        return {SYNTHETIC: "false" if table in self.real else "true", FINGERPRINT: self.fingerprint or "unknown", SEED: seed}


class KeptRun(Spec):
    """Which run a call that can be resumed is."""

    run: str


class Entry(Spec):
    """One table of a run.

    Attributes:
        table: its name.
        location: the folder of its Delta table; None where the catalog has not placed it yet.
        staged: the folder of the new rows.
        in_place: whether `staged` lies where the driver reaches it after the process is gone.
        new: whether there was no table before.
        before: version of the table when publishing began; None for a new one.
        columns: Spark's JSON of the schema; empty until the rows are staged.
        partitions: columns by whose values the files lie in folders.
        comment: on the table; None leaves what it has.
        rules: that its rows keep.
        marks: properties that tell what the rows are.
        files: the staged files, empty where the driver does not reach them.
        rows: staged.
    """

    table: str
    location: str | None = None
    staged: str
    in_place: bool = True
    new: bool
    before: int | None = None
    columns: dict[str, Any] = Field(default_factory=dict)
    partitions: tuple[str, ...] = ()
    comment: str | None = None
    rules: TableRules = Field(default_factory=TableRules)
    marks: dict[str, str] = Field(default_factory=dict)
    files: tuple[StagedFile, ...] = ()
    rows: int = 0


class Journal(Spec):
    """What one run is doing.

    Attributes:
        phase: `staging`: nothing is published; `publishing`: all rows are staged and the tables are on their way; `undoing`: they are on their way back.
        host, pid, started: the process, and when it started as its system counts.
    """

    run: str
    model: str = ""
    seed: int | None = None
    created: str
    host: str
    pid: int
    started: str
    phase: Literal["staging", "publishing", "undoing"] = "staging"
    warnings: tuple[str, ...] = ()
    tables: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, info: RunInfo, tables: tuple[Entry, ...]) -> Journal:
        """A journal of this process."""
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        pid = os.getpid()
        return cls(run=info.run, model=info.model, seed=info.seed, created=now, host=socket.gethostname(), pid=pid, started=_start_of(pid) or "", tables=tables)

    @field_validator("run")
    @classmethod
    def _safe(cls, run: str) -> str:
        if not _RUN.fullmatch(run):
            raise ValueError("no run id")
        return run

    @model_validator(mode="after")
    def _own_folders(self) -> Journal:
        # What the journal names is removed: only folders of its own run may be.
        places = [entry.staged.split("/") for entry in self.tables]
        if any(f"run-{self.run}" not in parts or {".", ".."} & set(parts) for parts in places):
            raise ValueError("a staged folder is not of this run")
        return self

    @property
    def recoverable(self) -> bool:
        """Whether all staged rows outlive the process, so that a dead run can be finished."""
        return all(entry.in_place for entry in self.tables)

    def notes(self, rows: int) -> dict[str, object]:
        """What the commits carry as `userMetadata`."""
        return {"run": self.run, "model": self.model, "seed": self.seed, "rows": rows, "warnings": list(self.warnings)}


class Published(Spec):
    """One table of a whole run: its path or name, the version that the run made, its rows."""

    address: str
    version: int
    rows: int


class WholeRun(Spec):
    """The last run that was published whole."""

    run: str
    model: str = ""
    seed: int | None = None
    created: str
    warnings: tuple[str, ...] = ()
    tables: dict[str, Published]


class Books(Protocol):
    """Where journals and the manifest of the last whole run are kept."""

    def journals(self) -> list[Journal]:
        """Of all runs that are not done."""

    def put(self, journal: Journal) -> None:
        """Write or replace one."""

    def drop(self, run: str) -> None:
        """Remove one, if it is there."""

    def whole(self) -> WholeRun | None:
        """The last whole run."""

    def put_whole(self, whole: WholeRun) -> None:
        """Replace it."""

    def sweep(self) -> None:
        """Remove what dead runs have left beside their journals."""


class FileBooks:
    """Books as files in `_synthohive` below the output, each replaced at once.

    Args:
        base: the output folder.
    """

    def __init__(self, base: Folder) -> None:
        self._folder = base.below(BOOKS)

    def journals(self) -> list[Journal]:
        found = []
        for name in self._folder.names():
            if _JOURNAL.fullmatch(name):
                with suppress(FileNotFoundError):  # its run ended meanwhile
                    found.append(parse(Journal, self._folder.read(name), f"{self._folder.url}/{name}"))
        return found

    def put(self, journal: Journal) -> None:
        self._folder.put(f"run-{journal.run}.json", journal.model_dump_json().encode())

    def drop(self, run: str) -> None:
        self._folder.remove_file(f"run-{run}.json")
        self._folder.remove_if_empty()

    def whole(self) -> WholeRun | None:
        try:
            return parse(WholeRun, self._folder.read(WHOLE), f"{self._folder.url}/{WHOLE}")
        except FileNotFoundError:
            return None

    def sweep(self) -> None:
        self._folder.sweep(PROBE)
        self._folder.remove_if_empty()

    def put_whole(self, whole: WholeRun) -> None:
        self._folder.put(WHOLE, json.dumps(whole.model_dump(mode="json"), indent=1).encode())


def parse(kind: type[S], raw: bytes | str, where: str) -> S:
    """Read a journal or manifest.

    Raises:
        GenerationError: it is none.
    """
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        raise GenerationError(f"{where} is not what a run of synthohive_spark writes; move it away") from error


def begin(run: str) -> None:
    """Tell this process that the run is its own."""
    _active.add(run)


def end(run: str) -> None:
    """Tell this process that the run is over."""
    _active.discard(run)


def alive(journal: Journal) -> bool:
    """Whether the run goes on.

    One of another machine counts as dead, since nothing tells whether it is: if it is not, it finds its staged rows gone, and fails.
    """
    if journal.host != socket.gethostname():
        return False
    if journal.pid == os.getpid() and journal.started == (_start_of(journal.pid) or ""):
        return journal.run in _active
    return _start_of(journal.pid) == journal.started


def _start_of(pid: int) -> str | None:
    """When a process of this machine started, empty where the system does not tell; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return None if fields[0] in "ZX" else fields[19]
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists() or os.name != "posix":
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        return ""
    return ""
