"""Advice that costs nothing: what is said, and above all when nothing is."""

from dataclasses import replace

import pytest
from given import HOUR_S, NOW_S, a_window

from controller.core.advice import Small, batch_like, consolidation, idle, orphaned
from controller.model.advice import Advice
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.reason import Reason
from controller.model.window import Window

GONE = Missing("no datapoint")


def hours(counts: list[int | Missing]) -> list[Window]:
    return [
        a_window(NOW_S - (len(counts) - i) * HOUR_S, period_s=HOUR_S, requests=count)
        for i, count in enumerate(counts)
    ]


def sure(advice: Advice | None) -> Advice:
    assert advice is not None
    return advice


def test_a_week_of_zeros_is_idle() -> None:
    found = sure(idle(hours([5] * 10 + [0] * 170), NOW_S, 148.92))
    assert found.reason is Reason.IDLE
    assert "148.92 USD/month" in found.message


@pytest.mark.parametrize(
    "counts",
    [
        [0] * 167 + [1],
        [1] + [0] * 167,
        [0] * 100,  # too young to tell
        [GONE] * 168,  # silence is no proof
        [0] * 100 + [GONE] * 68,
        [],
    ],
)
def test_anything_less_is_not(counts: list[int | Missing]) -> None:
    assert idle(hours(counts), NOW_S, 148.92) is None


def test_what_costs_nothing_or_who_knows_what_is_not_idle() -> None:
    assert idle(hours([0] * 170), NOW_S, 0.0) is None
    assert idle(hours([0] * 170), NOW_S, Missing("no price")) is None


NIGHTLY: list[int | Missing] = ([0] * 23 + [5000]) * 14


def test_one_burst_a_night_is_a_batch() -> None:
    found = sure(batch_like(hours(NIGHTLY), NOW_S, 150.0))
    assert found.reason is Reason.BATCH_LIKE
    assert "4.2 % of the hours" in found.message
    assert not isinstance(found.saves_usd_per_month, Missing)
    assert found.saves_usd_per_month.mid == pytest.approx(150.0 * (1 - 1.5 / 24))


@pytest.mark.parametrize(
    "counts",
    [
        [100] * 336,  # all day
        ([0] * 20 + [5000] * 4) * 14,  # four hours of each day
        ([0] * 23 + [10]) * 14,  # hardly any
        ([2] * 23 + [500]) * 14,  # somebody calls in between
    ],
)
def test_other_shapes_are_not(counts: list[int | Missing]) -> None:
    assert batch_like(hours(counts), NOW_S, 150.0) is None


def test_a_batch_needs_a_week_and_money_to_save() -> None:
    assert batch_like(hours(NIGHTLY[:160]), NOW_S, 150.0) is None
    assert batch_like(hours(NIGHTLY), NOW_S, 3.0) is None
    assert batch_like(hours(NIGHTLY), NOW_S, Missing("no price")) is None


def small(name: str, share: float = 0.1, **values: object) -> Small:
    key = EndpointKey("123456789012", "us-east-1", Kind.REALTIME_ENDPOINT, name, "AllTraffic")
    plain = Small(key, "ml.c5.xlarge", 1.0, share, 0.204)
    return replace(plain, **values)  # type: ignore[arg-type]


def group(*members: Small) -> dict[EndpointKey, Small]:
    return {member.key: member for member in members}


def test_five_small_ones_into_one_save_four_fifths() -> None:
    """The published case: 80 % from five to one."""
    five = [small(f"state-{n}") for n in range(5)]
    found = sure(consolidation(five[0], group(*five)))
    assert found.reason is Reason.CONSOLIDATE
    assert not isinstance(found.saves_usd_per_month, Missing)
    assert found.saves_usd_per_month.high == pytest.approx(0.8 * 5 * 0.204 * 730)
    assert "state-0, state-1" in found.message
    assert "multi-model endpoint of 1" in found.message


def test_those_that_do_not_fit_together_stay_apart() -> None:
    one = small("a")
    elsewhere = replace(one.key, region="eu-west-1", name="b")
    assert consolidation(one, group(one)) is None
    assert consolidation(one, group(one, small("b", share=0.6))) is None
    assert consolidation(small("a", share=0.6), group(one, small("b"))) is None
    assert consolidation(one, group(one, small("b", instance_type="ml.m5.xlarge"))) is None
    assert consolidation(one, {elsewhere: replace(one, key=elsewhere)}) is None


def test_peaks_are_added_up_and_the_availability_floor_holds() -> None:
    members = [small(f"m{n}", share=0.25) for n in range(6)]
    found = sure(consolidation(members[0], group(*members)))
    assert "multi-model endpoint of 2" in found.message
    pair = [small(n, least_instances=2, instances=2.0) for n in "ab"]
    assert "endpoint of 2" in sure(consolidation(pair[0], group(*pair))).message


def test_leftovers_are_named() -> None:
    assert orphaned([]) is None
    assert "1 endpoint configuration made" in sure(orphaned(["rightsizer-a"])).message
    four = sure(orphaned([f"rightsizer-{n}" for n in range(4)]))
    assert four.reason is Reason.ORPHANED_CONFIGS
    assert "and 1 more" in four.message
