"""SageMaker's endpoints: create, describe, list, delete, and change what there is of a variant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker import deployment
from controller.sandbox.sagemaker.endpoint_views import describe, summary
from controller.sandbox.sagemaker.machines import EndpointWorkload
from controller.sandbox.sagemaker.plain_api import keep_tags, listed, place_of
from controller.sandbox.sagemaker.refusals import (
    check_pool,
    check_quota,
    find_config,
    find_endpoint,
    find_variant,
    invalid,
)
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.sagemaker_scaling import check_in_service, rescale
from controller.sandbox.sagemaker_state import (
    CREATING,
    DELETING,
    FAILED,
    IN_SERVICE,
    UPDATE_ROLLBACK_FAILED,
    Endpoint,
    EndpointConfig,
    SageMakerPlace,
    ServerlessConfig,
    Variant,
    VariantConfig,
)
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]


def create_endpoint(world: World, ctx: RequestContext, params: Params) -> Answer:
    """CreateEndpoint: Creating for minutes, then InService or Failed."""
    place, name = place_of(world, ctx), params["EndpointName"]
    arn = place.arn("endpoint", name)
    if name in place.endpoints:
        raise invalid(f'Cannot create already existing endpoint "{arn}".')
    config = settled_config(place, params["EndpointConfigName"], ctx.now_s)
    more: dict[str, int] = {}
    for variant in (*config.variants, *config.shadows):
        kind = variant.instance_type
        if kind is not None:
            more[kind] = more.get(kind, 0) + variant.initial_instance_count
    for kind, count in more.items():
        check_quota(place, kind, count)
    if config.serverless:
        check_pool(place, sum(_concurrency(one) for one in config.variants), 1)
    endpoint = new_endpoint(place, name, config, ctx.now_s)
    endpoint.pending = {
        "EndpointConfigName": config.name,
        "StartTime": ctx.now_s,
        "variants": endpoint.variants,
        "status": ("Creating", ctx.now_s),
    }
    keep_tags(place, arn, params)
    behave_like_model(place, name, config)
    deployment.create(world, place, endpoint)
    return {"EndpointArn": arn}


def settled_config(place: SageMakerPlace, name: str, now_s: float) -> EndpointConfig:
    """A configuration that can be seen by now. Raises ValidationException."""
    found = find_config(place, name)
    if found.created_s + place.config_lag_s > now_s:
        raise invalid(f'Could not find endpoint configuration "{found.arn}".')
    return found


def new_endpoint(
    place: SageMakerPlace, name: str, config: EndpointConfig, now_s: float
) -> Endpoint:
    """An endpoint that is being created; nothing of it serves."""
    endpoint = Endpoint(name, place.arn("endpoint", name), config, CREATING, now_s, now_s)
    endpoint.variants = variants_of(place, config.variants)
    endpoint.shadows = variants_of(place, config.shadows, shadow=True)
    place.endpoints[name] = endpoint
    return endpoint


def variants_of(
    place: SageMakerPlace, configs: Sequence[VariantConfig], *, shadow: bool = False
) -> dict[str, Variant]:
    """Live variants on machines of their own, of which nothing is there yet."""
    return {
        one.name: Variant(
            config=one,
            fleet=place.region.new_id(one.name, "fleet"),
            current_instance_count=0,
            desired_instance_count=one.initial_instance_count,
            current_weight=one.initial_weight,
            desired_weight=one.initial_weight,
            current_serverless=None,
            desired_serverless=one.serverless,
            shadow=shadow,
        )
        for one in configs
    }


def behave_like_model(place: SageMakerPlace, name: str, config: EndpointConfig) -> None:
    """Give a new endpoint the nature of one that has the same model, where there is one.

    What disturbs that one disturbs this one too. A name that had a workload before keeps it,
    with its callers.
    """
    if name in place.workloads:
        return
    wanted = {model_identity(place, one) for one in config.variants} - {None}
    for other in place.endpoints.values():
        theirs = {model_identity(place, one) for one in other.config.variants}
        if other.name != name and wanted & theirs and other.name in place.workloads:
            place.workloads[name] = replace(place.workloads[other.name], streams=())
            return
    place.workloads[name] = EndpointWorkload()


def model_identity(place: SageMakerPlace, variant: VariantConfig) -> str | None:
    """What makes two models the same: their data, else their name."""
    if variant.model_name is None:
        return None
    container = place.models.get(variant.model_name, {}).get("PrimaryContainer", {})
    return str(container.get("ModelDataUrl") or variant.model_name)


def describe_endpoint(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeEndpoint."""
    place = place_of(world, ctx)
    return describe(place, find_endpoint(place, params["EndpointName"]))


