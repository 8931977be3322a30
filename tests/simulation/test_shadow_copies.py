"""What a copy is like, who sees it, and where none is made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shadow_world import LIFETIME_S, SCOPE, SOURCES, TAGS, ShadowWorld, Source, refusal
from virtual_account import ACCOUNT, OURS, REGION

from controller.aws.sessions import Connection, Keys, Sessions
from controller.core.permissions.documents import document
from controller.core.permissions.needs import Features, needs
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import FleetLimits, Policy, PolicySet, Selector, Slo, Target
from controller.model.policy import Source as PolicySource
from controller.model.probe import Shadow
from controller.model.probing import PayloadSource, Probing
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize
from controller.probes.function_code import fetch_code
from controller.probes.shadow_functions import FunctionShadows
from controller.probes.shadows import Shadows
from controller.sandbox import foreign
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.iam.guard import Guard
from controller.sandbox.sagemaker_state import sagemaker_of

SETTINGS = {
    "Environment": {"Variables": {"TOKEN": "secret"}},
    "Layers": [{"Arn": "arn:aws:lambda:eu-west-1:123456789012:layer:l:1", "CodeSize": 1}],
    "EphemeralStorage": {"Size": 1024},
    "TracingConfig": {"Mode": "Active"},
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/shared"},
    "SnapStart": {"ApplyOn": "PublishedVersions"},
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:dead"},
}


def _function(world: ShadowWorld, shadow: Shadow) -> dict[str, Any]:
    return world.sessions.lambda_reads(SCOPE).get_function(FunctionName=shadow.id)  # type: ignore[return-value]


def _with(source: Source, **changes: Any) -> Source:
    return replace(source, seed={"functions": [source.seed["functions"][0] | changes]})


@pytest.fixture
def lived(tmp_path: Path) -> Callable[[Source], ShadowWorld]:
    """A world with one source."""
    return lambda source: ShadowWorld(source, tmp_path / "journal.db")


def test_a_function_is_copied_with_all_that_its_latency_hangs_on(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(_with(SOURCES["function"], settings=SETTINGS, timeout_s=77))
    made = _function(world, world.made())
    config, source = made["Configuration"], world.world.region(ACCOUNT, REGION).functions["s"]
    assert config["MemorySize"] == 512
    assert config["CodeSha256"] == source.latest.code_sha256
    assert (config["Timeout"], config["Role"]) == (77, source.latest.role)
    assert config["Environment"] == SETTINGS["Environment"]
    assert config["EphemeralStorage"] == {"Size": 1024}
    assert [layer["Arn"] for layer in config["Layers"]] == [SETTINGS["Layers"][0]["Arn"]]  # type: ignore[index]
    assert config["LoggingConfig"]["LogFormat"] == "JSON"
    assert config["LoggingConfig"].get("LogGroup") != "/shared", "it could not be deleted then"
    assert "DeadLetterConfig" not in config
    assert made["Concurrency"] == {"ReservedConcurrentExecutions": 50}
    assert made["Tags"]["team"] == "ml"
    assert made["Tags"]["rightsizer:owner"] == "rightsizer"
    assert made["Tags"]["rightsizer:endpoint"].endswith("/s:live")


def test_a_copy_answers_as_the_version_that_traffic_uses(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["function"])
    hand = foreign.Hand(ACCOUNT, REGION, "s", "pipeline")
    foreign.release(
        world.world, hand, alias="live", latency_factor=3.0, memory_factor=1.0, code="two"
    )
    world.wait(60.0)
    shadow = world.made()
    for _ in range(30):
        world.invoke(shadow)
    region = world.world.region(ACCOUNT, REGION)
    calls = region.invocations[shadow.id]
    truth_ms = region.workloads["s"].nature.curve.mean_ms(512) * 3.0
    mean_ms = sum(call.duration_ms for call in calls) / len(calls)
    assert mean_ms == pytest.approx(truth_ms, rel=0.25)
    assert {call.memory_mb for call in calls} == {512}


def test_an_endpoint_is_copied_without_what_records_or_repeats_its_requests(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["real-time endpoint"])
    shadow = world.made()
    made = sagemaker_of(world.world, world.world.region(ACCOUNT, REGION)).configs[shadow.id]
    assert set(made.members) == {"ProductionVariants"}, "no data capture"
    (variant,) = made.variants
    assert (variant.instance_type, variant.initial_instance_count) == ("ml.c5.xlarge", 1)
    assert variant.model_name == "s-model"
    assert world.invoke(shadow)["InvokedProductionVariant"] == "AllTraffic"


@pytest.mark.parametrize(("own", "others", "copy"), [(190, 0, 20), (10, 0, 10), (45, 950, 5)])
def test_a_serverless_copy_leaves_the_pool_to_others(
    own: int, others: int, copy: int, lived: Callable[[Source], ShadowWorld]
) -> None:
    source = SOURCES["serverless endpoint"]
    (seed,) = source.seed["endpoints"]
    endpoints = [{**seed, "max_concurrency": own}]
    endpoints += [
        {"name": f"o{n}", "memory_mb": 1024, "max_concurrency": 190} for n in range(others // 190)
    ]
    world = lived(replace(source, seed={"endpoints": endpoints}))
    shadow = world.made()
    place = sagemaker_of(world.world, world.world.region(ACCOUNT, REGION))
    size = place.configs[shadow.id].variants[0].serverless
    assert size is not None
    assert (size.memory_mb, size.max_concurrency) == (2048, copy)


@pytest.mark.parametrize("name", SOURCES)
def test_no_selector_means_a_copy(name: str, lived: Callable[[Source], ShadowWorld]) -> None:
    world = lived(SOURCES[name])
    world.made()
    for selector in (Selector(), Selector("*"), Selector(tags=TAGS), Selector("rightsizer-*")):
        found = world.adapter().discover(SCOPE, selector)
        assert set(found) <= {"s"}, selector


def test_a_copy_that_aws_cannot_make_is_removed_like_any_other(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    source = SOURCES["real-time endpoint"]
    world = lived(replace(source, seed={**source.seed, "endpoint_capacity": {"ml.c5.xlarge": 0}}))
    assert "could not make a copy of endpoint s" in refusal(world.made)
    (shadow,) = world.store.shadows()
    world.end(shadow)
    assert world.standing() == world.before


REFUSED = {
    "too much memory for the account": (
        replace(
            SOURCES["function"],
            seed={**SOURCES["function"].seed, "max_memory_mb": 3008},
            size=LambdaSize(4096),
        ),
        "at most 3008 MB",
    ),
    "stopped": (_with(SOURCES["function"], reserved_concurrency=0), "it is stopped|is stopped"),
    "asynchronous": (
        replace(
            SOURCES["real-time endpoint"],
            seed={
                "endpoints": [
                    {
                        **SOURCES["real-time endpoint"].seed["endpoints"][0],
                        "config": {
                            "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://o"}}
                        },
                    }
                ]
            },
        ),
        "it answers asynchronously",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_there_is_no_true_copy_a_sentence_says_why(
    name: str, lived: Callable[[Source], ShadowWorld]
) -> None:
    source, words = REFUSED[name]
    world = lived(source)
    assert any(word in refusal(world.made) for word in words.split("|"))
    world.end(world.store.shadows()[0])
    assert world.standing() == world.before


def test_what_a_run_works_with_is_swept_only_once_it_has_expired(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["function"])
    shadow = world.made()
    world.shadows.sweep()
    assert world.store.shadows() == (shadow,)
    world.wait(LIFETIME_S)
    world.sweep()
    assert world.standing() == world.before


def test_aws_is_not_asked_oftener_for_being_asked_often(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["real-time endpoint"])
    state, shadow = world.state(), world.begin()
    looks = state_of(world.world, Front).recorder.counts
    before = looks.total()
    for _ in range(100):
        shadow = world.shadows.make(shadow, state)
        world.wait(0.25)
    assert looks.total() - before <= 25.0 / 5.0 * 6
    assert f"endpoint {shadow.id}" in world.standing()


def test_another_actors_copy_is_left_alone_until_it_has_expired(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["function"])
    shadow = replace(world.made(), actor="cli")
    world.store.put_shadow(shadow)
    world.start()
    world.shadows.sweep()
    assert world.store.shadows() == (shadow,)
    world.wait(LIFETIME_S)
    world.sweep()
    assert world.standing() == world.before


def test_two_replicas_that_sweep_at_once_do_not_disturb_each_other(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["real-time endpoint"])
    world.made()
    world.start()
    one = world.shadows
    world.start()
    for _ in range(20):
        for each in (one, world.shadows):
            assert not each.sweep().troubles
        world.wait()
    assert world.standing() == world.before
    assert not world.store.shadows()


def test_of_an_endpoint_that_another_replica_looks_after_nothing_is_swept(
    lived: Callable[[Source], ShadowWorld],
) -> None:
    world = lived(SOURCES["function"])
    shadow = world.made()
    world.start()
    theirs = Shadows(world.store, world.makers, world.clock, mine=lambda key: False)
    world.wait(LIFETIME_S)
    theirs.sweep()
    assert world.store.shadows() == (shadow,)


def test_what_a_copy_costs_while_it_is_idle(lived: Callable[[Source], ShadowWorld]) -> None:
    world = lived(SOURCES["function"])
    cost = world.shadows.usd_per_hour
    key = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, "s", "AllTraffic")
    assert cost(key, RealtimeSize("ml.c5.xlarge", 2, 8)) == 0.23, "one instance"
    assert isinstance(cost(key, RealtimeSize("ml.p9.huge", 1, 1)), Missing)
    assert cost(world.source.key, LambdaSize(512)) == 0.0
    serverless = replace(key, kind=Kind.SERVERLESS_ENDPOINT)
    assert cost(serverless, ServerlessSize(2048, 5)) == 0.0


NOT_HERE = {
    "lambda:ListTags": "GetFunction shows tags by it; the sandbox does not ask",
    "lambda:GetLayerVersion": "a source with layers",
    "lambda:PutFunctionConcurrency": "a source with reserved concurrency",
    "ecr:BatchGetImage": "AWS looks at the image, the sandbox does not",
    "ecr:GetDownloadUrlForLayer": "likewise",
    "ec2:DescribeSecurityGroups": "a source in a VPC",
    "ec2:DescribeSubnets": "likewise",
    "ec2:DescribeVpcs": "likewise",
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_permissions_that_are_named_are_enough_and_of_use(
    name: str, lived: Callable[[Source], ShadowWorld]
) -> None:
    world = lived(SOURCES[name])
    source = SOURCES[name]
    target = Target(source.kind, SCOPE, name="s", qualifier=source.qualifier)
    probing = Probing((PayloadSource(inline="{}"),), shadows=True)
    policy = Policy("p", target, Slo(400.0), PolicySource("p.yaml", 1, 1), "g", probe=probing)
    asked = Features(account=ACCOUNT, models=(f"s3://models-{ACCOUNT}",))
    allowed = needs(PolicySet((policy,), FleetLimits(), "d"), asked)
    guard = state_of(world.world, Guard)
    guard.attach(OURS, [document(allowed)])
    shadow = world.made()
    world.invoke(shadow)
    world.end(shadow)
    world.shadows.begin(source.key, SCOPE, source.size, LIFETIME_S)
    world.shadows.sweep_strays([SCOPE], [source.kind])
    assert not guard.denied
    useless = {action for sid, action in guard.unused(OURS) if "Cop" in sid}
    assert useless <= set(NOT_HERE)


def test_code_is_fetched_over_http_and_checked(lived: Callable[[Source], ShadowWorld]) -> None:
    world = lived(SOURCES["function"])
    with SandboxServer(world.world) as server:
        keys = Keys("AKIA123456789012TEST", "secret")
        sessions = Sessions(world.clock, Connection(keys=keys, endpoint_url=server.url))
        maker = FunctionShadows(sessions, fetch_code)
        state, shadow = world.state(), world.begin()
        maker.make(shadow, state)
        assert shadow.id in world.world.region(ACCOUNT, REGION).functions
        wrong = FunctionShadows(sessions, lambda url: b"something else")
        other = world.shadows.begin(world.source.key, SCOPE, LambdaSize(640), LIFETIME_S)
        assert "is not the code that Lambda runs" in refusal(lambda: wrong.make(other, state))
    assert "not HTTPS" in refusal(lambda: fetch_code("http://elsewhere.example/code"))
