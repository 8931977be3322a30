"""The models' regular expressions, made readable for Python.

They are written for Java. Unicode classes are widened a little where Python has none
(`\\p{L}` and `\\p{N}` become `\\w`); a pattern that still does not compile is not enforced.
"""

from __future__ import annotations

import re
import warnings
from functools import cache

_SPACES = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_JAVA_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\w",
    r"\p{M}": r"\u0300-\u036f",
    r"\p{Z}": _SPACES,
    r"\p{Zs}": _SPACES,
    r"\p{ASCII}": r"[\x00-\x7f]",
    r"\p{Print}": r"[\x20-\x7e]",
    r"\p{Alnum}": r"[0-9A-Za-z]",
    r"\w-": r"\w\-",
    r"\z": r"\Z",
}
_JAVA_CLASS = re.compile("|".join(re.escape(name) for name in _JAVA_CLASSES))
_BRACKETS = re.compile(r"\[(?:\\.|[^\]\\])*\]")


@cache
def compiled_pattern(pattern: str) -> re.Pattern[str] | None:
    """A model's pattern for `fullmatch`, or None where Python cannot have it."""
    inside = _BRACKETS.sub(lambda found: _JAVA_CLASS.sub(_bare, found[0]), pattern)
    translated = _JAVA_CLASS.sub(lambda found: _JAVA_CLASSES[found[0]], inside)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(translated)
    except re.error:
        return None


def _bare(found: re.Match[str]) -> str:
    """A class as a part of another: without brackets of its own."""
    return _JAVA_CLASSES[found[0]].removeprefix("[").removesuffix("]")
