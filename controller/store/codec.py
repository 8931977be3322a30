"""Model values as JSON and back, driven by the type hints of the dataclasses themselves.

The forms, chosen so that a person can read the journal and a later version can add to it:

| value | JSON |
|---|---|
| dataclass | object of its fields; one that stands in a union also carries its tag |
| `LambdaSize(512)` | `{"kind": "lambda_function", "memory_mb": 512}`: sizes are a tagged union |
| `Hold(…)`, `Propose(…)` | tagged `"decision": "Hold"` … |
| a mutation | tagged `"step": "UpdateMemory"` … |
| `Missing("why")` | `{"missing": "why"}` |
| `EndpointKey` | its text form |
| enum | its value |
| infinite float | `"Infinity"`, `"-Infinity"`, since JSON has no such number; NaN is refused |

Decoding is strict: an unknown field, an absent field without a default, or a value of
another type raises `CodecError` with the path to it, because a journal that is half
understood is worse than one that is refused.
"""

import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, TypeAlias, TypeVar

from controller.model.change import PointAlias, PublishVersion, RemoveVersion, UpdateMemory
from controller.model.decision import Hold, Propose
from controller.model.endpoint import EndpointKey, Kind, LambdaLive
from controller.model.missing import Missing
from controller.model.sagemaker import RealtimeLive, ServerlessLive
from controller.model.sagemaker_steps import SageMakerStep
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size

T = TypeVar("T")
JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None


class CodecError(ValueError):
    """A value that cannot be written as JSON, or JSON that is not the value expected."""


class _Tag(NamedTuple):
    """The field that tells a union's members apart, and this member's word in it."""

    field: str
    word: str


