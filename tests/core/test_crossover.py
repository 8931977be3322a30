"""The hosting crossover: where pay-per-use and instances meet, and when a move is suggested."""

from dataclasses import replace

import pytest
from given import X86_PRICES, a_demand
from hypothesis import given
from hypothesis import strategies as st

from controller.core.crossover import (
    Market,
    Present,
    hosting_costs,
    move,
    work_of_instance,
    work_of_memory,
)
from controller.core.hosting_costs import Host, gb_s_per_request
from controller.model.advice import HostingCost
from controller.model.demand import Demand, Interval, WeeklyHour
from controller.model.endpoint import Kind
from controller.model.missing import Missing
from controller.model.price import ServerlessPrices
from controller.model.reason import Reason

UNKNOWN = Missing("not known")
SERVERLESS = ServerlessPrices("us-east-1", 0.00002, UNKNOWN, UNKNOWN, 0.0, "bundled")
C5_LARGE = Host("ml.c5.large", 2, 4096, 0.102)
HOSTS = [C5_LARGE, Host("ml.c5.xlarge", 4, 8192, 0.204), Host("ml.c5.2xlarge", 8, 16384, 0.408)]
MARKET = Market(X86_PRICES, SERVERLESS, HOSTS)
MONTH_S = 730.0 * 3600.0


def steady(rps: float, hours: int = 336) -> Demand:
    month = rps * MONTH_S
    return a_demand(
        requests_per_month=Interval(month, month, month),
        requests_per_hour_peak=rps * 3600.0,
        requests_per_hour_trough=rps * 3600.0,
        hours_observed=hours,
        rps_peak=rps,
        weekly=tuple(WeeklyHour(h, 2, rps, rps) for h in range(168)),
    )


def present(kind: Kind, usd: float, **values: object) -> Present:
    plain = Present(kind, "now", Interval(usd, usd, usd), 200.0, {})
    return replace(plain, **values)  # type: ignore[arg-type]


def by_kind(lines: tuple[HostingCost, ...]) -> dict[Kind, HostingCost]:
    return {line.kind: line for line in lines}


def mid(line: HostingCost) -> float:
    assert not isinstance(line.usd_per_month, Missing)
    return line.usd_per_month.mid


def lambda_lines(rps: float, mean_ms: float = 100.0) -> tuple[HostingCost, ...]:
    """A function of 1769 MB, one vCPU."""
    gb_s = rps * MONTH_S * mean_ms / 1000.0 * 1769 / 1024
    usd = gb_s * 0.0000166667 + rps * MONTH_S * 2e-7
    work = work_of_memory(mean_ms, 1769, 900)
    return hosting_costs(present(Kind.LAMBDA_FUNCTION, usd), work, steady(rps), MARKET)


def test_the_break_even_of_one_busy_vcpu() -> None:
    """Facts: a function of 1,769 MB that is busy 98 % of the time costs what ml.c5.large does."""
    lines = by_kind(lambda_lines(0.05, mean_ms=1000.0))
    rate = lines[Kind.REALTIME_ENDPOINT].break_even_rps
    assert not isinstance(rate, Missing)
    # One second each, so the rate is the mean concurrency; requests have a small price too.
    assert rate == pytest.approx(0.98, abs=0.02)


def test_pay_per_use_never_crosses_pay_per_use() -> None:
    lines = by_kind(lambda_lines(1.0))
    assert isinstance(lines[Kind.SERVERLESS_ENDPOINT].break_even_rps, Missing)
    # The same memory costs a sixth more per GB-second, and 1769 MB become 2048.
    assert mid(lines[Kind.SERVERLESS_ENDPOINT]) > mid(lines[Kind.LAMBDA_FUNCTION])


def test_much_traffic_belongs_on_instances_and_little_does_not() -> None:
    busy = lambda_lines(50.0)
    advice, kind = move(busy, steady(50.0), None) or pytest.fail("nothing suggested")
    assert kind is Kind.REALTIME_ENDPOINT
    assert advice.reason is Reason.MOVE_SUGGESTED
    assert not isinstance(advice.saves_usd_per_month, Missing)
    assert 0.0 < advice.saves_usd_per_month.low <= advice.saves_usd_per_month.mid
    assert "requests/s" in advice.message
    assert move(lambda_lines(0.01), steady(0.01), None) is None


def test_a_quiet_instance_belongs_on_pay_per_use() -> None:
    demand = steady(0.01)
    work = work_of_instance(50.0, 4, 2000)
    lines = hosting_costs(present(Kind.REALTIME_ENDPOINT, 148.92), work, demand, MARKET)
    advice, kind = move(lines, demand, None) or pytest.fail("nothing suggested")
    assert kind in {Kind.LAMBDA_FUNCTION, Kind.SERVERLESS_ENDPOINT}
    assert "cold starts" in advice.message


