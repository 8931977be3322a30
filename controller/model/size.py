"""Sizes: what we may change of an endpoint, per kind, and which of two gives less."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class LambdaSize:
    """A Lambda function's size."""

    memory_mb: int

    def __str__(self) -> str:
        return f"{self.memory_mb} MB"


@dataclass(frozen=True, slots=True, order=True)
class ServerlessSize:
    """A SageMaker serverless endpoint's size."""

    memory_mb: int
    """One of 1024, 2048 … 6144."""
    max_concurrency: int
    """1-200: requests beyond it are throttled."""
    provisioned_concurrency: int = 0
    """Environments kept warm, at most `max_concurrency`; 0 is none."""

    def __str__(self) -> str:
        warm = f", {self.provisioned_concurrency} warm" if self.provisioned_concurrency > 0 else ""
        return f"{self.memory_mb} MB x {self.max_concurrency}{warm}"


@dataclass(frozen=True, slots=True, order=True)
class ScheduledBounds:
    """Autoscaling bounds that a scheduled action sets at a time of the week."""

    cron: str
    """Application Auto Scaling's six fields, `cron(0 7 ? * MON-FRI *)`."""
    timezone: str
    min_instances: int
    max_instances: int


@dataclass(frozen=True, slots=True)
class RealtimeSize:
    """A SageMaker real-time variant's size: instances, and how autoscaling moves their number."""

    instance_type: str
    min_instances: int
    max_instances: int
    """Equal to `min_instances` where the number is fixed."""
    target_per_instance: float | None = None
    """Invocations per minute and instance that target tracking aims at; None: no policy of
    this kind, so the number of instances is moved by nobody (or by somebody else's policy)."""
    schedule: tuple[ScheduledBounds, ...] = ()
    """Bounds that our own scheduled actions set, in order of their text."""

    def __str__(self) -> str:
        if self.min_instances == self.max_instances:
            count = f"{self.min_instances}"
        else:
            count = f"{self.min_instances}-{self.max_instances}"
        target = "" if self.target_per_instance is None else f" at {self.target_per_instance:g}/min"
        times = "" if not self.schedule else f", {len(self.schedule)} scheduled"
        return f"{count} x {self.instance_type}{target}{times}"

    @property
    def rate_rps(self) -> float | None:
        """The target as requests per second and instance; None where nothing is tracked."""
        return None if self.target_per_instance is None else self.target_per_instance / 60.0

    def __lt__(self, other: "RealtimeSize") -> bool:
        """An order for lists only: types are not ordered by price or by name."""
        return self._order() < other._order()

    def _order(self) -> tuple[str, int, int, float, tuple[ScheduledBounds, ...]]:
        target = -1.0 if self.target_per_instance is None else self.target_per_instance
        return self.instance_type, self.min_instances, self.max_instances, target, self.schedule


Size: TypeAlias = LambdaSize | ServerlessSize | RealtimeSize
"""What we may change."""


def measured_as(size: Size) -> Size:
    """What of a size the latency of one request depends on: evidence is kept under it.

    Concurrency limits and the number of instances change how much load there is, not how
    fast an environment or an instance is at a given load.
    """
    match size:
        case ServerlessSize(memory_mb=memory_mb):
            return ServerlessSize(memory_mb, 1)
        case RealtimeSize(instance_type=instance_type):
            return RealtimeSize(instance_type, 1, 1)
        case LambdaSize():
            return size


def memory_mb_of(size: Size) -> int:
    """A size's memory. Raises TypeError where the kind has none to set."""
    if isinstance(size, RealtimeSize):
        raise TypeError(f"{size} has no memory of its own")
    return size.memory_mb


def in_order(size: Size) -> tuple[object, ...]:
    """A sort key for sizes of one endpoint, smallest first where there is such an order."""
    if isinstance(size, RealtimeSize):
        return size._order()
    if isinstance(size, ServerlessSize):
        return size.memory_mb, size.max_concurrency, size.provisioned_concurrency
    return (size.memory_mb,)


def lessens(before: Size, after: Size) -> bool:
    """Whether going from one size to the other takes something away.

    Of another instance type nobody knows before it has served: it counts as taking away.
    """
    match before, after:
        case LambdaSize(), LambdaSize():
            return after.memory_mb < before.memory_mb
        case ServerlessSize(), ServerlessSize():
            return after != before and (
                after.memory_mb < before.memory_mb
                or (after.memory_mb == before.memory_mb and after < before)
            )
        case RealtimeSize(), RealtimeSize():
            return after.instance_type != before.instance_type or _fewer(before, after)
    raise TypeError(f"{before} and {after} are sizes of two kinds")


def _fewer(before: RealtimeSize, after: RealtimeSize) -> bool:
    was, will = before.target_per_instance, after.target_per_instance
    looser = was is not None and will is not None and will > was * 1.001
    return (
        after.min_instances < before.min_instances
        or after.max_instances < before.max_instances
        or _raised_to(after) < _raised_to(before)
        or looser
    )


def _raised_to(size: RealtimeSize) -> int:
    """The highest lower bound that is in force at some time of the week."""
    return max([size.min_instances, *(action.min_instances for action in size.schedule)])


def at_most(size: Size, edge: Size) -> bool:
    """Whether a size gives no more than another, as far as that can be said beforehand.

    Instance types cannot be compared: only the edge's own is within it.
    """
    if isinstance(size, RealtimeSize) and isinstance(edge, RealtimeSize):
        return size.instance_type == edge.instance_type and not _fewer(size, edge)
    return size == edge or lessens(edge, size)


def at_least(size: Size, edge: Size) -> bool:
    """Whether a size gives no less than another, as far as that can be said beforehand."""
    if isinstance(size, RealtimeSize) and isinstance(edge, RealtimeSize):
        return size.instance_type == edge.instance_type and not _fewer(edge, size)
    return size == edge or lessens(size, edge)
