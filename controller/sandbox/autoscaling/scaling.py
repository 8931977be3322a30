"""Carrying a change of capacity out, and following it until it has come about or not.

Facts: an activity is InProgress until the target service has fulfilled it, then Successful;
Overridden where a newer change came in between, Failed where the service refused. The wait
after scaling begins when it has succeeded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.resources import DIMENSIONS, Outcome, Resource
from controller.sandbox.autoscaling.state import (
    TARGET_TRACKING,
    Activity,
    Policy,
    Target,
    autoscaling_of,
)
from controller.sandbox.autoscaling.wishes import STEP_COOLDOWN_S
from controller.sandbox.wire.contract import AwsError

if TYPE_CHECKING:
    from controller.sandbox.world import World

POLL_S = 10.0


def resource_of(world: World, target: Target) -> Resource:
    """The thing that a target scales."""
    dimension = DIMENSIONS[target.dimension]
    return dimension.resource(world, target.account, target.region, target.resource_id)


def set_capacity(
    world: World, target: Target, capacity: int, cause: str, policy: Policy | None = None
) -> Activity:
    """Ask the target's service for a capacity; what comes of it is the activity."""
    words = DIMENSIONS[target.dimension].words
    place = autoscaling_of(world, target.account, target.region)
    resource = resource_of(world, target)
    before = _base(world.now_s(), policy, resource.capacity() or 0)
    activity = place.begin(
        world, target.key, f"Setting {words} to {capacity}.", cause, Outcome.RUNNING
    )
    service = target.key[0]
    try:
        resource.set(capacity)
    except AwsError as refusal:
        activity.message = f"Failed to set {words} to {capacity}. Reason: {refusal.message}"
        activity.status, activity.end_s = Outcome.FAILED, world.now_s()
        return activity
    activity.message = (
        f"Successfully set {words} to {capacity}. Waiting for change to be fulfilled by {service}."
    )
    target.running = activity
    _follow(world, target, activity, (before, capacity), policy)
    return activity


def _base(now_s: float, policy: Policy | None, current: int) -> int:
    """What a scale-out is reckoned from: the capacity before the first of those in one wait."""
    if policy is None or policy.scaled_out_from is None or now_s >= policy.wait_out_until_s:
        return current
    return policy.scaled_out_from


def _follow(
    world: World,
    target: Target,
    activity: Activity,
    change: tuple[int, int],
    policy: Policy | None,
) -> None:
    outcome = resource_of(world, target).outcome(change[1])
    if outcome is Outcome.RUNNING:
        world.schedule(
            world.now_s() + POLL_S,
            f"autoscaling: {target.resource_id} being scaled",
            lambda w: _follow(w, target, activity, change, policy),
        )
        return
    words, service = DIMENSIONS[target.dimension].words, target.key[0]
    activity.status, activity.end_s = outcome, world.now_s()
    if target.running is activity:
        target.running = None
    text = {
        Outcome.DONE: f"Successfully set {words} to {change[1]}. Change successfully fulfilled "
        f"by {service}.",
        Outcome.OVERRIDDEN: f"The {words} was changed by a newer request.",
        Outcome.FAILED: f"Failed to set {words} to {change[1]}. Reason: {service} did not "
        "fulfill the change.",
    }
    activity.message = text[outcome]
    if policy is not None and outcome is Outcome.DONE:
        _begin_wait(world.now_s(), target, policy, change)


def _begin_wait(now_s: float, target: Target, policy: Policy, change: tuple[int, int]) -> None:
    """Start a cooldown; a scale-out ends the wait after a scale-in."""
    default_s = DIMENSIONS[target.dimension].cooldown_s
    if policy.kind == TARGET_TRACKING:
        out_s = float(policy.config.get("ScaleOutCooldown", default_s))
        in_s = float(policy.config.get("ScaleInCooldown", default_s))
    else:
        out_s = in_s = float(policy.config.get("Cooldown", STEP_COOLDOWN_S))
    if change[1] > change[0]:
        policy.wait_out_until_s, policy.scaled_out_from = now_s + out_s, change[0]
        policy.wait_in_until_s = 0.0
    else:
        policy.wait_in_until_s = now_s + in_s


def note_not_scaled(
    world: World, target: Target, cause: str, code: str, capacities: Mapping[str, Any]
) -> None:
    """Write down that nothing was done, unless that is what was written down last."""
    place = autoscaling_of(world, target.account, target.region)
    reason = {"Code": code, **capacities}
    last = next((one for one in reversed(place.activities) if one.key == target.key), None)
    if last is not None and last.cause == cause and last.not_scaled == reason:
        return
    text = "Attempting to scale due to alarm triggered"
    activity = place.begin(world, target.key, text, cause, Outcome.FAILED)
    activity.end_s, activity.not_scaled = world.now_s(), reason


def clamp(world: World, target: Target, cause: Mapping[str, str]) -> Activity | None:
    """Bring the capacity inside the bounds at once, where its resource can be changed.

    cause: what to give as the cause when it is below the minimum or above the maximum.
    """
    resource = resource_of(world, target)
    current = resource.capacity()
    if current is None or not resource.ready():
        return None
    wanted = min(max(current, target.least), target.most)
    if wanted == current:
        return None
    return set_capacity(world, target, wanted, cause["least" if wanted > current else "most"])
