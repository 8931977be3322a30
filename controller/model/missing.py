"""A value that is not there, and why: never 0, None or NaN."""

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Missing:
    """No value, with the reason in words that a person can act on."""

    reason: str

    def __bool__(self) -> bool:
        raise TypeError("a Missing has no truth value; test with isinstance(x, Missing)")


Maybe: TypeAlias = T | Missing


def known(value: Maybe[T]) -> T | None:
    """The value, or None where it is missing: for callers that only branch on presence."""
    return None if isinstance(value, Missing) else value
