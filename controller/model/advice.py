"""Advice: what would save money and is carried out by nobody, and what it rests on."""

from dataclasses import dataclass

from controller.model.demand import Interval
from controller.model.endpoint import Kind
from controller.model.missing import Maybe
from controller.model.reason import Reason


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that a person might do."""

    reason: Reason
    """`MoveSuggested`, `Idle`, `OrphanedConfigs`, `BatchLike` or `Consolidate`."""
    message: str
    saves_usd_per_month: Maybe[Interval]


@dataclass(frozen=True, slots=True)
class HostingCost:
    """What the same demand costs under one kind of hosting."""

    kind: Kind
    what: str
    """The size it was reckoned with: `2048 MB`, `2 x ml.c5.large`."""
    usd_per_month: Maybe[Interval]
    """The interval is what is not known of how the model would run there; of the present
    hosting it is the estimate."""
    break_even_rps: Maybe[float]
    """Steady requests per second at which it costs as much as the present hosting."""
    assumes: str
    present: bool = False
