"""Changes of a function that take time: creation and updates, and how they end.

Facts: an update answers at once with `LastUpdateStatus: InProgress`; requests go on being
served by the old configuration until it is done; `RevisionId` changes when it starts and
again when it ends; a second update meanwhile is refused with 409.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from controller.sandbox import draws
from controller.sandbox.lambda_state import Function, UpdateStatus, VersionConfig, variant_of
from controller.sandbox.region import Region

if TYPE_CHECKING:
    from controller.sandbox.world import World

SHORTEST_S, LONGEST_S = 2.0, 9.0
CREATION_S = 2.5


def duration_s(region: Region, function: Function) -> float:
    """How long this update takes: seconds, about a minute with a VPC."""
    share = draws.uniform(
        region.seed, region.account, region.name, function.name, function.changes, "update"
    )
    seconds = SHORTEST_S + (LONGEST_S - SHORTEST_S) * share
    in_vpc = bool((function.latest.settings.get("VpcConfig") or {}).get("SubnetIds"))
    return seconds + 45.0 if in_vpc else seconds


def begin_update(world: World, region: Region, function: Function, wanted: VersionConfig) -> None:
    """Start changing `$LATEST` to `wanted`; what serves stays until the update ends."""
    now_s = world.now_s()
    region.remember(function.name, now_s, function)
    function.latest = replace(
        wanted,
        revision_id=region.touch(function),
        last_modified_s=now_s,
        update=UpdateStatus("InProgress", "The function is being created.", "Creating"),
        variant=function.latest.variant,
    )
    fault = region.take_update_fault(function.name)
    number = function.changes
    failed: UpdateStatus | None = None
    ends_s = now_s + duration_s(region, function)
    if fault is not None and fault.outcome == "Hang":
        if fault.hang_s is None:
            return
        ends_s = now_s + fault.hang_s
    elif fault is not None:
        failed = UpdateStatus("Failed", fault.reason, fault.code)

    def end(world: World) -> None:
        if region.functions.get(function.name) is function and function.changes == number:
            end_update(region, function, world.now_s(), failed)

    world.schedule(ends_s, f"update of {function.arn} ends", end)


def end_update(
    region: Region, function: Function, at_s: float, failed: UpdateStatus | None = None
) -> None:
    """End the update under way, well or not; well means new, cold environments."""
    region.remember(function.name, at_s, function)
    revision_id = region.touch(function)
    latest = replace(function.latest, revision_id=revision_id, state="Active")
    if failed is not None:
        function.latest = replace(latest, update=failed)
        return
    function.latest = replace(latest, update=UpdateStatus(), variant=variant_of(function, latest))
    region.serve(function.name, at_s)


def activate_version(
    world: World, region: Region, function: Function, version: str, after_s: float
) -> None:
    """A published version is Pending at first; its RevisionId stays when it turns Active."""

    def end(world: World) -> None:
        config = function.versions.get(version)
        if region.functions.get(function.name) is function and config is not None:
            function.versions[version] = replace(config, state="Active")

    world.schedule(world.now_s() + after_s, f"version {function.arn}:{version} active", end)
