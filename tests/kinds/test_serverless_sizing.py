"""Sizes of serverless endpoints: what they cost, which are out, and what is decided of them."""

import math
from dataclasses import replace

import pytest
from given import NOW_S, Truth, a_demand, a_policy, an_observed, truths
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from serverless_given import KEY, PRICES, a_config, a_state, an_endpoint

from controller.core.assess import Observed, assess, believe
from controller.kinds.serverless_endpoint.concurrency import (
    MOST,
    STEPS,
    Limits,
    least_servers,
    loss,
    needed,
    planned,
)
from controller.kinds.serverless_endpoint.kind import ServerlessRules, ServerlessSizing
from controller.kinds.serverless_endpoint.obstacles import barred, obstacles
from controller.kinds.serverless_endpoint.sizing import (
    MEMORY_MB,
    bill,
    in_bounds,
    memory_floor_mb,
)
from controller.model.decision import Assessment, Hold, Propose
from controller.model.demand import Attainment, SloStatus
from controller.model.estimate import Rejection
from controller.model.missing import Missing
from controller.model.policy import Bounds, Covers, Policy, Slo
from controller.model.reason import Reason
from controller.model.sagemaker import Speciality
from controller.model.size import ServerlessSize
from controller.model.window import MemoryUse, Window

PRICED = replace(PRICES, usd_per_gb_s_provisioned=1e-5, usd_per_gb_s_provisioned_use=8e-6)
SIZING = ServerlessSizing(PRICES)
HERE = ServerlessSize(4096, 10)
LIMITS = Limits(1, MOST, "AWS allows no more")


def a_slo(**values: object) -> SloStatus:
    """Met, without errors or throttles."""
    plain = SloStatus(Attainment.MET, 4000, 10, 0.9975, 1.0, 150.0, 0.0, NOW_S, throttle_ratio=0.0)
    return replace(plain, **values)  # type: ignore[arg-type]


def judge(observed: Observed, sizing: ServerlessSizing = SIZING) -> Assessment:
    """One tick's conclusion."""
    return assess(observed, sizing, believe(observed, sizing))


def seen(
    truth: Truth,
    size: ServerlessSize = HERE,
    *,
    throttles: int = 0,
    policy: Policy | None = None,
    requests: int = 2000,
    used_mb: int | None = 700,
) -> Observed:
    """Three days at one size, as exact windows of a truth."""
    plain = an_observed(
        truth, size.memory_mb, policy=policy, hours=72, requests=requests, used_mb=used_mb
    )
    peak_rps = requests / 3600.0 * 1.2

    def of_endpoint(window: Window) -> Window:
        busy = peak_rps * truth.mean_ms(size.memory_mb) / 1000.0
        share = round(throttles * (window.end_s - window.start_s) / 3600.0)
        return replace(window, throttles=share, concurrency_peak=busy, peak_rps=peak_rps)

    windows = replace(
        plain.windows,
        hourly=tuple(map(of_endpoint, plain.windows.hourly)),
        recent=tuple(map(of_endpoint, plain.windows.recent)),
    )
    rows = [replace(row, size=ServerlessSize(size.memory_mb, 1)) for row in plain.rows]
    state = a_state(size.memory_mb, size.max_concurrency, size.provisioned_concurrency)
    return replace(plain, state=state, windows=windows, rows=tuple(rows))


# --- concurrency ---


@given(st.integers(0, 300), st.floats(0.0, 300.0))
def test_more_servers_lose_less_and_more_load_loses_more(servers: int, busy: float) -> None:
    assert 0.0 <= loss(servers, busy) <= 1.0
    assert loss(servers + 1, busy) <= loss(servers, busy)
    assert loss(servers, busy) <= loss(servers, busy * 1.1 + 0.01)


def test_erlangs_formula_by_hand() -> None:
    assert loss(1, 1.0) == pytest.approx(0.5)
    assert loss(2, 1.0) == pytest.approx(0.2)
    assert loss(3, 2.0) == pytest.approx((8 / 6) / (1 + 2 + 2 + 8 / 6))
    assert least_servers(1.0, 0.2) == 2
    assert least_servers(0.0, 0.001) == 1


@given(st.floats(0.0, 500.0))
def test_a_planned_limit_is_a_step_that_loses_next_to_nothing(busy: float) -> None:
    limit = planned(busy)
    assert limit in STEPS
    assert limit == MOST or loss(limit, busy) <= 0.001


def test_a_limit_that_never_throttled_is_left_alone() -> None:
    quiet = a_demand(throttle_ratio=0.0, concurrency_peak=40.0)
    assert needed(3, quiet, a_slo()) == 3
    assert needed(3, replace(quiet, throttle_ratio=Missing("unread")), a_slo()) == 3


