"""Steps of a change to a SageMaker endpoint: effects as data, one AWS call each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from controller.model.size import ScheduledBounds


@dataclass(frozen=True, slots=True)
class ShadowVariant:
    """A variant that AWS sends copies of live requests; its answers reach nobody."""

    instance_type: str
    instances: int
    share: float
    """Of the requests that are copied, more than 0, at most 1."""
    expires_at_s: float
    """Whoever finds it later than this may remove it."""


@dataclass(frozen=True, slots=True)
class CreateConfig:
    """Copy a config forward under a new name, with only the size of one variant replaced.

    Idempotent: the name is made from what is wanted, and one that is there already is taken.
    """

    name: str
    source: str
    """Name of the config that is copied."""
    variant: str
    instance_type: str | None = None
    instance_count: int | None = None
    memory_mb: int | None = None
    max_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    """0 leaves provisioned concurrency out."""
    shadow: ShadowVariant | None = None
    """Beside the variant; one of ours that the source has is never copied forward."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How a deployment moves the traffic; None everywhere is all at once, without baking."""

    canary_percent: int | None = None
    """Share of capacity that the new fleet gets first, at most 50."""
    linear_percent: int | None = None
    wait_s: int = 0
    """Between steps, 0-3600."""
    termination_wait_s: int = 0
    alarms: tuple[str, ...] = ()
    """Names of alarms that make AWS roll back by itself."""


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """UpdateEndpoint to a config, always with RetainAllVariantProperties."""

    name: str
    keep_count: bool = True
    """False: the config's own InitialInstanceCount takes effect."""
    shift: Shift = Shift()


@dataclass(frozen=True, slots=True)
class DeleteConfig:
    """Remove a config that we made and nobody uses."""

    name: str


@dataclass(frozen=True, slots=True)
class SetConcurrency:
    """Serverless concurrency in place, through UpdateEndpointWeightsAndCapacities."""

    variant: str
    max_concurrency: int
    provisioned_concurrency: int | None = None
    """None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class SetInstanceCount:
    """The number of instances in place, through UpdateEndpointWeightsAndCapacities."""

    variant: str
    instances: int


@dataclass(frozen=True, slots=True)
class RegisterTarget:
    """Register the variant with Application Auto Scaling, or move its bounds.

    AWS clamps the running number into the bounds at once.
    """

    variant: str
    min_instances: int
    max_instances: int
    suspended_in: bool = False
    suspended_out: bool = False
    suspended_schedule: bool = False
    tags: tuple[tuple[str, str], ...] = ()
    """For a variant that is not registered: AWS takes tags only then."""


@dataclass(frozen=True, slots=True)
class DeregisterTarget:
    """Take the variant out of Application Auto Scaling. AWS deletes its policies and actions."""

    variant: str


@dataclass(frozen=True, slots=True)
class PutTargetTracking:
    """Our own target-tracking policy on invocations per instance."""

    variant: str
    name: str
    target_per_instance: float
    """Invocations per minute and instance."""
    scale_in_cooldown_s: int = 300
    scale_out_cooldown_s: int = 60


@dataclass(frozen=True, slots=True)
class PutScalingPolicy:
    """A saved policy of the user's, as it was; `target_per_instance` replaces its TargetValue."""

    variant: str
    name: str
    document: str
    target_per_instance: float | None = None


@dataclass(frozen=True, slots=True)
class DeleteScalingPolicy:
    """Remove one scaling policy."""

    variant: str
    name: str


@dataclass(frozen=True, slots=True)
class PutScheduledBounds:
    """Our own scheduled action."""

    variant: str
    name: str
    bounds: ScheduledBounds


@dataclass(frozen=True, slots=True)
class PutScheduledAction:
    """A saved scheduled action of the user's, as it was."""

    variant: str
    name: str
    document: str


@dataclass(frozen=True, slots=True)
class DeleteScheduledAction:
    """Remove one scheduled action, only ever one that carries our name."""

    variant: str
    name: str


@dataclass(frozen=True, slots=True)
class PutGuardAlarm:
    """A CloudWatch alarm on the new fleet (dimension EndpointConfigName), for a deployment."""

    name: str
    variant: str
    config: str
    metric: str
    """`ModelLatency` (microseconds) or `Invocation5XXErrors`."""
    statistic: str
    """`p95` or `Average`."""
    threshold: float
    """In the metric's own unit."""
    period_s: int = 60
    evaluation_periods: int = 3
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeleteGuardAlarms:
    """Remove alarms that we made for a deployment."""

    names: tuple[str, ...]


SageMakerStep: TypeAlias = (
    CreateConfig
    | DeployConfig
    | DeleteConfig
    | SetConcurrency
    | SetInstanceCount
    | RegisterTarget
    | DeregisterTarget
    | PutTargetTracking
    | PutScalingPolicy
    | DeleteScalingPolicy
    | PutScheduledBounds
    | PutScheduledAction
    | DeleteScheduledAction
    | PutGuardAlarm
    | DeleteGuardAlarms
)
