"""How the columns of a table lie in the data, where rows are learnt and made in another form: structs field by field, and columns that are not learnt."""

from __future__ import annotations

from .base import Spec


class OutputColumn(Spec):
    """One column of a table, or one field of a struct, as the data has it.

    Attributes:
        name: in the data.
        source: the column of the rows that has its values; of a struct, the one that says whether the struct is there, None for one that always is.
        fields: of a struct.
        required: inside a struct that can be null, whether it has a value wherever the struct is there.
        empty: of a column that is null in every row since its type is not learnt, the type, as a struct of that one field in Spark's JSON: simple strings do
            not quote the names of nested fields.
    """

    name: str
    source: str | None = None
    fields: tuple[OutputColumn, ...] = ()
    required: bool = False
    empty: str = ""

    @property
    def leaves(self) -> tuple[OutputColumn, ...]:
        """The columns inside it that have values of their own; itself, where it is no struct."""
        return tuple(leaf for inner in self.fields for leaf in inner.leaves) if self.fields else () if self.empty else (self,)

    @property
    def conditions(self) -> tuple[str, ...]:
        """Of a struct that can be null, the columns that have a value in every row where it is there."""
        found: list[str] = []
        for inner in self.fields:
            if inner.fields:
                found += inner.conditions if inner.source is None else ()
            elif inner.required and inner.source is not None:
                found.append(inner.source)
        return tuple(found)


Layout = tuple[OutputColumn, ...]


def is_plain(layout: Layout) -> bool:
    """Whether the columns are those of the rows."""
    return all(column.source == column.name and not column.fields for column in layout)
