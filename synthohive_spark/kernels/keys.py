"""Generated keys: functions of the row number."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import GenerationError
from ..spec.steps import KeyPattern
from .columns.decimals import LARGEST, from_units
from .seeds import derive_seed

UUID = r"\{?[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?"  # as Python and Java read it, or in braces, as Windows writes it
DIGITS = 18  # of a number that 64 bits hold whatever the digits are
HEX = "([0-9a-f]+|[0-9A-F]+)"
MAIL = "[^@ ]+@[^@ ]+"
DOMAIN = "@example.com"  # nobody owns it (RFC 2606)
LEAST_HEX = 16  # digits of a hash: in fewer the row would leave no room for what makes runs differ
ROW = 12  # hexadecimal digits that tell the row
VARIANTS = "89ab"  # of RFC 9562: the first digit of the fourth part
NUMBERED = rf"[A-Za-z_\-]*[0-9]{{1,{DIGITS}}}"  # letters and a number
PADDED = r"[A-Za-z_\-]*0[0-9]+"


@dataclass(frozen=True)
class TextKeys:
    """What was seen of text keys.

    Attributes:
        low, high: the first and the last in order; None where there are no keys.
        length: the median length.
        even: all are as long.
        uuids: all are UUIDs.
        hashes: all are hexadecimal digits.
        mails: all are addresses of e-mail.
        numbered: all are letters and a number.
        padded: some of the numbers begin with a zero.
        top: the greatest of the numbers.
    """

    low: str | None
    high: str | None
    length: int | None
    even: bool = True
    uuids: bool = False
    hashes: bool = False
    mails: bool = False
    numbered: bool = False
    padded: bool = False
    top: int = 0


def key_pattern(seen: TextKeys) -> KeyPattern:
    """The pattern of a text key: the letters that all keys begin with, their usual length, and where their numbers end."""
    low, high, length = seen.low, seen.high, seen.length
    if low is None or high is None or length is None:
        return KeyPattern(form="text", width=1)
    if seen.uuids:
        braces = ("{", "}") if low.startswith("{") else ("", "")
        return KeyPattern(form="uuid", prefix=braces[0], suffix=braces[1], capitals=_is_capital(low, high))
    if seen.hashes and seen.even and length >= LEAST_HEX and re.search("[a-fA-F]", low + high):  # long numbers have no letters
        return KeyPattern(form="hex", width=length, capitals=_is_capital(low, high))
    prefix = re.match(r"[A-Za-z_\-]*", os.path.commonprefix([low, high])).group() if low != high else ""  # type: ignore[union-attr]
    if seen.mails:
        return KeyPattern(form="text", prefix=prefix or "user", suffix=DOMAIN, width=1)
    free = seen.numbered and not seen.padded and not seen.even
    return KeyPattern(form="text", prefix=prefix, width=1 if free else max(1, length - len(prefix)), after=seen.top if seen.numbered else 0)


def key_values(pattern: KeyPattern, rows: np.ndarray, arrow_type: pa.DataType, seed: int) -> pa.Array:
    """Primary keys for row numbers, dense from 0: unique, and the same for a row under any partitioning.

    Args:
        rows: int64 (N,).
    """
    if pattern.form == "integer":
        return _whole(rows, pattern.after, arrow_type)
    if pattern.form == "uuid":
        return _written([_uuid(seed, int(row)) for row in rows], pattern)
    if pattern.form == "hex":
        return _written([_hex(seed, int(row), pattern.width) for row in rows], pattern)
    limit = 10 ** (min(pattern.width, DIGITS) if pattern.width > 1 else DIGITS) - 1
    if pattern.most is not None:
        if len(rows) and int(rows[-1]) >= pattern.most:
            raise GenerationError(
                f"a generated primary key of {pattern.longest} characters ends at {pattern.most:,}; sample fewer rows, or widen the column before fit"
            )
        limit = min(limit, pattern.most)
    numbers = _numbers(rows, pattern.after, limit)
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), pattern.width, "0")
    return pc.binary_join_element_wise(pattern.prefix, digits, pattern.suffix, "")


def _is_capital(*texts: str) -> bool:
    """Whether hexadecimal digits are written in capitals."""
    return any(t != t.lower() for t in texts) and all(t == t.upper() for t in texts)


def _written(texts: list[str], pattern: KeyPattern) -> pa.Array:
    return pa.array([f"{pattern.prefix}{text.upper() if pattern.capitals else text}{pattern.suffix}" for text in texts], pa.string())


def _numbers(rows: np.ndarray, after: int, limit: int) -> np.ndarray:
    """A number from 1 on for each row, all different: those past `after` first, up to `limit`, then those from 1 on, then those past `limit`."""
    left = max(limit - after, 0)
    return np.where(rows < left, min(after, limit) + rows, np.where(rows < limit, rows - left, rows)) + 1


def _whole(rows: np.ndarray, after: int, arrow_type: pa.DataType) -> pa.Array:
    limit = 10**arrow_type.precision - 1 if pa.types.is_decimal(arrow_type) else int(np.iinfo(arrow_type.to_pandas_dtype()).max)
    if len(rows) and rows[-1] >= limit:
        raise GenerationError(f"a generated primary key of type {arrow_type} ends at {limit:,}; sample fewer rows, or widen the column before fit")
    if not pa.types.is_decimal(arrow_type):
        return pa.array(_numbers(rows, after, limit)).cast(arrow_type)
    numbers = _numbers(rows.astype(object) if limit > LARGEST else rows, after, limit)
    return from_units(numbers, np.zeros(len(rows), dtype=bool), arrow_type)


def _uuid(seed: int, row: int) -> str:
    # The last 12 digits differ for all rows, so that no two can meet; the rest is a hash, so that runs differ.
    text, more = f"{derive_seed(seed, 'uuid', row):016x}", f"{derive_seed(seed, 'uuid', row, 1):016x}"
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-{VARIANTS[int(text[15], 16) % 4]}{more[:3]}-{_scattered(seed, row):0{ROW}x}"


def _hex(seed: int, row: int, width: int) -> str:
    """The same in hexadecimal digits alone."""
    parts = (f"{derive_seed(seed, 'hex', row, part):016x}" for part in range(width // 16 + 1))
    return f"{''.join(parts)[: width - ROW]}{_scattered(seed, row):0{ROW}x}"


def _scattered(seed: int, row: int) -> int:
    """Another number below `16 ** ROW` for each row below that, in no order that shows: odd factors and shifted bits can be undone."""
    mixed = (row + derive_seed(seed, "scattered")) % 16**ROW
    for part in range(2):
        mixed = mixed * (derive_seed(seed, "scattered", part) | 1) % 16**ROW
        mixed ^= mixed >> (2 * ROW)
    return mixed
