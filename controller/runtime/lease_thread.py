"""The thread in which a lease is kept, whatever kind of lease it is: turn after turn until the
end, and a beat after each, for a thread that hangs must not look well."""

import threading
from collections.abc import Callable

import structlog

JOIN_S = 10.0
AGAIN_S = 1.0
"""After a turn that failed as none should."""


class LeaseThread:
    """Takes turns.

    Args:
        turn: looks at the lease; returns the seconds until the next turn.
    """

    def __init__(self, turn: Callable[[], float]) -> None:
        self._turn = turn
        self.beat: Callable[[], None] = lambda: None
        """Hears, in this thread, of every turn that has ended."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = ""
        self._log = structlog.get_logger("rightsizer")

    @property
    def failure(self) -> str:
        """Why the lease could not be had or looked at, the last time; empty where it could."""
        return self._failure

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def end(self) -> bool:
        """Take no more turns; False where the thread hangs in one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(JOIN_S)
            return not self._thread.is_alive()
        return True

    def say(self, failure: str, *, quietly: bool = False) -> None:
        """Remember a failure, and say it once; an empty one is its end."""
        if failure and failure != self._failure and not quietly:
            self._log.warning(failure)
        self._failure = failure

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                wait_s = self._turn()
            except Exception:
                # Without this thread nobody would ever lead again.
                self._log.exception("the lease could not be looked at")
                wait_s = AGAIN_S
            self.beat()
            self._stop.wait(wait_s)
