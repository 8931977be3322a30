"""Whether data points set an alarm off: M out of N, and what missing ones count for.

Facts: CloudWatch looks at more periods than EvaluationPeriods. Where it finds at least as
many data points as EvaluationPeriods, it judges the most recent ones and TreatMissingData is
not used. Where it finds fewer, missing ones are filled in as TreatMissingData says, but only
as few as are needed. With `missing` and `ignore` an alarm also goes off when every point
found is breaching and the oldest is at least DatapointsToAlarm periods old.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

MORE_PERIODS = 2
"""How many periods beyond EvaluationPeriods are looked at."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
COMPARED_IN_WORDS: Mapping[str, str] = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}

Slots = Sequence[bool | None]
"""Periods, oldest first: breaching, not breaching, or None where there is no data point."""


def judge(slots: Slots, periods: int, datapoints: int, missing: str) -> str | None:
    """The state that slots call for; None where the alarm keeps the state it has.

    slots: `periods` + `MORE_PERIODS` of them. periods: N; datapoints: M of M out of N;
    missing: missing, ignore, breaching or notBreaching.
    """
    found = [slot for slot in slots if slot is not None]
    if len(found) >= periods:
        return ALARM if sum(found[-periods:]) >= datapoints else OK
    breaching = sum(found)
    if missing == "breaching":
        return ALARM if breaching + periods - len(found) >= datapoints else OK
    if missing == "notBreaching":
        return ALARM if breaching >= datapoints else OK
    if breaching >= datapoints:
        return ALARM
    if not found:
        return INSUFFICIENT_DATA if missing == "missing" else None
    if breaching < len(found):
        return OK
    oldest_age = len(slots) - next(i for i, slot in enumerate(slots) if slot is not None)
    return ALARM if missing == "missing" and oldest_age >= datapoints else None


def quiet_periods(slots: Slots, periods: int, datapoints: int) -> int:
    """How many more periods must end before these slots can turn into an alarm, at least 1.

    A missing slot counts as one that may have been breaching, which only makes it sooner.
    """
    recent = slots[-periods:]
    if datapoints < periods:
        return max(1, datapoints - sum(slot is not False for slot in recent))
    run = 0
    for slot in reversed(recent):
        if slot is False:
            break
        run += 1
    return max(1, datapoints - run)
