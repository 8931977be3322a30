"""Seeing changes through without a daemon: the same reconciler, in this thread, until they end.

Only the endpoints of these changes are worked on, and each only while its change is open, so
nothing else is begun. Stopped half way, the changes are in the journal: the next `apply`, or
the daemon, takes them up from there.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from controller.core.sentence import change_sentence
from controller.model.change import Change, ChangeEvent
from controller.model.decision import Hold
from controller.model.endpoint import EndpointKey
from controller.model.reason import Reason
from controller.ports import Clock, Store
from controller.runtime.engine import Engine
from controller.runtime.oneshot import Seen
from controller.runtime.roster import Entry

SHORTEST_WAIT_S = 0.2
LONGEST_WAIT_S = 60.0
MOST_FAILURES = 5
"""Failed ticks in a row after which a change is left to somebody with more patience."""
QUIET_S = 300.0
"""How long nothing is said before a line says what is being waited for."""


@dataclass(slots=True)
class _Told:
    events: int = 0
    said_at_s: float = 0.0


class Foreground:
    """Drives an engine for some open changes; `wait` lets seconds pass, `say` hears each event."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        *,
        clock: Clock,
        wait: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._wait = wait
        self._say = say

    def see_through(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Work until every change is closed or stuck; returns them as they are then.

        A change is stuck when its endpoint could not be worked on several times in a row.
        """
        told = {change.id: self._first(change) for change in changes}
        now = list(changes)
        failures: Counter[EndpointKey] = Counter()
        while True:
            now = [self._store.change(change.id) or change for change in now]
            for change in now:
                self._tell(change, told[change.id])
            still = {change.key for change in now if change.phase.open}
            still = {key for key in still if failures[key] < MOST_FAILURES}
            if not still:
                return tuple(now)
            self._work(still, failures)

    def _first(self, change: Change) -> _Told:
        """Of what happened before, only the last event is told again."""
        before = len(self._store.events(change.id))
        return _Told(max(0, before - 1), self._clock.now_s())

    def _work(self, keys: set[EndpointKey], failures: "Counter[EndpointKey]") -> None:
        for scope, entries in self._engine.due().items():
            ours = [entry for entry in entries if entry.key in keys]
            if not ours:
                continue
            self._engine.sample(scope, ours)
            for entry in ours:
                # closed by somebody else a moment ago: a tick now might begin another change
                if self._store.open_change(entry.key) is None:
                    continue
                why = self._failure(entry)
                if why is None:
                    failures[entry.key] = 0
                    continue
                failures[entry.key] += 1
                self._say(f"{entry.key.short}: {why}")
        self._rest(keys)

    def _failure(self, entry: Entry) -> str | None:
        """One tick; why it failed, if it did."""
        assessment = self._engine.work(entry.key)
        if assessment is None:
            return "the journal could not be used"
        decision = assessment.decision
        if isinstance(decision, Hold) and decision.reason is Reason.STUCK:
            return decision.detail
        return Seen(entry, assessment).failure

    def _rest(self, keys: set[EndpointKey]) -> None:
        due = [at_s for at_s in map(self._engine.due_at_s, keys) if at_s is not None]
        left_s = min(due) - self._clock.now_s() if due else LONGEST_WAIT_S
        self._wait(min(LONGEST_WAIT_S, max(SHORTEST_WAIT_S, left_s)))

    def _tell(self, change: Change, told: _Told) -> None:
        events = self._store.events(change.id)
        now_s = self._clock.now_s()
        for event in events[told.events :]:
            self._say(event_line(change, event))
        if len(events) > told.events:
            told.events, told.said_at_s = len(events), now_s
        elif change.phase.open and now_s - told.said_at_s >= QUIET_S:
            minutes = (now_s - change.updated_at_s) / 60.0
            self._say(change_sentence(change, f"still {change.phase} after {minutes:.0f} minutes"))
            told.said_at_s = now_s


def event_line(change: Change, event: ChangeEvent) -> str:
    """An event as a line that names its endpoint."""
    if change.key.short in event.message:
        return event.message
    return f"{change.key.short}: {event.what}: {event.message}"
