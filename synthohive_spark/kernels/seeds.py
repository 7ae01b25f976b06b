"""Randomness is a function of identity: names and block numbers, never positions, partitions or attempts."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *parts: str | int) -> int:
    """A 63-bit seed for what `parts` name; stable over processes and versions (BLAKE2b), unlike Python's `hash`."""
    text = "\x1f".join([str(seed), *(str(p) for p in parts)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *parts: str | int) -> np.random.Generator:
    """A counter-based generator (Philox) for what `parts` name; about 10 us, so one per block of rows, not one per row."""
    return np.random.Generator(np.random.Philox(key=derive_seed(seed, *parts)))
