"""A policy document: what it allows and denies. After IAM's User Guide, "Policy evaluation
logic" and "IAM JSON policy elements".

Only what identity policies need is here; an element or operator that is not known is refused
when the document is read, for a test that passes by overlooking a condition proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}


class DocumentError(ValueError):
    """The document says something that this evaluator does not understand."""


@dataclass(frozen=True, slots=True)
class Access:
    """One action on one resource, with what conditions may ask about.

    resource: an ARN, or `*` where the action knows no resources; keys: condition keys and
    their values, such as `aws:ResourceTag/team`; a key that is not there fails its test.
    """

    action: str
    resource: str
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, its lists always lists."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    but_actions: tuple[str, ...] = ()
    but_resources: tuple[str, ...] = ()

    def covers(self, access: Access) -> bool:
        """Whether it speaks of this access, allowing or denying it."""
        return (
            self._of_action(access.action)
            and self._of_resource(access.resource)
            and all(_holds(*condition, access.keys) for condition in self.conditions)
        )

    def _of_action(self, action: str) -> bool:
        if self.but_actions:
            return not any(_alike(one.lower(), action.lower()) for one in self.but_actions)
        return any(_alike(one.lower(), action.lower()) for one in self.actions)

    def _of_resource(self, resource: str) -> bool:
        if self.but_resources:
            return not any(_alike(one, resource) for one in self.but_resources)
        # an action without resources is matched by `*` alone
        return any(one == "*" or _alike_arn(one, resource) for one in self.resources)


@dataclass(frozen=True, slots=True)
class Document:
    """Statements in their order."""

    statements: tuple[Statement, ...]

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Document:
        """From IAM's JSON. Raises DocumentError."""
        if content.get("Version") != "2012-10-17":
            raise DocumentError("only Version 2012-10-17 knows variables and wildcards as here")
        return cls(tuple(_statement(one) for one in _listed(content["Statement"])))


def _statement(content: Mapping[str, Any]) -> Statement:
    unknown = content.keys() - _ELEMENTS
    if unknown:
        raise DocumentError(f"{', '.join(sorted(unknown))} is not understood here")
    if content.get("Effect") not in ("Allow", "Deny"):
        raise DocumentError("Effect is Allow or Deny")
    conditions = [
        (_known(operator), key, tuple(_listed(values)))
        for operator, tests in content.get("Condition", {}).items()
        for key, values in tests.items()
    ]
    return Statement(
        sid=content.get("Sid", ""),
        allows=content["Effect"] == "Allow",
        actions=tuple(_listed(content.get("Action", []))),
        resources=tuple(_listed(content.get("Resource", []))),
        conditions=tuple(conditions),
        but_actions=tuple(_listed(content.get("NotAction", []))),
        but_resources=tuple(_listed(content.get("NotResource", []))),
    )


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """IAM's wildcards: `*` is any text, colons and slashes among it, `?` one character."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in text)
    return re.compile("".join(parts), re.DOTALL)


def _alike(pattern: str, text: str) -> bool:
    return _pattern(pattern).fullmatch(text) is not None


def _alike_arn(pattern: str, arn: str) -> bool:
    """By the six parts of an ARN: a wildcard in one does not reach into the next."""
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(found) == 6 and all(map(_alike, wanted, found))


def _equal(wanted: str, found: str) -> bool:
    return wanted == found


def _equal_ignoring_case(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "StringEquals": _equal,
    "StringEqualsIgnoreCase": _equal_ignoring_case,
    "StringLike": _alike,
    "ArnEquals": _alike_arn,
    "ArnLike": _alike_arn,
    "Bool": _equal_ignoring_case,
}
_IF_EXISTS, _NOT = "IfExists", {"StringNotEquals": "StringEquals", "StringNotLike": "StringLike",
                                "ArnNotEquals": "ArnEquals", "ArnNotLike": "ArnLike"}  # fmt: skip


def _known(operator: str) -> str:
    plain = operator.removesuffix(_IF_EXISTS)
    if plain not in _OPERATORS and plain not in _NOT and plain != "Null":
        raise DocumentError(f"the operator {operator} is not understood here")
    return operator


def _holds(operator: str, key: str, values: Iterable[str], keys: Mapping[str, str]) -> bool:
    """One test. Keys are compared without regard to case, but for a tag's own name."""
    plain = operator.removesuffix(_IF_EXISTS)
    found = _value(key, keys)
    if plain == "Null":
        return any((str(value).lower() == "true") is (found is None) for value in values)
    if found is None:
        return operator.endswith(_IF_EXISTS) or plain in _NOT
    test = _OPERATORS[_NOT.get(plain, plain)]
    any_of = any(test(str(value), found) for value in values)
    return not any_of if plain in _NOT else any_of


def _value(key: str, keys: Mapping[str, str]) -> str | None:
    name, slash, tag = key.partition("/")
    for one, value in keys.items():
        other, _, other_tag = one.partition("/")
        if other.lower() == name.lower() and (not slash or other_tag == tag):
            return value
    return None


def decide(documents: Iterable[Document], access: Access) -> tuple[bool, tuple[Statement, ...]]:
    """(allowed?, statements that speak of it). One that denies outweighs all that allow."""
    speaking = tuple(s for d in documents for s in d.statements if s.covers(access))
    denied = any(not one.allows for one in speaking)
    return bool(speaking) and not denied, speaking
