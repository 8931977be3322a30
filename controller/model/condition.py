"""Conditions, by the conventions of the Kubernetes API."""

from dataclasses import dataclass
from enum import StrEnum

from controller.model.reason import Reason


class ConditionType(StrEnum):
    """What is being said."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    DATA_FRESH = "DataFresh"
    PAUSED = "Paused"
    DRIFTED = "Drifted"
    SLO_MET = "SloMet"
    WITHIN_BUDGET = "WithinBudget"


class ConditionStatus(StrEnum):
    """Kubernetes' three words."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; `last_transition_s` moves only when `status` does."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str
    observed_generation: str
    last_transition_s: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A person's stop. `scope` is an EndpointKey as text, or `*` for the whole fleet."""

    scope: str
    since_s: float
    until_s: float | None
    reason: str
    actor: str
