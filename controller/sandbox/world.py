"""The world: a simulated AWS with its own clock, seed and events.

Time moves only when told to (`advance`, `advance_to`) and passes through every event that
is due on the way: an update completes, a pool of environments becomes ready, somebody else
changes a function. Traffic is not simulated request by request; metrics are computed when
asked for, from the history of configurations and the workload, always with the same
result for the same seed.

Handlers and time hold `lock`; a world may be shared by threads.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from controller.sandbox.billing import Bill, bill_of
from controller.sandbox.metric_faults import MetricFaults
from controller.sandbox.metrics import Metrics
from controller.sandbox.region import Region
from controller.sandbox.truth import Truth, truth_of
from controller.sandbox.workload import Disturbance, Effect

Action = Callable[["World"], None]

DEFAULT_ACCOUNT = "123456789012"
DEFAULT_REGION = "eu-west-1"


@dataclass(order=True, slots=True)
class Event:
    """Something due at an instant; equal instants happen in the order they were planned."""

    at_s: float
    number: int
    what: str = field(compare=False)
    action: Action = field(compare=False)
    cancelled: bool = field(default=False, compare=False)


class World:
    """An AWS that fits in a process.

    seed: everything random follows from it. start_s: the instant it begins at, seconds
    since the epoch. publication_delay_s: how long CloudWatch takes to show a minute.
    read_lag_s: how long reads of Lambda's control plane may show the state before a write
    (0: consistent at once). tapes: hours of functions kept in memory, some 35 kB each.
    """

    def __init__(
        self,
        seed: int = 0,
        start_s: float = 1_800_000_000.0,
        *,
        publication_delay_s: float = 105.0,
        read_lag_s: float = 0.0,
        tapes: int = 1024,
    ) -> None:
        self.seed = seed
        self.start_s = float(start_s)
        self.read_lag_s = read_lag_s
        self.lock = threading.RLock()
        self.extensions: dict[type, Any] = {}
        self.regions: dict[tuple[str, str], Region] = {}
        self.metric_faults = MetricFaults(publication_delay_s)
        self.metrics = Metrics(self, tapes)
        self._now_s = self.start_s
        self._events: list[Event] = []
        self._planned = 0

    # --- time

    def now_s(self) -> float:
        """The world's time, seconds since the epoch."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass. Raises ValueError if negative."""
        with self.lock:
            self.advance_to(self._now_s + seconds)

    def advance_to(self, instant_s: float) -> None:
        """Let time pass until an instant, through every event due on the way.

        An instant that is already past is refused with ValueError: time never goes back.
        """
        with self.lock:
            if instant_s < self._now_s:
                raise ValueError(f"time cannot go back from {self._now_s} to {instant_s}")
            while self._events and self._events[0].at_s <= instant_s:
                event = heapq.heappop(self._events)
                if event.cancelled:
                    continue
                self._now_s = max(self._now_s, event.at_s)
                event.action(self)
            self._now_s = float(instant_s)

    def schedule(self, at_s: float, what: str, action: Action) -> Event:
        """Plan something; what is due already happens with the next passing of time."""
        with self.lock:
            self._planned += 1
            event = Event(float(at_s), self._planned, what, action)
            heapq.heappush(self._events, event)
            return event

    def next_event_s(self) -> float | None:
        """When the next event is due; None if nothing is planned."""
        with self.lock:
            due = [event.at_s for event in self._events if not event.cancelled]
            return min(due, default=None)

    def pending_events(self) -> list[tuple[float, str]]:
        """(instant, what) of everything planned, soonest first."""
        with self.lock:
            return [(e.at_s, e.what) for e in sorted(self._events) if not e.cancelled]

    # --- places

    def region(self, account: str = DEFAULT_ACCOUNT, region: str = DEFAULT_REGION) -> Region:
        """One account in one region; it comes into being when first named."""
        found = self.regions.get((account, region))
        if found is None:
            found = self.regions[account, region] = Region(account, region, self.seed)
        return found

    # --- the truth

    def cost(
        self,
        function: str,
        start_s: float,
        end_s: float,
        *,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
    ) -> Bill:
        """What AWS bills for a function in [start_s, end_s), as far as time has come."""
        with self.lock:
            return bill_of(self, self.region(account, region), function, start_s, end_s)

    def truth(
        self,
        function: str,
        memory_mb: int | None = None,
        *,
        threshold_ms: float | None = None,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
    ) -> Truth:
        """True latency and monthly cost at a size (None: the present one). Raises KeyError."""
        with self.lock:
            place = self.region(account, region)
            return truth_of(self, place, function, memory_mb, threshold_ms)

    # --- what befalls it

    def disturb(
        self,
        function: str,
        effect: str,
        factor: float,
        *,
        seconds: float | None = None,
        ramp_s: float = 0.0,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
    ) -> None:
        """Change a function's workload from now on, for `seconds` (None: for good).

        effect: `latency`, `traffic`, `errors` or `memory`. Raises ValueError for another,
        KeyError where there is no such function.
        """
        with self.lock:
            to_s = None if seconds is None else self._now_s + seconds
            more = Disturbance(Effect(effect), factor, self._now_s, to_s, ramp_s)
            place = self.region(account, region)
            present = place.workloads[function]
            changed = replace(present, disturbances=(*present.disturbances, more))
            place.set_workload(function, changed, self._now_s)
