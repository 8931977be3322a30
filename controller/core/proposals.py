"""Proposals and the sentences that explain why a size is right, or none is."""

import math
from collections.abc import Sequence
from dataclasses import replace

from controller.core.stats import Z90
from controller.model.decision import Proposal, Propose
from controller.model.demand import Demand, Interval
from controller.model.estimate import Estimate
from controller.model.missing import Missing
from controller.model.policy import Policy
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, Size, at_least, at_most, in_order

CLIMB_GAIN = 0.97
"""A climb that is not sure to reach the SLO must at least bring p95 down by 3 % …"""
CLIMB_CHANCE = 0.1
"""… or raise the probability of meeting it by this much."""
CHANCE_PER_COST = 0.2
"""Twice the cost must raise the chance to meet the SLO by a factor of 2 ** this, 15 %."""
SAME_USD = 1e-6
"""A monthly difference below this is one of rounding."""
HOPELESS = 0.02
"""Below this chance at the best of sizes it is speed that counts."""
GIVEN_UP_MS = 60_000.0
"""How long SageMaker waits for a model's answer (InvokeEndpoint)."""


def cost_mid(estimate: Estimate) -> float:
    """Central monthly cost; infinite where the price is not known, so that it never wins."""
    if isinstance(estimate.usd_per_month, Missing):
        return math.inf
    return estimate.usd_per_month.mid


def cheapest(estimates: Sequence[Estimate]) -> Estimate:
    """Lowest cost; between equals the faster, then the smaller."""
    costs = [cost_mid(e) for e in estimates]
    limit = min(costs) + 1e-6
    near = [e for e, cost in zip(estimates, costs, strict=True) if cost <= limit]
    if len(near) == 1:
        return near[0]
    return min(near, key=lambda e: (round(cost_mid(e), 6), e.p95_ms.mid, in_order(e.size)))


def unproven(here: Estimate, other: Estimate) -> bool:
    """Whether a size is one of instances of another type that never served here: a prior from
    a catalogue, good enough to choose what to probe, too uncertain to be switched to."""
    one, two = here.size, other.size
    if not isinstance(one, RealtimeSize) or not isinstance(two, RealtimeSize):
        return False
    return other.measured_requests == 0 and one.instance_type != two.instance_type


def sideways(here: Estimate, other: Estimate) -> bool:
    """Whether a move is neither up nor cheaper, and to what never served: instances of another
    type, each no dearer and all together no cheaper. What is believed of such a type is too
    loose to go there and back on."""
    if other.measured_requests > 0 or at_most(other.size, here.size):
        return False
    if isinstance(here.usd_per_hour, Missing) or isinstance(other.usd_per_hour, Missing):
        return False
    own = at_least(other.size, here.size)
    dearer = other.usd_per_hour > here.usd_per_hour * 1.001
    return not own and not dearer and cost_mid(other) >= cost_mid(here) * 0.999


def helps(here: Estimate, other: Estimate) -> bool:
    """Whether a climb that is not sure to reach the SLO is worth it all the same."""
    if sideways(here, other):
        return False
    faster = other.p95_ms.mid < here.p95_ms.mid * CLIMB_GAIN
    return faster or other.p_slo > here.p_slo + CLIMB_CHANCE


def likeliest(estimates: Sequence[Estimate]) -> Estimate:
    """Where no size is sure to meet the SLO, the one whose chance is most worth its cost.

    A climb is answered by measurements at its end, and another one is free: to go to the
    extreme for the last few points of probability is paid for every month, and often for good.
    Where all is hopeless, the fastest, or nearly, in one stride.
    """
    best = max(estimates, key=lambda e: (e.p_slo, -e.p95_ms.mid))
    if best.p_slo < HOPELESS:
        near = [e for e in estimates if e.p95_ms.mid * CLIMB_GAIN <= best.p95_ms.mid]
        return cheapest(near)
    return max(estimates, key=lambda e: (_worth(e), -e.p95_ms.mid))


def _worth(estimate: Estimate) -> float:
    """Log of the chance to meet the SLO, less what it costs."""
    cost = cost_mid(estimate)
    if estimate.p_slo <= 0.0 or math.isinf(cost):
        return -math.inf
    return math.log(estimate.p_slo) - CHANCE_PER_COST * math.log(max(cost, 1e-9))


def propose(
    policy: Policy,
    demand: Demand,
    here: Estimate,
    target: Estimate,
    reason: Reason,
    *,
    note: str = "",
) -> Propose:
    """A change from the current estimate's size to the target's. Both costs must be known.

    `note` is what people should know of it besides the figures.
    """
    before, after = here.usd_per_month, target.usd_per_month
    if isinstance(before, Missing) or isinstance(after, Missing):
        raise ValueError("a proposal needs both costs")
    saves = saving(before, after, demand.requests_per_month)
    proposal = Proposal(
        before=here.size,
        target=target.size,
        reason=reason,
        detail="",
        p_slo=target.p_slo,
        p95_before_ms=here.p95_ms.mid,
        p95_after_ms=target.p95_ms,
        usd_per_month_before=before,
        usd_per_month_after=after,
        saves_usd_per_month=saves,
    )
    return Propose(_with_detail(proposal, policy, note))


def _with_detail(proposal: Proposal, policy: Policy, note: str) -> Proposal:
    before = proposal.p95_before_ms
    shown = "?" if isinstance(before, Missing) else _ms(before, proposal.before)
    percentile = f"p{policy.slo.percentile * 100:g}"
    detail = (
        f"{proposal.before} -> {proposal.target}, "
        f"{percentile} {shown} -> {_ms(proposal.p95_after_ms.mid, proposal.target)} ms "
        f"(slo {policy.slo.threshold_ms:g}), {_cost(proposal)}, "
        f"confidence {proposal.p_slo:.2f}"
    )
    return replace(proposal, detail=f"{detail}; {note}" if note else detail)


