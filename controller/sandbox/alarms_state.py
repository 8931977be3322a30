"""CloudWatch alarms as they stand: what they watch, what state they are in, what happened.

An alarm costs nothing until somebody looks at it: its state is brought up to the present
minute by minute when asked for (`alarms_clock`), always with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_verdict import INSUFFICIENT_DATA
from controller.sandbox.extensions import state_of
from controller.sandbox.metric_query import Formula, Query

if TYPE_CHECKING:
    from controller.sandbox.world import World

HISTORY_KEPT_S = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Source:
    """The series an alarm watches.

    shown: the id of the query or formula that is compared; samples: the id of the query that
    counts samples, where few of them make a percentile worthless.
    """

    queries: tuple[Query, ...]
    formulas: tuple[Formula, ...]
    shown: str
    period_s: int
    samples: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """When an alarm goes off: `datapoints` out of `periods` beyond the threshold.

    least_samples: below so many samples in a period the state does not change; None where
    every data point counts.
    """

    source: Source
    periods: int
    datapoints: int
    threshold: float
    comparison: str
    missing: str = "missing"
    least_samples: float | None = None


@dataclass(slots=True)
class Alarm:
    """One alarm. `members`: the members of PutMetricAlarm, as given."""

    name: str
    arn: str
    rule: Rule
    members: Mapping[str, Any]
    configured_s: float
    evaluated_s: float
    """Evaluations up to this instant are done."""
    updated_s: float
    transitioned_s: float
    enabled: bool = True
    state: str = INSUFFICIENT_DATA
    reason: str = "Unchecked: Initial alarm creation"
    reason_data: str | None = None
    slots: tuple[bool | None, ...] = ()
    """The periods last looked at, oldest first; None where there was no data."""
    recent: tuple[tuple[int, float], ...] = ()
    """The data points last judged: (start of the period, value), oldest first."""
    judged_to_s: int | None = None
    """Where the periods last looked at end; None where the next look must judge anew."""
    tags: dict[str, str] = field(default_factory=dict)

    def actions(self, state: str) -> list[str]:
        """ARNs of what is to be done in a state, where actions are enabled."""
        name = {"OK": "OKActions", "ALARM": "AlarmActions"}.get(state, "InsufficientDataActions")
        return list(self.members.get(name, ())) if self.enabled else []


@dataclass(frozen=True, slots=True)
class HistoryItem:
    """One line of DescribeAlarmHistory; kind: ConfigurationUpdate or StateUpdate."""

    at_s: float
    alarm: str
    kind: str
    summary: str
    data: str


@dataclass(slots=True)
class AlarmPlace:
    """The alarms of one account and region, and their history, which survives them."""

    account: str
    region: str
    alarms: dict[str, Alarm] = field(default_factory=dict)
    history: list[HistoryItem] = field(default_factory=list)

    def arn(self, name: str) -> str:
        """ARN of an alarm."""
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{name}"

    def note(self, at_s: float, alarm: str, kind: str, summary: str, data: str) -> None:
        """Write a line of history."""
        self.history.append(HistoryItem(at_s, alarm, kind, summary, data))


@dataclass(slots=True)
class AlarmBook:
    """All places of a world; kept in `world.extensions`."""

    places: dict[tuple[str, str], AlarmPlace] = field(default_factory=dict)


def alarms_of(world: World, account: str, region: str) -> AlarmPlace:
    """The alarms of a place; it comes into being when first asked for."""
    places = state_of(world, AlarmBook).places
    found = places.get((account, region))
    if found is None:
        found = places[account, region] = AlarmPlace(account, region)
    return found
