"""What must hold of a real-time endpoint's decision, for any machine, demand and policy."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from realtime_loop import Loop, weekly
from realtime_world import Machine, a_policy, a_sizing, a_state, an_observed, parts_of

from controller.core.assess import Observed, assess, believe
from controller.model.decision import Assessment, Hold, Propose
from controller.model.missing import Missing
from controller.model.policy import Autoscaling, Bounds, OnConflict, Policy
from controller.model.size import RealtimeSize, lessens
from controller.sandbox.noise import Noise
from controller.sandbox.sagemaker.stations import ServerStation

FEW = settings(max_examples=15, deadline=None)
MANY = settings(max_examples=100, deadline=None, derandomize=True)
"""The same each time, for a run of all tests must not end by chance; FEW looks elsewhere."""


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Queues of any speed and width."""
    service_ms = draw(st.sampled_from([5.0, 20.0, 60.0, 250.0]))
    return Machine(
        ServerStation(service_ms, draw(st.sampled_from([1, 2, 4, 8, 16]))),
        Noise(cv=draw(st.sampled_from([0.1, 0.3, 0.6]))),
    )


@st.composite
def policies(draw: st.DrawFn, threshold_ms: float) -> Policy:
    """Policies with and without floors, limits and budgets."""
    low = draw(st.one_of(st.none(), st.integers(1, 4)))
    high = draw(st.one_of(st.none(), st.integers(4, 30)))
    return a_policy(
        threshold_ms,
        confidence=draw(st.sampled_from([0.8, 0.95, 0.99])),
        bounds=Bounds(
            instance_families=draw(st.sampled_from([("c5",), ("c5", "m5")])),
            min_instances=low,
            max_instances=high,
        ),
        budget_usd_per_month=draw(st.one_of(st.none(), st.floats(50.0, 3000.0))),
        on_conflict=draw(st.sampled_from(OnConflict)),
        autoscaling=Autoscaling(windows=draw(st.sampled_from([None, None, 0.99, 0.999]))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Machine, Observed]:
    """An endpoint of some days' daily demand, at a size that serves it more or less."""
    machine = draw(machines())
    able = machine.station.capacity_rps
    need = draw(st.integers(1, 12))
    peak = able * need * draw(st.floats(0.2, 0.9))
    low = peak * draw(st.floats(0.05, 1.0))
    rates = weekly(low, peak, draw(st.integers(1, 4)), draw(st.sampled_from([1.0, 0.4])))
    target = able * 60.0 * draw(st.floats(0.2, 0.8))
    size = draw(
        st.sampled_from(
            [
                RealtimeSize("ml.c5.xlarge", need, need),
                RealtimeSize("ml.c5.xlarge", max(1, need // 2), need + 2, round(target, 1)),
            ]
        )
    )
    idle = machine.p95_ms(able / 400.0)
    policy = draw(policies(idle * draw(st.floats(0.9, 5.0))))
    parts = parts_of(machine, size, rates, policy.slo.threshold_ms)
    return machine, an_observed(parts, size, policy=policy)


def judge(observed: Observed) -> Assessment:
    sizing = a_sizing(observed)
    return assess(observed, sizing, believe(observed, sizing))


def sizes(found: Assessment) -> list[RealtimeSize]:
    assert found.state is not None
    return [c.estimate.size for c in found.candidates if isinstance(c.estimate.size, RealtimeSize)]


def own(found: Assessment, observed: Observed) -> list[RealtimeSize]:
    """Candidates of the current type, other than the current size."""
    now = observed.state.size
    assert isinstance(now, RealtimeSize)
    return [s for s in sizes(found) if s.instance_type == now.instance_type and s != now]


# --- the properties


def deciding_twice_is_deciding_once(world: tuple[Machine, Observed]) -> None:
    assert judge(world[1]).wanted == judge(world[1]).wanted


def the_target_is_inside_the_bounds(world: tuple[Machine, Observed]) -> None:
    observed = world[1]
    found, bounds = judge(observed), observed.policy.bounds
    if not isinstance(found.wanted, Propose):
        return
    size = found.wanted.proposal.target
    assert isinstance(size, RealtimeSize)
    assert size.instance_type.split(".")[1] in (bounds.instance_families or ())
    assert size.min_instances >= (bounds.min_instances or 1)
    if bounds.max_instances is not None:
        assert size.max_instances <= bounds.max_instances
    assert 1 <= size.min_instances <= size.max_instances
    assert all(
        size.min_instances <= a.min_instances <= a.max_instances == size.max_instances
        for a in size.schedule
    )


def no_load_is_no_change(world: tuple[Machine, Observed]) -> None:
    observed = world[1]
    rows = tuple(replace(row, load_rps=Missing("gone")) for row in observed.rows)
    assert isinstance(judge(replace(observed, rows=rows)).wanted, Hold)


def no_data_is_no_change(world: tuple[Machine, Observed]) -> None:
    observed = world[1]
    size, policy = observed.state.size, observed.policy
    assert isinstance(size, RealtimeSize)
    assert isinstance(judge(an_observed((), size, policy=policy)).wanted, Hold)


def fewer_rows_never_lower_more(world: tuple[Machine, Observed]) -> None:
    """With a day of evidence nothing is taken away that two days would leave."""
    observed = world[1]
    short = replace(observed, rows=observed.rows[-60:], size_since_s=observed.now_s - 5 * 3600.0)
    found = judge(short).wanted
    assert (
        isinstance(found, Hold)
        or not lessens(found.proposal.before, found.proposal.target)
        or found.proposal.reason.value in {"OutsideBounds", "SloBreached", "DemandChanged"}
    )


def more_demand_never_means_fewer_instances(world: tuple[Machine, Observed]) -> None:
    """The same evidence under twice the requests: no candidate of the type has fewer."""
    observed = world[1]
    twice = tuple(
        replace(
            w,
            requests=w.requests * 2 if isinstance(w.requests, int) else w.requests,
            peak_rps=w.peak_rps * 2.0 if isinstance(w.peak_rps, float) else w.peak_rps,
        )
        for w in observed.windows.hourly
    )
    free = replace(observed.policy, budget_usd_per_month=None)
    observed = replace(observed, policy=free)
    busier = replace(observed, windows=replace(observed.windows, hourly=twice))
    less, more = own(judge(observed), observed), own(judge(busier), busier)
    assume(less and more)
    assert max(s.max_instances for s in more) >= max(s.max_instances for s in less), (less, more)
    assert max(s.min_instances for s in more) >= max(s.min_instances for s in less), (less, more)


def after_applying_the_decision_is_hold(world: tuple[Machine, Observed]) -> None:
    """The size it chose, under the same demand and evidence, stays as it is."""
    observed = world[1]
    first = judge(observed).wanted
    assume(isinstance(first, Propose))
    assert isinstance(first, Propose)
    size = first.proposal.target
    assert isinstance(size, RealtimeSize)
    calm = replace(observed.windows, recent=())
    second = judge(replace(observed, state=a_state(size), windows=calm)).wanted
    assert isinstance(second, Hold), (first.proposal.detail, second.proposal.detail)


PROPERTIES: list[Callable[[tuple[Machine, Observed]], None]] = [
    deciding_twice_is_deciding_once,
    the_target_is_inside_the_bounds,
    no_load_is_no_change,
    no_data_is_no_change,
    fewer_rows_never_lower_more,
    more_demand_never_means_fewer_instances,
    after_applying_the_decision_is_hold,
]


@pytest.mark.parametrize("prop", PROPERTIES, ids=lambda p: p.__name__)
def test_for_any_endpoint(prop: Callable[[tuple[Machine, Observed]], None]) -> None:
    @FEW
    @given(worlds())
    def holds(world: tuple[Machine, Observed]) -> None:
        prop(world)

    holds()


@pytest.mark.slow
@pytest.mark.parametrize("prop", PROPERTIES, ids=lambda p: p.__name__)
def test_for_many_endpoints(prop: Callable[[tuple[Machine, Observed]], None]) -> None:
    @MANY
    @given(worlds())
    def holds(world: tuple[Machine, Observed]) -> None:
        prop(world)

    holds()


@pytest.mark.slow
@pytest.mark.parametrize("running", [1, 3, 6, 12])
@pytest.mark.parametrize("rps", [3.0, 60.0, 150.0])
def test_constant_load_means_at_most_two_changes(running: int, rps: float) -> None:
    loop = Loop(Machine(), a_policy(100.0), RealtimeSize("ml.c5.xlarge", running, running))
    run = loop.play([rps] * 288 * 6, warm_up=288)
    assert len(run.sizes) <= 2, run.sizes
    assert run.met >= 0.95
    late = [hour for hour, _ in run.sizes if hour > 72]
    assert not late


@pytest.mark.slow
@pytest.mark.parametrize(
    ("running", "rps", "enough"), [(6, 150.0, 3), (12, 150.0, 3), (12, 60.0, 2)]
)
def test_far_too_many_instances_become_about_as_many_as_do(
    running: int, rps: float, enough: int
) -> None:
    """Each reduction shows what more load does; after two, the next one waits for a week."""
    loop = Loop(Machine(), a_policy(100.0), RealtimeSize("ml.c5.xlarge", running, running))
    run = loop.play([rps] * 288 * 14, warm_up=288, every_h=6)
    assert len(run.sizes) <= 3, run.sizes
    assert loop.size.min_instances <= enough + 1
    assert run.met >= 0.99


@pytest.mark.slow
def test_a_day_that_repeats_is_followed_and_the_slo_holds() -> None:
    loop = Loop(Machine(), a_policy(100.0), RealtimeSize("ml.c5.xlarge", 6, 6))
    run = loop.play(weekly(20.0, 200.0, 10), warm_up=2 * 288)
    assert 1 <= len(run.sizes) <= 3, run.sizes
    assert run.met >= 0.97
    assert run.usd_per_month < 0.6 * 6 * 0.204 * 730
    assert math.isfinite(run.usd)
