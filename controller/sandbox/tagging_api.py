"""Resource Groups Tagging API: which resources of a region carry which tags."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.pages import BadTokenError, page_of
from controller.sandbox.sagemaker_state import sagemaker_of
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

_KINDS = {"lambda": "function", "sagemaker": "endpoint"}
_EXCLUSIVE = ("TagFilters", "ResourceTypeFilters", "ResourcesPerPage", "TagsPerPage")


def get_resources(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Functions and endpoints of the caller's account and region that satisfy all filters, by ARN.

    A filter without values wants the key alone. Resources that were never tagged are not
    listed. The last page has an empty PaginationToken, as AWS's has.
    """
    _admit(params)
    pages = list(_pages(_resources(world, ctx, params), params))
    try:
        page, following = page_of(pages, params.get("PaginationToken") or None, 1, "resources")
    except BadTokenError as problem:
        raise AwsError("InvalidParameterException", "The PaginationToken is invalid.") from problem
    return {
        "PaginationToken": following or "",
        "ResourceTagMappingList": [resource for chunk in page for resource in chunk],
    }


def _admit(params: Mapping[str, Any]) -> None:
    per_page = params.get("ResourcesPerPage")
    if per_page is not None and not 1 <= per_page <= 100:
        raise AwsError("InvalidParameterException", "ResourcesPerPage must be from 1 to 100.")
    tags_per_page = params.get("TagsPerPage")
    if tags_per_page is not None and not 100 <= tags_per_page <= 500:
        raise AwsError("InvalidParameterException", "TagsPerPage must be from 100 to 500.")
    if "ResourceARNList" in params and any(name in params for name in _EXCLUSIVE):
        raise AwsError(
            "InvalidParameterException",
            "ResourceARNList excludes filters and paging in the same request.",
        )
    if any("Key" not in one for one in params.get("TagFilters", [])):
        raise AwsError("InvalidParameterException", "Each TagFilter must have a Key.")


def _resources(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    types = set(params.get("ResourceTypeFilters") or ())
    arns = params.get("ResourceARNList")
    for service, arn, tags in _tagged(world, ctx):
        if types and not types & {service, f"{service}:{_KINDS[service]}"}:
            continue
        if arns is not None and arn not in arns:
            continue
        if tags and all(_satisfied(tags, one) for one in params.get("TagFilters", [])):
            listed = [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
            yield {"ResourceARN": arn, "Tags": listed}


def _tagged(world: World, ctx: RequestContext) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    region = world.region(ctx.account, ctx.region)
    for name in sorted(region.functions):
        yield "lambda", region.functions[name].arn, region.functions[name].tags
    place = sagemaker_of(world, region)
    for name in sorted(place.endpoints):
        arn = place.endpoints[name].arn
        if tags := place.tags.get(arn):
            yield "sagemaker", arn, tags


def _satisfied(tags: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    value = tags.get(wanted["Key"])
    if value is None:
        return False
    values = wanted.get("Values")
    return not values or value in values


def _pages(
    found: Iterable[Mapping[str, Any]], params: Mapping[str, Any]
) -> Iterator[list[Mapping[str, Any]]]:
    """Full pages, by resources or by tags; a resource is never split."""
    by_tags = params.get("TagsPerPage")
    room = params.get("ResourcesPerPage", 50) if by_tags is None else by_tags
    page: list[Mapping[str, Any]] = []
    taken = 0
    for resource in found:
        weight = 1 if by_tags is None else len(resource["Tags"])
        if page and taken + weight > room:
            yield page
            page, taken = [], 0
        page.append(resource)
        taken += weight
    if page:
        yield page


HANDLERS: Mapping[str, Handler] = {"GetResources": get_resources}
