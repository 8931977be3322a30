"""What served when: the history of configurations that metrics are computed from.

AWS's control plane changes a function's configuration; requests see only what is in force
at that instant. `Serving` is such a state, `History` the row of them. Nothing that happened
is ever rewritten: metrics of the past are a function of the history up to then.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.sandbox.timeline import Timeline
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


History = Timeline[Serving]
"""Serving states of one function name, oldest first; nothing before the first."""
