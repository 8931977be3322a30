"""From a target tracking policy to the two alarms it watches.

Facts: the scale-out alarm needs 3 minutes above the target; the scale-in alarm 15 minutes
below 90 percent of it (3 for a function's provisioned concurrency); missing data leaves both
INSUFFICIENT_DATA. Alarm names begin with `TargetTracking-`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_api import delete_alarm, put_metric_alarm
from controller.sandbox.alarms_state import alarms_of
from controller.sandbox.autoscaling.refusals import invalid
from controller.sandbox.autoscaling.resources import (
    COPY_COUNT,
    FUNCTION_CONCURRENCY,
    INSTANCE_COUNT,
    VARIANT_CONCURRENCY,
)
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.autoscaling.state import Policy, Target
    from controller.sandbox.world import World

LOW_SHARE = 0.9
SAGEMAKER = "AWS/SageMaker"


@dataclass(frozen=True, slots=True)
class Predefined:
    """A predefined metric; out and in: minutes its alarms need; utilization: a share 0-1."""

    dimension: str
    namespace: str
    metric: str
    statistic: str
    out_minutes: int = 3
    in_minutes: int = 15
    utilization: bool = False


PREDEFINED: Mapping[str, Predefined] = {
    "SageMakerVariantInvocationsPerInstance": Predefined(
        INSTANCE_COUNT, SAGEMAKER, "InvocationsPerInstance", "Sum"
    ),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": Predefined(
        INSTANCE_COUNT, SAGEMAKER, "ConcurrentRequestsPerModel", "Average", out_minutes=1
    ),
    "SageMakerVariantProvisionedConcurrencyUtilization": Predefined(
        VARIANT_CONCURRENCY, SAGEMAKER, "ServerlessProvisionedConcurrencyUtilization", "Average",
        utilization=True,
    ),
    "SageMakerInferenceComponentInvocationsPerCopy": Predefined(
        COPY_COUNT, SAGEMAKER, "InvocationsPerCopy", "Sum"
    ),
    "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution": Predefined(
        COPY_COUNT, SAGEMAKER, "ConcurrentRequestsPerCopy", "Average", out_minutes=1
    ),
    "LambdaProvisionedConcurrencyUtilization": Predefined(
        FUNCTION_CONCURRENCY, "AWS/Lambda", "ProvisionedConcurrencyUtilization", "Average",
        in_minutes=3, utilization=True,
    ),
}  # fmt: skip


def predefined_of(dimension: str, config: Mapping[str, Any]) -> Predefined | None:
    """The predefined metric of a policy; None where it brings its own.

    Raises 400 for a metric of another dimension.
    """
    given = config.get("PredefinedMetricSpecification")
    if given is None:
        return None
    kind = str(given["PredefinedMetricType"])
    found = PREDEFINED.get(kind)
    if found is None or found.dimension != dimension:
        raise invalid(f"Invalid scalable dimension and metric type combination: {dimension}, "
                      f"{kind}")  # fmt: skip
    return found


def watched(target: Target, config: Mapping[str, Any]) -> dict[str, Any]:
    """The members of PutMetricAlarm that name a policy's series."""
    predefined = predefined_of(target.dimension, config)
    if predefined is not None:
        return {
            "Namespace": predefined.namespace,
            "MetricName": predefined.metric,
            "Dimensions": _dimensions(target),
            "Statistic": predefined.statistic,
            "Period": 60,
        }
    custom = config["CustomizedMetricSpecification"]
    if "Metrics" in custom:
        return {"Metrics": [_minutely(one) for one in custom["Metrics"]]}
    names = ("Namespace", "MetricName", "Dimensions", "Statistic", "Unit")
    return {name: custom[name] for name in names if name in custom} | {"Period": 60}


def _dimensions(target: Target) -> list[dict[str, str]]:
    parts = target.resource_id.replace(":", "/").split("/")
    if target.dimension == FUNCTION_CONCURRENCY:
        named = {"FunctionName": parts[1], "Resource": f"{parts[1]}:{parts[2]}"}
    elif target.dimension == COPY_COUNT:
        named = {"InferenceComponentName": parts[1]}
    else:
        named = {"EndpointName": parts[1], "VariantName": parts[3]}
    return [{"Name": name, "Value": value} for name, value in named.items()]


def _minutely(query: Mapping[str, Any]) -> dict[str, Any]:
    """A query of a policy, which names no period, as one of an alarm."""
    if "MetricStat" not in query:
        return dict(query)
    return {**query, "MetricStat": {**query["MetricStat"], "Period": 60}}


def put_alarms(world: World, target: Target, policy: Policy) -> None:
    """Create or overwrite a policy's alarms, or take away the one it no longer has."""
    predefined = predefined_of(target.dimension, policy.config)
    threshold = float(policy.config["TargetValue"])
    out_minutes = 3 if predefined is None else predefined.out_minutes
    in_minutes = 15 if predefined is None else predefined.in_minutes
    policy.high = policy.high or _alarm_name(world, target, "AlarmHigh")
    _put(world, target, policy, policy.high, (threshold, "GreaterThanThreshold", out_minutes))
    if policy.config.get("DisableScaleIn"):
        if policy.low is not None:
            delete_alarm(world, alarms_of(world, target.account, target.region), policy.low)
        policy.low = None
        return
    policy.low = policy.low or _alarm_name(world, target, "AlarmLow")
    low = round(LOW_SHARE * threshold, 12)
    _put(world, target, policy, policy.low, (low, "LessThanThreshold", in_minutes))


def _alarm_name(world: World, target: Target, which: str) -> str:
    from controller.sandbox.autoscaling.state import autoscaling_of

    place = autoscaling_of(world, target.account, target.region)
    return f"TargetTracking-{target.resource_id}-{which}-{place.new_id(world.seed, which)}"


def _put(
    world: World, target: Target, policy: Policy, name: str, rule: tuple[float, str, int]
) -> None:
    threshold, comparison, minutes = rule
    ctx = RequestContext(
        "cloudwatch", "PutMetricAlarm", target.account, target.region, target.role_arn,
        world.now_s(),
    )  # fmt: skip
    params = {
        "AlarmName": name,
        "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}",
        "AlarmActions": [policy.arn],
        "EvaluationPeriods": minutes,
        "Threshold": threshold,
        "ComparisonOperator": comparison,
        **watched(target, policy.config),
    }
    put_metric_alarm(world, ctx, params)


def delete_alarms(world: World, target: Target, policy: Policy) -> None:
    """Delete the alarms that a policy made."""
    place = alarms_of(world, target.account, target.region)
    for name in policy.alarm_names:
        delete_alarm(world, place, name)
    policy.high = policy.low = None
