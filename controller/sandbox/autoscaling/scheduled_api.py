"""Scheduled actions: put (create or update by name), delete, describe, and their firing.

Facts: at its time an action overwrites MinCapacity, MaxCapacity or both, and the capacity is
brought inside them; updating one changes what is given, but start and end are deleted where
they are left out; at most 200 per target; suspended scheduled scaling skips the time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.cron import ScheduleError
from controller.sandbox.autoscaling.refusals import (
    Answer,
    Params,
    check_filters,
    chosen,
    dimension_of,
    invalid,
    key_of,
    not_found,
    page,
    target_of,
)
from controller.sandbox.autoscaling.resources import DIMENSIONS
from controller.sandbox.autoscaling.scaler import watch
from controller.sandbox.autoscaling.scaling import clamp, resource_of
from controller.sandbox.autoscaling.schedule import Schedule, parse_schedule
from controller.sandbox.autoscaling.state import ScheduledAction, Target, autoscaling_of
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_ACTIONS = 200
RETRY_S = 60.0
PATIENCE_S = 3600.0
"""How long the capacity is tried to be brought inside bounds that a schedule has set."""


def put(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutScheduledAction."""
    target = target_of(world, ctx, params)
    name = str(params["ScheduledActionName"])
    present = target.scheduled.get(name)
    least, most = _bounds(params, target, present)
    schedule = _schedule(params, present, ctx.now_s)
    if present is None:
        if len(target.scheduled) >= MOST_ACTIONS:
            text = f"The limit of {MOST_ACTIONS} scheduled actions is reached."
            raise AwsError("LimitExceededException", text)
        arn = _arn(world, ctx, target, name)
        present = ScheduledAction(name, arn, schedule, least, most, ctx.now_s)
        target.scheduled[name] = present
    elif present.event is not None:
        present.event.cancelled = True
    present.schedule, present.least, present.most = schedule, least, most
    _plan(world, target, present)
    return {}


def _arn(world: World, ctx: RequestContext, target: Target, name: str) -> str:
    number = autoscaling_of(world, ctx.account, ctx.region).new_id(world.seed, "scheduled", name)
    return (
        f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:scheduledAction:{number}:"
        f"resource/{target.key[0]}/{target.resource_id}:scheduledActionName/{name}"
    )


def _bounds(
    params: Params, target: Target, present: ScheduledAction | None
) -> tuple[int | None, int | None]:
    given = params.get("ScalableTargetAction")
    if given is None and present is not None:
        return present.least, present.most
    least, most = (given or {}).get("MinCapacity"), (given or {}).get("MaxCapacity")
    if least is None and most is None:
        raise invalid("ScalableTargetAction needs a MinCapacity or a MaxCapacity")
    lowest = DIMENSIONS[target.dimension].least
    if least is not None and least < lowest:
        raise invalid(f"Minimum capacity cannot be less than {lowest} for {target.dimension}")
    if least is not None and most is not None and most < least:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    return least, most


def _schedule(params: Params, present: ScheduledAction | None, now_s: float) -> Schedule:
    text, timezone, origin_s = params.get("Schedule"), params.get("Timezone"), now_s
    if present is not None:
        origin_s = present.created_s if text is None else now_s
        timezone = timezone or present.schedule.timezone
        text = text or present.schedule.text
    if text is None:
        raise invalid("Schedule is required for a new scheduled action")
    start, end = params.get("StartTime"), params.get("EndTime")
    try:
        return parse_schedule(
            str(text),
            timezone,
            None if start is None else start.timestamp(),
            None if end is None else end.timestamp(),
            origin_s,
        )
    except ScheduleError as problem:
        raise invalid(f"{problem}") from problem


def _plan(world: World, target: Target, action: ScheduledAction) -> None:
    at_s = action.schedule.next_after(world.now_s())
    action.event = None
    if at_s is not None:
        action.event = world.schedule(
            at_s,
            f"autoscaling: {action.name} of {target.resource_id}",
            lambda w: _fire(w, target, action),
        )


def _fire(world: World, target: Target, action: ScheduledAction) -> None:
    if target.scheduled.get(action.name) is not action:
        return
    _plan(world, target, action)
    if target.suspended.scheduled:
        return
    place = autoscaling_of(world, target.account, target.region)
    least = target.least if action.least is None else action.least
    most = target.most if action.most is None else action.most
    named = {"min capacity": action.least, "max capacity": action.most}
    what = " and ".join(f"{words} to {n}" for words, n in named.items() if n is not None)
    cause = f"scheduled action name {action.name} was triggered"
    activity = place.begin(world, target.key, f"Setting {what}", cause, "Successful")
    activity.end_s = world.now_s()
    if least > most:
        activity.status = "Failed"
        activity.message = (
            f"Failed to set {what}. Reason: maximum capacity cannot be less than minimum capacity"
        )
        return
    activity.message = f"Successfully set {what}"
    target.least, target.most = least, most
    _settle(world, target, (least, most), world.now_s() + PATIENCE_S)
    watch(world, target)


def _settle(world: World, target: Target, bounds: tuple[int, int], until_s: float) -> None:
    """Bring the capacity inside bounds, again and again while its resource is busy."""
    place = autoscaling_of(world, target.account, target.region)
    live = place.targets.get(target.key) is target and (target.least, target.most) == bounds
    if not live or world.now_s() > until_s:
        return
    resource = resource_of(world, target)
    if resource.capacity() is not None and not resource.ready():
        world.schedule(
            world.now_s() + RETRY_S,
            f"autoscaling: {target.resource_id} into its bounds",
            lambda w: _settle(w, target, bounds, until_s),
        )
        return
    cause = {"least": f"minimum capacity was set to {bounds[0]}",
             "most": f"maximum capacity was set to {bounds[1]}"}  # fmt: skip
    clamp(world, target, cause)


def delete(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteScheduledAction."""
    key = key_of(params)
    dimension_of(key)
    target = autoscaling_of(world, ctx.account, ctx.region).targets.get(key)
    name = str(params["ScheduledActionName"])
    action = None if target is None else target.scheduled.pop(name, None)
    if action is None:
        raise not_found("scheduled action found", key)
    if action.event is not None:
        action.event.cancelled = True
    return {}


def describe(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeScheduledActions, in pages of at most fifty."""
    check_filters(params)
    targets = autoscaling_of(world, ctx.account, ctx.region).targets
    names = params.get("ScheduledActionNames")
    found = [
        (targets[key], action)
        for key in sorted(targets)
        if chosen(key, params)
        for name, action in sorted(targets[key].scheduled.items())
        if not names or name in names
    ]
    shown, following = page(found, params, "scheduled")
    return {"ScheduledActions": [_view(*one) for one in shown], **following}


def _view(target: Target, action: ScheduledAction) -> Answer:
    schedule = action.schedule
    view: dict[str, Any] = {
        "ScheduledActionName": action.name,
        "ScheduledActionARN": action.arn,
        "ServiceNamespace": target.key[0],
        "ResourceId": target.key[1],
        "ScalableDimension": target.key[2],
        "Schedule": schedule.text,
        "CreationTime": datetime.fromtimestamp(action.created_s, UTC),
    }
    if schedule.timezone is not None:
        view["Timezone"] = schedule.timezone
    for name, at_s in (("StartTime", schedule.start_s), ("EndTime", schedule.end_s)):
        if at_s is not None:
            view[name] = datetime.fromtimestamp(at_s, UTC)
    bounds = {"MinCapacity": action.least, "MaxCapacity": action.most}
    view["ScalableTargetAction"] = {k: v for k, v in bounds.items() if v is not None}
    return view
