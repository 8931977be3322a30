"""The grid of CloudWatch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.periods import (
    DAY_S,
    PUBLICATION_DELAY_S,
    align_down,
    align_up,
    aligned,
    closed_end,
    finest_period_s,
)

INSTANTS = st.floats(0, 4e9)
PERIODS = st.sampled_from([60, 300, 3600, 86_400])


@given(INSTANTS, PERIODS)
def test_alignment_brackets_the_instant(instant_s: float, period_s: int) -> None:
    down, up = align_down(instant_s, period_s), align_up(instant_s, period_s)
    assert down <= instant_s <= up
    assert up - down == (0 if down == instant_s else period_s)
    assert aligned(down, period_s)
    assert aligned(up, period_s)
    assert align_down(down, period_s) == down == align_up(down, period_s)


@given(INSTANTS.filter(lambda s: s > 86_400), PERIODS, st.floats(PUBLICATION_DELAY_S, 3600))
def test_a_closed_end_is_published_and_the_newest_such(
    now_s: float, period_s: int, delay_s: float
) -> None:
    end_s = closed_end(now_s, period_s, delay_s)
    assert aligned(end_s, period_s)
    assert end_s <= now_s - delay_s < end_s + period_s


def test_nobody_reads_before_the_publication_delay() -> None:
    with pytest.raises(ValueError, match="under 120"):
        closed_end(1e9, 60, delay_s=119.9)


@pytest.mark.parametrize(
    ("age_days", "finest"),
    [(0, 60), (15, 60), (15.01, 300), (63, 300), (63.01, 3600), (455, 3600), (455.01, None)],
)
def test_values_coarsen_with_age(age_days: float, finest: int | None) -> None:
    # CloudWatch API, GetMetricData: 60 s for 15 days, 300 s for 63, 3600 s for 455.
    assert finest_period_s(0.0, age_days * DAY_S) == finest
