"""Latencies as a histogram of characters, on a scale where each bar is wider by the same factor."""

import math
from collections.abc import Sequence

BARS = 16
WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def histogram(values_ms: Sequence[float], threshold_ms: float | None = None) -> list[str]:
    """A line per bar: its range, its share as a bar, its count; a mark where the SLO lies.

    Empty for no values. Latencies spread over factors, not sums: equal steps of their logarithm
    show the bulk and the tail alike.
    """
    if not values_ms:
        return []
    edges = _edges(min(values_ms), max(values_ms), len(values_ms))
    counts = [0] * (len(edges) - 1)
    for value in values_ms:
        place = next((i for i, edge in enumerate(edges[1:]) if value < edge), len(counts) - 1)
        counts[place] += 1
    most, lines = max(counts), []
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        mark = "<- SLO" if threshold_ms is not None and low <= threshold_ms < high else ""
        span = f"{_ms(low):>7}-{_ms(high):<7} ms"
        lines.append(f"{span} {_bar(count / most):<{WIDTH}} {count:>6,} {mark}".rstrip())
    return lines


def _edges(low: float, high: float, count: int) -> list[float]:
    """From just below the least to just above the most."""
    low, high = max(low, 1e-3) * 0.999, max(high, 1e-3) * 1.001
    wide = math.ceil(math.log(high / low) / math.log(1.05))
    bars = max(1, min(BARS, wide, math.ceil(2.0 * math.sqrt(count))))
    factor = (high / low) ** (1.0 / bars)
    return [low * factor**i for i in range(bars + 1)]


def _bar(share: float) -> str:
    eighths = round(share * WIDTH * 8)
    if share > 0.0:
        eighths = max(1, eighths)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")


def _ms(value: float) -> str:
    return f"{value:.0f}" if value >= 100.0 else f"{value:.3g}"
