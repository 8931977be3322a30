"""Proposals, and the sentences about money and sizes."""

from dataclasses import replace

import pytest
from given import KEY, PLAIN_KEY, a_change, a_demand, a_policy
from hypothesis import given
from hypothesis import strategies as st

from controller.core.proposals import cost_mid, infeasible, money, propose, right_size, saving
from controller.core.sentence import change_sentence, decision_sentence
from controller.model.change import ChangePhase
from controller.model.decision import Hold, Propose
from controller.model.demand import Interval
from controller.model.estimate import Estimate
from controller.model.missing import Maybe, Missing
from controller.model.policy import Slo
from controller.model.reason import Reason
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize


def an_estimate(
    memory_mb: int, p_slo: float, usd: Maybe[float], p95_ms: float = 100.0, spread: float = 1.2
) -> Estimate:
    cost = usd if isinstance(usd, Missing) else Interval(usd / spread, usd, usd * spread)
    p95 = Interval(p95_ms / 1.1, p95_ms, p95_ms * 1.1)
    return Estimate(LambdaSize(memory_mb), p95, p_slo, cost, "measured here", 1000)


@pytest.mark.parametrize(
    ("saves", "words"),
    [
        (Interval(38.2, 45.0, 54.8), "saves 38-55 USD/month"),
        (Interval(-3.0, 2.0, 7.25), "changes the cost by -7.25 to +3.00 USD/month"),
        (Interval(0.01, 0.02, 0.05), "saves 0.0100-0.0500 USD/month"),
        (Interval(20.1, 20.2, 20.3), "saves 20 USD/month"),
        (Interval(-20.0, -15.0, -12.0), "costs 12-20 USD/month more"),
        (Interval(-5.0, -1.0, 2.0), "changes the cost by -2.00 to +5.00 USD/month"),
        (Interval(-29.4, -10.0, 8.1), "changes the cost by -8 to +29 USD/month"),
        (Interval(-0.3, 12.0, 24.0), "saves 0-24 USD/month"),
        (Interval(-24.0, -12.0, 0.3), "costs 0-24 USD/month more"),
        (Interval(0.0, 0.0, 0.0), "costs the same"),
        (Interval(-0.3, 0.0, 0.3), "costs the same"),
        (Interval(-0.0, -0.0, -0.0), "costs the same"),
    ],
)
def test_money_in_words(saves: Interval, words: str) -> None:
    assert money(saves) == words


amounts = st.floats(1e-6, 1e6)
intervals = st.tuples(amounts, st.floats(1.0, 3.0)).map(
    lambda t: Interval(t[0] / t[1], t[0], t[0] * t[1])
)


@given(intervals, intervals, intervals)
def test_a_saving_is_an_interval_around_the_difference(
    before: Interval, after: Interval, traffic: Interval
) -> None:
    found = saving(before, after, traffic)
    assert found.low <= found.mid <= found.high
    assert found.mid == before.mid - after.mid
    words = "costs the same" if abs(found.mid) < 1e-6 else ""
    told = money(found)
    sure = "saves " if found.mid >= 0.0 else "costs "
    assert told.startswith(words or (sure, "changes the cost by -"))
    assert " -" not in told or " to +" in told, "no saving or cost is less than nothing"


@given(intervals, intervals)
def test_traffic_that_both_sizes_serve_does_not_blur_the_saving(
    before: Interval, traffic: Interval
) -> None:
    """With nothing uncertain but the traffic, a saving is a saving at any traffic."""
    half = Interval(traffic.low / 2.0, traffic.mid / 2.0, traffic.high / 2.0)
    found = saving(traffic, half, traffic)
    assert found.low >= -1e-9


def test_what_was_refused_is_billed_once_it_is_let_in() -> None:
    size = ServerlessSize(2048, 3)
    here = replace(an_estimate(2048, 0.99, 10.0), size=size)
    target = replace(here, size=replace(size, max_concurrency=15))
    detail = propose(
        a_policy(400.0), a_demand(), here, target, Reason.REQUESTS_THROTTLED
    ).proposal.detail
    each = "each request costs the same, plus those now let in"
    assert f", {each}, confidence 0.99" in detail


def test_saving_without_any_traffic_is_no_error() -> None:
    nothing = Interval(0.0, 0.0, 0.0)
    found = saving(nothing, nothing, nothing)
    assert found.low <= found.mid == 0.0 <= found.high


