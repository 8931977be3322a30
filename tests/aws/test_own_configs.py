"""Configurations of ours, told from the user's by their tags, and listed once a day."""

from collections.abc import Mapping

import pytest
from botocore.loaders import Loader

from controller.aws.calls import CallWatch
from controller.aws.own_configs import DAY_S, OwnConfigs
from controller.aws.sessions import Connection, Keys, Sessions
from controller.aws.variants import Variant, endpoint_variants
from controller.model.endpoint import Kind
from controller.model.errors import AccessDenied, NotFound
from controller.model.policy import Scope
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
SCOPE = Scope("us-east-1")
OURS = {"rightsizer:owner": "rightsizer", "rightsizer:endpoint": "shop"}


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
    def config(name: str, tags: Mapping[str, str]) -> dict[str, object]:
        return {"name": name, "tags": tags, "instance_type": "ml.c5.large", "instance_count": 1}

    world = World(seed=11)
    seed_world(
        world,
        {
            "account": ACCOUNT,
            "region": "us-east-1",
            "endpoints": [
                {"name": "shop", "instance_type": "ml.c5.large", "instance_count": 1},
                {"name": "score", "memory_mb": 2048, "max_concurrency": 5},
            ],
            "endpoint_configs": [
                config("rightsizer-shop-1", {**OURS, "rightsizer:source": "shop-config"}),
                config("rightsizer-other-1", {**OURS, "rightsizer:endpoint": "other"}),
                config("rightsizer-by-hand", {}),
                config("my-rightsizer-copy", OURS),
            ],
        },
    )
    return world


@pytest.fixture
def sessions(world: World, models: Loader) -> Sessions:
    clock = WorldClock(world)
    connection = Connection(keys=Keys(f"AKIA-{ACCOUNT}", "secret"), max_attempts=1)
    return Sessions(
        clock,
        connection,
        watch=CallWatch(clock),
        hook=lambda session: attach(session, world),
        models=models,
    )


def test_only_those_with_our_name_and_our_tags(world: World, sessions: Sessions) -> None:
    configs = OwnConfigs(sessions, WorldClock(world))
    assert configs.of_endpoint(SCOPE, "shop") == {"rightsizer-shop-1": "shop-config"}
    assert list(configs.of_endpoint(SCOPE, "other")) == ["rightsizer-other-1"]
    assert configs.of_endpoint(SCOPE, "score") == {}


def test_a_day_long_the_list_is_remembered(world: World, sessions: Sessions) -> None:
    configs = OwnConfigs(sessions, WorldClock(world))
    assert configs.of_endpoint(SCOPE, "shop")
    sessions.sagemaker_writes(SCOPE).delete_endpoint_config(EndpointConfigName="rightsizer-shop-1")
    world.advance(DAY_S - 1.0)
    assert configs.of_endpoint(SCOPE, "shop")
    world.advance(1.0)
    assert configs.of_endpoint(SCOPE, "shop") == {}


def test_a_refusal_is_raised_and_not_remembered(world: World, sessions: Sessions) -> None:
    configs = OwnConfigs(sessions, WorldClock(world))
    fault = Fault(FaultKind.DENIED, service="sagemaker", operation="ListEndpointConfigs", times=1)
    state_of(world, Front).faults.add(fault)
    with pytest.raises(AccessDenied, match="sagemaker:ListEndpointConfigs"):
        configs.of_endpoint(SCOPE, "shop")
    assert configs.of_endpoint(SCOPE, "shop")


def test_variants_of_a_live_endpoint(sessions: Sessions) -> None:
    assert endpoint_variants(sessions, SCOPE, "shop") == (
        Variant("AllTraffic", Kind.REALTIME_ENDPOINT, 1.0),
    )
    (variant,) = endpoint_variants(sessions, SCOPE, "score")
    assert variant.kind is Kind.SERVERLESS_ENDPOINT
    with pytest.raises(NotFound):
        endpoint_variants(sessions, SCOPE, "gone")
