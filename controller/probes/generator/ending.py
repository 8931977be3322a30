"""The end of a run, however it comes: the result is written once, and whole."""

import json
from pathlib import Path
from typing import Any

import gevent

from controller.ports import Clock
from controller.probes.folder import PROGRESS, RESULT, put
from controller.probes.generator.open_loop import OpenLoop
from controller.probes.generator.recorder import Recorder
from controller.probes.results import write_run

_PROGRESS_EVERY_S = 0.5


class Ending:
    """Writes progress while a run goes on, and its result at the end."""

    def __init__(self, folder: Path, recorder: Recorder, clock: Clock) -> None:
        self._folder, self._recorder, self._clock = folder, recorder, clock
        self._loop: OpenLoop | None = None
        self._written = False

    def of(self, loop: OpenLoop) -> None:
        """The loop that is to be finished, should the run be interrupted."""
        self._loop = loop

    def interrupted(self, **_: Any) -> None:
        """Locust quits (SIGTERM, or because the run is over): keep what was measured."""
        if self._written:
            return
        self._recorder.end("it was told to stop")
        if self._loop is not None:
            self._loop.finish()
        self.write()

    def write(self) -> None:
        """Leave the result."""
        self._written = True
        span_s = 0.0 if self._loop is None else self._loop.span_s
        run = self._recorder.result(self._clock.now_s(), span_s)
        put(self._folder / RESULT, write_run(run))

    def tell_progress(self) -> None:
        """Twice a second, how far the run has come."""
        recorder = self._recorder
        while True:
            failed = sum(sample.error is not None for sample in recorder.samples)
            document = {
                "requests": len(recorder.samples),
                "failed": failed,
                "dropped": recorder.health.dropped,
                "elapsed_s": round(self._clock.now_s() - recorder.started_at_s, 3),
            }
            put(self._folder / PROGRESS, json.dumps(document))
            gevent.sleep(_PROGRESS_EVERY_S)
