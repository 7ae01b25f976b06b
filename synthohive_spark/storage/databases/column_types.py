"""Types of columns, both ways: how a column of a database is read as an Arrow array, and with which type an Arrow column is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine

MYSQL = ("mysql", "mariadb")
DIGITS = 38  # of a decimal in Arrow and Spark
DOUBLE_DIGITS = 15  # that a double keeps
DEFAULT_DIGITS = 18  # Spark's own scale for a decimal that says none
TIME, INSTANT = pa.timestamp("us"), pa.timestamp("us", "UTC")
MONEY = pa.decimal128(19, 2)
_KEY_LETTERS = 191  # of text in a key of MySQL: 3072 bytes hold four such columns of four bytes a letter
_BINARY = (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB)
_EXACT = Context(prec=2 * DIGITS)  # Python's own has 28 digits
_BITS = 63  # of a bit string that a signed number holds


@dataclass(frozen=True)
class ReadAs:
    """How a column comes out of the database.

    Attributes:
        arrow: the type that it gets.
        cast: the type that the database makes of it first; None as it is.
        convert: from the driver's values to those that Arrow takes.
        trimmed: whether trailing spaces mean nothing (`char(n)`).
        look: whether the values decide: an unbounded decimal, a `tinyint(1)` that can hold more than booleans, anything in SQLite.
    """

    arrow: pa.DataType
    cast: TypeEngine[Any] | None = None
    convert: Callable[[Sequence[Any]], Sequence[Any]] | None = None
    trimmed: bool = False
    look: bool = False

    def expression(self, name: str) -> sa.ColumnElement[Any]:
        """What is selected, under the column's name."""
        column: sa.ColumnElement[Any] = sa.column(name)
        if self.cast is not None:
            column = sa.cast(column, self.cast)
        return sa.type_coerce(column, sa.types.NullType()).label(name)  # the driver's values as they are: `convert` knows them


class TextDecimal(sa.types.UserDefinedType[str]):
    """A decimal that SQLite keeps as text, as the name of its type says TEXT: numbers are doubles there."""

    NAME = "DECIMAL_TEXT"  # `Link` has it read as a decimal
    cache_ok = True

    def __init__(self, precision: int, scale: int) -> None:
        self.precision, self.scale = precision, scale

    def get_col_spec(self, **_: Any) -> str:
        """The type in `CREATE TABLE`."""
        return f"{self.NAME}({self.precision}, {self.scale})"


def reading(dialect: str, kind: TypeEngine[Any]) -> ReadAs | None:
    """How a column is read; None for a type that nobody here knows.

    Args:
        dialect: `mysql` for MariaDB too.
    """
    if isinstance(kind, pg.DOMAIN):
        return reading(dialect, kind.data_type)
    if dialect == "sqlite":
        return replace(_plain(dialect, kind) or ReadAs(pa.string()), look=True)
    if isinstance(kind, sa.types.NullType):
        return None
    if isinstance(kind, pg.ARRAY):
        inner = reading(dialect, kind.item_type)
        if inner is None:
            return None
        return ReadAs(pa.list_(pa.string() if inner.cast is not None else inner.arrow), cast=pg.ARRAY(sa.Text()) if inner.cast is not None else None)
    return _plain(dialect, kind) or _integer(kind) or ReadAs(pa.string(), cast=sa.Text())


