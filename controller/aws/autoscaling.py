"""What Application Auto Scaling knows of a variant, and one mutating call at a time to it.

Policies and scheduled actions are read as the documents that Put… takes, canonical and whole:
a type change makes AWS delete them, and what is put back then must be what was there.
DeregisterScalableTarget deletes policies and actions along with the target. PutScheduledAction
deletes the start and end that it is not given, so they are part of the document.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from controller.aws.endpoint_configs import NAME_PREFIX
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.endpoint import EndpointKey
from controller.model.errors import AccessDenied, NotFound
from controller.model.policy import Scope
from controller.model.sagemaker import Autoscaling, ScalableTarget, ScalingPolicy, ScheduledAction
from controller.model.sagemaker_steps import (
    DeleteScalingPolicy,
    DeleteScheduledAction,
    DeregisterTarget,
    PutScalingPolicy,
    PutScheduledAction,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
    SageMakerStep,
)

SERVICE = "application-autoscaling"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
INVOCATIONS_PER_INSTANCE = "SageMakerVariantInvocationsPerInstance"
TRACKING = "TargetTrackingScalingPolicyConfiguration"
UTC = "UTC"
ScalingStep = (
    RegisterTarget
    | DeregisterTarget
    | PutTargetTracking
    | PutScalingPolicy
    | DeleteScalingPolicy
    | PutScheduledBounds
    | PutScheduledAction
    | DeleteScheduledAction
)
"""Steps that this room carries out."""
_POLICY_MEMBERS = ("PolicyName", "PolicyType", TRACKING, "StepScalingPolicyConfiguration",
                   "PredictiveScalingPolicyConfiguration")  # fmt: skip
_ACTION_MEMBERS = ("ScheduledActionName", "Schedule", "Timezone", "StartTime", "EndTime",
                   "ScalableTargetAction")  # fmt: skip
_TIMES = ("StartTime", "EndTime")

Document = Mapping[str, Any]


def resource_id(key: EndpointKey) -> str:
    """Application Auto Scaling's name for a variant."""
    return f"endpoint/{key.name}/variant/{key.qualifier}"


class VariantScaling:
    """Reads and changes a variant's autoscaling; shared by threads."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def look(self, scope: Scope, key: EndpointKey) -> Autoscaling:
        """Target, policies and scheduled actions, each list by name; empty where nothing is
        registered (policies and actions cannot be there without a target)."""
        about = f"variant {key.name}:{key.qualifier}"
        client = self._sessions.autoscaling_reads(scope)
        with translated(SERVICE, "DescribeScalableTargets", scope, about):
            targets = client.describe_scalable_targets(
                ServiceNamespace="sagemaker",
                ResourceIds=[resource_id(key)],
                ScalableDimension=DIMENSION,
            )["ScalableTargets"]
        if not targets:
            return Autoscaling()
        with translated(SERVICE, "DescribeScalingPolicies", scope, about):
            policies = list(_pages(client.describe_scaling_policies, key, "ScalingPolicies"))
        with translated(SERVICE, "DescribeScheduledActions", scope, about):
            actions = list(_pages(client.describe_scheduled_actions, key, "ScheduledActions"))
        return Autoscaling(
            replace(scalable_target(targets[0]), tags=self._tags(scope, targets[0], about)),
            tuple(sorted(map(scaling_policy, policies), key=lambda policy: policy.name)),
            tuple(sorted(map(scheduled_action, actions), key=lambda action: action.name)),
        )

    def _tags(
        self, scope: Scope, shown: Document, about: str
    ) -> tuple[tuple[str, str], ...] | None:
        """A target's tags by key; None where they may not be read."""
        arn = shown.get("ScalableTargetARN")
        if not arn:
            return ()
        client = self._sessions.autoscaling_reads(scope)
        try:
            with translated(SERVICE, "ListTagsForResource", scope, about):
                tags = client.list_tags_for_resource(ResourceARN=arn)["Tags"]
        except NotFound:
            return ()
        except AccessDenied:
            return None
        return tuple(sorted(tags.items()))

    def execute(self, scope: Scope, key: EndpointKey, step: SageMakerStep) -> Mapping[str, str]:
        """One mutation; may be repeated after a crash: what is gone needs no deleting.

        Raises NotFound where the target is not registered (any more), Conflict while AWS is
        scaling, TypeError for a step of another room.
        """
        operation, params = _call(step)
        method = {
            "RegisterScalableTarget": "register_scalable_target",
            "DeregisterScalableTarget": "deregister_scalable_target",
            "PutScalingPolicy": "put_scaling_policy",
            "DeleteScalingPolicy": "delete_scaling_policy",
            "PutScheduledAction": "put_scheduled_action",
            "DeleteScheduledAction": "delete_scheduled_action",
        }[operation]
        try:
            with translated(SERVICE, operation, scope, f"variant {key.name}:{key.qualifier}"):
                client = self._sessions.autoscaling_writes(scope)
                getattr(client, method)(**params, **_place(key))
        except NotFound:
            if not operation.startswith("De"):
                raise
        return {}


def _place(key: EndpointKey) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource_id(key),
        "ScalableDimension": DIMENSION,
    }


