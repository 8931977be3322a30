"""What the traffic asks, and how well the SLO is kept: values computed by the core."""

from dataclasses import dataclass
from enum import StrEnum

from controller.model.missing import Maybe, Missing

HOURLY_ONLY = Missing("no finer than by the hour")


@dataclass(frozen=True, slots=True)
class Interval:
    """A central value and the 90 % interval around it."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True)
class WeeklyHour:
    """Demand in one hour of the week, over the weeks seen."""

    hour: int
    """0-167 in UTC; 0 is Monday 00:00."""
    weeks: int
    """How often the hour was seen."""
    rps_mean: float
    rps_peak: float
    """In the busiest of them; of five minutes where the kind reads so finely."""
    rps_jump: float = 0.0
    """Rise within ten minutes that each of them had; 0 where only one was seen."""


@dataclass(frozen=True, slots=True)
class Course:
    """Demand as it came, part by part without a gap: what bursts there were, and how steep."""

    start_s: float
    step_s: float
    rps: tuple[float, ...]
    """A part without data has the rate of the next one that has some."""


@dataclass(frozen=True, slots=True)
class WarmHours:
    """All hours in which so many environments were kept warm."""

    provisioned: int
    requests: int
    cold_starts: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What the traffic asks, independent of the size that serves it."""

    requests_per_month: Interval
    requests_per_hour_peak: float
    requests_per_hour_trough: float
    concurrency_peak: Maybe[float]
    memory_used_mb: Maybe[int]
    """Largest memory seen in use, whatever the size."""
    error_ratio: Maybe[float]
    throttle_ratio: Maybe[float]
    cold_start_ratio: Maybe[float]
    init_mean_ms: Maybe[float]
    hours_observed: int
    rps_peak: Maybe[float] = HOURLY_ONLY
    """Requests per second in the busiest five minutes seen."""
    weekly: tuple[WeeklyHour, ...] = ()
    """By hour of the week in UTC, Monday midnight first; hours never seen are not there.
    Only where hours are read in parts; `core.week` tells it of any hours that are asked for."""
    course: Course | None = None
    """Up to two weeks by five minutes, for kinds that read so finely."""
    warm_hours: tuple[WarmHours, ...] = ()
    """By the number kept warm, for kinds that can keep environments warm."""
    idle_s: float = 0.0
    """So long until now nobody called, as AWS says and not by its silence."""


class Attainment(StrEnum):
    """Whether the SLO is met now, by counts."""

    MET = "Met"
    BREACHED = "Breached"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class SloStatus:
    """The SLO over its window, as an event ratio."""

    attainment: Attainment
    requests: int
    slow: int
    met_ratio: Maybe[float]
    p_met: float
    """Posterior probability that the true share of slow requests is within the SLO."""
    p95_ms: Maybe[float]
    error_ratio: Maybe[float]
    newest_s: Maybe[float]
    """End of the newest window with data."""
    throttle_ratio: Maybe[float] = HOURLY_ONLY
    """Throttled requests per request served, for kinds that read throttles so finely."""
