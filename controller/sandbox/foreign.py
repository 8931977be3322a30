"""What foreign actors do, made of the API's own operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.lambda_state import VersionConfig
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts on which function."""

    account: str
    region: str
    function: str
    name: str


def call(world: World, hand: Hand, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Call an operation of Lambda as this actor. Raises AwsError as the API would."""
    from controller.sandbox.lambda_api import HANDLERS

    principal = f"arn:aws:iam::{hand.account}:user/{hand.name}"
    ctx = RequestContext("lambda", operation, hand.account, hand.region, principal, world.now_s())
    return HANDLERS[operation](world, ctx, params)


def set_memory(world: World, hand: Hand, memory_mb: int, alias: str | None) -> None:
    """Set `$LATEST`'s memory if it differs; with an alias, publish and move that too."""
    name = {"FunctionName": hand.function}

    def act(world: World) -> None:
        present = call(world, hand, "GetFunctionConfiguration", name)
        if present["MemorySize"] != memory_mb:
            call(world, hand, "UpdateFunctionConfiguration", {**name, "MemorySize": memory_mb})
        if alias is not None:
            _then(world, hand, lambda w: publish_to(w, hand, alias))

    _patiently(world, hand, act)


def publish_to(world: World, hand: Hand, alias: str) -> None:
    """Publish `$LATEST` and point an alias at it, if it does not already."""
    name = {"FunctionName": hand.function}
    version = call(world, hand, "PublishVersion", name)["Version"]
    present = call(world, hand, "GetAlias", {**name, "Name": alias})
    if present["FunctionVersion"] != version or "RoutingConfig" in present:
        move = {"Name": alias, "FunctionVersion": version}
        call(world, hand, "UpdateAlias",
             {**name, **move, "RoutingConfig": {"AdditionalVersionWeights": {}}})  # fmt: skip


def release(
    world: World,
    hand: Hand,
    *,
    alias: str | None,
    latency_factor: float,
    memory_factor: float,
    code: str,
) -> None:
    """New code that takes `latency_factor` times as long; published if there is an alias."""

    def act(world: World) -> None:
        call(world, hand, "UpdateFunctionCode",
             {"FunctionName": hand.function, "ZipFile": code.encode()})  # fmt: skip
        function = world.region(hand.account, hand.region).functions[hand.function]
        function.latest = replace(
            function.latest,
            latency_factor=function.latest.latency_factor * latency_factor,
            memory_factor=function.latest.memory_factor * memory_factor,
        )
        if alias is not None:
            _then(world, hand, lambda w: publish_to(w, hand, alias))

    _patiently(world, hand, act)


def delete(world: World, hand: Hand) -> None:
    """Delete the function, if it is there."""

    def act(world: World) -> None:
        call(world, hand, "DeleteFunction", {"FunctionName": hand.function})

    _patiently(world, hand, act)


def recreate(world: World, hand: Hand, memory_mb: int | None, down_s: float) -> None:
    """Delete the function and create it again `down_s` later, like itself but for memory."""
    region = world.region(hand.account, hand.region)
    function = region.functions.get(hand.function)
    if function is None:
        return
    old, tags = function.latest, dict(function.tags)
    call(world, hand, "DeleteFunction", {"FunctionName": hand.function})
    params = _creation(hand.function, old, tags, memory_mb)

    def create(world: World) -> None:
        # Whoever created it meanwhile was faster.
        with suppress(AwsError):
            call(world, hand, "CreateFunction", params)

    world.schedule(
        world.now_s() + down_s,
        f"{hand.name}: {hand.function} created again",
        create,
    )


def _creation(
    name: str, old: VersionConfig, tags: Mapping[str, str], memory_mb: int | None
) -> dict[str, Any]:
    params: dict[str, Any] = {
        "FunctionName": name,
        "Role": old.role,
        "MemorySize": memory_mb or old.memory_mb,
        "Timeout": old.timeout_s,
        "Architectures": [old.architecture],
        "PackageType": old.package_type,
        "Description": old.description,
        "Tags": dict(tags),
        "Code": {"ZipFile": b"created again"},
        **old.settings,
    }
    if old.package_type == "Image":
        params["Code"] = {"ImageUri": old.image_uri}
    else:
        params |= {"Runtime": old.runtime, "Handler": old.handler}
    return params


def _patiently(world: World, hand: Hand, act: Callable[[World], None]) -> None:
    """Do it now, or when an update under way is done; give up on any other refusal."""
    try:
        act(world)
    except AwsError as error:
        if error.code == "ResourceConflictException":
            _then(world, hand, act)


def _then(world: World, hand: Hand, act: Callable[[World], None]) -> None:
    world.schedule(
        world.now_s() + RETRY_S, f"{hand.name}: {hand.function}",
        lambda w: _patiently(w, hand, act),
    )  # fmt: skip