def test_less_than_a_week_suggests_nothing() -> None:
    assert move(lambda_lines(50.0), steady(50.0, hours=167), None) is None


def line(kind: Kind, low: float, high: float, *, here: bool = False) -> HostingCost:
    return HostingCost(kind, "x", Interval(low, (low + high) / 2, high), UNKNOWN, "", here)


@pytest.mark.parametrize(
    ("dear_end", "fresh", "kept"),
    [(74.0, True, True), (76.0, False, True), (89.0, False, True), (91.0, False, False)],
)
def test_a_suggestion_enters_late_and_leaves_late(dear_end: float, fresh: bool, kept: bool) -> None:
    lines = [
        line(Kind.REALTIME_ENDPOINT, 100.0, 100.0, here=True),
        line(Kind.SERVERLESS_ENDPOINT, 10.0, dear_end),
    ]
    demand = steady(1.0)
    assert (move(lines, demand, None) is not None) == fresh
    assert (move(lines, demand, Kind.SERVERLESS_ENDPOINT) is not None) == kept


def test_the_dear_end_decides() -> None:
    lines = [
        line(Kind.REALTIME_ENDPOINT, 100.0, 100.0, here=True),
        line(Kind.SERVERLESS_ENDPOINT, 1.0, 99.0),
        line(Kind.LAMBDA_FUNCTION, 50.0, 60.0),
    ]
    assert move(lines, steady(1.0), None) is not None
    assert (move(lines, steady(1.0), None) or (None, None))[1] is Kind.LAMBDA_FUNCTION
    # One that holds is not left for one that is a little better.
    lines[1] = line(Kind.SERVERLESS_ENDPOINT, 1.0, 62.0)
    assert (move(lines, steady(1.0), Kind.SERVERLESS_ENDPOINT) or (None, None))[1] is (
        Kind.SERVERLESS_ENDPOINT
    )


def test_what_cannot_take_over_says_why() -> None:
    large = work_of_instance(50.0, 4, 20_000)
    forbids = {Kind.SERVERLESS_ENDPOINT: "it is special"}
    lines = by_kind(
        hosting_costs(
            present(Kind.REALTIME_ENDPOINT, 100.0, forbids=forbids), large, steady(1.0), MARKET
        )
    )
    function = lines[Kind.LAMBDA_FUNCTION].usd_per_month
    assert isinstance(function, Missing)
    assert "20000 MB" in function.reason
    serverless = lines[Kind.SERVERLESS_ENDPOINT].usd_per_month
    assert isinstance(serverless, Missing)
    assert serverless.reason == "it is special"
    slow = present(Kind.LAMBDA_FUNCTION, 100.0, longest_ms=90_000.0)
    lines = by_kind(hosting_costs(slow, work_of_memory(8e4, 1769, None), steady(0.1), MARKET))
    for kind in (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT):
        found = lines[kind].usd_per_month
        assert isinstance(found, Missing)
        assert "60 s" in found.reason
    blind = Market(UNKNOWN, UNKNOWN, UNKNOWN)
    costs = hosting_costs(present(Kind.REALTIME_ENDPOINT, 9.0), large, steady(1.0), blind)
    assert [x.kind for x in costs if not isinstance(x.usd_per_month, Missing)] == [
        Kind.REALTIME_ENDPOINT
    ]
    assert move(costs, steady(1.0), None) is None


@given(
    st.floats(1.0, 5000.0),
    st.integers(128, 6144),
    st.floats(0.001, 100.0),
)
def test_intervals_are_in_order_and_grow_with_the_rate(
    mean_ms: float, memory_mb: int, rps: float
) -> None:
    work = work_of_memory(mean_ms, memory_mb, None)
    here = present(Kind.LAMBDA_FUNCTION, 10.0)
    less = by_kind(hosting_costs(here, work, steady(rps), MARKET))
    more = by_kind(hosting_costs(here, work, steady(rps * 2.0), MARKET))
    for kind in (Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT):
        for lines in (less, more):
            usd = lines[kind].usd_per_month
            if not isinstance(usd, Missing):
                assert 0.0 <= usd.low <= usd.mid * 1.0001
                assert usd.mid <= usd.high * 1.0001
        before, after = less[kind].usd_per_month, more[kind].usd_per_month
        if not isinstance(before, Missing) and not isinstance(after, Missing):
            assert before.high <= after.high * 1.0001


@given(st.floats(1.0, 1000.0), st.integers(1, 64), st.integers(256, 10_000))
def test_more_memory_never_makes_a_request_cheaper(
    mean_ms: float, vcpus: int, memory_mb: int
) -> None:
    work = work_of_instance(mean_ms, vcpus, 256)
    one, double = (gb_s_per_request(work, mb) for mb in (memory_mb, 2 * memory_mb))
    assert one.low <= double.low * 1.0001
    assert one.low <= one.mid <= one.high * 1.0001
