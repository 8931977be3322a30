"""Instance types as policies name them: what cannot be one, and what was probably meant."""

import re

from controller.model.instance_types import FAMILIES, KNOWN_TYPES, family_of
from controller.policy.problems import NotTextError, SpecValueError, nearest, shown

TYPE_PATTERN = r"^ml\.[a-z][a-z0-9-]{0,15}\.(medium|large|[0-9]{0,3}xlarge)$"
FAMILY_PATTERN = r"^[a-z][a-z0-9-]{0,15}$"

_ELSEWHERE = {
    "t3": "ml.t3 is sold for notebooks and processing; for endpoints there is ml.t2",
    "eia1": "Elastic Inference is no longer offered",
    "eia2": "Elastic Inference is no longer offered",
}
"""Families that people write and that no endpoint can have."""


def parse_instance_type(value: object) -> str:
    """`ml.c5.xlarge`. A family that this version does not know passes, for AWS adds them."""
    text = _text(value)
    if text in KNOWN_TYPES:
        return text
    family = family_of(text)
    if family in _ELSEWHERE:
        raise SpecValueError(f"{shown(text)} is not for endpoints", _ELSEWHERE[family])
    if f"ml.{text}" in KNOWN_TYPES:
        raise _unknown(text, f'did you mean "ml.{text}"?')
    if text.strip().lower() in KNOWN_TYPES:
        raise _unknown(text, f'did you mean "{text.strip().lower()}"?')
    if family in FAMILIES:
        sizes = ", ".join(name.rpartition(".")[2] for name in FAMILIES[family])
        raise _unknown(text, meant(text) or f"ml.{family} has {sizes}")
    if not re.fullmatch(TYPE_PATTERN[1:-1], text):
        raise _unknown(text, meant(text) or "write it as ml.c5.xlarge")
    return text


def parse_family(value: object) -> str:
    """`c5`. A family that this version does not know passes."""
    text = _text(value)
    if text in FAMILIES:
        return text
    if text in _ELSEWHERE:
        raise SpecValueError(f"{shown(text)} is not for endpoints", _ELSEWHERE[text])
    family = family_of(text) or text.lower().removeprefix("ml.")
    if family in FAMILIES:
        raise SpecValueError(f"{shown(text)} is not a family", f'did you mean "{family}"?')
    if not re.fullmatch(FAMILY_PATTERN[1:-1], text):
        raise SpecValueError(f"{shown(text)} is not a family", "write it as c5")
    return text


def meant(text: str) -> str | None:
    """`did you mean "ml.c5.xlarge"?` for something like it: first among sizes of its family."""
    siblings = FAMILIES.get(family_of(text.lower()), ())
    found = nearest(text, siblings) or nearest(text, sorted(KNOWN_TYPES))
    return f'did you mean "{found}"?' if found else None


def _unknown(text: str, hint: str) -> SpecValueError:
    return SpecValueError(f"{shown(text)} is not an instance type of endpoints", hint)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotTextError(f"{shown(value)} is not text")
    return value
