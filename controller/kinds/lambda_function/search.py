"""The search for a function's memory: calls measured so far, and what to measure next.

The one seam that a daemon with shadows and a benchmark share: `belief` turns calls into what is
believed of every size, `core.search.next_step` says what to do about it. Pure.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.core.search import Option, Rules, Spent, Step, next_step
from controller.core.stats import Floats
from controller.kinds.lambda_function.calls import Usual, evidence_of
from controller.kinds.shared.learnt import LEARNT
from controller.kinds.shared.response import predict
from controller.kinds.shared.shapes import Learnt

NO_LIMIT_MS = 1e9

Cost = Callable[[int, float], float]
"""USD of a request at a memory size (MB) with a mean duration (ms)."""

CHEAPEST_RULES = Rules(probe_calls=5, probes=20, probes_at_one=10)
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
    smallest = min(calls)
    return [
        Option(
            log_cost=math.log(aim.cost(mb, math.exp(float(found.log_mean[i])))),
            log_cost_sd=float(found.log_mean_sd[i]),
            p_slo=1.0 if aim.threshold_ms is None else float(found.p_slo[i]),
            overshoot=0.0 if aim.threshold_ms is None else float(found.overshoot[i]),
            slow_per_log=findings.live.slow_per_log,
            measured=len(calls.get(mb, ())),
            probed=findings.probed.get(mb, 0),
            frontier=mb < smallest,
        )
        for i, mb in enumerate(sizes_mb)
    ]
