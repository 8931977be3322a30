"""The pure half of the kind, as the core asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.evidence import Evidence
from controller.kinds.lambda_function import obstacles as rules
from controller.kinds.lambda_function.sizing import (
    SizingInputs,
    estimates,
    ladder,
    memory_floor_mb,
)
from controller.model.demand import Demand
from controller.model.endpoint import EndpointState, LambdaSize, Size
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe
from controller.model.policy import Policy
from controller.model.price import LambdaPrices
from controller.model.reason import Reason


@dataclass(frozen=True, slots=True)
class LambdaSizing:
    """Sizing of Lambda functions at given prices; satisfies `controller.core.assess.Sizing`."""

    prices: Maybe[LambdaPrices]

    def sizes(self, policy: Policy, current: Size) -> Sequence[Size]:
        """The ladder of memory sizes."""
        return [LambdaSize(mb) for mb in ladder(policy.bounds, current.memory_mb)]

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        """p95, SLO probability and monthly cost of every size."""
        inputs = SizingInputs(evidence, demand, self.prices, policy.slo.threshold_ms)
        return estimates([size.memory_mb for size in sizes], inputs)

    def barred(
        self, sizes: Sequence[Size], current: Size, policy: Policy, demand: Demand
    ) -> Mapping[Size, tuple[Rejection, str]]:
        """Bounds, memory in use, and running out of it."""
        sizes_mb = [size.memory_mb for size in sizes]
        return rules.barred(sizes_mb, current.memory_mb, policy.bounds, demand)

    def floor(self, demand: Demand) -> Maybe[int]:
        """Memory in use, with headroom."""
        return memory_floor_mb(demand)

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        """Aliases, unreleased code, provisioned concurrency."""
        return rules.obstacles(state.live, change_open)
