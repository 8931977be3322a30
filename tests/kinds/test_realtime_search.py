"""The capacity search: what is probed, what never is, and that it ends."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realtime_world import PRICES, a_live, a_policy

from bench.capacity_search import Desk, searched
from bench.capacity_world import Case, generated, probed
from controller.kinds.realtime_endpoint.question import Question
from controller.kinds.realtime_endpoint.search import (
    Probe,
    Rules,
    Settled,
    Spent,
    next_step,
    probeable,
)
from controller.kinds.realtime_endpoint.types import Beliefs
from controller.model.missing import Missing
from controller.model.policy import Bounds
from controller.model.size import RealtimeSize

pytestmark = pytest.mark.slow

FEW = Rules(most_probes=4)
SEEDS = st.integers(0, 5000)
SLOWLY = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def step_of(case: Case, rules: Rules = FEW, spent: Spent | None = None) -> Probe | Settled:
    """The first step on an endpoint."""
    return next_step(case.question(()), case.demand, rules, spent or Spent())


def with_bounds(case: Case, bounds: Bounds) -> Case:
    return replace(case, policy=replace(case.policy, bounds=bounds))


@SLOWLY
@given(seed=SEEDS, most=st.integers(0, 4))
def test_it_ends_within_its_probes_at_a_size_that_was_allowed(seed: int, most: int) -> None:
    case = generated(seed)
    desk = Desk(case, Rules(most_probes=most))
    size = searched(desk)
    assert len(desk.spent.probes) <= most
    assert size == case.current or size.instance_type in desk.types


@SLOWLY
@given(seed=SEEDS, keep=st.integers(1, 3))
def test_nothing_that_bounds_forbid_is_probed(seed: int, keep: int) -> None:
    case = generated(seed)
    allowed = tuple(sorted(case.machines))[:keep]
    desk = Desk(with_bounds(case, Bounds(instance_types=allowed)), FEW)
    searched(desk)
    assert {p.instance_type for p in desk.spent.probes} <= {*allowed, case.current.instance_type}


@SLOWLY
@given(seed=SEEDS, gib=st.floats(3.0, 14.0))
def test_types_without_the_memory_are_not_probed(seed: int, gib: float) -> None:
    case = generated(seed)
    case = replace(case, demand=replace(case.demand, memory_used_mb=round(gib * 1024)))
    desk = Desk(case, FEW)
    searched(desk)
    sizes = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
    per_vcpu = {"c": 2.0, "m": 4.0, "r": 8.0}
    for probe in desk.spent.probes:
        _, family, size = probe.instance_type.split(".")
        own = probe.instance_type == case.current.instance_type
        assert own or sizes[size] * per_vcpu[family[0]] >= gib


@SLOWLY
@given(seed=SEEDS)
def test_the_same_question_has_the_same_answer(seed: int) -> None:
    assert step_of(generated(seed)) == step_of(generated(seed))


@SLOWLY
@given(seed=SEEDS, usd=st.floats(0.0, 0.2))
def test_the_budget_for_probes_is_kept(seed: int, usd: float) -> None:
    desk = Desk(generated(seed), replace(FEW, budget_usd=usd))
    searched(desk)
    assert desk.spent.usd <= usd


@SLOWLY
@given(seed=SEEDS)
def test_a_probe_is_worth_more_than_it_costs_or_confirms(seed: int) -> None:
    desk = Desk(generated(seed), FEW)
    searched(desk)
    last = len(desk.spent.probes) - 1
    for i, probe in enumerate(desk.spent.probes):
        assert probe.usd > 0.0
        assert probe.worth_usd > probe.usd or (probe.worth_usd == 0.0 and i >= last - 1)


def test_a_load_never_seen_is_looked_at_before_it_is_settled_on() -> None:
    """Live windows of idle instances promise much: one look costs little."""
    case = generated(10)
    desk = Desk(case, Rules(payback_s=1.0))
    size = searched(desk)
    question = case.question(desk.rows)
    belief = question.beliefs.about(size.instance_type)
    assert size == case.current or (belief is not None and belief.requests > 0)
    assert all(probe.worth_usd == 0.0 for probe in desk.spent.probes)


def test_a_saving_that_cannot_pay_within_the_payback_is_not_looked_for() -> None:
    case = generated(10)
    assert isinstance(step_of(case), Probe)
    step = step_of(case, replace(FEW, payback_s=1.0))
    assert isinstance(step, Settled) or step.worth_usd == 0.0


def test_a_budget_that_pays_nothing_is_said() -> None:
    step = step_of(generated(10), replace(FEW, budget_usd=0.0))
    assert isinstance(step, Settled)
    assert "budget" in step.words


def test_no_load_beyond_what_can_be_made() -> None:
    case = generated(10)
    most = case.shape.peak_rps / 30.0
    desk = Desk(case, replace(FEW, max_rps=most))
    searched(desk)
    assert all(probe.load_rps <= most for probe in desk.spent.probes)


def test_a_type_without_a_price_is_not_probed() -> None:
    case = generated(10)
    first = step_of(case)
    assert isinstance(first, Probe)
    dear = {n: p for n, p in case.prices.usd_per_hour.items() if n != first.instance_type}
    case = replace(case, prices=replace(case.prices, usd_per_hour=dear))
    assert first.instance_type not in probeable(case.question(()), case.demand)


def test_a_used_up_quota_forbids_a_probe() -> None:
    case = generated(10)
    question, first = case.question(()), step_of(case)
    assert isinstance(first, Probe)
    live = replace(question.live, quota_left={first.instance_type: 0})
    assert first.instance_type not in probeable(replace(question, live=live), case.demand)


def test_a_shadow_that_stands_is_not_started_again() -> None:
    case = generated(10)
    first = step_of(case)
    assert isinstance(first, Probe)
    again = step_of(case, spent=Spent((first,)))
    assert isinstance(again, Probe)
    starts = 0.0 if again.instance_type == first.instance_type else 300.0
    assert again.hours * 3600.0 == pytest.approx(starts + again.load_s)
    assert first.hours * 3600.0 == pytest.approx(300.0 + first.load_s)


def test_thin_loads_are_kept_up_until_they_say_something() -> None:
    rules = Rules()
    assert rules.loaded_s(0.02) == pytest.approx(3000.0)
    assert rules.loaded_s(50.0) == rules.load_s


def test_where_nothing_was_measured_the_live_type_comes_first() -> None:
    case = replace(generated(10), live_rows=())
    step = step_of(case)
    assert isinstance(step, Probe)
    assert step.instance_type == case.current.instance_type
    assert step.load_rps == pytest.approx(case.shape.peak_rps / case.current.min_instances)


def test_nothing_measured_and_nothing_allowed_settles_on_what_runs() -> None:
    case = replace(generated(10), live_rows=())
    step = step_of(case, replace(FEW, most_probes=0))
    assert isinstance(step, Settled)
    assert step.size == case.current
    assert isinstance(step.p_slo, Missing)


def test_a_breach_is_looked_out_of_though_it_costs_more() -> None:
    """A fleet too small for its peak, of a type that cannot be had in greater number."""
    case = generated(10)
    one = RealtimeSize(case.current.instance_type, 1, 1)
    case = with_bounds(replace(case, current=one), replace(case.policy.bounds, max_instances=1))
    step = step_of(case)
    assert isinstance(step, Probe)
    assert step.usd < step.worth_usd


def test_rows_of_a_probe_are_of_its_type_and_load() -> None:
    case = generated(10)
    name = case.current.instance_type
    rows = probed(case, name, 20.0, (420.0, 0))
    sizes = [row.size for row in rows]
    assert all(isinstance(size, RealtimeSize) and size.instance_type == name for size in sizes)
    assert sum(row.load_rps == 20.0 for row in rows) == 6


def test_a_load_that_is_borne_surely_is_seen_by_both_probabilities() -> None:
    case = generated(10)
    curves = case.question(()).beliefs.measured[case.current.instance_type][0]
    loads = np.geomspace(curves.top_rps / 10.0, curves.top_rps * 20.0, 12)
    bears = curves.p_bears(loads, case.policy.slo.threshold_ms)
    assert bears[0] > 0.95
    assert bears[-1] < 0.3
    assert np.all(np.diff(bears) <= 0.0)


def test_no_beliefs_and_no_types() -> None:
    case = generated(10)
    policy = a_policy(bounds=Bounds(instance_types=()))
    current = RealtimeSize("ml.zz.large", 1, 1)
    question = Question(
        policy, current, a_live(current), case.shape, Beliefs({}, 100.0, 0.95), PRICES
    )
    step = next_step(question, case.demand, FEW, Spent())
    assert isinstance(step, Settled)
