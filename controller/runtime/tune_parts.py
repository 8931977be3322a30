"""What a search is about: the endpoint as it was seen, what may be tried, what a request costs."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from controller.core.contract import Prices
from controller.core.probe_cost import Load, Tariff, estimated_usd, tariff
from controller.core.probe_wish import gentle
from controller.kinds.lambda_function.sizing import SMALLEST_MB
from controller.kinds.lambda_function.sizing import ladder as lambda_ladder
from controller.kinds.serverless_endpoint.sizing import memory_ladder
from controller.model.decision import Assessment
from controller.model.demand import Demand, Interval
from controller.model.endpoint import EndpointKey, EndpointState
from controller.model.errors import Terminal
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing
from controller.model.policy import Policy, Scope
from controller.model.probe import ProbeKind, ProbeOrder
from controller.model.probing import Phase, Probing
from controller.model.size import LambdaSize, ServerlessSize, Size, measured_as, memory_mb_of
from controller.runtime.probe_parts import Asked

HEADROOM = 1.15
KNOWN_REQUESTS = 200
"""Requests that CloudWatch must have seen of the present size, to spare calls to a copy of it."""
MILLION = 1_000_000.0
NO_TRAFFIC = Demand(
    requests_per_month=Interval(MILLION, MILLION, MILLION),
    requests_per_hour_peak=MILLION / 730.5,
    requests_per_hour_trough=0.0,
    concurrency_peak=Missing("no traffic was seen"),
    memory_used_mb=Missing("no traffic was seen"),
    error_ratio=Missing("no traffic was seen"),
    throttle_ratio=Missing("no traffic was seen"),
    cold_start_ratio=Missing("no traffic was seen"),
    init_mean_ms=Missing("no traffic was seen"),
    hours_observed=0,
)
"""Where traffic is not known, sizes are compared by a million requests a month."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One endpoint to tune."""

    key: EndpointKey
    scope: Scope
    policy: Policy
    probing: Probing
    state: EndpointState
    era: str
    demand: Demand
    rows: Sequence[Observation]
    """What was measured at the present size by CloudWatch under the live code."""
    actor: str

    @property
    def current_mb(self) -> int:
        """Memory that serves now. Raises TypeError for a kind that has none to set."""
        return memory_mb_of(self.state.size)

    def size(self, memory_mb: int) -> Size:
        """The size with so much memory."""
        current = self.state.size
        if isinstance(current, ServerlessSize):
            return replace(current, memory_mb=memory_mb)
        return LambdaSize(memory_mb)

    def sizes_mb(self, given: Sequence[int] = ()) -> list[int]:
        """What may be tried: as given, or the ladder inside the policy's bounds; and always the
        present size. Nothing below the memory that was seen in use, with headroom."""
        bounds = self.policy.bounds
        if given:
            ladder: Sequence[int] = given
        elif isinstance(self.state.size, ServerlessSize):
            ladder = memory_ladder(bounds, self.current_mb)
        else:
            ladder = lambda_ladder(bounds, self.current_mb)
        used = self.demand.memory_used_mb
        floor = SMALLEST_MB if isinstance(used, Missing) else math.ceil(used * HEADROOM)
        return sorted({mb for mb in ladder if mb >= floor} | {self.current_mb})

    def known(self) -> tuple[float, float, float] | None:
        """Mean, median and p95 (ms) of the present size; None where too little was seen."""
        here = [r for r in self.rows if r.size == measured_as(self.state.size)]
        requests = sum(row.requests for row in here)
        if requests < KNOWN_REQUESTS:
            return None
        totals = [
            sum(value * row.requests for row, value in zip(here, column, strict=True)) / requests
            for column in (
                [row.mean_ms for row in here],
                [row.p50_ms for row in here],
                [row.p95_ms for row in here],
            )
        ]
        return totals[0], totals[1], totals[2]

    def rate(self, prices: Prices, memory_mb: int) -> Maybe[Tariff]:
        """What calls to a copy cost."""
        return tariff(self.size(memory_mb), self.state, prices, ProbeKind.SHADOW)

    def cost(self, prices: Prices) -> Callable[[int, float], float]:
        """USD of a request by memory and mean duration. Raises Terminal without a price."""
        rates = self.rate(prices, 1024)
        if isinstance(rates, Missing):
            raise Terminal(f"Sizes cannot be compared: {rates.reason}.")
        known = rates

        def usd(memory_mb: int, mean_ms: float) -> float:
            return replace(known, memory_gb=memory_mb / 1024.0).calls_usd(mean_ms + 0.5, 1)

        return usd

    def asked(self, prices: Prices, memory_mb: int, calls: int, latency_ms: float) -> Asked:
        """So many calls to a copy, a few at once."""
        phases, cold_starts = gentle(latency_ms, calls), self.probing.warm_up + 2
        return self.probe(prices, self.size(memory_mb), phases, latency_ms, cold_starts)

    def probe(
        self,
        prices: Prices,
        size: Size,
        phases: tuple[Phase, ...],
        latency_ms: float,
        cold_starts: int = 1,
    ) -> Asked:
        """Calls to a copy in phases; latency and cold starts are what to expect of them."""
        rate, warm_up = tariff(size, self.state, prices, ProbeKind.SHADOW), self.probing.warm_up
        requests = warm_up + sum(phase.requests for phase in phases)
        load = Load(requests, sum(phase.duration_s for phase in phases), latency_ms, cold_starts)
        init = self.demand.init_mean_ms
        load = load if isinstance(init, Missing) else replace(load, init_ms=init)
        usd = rate if isinstance(rate, Missing) else estimated_usd(rate, load)
        return Asked(
            key=self.key,
            scope=self.scope,
            probing=self.probing,
            slo=self.policy.slo,
            order=ProbeOrder(ProbeKind.SHADOW, size, phases, warm_up, usd, why="part of a search"),
            state=self.state,
            era=self.era,
            rate=rate,
            actor=self.actor,
        )


def demand_of(assessment: Assessment) -> Demand:
    """What the traffic asks; a million requests a month where nobody knows."""
    return NO_TRAFFIC if isinstance(assessment.demand, Missing) else assessment.demand
