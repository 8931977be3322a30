"""A change that AWS does not let go on: how often to ask again, and when to call a person.

What is remembered of it stands in the change's `progress`: the step that was refused, AWS's
words, and since when. The wait grows with the time it has lasted already, so neither a
restart nor a second replica makes it impatient again.
"""

from collections.abc import Mapping

from controller.core.sentence import underway
from controller.model.change import Change
from controller.model.decision import Hold
from controller.model.reason import Reason

FIRST_S = 15.0
"""Somebody was faster: time for them to finish."""
LONGEST_S = 900.0
STUCK_S = 3600.0
"""So long AWS has not let it go on: it will not mend by itself."""
PATIENCE_S = 3600.0
"""So long after its decision a change may still make its first calls."""
STEP, WORDS, SINCE_S, FOR_GOOD = "refused_step", "refused", "refused_since_s", "refused_for_good"
_KEYS = frozenset({STEP, WORDS, SINCE_S, FOR_GOOD})


def refused_since_s(change: Change) -> float | None:
    """Since when the next step has been refused; None where it has not been."""
    text = change.progress.get(SINCE_S)
    return None if text is None else float(text)


def retry_delay_s(change: Change, now_s: float) -> float:
    """How long to wait before a refused step is asked for again: half as long as it took so far."""
    since_s = refused_since_s(change)
    lasted_s = 0.0 if since_s is None else now_s - since_s
    return min(LONGEST_S, max(FIRST_S, lasted_s / 2.0))


def stuck(change: Change, updating: bool, now_s: float) -> str | None:
    """Why a person is needed, if one is. `updating`: AWS says that an update is under way."""
    since_s = refused_since_s(change)
    if since_s is not None and now_s - since_s >= STUCK_S:
        hours = (now_s - since_s) / 3600.0
        return f"AWS has refused it for {hours:.0f} h: {change.progress.get(WORDS, '')}"
    if updating and now_s - change.updated_at_s >= STUCK_S:
        hours = (now_s - change.updated_at_s) / 3600.0
        return f"AWS has been carrying out an update for {hours:.0f} h"
    return None


def see_through(change: Change, updating: bool, now_s: float) -> Hold:
    """While a change is open, the decision is to see it through, or to call for help."""
    why = stuck(change, updating, now_s)
    if why is not None:
        return Hold(Reason.STUCK, f"{underway(change)}: {why}")
    return Hold(Reason.CHANGE_IN_PROGRESS, underway(change))


def too_late(change: Change, now_s: float) -> bool:
    """A decision is carried out soon or not at all: the world it was made for moves on."""
    return now_s - change.planned_at_s > PATIENCE_S


def given_up(change: Change, now_s: float) -> str | None:
    """Why no further call forward is made, if none is."""
    words = change.progress.get(WORDS, "")
    if change.progress.get(FOR_GOOD):
        return f"AWS refused it: {words}"
    if too_late(change, now_s):
        return "AWS did not let it be carried out in an hour" + (f": {words}" if words else "")
    return None


def without_refusal(progress: Mapping[str, str]) -> Mapping[str, str]:
    """What is left to remember once the step was carried out, or is no longer wanted."""
    return {name: value for name, value in progress.items() if name not in _KEYS}
