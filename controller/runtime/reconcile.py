"""One endpoint, one tick: observe, estimate, decide, guard, actuate, verify, record."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from controller.core.assess import Beliefs, Observed, Sizing, assess, believe, unassessed
from controller.core.contract import KindRules, Stage
from controller.core.guard import Fleet, fleet_is_full
from controller.core.refusals import retry_delay_s, stuck
from controller.core.sentence import change_sentence, underway, with_progress
from controller.model.change import Advance, Change, Wait
from controller.model.decision import Assessment, Hold, Probe, Propose
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.errors import (
    AccessDenied,
    AdapterError,
    Conflict,
    NoLease,
    NotFound,
    Throttled,
    Unauthenticated,
    Unreachable,
)
from controller.model.reason import Reason
from controller.ports import Clock, PriceSource
from controller.runtime.actuate import Actuator
from controller.runtime.advise import Advisor
from controller.runtime.basis import Basis
from controller.runtime.neighbours import Neighbours
from controller.runtime.observe import Observer
from controller.runtime.probe_desk import ProbeDesk
from controller.runtime.record import Recorder
from controller.runtime.roster import Entry, next_turn_s
from controller.runtime.samples import SampleBook
from controller.runtime.trials import may_go_on, verdict_on

REFUSED_S = 15.0
"""Somebody was faster: time for them to finish."""
AGAIN_S = 2.0
"""After a step that is done at once, the next one may follow."""
ANSWER_S = 10.0
"""How soon Logs Insights can be expected to have answered."""
STEPS_A_TICK = 6
_REASONS: tuple[tuple[type[AdapterError], Reason], ...] = (
    (NotFound, Reason.NOT_FOUND),
    (AccessDenied, Reason.ACCESS_DENIED),
    (Unauthenticated, Reason.CREDENTIALS),
    (Throttled, Reason.THROTTLED),
    (Unreachable, Reason.UNREACHABLE),
    (NoLease, Reason.NO_LEASE),
)


@dataclass(frozen=True, slots=True)
class Hands:
    """Everything a reconcile works with."""

    clock: Clock
    observer: Observer
    samples: SampleBook
    rules: Mapping[Kind, KindRules]
    prices: PriceSource
    actuator: Actuator | None
    """None: look and say, touch nothing (a plan)."""
    recorder: Recorder
    advisor: Advisor | None = None
    """None: nothing is advised."""
    desk: ProbeDesk | None = None
    """None: nothing is probed."""
    neighbours: Neighbours | None = None
    """None: endpoints of an account learn nothing from one another."""

    def sizing(self, state: EndpointState, now_s: float) -> Sizing:
        """An endpoint's sizing at present prices, with what its neighbours show."""
        rules = self.rules[state.key.kind]
        others = None if self.neighbours is None else self.neighbours.of(state.key, now_s)
        return rules.sizing(self.prices, state, others)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a tick concluded and when the endpoint is due again."""

    assessment: Assessment
    due_s: float


_Due: TypeAlias = tuple[float, str | None]
"""When to be back, and what an open change waits for until then."""


class Reconciler:
    """Level-triggered: needs only the roster's entry, and remembers nothing that matters."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._beliefs: dict[EndpointKey, tuple[Basis, Beliefs]] = {}
        self._planning = threading.Lock()

    def reconcile(self, entry: Entry, fleet: Callable[[], Fleet]) -> Outcome:
        """One tick. Raises AdapterError where the tick could not be finished."""
        observed, assessment = self._look(entry, fleet(), fresh=False)
        if isinstance(assessment.decision, Propose):
            observed, assessment = self._look(entry, fleet(), fresh=True)
        due_s, told = self._act(entry, observed, assessment, fleet)
        if told is not None:
            assessment = with_progress(assessment, told)
        if self._hands.advisor is not None:
            assessment = self._hands.advisor.advise(observed, assessment)
        self._hands.recorder.record(entry.policy, assessment)
        return Outcome(assessment, due_s)

    def hold(self, entry: Entry, error: AdapterError) -> Assessment:
        """Record that an endpoint could not be looked at, and why."""
        reason = next((r for kind, r in _REASONS if isinstance(error, kind)), Reason.ERROR)
        now_s = self._hands.clock.now_s()
        if isinstance(error, NotFound):
            self._close_lost(entry, str(error).rstrip("."))
        hold = self._stuck(entry, now_s) or Hold(reason, str(error).rstrip("."))
        assessment = unassessed(entry.key, entry.policy.name, now_s, hold)
        self._hands.recorder.record(entry.policy, assessment)
        return assessment

    def _stuck(self, entry: Entry, now_s: float) -> Hold | None:
        """What to say where a change is open, and AWS has long not let it go on."""
        change = self._hands.observer.open_change(entry.key)
        why = None if change is None else stuck(change, False, now_s)
        if change is None or why is None:
            return None
        return Hold(Reason.STUCK, f"{underway(change)}: {why}")

    def _close_lost(self, entry: Entry, why: str) -> None:
        change = self._hands.observer.open_change(entry.key)
        if change is None or self._hands.actuator is None:
            return
        closed = self._hands.actuator.lost(change, why)
        self._hands.recorder.moved(closed, change_sentence(closed, why))

    def forget(self, key: EndpointKey, *, journalled: bool = True) -> None:
        """Drop what is kept of an endpoint; `journalled`: no policy claims it any more."""
        self._beliefs.pop(key, None)
        for one in (self._hands.advisor, self._hands.desk, self._hands.observer):
            if one is not None:
                one.forget(key)
        if self._hands.neighbours is not None:
            self._hands.neighbours.forget(key, journalled=journalled)
        self._hands.recorder.forget(key, journalled=journalled)

    def _look(self, entry: Entry, fleet: Fleet, *, fresh: bool) -> tuple[Observed, Assessment]:
        """Observe, estimate, decide, guard. What is acted on was seen a moment ago."""
        actuator = self._hands.actuator
        observed = self._hands.observer.observe(
            entry,
            fleet,
            self._hands.clock.now_s(),
            lease_held=actuator is None or actuator.lease_held,
            fresh=fresh,
        )
        refusal = self._unread(entry, observed)
        if refusal is not None:
            return observed, refusal
        sizing = self._hands.sizing(observed.state, observed.now_s)
        beliefs = self._believe(observed, sizing)
        assessment = assess(observed, sizing, beliefs)
        desk = self._hands.desk
        if desk is not None and observed.policy.probe is not None:
            assessment = desk.consider(observed, sizing, beliefs, assessment)
        return observed, assessment

    def _believe(self, observed: Observed, sizing: Sizing) -> Beliefs:
        """Beliefs change when an hour ends, not with every tick: kept until an input is new."""
        basis = Basis(
            observed.rows,
            observed.windows.hourly,
            (
                tuple(observed.memory_use),
                observed.memory_refusal,
                observed.state.size,
                observed.era,
                observed.policy.generation,
                sizing,
            ),
        )
        kept = self._beliefs.get(observed.state.key)
        if kept is not None and kept[0].same(basis):
            return kept[1]
        beliefs = believe(observed, sizing)
        if self._hands.neighbours is not None:
            key = observed.state.key
            self._hands.neighbours.learn(key, self._hands.rules[key.kind].lesson(beliefs.proof))
        self._beliefs[observed.state.key] = (basis, beliefs)
        return beliefs

    def _unread(self, entry: Entry, observed: Observed) -> Assessment | None:
        """CloudWatch answered, but refused this endpoint's requests."""
        samples = self._hands.samples.get(entry.key)
        if samples is None or samples.refused is None or observed.open_change is not None:
            return None
        hold = Hold(Reason.METRICS_UNAVAILABLE, samples.refused)
        return unassessed(entry.key, entry.policy.name, observed.now_s, hold)

    def _act(
        self,
        entry: Entry,
        observed: Observed,
        assessment: Assessment,
        fleet: Callable[[], Fleet],
    ) -> _Due:
        """Begin the change that was decided, or take the open one on."""
        turn_s = next_turn_s(entry.policy, observed.now_s)
        actuator = self._hands.actuator
        if actuator is None:
            return turn_s, None
        if self._hands.desk is not None and actuator.lease_held:
            self._hands.desk.follow(entry, observed, actuator)
        if observed.open_change is not None:
            if not actuator.lease_held:
                return observed.now_s + REFUSED_S, "another replica leads"
            return self._proceed(actuator, entry, observed, observed.open_change)
        if isinstance(assessment.decision, Probe) and self._hands.desk is not None:
            self._hands.desk.begin(entry, observed, assessment.decision, actuator)
            if assessment.decision.plan.mirror is not None:
                return observed.now_s + AGAIN_S, None
        if not isinstance(assessment.decision, Propose):
            asked = self._hands.observer.awaiting(entry.key)
            return min(turn_s, observed.now_s + ANSWER_S) if asked else turn_s, None
        change = self._planned(actuator, entry, observed, assessment, fleet)
        if change is None:
            return observed.now_s + REFUSED_S, None
        self._hands.recorder.moved(change, assessment.sentence)
        return self._proceed(actuator, entry, observed, change)

    def _planned(
        self,
        actuator: Actuator,
        entry: Entry,
        observed: Observed,
        assessment: Assessment,
        fleet: Callable[[], Fleet],
    ) -> Change | None:
        """Journal the change; None where another took the last place: the fleet is counted anew
        under a lock, and the journal refuses where another process has planned since."""
        if not isinstance(assessment.decision, Propose):
            return None
        with self._planning:
            newest = self._hands.observer.newest_change_id()
            if fleet_is_full(fleet()) is not None:
                return None
            try:
                return actuator.plan(
                    assessment,
                    assessment.decision,
                    policy=entry.policy,
                    rules=self._hands.rules[entry.key.kind],
                    recent=observed.windows.recent,
                    after=newest,
                )
            except Conflict:
                return None

    def _proceed(
        self, actuator: Actuator, entry: Entry, observed: Observed, change: Change
    ) -> _Due:
        """Journal moves follow each other; after one call to AWS the next tick looks again."""
        rules = self._hands.rules[entry.key.kind]
        samples = self._hands.samples.get(entry.key)
        for _ in range(STEPS_A_TICK):
            now_s = self._hands.clock.now_s()
            stage = Stage(
                change=change,
                state=observed.state,
                rollout=entry.policy.rollout,
                verdict=verdict_on(change, entry.policy, rules, samples, now_s),
                may_go_on=may_go_on(entry, observed, change),
                now_s=now_s,
                slo=entry.policy.slo,
            )
            step = rules.next_step(stage)
            if isinstance(step, Wait):
                return step.until_s, step.detail
            if not isinstance(step, Advance):
                done = actuator.mutate(entry.scope, change, observed.state, step)
                return now_s + (AGAIN_S if done else retry_delay_s(change, now_s)), None
            change = actuator.advance(change, step)
            self._hands.recorder.moved(change, change_sentence(change, step.message))
            if not change.phase.open:
                return now_s + AGAIN_S, None
        return self._hands.clock.now_s() + AGAIN_S, None
