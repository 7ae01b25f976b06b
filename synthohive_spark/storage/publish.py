"""Publishing what a run has staged, all tables together; finishing or undoing it after a crash; clearing what was never published."""

from __future__ import annotations

from ..errors import GenerationError
from ..events import RUN_LEFT, RUN_RECOVERED, get_logger
from ..spec.identifiers import safe_name
from .commit import can_commit, commit, take_back
from .delta_log import LOG, read_state
from .folders import Folder
from .found import described, find_in_catalog, reach, sql_name
from .ground import Ground
from .journal import BOOKS, Entry, Journal, Published, WholeRun, alive
from .targets import plain_location
from .through_delta import last_version, make_marked, restore_through, write_through

log = get_logger(__name__)


def with_versions(ground: Ground, journal: Journal) -> Journal:
    """The journal with the versions that the tables have now: what to look for after a crash, and what to go back to."""
    entries = []
    for entry in journal.tables:
        before = None
        if not entry.new:
            folder = _log_folder(ground, entry)
            state = read_state(folder, files=False) if folder and can_commit(folder, entry) else None
            before = last_version(ground.spark, ground.target, entry.table) if state is None else state.version
        entries.append(entry.model_copy(update={"before": before}))
    return journal.model_copy(update={"tables": tuple(entries)})


def forward(ground: Ground, journal: Journal) -> WholeRun:
    """Publish every table that is not published yet, then the manifest. Can be repeated after a crash at any point.

    Raises:
        GenerationError: a table has become somebody else's, or staged rows are gone.
        OSError: the storage failed.
    """
    placed = [_placed(ground, journal, entry) for entry in journal.tables]
    versions = {}
    for entry, folder in sorted(placed, key=lambda pair: pair[1] is not None):  # first what takes long, so that the others follow within milliseconds
        if folder is None:
            versions[entry.table] = write_through(ground.spark, ground.target, entry, journal)
        else:
            versions[entry.table] = commit(folder, entry, journal)
    whole = WholeRun(
        run=journal.run,
        model=journal.model,
        seed=journal.seed,
        created=journal.created,
        warnings=journal.warnings,
        tables={e.table: Published(address=ground.target.address(e.table), version=versions[e.table], rows=e.rows) for e in journal.tables},
    )
    ground.books.put_whole(whole)
    try:
        _tidy(ground, journal, [entry for entry, folder in placed if folder is None])
    except Exception as error:  # noqa: BLE001 - the run is whole: what is left over goes with the next one
        log.warning(RUN_LEFT, run=journal.run, why=type(error).__name__)
    return whole


def back(ground: Ground, journal: Journal) -> None:
    """Undo what is published of the run, then clear what is staged. Can be repeated after a crash at any point.

    Raises:
        GenerationError: a new table has been written to by others.
        OSError: the storage failed.
    """
    journal = journal.model_copy(update={"phase": "undoing"})
    ground.books.put(journal)
    for entry in journal.tables:
        folder = _log_folder(ground, entry)
        if ground.target.folder is None and entry.new:
            restore_through(ground.spark, ground.target, entry, journal)
        elif folder is not None and can_commit(folder, entry):
            take_back(folder, entry, journal)
        else:
            restore_through(ground.spark, ground.target, entry, journal)
    clear(ground, journal)


def clear(ground: Ground, journal: Journal) -> None:
    """Remove what a run has staged and not published, then its journal.

    Raises:
        OSError: the storage failed.
    """
    for entry in journal.tables:
        _remove_staged(entry)
        if entry.new and ground.folder is not None and ground.target.folder is not None:
            ground.folder.below(safe_name(entry.table)).remove_if_empty()
    _remove_shell(ground, journal)
    ground.books.drop(journal.run)
    if ground.fresh and ground.folder is not None:
        ground.folder.remove_if_empty()


def settle(ground: Ground, own: str) -> None:
    """Finish, undo or clear what dead runs have left.

    Args:
        own: the run that asks.

    Raises:
        GenerationError: another run is at work here.
    """
    for journal in ground.books.journals():
        if journal.run == own:
            continue
        if alive(journal):
            raise GenerationError(
                f"the run {journal.run} is writing to {ground.target.folder or ground.target.database} at this moment "
                f"(process {journal.pid} on {journal.host}, since {journal.created}); wait for it, end it, or choose another output"
            )
        log.info(RUN_RECOVERED, run=journal.run, did=recover(ground, journal))
        for folder in filter(None, (_log_folder(ground, entry) for entry in journal.tables)):
            folder.below(LOG).sweep()
    ground.books.sweep()


def recover(ground: Ground, journal: Journal) -> str:
    """Finish, undo or clear what a dead run has left; which of it, in a word."""
    if journal.phase == "staging":
        clear(ground, journal)
        return "cleared"
    if journal.phase == "publishing" and journal.recoverable:
        try:
            forward(ground, journal)
            return "finished"
        except GenerationError:  # a table is no longer ours, or rows are gone: the other tables must not stay half new
            back(ground, journal)
            return "undone"
    back(ground, journal)
    return "undone"


def _placed(ground: Ground, journal: Journal, entry: Entry) -> tuple[Entry, Folder | None]:
    """The entry with its table made where the catalog has none, and the folder whose log takes the commit: None where Delta must write."""
    if ground.target.folder is None and entry.new and ground.folder is not None:
        entry = _made(ground, journal, entry)
    folder = _log_folder(ground, entry)
    return entry, folder if folder is not None and can_commit(folder, entry) else None


def _made(ground: Ground, journal: Journal, entry: Entry) -> Entry:
    """Make the empty table in the catalog, and move the staged rows into its folder."""
    name = sql_name(ground.target, entry.table)
    found = find_in_catalog(ground.spark, name)
    if found.kind == "nothing":
        make_marked(ground.spark, name, journal.run)
    elif found.kind != "delta" or found.run != journal.run:
        raise GenerationError(f"{ground.target.describe(entry.table)} has been made by somebody else since the run began; choose another output")
    location = plain_location(described(ground.spark, name)["Location"])
    staged, place = reach(entry.staged), reach(f"{location}/run-{journal.run}")
    if staged is None or place is None:
        return entry
    if staged.exists():
        place.remove()  # part of a copy, where a store has no renames
        staged.move_to(place)
    return entry.model_copy(update={"location": location, "staged": f"{location}/run-{journal.run}"})


def _log_folder(ground: Ground, entry: Entry) -> Folder | None:
    if ground.folder is None or not entry.in_place:
        return None
    if ground.target.folder is not None:
        return ground.folder.below(safe_name(entry.table))
    return reach(entry.location) if entry.location else None


def _tidy(ground: Ground, journal: Journal, written_again: list[Entry]) -> None:
    """Remove what a published run needs no more: rows that Delta has written once more, and the journal."""
    for entry in written_again:
        _remove_staged(entry)
    _remove_shell(ground, journal)
    ground.books.drop(journal.run)


def _remove_staged(entry: Entry) -> None:
    folder = reach(entry.staged)
    if folder is not None:
        folder.remove()


def _remove_shell(ground: Ground, journal: Journal) -> None:
    """The folder that held the rows of new tables of a catalog."""
    if ground.folder is not None:
        ground.folder.below(f"{BOOKS}/run-{journal.run}").remove_if_empty()
