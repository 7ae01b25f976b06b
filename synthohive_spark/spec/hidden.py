"""Names of hidden columns: they travel with the rows while a table is made, and never reach it."""

from __future__ import annotations

from .identifiers import HIDDEN_PREFIX


def status_column(index: int) -> str:
    """Name of the hidden column that says whether the `index`-th foreign key of a row is there."""
    return f"{HIDDEN_PREFIX}has_{index}"


def same_column(column: str) -> str:
    """Name of the hidden column that says whether a row repeats its parent's value of a column, or of the first column of a key."""
    return f"{HIDDEN_PREFIX}same_{column}"


def trait_column(index: int, place: int) -> str:
    """Name of the hidden column with the `place`-th trait that a row wants its partner of the `index`-th foreign key to have."""
    return f"{HIDDEN_PREFIX}trait_{index}_{place}"


def depth_column(index: int) -> str:
    """Name of the hidden column that says how many rows are above a row along the `index`-th foreign key, which leads to the table itself."""
    return f"{HIDDEN_PREFIX}depth_{index}"


def partner_column(index: int) -> str:
    """Name of the hidden column with the number of the row that the `index`-th foreign key was matched to."""
    return f"{HIDDEN_PREFIX}partner_{index}"


def count_column(child: str, index: int) -> str:
    """Name of a parent's hidden column with its number of rows in `child` along that table's `index`-th foreign key."""
    return f"{HIDDEN_PREFIX}n_{index}_{child}"


ROW = HIDDEN_PREFIX + "row"  # number of the row in its table, from 0
BLOCK = HIDDEN_PREFIX + "block"  # number of the block that it is made in
PARENT_ROW = HIDDEN_PREFIX + "parent_row"  # ROW of the driving parent; -1 for none
POSITION = HIDDEN_PREFIX + "position"  # number of the row within its driving parent, from 0
SIBLINGS = HIDDEN_PREFIX + "siblings"  # rows of the driving parent
GAP = HIDDEN_PREFIX + "gap"  # from the sibling before, in the column that orders them; null for the first
CHILDREN = HIDDEN_PREFIX + "children"  # rows that a parent has in the table that is made
FIRST = HIDDEN_PREFIX + "first"  # rank of the first of them among the rows of the parent's group
SIZE = HIDDEN_PREFIX + "size"  # rows of that group
