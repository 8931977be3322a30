"""Application Auto Scaling over real boto3: read whole, deregistered, and put back as it was."""

import json
from typing import Any

import pytest
from botocore.loaders import Loader

from controller.aws.autoscaling import VariantScaling
from controller.aws.calls import CallWatch
from controller.aws.sessions import Connection, Keys, Sessions
from controller.model.endpoint import EndpointKey, Kind
from controller.model.errors import AccessDenied, Conflict, NotFound, Terminal, Throttled
from controller.model.policy import Scope
from controller.model.sagemaker import Autoscaling, ScalableTarget
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteScalingPolicy,
    DeleteScheduledAction,
    DeregisterTarget,
    PutScalingPolicy,
    PutScheduledAction,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
)
from controller.model.size import ScheduledBounds
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
SCOPE = Scope("eu-west-1")
VARIANT = "AllTraffic"
KEY = EndpointKey(ACCOUNT, "eu-west-1", Kind.REALTIME_ENDPOINT, "ocr", VARIANT)
BARE = EndpointKey(ACCOUNT, "eu-west-1", Kind.REALTIME_ENDPOINT, "bare", VARIANT)
CUSTOM = {
    "TargetValue": 60.5,
    "CustomizedMetricSpecification": {
        "MetricName": "CPUUtilization",
        "Namespace": "/aws/sagemaker/Endpoints",
        "Dimensions": [{"Name": "EndpointName", "Value": "ocr"}],
        "Statistic": "Average",
    },
    "DisableScaleIn": True,
}
STEPS = {
    "AdjustmentType": "ChangeInCapacity",
    "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 2}],
    "Cooldown": 90,
}
TARGET = {
    "endpoint": "ocr",
    "min": 1,
    "max": 6,
    "suspended": {"in": True},
    "policies": [
        {"name": "tt", "target_value": 700.25, "scale_in_cooldown_s": 600},
        {"name": "cpu", "tracking": CUSTOM},
        {"name": "burst", "step": STEPS},
    ],
    "scheduled_actions": [
        {"name": "noon", "schedule": "cron(0 12 ? * MON-FRI *)", "min": 2,
         "timezone": "Europe/Rome"},
        {"name": "once", "schedule": "at(2099-01-01T00:00:00)", "min": 1, "max": 9},
    ],
}  # fmt: skip


