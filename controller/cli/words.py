"""Numbers, intervals and instants as tables show them."""

from controller.model.demand import Interval
from controller.model.missing import Maybe, Missing
from controller.runtime.documents import instant

UNKNOWN = "?"


def number(value: float) -> str:
    """Three significant digits or whole numbers: `0.123`, `45.6`, `1,234`."""
    if abs(value) >= 100.0:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def usd(value: Maybe[float]) -> str:
    """`12.34`; more digits where cents would hide it."""
    if isinstance(value, Missing):
        return UNKNOWN
    return f"{value:,.2f}" if abs(value) >= 0.1 or value == 0.0 else f"{value:.2g}"


def usd_range(value: Maybe[Interval]) -> str:
    """`12.34 (10.00-15.00)`."""
    if isinstance(value, Missing):
        return UNKNOWN
    return f"{usd(value.mid)} ({usd(value.low)}-{usd(value.high)})"


def ms_range(value: Interval) -> str:
    """`212 (200-231)`."""
    return f"{number(value.mid)} ({number(value.low)}-{number(value.high)})"


def percent(value: Maybe[float]) -> str:
    """`0.12 %`."""
    return UNKNOWN if isinstance(value, Missing) else f"{100.0 * value:.3g} %"


def probability(value: float) -> str:
    """Three digits, and never a certainty that nobody has."""
    return f"{min(0.999, max(0.001, value)):.3f}"


def arrow(before: str, after: str) -> str:
    """`a -> b`, or `a` where nothing changes."""
    return before if before == after else f"{before} -> {after}"


def when(at_s: float | None) -> str:
    """RFC 3339, or nothing."""
    return instant(at_s) or ""


def span(seconds: float) -> str:
    """About how long, in the largest unit that is not a fraction: `90 s`, `25 min`, `3 d`."""
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
