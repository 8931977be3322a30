"""Weekly change windows in local time, nights and clock changes included."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from given import DAY_S, HOUR_S, NOW_S
from hypothesis import given
from hypothesis import strategies as st

from controller.core.windows import next_opening_s, open_at
from controller.model.policy import ChangeWindow

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
EVERY_DAY = tuple(range(7))

windows = st.builds(
    ChangeWindow,
    st.sets(st.integers(0, 6), min_size=1).map(lambda d: tuple(sorted(d))),
    st.integers(0, 1439),
    st.integers(0, 1440),
    st.sampled_from(ZONES),
)


def local(zone: str, *when: int, fold: int = 0) -> float:
    return datetime(*when, tzinfo=ZoneInfo(zone), fold=fold).timestamp()  # type: ignore[arg-type,misc]


def test_without_windows_it_is_always_time() -> None:
    assert open_at((), NOW_S)
    assert next_opening_s((), NOW_S) is None


@pytest.mark.parametrize(
    ("hour", "minute", "is_open"), [(8, 59, False), (9, 0, True), (16, 59, True), (17, 0, False)]
)
def test_a_window_includes_its_start_and_not_its_end(hour: int, minute: int, is_open: bool) -> None:
    office = ChangeWindow((2,), 9 * 60, 17 * 60, "Europe/Berlin")
    assert open_at([office], local("Europe/Berlin", 2026, 2, 25, hour, minute)) == is_open


def test_a_window_over_midnight_belongs_to_the_day_it_opens() -> None:
    night = ChangeWindow((4,), 22 * 60, 4 * 60, "Europe/Berlin")  # Friday night
    friday, saturday = (2026, 2, 27), (2026, 2, 28)
    assert open_at([night], local("Europe/Berlin", *friday, 22, 0))
    assert open_at([night], local("Europe/Berlin", *saturday, 3, 59))
    assert not open_at([night], local("Europe/Berlin", *saturday, 4, 0))
    assert not open_at([night], local("Europe/Berlin", *saturday, 22, 0))
    assert not open_at([night], local("Europe/Berlin", *friday, 3, 0))


@pytest.mark.parametrize("end_minute", [0, 1440])
def test_midnight_ends_a_day_however_it_is_written(end_minute: int) -> None:
    wednesday = ChangeWindow((2,), 0, end_minute, "UTC")
    midnight_s = NOW_S - 12 * HOUR_S
    assert not open_at([wednesday], midnight_s - 1)
    assert open_at([wednesday], midnight_s)
    assert open_at([wednesday], midnight_s + DAY_S - 1)
    assert not open_at([wednesday], midnight_s + DAY_S)


def test_the_same_start_and_end_is_a_whole_day() -> None:
    window = ChangeWindow((2,), 600, 600, "UTC")
    assert open_at([window], NOW_S - 2 * HOUR_S)
    assert open_at([window], NOW_S + 22 * HOUR_S - 1)
    assert not open_at([window], NOW_S + 22 * HOUR_S)


def test_any_open_window_will_do_and_the_next_to_open_is_named() -> None:
    early, late = ChangeWindow((2,), 60, 120, "UTC"), ChangeWindow((2,), 1380, 1400, "UTC")
    assert not open_at([early, late], NOW_S)
    assert next_opening_s([early, late], NOW_S) == NOW_S + 11 * HOUR_S
    assert open_at([early, late], NOW_S + 11 * HOUR_S)


def test_a_weekly_window_that_just_closed_opens_in_a_week() -> None:
    window = ChangeWindow((2,), 600, 660, "UTC")
    assert next_opening_s([window], NOW_S) == NOW_S - 2 * HOUR_S + 7 * DAY_S


# --- the nights in which clocks change: 2026-03-29 and 2026-10-25 in Berlin ---


def test_in_spring_a_night_window_is_an_hour_shorter() -> None:
    night = ChangeWindow((6,), 60, 5 * 60, "Europe/Berlin")
    start_s = local("Europe/Berlin", 2026, 3, 29, 1, 0)
    assert open_at([night], start_s)
    assert open_at([night], start_s + 3 * HOUR_S - 1)
    assert not open_at([night], start_s + 3 * HOUR_S)


def test_in_autumn_a_night_window_is_an_hour_longer() -> None:
    night = ChangeWindow((6,), 60, 5 * 60, "Europe/Berlin")
    start_s = local("Europe/Berlin", 2026, 10, 25, 1, 0)
    assert open_at([night], start_s + 5 * HOUR_S - 1)
    assert not open_at([night], start_s + 5 * HOUR_S)


@pytest.mark.parametrize("days", range(-3, 4))
def test_nine_in_the_morning_stays_nine_in_the_morning(days: int) -> None:
    office = ChangeWindow(EVERY_DAY, 9 * 60, 10 * 60, "Europe/Berlin")
    nine_s = local("Europe/Berlin", 2026, 3, 29 + days if days <= 2 else 31, 9, 0)
    assert open_at([office], nine_s)
    assert not open_at([office], nine_s - 1)
    assert not open_at([office], nine_s + HOUR_S)


# --- for any window at any time ---

instants = st.integers(int(NOW_S), int(NOW_S + 400 * DAY_S)).map(float)


@given(windows, instants)
def test_the_next_opening_is_ahead_and_opens_unless_clocks_swallow_it(
    window: ChangeWindow, now_s: float
) -> None:
    opens_s = next_opening_s([window], now_s)
    assert opens_s is not None
    assert now_s < opens_s <= now_s + 8 * DAY_S
    length = (window.end_minute - window.start_minute) % 1440 or 1440
    if length > 60:  # an hour at most is lost to a clock change
        assert open_at([window], opens_s)


@given(windows, instants)
def test_what_is_open_is_open_by_the_local_clock(window: ChangeWindow, now_s: float) -> None:
    there = datetime.fromtimestamp(now_s, UTC).astimezone(ZoneInfo(window.timezone))
    around = {there.utcoffset()}
    for hours in (-26, 26):
        other = datetime.fromtimestamp(now_s + hours * HOUR_S, UTC)
        around.add(other.astimezone(ZoneInfo(window.timezone)).utcoffset())
    if len(around) > 1:
        return  # close to a clock change: the tests above say what happens
    minute = there.hour * 60 + there.minute
    today, yesterday = there.weekday(), (there.weekday() - 1) % 7
    over_midnight = window.end_minute <= window.start_minute
    begun = today in window.days and window.start_minute <= minute
    expected = begun and (over_midnight or minute < window.end_minute)
    expected |= over_midnight and yesterday in window.days and minute < window.end_minute
    assert open_at([window], now_s) == expected
