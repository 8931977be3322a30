"""No account or region may hold up another one: how many workers a place may have at once.

A place whose calls hang costs a worker for as long as they take. It is left one worker at
most, and after each task that took so long it rests, twice as long each time, up to five
minutes; a task that ends in time makes it an ordinary place again. Where there are several,
no place ever has all workers; a place that is alone holds up nobody, and never rests.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from controller.model.policy import Scope

SLOW_S = 20.0
"""A read of a large place, or a change of several calls, is done by then."""
FIRST_REST_S = 15.0
LONGEST_REST_S = 300.0
BUSY_S = 0.5
"""How soon to ask again for a place that has all the workers it may have."""


@dataclass(slots=True)
class _Place:
    under_way: int = 0
    slow: int = 0
    """Tasks in a row that took too long."""
    rests_until_s: float = 0.0


class Places:
    """Counts what is under way. Safe from several threads.

    Args:
        workers: how many there are.
        steady_s: monotonic seconds.
    """

    def __init__(self, workers: int, steady_s: Callable[[], float]) -> None:
        self._workers = workers
        self._steady_s = steady_s
        self._lock = threading.Lock()
        self._places: dict[Scope, _Place] = {}

    def enter(self, scope: Scope) -> float:
        """0: a task may begin, and `leave` must follow. Else in how many seconds to ask again."""
        now_s = self._steady_s()
        with self._lock:
            place = self._places.setdefault(scope, _Place())
            if place.rests_until_s > now_s:
                return place.rests_until_s - now_s
            if place.under_way >= self._most(place):
                return BUSY_S
            place.under_way += 1
            return 0.0

    def _most(self, place: _Place) -> int:
        if place.slow:
            return 1
        return self._workers if len(self._places) == 1 else max(1, self._workers - 1)

    def leave(self, scope: Scope, took_s: float) -> float:
        """A task that had entered has ended, after so long; returns how long the place rests."""
        now_s = self._steady_s()
        with self._lock:
            place = self._places[scope]
            place.under_way -= 1
            if took_s <= SLOW_S or len(self._places) == 1:
                place.slow, place.rests_until_s = 0, 0.0
                return 0.0
            place.slow += 1
            rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(place.slow - 1, 10))
            place.rests_until_s = now_s + rest_s
            return rest_s