def test_a_limit_that_throttled_before_is_raised_as_far_as_the_formula_says() -> None:
    busy = a_demand(throttle_ratio=0.02, concurrency_peak=4.0)
    assert needed(3, busy, a_slo()) == least_servers(4.0, 0.01) > 3
    assert needed(30, busy, a_slo()) == 30


def test_a_limit_that_throttles_now_is_raised_whatever_the_formula_says() -> None:
    busy = a_demand(throttle_ratio=0.0, concurrency_peak=0.1)
    assert needed(10, busy, a_slo(throttle_ratio=0.02)) == 15


@pytest.mark.parametrize(
    ("bounds", "pool", "most"),
    [
        (Bounds(), None, 200),
        (Bounds(max_concurrency=50), None, 50),
        (Bounds(max_concurrency=50), 30, 30),
        (Bounds(), 0, 1),
    ],
)
def test_who_limits_the_limit(bounds: Bounds, pool: int | None, most: int) -> None:
    limits = Limits.of(bounds, pool)
    assert limits.most == most
    assert limits.clamp(500) == most


# --- cost and memory ---


def test_cost_is_processing_time_times_memory() -> None:
    month = bill(ServerlessSize(2048, 10), 99.5, 1e6, PRICES)
    assert not isinstance(month, Missing)
    assert (month.used, month.kept) == (pytest.approx(1e6 * 0.1 * 2.0 * 0.00002), 0.0)


def test_what_is_kept_warm_costs_all_the_time_and_is_not_guessed() -> None:
    warm = ServerlessSize(1024, 10, 2)
    assert isinstance(bill(warm, 99.5, 1e6, PRICES), Missing)
    month = bill(warm, 99.5, 1e6, PRICED)
    assert not isinstance(month, Missing)
    assert month.used == pytest.approx(1e5 * 8e-6)
    assert month.kept == pytest.approx(2 * 730 * 3600 * 1e-5)
    half = bill(warm, 99.5, 1e6, PRICED, overflow=0.5)
    assert not isinstance(half, Missing)
    assert half.used == pytest.approx(1e5 * (8e-6 + 2e-5) / 2.0)


def test_the_floor_holds_memory_in_use_and_the_model() -> None:
    demand = a_demand(memory_used_mb=1000)
    assert memory_floor_mb(demand, Missing("denied")) == 1150
    assert memory_floor_mb(demand, 2 * 1024**3) == math.ceil(2048 * 1.2)
    assert isinstance(memory_floor_mb(a_demand(memory_used_mb=Missing("unread")), 5), Missing)


def test_memory_in_use_comes_from_the_hours_of_the_live_size() -> None:
    hour = replace(
        Truth().window(NOW_S - 3600.0, 4096),
        memory_used_ratio=0.25,
        cold_starts=3,
        setup_mean_ms=1800.0,
    )
    unread = replace(hour, memory_used_ratio=Missing("refused"))
    assert ServerlessRules().memory_seen(a_state(), [hour, unread]) == [
        MemoryUse(hour.start_s, hour.end_s, 4096, 1024, 2000, 3, Missing("not published"), 1800.0)
    ]


# --- what is out of the question ---


def out(
    sizes: list[ServerlessSize],
    *,
    current: ServerlessSize = HERE,
    policy: Policy | None = None,
    used_mb: int = 700,
    limits: Limits = LIMITS,
    slo: SloStatus | None = None,
    **demand: object,
) -> dict[ServerlessSize, Rejection]:
    """Which of some sizes are barred, and why."""
    asked = a_demand(**{"memory_used_mb": used_mb, "throttle_ratio": 0.0, **demand})
    found = barred(
        sizes,
        current,
        policy or a_policy(),
        asked,
        slo or a_slo(),
        floor_mb=memory_floor_mb(asked, Missing("unread")),
        limits=limits,
    )
    return {size: rejection for size, (rejection, _) in found.items()}  # type: ignore[misc]


ALL = [ServerlessSize(mb, 10) for mb in MEMORY_MB]


def test_nothing_is_barred_without_a_cause() -> None:
    assert out(ALL) == {}


def test_memory_below_the_floor_is_barred_but_never_the_current() -> None:
    assert set(out(ALL, used_mb=2500)) == {ALL[0], ALL[1]}
    assert set(out(ALL, used_mb=6000)) == set(ALL[:3])


