"""Which memory size a shadow should have next: the search of the benchmarks, on the beliefs of a
tick. Pure.

`core.search.next_step` chooses between options; here they are made from the estimates of the
cost-performance table, so that what is probed is what would be chosen but for not being known.
"""

import math
from collections.abc import Sequence

from controller.core.periods import DAY_S
from controller.core.probe_lessons import same_copy
from controller.core.probe_worth import MOST_PROBES, PAYBACK_S, Looking, Wish
from controller.core.search import Option, Probe, Rules, Spent, gain, next_step
from controller.core.stats import Z90
from controller.model.decision import Assessment
from controller.model.estimate import Candidate, Estimate, Rejection
from controller.model.missing import Missing
from controller.model.probe import ProbeRecord
from controller.model.probing import Phase

SAMPLES = 200
"""Calls to one size: enough for a p95, and a fraction of a cent at most sizes."""
IN_FLIGHT = 2.0
"""Calls that are kept going at once, on average."""
RAMP_FROM = 0.25
RAMP_MEAN = 0.5 * (1.0 + RAMP_FROM)
FASTEST_RPS = 20.0
LONGEST_S = 240.0
CHANCE = 0.25
"""Least probability of meeting the SLO at which a shadow is called: it harms nobody."""

_SEARCHED = frozenset(
    {
        Rejection.CHOSEN,
        Rejection.CURRENT,
        Rejection.SLO_UNLIKELY,
        Rejection.DEARER,
        Rejection.SAVING_TOO_SMALL,
        Rejection.STEP_TOO_FAR,
        Rejection.NOT_MEASURED,
    }
)
"""Standings of sizes that could become the one."""


def memory_wish(looking: Looking) -> Wish | None:
    """The memory size to look at next: the search of the benchmarks, on the daemon's beliefs."""
    observed, candidates = looking.observed, _searched(looking.assessment)
    here = next((c for c in candidates if c.estimate.size == observed.state.size), None)
    if here is None or observed.policy.probe is None:
        return None
    options = options_of([c.estimate for c in candidates], looking.recent)
    rules = rules_for(observed.policy.confidence, observed.policy.cadence.min_saving_ratio)
    calls = sum(record.requests for record in looking.recent)
    step = next_step(options, rules, Spent(probe_calls=calls), live=False)
    if not isinstance(step, Probe):
        return None
    chosen, now_usd = candidates[step.index].estimate, _mid(here.estimate)
    share = _gain(options, step.index, rules.confidence)
    months = PAYBACK_S / (365.25 / 12.0 * DAY_S)
    worth = share * now_usd * months
    if not any(same_copy(record.size, here.estimate.size) for record in looking.recent):
        phases = gentle(here.estimate.p95_ms.mid, SAMPLES // 2)
        words = f"our payloads are compared with users' requests at {here.estimate.size}"
        return Wish(here.estimate.size, phases, worth, words)
    size, p_slo = chosen.size, chosen.p_slo
    words = f"{size} meets the SLO with probability {p_slo:.2f} and costs {_saves(chosen, here)}"
    phases = observed.policy.probe.phases or gentle(chosen.p95_ms.mid, SAMPLES)
    return Wish(size, phases, worth, words)


def rules_for(confidence: float, min_saving: float) -> Rules:
    """The search's rules where only shadows are called: they cost money and harm nobody."""
    return Rules(
        confidence=confidence,
        probe_calls=SAMPLES,
        first_probe=SAMPLES,
        probes=MOST_PROBES * SAMPLES,
        ground_probes=MOST_PROBES * SAMPLES,
        probes_at_one=2 * SAMPLES,
        probe_confidence=CHANCE,
        worthwhile=0.5 * min_saving,
    )


def options_of(made: Sequence[Estimate], probes: Sequence[ProbeRecord]) -> list[Option]:
    """What the daemon believes of sizes, as the search asks for it.

    How much traffic there will be is unknown for all sizes alike and says nothing of which is
    cheaper: what all cost intervals share is taken out.
    """
    spreads = [_log_sd(estimate) for estimate in made]
    shared = min(spreads, default=0.0)
    return [
        Option(
            log_cost=math.log(max(_mid(estimate), 1e-12)),
            log_cost_sd=math.sqrt(max(0.0, spread**2 - shared**2)),
            p_slo=estimate.p_slo,
            overshoot=0.0,
            slow_per_log=0.0,
            measured=estimate.measured_requests,
            probed=sum(p.requests for p in probes if same_copy(p.size, estimate.size)),
        )
        for estimate, spread in zip(made, spreads, strict=True)
    ]


def gentle(latency_ms: float, calls: int) -> tuple[Phase, ...]:
    """So many calls, a few at once, as fast as that allows. The rate rises from a quarter: each
    call that meets no free environment starts one, and they must not all start together."""
    rps = min(FASTEST_RPS, IN_FLIGHT * 1000.0 / max(latency_ms, 1.0))
    duration_s = min(calls / (RAMP_MEAN * rps), LONGEST_S)
    return (Phase(RAMP_FROM * rps, rps, duration_s),)


def _searched(assessment: Assessment) -> list[Candidate]:
    return [
        candidate
        for candidate in assessment.candidates
        if candidate.rejection in _SEARCHED
        and not isinstance(candidate.estimate.usd_per_month, Missing)
    ]


def _gain(options: Sequence[Option], index: int, confidence: float) -> float:
    """Expected share of the present cost that looking at a size may save.

    Where no size is known that meets the SLO, to find one is worth its chance.
    """
    safe = [o for o in options if o.p_slo >= confidence]
    if not safe:
        return options[index].p_slo
    return gain(options[index], min(safe, key=lambda o: o.log_cost))


def _saves(chosen: Estimate, here: Candidate) -> str:
    share = 1.0 - _mid(chosen) / max(_mid(here.estimate), 1e-12)
    return f"{share:.0%} less" if share >= 0.0 else f"{-share:.0%} more"


def _mid(estimate: Estimate) -> float:
    usd = estimate.usd_per_month
    return 0.0 if isinstance(usd, Missing) else usd.mid


def _log_sd(estimate: Estimate) -> float:
    usd = estimate.usd_per_month
    if isinstance(usd, Missing) or usd.low <= 0.0:
        return 0.0
    return math.log(usd.high / usd.low) / (2.0 * Z90)
