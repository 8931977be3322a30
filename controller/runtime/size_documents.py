"""Sizes as JSON, with units in the names: what `-o json`, plans and the API show."""

from collections.abc import Mapping
from typing import Any

from controller.model.size import LambdaSize, RealtimeSize, ScheduledBounds, ServerlessSize, Size

Json = dict[str, Any]


def size_document(size: Size) -> Json:
    """A size with its units in the names; the fields tell the kind."""
    match size:
        case LambdaSize(memory_mb=memory_mb):
            return {"memoryMb": memory_mb}
        case ServerlessSize():
            return {
                "memoryMb": size.memory_mb,
                "maxConcurrency": size.max_concurrency,
                "provisionedConcurrency": size.provisioned_concurrency,
            }
        case RealtimeSize():
            return {
                "instanceType": size.instance_type,
                "minInstances": size.min_instances,
                "maxInstances": size.max_instances,
                "targetInvocationsPerMinute": size.target_per_instance,
                "schedule": [_bounds_document(bounds) for bounds in size.schedule],
            }


def size_from(document: Mapping[str, Any]) -> Size:
    """The inverse of `size_document`. Raises ValueError, KeyError or TypeError."""
    if "instanceType" in document:
        size: Size = _realtime(document)
    elif "maxConcurrency" in document:
        size = ServerlessSize(
            _whole(document["memoryMb"]),
            _whole(document["maxConcurrency"]),
            _whole(document["provisionedConcurrency"]),
        )
    else:
        size = LambdaSize(_whole(document["memoryMb"]))
    if size_document(size) != document:
        raise ValueError(f"{document} is no size")
    return size


def _realtime(document: Mapping[str, Any]) -> RealtimeSize:
    target = document["targetInvocationsPerMinute"]
    return RealtimeSize(
        instance_type=str(document["instanceType"]),
        min_instances=_whole(document["minInstances"]),
        max_instances=_whole(document["maxInstances"]),
        target_per_instance=None if target is None else float(target),
        schedule=tuple(_bounds(item) for item in document["schedule"]),
    )


def _bounds_document(bounds: ScheduledBounds) -> Json:
    return {
        "cron": bounds.cron,
        "timezone": bounds.timezone,
        "minInstances": bounds.min_instances,
        "maxInstances": bounds.max_instances,
    }


def _bounds(document: Mapping[str, Any]) -> ScheduledBounds:
    return ScheduledBounds(
        cron=str(document["cron"]),
        timezone=str(document["timezone"]),
        min_instances=_whole(document["minInstances"]),
        max_instances=_whole(document["maxInstances"]),
    )


def _whole(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is no whole number")
    return value
