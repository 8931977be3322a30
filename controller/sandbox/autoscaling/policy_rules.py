"""What a scaling policy's configuration must be.

Facts: exactly one of a predefined and a customized metric; a predefined metric belongs to one
dimension; utilization of provisioned concurrency is a share from 0.1 to 0.9; step intervals
leave no gap and do not overlap, and at most one is open at either end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from controller.sandbox.autoscaling.metrics import predefined_of
from controller.sandbox.autoscaling.refusals import invalid
from controller.sandbox.autoscaling.resources import FUNCTION_CONCURRENCY

Config = Mapping[str, Any]

MOST_STEPS = 20
GREATEST_TARGET = 2.0**360
_CUSTOM = ("MetricName", "Namespace", "Statistic")


def check_tracking(dimension: str, config: Config) -> None:
    """A target tracking configuration. Raises 400."""
    custom = config.get("CustomizedMetricSpecification")
    predefined = predefined_of(dimension, config)
    if (custom is None) == (predefined is None):
        raise invalid("Exactly one of PredefinedMetricSpecification and "
                      "CustomizedMetricSpecification must be given")  # fmt: skip
    target = float(config["TargetValue"])
    if not 0 < target <= GREATEST_TARGET:
        raise invalid("TargetValue must be greater than 0 and at most 2^360")
    if predefined is not None and predefined.utilization and not 0.1 <= target <= 0.9:
        raise invalid("TargetValue must be between 0.1 and 0.9 for a utilization of provisioned "
                      "concurrency")  # fmt: skip
    if "ResourceLabel" in config.get("PredefinedMetricSpecification", {}):
        raise invalid("ResourceLabel can be given only for ALBRequestCountPerTarget")
    for name in ("ScaleOutCooldown", "ScaleInCooldown"):
        if config.get(name, 0) < 0:
            raise invalid(f"{name} must not be negative")
    if custom is not None:
        _check_custom(custom)


def _check_custom(custom: Config) -> None:
    if "Metrics" in custom:
        if any(name in custom for name in _CUSTOM):
            raise invalid("Metrics and a single metric must not be given together")
        returned = [one for one in custom["Metrics"] if one.get("ReturnData", True)]
        if len(returned) != 1:
            raise invalid("Exactly one element of Metrics must return data")
        return
    for name in _CUSTOM:
        if name not in custom:
            raise invalid(f"{name} is required in a CustomizedMetricSpecification")


def check_step(dimension: str, config: Config) -> None:
    """A step configuration. Raises 400."""
    if dimension == FUNCTION_CONCURRENCY:
        raise invalid("StepScaling is not supported for lambda:function:ProvisionedConcurrency")
    steps: Sequence[Config] = config.get("StepAdjustments") or ()
    kind = config.get("AdjustmentType")
    if kind is None or not steps:
        raise invalid("AdjustmentType and at least one step adjustment are required")
    if len(steps) > MOST_STEPS:
        raise invalid(f"A step scaling policy has at most {MOST_STEPS} step adjustments")
    if kind == "ExactCapacity" and any(step["ScalingAdjustment"] < 0 for step in steps):
        raise invalid("ScalingAdjustment must not be negative for ExactCapacity")
    if "MinAdjustmentMagnitude" in config and kind != "PercentChangeInCapacity":
        raise invalid("MinAdjustmentMagnitude is for PercentChangeInCapacity only")
    if config.get("Cooldown", 0) < 0:
        raise invalid("Cooldown must not be negative")
    _check_intervals(steps)


def _check_intervals(steps: Sequence[Config]) -> None:
    intervals = sorted(
        (
            float(step.get("MetricIntervalLowerBound", -math.inf)),
            float(step.get("MetricIntervalUpperBound", math.inf)),
        )
        for step in steps
    )
    for lower, upper in intervals:
        if lower >= upper:
            raise invalid("The upper bound of a step must be greater than its lower bound")
        if math.isinf(lower) and math.isinf(upper):
            raise invalid("A step must have a lower or an upper bound")
    for before, after in pairwise(intervals):
        if before[1] > after[0]:
            raise invalid("The intervals of step adjustments must not overlap")
        if before[1] < after[0]:
            raise invalid("There must be no gap between the intervals of step adjustments")
