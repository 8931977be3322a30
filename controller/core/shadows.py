"""Shadows: what copies that a probe makes are called, and what is to be done about one now.

A shadow's row is in the journal before anything of it exists and until nothing of it is left,
and all its resources bear a name made from the row's id. So the row alone tells what may
exist, whenever the process died; what does exist, AWS is asked.
"""

import hashlib
import re
from enum import StrEnum

from controller.model.endpoint import EndpointKey
from controller.model.probe import Shadow, ShadowPhase
from controller.model.size import Size

PREFIX = "rightsizer-probe-"
"""Of every copy's name: whoever lists endpoints passes over it."""
MIRROR_PREFIX = "rightsizer-mirror-"
"""Of configurations with a shadow variant of ours: they are for a live endpoint, and no copy."""
SHADOW_VARIANT = "rightsizer-shadow"
"""Name of that variant; metrics of what it was sent bear it."""
MOST_CHARACTERS = 63
"""Of a SageMaker endpoint's name; a function's may have 64."""
_DIGITS = 10


def is_shadow(name: str) -> bool:
    """Whether a function, endpoint or configuration is a copy made for a probe."""
    return name.startswith(PREFIX)


def shadow_id(key: EndpointKey, size: Size, at_s: float) -> str:
    """Name of a new copy: readable, valid for functions and endpoints, used only once.

    SageMaker takes letters, digits and single hyphens between them.
    """
    return _named(PREFIX, key, size, at_s)


def mirror_name(key: EndpointKey, size: Size, at_s: float) -> str:
    """Name of a configuration that has a shadow variant of a size, used only once."""
    return _named(MIRROR_PREFIX, key, size, at_s)


def _named(prefix: str, key: EndpointKey, size: Size, at_s: float) -> str:
    text = f"{key}|{size}|{at_s:.6f}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    room = MOST_CHARACTERS - len(prefix) - _DIGITS - 1
    words = re.sub(r"[^a-zA-Z0-9]+", "-", key.name)[:room].strip("-")
    return f"{prefix}{words}-{digest}" if words else f"{prefix}{digest}"


class ShadowStep(StrEnum):
    """The one thing to do about a shadow now."""

    MAKE = "Make"
    """Go on making it."""
    KEEP = "Keep"
    """Leave it to whom it belongs."""
    CONDEMN = "Condemn"
    """Write down that it goes, before anything of it does."""
    REMOVE = "Remove"
    """Take away what is left; once that is nothing, forget the row."""


def next_step(shadow: Shadow, now_s: float, *, in_use: bool, orphaned: bool) -> ShadowStep:
    """What to do about a shadow. Total: every row has an answer, in every life of a process.

    `in_use`: a run of this process works with it. `orphaned`: it belongs to nobody who lives.
    """
    if shadow.phase is ShadowPhase.REMOVING:
        return ShadowStep.REMOVE
    if now_s >= shadow.expires_at_s or (orphaned and not in_use):
        return ShadowStep.CONDEMN
    if in_use and shadow.phase is ShadowPhase.CREATING:
        return ShadowStep.MAKE
    return ShadowStep.KEEP