class WorldClock:
    """The world's time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now_s(self) -> float:
        return self._world.now_s()

    def monotonic_s(self) -> float:
        return self._world.now_s()


@pytest.fixture
def world() -> World:
    world = World(seed=5)
    until_s = world.now_s() + 90 * 86_400.0
    dated = {"name": "season", "schedule": "rate(1 day)", "max": 8, "end_s": until_s}
    actions = [*TARGET["scheduled_actions"], dated]
    endpoints = [{"name": name, "instance_count": 2} for name in ("ocr", "bare")]
    targets = [{**TARGET, "scheduled_actions": actions}]
    seed_world(world, {"account": ACCOUNT, "endpoints": endpoints, "scalable_targets": targets})
    return world


@pytest.fixture
def scaling(world: World, models: Loader) -> VariantScaling:
    clock = WorldClock(world)
    connection = Connection(keys=Keys(f"AKIA-{ACCOUNT}", "secret"), max_attempts=1)
    return VariantScaling(
        Sessions(
            clock,
            connection,
            watch=CallWatch(clock),
            hook=lambda session: attach(session, world),
            models=models,
        )
    )


def _restore(scaling: VariantScaling, kept: Autoscaling) -> None:
    target = kept.target
    assert target is not None
    steps: list[Any] = [
        RegisterTarget(
            VARIANT,
            target.min_instances,
            target.max_instances,
            target.suspended_in,
            target.suspended_out,
            target.suspended_schedule,
        )
    ]
    steps += [PutScalingPolicy(VARIANT, one.name, one.document) for one in kept.policies]
    steps += [PutScheduledAction(VARIANT, one.name, one.document) for one in kept.actions]
    for step in steps:
        assert scaling.execute(SCOPE, KEY, step) == {}


def test_everything_registered_is_read(scaling: VariantScaling) -> None:
    seen = scaling.look(SCOPE, KEY)
    assert seen.target == ScalableTarget(1, 6, suspended_in=True)
    assert [policy.name for policy in seen.policies] == ["burst", "cpu", "tt"]
    burst, cpu, tracking = seen.policies
    assert (burst.kind, burst.target_per_instance) == ("StepScaling", None)
    assert cpu.target_per_instance is None, "a target of another metric is none of invocations"
    assert tracking.target_per_instance == 700.25
    assert json.loads(cpu.document)["TargetTrackingScalingPolicyConfiguration"] == CUSTOM
    noon, once, season = seen.actions
    assert (noon.timezone, noon.min_instances, noon.max_instances) == ("Europe/Rome", 2, None)
    assert (once.timezone, once.max_instances) == ("UTC", 9)
    assert "EndTime" in season.document


def test_nothing_registered_is_empty(scaling: VariantScaling) -> None:
    assert scaling.look(SCOPE, BARE) == Autoscaling()


def test_what_deregistering_deletes_is_put_back_to_the_byte(scaling: VariantScaling) -> None:
    before = scaling.look(SCOPE, KEY)
    scaling.execute(SCOPE, KEY, DeregisterTarget(VARIANT))
    assert scaling.look(SCOPE, KEY) == Autoscaling()
    _restore(scaling, before)
    assert scaling.look(SCOPE, KEY) == before
    _restore(scaling, before)
    assert scaling.look(SCOPE, KEY) == before, "putting back twice is putting back once"


def test_only_the_value_of_a_rescaled_policy_changes(scaling: VariantScaling) -> None:
    kept = scaling.look(SCOPE, KEY).policies[2]
    scaling.execute(SCOPE, KEY, PutScalingPolicy(VARIANT, "tt", kept.document, 350.0))
    now = scaling.look(SCOPE, KEY).policies[2]
    assert now.target_per_instance == 350.0
    assert json.loads(now.document.replace("350.0", "700.25")) == json.loads(kept.document)


def test_our_own_policy_and_schedule(scaling: VariantScaling) -> None:
    scaling.execute(SCOPE, BARE, RegisterTarget(VARIANT, 2, 4))
    ours = PutTargetTracking(VARIANT, "rightsizer-invocations", 900.0)
    morning = ScheduledBounds("cron(0 7 ? * MON-FRI *)", "UTC", 3, 5)
    scaling.execute(SCOPE, BARE, ours)
    scaling.execute(SCOPE, BARE, PutScheduledBounds(VARIANT, "rightsizer-morning", morning))
    seen = scaling.look(SCOPE, BARE)
    assert seen.target == ScalableTarget(2, 4)
    assert [(p.name, p.target_per_instance) for p in seen.policies] == [
        ("rightsizer-invocations", 900.0)
    ]
    (action,) = seen.actions
    assert (action.schedule, action.min_instances, action.max_instances) == (morning.cron, 3, 5)
    for _ in range(2):
        scaling.execute(SCOPE, BARE, DeleteScalingPolicy(VARIANT, "rightsizer-invocations"))
        scaling.execute(SCOPE, BARE, DeleteScheduledAction(VARIANT, "rightsizer-morning"))
    assert scaling.look(SCOPE, BARE) == Autoscaling(ScalableTarget(2, 4))
    for _ in range(2):
        scaling.execute(SCOPE, BARE, DeregisterTarget(VARIANT))


def test_an_action_of_somebody_else_is_never_deleted(scaling: VariantScaling) -> None:
    with pytest.raises(ValueError, match="noon"):
        scaling.execute(SCOPE, KEY, DeleteScheduledAction(VARIANT, "noon"))


def test_lists_longer_than_a_page(scaling: VariantScaling) -> None:
    document = scaling.look(SCOPE, KEY).actions[0].document
    for number in range(60):
        given = json.dumps(json.loads(document) | {"ScheduledActionName": f"a{number:02}"})
        scaling.execute(SCOPE, KEY, PutScheduledAction(VARIANT, f"a{number:02}", given))
    assert len(scaling.look(SCOPE, KEY).actions) == 63


def test_errors_of_the_contract(world: World, scaling: VariantScaling) -> None:
    with pytest.raises(NotFound):
        scaling.execute(SCOPE, BARE, PutTargetTracking(VARIANT, "rightsizer-invocations", 1.0))
    with pytest.raises(Terminal):
        scaling.execute(SCOPE, BARE, RegisterTarget(VARIANT, 0, 2))
    with pytest.raises(TypeError):
        scaling.execute(SCOPE, BARE, CreateConfig("rightsizer-x", "ocr-config", VARIANT))
    scaling.execute(SCOPE, KEY, RegisterTarget(VARIANT, 3, 6))
    with pytest.raises(Conflict):
        scaling.execute(SCOPE, KEY, RegisterTarget(VARIANT, 5, 6))
    faults = state_of(world, Front).faults
    for kind, error in ((FaultKind.DENIED, AccessDenied), (FaultKind.THROTTLE, Throttled)):
        fault = Fault(kind, service="application-autoscaling", times=1)
        faults.add(fault)
        with pytest.raises(error):
            scaling.look(SCOPE, KEY)
    faults.add(Fault(FaultKind.DENIED, service="cloudwatch"))
    with pytest.raises(AccessDenied, match="Unable to retrieve alarms"):
        scaling.execute(SCOPE, KEY, PutTargetTracking(VARIANT, "rightsizer-invocations", 1.0))