_TAGS: Mapping[type, _Tag] = {
    LambdaSize: _Tag("kind", Kind.LAMBDA_FUNCTION.value),
    ServerlessSize: _Tag("kind", Kind.SERVERLESS_ENDPOINT.value),
    RealtimeSize: _Tag("kind", Kind.REALTIME_ENDPOINT.value),
    LambdaLive: _Tag("kind", Kind.LAMBDA_FUNCTION.value),
    ServerlessLive: _Tag("kind", Kind.SERVERLESS_ENDPOINT.value),
    RealtimeLive: _Tag("kind", Kind.REALTIME_ENDPOINT.value),
    Hold: _Tag("decision", "Hold"),
    Propose: _Tag("decision", "Propose"),
    UpdateMemory: _Tag("step", "UpdateMemory"),
    PublishVersion: _Tag("step", "PublishVersion"),
    PointAlias: _Tag("step", "PointAlias"),
    RemoveVersion: _Tag("step", "RemoveVersion"),
    **{step: _Tag("step", step.__name__) for step in typing.get_args(SageMakerStep)},
}
_INFINITIES: Mapping[str, float] = {"Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: object) -> JsonValue:
    """A model value (or a container of them) as plain JSON data. Raises CodecError."""
    match value:
        case Enum():
            return encode(value.value)
        case None | bool() | int() | str():
            return value
        case float():
            return _encode_float(value)
        case Missing(reason=reason):
            return {"missing": reason}
        case EndpointKey():
            return str(value)
        case Mapping():
            return {_encode_name(name): encode(item) for name, item in value.items()}
        case list() | tuple():
            return [encode(item) for item in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return _encode_dataclass(value)
    raise CodecError(f"a {type(value).__name__} has no form in JSON")


def decode_size(document: object) -> Size:
    """The size that a tagged `document` stands for. Raises CodecError."""
    return typing.cast(Size, _decode(Size, document, "Size"))


def decode(expected: type[T], document: object) -> T:
    """The value of type `expected` that `document` (parsed JSON) stands for. Raises CodecError."""
    return typing.cast(T, _decode(expected, document, expected.__name__))


def dumps(document: object) -> str:
    """JSON data as compact text with sorted keys: equal values give equal text."""
    try:
        return json.dumps(document, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, TypeError) as error:
        raise CodecError(f"not plain JSON data: {error}") from error


def loads(text: str) -> Any:
    """Parse JSON text. Raises CodecError."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise CodecError(f"not JSON: {error}") from error


def _refuse_constant(word: str) -> float:
    raise CodecError(f"{word} is not JSON")


def _encode_float(value: float) -> JsonValue:
    if math.isnan(value):
        raise CodecError("NaN is not a value; what is not known is Missing, with the reason")
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _encode_name(name: object) -> str:
    encoded = encode(name)
    if not isinstance(encoded, str):
        raise CodecError(f"a mapping's keys must be text, not {type(name).__name__}")
    return encoded


def _encode_dataclass(value: Any) -> dict[str, JsonValue]:
    document = {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    tag = _TAGS.get(type(value))
    return document if tag is None else {tag.field: tag.word, **document}


def _decode(expected: Any, document: object, path: str) -> object:
    origin = typing.get_origin(expected)
    if expected is Any:
        return document
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(expected), document, path)
    if origin is tuple:
        return _decode_tuple(typing.get_args(expected), document, path)
    if origin is not None and issubclass(origin, Mapping):
        return _decode_mapping(typing.get_args(expected), document, path)
    if expected is Missing:
        return _decode_missing(document, path)
    if expected is EndpointKey:
        return _built(EndpointKey.parse, _checked(str, document, path), path)
    if issubclass(expected, Enum):
        return _built(expected, document, path)
    if is_dataclass(expected):
        return _decode_dataclass(expected, document, path)
    return _decode_scalar(expected, document, path)


def _decode_union(members: Sequence[Any], document: object, path: str) -> object:
    if document is None and types.NoneType in members:
        return None
    if Missing in members and isinstance(document, dict) and document.keys() == {"missing"}:
        return _decode_missing(document, path)
    rest = [member for member in members if member not in (types.NoneType, Missing)]
    if len(rest) == 1:
        return _decode(rest[0], document, path)
    for member in rest:
        tag = _TAGS.get(member)
        if tag and isinstance(document, dict) and document.get(tag.field) == tag.word:
            return _decode_dataclass(member, document, path)
    names = ", ".join(getattr(member, "__name__", str(member)) for member in rest)
    raise CodecError(f"{path}: none of {names}")


def _decode_tuple(members: Sequence[Any], document: object, path: str) -> tuple[object, ...]:
    items = _checked(list, document, path)
    if len(members) == 2 and members[1] is Ellipsis:
        members = [members[0]] * len(items)
    if len(members) != len(items):
        raise CodecError(f"{path}: expected {len(members)} items, found {len(items)}")
    pairs = zip(members, items, strict=True)
    return tuple(_decode(kind, item, f"{path}[{at}]") for at, (kind, item) in enumerate(pairs))


def _decode_mapping(members: Sequence[Any], document: object, path: str) -> dict[object, object]:
    name_type, value_type = members
    return {
        _decode(name_type, name, path): _decode(value_type, item, f"{path}.{name}")
        for name, item in _checked(dict, document, path).items()
    }


def _decode_missing(document: object, path: str) -> Missing:
    fields_ = _checked(dict, document, path)
    if fields_.keys() != {"missing"}:
        raise CodecError(f"{path}: expected a missing value with its reason")
    return Missing(_checked(str, fields_["missing"], f"{path}.missing"))


def _decode_dataclass(expected: Any, document: object, path: str) -> object:
    items = dict(_checked(dict, document, path))
    tag = _TAGS.get(expected)
    if tag is not None and items.pop(tag.field, None) != tag.word:
        raise CodecError(f"{path}: {tag.field} is not {tag.word}")
    hints = _hints(expected)
    required = {field.name for field in fields(expected) if _required(field)}
    if unknown := items.keys() - hints.keys():
        raise CodecError(f"{path}: unknown field {min(unknown)}")
    if absent := required - items.keys():
        raise CodecError(f"{path}: {min(absent)} is absent")
    values = {name: _decode(hints[name], item, f"{path}.{name}") for name, item in items.items()}
    return expected(**values)


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _decode_scalar(expected: type, document: object, path: str) -> object:
    if expected is float and isinstance(document, str) and document in _INFINITIES:
        return _INFINITIES[document]
    if expected is float and type(document) is int:
        return float(document)
    return _checked(expected, document, path)


def _checked(expected: type[T], document: object, path: str) -> T:
    # `type(…) is` and not isinstance: True must not pass for the number 1
    if type(document) is not expected:
        raise CodecError(f"{path}: expected {expected.__name__}, found {type(document).__name__}")
    return document


def _built(build: Any, document: object, path: str) -> object:
    try:
        return build(document)
    except ValueError as error:
        raise CodecError(f"{path}: {error}") from error


@cache
def _hints(expected: type) -> Mapping[str, Any]:
    return typing.get_type_hints(expected)
