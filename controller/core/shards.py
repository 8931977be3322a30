"""Which part of the fleet is whose, where one process should not hold all of it.

Rendezvous hashing: an endpoint belongs to the shard whose hash together with its key is the
highest. Another shard takes over only what it must: with one shard more, of n, one endpoint
in n + 1 moves (https://doi.org/10.1109/90.663936).
"""

import re
from dataclasses import dataclass
from hashlib import blake2b

from controller.model.endpoint import EndpointKey

_TEXT = re.compile(r"(?:(\d{1,4})|auto)/(\d{1,4})")
_ORDINAL = re.compile(r".*-(\d{1,4})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One part of several; ordinals begin at 0, as those of a StatefulSet's pods do."""

    ordinal: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError("there must be at least one shard")
        if not 0 <= self.ordinal < self.count:
            raise ValueError(f"of {self.count} shards the last is {self.count - 1}/{self.count}")

    def __str__(self) -> str:
        return f"{self.ordinal}/{self.count}"

    def has(self, key: EndpointKey) -> bool:
        """Whether an endpoint is this shard's."""
        return owner(key, self.count) == self.ordinal


WHOLE = Shard()
"""All endpoints: where one process keeps them."""


def owner(key: EndpointKey, count: int) -> int:
    """The ordinal of the one shard, of so many, that an endpoint belongs to."""
    return max(range(count), key=lambda ordinal: (_weight(key, ordinal), ordinal))


def _weight(key: EndpointKey, ordinal: int) -> bytes:
    # the same in every process and version: Python's own hash is salted
    return blake2b(f"{ordinal}:{key}".encode(), digest_size=8).digest()


def parse_shard(text: str, host: str) -> Shard:
    """`1/3`, or `auto/3` for the number at the end of the host's name. Raises ValueError."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not ORDINAL/COUNT, such as 0/3, nor auto/COUNT")
    ordinal = found[1]
    if ordinal is None:
        named = _ORDINAL.fullmatch(host)
        if named is None:
            raise ValueError(f"the host's name {host!r} does not end in an ordinal, such as -0")
        ordinal = named[1]
    return Shard(int(ordinal), int(found[2]))
