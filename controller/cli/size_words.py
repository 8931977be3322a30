"""Sizes in the narrow columns of tables: only what differs is said twice."""

from collections import Counter
from collections.abc import Mapping, Sequence

from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size


def short(size: Size) -> str:
    """`1472 MB`, `2048 MB x20`, `2048 MB x20 +1 warm`, `2-6 c5.xlarge`."""
    match size:
        case LambdaSize(memory_mb=memory_mb):
            return f"{memory_mb} MB"
        case ServerlessSize():
            return f"{size.memory_mb} MB {_at_once(size)}"
        case RealtimeSize():
            return f"{_count(size)} {_type(size)}"


def told_apart(sizes: Sequence[Size]) -> Mapping[Size, str]:
    """Short words, with what differs where two sizes would read the same:
    `1-3 c5.xlarge @900`, or `1-3 c5.xlarge +2` with two scheduled actions."""
    names = {size: short(size) for size in sizes}
    for name in {n for n, count in Counter(names.values()).items() if count > 1}:
        alike = [s for s in names if names[s] == name and isinstance(s, RealtimeSize)]
        targets = {_target(size) for size in alike}
        for size in alike:
            more = f" @{_target(size)}" if len(targets) > 1 else ""
            actions = len(size.schedule)
            names[size] += more or (f" +{actions}" if actions else "")
    return names


def size_arrow(before: Size, after: Size) -> str:
    """`3008 -> 1472 MB`, `4-8 -> 2-6 c5.xlarge`, `600 -> 900/min c5.xlarge`."""
    if before == after:
        return short(before)
    match before, after:
        case LambdaSize(), LambdaSize():
            return f"{before.memory_mb} -> {after.memory_mb} MB"
        case ServerlessSize(), ServerlessSize():
            return _serverless_arrow(before, after)
        case RealtimeSize(), RealtimeSize() if before.instance_type == after.instance_type:
            return _count_arrow(before, after)
    return f"{short(before)} -> {short(after)}"


def _serverless_arrow(before: ServerlessSize, after: ServerlessSize) -> str:
    if before.memory_mb == after.memory_mb:
        return f"{after.memory_mb} MB {_at_once(before)} -> {_at_once(after)}"
    if _at_once(before) == _at_once(after):
        return f"{before.memory_mb} -> {after.memory_mb} MB {_at_once(after)}"
    return f"{short(before)} -> {short(after)}"


def _at_once(size: ServerlessSize) -> str:
    warm = size.provisioned_concurrency
    return f"x{size.max_concurrency}" + (f" +{warm} warm" if warm > 0 else "")


def _count_arrow(before: RealtimeSize, after: RealtimeSize) -> str:
    if _count(before) != _count(after):
        return f"{_count(before)} -> {_count(after)} {_type(after)}"
    if before.target_per_instance != after.target_per_instance:
        return f"{_target(before)} -> {_target(after)}/min {_type(after)}"
    was, now = len(before.schedule), len(after.schedule)
    return f"{short(after)}, {was} -> {now} scheduled"


def _count(size: RealtimeSize) -> str:
    if size.min_instances == size.max_instances:
        return f"{size.min_instances}"
    return f"{size.min_instances}-{size.max_instances}"


def _type(size: RealtimeSize) -> str:
    return size.instance_type.removeprefix("ml.")


def _target(size: RealtimeSize) -> str:
    return "-" if size.target_per_instance is None else f"{size.target_per_instance:g}"
