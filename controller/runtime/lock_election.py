"""The lease of one host: a file lock that the kernel takes back when its process ends.

Nothing runs out here. A holder that was stopped (SIGSTOP) keeps the lock until it goes on or
is killed, so nobody takes over from it, and nobody acts beside it.
"""

from collections.abc import Callable

import structlog

from controller.model.errors import AdapterError, StoreError
from controller.runtime.election import Terms
from controller.runtime.lease_thread import LeaseThread

HELD_S = 60.0
"""With the lock in hand there is nothing to look for."""


class LockElection:
    """`controller.ports.Lease` by a lock; the others try again every second.

    Args:
        take: claims the lock; raises StoreError with code `busy_daemon` where another has it.
        terms: the journal's.
        told: hears when this replica begins to lead.
    """

    def __init__(
        self,
        take: Callable[[], None],
        terms: Terms,
        *,
        retry_s: float = 1.0,
        told: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._take = take
        self._terms = terms
        self._retry_s = retry_s
        self.told = told
        self._term = 0
        self.thread = LeaseThread(self.turn)
        self.thread.say("the lock has not been tried yet", quietly=True)
        self._log = structlog.get_logger("rightsizer")

    def term(self) -> int:
        """The term under which the lock was taken."""
        return self._term

    def remaining_s(self) -> float:
        """Without end while the lock is ours."""
        return float("inf") if self._term else 0.0

    def held(self) -> bool:
        """Whether the lock is ours."""
        return bool(self._term)

    def doubt(self) -> None:
        """A lock leaves none: who writes beside it does so under the term that it read."""

    def step_aside(self, for_s: float) -> None:
        """Not for others of the same host: what this process cannot reach, they cannot."""

    @property
    def leads(self) -> bool:
        """Whether the lock is ours."""
        return self.held()

    def words(self) -> str:
        """One line for people: who leads."""
        return f"leader, term {self._term}" if self._term else f"standby; {self.thread.failure}"

    def stop(self, *, give_back: bool) -> None:
        """End; the lock itself is given back when the journal is closed."""
        self.thread.end()

    def turn(self) -> float:
        """Try the lock, where it is not ours yet; returns the seconds until the next turn."""
        if not self._term and not self._try():
            return self._retry_s
        return HELD_S

    def _try(self) -> bool:
        try:
            self._take()
            term = self._terms.newest() + 1
            self._terms.lift(term)
        except AdapterError as error:
            busy = isinstance(error, StoreError) and error.code == "busy_daemon"
            words = str(error) if busy else f"the lock could not be taken: {error}"
            self.thread.say(words, quietly=busy)
            return False
        self._term = term
        self._log.info(f"this replica leads from now on, in term {term}")
        self.told(True)
        return True
