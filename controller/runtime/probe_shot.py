"""Probes driven to their end by whoever asked for them, their copies removed whatever happens."""

from collections.abc import Callable, Sequence

from controller.core.probe_worth import LONGEST_S
from controller.model.probe import ProbeRecord
from controller.ports import Clock
from controller.runtime.probe_parts import Asked, Ended
from controller.runtime.probing import Probes

LOOK_S = 0.25
REMOVAL_S = 600.0
"""Time given to the removal of copies; the rest is left to the next start's sweep."""

Watcher = Callable[[Sequence[ProbeRecord], bool], None]
"""Told every now and then of the probes, and whether all have ended and are being put away."""


class ProbeShot:
    """Carries probes out in the foreground."""

    def __init__(self, probes: Probes, clock: Clock, wait: Callable[[float], None]) -> None:
        self._probes = probes
        self._clock = clock
        self._wait = wait

    def run(self, asked: Sequence[Asked], watch: Watcher = lambda *_: None) -> list[Ended]:
        """Begin all at once, step until all have ended and nothing of their copies is left,
        nor of those that earlier commands left behind when they were killed.

        The answer has the order of `asked`. Raises Conflict, StoreError. Interrupted, it ends
        the generators and removes the copies before the interruption goes on.
        """
        records: list[ProbeRecord] = []
        ended: dict[str, Ended] = {}
        self._probes.recover(LONGEST_S)
        try:
            records.extend(self._probes.begin(one) for one in asked)
            while len(ended) < len(records):
                watch(records, False)
                ended |= {one.record.id: one for one in self._probes.step()}
                if len(ended) < len(records):
                    self._wait(LOOK_S)
        except BaseException:
            for record in records:
                self._probes.stop(record.id)
            self._put_away(records, watch)
            raise
        self._put_away(records, watch)
        return [ended[record.id] for record in records]

    def _put_away(self, records: Sequence[ProbeRecord], watch: Watcher) -> None:
        until_s = self._clock.monotonic_s() + REMOVAL_S
        going = True
        while going and self._clock.monotonic_s() < until_s:
            watch(records, True)
            self._probes.step()
            # both, and not one or the other: `or` would leave the second for later
            going = any([self._probes.sweep(), self._probes.busy()])
            if going:
                self._wait(LOOK_S)