def _cost(proposal: Proposal) -> str:
    """What the bill becomes. That of a serverless endpoint does not know its concurrency, but it
    does know the requests that more of it lets in."""
    words = money(proposal.saves_usd_per_month)
    if proposal.reason is not Reason.REQUESTS_THROTTLED:
        return words
    same = "each request costs the same" if words == "costs the same" else words
    return f"{same}, plus those now let in"


def _ms(value: float, size: Size) -> str:
    """A queue that only grows has no latency to name: clients have gone by then."""
    gone = isinstance(size, RealtimeSize) and value > GIVEN_UP_MS
    return f"over {GIVEN_UP_MS:.0f}" if gone else f"{value:.0f}"


def last_resort(here: Size, target: Size) -> str:
    """Why a type is entered that nobody has measured."""
    if not isinstance(here, RealtimeSize) or not isinstance(target, RealtimeSize):
        return ""
    return (
        f"{here.instance_type} cannot meet the SLO within the bounds, "
        f"and {target.instance_type} was never measured here"
    )


def only_a_burst(here: Estimate) -> str:
    """Why a breach is waited out: instances are on their way, and bounds alone cannot help."""
    return (
        f"a burst: {here.size} bears the last two weeks, it included, with probability "
        f"{here.p_slo:.2f}; autoscaling adds what is missing now"
    )


def saving(before: Interval, after: Interval, traffic: Interval) -> Interval:
    """What a change saves a month. Both sizes serve the same traffic, so its spread is shared:
    only what the change itself leaves uncertain is set against it."""
    shared_sd = _log_sd(traffic)
    step_sd = math.sqrt(max(0.0, _log_sd(after) ** 2 - shared_sd**2))
    spread = math.exp(Z90 * step_sd)
    low, mid, high = (
        before.mid - after.mid * spread,
        before.mid - after.mid,
        before.mid - after.mid / spread,
    )
    down = traffic.low / traffic.mid if traffic.mid > 0.0 else 0.0
    up = traffic.high / traffic.mid if traffic.mid > 0.0 else 1.0
    return Interval(min(low * down, low * up), mid, max(high * down, high * up))


def _log_sd(interval: Interval) -> float:
    if interval.low <= 0.0 or interval.high <= 0.0:
        return 1.0
    return math.log(interval.high / interval.low) / (2.0 * Z90)


def money(saves: Interval) -> str:
    """`saves 38-55 USD/month` or `costs 12-20 USD/month more`; where it may be either, what is
    added to the bill: `changes the cost by -24 to +3 USD/month`; `costs the same` where the bill
    does not change."""
    if abs(saves.mid) < SAME_USD:
        return "costs the same"
    low, high = -saves.high, -saves.low
    digits = _digits(max(-low, high))
    first, last = f"{low:+z.{digits}f}", f"{high:+z.{digits}f}"
    if first.startswith("-") and float(last) > 0.0:
        return f"changes the cost by {first} to {last} USD/month"
    if saves.mid >= 0.0:
        return f"saves {_range(saves.low, saves.high)} USD/month"
    return f"costs {_range(low, high)} USD/month more"


def _range(low: float, high: float) -> str:
    digits = _digits(high)
    first, last = f"{low:z.{digits}f}", f"{high:z.{digits}f}"
    return first if first == last else f"{first}-{last}"


def _digits(most_usd: float) -> int:
    return 0 if most_usd >= 20.0 else 2 if most_usd >= 0.1 else 4


def right_size(policy: Policy, here: Estimate) -> str:
    """Why the current size stays."""
    return (
        f"{here.size} is the cheapest size that meets the SLO: "
        f"p{policy.slo.percentile * 100:g} {here.p95_ms.mid:.0f} ms "
        f"of {policy.slo.threshold_ms:g} ms allowed"
    )


def borderline(here: Estimate, best: Estimate) -> str:
    """Why a size that is not surely good enough stays while no breach is confirmed."""
    extra = cost_mid(best) - cost_mid(here)
    return (
        f"{here.size} meets the SLO with probability {here.p_slo:.2f} and no breach is "
        f"confirmed; {best.size} would for {extra:.2f} USD/month more"
    )


def infeasible(policy: Policy, estimates: Sequence[Estimate], left: Sequence[Estimate]) -> str:
    """Why no size will do, and the cheapest that would, with what it costs.

    left: those that may be chosen; only of them the likeliest is worth naming.
    """
    would = [e for e in estimates if e.p_slo >= policy.confidence]
    if not would:
        none = f"no size meets the SLO with confidence {policy.confidence:g}"
        if not left:
            return f"{none}, and each is ruled out by something else besides: see `explain`"
        best = max(left, key=lambda e: (e.p_slo, -cost_mid(e)))
        return f"{none}; the likeliest is {best.size} with probability {best.p_slo:.2f}"
    cheapest = min(would, key=cost_mid)
    if isinstance(cheapest.usd_per_month, Missing):
        reason = cheapest.usd_per_month.reason
        return f"no allowed size meets the SLO; {cheapest.size} would, at a price unknown: {reason}"
    return (
        f"no allowed size meets the SLO within the budget; {cheapest.size} would, "
        f"for {cost_mid(cheapest):.2f} USD/month"
    )
