"""Values of Faker providers (names, addresses, numbers of cards), from pools that are made once per process."""

from __future__ import annotations

import random
from collections.abc import Collection
from functools import lru_cache

import numpy as np
import pyarrow as pa
from faker import Faker

from ..spec.column_names import kind_of
from ..spec.encoding import ColumnHint
from ..spec.metadata import Table
from .seeds import derive_seed

POOL = 2_000  # values: Faker makes some 30,000 a second
POOLS = 32  # per provider: 64,000 values can occur, each block of rows draws from one pool


# Parts of column names, most telling first, and the provider that they stand for.
_PROVIDERS = {
    "email": "email",
    "phone": "phone_number",
    "fax": "phone_number",
    "mobile": "phone_number",
    "firstname": "first_name",
    "givenname": "first_name",
    "lastname": "last_name",
    "surname": "last_name",
    "familyname": "last_name",
    "username": "user_name",
    "login": "user_name",
    "company": "company",
    "street": "street_address",
    "address": "address",
    "city": "city",
    "postal": "postcode",
    "postcode": "postcode",
    "zip": "postcode",
    "country": "country",
    "iban": "iban",
    "creditcard": "credit_card_number",
    "cardnumber": "credit_card_number",
    "ssn": "ssn",
    "ipaddress": "ipv4",
    "url": "url",
    "name": "name",
}


def provider_for(column: str) -> str | None:
    """The provider that a column's name stands for; None where it tells nothing, and text of the same shape is made."""
    plain = "".join(c for c in column.lower() if c.isalnum())
    return next((provider for part, provider in _PROVIDERS.items() if part in plain), None)


def with_kind(hint: ColumnHint, table: Table, pointed: Collection[str]) -> ColumnHint:
    """The hint with what the names of column and table tell of its text.

    Args:
        pointed: columns of the table that foreign keys point at. Keys say nothing: parts of keys are moved among the values that they have.
    """
    if hint.kind == "text":
        return hint if hint.provider is not None else hint.model_copy(update={"provider": provider_for(hint.name)})
    if hint.name in table.key_columns or hint.name in pointed or hint.spark_type != "string":
        return hint
    return hint.model_copy(update={"likely": kind_of(hint.name, table.name)})


def fake_values(provider: str, size: int, rng: np.random.Generator) -> pa.Array:
    """`size` strings of the provider; all randomness comes from `rng`."""
    pool = _pool(provider, int(rng.integers(POOLS)))
    return pool.take(pa.array(rng.integers(len(pool), size=size)))


@lru_cache(maxsize=256)
def _pool(provider: str, number: int) -> pa.Array:
    generator = Faker(use_weighting=False)
    # An own `random.Random`: `Faker.seed` would touch the generator that all instances share.
    generator.seed_instance(random.Random(derive_seed(number, provider)).getrandbits(63))
    make = getattr(generator, provider)
    return pa.array([str(make()) for _ in range(POOL)])
