"""What a model demands of values: required members, lengths, ranges, enums, patterns.

botocore checks required members and minimums on the client's side, and neither maximums nor
enums nor patterns; AWS checks them all. Two forms, for speed: `compiled_check` gives a quick
yes or no without remembering where it is, and `violations` says in AWS's own words what is
wrong, and is asked only after a no.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from controller.sandbox.wire.patterns import compiled_pattern

Check = Callable[[Any], bool]

_SIZED = frozenset({"string", "blob", "list", "map", "character"})
_NUMERIC = frozenset({"integer", "long", "float", "double"})


class ConstraintChecker:
    """Compiles shapes into quick checks."""

    def __init__(self) -> None:
        self._structures: dict[str, Check] = {}

    def compiled_check(self, shape: Shape) -> Check | None:
        """A function that is True for allowed values, or None where anything is allowed."""
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        own = _own_check(shape)
        if isinstance(shape, ListShape):
            return _both(own, _every(self.compiled_check(shape.member)))
        if isinstance(shape, MapShape):
            keys = self.compiled_check(shape.key)
            values = self.compiled_check(shape.value)
            return _both(own, _both(_on_keys(keys), _on_values(values)))
        return own

    def _structure(self, shape: StructureShape) -> Check:
        known = self._structures.get(shape.name)
        if known is not None:
            return known
        required = tuple(shape.required_members)
        checks: dict[str, Check] = {}

        def check(value: Mapping[str, Any]) -> bool:
            for name in required:
                if name not in value:
                    return False
            if shape.is_tagged_union and len(value) != 1:
                return False
            for name, item in value.items():
                member_check = checks.get(name)
                if member_check is not None and not member_check(item):
                    return False
            return True

        self._structures[shape.name] = check
        for name, member in shape.members.items():
            member_check = self.compiled_check(member)
            if member_check is not None:
                checks[name] = member_check
        return check


def _both(first: Check | None, second: Check | None) -> Check | None:
    if first is None or second is None:
        return second if first is None else first
    return lambda value: first(value) and second(value)


def _every(check: Check | None) -> Check | None:
    return None if check is None else lambda items: all(map(check, items))


def _on_keys(check: Check | None) -> Check | None:
    return None if check is None else lambda items: all(map(check, items))


def _on_values(check: Check | None) -> Check | None:
    return None if check is None else lambda items: all(map(check, items.values()))


def _own_check(shape: Shape) -> Check | None:
    """The shape's own demands, without its members; most shapes have none."""
    demands = shape.metadata
    check: Check | None = None
    if "min" in demands or "max" in demands:
        low = demands.get("min", -math.inf)
        high = demands.get("max", math.inf)
        if shape.type_name in _NUMERIC:
            check = _both(check, lambda value: low <= value <= high)
        elif shape.type_name in _SIZED:
            check = _both(check, lambda value: low <= len(value) <= high)
    if demands.get("enum"):
        check = _both(check, frozenset(demands["enum"]).__contains__)
    if demands.get("pattern") and shape.type_name == "string":
        regex = compiled_pattern(demands["pattern"])
        if regex is not None:
            matches = regex.fullmatch
            check = _both(check, lambda value: matches(value) is not None)
    return check


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """What is wrong with a value, one sentence per violation, as AWS would say it."""
    if isinstance(shape, StructureShape):
        yield from _structure_violations(shape, value, path)
        return
    for demand in _own_violations(shape, value):
        yield f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: {demand}"
    if isinstance(shape, ListShape):
        for place, item in enumerate(value, start=1):
            yield from violations(shape.member, item, f"{path}.{place}.member")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, item, f"{path}.{key}.member")


def _structure_violations(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if name not in value:
            yield (
                f"Value null at '{prefix}{_lower_first(name)}' failed to satisfy constraint: "
                "Member must not be null"
            )
    if shape.is_tagged_union and len(value) != 1:
        yield f"Value at '{path}' failed to satisfy constraint: exactly one member must be set"
    for name, item in value.items():
        yield from violations(shape.members[name], item, prefix + _lower_first(name))


def _own_violations(shape: Shape, value: Any) -> Iterator[str]:
    demands = shape.metadata
    if shape.type_name in _NUMERIC:
        yield from _bound_violations(demands, value, "value")
    elif shape.type_name in _SIZED:
        yield from _bound_violations(demands, len(value), "length")
    enum = demands.get("enum")
    if enum and value not in enum:
        yield f"Member must satisfy enum value set: [{', '.join(enum)}]"
    pattern = demands.get("pattern")
    if pattern and shape.type_name == "string":
        regex = compiled_pattern(pattern)
        if regex is not None and regex.fullmatch(value) is None:
            yield f"Member must satisfy regular expression pattern: {pattern}"


def _bound_violations(demands: Mapping[str, Any], number: float, word: str) -> Iterator[str]:
    low, high = demands.get("min"), demands.get("max")
    if low is not None and number < low:
        yield f"Member must have {word} greater than or equal to {low}"
    if high is not None and number > high:
        yield f"Member must have {word} less than or equal to {high}"


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else text[:200] + "..."
