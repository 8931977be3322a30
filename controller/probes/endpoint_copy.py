"""What CreateEndpointConfig is told for a copy of an endpoint: pure, from its configuration.

Copied forward: the variant with its model, volume, timeouts, image and routing, the key, the
VPC. Left out: data capture, which would record our requests among the user's; asynchronous
queues; explanations stay, for they are part of the answer's latency. One instance, or the
serverless memory asked for without provisioned concurrency: what a request costs does not
hang on how many there are.
"""

from collections.abc import Mapping
from typing import Any

from controller.aws.endpoint_configs import Document, copied_forward, variant_of
from controller.model.endpoint import EndpointState, Kind
from controller.model.errors import Terminal
from controller.model.probe import Shadow
from controller.model.sagemaker import Endpoint, Speciality
from controller.model.sagemaker_steps import CreateConfig
from controller.model.size import RealtimeSize, ServerlessSize
from controller.probes.shadow_tags import shadow_tags

LIVELY = 20
"""Requests at once that a serverless copy takes, where the region's pool has as many left."""
_LEFT_OUT = ("DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants")
_UNLIKE = (
    Speciality.ASYNC,
    Speciality.INFERENCE_COMPONENTS,
    Speciality.INSTANCE_POOLS,
    Speciality.MARKETPLACE,
)
"""A copy of such an endpoint would not be like it, or would cost what nobody can say."""


def configuration(shadow: Shadow, state: EndpointState, source: Document) -> dict[str, Any]:
    """CreateEndpointConfig's parameters but for the tags. Raises Terminal where there is no
    true copy."""
    endpoint = live_endpoint(state)
    check(shadow, endpoint)
    if variant_of(source, endpoint.variant) is None:
        raise Terminal(f"Endpoint {shadow.key.name} has no variant {endpoint.variant} any more.")
    wanted = copied_forward(source, _sized(shadow, state, endpoint.variant))
    wanted["ProductionVariants"] = [
        {**_without_reservation(one), "InitialVariantWeight": 1.0}
        for one in wanted["ProductionVariants"]
        if one["VariantName"] == endpoint.variant
    ]
    return {name: value for name, value in wanted.items() if name not in _LEFT_OUT}


def tags(shadow: Shadow, of_source: Mapping[str, str]) -> list[dict[str, str]]:
    """Of the configuration and of the endpoint."""
    return [{"Key": key, "Value": value} for key, value in shadow_tags(shadow, of_source).items()]


def live_endpoint(state: EndpointState) -> Endpoint:
    """What both kinds of endpoint share."""
    if state.key.kind is Kind.SERVERLESS_ENDPOINT:
        return state.serverless.endpoint
    return state.realtime.endpoint


def check(shadow: Shadow, endpoint: Endpoint) -> None:
    """Raises Terminal, with the reason, where no true copy of the endpoint can be made."""
    for speciality in _UNLIKE:
        why = endpoint.config.specialities.get(speciality)
        if why is not None:
            raise Terminal(f"No copy of endpoint {shadow.key.name} is made: {why}.")


def _sized(shadow: Shadow, state: EndpointState, variant: str) -> CreateConfig:
    name, source = shadow.id, live_endpoint(state).config.name
    match shadow.size:
        case RealtimeSize(instance_type=instance_type):
            return CreateConfig(
                name, source, variant, instance_type=instance_type, instance_count=1
            )
        case ServerlessSize(memory_mb=memory_mb):
            return CreateConfig(
                name,
                source,
                variant,
                memory_mb=memory_mb,
                max_concurrency=_concurrency(shadow, state),
                provisioned_concurrency=0,
            )
        case _:
            raise TypeError(f"{shadow.size} is no size of an endpoint")


def _concurrency(shadow: Shadow, state: EndpointState) -> int:
    """What the copy takes of the pool that all serverless endpoints of a region share."""
    live = state.serverless
    wanted = min(live.max_concurrency, LIVELY)
    if live.account_concurrency_left is None:
        return wanted
    # What others leave to the live endpoint holds its own share, which stays taken.
    free = live.account_concurrency_left - live.max_concurrency
    if free < 1:
        raise Terminal(
            f"No copy of endpoint {shadow.key.name} is made: the region's pool of serverless "
            "concurrency is used up."
        )
    return min(wanted, free)


def _without_reservation(variant: Document) -> dict[str, Any]:
    return {name: value for name, value in variant.items() if name != "CapacityReservationConfig"}
