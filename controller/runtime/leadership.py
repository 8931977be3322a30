"""Working or standing by: what a replica does depends on whether it leads.

A standby knows which endpoints there are and shows what the journal says of them. It reads
no metrics, decides nothing and writes nothing. One that comes to lead begins with an empty
memory: what it knew of the journal is as old as its last look.

A leader that reaches its lease but not AWS is of no use: after some minutes it steps aside for
longer than the lease lasts, so that another replica may try. Each time that it leads in vain
it waits twice as long, lest two that are both cut off pass the lease to and fro.
"""

from collections.abc import Callable
from math import inf
from typing import Protocol

import structlog

from controller.model.errors import NoLease
from controller.ports import Lease
from controller.runtime.engine import Engine
from controller.runtime.health import Health, Readiness
from controller.runtime.lease_thread import LeaseThread
from controller.telemetry.metrics import Telemetry

LEASE = "lease"
REFRESH_TICKS = 6
TURN_DEADLINE_S = 300.0
"""The journal is asked when the lease changes hands, and may take its time."""
PATIENCE_S, LONGEST_PATIENCE_S = 300.0, 3600.0
"""How long a leader may be cut off from AWS: the regular interval, and some tries."""
ASIDE_S = 30.0
"""Three times what a lease lasts."""


class Elected(Lease, Protocol):
    """A lease that may come and go, and the thread that keeps it."""

    told: Callable[[bool], None]
    """Hears when this replica begins (True) and ceases (False) to lead."""
    thread: LeaseThread
    """Where it is kept."""

    @property
    def leads(self) -> bool:
        """Whether this replica leads."""

    def remaining_s(self) -> float:
        """For how long it may still act."""

    def words(self) -> str:
        """One line for people."""

    def step_aside(self, for_s: float) -> None:
        """Lead no longer, and leave the lease to others for so long."""

    def stop(self, *, give_back: bool) -> None:
        """End; `give_back`: nothing of ours is under way any more."""


def gate_of(lease: Lease) -> Callable[[], None]:
    """What is asked just before a changing request is sent; raises NoLease."""

    def gate() -> None:
        if not lease.held():
            raise NoLease("the lease would not outlast this call: nothing was sent")

    return gate


def leads_by(elected: Elected | None) -> bool:
    """Whether what a process concludes is to be believed. None elected: it alone has the journal.

    The clock is asked as well: a process that was stopped must not write what it had on its
    mind before it learns who leads.
    """
    return elected is None or (elected.leads and elected.remaining_s() > 0.0)


class Leadership:
    """Turns the engine over between work and standing by. None elected: always at work.

    Args:
        engine: what is stood down.
        begin: called when this replica comes to lead; must return at once.
        refresh: called now and then while it does not: what is shown is the journal's.
        steady_s: the machine's monotonic seconds.
    """

    def __init__(
        self,
        elected: Elected | None,
        engine: Engine,
        *,
        telemetry: Telemetry,
        ready: Readiness,
        health: Health,
        steady_s: Callable[[], float],
        begin: Callable[[], None],
        refresh: Callable[[], None],
    ) -> None:
        self._elected = elected
        self._engine = engine
        self._telemetry = telemetry
        self._ready = ready
        self._begin = begin
        self._refresh = refresh
        self._ticks = 0
        self._health = health
        self._steady_s = steady_s
        self._blind_since_s: float | None = None
        self._patience_s = PATIENCE_S
        self._log = structlog.get_logger("rightsizer")
        if elected is not None:
            elected.told = self._turned
            elected.thread.beat = self._beat
            engine.stand_by()

    @property
    def working(self) -> bool:
        """Whether anything may be read, decided and written."""
        return leads_by(self._elected)

    def start(self) -> None:
        """Stand for election."""
        if self._elected is not None:
            self._say()
            self._health.expect(LEASE, TURN_DEADLINE_S, self._steady_s())
            self._elected.thread.start()

    def stop(self, *, clean: bool) -> None:
        """`clean`: all work has ended, so another replica may begin at once."""
        if self._elected is not None:
            self._elected.stop(give_back=clean)

    def tick(self) -> None:
        """Now and then."""
        self._say()
        self._ticks += 1
        self._look_around()
        if not self.working and self._ticks % REFRESH_TICKS == 0:
            self._refresh()

    def _look_around(self) -> None:
        """Step aside where AWS has long been out of reach."""
        if self._elected is None or not self.working:
            self._blind_since_s = None
            return
        sees, now_s = self._engine.sight.sees, self._steady_s()
        if sees:
            self._patience_s = PATIENCE_S
        if sees is not False:
            self._blind_since_s = None
            return
        if self._blind_since_s is None:
            self._blind_since_s = now_s
        if now_s - self._blind_since_s < self._patience_s:
            return
        self._log.warning(
            f"AWS has been out of reach for {self._patience_s / 60.0:.0f} minutes:"
            " another replica may lead, if there is one"
        )
        self._patience_s = min(LONGEST_PATIENCE_S, 2.0 * self._patience_s)
        self._elected.step_aside(ASIDE_S)

    def _beat(self) -> None:
        self._health.beat(LEASE, self._steady_s())

    def _turned(self, leads: bool) -> None:
        self._telemetry.lease_turned()
        if leads:
            self._engine.take_up()
        else:
            self._engine.stand_by()
        self._say()
        if leads:
            self._begin()

    def _say(self) -> None:
        elected = self._elected
        if elected is not None:
            left_s = elected.remaining_s()
            self._telemetry.leads(elected.leads, left_s if left_s < inf else 0.0)
            self._ready.put(LEASE, True, elected.words())
