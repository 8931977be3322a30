"""How slow requests are where some of them start cold: warm ones and cold ones, mixed.

Sizes are known by their warm requests. Where the objective covers cold starts, these take their
share of the slow requests that it allows: with a share `b` allowed and `c` cold, the warm ones
may be slow in b - c of the cases only, and must keep the threshold at a higher percentile. For a
lognormal latency that percentile is `shift` standard deviations further out; the standard
deviation follows from how far p95 lies above the mean.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from controller.core.stats import normal_cdf
from controller.kinds.serverless_endpoint.warmth import Cold
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo

UNSEEN = 2.0
"""Times the threshold that a cold start takes which nobody has seen."""
_NORMAL = NormalDist()
_LIKELY = ((-1.28, 0.3), (0.0, 0.4), (1.28, 0.3))
"""Standard deviations at which an uncertain share is taken, and how likely each is."""


@dataclass(frozen=True, slots=True)
class Warm:
    """Latencies of warm requests at one size, in logs of milliseconds."""

    log_mean: float
    log_p95: float
    log_p95_sd: float
    p_slo: float
    """Probability that they alone meet the SLO."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """The SLO's percentile of all requests (log of milliseconds), and the chance to meet it."""

    log_p95: float
    p_slo: float


def mixed(warm: Warm, cold: Cold, setup_ms: Maybe[float], slo: Slo) -> Mixed:
    """All requests, of which some start cold; setup_ms: what a cold start takes. One that was
    never seen is taken to be too slow."""
    cold_ms = UNSEEN * slo.threshold_ms
    if not isinstance(setup_ms, Missing):
        cold_ms = setup_ms + math.exp(warm.log_mean)
    if cold.share <= 0.0 or cold_ms <= slo.threshold_ms:
        return Mixed(warm.log_p95, warm.p_slo)
    p_slo = sum(
        weight * _chance(warm, cold.share * math.exp(sds * cold.log_sd), slo)
        for sds, weight in _LIKELY
    )
    shift = _shift(warm, cold.share, slo)
    log_p95 = math.log(cold_ms) if shift is None else warm.log_p95 + shift
    return Mixed(log_p95, min(warm.p_slo, p_slo))


def _chance(warm: Warm, cold: float, slo: Slo) -> float:
    shift = _shift(warm, cold, slo)
    if shift is None:
        return 0.0
    room = math.log(slo.threshold_ms) - warm.log_p95 - shift
    return normal_cdf(room / warm.log_p95_sd)


def _shift(warm: Warm, cold: float, slo: Slo) -> float | None:
    """How much further out the warm requests' percentile lies; None where cold starts alone
    are more than the objective allows."""
    left = 1.0 - slo.percentile - cold
    if left <= 1e-6:
        return None
    usual = _NORMAL.inv_cdf(slo.percentile)
    tail = max(0.0, warm.log_p95 - warm.log_mean)
    # log(p95 / mean) = z s - s^2 / 2
    inside = usual * usual - 2.0 * tail
    sd = usual - math.sqrt(inside) if inside > 0.0 else usual
    return sd * (_NORMAL.inv_cdf(1.0 - left / (1.0 - cold)) - usual)
