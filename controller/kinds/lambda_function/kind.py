"""The pure half of the kind, as the core asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.contract import Prices, Readings, Span, Stage
from controller.core.evidence import Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Floats
from controller.kinds.lambda_function import obstacles as rules
from controller.kinds.lambda_function import rollout, windows
from controller.kinds.lambda_function.sizing import (
    SizingInputs,
    estimates,
    ladder,
    memory_floor_mb,
)
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import posterior, prior_of
from controller.model.change import Change, Step
from controller.model.demand import Demand, SloStatus
from controller.model.endpoint import LATEST, EndpointKey, EndpointState
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe
from controller.model.policy import Policy, Slo
from controller.model.price import LambdaPrices
from controller.model.reason import Reason
from controller.model.size import LambdaSize, Size, memory_mb_of
from controller.model.window import MemoryUse, Window


@dataclass(frozen=True, slots=True)
class LambdaSizing:
    """Sizing of Lambda functions at given prices; satisfies `controller.core.assess.Sizing`."""

    prices: Maybe[LambdaPrices]
    neighbours: AccountPrior | None = None

    def sizes(
        self, policy: Policy, current: Size, evidence: Evidence, demand: Demand
    ) -> Sequence[Size]:
        """The ladder of memory sizes."""
        return [LambdaSize(mb) for mb in ladder(policy.bounds, memory_mb_of(current))]

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        """p95, SLO probability and monthly cost of every size."""
        inputs = SizingInputs(
            evidence, demand, self.prices, policy.slo.threshold_ms, self.neighbours
        )
        return estimates([memory_mb_of(size) for size in sizes], inputs)

    def barred(
        self,
        sizes: Sequence[Size],
        current: Size,
        policy: Policy,
        demand: Demand,
        slo: SloStatus,
    ) -> Mapping[Size, tuple[Rejection, str]]:
        """Bounds, memory in use, and running out of it."""
        sizes_mb = [memory_mb_of(size) for size in sizes]
        return rules.barred(sizes_mb, memory_mb_of(current), policy.bounds, demand, slo)

    def floor(self, demand: Demand) -> Maybe[int]:
        """Memory in use, with headroom."""
        return memory_floor_mb(demand)

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        """Aliases, unreleased code, provisioned concurrency."""
        return rules.obstacles(state.function, change_open)


class LambdaRules:
    """The pure half of the kind; satisfies `controller.core.contract.KindRules`."""

    def readings(self, key: EndpointKey, span: Span, slo: Slo) -> Readings:
        """Everything about the function's (or alias's) traffic."""
        return windows.traffic(key, span, slo)

    def trial(
        self, key: EndpointKey, change: Change, span: Span, slo: Slo
    ) -> tuple[Readings, Readings | None]:
        """The canary's version and its rival; once all traffic moved, all of it."""
        if key.qualifier == LATEST or "full_since_s" in change.progress:
            return windows.trial(key, span, slo, None), None
        candidate = change.progress["published_version"]
        rival = change.progress["before_version"]
        return windows.trial(key, span, slo, candidate), windows.trial(key, span, slo, rival)

    def watching_since_s(self, change: Change) -> float | None:
        """The start of the stage that is being judged, settling time included."""
        return rollout.watching_since_s(change)

    def sizing(
        self, prices: Prices, state: EndpointState, neighbours: AccountPrior | None = None
    ) -> LambdaSizing:
        """Sizing at the prices of the function's region and architecture."""
        architecture = state.function.serving.architecture
        return LambdaSizing(prices.lambda_prices(state.key.region, architecture), neighbours)

    def beforehand(self) -> Floats:
        """Weights of response curves."""
        return np.asarray(np.exp(prior_of(LEARNT)))

    def lesson(self, proof: Evidence) -> Floats | None:
        """Which response curves the function's own evidence speaks for."""
        return posterior(proof)

    def era(self, state: EndpointState) -> str:
        """Everything but memory that a release may change, as a hash."""
        return state.function.serving.fingerprint

    def identity(self, state: EndpointState) -> str:
        """Version, memory and code that serve."""
        serving = state.function.serving
        return f"{serving.version}:{serving.memory_mb}:{serving.fingerprint}"

    def modified_at_s(self, state: EndpointState) -> float:
        """Of `$LATEST`, its last update; of a version, when it was published."""
        return state.function.serving.last_modified_s

    def log_group(self, state: EndpointState) -> str | None:
        """The function's log group."""
        return state.function.latest.log_group

    def memory_seen(self, state: EndpointState, hours: Sequence[Window]) -> Sequence[MemoryUse]:
        """No metric of Lambda tells memory in use: REPORT lines do."""
        return ()

    def begin(self, state: EndpointState) -> Mapping[str, str]:
        """The code that the decision was made for."""
        return {"fingerprint": state.function.serving.fingerprint}

    def next_step(self, stage: Stage) -> Step:
        """The rollout's next step."""
        return rollout.next_step(stage)
