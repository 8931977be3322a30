"""The evidence book: what each endpoint's latencies were at which size, under which code.

The journal keeps the rows; this is the working copy, so that a tick reads none of them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from controller.core.evidence import MIN_REQUESTS_PER_HOUR
from controller.core.periods import DAY_S, HOUR_S
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.size import Size
from controller.model.window import MemoryUse, Window
from controller.ports import Store

EVIDENCE_KEPT_S = 30 * DAY_S
WHOLE_S = 14 * DAY_S
"""Older hours are kept twice a day: enough for a response's shape, at a tenth of the memory."""
THIN_S = 12 * HOUR_S
MOSTLY = 0.5
"""A window in which more than this share of calls failed says nothing of latency."""


@dataclass(slots=True)
class _Rows:
    observations: dict[float, Observation] = field(default_factory=dict)
    memory: list[MemoryUse] = field(default_factory=list)
    sizes: dict[Size, Size] = field(default_factory=dict)
    """One object per size: what is the same thing is then found the same at a glance."""
    view: tuple[Observation, ...] | None = None
    """The observations in order; the same object until one is added or grows too old."""


class EvidenceBook:
    """Observations and memory use per endpoint, written through to the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows: dict[EndpointKey, _Rows] = {}

    def learn(
        self,
        key: EndpointKey,
        *,
        size: Size,
        era: str,
        hours: Sequence[Window],
        now_s: float,
    ) -> None:
        """Take up hours in which all traffic met this size and code."""
        rows = self._of(key, now_s)
        size = rows.sizes.setdefault(size, size)
        new = []
        for window in (part for hour in hours for part in (hour.parts or (hour,))):
            row = observation(window, size, era)
            if row is not None and rows.observations.get(window.start_s) != row:
                new.append(row)
        for row in new:
            rows.observations[row.start_s] = row
            rows.view = None
        if new:
            self._store.put_observations(key, new)

    def add(self, key: EndpointKey, new: Sequence[Observation], now_s: float) -> None:
        """Take up rows that were measured otherwise than by CloudWatch."""
        rows = self._of(key, now_s)
        for row in new:
            rows.observations[row.start_s] = row
            rows.view = None
        self._store.put_observations(key, new)

    def learn_memory(self, key: EndpointKey, use: Sequence[MemoryUse], now_s: float) -> None:
        """Take up what REPORT lines said."""
        rows = self._of(key, now_s)
        oldest_s = now_s - EVIDENCE_KEPT_S
        # As in the store, what is read again of the same time and size replaces the older row.
        known = {(row.memory_mb, row.start_s): row for row in (*rows.memory, *use)}
        rows.memory = [row for row in known.values() if row.end_s > oldest_s]
        self._store.put_memory_use(key, use)

    def observations(self, key: EndpointKey, now_s: float) -> tuple[Observation, ...]:
        """Everything measured, oldest first; the same object while nothing is new."""
        rows = self._of(key, now_s)
        oldest_s = now_s - EVIDENCE_KEPT_S
        if rows.view is None or (rows.view and rows.view[0].start_s < oldest_s):
            kept = {t: row for t, row in rows.observations.items() if _kept(t, now_s)}
            rows.observations = kept
            rows.view = tuple(kept[t] for t in sorted(kept))
        return rows.view

    def memory_use(self, key: EndpointKey, since_s: float, now_s: float) -> list[MemoryUse]:
        """REPORT evidence of the code that has been live since an instant."""
        return [row for row in self._of(key, now_s).memory if row.end_s > since_s]

    def forget(self, key: EndpointKey) -> None:
        """Drop the working copy; the journal keeps its rows."""
        self._rows.pop(key, None)

    def _of(self, key: EndpointKey, now_s: float) -> _Rows:
        rows = self._rows.get(key)
        if rows is None:
            since_s = now_s - EVIDENCE_KEPT_S
            stored = self._store.observations(key, since_s)
            sizes = {row.size: row.size for row in stored}
            rows = self._rows[key] = _Rows(
                {
                    row.start_s: replace(row, size=sizes[row.size])
                    for row in stored
                    if _kept(row.start_s, now_s)
                },
                list(self._store.memory_use(key, since_s)),
                sizes,
            )
        return rows


def _kept(start_s: float, now_s: float) -> bool:
    age_s = now_s - start_s
    return age_s <= WHOLE_S or (age_s <= EVIDENCE_KEPT_S and start_s % THIN_S == 0.0)


def observation(
    window: Window, size: Size, era: str, source: str = "cloudwatch"
) -> Observation | None:
    """A window as evidence; None where it has too few requests or a latency is missing."""
    if isinstance(window.requests, Missing) or window.requests < MIN_REQUESTS_PER_HOUR:
        return None
    if not isinstance(window.errors, Missing) and window.errors > window.requests * MOSTLY:
        return None  # a call that fails at once is no fast call
    took = window.latencies
    if isinstance(took, Missing):
        return None
    return Observation(
        size=size,
        era=era,
        start_s=window.start_s,
        end_s=window.end_s,
        requests=window.requests,
        mean_ms=max(took.mean_ms, 1e-3),
        p50_ms=max(took.p50_ms, 1e-3),
        p95_ms=max(took.p95_ms, 1e-3),
        met_ratio=window.met_ratio,
        threshold_ms=window.threshold_ms,
        source=source,
        load_rps=window.load_rps,
    )
