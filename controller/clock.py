"""The clocks: the only modules that may ask what time it is."""

import threading
import time
from collections.abc import Callable


class SystemClock:
    """The machine's time."""

    def now_s(self) -> float:
        """Seconds since the Unix epoch, UTC."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class VirtualClock:
    """Time that a test moves; `world`, where given, lives along with it."""

    def __init__(self, start_s: float, world: Callable[[float], None] | None = None) -> None:
        self._now_s = start_s
        self._world = world
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """The instant last advanced to."""
        return self._now_s

    def monotonic_s(self) -> float:
        """The same; it never goes back."""
        return self._now_s

    def advance_to(self, instant_s: float) -> None:
        """Move on; an instant in the past is ignored."""
        with self._lock:
            if instant_s <= self._now_s:
                return
            if self._world is not None:
                self._world(instant_s)
            self._now_s = instant_s


class RemoteClock:
    """The sandbox's time, as it told us; `advance` asks it to jump and returns its new time."""

    def __init__(self, now_s: float, advance: Callable[[float], float]) -> None:
        self._now_s = now_s
        self._advance = advance

    def now_s(self) -> float:
        """The instant the sandbox was last asked to be at."""
        return self._now_s

    def monotonic_s(self) -> float:
        """The same; it never goes back."""
        return self._now_s

    def advance_to(self, instant_s: float) -> None:
        """Let the sandbox jump there."""
        if instant_s > self._now_s:
            self._now_s = self._advance(instant_s)
