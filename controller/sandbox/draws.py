"""Randomness that depends on what is drawn for, never on when or in which order.

Every random quantity of the world comes from a generator keyed by the world's seed and
the thing's own name (function, hour, purpose). Reading metrics twice, in another order, or
in another process gives the same numbers; nothing here is global.
"""

import hashlib

import numpy as np

Key = str | int


def key_of(*parts: Key) -> int:
    """A 128-bit key for the given names; equal names give equal keys in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(*parts: Key) -> np.random.Generator:
    """A fresh counter-based generator for the given names."""
    return np.random.Generator(np.random.Philox(key=key_of(*parts)))


def uniform(*parts: Key) -> float:
    """One number in [0, 1) for the given names, without the cost of a generator."""
    return (key_of(*parts) >> 64) / 2.0**64


def hex_id(*parts: Key) -> str:
    """A UUID-shaped identifier for the given names."""
    digits = f"{key_of(*parts):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
