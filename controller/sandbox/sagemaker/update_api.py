"""UpdateEndpoint: to another configuration, with every refusal that comes before it starts.

Facts: refused while the endpoint is not InService; to the configuration it has; from instances
to serverless (the reverse works and cannot be undone); when it changes the instance type of a
variant that is registered with Application Auto Scaling, or takes that variant away. Live
counts and weights go back to the configuration's Initial values unless
RetainAllVariantProperties says otherwise, by variant name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker.deployment import Deployment
from controller.sandbox.sagemaker.endpoints_api import settled_config, variants_of
from controller.sandbox.sagemaker.guardrails import Plan, read_plan
from controller.sandbox.sagemaker.plain_api import place_of
from controller.sandbox.sagemaker.refusals import (
    check_pool,
    check_quota,
    find_endpoint,
    invalid,
)
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.sagemaker_scaling import check_in_service
from controller.sandbox.sagemaker_state import Endpoint, EndpointConfig, SageMakerPlace, Variant
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]


def update_endpoint(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UpdateEndpoint."""
    place = place_of(world, ctx)
    endpoint = find_endpoint(place, params["EndpointName"])
    config = settled_config(place, params["EndpointConfigName"], ctx.now_s)
    check_in_service(endpoint)
    _check_move(endpoint, config)
    _check_registered(world, ctx, endpoint, config)
    variants = variants_of(place, config.variants)
    shadows = variants_of(place, config.shadows, shadow=True)
    if params.get("RetainAllVariantProperties"):
        _retain(endpoint, variants, params.get("ExcludeRetainedVariantProperties") or ())
    wanted = params.get("DeploymentConfig")
    if wanted is None and params.get("RetainDeploymentConfig"):
        wanted = endpoint.last_deployment
    counts = {name: variant.desired_instance_count for name, variant in variants.items()}
    plan = read_plan(place, endpoint, config, wanted, counts)
    _check_quotas(place, endpoint, {**variants, **shadows}, plan)
    Deployment(place, endpoint, config, variants, shadows, plan).begin(world)
    return {"EndpointArn": endpoint.arn}


def _check_move(endpoint: Endpoint, config: EndpointConfig) -> None:
    if config.name == endpoint.config_name:
        raise invalid(f'Endpoint "{endpoint.arn}" already uses endpoint configuration '
                      f'"{config.arn}"; name another one.')  # fmt: skip
    if config.serverless and not endpoint.config.serverless:
        raise invalid("Cannot update an endpoint with instance-based variants to a serverless "
                      "endpoint configuration.")  # fmt: skip
    asynchronous = "AsyncInferenceConfig"
    before, after = (c.members.get(asynchronous) for c in (endpoint.config, config))
    if (before is None) != (after is None):
        raise invalid("AsyncInferenceConfig can be neither added to nor removed from an endpoint.")


def _check_registered(
    world: World, ctx: RequestContext, endpoint: Endpoint, config: EndpointConfig
) -> None:
    autoscaling = state_of(world, Neighbours).autoscaling
    if autoscaling is None:
        return
    for name, variant in endpoint.variants.items():
        wanted = config.variant(name)
        same = wanted is not None and wanted.instance_type == variant.instance_type
        if same or not autoscaling.registered_targets(ctx.account, ctx.region, endpoint.name, name):
            continue
        what = "remove" if wanted is None else "change the instance type of"
        raise invalid(f"Cannot {what} variant {name}, which is registered as a scalable target "
                      "with Application Auto Scaling. Deregister the scalable target "
                      "first.")  # fmt: skip


def _retain(endpoint: Endpoint, variants: Mapping[str, Variant], excluded: Any) -> None:
    """Carry live counts and weights over to variants of the same name."""
    left_out = {one["VariantPropertyType"] for one in excluded}
    for name, variant in variants.items():
        live = endpoint.variants.get(name)
        if live is None:
            continue
        counted = live.instance_type is not None and variant.instance_type is not None
        if counted and "DesiredInstanceCount" not in left_out:
            variant.desired_instance_count = live.desired_instance_count
        if "DesiredWeight" not in left_out:
            variant.current_weight = variant.desired_weight = live.desired_weight


def _check_quotas(
    place: SageMakerPlace, endpoint: Endpoint, variants: Mapping[str, Variant], plan: Plan
) -> None:
    """Both fleets count where both exist for a while; else what is more than there was."""
    more: dict[str, int] = {}
    held: dict[str, int] = {}
    for variant in variants.values():
        if variant.instance_type is not None:
            more[variant.instance_type] = (
                more.get(variant.instance_type, 0) + variant.desired_instance_count
            )
    for live in (*endpoint.variants.values(), *endpoint.shadows.values()):
        if live.instance_type is not None:
            held[live.instance_type] = held.get(live.instance_type, 0) + live.current_instance_count
    for kind, count in more.items():
        check_quota(place, kind, count if plan.guarded else count - held.get(kind, 0))
    concurrency = sum(_concurrency(v) for v in variants.values())
    before = sum(_concurrency(v) for v in endpoint.variants.values())
    check_pool(place, concurrency - before)


def _concurrency(variant: Variant) -> int:
    size = variant.desired_serverless
    return 0 if size is None else size.max_concurrency
