"""Structured documents (JSON and CBOR) into Python values, by botocore's shapes.

A shape is compiled once into a chain of small functions, then applied to many documents:
a GetMetricData call holds thousands of nodes, and walking the model for each of them would
cost more than all the rest of the sandbox.

Reading turns wire names into member names, epoch numbers into datetimes and base64 into
bytes; it ignores members it does not know and takes null as absent, as AWS does, and raises
`MalformedError` on a wrong type. Whether values are allowed is asked elsewhere (`constraints`).
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.timestamps import read_timestamp

Convert = Callable[[Any], Any]

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read_text(value: Any) -> str:
    """A string, and nothing that merely looks like one."""
    if isinstance(value, str):
        return value
    raise MalformedError(f"{_kind(value)} can not be converted to a String")


def read_integer(value: Any) -> int:
    """A whole number; 512.0 is one, true is not."""
    if value.__class__ is int:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise MalformedError(f"{_kind(value)} can not be converted to an Integer")


def read_number(value: Any) -> float:
    """A number; NaN and the infinities are spelt as strings in JSON."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    raise MalformedError(f"{_kind(value)} can not be converted to a Double")


def read_flag(value: Any) -> bool:
    """true or false."""
    if isinstance(value, bool):
        return value
    raise MalformedError(f"{_kind(value)} can not be converted to a Boolean")


def read_blob(value: Any) -> bytes:
    """Bytes: as they are in CBOR, base64 in JSON."""
    if isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(read_text(value), validate=True)
    except binascii.Error as problem:
        raise MalformedError("a blob is not valid base64") from problem


def _kind(value: Any) -> str:
    names = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "STRING", list: "LIST"}
    return names.get(type(value), "STRUCTURE") + "_VALUE"


_SCALAR_READERS: Mapping[str, Convert] = {
    "string": read_text,
    "character": read_text,
    "integer": read_integer,
    "long": read_integer,
    "float": read_number,
    "double": read_number,
    "boolean": read_flag,
    "blob": read_blob,
    "timestamp": read_timestamp,
}


class DocumentReader:
    """Compiles shapes into functions from a decoded document to Python values."""

    def __init__(self) -> None:
        self._structures: dict[str, Convert] = {}

    def compiled(self, shape: Shape) -> Convert:
        """The function that reads this shape; recursion in a model is fine."""
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return _list_reader(self.compiled(shape.member))
        if isinstance(shape, MapShape):
            return _map_reader(self.compiled(shape.key), self.compiled(shape.value))
        return _SCALAR_READERS[shape.type_name]

    def _structure(self, shape: StructureShape) -> Convert:
        if shape.is_document_type:
            return as_it_is
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Convert]] = {}

        def read(value: Any) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise MalformedError("Start of structure or map found where not expected")
            out: dict[str, Any] = {}
            for wire_name, item in value.items():
                entry = members.get(wire_name)
                if entry is not None and item is not None:
                    out[entry[0]] = entry[1](item)
            return out

        self._structures[shape.name] = read
        for name, member in shape.members.items():
            members[wire_name_of(member, name)] = (name, self.compiled(member))
        return read


def _list_reader(item_reader: Convert) -> Convert:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise MalformedError("Expected list or null")
        if item_reader is read_text and all(item.__class__ is str for item in value):
            return value
        return [item_reader(item) for item in value]

    return read


def _map_reader(key_reader: Convert, value_reader: Convert) -> Convert:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise MalformedError("Expected map or null")
        return {key_reader(key): value_reader(item) for key, item in value.items()}

    return read


def wire_name_of(member: Shape, name: str) -> str:
    """The name of a member on the wire: its locationName, or its own."""
    return str(member.serialization.get("name", name))


def as_it_is(value: Any) -> Any:
    """A document type is any JSON value; it is passed on."""
    return value
