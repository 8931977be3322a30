"""What the daemon wants to have measured of a real-time endpoint, and that it comes to an end."""

from dataclasses import replace
from typing import Any

import pytest
from realtime_world import C5, PRICES, Machine, a_policy, a_sizing, an_observed, daily, parts_of

from controller.core.assess import Observed, assess, believe
from controller.core.probe_cost import Tariff
from controller.core.probe_worth import Looking, consider
from controller.kinds.realtime_endpoint.probing import instance_wish, phases_of, spent_of
from controller.kinds.realtime_endpoint.search import Probe as Look
from controller.model.decision import Assessment, Hold, Probe
from controller.model.estimate import Observation, Rejection
from controller.model.policy import Bounds
from controller.model.probing import PayloadSource, ProbeBudget, Probing
from controller.model.reason import Reason
from controller.model.size import RealtimeSize, Size
from controller.sandbox.sagemaker.stations import ServerStation

PROBING = Probing(
    (PayloadSource(inline="{}"),), shadows=True, budget=ProbeBudget(1.0, 20.0), warm_up=2
)
TYPES = Bounds(instance_types=("ml.c5.large", "ml.c5.xlarge", "ml.m5.large"))
MACHINES = {
    "ml.c5.large": Machine(ServerStation(40.0, 2)),
    "ml.c5.xlarge": Machine(ServerStation(40.0, 4)),
    "ml.m5.large": Machine(ServerStation(48.0, 2)),
}


def observed(probing: Probing, *more: Observation) -> Observed:
    """Two instances at a tenth of what they can do, for two weeks."""
    policy = replace(a_policy(150.0, bounds=TYPES), probe=probing)
    parts = parts_of(MACHINES["ml.c5.xlarge"], C5, daily(4.0, 16.0), 150.0)
    return an_observed(parts, C5, policy=policy, more_rows=more)


def decided(seen: Observed) -> Assessment:
    sizing = a_sizing(seen)
    beliefs = believe(seen, sizing)
    looking = Looking(seen, assess(seen, sizing, beliefs), beliefs, sizing)
    return consider(looking, instance_wish, rate)


def rate(size: Size) -> Tariff:
    assert isinstance(size, RealtimeSize)
    return Tariff(usd_per_hour=PRICES.usd_per_hour[size.instance_type])


def row(seen: Observed, size: RealtimeSize, load: float, ago_s: float, **more: Any) -> Observation:
    """What a copy shows at a load."""
    start_s = seen.now_s - ago_s
    window = MACHINES[size.instance_type].part(start_s, load, 1.0, 150.0)
    assert isinstance(window.requests, int)
    assert isinstance(window.mean_ms, float)
    assert isinstance(window.p50_ms, float)
    assert isinstance(window.p95_ms, float)
    return Observation(
        size=RealtimeSize(size.instance_type, 1, 1),
        era=seen.era,
        start_s=start_s,
        end_s=start_s + 300.0,
        requests=window.requests,
        mean_ms=window.mean_ms,
        p50_ms=window.p50_ms,
        p95_ms=window.p95_ms,
        met_ratio=window.met_ratio,
        threshold_ms=150.0,
        source="probe",
        load_rps=load,
        **more,
    )


@pytest.mark.slow
def test_types_that_may_be_cheaper_are_loaded_until_nothing_is_worth_it() -> None:
    rows: list[Observation] = []
    asked: list[tuple[str, float]] = []
    for number in range(20):
        seen = observed(PROBING, *rows)
        decision = decided(seen).decision
        if not isinstance(decision, Probe):
            break
        size, load = decision.plan.size, decision.plan.phases[-1]
        assert isinstance(size, RealtimeSize)
        assert (size.min_instances, size.max_instances) == (1, 1), "a copy is one instance"
        assert decision.plan.phases[0].to_rps < load.to_rps, "a light load first"
        asked.append((size.instance_type, load.to_rps))
        rows.append(row(seen, size, load.to_rps, 400.0 * (30 - number)))
    assert asked, "there is something to save"
    assert {name for name, _ in asked} <= set(TYPES.instance_types or ())
    assert len(asked) <= 16
    assert not isinstance(decided(observed(PROBING, *rows)).decision, Probe)


def test_a_budget_that_pays_no_instance_pays_no_probe() -> None:
    poor = replace(PROBING, budget=ProbeBudget(0.001, 0.001))
    assert not isinstance(decided(observed(poor)).decision, Probe)


def test_one_probe_counts_once_however_many_rows_it_left() -> None:
    """A light minute and six minutes at the load are one look at the load, not seven."""
    seen = observed(PROBING)
    size = RealtimeSize("ml.c5.large", 1, 1)
    made: list[Observation] = []
    for began_s in (9000.0, 5000.0):
        made.append(replace(row(seen, size, 5.0, began_s), end_s=seen.now_s - began_s + 60.0))
        for minute in range(1, 7):
            start_s = seen.now_s - began_s + 60.0 * minute
            at_load = row(seen, size, 20.0 + minute / 10.0, began_s)
            made.append(replace(at_load, start_s=start_s, end_s=start_s + 60.0))
    seen = observed(PROBING, *made)
    sizing = a_sizing(seen)
    beliefs = believe(seen, sizing)
    looking = Looking(seen, assess(seen, sizing, beliefs), beliefs, sizing)
    spent = spent_of(looking, made)
    assert [(p.instance_type, p.load_s) for p in spent.probes] == [("ml.c5.large", 420.0)] * 2
    assert all(20.0 < p.load_rps < 21.0 for p in spent.probes)


def test_where_there_may_be_few_instances_each_is_asked_for_its_share_of_the_peak() -> None:
    """A fleet of one has all of the peak, whatever load its target speaks of."""
    one = replace(a_policy(150.0, bounds=replace(TYPES, max_instances=1)), probe=PROBING)
    parts = parts_of(MACHINES["ml.c5.xlarge"], C5, daily(4.0, 16.0), 150.0)
    decision = decided(an_observed(parts, RealtimeSize("ml.c5.xlarge", 1, 1), policy=one)).decision
    assert isinstance(decision, Probe)
    assert decision.plan.phases[-1].to_rps >= 16.0


def test_a_load_lasts_no_longer_than_the_requests_that_may_be_sent() -> None:
    step = Look("ml.c5.large", 100.0, 420.0, 0.2, 0.01, 1.0)
    light, load = phases_of(step, PROBING)
    assert light.requests + load.requests < (PROBING.stop.max_requests or 0)
    assert load.duration_s >= 60.0


def test_what_cannot_be_had_now_is_not_probed_and_stands_in_nobodys_way() -> None:
    """The best type is in quarantine: the search is for the best of the others."""
    seen = observed(PROBING)
    sizing = a_sizing(seen)
    beliefs = believe(seen, sizing)
    found = assess(seen, sizing, beliefs)
    first = consider(Looking(seen, found, beliefs, sizing), instance_wish, rate).decision
    assert isinstance(first, Probe)
    best = first.plan.size
    assert isinstance(best, RealtimeSize)
    shut = tuple(
        replace(c, rejection=Rejection.QUARANTINED)
        if isinstance(c.estimate.size, RealtimeSize)
        and c.estimate.size.instance_type == best.instance_type
        else c
        for c in found.candidates
    )
    hold = Hold(Reason.QUARANTINED, "the last try")
    held = replace(found, candidates=shut, wanted=hold, decision=hold)
    then = consider(Looking(seen, held, beliefs, sizing), instance_wish, rate).decision
    assert isinstance(then, Probe)
    assert isinstance(then.plan.size, RealtimeSize)
    assert then.plan.size.instance_type != best.instance_type
