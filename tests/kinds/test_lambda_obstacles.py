"""Live states that forbid a change, and sizes that are out of the question."""

from dataclasses import replace

import pytest
from given import UNREAD, a_config, a_demand, a_live
from hypothesis import given
from hypothesis import strategies as st

from controller.kinds.lambda_function.obstacles import barred, obstacles
from controller.model.demand import Attainment, SloStatus
from controller.model.endpoint import LATEST, AliasConfig, LambdaLive
from controller.model.estimate import Rejection
from controller.model.policy import Bounds
from controller.model.reason import Reason
from controller.model.size import LambdaSize

SIZES = [256, 512, 1024, 2048, 4096]
WELL = SloStatus(Attainment.MET, 1000, 5, 0.995, 1.0, 100.0, 0.0, 0.0)
FAILING = replace(WELL, error_ratio=0.05)


# --- live states ---


@pytest.mark.parametrize("live", [a_live(), a_live(alias=None), a_live(latest=a_config(2048))])
def test_a_plain_function_may_be_changed(live: LambdaLive) -> None:
    assert obstacles(live, False) == {}


UNRELEASED = a_live(latest=a_config(fingerprint="new"))
SPLIT = a_live(weights={"2": 0.1})
WARM = a_live(provisioned_concurrency=5)
ON_LATEST = LambdaLive(a_config(), AliasConfig("live", LATEST, "r"), {LATEST: a_config()})


@pytest.mark.parametrize(
    ("live", "reason", "words"),
    [
        (UNRELEASED, Reason.UNRELEASED_CODE, "$LATEST differs from version 1"),
        (SPLIT, Reason.FOREIGN_ROUTING, "splits traffic between versions 1 and 2"),
        (WARM, Reason.PROVISIONED_CONCURRENCY, "5 environments are kept warm on alias live"),
        (ON_LATEST, Reason.FOREIGN_ROUTING, "set the policy's qualifier to $LATEST"),
    ],
)
def test_each_obstacle_has_its_reason(live: LambdaLive, reason: Reason, words: str) -> None:
    found = obstacles(live, False)
    assert list(found) == [reason]
    assert words in found[reason]
    assert obstacles(live, True) == {}, "while our change is open they differ by design"


def test_all_obstacles_are_told_at_once() -> None:
    everything = a_live(
        weights={"2": 0.5}, latest=a_config(fingerprint="new"), provisioned_concurrency=1
    )
    assert list(obstacles(everything, False)) == [
        Reason.FOREIGN_ROUTING,
        Reason.UNRELEASED_CODE,
        Reason.PROVISIONED_CONCURRENCY,
    ]


# --- sizes ---


def rejected(
    current_mb: int,
    *,
    bounds: Bounds | None = None,
    used: object = 100,
    slo: SloStatus = WELL,
    sizes: list[int] | None = None,
) -> dict[int, Rejection]:
    demand = a_demand(memory_used_mb=used)
    found = barred(sizes or SIZES, current_mb, bounds or Bounds(), demand, slo)
    assert all(detail for _, detail in found.values())
    return {size.memory_mb: rejection for size, (rejection, _) in found.items()}


def test_nothing_is_barred_without_a_cause() -> None:
    assert rejected(1024) == {}
    assert rejected(1024, used=UNREAD) == {}


def test_sizes_outside_the_bounds_are_barred_on_their_side() -> None:
    found = rejected(1024, bounds=Bounds(min_memory_mb=512, max_memory_mb=2048))
    assert found == {256: Rejection.BELOW_BOUNDS, 4096: Rejection.ABOVE_BOUNDS}


def test_a_size_below_every_listed_one_is_below_and_one_between_is_not() -> None:
    found = rejected(256, bounds=Bounds(memory_mb=(512, 2048)))
    assert found == {
        256: Rejection.BELOW_BOUNDS,
        1024: Rejection.ABOVE_BOUNDS,
        4096: Rejection.ABOVE_BOUNDS,
    }


def test_what_cannot_hold_the_memory_in_use_is_barred() -> None:
    floor = Rejection.BELOW_MEMORY_FLOOR
    assert rejected(2048, used=500) == {256: floor, 512: floor}
    assert rejected(2048, used=400) == {256: floor}


def test_the_floor_bars_neither_the_live_size_nor_a_larger_one() -> None:
    # A runtime that takes all it is given would be chased upwards for ever.
    assert rejected(1024, used=1024) == {
        256: Rejection.BELOW_MEMORY_FLOOR,
        512: Rejection.BELOW_MEMORY_FLOOR,
    }


def test_calls_that_fail_with_all_memory_in_use_bar_all_that_is_below_the_floor() -> None:
    assert rejected(512, used=512, slo=FAILING) == {
        256: Rejection.BELOW_MEMORY_FLOOR,
        512: Rejection.INFEASIBLE_BEFORE,
    }
    # 1,024 MB were in use before somebody made it smaller: nothing less is tried again.
    assert rejected(512, used=900, slo=FAILING) == {
        256: Rejection.BELOW_MEMORY_FLOOR,
        512: Rejection.INFEASIBLE_BEFORE,
        1024: Rejection.BELOW_MEMORY_FLOOR,
    }


def test_where_the_bounds_leave_no_headroom_more_than_is_in_use_will_do() -> None:
    found = rejected(512, bounds=Bounds(max_memory_mb=1024), used=1000, slo=FAILING)
    assert 1024 not in found


@pytest.mark.parametrize(
    ("used", "slo"),
    [
        (511, FAILING),  # not all of it in use
        (512, WELL),  # no errors
        (512, replace(FAILING, requests=20)),  # one failure in twenty: chance
        (512, replace(FAILING, error_ratio=0.005)),
        (512, replace(FAILING, error_ratio=UNREAD)),
        (UNREAD, FAILING),
    ],
)
def test_running_out_of_memory_needs_both_signs_and_certainty(used: object, slo: SloStatus) -> None:
    assert 512 not in rejected(512, used=used, slo=slo)


@given(
    st.sampled_from(SIZES),
    st.integers(1, 10_000),
    st.sampled_from([WELL, FAILING]),
    st.sampled_from([Bounds(), Bounds(512, 2048), Bounds(memory_mb=(512, 4096))]),
)
def test_the_live_size_is_barred_for_the_bounds_or_for_failing_calls_only(
    current_mb: int, used: int, slo: SloStatus, limits: Bounds
) -> None:
    found = rejected(current_mb, bounds=limits, used=used, slo=slo)
    if found.get(current_mb) is Rejection.INFEASIBLE_BEFORE:
        assert slo is FAILING
        assert used >= current_mb
    assert found.get(current_mb) is not Rejection.BELOW_MEMORY_FLOOR
    assert LambdaSize(current_mb).memory_mb in SIZES
