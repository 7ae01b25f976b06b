"""What detection proposes, each with how sure it is and why."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Spec

What = Literal["primary key", "foreign key", "reference", "personal", "order", "not learnt"]


class Finding(Spec):
    """One proposal for the metadata of one table.

    Attributes:
        table: the table.
        what: what kind of proposal; `reference` and `not learnt` are of the whole table.
        columns: of the table.
        parent_table: where a foreign key points.
        parent_columns: its columns there.
        orphans: the policy that is proposed for a foreign key.
        provider: of Faker, for a personal column; None for text of the real one's shape.
        confidence: in [0, 1].
        reason: in words; it shows no value of the data.
        taken: whether it is in the metadata; the others are told so that a person can decide.
    """

    table: str
    what: What
    columns: tuple[str, ...] = ()
    parent_table: str | None = None
    parent_columns: tuple[str, ...] = ()
    orphans: Literal["error", "null", "drop"] = "error"
    provider: str | None = None
    confidence: float = Field(ge=0, le=1)
    reason: str
    taken: bool = True

    @property
    def told(self) -> str:
        """What it is about, in a few words."""
        listed = ", ".join(self.columns)
        if self.what == "foreign key":
            policy = "" if self.orphans == "error" else f" (orphans: {self.orphans})"
            return f"({listed}) -> {self.parent_table}({', '.join(self.parent_columns)}){policy}"
        if self.what == "personal":
            return f"{listed}: {self.provider or 'text of its shape'}"
        return listed
