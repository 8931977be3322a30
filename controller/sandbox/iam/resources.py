"""ARNs and tags of what a call is about, whether or not it exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.lambda_common import split_name
from controller.sandbox.lambda_state import function_arn
from controller.sandbox.sagemaker_state import SageMakerState
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Tags = Mapping[str, str]
Params = Mapping[str, Any]

_ABOUT_THE_FUNCTION = frozenset(
    {"GetAlias", "UpdateAlias", "CreateAlias", "DeleteAlias", "ListAliases", "PublishVersion"}
)
"""Operations whose resource is the function, whatever alias or version they name."""
_NAMED = (
    ("EndpointName", "endpoint"),
    ("EndpointConfigName", "endpoint-config"),
    ("ModelName", "model"),
)


def as_keys(kind: str, tags: Tags) -> dict[str, str]:
    """`aws:ResourceTag/…` or `aws:RequestTag/…`."""
    return {f"aws:{kind}/{key}": value for key, value in tags.items()}


def function(world: World, ctx: RequestContext, params: Params) -> tuple[str, Tags]:
    """A function, or the version or alias that the call names; tags are the function's."""
    name, qualifier = split_name(ctx, params)
    if ctx.operation in _ABOUT_THE_FUNCTION or qualifier == "$LATEST":
        qualifier = None
    region = world.regions.get((ctx.account, ctx.region))
    found = None if region is None else region.functions.get(name)
    tags = {} if found is None else found.tags
    return function_arn(ctx.account, ctx.region, name, qualifier), tags


def of_sagemaker(world: World, ctx: RequestContext, params: Params) -> Iterator[tuple[str, Tags]]:
    """Every resource that the parameters name; names in ARNs are in lower case."""
    place = state_of(world, SageMakerState).places.get((ctx.account, ctx.region))
    tags = {} if place is None else place.tags
    head = f"arn:aws:sagemaker:{ctx.region}:{ctx.account}"
    arns = [
        f"{head}:{kind}/{str(params[member]).lower()}"
        for member, kind in _NAMED
        if params.get(member)
    ]
    if params.get("ResourceArn"):
        arns.append(str(params["ResourceArn"]))
    for arn in arns:
        yield arn, tags.get(arn, {})


def key(ctx: RequestContext, named: str) -> str:
    """A KMS key, by its id or ARN."""
    return named if ":" in named else f"arn:aws:kms:{ctx.region}:{ctx.account}:key/{named}"


def key_of_config(world: World, ctx: RequestContext, name: str) -> str | None:
    """The key that an endpoint configuration encrypts volumes with, if it is there and has one."""
    place = state_of(world, SageMakerState).places.get((ctx.account, ctx.region))
    config = None if place is None else place.configs.get(name)
    return None if config is None else config.members.get("KmsKeyId")


def alarm(ctx: RequestContext, name: str) -> str:
    """A CloudWatch alarm."""
    return f"arn:aws:cloudwatch:{ctx.region}:{ctx.account}:alarm:{name}"


def log_group(ctx: RequestContext, name: str) -> str:
    """As Logs Insights is refused by: the group with an empty log stream."""
    return f"arn:aws:logs:{ctx.region}:{ctx.account}:log-group:{name}:log-stream:"


def scalable_target(ctx: RequestContext, params: Params) -> str:
    """Its id is AWS's own; the same for the same resource here."""
    name = f"{params.get('ResourceId')}/{params.get('ScalableDimension')}"
    number = blake2b(name.encode(), digest_size=16).hexdigest()
    return f"arn:aws:application-autoscaling:{ctx.region}:{ctx.account}:scalable-target/{number}"
