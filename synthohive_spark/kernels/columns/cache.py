"""What encoding and decoding derive from a fitted encoding (or lookup) is derived once per process, not once per block."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, TypeVar

from ...spec.base import Spec

E = TypeVar("E", bound=Spec)
T = TypeVar("T")

KEPT = 128  # encodings: a wide table and its parent; a text column of 300,000 values holds some 10 MB


class _Identity(Generic[E]):
    """Compares by identity: hashing 300,000 values would cost more than what is kept. It holds the encoding, so that the id stays taken."""

    __slots__ = ("encoding",)

    def __init__(self, encoding: E) -> None:
        self.encoding = encoding

    def __hash__(self) -> int:
        return id(self.encoding)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.encoding is other.encoding


def once_per_encoding(function: Callable[[E], T]) -> Callable[[E], T]:
    """Decorate a function of an encoding so that the last results are kept, by the encoding's identity."""
    kept = lru_cache(maxsize=KEPT)(lambda key: function(key.encoding))

    def cached(encoding: E) -> T:
        return kept(_Identity(encoding))

    return cached
