"""DescribeScalingActivities: the last six weeks, newest first.

Fact: activities that did not come about are left out unless they are asked for; then each
says why in NotScaledReasons.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.sandbox.autoscaling.refusals import Answer, Params, check_filters, chosen, page
from controller.sandbox.autoscaling.state import ACTIVITIES_KEPT_S, Activity, autoscaling_of
from controller.sandbox.wire.contract import RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World


def describe(world: World, ctx: RequestContext, params: Params) -> Answer:
    """DescribeScalingActivities."""
    check_filters(params)
    place = autoscaling_of(world, ctx.account, ctx.region)
    everything = bool(params.get("IncludeNotScaledActivities"))
    since_s = ctx.now_s - ACTIVITIES_KEPT_S
    found = [
        one
        for one in reversed(place.activities)
        if one.start_s >= since_s
        and chosen(one.key, params)
        and (everything or one.not_scaled is None)
    ]
    shown, following = page(found, params, "activities")
    return {"ScalingActivities": [_view(one) for one in shown], **following}


def _view(activity: Activity) -> Answer:
    view: dict[str, Any] = {
        "ActivityId": activity.id,
        "ServiceNamespace": activity.key[0],
        "ResourceId": activity.key[1],
        "ScalableDimension": activity.key[2],
        "Description": activity.description,
        "Cause": activity.cause,
        "StartTime": datetime.fromtimestamp(activity.start_s, UTC),
        "StatusCode": str(activity.status),
    }
    if activity.end_s is not None:
        view["EndTime"] = datetime.fromtimestamp(activity.end_s, UTC)
    if activity.message is not None:
        view["StatusMessage"] = activity.message
    if activity.not_scaled is not None:
        view["NotScaledReasons"] = [dict(activity.not_scaled)]
    return view
