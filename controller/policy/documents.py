"""The three kinds of document, as pydantic models: what may be written, and nothing else.

Every field of a spec is optional here, because a PolicyDefaults document may supply it;
what is still absent after merging takes the default of `controller.model.policy`, or is
an error found by `resolve`. Attribute docstrings are the descriptions of the JSON Schema
and of the reference in docs/policies.md.
"""

from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from controller.policy import fields
from controller.policy.envelope import DEFAULTS, LIMITS, POLICY
from controller.policy.probe_documents import ProbeSpec
from controller.policy.strict import Strict

_NAME_OR_SELECTOR: dict[str, Any] = {"oneOf": [{"required": ["name"]}, {"required": ["selector"]}]}


class Metadata(Strict):
    """Who the document is."""

    name: fields.Name
    """Unique among documents of its kind."""
    labels: dict[fields.LabelKey, fields.Label] = Field(default_factory=dict)
    """For your own use; shown by `get policies`."""
    annotations: dict[fields.LabelKey, fields.Label] = Field(default_factory=dict)
    """Notes; read by nobody."""


class TargetPlace(Strict):
    """Where the endpoints are; the part of a target that defaults may supply."""

    kind: fields.Kinds | None = None
    """Kind of endpoint; with a selector also a list of kinds, or `any`."""
    region: fields.Region | None = None
    """AWS region. Required, here or in the defaults."""
    account: fields.Account | None = None
    """Account, twelve digits in quotes. Without it: the account of the role, else that of the
    credentials in use."""
    role_arn: fields.RoleArn | None = None
    """Role to assume before every call."""
    external_id: fields.ExternalId | None = None
    """External id that the role's trust policy asks for."""
    qualifier: fields.Qualifier | None = None
    """What the traffic calls. Of a Lambda function an alias, or `$LATEST`, which is the default:
    with an alias, changes are published as a version and shifted to gradually; with `$LATEST`
    they take effect at once. Of a SageMaker endpoint the variant, by default `AllTraffic`."""


class SelectorSpec(Strict):
    """Endpoints by name and tags; all conditions must hold."""

    name_pattern: fields.Glob | None = None
    """Shell wildcards over the whole name."""
    tags: dict[fields.LabelKey, fields.Label] | None = None
    """Tags that the endpoint must carry, with exactly these values."""


class TargetSpec(TargetPlace):
    """Which endpoints the policy speaks of: one by name, or several by selector."""

    model_config = ConfigDict(json_schema_extra=_NAME_OR_SELECTOR)

    name: fields.FunctionName | None = None
    """Name of the function or endpoint, without ARN or qualifier. Either this or `selector`."""
    selector: SelectorSpec | None = None
    """Endpoints by name pattern and tags. Either this or `name`."""


class LatencySpec(Strict):
    """`percentile` of requests are answered within `threshold`."""

    percentile: fields.Percentile | None = None
    """From p50 to p99.9."""
    threshold: fields.LatencyMs | None = None
    """Longest duration that still counts as good, at most what the service waits for an answer
    (Lambda 15m, SageMaker 1m). Required, here or in the defaults."""
    covers: fields.CoversName | None = None
    """SageMaker: which part of a request the threshold speaks of. `model`: the container's own
    time. `total`: all that AWS measures, cold starts included. `client`: with the network,
    which only a probe can tell. Of Lambda functions it is always the duration."""


class SloSpec(Strict):
    """What good service is."""

    latency: LatencySpec | None = None
    """The latency objective."""
    error_rate: fields.ErrorRate | None = None
    """Largest share of requests that may fail. Without it, errors are not judged."""
    window: fields.SloWindow | None = None
    """Rolling time over which the SLO is judged, 5m to 14d."""


class BudgetSpec(Strict):
    """What the endpoint may cost."""

    per_month: fields.Budget
    """US dollars for a month of 730 hours, or `unlimited` to lift a default."""


class BoundsSpec(Strict):
    """Sizes to choose from."""

    min_memory: fields.MemoryMb | None = None
    """Lambda, serverless: smallest memory. Without it: 128Mi, or 1Gi of serverless endpoints."""
    max_memory: fields.MemoryMb | None = None
    """Lambda, serverless: largest memory. Without it: 10Gi, or 6Gi of serverless endpoints."""
    memory: list[fields.MemoryMb] | None = None
    """Lambda, serverless: only these sizes, instead of the standard ladder."""
    min_concurrency: fields.Concurrency | None = None
    """Serverless: least MaxConcurrency."""
    max_concurrency: fields.Concurrency | None = None
    """Serverless: greatest MaxConcurrency, at most 200."""
    max_provisioned_concurrency: fields.Warm | None = None
    """Serverless: most environments that may be kept warm, if their price is known. Without it none
    is added, and what somebody keeps warm stays."""
    instance_types: list[fields.InstanceType] | None = None
    """Real-time: types to choose from. Types with accelerators or Graviton processors are chosen
    only if they are named, here or by their family, for a container must be built for them."""
    instance_families: list[fields.InstanceFamily] | None = None
    """Real-time: families to choose from, instead of single types. Without both: the family of
    the live type."""
    min_instances: fields.Instances | None = None
    """Real-time: least instances, for availability. Without it: 1."""
    max_instances: fields.Instances | None = None
    """Real-time: most instances."""