def test_requests_that_fail_with_all_memory_in_use_bar_the_current_size() -> None:
    failing = a_slo(error_ratio=0.1)
    found = out(ALL, used_mb=4096, slo=failing)
    assert found[HERE] is Rejection.INFEASIBLE_BEFORE
    assert set(found) == set(ALL[:4])
    bounds = Bounds(max_memory_mb=4096)
    tight = out(ALL[:4], used_mb=4096, slo=failing, policy=a_policy(bounds=bounds))
    assert tight[HERE] is Rejection.INFEASIBLE_BEFORE


def test_bounds_of_memory_and_of_concurrency() -> None:
    found = out(ALL, policy=a_policy(bounds=Bounds(min_memory_mb=2048, max_memory_mb=5120)))
    assert found == {ALL[0]: Rejection.BELOW_BOUNDS, ALL[5]: Rejection.ABOVE_BOUNDS}
    sizes = [ServerlessSize(4096, 5), HERE, ServerlessSize(4096, 20)]
    found = out(sizes, limits=Limits(8, 15, "the policy allows no more"))
    assert found == {sizes[0]: Rejection.BELOW_BOUNDS, sizes[2]: Rejection.ABOVE_BOUNDS}


def test_while_it_throttles_only_a_higher_limit_at_this_memory_remains() -> None:
    raised = ServerlessSize(4096, 20)
    found = out([*ALL, raised, ServerlessSize(2048, 30)], slo=a_slo(throttle_ratio=0.05))
    assert raised not in found
    assert set(found.values()) == {Rejection.TOO_LITTLE_CONCURRENCY}
    assert len(found) == 7
    at_most = Limits(1, 10, "the policy allows no more")
    assert out(ALL, slo=a_slo(throttle_ratio=0.05), limits=at_most) == {}


def test_cold_starts_of_a_change_count_where_the_objective_contains_them() -> None:
    """40 environments start anew; 480 requests a day may hold 24 slow ones."""
    thin = {
        "requests_per_month": replace(a_demand().requests_per_month, mid=480 * 730 / 24),
        "concurrency_peak": 40.0,
    }
    total = a_policy(slo=Slo(200.0, covers=Covers.TOTAL))
    assert set(out(ALL, policy=total, **thin)) == set(ALL[:3])
    assert out(ALL, **thin) == {}
    assert out(ALL, policy=total) == {}


@pytest.mark.parametrize("speciality", Speciality)
def test_special_endpoints_are_left_alone(speciality: Speciality) -> None:
    config = a_config(specialities={speciality: "in words"})
    state = a_state(endpoint=an_endpoint(config=config))
    assert obstacles(state.serverless) == {Reason.SPECIAL_ENDPOINT: "in words"}
    assert SIZING.obstacles(state, True) == {}


def test_autoscaled_provisioned_concurrency_is_somebody_elses() -> None:
    found = obstacles(a_state(provisioned=2, autoscaled=True).serverless)
    assert set(found) == {Reason.FOREIGN_AUTOSCALING}


# --- decisions ---


def test_a_flat_curve_goes_to_the_smallest_memory() -> None:
    wanted = judge(seen(Truth(fixed_share=1.0), policy=a_policy(600.0))).wanted
    assert isinstance(wanted, Propose)
    assert wanted.proposal.target == ServerlessSize(1024, 10)
    assert wanted.proposal.reason is Reason.CHEAPER_SIZE


def test_a_change_of_memory_says_what_it_costs_in_cold_starts() -> None:
    candidates = judge(seen(Truth(fixed_share=1.0))).candidates
    words = {c.estimate.size: c.estimate.evidence for c in candidates}
    assert words[HERE] == "measured here"
    assert "about 1 cold start of 0.3 s" in words[ServerlessSize(1024, 10)]


def test_throttling_is_answered_in_place() -> None:
    wanted = judge(seen(Truth(), ServerlessSize(4096, 3), throttles=400)).wanted
    assert isinstance(wanted, Propose)
    assert wanted.proposal.reason is Reason.REQUESTS_THROTTLED
    target = wanted.proposal.target
    assert isinstance(target, ServerlessSize)
    assert (target.memory_mb, target.max_concurrency >= 5) == (4096, True)


def test_slower_memory_needs_a_higher_limit() -> None:
    observed = seen(Truth(fixed_share=0.0, saturation_mb=10_240.0), requests=600_000)
    beliefs = believe(observed, SIZING)
    assert not isinstance(beliefs.made, Missing)
    limits = {e.size.memory_mb: e.size.max_concurrency for e in beliefs.made}  # type: ignore[union-attr]
    assert limits[1024] > limits[2048] >= 10


