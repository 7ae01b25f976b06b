"""What a reader of a foreign description has found so far: tables in the form of the YAML, faults, and what the metadata has no place for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ...errors import SchemaError

if TYPE_CHECKING:
    from ..metadata import Metadata

MOST_TOLD = 20  # sentences of one warning


@dataclass
class Draft:
    """A description on its way to metadata.

    Attributes:
        tables: the fields of each table, as `Metadata.from_dict` takes them.
        faults: why there is no metadata, in sentences.
        left: what is not carried over, in sentences.
    """

    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def finished(self, kind: type[Metadata], where: str) -> Metadata:
        """The metadata.

        Args:
            where: what was read, for the messages.

        Raises:
            SchemaError: with all faults.
        """
        found = kind()
        for name, fields in self.tables.items():
            try:
                found.add_table(name, **fields)
            except SchemaError as error:
                self.faults.append(str(error))
        if self.faults:
            raise SchemaError("\n".join(f"{where}: {fault}" for fault in dict.fromkeys(self.faults)))
        return found

    def warning(self, where: str) -> str:
        """One text that tells what is left out; empty where nothing is."""
        told = list(dict.fromkeys(self.left))
        if not told:
            return ""
        more = [f"... and {len(told) - MOST_TOLD} more"] if len(told) > MOST_TOLD else []
        lines = "\n".join(f"  {line}" for line in [*told[:MOST_TOLD], *more])
        return f"{where}: not all of it is carried over:\n{lines}"


def hint(name: str, known: Collection[Any]) -> str:
    """What there is instead of a name that is not there. Names of a foreign description can be no text."""
    known = [str(k) for k in known]
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(map(repr, sorted(known))) or 'none'}"
