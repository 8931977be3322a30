"""From the world to the one value that a decision rests on."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.core.assess import Observed
from controller.core.contract import SETTLE_S, KindRules
from controller.core.guard import Fleet
from controller.core.periods import DAY_S, HOUR_S
from controller.core.probe_lessons import REMEMBERED_S
from controller.core.probe_traffic import in_the_measure, like_users
from controller.model.change import Change, ChangePhase
from controller.model.condition import Pause
from controller.model.endpoint import EndpointKey, EndpointState, Kind, Phase
from controller.model.errors import NotFound
from controller.model.estimate import Observation
from controller.model.missing import Maybe
from controller.model.policy import FleetLimits, Policy
from controller.model.probe import ProbeRecord
from controller.model.reason import Reason
from controller.model.size import measured_as
from controller.model.window import Window
from controller.ports import KindAdapters, Store
from controller.runtime.book import EvidenceBook
from controller.runtime.memory import MemoryReports
from controller.runtime.roster import Entry
from controller.runtime.samples import SampleBook, Samples
from controller.runtime.window_views import recent_rows, windows_of

JOURNAL_S = 60 * DAY_S
REVISED_S = 3 * HOUR_S
"""Hours so recent are looked at again: CloudWatch adds late points."""
LOOK_EVERY_S = 1800.0
"""The live configuration of an endpoint at rest is read this often. Lambda allows an account
15 control-plane calls a second, shared with everybody's deployments; a decision to act is
always taken on a fresh look."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where observations come from."""

    store: Store
    adapters: KindAdapters
    rules: Mapping[Kind, KindRules]
    samples: SampleBook
    book: EvidenceBook
    reports: MemoryReports


@dataclass(frozen=True, slots=True)
class _Learnt:
    """From which hours evidence was last taken."""

    hourly: tuple[Window, ...]
    since_s: float
    era: str
    seen_s: float

    def covers(self, other: "_Learnt") -> bool:
        """Whether nothing is new; the windows are compared by identity."""
        same = (self.since_s, self.era, self.seen_s) == (other.since_s, other.era, other.seen_s)
        return same and self.hourly is other.hourly


_Both = tuple[Sequence[Observation], Sequence[Observation]]
"""Evidence, and what live probes measured."""


