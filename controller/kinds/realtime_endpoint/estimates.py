"""Each candidate under the present demand: latency, probability, instances, money, and why."""

import numpy as np

from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.sizing import Best, Question
from controller.kinds.realtime_endpoint.types import Belief
from controller.model.demand import Interval
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.size import RealtimeSize

AS_EXPECTED = 0.97
"""Probability that a type on which the container never ran behaves as types differ at all."""
TOO_SLOW = 0.5
"""Probability of meeting the SLO at the peak, below which an upper bound is too low."""


def estimate(ask: Question, best: Best) -> Maybe[Estimate]:
    """One candidate; Missing where nothing was measured that it could follow from."""
    size = best.size
    belief = ask.beliefs.about(size.instance_type)
    if belief is None:
        return Missing("no five minutes with a known load per instance were measured yet")
    running = ask.live.instances if size == ask.current else None
    fleet = Fleet.of(size, ask.shape, running)
    slo = ask.policy.slo
    load = fleet.worst_load_rps()
    curves = belief.curves
    p_slo = float(curves.p_met(np.asarray([load]), slo.threshold_ms)[0])
    p_slo *= 1.0 if belief.requests else AS_EXPECTED
    price = ask.prices.usd_per_hour.get(size.instance_type)
    unpriced = Missing(f"no price of {size.instance_type} in {ask.prices.region}")
    return Estimate(
        size=size,
        p95_ms=curves.percentile_ms(load),
        p_slo=p_slo,
        usd_per_month=unpriced if price is None else fleet.usd_per_month(price),
        evidence=_words(ask, best, belief, load),
        measured_requests=belief.requests,
        instances=fleet.instances(),
        capacity_rps=curves.capacity_rps(slo.threshold_ms),
        usd_per_hour=unpriced if price is None else price,
        standing=_standing(ask, size, belief, fleet),
    )


def _words(ask: Question, best: Best, belief: Belief, load_rps: float) -> str:
    slo = ask.policy.slo
    usable, capped = belief.curves.usable_rps(slo.threshold_ms, ask.policy.confidence)
    words = [f"{belief.words} up to {belief.curves.top_rps:.3g} rps per instance"]
    if capped:
        words.append(f"not trusted beyond {usable:.3g} rps")
    words.append(f"judged at {load_rps:.3g} rps")
    if best.words:
        words.append(best.words)
    return "; ".join(words)


def _standing(
    ask: Question, size: RealtimeSize, belief: Belief, fleet: Fleet
) -> tuple[Rejection, str] | None:
    """Not measured, or too few instances for what is asked of them at the peak."""
    if not belief.near:
        p95 = belief.curves.percentile_ms(fleet.worst_load_rps())
        detail = (
            f"known from its catalogue data only, p95 {p95.low:.0f}-{p95.high:.0f} ms: "
            "good enough to choose what to probe"
        )
        return Rejection.NOT_MEASURED, detail
    if size != ask.current:
        return None
    return _too_few(ask, size, belief)


def _too_few(ask: Question, size: RealtimeSize, belief: Belief) -> tuple[Rejection, str] | None:
    slo = ask.policy.slo
    share = ask.shape.peak_rps / size.max_instances
    calm = Interval(0.0, ask.shape.trough_rps / size.max_instances, share)
    at_peak, at_rest = (
        belief.curves.p_met(np.asarray([share]), slo.threshold_ms)[0],
        (belief.curves.p_met(np.asarray([calm.mid]), slo.threshold_ms)[0]),
    )
    if at_peak >= TOO_SLOW or at_rest < ask.policy.confidence:
        return None  # enough of them, or more would not help
    if ask.policy.bounds.max_instances is not None and (
        size.max_instances >= ask.policy.bounds.max_instances
    ):
        return None
    detail = (
        f"{size.max_instances} instances get {share:.3g} rps each at the peak and meet the SLO "
        f"with probability {at_peak:.2f}"
    )
    return Rejection.TOO_FEW_INSTANCES, detail
