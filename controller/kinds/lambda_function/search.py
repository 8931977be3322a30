"""The search for a function's memory: calls measured so far, and what to measure next.

The one seam that a daemon with shadows and a benchmark share: `belief` turns calls into what is
believed of every size, `core.search.next_step` says what to do about it. Pure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.core.search import Option, Rules, Spent, Step, next_step
from controller.core.stats import Floats, beta_cdf, share_at_most
from controller.kinds.lambda_function.calls import Usual, evidence_of
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import predict
from controller.kinds.shared.shapes import Learnt

NO_LIMIT_MS = 1e9
RARE = 0.1
"""Tail probability below which a count of slow calls is hardly chance."""
MANY_CALLS = 50
"""Calls from which the share of slow ones is believed rather than the model."""
SLOW_SHARE = 0.05
"""Of requests that may be slower than the threshold: it is a p95."""

Cost = Callable[[int, float], float]
"""USD of a request at a memory size (MB) with a mean duration (ms)."""

CHEAPEST_RULES = Rules(probe_calls=5, first_probe=5, probes=20, probes_at_one=10)
"""Where no latency is asked for, only calls to shadows teach anything."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search has seen so far."""

    live: Usual
    calls: Mapping[int, Floats]
    """Durations (ms) by memory size (MB), live and probed together."""
    probed: Mapping[int, int] = field(default_factory=dict)
    """Calls to shadows, by memory size."""
    impossible: frozenset[int] = frozenset()
    """Sizes at which a call ran out of memory or timed out; so do all smaller ones."""
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True, slots=True)
class Aim:
    """What is searched for."""

    sizes_mb: Sequence[int]
    cost: Cost
    threshold_ms: float | None
    """The p95 to meet; None where the cheapest size is wanted whatever its latency."""
    rules: Rules = field(default_factory=Rules)
    learnt: Learnt = LEARNT
    live: bool = True
    """Whether live requests may be used, where a latency is asked for."""


def search_step(findings: Findings, aim: Aim) -> tuple[int, Step]:
    """The memory size (MB) that is meant, and what to do there: probe, try, or settle."""
    floor = max(findings.impossible, default=0)
    sizes = [mb for mb in aim.sizes_mb if mb > floor]
    if not sizes:
        raise ValueError("no size is left at which calls succeed")
    live = aim.live and aim.threshold_ms is not None
    step = next_step(options(findings, aim, sizes), aim.rules, findings.spent, live=live)
    return sizes[step.index], step


def options(findings: Findings, aim: Aim, sizes_mb: Sequence[int]) -> list[Option]:
    """What is believed of every size."""
    calls = {mb: durations for mb, durations in findings.calls.items() if len(durations) > 0}
    limit_ms = NO_LIMIT_MS if aim.threshold_ms is None else aim.threshold_ms
    found = predict(evidence_of(calls, findings.live), sizes_mb, limit_ms, aim.learnt)
    if found is None:
        raise ValueError("nothing was measured yet")
    smallest, slow_per_log = min(calls), findings.live.slow_per_log
    counted = [_Counted.of(calls.get(mb), limit_ms) for mb in sizes_mb]
    return [
        Option(
            log_cost=math.log(aim.cost(mb, math.exp(float(found.log_mean[i])))),
            log_cost_sd=float(found.log_mean_sd[i]),
            p_slo=1.0 if aim.threshold_ms is None else counted[i].chance(float(found.p_slo[i])),
            overshoot=0.0
            if aim.threshold_ms is None
            else max(float(found.overshoot[i]), counted[i].excess() / slow_per_log),
            slow_per_log=slow_per_log,
            measured=len(calls.get(mb, ())),
            probed=findings.probed.get(mb, 0),
            frontier=mb < smallest,
        )
        for i, mb in enumerate(sizes_mb)
    ]


@dataclass(frozen=True, slots=True)
class _Counted:
    """How many calls were too slow at a size: curves and tails are a model, this is a count."""

    slow: int
    calls: int

    @classmethod
    def of(cls, durations_ms: Floats | None, threshold_ms: float) -> "_Counted":
        """Calls over the threshold."""
        if durations_ms is None:
            return cls(0, 0)
        return cls(int((durations_ms > threshold_ms).sum()), len(durations_ms))

    def chance(self, p_slo: float) -> float:
        """The chance to meet the SLO in the light of the count. It never grows.

        Where so many slow calls would be rare if the SLO were met, the odds shrink by the least
        Bayes factor that such a tail probability can have, -e p ln p (Sellke, Bayarri and Berger
        2001). Where calls are many and more than the allowed share were slow, the model may
        not overrule them.
        """
        if self.slow == 0:
            return p_slo
        if self.calls >= MANY_CALLS:
            p_slo = min(p_slo, 2.0 * share_at_most(SLOW_SHARE, self.slow, self.calls))
        rare = self._rare()
        if rare >= 1.0 / math.e:
            return p_slo
        odds = -math.e * rare * math.log(max(rare, 1e-300)) * p_slo
        return odds / (odds + 1.0 - p_slo) if odds > 0.0 else 0.0

    def excess(self) -> float:
        """Share of calls that are slow beyond the allowed ones, where there were many and it is
        hardly chance: what a batch risks there."""
        if self.calls < MANY_CALLS or self._rare() > RARE:
            return 0.0
        return max(0.0, (self.slow + 0.5) / (self.calls + 1.0) - SLOW_SHARE)

    def _rare(self) -> float:
        """P(as many or more are slow) of a binomial whose share is the one allowed."""
        return beta_cdf(SLOW_SHARE, self.slow, self.calls - self.slow + 1) if self.slow else 1.0
