"""Which columns of a table are compared, and the plain values that they are compared by."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from ..kernels.statistics import Kind
from ..spec.identifiers import quoted
from ..spec.metadata import Table
from .validate_tables import TableSides

TEXT_SHARE, TEXT_VALUES = 0.5, 50  # strings with more distinct values than both are text: names, addresses, comments


@dataclass(frozen=True)
class ScoredTable:
    """A learnt table, and which of its columns are compared.

    Attributes:
        index: the table's number in the metadata.
        columns: those that are compared, with their `kinds`.
        left_out: the other columns, with the reason.
        held: of a real row, whether training held it out, as `stages/encode.py` tells; None where nothing is known of a training.
        alone: rows were held out one by one, and not in families.
    """

    spec: Table
    index: int
    real: DataFrame
    synthetic: DataFrame
    sizes: TableSides
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    left_out: dict[str, str]
    held: Column | None = None
    alone: bool = True

    def plain(self, frame: DataFrame) -> list[Column]:
        """The compared columns of one side, `c0` ..., as float64 (times in seconds since 1970, whatever the session's time zone) or strings."""
        own, real = ({f.name: f.dataType for f in side.schema.fields} for side in (frame, self.real))
        cast = [column(c) if own[c] == real[c] else column(c).try_cast(real[c]) for c in self.columns]
        return [plain_value_of(value, real[c]).alias(f"c{i}") for i, (c, value) in enumerate(zip(self.columns, cast, strict=True))]


def scored_table(spec: Table, index: int, real: DataFrame, synthetic: DataFrame, sizes: TableSides) -> ScoredTable:
    """A learnt table with all columns that can be compared; text is not told from categories yet."""
    columns, kinds, left_out = [], [], {}
    for field in real.schema.fields:
        kind = kind_of(field.dataType)
        if field.name in spec.key_columns:
            left_out[field.name] = "key"
        elif field.name in spec.pii_cols:
            left_out[field.name] = "generated"
        elif kind is None:
            left_out[field.name] = "unsupported type"
        else:
            columns.append(field.name)
            kinds.append(kind)
    return ScoredTable(spec, index, real, synthetic, sizes, tuple(columns), tuple(kinds), left_out)


def without_text(table: ScoredTable, text: Collection[int]) -> ScoredTable:
    """The table with the columns numbered `text` left out."""
    stay = [i for i in range(len(table.columns)) if i not in text]
    left_out = table.left_out | {table.columns[i]: "text" for i in sorted(text)}
    return replace(table, columns=tuple(table.columns[i] for i in stay), kinds=tuple(table.kinds[i] for i in stay), left_out=left_out)


def is_text(distinct: int, known: int) -> bool:
    """Whether a column with so many values, so many of them distinct, is text rather than a category."""
    return distinct > max(TEXT_VALUES, TEXT_SHARE * known)


def kind_of(data_type: T.DataType) -> Kind | None:
    """How columns of a type are compared; None where they cannot be."""
    if isinstance(data_type, (T.StringType, T.BooleanType)):
        return "label"
    if isinstance(data_type, (T.DateType, T.TimestampType, T.TimestampNTZType)):
        return "time"
    return "number" if isinstance(data_type, T.NumericType) else None


def column(name: str) -> Column:
    """The column called `name`, whatever its letters."""
    return F.col(quoted(name))


def plain_value_of(value: Column, data_type: T.DataType) -> Column:
    """A value as float64 (times in seconds since 1970) or string."""
    if isinstance(data_type, (T.StringType, T.BooleanType)):
        return value.cast("string")
    if isinstance(data_type, T.DateType):
        return F.unix_date(value).cast("double") * 86_400.0
    if isinstance(data_type, T.TimestampType):
        return F.unix_micros(value).cast("double") / 1e6
    if isinstance(data_type, T.TimestampNTZType):
        # A cast to `timestamp` would read it in the session's time zone; its fields are its own.
        clock = F.hour(value) * 3600 + F.minute(value) * 60
        return F.unix_date(value.cast("date")).cast("double") * 86_400.0 + clock + F.extract(F.lit("SECOND"), value).cast("double")
    return value.cast("double")
