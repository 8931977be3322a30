"""What SageMaker asks of Application Auto Scaling and of CloudWatch's alarms.

Each of these rooms puts itself here when a world first uses it; until then nothing is
registered and no alarm is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Autoscaling(Protocol):
    """Application Auto Scaling as SageMaker sees it."""

    def registered_targets(
        self, account: str, region: str, endpoint: str, variant: str
    ) -> Sequence[str]:
        """Scalable dimensions of a variant that are registered."""

    def deregister(self, account: str, region: str, endpoint: str, variant: str) -> None:
        """Forget the targets of a variant whose endpoint is being deleted, with their policies."""


class Alarms(Protocol):
    """CloudWatch's alarms as SageMaker's deployments see them."""

    def alarm_state(self, account: str, region: str, name: str) -> str | None:
        """`OK`, `ALARM` or `INSUFFICIENT_DATA` now; None where there is no such alarm."""


@dataclass(slots=True)
class Neighbours:
    """`state_of(world, Neighbours)`; None where a room has not been used yet."""

    autoscaling: Autoscaling | None = None
    alarms: Alarms | None = None
