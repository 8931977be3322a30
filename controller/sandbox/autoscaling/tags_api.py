"""Tags of scalable targets: TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.sandbox.autoscaling.refusals import Answer, Params
from controller.sandbox.autoscaling.state import Target, autoscaling_of
from controller.sandbox.wire.contract import AwsError, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

MOST_TAGS = 50


def _target(world: World, ctx: RequestContext, params: Params) -> Target:
    arn = str(params["ResourceARN"])
    for target in autoscaling_of(world, ctx.account, ctx.region).targets.values():
        if target.arn == arn:
            return target
    raise AwsError("ResourceNotFoundException", f"The resource {arn} doesn't exist.",
                   ResourceName=arn)  # fmt: skip


def tag(world: World, ctx: RequestContext, params: Params) -> Answer:
    """TagResource: adds to the tags there are, at most fifty."""
    target = _target(world, ctx, params)
    tags = target.tags | {str(k): str(v) for k, v in params["Tags"].items()}
    if len(tags) > MOST_TAGS:
        raise AwsError("TooManyTagsException", f"A resource has at most {MOST_TAGS} tags.",
                       ResourceName=target.arn)  # fmt: skip
    target.tags = tags
    return {}


def untag(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UntagResource: keys that are not there are passed over."""
    target = _target(world, ctx, params)
    gone = set(params["TagKeys"])
    target.tags = {key: value for key, value in target.tags.items() if key not in gone}
    return {}


def list_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListTagsForResource."""
    return {"Tags": dict(_target(world, ctx, params).tags)}
