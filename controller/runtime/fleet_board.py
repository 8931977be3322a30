"""The fleet as rows: made once for each look at an endpoint, found and sorted at each request.

Five thousand endpoints are asked for every few seconds by each open page, and change every
few minutes. What an endpoint's row rests on is compared by identity, so that a row is made
anew only when there is something new.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.model.change import Change
from controller.model.decision import Assessment
from controller.model.endpoint import EndpointKey
from controller.model.missing import Maybe
from controller.model.policy import Policy
from controller.runtime.fleet_rows import Row, brief_document, row
from controller.runtime.roster import Entry
from controller.web.reading import FleetQuery

Json = Mapping[str, Any]
MOST_JOURNALLED = 300
"""Documents read from the journal for one answer: a tenth of a megabyte each to parse. Just
after a start the rest of a large fleet says that it has not been looked at yet."""


@dataclass(frozen=True, slots=True)
class _Made:
    assessment: Assessment | None
    policy: Policy
    budget_left: Maybe[float]
    change: Change | None
    row: Row
    read: int
    """In which round of reading the journal; -1: not read yet."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What rows are made from."""

    entries: Callable[[], Sequence[Entry]]
    last: Callable[[EndpointKey], Assessment | None]
    """The newest assessment of this process."""
    budget_left: Callable[[EndpointKey], Maybe[float]]
    open_changes: Callable[[], Sequence[Change]]
    """Those in flight: few, whatever the size of the fleet."""
    journalled: Callable[[EndpointKey], Json | None]
    """What an earlier process wrote of an endpoint that this one has not looked at yet."""


class FleetBoard:
    """All rows. Safe from several threads."""

    def __init__(self, sources: Sources) -> None:
        self._at = sources
        self._lock = threading.Lock()
        self._made: dict[EndpointKey, _Made] = {}
        self._reads_left = 0
        self._round = 0
        self._all_read = True

    def answer(self, query: FleetQuery) -> Json:
        """The rows asked for, and a summary of all."""
        rows = self.rows()
        found = [one for one in rows if _matches(one, query)]
        ordered = _ordered(found, query)
        page = ordered[query.offset : query.offset + query.limit]
        return {
            "total": len(rows),
            "matched": len(found),
            "offset": query.offset,
            "limit": query.limit,
            "summary": _summary(rows),
            "items": [one.document for one in page],
        }

    def rows(self) -> list[Row]:
        """Every endpoint under care, by key."""
        entries = self._at.entries()
        moving = self._moving()
        with self._lock:
            before, self._made = self._made, {}
            self._reads_left, self._all_read = MOST_JOURNALLED, True
            made = [self._of(entry, moving.get(entry.key), before) for entry in entries]
        return [one.row for one in made]

    def refresh(self) -> None:
        """Read anew from the journal what another process may have written meanwhile.

        What is known is shown until it has been; and of a fleet so large that not all of it was
        read since the last time, the rest comes first.
        """
        with self._lock:
            self._round += self._all_read

    def row(self, entry: Entry) -> Row:
        """One endpoint's row."""
        moving = self._moving()
        with self._lock:
            self._reads_left = 1
            return self._of(entry, moving.get(entry.key), self._made).row

    def _moving(self) -> Mapping[EndpointKey, Change]:
        return {change.key: change for change in self._at.open_changes()}

    def _of(
        self, entry: Entry, change: Change | None, before: Mapping[EndpointKey, _Made]
    ) -> _Made:
        key = entry.key
        assessment, left = self._at.last(key), self._at.budget_left(key)
        kept = before.get(key)
        same = (
            kept is not None
            and kept.assessment is assessment
            and kept.policy is entry.policy
            and kept.budget_left is left
            and kept.change == change
        )
        late = assessment is None and (kept is None or kept.read != self._round)
        if late and self._reads_left == 0:
            self._all_read = False
            blank = row(entry, None, left, None)
            kept = kept if same else _Made(None, entry.policy, left, change, blank, -1)
        elif late or not same:
            said = self._said(key, assessment)
            target = None if change is None else change.target
            made = row(entry, said, left, target)
            kept = _Made(assessment, entry.policy, left, change, made, self._round)
        assert kept is not None, "there is none only where one has just been made"
        self._made[key] = kept
        return kept

    def _said(self, key: EndpointKey, assessment: Assessment | None) -> Json | None:
        if assessment is not None:
            return brief_document(assessment)
        self._reads_left -= 1
        return self._at.journalled(key)


def _matches(one: Row, query: FleetQuery) -> bool:
    document = one.document
    wanted = (
        (query.kinds, "kind"),
        (query.states, "state"),
        (query.modes, "mode"),
        (query.regions, "region"),
    )
    if any(words and document[name] not in words for words, name in wanted):
        return False
    if query.policies and not query.policies & set(document["policy"].split(", ")):
        return False
    return all(word in one.text for word in query.text.lower().split())


def _ordered(rows: list[Row], query: FleetQuery) -> list[Row]:
    """Rows come by key, and sorting keeps that order among equals."""
    known = [one for one in rows if one.sort[query.sort] is not None]
    unknown = [one for one in rows if one.sort[query.sort] is None]
    return [
        *sorted(known, key=lambda one: one.sort[query.sort], reverse=query.descending),
        *unknown,
    ]


def _summary(rows: Sequence[Row]) -> Json:
    documents = [one.document for one in rows]
    costs = [d["usdPerMonth"] for d in documents if d["usdPerMonth"] is not None]
    wanted = [d["savesUsdPerMonth"] for d in documents if d["savesUsdPerMonth"] is not None]
    return {
        "states": dict(Counter(d["state"] for d in documents)),
        "kinds": dict(Counter(d["kind"] for d in documents)),
        "modes": dict(Counter(d["mode"] for d in documents)),
        "attainment": dict(Counter(d["attainment"] for d in documents)),
        "usdPerMonth": round(sum(costs), 4),
        "costKnown": len(costs),
        "savesUsdPerMonth": round(sum(max(0.0, usd) for usd in wanted), 4),
    }
