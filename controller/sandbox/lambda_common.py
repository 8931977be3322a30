"""What all Lambda operations share: finding functions, refusing in Lambda's words, views."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from controller.sandbox.lambda_state import (
    LATEST,
    Alias,
    Function,
    VersionConfig,
    function_arn,
    lambda_time,
)
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Item = TypeVar("Item")

_NAME = re.compile(
    r"^(?:arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:"
    r"|(?P<partial>\d{12}):function:|function:)?"
    r"(?P<name>[a-zA-Z0-9-_.]{1,140})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?$"
)


def locked(handler: Handler) -> Handler:
    """The handler, holding the world's lock."""

    @wraps(handler)
    def hold(world: World, ctx: RequestContext, params: Mapping[str, Any]) -> Mapping[str, Any]:
        with world.lock:
            return handler(world, ctx, params)

    return hold


def user_error(code: str, message: str, status: int = 400) -> AwsError:
    """An error of the caller, in Lambda's shape (`Type: User`)."""
    return AwsError(code, message, status, Type="User")


def invalid(message: str) -> AwsError:
    """400 InvalidParameterValueException."""
    return user_error("InvalidParameterValueException", message)


def constraint(value: object, member: str, rule: str) -> AwsError:
    """400 ValidationException for a value outside the API's constraints."""
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy "
        f"constraint: {rule}",
    )


def function_missing(arn: str) -> AwsError:
    """404 for a function, version or alias that is not there."""
    return user_error("ResourceNotFoundException", f"Function not found: {arn}", 404)


def check_revision(given: str | None, latest: str) -> None:
    """Raises 412 where a RevisionId was given that is not the latest."""
    if given is not None and given != latest:
        raise user_error(
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id",
            412,
        )


def check_settled(function: Function) -> None:
    """Raises 409 while an update of the function, or its creation, is under way."""
    text = "The operation cannot be performed at this time. "
    if function.latest.state == "Pending":
        text += "The function is currently in the following state: Pending"
    elif function.latest.update.status == "InProgress":
        text += f"An update is in progress for resource: {function.arn}"
    else:
        return
    raise user_error("ResourceConflictException", text, 409)


def split_name(ctx: RequestContext, params: Mapping[str, Any]) -> tuple[str, str | None]:
    """(name, qualifier) from FunctionName (name, partial or full ARN) and Qualifier.

    Raises 400 for what is no name, 404 for another region's ARN.
    """
    given = str(params["FunctionName"])
    match = _NAME.match(given)
    if match is None:
        raise constraint(given, "functionName", "Member must satisfy regular expression pattern: "
                         r"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?"
                         r"(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)"
                         r"(:(\$LATEST|[a-zA-Z0-9-_]+))?")  # fmt: skip
    if match["region"] not in (None, ctx.region):
        raise user_error(
            "ResourceNotFoundException",
            f"Functions from '{match['region']}' are not reachable in this region ('{ctx.region}')",
            404,
        )
    if (match["account"] or match["partial"]) not in (None, ctx.account):
        raise AwsError("AccessDeniedException", "User is not authorized to perform this.", 403)
    asked, named = params.get("Qualifier"), match["qualifier"]
    if asked and named and asked != named:
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return match["name"], asked or named


def find(
    world: World, ctx: RequestContext, params: Mapping[str, Any], *, reading: bool = False
) -> tuple[Function, str | None]:
    """(function, qualifier) of a request; reads may see an older state. Raises 404."""
    name, qualifier = split_name(ctx, params)
    region = world.region(ctx.account, ctx.region)
    lag_s = world.read_lag_s if reading else 0.0
    function = region.visible(name, ctx.now_s, lag_s)
    if function is None:
        raise function_missing(function_arn(ctx.account, ctx.region, name, qualifier))
    return function, qualifier


def config_of(function: Function, qualifier: str | None) -> VersionConfig:
    """The configuration that a qualifier names. Raises 404."""
    config = function.config(qualifier)
    if config is None:
        raise function_missing(f"{function.arn}:{qualifier}")
    return config


def alias_of(function: Function, name: str) -> Alias:
    """An alias by name. Raises 404 in GetAlias's words."""
    alias = function.aliases.get(name)
    if alias is None:
        raise user_error(
            "ResourceNotFoundException", f"Cannot find alias arn: {function.arn}:{name}", 404
        )
    return alias


def page(
    items: Sequence[Item], params: Mapping[str, Any], name: Callable[[Item], str], limit: int = 50
) -> tuple[Sequence[Item], str | None]:
    """One page of sorted items by `Marker` and `MaxItems`, and the next marker."""
    marker = params.get("Marker")
    rest = [item for item in items if marker is None or name(item) > marker]
    size = min(int(params.get("MaxItems") or limit), limit)
    return rest[:size], name(rest[size - 1]) if len(rest) > size else None


def configuration_view(
    function: Function, config: VersionConfig, arn: str, *, listed: bool = False
) -> dict[str, Any]:
    """FunctionConfiguration as the API shows it; lists leave the states out."""
    view: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": arn,
        "Role": config.role,
        "CodeSize": config.code_size,
        "CodeSha256": config.code_sha256,
        "Description": config.description,
        "Timeout": config.timeout_s,
        "MemorySize": config.memory_mb,
        "LastModified": lambda_time(config.last_modified_s),
        "Version": config.version,
        "TracingConfig": {"Mode": "PassThrough"},
        "RevisionId": config.revision_id,
        "PackageType": config.package_type,
        "Architectures": [config.architecture],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
    }
    if config.runtime is not None:
        view |= {"Runtime": config.runtime, "Handler": config.handler}
    for name, value in config.settings.items():
        default = view.get(name)
        view[name] = {**default, **value} if isinstance(default, dict) else value
    if not listed:
        view["State"] = config.state
        if config.state == "Pending":
            view |= {"StateReason": "The function is being created.", "StateReasonCode": "Creating"}
        view["LastUpdateStatus"] = config.update.status
        if config.update.reason is not None:
            view["LastUpdateStatusReason"] = config.update.reason
            view["LastUpdateStatusReasonCode"] = config.update.code
    return view


def view_of(function: Function, qualifier: str | None) -> dict[str, Any]:
    """The configuration a qualifier names, under the ARN that was asked for."""
    config = config_of(function, qualifier)
    arn = function.arn if qualifier is None else f"{function.arn}:{qualifier}"
    return configuration_view(function, config, arn)


def alias_view(function: Function, alias: Alias) -> dict[str, Any]:
    """AliasConfiguration as the API shows it."""
    view: dict[str, Any] = {
        "AliasArn": f"{function.arn}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        view["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return view


def is_version(qualifier: str) -> bool:
    """Whether a qualifier is a published version's number."""
    return qualifier.isdigit()


def is_latest(qualifier: str | None) -> bool:
    """Whether a qualifier means `$LATEST`."""
    return qualifier is None or qualifier == LATEST