class Observer:
    """Looks at one endpoint: live state, windows, evidence, journal."""

    def __init__(self, sources: Sources) -> None:
        self._at = sources
        self._seen: dict[EndpointKey, tuple[str, float]] = {}
        self._states: dict[EndpointKey, EndpointState] = {}
        self._learnt: dict[EndpointKey, _Learnt] = {}
        self._told: dict[EndpointKey, tuple[object, tuple[Policy, str], _Both]] = {}

    def observe(
        self, entry: Entry, fleet: Fleet, now_s: float, *, lease_held: bool, fresh: bool
    ) -> Observed:
        """All that a tick needs. Raises the AdapterError of what could not be read; while a
        change is open, windows that could not be read are those of before.

        The live state is read anew if `fresh`, while a change is open, and every so often.
        """
        key, at = entry.key, self._at
        rules = at.rules[key.kind]
        # A mirrored probe leaves everything as it was: it teaches of no size by its phase.
        kept = at.store.changes(key, since_s=now_s - JOURNAL_S)
        changes = [change for change in kept if change.reason is not Reason.PROBING]
        open_change = at.store.open_change(key)
        state = self._state(entry, now_s, fresh or open_change is not None)
        if open_change is None:
            refuse_missing(state)
        samples = at.samples.get(key) or Samples(entry.policy.slo, now_s)
        if samples.error is not None and open_change is None:
            raise samples.error  # half a change is finished or undone whatever CloudWatch does
        since_s = self._size_since_s(key, rules, state, changes, now_s)
        era = rules.era(state)
        if open_change is None and samples.hourly_end_s > 0.0:
            self._learn(state, era, samples.hourly, since_s)
        self._learn_memory(entry, rules, state, now_s)
        rows, live_rows = self._rows(entry, era, now_s)
        return Observed(
            now_s=now_s,
            policy=entry.policy,
            state=state,
            era=era,
            size_since_s=since_s,
            windows=windows_of(samples, live_rows, entry, now_s),
            rows=rows,
            recent_rows=recent_rows(samples, state, era, since_s),
            memory_use=at.book.memory_use(key, _era_since_s(rows, era, rules, state), now_s),
            memory_refusal=at.reports.refusal(key),
            changes=changes,
            open_change=open_change,
            pauses=self.pauses(),
            fleet=fleet,
            accepted_at_s=self._accepted_at_s(key),
            conflict=entry.conflict,
            lease_held=lease_held,
            probes=self._probes(entry, now_s),
        )

    def open_change(self, key: EndpointKey) -> Change | None:
        """The change in flight, if there is one."""
        return self._at.store.open_change(key)

    def newest_change_id(self) -> int:
        """The change planned last, of any endpoint."""
        return self._at.store.newest_change_id()

    def awaiting(self, key: EndpointKey) -> bool:
        """Whether the first answer about memory in use is on its way."""
        return self._at.reports.pending(key)

    def pauses(self) -> Sequence[Pause]:
        """All pauses on record."""
        return self._at.store.pauses()

    def forget(self, key: EndpointKey) -> None:
        """Drop the working memory of an endpoint that no policy claims."""
        self._seen.pop(key, None)
        self._states.pop(key, None)
        self._learnt.pop(key, None)
        self._told.pop(key, None)
        self._at.samples.forget(key)
        self._at.book.forget(key)
        self._at.reports.forget(key)

    def _rows(
        self, entry: Entry, era: str, now_s: float
    ) -> tuple[Sequence[Observation], Sequence[Observation]]:
        """Evidence, and what live probes measured: all of it, for an endpoint that is probed."""
        rows = self._at.book.observations(entry.key, now_s)
        if entry.policy.probe is None:
            return rows, ()
        kept = self._told.get(entry.key)
        if kept is None or kept[0] is not rows or kept[1] != (entry.policy, era):
            told = in_the_measure(like_users(rows, era), entry.policy.slo, entry.key.kind)
            kept = self._told[entry.key] = rows, (entry.policy, era), told
        return kept[2]

    def _probes(self, entry: Entry, now_s: float) -> Sequence[ProbeRecord]:
        if entry.policy.probe is None:
            return ()
        return self._at.store.probes(entry.key, since_s=now_s - REMEMBERED_S)

    def _state(self, entry: Entry, now_s: float, fresh: bool) -> EndpointState:
        kept = self._states.get(entry.key)
        if kept is not None and not fresh and now_s - kept.observed_at_s < LOOK_EVERY_S:
            return kept
        self._states.pop(entry.key, None)
        state = self._at.adapters[entry.key.kind].observe(entry.scope, entry.key, thorough=fresh)
        if state.phase is not Phase.MISSING:
            self._states[entry.key] = state
        return state

    def _learn(
        self, state: EndpointState, era: str, hourly: tuple[Window, ...], since_s: float
    ) -> None:
        """Hours since the size has served, up to the last time that it was seen to."""
        learnt = _Learnt(hourly, since_s, era, state.observed_at_s)
        before = self._learnt.get(state.key)
        if before is not None and before.covers(learnt):
            return
        self._learnt[state.key] = learnt
        start_s = since_s
        if before is not None and (before.since_s, before.era) == (since_s, era):
            start_s = max(since_s, before.seen_s - REVISED_S)
        hours = [w for w in hourly if w.start_s >= start_s and w.end_s <= learnt.seen_s]
        self._at.book.learn(
            state.key, size=measured_as(state.size), era=era, hours=hours, now_s=learnt.seen_s
        )
        use = self._at.rules[state.key.kind].memory_seen(state, hours)
        if use:
            self._at.book.learn_memory(state.key, use, learnt.seen_s)

    def _size_since_s(
        self,
        key: EndpointKey,
        rules: KindRules,
        state: EndpointState,
        changes: Sequence[Change],
        now_s: float,
    ) -> float:
        """Since when what serves now has served alone, settling time included.

        AWS does not say when an alias was moved. On first sight it is taken to be as old as
        the version; from then on we notice, and remember it across restarts.
        """
        identity = rules.identity(state)
        seen = self._seen.get(key) or _parsed(self._at.store.checkpoint(f"seen:{key}"))
        if seen is None or seen[0] != identity:
            since_s = rules.modified_at_s(state) if seen is None else now_s
            seen = (identity, since_s)
            self._at.store.put_checkpoint(f"seen:{key}", json.dumps(seen))
        self._seen[key] = seen
        ended = [_served_since_s(c) for c in changes if c.finished_at_s is not None]
        return max([seen[1], rules.modified_at_s(state), *ended]) + SETTLE_S

    def _learn_memory(
        self, entry: Entry, rules: KindRules, state: EndpointState, now_s: float
    ) -> None:
        log_group = rules.log_group(state)
        if log_group is None:
            return
        rows = self._at.reports.poll(entry.scope, entry.key, log_group, now_s)
        if rows:
            self._at.book.learn_memory(entry.key, rows, now_s)

    def _accepted_at_s(self, key: EndpointKey) -> float | None:
        text = self._at.store.checkpoint(f"accepted:{key}")
        return None if text is None else float(text)


def refuse_missing(state: EndpointState) -> None:
    """Raise NotFound where only a rest of the endpoint is there: a function without its alias.

    A change that is open needs that rest, to undo what it did to it; nobody else does.
    """
    key = state.key
    if state.phase is Phase.MISSING:
        what = f"{key.name} in {key.region} is there, but has no {key.qualifier!r}."
        raise NotFound(what, code=state.phase.value)


def fleet_situation(
    store: Store, limits: FleetLimits, usd_per_month: Maybe[float], now_s: float
) -> Fleet:
    """The fleet as its limits see it."""
    planned = store.planned_s(now_s - DAY_S)
    return Fleet(
        limits=limits,
        open_changes=len(store.open_changes()),
        planned_last_hour=sum(1 for t in planned if t > now_s - HOUR_S),
        planned_last_day=len(planned),
        usd_per_month=usd_per_month,
    )


def _parsed(text: str | None) -> tuple[str, float] | None:
    if text is None:
        return None
    identity, since_s = json.loads(text)
    return str(identity), float(since_s)


def _served_since_s(change: Change) -> float:
    """From when on a closed change's outcome had all the traffic, and all its instances."""
    full = change.progress.get("arrived_s", change.progress.get("full_since_s"))
    if change.phase.stays and full is not None:
        return float(full)
    if change.phase is ChangePhase.FAILED and "asked" not in change.progress:
        return 0.0
    return change.finished_at_s or 0.0


def _era_since_s(
    rows: Sequence[Observation], era: str, rules: KindRules, state: EndpointState
) -> float:
    """Since when the live code is known to run: what it used of memory before is another's."""
    oldest_s = next((row.start_s for row in rows if row.era == era), math.inf)
    return min(rules.modified_at_s(state), oldest_s)
