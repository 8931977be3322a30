"""How SageMaker refuses, and what it looks up before it does.

Facts: what is not found is a ValidationException with "Could not find ..."; a quota that is
reached is ResourceLimitExceeded, naming type, limit, utilisation and delta.
"""

from __future__ import annotations

from controller.sandbox.sagemaker_state import (
    Endpoint,
    EndpointConfig,
    SageMakerPlace,
    ServerlessConfig,
    Variant,
)
from controller.sandbox.wire.contract import AwsError


def invalid(message: str) -> AwsError:
    """400 ValidationException."""
    return AwsError("ValidationException", message)


def find_endpoint(place: SageMakerPlace, name: str) -> Endpoint:
    """A live endpoint. Raises ValidationException."""
    found = place.endpoints.get(name)
    if found is None:
        raise invalid(f'Could not find endpoint "{place.arn("endpoint", name)}".')
    return found


def find_config(place: SageMakerPlace, name: str) -> EndpointConfig:
    """A configuration. Raises ValidationException."""
    found = place.configs.get(name)
    if found is None:
        arn = place.arn("endpoint-config", name)
        raise invalid(f'Could not find endpoint configuration "{arn}".')
    return found


def find_variant(endpoint: Endpoint, name: str) -> Variant:
    """A production variant of a live endpoint. Raises ValidationException."""
    found = endpoint.variants.get(name)
    if found is None:
        raise invalid(f'Variant(s) "{name}" not found in endpoint "{endpoint.arn}".')
    return found


def check_quota(place: SageMakerPlace, instance_type: str, more: int) -> None:
    """Raises ResourceLimitExceeded where `more` instances of a type go beyond the quota."""
    limit = place.quotas.get(instance_type, place.quotas.get("*"))
    if limit is None or more <= 0:
        return
    used = place.instances_of(instance_type)
    if used + more <= limit:
        return
    raise AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {limit} "
        f"Instances, with current utilization of {used} Instances and a request delta of {more} "
        "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this "
        "quota.",
    )


MOST_SERVERLESS_ENDPOINTS = 50
_LARGE_POOLS = frozenset(
    {"us-east-1", "us-east-2", "us-west-2", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1",
     "eu-central-1", "eu-west-1"}
)  # fmt: skip


def check_pool(place: SageMakerPlace, more: int, endpoints: int = 0) -> None:
    """Raises ResourceLimitExceeded where `more` serverless concurrency, or so many more
    serverless endpoints, go beyond what an account has in a region."""
    if more <= 0 and endpoints <= 0:
        return
    held = [
        max((v.current_serverless, v.desired_serverless), key=_concurrency)
        for endpoint in place.endpoints.values()
        for v in endpoint.variants.values()
    ]
    used = sum(_concurrency(size) for size in held)
    pool = 1000 if place.region.name in _LARGE_POOLS else 500
    number = sum(size is not None for size in held)
    if more > 0 and used + more > pool:
        what, limit, now, delta = (
            "Maximum total concurrency that can be allocated across all serverless endpoints",
            pool, used, more,
        )  # fmt: skip
    elif endpoints > 0 and number + endpoints > MOST_SERVERLESS_ENDPOINTS:
        what, limit = "Number of serverless endpoints", MOST_SERVERLESS_ENDPOINTS
        now, delta = number, endpoints
    else:
        return
    raise AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{what}' is {limit}, with current utilization of {now} "
        f"and a request delta of {delta}. Please contact AWS support to request an increase for "
        "this limit.",
    )


def _concurrency(size: ServerlessConfig | None) -> int:
    return 0 if size is None else size.max_concurrency


def insufficient(instance_type: str) -> str:
    """The FailureReason of a launch for which AWS has no machines."""
    return (
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity "
        f"error for {instance_type}. Please retry using a different ML instance type or after "
        "some time."
    )
