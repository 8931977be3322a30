"""How Application Auto Scaling refuses, and how it finds what a request names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.resources import DIMENSIONS, Dimension
from controller.sandbox.autoscaling.state import Target, TargetKey, autoscaling_of
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import FaultKind
from controller.sandbox.front import Front
from controller.sandbox.pages import BadTokenError, page_of
from controller.sandbox.wire.contract import AwsError, RequestContext
from controller.sandbox.wire.errors import not_in_sandbox

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

PER_PAGE = 50


def invalid(message: str) -> AwsError:
    """400 ValidationException."""
    return AwsError("ValidationException", message)


def not_found(what: str, key: TargetKey) -> AwsError:
    """400 ObjectNotFoundException. what: e.g. "scalable target registered"."""
    namespace, resource_id, dimension = key
    return AwsError(
        "ObjectNotFoundException",
        f"No {what} for service namespace: {namespace}, resource ID: {resource_id}, "
        f"scalable dimension: {dimension}",
    )


def key_of(params: Params) -> TargetKey:
    """Namespace, resource id and dimension of a request."""
    return (
        str(params["ServiceNamespace"]),
        str(params["ResourceId"]),
        str(params["ScalableDimension"]),
    )


def dimension_of(key: TargetKey) -> Dimension:
    """The dimension of a key. Raises 400 where it is another namespace's, or not here."""
    namespace, _, name = key
    if name.partition(":")[0] != namespace:
        raise invalid("Unsupported service namespace, resource type or scalable dimension")
    found = DIMENSIONS.get(name)
    if found is None:
        raise not_in_sandbox(f"the scalable dimension {name}")
    return found


def target_of(world: World, ctx: RequestContext, params: Params) -> Target:
    """The registered target of a request. Raises 400 ObjectNotFoundException."""
    key = key_of(params)
    dimension_of(key)
    found = autoscaling_of(world, ctx.account, ctx.region).targets.get(key)
    if found is None:
        raise not_found("scalable target registered", key)
    return found


def check_filters(params: Params) -> None:
    """A dimension may be given only with a resource id. Raises 400."""
    named = "ResourceId" in params or "ResourceIds" in params
    if "ScalableDimension" in params and not named:
        raise invalid("If you specify a scalable dimension, you must also specify a resource ID")


def chosen(key: TargetKey, params: Params) -> bool:
    """Whether a describing request asks for a key; resource ids must match exactly."""
    wanted = params.get("ResourceIds")
    if "ResourceId" in params:
        wanted = [params["ResourceId"]]
    return (
        key[0] == params["ServiceNamespace"]
        and (not wanted or key[1] in wanted)
        and params.get("ScalableDimension") in (None, key[2])
    )


def page(items: Sequence[Any], params: Params, listing: str) -> tuple[Sequence[Any], Answer]:
    """One page by MaxResults (1-50) and NextToken, and the next token as a member."""
    size = int(params.get("MaxResults", PER_PAGE))
    if not 1 <= size <= PER_PAGE:
        raise invalid(f"Value '{size}' at 'maxResults' failed to satisfy constraint: Member must "
                      f"have value between 1 and {PER_PAGE}")  # fmt: skip
    name = f"{listing}:{params['ServiceNamespace']}"
    try:
        shown, following = page_of(items, params.get("NextToken"), size, name)
    except BadTokenError as problem:
        raise AwsError("InvalidNextTokenException", "The next token is invalid.") from problem
    return shown, {} if following is None else {"NextToken": following}


def check_alarm_access(world: World, target: Target, operation: str) -> None:
    """Raises 400 FailedResourceAccessException where the service's role may not do it.

    A `denied` fault on CloudWatch denies it to this service as well.
    """
    ctx = RequestContext(
        "cloudwatch", operation, target.account, target.region, target.role_arn, world.now_s()
    )
    for fault in state_of(world, Front).faults.faults:
        spent = fault.times is not None and fault.hits >= fault.times
        if fault.kind is FaultKind.DENIED and fault.fits(ctx) and not spent:
            raise AwsError(
                "FailedResourceAccessException",
                f"Unable to retrieve alarms for scaling policy due to reason: {target.role_arn} "
                f"is not authorized to perform: cloudwatch:{operation}",
            )
