"""Lambda's operations on published versions and aliases.

Facts: versions are immutable and numbered without reuse; publishing unchanged code and
configuration returns the version there is; publishing changes `$LATEST`'s RevisionId,
alias operations do not; an alias splits traffic between at most two published versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.lambda_common import (
    alias_of,
    alias_view,
    check_revision,
    check_settled,
    config_of,
    configuration_view,
    constraint,
    find,
    invalid,
    is_version,
    page,
    user_error,
    view_of,
)
from controller.sandbox.lambda_concurrency_api import reallocate
from controller.sandbox.lambda_state import LATEST, Alias, Function, VersionConfig, variant_of
from controller.sandbox.lambda_updates import activate_version
from controller.sandbox.region import Region
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

PENDING_S = 1.5


def publish(world: World, region: Region, function: Function, description: str) -> VersionConfig:
    """Publish `$LATEST`, or find the last published version if nothing differs from it."""
    latest = function.latest
    previous = function.versions.get(str(function.published))
    if previous is not None and function.published_content == latest.content:
        return previous
    now_s = world.now_s()
    region.remember(function.name, now_s, function)
    function.published += 1
    function.published_content = latest.content
    number = str(function.published)
    function.latest = replace(latest, revision_id=region.touch(function))
    version = replace(
        latest,
        version=number,
        revision_id=region.new_id(function.name, "version", number),
        description=description or latest.description,
        state="Pending",
    )
    version = replace(version, variant=variant_of(function, version))
    function.versions[number] = version
    activate_version(world, region, function, number, PENDING_S)
    region.serve(function.name, now_s)
    return version


def publish_version(world: World, ctx: RequestContext, params: Params) -> Answer:
    """PublishVersion, guarded by CodeSha256 and RevisionId."""
    function, _ = find(world, ctx, params)
    check_revision(params.get("RevisionId"), function.latest.revision_id)
    wanted, present = params.get("CodeSha256"), function.latest.code_sha256
    if wanted and wanted != present:
        raise invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST "
            f"({present}). Please try again with the CodeSHA256 in $LATEST."
        )
    check_settled(function)
    region = world.region(ctx.account, ctx.region)
    version = publish(world, region, function, params.get("Description") or "")
    return view_of(function, version.version)


def list_versions(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListVersionsByFunction: `$LATEST` first, then by number."""
    function, _ = find(world, ctx, params, reading=True)
    configs = [function.latest, *(function.versions[v] for v in sorted(function.versions, key=int))]
    views = [
        configuration_view(function, c, f"{function.arn}:{c.version}", listed=True) for c in configs
    ]
    shown, marker = page(views, params, _order)
    return {"Versions": shown} | ({"NextMarker": marker} if marker else {})


def _order(view: Mapping[str, Any]) -> str:
    version = str(view["Version"])
    return "" if version == LATEST else version.zfill(12)


def create_alias(world: World, ctx: RequestContext, params: Params) -> Answer:
    """CreateAlias."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    name = str(params["Name"])
    if name.isdigit():
        raise constraint(name, "name", "Member must satisfy regular expression pattern: "
                         "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")  # fmt: skip
    if name in function.aliases:
        raise user_error(
            "ResourceConflictException", f"Alias already exists: {function.arn}:{name}", 409
        )
    version = str(params["FunctionVersion"])
    weights = _weights(function, version, params.get("RoutingConfig"), {})
    region.remember(function.name, ctx.now_s, function)
    alias = Alias(
        name, version, region.new_id(function.name, name), params.get("Description") or "", weights
    )
    return _put(region, function, alias, ctx.now_s)


def update_alias(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UpdateAlias, guarded by RevisionId. Without RoutingConfig the weights stay; with an
    empty one they go."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    alias = alias_of(function, str(params["Name"]))
    check_revision(params.get("RevisionId"), alias.revision_id)
    version = str(params.get("FunctionVersion") or alias.version)
    weights = _weights(function, version, params.get("RoutingConfig"), alias.weights)
    if weights and alias.name in function.provisioned:
        raise invalid("Alias with weights can not be used with Provisioned Concurrency")
    region.remember(function.name, ctx.now_s, function)
    description = params.get("Description")
    changed = replace(
        alias,
        version=version,
        weights=weights,
        description=alias.description if description is None else description,
        revision_id=region.new_id(function.name, alias.name),
    )
    if version != alias.version and alias.name in function.provisioned:
        reallocate(world, region, function, alias.name)
    return _put(region, function, changed, ctx.now_s)


def _put(region: Region, function: Function, alias: Alias, at_s: float) -> Answer:
    function.aliases[alias.name] = alias
    region.serve(function.name, at_s)
    return alias_view(function, alias)


def _weights(
    function: Function,
    version: str,
    routing: Mapping[str, Any] | None,
    present: Mapping[str, float],
) -> dict[str, float]:
    """Checked additional weights of an alias that names `version`. Raises 400, 404."""
    config_of(function, version)
    if version in function.aliases:
        raise invalid(f"Invalid function version {version}.")
    given = present if routing is None else routing.get("AdditionalVersionWeights") or {}
    if len(given) > 1:
        raise invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in given.items():
        shown = f"{{{other}={weight}}}"
        if not 0.0 <= weight <= 1.0:
            raise constraint(shown, "routingConfig.additionalVersionWeights",
                             "Map value must satisfy constraint: [Member must have value less "
                             "than or equal to 1.0, Member must have value greater than or "
                             "equal to 0.0]")  # fmt: skip
        if version == LATEST:
            raise invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if not is_version(other):
            raise constraint(shown, "routingConfig.additionalVersionWeights",
                             "Map keys must satisfy constraint: [Member must satisfy regular "
                             "expression pattern: [0-9]+]")  # fmt: skip
        if other == version:
            raise invalid(f"Invalid function version {other}. Function version {other} is "
                          "already included in routing configuration.")  # fmt: skip
        target = config_of(function, other)
        if target.role != config_of(function, version).role:
            raise invalid("Versions of a weighted alias must have the same execution role.")
    return dict(given)


def get_alias(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetAlias."""
    function, _ = find(world, ctx, params, reading=True)
    return alias_view(function, alias_of(function, str(params["Name"])))


def list_aliases(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListAliases, of one version if asked."""
    function, _ = find(world, ctx, params, reading=True)
    version = params.get("FunctionVersion")
    views = [
        alias_view(function, function.aliases[name])
        for name in sorted(function.aliases)
        if version in (None, function.aliases[name].version)
    ]
    shown, marker = page(views, params, lambda view: str(view["Name"]))
    return {"Aliases": shown} | ({"NextMarker": marker} if marker else {})


def delete_alias(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteAlias: deleting one that is not there is no error."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    region.remember(function.name, ctx.now_s, function)
    function.aliases.pop(str(params["Name"]), None)
    function.provisioned.pop(str(params["Name"]), None)
    region.serve(function.name, ctx.now_s)
    return {}
