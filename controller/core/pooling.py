"""Short windows of thin traffic, put together until they say something of a latency."""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.evidence import MIN_REQUESTS_PER_HOUR
from controller.model.estimate import Observation
from controller.model.missing import Maybe, Missing
from controller.model.size import Size
from controller.model.window import Window


@dataclass(frozen=True, slots=True)
class _Part:
    window: Window
    requests: int
    mean_ms: float
    p50_ms: float
    p95_ms: float


def pooled(windows: Iterable[Window], size: Size, era: str) -> Maybe[Observation]:
    """All windows as one observation; Missing where they hold too few requests.

    The mean is exact. Percentiles cannot be added up: theirs are weighted means, good enough
    for a level that is known to have moved.
    """
    parts = [part for part in map(_part, windows) if part is not None]
    requests = sum(part.requests for part in parts)
    if requests < MIN_REQUESTS_PER_HOUR:
        return Missing(f"{requests:,} requests with a latency")
    return Observation(
        size=size,
        era=era,
        start_s=min(part.window.start_s for part in parts),
        end_s=max(part.window.end_s for part in parts),
        requests=requests,
        mean_ms=sum(part.mean_ms * part.requests for part in parts) / requests,
        p50_ms=sum(part.p50_ms * part.requests for part in parts) / requests,
        p95_ms=sum(part.p95_ms * part.requests for part in parts) / requests,
        met_ratio=Missing("not added up"),
        threshold_ms=parts[0].window.threshold_ms,
        source="pooled",
    )


def _part(window: Window) -> _Part | None:
    """A window's latencies, above zero as logarithms need them; None where one is missing."""
    requests, took = window.requests, window.latencies
    if isinstance(requests, Missing) or isinstance(took, Missing) or requests <= 0:
        return None
    return _Part(
        window, requests, max(took.mean_ms, 1e-3), max(took.p50_ms, 1e-3), max(took.p95_ms, 1e-3)
    )
