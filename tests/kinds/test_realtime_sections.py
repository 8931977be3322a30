"""Bounds in falling rows, and capacities that are found with few of the loads reckoned."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_world import C5, Machine, rows_of

from controller.kinds.realtime_endpoint.capacity import Curves
from controller.kinds.realtime_endpoint.fitting import fitted
from controller.kinds.realtime_endpoint.loads import gathered
from controller.kinds.realtime_endpoint.sections import Places, last_above
from controller.kinds.realtime_endpoint.types import shift

IDLE_MS = 100.0


def busy(top: float) -> Curves:
    """What is believed after a day of loads up to a share of the limit."""
    machine = Machine()
    loads = np.linspace(0.1, top, 96) * machine.capacity_rps(IDLE_MS)
    parts = [machine.part(i * 300.0, load, 1.0, 1e9, 1.0) for i, load in enumerate(loads)]
    found = gathered(rows_of(parts, C5))
    assert found is not None
    return fitted(found, 0.95, 4)


@given(
    row=st.lists(st.integers(0, 40), max_size=160).map(lambda row: sorted(row, reverse=True)),
    bounds=st.lists(st.integers(-1, 41).map(float), min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_the_last_place_above_each_bound(row: list[int], bounds: list[float]) -> None:
    values, asked = np.asarray(row, dtype=np.float64), []

    def values_at(places: Places) -> np.ndarray:
        asked.extend(places.tolist())
        return values[places]

    found = last_above(values_at, bounds, len(row))
    assert found == tuple(sum(value > bound for value in row) - 1 for bound in bounds)
    assert len(asked) <= 17 * len(bounds)


def test_a_higher_threshold_is_borne_at_no_lower_load() -> None:
    for curves in (busy(0.9), busy(0.3), busy(0.6).shifted(shift(C5, "ml.m5.4xlarge"))):
        found = [curves.capacity_rps(ms) for ms in np.geomspace(15.0, 3000.0, 40)]
        for rows in zip(*((f.low, f.mid, f.high) for f in found), strict=True):
            assert list(rows) == sorted(rows)
        assert all(f.low <= f.mid <= f.high for f in found)
        assert found[0].low < found[-1].low


def test_the_usable_load_is_the_last_that_is_sure_enough() -> None:
    for curves in (busy(0.9), busy(0.3).shifted(shift(C5, "ml.c5.4xlarge"))):
        for ms in (60.0, 100.0, 400.0):
            usable, only_the_reach = curves.usable_rps(ms, 0.9)
            met = curves.p_met(np.asarray([usable, usable * 1.06]), ms)
            assert (met[0] >= 0.9) == (usable > 0.0)
            assert only_the_reach == (usable >= curves.reach_rps * 0.999)
            assert only_the_reach or met[1] < 0.9
