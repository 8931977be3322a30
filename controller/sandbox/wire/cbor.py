"""CBOR (RFC 8949), as much of it as Smithy's RPC v2 protocol uses.

Definite and indefinite lengths are read, definite ones are written. Tag 1 is a timestamp.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.timestamps import read_timestamp

_BREAK = 0xFF
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Timestamp:
    """Epoch seconds that are to be written as a time."""

    epoch_s: float


def encode(value: Any) -> bytes:
    """A tree of str, int, float, bool, None, bytes, Timestamp, list and dict as CBOR."""
    out = bytearray()
    _encode_into(out, value)
    return bytes(out)


def _encode_into(out: bytearray, value: Any) -> None:
    if isinstance(value, bool) or value is None:
        out.append({True: 0xF5, False: 0xF4, None: 0xF6}[value])
    elif isinstance(value, int):
        _head(out, 0 if value >= 0 else 1, value if value >= 0 else -1 - value)
    elif isinstance(value, float):
        out.append(0xFB)
        out += struct.pack(">d", value)
    elif isinstance(value, str):
        text = value.encode()
        _head(out, 3, len(text))
        out += text
    elif isinstance(value, (bytes, bytearray)):
        _head(out, 2, len(value))
        out += value
    else:
        _encode_container(out, value)


def _encode_container(out: bytearray, value: Any) -> None:
    if isinstance(value, list):
        _head(out, 4, len(value))
        for item in value:
            _encode_into(out, item)
    elif isinstance(value, Mapping):
        _head(out, 5, len(value))
        for key, item in value.items():
            _encode_into(out, key)
            _encode_into(out, item)
    elif isinstance(value, Timestamp):
        _head(out, 6, 1)
        _encode_into(out, value.epoch_s)
    else:
        raise TypeError(f"CBOR has no form for {value!r}")


def _head(out: bytearray, major: int, number: int) -> None:
    if number < 24:
        out.append(major << 5 | number)
        return
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            out.append(major << 5 | info)
            out += number.to_bytes(size, "big")
            return
    raise TypeError(f"{number} is too large for CBOR")


def decode(data: bytes) -> Any:
    """The one item that `data` holds. Raises MalformedError for anything else."""
    cursor = _Cursor(data)
    try:
        value = cursor.item(0)
    except (IndexError, struct.error, UnicodeDecodeError) as problem:
        raise MalformedError("the body is not valid CBOR") from problem
    if cursor.at != len(data):
        raise MalformedError("the body holds more than one CBOR item")
    return value


class _Cursor:
    """A place in the data, and how to read an item from there."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def item(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise MalformedError("the body is nested too deeply")
        first = self._take(1)[0]
        major, info = first >> 5, first & 31
        if major in (0, 1):
            number = self._number(info)
            return number if major == 0 else -1 - number
        if major in (2, 3):
            raw = self._bytes(info)
            return raw if major == 2 else raw.decode()
        if major == 4:
            return [self.item(depth + 1) for _ in self._places(info)]
        if major == 5:
            return self._map(info, depth)
        if major == 6:
            return self._tagged(info, depth)
        return self._simple(info)

    def _take(self, count: int) -> bytes:
        taken = self._data[self.at : self.at + count]
        if len(taken) != count:
            raise MalformedError("the body ends in the middle of a CBOR item")
        self.at += count
        return taken

    def _number(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise MalformedError("the body is not valid CBOR")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _places(self, info: int) -> Any:
        """As many rounds as a container has items."""
        if info != 31:
            yield from range(self._number(info))
            return
        while self._data[self.at] != _BREAK:
            yield None
        self.at += 1

    def _bytes(self, info: int) -> bytes:
        if info != 31:
            return self._take(self._number(info))
        return b"".join(self._take(self._number(self._take(1)[0] & 31)) for _ in self._places(31))

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for _ in self._places(info):
            key = self.item(depth + 1)
            if not isinstance(key, str):
                raise MalformedError("a CBOR map has a key that is no string")
            out[key] = self.item(depth + 1)
        return out

    def _tagged(self, info: int, depth: int) -> Any:
        tag = self._number(info)
        value = self.item(depth + 1)
        return read_timestamp(value) if tag == 1 else value

    def _simple(self, info: int) -> Any:
        if info in _SIMPLE:
            return _SIMPLE[info]
        if info in _FLOATS:
            layout, size = _FLOATS[info]
            return struct.unpack(layout, self._take(size))[0]
        raise MalformedError("the body holds an unsupported CBOR simple value")
