"""What is wrong with a policy file, where, and what was probably meant.

Everything the package has to say to a person is a `PolicyProblem`; a load that met
at least one of severity `error` raises them all together as `PolicyInvalid`.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LONGEST_SHOWN = 60
"""Characters of the user's own text repeated in a message."""

MOST_PROBLEMS_PER_FILE = 100
"""After so many the file is not a policy file with mistakes, but something else."""

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class PolicyProblem:
    """One mistake. `str` gives `file:line:column: path: message; hint`."""

    file: str
    line: int | None
    """1-based; None where the whole file is meant."""
    column: int | None
    """1-based, in characters."""
    path: str
    """`spec.slo.window`, `spec.changeWindows[0].days`; empty where no field is meant."""
    message: str
    hint: str | None = None
    """What was probably meant."""
    severity: Severity = "error"

    def __str__(self) -> str:
        place = [self.file, *(str(n) for n in (self.line, self.column) if n is not None)]
        path = f"{self.path}: " if self.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{':'.join(place)}: {path}{self.message}{hint}"

    @property
    def order(self) -> tuple[str, int, int, str]:
        """Sort key: by file, then by position."""
        return (self.file, self.line or 0, self.column or 0, self.path)


class PolicyInvalid(Exception):  # noqa: N818  (reads as what it says: the policies are invalid)
    """The policies cannot be used. `problems` holds every error found, in order of position."""

    def __init__(self, problems: Iterable[PolicyProblem]) -> None:
        self.problems: tuple[PolicyProblem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SpecValueError(ValueError):
    """A value is not what its field takes: raised by parsers, made a problem by the loader.

    pydantic carries it through because it is a ValueError.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotTextError(SpecValueError):
    """A number or a truth value stands where text is wanted: quotes are missing."""


def shown(value: object) -> str:
    """The user's value as a message repeats it: quoted, printable, cut short."""
    text = value if isinstance(value, str) else _literal(value)
    cut = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    safe = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f'"{safe}"' if isinstance(value, str) else safe


def out_of_range(value: object, must: str, hint: str | None = None) -> SpecValueError:
    """Of what is written as it should be, and is too little or too much: `must` says what it may
    be, as `be between 5m and 14d`."""
    return SpecValueError(f"{shown(value)} is out of range: must {must}", hint)


def is_negative(value: object) -> bool:
    """Whether a text begins as a negative number does."""
    return isinstance(value, str) and re.match(r"\s*-\s*[0-9]", value) is not None


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    return "nothing" if value is None else str(value)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant: equal but for case and dashes, or a few letters off.

    Long words are not compared: difflib takes quadratic time and a hostile key is long.
    """
    if len(word) > LONGEST_SHOWN:
        return None
    plain = {_plain(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """`did you mean "window"?`, or None."""
    match = nearest(word, known)
    return None if match is None else f'did you mean "{match}"?'


def _plain(word: str) -> str:
    return "".join(c for c in word.casefold() if c not in "_- .")


def ordered(problems: Iterable[PolicyProblem]) -> tuple[PolicyProblem, ...]:
    """Sorted by position, at most `MOST_PROBLEMS_PER_FILE` per file, without repetitions."""
    kept: list[PolicyProblem] = []
    per_file: dict[str, int] = {}
    for problem in sorted(dict.fromkeys(problems), key=lambda p: p.order):
        count = per_file[problem.file] = per_file.get(problem.file, 0) + 1
        if count <= MOST_PROBLEMS_PER_FILE:
            kept.append(problem)
    for file, count in per_file.items():
        if count > MOST_PROBLEMS_PER_FILE:
            more = count - MOST_PROBLEMS_PER_FILE
            kept.append(PolicyProblem(file, None, None, "", f"{more} more problems in this file"))
    return tuple(kept)
