"""Scalable targets, policies and scheduled actions as seed documents and actors write them.

```
a resource   endpoint, variant (AllTraffic), or function, qualifier; or resource_id
             dimension (sagemaker:variant:DesiredInstanceCount, or a function's only one)
a policy     {name, target_value, metric (a PredefinedMetricType; the dimension's usual one),
              scale_out_cooldown_s, scale_in_cooldown_s, disable_scale_in}
             or {name, tracking {members of TargetTrackingScalingPolicyConfiguration}}
             or {name, step {members of StepScalingPolicyConfiguration}}
an action    {name, schedule, timezone, min, max, start_s, end_s}
```
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.api import HANDLERS
from controller.sandbox.autoscaling.resources import (
    COPY_COUNT,
    FUNCTION_CONCURRENCY,
    INSTANCE_COUNT,
    VARIANT_CONCURRENCY,
)
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Document = Mapping[str, Any]

USUAL_METRIC: Mapping[str, str] = {
    INSTANCE_COUNT: "SageMakerVariantInvocationsPerInstance",
    VARIANT_CONCURRENCY: "SageMakerVariantProvisionedConcurrencyUtilization",
    COPY_COUNT: "SageMakerInferenceComponentInvocationsPerCopy",
    FUNCTION_CONCURRENCY: "LambdaProvisionedConcurrencyUtilization",
}
RESOURCE = frozenset({"endpoint", "variant", "function", "qualifier", "resource_id", "dimension"})
_TRACKING = {"scale_out_cooldown_s": "ScaleOutCooldown", "scale_in_cooldown_s": "ScaleInCooldown",
             "disable_scale_in": "DisableScaleIn"}  # fmt: skip
_POLICY = {"name", "target_value", "metric", "tracking", "step", *_TRACKING}
_ACTION = {"name", "schedule", "timezone", "min", "max", "start_s", "end_s"}


def call(
    world: World, place: tuple[str, str], who: str, operation: str, params: Document
) -> Document:
    """Call an operation at (account, region). Raises AwsError as the API would."""
    principal = f"arn:aws:iam::{place[0]}:user/{who}"
    ctx = RequestContext("application-autoscaling", operation, *place, principal, world.now_s())
    return HANDLERS[operation](world, ctx, params)


def resource_params(document: Document) -> dict[str, str]:
    """Namespace, resource id and dimension. Raises ValueError where none is named."""
    if "function" in document:
        resource_id = f"function:{document['function']}:{document.get('qualifier', 'live')}"
        usual = FUNCTION_CONCURRENCY
    elif "endpoint" in document:
        variant = document.get("variant", "AllTraffic")
        resource_id, usual = f"endpoint/{document['endpoint']}/variant/{variant}", INSTANCE_COUNT
    elif "resource_id" in document:
        resource_id = str(document["resource_id"])
        usual = FUNCTION_CONCURRENCY if resource_id.startswith("function:") else INSTANCE_COUNT
    else:
        raise ValueError("a scalable target needs an endpoint, a function or a resource_id")
    dimension = str(document.get("dimension", usual))
    return {
        "ServiceNamespace": dimension.partition(":")[0],
        "ResourceId": resource_id,
        "ScalableDimension": dimension,
    }


def target_params(document: Document) -> dict[str, Any]:
    """Parameters of RegisterScalableTarget; `suspended` is {in, out, scheduled}."""
    params: dict[str, Any] = resource_params(document)
    for name, member in (("min", "MinCapacity"), ("max", "MaxCapacity")):
        if name in document:
            params[member] = int(document[name])
    if "suspended" in document:
        names = {"in": "DynamicScalingInSuspended", "out": "DynamicScalingOutSuspended",
                 "scheduled": "ScheduledScalingSuspended"}  # fmt: skip
        params["SuspendedState"] = {names[k]: bool(v) for k, v in document["suspended"].items()}
    if "tags" in document:
        params["Tags"] = dict(document["tags"])
    return params


def policy_params(resource: Mapping[str, str], document: Document) -> dict[str, Any]:
    """Parameters of PutScalingPolicy. Raises ValueError for an unknown member."""
    _refuse_unknown("a scaling policy", document, _POLICY)
    params: dict[str, Any] = {**resource, "PolicyName": str(document["name"])}
    if "step" in document:
        config = dict(document["step"])
        return params | {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": config}
    config = dict(document.get("tracking", {}))
    if not config:
        metric = str(document.get("metric", USUAL_METRIC[resource["ScalableDimension"]]))
        config = {
            "TargetValue": float(document["target_value"]),
            "PredefinedMetricSpecification": {"PredefinedMetricType": metric},
        }
        config |= {_TRACKING[k]: document[k] for k in _TRACKING if k in document}
    return params | {
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": config,
    }


def action_params(resource: Mapping[str, str], document: Document) -> dict[str, Any]:
    """Parameters of PutScheduledAction. Raises ValueError for an unknown member."""
    _refuse_unknown("a scheduled action", document, _ACTION)
    bounds = {"min": "MinCapacity", "max": "MaxCapacity"}
    params: dict[str, Any] = {
        **resource,
        "ScheduledActionName": str(document["name"]),
        "Schedule": str(document["schedule"]),
        "ScalableTargetAction": {bounds[k]: int(document[k]) for k in bounds if k in document},
    }
    if "timezone" in document:
        params["Timezone"] = str(document["timezone"])
    for name, member in (("start_s", "StartTime"), ("end_s", "EndTime")):
        if name in document:
            params[member] = datetime.fromtimestamp(float(document[name]), UTC)
    return params


def _refuse_unknown(what: str, document: Document, known: set[str]) -> None:
    if unknown := set(document) - known:
        raise ValueError(f"{what} has no member {min(unknown)!r}")
