"""Scaling policies: put (create or update by name), delete, describe.

Facts: a policy needs a registered target; at most 50 per target and 20 steps per policy;
functions have no step scaling, and neither of the two services has predictive scaling; a
target tracking policy makes its own alarms and takes them along when it goes, a step policy
leaves the alarms that trigger it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_state import alarms_of
from controller.sandbox.autoscaling.metrics import delete_alarms, put_alarms
from controller.sandbox.autoscaling.policy_rules import check_step, check_tracking
from controller.sandbox.autoscaling.refusals import (
    Answer,
    Params,
    check_alarm_access,
    check_filters,
    chosen,
    invalid,
    key_of,
    not_found,
    page,
    target_of,
)
from controller.sandbox.autoscaling.scaler import watch
from controller.sandbox.autoscaling.state import (
    STEP,
    TARGET_TRACKING,
    Policy,
    Target,
    autoscaling_of,
)
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_POLICIES = 50
_MEMBERS: Mapping[str, str] = {
    TARGET_TRACKING: "TargetTrackingScalingPolicyConfiguration",
    STEP: "StepScalingPolicyConfiguration",
}


def put(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PutScalingPolicy."""
    target = target_of(world, ctx, params)
    name = str(params["PolicyName"])
    present = target.policies.get(name)
    kind, config = _configuration(target, params, present)
    if present is None and len(target.policies) >= MOST_POLICIES:
        raise AwsError("LimitExceededException",
                       f"The limit of {MOST_POLICIES} scaling policies is reached.")  # fmt: skip
    if kind == TARGET_TRACKING:
        check_alarm_access(world, target, "PutMetricAlarm")
    policy = present or _new(world, ctx, target, name)
    if policy.kind != kind:
        delete_alarms(world, target, policy)
    policy.kind, policy.config = kind, config
    target.policies[name] = policy
    if kind == TARGET_TRACKING:
        put_alarms(world, target, policy)
    watch(world, target)
    return {"PolicyARN": policy.arn, "Alarms": _alarms(world, target, policy)}


def _configuration(
    target: Target, params: Params, present: Policy | None
) -> tuple[str, Mapping[str, Any]]:
    """(policy type, configuration) of a request, checked. Raises 400."""
    given = [kind for kind, member in _MEMBERS.items() if member in params]
    kind = params.get("PolicyType", given[0] if len(given) == 1 else None)
    kind = kind or (None if present is None else present.kind)
    if kind == "PredictiveScaling":
        raise invalid(f"PredictiveScaling is not supported for {target.dimension}")
    if kind is None or given not in ([], [kind]):
        raise invalid("PolicyType and the policy configuration do not match")
    if not given and (present is None or present.kind != kind):
        raise invalid(f"{_MEMBERS[kind]} is required")
    config = dict(params[_MEMBERS[kind]] if given or present is None else present.config)
    if kind == TARGET_TRACKING:
        check_tracking(target.dimension, config)
    else:
        check_step(target.dimension, config)
    return kind, config


def _new(world: World, ctx: RequestContext, target: Target, name: str) -> Policy:
    place = autoscaling_of(world, ctx.account, ctx.region)
    number = place.new_id(world.seed, "policy", name)
    arn = (
        f"arn:aws:autoscaling:{ctx.region}:{ctx.account}:scalingPolicy:{number}:"
        f"resource/{target.key[0]}/{target.resource_id}:policyName/{name}"
    )
    return Policy(name, arn, "", {}, ctx.now_s)


def _alarms(world: World, target: Target, policy: Policy) -> list[dict[str, str]]:
    place = alarms_of(world, target.account, target.region)
    names = policy.alarm_names
    if policy.kind == STEP:
        names = [
            name
            for name, alarm in sorted(place.alarms.items())
            if policy.arn in alarm.members.get("AlarmActions", ())
        ]
    return [
        {"AlarmName": name, "AlarmARN": place.arn(name)} for name in names if name in place.alarms
    ]


def delete(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteScalingPolicy."""
    key, name = key_of(params), str(params["PolicyName"])
    target = autoscaling_of(world, ctx.account, ctx.region).targets.get(key)
    policy = None if target is None else target.policies.pop(name, None)
    if target is None or policy is None:
        raise not_found("scaling policy found", key)
    delete_alarms(world, target, policy)
    watch(world, target)
    return {}


def describe(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeScalingPolicies, in pages of at most fifty."""
    check_filters(params)
    targets = autoscaling_of(world, ctx.account, ctx.region).targets
    names = params.get("PolicyNames")
    found = [
        (targets[key], policy)
        for key in sorted(targets)
        if chosen(key, params)
        for name, policy in sorted(targets[key].policies.items())
        if not names or name in names
    ]
    for target, _ in found[:1]:
        check_alarm_access(world, target, "DescribeAlarms")
    shown, following = page(found, params, "policies")
    return {"ScalingPolicies": [_view(world, *one) for one in shown], **following}


def _view(world: World, target: Target, policy: Policy) -> Answer:
    return {
        "PolicyARN": policy.arn,
        "PolicyName": policy.name,
        "ServiceNamespace": target.key[0],
        "ResourceId": target.key[1],
        "ScalableDimension": target.key[2],
        "PolicyType": policy.kind,
        _MEMBERS[policy.kind]: policy.config,
        "Alarms": _alarms(world, target, policy),
        "CreationTime": datetime.fromtimestamp(policy.created_s, UTC),
    }
