"""The calendar of CloudWatch: which intervals may be asked for, and when they are whole.

CloudWatch keeps values per period, aligned to the period since the epoch, publishes them a few
minutes late, and coarsens them as they age. Asking off the grid, too early or too finely gives
silence or a part of the truth, never an error.
"""

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86_400

PUBLICATION_DELAY_S = 120.0
"""One-minute metrics are usually there after one to three minutes; no reader asks sooner."""

_KEPT_S = (
    (15 * DAY_S, 60),
    (63 * DAY_S, 300),
    (455 * DAY_S, 3600),
)
"""(age in seconds, finest period still readable at that age): CloudWatch API, GetMetricData."""


def align_down(instant_s: float, period_s: int) -> float:
    """The start of the period that contains `instant_s`."""
    return float(instant_s // period_s * period_s)


def align_up(instant_s: float, period_s: int) -> float:
    """The first start of a period that is not before `instant_s`."""
    down_s = align_down(instant_s, period_s)
    return down_s if down_s == instant_s else down_s + period_s


def aligned(instant_s: float, period_s: int) -> bool:
    """Whether a period starts at `instant_s`."""
    return instant_s == align_down(instant_s, period_s)


def closed_end(now_s: float, period_s: int, delay_s: float = PUBLICATION_DELAY_S) -> float:
    """The end of the last period that is over and published: exclusive end of a safe query.

    Raises ValueError for a delay under two minutes, with which the newest period would be
    read while its values still arrive.
    """
    if delay_s < PUBLICATION_DELAY_S:
        raise ValueError(f"a publication delay of {delay_s} s is under {PUBLICATION_DELAY_S} s")
    return align_down(now_s - delay_s, period_s)


def finest_period_s(start_s: float, now_s: float) -> int | None:
    """The smallest period in which data from `start_s` can still be read; None: none at all.

    Coarser periods must be a multiple of it. (High-resolution metrics under a minute, kept
    for three hours, are not read by this program.)
    """
    age_s = now_s - start_s
    for kept_s, period_s in _KEPT_S:
        if age_s <= kept_s:
            return period_s
    return None
