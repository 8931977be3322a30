"""The end of a run, however it comes: the result is given away once, and whole."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent

from controller.model.probe import ProbeRun
from controller.ports import Clock
from controller.probes.folder import PROGRESS, RESULT, put
from controller.probes.generator.recorder import Recorder
from controller.probes.results import write_run

_PROGRESS_EVERY_S = 0.5

Give = Callable[[ProbeRun], None]


def into(folder: Path) -> Give:
    """Results as a file."""

    def give(run: ProbeRun) -> None:
        put(folder / RESULT, write_run(run))

    return give


class Ending:
    """Gives the result away, at the end or when Locust quits before it.

    `finish` counts what is unanswered and says how long was measured, in seconds.
    """

    def __init__(
        self, recorder: Recorder, clock: Clock, finish: Callable[[], float], give: Give
    ) -> None:
        self._recorder, self._clock, self._finish, self._give = recorder, clock, finish, give
        self._given = False

    def interrupted(self, **_: Any) -> None:
        """Locust quits (SIGTERM, or because the run is over): keep what was measured."""
        if not self._given:
            self._recorder.end("it was told to stop")
            self.give()

    def give(self) -> None:
        """The result as it stands, once."""
        if self._given:
            return
        self._given = True
        span_s = self._finish()
        self._give(self._recorder.result(self._clock.now_s(), span_s))


def tell_progress(folder: Path, recorder: Recorder, clock: Clock) -> None:
    """Twice a second, how far the run has come; for ever."""
    while True:
        document = {
            "requests": len(recorder.samples),
            "failed": recorder.failed,
            "dropped": recorder.health.dropped,
            "elapsed_s": round(clock.now_s() - recorder.started_at_s, 3),
        }
        put(folder / PROGRESS, json.dumps(document))
        gevent.sleep(_PROGRESS_EVERY_S)
