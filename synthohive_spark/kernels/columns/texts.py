"""Free text, names, identifiers: only the nulls are learnt; the text is made from shapes or by Faker."""

from __future__ import annotations

import datetime
import decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker import Faker

from ...spec.encoding import TextEncoding
from ..pii import fake_values
from ..recipes import values_of
from ..seeds import derive_seed
from ..spread import shuffled
from ..text import Letters, code_points, text_from_shapes
from .cache import once_per_encoding
from .rows import Rows
from .types import arrow_type

FREE = 2**62  # values that the plainest form of a recipe is drawn from where nothing limits them
_SCALARS = (str, int, float, decimal.Decimal, datetime.date)


def provider_fault(provider: str, spark_type: str) -> str | None:
    """Why `provider` cannot fill a column of the type; None where it can."""
    generator = Faker()
    known = {n for p in generator.get_providers() for n in dir(p) if not n.startswith("_") and callable(getattr(p, n))}
    if provider not in known:
        return f"Faker has no provider {provider!r}; known are for example name, email, phone_number, address, company, ssn, user_name, date_of_birth"
    try:
        sample = [getattr(generator, provider)() for _ in range(3)]
    except TypeError:
        return f"the Faker provider {provider!r} needs arguments, which cannot be given"
    if not all(isinstance(v, _SCALARS) for v in sample):
        return f"the Faker provider {provider!r} gives {type(sample[0]).__name__}, not single values"
    try:
        pa.array([str(v) for v in sample]).cast(arrow_type(spark_type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return f"the values of the Faker provider {provider!r} do not fit into {spark_type}"
    return None


def fit_text(name: str, spark_type: str, null_share: float, provider: str | None, *, distinct: bool = False) -> TextEncoding:
    """Only the null share, in [0, 1], is learnt, and whether texts repeat; a column of nulls has no code for text."""
    weights = tuple(w for w in (null_share, 1 - null_share) if w > 0)
    return TextEncoding(
        name=name,
        spark_type=spark_type,
        has_null=null_share > 0,
        weights=weights,
        provider=provider,
        distinct=distinct,
    )


def encode_text(array: pa.Array, encoding: TextEncoding) -> np.ndarray:
    """Codes int64 (N,): null or some text."""
    if not encoding.has_null or encoding.cardinality == 1:
        return np.zeros(len(array), dtype=np.int64)
    return pc.is_valid(array).to_numpy(zero_copy_only=False).astype(np.int64)


class _Tables(NamedTuple):
    shapes: np.ndarray  # (S, L)
    before: np.ndarray  # (S,)


@once_per_encoding
def _tables(encoding: TextEncoding) -> _Tables:
    shapes = encoding.shapes or ("Aaaaa aaaa",)
    counts = encoding.shape_counts or (1,)
    return _Tables(code_points(shapes, spoken=not encoding.lower), np.cumsum(np.asarray(counts, dtype=np.int64)))


def _by_recipe(encoding: TextEncoding, size: int, rng: np.random.Generator, rows: Rows | None) -> pa.Array:
    kind, longest = str(encoding.recipe), encoding.longest
    salt = derive_seed(0, encoding.name) if rows is None else rows.salt
    if encoding.distinct and rows is not None:
        made = values_of(kind, shuffled(rows.numbers, rows.total, rows.salt), longest=longest, salt=salt)
    else:
        made = values_of(kind, rng.integers(encoding.pool or FREE, size=size), longest=longest, salt=salt, plain=True)
    return {"upper": pc.utf8_upper, "lower": pc.utf8_lower}.get(encoding.letters, lambda values: values)(made)


def decode_text(codes: np.ndarray, encoding: TextEncoding, rng: np.random.Generator, rows: Rows | None = None) -> pa.Array:
    """New text for each code int64 (N,) that is not null.

    Args:
        rows: which rows of the table they are, so that what is distinct stays so where its digits leave room.
    """
    null = codes < int(encoding.has_null)
    size = int((~null).sum())
    if encoding.recipe is not None:
        made = _by_recipe(encoding, size, rng, rows and rows.only(~null))
    elif encoding.provider is not None:
        made = fake_values(encoding.provider, size, rng).cast(arrow_type(encoding.spark_type))
    else:
        tables = _tables(encoding)
        chosen = np.searchsorted(tables.before, rng.integers(tables.before[-1], size=size), side="right")
        apart = rows.only(~null) if rows is not None and encoding.distinct else None
        made = text_from_shapes(tables.shapes, chosen, rng, apart, Letters(encoding.upper, encoding.lower, encoding.sets, encoding.check))
    place = np.cumsum(~null) - 1
    return made.take(pa.array(place, mask=null))
