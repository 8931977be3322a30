"""A handler's values into what an encoder (JSON or CBOR) takes, by botocore's shapes.

The other half of `document_reader`, compiled in the same way. Writing is strict: a member
that the model lacks, or a value of a wrong type, is a mistake of a handler, and raises
TypeError.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from controller.sandbox.wire.document_reader import Convert, as_it_is, wire_name_of
from controller.sandbox.wire.timestamps import timestamp_writer


class DocumentWriter:
    """Compiles shapes into functions from a handler's values to what an encoder takes.

    write_time: gives, for the style the model names (or ""), what writes a timestamp;
    write_blob: what bytes become; write_number: what a float becomes.
    """

    def __init__(
        self, write_time: Callable[[str], Convert], write_blob: Convert, write_number: Convert
    ) -> None:
        self._write_time = write_time
        self._write_blob = write_blob
        self._write_number = write_number
        self._structures: dict[str, Convert] = {}

    def compiled(self, shape: Shape) -> Convert:
        """The function that writes this shape."""
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return _list_writer(self.compiled(shape.member))
        if isinstance(shape, MapShape):
            return _map_writer(self.compiled(shape.value))
        return self._scalar(shape)

    def _scalar(self, shape: Shape) -> Convert:
        if shape.type_name == "timestamp":
            return self._write_time(str(shape.serialization.get("timestampFormat", "")))
        if shape.type_name == "blob":
            return self._write_blob
        if shape.type_name in ("float", "double"):
            return self._write_number
        return _SCALAR_WRITERS[shape.type_name]

    def _structure(self, shape: StructureShape) -> Convert:
        if shape.is_document_type:
            return as_it_is
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        members: dict[str, tuple[str, Convert]] = {}

        def write(value: Any) -> dict[str, Any]:
            out: dict[str, Any] = {}
            for name, item in value.items():
                if item is not None:
                    entry = members.get(name)
                    if entry is None:
                        raise TypeError(f"{shape.name} has no member {name!r}")
                    out[entry[0]] = entry[1](item)
            return out

        self._structures[shape.name] = write
        for name, member in shape.members.items():
            members[name] = (wire_name_of(member, name), self.compiled(member))
        return write


def _list_writer(item_writer: Convert) -> Convert:
    def write(value: Any) -> list[Any]:
        if isinstance(value, (str, bytes, Mapping)):
            raise TypeError(f"a list is expected, not {value!r}")
        return list(map(item_writer, value))

    return write


def _map_writer(value_writer: Convert) -> Convert:
    def write(value: Any) -> dict[str, Any]:
        return {str(key): value_writer(item) for key, item in value.items()}

    return write


def _write_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"a string is expected, not {value!r}")


def _write_integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    raise TypeError(f"an integer is expected, not {value!r}")


def _write_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError(f"a boolean is expected, not {value!r}")


def write_json_number(value: Any) -> float | str:
    """A float; what JSON has no number for is spelt out."""
    number = float(value)
    if number - number == 0.0:  # finite, and quicker than asking math
        return number
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


_SCALAR_WRITERS: Mapping[str, Convert] = {
    "string": _write_text,
    "character": _write_text,
    "integer": _write_integer,
    "long": _write_integer,
    "boolean": _write_flag,
}


def json_writer() -> DocumentWriter:
    """A writer for JSON bodies: epoch seconds unless the model says else, blobs in base64."""
    return DocumentWriter(
        timestamp_writer,
        lambda value: base64.b64encode(bytes(value)).decode("ascii"),
        write_json_number,
    )
