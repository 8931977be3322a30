"""Lets time pass on a stage, and tells an audience what happens there.

The stepper works on what is due and jumps to the next due instant; what it concludes is heard
here. Decisions are told when they change, steps of a change when they are in the journal,
and what others do in the account when its time has come.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from controller.demo.figures import Figures, figures
from controller.demo.stage import Stage
from controller.model.change import Change, ChangeEvent
from controller.model.decision import Assessment, Decision, Hold, Propose
from controller.model.endpoint import EndpointKey
from controller.model.policy import PolicySet
from controller.model.probe import ProbeRecord
from controller.model.reason import Reason
from controller.runtime.stepper import Stepper

SLOW = "the machine is slow"
"""How a demo without a length of its own may end."""
HOUR_S = 3600.0
INTENT = "intent "
SAID_BEFORE = "planned"
"""The event that opens a change says what the decision has just said."""


class Audience(Protocol):
    """Whoever watches."""

    def looked(self, assessment: Assessment) -> None:
        """One endpoint was worked on; comes thousands of times."""

    def decided(self, assessment: Assessment) -> None:
        """The decision on an endpoint is another one than last time."""

    def moved(self, change: Change, event: ChangeEvent) -> None:
        """One more line in a change's journal."""

    def probed(self, record: ProbeRecord) -> None:
        """A copy was measured, or could not be."""

    def happened(self, at_s: float, what: str) -> None:
        """Somebody else did something in the account: `release: search-rerank`."""


@dataclass(slots=True)
class Course:
    """How it went: of every endpoint the first and the last assessment, and counts."""

    start_s: float
    end_s: float
    ended: str = "time is up"
    ticks: int = 0
    looks: int = 0
    first: dict[EndpointKey, Assessment] = field(default_factory=dict)
    last: dict[EndpointKey, Assessment] = field(default_factory=dict)
    start: dict[EndpointKey, Figures] = field(default_factory=dict)
    """The truth about each endpoint as it was found."""
    holds: dict[EndpointKey, Counter[Reason]] = field(default_factory=dict)
    """How many looks at an endpoint ended in which hold."""


@dataclass(frozen=True, slots=True)
class Limits:
    """until_s: the instant that time is up. rest_s: after so many seconds in which nothing
    new is decided and nobody is expected, it ends early. out_of_time: asked now and then."""

    until_s: float
    rest_s: float
    out_of_time: Callable[[], bool] = lambda: False


class Play:
    """One performance."""

    def __init__(self, stage: Stage, audience: Audience) -> None:
        self._stage = stage
        self._audience = audience
        now_s = stage.clock.now_s()
        self.course = Course(now_s, now_s)
        self._words: dict[EndpointKey, tuple[str, str]] = {}
        self._told: dict[EndpointKey, tuple[int, int]] = {}
        self._probing: dict[EndpointKey, float] = {}
        """Endpoints of which a copy is measured, and how far back its end was not told yet."""
        self._guests = _guests(stage)
        self._slos = {policy.name: policy.slo for policy in stage.policies.policies}
        self._news_s = now_s

    def run(self, limits: Limits) -> Course:
        """Play until a limit is reached. Raises AdapterError if the account cannot be read."""
        stage, course = self._stage, self.course
        found = stage.app.engine.resync()
        for error in found.failures.values():
            raise error
        stepper = Stepper(stage.app.engine, stage.clock, self._looked, stage.app.rounds)
        stepper.run_until(limits.until_s, lambda: self._over(limits))
        course.end_s = stage.clock.now_s()
        return course

    def _looked(self, assessment: Assessment) -> None:
        course, key = self.course, assessment.key
        self._announce_guests()
        course.looks += 1
        course.first.setdefault(key, assessment)
        if key not in course.start and assessment.state is not None:
            size, slo = assessment.state.size, self._slos[assessment.policy]
            course.start[key] = figures(self._stage.world, key, size, slo)
        course.last[key] = assessment
        decision = assessment.decision
        if isinstance(decision, Hold):
            course.holds.setdefault(key, Counter())[decision.reason] += 1
        if key in self._probing or _is_probing(decision):
            # what was measured, before what was concluded from it
            self._read_probes(key, assessment.at_s, _is_probing(decision))
        word = _word(assessment)
        if self._words.get(key) != word:
            self._words[key] = word
            self._news_s = assessment.at_s
            self._audience.decided(assessment)
        if key in self._told or isinstance(decision, Propose):
            self._read_journal(key)
        self._audience.looked(assessment)

    def _read_journal(self, key: EndpointKey) -> None:
        """Tell what is new in the endpoint's newest change, for as long as it is open."""
        store = self._stage.app.store
        change = next(iter(store.changes(key, limit=1)), None)
        if change is None:
            return
        number, seen = self._told.get(key, (change.id, 0))
        events = store.events(change.id)
        for event in events[seen if number == change.id else 0 :]:
            self._news_s = event.at_s
            if event.what != SAID_BEFORE and not event.what.startswith(INTENT):
                self._audience.moved(change, event)
        if change.phase.open:
            self._told[key] = (change.id, len(events))
        else:
            self._told.pop(key, None)

    def _read_probes(self, key: EndpointKey, at_s: float, going: bool) -> None:
        """Tell of probes that have ended since the last look that was told of."""
        since_s = self._probing.get(key, at_s)
        for record in reversed(self._stage.app.store.probes(key, since_s=self.course.start_s)):
            if record.ended_at_s is not None and record.ended_at_s > since_s:
                since_s = record.ended_at_s
                self._news_s = at_s
                self._audience.probed(record)
        self._probing[key] = since_s
        if not going:
            del self._probing[key]

    def _announce_guests(self) -> None:
        now_s = self._stage.clock.now_s()
        while self._guests and self._guests[0][0] <= now_s:
            self._news_s = now_s
            self._audience.happened(*self._guests.pop(0))

    def _over(self, limits: Limits) -> bool:
        course = self.course
        course.ticks += 1
        if limits.out_of_time():
            course.ended = SLOW
        elif not self._guests and self._stage.clock.now_s() - self._news_s >= limits.rest_s:
            course.ended = "everything rests"
        else:
            return False
        return True


def _guests(stage: Stage) -> list[tuple[float, str]]:
    """What others in the account are going to do, soonest first."""
    pending = stage.client.clock()["pending"]
    return [(float(event["at_s"]), str(event["what"])) for event in pending]


def _is_probing(decision: Decision) -> bool:
    return isinstance(decision, Hold) and decision.reason is Reason.PROBING


def _word(assessment: Assessment) -> tuple[str, str]:
    decision = assessment.decision
    if isinstance(decision, Hold):
        return ("hold", decision.reason)
    return (decision.proposal.reason, str(decision.proposal.target))


def rest_s(policies: PolicySet) -> float:
    """Rest that is no mere pause: two hours more than any policy waits before a decrease."""
    waits = [policy.cadence.stabilization_s for policy in policies.policies]
    return max(waits, default=0.0) + 2.0 * HOUR_S
