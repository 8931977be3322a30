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


class SleeplessClock(SystemClock):
    """The machine's time; its monotonic seconds go on while the machine itself is suspended.

    A lease held by a machine that slept for an hour has ended, whatever its process noticed.
    """

    def monotonic_s(self) -> float:
        """Seconds since the machine started, its sleep included where the system counts it."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


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


class FollowedClock:
    """A sandbox's time that flows by itself, as a process beside it sees it.

    Args:
        ask: the sandbox's time now, over the network; raises OSError where there is none.
        pace: how many of its seconds pass in one of ours.

    Asked once a second and reckoned in between. Never goes back; where the sandbox cannot
    keep its pace, this clock waits for it.
    """

    def __init__(self, ask: Callable[[], float], pace: float) -> None:
        self._ask = ask
        self._pace = pace
        self._lock = threading.Lock()
        self._told_s = self._shown_s = ask()
        self._told_at_s = time.monotonic()

    def now_s(self) -> float:
        """The sandbox's time; it stands still while the sandbox does not answer."""
        with self._lock:
            since_s = time.monotonic() - self._told_at_s
            if since_s >= 1.0:
                since_s = self._follow(since_s)
            self._shown_s = max(self._shown_s, self._told_s + since_s * self._pace)
            return self._shown_s

    def _follow(self, since_s: float) -> float:
        try:
            self._told_s = self._ask()
        except OSError:
            return min(since_s, 1.0)  # a sandbox that does not answer has stopped
        self._told_at_s = time.monotonic()
        return 0.0

    def monotonic_s(self) -> float:
        """The machine's: threads wait in real time."""
        return time.monotonic()


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
