"""Scalable targets and alarms in a seed document, and somebody else at work on them."""

import json

import pytest

from controller.sandbox.alarms_clock import alarm_state
from controller.sandbox.autoscaling.state import autoscaling_of
from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker_neighbours import Neighbours
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT, REGION = "123456789012", "eu-west-1"
ENDPOINT = {"name": "shop", "instance_type": "ml.c5.xlarge", "instance_count": 2}
TARGET = {
    "endpoint": "shop",
    "min": 1,
    "max": 4,
    "suspended": {"scheduled": True},
    "tags": {"team": "ml"},
    "age_days": 90,
    "policies": [
        {"name": "usual", "target_value": 400, "scale_in_cooldown_s": 600},
        {
            "name": "by-hand",
            "step": {
                "AdjustmentType": "ChangeInCapacity",
                "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
            },
        },
    ],
    "scheduled_actions": [
        {"name": "morning", "schedule": "cron(0 7 ? * MON-FRI *)", "timezone": "Europe/Berlin",
         "min": 3}
    ],
}  # fmt: skip


def _world(*actors, targets=(TARGET,), **more) -> World:
    world = World(seed=3)
    document = {
        "endpoints": [ENDPOINT],
        "scalable_targets": list(targets),
        "actors": list(actors),
        **more,
    }
    seed_world(world, json.loads(json.dumps(document)))
    return world


def _target(world):
    (target,) = autoscaling_of(world, ACCOUNT, REGION).targets.values()
    return target


def test_a_target_with_all_there_is():
    world = _world()
    target = _target(world)
    assert (target.least, target.most) == (1, 4)
    assert target.suspended.scheduled
    assert target.tags == {"team": "ml"}
    assert target.created_s == world.now_s() - 90 * 86_400
    assert sorted(target.policies) == ["by-hand", "usual"]
    usual = target.policies["usual"].config
    assert (usual["TargetValue"], usual["ScaleInCooldown"]) == (400, 600)
    assert target.scheduled["morning"].schedule.timezone == "Europe/Berlin"
    assert autoscaling_of(world, ACCOUNT, REGION).activities == []


def test_a_function_and_another_place():
    world = World(seed=3)
    seed_world(
        world,
        {
            "functions": [
                {"name": "f", "region": "us-east-1", "versions": 1, "aliases": {"live": 1}}
            ],
            "scalable_targets": [
                {
                    "function": "f",
                    "region": "us-east-1",
                    "min": 0,
                    "max": 3,
                    "policies": [{"name": "tt", "target_value": 0.7}],
                }
            ],
        },
    )
    (target,) = autoscaling_of(world, ACCOUNT, "us-east-1").targets.values()
    assert target.key == ("lambda", "function:f:live", "lambda:function:ProvisionedConcurrency")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"min": 3}, "outside its bounds"),
        ({"endpoint": "nobody"}, "Could not find"),
        ({"color": "red"}, "no member 'color'"),
        ({"policies": [{"name": "x", "target": 1}]}, "no member 'target'"),
        ({"scheduled_actions": [{"name": "x", "schedule": "often", "min": 1}]}, "often"),
    ],
)
def test_what_makes_no_sense_is_said(wrong, says):
    with pytest.raises(ValueError, match=says):
        _world(targets=({**TARGET, **wrong},))


def test_alarms_know_their_state_from_the_start():
    function = {
        "name": "f",
        "versions": 1,
        "aliases": {"live": 1},
        "workload": {"curve": {"a_ms": 100, "b": 0}, "qualifier": "live", "traffic": {"rps": 5}},
    }
    alarm = {
        "AlarmName": "slow",
        "Namespace": "AWS/Lambda",
        "MetricName": "Duration",
        "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
        "ExtendedStatistic": "p95",
        "Period": 300,
        "EvaluationPeriods": 2,
        "Threshold": 50,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    world = _world(functions=[function], alarms=[alarm, {**alarm, "AlarmName": "f", "Period": 60}])
    assert alarm_state(world, ACCOUNT, REGION, "slow") == "ALARM"
    assert alarm_state(world, ACCOUNT, REGION, "nothing") is None
    neighbours = state_of(world, Neighbours)
    assert neighbours.alarms.alarm_state(ACCOUNT, REGION, "slow") == "ALARM"
    dimension = "sagemaker:variant:DesiredInstanceCount"
    registered = neighbours.autoscaling.registered_targets(ACCOUNT, REGION, "shop", "AllTraffic")
    assert registered == [dimension]


def test_somebody_edits_the_bounds():
    """Nobody calls, so the policy is just scaling in; the edit is tried again after that."""
    world = _world({"actor": "scaling", "at_in_s": 100, "endpoint": "shop", "min": 2, "max": 8})
    world.advance(99.0)
    assert _target(world).running is not None
    assert _target(world).most == 4
    world.advance(600.0)
    assert (_target(world).least, _target(world).most) == (2, 8)


def test_terraform_comes_back_to_the_bounds():
    world = _world(
        {"actor": "scaling", "at_in_s": 60, "every_s": 3600, "times": 3, "endpoint": "shop",
         "min": 1, "max": 4},
        {"actor": "scaling", "at_in_s": 100, "endpoint": "shop", "max": 9},
    )  # fmt: skip
    world.advance(200.0)
    assert _target(world).most == 9
    world.advance(3600.0)
    assert _target(world).most == 4


def test_somebody_adds_a_scheduled_action_and_deletes_a_policy():
    world = _world(
        {
            "actor": "scaling",
            "at_in_s": 10,
            "endpoint": "shop",
            "delete_policy": "usual",
            "scheduled_action": {"name": "night", "schedule": "rate(1 hour)", "max": 2},
            "delete_scheduled_action": "morning",
        },
        {"actor": "scaling", "at_in_s": 20, "endpoint": "shop",
         "policy": {"name": "theirs", "target_value": 50}, "suspended": {"scheduled": False}},
    )  # fmt: skip
    world.advance(30.0)
    target = _target(world)
    assert list(target.scheduled) == ["night"]
    assert sorted(target.policies) == ["by-hand", "theirs"]
    world.advance(3600.0)
    assert target.most == 2


def test_somebody_deregisters():
    world = _world({"actor": "scaling", "at_in_s": 10, "endpoint": "shop", "deregister": True})
    world.advance(20.0)
    assert autoscaling_of(world, ACCOUNT, REGION).targets == {}


def test_refusals_do_not_stop_the_world():
    world = _world(
        {"actor": "scaling", "at_in_s": 10, "endpoint": "shop", "min": 9, "max": 2},
        {"actor": "scaling", "at_in_s": 20, "endpoint": "nobody", "min": 1, "max": 2},
    )
    world.advance(30.0)
    assert _target(world).most == 4


@pytest.mark.parametrize(
    "wrong", [{"endpoint": "shop", "at_in_s": 1}, {"endpoint": "shop", "max": 3}, {"at_in_s": 1}]
)
def test_an_actor_needs_a_time_a_target_and_something_to_do(wrong):
    with pytest.raises(ValueError, match="need"):
        _world({"actor": "scaling", **wrong})
