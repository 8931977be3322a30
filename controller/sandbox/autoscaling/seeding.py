"""Application Auto Scaling's and the alarms' part of a seed document.

```
scalable_targets: [{
  a resource (see controller.sandbox.autoscaling.documents), account, region, min, max,
  suspended {in, out, scheduled}, tags {}, age_days (30),
  policies [...], scheduled_actions [...] (see there)
}]
alarms: [{members of PutMetricAlarm by their own names, account, region}]
```
What is seeded has been there: alarms know their state, and the capacity is inside its bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_api import put_metric_alarm
from controller.sandbox.alarms_state import Alarm, alarms_of
from controller.sandbox.autoscaling.documents import (
    RESOURCE,
    action_params,
    call,
    policy_params,
    resource_params,
    target_params,
)
from controller.sandbox.autoscaling.state import Target, autoscaling_of
from controller.sandbox.traffic import DAY_S
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Document = Mapping[str, Any]

SECTIONS = frozenset({"scalable_targets", "alarms"})
_TARGET = {"account", "region", "min", "max", "suspended", "tags", "age_days", "policies",
           "scheduled_actions", *RESOURCE}  # fmt: skip
KNOWN_FOR_S = 3600.0
"""Seeded alarms have been evaluated for so long."""


def seed_autoscaling(world: World, document: Document, account: str, region: str) -> None:
    """Add the document's targets and alarms. Raises ValueError naming what is wrong."""
    for kind, seed in (("scalable_targets", _seed_target), ("alarms", _seed_alarm)):
        for item in document.get(kind, ()):
            place = str(item.get("account", account)), str(item.get("region", region))
            try:
                seed(world, place, item)
            except AwsError as refusal:
                raise ValueError(f"{kind}: {refusal.message}") from refusal


def _seed_target(world: World, place: tuple[str, str], document: Document) -> None:
    if unknown := set(document) - _TARGET:
        raise ValueError(f"a scalable target has no member {min(unknown)!r}")
    resource = resource_params(document)
    book = autoscaling_of(world, *place)
    call(world, place, "seed", "RegisterScalableTarget", target_params(document))
    key = resource["ServiceNamespace"], resource["ResourceId"], resource["ScalableDimension"]
    target = book.targets[key]
    if target.running is not None:
        raise ValueError(f"the capacity of {target.resource_id} is outside its bounds")
    for item in document.get("policies", ()):
        call(world, place, "seed", "PutScalingPolicy", policy_params(resource, item))
    for item in document.get("scheduled_actions", ()):
        call(world, place, "seed", "PutScheduledAction", action_params(resource, item))
    _age(world, target, world.now_s() - float(document.get("age_days", 30.0)) * DAY_S)


def _age(world: World, target: Target, created_s: float) -> None:
    """Let a target have been there since an instant."""
    target.created_s = created_s
    for action in target.scheduled.values():
        action.created_s = created_s
    place = alarms_of(world, target.account, target.region)
    for policy in target.policies.values():
        policy.created_s = created_s
        for name in policy.alarm_names:
            _known(world, place.alarms[name])


def _known(world: World, alarm: Alarm) -> None:
    alarm.evaluated_s = world.now_s() - KNOWN_FOR_S
    alarm.configured_s = alarm.updated_s = alarm.transitioned_s = alarm.evaluated_s


def _seed_alarm(world: World, place: tuple[str, str], document: Document) -> None:
    params = {k: v for k, v in document.items() if k not in ("account", "region")}
    ctx = RequestContext("cloudwatch", "PutMetricAlarm", *place, "seed", world.now_s())
    put_metric_alarm(world, ctx, params)
    _known(world, alarms_of(world, *place).alarms[str(params["AlarmName"])])
