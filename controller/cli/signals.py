"""Signals of a long-running command: TERM and INT stop it, HUP makes it read its policies.

Handlers are installed by hand, for the kernel drops signals without one where we are process
1 of a container. A handler may run between any two steps of the main thread, so it takes no
lock: it writes a byte to a pipe, and a thread of its own acts on it.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Catches signals from its making on; acts on them once `serve` is called."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._write_end, False)
        self._stopping = False
        for number in (*STOPPING, signal.SIGHUP):
            signal.signal(number, self._caught)

    def _caught(self, number: int, _frame: FrameType | None) -> None:
        if number in STOPPING:
            if self._stopping:
                # asked twice: at once, without finishing anything
                os._exit(128 + number)
            self._stopping = True
        os.write(self._write_end, bytes([number]))

    def serve(self, *, stop: Callable[[], None], reload: Callable[[], None]) -> None:
        """Call these when asked to, also for what was asked before now."""
        threading.Thread(target=self._act, args=(stop, reload), name="signals", daemon=True).start()

    def _act(self, stop: Callable[[], None], reload: Callable[[], None]) -> None:
        while True:
            number = os.read(self._read_end, 1)[0]
            if number == signal.SIGHUP:
                reload()
            else:
                stop()
