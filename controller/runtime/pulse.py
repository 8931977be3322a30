"""A line now and then that says what was done: a fleet at rest decides nothing new for days, and
silence must mean that nobody works."""

import threading

import structlog

EVERY_S = 300.0


class Pulse:
    """Counts looks between two lines. Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks = 0
        self._failed = 0
        self._begun = False
        self._log = structlog.get_logger("rightsizer")

    def looked(self, *, failed: bool) -> None:
        """One look at one endpoint has ended."""
        with self._lock:
            self._looks += 1
            self._failed += failed

    def say(self, endpoints: int) -> None:
        """The line, about everything since the last call; the first one has nothing to tell."""
        with self._lock:
            looks, failed, begun = self._looks, self._failed, self._begun
            self._looks, self._failed, self._begun = 0, 0, True
        if not begun:
            return
        trouble = f", {failed} of them failed" if failed else ""
        self._log.info(
            f"{endpoints} endpoints are looked after: {looks} looks in"
            f" {EVERY_S / 60.0:.0f} minutes{trouble}"
        )
