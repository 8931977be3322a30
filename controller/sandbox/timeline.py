"""States in force one after the other: what metrics of the past are computed from."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """A state that is in force from an instant on."""

    @property
    def start_s(self) -> float:
        """Seconds since the epoch."""


State = TypeVar("State", bound=Dated)


@dataclass(slots=True)
class Timeline(Generic[State]):
    """States of one name, oldest first; nothing before the first."""

    states: list[State] = field(default_factory=list)

    def append(self, state: State) -> None:
        """Put a state in force; one that starts at the same instant is replaced."""
        while self.states and self.states[-1].start_s >= state.start_s:
            self.states.pop()
        self.states.append(state)

    def at(self, instant_s: float) -> State | None:
        """The state in force at an instant."""
        index = bisect_right(self.states, instant_s, key=lambda state: state.start_s)
        return self.states[index - 1] if index else None

    def between(self, start_s: float, end_s: float) -> Iterator[tuple[float, float, State]]:
        """(from, to, state) for every state in force in [start_s, end_s), clipped to it."""
        first = bisect_right(self.states, start_s, key=lambda state: state.start_s) - 1
        for index in range(max(first, 0), len(self.states)):
            state = self.states[index]
            if state.start_s >= end_s:
                return
            last = index + 1 == len(self.states)
            until = end_s if last else min(end_s, self.states[index + 1].start_s)
            yield max(start_s, state.start_s), until, state


MINUTE_S = 60.0


def by_minutes(
    timeline: Timeline[State], hour_s: int, first: int, until: int
) -> Iterator[tuple[int, int, tuple[tuple[float, State], ...]]]:
    """(first minute, last minute, parts) of minutes [first, until) of an hour.

    Cut where the state changes. Parts are (share of the time, state), more than one only in
    a minute in which it changed; they sum to less than 1 where there was no state yet.
    """
    begin_s, end_s = hour_s + first * MINUTE_S, hour_s + until * MINUTE_S
    stretches = list(timeline.between(begin_s, end_s))
    if len(stretches) == 1 and stretches[0][0] <= begin_s:
        yield first, until, ((1.0, stretches[0][2]),)
        return
    minute = first
    for start_s, stop_s, state in stretches:
        start, stop = (start_s - hour_s) / MINUTE_S, (stop_s - hour_s) / MINUTE_S
        whole_from, whole_to = math.ceil(start), int(stop)
        if start < whole_from and int(start) >= minute:
            yield int(start), int(start) + 1, _mix(stretches, hour_s, int(start))
            minute = int(start) + 1
        if max(whole_from, minute) < whole_to:
            yield max(whole_from, minute), whole_to, ((1.0, state),)
            minute = whole_to


def _mix(
    stretches: list[tuple[float, float, State]], hour_s: int, minute: int
) -> tuple[tuple[float, State], ...]:
    """States in force in one minute, each with its share of it."""
    begin_s = hour_s + minute * MINUTE_S
    parts = []
    for start_s, stop_s, state in stretches:
        overlap_s = min(stop_s, begin_s + MINUTE_S) - max(start_s, begin_s)
        if overlap_s > 0:
            parts.append((overlap_s / MINUTE_S, state))
    return tuple(parts)