def test_a_proposal_tells_the_whole_story() -> None:
    here, target = an_estimate(3008, 0.99, 100.0, 212.0), an_estimate(2048, 0.97, 60.0, 231.0)
    wanted = propose(a_policy(400.0), a_demand(), here, target, Reason.CHEAPER_SIZE)
    proposal = wanted.proposal
    assert (proposal.before, proposal.target) == (LambdaSize(3008), LambdaSize(2048))
    assert proposal.p95_before_ms == 212.0
    assert proposal.saves_usd_per_month.mid == pytest.approx(40.0)
    assert proposal.detail.startswith("3008 MB -> 2048 MB, p95 212 -> 231 ms (slo 400), saves ")
    assert proposal.detail.endswith(" USD/month, confidence 0.97")


def test_the_percentile_is_named_as_the_policy_has_it() -> None:
    here, target = an_estimate(3008, 0.99, 100.0), an_estimate(2048, 0.97, 60.0)
    policy = a_policy(slo=Slo(400.0, percentile=0.999))
    assert (
        "p99.9 100"
        in propose(policy, a_demand(), here, target, Reason.CHEAPER_SIZE).proposal.detail
    )
    assert "p99.9 100 ms of 400 ms" in right_size(policy, here)


def test_a_proposal_without_a_price_is_refused() -> None:
    here, target = an_estimate(3008, 0.99, Missing("no price")), an_estimate(2048, 0.97, 60.0)
    with pytest.raises(ValueError, match="both costs"):
        propose(a_policy(), a_demand(), here, target, Reason.CHEAPER_SIZE)
    assert cost_mid(here) == float("inf")


def test_infeasible_names_what_would_do_and_what_it_costs() -> None:
    sizes = [
        an_estimate(512, 0.1, 5.0),
        an_estimate(1024, 0.97, 10.0),
        an_estimate(2048, 0.99, 20.0),
    ]
    assert "1024 MB would, for 10.00 USD/month" in infeasible(a_policy(), sizes, sizes)


def test_infeasible_names_the_likeliest_where_nothing_would_do() -> None:
    sizes = [an_estimate(512, 0.1, 5.0), an_estimate(1024, 0.3, 10.0), an_estimate(2048, 0.3, 20.0)]
    words = infeasible(a_policy(), sizes, sizes)
    assert words == (
        "no size meets the SLO with confidence 0.95; the likeliest is 1024 MB with probability 0.30"
    )
    assert "the likeliest is 512 MB" in infeasible(a_policy(), sizes, sizes[:1])
    assert infeasible(a_policy(), sizes, []) == (
        "no size meets the SLO with confidence 0.95, and each is ruled out by something else "
        "besides: see `explain`"
    )


def test_sentences() -> None:
    hold = Hold(Reason.RIGHT_SIZE, "512 MB is the cheapest")
    assert decision_sentence(KEY, hold) == (
        "hold: lambda eu-west-1/ocr:live RightSize: 512 MB is the cheapest"
    )
    here, target = an_estimate(3008, 0.99, 100.0, 212.0), an_estimate(2048, 0.97, 60.0, 231.0)
    wanted: Propose = propose(a_policy(400.0), a_demand(), here, target, Reason.CHEAPER_SIZE)
    assert decision_sentence(PLAIN_KEY, wanted).startswith(
        "change: lambda eu-west-1/ocr 3008 MB -> 2048 MB, p95 212 -> 231 ms"
    )
    change = a_change(3008, 2048, ChangePhase.VERIFYING)
    assert change_sentence(change, "canary with 10% of requests") == (
        "Verifying: lambda eu-west-1/ocr:live 3008 MB -> 2048 MB: canary with 10% of requests"
    )


def test_a_queue_that_only_grows_has_no_latency_to_name() -> None:
    one, two = (
        replace(an_estimate(512, p, 10.0 * n, p95), size=RealtimeSize("ml.c5.large", n, n))
        for n, p, p95 in ((1, 0.0, 500_143.0), (2, 0.99, 80.0))
    )
    wanted = propose(a_policy(400.0), a_demand(), one, two, Reason.SLO_BREACHED)
    assert "p95 over 60000 -> 80 ms" in wanted.proposal.detail
