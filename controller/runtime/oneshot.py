"""One look at the endpoints, and no more: what `plan`, `explain` and `apply` rest on.

The same engine as the daemon's, driven once: which endpoints are there, one batched read per
place, one tick each. What AWS answers later (memory use, from Logs Insights) is waited for,
but not for long: without it the answer is more careful, not wrong.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from controller.core.assess import unassessed
from controller.model.decision import Assessment, Hold
from controller.model.endpoint import EndpointKey
from controller.model.errors import AdapterError
from controller.model.policy import Mode, Scope
from controller.model.reason import Reason
from controller.ports import Clock
from controller.runtime.engine import Engine
from controller.runtime.memory import MemoryReports
from controller.runtime.roster import Entry, Roster

WAITS_S = (1.0, 2.0, 3.0, 5.0, 8.0)
"""Between looks at answers that are still to come: nineteen seconds in all."""
UNSEEN = frozenset(
    {
        Reason.NOT_FOUND,
        Reason.ACCESS_DENIED,
        Reason.CREDENTIALS,
        Reason.UNREACHABLE,
        Reason.THROTTLED,
        Reason.ERROR,
    }
)
"""Reasons of a hold that say: this endpoint could not be looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One endpoint, and what one tick concluded."""

    entry: Entry
    assessment: Assessment

    @property
    def failure(self) -> str | None:
        """Why it could not be looked at, if it could not."""
        decision = self.assessment.decision
        if self.assessment.state is None and isinstance(decision, Hold):
            return decision.detail if decision.reason in UNSEEN else None
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """Which endpoints the policies mean."""

    entries: tuple[Entry, ...]
    failures: Mapping[Scope, AdapterError]
    """Places that could not be looked at."""


class OneShot:
    """Looks, and waits where it must through `wait` (seconds); `say` hears of progress."""

    def __init__(
        self,
        engine: Engine,
        roster: Roster,
        reports: MemoryReports,
        *,
        clock: Clock,
        wait: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._roster = roster
        self._reports = reports
        self._clock = clock
        self._wait = wait
        self._say = say

    def find(self) -> Found:
        """Ask AWS which endpoints there are."""
        failures = self._engine.resync().failures
        return Found(tuple(self._roster.entries()), failures)

    def look(self, entries: Iterable[Entry]) -> tuple[Seen, ...]:
        """One tick each, by key. Raises StoreError only."""
        chosen = sorted(entries, key=lambda entry: entry.key)
        self.sample(chosen)
        seen: dict[EndpointKey, Assessment] = {}
        for number, entry in enumerate(chosen, start=1):
            self._say(f"looking at {entry.key.short} ({number} of {len(chosen)})")
            seen[entry.key] = self._work(entry)
        self._await_reports(seen)
        self._look_again(seen)
        return tuple(Seen(entry, seen[entry.key]) for entry in chosen)

    def sample(self, entries: Collection[Entry]) -> None:
        """Read CloudWatch for some endpoints, in one batch for each place."""
        places: dict[Scope, list[Entry]] = {}
        for entry in entries:
            if entry.policy.mode is not Mode.OFF:
                places.setdefault(entry.scope, []).append(entry)
        for scope, members in places.items():
            self._say(f"reading metrics of {len(members)} endpoints in {scope.region}")
            self._engine.sample(scope, members)

    def _await_reports(self, seen: dict[EndpointKey, Assessment]) -> None:
        for delay_s in WAITS_S:
            pending = [key for key in seen if self._reports.pending(key)]
            if not pending:
                return
            self._say(f"waiting for the memory use of {len(pending)} endpoints")
            self._wait(delay_s)
            for key in pending:
                again = self._engine.work(key)
                if again is not None:
                    seen[key] = again

    def _look_again(self, seen: dict[EndpointKey, Assessment]) -> None:
        """What the fleet costs is known only now that every endpoint was looked at."""
        for key, assessment in list(seen.items()):
            decision = assessment.decision
            if isinstance(decision, Hold) and decision.reason is Reason.FLEET_LIMIT:
                seen[key] = self._engine.work(key) or assessment

    def _work(self, entry: Entry) -> Assessment:
        if entry.policy.mode is Mode.OFF:
            return self._unseen(entry, Hold(Reason.MODE_OFF, _why_off(entry)))
        assessment = self._engine.work(entry.key)
        if assessment is not None:
            return assessment
        return self._unseen(entry, Hold(Reason.ERROR, "the journal could not be used"))

    def _unseen(self, entry: Entry, hold: Hold) -> Assessment:
        return unassessed(entry.key, entry.policy.name, self._clock.now_s(), hold)


def _why_off(entry: Entry) -> str:
    if entry.orphan:
        return (
            "no policy claims it; its open change is undone by the controller, and then it is left"
        )
    return "the policy's mode is Off"
