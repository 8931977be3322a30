"""Somebody else at work on the scaling of an account: the console, Terraform, a colleague.

```
{actor: "scaling", at_s | at_in_s, every_s, times, account, region,
 a resource (see controller.sandbox.autoscaling.documents), and any of, in this order:
   deregister: true
   min, max, suspended           registers the target, or edits its bounds
   policy {...}                  puts a scaling policy
   delete_policy: name
   scheduled_action {...}        puts a scheduled action
   delete_scheduled_action: name}
```
With `every_s` it comes back, `times` times or for ever, and sets all that again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.documents import (
    action_params,
    call,
    policy_params,
    resource_params,
    target_params,
)
from controller.sandbox.wire.contract import AwsError

if TYPE_CHECKING:
    from controller.sandbox.world import World

Document = Mapping[str, Any]

ACTOR = "scaling"
RETRY_S = 60.0
_RETRIED = frozenset({"ConcurrentUpdateException"})


def plan(world: World, document: Document, at_s: float, place: tuple[str, str]) -> None:
    """Schedule the actor at (account, region). Raises ValueError for what makes no sense."""
    operations = list(_operations(document))
    if not operations:
        raise ValueError("a scaling actor needs something to do")
    _come(world, document, at_s, place, document.get("times"))


def _come(
    world: World, document: Document, at_s: float, place: tuple[str, str], times: int | None
) -> None:
    def visit(world: World) -> None:
        for operation, params in _operations(document):
            _patiently(world, place, operation, params)
        if "every_s" in document and (times is None or times > 1):
            again_s = world.now_s() + float(document["every_s"])
            _come(world, document, again_s, place, None if times is None else times - 1)

    what = resource_params(document)["ResourceId"]
    world.schedule(at_s, f"{ACTOR}: {what}", visit)


def _operations(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    resource = resource_params(document)
    if document.get("deregister"):
        yield "DeregisterScalableTarget", dict(resource)
    if {"min", "max", "suspended"} & set(document):
        yield "RegisterScalableTarget", target_params(document)
    if "policy" in document:
        yield "PutScalingPolicy", policy_params(resource, document["policy"])
    if "delete_policy" in document:
        yield "DeleteScalingPolicy", {**resource, "PolicyName": document["delete_policy"]}
    if "scheduled_action" in document:
        yield "PutScheduledAction", action_params(resource, document["scheduled_action"])
    if "delete_scheduled_action" in document:
        name = document["delete_scheduled_action"]
        yield "DeleteScheduledAction", {**resource, "ScheduledActionName": name}


def _patiently(
    world: World, place: tuple[str, str], operation: str, params: dict[str, Any]
) -> None:
    """Do it now, or when an update under way is done; give up on any other refusal."""
    try:
        call(world, place, ACTOR, operation, params)
    except AwsError as refusal:
        if refusal.code in _RETRIED:
            world.schedule(
                world.now_s() + RETRY_S,
                f"{ACTOR}: {params['ResourceId']}",
                lambda w: _patiently(w, place, operation, params),
            )
