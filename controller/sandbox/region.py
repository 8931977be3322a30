"""One account in one region: its functions, their histories, and what is broken there.

Accounts and regions share nothing, as in AWS.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.sandbox import draws
from controller.sandbox.invocations import Invocation
from controller.sandbox.lambda_state import Function
from controller.sandbox.serving import History, Serving
from controller.sandbox.warm_pool import WarmPool
from controller.sandbox.workload import Workload


@dataclass(slots=True)
class UpdateFault:
    """What will become of the next update of a function.

    `outcome` is `Failed` or `Hang` (stays InProgress for `hang_s`, for good where None).
    """

    function: str
    outcome: str
    reason: str = "The update failed for an injected reason."
    code: str = "InternalError"
    hang_s: float | None = None
    times: int = 1


@dataclass(slots=True)
class Region:
    """State of Lambda, and of what CloudWatch and Logs know, in one account and region."""

    account: str
    name: str
    seed: int
    concurrency_limit: int = 1000
    max_memory_mb: int = 10_240
    functions: dict[str, Function] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    histories: dict[str, History] = field(default_factory=dict)
    invocations: dict[str, list[Invocation]] = field(default_factory=dict)
    """Calls made through the API, by function name, oldest first."""
    pools: dict[str, WarmPool] = field(default_factory=dict)
    """Environments that those calls ran in, by function name."""
    log_groups: set[str] = field(default_factory=set)
    update_faults: list[UpdateFault] = field(default_factory=list)
    older_views: dict[str, deque[tuple[float, Function | None]]] = field(default_factory=dict)
    """(instant of the change, state before it), for reads that are not yet consistent."""
    ids: int = 0

    def new_id(self, *what: draws.Key) -> str:
        """The next identifier of this region; the same in every run of a seed."""
        self.ids += 1
        return draws.hex_id(self.seed, self.account, self.name, self.ids, *what)

    def touch(self, function: Function) -> str:
        """Count a change of a function; returns the revision id that goes with it."""
        function.changes += 1
        return self.new_id(function.name, "revision")

    def serve(self, name: str, at_s: float) -> None:
        """Put what the function's state says in force from an instant on."""
        function = self.functions.get(name)
        workload = self.workloads.get(name, Workload())
        state = Serving(start_s=at_s, workload=workload)
        if function is not None:
            ready = {q: p.available for q, p in function.provisioned.items() if p.available}
            state = replace(
                state,
                routes=function.routes(),
                reserved=function.reserved,
                provisioned=ready,
            )
            self.log_groups.add(function.log_group)
        self.histories.setdefault(name, History()).append(state)

    def note(self, name: str, call: Invocation) -> None:
        """Keep a call made through the API."""
        self.invocations.setdefault(name, []).append(call)

    def set_workload(self, name: str, workload: Workload, at_s: float) -> None:
        """Change what the function is by nature, or who calls it, from an instant on."""
        self.workloads[name] = workload
        if name in self.histories or name in self.functions:
            self.serve(name, at_s)

    def behave_like_code(self, function: Function) -> None:
        """Give a new function the nature of one that has the same code, where there is one.

        What disturbs that one disturbs this one too: it is the code's, or of what it calls.
        A name that had a workload before keeps it, with its callers.
        """
        if function.name in self.workloads:
            return
        for other in self.functions.values():
            for config in (other.latest, *other.versions.values()):
                if other is function or not config.same_code(function.latest):
                    continue
                theirs = self.workloads.get(other.name, Workload())
                self.workloads[function.name] = replace(theirs, streams=())
                function.latest = replace(
                    function.latest,
                    latency_factor=config.latency_factor,
                    memory_factor=config.memory_factor,
                )
                return

    def remember(self, name: str, at_s: float, before: Function | None) -> None:
        """Keep the state before a change, for eventually consistent reads."""
        views = self.older_views.setdefault(name, deque(maxlen=8))
        views.append((at_s, None if before is None else before.copy()))

    def visible(self, name: str, now_s: float, lag_s: float) -> Function | None:
        """A function as a read sees it that lags `lag_s` behind the writes."""
        if lag_s > 0:
            for changed_s, before in self.older_views.get(name, ()):
                if changed_s + lag_s > now_s:
                    return before
        return self.functions.get(name)

    def take_update_fault(self, name: str) -> UpdateFault | None:
        """The fault that hits an update of a function now; used up by that."""
        for fault in self.update_faults:
            if fault.function in (name, "*") and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    @property
    def reserved_total(self) -> int:
        """Concurrency set aside for single functions."""
        return sum(function.reserved or 0 for function in self.functions.values())


def update_fault_from(document: Mapping[str, Any]) -> UpdateFault:
    """An update fault from JSON: its fields by name. Raises TypeError, ValueError."""
    fault = UpdateFault(**document)
    if fault.outcome not in ("Failed", "Hang"):
        raise ValueError(f"an update fault's outcome is Failed or Hang, not {fault.outcome!r}")
    return fault
