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
from dataclasses import dataclass, replace
from typing import TypeAlias

from controller.core.stats import normal_cdf

AROUND = 3
"""Steps of the ladder to either side within which sizes tell much the same."""


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
    frontier: bool = False
    """Whether it is smaller than every size that was measured."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How careful, and how thorough."""

    confidence: float = 0.985
    """Probability of meeting the SLO that the final size must have."""
    harm: float = 0.4
    """Live requests that the whole search may turn slow, in expectation …"""
    harm_share: float = 0.12
    """… and the share of what is left of it that one batch may risk."""
    full_saving: float = 0.03
    """Relative saving from which a batch may risk all of that share; for less, less of it."""
    ground_harm: float = 1.5
    """The same, while no size is known that meets the SLO: users are being hurt as it is."""
    knock: int = 1
    """Calls to a shadow of a size smaller than any measured, before live requests go there …"""
    knock_confidence: float = 0.99
    """… and where it is smaller than all that were measured."""
    knocks: int = 60
    """… as long as no more calls than this were made in all."""
    trial_confidence: float = 0.95
    """Probability of meeting the SLO from which a size may serve its first live requests …"""
    batch: tuple[int, int] = (20, 400)
    """Least and most requests of a batch."""
    first_batch: int = 8
    """Most live requests of the first batch at a size: where it falls off a cliff, all are slow."""
    measured_enough: int = 3000
    """Requests at one size beyond which more teach nothing."""
    live_requests: int = 10_000
    probe_calls: int = 10
    first_probe: int = 2
    """Calls of the first probe of a size: what is far too slow shows in a few."""
    probes: int = 60
    """Calls to shadows in all, where it is only about a saving …"""
    ground_probes: int = 60
    """… and where no size is known that meets the SLO."""
    ground_at_one: int = 30
    """Calls to shadows of a size and those around it, where no size is known to meet the SLO."""
    elsewhere: float = 0.5
    """How likely against the likeliest a size must be to be looked at next, where that was."""
    probe_confidence: float = 0.95
    """Probability of meeting the SLO from which a size may be probed for its saving."""
    probes_at_one: int = 40
    """Calls to a shadow of one size."""
    near_likeliest: float = 0.995
    """Where no size is safe, the cheapest of those this close to the likeliest is looked at."""
    confirmed: int = 400
    """Requests that the final size should have served, where it may."""
    worthwhile: float = 0.004
    """Expected relative saving below which a size is not looked at."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What the search has used so far."""

    probe_calls: int = 0
    live_requests: int = 0
    harm: float = 0.0
    """Live requests turned slow, as expected when they were sent …"""
    ground_harm: float = 0.0
    """… and those while no size was known that meets the SLO."""

    def after(self, step: "Step") -> "Spent":
        """What is spent once a step was carried out."""
        if isinstance(step, Probe):
            return replace(self, probe_calls=self.probe_calls + step.calls)
        if isinstance(step, Settled):
            return self
        ground = step.harm if step.ground else 0.0
        return replace(
            self,
            live_requests=self.live_requests + step.requests,
            harm=self.harm + step.harm - ground,
            ground_harm=self.ground_harm + ground,
        )


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
    harm: float
    """Requests that it may turn slow, in expectation."""
    ground: bool = False
    """Whether no size was known that meets the SLO."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The size to end at, and its probability of meeting the SLO."""

    index: int
    p_slo: float


Step: TypeAlias = Probe | Trial | Settled


@dataclass(frozen=True, slots=True)
class _Search:
    """What a step is chosen from."""

    options: Sequence[Option]
    rules: Rules
    spent: Spent
    live: bool

    def trial(self, i: int, harm: float, saving: float = math.inf) -> Trial | None:
        """Live requests for a size, as many as what they risk allows; None if too few.

        `harm` is what may still be done, `saving` what the size may save; a batch at most doubles
        what is known of the size.
        """
        option, (least, most) = self.options[i], self.rules.batch
        if not self.live or option.measured >= self.rules.measured_enough:
            return None
        risk = max(option.slow_per_log * option.overshoot, 1e-9)
        left = self.rules.live_requests - self.spent.live_requests
        most = min(most, max(least, option.measured), left)
        if option.measured <= option.probed:
            least = min(least, self.rules.first_batch)
            most = min(least, left)
        share = self.rules.harm_share * min(1.0, saving / self.rules.full_saving)
        count = int(min(most, share * harm / risk))
        return Trial(i, count, count * risk) if count >= least else None

    def probe(self, i: int, most: int) -> Probe | None:
        """Calls to a shadow of a size, while fewer than `most` were made in all."""
        first = self.options[i].measured == 0
        calls = self.rules.first_probe if first else self.rules.probe_calls
        few = self.options[i].probed < self.rules.probes_at_one
        return Probe(i, calls) if few and self.spent.probe_calls + calls <= most else None

    def around(self, i: int) -> int:
        """Calls to shadows of a size and of its neighbours."""
        return sum(option.probed for option in self.options[max(0, i - AROUND) : i + AROUND + 1])

    def harm_left(self) -> float:
        return self.rules.harm - self.spent.harm


