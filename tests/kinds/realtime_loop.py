"""A real-time endpoint under the controller's own decisions, hour by hour, without AWS.

Each hour the tick sees the five-minute windows so far and decides; what it proposes is in force
at once. Time, traffic and latency are simulated; the decision is the real one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from given import DAY_S, HOUR_S, NOW_S
from realtime_world import (
    ERA,
    KEY,
    PART_S,
    PRICES,
    Fleet,
    Machine,
    a_live,
    a_sizing,
    a_state,
    an_observed,
    rows_of,
)

from controller.core.assess import assess, believe
from controller.kinds.realtime_endpoint.schedule import lower_bounds
from controller.model.change import Change, ChangePhase
from controller.model.decision import Propose
from controller.model.estimate import Observation
from controller.model.policy import Policy
from controller.model.size import RealtimeSize
from controller.model.window import Window


@dataclass
class Run:
    """What came of it."""

    sizes: list[tuple[float, RealtimeSize]] = field(default_factory=list)
    """(hour, size) of every change."""
    requests: float = 0.0
    slow: float = 0.0
    usd: float = 0.0
    hours: float = 0.0
    reasons: list[str] = field(default_factory=list)
    slow_hours: int = 0

    @property
    def met(self) -> float:
        """Share of requests within the threshold."""
        return 1.0 - self.slow / self.requests

    @property
    def usd_per_month(self) -> float:
        """At the rate of the run."""
        return self.usd / self.hours * 730.0


@dataclass
class Loop:
    """One endpoint."""

    machine: Machine
    policy: Policy
    size: RealtimeSize
    start_s: float = NOW_S - 60 * DAY_S
    decides: bool = True
    run: Run = field(default_factory=Run)
    parts: list[Window] = field(default_factory=list)
    rows: list[Observation] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    since_s: float = 0.0

    def play(self, rates: Sequence[float], warm_up: int = 0, every_h: int = 1) -> Run:
        """Serve a series of five-minute rates; costs and slow requests count after warm-up."""
        fleet = Fleet(self.size, self.size.min_instances)
        self.since_s = self.start_s
        for i, rps in enumerate(rates):
            at_s = self.start_s + i * PART_S
            self._follow_schedule(fleet, at_s)
            running = fleet.step(rps)
            part = self.machine.part(at_s, rps, running, self.policy.slo.threshold_ms)
            self.parts.append(part)
            if part.start_s >= self.since_s:
                self.rows += rows_of([part], self.size)
            if i >= warm_up:
                self._count(part, running)
            if self.decides and (i + 1) % (12 * every_h) == 0:
                self._tick(fleet, at_s + PART_S)
        return self.run

    def _follow_schedule(self, fleet: Fleet, at_s: float) -> None:
        lows = lower_bounds(self.size.schedule, self.size.min_instances)
        minute = (at_s // 60.0 + 3 * 1440) % 10_080
        # From ten minutes before the hour the next hour's bound is in force.
        low = lows[int((minute + 10) // 60) % 168]
        fleet.size = replace(self.size, min_instances=low)

    def _count(self, part: Window, running: int) -> None:
        run = self.run
        met = part.met_ratio
        assert isinstance(part.requests, int)
        assert isinstance(met, float)
        run.requests += part.requests
        run.slow += part.requests * (1.0 - met)
        run.usd += running * PRICES.usd_per_hour[self.size.instance_type] * PART_S / HOUR_S
        run.hours += PART_S / HOUR_S

    def _tick(self, fleet: Fleet, now_s: float) -> None:
        parts = self.parts[-14 * 288 :]
        seen = an_observed(
            parts,
            self.size,
            policy=self.policy,
            rows=tuple(self.rows),
            size_since_s=self.since_s,
            changes=tuple(reversed(self.changes)),
        )
        live = a_live(self.size, instances=fleet.running)
        state = replace(a_state(self.size, live), observed_at_s=now_s)
        seen = replace(seen, now_s=now_s, state=state, era=ERA)
        sizing = a_sizing(seen)
        decision = assess(seen, sizing, believe(seen, sizing)).decision
        self.run.reasons.append(str(decision.reason) if not isinstance(decision, Propose) else "-")
        if isinstance(decision, Propose):
            self._apply(decision, fleet, now_s)

    def _apply(self, decision: Propose, fleet: Fleet, now_s: float) -> None:
        target = decision.proposal.target
        assert isinstance(target, RealtimeSize)
        self.changes.append(
            Change(
                id=len(self.changes) + 1,
                key=KEY,
                policy="shop",
                phase=ChangePhase.VERIFIED,
                before=self.size,
                target=target,
                reason=decision.proposal.reason,
                detail=decision.proposal.detail,
                proposal=decision.proposal,
                etag="e",
                baseline=None,
                actor="controller",
                term=1,
                planned_at_s=now_s,
                updated_at_s=now_s,
                finished_at_s=now_s,
            )
        )
        self.run.sizes.append(((now_s - self.start_s) / HOUR_S, target))
        self.size, self.since_s = target, now_s + 120.0
        fleet.size = target


def weekly(low: float, high: float, days: int, weekend: float = 1.0) -> list[float]:
    """A smooth day with a quiet night and, by a factor, quieter weekends; from a Saturday on."""
    start_s = NOW_S - 60 * DAY_S
    rates = []
    for i in range(days * 288):
        at_s = start_s + i * PART_S
        hour = at_s % DAY_S / HOUR_S
        day = int(at_s // DAY_S + 3) % 7
        swing = max(0.0, math.sin(math.pi * (hour - 6.0) / 14.0))
        rates.append((low + (high - low) * swing) * (weekend if day >= 5 else 1.0))
    return rates
