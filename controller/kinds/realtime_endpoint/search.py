"""What to measure next on a shadow, or the size to end at: which types, and at which loads.

Pure: whoever searches carries out the probe, fits the beliefs again with its rows, and asks
again. Candidates, money and probabilities are those that the daemon decides with.

A probe of a type at a load either shows that the type bears the load within the SLO, or that it
does not. If it does, the endpoint can run as the fleet that this load per instance allows. So a
probe is worth P(bears the load) x (dollars a month now - dollars a month then) x payback,
and its price is that of an instance for as long as it takes to start it and to load it. A type
that the belief is unsure of is worth a look at a load that it may well bear; once it did, a
higher load has the rest of the saving to offer. Loads are chosen by the same number as types.
In the end the size that it comes to is looked at under its own load, unless that was seen.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from controller.core.demand import HOURS_PER_MONTH
from controller.core.stats import Floats
from controller.kinds.realtime_endpoint.allowed import barred, types_of
from controller.kinds.realtime_endpoint.bill import Fleet
from controller.kinds.realtime_endpoint.estimates import estimate
from controller.kinds.realtime_endpoint.fleet_loads import fleets_of, loads_of
from controller.kinds.realtime_endpoint.headroom import size_for
from controller.kinds.realtime_endpoint.question import Question
from controller.kinds.realtime_endpoint.sizing import candidates
from controller.model.demand import Demand
from controller.model.estimate import Estimate
from controller.model.missing import Maybe, Missing
from controller.model.size import RealtimeSize

SEEN = 1.15
"""A load up to this many times one that was seen enough counts as seen."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How thorough. The numbers that are no limits were tuned on generated endpoints."""

    payback_s: float = 30 * 86_400.0
    """A probe must pay for itself within."""
    budget_usd: float | None = None
    """Most that all probes may cost."""
    most_probes: int = 16
    max_rps: float | None = None
    """Most that whoever makes the load can send."""
    start_s: float = 300.0
    """From asking for a shadow until it serves; paid for. A shadow that runs is not started."""
    load_s: float = 420.0
    """A minute of light load, then six of the load that is asked about."""
    least_requests: int = 60
    """Fewer say nothing of a percentile: a thin load is kept up for longer."""
    room: float = 0.93
    """Of the threshold: a load that only just meets the SLO will not be believed to."""
    apart: float = 1.15
    """Loads within this factor are the same …"""
    same: int = 2
    """… and one load of one type is not probed more often."""
    caution: float = 2.0
    """Power of the chance that a load is borne, by which sure loads go before promising ones."""
    breach: float = 2.0
    """While no size is known that meets the SLO, to find one is worth this many times the
    dearest prospect."""
    loads: int = 24

    def loaded_s(self, load_rps: float) -> float:
        """How long a load is kept up."""
        return max(self.load_s, self.least_requests / max(load_rps, 1e-4))


@dataclass(frozen=True, slots=True)
class Probe:
    """Load a shadow: one instance of this type."""

    instance_type: str
    load_rps: float
    load_s: float
    hours: float
    """Of an instance, its start included."""
    usd: float
    worth_usd: float
    """Expected saving within the payback; 0 of one that only confirms."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The size to end at, and how sure it is."""

    size: RealtimeSize
    p_slo: Maybe[float]
    """Missing where nothing was measured."""
    usd_per_month: Maybe[float]
    words: str
    """Why no further probe is made."""


Step: TypeAlias = Probe | Settled


@dataclass(frozen=True, slots=True)
class Spent:
    """Probes that were made, in order."""

    probes: tuple[Probe, ...] = ()

    @property
    def usd(self) -> float:
        """For instances."""
        return sum(probe.usd for probe in self.probes)

    @property
    def running(self) -> str | None:
        """The type whose shadow still stands."""
        return self.probes[-1].instance_type if self.probes else None


@dataclass(frozen=True, slots=True)
class _Search:
    """What a step is chosen from."""

    ask: Question
    rules: Rules
    spent: Spent
    may: Sequence[str]

    def priced(self, name: str, load_rps: float, worth_usd: float) -> Probe:
        """A probe with what it costs."""
        start_s = 0.0 if self.spent.running == name else self.rules.start_s
        load_s = self.rules.loaded_s(load_rps)
        hours = (start_s + load_s) / 3600.0
        usd = hours * self.ask.prices.usd_per_hour[name]
        return Probe(name, load_rps, load_s, hours, usd, worth_usd)

    def look(self, name: str, load_rps: float) -> list[Probe]:
        """A probe for its own sake, if it is new; no more load than can be made."""
        most = self.rules.max_rps
        load_rps = load_rps if most is None else min(load_rps, most)
        return [self.priced(name, load_rps, 0.0)] if self.is_new(name, load_rps) else []

    def may_look(self, name: str, load_rps: float) -> bool:
        """Whether a load can be made, and is new."""
        most = self.rules.max_rps
        return (most is None or load_rps <= most) and self.is_new(name, load_rps)

    def is_new(self, name: str, load_rps: float) -> bool:
        """Whether loads close to this one were not probed often enough."""
        near = [
            probe
            for probe in self.spent.probes
            if probe.instance_type == name
            and max(probe.load_rps, load_rps) < self.rules.apart * min(probe.load_rps, load_rps)
        ]
        return len(near) < self.rules.same

    def affordable(self, probe: Probe) -> bool:
        """Whether the budget for probes pays it."""
        budget = self.rules.budget_usd
        return budget is None or self.spent.usd + probe.usd <= budget


