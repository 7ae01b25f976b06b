"""How the columns of a table lie in the data, where rows are learnt and made in another form: structs field by field, and columns that are not learnt."""

from __future__ import annotations

from .base import Spec


class OutputColumn(Spec):
    """One column of a table, or one field of a struct, as the data has it.

    Attributes:
        name: in the data.
        spark_type: as a simple string.
        source: the column of the rows that has its values; of a struct, the one that says whether the struct is there, None for one that always is.
        fields: of a struct.
    """

    name: str
    spark_type: str
    source: str | None = None
    fields: tuple[OutputColumn, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it is null in every row: a type that is not learnt."""
        return self.source is None and not self.fields


Layout = tuple[OutputColumn, ...]


def is_plain(layout: Layout) -> bool:
    """Whether the columns are those of the rows."""
    return all(column.source == column.name and not column.fields for column in layout)