def list_endpoints(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListEndpoints, newest first."""
    rows = [summary(endpoint) for endpoint in place_of(world, ctx).endpoints.values()]
    return listed("Endpoints", rows, params, "EndpointName")


def delete_endpoint(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteEndpoint: scalable targets of its variants go with it."""
    place = place_of(world, ctx)
    endpoint = find_endpoint(place, params["EndpointName"])
    if endpoint.status not in (IN_SERVICE, FAILED, UPDATE_ROLLBACK_FAILED):
        raise invalid(f'Cannot delete in-progress endpoint "{endpoint.arn}".')
    autoscaling = state_of(world, Neighbours).autoscaling
    for name in endpoint.variants if autoscaling is not None else ():
        assert autoscaling is not None
        autoscaling.deregister(ctx.account, ctx.region, endpoint.name, name)
    remove(world, place, endpoint)
    return {}


def remove(world: World, place: SageMakerPlace, endpoint: Endpoint) -> None:
    """Let an endpoint go; it serves nothing from now on."""
    now_s = world.now_s()
    endpoint.status, endpoint.modified_s = DELETING, now_s
    endpoint.changes += 1
    place.serve(endpoint.name, now_s, ())

    def gone(world: World) -> None:
        if place.endpoints.get(endpoint.name) is endpoint:
            del place.endpoints[endpoint.name]
            place.tags.pop(endpoint.arn, None)
            place.pools.pop(endpoint.name, None)

    world.schedule(now_s + 20.0, f"sagemaker: {endpoint.name} deleted", gone)


def update_capacities(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UpdateEndpointWeightsAndCapacities: weights of variants, or the capacity of one."""
    place = place_of(world, ctx)
    endpoint = find_endpoint(place, params["EndpointName"])
    given = params["DesiredWeightsAndCapacities"]
    changes = [(find_variant(endpoint, one["VariantName"]), one) for one in given]
    sized = [v for v, one in changes
             if "DesiredInstanceCount" in one or "ServerlessUpdateConfig" in one]  # fmt: skip
    if len(sized) > 1:
        raise invalid("The capacity of only one variant can be changed in a request.")
    check_in_service(endpoint)
    for variant, one in changes:
        _check_capacity(place, variant, one)
    for variant, one in changes:
        if (weight := one.get("DesiredWeight")) is not None:
            variant.desired_weight = float(weight)
        if (count := one.get("DesiredInstanceCount")) is not None:
            variant.desired_instance_count = int(count)
        if (update := one.get("ServerlessUpdateConfig")) is not None:
            variant.desired_serverless = _updated(variant, update)
    rescale(world, place, endpoint)
    return {"EndpointArn": endpoint.arn}


def _check_capacity(place: SageMakerPlace, variant: Variant, given: Params) -> None:
    count, update = given.get("DesiredInstanceCount"), given.get("ServerlessUpdateConfig")
    if count is not None:
        if variant.instance_type is None:
            raise invalid(f"Variant {variant.name} is serverless and has no instance count.")
        if count < 1:
            raise invalid(f"The instance count of variant {variant.name} must be at least 1.")
        check_quota(place, variant.instance_type, count - variant.current_instance_count)
    if update is not None:
        present = variant.current_serverless
        if present is None:
            raise invalid(f"Variant {variant.name} is not serverless.")
        check_pool(place, _updated(variant, update).max_concurrency - present.max_concurrency)


def _updated(variant: Variant, update: Params) -> ServerlessConfig:
    """A serverless size with those members changed that are given."""
    present = variant.current_serverless
    assert present is not None
    wanted = replace(
        present,
        max_concurrency=int(update.get("MaxConcurrency", present.max_concurrency)),
        provisioned_concurrency=update.get(
            "ProvisionedConcurrency", present.provisioned_concurrency
        ),
    )
    if (wanted.provisioned_concurrency or 0) > wanted.max_concurrency:
        raise invalid("ProvisionedConcurrency must not exceed MaxConcurrency.")
    return wanted


def _concurrency(variant: VariantConfig) -> int:
    return 0 if variant.serverless is None else variant.serverless.max_concurrency
