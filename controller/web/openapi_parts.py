"""What JSON Schemas of the API's answers are put together from."""

from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]


def ref(name: str) -> Json:
    """A shape by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def many(item: Json) -> Json:
    """A list of a shape."""
    return {"type": "array", "items": item}


def maybe(kind: str) -> Json:
    """A value of a kind, or null."""
    return {"type": [kind, "null"]}


def holding(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Json:
    """An object by the fields it always has, and those that it may have."""
    return {
        "type": "object",
        "required": [*required],
        "properties": {**required, **(optional or {})},
    }


def or_missing(shape: Json) -> Json:
    """A shape, or why there is none."""
    return {"anyOf": [shape, ref("Missing")]}


TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
WHOLE: Json = {"type": "integer"}
FLAG: Json = {"type": "boolean"}
TIME: Json = {"type": "string", "format": "date-time"}
TIME_OR_NULL: Json = {"type": ["string", "null"], "format": "date-time"}
COUNTS: Json = {"type": "object", "additionalProperties": {"type": "integer"}}
