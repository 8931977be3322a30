"""Money of probes: estimated before, counted after, and refused over budget."""

from dataclasses import replace

import pytest
from given import DAY_S, KEY, NOW_S, X86_PRICES, a_state
from hypothesis import given
from hypothesis import strategies as st

from controller.core.probe_cost import (
    END_S,
    START_S,
    Load,
    Tariff,
    counted_usd,
    estimated_usd,
    money,
    over_budget,
    spent_usd,
    tariff,
)
from controller.model.missing import Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.model.probe import ProbeKind, ProbeRecord, Sample
from controller.model.probing import ProbeBudget
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize

UNREAD = Missing("not known in this region")


class Prices:
    """A price list that knows everything but one region."""

    def lambda_prices(self, region: str, architecture: str) -> LambdaPrices:
        return replace(X86_PRICES, architecture=architecture)

    def hosting_prices(self, region: str) -> HostingPrices:
        return HostingPrices(region, {"ml.c5.xlarge": 0.20}, NOW_S, "bundled")

    def serverless_prices(self, region: str) -> ServerlessPrices:
        return ServerlessPrices(region, 2e-5, UNREAD, UNREAD, NOW_S, "bundled")


def a_record(**values: object) -> ProbeRecord:
    """A probe of a copy that ended well an hour ago."""
    plain = ProbeRecord(
        id="rightsizer-probe-ocr-1",
        key=KEY,
        kind=ProbeKind.SHADOW,
        size=LambdaSize(512),
        actor="controller",
        started_at_s=NOW_S - 3600.0,
        ended_at_s=NOW_S - 3500.0,
        outcome=None,
        detail="",
        usd_estimated=0.2,
        usd=0.1,
        requests=200,
    )
    return replace(plain, **values)  # type: ignore[arg-type]


def test_a_function_costs_its_calls_and_an_instance_its_hours() -> None:
    state = a_state(1024)
    calls = tariff(LambdaSize(512), state, Prices(), ProbeKind.SHADOW)
    hours = tariff(RealtimeSize("ml.c5.xlarge", 1, 1), state, Prices(), ProbeKind.SHADOW)
    assert isinstance(calls, Tariff)
    assert isinstance(hours, Tariff)
    load = Load(requests=100, duration_s=600.0, mean_ms=200.0, cold_starts=1, init_ms=1000.0)
    assert estimated_usd(calls, load) == pytest.approx(21.0 * 0.5 * 0.0000166667 + 100 * 2e-7)
    assert estimated_usd(hours, load) == pytest.approx((START_S + 600.0 + END_S) / 3600.0 * 0.20)


def test_serverless_copies_cost_their_calls_and_live_instances_nothing_more() -> None:
    state = a_state(1024)
    rate = tariff(ServerlessSize(2048, 5), state, Prices(), ProbeKind.SHADOW)
    assert rate == Tariff(2.0, 2e-5)
    assert tariff(RealtimeSize("ml.c5.xlarge", 2, 2), state, Prices(), ProbeKind.LIVE) == Tariff()


def test_an_unknown_price_is_said_and_refused_where_there_is_a_budget() -> None:
    rate = tariff(RealtimeSize("ml.g9.huge", 1, 1), a_state(1024), Prices(), ProbeKind.SHADOW)
    assert isinstance(rate, Missing)
    assert over_budget(rate, 0.0, ProbeBudget()) is not None
    assert over_budget(rate, 0.0, ProbeBudget(None, None)) is None


def test_what_was_refused_is_not_billed_and_what_was_not_told_is_counted_as_it_took() -> None:
    rate = Tariff(1.0, 1e-5, 1e-6)
    samples = [
        Sample(0.0, 120.0, 200, billed_ms=100.0),
        Sample(1.0, 80.4, 200),
        Sample(2.0, 5.0, 429, error="throttled"),
        Sample(3.0, 9000.0, 0, error="timeout"),
    ]
    # what nobody waited out runs on, and is billed for as long as it was seen to
    assert counted_usd(rate, samples, 0.0) == pytest.approx(9.181 * 1e-5 + 3e-6)


def test_a_day_counts_what_runs_at_its_estimate_and_forgets_what_is_older() -> None:
    records = [
        a_record(),
        a_record(usd=Missing("it runs"), ended_at_s=None),
        a_record(started_at_s=NOW_S - 1.01 * DAY_S),
    ]
    assert spent_usd(records, NOW_S) == pytest.approx(0.3)


@given(usd=st.floats(0.0, 2.0), spent=st.floats(0.0, 2.0))
def test_a_budget_is_never_exceeded(usd: float, spent: float) -> None:
    budget = ProbeBudget(usd_per_probe=0.25, usd_per_day=1.0)
    if over_budget(usd, spent, budget) is None:
        assert usd <= 0.25
        assert usd + spent <= 1.0


def test_small_amounts_can_be_read() -> None:
    assert [money(usd) for usd in (0.0, 1.347, 0.012, 0.00021)] == [
        "0.00",
        "1.35",
        "0.012",
        "0.00021",
    ]
