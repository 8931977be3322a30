"""How SageMaker refuses, and what it looks up before it does.

Facts: what is not found is a ValidationException with "Could not find ..."; a quota that is
reached is ResourceLimitExceeded, naming type, limit, utilisation and delta.
"""

from __future__ import annotations

from controller.sandbox.sagemaker_state import Endpoint, EndpointConfig, SageMakerPlace, Variant
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
    used = place.instances_of(instance_type)
    if limit is None or more <= 0 or used + more <= limit:
        return
    raise AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {limit} "
        f"Instances, with current utilization of {used} Instances and a request delta of {more} "
        "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this "
        "quota.",
    )
