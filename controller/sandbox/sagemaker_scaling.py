"""Changing how much of a live variant there is, without a new configuration.

UpdateEndpointWeightsAndCapacities does it, and Application Auto Scaling. Facts: the endpoint
goes Updating and comes back InService; new instances take minutes to launch; while the
endpoint is not InService every such change is refused; burstable ml.t2 cannot be autoscaled;
provisioned concurrency is at most the variant's MaxConcurrency.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.sandbox import draws
from controller.sandbox.sagemaker.fleets import fleets_of
from controller.sandbox.sagemaker.refusals import (
    check_pool,
    check_quota,
    find_endpoint,
    find_variant,
    insufficient,
    invalid,
)
from controller.sandbox.sagemaker_state import (
    IN_SERVICE,
    UPDATING,
    Endpoint,
    SageMakerPlace,
    ServerlessConfig,
    Variant,
    sagemaker_of,
)

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.world import World

INSTANCE_COUNT = "sagemaker:variant:DesiredInstanceCount"
PROVISIONED = "sagemaker:variant:DesiredProvisionedConcurrency"


def is_scalable(
    world: World, region: Region, endpoint: str, variant: str, dimension: str = INSTANCE_COUNT
) -> bool:
    """Whether a live variant can be a scalable target in a dimension; False if it is missing."""
    found = sagemaker_of(world, region).endpoints.get(endpoint)
    live = found.variants.get(variant) if found is not None else None
    if live is None:
        return False
    if dimension == PROVISIONED:
        serverless = live.current_serverless
        return serverless is not None and serverless.provisioned_concurrency is not None
    kind = live.instance_type
    return dimension == INSTANCE_COUNT and kind is not None and not kind.startswith("ml.t2.")


def set_desired_instance_count(
    world: World, region: Region, endpoint: str, variant: str, count: int
) -> None:
    """Ask for so many instances of a variant; they are there some minutes later.

    Raises AwsError: ValidationException where there is no such variant, it is serverless, the
    endpoint is not InService or the count below 1; ResourceLimitExceeded beyond the quota.
    """
    place = sagemaker_of(world, region)
    found = find_endpoint(place, endpoint)
    live = find_variant(found, variant)
    check_in_service(found)
    if live.instance_type is None:
        raise invalid(f"Variant {variant} is serverless and has no instance count.")
    if count < 1:
        raise invalid(f"The instance count of variant {variant} must be at least 1.")
    check_quota(place, live.instance_type, count - live.current_instance_count)
    live.desired_instance_count = count
    rescale(world, place, found)


def set_desired_provisioned_concurrency(
    world: World, region: Region, endpoint: str, variant: str, number: int
) -> None:
    """Ask for so many environments kept warm; as `set_desired_instance_count` otherwise."""
    live = find_variant(find_endpoint(sagemaker_of(world, region), endpoint), variant)
    serverless = live.current_serverless
    if serverless is None:
        raise invalid(f"Variant {variant} is not serverless.")
    wanted = replace(serverless, provisioned_concurrency=number)
    set_desired_serverless(world, region, endpoint, variant, wanted)


def set_desired_serverless(
    world: World, region: Region, endpoint: str, variant: str, wanted: ServerlessConfig
) -> None:
    """Ask for other concurrency of a serverless variant. Raises as the others do."""
    place = sagemaker_of(world, region)
    found = find_endpoint(place, endpoint)
    live = find_variant(found, variant)
    check_in_service(found)
    if live.current_serverless is None:
        raise invalid(f"Variant {variant} is not serverless.")
    if (wanted.provisioned_concurrency or 0) > wanted.max_concurrency:
        raise invalid("ProvisionedConcurrency must not exceed MaxConcurrency.")
    check_pool(place, wanted.max_concurrency - live.current_serverless.max_concurrency)
    live.desired_serverless = wanted
    rescale(world, place, found)


def check_in_service(endpoint: Endpoint) -> None:
    """Raises ValidationException unless the endpoint is InService."""
    if endpoint.status != IN_SERVICE:
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def rescale(world: World, place: SageMakerPlace, endpoint: Endpoint) -> None:
    """Let the desired counts, weights and concurrency of an endpoint become the current ones."""
    endpoint.changes += 1
    seconds = max(_seconds(place, endpoint, variant) for variant in endpoint.variants.values())
    endpoint.status = UPDATING
    endpoint.failure_reason = None
    endpoint.modified_s = world.now_s()
    change = endpoint.changes

    def finish(world: World) -> None:
        if place.endpoints.get(endpoint.name) is endpoint and endpoint.changes == change:
            _finish(place, endpoint, world.now_s())

    world.schedule(world.now_s() + seconds, f"sagemaker: {endpoint.name} rescaled", finish)


def _finish(place: SageMakerPlace, endpoint: Endpoint, now_s: float) -> None:
    for variant in endpoint.variants.values():
        kind, more = variant.instance_type, variant.desired_instance_count
        more -= variant.current_instance_count
        if kind is not None and more > place.room_for(kind):
            variant.desired_instance_count = variant.current_instance_count
            endpoint.failure_reason = insufficient(kind)
        variant.current_instance_count = variant.desired_instance_count
        variant.current_serverless = variant.desired_serverless
        variant.current_weight = variant.desired_weight
    endpoint.status = IN_SERVICE
    endpoint.modified_s = now_s
    place.serve(endpoint.name, now_s, fleets_of(endpoint))


def _seconds(place: SageMakerPlace, endpoint: Endpoint, variant: Variant) -> float:
    """New instances take three to six minutes; anything else about one."""
    dice = _dice(place, endpoint, variant.name)
    if variant.desired_instance_count > variant.current_instance_count:
        return 180.0 + 180.0 * dice
    return 45.0 + 30.0 * dice


def _dice(place: SageMakerPlace, endpoint: Endpoint, what: str) -> float:
    region = place.region
    return draws.uniform(
        region.seed, region.account, region.name, endpoint.name, endpoint.changes, what
    )
