"""What the page and the API read of a running controller: `controller.web.reading.Reads`.

Fleet and endpoints come from memory, where the last tick left them; changes, history and
what an earlier process knew come from the journal, a few rows at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe
from controller.ports import Clock, Store
from controller.runtime.documents import change_document, instant
from controller.runtime.endpoint_pages import (
    fresh_document,
    history_document,
    kept_document,
    measured,
    objective_document,
    pause_document,
    pauses_of,
    policy_document,
    since_s,
)
from controller.runtime.engine import Engine
from controller.runtime.fleet_board import FleetBoard, Sources
from controller.runtime.record import Recorder
from controller.runtime.roster import Entry
from controller.web.reading import ChangesQuery, FleetQuery

Json = Mapping[str, Any]
LAST_CHANGES = 20
MEASURED_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class SiteParts:
    """What is looked at."""

    engine: Engine
    store: Store
    recorder: Recorder
    budget_left: Callable[[EndpointKey], Maybe[float]]
    clock: Clock
    version: str


class Site:
    """Read-only: nothing here changes anything."""

    def __init__(self, parts: SiteParts) -> None:
        self._at = parts
        self._started_s = parts.clock.now_s()
        self._board = FleetBoard(
            Sources(
                entries=parts.engine.entries,
                last=parts.recorder.last,
                budget_left=parts.budget_left,
                open_changes=parts.store.open_changes,
                journalled=parts.store.assessment,
            )
        )

    def refresh(self) -> None:
        """Another process keeps the endpoints: show what it wrote."""
        self._board.refresh()

    def fleet(self, query: FleetQuery) -> Json:
        """Rows of endpoints, and a summary over all of them."""
        return self._board.answer(query)

    def endpoint(self, key: str) -> Json | None:
        """All that is known of one endpoint; None where no policy claims it."""
        entry = self._entry(key)
        if entry is None:
            return None
        at, now_s = self._at, self._at.clock.now_s()
        assessment = at.recorder.last(entry.key)
        if assessment is None:
            kept, held = at.store.assessment(entry.key), at.store.conditions(entry.key)
            known = kept_document(kept, held.get(entry.key, ()))
        else:
            known = fresh_document(assessment, entry.policy)
        changes = at.store.changes(entry.key, limit=LAST_CHANGES)
        rows = at.store.observations(entry.key, since_s(now_s, MEASURED_DAYS))
        # latencies of older code or configuration say nothing of the present one
        present = [row for row in rows if row.era == rows[-1].era]
        row = self._board.row(entry).document
        return {
            **known,
            "desiredSize": row["desiredSize"],
            "row": row,
            "objective": objective_document(entry.policy),
            "resolvedPolicy": policy_document(entry.policy),
            "conflictsWith": entry.conflict,
            "pauses": pauses_of(entry.key, at.store.pauses(), now_s),
            "nextLook": instant(at.engine.due_at_s(entry.key)),
            "measured": measured(present),
            "changes": [change_document(change) for change in changes],
        }

    def history(self, key: str, days: float) -> Json | None:
        """Latency and demand over the last days, and the changes in that time."""
        entry = self._entry(key)
        if entry is None:
            return None
        now_s = self._at.clock.now_s()
        begin_s = since_s(now_s, days)
        rows = self._at.store.observations(entry.key, begin_s)
        changes = self._at.store.changes(entry.key, since_s=begin_s)
        return history_document(entry, rows, changes, begin_s, now_s)

    def changes(self, query: ChangesQuery) -> Json:
        """Journalled changes, newest first."""
        store = self._at.store
        key = None if query.endpoint is None else _parsed(query.endpoint)
        if query.endpoint is not None and key is None:
            return {"items": []}
        if query.only_open:
            found = [c for c in store.open_changes() if key is None or c.key == key]
            found.sort(key=lambda change: -change.planned_at_s)
            return {"items": [change_document(change) for change in found[: query.limit]]}
        listed = store.changes(key, limit=query.limit)
        return {"items": [change_document(change) for change in listed]}

    def change(self, change_id: int) -> Json | None:
        """One change with its events."""
        found = self._at.store.change(change_id)
        if found is None:
            return None
        return change_document(found, tuple(self._at.store.events(change_id)))

    def policies(self) -> Json:
        """The policies in force, each with the number of endpoints that it keeps."""
        counts: dict[str, int] = {}
        for entry in self._at.engine.entries():
            counts[entry.policy.name] = counts.get(entry.policy.name, 0) + 1
        held = self._at.engine.policies
        limits = held.limits
        return {
            "digest": held.digest,
            "limits": {
                "maxConcurrentChanges": limits.max_concurrent_changes,
                "maxChangesPerHour": limits.max_changes_per_hour,
                "maxChangesPerDay": limits.max_changes_per_day,
                "budgetUsdPerMonth": limits.budget_usd_per_month,
            },
            "items": [
                {**policy_document(policy), "endpoints": counts.get(policy.name, 0)}
                for policy in held.policies
            ],
        }

    def status(self) -> Json:
        """The controller itself."""
        at, now_s = self._at, self._at.clock.now_s()
        fleet = self._board.answer(FleetQuery(limit=1))
        return {
            "version": at.version,
            "startedAt": instant(self._started_s),
            "now": instant(now_s),
            "endpoints": fleet["total"],
            "summary": fleet["summary"],
            "policies": len(at.engine.policies.policies),
            "policyDigest": at.engine.policies.digest,
            "openChanges": len(at.store.open_changes()),
            "pauses": [pause_document(pause, now_s) for pause in at.store.pauses()],
        }

    def _entry(self, key: str) -> Entry | None:
        parsed = _parsed(key)
        return None if parsed is None else self._at.engine.entry(parsed)


def _parsed(text: str) -> EndpointKey | None:
    try:
        return EndpointKey.parse(text)
    except ValueError:
        return None
