"""Tags of alarms: TagResource, UntagResource, ListTagsForResource of CloudWatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.sandbox.alarms_state import Alarm, alarms_of
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

Params = Mapping[str, Any]
Answer = Mapping[str, Any]

MOST_TAGS = 50


def _alarm(world: World, ctx: RequestContext, params: Params) -> Alarm:
    arn = str(params["ResourceARN"])
    for alarm in alarms_of(world, ctx.account, ctx.region).alarms.values():
        if alarm.arn == arn:
            return alarm
    raise AwsError("ResourceNotFoundException", f"Unknown resource {arn}.", 404)


def tag_resource(world: World, ctx: RequestContext, params: Params) -> Answer:
    """TagResource: adds to the tags there are, at most fifty."""
    alarm = _alarm(world, ctx, params)
    tags = alarm.tags | {str(tag["Key"]): str(tag["Value"]) for tag in params["Tags"]}
    if len(tags) > MOST_TAGS:
        raise AwsError("InvalidParameterValue", f"An alarm has at most {MOST_TAGS} tags.")
    alarm.tags = tags
    return {}


def untag_resource(world: World, ctx: RequestContext, params: Params) -> Answer:
    """UntagResource: keys that are not there are passed over."""
    alarm = _alarm(world, ctx, params)
    gone = {str(key) for key in params["TagKeys"]}
    alarm.tags = {key: value for key, value in alarm.tags.items() if key not in gone}
    return {}


def list_tags(world: World, ctx: RequestContext, params: Params) -> Answer:
    """ListTagsForResource."""
    alarm = _alarm(world, ctx, params)
    return {"Tags": [{"Key": key, "Value": alarm.tags[key]} for key in sorted(alarm.tags)]}


HANDLERS: Mapping[str, Handler] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags,
}
