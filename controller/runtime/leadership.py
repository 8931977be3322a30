"""Working or standing by: what a replica does depends on whether it leads.

A standby knows which endpoints there are and shows what the journal says of them. It reads
no metrics, decides nothing and writes nothing. One that comes to lead begins with an empty
memory: what it knew of the journal is as old as its last look.
"""

from collections.abc import Callable
from math import inf
from typing import Protocol

from controller.model.errors import NoLease
from controller.ports import Lease
from controller.runtime.engine import Engine
from controller.runtime.health import Readiness
from controller.telemetry.metrics import Telemetry

LEASE = "lease"
REFRESH_TICKS = 6


class Elected(Lease, Protocol):
    """A lease that may come and go, and the thread that keeps it."""

    told: Callable[[bool], None]
    """Hears when this replica begins (True) and ceases (False) to lead."""

    @property
    def leads(self) -> bool:
        """Whether this replica leads."""

    def remaining_s(self) -> float:
        """For how long it may still act."""

    def words(self) -> str:
        """One line for people."""

    def start(self) -> None:
        """Begin to look."""

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
    """

    def __init__(
        self,
        elected: Elected | None,
        engine: Engine,
        *,
        telemetry: Telemetry,
        ready: Readiness,
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
        if elected is not None:
            elected.told = self._turned
            engine.stand_by()

    @property
    def working(self) -> bool:
        """Whether anything may be read, decided and written."""
        return leads_by(self._elected)

    def start(self) -> None:
        """Stand for election."""
        if self._elected is not None:
            self._say()
            self._elected.start()

    def stop(self, *, clean: bool) -> None:
        """`clean`: all work has ended, so another replica may begin at once."""
        if self._elected is not None:
            self._elected.stop(give_back=clean)

    def tick(self) -> None:
        """Now and then."""
        self._say()
        self._ticks += 1
        if not self.working and self._ticks % REFRESH_TICKS == 0:
            self._refresh()

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
