"""A whole search for memory with copies alone: what to call next, and what it comes to.

The search is the one of the benchmarks (`kinds.lambda_function.search` over `core.search`), here
without live requests: copies cost money and harm nobody, so a size is called from a small chance
of meeting the SLO on. It serves both kinds that buy memory. Several sizes may be called at once:
after the best of them, the next best is asked for as if that one were out of the question.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from controller.core.search import Option, Probe, Rules, Spent, Step, next_step
from controller.core.stats import Z90, Floats
from controller.kinds.lambda_function.calls import Usual, evidence_of, usual
from controller.kinds.lambda_function.search import Aim, Cost, Findings, options
from controller.kinds.shared.response import Prediction, predict

CHANCE = 0.2
"""Least probability of meeting the SLO at which a copy is called."""
WORTHWHILE = 0.01
"""Expected relative saving below which a size is not looked at."""
APART = 1.2
"""Sizes that are called at once lie at least so far apart, for neighbours tell the same."""
KNOWN_CALLS = 1000
"""Calls that stand for what CloudWatch has seen of the present size."""
NO_LIMIT_MS = 1e9


class Strategy(StrEnum):
    """What the best size is."""

    SLO = "slo"
    """The cheapest that meets the SLO."""
    COST = "cost"
    """The cheapest, whatever its latency."""
    SPEED = "speed"
    """The fastest, whatever its cost."""
    BALANCED = "balanced"
    """The least product of cost and duration, each to the power of its weight."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What is searched for, and how thoroughly."""

    threshold_ms: float
    confidence: float
    strategy: Strategy = Strategy.SLO
    weight: float = 0.5
    """Balanced: of cost, from 0 (speed alone) to 1 (cost alone)."""
    calls: int = 20
    """To one copy at a time."""
    most_calls: int = 600
    confirm: int = 60
    """Calls that the size which it comes to must have had."""

    @property
    def limit_ms(self) -> float | None:
        """The latency to meet; None where none is asked for."""
        return self.threshold_ms if self.strategy is Strategy.SLO else None

    def measure(self, cost: Cost) -> Cost:
        """What is to be least."""
        if self.strategy is Strategy.SPEED:
            return lambda _, mean_ms: mean_ms
        if self.strategy is Strategy.BALANCED:
            share = self.weight
            return lambda mb, mean_ms: cost(mb, mean_ms) ** share * mean_ms ** (1.0 - share)
        return cost

    def rules(self) -> Rules:
        """The search's."""
        return Rules(
            confidence=self.confidence,
            probe_calls=self.calls,
            first_probe=self.calls,
            probes=self.most_calls,
            ground_probes=self.most_calls,
            probes_at_one=3 * self.calls,
            probe_confidence=CHANCE,
            worthwhile=WORTHWHILE,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Calls to a copy."""

    memory_mb: int
    calls: int


@dataclass(slots=True)
class MemoryTuning:
    """The state of one search."""

    goal: Goal
    live: Usual
    current_mb: int
    sizes_mb: Sequence[int]
    cost: Cost
    """USD of a request at a memory size with a mean duration (ms)."""
    calls: dict[int, Floats] = field(default_factory=dict)
    """Calls to copies, by size: durations (ms) of the warm ones that were as they should be."""
    impossible: set[int] = field(default_factory=set)
    """Sizes at which calls failed; so do all smaller ones."""

    def wanted(self, most: int = 1) -> list[Wanted]:
        """Sizes to call next, at most so many at once; none: it has come to an end."""
        found: list[Wanted] = []
        left, sizes = self._options(), self.ladder()
        for _ in range(most):
            step = self._step(left)
            if not isinstance(step, Probe):
                return found or self._confirming(sizes[step.index])
            found.append(Wanted(sizes[step.index], step.calls))
            for i, mb in enumerate(sizes):
                if 1.0 / APART < mb / sizes[step.index] < APART:
                    left[i] = replace(left[i], p_slo=0.0, log_cost=math.inf)
        return found

    def learn(self, memory_mb: int, durations_ms: Sequence[float], *, broke: bool) -> None:
        """Take up what calls to a copy showed; `broke`: they failed for the size's sake."""
        if broke:
            self.impossible.add(memory_mb)
        before = self.calls.get(memory_mb, np.empty(0))
        self.calls[memory_mb] = np.concatenate([before, np.asarray(durations_ms, dtype=float)])

    def settled(self) -> tuple[int, float]:
        """The size that it has come to, and its probability of meeting the SLO."""
        left = self._options()
        step = next_step(left, self.goal.rules(), Spent(probe_calls=10**9), live=False)
        return self.ladder()[step.index], left[step.index].p_slo

    def ladder(self) -> list[int]:
        """Sizes at which calls may succeed."""
        floor = max(self.impossible, default=0)
        return [mb for mb in self.sizes_mb if mb > floor]

    def seen(self, memory_mb: int) -> int:
        """Calls measured at a size."""
        return len(self.calls.get(memory_mb, ()))

    def belief(self) -> Prediction:
        """What is believed of every size of the ladder."""
        found = predict(evidence_of(self._all(), self.live), self.ladder(), self.goal.threshold_ms)
        assert found is not None, "the present size is known"
        return found

    def _all(self) -> dict[int, Floats]:
        known = {mb: calls for mb, calls in self.calls.items() if len(calls) > 0}
        return {self.current_mb: self.live.durations_ms} | known

    def _options(self) -> list[Option]:
        sizes = self.ladder()
        if not sizes:
            raise ValueError("no size is left at which calls succeed")
        probed = {mb: len(calls) for mb, calls in self.calls.items()}
        findings = Findings(self.live, self._all(), probed)
        aim = Aim(
            sizes, self.goal.measure(self.cost), self.goal.limit_ms, self.goal.rules(), live=False
        )
        return options(findings, aim, sizes)

    def _step(self, left: Sequence[Option]) -> Step:
        spent = Spent(probe_calls=sum(len(calls) for calls in self.calls.values()))
        return next_step(left, self.goal.rules(), spent, live=False)

    def _confirming(self, memory_mb: int) -> list[Wanted]:
        """What is settled on must have been seen, unless it is what serves now."""
        left = self.goal.confirm - self.seen(memory_mb)
        # A copy is not made for a handful of calls.
        if left <= self.goal.calls // 2 or memory_mb == self.current_mb:
            return []
        return [Wanted(memory_mb, left)]


def known_calls(mean_ms: float, p50_ms: float, p95_ms: float) -> Usual:
    """What CloudWatch tells of the present size, as calls: a lognormal through its percentiles,
    moved to its mean."""
    sigma = max(math.log(max(p95_ms / p50_ms, 1.0)) / Z90, 0.02)
    shares = (np.arange(KNOWN_CALLS) + 0.5) / KNOWN_CALLS
    durations = p50_ms * np.exp(sigma * _normal_quantiles(shares))
    durations *= mean_ms / float(durations.mean())
    # Calls come in no order of size: blocks of them must look like any others.
    return usual(np.random.default_rng(0).permutation(durations))


def _normal_quantiles(shares: Floats) -> Floats:
    """Inverse of the normal distribution, by bisection on its exact form."""
    from statistics import NormalDist

    normal = NormalDist()
    return np.asarray([normal.inv_cdf(float(share)) for share in shares])
