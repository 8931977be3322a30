"""Single values as text: in paths, query strings, headers, forms and XML."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from botocore.model import ListShape, Shape

from controller.sandbox.wire.document_writer import write_json_number
from controller.sandbox.wire.malformed import MalformedError
from controller.sandbox.wire.timestamps import read_timestamp, timestamp_writer


def read_scalar_text(shape: Shape, text: str) -> Any:
    """A value of the shape's type out of text. Raises MalformedError."""
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as problem:
        raise MalformedError(f"STRING_VALUE can not be converted to {kind.title()}") from problem
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise MalformedError("STRING_VALUE can not be converted to Boolean")
        return text.lower() == "true"
    if kind == "timestamp":
        return read_timestamp(text)
    if isinstance(shape, ListShape):
        return [read_scalar_text(shape.member, part.strip()) for part in text.split(",")]
    return text


def scalar_to_text(shape: Shape, value: Any, time_style: str) -> str:
    """Text for a value; timestamps in `time_style` unless the model names another."""
    kind = shape.type_name
    if kind == "timestamp":
        style = str(shape.serialization.get("timestampFormat", time_style))
        return str(timestamp_writer(style)(value))
    if kind == "boolean":
        return "true" if value else "false"
    if kind in ("float", "double"):
        return str(write_json_number(value))
    if kind == "blob":
        return base64.b64encode(value).decode("ascii")
    if shape.serialization.get("jsonvalue"):
        return base64.b64encode(json.dumps(value).encode()).decode("ascii")
    if isinstance(shape, ListShape):
        return ",".join(scalar_to_text(shape.member, item, time_style) for item in value)
    return str(value)
