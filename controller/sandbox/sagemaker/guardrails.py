"""DeploymentConfig: how traffic moves from the old fleet to the new one.

Facts: without one, everything moves at once. Blue/green moves at once, by a canary (at most
half the new fleet) or in linear steps (10 to 50 %), waits after each step and once more before
the old fleet goes; rolling replaces batches (5 to 50 %). Guardrails are for real-time
endpoints whose variants keep their names; marketplace containers and ml.inf1 fall back to
all at once without baking; rolling takes one variant only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.sandbox.sagemaker.refusals import invalid
from controller.sandbox.sagemaker_state import Endpoint, EndpointConfig, SageMakerPlace

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """So much (0-1) of the new fleet takes traffic; then a wait."""

    share: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A deployment in steps; both fleets are billed unless all moves at once without baking."""

    steps: tuple[Step, ...] = (Step(1.0, 0.0),)
    termination_wait_s: float = 0.0
    timeout_s: float | None = None
    alarms: tuple[str, ...] = ()
    rolling: bool = False
    document: Document | None = None

    @property
    def guarded(self) -> bool:
        """Whether both fleets exist, and are paid for, while it goes on."""
        return len(self.steps) > 1 or self.termination_wait_s > 0 or self.rolling


def read_plan(
    place: SageMakerPlace, endpoint: Endpoint, config: EndpointConfig, given: Document | None,
    counts: Mapping[str, int],
) -> Plan:  # fmt: skip
    """The plan of a DeploymentConfig. counts: instances that the new variants will have.

    Raises ValidationException.
    """
    if given is None:
        return Plan()
    blue_green, rolling = given.get("BlueGreenUpdatePolicy"), given.get("RollingUpdatePolicy")
    if (blue_green is None) == (rolling is None):
        raise invalid("Exactly one of BlueGreenUpdatePolicy and RollingUpdatePolicy must be given.")
    if config.serverless or endpoint.config.serverless:
        raise invalid("DeploymentConfig is not supported for serverless endpoints.")
    if {one.name for one in config.variants} != set(endpoint.variants):
        raise invalid("With a DeploymentConfig the old and the new endpoint configuration must "
                      "have the same variant names.")  # fmt: skip
    count = min(counts.values())
    if blue_green is not None:
        plan = _blue_green(blue_green, given, count)
    else:
        assert rolling is not None
        plan = _rolling(rolling, given, count, len(config.variants))
    return Plan(document=given) if _excluded(place, config) else plan


def _excluded(place: SageMakerPlace, config: EndpointConfig) -> bool:
    """Whether guardrails do not apply to what is deployed."""
    for variant in config.variants:
        model = place.models.get(variant.model_name or "", {})
        marketplace = "ModelPackageName" in model.get("PrimaryContainer", {})
        if marketplace or (variant.instance_type or "").startswith("ml.inf1."):
            return True
    return False


def _blue_green(policy: Document, given: Document, count: int) -> Plan:
    routing = policy["TrafficRoutingConfiguration"]
    kind, wait_s = routing["Type"], float(routing.get("WaitIntervalInSeconds", 0))
    steps: tuple[Step, ...] = (Step(1.0, 0.0),)
    if kind == "CANARY":
        size = _portion(routing, "CanarySize", count, 1, 50)
        steps = (Step(size, wait_s), Step(1.0, 0.0)) if size < 1.0 else (Step(1.0, wait_s),)
    elif kind == "LINEAR":
        size = _portion(routing, "LinearStepSize", count, 10, 50)
        number = math.ceil(round(1.0 / size, 6))
        steps = tuple(Step(min(1.0, size * (i + 1)), wait_s) for i in range(number))
    return _timed(
        Plan(
            steps=steps,
            termination_wait_s=float(policy.get("TerminationWaitInSeconds", 0)),
            timeout_s=policy.get("MaximumExecutionTimeoutInSeconds"),
            alarms=_alarms(given),
            document=given,
        )
    )


def _rolling(policy: Document, given: Document, count: int, variants: int) -> Plan:
    if variants > 1:
        raise invalid("Rolling deployments are not supported for endpoints with several variants.")
    size = _portion(policy, "MaximumBatchSize", count, 5, 50)
    wait_s = float(policy["WaitIntervalInSeconds"])
    number = math.ceil(round(1.0 / size, 6))
    return _timed(
        Plan(
            steps=tuple(Step(min(1.0, size * (i + 1)), wait_s) for i in range(number)),
            timeout_s=policy.get("MaximumExecutionTimeoutInSeconds"),
            alarms=_alarms(given),
            rolling=True,
            document=given,
        )
    )


def _portion(policy: Document, member: str, count: int, least: int, most: int) -> float:
    """A CapacitySize as a share of the new fleet, at least one whole instance of it."""
    size = policy.get(member)
    if size is None:
        raise invalid(f"{member} is missing.")
    value = int(size["Value"])
    if size["Type"] == "INSTANCE_COUNT":
        if value > max(1, count * most // 100):
            raise invalid(f"{member} must be at most {most} % of the new fleet's capacity.")
        return min(1.0, value / count)
    if not least <= value <= most:
        raise invalid(f"{member} must be between {least} and {most} percent.")
    return min(1.0, max(1, round(count * value / 100.0)) / count)


def _alarms(given: Document) -> tuple[str, ...]:
    listed = (given.get("AutoRollbackConfiguration") or {}).get("Alarms", ())
    return tuple(str(one["AlarmName"]) for one in listed)


def _timed(plan: Plan) -> Plan:
    waits_s = sum(step.wait_s for step in plan.steps) + plan.termination_wait_s
    if plan.timeout_s is not None and plan.timeout_s <= waits_s:
        raise invalid("MaximumExecutionTimeoutInSeconds must be greater than the sum of the "
                      "waiting times.")  # fmt: skip
    return plan
