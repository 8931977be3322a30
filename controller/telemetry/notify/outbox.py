"""What one channel still has to say, and when: a value of time, without threads or a network.

An event is said once: the same thing within `repeat_after_s` is suppressed, unless its
opposite came in between (broken, restored, broken again is three events of three types).
At most `max_per_hour` messages leave in any hour; what waits leaves together, as one. A
message that could not be delivered is tried again, later and later, then given up.
"""

from collections import deque
from dataclasses import dataclass

from controller.telemetry.notify.channel import Channel
from controller.telemetry.notify.events import Event

HOUR_S = 3600.0
RETRY_FIRST_S = 2.0
RETRY_LONGEST_S = 300.0
TRIES = 8
"""Two seconds, four, … : given up after a quarter of an hour."""
MOST_WAITING = 500
"""Older events are dropped: a channel that is down for a day must not fill the memory."""

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event."""

    accepted: bool
    dropped: int = 0
    """Older events that had to go for it."""


class Outbox:
    """Not thread-safe; its owner locks. All times are one clock's, in seconds."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._digest_s = channel.digest_s
        self._waiting: deque[Event] = deque()
        self._said: dict[tuple[str, str], tuple[str, float]] = {}
        self._left: deque[float] = deque()
        self._since_s: float | None = None
        self._tries = 0
        self._not_before_s = 0.0

    def put(self, event: Event, now_s: float) -> Taken:
        """Take an event that the channel wants; not accepted where it was said already."""
        about = event.topic, event.subject
        type_, said_s = self._said.get(about, ("", now_s))
        if type_ == event.type and now_s - said_s < self._channel.repeat_after_s:
            return Taken(False)
        if len(self._said) >= MOST_REMEMBERED:
            self._said = {
                about: said
                for about, said in self._said.items()
                if now_s - said[1] < self._channel.repeat_after_s
            }
        self._said[about] = event.type, now_s
        self._waiting.append(event)
        if self._since_s is None:
            self._since_s = now_s
        dropped = max(0, len(self._waiting) - MOST_WAITING)
        for _ in range(dropped):
            self._waiting.popleft()
        return Taken(True, dropped)

    def end_digest(self) -> None:
        """What is being collected is due: nobody will be there when its time has come."""
        self._digest_s = 0.0

    def due(self, now_s: float) -> tuple[Event, ...]:
        """What is to be sent now, as one message; empty where nothing is, or not yet."""
        at_s = self.next_s()
        return tuple(self._waiting) if at_s is not None and at_s <= now_s else ()

    def next_s(self) -> float | None:
        """When something is due; None where nothing waits."""
        if self._since_s is None:
            return None
        at_s = max(self._since_s + self._digest_s, self._not_before_s)
        if len(self._left) >= self._channel.max_per_hour:
            at_s = max(at_s, self._left[-self._channel.max_per_hour] + HOUR_S)
        return at_s

    def sent(self, events: tuple[Event, ...], now_s: float) -> None:
        """These were delivered."""
        self._left.append(now_s)
        while self._left and self._left[0] <= now_s - HOUR_S:
            self._left.popleft()
        self._forget(events, now_s)

    def refused(self, events: tuple[Event, ...], now_s: float) -> None:
        """These will never be delivered: no further try."""
        self._forget(events, now_s)

    def failed(self, events: tuple[Event, ...], now_s: float) -> bool:
        """These could not be delivered now; False where that was the last try."""
        self._tries += 1
        if self._tries >= TRIES:
            self._forget(events, now_s)
            return False
        delay_s = min(RETRY_LONGEST_S, RETRY_FIRST_S * 2.0 ** (self._tries - 1))
        self._not_before_s = now_s + delay_s
        return True

    def _forget(self, events: tuple[Event, ...], now_s: float) -> None:
        gone = {id(event) for event in events}
        self._waiting = deque(event for event in self._waiting if id(event) not in gone)
        self._since_s = now_s if self._waiting else None
        self._tries, self._not_before_s = 0, 0.0
