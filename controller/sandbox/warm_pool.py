"""Execution environments of calls that come through the Invoke API.

A clock that stands still between two calls means that the first had been answered before
the second came: the environment is free again. Only where time moves can calls overlap.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class _Environment:
    variant: str
    started_s: float
    free_s: float


@dataclass(slots=True)
class WarmPool:
    """Environments of one function."""

    environments: list[_Environment] = field(default_factory=list)

    def busy(self, now_s: float) -> int:
        """Calls in progress at an instant."""
        return sum(1 for e in self.environments if e.started_s < now_s < e.free_s)

    def take(
        self, variant: str, now_s: float, duration_ms: float, keep_s: float, *, warm: bool
    ) -> bool:
        """Serve a call; True if that needed a fresh environment.

        warm: ordinary traffic keeps spare environments of this variant.
        """
        self.environments = [e for e in self.environments if now_s - e.free_s <= keep_s]
        free_s = now_s + duration_ms / 1000.0
        for environment in self.environments:
            idle = environment.free_s <= now_s or environment.started_s == now_s
            if environment.variant == variant and idle:
                environment.started_s, environment.free_s = now_s, free_s
                return False
        self.environments.append(_Environment(variant, now_s, free_s))
        return not warm
