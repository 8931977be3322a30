"""What sizes and advice look like on the metrics page, for every kind of endpoint."""

from collections.abc import Iterator

from controller.model.advice import Advice
from controller.model.missing import Missing
from controller.model.sagemaker import RealtimeLive
from controller.model.size import LambdaSize, RealtimeSize, ServerlessSize, Size

_BYTES_PER_MB = 2**20
_HOURS_PER_MONTH = 730.0

Sample = tuple[str, tuple[str, ...], float]
"""A metric's short name, its labels after the endpoint's own, and its value."""


def size_samples(state: str, size: Size) -> Iterator[Sample]:
    """A size under a state: `current` or `desired`."""
    match size:
        case LambdaSize(memory_mb=memory_mb):
            yield "target_memory_bytes", (state,), float(memory_mb * _BYTES_PER_MB)
        case ServerlessSize():
            yield "target_memory_bytes", (state,), float(size.memory_mb * _BYTES_PER_MB)
            yield "target_max_concurrency", (state,), float(size.max_concurrency)
            yield "target_provisioned_concurrency", (state,), float(size.provisioned_concurrency)
        case RealtimeSize():
            yield "target_min_instances", (state,), float(size.min_instances)
            yield "target_max_instances", (state,), float(size.max_instances)
            yield "target_instance_info", (state, size.instance_type), 1.0
            if size.target_per_instance is not None:
                per_s = size.target_per_instance / 60.0
                yield "target_requests_per_second_per_instance", (state,), per_s


def live_samples(live: object) -> Iterator[Sample]:
    """What runs now, where that is not what was set: instances."""
    if isinstance(live, RealtimeLive):
        yield "running_instances", (), float(live.instances)


def advice_samples(advice: tuple[Advice, ...]) -> Iterator[Sample]:
    """Each piece of advice, and what it would save where that is known."""
    for one in advice:
        yield "advice", (one.reason.value,), 1.0
        if not isinstance(one.saves_usd_per_month, Missing):
            hourly = one.saves_usd_per_month.mid / _HOURS_PER_MONTH
            yield "advice_savings_hourly_dollars", (one.reason.value,), max(0.0, hourly)
