"""A SageMaker endpoint as AWS shows it: everything a decision about its size may rest on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.model.missing import Maybe, Missing

NOT_ASKED = Missing("not asked for")


class Speciality(StrEnum):
    """What makes an endpoint one that must be left alone or treated apart."""

    MULTI_MODEL = "MultiModel"
    MULTI_CONTAINER = "MultiContainer"
    INFERENCE_COMPONENTS = "InferenceComponents"
    ASYNC = "Async"
    SHADOW_VARIANTS = "ShadowVariants"
    INSTANCE_POOLS = "InstancePools"
    MARKETPLACE = "Marketplace"
    SEVERAL_VARIANTS = "SeveralVariants"
    CAPACITY_RESERVATION = "CapacityReservation"


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """The live endpoint configuration, immutable by its name."""

    name: str
    arn: str
    fingerprint: str
    """Hash of every field that a release could change: all but our own size fields and the
    name. Latencies compare only within one fingerprint."""
    created_at_s: float
    ours: bool
    """Made by this controller (its tags say so): the only ones we may delete."""
    specialities: Mapping[Speciality, str] = field(default_factory=dict)
    """Found in the config and its models, each with words for people."""
    artefacts: tuple[str, ...] = ()
    """`s3://bucket/key` of everything its models load; a key that ends with `/` is a prefix."""
    architecture: str | None = None
    """`x86_64` or `arm64` of the container image, where it is known."""
    initial_instance_count: int | None = None
    has_volume_key: bool = False
    """A KmsKeyId is set, which AWS refuses on types with local NVMe."""
    source: str | None = None
    """The config that ours was copied from, by its tag; None where it is not ours."""
    mirrored_until_s: Maybe[float] | None = None
    """It has a shadow variant of ours, which nobody wants after this (or ever more, where no tag
    can be read that says until when); None: it has none."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What both kinds share: DescribeEndpoint, and the config that is live."""

    arn: str
    status: str
    """EndpointStatus, a word and no proof: `InService`, `Updating`, `RollingBack` …"""
    failure_reason: str | None
    """Also set after an update that AWS rolled back without a word."""
    config: EndpointConfig
    variant: str
    modified_at_s: float
    pending_config: str | None = None
    """The config of a deployment under way (PendingDeploymentSummary)."""
    guards: tuple[str, ...] = ()
    """Alarms that guarded its last deployment (LastDeploymentConfig)."""


@dataclass(frozen=True, slots=True)
class ServerlessLive:
    """A serverless endpoint."""

    endpoint: Endpoint
    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int | None
    """None where none is configured."""
    account_concurrency_left: int | None = None
    """Of the region's pool, what other endpoints' MaxConcurrency leaves; None if not asked."""
    autoscaled: bool = False
    """Application Auto Scaling moves the provisioned concurrency."""
    model_bytes: Maybe[int] = NOT_ASKED
    """Size of the models' artefacts, as they lie in S3."""


@dataclass(frozen=True, slots=True)
class ScalableTarget:
    """A registered variant."""

    min_instances: int
    max_instances: int
    suspended_in: bool = False
    suspended_out: bool = False
    suspended_schedule: bool = False
    tags: tuple[tuple[str, str], ...] | None = field(default=(), compare=False)
    """By key; AWS forgets them when the variant is deregistered. None where they could not be
    read."""


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """One scaling policy. `document` is what PutScalingPolicy takes, whole, as JSON text:
    what we restore after a type change must be what was there."""

    name: str
    kind: str
    """`TargetTrackingScaling` or `StepScaling`."""
    document: str
    target_per_instance: float | None = None
    """TargetValue where it tracks SageMakerVariantInvocationsPerInstance."""


@dataclass(frozen=True, slots=True)
class ScheduledAction:
    """One scheduled action; `document` is what PutScheduledAction takes, as JSON text."""

    name: str
    schedule: str
    timezone: str
    min_instances: int | None
    max_instances: int | None
    document: str


@dataclass(frozen=True, slots=True)
class Autoscaling:
    """Everything registered for a variant; empty where nothing is."""

    target: ScalableTarget | None = None
    policies: tuple[ScalingPolicy, ...] = ()
    actions: tuple[ScheduledAction, ...] = ()


@dataclass(frozen=True, slots=True)
class RealtimeLive:
    """A real-time endpoint's variant."""

    endpoint: Endpoint
    instance_type: str
    instances: int
    """Running now."""
    desired_instances: int
    autoscaling: Autoscaling
    quota_left: Mapping[str, int] = field(default_factory=dict)
    """Instances per type that the account may still start, where that is known."""
