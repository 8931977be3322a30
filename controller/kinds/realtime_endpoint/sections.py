"""Where a falling row of numbers passes a bound, with few of the numbers reckoned."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from controller.core.stats import Floats

Places: TypeAlias = npt.NDArray[np.int64]

PARTS = 6
"""Into how many a stretch is divided at once: fewer need more rounds, more need more numbers."""


def last_above(
    values_at: Callable[[Places], Floats], bounds: Sequence[float], length: int
) -> tuple[int, ...]:
    """Of a row that never rises, the last place whose value is above each bound; -1: none is.

    `values_at` is asked for rising places, and answers with the value at each.
    """
    lows, highs = [-1] * len(bounds), [length] * len(bounds)
    while True:
        asked = sorted(
            {p for low, high in zip(lows, highs, strict=True) for p in _within(low, high)}
        )
        if not asked:
            return tuple(lows)
        places = np.asarray(asked, dtype=np.int64)
        found = values_at(places)
        for i, bound in enumerate(bounds):
            above = places[found > bound]
            below = places[found <= bound]
            lows[i] = max(lows[i], int(above[-1])) if len(above) else lows[i]
            highs[i] = min(highs[i], int(below[0])) if len(below) else highs[i]


def _within(low: int, high: int) -> Sequence[int]:
    """Places that divide what lies between two into parts."""
    between = high - low - 1
    if between < PARTS:
        return range(low + 1, high)
    return [low + (high - low) * part // PARTS for part in range(1, PARTS)]
