"""What a policy wants, given its alarms: a capacity, and in which direction.

Facts: target tracking scales out in proportion to how far the metric is above the target and
scales in gradually; step scaling adds or takes by how far the alarm's threshold is exceeded;
percentages above 1 are rounded down, those between 0 and 1 up to 1. A wait after scaling
(cooldown) is cut short by a larger scale-out only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.sandbox.alarms_state import Alarm
from controller.sandbox.alarms_verdict import ALARM
from controller.sandbox.autoscaling.state import TARGET_TRACKING, Policy

STEP_COOLDOWN_S = 300


@dataclass(frozen=True, slots=True)
class Wish:
    """A capacity that a policy asks for, because of an alarm. May equal the present one."""

    policy: Policy
    alarm: str
    capacity: int

    @property
    def cause(self) -> str:
        """In the words of an activity."""
        return f"monitor alarm {self.alarm} in state ALARM triggered policy {self.policy.name}"


@dataclass(slots=True)
class Wishes:
    """What all policies of a target want; `vetoed`: a tracking policy is not ready to go in."""

    outs: list[Wish]
    tracked_ins: list[Wish]
    stepped_ins: list[Wish]
    vetoed: bool = False

    def largest_out(self) -> Wish | None:
        """The scale-out to the largest capacity."""
        return max(self.outs, key=lambda wish: wish.capacity, default=None)

    def largest_in(self) -> Wish | None:
        """The scale-in to the largest capacity; tracking ones only if all agree."""
        agreed = [] if self.vetoed else self.tracked_ins
        return max((*agreed, *self.stepped_ins), key=lambda wish: wish.capacity, default=None)


def wishes_of(
    policies: Sequence[Policy], alarms: Mapping[str, Alarm], current: int, now_s: float
) -> Wishes:
    """What policies want of a target with a current capacity; alarms are up to date."""
    wishes = Wishes([], [], [])
    for policy in policies:
        if policy.kind == TARGET_TRACKING:
            _track(wishes, policy, alarms, current, now_s)
        else:
            _step(wishes, policy, alarms, current, now_s)
    return wishes


def _track(
    wishes: Wishes, policy: Policy, alarms: Mapping[str, Alarm], current: int, now_s: float
) -> None:
    goal = float(policy.config["TargetValue"])
    high, low = alarms.get(policy.high or ""), alarms.get(policy.low or "")
    if high is not None and high.state == ALARM and high.recent:
        ratio = high.recent[-1][1] / goal
        wanted = max(current + 1, math.ceil(current * ratio - 1e-9))
        if now_s < policy.wait_out_until_s and policy.scaled_out_from is not None:
            wanted = math.ceil(policy.scaled_out_from * ratio - 1e-9)
        if now_s >= policy.wait_out_until_s or wanted > current:
            wishes.outs.append(Wish(policy, high.name, wanted))
    if policy.config.get("DisableScaleIn"):
        return
    if low is None or low.state != ALARM or not low.recent or now_s < policy.wait_in_until_s:
        wishes.vetoed = True
    else:
        wanted = scale_in_to(policy, low.recent, current)
        wishes.tracked_ins.append(Wish(policy, low.name, wanted))


def scale_in_to(policy: Policy, points: Sequence[tuple[int, float]], current: int) -> int:
    """The capacity that would have been enough for each of some data points; 0 for none."""
    goal = float(policy.config["TargetValue"])
    most = max((value for _, value in points), default=0.0)
    return math.ceil(current * most / goal - 1e-9)


def _step(
    wishes: Wishes, policy: Policy, alarms: Mapping[str, Alarm], current: int, now_s: float
) -> None:
    for alarm in _triggering(policy, alarms):
        adjustment = _adjustment(policy, alarm)
        if adjustment is None:
            continue
        wanted = max(0, stepped(policy.config, current, adjustment))
        waiting = now_s < policy.wait_out_until_s and policy.scaled_out_from is not None
        if waiting and wanted > current:
            # What was added by the last scale-out counts as part of this one.
            wanted = stepped(policy.config, policy.scaled_out_from or 0, adjustment)
            if wanted <= current:
                continue
        if wanted > current:
            wishes.outs.append(Wish(policy, alarm.name, wanted))
        elif wanted < current and now_s >= max(policy.wait_in_until_s, policy.wait_out_until_s):
            wishes.stepped_ins.append(Wish(policy, alarm.name, wanted))


def _triggering(policy: Policy, alarms: Mapping[str, Alarm]) -> Iterator[Alarm]:
    """Alarms one of whose actions, in their present state, is the policy."""
    for alarm in alarms.values():
        if policy.arn in alarm.actions(alarm.state) and alarm.recent:
            yield alarm


def _adjustment(policy: Policy, alarm: Alarm) -> int | None:
    values = [value for _, value in alarm.recent[-alarm.rule.datapoints :]]
    kind = policy.config.get("MetricAggregationType", "Average")
    value = {"Minimum": min, "Maximum": max}.get(kind, lambda v: math.fsum(v) / len(v))(values)
    above = alarm.rule.comparison.startswith("Greater")
    difference = value - alarm.rule.threshold
    for step in policy.config["StepAdjustments"]:
        lower = step.get("MetricIntervalLowerBound", -math.inf)
        upper = step.get("MetricIntervalUpperBound", math.inf)
        inside = lower <= difference < upper if above else lower < difference <= upper
        if inside:
            return int(step["ScalingAdjustment"])
    return None


def stepped(config: Mapping[str, Any], current: int, adjustment: int) -> int:
    """The capacity after an adjustment of the policy's type."""
    kind = config["AdjustmentType"]
    if kind == "ExactCapacity":
        return adjustment
    if kind == "ChangeInCapacity":
        return current + adjustment
    change = current * adjustment / 100.0
    whole = math.trunc(change) if abs(change) >= 1 else int(math.copysign(bool(change), change))
    least = int(config.get("MinAdjustmentMagnitude", 0))
    if change and abs(whole) < least:
        whole = int(math.copysign(least, change))
    return current + whole
