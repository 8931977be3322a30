"""How long a call takes at a memory size: the response curve of a function.

A curve gives the mean duration of a warm call. Two sorts exist: the family
`a + b / min(m, s)**p`, which fits measured functions best of those tried, and measured
points joined by straight lines in log-log space.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Curve(Protocol):
    """Mean duration of a warm call as a function of memory."""

    def mean_ms(self, memory_mb: float) -> float:
        """Milliseconds at `memory_mb`."""

    def document(self) -> dict[str, Any]:
        """JSON-able form that `curve_from` reads back."""


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """`a_ms + b / min(memory, saturation)**p`: flat beyond `saturation_mb`."""

    a_ms: float
    b: float
    p: float = 1.0
    saturation_mb: float = 10_240.0

    def mean_ms(self, memory_mb: float) -> float:
        """Milliseconds at `memory_mb`."""
        return self.a_ms + self.b / math.pow(min(memory_mb, self.saturation_mb), self.p)

    def document(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"a_ms": self.a_ms, "b": self.b, "p": self.p, "saturation_mb": self.saturation_mb}


@dataclass(frozen=True, slots=True)
class MeasuredCurve:
    """Points (mb, ms), joined in log-log space.

    Above the last point the curve is flat; below the first it goes on with the first
    slope. A single point is a constant.
    """

    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        sizes = [mb for mb, _ in self.points]
        if not sizes or sizes != sorted(set(sizes)) or any(ms <= 0 for _, ms in self.points):
            raise ValueError("a measured curve needs rising sizes and durations above 0 ms")

    def mean_ms(self, memory_mb: float) -> float:
        """Milliseconds at `memory_mb`."""
        points = self.points
        if memory_mb >= points[-1][0] or len(points) == 1:
            return points[-1][1]
        upper = max(1, bisect_right([mb for mb, _ in points], memory_mb))
        (mb0, ms0), (mb1, ms1) = points[upper - 1], points[upper]
        share = math.log(memory_mb / mb0) / math.log(mb1 / mb0)
        return ms0 * math.pow(ms1 / ms0, share)

    def document(self) -> dict[str, Any]:
        """JSON-able form."""
        return {"points": [list(point) for point in self.points]}


def curve_from(document: Mapping[str, Any]) -> Curve:
    """A curve from JSON: `{a_ms, b, p, saturation_mb}`, `{points: [[mb, ms], ...]}` or
    `{file: path}` to a JSON file with `points`, or `sizes_mb` and `duration_ms`.

    Raises ValueError when it is none of them.
    """
    if "file" in document:
        return curve_from(json.loads(Path(document["file"]).read_text(encoding="utf-8")))
    if "sizes_mb" in document:
        pairs = sorted(zip(document["sizes_mb"], document["duration_ms"], strict=True))
        return MeasuredCurve(tuple((float(mb), float(ms)) for mb, ms in pairs))
    if "points" in document:
        pairs = sorted((float(mb), float(ms)) for mb, ms in document["points"])
        return MeasuredCurve(tuple(pairs))
    if "b" in document:
        known = {"a_ms", "b", "p", "saturation_mb"}
        return PowerCurve(
            **{"a_ms": 0.0} | {k: float(v) for k, v in document.items() if k in known}
        )
    raise ValueError("a response curve needs `b`, `points`, `sizes_mb` or `file`")
