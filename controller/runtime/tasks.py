"""What may wait in the work queue. Each is a value: the same task twice is one task."""

from dataclasses import dataclass
from typing import TypeAlias

from controller.model.endpoint import EndpointKey
from controller.model.policy import Scope


@dataclass(frozen=True, slots=True)
class SamplePlace:
    """Read CloudWatch once for all due endpoints of a place, then let each be worked on."""

    scope: Scope


@dataclass(frozen=True, slots=True)
class WorkOn:
    """One tick of one endpoint."""

    key: EndpointKey


@dataclass(frozen=True, slots=True)
class Resync:
    """Ask AWS which endpoints the policies mean."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Look whether the policy files have changed."""


@dataclass(frozen=True, slots=True)
class Prune:
    """Cut back what grows without end: evidence, journal, published versions."""


@dataclass(frozen=True, slots=True)
class StepProbes:
    """Take probes under way a step on, and begin live ones that are due."""


Task: TypeAlias = SamplePlace | WorkOn | Resync | Reload | Prune | StepProbes
