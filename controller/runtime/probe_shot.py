"""One probe, driven to its end by whoever asked for it, its copy removed whatever happens."""

from collections.abc import Callable

from controller.model.probe import ProbeRecord
from controller.ports import Clock
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probing import Probes

LOOK_S = 0.25
REMOVAL_S = 600.0
"""Time given to the removal of a copy; the rest is left to the next start's sweep."""

Watcher = Callable[[ProbeRecord, bool], None]
"""Told every now and then of the probe, and whether it has ended and is being put away."""


class ProbeShot:
    """Carries probes out in the foreground, one after the other."""

    def __init__(self, probes: Probes, clock: Clock, wait: Callable[[float], None]) -> None:
        self._probes = probes
        self._clock = clock
        self._wait = wait

    def run(self, asked: Asked, watch: Watcher = lambda *_: None) -> Ended:
        """Begin, step until it has ended and nothing of its copy is left.

        Raises Conflict, StoreError. Interrupted, it ends the generator and removes the copy
        before the interruption goes on.
        """
        record = self._probes.begin(asked)
        ended: Ended | None = None
        try:
            while ended is None:
                watch(record, False)
                ended = self._one(record)
        except BaseException:
            self._probes.stop(record.id)
            self._put_away(record, watch)
            raise
        self._put_away(record, watch)
        return ended

    def _one(self, record: ProbeRecord) -> Ended | None:
        ended = next((e for e in self._probes.step() if e.record.id == record.id), None)
        if ended is None:
            self._wait(LOOK_S)
        return ended

    def _put_away(self, record: ProbeRecord, watch: Watcher) -> None:
        until_s = self._clock.monotonic_s() + REMOVAL_S
        while self._probes.busy() and self._clock.monotonic_s() < until_s:
            watch(record, True)
            self._probes.step()
            if self._probes.busy():
                self._wait(LOOK_S)
