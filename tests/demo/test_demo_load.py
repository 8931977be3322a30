"""The demo's load generator: what it tells is what the sandbox's world knows to be so."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from controller.clock import VirtualClock
from controller.core.evidence import evidence
from controller.demo.load import VirtualLoad
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import Conflict
from controller.model.policy import Scope, Slo
from controller.model.probe import (
    Body,
    ProbeKind,
    ProbeOrder,
    ProbeOutcome,
    ProbePlan,
    ProbeRun,
    ProbeTarget,
)
from controller.model.probing import PayloadSource, Phase, Probing, StopRules
from controller.model.size import LambdaSize, RealtimeSize
from controller.runtime.probe_plans import places, plan_of, stop_of
from controller.runtime.probe_results import found_in, rows_of
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
}
MACHINES = {TYPE: {"service_ms": 40.0, "servers": 2}}
WORKLOAD = {"traffic": {"rps": 0.0}, "cv": 0.2}
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

    def __init__(self, table: Any = MACHINES) -> None:
        self.world = World(seed=2)
        workload = {**WORKLOAD, "machines": {"table": table}}
        seed_world(self.world, {"endpoints": [{**ENDPOINT, "workload": workload}]})
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


PROBING = Probing((PayloadSource(inline="{}"),), shadows=True)
SLO = Slo(threshold_ms=150.0)


def probe(load_rps: float, probing: Probing, table: Any) -> tuple[ProbePlan, ProbeRun]:
    """Of a copy on such machines, as the capacity search asks for one."""
    phases = (Phase(load_rps / 4.0, load_rps / 4.0, 60.0), Phase(load_rps, load_rps, 150.0))
    order = ProbeOrder(PLAN.kind, PLAN.size, phases, 3, 0.05)
    plan = plan_of(order, probing, PLAN.target, PLAN.bodies, era="v1", slo=SLO)
    return plan, Bench(table).run(plan)


@pytest.mark.parametrize("load_rps", [1.0, 4.0, 60.0, 300.0])
def test_a_copy_that_does_not_bear_a_load_says_so(load_rps: float) -> None:
    """With nothing but payloads in the policy, at a thin load and at one far beyond it."""
    heavy = load_rps < 10.0
    table = {TYPE: {"service_ms": 1000.0 if heavy else 40.0, "servers": 2}}
    plan, run = probe(load_rps, PROBING, table)
    assert run.outcome is ProbeOutcome.ABORTED, run.detail
    # answers are waited for a little longer, which is no lower load
    run = replace(run, ended_at_s=run.ended_at_s + 5.0)
    found = found_in(run, KEY.kind, SLO.covers)
    proof = evidence(rows_of(plan, run, found, SLO), "v1").loaded
    assert proof, "too few requests are no evidence"
    assert proof[-1].p95_ms > 2.0 * SLO.threshold_ms
    met, load = proof[-1].met_ratio, proof[-1].load_rps
    assert isinstance(met, float)
    assert met < 0.8
    measured = [plan.phases[s.phase].from_rps for s in run.samples if s.phase >= 0]
    assert isinstance(load, float)
    assert load > 0.6 * min(measured[-30:])


def test_places_that_a_policy_names_are_not_exceeded() -> None:
    plan, _ = probe(4.0, replace(PROBING, max_in_flight=8), MACHINES)
    assert plan.max_in_flight == 8
    others = [(ProbeKind.LIVE, PLAN.size), (PLAN.kind, LambdaSize(512))]
    assert [places(*one, PLAN.phases, PROBING, SLO) for one in others] == [8, 8]
    assert [stop_of(*one, PROBING, SLO).p95_ms for one in others] == [450.0, None]


def test_a_copy_that_bears_a_load_is_measured_to_the_end() -> None:
    _, run = probe(44.0, PROBING, MACHINES)
    assert (run.outcome, run.dropped) == (ProbeOutcome.SUCCEEDED, 0), run.detail


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
