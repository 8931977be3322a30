"""The generator against the sandbox over HTTP: other accounts' roles, variants, refusals."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from generators import finished, plan, runner

from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.model.probe import ProbeOutcome, ProbeTarget
from controller.model.probing import Phase, StopRules
from controller.sandbox.extensions import state_of
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.seeding import seed_world
from controller.sandbox.sts_api import Role, StsState
from controller.sandbox.world import World

pytestmark = pytest.mark.end_to_end

THEIRS = "111122223333"
ROLE = f"arn:aws:iam::{THEIRS}:role/probing"
SCOPE = Scope("eu-west-1", THEIRS, ROLE, "x-7f3a")
BRIEFLY = Phase(20.0, 20.0, 1.0)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    world = World(seed=1)
    seed_world(
        world,
        {
            "account": THEIRS,
            "endpoints": [
                {
                    "name": "ctr",
                    "variants": [{"variant": "A"}, {"variant": "B", "weight": 0}],
                    "workload": {"machines": {"work_ms": 5}},
                }
            ],
            "functions": [{"name": "ocr", "memory_mb": 512, "workload": {"error_rate": 1.0}}],
        },
    )
    state_of(world, StsState).add(Role(ROLE, external_id="x-7f3a"))
    with SandboxServer(world, pace=1.0) as door:
        yield door


def target(kind: Kind, name: str, scope: Scope = SCOPE, variant: str | None = None) -> ProbeTarget:
    key = EndpointKey(THEIRS, "eu-west-1", kind, name)
    return ProbeTarget(key, scope, name, variant=variant)


def test_one_variant_of_another_account(server: SandboxServer, tmp_path: Path) -> None:
    generator = runner(tmp_path, server.port)
    asked = target(Kind.REALTIME_ENDPOINT, "ctr", variant="B")
    generator.start("a", plan(BRIEFLY, target=asked))
    run = finished(generator, "a")
    assert {s.error for s in run.samples} == {None}, run.detail
    assert {s.status for s in run.samples} == {200}
    assert all(isinstance(s.duration_ms, Missing) for s in run.samples)
    world = server.control.world
    calls = sagemaker_of(world, world.region(THEIRS, "eu-west-1")).calls["ctr"]
    assert len(calls) == len(run.samples)
    assert {call.variant for call in calls} == {"B"}


def test_a_handler_that_fails_is_a_failure_and_ends_the_run(
    server: SandboxServer, tmp_path: Path
) -> None:
    generator = runner(tmp_path, server.port)
    asked = plan(
        Phase(20.0, 20.0, 30.0), target=target(Kind.LAMBDA_FUNCTION, "ocr"), stop=StopRules()
    )
    generator.start("a", asked)
    run = finished(generator, "a")
    assert run.outcome in {ProbeOutcome.ABORTED, ProbeOutcome.DISCARDED}
    assert len(run.samples) < 100
    assert {s.error for s in run.samples} <= {"function", "unfinished"}
    told = [s for s in run.samples if s.error == "function"]
    assert not any(isinstance(s.billed_ms, Missing) for s in told)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            target(Kind.REALTIME_ENDPOINT, "ctr", replace(SCOPE, external_id="wrong")),
            "not authorized to perform: sts:AssumeRole",
        ),
        (target(Kind.REALTIME_ENDPOINT, "gone"), "failed for good: status 400: Endpoint gone"),
        (target(Kind.LAMBDA_FUNCTION, "gone"), "failed for good: status 404: Function not found"),
    ],
)
def test_what_can_never_work_is_said_once(
    server: SandboxServer, tmp_path: Path, asked: ProbeTarget, words: str
) -> None:
    generator = runner(tmp_path, server.port)
    generator.start("a", plan(BRIEFLY, target=asked))
    run = finished(generator, "a")
    assert run.outcome is ProbeOutcome.FAILED
    assert words in run.detail
    assert len(run.samples) <= 1
