"""Where the real tables of a fit lie, so that no output ever takes their place."""

from __future__ import annotations

from pydantic import Field

from .base import Spec


class Source(Spec):
    """The places of one table's rows.

    Attributes:
        roots: folders (single files, where a folder holds one among others) in one spelling: no scheme for local ones, links followed, no slash at the end.
        ids: of Delta tables, which keep them when they move.
    """

    roots: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def meets(self, location: str | None, delta_id: str | None) -> bool:
        """Whether a table at `location`, spelled like `roots`, is this source, holds it, or lies in it."""
        if delta_id is not None and delta_id in self.ids:
            return True
        return location is not None and any(_within(location, root) or _within(root, location) for root in self.roots)


class Sources(Spec):
    """The places of all tables of a fit, by table. Empty for one that read no files."""

    tables: dict[str, Source] = Field(default_factory=dict)

    def meeting(self, location: str | None, delta_id: str | None) -> list[str]:
        """The source tables that a table at `location` or with the id `delta_id` would replace or damage."""
        return sorted(name for name, source in self.tables.items() if source.meets(location, delta_id))


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip("/") + "/")
