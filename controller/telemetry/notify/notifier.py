"""Events in, messages out: one thread per channel, so that a slow one holds up nobody.

`tell` never waits: it puts the event into the outboxes of the channels that want it. What
could not be delivered is counted and logged by the channel's name, never by its address.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from controller.telemetry.notify.channel import Channel, ChannelType
from controller.telemetry.notify.events import Event
from controller.telemetry.notify.outbox import Outbox
from controller.telemetry.notify.post import Never, NotNow

Deliver = Callable[[Channel, Sequence[Event]], None]
"""Raises NotNow or Never."""
Counted = Callable[[str, str, int], None]
"""A channel's name, what came of it (sent, failed, dropped, suppressed), how many events."""
IDLE_S = 60.0


class Notifier(Protocol):
    """Who is told what happened."""

    def tell(self, event: Event) -> None:
        """Returns at once and never raises."""


class Silent:
    """Nobody is told."""

    def tell(self, event: Event) -> None:
        """Forget it."""


class Channels:
    """All channels of a process."""

    def __init__(
        self,
        channels: Sequence[Channel],
        deliver: Mapping[ChannelType, Deliver],
        *,
        now_s: Callable[[], float],
        counted: Counted,
    ) -> None:
        """Args: the channels; who delivers, by type; a clock that never goes back; who counts."""
        self._workers = [
            _Worker(channel, deliver[channel.type], now_s, counted) for channel in channels
        ]

    def start(self) -> None:
        """Begin to deliver."""
        for worker in self._workers:
            worker.start()

    def tell(self, event: Event) -> None:
        """Put it into the outboxes of the channels that want it."""
        for worker in self._workers:
            worker.tell(event)

    def stop(self, grace_s: float) -> None:
        """Deliver what is due or being collected, wait so long for it, then end."""
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.join(grace_s)


class _Worker(threading.Thread):
    """One channel's outbox and its deliveries."""

    def __init__(
        self, channel: Channel, deliver: Deliver, now_s: Callable[[], float], counted: Counted
    ) -> None:
        super().__init__(name=f"notify-{channel.name}", daemon=True)
        self._channel = channel
        self._deliver = deliver
        self._now_s = now_s
        self._counted = counted
        self._outbox = Outbox(channel)
        self._news = threading.Condition()
        self._stopping = False
        self._log = structlog.get_logger("rightsizer")

    def tell(self, event: Event) -> None:
        """Never waits for a delivery: the lock is held for moments only."""
        if not self._channel.wants(event):
            return
        with self._news:
            taken = self._outbox.put(event, self._now_s())
            self._news.notify()
        if not taken.accepted:
            self._counted(self._channel.name, "suppressed", 1)
        if taken.dropped:
            self._counted(self._channel.name, "dropped", taken.dropped)

    def stop(self) -> None:
        """End after what is due now, and what is being collected for a digest."""
        with self._news:
            self._stopping = True
            self._outbox.end_digest()
            self._news.notify()

    def run(self) -> None:
        """Deliver until stopped."""
        while True:
            with self._news:
                events = self._outbox.due(self._now_s())
                if not events:
                    if self._stopping:
                        return
                    self._news.wait(self._patience_s())
                    continue
            self._send(events)
            if self._stopping:
                return

    def _patience_s(self) -> float:
        next_s = self._outbox.next_s()
        return IDLE_S if next_s is None else min(IDLE_S, max(0.01, next_s - self._now_s()))

    def _send(self, events: tuple[Event, ...]) -> None:
        name = self._channel.name
        try:
            self._deliver(self._channel, events)
        except NotNow as error:
            with self._news:
                again = self._outbox.failed(events, self._now_s())
            if not again:
                self._gave_up(events, str(error))
            return
        except Never as error:
            with self._news:
                self._outbox.refused(events, self._now_s())
            self._gave_up(events, str(error))
            return
        except Exception as error:
            # a defect of ours in one message must not end the channel
            with self._news:
                self._outbox.refused(events, self._now_s())
            self._gave_up(events, f"an unexpected {type(error).__name__}")
            return
        with self._news:
            self._outbox.sent(events, self._now_s())
        self._counted(name, "sent", len(events))

    def _gave_up(self, events: tuple[Event, ...], why: str) -> None:
        self._counted(self._channel.name, "failed", len(events))
        self._log.warning(
            f"channel {self._channel.name} could not be told of {len(events)} events: {why}"
        )
