"""Names of hidden columns: they travel with the rows while a table is made, and never reach it."""

from __future__ import annotations

from .identifiers import HIDDEN_PREFIX


def hidden(name: str) -> str:
    """A name for a column of ours, which no column of the data can have."""
    return HIDDEN_PREFIX + name


def status_column(index: int) -> str:
    """Name of the hidden column that says whether the `index`-th foreign key of a row is there."""
    return hidden(f"has_{index}")


def same_column(column: str, place: int = 0) -> str:
    """Name of the hidden column that says whether a row repeats its parent's value of a column, or of the first column of a key.

    Args:
        place: of the parent's columns that it may repeat.
    """
    return hidden(f"same_{place}_{column}" if place else f"same_{column}")


def trait_column(index: int, place: int) -> str:
    """Name of the hidden column with the `place`-th trait that a row wants its partner of the `index`-th foreign key to have."""
    return hidden(f"trait_{index}_{place}")


def depth_column(index: int) -> str:
    """Name of the hidden column that says how many rows are above a row along the `index`-th foreign key, which leads to the table itself."""
    return hidden(f"depth_{index}")


def partner_column(index: int) -> str:
    """Name of the hidden column with the number of the row that the `index`-th foreign key was matched to."""
    return hidden(f"partner_{index}")


def distance_column(column: str) -> str:
    """Name of the hidden column with the distance of `column` from another one of its row that it is never below, or never above."""
    return hidden(f"distance_{column}")


def above_column(path: tuple[int, ...], column: str) -> str:
    """Name of the hidden column with an ancestor's `column`; `path` is the keys that lead there from the driving parent on."""
    return hidden(f"above_{'_'.join(map(str, path))}_{column}")


def shared_column(column: str) -> str:
    """Name of the hidden column with the driving parent's `column`, which partners of a row must share."""
    return hidden(f"shared_{column}")


def value_column(child: str, index: int, column: str) -> str:
    """Name of a parent's hidden column with the value of `column` in all rows of `child` that its `index`-th foreign key leads to it."""
    return hidden(f"value_{index} of {child}: {column}")  # the column last: what its name tells is read from there


def count_column(child: str, index: int) -> str:
    """Name of a parent's hidden column with its number of rows in `child` along that table's `index`-th foreign key."""
    return hidden(f"n_{index}_{child}")


ROW = hidden("row")  # number of the row in its table, from 0
BLOCK = hidden("block")  # number of the block that it is made in
PARENT_ROW = hidden("parent_row")  # ROW of the driving parent; -1 for none
POSITION = hidden("position")  # number of the row within its driving parent, from 0
SIBLINGS = hidden("siblings")  # rows of the driving parent
GAP = hidden("gap")  # from the sibling before, in the column that orders them; null for the first
CHILDREN = hidden("children")  # rows that a parent has in the table that is made
FIRST = hidden("first")  # rank of the first of them among the rows of the parent's group
SIZE = hidden("size")  # rows of that group