def test_without_a_price_nothing_is_decided() -> None:
    decision = judge(seen(Truth()), ServerlessSizing(Missing("no price"))).wanted
    assert isinstance(decision, Hold)
    assert decision.reason is Reason.PRICE_UNKNOWN


sizes_of_it = st.builds(
    ServerlessSize, st.sampled_from(MEMORY_MB), st.sampled_from([1, 3, 10, 40, 200])
)
policies = st.builds(
    lambda low, high, most, least: a_policy(
        bounds=Bounds(
            min_memory_mb=low and min(low, high or low),
            max_memory_mb=high,
            max_concurrency=most,
            min_concurrency=least,
        )
    ),
    st.sampled_from([None, 1024, 2048]),
    st.sampled_from([None, 3072, 5120]),
    st.sampled_from([None, 20, 100]),
    st.sampled_from([None, 2]),
)
worlds = st.builds(
    lambda truth, size, throttles, policy, requests, used, slack: seen(
        truth,
        size,
        throttles=throttles,
        policy=replace(policy, slo=Slo(round(truth.p95_ms(size.memory_mb) * slack, 3))),
        requests=requests,
        used_mb=used,
    ),
    truths,
    sizes_of_it,
    st.sampled_from([0, 0, 300]),
    policies,
    st.integers(25, 40_000),
    st.one_of(st.none(), st.integers(100, 6000)),
    st.floats(0.5, 4.0),
)


@given(worlds)
@settings(max_examples=60)
def test_what_is_decided_can_be_had(observed: Observed) -> None:
    first = judge(observed)
    assert judge(observed).wanted == first.wanted, "deciding twice is deciding once"
    if isinstance(first.wanted, Hold):
        return
    target, bounds = first.wanted.proposal.target, observed.policy.bounds
    assert isinstance(target, ServerlessSize)
    assert in_bounds(bounds, target.memory_mb)
    assert target.memory_mb in MEMORY_MB
    limits = Limits.of(bounds, None)
    assert limits.least <= target.max_concurrency <= limits.most
    used = observed.memory_use[0].max_used_mb if observed.memory_use else None
    if target.memory_mb < HERE.memory_mb and used is not None:
        live = observed.state.size
        assert isinstance(live, ServerlessSize)
        assert target.memory_mb >= live.memory_mb or target.memory_mb >= used * 1.15


@given(worlds)
@settings(max_examples=40)
def test_no_data_no_change(observed: Observed) -> None:
    blind = replace(
        observed, windows=replace(observed.windows, hourly=(), recent=()), rows=(), recent_rows=()
    )
    assert isinstance(judge(blind).decision, Hold)


@given(worlds)
@settings(max_examples=40)
def test_without_memory_in_use_nothing_is_taken_away(observed: Observed) -> None:
    assume(not observed.memory_use)
    wanted, live = judge(observed).wanted, observed.state.size
    assert isinstance(live, ServerlessSize)
    if isinstance(wanted, Propose) and in_bounds(observed.policy.bounds, live.memory_mb):
        target = wanted.proposal.target
        assert isinstance(target, ServerlessSize)
        assert target.memory_mb >= live.memory_mb


@given(truths, st.sampled_from(MEMORY_MB), st.sampled_from([1, 3, 10]), st.integers(1000, 100_000))
@settings(max_examples=40)
def test_a_limit_that_was_raised_and_throttles_no_more_is_left(
    truth: Truth, memory_mb: int, limit: int, requests: int
) -> None:
    policy = a_policy(round(truth.p95_ms(memory_mb) * 1.5, 3))
    size = ServerlessSize(memory_mb, limit)
    observed = seen(truth, size, throttles=requests // 10, requests=requests, policy=policy)
    wanted = judge(observed).wanted
    assert isinstance(wanted, Propose)
    target = wanted.proposal.target
    assert isinstance(target, ServerlessSize)
    assert target.memory_mb == memory_mb
    assert limit < target.max_concurrency
    quiet = tuple(replace(w, throttles=0) for w in observed.windows.recent)
    after = replace(
        observed,
        state=a_state(memory_mb, target.max_concurrency),
        windows=replace(observed.windows, recent=quiet),
    )
    again = judge(after).wanted
    assert isinstance(again, Hold) or again.proposal.reason is not Reason.REQUESTS_THROTTLED


def test_what_names_the_model_and_what_serves() -> None:
    rules = ServerlessRules()
    state = a_state()
    assert rules.log_group(state) is None
    assert rules.era(state) == "model-1"
    assert rules.identity(state) == "ranker-v1:4096:model-1"
    assert rules.modified_at_s(state) == state.serverless.endpoint.modified_at_s
    assert state.key == KEY