def is_unlearnt(kind: pa.DataType) -> bool:
    """Whether values of this type are not learnt, so that a copy may have none."""
    return bool(pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _plain(dialect: str, kind: TypeEngine[Any]) -> ReadAs | None:
    if isinstance(kind, mysql.BIT):
        length = kind.length or 1
        if length == 1:
            return ReadAs(pa.bool_(), convert=_true)
        return ReadAs(pa.int64(), cast=sa.BigInteger()) if length <= _BITS else ReadAs(pa.decimal128(20, 0), cast=sa.Numeric(20, 0))
    if isinstance(kind, sa.Boolean):
        return ReadAs(pa.bool_(), convert=_true)
    if isinstance(kind, mysql.TINYINT) and kind.display_width == 1 and not kind.unsigned:
        return ReadAs(pa.bool_(), convert=_true, look=True)
    if isinstance(kind, sa.Float):
        single = isinstance(kind, sa.REAL) if dialect == "postgresql" else isinstance(kind, mysql.FLOAT)
        return ReadAs(pa.float32() if single else pa.float64(), convert=floats)
    if isinstance(kind, sa.Numeric):
        return _decimal(kind)
    if isinstance(kind, pg.MONEY):
        return ReadAs(MONEY, cast=sa.Numeric(19, 2))
    if isinstance(kind, sa.Date):
        return ReadAs(pa.date32(), convert=_dates)
    if isinstance(kind, sa.DateTime):
        zoned = bool(kind.timezone) or (dialect == "mysql" and isinstance(kind, sa.TIMESTAMP))
        return ReadAs(INSTANT if zoned else TIME, convert=_dates)
    if isinstance(kind, _BINARY):
        return ReadAs(pa.binary(), convert=_bytes)
    if isinstance(kind, sa.String):  # an enumeration is one too
        trimmed = isinstance(kind, sa.CHAR)  # PostgreSQL pads it, Spark does
        return ReadAs(pa.string(), convert=_trimmed if trimmed else None, trimmed=trimmed)
    return _integer(kind) if isinstance(kind, sa.Integer) else None


def _decimal(kind: sa.Numeric[Any]) -> ReadAs:
    if kind.precision is None or kind.precision > DIGITS or (kind.scale or 0) < 0:
        return ReadAs(pa.decimal128(DIGITS, DEFAULT_DIGITS), look=True)
    return ReadAs(pa.decimal128(max(1, kind.precision), kind.scale or 0))


def _integer(kind: TypeEngine[Any]) -> ReadAs | None:
    unsigned = bool(getattr(kind, "unsigned", False))
    if isinstance(kind, mysql.YEAR):
        return ReadAs(pa.int16())
    if isinstance(kind, sa.BigInteger):
        return ReadAs(pa.decimal128(20, 0) if unsigned else pa.int64())
    if isinstance(kind, mysql.TINYINT):
        return ReadAs(pa.int16() if unsigned else pa.int8())
    if isinstance(kind, sa.SmallInteger):
        return ReadAs(pa.int32() if unsigned else pa.int16())
    if isinstance(kind, sa.Integer):
        return ReadAs(pa.int64() if unsigned else pa.int32())
    return ReadAs(pa.int64()) if isinstance(kind, pg.OID) else None


def _true(values: Sequence[Any]) -> list[bool | None]:
    return [None if v is None else v not in (0, False, b"\x00") for v in values]


def floats(values: Sequence[Any]) -> list[float | None]:
    """From decimals and whole numbers to doubles."""
    return [None if v is None else float(v) for v in values]


def _dates(values: Sequence[Any]) -> list[Any]:
    return [None if isinstance(v, str) and v.startswith("0000-00-00") else v for v in values]  # MySQL's date that is none


def _bytes(values: Sequence[Any]) -> list[bytes | None]:
    return [None if v is None else bytes(v) for v in values]


def _trimmed(values: Sequence[Any]) -> list[str | None]:
    return [None if v is None else v.rstrip(" ") for v in values]


def decimals(scale: int) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """From numbers as SQLite keeps them to decimals of one scale: `5.939999` was stored for a declared `5.94`."""
    step = Decimal(1).scaleb(-scale)

    def convert(values: Sequence[Any]) -> list[Decimal | None]:
        return [None if v is None else Decimal(str(v)).quantize(step, context=_EXACT) for v in values]

    return convert


def writing(dialect: str, kind: pa.DataType, *, in_key: bool, length: int | None) -> TypeEngine[Any]:
    """The type of a new column.

    Args:
        kind: of the values.
        in_key: whether it is part of a key, of which some databases want text with a length.
        length: of text, where it is known.
    """
    if pa.types.is_decimal(kind):
        return _decimal_column(dialect, kind)
    if pa.types.is_timestamp(kind):
        zoned = kind.tz is not None and dialect != "mysql"  # MySQL's own kind ends in 2038
        return sa.DateTime(timezone=zoned).with_variant(mysql.DATETIME(fsp=6), *MYSQL)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_type
        flat = not (pa.types.is_nested(inner) or pa.types.is_null(inner))
        return pg.ARRAY(writing(dialect, inner, in_key=False, length=None)) if dialect == "postgresql" and flat else _long_text()
    for is_kind, made in _WRITTEN:
        if is_kind(kind):
            return made
    if length is not None:
        return sa.String(length)
    return sa.String(_KEY_LETTERS) if in_key and dialect == "mysql" else _long_text()


_WRITTEN: tuple[tuple[Callable[[pa.DataType], bool], TypeEngine[Any]], ...] = (
    (pa.types.is_boolean, sa.Boolean()),
    (lambda kind: kind in (pa.int8(), pa.int16(), pa.uint8()), sa.SmallInteger()),
    (lambda kind: kind in (pa.int32(), pa.uint16()), sa.Integer()),
    (lambda kind: kind in (pa.int64(), pa.uint32()), sa.BigInteger()),
    (lambda kind: kind == pa.uint64(), sa.Numeric(20, 0)),
    (lambda kind: kind in (pa.float16(), pa.float32()), sa.Float(24)),
    (pa.types.is_float64, sa.Double()),
    (pa.types.is_date, sa.Date()),
    (
        lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind),
        sa.LargeBinary().with_variant(mysql.LONGBLOB(), *MYSQL),
    ),
)


def _long_text() -> TypeEngine[Any]:
    return sa.Text().with_variant(mysql.LONGTEXT(), *MYSQL)


def _decimal_column(dialect: str, kind: pa.DataType) -> TypeEngine[Any]:
    return TextDecimal(kind.precision, kind.scale) if dialect == "sqlite" and kind.precision > DOUBLE_DIGITS else sa.Numeric(kind.precision, kind.scale)
