"""What past probes teach of sizes, without any latency: where calls fail. Pure."""

from collections.abc import Mapping, Sequence

from controller.core.periods import DAY_S
from controller.model.estimate import Rejection
from controller.model.probe import ProbeRecord
from controller.model.size import RealtimeSize, Size, measured_as, memory_mb_of

REMEMBERED_S = 7 * DAY_S
"""For so long a probe counts as made, and a size at which calls failed as impossible."""
BROKEN = 0.5
"""A size at which more than this share of calls to a shadow failed by themselves is impossible …"""
LEAST_REQUESTS = 5
"""… where there were so many: one call that went wrong says nothing of a size."""


def impossible(
    probes: Sequence[ProbeRecord], sizes: Sequence[Size], now_s: float
) -> Mapping[Size, tuple[Rejection, str]]:
    """Sizes at which calls to a shadow failed, and why they may not be chosen.

    Where memory ran out, less of it does not help.
    """
    found: dict[Size, tuple[Rejection, str]] = {}
    for record in probes:
        recent = record.started_at_s > now_s - REMEMBERED_S
        if not record.kind.of_another_size or not recent or not broke(record):
            continue
        why = f"{record.broken:,} of {record.requests:,} calls to a shadow of this size failed"
        for size in sizes:
            if same_copy(size, record.size) or _less(size, record.size):
                found[size] = (Rejection.INFEASIBLE_BEFORE, why)
    return found


def broke(record: ProbeRecord) -> bool:
    """Whether a size cannot serve. What was refused, or broken off by us, is not its fault."""
    taught = record.outcome is not None and record.outcome.teaches
    enough = record.requests >= LEAST_REQUESTS
    return taught and enough and record.broken > BROKEN * record.requests


def same_copy(one: Size, other: Size) -> bool:
    """Whether a copy of the one is a copy of the other: what a probe tells is of both."""
    return measured_as(one) == measured_as(other)


def _less(size: Size, failed: Size) -> bool:
    if isinstance(size, RealtimeSize) or isinstance(failed, RealtimeSize):
        return False
    return memory_mb_of(size) < memory_mb_of(failed)
