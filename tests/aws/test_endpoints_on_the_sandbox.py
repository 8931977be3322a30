"""SageMaker endpoints over real boto3: looked at, found, and changed one call at a time."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.loaders import Loader

from controller.aws.calls import CallWatch
from controller.aws.endpoint_calls import EndpointCalls
from controller.aws.endpoint_configs import copied_forward
from controller.aws.endpoint_discovery import EndpointFinder
from controller.aws.endpoints import Endpoints
from controller.aws.sessions import Connection, Keys, Sessions
from controller.model.endpoint import EndpointKey, Kind, Phase
from controller.model.errors import Conflict, NotFound, Retryable, Terminal
from controller.model.policy import Scope, Selector
from controller.model.sagemaker import Speciality
from controller.model.sagemaker_steps import (
    CreateConfig,
    DeleteConfig,
    DeleteGuardAlarms,
    DeployConfig,
    PutGuardAlarm,
    RegisterTarget,
    SetConcurrency,
    SetInstanceCount,
    Shift,
)
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

ACCOUNT = "111122223333"
SCOPE = Scope("eu-west-1")
SERVERLESS = {"name": "Ranker", "memory_mb": 4096, "max_concurrency": 10, "tags": {"team": "ml"}}
REALTIME = {"name": "ocr", "instance_type": "ml.c5.xlarge", "instance_count": 2}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 5,
    "DestinationS3Uri": "s3://captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


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
    world = World(seed=11)
    seed_world(world, _document(SERVERLESS, REALTIME))
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


@pytest.fixture
def endpoints(sessions: Sessions) -> Endpoints:
    return Endpoints(sessions)


@pytest.fixture
def do(sessions: Sessions) -> "Do":
    calls = EndpointCalls(sessions)
    return lambda step, name="Ranker": calls.execute(SCOPE, _key(name), step)


def _document(*endpoints: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"account": ACCOUNT, "region": "eu-west-1", "endpoints": list(endpoints), **more}


def _key(
    name: str = "Ranker", kind: Kind | None = None, variant: str = "AllTraffic"
) -> EndpointKey:
    if kind is None:
        kind = Kind.SERVERLESS_ENDPOINT if name == "Ranker" else Kind.REALTIME_ENDPOINT
    return EndpointKey(ACCOUNT, "eu-west-1", kind, name, variant)


def _sent(sessions: Sessions) -> list[str]:
    """Names of the SageMaker calls made from now on."""
    names: list[str] = []
    for client in (sessions.sagemaker_reads(SCOPE), sessions.sagemaker_writes(SCOPE)):
        client.meta.events.register("before-call", lambda model, **_: names.append(model.name))
    return names


def _copy(name: str = "rightsizer-ranker-1", **values: Any) -> CreateConfig:
    size: dict[str, Any] = {"memory_mb": 2048, "max_concurrency": 12, **values}
    return CreateConfig(name, "Ranker-config", "AllTraffic", **size)


Do = Callable[..., Mapping[str, str]]


def test_a_look_tells_state_size_and_config(endpoints: Endpoints) -> None:
    seen = endpoints.look(SCOPE, _key())
    assert (seen.phase, seen.endpoint.status) == (Phase.STABLE, "InService")
    assert seen.endpoint.config.name == "Ranker-config"
    assert not seen.endpoint.config.ours
    assert not seen.endpoint.config.specialities
    assert seen.live["CurrentServerlessConfig"]["MemorySizeInMB"] == 4096
    real = endpoints.look(SCOPE, _key("ocr"))
    assert real.live["CurrentInstanceCount"] == 2
    assert real.configured["InstanceType"] == "ml.c5.xlarge"
    assert real.endpoint.config.initial_instance_count == 2


def test_what_is_not_there_is_not_found(endpoints: Endpoints) -> None:
    with pytest.raises(NotFound, match="there is no endpoint nobody in"):
        endpoints.look(SCOPE, _key("nobody"))
    with pytest.raises(NotFound, match="has no variant Blue \\(it has AllTraffic\\)"):
        endpoints.look(SCOPE, _key(variant="Blue"))
    with pytest.raises(NotFound, match="is a serverless endpoint, and the policy is for"):
        endpoints.look(SCOPE, _key(kind=Kind.REALTIME_ENDPOINT))


def test_a_config_is_read_once(sessions: Sessions, endpoints: Endpoints) -> None:
    endpoints.look(SCOPE, _key())
    sent = _sent(sessions)
    endpoints.look(SCOPE, _key(), thorough=False)
    assert sent == ["DescribeEndpoint"]
    endpoints.look(SCOPE, _key())
    assert sent == ["DescribeEndpoint", "DescribeEndpoint", "DescribeEndpointConfig"]


def test_a_config_made_anew_under_an_old_name_is_read_again(
    world: World, sessions: Sessions, endpoints: Endpoints, do: Do
) -> None:
    client = sessions.sagemaker_writes(SCOPE)
    first = endpoints.look(SCOPE, _key()).endpoint
    do(_copy())
    do(DeployConfig("rightsizer-ranker-1"))
    world.advance(900)
    endpoints.look(SCOPE, _key())
    client.delete_endpoint_config(EndpointConfigName="Ranker-config")
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "ocr-model",
        "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 10},
    }
    client.create_endpoint_config(EndpointConfigName="Ranker-config", ProductionVariants=[variant])
    do(DeployConfig("Ranker-config"))
    world.advance(900)
    second = endpoints.look(SCOPE, _key(), thorough=False).endpoint
    assert second.config.name == first.config.name
    assert second.config.fingerprint != first.config.fingerprint


@pytest.mark.parametrize(
    ("seeded", "speciality"),
    [
        ({"model": {"PrimaryContainer": {"Mode": "MultiModel"}}}, Speciality.MULTI_MODEL),
        (
            {"model": {"Containers": [{"Image": "a"}, {"Image": "b"}]}},
            Speciality.MULTI_CONTAINER,
        ),
        (
            {"config": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://o"}}}},
            Speciality.ASYNC,
        ),
        ({"shadow": {"instance_type": "ml.c5.large"}}, Speciality.SHADOW_VARIANTS),
        (
            {"variants": [{"variant": "AllTraffic"}, {"variant": "Blue"}]},
            Speciality.SEVERAL_VARIANTS,
        ),
        (
            {
                "model": {
                    "PrimaryContainer": {
                        "ModelPackageName": "arn:aws:sagemaker:eu-west-1:865070037744:"
                        "model-package/bought"
                    }
                }
            },
            Speciality.MARKETPLACE,
        ),
    ],
)
def test_special_endpoints_are_recognised(
    world: World, endpoints: Endpoints, seeded: dict[str, Any], speciality: Speciality
) -> None:
    seed_world(world, _document({"name": "odd", **seeded}))
    assert set(endpoints.look(SCOPE, _key("odd")).endpoint.config.specialities) == {speciality}


def test_discovery_by_kind_tag_and_name(world: World, sessions: Sessions) -> None:
    finder = EndpointFinder(sessions)
    serverless, realtime = Kind.SERVERLESS_ENDPOINT, Kind.REALTIME_ENDPOINT
    assert finder.find(SCOPE, Selector(), serverless) == {"Ranker": {"team": "ml"}}
    assert finder.find(SCOPE, Selector(), realtime) == {"ocr": {}}
    assert finder.find(SCOPE, Selector(tags={"team": "ml"}), realtime) == {}
    assert list(finder.find(SCOPE, Selector(name_pattern="Rank*"), serverless)) == ["Ranker"]
    assert finder.find(SCOPE, Selector(name_pattern="rank*"), serverless) == {}
    more = [{"name": f"e-{n:03}"} for n in range(130)]
    seed_world(world, _document(*more))
    sent = _sent(sessions)
    assert len(finder.find(SCOPE, Selector(name_pattern="e-[0-9]*"), realtime)) == 130
    assert len(sent) == 132
    finder.find(SCOPE, Selector(), serverless)
    assert len(sent) == 134


def test_a_new_config_differs_in_size_only(
    world: World, sessions: Sessions, endpoints: Endpoints, do: Do
) -> None:
    members = {"DataCaptureConfig": CAPTURE, "KmsKeyId": "alias/k"}
    routing = "LEAST_OUTSTANDING_REQUESTS"
    seed_world(
        world, _document({**REALTIME, "name": "full", "routing": routing, "config": members})
    )
    client = sessions.sagemaker_reads(SCOPE)
    source = client.describe_endpoint_config(EndpointConfigName="full-config")
    client.add_tags(ResourceArn=source["EndpointConfigArn"],
                    Tags=[{"Key": "cost", "Value": "42"}])  # fmt: skip
    step = CreateConfig(
        "rightsizer-full-1",
        "full-config",
        "AllTraffic",
        instance_type="ml.m5.large",
        instance_count=3,
    )
    do(step, "full")
    made = client.describe_endpoint_config(EndpointConfigName="rightsizer-full-1")
    assert made["DataCaptureConfig"] == source["DataCaptureConfig"]
    assert made["KmsKeyId"] == "alias/k"
    (variant,) = made["ProductionVariants"]
    was = dict(source["ProductionVariants"][0])
    assert variant == {**was, "InstanceType": "ml.m5.large", "InitialInstanceCount": 3}
    tags = client.list_tags(ResourceArn=made["EndpointConfigArn"])["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {
        "cost": "42",
        "rightsizer:owner": "rightsizer",
        "rightsizer:endpoint": "full",
        "rightsizer:source": "full-config",
    }
    do(DeployConfig("rightsizer-full-1"), "full")
    world.advance(1800)
    seen = endpoints.look(SCOPE, _key("full")).endpoint
    assert seen.config.ours
    assert seen.config.has_volume_key


def test_a_copy_keeps_what_a_release_may_change(endpoints: Endpoints, world: World, do: Do) -> None:
    before = endpoints.look(SCOPE, _key()).endpoint.config.fingerprint
    do(_copy())
    do(DeployConfig("rightsizer-ranker-1"))
    world.advance(900)
    seen = endpoints.look(SCOPE, _key())
    assert seen.endpoint.config.fingerprint == before
    assert seen.live["CurrentServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 12}


def test_creating_a_config_twice_is_creating_it_once(do: Do) -> None:
    do(_copy())
    do(_copy())
    with pytest.raises(Terminal, match="not the one wanted"):
        do(_copy(memory_mb=3072))


def test_a_config_of_somebody_else_under_our_name_is_not_taken(sessions: Sessions, do: Do) -> None:
    client = sessions.sagemaker_writes(SCOPE)
    source = client.describe_endpoint_config(EndpointConfigName="Ranker-config")
    client.create_endpoint_config(**copied_forward(source, _copy()))
    with pytest.raises(Terminal, match="not the one wanted"):
        do(_copy())


def test_no_provisioned_concurrency_is_said_by_leaving_it_out(
    world: World, sessions: Sessions, do: Do
) -> None:
    seed_world(world, _document({**SERVERLESS, "name": "warm", "provisioned_concurrency": 4}))
    client = sessions.sagemaker_reads(SCOPE)
    for name, wanted, shown in [("a", None, 4), ("b", 0, None), ("c", 2, 2)]:
        step = CreateConfig(
            f"rightsizer-{name}", "warm-config", "AllTraffic", provisioned_concurrency=wanted
        )
        do(step)
        made = client.describe_endpoint_config(EndpointConfigName=step.name)
        serverless = made["ProductionVariants"][0]["ServerlessConfig"]
        assert serverless.get("ProvisionedConcurrency") == shown
        assert serverless["MemorySizeInMB"] == 4096


def test_a_config_that_cannot_be_seen_yet_is_tried_again(world: World, do: Do) -> None:
    seed_world(world, _document(endpoint_config_lag_s=5.0))
    do(_copy())
    with pytest.raises(Retryable, match="does not see config"):
        do(DeployConfig("rightsizer-ranker-1"))
    world.advance(10)
    do(DeployConfig("rightsizer-ranker-1"))


def test_an_update_in_progress_is_a_conflict(world: World, do: Do, endpoints: Endpoints) -> None:
    do(_copy())
    do(DeployConfig("rightsizer-ranker-1"))
    seen = endpoints.look(SCOPE, _key())
    assert seen.phase is Phase.UPDATING
    assert seen.endpoint.pending_config == "rightsizer-ranker-1"
    with pytest.raises(Conflict):
        do(DeployConfig("rightsizer-ranker-1"))
    with pytest.raises(Conflict):
        do(SetConcurrency("AllTraffic", 20))


def test_a_live_count_survives_a_deployment_unless_it_is_to_change(
    world: World, endpoints: Endpoints, do: Do
) -> None:
    do(SetInstanceCount("AllTraffic", 4), "ocr")
    world.advance(900)
    for number, keep, count in [(1, True, 4), (2, False, 1)]:
        name = f"rightsizer-ocr-{number}"
        step = CreateConfig(name, "ocr-config", "AllTraffic", "ml.c5.2xlarge", instance_count=1)
        do(step, "ocr")
        do(DeployConfig(name, keep_count=keep), "ocr")
        world.advance(1800)
        seen = endpoints.look(SCOPE, _key("ocr"))
        assert seen.endpoint.config.name == name
        assert seen.live["CurrentInstanceCount"] == count


def test_a_canary_with_alarms(
    world: World, sessions: Sessions, endpoints: Endpoints, do: Do
) -> None:
    alarm = PutGuardAlarm(
        "rightsizer-ocr-latency", "AllTraffic", "rightsizer-ocr-1", "ModelLatency", "p95", 250_000.0
    )
    do(alarm, "ocr")
    do(alarm, "ocr")
    (shown,) = sessions.cloudwatch_writes(SCOPE).describe_alarms()["MetricAlarms"]
    assert (shown["ExtendedStatistic"], shown["Threshold"]) == ("p95", 250_000.0)
    do(CreateConfig("rightsizer-ocr-1", "ocr-config", "AllTraffic", "ml.c5.2xlarge"), "ocr")
    shift = Shift(50, None, 300, 60, (alarm.name,))
    do(DeployConfig("rightsizer-ocr-1", shift=shift), "ocr")
    world.advance(3600)
    assert endpoints.look(SCOPE, _key("ocr")).endpoint.config.name == "rightsizer-ocr-1"
    do(DeleteGuardAlarms((alarm.name,)), "ocr")
    do(DeleteGuardAlarms((alarm.name,)), "ocr")
    assert sessions.cloudwatch_writes(SCOPE).describe_alarms()["MetricAlarms"] == []
    with pytest.raises(ValueError, match="not the name of an alarm that we make"):
        do(DeleteGuardAlarms(("theirs",)), "ocr")


def test_concurrency_in_place(world: World, endpoints: Endpoints, do: Do) -> None:
    do(SetConcurrency("AllTraffic", 25))
    world.advance(600)
    seen = endpoints.look(SCOPE, _key())
    assert seen.endpoint.config.name == "Ranker-config"
    assert seen.live["CurrentServerlessConfig"]["MaxConcurrency"] == 25


def test_only_configs_of_ours_that_serve_nothing_are_deleted(
    world: World, sessions: Sessions, do: Do
) -> None:
    name = "rightsizer-ranker-1"
    assert do(_copy()) == {"created_config": name}
    assert do(DeleteConfig(name)) == {"deleted_config": name}
    assert do(DeleteConfig(name)) == {"deleted_config": name}
    assert do(DeleteConfig("ocr-config")) == {"kept_config": "ocr-config"}
    do(_copy())
    assert do(DeployConfig(name)) == {"deployed_config": name}
    for _ in range(2):
        assert do(DeleteConfig(name)) == {"kept_config": name}
        world.advance(900)
    names = sessions.sagemaker_reads(SCOPE).list_endpoint_configs()["EndpointConfigs"]
    assert len(names) == 3


def test_steps_of_another_room_are_refused(do: Do) -> None:
    with pytest.raises(TypeError):
        do(RegisterTarget("AllTraffic", 1, 2))
