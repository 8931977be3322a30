"""Scalable targets: register (create or update), deregister, describe.

Facts: MinCapacity and MaxCapacity are required the first time only, and what is left out
later stays; registering or updating brings the current capacity inside the bounds at once,
where the resource is active; deregistering deletes the policies and the scheduled actions.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller.sandbox.autoscaling.metrics import delete_alarms
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
)
from controller.sandbox.autoscaling.resources import DIMENSIONS, Dimension
from controller.sandbox.autoscaling.scaler import watch
from controller.sandbox.autoscaling.scaling import clamp
from controller.sandbox.autoscaling.state import Target, TargetKey, autoscaling_of
from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_TARGETS = 500


def register(world: World, ctx: RequestContext, params: Params) -> Answer:
    """RegisterScalableTarget."""
    key = key_of(params)
    dimension = dimension_of(key)
    resource = dimension.resource(world, ctx.account, ctx.region, key[1])
    place = autoscaling_of(world, ctx.account, ctx.region)
    present = place.targets.get(key)
    least, most = _bounds(params, present, dimension)
    problem = resource.problem()
    if problem is not None:
        raise invalid(problem)
    current = resource.capacity() or 0
    if present is not None and present.running is not None and not least <= current <= most:
        raise AwsError(
            "ConcurrentUpdateException",
            f"The scalable target {key[1]} already has a pending update.",
        )
    if present is None:
        if sum(one[0] == key[0] for one in place.targets) >= MOST_TARGETS:
            raise AwsError("LimitExceededException",
                           f"The limit of {MOST_TARGETS} scalable targets is reached.")  # fmt: skip
        present = place.targets[key] = _new(world, ctx, key, params, (least, most))
        _introduce(world)
    cause = {}
    if "MinCapacity" in params or "MaxCapacity" in params:
        cause = {"least": f"minimum capacity was set to {least}",
                 "most": f"maximum capacity was set to {most}"}  # fmt: skip
    return _update(world, present, params, (least, most), cause)


def _update(
    world: World, target: Target, params: Params, bounds: tuple[int, int], cause: dict[str, str]
) -> Answer:
    target.least, target.most = bounds
    target.role_arn = str(params.get("RoleARN", target.role_arn))
    target.suspended = target.suspended.changed(params.get("SuspendedState", {}))
    text = "scalable target was registered"
    clamp(world, target, cause or {"least": text, "most": text})
    watch(world, target)
    return {"ScalableTargetARN": target.arn}


def _bounds(params: Params, present: Target | None, dimension: Dimension) -> tuple[int, int]:
    least = params.get("MinCapacity", None if present is None else present.least)
    most = params.get("MaxCapacity", None if present is None else present.most)
    if least is None or most is None:
        raise invalid("MinCapacity and MaxCapacity are required to register a new scalable target")
    if least < dimension.least:
        raise invalid(
            f"Minimum capacity cannot be less than {dimension.least} for {dimension.name}"
        )
    if most < least:
        raise invalid("Maximum capacity cannot be less than minimum capacity")
    return int(least), int(most)


def _new(
    world: World, ctx: RequestContext, key: TargetKey, params: Params, bounds: tuple[int, int]
) -> Target:
    place = autoscaling_of(world, ctx.account, ctx.region)
    dimension = DIMENSIONS[key[2]]
    name = place.new_id(world.seed, "target", *key)
    return Target(
        account=ctx.account,
        region=ctx.region,
        key=key,
        arn=f"arn:aws:application-autoscaling:{ctx.region}:{ctx.account}:scalable-target/{name}",
        role_arn=(
            f"arn:aws:iam::{ctx.account}:role/aws-service-role/"
            f"{dimension.namespace}.application-autoscaling.amazonaws.com/{dimension.role}"
        ),
        created_s=ctx.now_s,
        least=bounds[0],
        most=bounds[1],
        tags={str(k): str(v) for k, v in params.get("Tags", {}).items()},
    )


def deregister(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeregisterScalableTarget."""
    key = key_of(params)
    dimension_of(key)
    if not forget(world, ctx.account, ctx.region, key):
        raise not_found("scalable target registered", key)
    return {}


def forget(world: World, account: str, region: str, key: TargetKey) -> bool:
    """Forget a target with its policies, alarms and scheduled actions; False if not there."""
    target = autoscaling_of(world, account, region).targets.pop(key, None)
    if target is None:
        return False
    for policy in target.policies.values():
        delete_alarms(world, target, policy)
    for action in target.scheduled.values():
        if action.event is not None:
            action.event.cancelled = True
    if target.looks is not None:
        target.looks.cancelled = True
    return True


def describe(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeScalableTargets, in pages of at most fifty."""
    check_filters(params)
    targets = autoscaling_of(world, ctx.account, ctx.region).targets
    found = [targets[key] for key in sorted(targets) if chosen(key, params)]
    shown, following = page(found, params, "targets")
    return {"ScalableTargets": [_view(one) for one in shown], **following}


def _view(target: Target) -> Answer:
    return {
        "ServiceNamespace": target.key[0],
        "ResourceId": target.key[1],
        "ScalableDimension": target.key[2],
        "MinCapacity": target.least,
        "MaxCapacity": target.most,
        "RoleARN": target.role_arn,
        "CreationTime": datetime.fromtimestamp(target.created_s, UTC),
        "SuspendedState": target.suspended.view(),
        "ScalableTargetARN": target.arn,
    }


class AutoscalingForSageMaker:
    """What endpoints ask of this service (`sagemaker_neighbours.Autoscaling`)."""

    def __init__(self, world: World) -> None:
        self._world = world

    def registered_targets(
        self, account: str, region: str, endpoint: str, variant: str
    ) -> list[str]:
        """Dimensions of a variant that are registered."""
        resource_id = f"endpoint/{endpoint}/variant/{variant}"
        targets = autoscaling_of(self._world, account, region).targets
        return sorted(key[2] for key in targets if key[1] == resource_id)

    def deregister(self, account: str, region: str, endpoint: str, variant: str) -> None:
        """Forget a variant's targets, whose endpoint is being deleted."""
        for dimension in self.registered_targets(account, region, endpoint, variant):
            key = ("sagemaker", f"endpoint/{endpoint}/variant/{variant}", dimension)
            forget(self._world, account, region, key)


def _introduce(world: World) -> None:
    neighbours = state_of(world, Neighbours)
    if neighbours.autoscaling is None:
        neighbours.autoscaling = AutoscalingForSageMaker(world)
