"""Requests of our own, remembered by endpoint, so that they can be told apart from users'.

Kept in the journal as records and evidence of live probes; read once per endpoint, and again
where another process has ended one: a command by hand, or whoever led before.
"""

import threading
from collections.abc import Callable

from controller.core.periods import DAY_S
from controller.core.probe_traffic import LIVE, Sent
from controller.core.probe_worth import LONGEST_S
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.probe import ProbeKind, ProbeRecord
from controller.ports import Clock, Store
from controller.runtime.probe_parts import Ended

KEPT_S = 15 * DAY_S
"""A day more than windows are kept."""
LOOK_S = 60.0
"""How often others' probes are looked for."""


class OwnTraffic:
    """Live probes of every endpoint that has been asked about. Safe from several threads."""

    def __init__(
        self, store: Store, clock: Clock, news: Callable[[EndpointKey], None] = lambda _: None
    ) -> None:
        """`news`: told of endpoints that another process has probed: there is new evidence."""
        self._store = store
        self._clock = clock
        self._news = news
        self._lock = threading.Lock()
        self._sent: dict[EndpointKey, tuple[Sent, ...]] = {}
        self._ended: set[str] = set()
        """Probes of the last hours that are known to have ended."""
        self._looked_s = float("-inf")

    def of(self, key: EndpointKey) -> tuple[Sent, ...]:
        """What we sent; the same object until more was."""
        with self._lock:
            self._look()
            known = self._sent.get(key)
            if known is None:
                known = self._sent[key] = self._read(key)
            return known

    def ended(self, ended: Ended) -> None:
        """A probe has ended: its requests join those of its endpoint."""
        record = ended.record
        threshold_ms = ended.asked.slo.threshold_ms
        slow = sum(1 for ms in ended.found.latencies_ms if ms > threshold_ms)
        since_s = self._clock.now_s() - KEPT_S
        with self._lock:
            if record.id in self._ended:  # found in the journal, before we were told of it
                self._sent.pop(record.key, None)
                return
            self._ended.add(record.id)
            if record.kind is not ProbeKind.LIVE or record.requests == 0:
                return
            known = self._sent.get(record.key)
            before = self._read(record.key, but=record.id) if known is None else known
            kept = tuple(one for one in before if one.end_s > since_s)
            self._sent[record.key] = (*kept, _sent(record, slow))

    def _look(self) -> None:
        """Find probes that others have ended since; one question for all endpoints."""
        now_s = self._clock.now_s()
        if now_s < self._looked_s + LOOK_S:
            return
        if now_s > self._looked_s + LONGEST_S:
            self._sent.clear()  # somebody else has led for long
        self._looked_s = now_s
        recent = self._store.probes(since_s=now_s - LONGEST_S - LOOK_S)
        through = {record.id: record for record in recent if record.ended_at_s is not None}
        for name in sorted(through.keys() - self._ended):
            self._sent.pop(through[name].key, None)
            self._news(through[name].key)
        self._ended = set(through)

    def _read(self, key: EndpointKey, but: str | None = None) -> tuple[Sent, ...]:
        since_s = self._clock.now_s() - KEPT_S
        records = [
            record
            for record in self._store.probes(key, since_s=since_s)
            if record.kind is ProbeKind.LIVE and record.requests > 0 and record.id != but
        ]
        if not records:
            return ()
        rows = [r for r in self._store.observations(key, since_s) if r.source == LIVE]
        return tuple(_sent(record, _slow(record, rows)) for record in reversed(records))


def _slow(record: ProbeRecord, rows: list[Observation]) -> int:
    """Slow requests of a probe, from the row of evidence that it left."""
    end_s = record.started_at_s if record.ended_at_s is None else record.ended_at_s
    for row in rows:
        within = record.started_at_s - 1.0 <= row.start_s and row.end_s <= end_s + 1.0
        if within and not isinstance(row.met_ratio, Missing):
            return round(row.requests * (1.0 - row.met_ratio))
    return 0


def _sent(record: ProbeRecord, slow: int) -> Sent:
    end_s = record.started_at_s if record.ended_at_s is None else record.ended_at_s
    return Sent(record.started_at_s, end_s, record.requests, slow, record.errors)
