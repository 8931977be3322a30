"""The work queue: keys wait once, run once at a time, and come back later when they failed.

A key that is added while it waits stays one; one that is added while it runs is run again
afterwards, so no news is lost and no key is worked on by two threads. Failures back off per
key. The habits are those of Kubernetes' client-go work queue.
"""

import heapq
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

BACKOFF_FIRST_S = 2.0
BACKOFF_LIMIT_S = 300.0


class WorkQueue(Generic[K]):
    """A thread-safe queue of keys; `monotonic_s` is the clock that delays are counted by."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now_s = monotonic_s
        self._condition = threading.Condition()
        self._ready: dict[K, float] = {}
        """Waiting keys in order of arrival, with the instant they became ready."""
        self._running: set[K] = set()
        self._again: set[K] = set()
        self._delayed: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._failures: dict[K, int] = {}
        self._sequence = 0
        self._closed = False

    def add(self, key: K) -> None:
        """Let the key run as soon as a worker is free."""
        with self._condition:
            self._add(key)

    def add_after(self, key: K, delay_s: float) -> None:
        """Let the key run after a delay; an earlier due time that it has already stands."""
        with self._condition:
            if self._closed:
                return
            due_s = self._now_s() + max(0.0, delay_s)
            if key in self._due and self._due[key] <= due_s:
                return
            self._sequence += 1
            self._due[key] = due_s
            heapq.heappush(self._delayed, (due_s, self._sequence, key))
            self._condition.notify()

    def add_failed(self, key: K) -> float:
        """Let a key that failed run again, later each time; returns the delay in seconds."""
        with self._condition:
            times = self._failures.get(key, 0)
            self._failures[key] = times + 1
        delay_s = min(BACKOFF_FIRST_S * 2.0 ** min(times, 20), BACKOFF_LIMIT_S)
        self.add_after(key, delay_s)
        return delay_s

    def forget(self, key: K) -> None:
        """The key succeeded: its next failure starts from the first delay again."""
        with self._condition:
            self._failures.pop(key, None)

    def get(self, timeout_s: float) -> tuple[K, float] | None:
        """The next key and how long it waited, in seconds; None when time is up or closed."""
        deadline_s = self._now_s() + timeout_s
        with self._condition:
            while True:
                self._promote()
                if self._ready and not self._closed:
                    key = next(iter(self._ready))
                    waited_s = self._now_s() - self._ready.pop(key)
                    self._running.add(key)
                    return key, waited_s
                remaining_s = deadline_s - self._now_s()
                if self._closed or remaining_s <= 0.0:
                    return None
                if self._delayed:
                    remaining_s = min(remaining_s, self._delayed[0][0] - self._now_s())
                self._condition.wait(max(0.001, remaining_s))

    def done(self, key: K) -> None:
        """The worker has finished with a key that `get` returned."""
        with self._condition:
            self._running.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._add(key)

    def close(self) -> None:
        """Hand out nothing more; what waits is dropped, for every key is found again."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def depth(self) -> int:
        """Keys that are ready and wait for a worker."""
        with self._condition:
            self._promote()
            return len(self._ready)

    def idle(self) -> bool:
        """Whether no key is ready or running."""
        with self._condition:
            self._promote()
            return not self._ready and not self._running

    def _add(self, key: K) -> None:
        if self._closed:
            return
        if key in self._running:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = self._now_s()
            self._condition.notify()

    def _promote(self) -> None:
        now_s = self._now_s()
        while self._delayed and self._delayed[0][0] <= now_s:
            due_s, _, key = heapq.heappop(self._delayed)
            if self._due.get(key) == due_s:
                del self._due[key]
                self._add(key)
