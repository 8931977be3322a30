"""Looks at the policies of targets, minute by minute where it matters, and acts.

Facts: with several policies a target scales out if any wants to, and in only if all target
tracking policies are ready to; the largest capacity wins; nothing goes beyond the bounds;
suspended directions are left alone; a resource that its service has put in an unscalable
state is tried again later.

A target with policies is looked at every minute, except where its alarms cannot have gone
off yet: then up to three minutes later, with the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.sandbox.alarms_clock import catch_up
from controller.sandbox.alarms_state import Alarm, AlarmPlace, alarms_of
from controller.sandbox.alarms_verdict import ALARM, quiet_periods
from controller.sandbox.autoscaling.scaling import note_not_scaled, resource_of, set_capacity
from controller.sandbox.autoscaling.state import TARGET_TRACKING, Policy, Target, autoscaling_of
from controller.sandbox.autoscaling.wishes import Wish, Wishes, scale_in_to, wishes_of

if TYPE_CHECKING:
    from controller.sandbox.autoscaling.resources import Resource
    from controller.sandbox.world import World

MINUTE_S = 60
LONGEST_QUIET_MINUTES = 3


def watch(world: World, target: Target) -> None:
    """See to it that a target is looked at at the next minute, or never if it has no policy."""
    if target.looks is not None:
        target.looks.cancelled = True
        target.looks = None
    if target.policies:
        _look_in(world, target, 1)


def _look_in(world: World, target: Target, minutes: int) -> None:
    at_s = (int(world.now_s() // MINUTE_S) + minutes) * MINUTE_S
    target.looks = world.schedule(
        at_s, f"autoscaling: look at {target.resource_id}", lambda w: _look(w, target)
    )


def _look(world: World, target: Target) -> None:
    target.looks = None
    place = autoscaling_of(world, target.account, target.region)
    if place.targets.get(target.key) is not target or not target.policies:
        return
    resource = resource_of(world, target)
    current = resource.capacity()
    alarms = _alarms(world, target)
    if current is not None:
        wishes = wishes_of(list(target.policies.values()), alarms, current, world.now_s())
        _act(world, target, resource, current, wishes)
    if target.looks is None:
        _look_in(world, target, _quiet_minutes(world, target, alarms, current))


def _alarms(world: World, target: Target) -> Mapping[str, Alarm]:
    """The alarms of the target's policies, brought up to the present."""
    place = alarms_of(world, target.account, target.region)
    found: dict[str, Alarm] = {}
    for policy in target.policies.values():
        for alarm in _alarms_of(place, policy):
            found[alarm.name] = alarm
    catch_up(world, place, list(found.values()))
    return found


def _alarms_of(place: AlarmPlace, policy: Policy) -> list[Alarm]:
    if policy.kind == TARGET_TRACKING:
        return [place.alarms[name] for name in policy.alarm_names if name in place.alarms]
    kinds = ("AlarmActions", "OKActions", "InsufficientDataActions")
    return [
        alarm
        for alarm in place.alarms.values()
        if any(policy.arn in alarm.members.get(kind, ()) for kind in kinds)
    ]


def _act(world: World, target: Target, resource: Resource, current: int, wishes: Wishes) -> None:
    wish = wishes.largest_out()
    if wish is not None:
        if not target.suspended.scale_out:
            _scale_out(world, target, resource, current, wish)
        return
    wish = wishes.largest_in()
    if wish is not None and not target.suspended.scale_in:
        _scale_in(world, target, resource, current, wish)


def _scale_out(world: World, target: Target, resource: Resource, current: int, wish: Wish) -> None:
    wanted = min(max(wish.capacity, target.least), target.most)
    if current >= target.most:
        capacities = {"MaxCapacity": target.most, "CurrentCapacity": current}
        note_not_scaled(world, target, wish.cause, "AlreadyAtMaxCapacity", capacities)
    elif _can(world, target, resource, wish):
        set_capacity(world, target, wanted, wish.cause, wish.policy)


def _scale_in(world: World, target: Target, resource: Resource, current: int, wish: Wish) -> None:
    wanted = min(max(wish.capacity, target.least), target.most)
    if current <= target.least:
        capacities = {"MinCapacity": target.least, "CurrentCapacity": current}
        note_not_scaled(world, target, wish.cause, "AlreadyAtMinCapacity", capacities)
    elif wanted >= current:
        capacities = {"CurrentCapacity": current}
        note_not_scaled(world, target, wish.cause, "AutoScalingAnticipatedFlapping", capacities)
    elif _can(world, target, resource, wish):
        set_capacity(world, target, wanted, wish.cause, wish.policy)


def _can(world: World, target: Target, resource: Resource, wish: Wish) -> bool:
    # Its own scaling is over when its activity is, which may be seconds after the resource
    # is ready again; the wait begins then.
    if target.running is not None:
        return False
    if not resource.ready():
        code = "TargetServicePutResourceAsUnscalable"
        note_not_scaled(world, target, wish.cause, code, {})
        return False
    return True


def _quiet_minutes(
    world: World, target: Target, alarms: Mapping[str, Alarm], current: int | None
) -> int:
    """Minutes until an alarm can bring about something that it could not now; 1 to 3."""
    if current is None:
        return LONGEST_QUIET_MINUTES
    if any(fault.kind == "delay" for fault in world.metric_faults.faults):
        return 1
    least = LONGEST_QUIET_MINUTES
    for policy in target.policies.values():
        if policy.kind != TARGET_TRACKING:
            return 1
        high, low = alarms.get(policy.high or ""), alarms.get(policy.low or "")
        if high is not None and current < target.most:
            least = min(least, 1 if high.state == ALARM else _unalarmed_minutes(high))
        if low is not None and current > target.least:
            calm = low.state != ALARM
            more = _unalarmed_minutes(low) if calm else _flapping_minutes(policy, low, current)
            least = min(least, more)
    return least


def _unalarmed_minutes(alarm: Alarm) -> int:
    rule = alarm.rule
    if not alarm.slots or rule.source.formulas:
        return 1
    return quiet_periods(alarm.slots, rule.periods, rule.datapoints)


def _flapping_minutes(policy: Policy, low: Alarm, current: int) -> int:
    """How soon a scale-in that would change nothing now can change something.

    The highest point decides, and those that are in sight now leave it one a minute.
    """
    for minutes in range(1, LONGEST_QUIET_MINUTES):
        if scale_in_to(policy, low.recent[minutes:], current) < current:
            return minutes
    return LONGEST_QUIET_MINUTES
