"""What served when: the history of configurations that metrics are computed from.

AWS's control plane changes a function's configuration; requests see only what is in force
at that instant. `Serving` is such a state, `History` the row of them. Nothing that happened
is ever rewritten: metrics of the past are a function of the history up to then.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from controller.sandbox.workload import Workload


@dataclass(frozen=True, slots=True)
class Variant:
    """One set of execution environments: a version under one configuration.

    A change of configuration makes a new variant, whose environments all start cold.
    `uid` names it for ever within its function.
    """

    uid: str
    version: str
    memory_mb: int
    timeout_s: int
    architecture: str
    latency_factor: float = 1.0
    """What this code does to durations, against the workload's curve."""
    memory_factor: float = 1.0


Route = tuple[tuple[Variant, float], ...]
"""Variants and their shares of the requests; shares sum to 1."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What answers requests from `start_s` until the next state.

    `routes` maps every qualifier that can be invoked (`$LATEST`, version numbers, aliases)
    to what answers it; `reserved` is the
    function's concurrency limit; `provisioned` the ready environments by qualifier.
    """

    start_s: float
    workload: Workload
    routes: Mapping[str, Route] = field(default_factory=dict)
    reserved: int | None = None
    provisioned: Mapping[str, int] = field(default_factory=dict)

    def route(self, qualifier: str | None) -> Route:
        """What answers requests under a qualifier (None: the bare name); empty if nothing."""
        return self.routes.get(qualifier or "$LATEST", ())


@dataclass(slots=True)
class History:
    """Serving states of one function name, oldest first; nothing before the first."""

    states: list[Serving] = field(default_factory=list)

    def append(self, state: Serving) -> None:
        """Put a state in force; one that starts at the same instant is replaced."""
        while self.states and self.states[-1].start_s >= state.start_s:
            self.states.pop()
        self.states.append(state)

    def at(self, instant_s: float) -> Serving | None:
        """The state in force at an instant."""
        index = bisect_right(self.states, instant_s, key=lambda state: state.start_s)
        return self.states[index - 1] if index else None

    def between(self, start_s: float, end_s: float) -> Iterator[tuple[float, float, Serving]]:
        """(from, to, state) for every state in force in [start_s, end_s), clipped to it."""
        first = bisect_right(self.states, start_s, key=lambda state: state.start_s) - 1
        for index in range(max(first, 0), len(self.states)):
            state = self.states[index]
            if state.start_s >= end_s:
                return
            last = index + 1 == len(self.states)
            until = end_s if last else min(end_s, self.states[index + 1].start_s)
            yield max(start_s, state.start_s), until, state
