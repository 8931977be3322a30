"""Lambda's operations on functions: create, read, list, update, delete, tags, settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.code_store import code_location, keep_code
from controller.sandbox.lambda_common import (
    check_revision,
    check_settled,
    config_of,
    configuration_view,
    constraint,
    find,
    function_missing,
    invalid,
    page,
    split_name,
    user_error,
    view_of,
)
from controller.sandbox.lambda_settings import settings_of
from controller.sandbox.lambda_state import (
    LATEST,
    Function,
    VersionConfig,
)
from controller.sandbox.lambda_updates import CREATION_S, begin_update, end_update
from controller.sandbox.lambda_versions_api import publish
from controller.sandbox.region import Region
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]


def create_function(world: World, ctx: RequestContext, params: Params) -> Answer:
    """CreateFunction: Pending for some seconds, then Active with another RevisionId."""
    name, _ = split_name(ctx, params)
    region = world.region(ctx.account, ctx.region)
    if name in region.functions:
        raise user_error("ResourceConflictException", f"Function already exist: {name}", 409)
    check_memory(region, params.get("MemorySize", 128))
    check_timeout(params.get("Timeout", 3))
    image = params.get("PackageType", "Zip") == "Image"
    if not image and not (params.get("Runtime") and params.get("Handler")):
        raise invalid("Runtime and Handler are mandatory parameters for functions created with "
                      "deployment packages.")  # fmt: skip
    code = _code_of(params.get("Code") or {})
    config = VersionConfig(
        version=LATEST,
        memory_mb=int(params.get("MemorySize", 128)),
        timeout_s=int(params.get("Timeout", 3)),
        architecture=(params.get("Architectures") or ["x86_64"])[0],
        runtime=params.get("Runtime"),
        handler=params.get("Handler"),
        role=str(params["Role"]),
        description=params.get("Description", ""),
        package_type=params.get("PackageType", "Zip"),
        code_sha256=keep_code(world, code),
        code_size=0 if image else len(code),
        revision_id="",
        last_modified_s=ctx.now_s,
        settings=settings_of(params),
        state="Pending",
        image_uri=(params.get("Code") or {}).get("ImageUri"),
    )
    function = add_function(region, name, config, ctx.now_s, params.get("Tags") or {})
    region.behave_like_code(function)
    if params.get("Publish"):
        end_update(region, function, ctx.now_s)
        publish(world, region, function, "")
    else:
        world.schedule(
            ctx.now_s + CREATION_S, f"{function.arn} active",
            lambda w: _activate(region, function, w.now_s()),
        )  # fmt: skip
    return view_of(function, None)


def add_function(
    region: Region, name: str, config: VersionConfig, at_s: float, tags: Mapping[str, str]
) -> Function:
    """Put a new function into a region, whatever its state."""
    region.remember(name, at_s, None)
    function = Function(name, region.account, region.name, at_s, config, tags=dict(tags))
    function.latest = replace(config, revision_id=region.touch(function))
    region.functions[name] = function
    return function


def _activate(region: Region, function: Function, at_s: float) -> None:
    if region.functions.get(function.name) is function and function.latest.state == "Pending":
        end_update(region, function, at_s)


def _code_of(code: Mapping[str, Any]) -> bytes:
    """What stands for the code: its bytes, or where it is to be found."""
    if "ZipFile" in code:
        return bytes(code["ZipFile"])
    place = [str(code.get(k, "")) for k in ("ImageUri", "S3Bucket", "S3Key", "S3ObjectVersion")]
    if not any(place):
        raise invalid("Please provide a source for function code.")
    return "/".join(place).encode()


def check_memory(region: Region, memory_mb: int) -> None:
    """Raises 400 outside 128 MB to 10,240 MB, or above what the account may use."""
    if memory_mb < 128:
        raise constraint(memory_mb, "memorySize",
                         "Member must have value greater than or equal to 128")  # fmt: skip
    if memory_mb > 10_240:
        raise constraint(memory_mb, "memorySize",
                         "Member must have value less than or equal to 10240")  # fmt: skip
    if memory_mb > region.max_memory_mb:
        raise invalid("'MemorySize' value failed to satisfy constraint: Member must have value "
                      f"less than or equal to {region.max_memory_mb}")  # fmt: skip


def check_timeout(timeout_s: int) -> None:
    """Raises 400 outside 1 to 900 seconds."""
    if not 1 <= timeout_s <= 900:
        rule = "less than or equal to 900" if timeout_s > 900 else "greater than or equal to 1"
        raise constraint(timeout_s, "timeout", f"Member must have value {rule}")


def get_function(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetFunction: configuration, code location, tags, reserved concurrency."""
    function, qualifier = find(world, ctx, params, reading=True)
    config = config_of(function, qualifier)
    place = code_location(ctx.host, ctx.region, config.code_sha256)
    code = {"RepositoryType": "S3", "Location": place}
    if config.package_type == "Image":
        uri = config.image_uri or ""
        code = {"RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": uri}
    answer: dict[str, Any] = {"Configuration": view_of(function, qualifier), "Code": code}
    if function.tags:
        answer["Tags"] = dict(function.tags)
    if function.reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved}
    return answer