def next_step(
    ask: Question, demand: Demand, rules: Rules, spent: Spent, shut: Collection[str] = ()
) -> Step:
    """The probe that is worth most over its price, or the end.

    `shut`: types that may not be had now, whatever they would do.
    """
    best = chosen(ask, demand, shut)
    if len(spent.probes) >= rules.most_probes:
        return _settled(ask, best, f"{rules.most_probes} probes were made")
    may = tuple(name for name in probeable(ask, demand) if name not in shut)
    search = _Search(ask, rules, spent, may)
    found = _probes(search, best) if ask.beliefs.measured else _first(search)
    found = found or _confirming(search, best)
    if not found:
        return _settled(ask, best, "no probe is worth its price")
    paid = [probe for probe in found if search.affordable(probe)]
    if not paid:
        return _settled(ask, best, "what is left of the budget for probes pays none")
    return max(paid, key=lambda p: (p.worth_usd - p.usd, p.instance_type, -p.load_rps))


def chosen(ask: Question, demand: Demand, shut: Collection[str] = ()) -> Estimate | None:
    """The cheapest size that may be switched to and meets the SLO as surely as is asked for.

    Where there is none: the current one; None where nothing was measured yet.
    """
    made = [(best, estimate(ask, best, more=False)) for best in candidates(ask)]
    known = {best.size: e for best, e in made if not isinstance(e, Missing)}
    out = barred(list(known), ask.current, ask.policy.bounds, demand, ask.live)
    free = {size: e for size, e in known.items() if size.instance_type not in shut}
    good = [e for size, e in free.items() if size not in out and _is_good(ask, e)]
    if not good:
        return known.get(ask.current)
    return min(good, key=lambda e: (_usd(e), str(e.size)))


def probeable(ask: Question, demand: Demand) -> tuple[str, ...]:
    """Types that a policy, the config, memory and the account allow, and that have a price."""
    names = types_of(ask.policy.bounds, ask.current.instance_type, ask.prices.usd_per_hour)
    sizes: dict[str, RealtimeSize] = {}
    for name in names:
        if name in ask.prices.usd_per_hour:
            sizes[name] = size_for(ask, name, max(ask.shape.peak_rps, 1e-3)).size
    out = barred(list(sizes.values()), ask.current, ask.policy.bounds, demand, ask.live)
    quota = ask.live.quota_left
    return tuple(n for n, size in sizes.items() if size not in out and quota.get(n, 1) > 0)


def _is_good(ask: Question, found: Estimate) -> bool:
    if found.standing is not None or isinstance(found.usd_per_month, Missing):
        return False
    budget = ask.policy.budget_usd_per_month
    return found.p_slo >= ask.policy.confidence and (
        budget is None or found.usd_per_month.mid <= budget
    )


def _usd(found: Estimate) -> float:
    assert not isinstance(found.usd_per_month, Missing)
    return found.usd_per_month.mid


def _settled(ask: Question, best: Estimate | None, words: str) -> Settled:
    if best is None or not isinstance(best.size, RealtimeSize):
        unseen = Missing("nothing was measured")
        return Settled(ask.current, unseen, unseen, words)
    usd = best.usd_per_month
    return Settled(best.size, best.p_slo, usd if isinstance(usd, Missing) else usd.mid, words)


def _first(search: _Search) -> list[Probe]:
    """Where nothing was measured at all: the live type, at its share of the peak."""
    ask = search.ask
    own = ask.current.instance_type
    return (
        []
        if own not in search.may
        else search.look(own, ask.shape.peak_rps / max(ask.live.instances, 1))
    )


def _probes(search: _Search, best: Estimate | None) -> list[Probe]:
    """Of every type the load that is worth most, where it is worth its price."""
    ask, rules = search.ask, search.rules
    loads = loads_of(ask, rules.loads, rules.max_rps)
    fleets = fleets_of(ask, search.may, loads)
    months = rules.payback_s / 3600.0 / HOURS_PER_MONTH
    now = _now(ask, best, rules, [bill for bill, _ in fleets.values()])
    found = []
    for name, (bill, loads) in fleets.items():
        belief = ask.beliefs.about(name)
        assert belief is not None
        bears = belief.curves.p_bears(loads, belief.threshold_ms * rules.room)
        worth = bears * np.maximum(0.0, now - bill) * months
        order = np.argsort(-worth * bears**rules.caution, kind="stable")
        new = [int(i) for i in order if search.may_look(name, float(loads[i]))][:1]
        found += [search.priced(name, float(loads[i]), float(worth[i])) for i in new]
    return [probe for probe in found if probe.worth_usd > probe.usd]


def _confirming(search: _Search, best: Estimate | None) -> list[Probe]:
    """A look at what is about to be settled on, where its load was never seen at its type.

    Extrapolation is where curves deceive: machines that slow down early look idle until then.
    """
    ask, size = search.ask, None if best is None else best.size
    if not isinstance(size, RealtimeSize) or size == ask.current:
        return []
    name, fleet = size.instance_type, Fleet.of(size, ask.shape)
    belief = ask.beliefs.about(name)
    load = fleet.worst_load_rps(None if belief is None else ask.bearable(belief))
    seen = belief is not None and belief.requests and load <= SEEN * belief.curves.top_rps
    return [] if seen or name not in search.may else search.look(name, load)


def _now(ask: Question, best: Estimate | None, rules: Rules, bills: Sequence[Floats]) -> float:
    """Dollars a month of what is settled on now; of a breach, more than all that may come."""
    if best is not None and _is_good(ask, best):
        return _usd(best)
    return rules.breach * max((float(row.min()) for row in bills), default=0.0)
