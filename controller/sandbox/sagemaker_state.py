"""What SageMaker knows: models, endpoint configurations, endpoints and their fleets.

The face of SageMaker for the sandbox's other rooms. Facts: configurations are immutable; an
endpoint has a status and live variants, whose counts, weights and concurrency drift away from
what its configuration says; everything in flight takes minutes. What served when is kept in
`SageMakerPlace.histories`, and nothing that happened is ever rewritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.sagemaker.machines import EndpointWorkload
from controller.sandbox.timeline import Timeline
from controller.sandbox.warm_pool import WarmPool

if TYPE_CHECKING:
    from controller.sandbox.region import Region
    from controller.sandbox.sagemaker.runtime_calls import EndpointCall
    from controller.sandbox.world import World

CREATING = "Creating"
UPDATING = "Updating"
SYSTEM_UPDATING = "SystemUpdating"
ROLLING_BACK = "RollingBack"
IN_SERVICE = "InService"
FAILED = "Failed"
DELETING = "Deleting"
UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"


@dataclass(frozen=True, slots=True)
class ServerlessConfig:
    """Size of a serverless variant; `provisioned_concurrency` is None where there is none."""

    memory_mb: int
    max_concurrency: int
    provisioned_concurrency: int | None = None

    def view(self) -> dict[str, int]:
        """As the API shows it."""
        view = {"MemorySizeInMB": self.memory_mb, "MaxConcurrency": self.max_concurrency}
        if self.provisioned_concurrency is not None:
            view["ProvisionedConcurrency"] = self.provisioned_concurrency
        return view


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """One variant in an endpoint configuration. Exactly one of `instance_type` and
    `serverless` is set, except where inference components decide. `members`: as given."""

    name: str
    model_name: str | None
    instance_type: str | None
    initial_instance_count: int
    initial_weight: float
    serverless: ServerlessConfig | None
    members: Mapping[str, Any]

    @property
    def routing(self) -> str:
        """RANDOM or LEAST_OUTSTANDING_REQUESTS."""
        return str(self.members.get("RoutingConfig", {}).get("RoutingStrategy", "RANDOM"))


@dataclass(frozen=True, slots=True)
class EndpointConfig:
    """An immutable endpoint configuration. `members`: every member as it was given."""

    name: str
    arn: str
    created_s: float
    variants: tuple[VariantConfig, ...]
    shadows: tuple[VariantConfig, ...]
    members: Mapping[str, Any]

    def variant(self, name: str) -> VariantConfig | None:
        """A production variant by name."""
        return next((one for one in self.variants if one.name == name), None)

    @property
    def serverless(self) -> bool:
        """Whether its variants are serverless (they all are, or none is)."""
        return any(one.serverless is not None for one in self.variants)


@dataclass(slots=True)
class Variant:
    """One live variant of an endpoint: what it has, and what was asked for.

    Counts are 0 and `*_serverless` is set for a serverless variant. `fleet` names its
    machines: a deployment gives others.
    """

    config: VariantConfig
    fleet: str
    current_instance_count: int
    desired_instance_count: int
    current_weight: float
    desired_weight: float
    current_serverless: ServerlessConfig | None
    desired_serverless: ServerlessConfig | None
    shadow: bool = False

    @property
    def name(self) -> str:
        """VariantName."""
        return self.config.name

    @property
    def instance_type(self) -> str | None:
        """`ml.c5.xlarge`; None for a serverless variant."""
        return self.config.instance_type


@dataclass(frozen=True, slots=True)
class Fleet:
    """Machines (or a serverless function) of one variant that serve requests.

    `uid` names it for ever within its endpoint. share: of the endpoint's requests; a shadow
    gets copies instead. instances serve, billed ones cost: a fleet being launched costs
    before it serves. deploying: a deployment is under way, in which metrics come under the
    dimension EndpointConfigName as well.
    """

    uid: str
    variant: str
    config_name: str
    share: float
    instance_type: str | None = None
    instances: int = 0
    billed: int = 0
    serverless: ServerlessConfig | None = None
    routing: str = "RANDOM"
    shadow: bool = False
    deploying: bool = False


@dataclass(frozen=True, slots=True)
class EndpointServing:
    """What answers an endpoint's requests from `start_s` until the next state."""

    start_s: float
    workload: EndpointWorkload
    fleets: tuple[Fleet, ...] = ()


