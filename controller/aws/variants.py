"""An endpoint's variants: what a first policy for it must name."""

from dataclasses import dataclass

from controller.aws.endpoints import kind_of_variant
from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.endpoint import Kind
from controller.model.policy import Scope


@dataclass(frozen=True, slots=True)
class Variant:
    """One production variant of a live endpoint."""

    name: str
    kind: Kind
    weight: float


def endpoint_variants(sessions: Sessions, scope: Scope, endpoint: str) -> tuple[Variant, ...]:
    """Production variants, in the order of the configuration. Raises NotFound."""
    with translated("sagemaker", "DescribeEndpoint", scope, f"endpoint {endpoint}"):
        shown = sessions.sagemaker_reads(scope).describe_endpoint(EndpointName=endpoint)
    return tuple(
        Variant(one["VariantName"], kind_of_variant(one), float(one.get("CurrentWeight", 0.0)))
        for one in shown.get("ProductionVariants") or ()
    )