def next_step(options: Sequence[Option], rules: Rules, spent: Spent, live: bool) -> Step:
    """The next thing to measure, or the end. `live` is whether live requests may be used."""
    search = _Search(options, rules, spent, live)
    safe = [i for i, o in enumerate(options) if o.p_slo >= rules.confidence]
    if not safe:
        return _find_ground(search)
    best = min(safe, key=lambda i: options[i].log_cost)
    if live and options[best].measured == 0 and options[best].frontier:
        first = _try(search, best, math.inf)
        if first is not None:
            return first
    gains = [(gain(option, options[best]), i) for i, option in enumerate(options) if i != best]
    worth = sorted((pair for pair in gains if pair[0] >= rules.worthwhile), reverse=True)
    for saving, i in worth:
        step = _try(search, i, saving)
        if step is not None:
            return step
    if worth or options[best].measured < rules.confirmed:
        confirm = search.trial(best, search.harm_left())
        if confirm is not None:
            return confirm
    return Settled(best, options[best].p_slo)


def gain(option: Option, best: Option) -> float:
    """Expected relative saving over the best size, if it turns out to meet the SLO."""
    sd = max(option.log_cost_sd, 1e-4)
    z = (best.log_cost - option.log_cost) / sd
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return option.p_slo * sd * (density + z * normal_cdf(z))


def _try(search: _Search, i: int, saving: float) -> Step | None:
    """Learn about a size that may be cheaper, if that may be done.

    Nobody's request is the first at a size below all that were measured: a shadow is.
    """
    option, rules = search.options[i], search.rules
    new = search.live and option.measured == 0
    if new and option.frontier and option.p_slo >= rules.knock_confidence:
        few = search.spent.probe_calls + rules.knock <= rules.knocks
        return Probe(i, rules.knock) if few else None
    sure = rules.knock_confidence if option.frontier else rules.trial_confidence
    trial = None if new and option.p_slo < sure else search.trial(i, search.harm_left(), saving)
    large = saving >= rules.full_saving or not search.live
    if trial is None and large and option.p_slo >= rules.probe_confidence:
        return search.probe(i, rules.probes)
    return trial


def _find_ground(search: _Search) -> Step:
    """No size is known to be safe: look at the likeliest, but do not climb for nothing.

    A size that was begun with is stayed with, until enough calls were made to it and to those
    around it, which tell much the same; then the likeliest of the others is looked at.
    """
    options, rules = search.options, search.rules
    top = max(option.p_slo for option in options)
    fresh = [i for i, o in enumerate(options) if search.around(i) < rules.ground_at_one]
    begun = [i for i in fresh if options[i].probed and options[i].p_slo >= 0.9 * top]
    likely = [max(begun, key=lambda i: options[i].p_slo)] if begun else _near(search, fresh)
    if likely and options[likely[0]].p_slo >= rules.elsewhere * top:
        probe = search.probe(likely[0], rules.ground_probes)
        if probe is not None:
            return probe
    for i in _near(search, range(len(options))):
        trial = search.trial(i, rules.ground_harm - search.spent.ground_harm)
        if trial is not None:
            return replace(trial, ground=True)
    last = max(range(len(options)), key=lambda i: (options[i].p_slo, -options[i].log_cost))
    return Settled(last, options[last].p_slo)


def _near(search: _Search, among: Sequence[int]) -> list[int]:
    """Of some sizes the likeliest and those about as likely, the cheapest first."""
    options = search.options
    top = max((options[i].p_slo for i in among), default=0.0)
    near = (i for i in among if options[i].p_slo >= top * search.rules.near_likeliest)
    return sorted(near, key=lambda i: options[i].log_cost)
