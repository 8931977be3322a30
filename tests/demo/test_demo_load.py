"""The demo's load generator: what it tells is what the sandbox's world knows to be so."""

from dataclasses import replace

import numpy as np
import pytest

from controller.clock import VirtualClock
from controller.demo.load import VirtualLoad
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Conflict
from controller.model.policy import Scope
from controller.model.probe import Body, ProbeKind, ProbeOutcome, ProbePlan, ProbeRun, ProbeTarget
from controller.model.probing import Phase, StopRules
from controller.model.size import RealtimeSize
from controller.sandbox.sagemaker.truth import endpoint_truth
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT, REGION, TYPE = "123456789012", "eu-west-1", "ml.c5.large"
KEY = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, "shop", "AllTraffic")
ENDPOINT = {
    "name": "shop",
    "instance_type": TYPE,
    "instance_count": 1,
    "age_days": 0.1,
    "workload": {
        "traffic": {"rps": 0.0},
        "machines": {"table": {TYPE: {"service_ms": 40.0, "servers": 2}}},
        "cv": 0.2,
    },
}
PLAN = ProbePlan(
    target=ProbeTarget(KEY, Scope(REGION), "shop"),
    kind=ProbeKind.SHADOW,
    size=RealtimeSize(TYPE, 1, 1),
    bodies=(Body(b"{}", "application/json", 1.0),),
    phases=(Phase(5.0, 5.0, 60.0), Phase(30.0, 30.0, 300.0)),
    warm_up=3,
    max_in_flight=100,
    stop=StopRules(),
    time_limit_s=900.0,
    seed=7,
)


class Bench:
    """A world with one endpoint that nobody calls, and the generator in it."""

    def __init__(self) -> None:
        self.world = World(seed=2)
        seed_world(self.world, {"endpoints": [ENDPOINT]})
        self.clock = VirtualClock(self.world.now_s(), self.world.advance_to)
        self.load = VirtualLoad(self.world, self.clock)

    def run(self, plan: ProbePlan, step_s: float = 20.0) -> ProbeRun:
        self.load.start("a", plan)
        while (found := self.load.poll("a")) is None:
            self.clock.advance_to(self.clock.now_s() + step_s)
        return found


@pytest.mark.parametrize("step_s", [20.0, 400.0])
def test_latencies_are_those_of_the_worlds_queue_at_that_load(step_s: float) -> None:
    """However often it is asked how far it is; and every request is a call of the endpoint's."""
    bench = Bench()
    run = bench.run(PLAN, step_s)
    assert run.outcome is ProbeOutcome.SUCCEEDED, run.detail
    assert run.ended_at_s - run.started_at_s == pytest.approx(360.0, abs=0.1)
    region = bench.world.region(ACCOUNT, REGION)
    for number, load_rps in enumerate((5.0, 30.0)):
        mine = [s.latency_ms for s in run.samples if s.phase == number]
        assert len(mine) == pytest.approx(PLAN.phases[number].requests, rel=0.2)
        truth = endpoint_truth(
            bench.world, region, "shop", instance_type=TYPE, load_rps=load_rps, threshold_ms=200.0
        )
        overhead_ms = sagemaker_of(bench.world, region).workloads["shop"].overhead_ms
        assert np.quantile(mine, 0.95) == pytest.approx(truth.p95_ms + overhead_ms, rel=0.15)
    calls = sagemaker_of(bench.world, region).calls["shop"]
    assert len(calls) == len(run.samples)
    assert [c.at_s for c in calls] == sorted(c.at_s for c in calls)


def test_more_than_it_can_do_ends_the_run_or_throws_it_away() -> None:
    too_much = replace(PLAN, phases=(Phase(90.0, 90.0, 300.0),))
    stopped = Bench().run(replace(too_much, stop=StopRules(p95_ms=400.0)))
    assert stopped.outcome is ProbeOutcome.ABORTED, stopped.detail
    assert "p95 of the last 100" in stopped.detail
    assert stopped.ended_at_s - stopped.started_at_s < 60.0
    blind = StopRules(error_ratio=None, flat_throughput=False)
    crowded = Bench().run(replace(too_much, stop=blind))
    assert crowded.outcome is ProbeOutcome.DISCARDED, crowded.detail
    assert crowded.dropped > 0


def test_a_run_is_ended_and_known_by_its_name_alone() -> None:
    bench = Bench()
    bench.load.start("a", PLAN)
    with pytest.raises(Conflict):
        bench.load.start("a", PLAN)
    bench.clock.advance_to(bench.clock.now_s() + 100.0)
    assert bench.load.poll("a") is None
    bench.load.stop("a")
    found = bench.load.poll("a")
    assert found is not None
    assert found.outcome is ProbeOutcome.ABORTED
    unknown = bench.load.poll("a")
    assert unknown is not None
    assert unknown.outcome is ProbeOutcome.FAILED


def test_what_is_not_there_answers_nothing() -> None:
    gone = replace(PLAN, target=replace(PLAN.target, name="nobody"))
    run = Bench().run(gone)
    assert run.outcome is ProbeOutcome.ABORTED
    assert {s.error for s in run.samples} == {"not-found"}
