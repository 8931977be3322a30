"""The pure half of the kind, as the core asks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controller.core.contract import Prices, Readings, Span, Stage
from controller.core.evidence import Evidence
from controller.core.neighbours import AccountPrior
from controller.core.stats import Floats
from controller.kinds.serverless_endpoint import obstacles as rules
from controller.kinds.serverless_endpoint import rollout, windows
from controller.kinds.serverless_endpoint.concurrency import Limits
from controller.kinds.serverless_endpoint.sizing import (
    SizingInputs,
    estimates,
    ladder,
    memory_floor_mb,
)
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import posterior, prior_of
from controller.model.change import Change, Step
from controller.model.demand import Demand, SloStatus
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy, Slo
from controller.model.price import ServerlessPrices
from controller.model.reason import Reason
from controller.model.sagemaker import NOT_ASKED
from controller.model.size import ServerlessSize, Size, memory_mb_of
from controller.model.window import MemoryUse, Window


@dataclass(frozen=True, slots=True)
class ServerlessSizing:
    """Sizing of one endpoint at given prices; satisfies `controller.core.assess.Sizing`."""

    prices: Maybe[ServerlessPrices]
    model_bytes: Maybe[int] = NOT_ASKED
    """Size of the models' artefacts."""
    pool_left: int | None = None
    """Concurrency that the account leaves to this endpoint; None where that was not asked."""
    neighbours: AccountPrior | None = None
    current: ServerlessSize | None = None
    """The live size."""

    def sizes(
        self, policy: Policy, current: Size, evidence: Evidence, demand: Demand
    ) -> Sequence[Size]:
        """Six memory steps, and concurrency limits for each."""
        limits = Limits.of(policy.bounds, self.pool_left)
        return ladder(policy, _serverless(current), evidence, demand, limits)

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        """p95, SLO probability and monthly cost of every size."""
        inputs = SizingInputs(
            evidence=evidence,
            demand=demand,
            prices=self.prices,
            slo=policy.slo,
            current=self.current,
            model_bytes=self.model_bytes,
            neighbours=self.neighbours,
        )
        return estimates([_serverless(size) for size in sizes], inputs)

    def barred(
        self,
        sizes: Sequence[Size],
        current: Size,
        policy: Policy,
        demand: Demand,
        slo: SloStatus,
    ) -> Mapping[Size, tuple[Rejection, str]]:
        """Bounds, memory in use, throttling, and what may be kept warm."""
        return rules.barred(
            [_serverless(size) for size in sizes],
            _serverless(current),
            policy,
            demand,
            slo,
            floor_mb=self.floor(demand),
            limits=Limits.of(policy.bounds, self.pool_left),
            unpriced=_unpriced(self.prices),
        )

    def floor(self, demand: Demand) -> Maybe[int]:
        """Memory in use and the model's size, with headroom."""
        return memory_floor_mb(demand, self.model_bytes)

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        """Endpoints that must be left alone."""
        return {} if change_open else rules.obstacles(state.serverless)


class ServerlessRules:
    """The pure half of the kind; satisfies `controller.core.contract.KindRules`."""

    def readings(self, key: EndpointKey, span: Span, slo: Slo) -> Readings:
        """Everything about the endpoint's traffic."""
        return windows.traffic(key, span, slo)

    def trial(
        self, key: EndpointKey, change: Change, span: Span, slo: Slo
    ) -> tuple[Readings, Readings | None]:
        """All the traffic: serverless endpoints have no canary."""
        return windows.trial(key, span, slo), None

    def watching_since_s(self, change: Change) -> float | None:
        """Since when all requests use the target, settling time included."""
        return rollout.watching_since_s(change)

    def sizing(
        self, prices: Prices, state: EndpointState, neighbours: AccountPrior | None = None
    ) -> ServerlessSizing:
        """Sizing at the prices of the endpoint's region."""
        live = state.serverless
        return ServerlessSizing(
            prices.serverless_prices(state.key.region),
            live.model_bytes,
            live.account_concurrency_left,
            neighbours,
            _serverless(state.size),
        )

    def beforehand(self) -> Floats:
        """Weights of response curves."""
        return np.asarray(np.exp(prior_of(LEARNT)))

    def lesson(self, proof: Evidence) -> Floats | None:
        """Which response curves the endpoint's own evidence speaks for."""
        return posterior(proof)

    def era(self, state: EndpointState) -> str:
        """Everything but the size that a release may change, as a hash."""
        return state.serverless.endpoint.config.fingerprint

    def identity(self, state: EndpointState) -> str:
        """Config, memory and model that serve."""
        config = state.serverless.endpoint.config
        return f"{config.name}:{memory_mb_of(state.size)}:{config.fingerprint}"

    def modified_at_s(self, state: EndpointState) -> float:
        """When AWS last changed the endpoint: every change starts its environments anew."""
        return state.serverless.endpoint.modified_at_s

    def log_group(self, state: EndpointState) -> str | None:
        """Serverless endpoints write no REPORT lines."""
        return None

    def memory_seen(self, state: EndpointState, hours: Sequence[Window]) -> Sequence[MemoryUse]:
        """MemoryUtilization of the hours in which the live memory served alone."""
        memory_mb = memory_mb_of(state.size)
        rows = [_memory_use(window, memory_mb) for window in hours]
        return [row for row in rows if row is not None]

    def begin(self, state: EndpointState) -> Mapping[str, str]:
        """The config that the decision was made on."""
        return rollout.begin(state)

    def next_step(self, stage: Stage) -> Step:
        """The rollout's next step."""
        return rollout.next_step(stage)


def _unpriced(prices: Maybe[ServerlessPrices]) -> str | None:
    """Why it is not known what keeping environments warm costs, if it is not."""
    if isinstance(prices, Missing):
        return prices.reason
    both = (prices.usd_per_gb_s_provisioned, prices.usd_per_gb_s_provisioned_use)
    return next((price.reason for price in both if isinstance(price, Missing)), None)


def _memory_use(window: Window, memory_mb: int) -> MemoryUse | None:
    """What an hour's metrics say; None where the memory in use or the requests are missing."""
    used, requests, cold = window.memory_used_ratio, window.requests, window.cold_starts
    if isinstance(used, Missing) or isinstance(requests, Missing) or isinstance(cold, Missing):
        return None
    return MemoryUse(
        start_s=window.start_s,
        end_s=window.end_s,
        memory_mb=memory_mb,
        max_used_mb=round(used * memory_mb),
        invocations=requests,
        cold_starts=cold,
        init_p95_ms=Missing("not published"),
        init_mean_ms=window.setup_mean_ms,
    )


def _serverless(size: Size) -> ServerlessSize:
    if not isinstance(size, ServerlessSize):
        raise TypeError(f"{size} is no size of a serverless endpoint")
    return size