def get_function_configuration(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetFunctionConfiguration of `$LATEST`, a version, or the version an alias names."""
    function, qualifier = find(world, ctx, params, reading=True)
    return view_of(function, qualifier)


def list_functions(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListFunctions: by name, pages of at most 50; FunctionVersion=ALL lists versions too."""
    region = world.region(ctx.account, ctx.region)
    every = params.get("FunctionVersion") == "ALL"
    views: list[dict[str, Any]] = []
    for name in sorted(region.functions):
        function = region.functions[name]
        arn = f"{function.arn}:{LATEST}" if every else function.arn
        views.append(configuration_view(function, function.latest, arn, listed=True))
        for config in function.versions.values() if every else ():
            arn = f"{function.arn}:{config.version}"
            views.append(configuration_view(function, config, arn, listed=True))
    views.sort(key=lambda view: str(view["FunctionArn"]))
    shown, marker = page(views, params, lambda view: str(view["FunctionArn"]))
    return {"Functions": shown} | ({"NextMarker": marker} if marker else {})


def update_function_configuration(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UpdateFunctionConfiguration: members not given stay; guarded by RevisionId."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    latest = function.latest
    check_revision(params.get("RevisionId"), latest.revision_id)
    if (memory_mb := params.get("MemorySize")) is not None:
        check_memory(region, memory_mb)
    if (timeout_s := params.get("Timeout")) is not None:
        check_timeout(timeout_s)
    check_settled(function)
    members = {"MemorySize": "memory_mb", "Timeout": "timeout_s", "Runtime": "runtime",
               "Handler": "handler", "Role": "role", "Description": "description"}  # fmt: skip
    changes = {field: params[m] for m, field in members.items() if params.get(m) is not None}
    settings = {**latest.settings, **settings_of(params)}
    begin_update(world, region, function, replace(latest, **changes, settings=settings))
    return view_of(function, None)


def update_function_code(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UpdateFunctionCode: new code for `$LATEST`, optionally published at once."""
    function, _ = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    check_revision(params.get("RevisionId"), function.latest.revision_id)
    code = _code_of(params)
    if params.get("DryRun"):
        return view_of(function, None)
    check_settled(function)
    image = "ImageUri" in params
    wanted = replace(
        function.latest,
        code_sha256=keep_code(world, code),
        code_size=0 if image else len(code),
        architecture=(params.get("Architectures") or [function.latest.architecture])[0],
        image_uri=params.get("ImageUri"),
    )
    begin_update(world, region, function, wanted)
    if params.get("Publish"):
        end_update(region, function, ctx.now_s)
        version = publish(world, region, function, "")
        return view_of(function, version.version)
    return view_of(function, None)


def delete_function(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteFunction: the function, or one published version that no alias names."""
    function, qualifier = find(world, ctx, params)
    region = world.region(ctx.account, ctx.region)
    if qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    region.remember(function.name, ctx.now_s, function)
    if qualifier is not None:
        users = [a.name for a in function.aliases.values()
                 if qualifier == a.version or qualifier in a.weights]  # fmt: skip
        if users:
            raise user_error(
                "ResourceConflictException",
                f"Version {qualifier} of function {function.name} is referenced by alias "
                f"{users[0]}.",
                409,
            )
        if function.versions.pop(qualifier, None) is None:
            raise function_missing(f"{function.arn}:{qualifier}")
    else:
        del region.functions[function.name]
    region.serve(function.name, ctx.now_s)
    return {}


def tag_resource(world: World, ctx: RequestContext, params: Params) -> Answer:
    """TagResource."""
    _tagged(world, ctx, params).tags.update(params["Tags"])
    return {}


def untag_resource(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UntagResource."""
    function = _tagged(world, ctx, params)
    for key in params["TagKeys"]:
        function.tags.pop(key, None)
    return {}


def list_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListTags."""
    return {"Tags": dict(_tagged(world, ctx, params).tags)}


def _tagged(world: World, ctx: RequestContext, params: Params) -> Function:
    arn = str(params["Resource"])
    function, qualifier = find(world, ctx, {"FunctionName": arn})
    if qualifier is not None:
        raise invalid("Tags on function aliases and versions are not supported. "
                      "Please specify a function ARN.")  # fmt: skip
    return function


def get_account_settings(world: World, ctx: RequestContext, params: Params) -> Answer:
    """GetAccountSettings: limits and what is used of them."""
    region = world.region(ctx.account, ctx.region)
    return {
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800,
            "CodeSizeUnzipped": 262_144_000,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": region.concurrency_limit,
            "UnreservedConcurrentExecutions": region.concurrency_limit - region.reserved_total,
        },
        "AccountUsage": {
            "TotalCodeSize": sum(
                c.code_size for f in region.functions.values()
                for c in (f.latest, *f.versions.values())
            ),
            "FunctionCount": len(region.functions),
        },
    }  # fmt: skip
