"""Virtual time: work on whatever is due, then jump to the next due instant. One thread."""

from collections.abc import Callable

from controller.model.decision import Assessment
from controller.ports import SteppedClock
from controller.runtime.engine import Engine
from controller.runtime.probe_rounds import ProbeRounds

RESYNC_S = 3600.0

Watcher = Callable[[Assessment], None]


class Stepper:
    """Drives an engine through time that it moves itself; the same seed, the same journal."""

    def __init__(
        self,
        engine: Engine,
        clock: SteppedClock,
        watch: Watcher | None = None,
        rounds: ProbeRounds | None = None,
    ) -> None:
        self._engine = engine
        self._rounds = rounds
        self._clock = clock
        self._watch = watch
        self._next_resync_s = clock.now_s() + RESYNC_S

    def run_until(self, end_s: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Live until `end_s`, or until `stop` says so after a tick."""
        while not stop():
            self.tick()
            due_s = self._engine.next_due_s()
            next_s = min(end_s, self._next_resync_s, end_s if due_s is None else due_s)
            if self._rounds is not None:
                next_s = min(next_s, self._rounds.due_s())
            if self._clock.now_s() >= end_s:
                return
            self._clock.advance_to(max(next_s, self._clock.now_s()))

    def tick(self) -> None:
        """Everything that is due now."""
        if self._clock.now_s() >= self._next_resync_s:
            self._engine.resync()
            self._next_resync_s = self._clock.now_s() + RESYNC_S
        if self._rounds is not None:
            self._rounds.make()
        for scope, entries in self._engine.due().items():
            self._engine.sample(scope, entries)
            for entry in entries:
                assessment = self._engine.work(entry.key)
                if assessment is not None and self._watch is not None:
                    self._watch(assessment)
