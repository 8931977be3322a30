"""Worker threads: take a task, do it, say so. An error ends a task, never a worker."""

import threading
from collections.abc import Callable

import structlog

from controller.model.errors import AdapterError, StoreError
from controller.model.policy import Scope
from controller.ports import Clock
from controller.runtime.engine import Engine
from controller.runtime.health import Health
from controller.runtime.housekeeping import Housekeeper
from controller.runtime.places import Places
from controller.runtime.probe_rounds import ProbeRounds
from controller.runtime.queue import WorkQueue
from controller.runtime.reload import Reloader
from controller.runtime.tasks import (
    Prune,
    Reload,
    Resync,
    SamplePlace,
    StepProbes,
    Task,
    WorkOn,
)
from controller.telemetry.metrics import Telemetry

IDLE_S = 5.0
"""Longest wait for a task before a worker says that it is well."""
QUEUED_S = 600.0
"""An endpoint in the queue is not found due again for so long."""
AT_ONCE = 240
"""Endpoints of a place that are read in one task: whole calls of 500 queries, for the first
time as later, and a minute or so; the rest of a large place comes with the next tasks."""
WORKER_DEADLINE_S = 300.0
"""A first read of two weeks of so many takes minutes where AWS is slow."""


class Workers:
    """A few threads on one queue."""

    def __init__(
        self,
        queue: WorkQueue[Task],
        engine: Engine,
        *,
        reloader: Reloader,
        housekeeper: Housekeeper,
        telemetry: Telemetry,
        health: Health,
        clock: Clock,
        working: Callable[[], bool] = lambda: True,
        rounds: ProbeRounds | None = None,
    ) -> None:
        self._queue = queue
        self._engine = engine
        self._reloader = reloader
        self._housekeeper = housekeeper
        self._telemetry = telemetry
        self._health = health
        self._clock = clock
        self._working = working
        self._rounds = rounds
        self._threads: list[threading.Thread] = []
        self._places = Places(1, clock.monotonic_s)
        self._active = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._log = structlog.get_logger("rightsizer")

    def start(self, count: int) -> None:
        """Start `count` threads."""
        self._places = Places(count, self._clock.monotonic_s)
        for number in range(count):
            thread = threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            self._threads.append(thread)
            self._health.expect(thread.name, WORKER_DEADLINE_S, self._clock.monotonic_s())
            thread.start()
        self._telemetry.workers(0, count)

    def stop(self, grace_s: float) -> bool:
        """Let tasks under way end; False if some did not within the grace period."""
        self._stopping.set()
        self._queue.close()
        deadline_s = self._clock.monotonic_s() + grace_s
        for thread in self._threads:
            thread.join(max(0.0, deadline_s - self._clock.monotonic_s()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        name = threading.current_thread().name
        while not self._stopping.is_set():
            got = self._queue.get(IDLE_S)
            self._health.beat(name, self._clock.monotonic_s())
            if got is None:
                continue
            task, waited_s = got
            self._telemetry.queue_waited(waited_s)
            self._telemetry.queue(self._queue.depth())
            self._count(1)
            try:
                self._do(task)
                self._queue.forget(task)
            except StoreError as error:
                self._telemetry.store_failed(error)
                self._again(task, str(error))
            except AdapterError as error:
                self._again(task, str(error))
            except Exception:
                self._log.exception("a task failed", task=type(task).__name__)
                self._again(task, "an unexpected error")
            finally:
                self._queue.done(task)
                self._count(-1)

    def _again(self, task: Task, why: str) -> None:
        delay_s = self._queue.add_failed(task)
        self._telemetry.queue_retried()
        self._log.warning(why, task=type(task).__name__, retry_in_s=round(delay_s, 1))

    def _count(self, change: int) -> None:
        with self._lock:
            self._active += change
            self._telemetry.workers(self._active, len(self._threads))

    def _do(self, task: Task) -> None:
        scope = self._place_of(task)
        if scope is None:
            self._carry_out(task)
            return
        wait_s = self._places.enter(scope)
        if wait_s > 0.0:
            self._queue.add_after(task, wait_s)
            return
        began_s = self._clock.monotonic_s()
        try:
            self._carry_out(task)
        finally:
            rest_s = self._places.leave(scope, self._clock.monotonic_s() - began_s)
            if rest_s > 0.0:
                role = "" if scope.role_arn is None else f" as {scope.role_arn}"
                self._log.warning(
                    f"{scope.region}{role} answers slowly: it is asked again in {rest_s:.0f} s"
                )

    def _place_of(self, task: Task) -> Scope | None:
        """Whose calls a task makes; None for one that is not of a single place."""
        match task:
            case SamplePlace(scope=scope):
                return scope
            case WorkOn(key=key):
                entry = self._engine.entry(key)
                return None if entry is None else entry.scope
        return None

    def _carry_out(self, task: Task) -> None:
        match task:
            case SamplePlace() | WorkOn() | Prune() | StepProbes() if not self._working():
                pass  # another replica's; whoever comes to lead finds it due again
            case SamplePlace():
                self._sample(task)
            case WorkOn(key=key):
                self._engine.work(key)
                self._soon()
            case Resync():
                self._reloader.resync()
            case Reload():
                self._reloader.poll()
            case StepProbes():
                if self._rounds is not None:
                    self._rounds.make()
            case Prune():
                self._housekeeper.clean(self._engine.entries())

    def _sample(self, task: SamplePlace) -> None:
        due = self._engine.due().get(task.scope, [])
        entries = due[:AT_ONCE]
        if not entries:
            return
        self._engine.sample(task.scope, entries)
        for entry in entries:
            self._engine.postpone(entry.key, self._clock.now_s() + QUEUED_S)
            self._queue.add(WorkOn(entry.key))
        if len(due) > AT_ONCE:
            self._queue.add(task)

    def _soon(self) -> None:
        """A change between two steps is due in seconds: do not wait for the scheduler."""
        due_s = self._engine.next_due_s()
        if due_s is None:
            return
        delay_s = due_s - self._clock.now_s()
        if delay_s > IDLE_S:
            return
        for scope in self._engine.places():
            self._queue.add_after(SamplePlace(scope), max(0.1, delay_s))
