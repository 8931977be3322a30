"""The daemon: scheduler, queue, workers, listener; started and stopped as one."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from controller.model.errors import StoreError
from controller.model.policy import PolicySet
from controller.policy.watch import PolicyWatch
from controller.ports import Clock, Store
from controller.runtime.engine import Engine
from controller.runtime.health import Health, Readiness
from controller.runtime.housekeeping import Housekeeper
from controller.runtime.leadership import Elected, Leadership
from controller.runtime.parting import Parting
from controller.runtime.probe_rounds import ROUND_S, ProbeRounds
from controller.runtime.pulse import EVERY_S as PULSE_S
from controller.runtime.queue import WorkQueue
from controller.runtime.reload import CREDENTIALS, POLICIES, Reloader
from controller.runtime.schedule import Schedule
from controller.runtime.tasks import Prune, Reload, Resync, SamplePlace, StepProbes, Task
from controller.runtime.workers import Workers
from controller.telemetry.metrics import Telemetry
from controller.web.app import Reloaded, build_app
from controller.web.doors import Doors
from controller.web.listener import Listener
from controller.web.reading import Reads
from controller.web.rotating import Tls

TICK_S = 5.0
RELOAD_S = 10.0
RESYNC_S = 300.0
PRUNE_S = 6 * 3600.0
GRACE_S = 20.0
SCHEDULER = "scheduler"
STORE = "store"


@dataclass(frozen=True, slots=True)
class DaemonParts:
    """What the daemon runs."""

    engine: Engine
    store: Store
    telemetry: Telemetry
    clock: Clock
    watch: PolicyWatch
    housekeeper: Housekeeper
    site: Reads
    """What the page and the JSON API show."""
    doors: Doors = field(default_factory=Doors)
    """Who may look at them."""
    tls: Tls | None = None
    """Serve HTTPS; None: plain HTTP."""
    machine: Clock | None = None
    """The machine's own time, by which threads wait, where `clock` is a sandbox's."""
    tick_s: float = TICK_S
    elected: Elected | None = None
    """The lease, where replicas share one; None: this process alone has the journal."""
    rounds: ProbeRounds | None = None
    """Probes; None: there are none."""
    parting: Parting | None = None
    """What is turned back at the end; None: nothing."""
    refresh: Callable[[], None] = lambda: None
    """Lets the page show what another replica has written."""


class Daemon:
    """Runs until told to stop."""

    def __init__(self, parts: DaemonParts, *, host: str, port: int, workers: int) -> None:
        self._at = parts
        self._count = workers
        self._stop = threading.Event()
        self._log = structlog.get_logger("rightsizer")
        self.health = Health()
        self.ready = Readiness((POLICIES, STORE, CREDENTIALS))
        self._queue: WorkQueue[Task] = WorkQueue(parts.clock.monotonic_s)
        self._schedule = Schedule(parts.telemetry, (parts.machine or parts.clock).now_s)
        self._reloader = Reloader(
            parts.watch,
            parts.engine,
            telemetry=parts.telemetry,
            ready=self.ready,
            clock=parts.clock,
        )
        self._leadership = self._lead()
        self._workers = Workers(
            self._queue,
            parts.engine,
            reloader=self._reloader,
            housekeeper=parts.housekeeper,
            telemetry=parts.telemetry,
            health=self.health,
            clock=parts.clock,
            working=lambda: self._leadership.working,
            rounds=parts.rounds,
        )
        self.doors = parts.doors
        self.listener = Listener(
            build_app(
                metrics=parts.telemetry.render,
                live=lambda: self.health.status(parts.clock.monotonic_s()),
                ready=self.ready.status,
                reload=self._reload_now,
                site=parts.site,
                doors=parts.doors,
            ),
            host,
            port,
            tls=parts.tls,
        )

    def _lead(self) -> Leadership:
        parts = self._at
        return Leadership(
            parts.elected,
            parts.engine,
            telemetry=parts.telemetry,
            ready=self.ready,
            health=self.health,
            steady_s=parts.clock.monotonic_s,
            begin=self._begin,
            refresh=parts.refresh,
        )

    def start(self, policies: PolicySet) -> None:
        """Open the listener, then work. Raises Terminal where the address is taken."""
        self.listener.start()
        self._log.info(f"listening on {self.listener.url}")
        self.ready.put(STORE, True, "open")
        self._reloader.accept(policies)
        now_s = self._at.clock.monotonic_s()
        self.health.expect(SCHEDULER, 60.0, now_s)
        self._workers.start(self._count)
        self._schedule.every("resync", RESYNC_S, lambda: self._queue.add(Resync()), jitter_s=10.0)
        self._schedule.every("tick", self._at.tick_s, self._tick)
        self._schedule.every("reload", RELOAD_S, lambda: self._queue.add(Reload()), jitter_s=1.0)
        self._schedule.every("prune", PRUNE_S, lambda: self._queue.add(Prune()), jitter_s=600.0)
        self._schedule.every("probes", ROUND_S, self._probe)
        self._schedule.every("pulse", PULSE_S, self._pulse)
        self._schedule.start()
        self._leadership.start()

    def _begin(self) -> None:
        """This replica leads from now on: all endpoints are due."""
        self._queue.add(Resync())
        self._tick()

    def wait(self) -> None:
        """Return when somebody has called `request_stop`."""
        while not self._stop.wait(1.0):
            pass

    def request_stop(self) -> None:
        """Ask for an orderly end; safe in a signal handler."""
        self._stop.set()

    def request_reload(self) -> None:
        """Ask for the policy files to be looked at now; safe in a signal handler's thread."""
        self._queue.add(Reload())

    def stop(self) -> bool:
        """End: nothing new is begun, what is under way is finished; True if all of it was.

        What was not finished is in the journal, and the next start takes it up.
        """
        self._log.info("stopping")
        self._schedule.stop()
        until_s = self._at.clock.monotonic_s() + GRACE_S
        clean = self._workers.stop(GRACE_S)
        if self._leadership.working:
            self._part(until_s, alone=clean)
        self._leadership.stop(clean=clean)
        self.listener.stop()
        if not clean:
            self._log.warning("some work did not end in time; the next start takes it up")
        return clean

    def _part(self, until_s: float, *, alone: bool) -> None:
        """Leave nothing that costs money, as far as that can be done in so short a time."""
        if self._at.rounds is not None:
            self._at.rounds.probes.leave()
        if self._at.parting is not None:
            self._at.parting.leave(until_s, alone=alone)

    def _tick(self) -> None:
        self.health.beat(SCHEDULER, self._at.clock.monotonic_s())
        self._leadership.tick()
        if self._leadership.working:
            self._hear()
            for scope in self._at.engine.due():
                self._queue.add(SamplePlace(scope))
        self._at.telemetry.queue(self._queue.depth())

    def _hear(self) -> None:
        try:
            self._at.engine.hear()
        except StoreError as error:  # what was asked for is heard with the next tick
            self._at.telemetry.store_failed(error)

    def _pulse(self) -> None:
        if self._leadership.working:
            engine = self._at.engine
            engine.pulse.say(len(engine.entries()))

    def _probe(self) -> None:
        """A round is enqueued where there is anything to do."""
        rounds = self._at.rounds
        if rounds is not None and self._leadership.working and rounds.busy():
            self._queue.add(StepProbes())

    def _reload_now(self) -> Reloaded:
        ok = self._reloader.poll()
        return Reloaded(ok, "reloaded" if ok else "invalid: the last good set stays in force")
