"""Values as attributes of items: keys that sort as numbers do, and texts within an item's size."""

import struct
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from controller.store import codec

Item: TypeAlias = dict[str, Any]
"""As the client has it: each value with its type, `{"S": …}`, `{"N": …}` or `{"B": …}`."""

PLAIN_BYTES = 1024
"""A longer text is compressed: a unit of write capacity is one kilobyte."""
MOST_BYTES = 350_000
"""Of one text in one item; AWS's limit of 400 KB counts names and keys too
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)."""


def key(partition: str, sort: str) -> Item:
    """An item's key."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def number(value: float) -> Item:
    """A number attribute that reads back as the same float or integer."""
    return {"N": repr(value)}


def ordered(value: float) -> str:
    """Sixteen hexadecimal digits that sort as the numbers do, negative and infinite ones too."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value + 0.0))
    return f"{bits ^ (0xFFFFFFFFFFFFFFFF if bits >> 63 else 1 << 63):016x}"


def ordinal(value: int) -> str:
    """A counting number that sorts as such."""
    return f"{value:012d}"


def packed(text: str) -> Item:
    """A text, compressed where that pays."""
    content = text.encode()
    return {"S": text} if len(content) <= PLAIN_BYTES else {"B": zlib.compress(content, 6)}


def unpacked(attribute: Mapping[str, Any]) -> str:
    """Inverse of `packed`."""
    if "S" in attribute:
        return str(attribute["S"])
    return zlib.decompress(attribute["B"]).decode()


def document(value: object) -> Item:
    """A model value, or plain data, as a packed JSON text. Raises CodecError."""
    return packed(codec.dumps(codec.encode(value)))


def parts(content: bytes) -> list[bytes]:
    """A long text in pieces, each small enough for an item; one empty piece for none."""
    return [content[at : at + MOST_BYTES] for at in range(0, max(1, len(content)), MOST_BYTES)]
