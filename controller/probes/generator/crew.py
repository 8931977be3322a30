"""Locust's distributed mode: the master gives each worker its share, and collects results.

A worker finds its own credentials, where it runs; the order that the master sends holds none.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event

from controller.model.probe import ProbeOutcome, ProbeRun
from controller.probes.folder import ORDER, RESULT, put
from controller.probes.generator.shares import share_of, together
from controller.probes.order import Order, read_order, write_order
from controller.probes.results import failed, read_run, write_run

_ORDER = "rightsizer-order"
_RUN = "rightsizer-run"
_STOP = "rightsizer-stop"
_LAST_WORD_S = 2.0


class Master:
    """Hands out shares when the test starts; writes the result once all workers reported."""

    def __init__(self, environment: Any, folder: Path, now_s: Callable[[], float]) -> None:
        self._environment, self._folder, self._now_s = environment, folder, now_s
        self._runs: list[ProbeRun] = []
        self._workers = 0
        self._written = False
        self._started_at_s = now_s()

    def listen(self) -> None:
        """Take part in Locust's events."""
        self._environment.runner.register_message(_RUN, self._reported, concurrent=True)
        self._environment.events.test_start.add_listener(self._hand_out)
        self._environment.events.quitting.add_listener(self._quitting)

    def _hand_out(self, **_: Any) -> None:
        order = read_order((self._folder / ORDER).read_text(encoding="utf-8"))
        workers = sorted(self._environment.runner.clients)
        self._workers = len(workers)
        for index, worker in enumerate(workers):
            share = write_order(share_of(order, index, len(workers)))
            self._environment.runner.send_message(_ORDER, share, worker)
        gevent.spawn_later(max(1.0, order.time_limit_s - _LAST_WORD_S), self._write)

    def _reported(self, environment: Any, msg: Any, **_: Any) -> None:
        run = read_run(msg.data)
        self._runs.append(run)
        if run.outcome is not ProbeOutcome.SUCCEEDED:
            environment.runner.send_message(_STOP, run.detail)
        if len(self._runs) == self._workers:
            self._write()

    def _quitting(self, **_: Any) -> None:
        self._write()

    def _write(self) -> None:
        if self._written:
            return
        self._written = True
        nothing = failed("No worker brought a result.", self._started_at_s, self._now_s())
        run = together(self._runs, self._workers) if self._runs else nothing
        put(self._folder / RESULT, write_run(run))
        gevent.spawn(self._environment.runner.quit)


class Worker:
    """Waits for its share, and reports its run."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._order: Order | None = None
        self._given = Event()
        self.stop: Callable[[str], None] = lambda _: None

    def listen(self) -> None:
        """Take the master's messages."""
        self._runner.register_message(_ORDER, self._ordered)
        self._runner.register_message(_STOP, self._stopped)

    def order(self) -> Order:
        """The share, once it has come."""
        self._given.wait()
        assert self._order is not None
        return self._order

    def report(self, run: ProbeRun) -> None:
        """Send the run to the master."""
        self._given.clear()
        self._runner.send_message(_RUN, write_run(run))

    def _ordered(self, msg: Any, **_: Any) -> None:
        self._order = read_order(msg.data)
        self._given.set()

    def _stopped(self, msg: Any, **_: Any) -> None:
        self.stop(f"another worker's part ended: {msg.data}")
