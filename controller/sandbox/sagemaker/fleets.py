"""From an endpoint's live variants to the fleets that serve its requests."""

from __future__ import annotations

from controller.sandbox.sagemaker_state import Endpoint, Fleet, Variant


def fleets_of(endpoint: Endpoint) -> tuple[Fleet, ...]:
    """The fleets of an endpoint at rest; requests are shared out by weight."""
    total = sum(variant.current_weight for variant in endpoint.variants.values())
    fleets = [
        fleet_of(endpoint.config_name, variant, variant.current_weight / total if total else 0.0)
        for variant in endpoint.variants.values()
    ]
    production = sum(v.current_weight for v in endpoint.variants.values()) or 1.0
    fleets += [
        fleet_of(endpoint.config_name, shadow, min(1.0, shadow.current_weight / production))
        for shadow in endpoint.shadows.values()
    ]
    return tuple(fleets)


def fleet_of(config_name: str, variant: Variant, share: float) -> Fleet:
    """One variant's fleet with a share (0-1) of the requests, or of their copies."""
    return Fleet(
        uid=variant.fleet,
        variant=variant.name,
        config_name=config_name,
        share=share,
        instance_type=variant.instance_type,
        instances=variant.current_instance_count,
        billed=variant.current_instance_count,
        serverless=variant.current_serverless,
        routing=variant.config.routing,
        shadow=variant.shadow,
    )
