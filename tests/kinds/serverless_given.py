"""Plausible values of serverless endpoints, each with defaults that a test overrides."""

from dataclasses import replace
from typing import Any

from given import NOW_S

from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, EndpointState, Kind, Phase
from controller.model.missing import Missing
from controller.model.price import ServerlessPrices
from controller.model.sagemaker import Endpoint, EndpointConfig, ServerlessLive
from controller.model.size import ServerlessSize

KEY = EndpointKey("123456789012", "eu-west-1", Kind.SERVERLESS_ENDPOINT, "ranker", ALL_TRAFFIC)
MODEL = "model-1"
PRICES = ServerlessPrices(
    region="eu-west-1",
    usd_per_gb_s=0.00002,
    usd_per_gb_s_provisioned=Missing("not listed"),
    usd_per_gb_s_provisioned_use=Missing("not listed"),
    as_of_s=NOW_S,
    source="bundled",
)


def a_config(name: str = "ranker-v1", **values: Any) -> EndpointConfig:
    """A config of the user's."""
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:endpoint-config/{name}"
    return replace(EndpointConfig(name, arn, MODEL, NOW_S - 1e6, ours=False), **values)


def an_endpoint(**values: Any) -> Endpoint:
    """In service, untouched for ten days."""
    plain = Endpoint(
        arn="arn:aws:sagemaker:eu-west-1:123456789012:endpoint/ranker",
        status="InService",
        failure_reason=None,
        config=a_config(),
        variant=ALL_TRAFFIC,
        modified_at_s=NOW_S - 864_000.0,
    )
    return replace(plain, **values)


def a_state(
    memory_mb: int = 4096,
    max_concurrency: int = 10,
    provisioned: int = 0,
    *,
    endpoint: Endpoint | None = None,
    phase: Phase = Phase.STABLE,
    **values: Any,
) -> EndpointState:
    """A stable endpoint; `values` are of what is live."""
    shown = an_endpoint() if endpoint is None else endpoint
    live = ServerlessLive(shown, memory_mb, max_concurrency, provisioned or None, **values)
    return EndpointState(
        key=KEY,
        size=ServerlessSize(memory_mb, max_concurrency, provisioned),
        phase=phase,
        etag="e1",
        tags={},
        observed_at_s=NOW_S,
        live=live,
    )
