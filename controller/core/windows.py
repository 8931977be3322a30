"""Change windows: weekly local time in which a change may start."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from controller.model.policy import ChangeWindow

WEEK_DAYS = 7


def open_at(windows: Sequence[ChangeWindow], now_s: float) -> bool:
    """Whether any window is open; no windows means always."""
    return not windows or any(_open(w, now_s) for w in windows)


def next_opening_s(windows: Sequence[ChangeWindow], now_s: float) -> float | None:
    """When the next window opens, if one ever does."""
    starts = [start for w in windows for start, _ in _spans(w, now_s) if start > now_s]
    return min(starts) if starts else None


def _open(window: ChangeWindow, now_s: float) -> bool:
    return any(start <= now_s < end for start, end in _spans(window, now_s))


def _spans(window: ChangeWindow, now_s: float) -> list[tuple[float, float]]:
    """The window's openings from yesterday until a week ahead, in epoch seconds.

    Local wall-clock times: in the night that clocks change, a window is an hour shorter
    or longer, as the people who wrote it would expect.
    """
    zone = ZoneInfo(window.timezone)
    today = datetime.fromtimestamp(now_s, UTC).astimezone(zone).date()
    length = window.end_minute - window.start_minute
    spans = []
    for offset in range(-1, WEEK_DAYS + 1):
        day = today + timedelta(days=offset)
        if day.weekday() not in window.days:
            continue
        start = _local(zone, day.year, day.month, day.day, window.start_minute)
        end_day = day + timedelta(days=1) if length <= 0 else day
        end = _local(zone, end_day.year, end_day.month, end_day.day, window.end_minute)
        spans.append((start, end))
    return spans


def _local(zone: ZoneInfo, year: int, month: int, day: int, minute: int) -> float:
    midnight = datetime(year, month, day)  # noqa: DTZ001 - wall-clock time, made aware below
    return (midnight + timedelta(minutes=minute)).replace(tzinfo=zone).timestamp()
