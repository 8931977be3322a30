"""Each candidate under the present demand: latency, probability, instances, money, and why."""

from controller.core.unmeasured import would_tell
from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.question import Best, Question
from controller.kinds.realtime_endpoint.types import Belief
from controller.model.demand import Interval
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.size import RealtimeSize

AS_EXPECTED = 0.97
"""Probability that a type on which the container never ran behaves as types differ at all."""
EVEN = 0.5
"""Most that is believed of such a type where the middle of its p95 is over the threshold."""
TOO_SLOW = 0.5
"""Probability of meeting the SLO at the peak, below which an upper bound is too low."""


def estimate(ask: Question, best: Best, *, more: bool) -> Maybe[Estimate]:
    """One candidate; Missing where nothing was measured that it could follow from.

    `more`: another candidate has its type and a higher upper bound.
    """
    size = best.size
    belief = ask.beliefs.about(size.instance_type)
    if belief is None:
        return Missing("no five minutes with a known load per instance were measured yet")
    running = ask.live.instances if size == ask.current else None
    fleet = Fleet.of(size, ask.shape, running)
    load = fleet.worst_load_rps(ask.bearable(belief))
    p95_ms = belief.curves.percentile_ms(load)
    p_slo = belief.p_met(load) * (1.0 if belief.requests else AS_EXPECTED)
    if not belief.requests and p95_ms.mid > belief.threshold_ms:
        p_slo = min(p_slo, EVEN)
    price = ask.prices.usd_per_hour.get(size.instance_type)
    unpriced = Missing(f"no price of {size.instance_type} in {ask.prices.region}")
    return Estimate(
        size=size,
        p95_ms=p95_ms,
        p_slo=p_slo,
        usd_per_month=unpriced if price is None else fleet.usd_per_month(price),
        evidence=_words(ask, best, belief, load),
        measured_requests=belief.requests,
        instances=fleet.instances(),
        capacity_rps=belief.capacity_rps,
        usd_per_hour=unpriced if price is None else price,
        standing=_standing(ask, belief, size, p95_ms, more=more),
    )


def _words(ask: Question, best: Best, belief: Belief, load_rps: float) -> str:
    usable, capped = belief.usable
    words = [f"{belief.words} up to {belief.curves.top_rps:.3g} rps per instance"]
    if capped:
        words.append(f"not trusted beyond {usable:.3g} rps")
    words.append(f"judged at {load_rps:.3g} rps")
    if best.words:
        words.append(best.words)
    return "; ".join(words)


def _standing(
    ask: Question, belief: Belief, size: RealtimeSize, p95_ms: Interval, *, more: bool
) -> tuple[Rejection, str] | None:
    """Not measured, or too few instances for what is asked of them at the peak."""
    few = _too_few(ask, belief, size.max_instances) if more else None
    if few is None and size != ask.current and not belief.requests:
        expected = f"p95 {p95_ms.low:.0f}-{p95_ms.high:.0f} ms by its catalogue data"
        detail = f"not measured, {expected}: {would_tell(ask.policy)}"
        return Rejection.NOT_MEASURED, detail
    return few


def _too_few(ask: Question, belief: Belief, most: int) -> tuple[Rejection, str] | None:
    """Whether more instances would keep the SLO at the peak, and those allowed do not."""
    share = ask.shape.peak_rps / most
    at_peak = belief.p_met(share)
    if at_peak >= TOO_SLOW or belief.p_met(ask.shape.trough_rps / most) < belief.confidence:
        return None
    detail = (
        f"{most} instances get {share:.3g} rps each at the peak and meet the SLO "
        f"with probability {at_peak:.2f}"
    )
    return Rejection.TOO_FEW_INSTANCES, detail
