"""What to measure next, or the size to end at: the search that a belief about sizes allows.

Pure: whoever searches measures what the step asks for, updates its belief, and asks again. A
belief is one `Option` per size; of a size nothing need be known here but what it costs, how
likely it meets the SLO, and by how much it would miss it.

Free things first. Sizes that are very likely to meet the SLO may serve a share of live requests
(`Trial`), in batches no larger than what could be harmed allows. Where that is too risky, a
shadow is called (`Probe`), which costs money and nobody's patience. The search descends until
the next size down is not safe enough to be tried, or no cheaper size is worth the trouble.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from controller.core.stats import normal_cdf


@dataclass(frozen=True, slots=True)
class Option:
    """What is believed of one size."""

    log_cost: float
    """Log of the expected cost of a request; only differences matter …"""
    log_cost_sd: float
    """… and how well it is known."""
    p_slo: float
    overshoot: float
    """Expected log of p95 over threshold, counted where it is over."""
    slow_per_log: float
    """Requests that become slow per unit of log p95 near the threshold, as a share."""
    measured: int
    """Requests and calls that were measured at this size."""
    probed: int = 0
    """Of these, calls to a shadow."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How careful, and how thorough."""

    confidence: float = 0.98
    """Probability of meeting the SLO that the final size must have."""
    harm_per_batch: float = 0.01
    """Live requests that a batch may turn slow, in expectation."""
    batch: tuple[int, int] = (20, 400)
    """Least and most requests of a batch."""
    measured_enough: int = 3000
    """Requests at one size beyond which more teach nothing."""
    live_requests: int = 10_000
    probe_calls: int = 10
    probes: int = 40
    """Calls to shadows in all."""
    probe_confidence: float = 0.9
    """Probability of meeting the SLO from which a size may be probed for its saving."""
    worthwhile: float = 0.004
    """Expected relative saving below which a size is not looked at."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the search has used so far."""

    probe_calls: int = 0
    live_requests: int = 0


@dataclass(frozen=True, slots=True)
class Probe:
    """Call a shadow of this size."""

    index: int
    calls: int


@dataclass(frozen=True, slots=True)
class Trial:
    """Send live requests to this size."""

    index: int
    requests: int


@dataclass(frozen=True, slots=True)
class Settled:
    """The size to end at, and its probability of meeting the SLO."""

    index: int
    p_slo: float


Step: TypeAlias = Probe | Trial | Settled


def next_step(options: Sequence[Option], rules: Rules, spent: Spent, live: bool) -> Step:
    """The next thing to measure, or the end. `live` is whether live requests may be used."""
    safe = [i for i, o in enumerate(options) if o.p_slo >= rules.confidence]
    if not safe:
        return _find_ground(options, rules, spent, live)
    best = min(safe, key=lambda i: options[i].log_cost)
    gains = {i: gain(options[i], options[best]) for i in range(len(options)) if i != best}
    worth = sorted((g, i) for i, g in gains.items() if g >= rules.worthwhile)
    for _, i in reversed(worth):
        step = _try(options, i, rules, spent, live)
        if step is not None:
            return step
    confirm = _room(options, best, rules, spent) if live else 0
    if confirm >= rules.batch[0] and (worth or options[best].measured < rules.batch[1]):
        return Trial(best, confirm)
    return Settled(best, options[best].p_slo)


def gain(option: Option, best: Option) -> float:
    """Expected relative saving over the best size, if it turns out to meet the SLO."""
    sd = max(option.log_cost_sd, 1e-4)
    z = (best.log_cost - option.log_cost) / sd
    density = math.exp(-0.5 * z * z) * 0.3989423
    return option.p_slo * sd * (density + z * normal_cdf(z))


def batch(option: Option, rules: Rules) -> int:
    """Live requests that a size may serve at once, by what they risk."""
    risk = option.slow_per_log * option.overshoot
    most = max(rules.batch[0], option.measured)
    return int(min(rules.batch[1], most, rules.harm_per_batch / max(risk, 1e-9)))


def _try(
    options: Sequence[Option], i: int, rules: Rules, spent: Spent, live: bool
) -> Step | None:
    """Learn about a size that may be cheaper, if that may be done."""
    room = _room(options, i, rules, spent) if live else 0
    if room >= rules.batch[0]:
        return Trial(i, room)
    likely = options[i].p_slo >= rules.probe_confidence
    if likely and _may_probe(options[i], rules, spent):
        return Probe(i, rules.probe_calls)
    return None


def _room(options: Sequence[Option], i: int, rules: Rules, spent: Spent) -> int:
    if options[i].measured >= rules.measured_enough:
        return 0
    return min(batch(options[i], rules), rules.live_requests - spent.live_requests)


def _may_probe(option: Option, rules: Rules, spent: Spent) -> bool:
    few = option.probed < 2 * rules.probe_calls
    return few and spent.probe_calls + rules.probe_calls <= rules.probes


def _find_ground(options: Sequence[Option], rules: Rules, spent: Spent, live: bool) -> Step:
    """No size is known to be safe: look at the likeliest."""
    likeliest = max(range(len(options)), key=lambda i: (options[i].p_slo, -options[i].log_cost))
    if _may_probe(options[likeliest], rules, spent):
        return Probe(likeliest, rules.probe_calls)
    room = _room(options, likeliest, rules, spent) if live else 0
    if room >= rules.batch[0]:
        return Trial(likeliest, room)
    return Settled(likeliest, options[likeliest].p_slo)