@dataclass(slots=True)
class Endpoint:
    """A live endpoint. `config` is the configuration in force, whatever was asked for."""

    name: str
    arn: str
    config: EndpointConfig
    status: str
    created_s: float
    modified_s: float
    variants: dict[str, Variant] = field(default_factory=dict)
    shadows: dict[str, Variant] = field(default_factory=dict)
    failure_reason: str | None = None
    last_deployment: dict[str, Any] | None = None
    pending: dict[str, Any] | None = None
    """PendingDeploymentSummary while a deployment is under way."""
    changes: int = 0

    @property
    def config_name(self) -> str:
        """EndpointConfigName as DescribeEndpoint shows it."""
        return self.config.name


@dataclass(slots=True)
class EndpointFault:
    """What will become of the next deployment of an endpoint (its creation, too).

    outcome: `Failed` (rolls back silently), `InsufficientCapacity` (likewise, with that
    reason), `Hang` (for `hang_s`, for good where None), `RollbackFailed`. instance_type: only
    deployments to that type are hit; None: all are.
    """

    endpoint: str
    outcome: str
    reason: str = "Request to service failed. If failure persists after retry, contact support."
    hang_s: float | None = None
    times: int = 1
    instance_type: str | None = None


@dataclass(slots=True)
class SageMakerPlace:
    """SageMaker in one account and region."""

    region: Region
    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, EndpointConfig] = field(default_factory=dict)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    """By ARN of an endpoint, a configuration or a model."""
    workloads: dict[str, EndpointWorkload] = field(default_factory=dict)
    histories: dict[str, Timeline[EndpointServing]] = field(default_factory=dict)
    calls: dict[str, list[EndpointCall]] = field(default_factory=dict)
    """Calls made through InvokeEndpoint, by endpoint, oldest first."""
    pools: dict[str, WarmPool] = field(default_factory=dict)
    loaded: dict[str, dict[str, float]] = field(default_factory=dict)
    """By fleet of a multi-model endpoint: models in memory, least recently used first, and
    when each began to load."""
    quotas: dict[str, int] = field(default_factory=dict)
    """Instances for endpoint usage by type; `*` for all others; no limit where absent."""
    capacity: dict[str, int] = field(default_factory=dict)
    """Instances of a type that AWS could launch; no limit where absent."""
    faults: list[EndpointFault] = field(default_factory=list)
    config_lag_s: float = 0.0
    """A new configuration cannot be found by CreateEndpoint and UpdateEndpoint for so long."""

    def arn(self, kind: str, name: str) -> str:
        """ARN of an `endpoint`, an `endpoint-config` or a `model`."""
        place = self.region
        return f"arn:aws:sagemaker:{place.name}:{place.account}:{kind}/{name.lower()}"

    def instances_of(self, instance_type: str) -> int:
        """Instances of a type that endpoints hold now, those being launched included."""
        return sum(
            max(variant.current_instance_count, variant.desired_instance_count)
            for endpoint in self.endpoints.values()
            for variant in (*endpoint.variants.values(), *endpoint.shadows.values())
            if variant.instance_type == instance_type
        )

    def room_for(self, instance_type: str) -> float:
        """Instances of a type that could still be launched, beside those held now."""
        if instance_type not in self.capacity:
            return float("inf")
        held = sum(
            variant.current_instance_count
            for endpoint in self.endpoints.values()
            for variant in (*endpoint.variants.values(), *endpoint.shadows.values())
            if variant.instance_type == instance_type
        )
        return self.capacity[instance_type] - held

    def serve(self, name: str, at_s: float, fleets: tuple[Fleet, ...]) -> None:
        """Put fleets in force for an endpoint from an instant on; containers write logs."""
        if fleets:
            self.region.log_groups.add(f"/aws/sagemaker/Endpoints/{name}")
        workload = self.workloads.get(name) or EndpointWorkload()
        state = EndpointServing(at_s, workload, fleets)
        self.histories.setdefault(name, Timeline()).append(state)

    def set_workload(self, name: str, workload: EndpointWorkload, at_s: float) -> None:
        """Change what an endpoint's model is by nature, or who calls it, from an instant on."""
        self.workloads[name] = workload
        timeline = self.histories.get(name)
        state = timeline.at(at_s) if timeline is not None else None
        if timeline is not None and state is not None:
            timeline.append(replace(state, start_s=at_s, workload=workload))


@dataclass(slots=True)
class SageMakerState:
    """All places of a world; kept in `world.extensions`."""

    places: dict[tuple[str, str], SageMakerPlace] = field(default_factory=dict)


def sagemaker_of(world: World, region: Region) -> SageMakerPlace:
    """SageMaker in a region; it comes into being when first asked for."""
    places = state_of(world, SageMakerState).places
    key = (region.account, region.name)
    found = places.get(key)
    if found is None:
        found = places[key] = SageMakerPlace(region)
    return found
