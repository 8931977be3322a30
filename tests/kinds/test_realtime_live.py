"""A live real-time endpoint as the adapter sees it, and what stands in the way of sizing it."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import Session as BotocoreSession

from controller.aws.sessions import Connection, Keys, Sessions
from controller.kinds.realtime_endpoint.live import RealtimeAdapter
from controller.kinds.realtime_endpoint.names import OUR_POLICY, action_name
from controller.kinds.realtime_endpoint.obstacles import obstacles
from controller.model.change import PointAlias
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, EndpointState, Kind, Phase
from controller.model.errors import NotFound
from controller.model.policy import Scope, Selector
from controller.model.reason import Reason
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeployConfig,
    PutScheduledBounds,
    PutTargetTracking,
    RegisterTarget,
    SetInstanceCount,
)
from controller.model.size import RealtimeSize, ScheduledBounds
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT, SCOPE = "111122223333", Scope("eu-west-1")
KEY = EndpointKey(ACCOUNT, "eu-west-1", Kind.REALTIME_ENDPOINT, "shop", ALL_TRAFFIC)
MODELS = BotocoreSession().get_component("data_loader")
TRACKED = {"name": "tt", "target_value": 900.0}
STEPPED = {
    "name": "burst",
    "step": {
        "AdjustmentType": "ChangeInCapacity",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 2}],
    },
}
CUSTOM = {
    "name": "cpu",
    "tracking": {
        "TargetValue": 70.0,
        "CustomizedMetricSpecification": {
            "MetricName": "CPUUtilization",
            "Namespace": "/aws/sagemaker/Endpoints",
            "Statistic": "Average",
        },
    },
}
NOON = {"name": "noon", "schedule": "cron(0 12 ? * * *)", "min": 4}


class Shop:
    """A world with one endpoint, and the adapter that looks at it."""

    def __init__(self, endpoint: Mapping[str, Any], target: Mapping[str, Any] | None) -> None:
        self.world = World(seed=3)
        targets = [] if target is None else [{"endpoint": "shop", **target}]
        seed = {"name": "shop", "instance_type": "ml.c5.large", "instance_count": 3, **endpoint}
        seed_world(
            self.world, {"account": ACCOUNT, "endpoints": [seed], "scalable_targets": targets}
        )
        sessions = Sessions(
            self,
            Connection(keys=Keys(f"AKIA-{ACCOUNT}", "secret"), max_attempts=1),
            hook=lambda session: attach(session, self.world),
            models=MODELS,
        )
        self.adapter = RealtimeAdapter(sessions, self)

    def now_s(self) -> float:
        return self.world.now_s()

    def monotonic_s(self) -> float:
        return self.world.now_s()

    def look(self) -> EndpointState:
        return self.adapter.observe(SCOPE, KEY)

    def do(self, step: Any) -> Mapping[str, str]:
        return self.adapter.execute(SCOPE, KEY, step)


def test_without_autoscaling_the_size_is_the_number_asked_for() -> None:
    shop = Shop({}, None)
    assert shop.look().size == RealtimeSize("ml.c5.large", 3, 3)
    etag = shop.look().etag
    assert shop.do(SetInstanceCount(ALL_TRAFFIC, 5))["counted"] == "5"
    state = shop.look()
    assert (state.size, state.phase) == (RealtimeSize("ml.c5.large", 5, 5), Phase.UPDATING)
    assert state.etag != etag


def test_the_size_is_what_autoscaling_may_do_not_what_it_did() -> None:
    shop = Shop({}, {"min": 2, "max": 6, "policies": [TRACKED, CUSTOM]})
    state = shop.look()
    assert state.size == RealtimeSize("ml.c5.large", 2, 6, 900.0)
    assert state.realtime.desired_instances == 3
    shop.do(SetInstanceCount(ALL_TRAFFIC, 5))
    shop.world.advance(1200.0)
    assert (shop.look().size, shop.look().etag) == (state.size, state.etag)


def test_our_schedule_is_part_of_the_size_and_does_not_move_it() -> None:
    up = ScheduledBounds("cron(0 7 ? * * *)", "UTC", 4, 8)
    down = ScheduledBounds("cron(0 20 ? * * *)", "UTC", 2, 8)
    shop = Shop({}, None)
    size = RealtimeSize("ml.c5.large", 2, 8, 700.0, (down, up))
    shop.do(RegisterTarget(ALL_TRAFFIC, 2, 8))
    shop.do(PutTargetTracking(ALL_TRAFFIC, OUR_POLICY, 700.0))
    for bounds in size.schedule:
        shop.do(PutScheduledBounds(ALL_TRAFFIC, action_name(bounds), bounds))
    etag, seen = shop.look().etag, set()
    for _ in range(24):
        shop.world.advance(3600.0)
        state = shop.look()
        assert (state.size, state.etag) == (size, etag)
        target = state.realtime.autoscaling.target
        assert target is not None
        seen.add(target.min_instances)
    assert seen == {2, 4}
    assert not obstacles(shop.look().realtime, change_open=False)


def test_a_deployment_shows_and_its_end_is_told_by_the_name() -> None:
    shop = Shop({}, None)
    name = "rightsizer-shop-x"
    step = CreateConfig(name, "shop-config", ALL_TRAFFIC, "ml.c5.xlarge", 2)
    assert shop.do(step)[f"made:{name}"] == "1"
    assert shop.do(DeployConfig(name, keep_count=False))["accepted"] == name
    state = shop.look()
    assert state.phase is Phase.UPDATING
    assert state.realtime.endpoint.pending_config == name
    assert state.size == RealtimeSize("ml.c5.large", 3, 3)
    shop.world.advance(1200.0)
    state = shop.look()
    assert state.size == RealtimeSize("ml.c5.xlarge", 2, 2)
    config = state.realtime.endpoint.config
    assert (config.name, config.ours, config.source) == (name, True, "shop-config")


def test_only_real_time_endpoints_are_found_and_seen() -> None:
    shop = Shop({}, None)
    serverless = {"name": "small", "memory_mb": 2048}
    seed_world(shop.world, {"account": ACCOUNT, "endpoints": [serverless]})
    assert list(shop.adapter.discover(SCOPE, Selector())) == ["shop"]
    for name, variant in (("small", ALL_TRAFFIC), ("gone", ALL_TRAFFIC), ("shop", "Blue")):
        key = EndpointKey(ACCOUNT, "eu-west-1", Kind.REALTIME_ENDPOINT, name, variant)
        with pytest.raises(NotFound):
            shop.adapter.observe(SCOPE, key)


def test_steps_of_functions_are_refused() -> None:
    with pytest.raises(TypeError):
        Shop({}, None).do(PointAlias("live", "1", {}, "r"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"policies": [STEPPED]}, "burst moves the number of instances by steps"),
        ({"policies": [TRACKED, CUSTOM]}, "cpu tracks another metric"),
        ({"scheduled_actions": [NOON]}, "noon alone moves the number"),
        ({"suspended": {"out": True}}, "suspended"),
    ],
)
def test_autoscaling_of_others_is_left_alone(target: dict[str, Any], words: str) -> None:
    live = Shop({}, {"min": 2, "max": 6, **target}).look().realtime
    assert words in obstacles(live, change_open=False)[Reason.FOREIGN_AUTOSCALING]
    assert not obstacles(live, change_open=True)


def test_tracking_of_invocations_stands_in_no_way() -> None:
    live = Shop({}, {"min": 2, "max": 6, "policies": [TRACKED]}).look().realtime
    assert not obstacles(live, change_open=False)


def test_bounds_that_others_schedule_are_theirs_and_stand_in_no_other_way() -> None:
    """Between what all their actions set: the size is the same at any time of the day."""
    state = Shop(
        {}, {"min": 2, "max": 6, "policies": [TRACKED], "scheduled_actions": [NOON]}
    ).look()
    assert not obstacles(state.realtime, change_open=False)
    assert isinstance(state.size, RealtimeSize)
    lows = [2, NOON["min"]] if "min" in NOON else [2]
    highs = [6, NOON["max"]] if "max" in NOON else [6]
    assert (state.size.min_instances, state.size.max_instances) == (min(lows), max(highs))


ASYNC = {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://out"}}}
POOLS = [{"InstanceType": "ml.c5.large", "Priority": 1}]
MULTI_MODEL = {"PrimaryContainer": {"Mode": "MultiModel"}}
CONTAINERS = {"Containers": [{"Image": "a"}, {"Image": "b"}]}


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({"config": ASYNC}, "asynchronously"),
        ({"model": MULTI_MODEL}, "loads many models on demand"),
        ({"model": CONTAINERS}, "2 containers"),
        ({"shadow": {"instance_type": "ml.c5.large"}}, "shadow variant"),
        (
            {
                "variants": [
                    {"variant": ALL_TRAFFIC, "instance_type": "ml.c5.large"},
                    {"variant": "Green", "instance_type": "ml.c5.large"},
                ]
            },
            "splits traffic",
        ),
    ],
)
@pytest.mark.parametrize("change_open", [False, True])
def test_special_endpoints_are_said(
    endpoint: dict[str, Any], words: str, change_open: bool
) -> None:
    live = Shop(endpoint, None).look().realtime
    assert words in obstacles(live, change_open)[Reason.SPECIAL_ENDPOINT]
