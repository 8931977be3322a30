"""Application Auto Scaling: its operations, by name."""

from __future__ import annotations

from collections.abc import Mapping

from controller.sandbox.autoscaling import (
    activities_api,
    policies_api,
    scheduled_api,
    tags_api,
    targets_api,
)
from controller.sandbox.lambda_common import locked
from controller.sandbox.wire.contract import Handler

HANDLERS: Mapping[str, Handler] = {
    "RegisterScalableTarget": locked(targets_api.register),
    "DeregisterScalableTarget": locked(targets_api.deregister),
    "DescribeScalableTargets": locked(targets_api.describe),
    "PutScalingPolicy": locked(policies_api.put),
    "DeleteScalingPolicy": locked(policies_api.delete),
    "DescribeScalingPolicies": locked(policies_api.describe),
    "PutScheduledAction": locked(scheduled_api.put),
    "DeleteScheduledAction": locked(scheduled_api.delete),
    "DescribeScheduledActions": locked(scheduled_api.describe),
    "DescribeScalingActivities": locked(activities_api.describe),
    "TagResource": locked(tags_api.tag),
    "UntagResource": locked(tags_api.untag),
    "ListTagsForResource": locked(tags_api.list_tags),
}
