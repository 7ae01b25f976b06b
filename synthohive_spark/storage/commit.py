"""Putting the staged rows of one table into its Delta log, and taking them out again. Pure Python; both can be repeated after a crash."""

from __future__ import annotations

from ..errors import GenerationError
from .delta_actions import MARK, render, replace_rows, restore, run_of
from .delta_log import LOG, TableState, UnknownLog, commit_name, read_commit, read_state
from .delta_protocol import carry_fault, needed_features
from .folders import Folder
from .journal import Entry, Journal

TRIES = 100  # commits of others that may come between; beyond, somebody writes without end


def can_commit(folder: Folder, entry: Entry) -> bool:
    """Whether our own commit can carry what this table and these rows need; else Delta has to write them."""
    if not entry.in_place or needed_features(entry.columns) is None:
        return False
    try:
        state = read_state(folder, files=False)
    except UnknownLog:
        return False
    return state is None or carry_fault(state.protocol, state.metadata) is None


def commit(folder: Folder, entry: Entry, journal: Journal) -> int:
    """Publish the staged rows of a table as one new version; nothing where that is done already.

    Returns:
        The version.

    Raises:
        GenerationError: the table has become somebody else's, or staged files are gone.
        OSError: the storage failed.
    """
    done = committed(folder, entry, journal.run)
    if done is not None:
        return done
    _check_staged(folder, entry, journal.run)
    for _ in range(TRIES):
        state = read_state(folder)
        _check_ours(state, folder)
        notes = journal.notes(entry.rows)
        actions = replace_rows(
            state,
            columns=entry.columns,
            partitions=entry.partitions,
            comment=entry.comment,
            rules=entry.rules,
            marks=entry.marks,
            files=entry.files,
            folder=f"run-{journal.run}",
            run=journal.run,
            notes=notes,
        )
        version = 0 if state is None else state.version + 1
        if _put(folder, version, render(actions), journal.run):
            return version
    raise GenerationError(f"{folder.url}: {TRIES} commits of others came between; try again when nobody else writes there")


def take_back(folder: Folder, entry: Entry, journal: Journal) -> None:
    """Bring the table back to what it was before the run; nothing where the run has not published it.

    Raises:
        GenerationError: a table that the run made has been written to by others.
        OSError: the storage failed.
    """
    version = committed(folder, entry, journal.run)
    if entry.before is None:
        _remove_new(folder, version)
        return
    if version is None:
        return
    undo = f"{journal.run}-undo"
    if committed(folder, entry, undo) is not None:
        return
    for _ in range(TRIES):
        now, then = read_state(folder), read_state(folder, entry.before)
        if now is None or then is None:
            raise GenerationError(f"{folder.url}: the log of the table is gone")
        if _put(folder, now.version + 1, render(restore(now, then, run=undo)), undo):
            return
    raise GenerationError(f"{folder.url}: {TRIES} commits of others came between; bring the table back to version {entry.before} by hand")


def _remove_new(folder: Folder, version: int | None) -> None:
    """Remove the log that the run has begun; what is left of one after a crash too."""
    now = read_state(folder, files=False)
    if now is None or now.version == version:
        folder.below(LOG).remove()
    elif version is not None:
        raise GenerationError(f"{folder.url} is new and others have written to it since; remove it by hand")


def committed(folder: Folder, entry: Entry, run: str) -> int | None:
    """The version that `run` has made since the journal was written; None where there is none."""
    try:
        state = read_state(folder, files=False)
    except UnknownLog:
        return None
    first = 0 if entry.before is None else entry.before + 1
    for version in range(first, 0 if state is None else state.version + 1):
        if run_of(read_commit(folder, version)) == run:
            return version
    return None


def _put(folder: Folder, version: int, data: bytes, run: str) -> bool:
    """Whether the commit is there: another one may have come first, or a store may have answered too late to a put that it carried out."""
    try:
        folder.put_new(commit_name(version), data)
    except FileExistsError:
        return run_of(read_commit(folder, version)) == run
    return True


def _check_ours(state: TableState | None, folder: Folder) -> None:
    if state is not None and MARK not in state.configuration:
        raise GenerationError(f"{folder.url} has become a table that synthohive_spark did not write; choose another output")
    fault = None if state is None else carry_fault(state.protocol, state.metadata)
    if fault:
        raise GenerationError(f"{folder.url} has got {fault} since the run began; run again")


def _check_staged(folder: Folder, entry: Entry, run: str) -> None:
    staged = folder.below(f"run-{run}")
    names = set(staged.listing() if entry.partitions else staged.names())
    missing = [f.path for f in entry.files if f.path not in names]
    if missing:
        raise GenerationError(f"{folder.url}: {len(missing)} of {len(entry.files)} files that the run has staged are gone; run again")