class CadenceSpec(Strict):
    """How often to look, and how soon to act again."""

    interval: fields.Interval | None = None
    """Time between two looks, 1m to 1d and not longer than `slo.window`."""
    cooldown_up: fields.Duration | None = None
    """Least time from one change to an increase."""
    cooldown_down: fields.Duration | None = None
    """Least time from one change to a decrease; not shorter than `cooldownUp`."""
    stabilization: fields.Stabilization | None = None
    """History at the present size that a decrease must rest on, at most 14d."""
    minimum_saving: fields.Saving | None = None
    """Share of the present cost that a cheaper size must save to be worth a change."""


class ChangeWindowSpec(Strict):
    """A weekly time in which changes may start."""

    days: list[fields.Day] | None = None
    """Days on which the window opens. Without it: every day."""
    start: fields.TimeOfDay
    """Local time at which it opens."""
    end: fields.TimeOfDay
    """Local time at which it closes; at or before `start` means on the next day."""
    timezone: fields.Zone | None = None
    """IANA name. Without it: UTC."""


class RolloutSpec(Strict):
    """How a change meets live traffic. Without an alias, `canaryShare` does not apply."""

    canary_share: fields.CanaryShare | None = None
    """Share of requests that the new size gets first, at most 50%."""
    bake: fields.Duration | None = None
    """Least time before a change is judged."""
    maximum_bake: fields.Duration | None = None
    """Where requests are too few for a verdict by then, the change is rolled back (a climb
    out of a breach stays, Unverified)."""
    minimum_requests: fields.Requests | None = None
    """Requests at the new size that a verdict needs."""


class AutoscalingSpec(Strict):
    """How a real-time endpoint's number of instances follows its demand."""

    utilization: fields.Utilization | None = None
    """Share of the load that an instance can take within the SLO at which another is started:
    the rest is headroom for the minutes until it serves. 10% to 95%."""
    schedule: fields.Flag | None = None
    """Whether the bounds may be moved by the hour of the week where demand repeats."""
    windows: fields.WindowsMet | None = None
    """Share of five-minute windows in which the objective must be met, as the last two weeks had
    them: bursts are stood for, not only paid out of the requests' budget. 90% to 99.99%."""


class SharedSpec(Strict):
    """What policies and their defaults have in common."""

    mode: fields.ModeName | None = None
    """`Off`: not even read. `Observe`: read, and judge the SLO. `Recommend`: also say which size
    is right. `Enforce`: also change it."""
    slo: SloSpec | None = None
    budget: BudgetSpec | None = None
    bounds: BoundsSpec | None = None
    cadence: CadenceSpec | None = None
    change_windows: list[ChangeWindowSpec] | None = None
    """Times in which changes may start; increases too. Without any: at all times."""
    rollout: RolloutSpec | None = None
    autoscaling: AutoscalingSpec | None = None
    probe: ProbeSpec | None = None
    confidence: fields.Confidence | None = None
    """Probability of meeting the SLO that a size must have to be chosen; between 50% and 100%."""
    on_conflict: fields.OnConflictName | None = None
    """What is kept where no size meets both SLO and budget."""


class PolicySpec(SharedSpec):
    """One policy."""

    target: TargetSpec


class DefaultsSpec(SharedSpec):
    """What every policy of the set starts from; a policy's own words win, field by field."""

    target: TargetPlace | None = None


class LimitsSpec(Strict):
    """Limits over all endpoints together."""

    max_concurrent_changes: fields.Limit | None = None
    """Changes in flight at one time."""
    max_changes_per_hour: fields.Limit | None = None
    """Changes begun within any hour."""
    max_changes_per_day: fields.Limit | None = None
    """Changes begun within any 24 hours."""
    budget: BudgetSpec | None = None


class _Document(Strict):
    api_version: Literal["rightsizer.dev/v1alpha1"]
    metadata: Metadata


class PolicyDocument(_Document):
    """Keeps one or several endpoints at the cheapest size that meets their SLO."""

    kind: Literal["RightsizingPolicy"]
    spec: PolicySpec


class DefaultsDocument(_Document):
    """Settings that every policy of the set starts from. At most one in a set."""

    kind: Literal["PolicyDefaults"]
    spec: DefaultsSpec


class LimitsDocument(_Document):
    """Limits over the whole fleet. At most one in a set."""

    kind: Literal["FleetLimits"]
    spec: LimitsSpec


Document = PolicyDocument | DefaultsDocument | LimitsDocument
DOCUMENTS: tuple[tuple[str, type[Document]], ...] = (
    (POLICY, PolicyDocument),
    (DEFAULTS, DefaultsDocument),
    (LIMITS, LimitsDocument),
)

M = TypeVar("M", bound=BaseModel)


def merged(over: M, under: BaseModel) -> M:
    """`over`, with `under`'s values where `over` has none; lists replace each other whole."""
    update: dict[str, Any] = {}
    for name in under.model_fields_set:
        above, below = getattr(over, name), getattr(under, name)
        if isinstance(above, BaseModel) and isinstance(below, BaseModel):
            update[name] = merged(above, below)
        elif above is None:
            update[name] = below
    return over.model_copy(update=update)
