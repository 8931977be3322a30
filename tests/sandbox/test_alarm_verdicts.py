"""Rows of CloudWatch's own tables on missing data, and properties around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.sandbox.alarms_verdict import MORE_PERIODS, judge, quiet_periods

SIGNS = {"0": False, "X": True, "-": None}


def _slots(row):
    return [SIGNS[sign] for sign in row.split()]


@pytest.mark.parametrize(
    ("row", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", "OK", "OK", "OK", "OK"),
        ("0 - - - -", "OK", "OK", "OK", "OK"),
        ("- - - - -", "INSUFFICIENT_DATA", None, "ALARM", "OK"),
        ("0 X X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("- - X - -", "ALARM", None, "ALARM", "OK"),
    ],
)
def test_three_out_of_three(row, missing, ignore, breaching, not_breaching):
    """The user guide's table for 3 periods of which 3 must breach, 5 looked at."""
    slots = _slots(row)
    assert judge(slots, 3, 3, "missing") == missing
    assert judge(slots, 3, 3, "ignore") == ignore
    assert judge(slots, 3, 3, "breaching") == breaching
    assert judge(slots, 3, 3, "notBreaching") == not_breaching


@pytest.mark.parametrize(
    ("row", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0 - X - X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 0 X 0 X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0 - X - -", "OK", "OK", "ALARM", "OK"),
        ("- - - - 0", "OK", "OK", "ALARM", "OK"),
        ("- - - X -", "ALARM", None, "ALARM", "OK"),
    ],
)
def test_two_out_of_three(row, missing, ignore, breaching, not_breaching):
    """The user guide's table for 3 periods of which 2 must breach, 5 looked at."""
    slots = _slots(row)
    assert judge(slots, 3, 2, "missing") == missing
    assert judge(slots, 3, 2, "ignore") == ignore
    assert judge(slots, 3, 2, "breaching") == breaching
    assert judge(slots, 3, 2, "notBreaching") == not_breaching


def test_a_fresh_breach_alone_is_no_alarm():
    """A single new breaching point after silence may be followed by a good one: no change."""
    assert judge(_slots("- - - - X"), 3, 3, "missing") is None


@given(data=st.data())
def test_no_alarm_before_the_quiet_periods_are_over(data):
    """Whatever comes next, the state cannot become ALARM sooner than promised."""
    periods = data.draw(st.integers(1, 15))
    datapoints = data.draw(st.integers(1, periods))
    sign = st.sampled_from([True, False, None])
    length = periods + MORE_PERIODS
    slots = data.draw(st.lists(sign, min_size=length, max_size=length))
    missing = data.draw(st.sampled_from(["missing", "ignore", "notBreaching"]))
    if judge(slots, periods, datapoints, missing) == "ALARM":
        return
    quiet = quiet_periods(slots, periods, datapoints)
    for number in range(1, quiet):
        slots = [*slots[1:], data.draw(sign)]
        assert judge(slots, periods, datapoints, missing) != "ALARM", number
