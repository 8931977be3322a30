"""What the doors keep in a world: the faults, the record of calls, request ids."""

from __future__ import annotations

from controller.sandbox.faults import FaultPlan
from controller.sandbox.recorder import Recorder


class Front:
    """One per world."""

    def __init__(self) -> None:
        self.faults = FaultPlan()
        self.recorder = Recorder()
        self.requests = 0

    def next_request_id(self) -> str:
        """Looks like AWS's, and is the same in every run."""
        self.requests += 1
        return f"00000000-0000-4000-8000-{self.requests:012x}"
