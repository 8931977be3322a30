"""The rounds of a daemon's probes: those under way are stepped, live ones that are due begin.

APScheduler only enqueues a round; a worker makes it, and none of its steps waits for anything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from controller.core.conditions import current_candidate
from controller.core.periods import DAY_S, HOUR_S
from controller.core.probe_cost import Load, estimated_usd, over_budget, spent_usd, tariff
from controller.core.probe_worth import LONGEST_S
from controller.model.decision import Assessment
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AdapterError, Conflict
from controller.model.missing import Maybe, Missing
from controller.model.policy import Mode, Scope
from controller.model.probe import ProbeKind, ProbeOrder
from controller.model.probing import LiveProbe, Phase, Probing
from controller.ports import PriceSource
from controller.runtime.probe_parts import Asked
from controller.runtime.probing import STEP_S, Probes
from controller.runtime.roster import Entry

ROUND_S = 2.0
"""How often a daemon makes a round."""
STRAYS_S = HOUR_S
SWEEP_S, IDLE_SWEEP_S = 15.0, 600.0
"""How often copies that others left are looked for: while some are on their way, and else."""
LEAST_RPS = 0.02
"""With less to spare a live probe is left out."""


@dataclass(slots=True)
class ProbeRounds:
    """One per daemon; a round is made by one thread at a time."""

    probes: Probes
    entries: Callable[[], Iterable[Entry]]
    last: Callable[[EndpointKey], Assessment | None]
    """The newest assessment of an endpoint."""
    prices: PriceSource
    may: Callable[[], bool] = lambda: True
    """Whether this replica leads."""
    step_s: float = STEP_S
    """How often probes under way are looked at where nobody else asks for rounds."""
    _next_s: dict[EndpointKey, float] = field(default_factory=dict)
    _strays_s: float = 0.0
    _sweep_s: float = 0.0
    _recovered: bool = False

    def busy(self) -> bool:
        """Whether a round has anything to do."""
        if self.probes.busy() or self.probes.now_s() >= self._sweep_s:
            return True
        return any(_live(entry) for entry in self.entries())

    def due_s(self) -> float:
        """When to make the next one: soon while a probe is under way, else for live probes and
        for what others left."""
        now_s = self.probes.now_s()
        if self.probes.busy():
            return now_s + self.step_s
        due = [self._due_s(e, live) for e in self.entries() if (live := _live(e)) is not None]
        return max(now_s + STEP_S, min([*due, self._sweep_s]))

    def make(self) -> None:
        """One round. Raises StoreError."""
        if not self.may():
            return
        if not self._recovered:
            self.probes.recover()
            self._recovered = True
        self.probes.step()
        now_s = self.probes.now_s()
        for entry in self.entries():
            live = _live(entry)
            if live is not None and now_s >= self._due_s(entry, live):
                self._next_s[entry.key] = now_s + live.every_s
                self._begin(entry, live)
        if now_s >= self._sweep_s:
            self._sweep(now_s)

    def _sweep(self, now_s: float) -> None:
        """Take what others left a step nearer to its end."""
        places: set[tuple[Scope, Kind]] = set()
        if now_s >= self._strays_s:
            self._strays_s = now_s + STRAYS_S
            self.probes.recover(LONGEST_S)
            probed = ((e, e.policy.probe) for e in self.entries())
            made = (e for e, p in probed if p is not None and (p.shadows or p.mirrored))
            places = {(e.scope, e.key.kind) for e in made}
        going = self.probes.sweep(sorted(places, key=repr))
        self._sweep_s = now_s + (SWEEP_S if going else IDLE_SWEEP_S)

    def _due_s(self, entry: Entry, live: LiveProbe) -> float:
        """The next one's time; after a start, reckoned from the last one on record."""
        known = self._next_s.get(entry.key)
        if known is None:
            newest = self.probes.newest(entry.key, ProbeKind.LIVE)
            known = 0.0 if newest is None else newest.started_at_s + live.every_s
            self._next_s[entry.key] = known
        return known

    def _begin(self, entry: Entry, live: LiveProbe) -> None:
        assessment = self.last(entry.key)
        rps = spare_rps(entry, live, assessment)
        if assessment is None:
            self._next_s[entry.key] = self.probes.now_s() + 4.0 * ROUND_S
            return
        if assessment.state is None or rps < LEAST_RPS:
            return
        probing = entry.policy.probe
        assert probing is not None
        order = self._order(entry, probing, live, rps, assessment)
        spent = spent_usd(self.probes.recent(entry.key, DAY_S), self.probes.now_s())
        refused = over_budget(order.usd, spent, probing.budget)
        log = structlog.get_logger("rightsizer")
        if refused is not None:
            log.info(f"no live probe of {entry.key.short}: {refused}", endpoint=str(entry.key))
            return
        asked = Asked(
            key=entry.key,
            scope=entry.scope,
            probing=probing,
            slo=entry.policy.slo,
            order=order,
            state=assessment.state,
            era=self.probes.era(assessment.state),
            rate=tariff(order.size, assessment.state, self.prices, ProbeKind.LIVE),
        )
        try:
            self.probes.begin(asked)
        except Conflict as error:
            self._next_s[entry.key] = self.probes.now_s() + 4.0 * ROUND_S
            log.debug(str(error), endpoint=str(entry.key))
        except AdapterError as error:
            log.warning(str(error), endpoint=str(entry.key))

    def _order(
        self, entry: Entry, probing: Probing, live: LiveProbe, rps: float, assessment: Assessment
    ) -> ProbeOrder:
        state = assessment.state
        assert state is not None
        rate = tariff(state.size, state, self.prices, ProbeKind.LIVE)
        here = current_candidate(assessment)
        slow_ms = entry.policy.slo.threshold_ms if here is None else here.estimate.p95_ms.mid
        duration_s = live.requests / rps
        usd: Maybe[float] = (
            rate
            if isinstance(rate, Missing)
            else estimated_usd(rate, Load(live.requests, duration_s, slow_ms, 0))
        )
        phases = (Phase(rps, rps, duration_s),)
        return ProbeOrder(ProbeKind.LIVE, state.size, phases, 0, usd, why="regular live probe")


def spare_rps(entry: Entry, live: LiveProbe, assessment: Assessment | None) -> float:
    """The rate of a live probe: as asked for, and of an endpoint whose capacity is known no more
    than the policy's share of what its busiest minutes leave."""
    probing = entry.policy.probe
    here = None if assessment is None else current_candidate(assessment)
    if here is None or assessment is None or probing is None:
        return live.rps
    demand, capacity, instances = (
        assessment.demand,
        here.estimate.capacity_rps,
        here.estimate.instances,
    )
    if isinstance(demand, Missing) or isinstance(demand.rps_peak, Missing):
        return live.rps
    if isinstance(capacity, Missing) or isinstance(instances, Missing):
        return live.rps
    spare = capacity.mid * instances.high - demand.rps_peak
    return min(live.rps, max(0.0, spare) * probing.spare_share)


def _live(entry: Entry) -> LiveProbe | None:
    """The endpoint's regular live probe, if it is to have any now."""
    probing = entry.policy.probe
    if probing is None or not probing.payloads or entry.orphan or entry.conflict is not None:
        return None
    return None if entry.policy.mode is Mode.OFF else probing.live
