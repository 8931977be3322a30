"""States in force one after the other: what metrics of the past are computed from."""

from __future__ import annotations

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