def _pages(method: Any, key: EndpointKey, member: str) -> Iterator[Document]:
    more: dict[str, str] = {}
    while True:
        page = method(**_place(key), **more)
        yield from page[member]
        token = page.get("NextToken")
        if not token:
            return
        more = {"NextToken": token}


# --- what AWS shows, as values


def scalable_target(shown: Document) -> ScalableTarget:
    """A row of DescribeScalableTargets."""
    suspended = shown.get("SuspendedState") or {}
    return ScalableTarget(
        min_instances=shown["MinCapacity"],
        max_instances=shown["MaxCapacity"],
        suspended_in=bool(suspended.get("DynamicScalingInSuspended")),
        suspended_out=bool(suspended.get("DynamicScalingOutSuspended")),
        suspended_schedule=bool(suspended.get("ScheduledScalingSuspended")),
    )


def scaling_policy(shown: Document) -> ScalingPolicy:
    """A row of DescribeScalingPolicies."""
    tracking = shown.get(TRACKING) or {}
    metric = (tracking.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType")
    return ScalingPolicy(
        name=shown["PolicyName"],
        kind=shown["PolicyType"],
        document=_canonical(shown, _POLICY_MEMBERS),
        target_per_instance=(
            float(tracking["TargetValue"]) if metric == INVOCATIONS_PER_INSTANCE else None
        ),
    )


def scheduled_action(shown: Document) -> ScheduledAction:
    """A row of DescribeScheduledActions."""
    bounds = shown.get("ScalableTargetAction") or {}
    return ScheduledAction(
        name=shown["ScheduledActionName"],
        schedule=shown["Schedule"],
        timezone=shown.get("Timezone", UTC),
        min_instances=bounds.get("MinCapacity"),
        max_instances=bounds.get("MaxCapacity"),
        document=_canonical(shown, _ACTION_MEMBERS),
    )


def _canonical(shown: Document, members: tuple[str, ...]) -> str:
    kept = {name: shown[name] for name in members if shown.get(name) is not None}
    return json.dumps(kept, sort_keys=True, separators=(",", ":"), default=_instant)


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} has no form in JSON")
    return value.isoformat()


# --- steps, as calls


def _call(step: SageMakerStep) -> tuple[str, dict[str, Any]]:
    """The operation that a step comes to, and its parameters but for whose they are."""
    match step:
        case RegisterTarget():
            return "RegisterScalableTarget", _registration(step)
        case DeregisterTarget():
            return "DeregisterScalableTarget", {}
        case PutTargetTracking(name=name):
            config = _tracking(step)
            return "PutScalingPolicy", {"PolicyName": name, "PolicyType": "TargetTrackingScaling",
                                        TRACKING: config}  # fmt: skip
        case PutScalingPolicy():
            return "PutScalingPolicy", _policy_params(step)
        case DeleteScalingPolicy(name=name):
            return "DeleteScalingPolicy", {"PolicyName": name}
        case PutScheduledBounds(name=name, bounds=bounds):
            limits = {"MinCapacity": bounds.min_instances, "MaxCapacity": bounds.max_instances}
            return "PutScheduledAction", {
                "ScheduledActionName": name,
                "Schedule": bounds.cron,
                "Timezone": bounds.timezone,
                "ScalableTargetAction": limits,
            }
        case PutScheduledAction(document=document):
            return "PutScheduledAction", action_params(document)
        case DeleteScheduledAction(name=name):
            if not name.startswith(NAME_PREFIX):
                raise ValueError(f"{name} is not the name of an action that we make")
            return "DeleteScheduledAction", {"ScheduledActionName": name}
        case _:
            raise TypeError(f"{type(step).__name__} is no step of autoscaling")


def _registration(step: RegisterTarget) -> dict[str, Any]:
    return {
        **({"Tags": dict(step.tags)} if step.tags else {}),
        "MinCapacity": step.min_instances,
        "MaxCapacity": step.max_instances,
        "SuspendedState": {
            "DynamicScalingInSuspended": step.suspended_in,
            "DynamicScalingOutSuspended": step.suspended_out,
            "ScheduledScalingSuspended": step.suspended_schedule,
        },
    }


def _tracking(step: PutTargetTracking) -> dict[str, Any]:
    return {
        "TargetValue": step.target_per_instance,
        "PredefinedMetricSpecification": {"PredefinedMetricType": INVOCATIONS_PER_INSTANCE},
        "ScaleInCooldown": step.scale_in_cooldown_s,
        "ScaleOutCooldown": step.scale_out_cooldown_s,
    }


def _policy_params(step: PutScalingPolicy) -> dict[str, Any]:
    params: dict[str, Any] = json.loads(step.document)
    if step.target_per_instance is not None:
        params[TRACKING] = {**params[TRACKING], "TargetValue": step.target_per_instance}
    return params


def action_params(document: str) -> dict[str, Any]:
    """A kept scheduled action as PutScheduledAction takes it."""
    params: dict[str, Any] = json.loads(document)
    for name in _TIMES:
        if name in params:
            params[name] = datetime.fromisoformat(params[name])
    return params
