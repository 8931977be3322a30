"""Whether and when a new fleet comes up.

Facts: a new instance takes about five minutes; a container must pass its health check, which
a model does not that is larger than its machine's memory or not built for its accelerator;
lack of machines at AWS shows only as a FailureReason with InsufficientInstanceCapacity.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.sandbox.sagemaker.refusals import insufficient
from controller.sandbox.sagemaker_state import (
    Endpoint,
    EndpointConfig,
    EndpointFault,
    SageMakerPlace,
    Variant,
)


def launch_s(config: EndpointConfig, dice: float) -> float:
    """How long a fleet of a configuration takes to come up; dice is in [0, 1)."""
    if config.serverless:
        return 90.0 + 60.0 * dice
    return 240.0 + 180.0 * dice


def take_fault(
    place: SageMakerPlace, endpoint: str, variants: Iterable[Variant]
) -> EndpointFault | None:
    """The fault that hits a deployment of an endpoint's variants now; used up by that."""
    kinds = {None, *(variant.instance_type for variant in variants)}
    for fault in place.faults:
        named = fault.endpoint in (endpoint, "*") and fault.instance_type in kinds
        if named and fault.times > 0:
            fault.times -= 1
            return fault
    return None


def launch_problem(
    place: SageMakerPlace,
    endpoint: Endpoint,
    variants: Iterable[Variant],
    fault: EndpointFault | None,
) -> str | None:
    """Why a fleet of some variants does not come up; None where it does."""
    listed = list(variants)
    kinds = [one.instance_type for one in listed if one.instance_type is not None]
    if fault is not None and fault.outcome == "InsufficientCapacity":
        return insufficient(kinds[0] if kinds else "serverless")
    if fault is not None:
        return fault.reason
    for variant in listed:
        # The old fleet stays until the new one serves, so the whole new one must find room.
        kind = variant.instance_type
        if kind is not None and variant.desired_instance_count > place.room_for(kind):
            return insufficient(kind)
        if not _starts(place, endpoint.name, variant):
            return (f"The primary container for production variant {variant.name} did not pass "
                    "the ping health check. Please check CloudWatch logs for this "
                    "endpoint.")  # fmt: skip
    return None


def _starts(place: SageMakerPlace, endpoint: str, variant: Variant) -> bool:
    workload = place.workloads.get(endpoint)
    if workload is None:
        return True
    if variant.desired_serverless is not None:
        least_mb = workload.nature.memory_mb * (1.0 - workload.nature.memory_spread)
        return least_mb < variant.desired_serverless.memory_mb
    return workload.runs_on(variant.instance_type or "")
