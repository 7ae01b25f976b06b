"""Where a declared type leaves open what the values are, an aggregate over the table decides.

That is so for decimals of no size, for `tinyint(1)`, and for all of SQLite, whose types bind nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from .column_types import DEFAULT_DIGITS, DIGITS, DOUBLE_DIGITS, INSTANT, TIME, ReadAs, decimals, floats
from .connection import Link
from .reflection import FoundTable

Facts = dict[str, Any]
Asked = dict[str, sa.ColumnElement[Any]]
TOGETHER = 100  # columns: a query of SQLite has room for 2,000 values, one of PostgreSQL for 1,664, and a column is asked for up to seven
_NO_TYPE = sa.types.NullType()


def looked_at(link: Link, connection: sa.Connection, schema: str | None, table: FoundTable) -> FoundTable:
    """The table with the types that its values need: one query for every `TOGETHER` columns that leave them open."""
    open_ones = [place for place, column in enumerate(table.columns) if column.read.look]
    columns = list(table.columns)
    for first in range(0, len(open_ones), TOGETHER):
        for place, read in _looked(link, connection, schema, table, open_ones[first : first + TOGETHER]).items():
            columns[place] = replace(columns[place], read=read)
    return replace(table, columns=tuple(columns))


def _looked(link: Link, connection: sa.Connection, schema: str | None, table: FoundTable, open_ones: Sequence[int]) -> dict[int, ReadAs]:
    """How to read some columns, by their places."""
    ask, decide = (_ask_sqlite, _of_sqlite) if link.dialect == "sqlite" else (_ask, _of_server)
    asked = {f"{what}{place}": told for place in open_ones for what, told in ask(link.dialect, table.columns[place].name, table.columns[place].read).items()}
    select = sa.select(*(sa.type_coerce(told, _NO_TYPE).label(name) for name, told in asked.items())).select_from(sa.table(table.name, schema=schema))
    found = connection.execute(select).mappings().one()
    decided = {}
    for place in open_ones:
        facts = {name.removesuffix(str(place)): value for name, value in found.items() if name.rstrip("0123456789") + str(place) == name}
        decided[place] = replace(decide(table.columns[place].read, facts), look=False)
    return decided


def _ask(dialect: str, name: str, read: ReadAs) -> Asked:
    column: sa.ColumnElement[Any] = sa.column(name)
    if pa.types.is_boolean(read.arrow):
        return {"low": sa.func.min(column), "high": sa.func.max(column)}
    scale: Asked = {"scale": sa.func.max(sa.func.scale(column))} if dialect == "postgresql" else {}
    return {"high": sa.func.max(sa.func.abs(column)), **scale}


def _of_server(read: ReadAs, facts: Facts) -> ReadAs:
    high = facts["high"]
    if pa.types.is_boolean(read.arrow):
        return read if high is None or (facts["low"] >= 0 and high <= 1) else ReadAs(pa.int8())
    if high is None:
        return read
    scale = int(facts.get("scale") or 0) if "scale" in facts else max(0, -int(Decimal(high).as_tuple().exponent))
    if not Decimal(high).is_finite() or _whole_digits(high) + scale > DIGITS:
        return ReadAs(pa.float64(), cast=sa.Double(), convert=floats)
    return ReadAs(pa.decimal128(DIGITS, scale), cast=sa.Numeric(DIGITS, scale))  # Spark would give them a size of its own


def _whole_digits(number: Any) -> int:
    return max(1, Decimal(str(number)).adjusted() + 1)


def _ask_sqlite(_: str, name: str, read: ReadAs) -> Asked:
    column: sa.ColumnElement[Any] = sa.column(name)
    kept = sa.func.nullif(sa.func.typeof(column), "null")
    asked: Asked = {"first": sa.func.min(kept), "last": sa.func.max(kept), "reals": sa.func.max(sa.case((kept == "real", 1), else_=0))}
    if pa.types.is_date(read.arrow) or pa.types.is_timestamp(read.arrow):
        zoned = sa.or_(column.like("%Z"), column.like("%+__:__"), column.like("%-__:__"))
        strange = sa.and_(column.is_not(None), sa.func.julianday(column).is_(None))
        flags: Asked = {"some": zoned, "none": sa.not_(zoned), "strange": strange, "timed": sa.func.length(column) > len("2000-01-01")}
        return asked | {flag: sa.func.max(sa.case((told, 1), else_=0)) for flag, told in flags.items()}
    if pa.types.is_decimal(read.arrow) or pa.types.is_boolean(read.arrow):
        return asked | {"low": sa.func.min(column), "high": sa.func.max(sa.func.abs(column))}
    return asked


def _of_sqlite(read: ReadAs, facts: Facts) -> ReadAs:
    """By what is stored: `integer`, `real`, `text`, `blob`, or several."""
    kinds = {facts["first"], facts["last"]} - {None}
    if not kinds:
        return replace(read, arrow=pa.int64()) if pa.types.is_integer(read.arrow) else read
    if "blob" in kinds:
        return ReadAs(pa.binary(), convert=_as_bytes)
    if "text" in kinds:
        return _of_texts(read, facts, kinds)
    if pa.types.is_decimal(read.arrow) and not _unsized(read):
        scale = read.arrow.scale
        return ReadAs(pa.decimal128(min(DIGITS, max(read.arrow.precision, _whole_digits(facts["high"]) + scale)), scale), convert=decimals(scale))
    if facts["reals"]:
        return ReadAs(pa.float64(), convert=floats)
    if pa.types.is_boolean(read.arrow) and facts["low"] >= 0 and facts["high"] <= 1:
        return read
    return read if pa.types.is_floating(read.arrow) else ReadAs(pa.int64())


def _unsized(read: ReadAs) -> bool:
    return bool(read.arrow.precision == DIGITS and read.convert is None and read.look and read.arrow.scale == DEFAULT_DIGITS)


def _of_texts(read: ReadAs, facts: Facts, kinds: set[str]) -> ReadAs:
    if pa.types.is_decimal(read.arrow) and read.arrow.precision > DOUBLE_DIGITS and not _unsized(read):
        return replace(read, convert=decimals(read.arrow.scale))
    dated = pa.types.is_date(read.arrow) or pa.types.is_timestamp(read.arrow)
    if kinds != {"text"} or not dated or facts["strange"] or (facts["some"] and facts["none"]):
        return ReadAs(pa.string(), convert=_as_text)
    kind = INSTANT if facts["some"] else TIME if facts["timed"] or pa.types.is_timestamp(read.arrow) else pa.date32()
    return ReadAs(kind, convert=_parsed(kind))


def _as_text(values: Sequence[Any]) -> list[str | None]:
    return [None if v is None else str(v) for v in values]


def _as_bytes(values: Sequence[Any]) -> list[bytes | None]:
    return [v if v is None or isinstance(v, bytes) else str(v).encode() for v in values]


def _parsed(kind: pa.DataType) -> Callable[[Sequence[Any]], Any]:
    def convert(values: Sequence[Any]) -> pa.Array:
        return pc.cast(pa.array(values, pa.string()), kind)

    return convert


def looks(link: Link, connection: sa.Connection, schema: str | None, tables: Mapping[str, FoundTable]) -> dict[str, FoundTable]:
    """`looked_at` for several tables."""
    return {name: looked_at(link, connection, schema, table) for name, table in tables.items()}
