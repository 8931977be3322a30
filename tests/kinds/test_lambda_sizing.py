"""The ladder, the bill, and the memory that must be there."""

import math
from itertools import pairwise

import pytest
from given import ERA, NOW_S, UNREAD, X86_PRICES, Truth, a_demand, bounds, rows_of, windows_of
from hypothesis import given
from hypothesis import strategies as st

from controller.core.evidence import Evidence, evidence
from controller.kinds.lambda_function.sizing import (
    LARGEST_MB,
    SMALLEST_MB,
    SizingInputs,
    duration_usd_per_month,
    estimates,
    in_bounds,
    ladder,
    memory_floor_mb,
    usd_per_month,
)
from controller.model.demand import Interval
from controller.model.missing import Missing
from controller.model.policy import Bounds

LIVE_SIZES = st.integers(SMALLEST_MB, LARGEST_MB)


# --- ladder ---


def test_the_whole_ladder() -> None:
    rungs = ladder(Bounds(), 128)
    assert rungs[0] == SMALLEST_MB
    assert rungs[-1] == LARGEST_MB
    assert {1769, 3538, 5307, 7076, 8845} <= set(rungs)  # whole vCPUs
    assert len(rungs) <= 100
    assert max(b / a for a, b in pairwise(rungs)) <= 1.13


@given(bounds(), LIVE_SIZES)
def test_a_ladder_holds_the_live_size_and_else_only_what_is_allowed(
    limits: Bounds, current_mb: int
) -> None:
    rungs = ladder(limits, current_mb)
    assert list(rungs) == sorted(set(rungs))
    assert current_mb in rungs
    assert all(SMALLEST_MB <= mb <= LARGEST_MB for mb in rungs)
    others = [mb for mb in rungs if mb != current_mb]
    assert all(in_bounds(limits, mb) for mb in others)
    if limits.memory_mb is None:
        assert {limits.min_memory_mb, limits.max_memory_mb} - {None} <= set(rungs)
    else:
        assert set(limits.memory_mb) <= set(rungs)


def test_an_explicit_list_is_cut_by_the_limits() -> None:
    limits = Bounds(min_memory_mb=512, max_memory_mb=2048, memory_mb=(256, 512, 1000, 3008))
    assert ladder(limits, 1024) == (512, 1000, 1024)
    assert [mb for mb in (256, 512, 1000, 1024, 3008) if in_bounds(limits, mb)] == [512, 1000]


# --- bill ---


@pytest.mark.parametrize(
    ("gb_s", "usd"),
    [
        (0.0, 0.0),
        (1e6, 16.6667),
        (6e9, 100_000.2),
        (7e9, 100_000.2 + 15_000.0),
        (16e9, 100_000.2 + 135_000.0 + 13_333.4),
    ],
)
def test_gb_seconds_are_priced_through_the_tiers(gb_s: float, usd: float) -> None:
    # AWS Lambda pricing, x86: 6 B GB-s at 0.0000166667, 9 B at 0.000015, then 0.0000133334.
    assert duration_usd_per_month(gb_s, X86_PRICES) == pytest.approx(usd)


@given(st.floats(0.0, 5e10), st.floats(0.0, 5e10))
def test_more_gb_seconds_cost_more_but_never_more_each(one: float, two: float) -> None:
    low, high = sorted((one, two))
    dear, cheap = (duration_usd_per_month(x, X86_PRICES) for x in (low, high))
    assert dear <= cheap * (1 + 1e-12)
    if low > 1.0:
        assert cheap / high <= dear / low * (1 + 1e-9)


def test_a_months_bill() -> None:
    # 1 M requests of 100 ms at 1 GB: 100,500 GB-s (half a ms of rounding each), 0.20 for requests.
    demand = a_demand(cold_start_ratio=UNREAD)
    usd = usd_per_month(1024, 100.0, 1e6, demand, X86_PRICES)
    assert usd == pytest.approx(100_500 * 0.0000166667 + 0.20)


def test_cold_starts_are_billed_where_they_are_known() -> None:
    # INIT is billed since August 2025: one request in a hundred waits 2 s for it.
    cold = a_demand(cold_start_ratio=0.01, init_mean_ms=2000.0)
    warm = a_demand(cold_start_ratio=0.01, init_mean_ms=UNREAD)
    extra = usd_per_month(1024, 100.0, 1e6, cold, X86_PRICES) - usd_per_month(
        1024, 100.0, 1e6, warm, X86_PRICES
    )
    assert extra == pytest.approx(20_000 * 0.0000166667)


# --- memory ---


@pytest.mark.parametrize(("used", "floor"), [(100, 115), (512, 589), (1, 2)])
def test_the_floor_is_what_is_in_use_and_fifteen_percent(used: int, floor: int) -> None:
    assert memory_floor_mb(a_demand(memory_used_mb=used)) == floor


def test_an_unknown_use_has_no_floor() -> None:
    assert memory_floor_mb(a_demand(memory_used_mb=UNREAD)) == UNREAD


# --- estimates ---


def seen(truth: Truth, memory_mb: int = 1024) -> Evidence:
    hours = windows_of(truth, memory_mb, count=48, end_s=NOW_S)
    return evidence(rows_of(hours, memory_mb), ERA)


def test_an_estimate_of_every_size() -> None:
    truth = Truth(fixed_share=0.2)
    sizes = ladder(Bounds(), 1024)
    found = estimates(sizes, SizingInputs(seen(truth), a_demand(), X86_PRICES, 200.0))
    assert not isinstance(found, Missing)
    assert [e.size.memory_mb for e in found] == list(sizes)
    for estimate in found:
        p95, usd = estimate.p95_ms, estimate.usd_per_month
        assert not isinstance(usd, Missing)
        assert 0.0 < p95.low < p95.mid < p95.high
        assert 0.0 < usd.low < usd.mid < usd.high
        assert 0.0 <= estimate.p_slo <= 1.0
    here = found[sizes.index(1024)]
    assert here.evidence == "measured here"
    assert here.measured_requests == 96_000
    assert here.p95_ms.mid == pytest.approx(truth.p95_ms(1024))
    below = found[sizes.index(512)]
    assert (below.evidence, below.measured_requests) == ("predicted from 1024 MB", 0)
    widths = [math.log(e.p95_ms.high / e.p95_ms.low) for e in (here, below)]
    assert widths[0] < widths[1]


def test_without_a_price_there_is_latency_but_no_cost() -> None:
    unknown = Missing("the Price List could not be read")
    found = estimates([512, 1024], SizingInputs(seen(Truth()), a_demand(), unknown, 200.0))
    assert not isinstance(found, Missing)
    assert all(e.usd_per_month == unknown for e in found)


def test_without_evidence_there_are_no_estimates() -> None:
    nothing = estimates([512], SizingInputs(evidence([], ERA), a_demand(), X86_PRICES, 200.0))
    assert isinstance(nothing, Missing)


def test_unsure_traffic_makes_an_unsure_bill() -> None:
    def width(requests: Interval) -> float:
        demand = a_demand(requests_per_month=requests)
        found = estimates([1024], SizingInputs(seen(Truth()), demand, X86_PRICES, 200.0))
        assert not isinstance(found, Missing)
        usd = found[0].usd_per_month
        assert not isinstance(usd, Missing)
        return usd.high / usd.low

    assert width(Interval(1e6, 1e6, 1e6)) < width(Interval(5e5, 1e6, 1.5e6))
    assert math.isfinite(width(Interval(0.0, 1e6, 2e6)))
