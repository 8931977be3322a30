"""SageMaker's things that have no life of their own: models, endpoint configurations, tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.pages import BadTokenError, page_of
from controller.sandbox.sagemaker.configs import read_config
from controller.sandbox.sagemaker.refusals import find_config, invalid
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]
PER_PAGE = 10


def place_of(world: World, ctx: RequestContext) -> SageMakerPlace:
    """SageMaker of the caller's account and region."""
    return sagemaker_of(world, world.region(ctx.account, ctx.region))


def when(instant_s: float) -> datetime:
    """An instant as boto3 shows it."""
    return datetime.fromtimestamp(instant_s, UTC)


# --- models


def create_model(world: World, ctx: RequestContext, params: Params) -> Answer:
    """CreateModel: PrimaryContainer, or up to 15 Containers."""
    place, name = place_of(world, ctx), params["ModelName"]
    if name in place.models:
        raise invalid(f'Cannot create already existing model "{place.arn("model", name)}".')
    if ("PrimaryContainer" in params) == bool(params.get("Containers")):
        raise invalid("Exactly one of PrimaryContainer and Containers must be given.")
    members = {key: value for key, value in params.items() if key != "Tags"}
    place.models[name] = {**members, "CreationTime": when(ctx.now_s)}
    keep_tags(place, place.arn("model", name), params)
    return {"ModelArn": place.arn("model", name)}


def describe_model(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeModel."""
    place, name = place_of(world, ctx), params["ModelName"]
    return {
        "EnableNetworkIsolation": False,
        **_model(place, name),
        "ModelArn": place.arn("model", name),
    }


def delete_model(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteModel: endpoints that were made of it go on."""
    place, name = place_of(world, ctx), params["ModelName"]
    _model(place, name)
    del place.models[name]
    place.tags.pop(place.arn("model", name), None)
    return {}


def list_models(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListModels, newest first."""
    place = place_of(world, ctx)
    rows = [
        {
            "ModelName": name,
            "ModelArn": place.arn("model", name),
            "CreationTime": it["CreationTime"],
        }
        for name, it in place.models.items()
    ]
    return listed("Models", rows, params, "ModelName")


def _model(place: SageMakerPlace, name: str) -> dict[str, Any]:
    found = place.models.get(name)
    if found is None:
        raise invalid(f'Could not find model "{place.arn("model", name)}".')
    return found


# --- endpoint configurations


def create_config(world: World, ctx: RequestContext, params: Params) -> Answer:
    """CreateEndpointConfig; the name must be new in the account and region."""
    place, name = place_of(world, ctx), params["EndpointConfigName"]
    arn = place.arn("endpoint-config", name)
    if name in place.configs:
        raise invalid(f'Cannot create already existing endpoint configuration "{arn}".')
    place.configs[name] = read_config(place, name, params, ctx.now_s)
    keep_tags(place, arn, params)
    return {"EndpointConfigArn": arn}


def describe_config(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeEndpointConfig: every member as it was given."""
    config = find_config(place_of(world, ctx), params["EndpointConfigName"])
    return {
        **config.members,
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": when(config.created_s),
    }


def delete_config(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteEndpointConfig; not while an endpoint uses it or moves to it."""
    place = place_of(world, ctx)
    config = find_config(place, params["EndpointConfigName"])
    for endpoint in place.endpoints.values():
        pending = (endpoint.pending or {}).get("EndpointConfigName")
        if config.name in (endpoint.config_name, pending):
            raise invalid(f'Cannot delete endpoint configuration "{config.arn}" that is in use by '
                          f'endpoint "{endpoint.arn}".')  # fmt: skip
    del place.configs[config.name]
    place.tags.pop(config.arn, None)
    return {}


def list_configs(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListEndpointConfigs, newest first."""
    rows = [
        {
            "EndpointConfigName": config.name,
            "EndpointConfigArn": config.arn,
            "CreationTime": when(config.created_s),
        }
        for config in place_of(world, ctx).configs.values()
    ]
    return listed("EndpointConfigs", rows, params, "EndpointConfigName")


# --- lists


_SORT_KEYS = {"CreationTime": "CreationTime", "LastModifiedTime": "LastModifiedTime"}


def listed(
    member: str, rows: Iterable[dict[str, Any]], params: Params, name: str, by: str = "CreationTime"
) -> Answer:
    """One page of rows, filtered and sorted as SageMaker's lists are: newest first."""
    kept = [row for row in rows if all(test(row) for test in _tests(params, name))]
    key = {"Name": name, "Status": "EndpointStatus"}.get(params.get("SortBy", ""))
    key = key or _SORT_KEYS.get(params.get("SortBy", by), by)
    ascending = params.get("SortOrder") == "Ascending"
    kept.sort(key=lambda row: (row[key], row[name]), reverse=not ascending)
    try:
        size = int(params.get("MaxResults") or PER_PAGE)
        page, token = page_of(kept, params.get("NextToken"), size, member)
    except BadTokenError as problem:
        raise invalid("Invalid NextToken.") from problem
    return {member: list(page)} | ({} if token is None else {"NextToken": token})


def _tests(params: Params, name: str) -> list[Callable[[dict[str, Any]], bool]]:
    tests: list[Callable[[dict[str, Any]], bool]] = []
    if (text := params.get("NameContains")) is not None:
        tests.append(lambda row: str(text).lower() in row[name].lower())
    for member in ("CreationTime", "LastModifiedTime"):
        if (before := params.get(f"{member}Before")) is not None:
            tests.append(lambda row, m=member, at=before: row[m] < at)  # type: ignore[misc]
        if (after := params.get(f"{member}After")) is not None:
            tests.append(lambda row, m=member, at=after: row[m] > at)  # type: ignore[misc]
    if (status := params.get("StatusEquals")) is not None:
        tests.append(lambda row: row["EndpointStatus"] == status)
    return tests


# --- tags


def keep_tags(place: SageMakerPlace, arn: str, params: Params) -> None:
    """Keep the tags that something was created with."""
    if params.get("Tags"):
        place.tags.setdefault(arn, {}).update({t["Key"]: t["Value"] for t in params["Tags"]})


def add_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """AddTags: all tags that there are then."""
    place, arn = place_of(world, ctx), _existing(world, ctx, params)
    keep_tags(place, arn, params)
    return {"Tags": _view(place.tags.get(arn, {}))}


def list_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListTags."""
    return {"Tags": _view(place_of(world, ctx).tags.get(_existing(world, ctx, params), {}))}


def delete_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DeleteTags."""
    tags = place_of(world, ctx).tags.get(_existing(world, ctx, params), {})
    for key in params["TagKeys"]:
        tags.pop(key, None)
    return {}


def _existing(world: World, ctx: RequestContext, params: Params) -> str:
    """The ARN of a request, of something that is there. Raises ValidationException."""
    place, given = place_of(world, ctx), str(params["ResourceArn"])
    kinds: Mapping[str, Mapping[str, Any]]
    kinds = {"model": place.models, "endpoint-config": place.configs, "endpoint": place.endpoints}
    kind, _, _ = given.rpartition(":")[2].partition("/")
    for name in kinds.get(kind, ()):
        if place.arn(kind, name) == given:
            return given
    raise invalid(f'Could not find resource "{given}".')


def _view(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
