"""A world from a JSON-able document.

```
account, region      where functions are that do not say otherwise
concurrency_limit    of the account (1000); max_memory_mb of a function (10240)
functions: [{
  name, account, region, memory_mb (128), timeout_s (30), architecture (x86_64), runtime,
  handler, role, description, package_type (Zip), settings {members of the Lambda API},
  tags {}, age_days (30: created so long ago), unchanged_days (age: last changed so long ago),
  versions (published versions, 0), aliases {name: version number or {version, weights}},
  reserved_concurrency, provisioned {qualifier: number}, has_log_group (true),
  memory_history [[days_ago, memory_mb], ...] (earlier sizes; a version each if versions > 0),
  workload {see controller.sandbox.workload}
}]
actors: [{see controller.sandbox.actors}]
metric_faults: [{see controller.sandbox.metric_faults}]
update_faults: [{function, outcome, account, region, ...: see controller.sandbox.region}]
and SageMaker's members: see controller.sandbox.sagemaker.seeding
and scalable_targets and alarms: see controller.sandbox.autoscaling.seeding
```
Seeding is an act of the world, not of AWS: it leaves no trace in the API and may lie in the
past, which is how a function gets a history to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox import actors, lambda_functions_api
from controller.sandbox.autoscaling import seeding as autoscaling_seeding
from controller.sandbox.code_store import keep_code
from controller.sandbox.lambda_state import (
    LATEST,
    Alias,
    Function,
    Provisioned,
    VersionConfig,
    variant_of,
)
from controller.sandbox.metric_faults import metric_fault_from
from controller.sandbox.region import Region, update_fault_from
from controller.sandbox.sagemaker.seeding import SECTIONS, seed_sagemaker
from controller.sandbox.traffic import DAY_S
from controller.sandbox.workload import workload_from

if TYPE_CHECKING:
    from controller.sandbox.world import World

_TOP = {"account", "region", "concurrency_limit", "max_memory_mb", "functions", "actors",
        "metric_faults", "update_faults", "description", *SECTIONS,
        *autoscaling_seeding.SECTIONS}  # fmt: skip
_FUNCTION = {
    "name", "account", "region", "memory_mb", "timeout_s", "architecture", "runtime", "handler",
    "role", "description", "package_type", "settings", "tags", "age_days", "unchanged_days",
    "versions", "aliases", "reserved_concurrency", "provisioned", "has_log_group",
    "memory_history", "workload",
}  # fmt: skip


def seed_world(world: World, document: Mapping[str, Any]) -> None:
    """Add what the document says to the world. Raises ValueError naming what is wrong."""
    with world.lock:
        _seed(world, document)
        world.metrics.forget()


def _seed(world: World, document: Mapping[str, Any]) -> None:
    if unknown := set(document) - _TOP:
        raise ValueError(f"a seed document has no member {min(unknown)!r}")
    account = str(document.get("account", "123456789012"))
    region_name = str(document.get("region", "eu-west-1"))
    region = world.region(account, region_name)
    region.concurrency_limit = int(document.get("concurrency_limit", region.concurrency_limit))
    region.max_memory_mb = int(document.get("max_memory_mb", region.max_memory_mb))
    for item in document.get("functions", ()):
        place = world.region(
            str(item.get("account", account)), str(item.get("region", region_name))
        )
        seed_function(world, place, item)
    seed_sagemaker(world, document, account, region_name)
    for item in document.get("metric_faults", ()):
        world.metric_faults.add(metric_fault_from(item, world.now_s()))
    for item in document.get("update_faults", ()):
        fault = {k: v for k, v in item.items() if k not in ("account", "region")}
        place = world.region(
            str(item.get("account", account)), str(item.get("region", region_name))
        )
        place.update_faults.append(update_fault_from(fault))
    autoscaling_seeding.seed_autoscaling(world, document, account, region_name)
    for item in document.get("actors", ()):
        actors.plan(world, item, account, region_name)


def add_function(
    world: World,
    name: str,
    *,
    account: str = "123456789012",
    region: str = "eu-west-1",
    **members: Any,
) -> Function:
    """Add one function; members as in the document. Raises ValueError naming what is wrong."""
    with world.lock:
        function = seed_function(world, world.region(account, region), {"name": name, **members})
        world.metrics.forget()
        return function


def seed_function(world: World, region: Region, document: Mapping[str, Any]) -> Function:
    """Add one function with its past. Raises ValueError naming what is wrong."""
    if unknown := set(document) - _FUNCTION:
        raise ValueError(f"a function has no member {min(unknown)!r}")
    name = str(document["name"])
    if name in region.functions:
        raise ValueError(f"there is already a function {name!r}")
    now_s = world.now_s()
    age_days = float(document.get("age_days", 30.0))
    created_s = now_s - age_days * DAY_S
    changed_s = now_s - float(document.get("unchanged_days", age_days)) * DAY_S
    region.workloads[name] = workload_from(document.get("workload", {}), now_s)
    config = _first_config(world, region, document, created_s)
    function = lambda_functions_api.add_function(
        region, name, config, created_s, document.get("tags", {})
    )
    past = sorted(document.get("memory_history", ()), key=lambda row: -float(row[0]))
    sizes = [(now_s - float(days) * DAY_S, int(mb)) for days, mb in past]
    steps = [*sizes, (max(changed_s, *(at for at, _ in sizes), created_s), config.memory_mb)]
    steps[0] = (created_s, steps[0][1])
    for number, (at_s, memory_mb) in enumerate(steps):
        latest = replace(function.latest, memory_mb=memory_mb, last_modified_s=at_s)
        latest = replace(latest, revision_id=region.touch(function))
        function.latest = replace(latest, variant=variant_of(function, latest))
        if number + 1 == len(steps):
            _finish(region, function, document, at_s)
        elif document.get("versions"):
            _publish_silently(region, function, at_s)
            _point(region, function, document.get("aliases", {}), str(function.published))
        region.serve(name, at_s)
    region.older_views.pop(name, None)
    if not document.get("has_log_group", True):
        region.log_groups.discard(function.log_group)
    return function


def _first_config(
    world: World, region: Region, document: Mapping[str, Any], created_s: float
) -> VersionConfig:
    name, package = str(document["name"]), str(document.get("package_type", "Zip"))
    code = f"{region.account}/{region.name}/{name}".encode()
    return VersionConfig(
        version=LATEST,
        memory_mb=int(document.get("memory_mb", 128)),
        timeout_s=int(document.get("timeout_s", 30)),
        architecture=str(document.get("architecture", "x86_64")),
        runtime=document.get("runtime", "python3.12") if package == "Zip" else None,
        handler=document.get("handler", "app.handler") if package == "Zip" else None,
        role=str(document.get("role", f"arn:aws:iam::{region.account}:role/{name}")),
        description=str(document.get("description", "")),
        package_type=package,
        code_sha256=keep_code(world, code),
        code_size=2_345_678 if package == "Zip" else 0,
        revision_id="",
        last_modified_s=created_s,
        settings=dict(document.get("settings", {})),
        image_uri=f"{region.account}.dkr.ecr.{region.name}.amazonaws.com/{name}:1"
        if package == "Image"
        else None,
    )


def _finish(region: Region, function: Function, document: Mapping[str, Any], at_s: float) -> None:
    """The present: remaining versions, aliases, concurrency."""
    versions = int(document.get("versions", 0))
    fewest = 1 if versions and document.get("memory_history") else 0
    for _ in range(max(fewest, versions - function.published)):
        _publish_silently(region, function, at_s)
    aliases = document.get("aliases", {})
    if not function.versions and any(target != LATEST for target in aliases.values()):
        _publish_silently(region, function, at_s)
    _point(region, function, aliases, None)
    reserved = document.get("reserved_concurrency")
    function.reserved = None if reserved is None else int(reserved)
    for qualifier, number in document.get("provisioned", {}).items():
        function.provisioned[qualifier] = Provisioned(number, number, "READY", at_s)


def _publish_silently(region: Region, function: Function, at_s: float) -> None:
    function.published += 1
    number = str(function.published)
    function.published_content = function.latest.content
    region.touch(function)
    version = replace(
        function.latest,
        version=number,
        revision_id=region.new_id(function.name, "version", number),
        last_modified_s=at_s,
    )
    function.versions[number] = replace(version, variant=variant_of(function, version))


def _point(
    region: Region, function: Function, aliases: Mapping[str, Any], version: str | None
) -> None:
    """Point aliases where the document says (None: at their own version), or at `version`."""
    for name, target in aliases.items():
        wanted = target if isinstance(target, Mapping) else {"version": target}
        number = version or str(wanted.get("version") or function.published)
        weights = (
            {} if version else {str(k): float(v) for k, v in wanted.get("weights", {}).items()}
        )
        if number != LATEST and number not in function.versions:
            raise ValueError(f"alias {name!r} names version {number}, which is not published")
        function.aliases[name] = Alias(
            name, number, region.new_id(function.name, name), "", weights
        )
