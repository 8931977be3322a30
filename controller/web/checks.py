"""What a health page shows: named checks, each with a verdict and a sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be so for the whole to be well."""

    ok: bool
    detail: str
    warning: bool = False
    """Well, but somebody should look: the page shows it without being asked for details."""


Checks: TypeAlias = Mapping[str, Check]
"""By name; all must be ok. None at all is not ok: nobody vouches for anything."""
ChecksProvider: TypeAlias = Callable[[], Checks]


def all_ok(checks: Checks) -> bool:
    """Whether every check passes, and there is at least one."""
    return bool(checks) and all(check.ok for check in checks.values())
