"""Ours or not ours: what a run may replace. Pure; every fault of every table is found before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import GenerationError, SchemaError
from ..spec.identifiers import safe_name, table_name_faults
from ..spec.sources import Sources
from .found import Found
from .journal import BOOKS
from .table_books import RUNS_TABLE
from .targets import Target, canonical_location


def check_names(tables: Sequence[str]) -> None:
    """Refuse names that cannot stand beside each other.

    Raises:
        SchemaError: with all faults.
    """
    faults = [fault for name in tables for fault in table_name_faults(name)]
    known = [name for name in tables if not table_name_faults(name)]
    if len({safe_name(name).lower() for name in known}) < len(known):
        faults.append(f"two of the tables {sorted(known)} differ only in upper and lower case, which catalogs take for the same")
    taken = sorted(name for name in known if name.lower() in (BOOKS, RUNS_TABLE))
    if taken:
        faults.append(f"the table name {taken[0]!r} is kept for the notes of runs; rename the table")
    if faults:
        raise SchemaError("; ".join(faults))


def check_places(target: Target, base: str | None, found: Mapping[str, Found], never: Sources, output_faults: Sequence[str]) -> None:
    """Refuse an output that would change what is not ours.

    Args:
        target: the output.
        base: the folder that it has; None where it is not known.
        found: what stands at the place of each table.
        never: the real tables that the model was fitted on: they are not replaced even where they are marked as ours.
        output_faults: of the output folder as a whole.

    Raises:
        GenerationError: with all faults.
    """
    faults = [f"{fault}; choose another output" for fault in output_faults]
    for table, place in found.items():
        faults += [f"{target.describe(table)}: {fault}" for fault in _faults(place, table, base, never)]
    if faults:
        lines = "".join(f"\n  {i}. {fault}" for i, fault in enumerate(faults, 1))
        raise GenerationError(f"nothing was written: the output {target.folder or target.database} cannot take these tables:{lines}")


def _faults(place: Found, table: str, base: str | None, never: Sources) -> list[str]:
    location = place.location or (f"{base}/{safe_name(table)}" if base else None)
    real = never.meeting(canonical_location(location) if location else None, place.id)
    if real:
        return [f"it is, holds or lies in the real table that the model was fitted on ({', '.join(real)}); choose another output"]
    if place.kind == "other":
        return [f"there is {place.what}, and only Delta tables that synthohive_spark wrote are replaced; choose another output, or move it away"]
    if place.kind == "delta" and place.run is None:
        return ["there is a Delta table that synthohive_spark did not write, and only its own are replaced; choose another output, or move the table away"]
    if place.append_only:
        return ["the table has delta.appendOnly, so that its rows cannot be replaced; choose another output, or unset the property"]
    return []
