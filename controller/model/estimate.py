"""What is known of sizes (evidence) and what follows for each of them (estimates)."""

from dataclasses import dataclass
from enum import StrEnum

from controller.model.demand import Interval
from controller.model.missing import Maybe
from controller.model.size import Size
from controller.model.window import NOT_PUBLISHED


@dataclass(frozen=True, slots=True)
class Observation:
    """Latencies measured at one size over one interval; one row of stored evidence."""

    size: Size
    era: str
    """Code and configuration it was measured under: latencies compare only within an era."""
    start_s: float
    end_s: float
    requests: int
    mean_ms: float
    p50_ms: float
    p95_ms: float
    met_ratio: Maybe[float]
    threshold_ms: float
    source: str = "cloudwatch"
    load_rps: Maybe[float] = NOT_PUBLISHED
    """Requests per second and instance that they were measured under."""


class Rejection(StrEnum):
    """Why a candidate was not chosen."""

    CHOSEN = "Chosen"
    CURRENT = "Current"
    BELOW_BOUNDS = "BelowBounds"
    ABOVE_BOUNDS = "AboveBounds"
    BELOW_MEMORY_FLOOR = "BelowMemoryFloor"
    INFEASIBLE_BEFORE = "OutOfMemoryOrTimeout"
    SLO_UNLIKELY = "SloUnlikely"
    QUARANTINED = "Quarantined"
    OVER_BUDGET = "OverBudget"
    DEARER = "Dearer"
    SAVING_TOO_SMALL = "SavingTooSmall"
    STEP_TOO_FAR = "StepTooFar"
    PRICE_UNKNOWN = "PriceUnknown"
    TOO_LITTLE_CONCURRENCY = "TooLittleConcurrency"
    TOO_FEW_INSTANCES = "TooFewInstances"
    KEPT_FOR_NOBODY = "KeptForNobody"
    NOT_MEASURED = "NotMeasured"
    """Known from its catalogue data only: good enough to probe, not to switch to."""
    NOT_ALLOWED = "NotAllowed"


@dataclass(frozen=True, slots=True)
class Estimate:
    """One size under the present demand."""

    size: Size
    p95_ms: Interval
    p_slo: float
    """Probability that this size meets the SLO."""
    usd_per_month: Maybe[Interval]
    evidence: str
    """What the estimate rests on, in words: `measured here`, `predicted from 3008 MB`."""
    measured_requests: int
    """Requests seen at this very size in the present era."""
    instances: Maybe[Interval] = NOT_PUBLISHED
    """Instances needed at the actual demand: at the trough, on average, at the peak."""
    capacity_rps: Maybe[Interval] = NOT_PUBLISHED
    """Highest load per instance that meets the SLO."""
    usd_per_hour: Maybe[float] = NOT_PUBLISHED
    """Of one instance, for kinds that are billed by the hour."""
    standing: tuple[Rejection, str] | None = None
    """What the estimate itself says against the size, if anything. `NotMeasured` yields to a
    breach that nothing else can mend; all else is out of the question."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A size on the ladder, its estimate, and why it was or was not chosen."""

    estimate: Estimate
    rejection: Rejection
    detail: str
