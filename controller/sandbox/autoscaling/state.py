"""What Application Auto Scaling knows: scalable targets, policies, schedules, activities.

Facts: a target is known by namespace, resource id and dimension together; accounts and
regions share nothing; activities of the last six weeks outlive their target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from controller.sandbox import draws
from controller.sandbox.autoscaling.schedule import Schedule
from controller.sandbox.extensions import state_of

if TYPE_CHECKING:
    from controller.sandbox.world import Event, World

ACTIVITIES_KEPT_S = 42 * 86_400.0
TARGET_TRACKING = "TargetTrackingScaling"
STEP = "StepScaling"

TargetKey = tuple[str, str, str]
"""Service namespace, resource id, scalable dimension."""


@dataclass(frozen=True, slots=True)
class Suspension:
    """SuspendedState: what is not to be scaled for now."""

    scale_in: bool = False
    scale_out: bool = False
    scheduled: bool = False

    def changed(self, given: Mapping[str, Any]) -> Suspension:
        """With the members of a SuspendedState put in; those left out stay."""
        return replace(
            self,
            scale_in=bool(given.get("DynamicScalingInSuspended", self.scale_in)),
            scale_out=bool(given.get("DynamicScalingOutSuspended", self.scale_out)),
            scheduled=bool(given.get("ScheduledScalingSuspended", self.scheduled)),
        )

    def view(self) -> dict[str, bool]:
        """As the API shows it."""
        return {
            "DynamicScalingInSuspended": self.scale_in,
            "DynamicScalingOutSuspended": self.scale_out,
            "ScheduledScalingSuspended": self.scheduled,
        }


@dataclass(slots=True)
class Policy:
    """One scaling policy. `config`: its configuration as given, of the kind's member.

    high, low: names of the alarms that a target tracking policy made for itself. The last
    three: until when it waits after scaling out or in, and from what to what it last scaled
    out, because only a larger scale-out interrupts the wait.
    """

    name: str
    arn: str
    kind: str
    config: Mapping[str, Any]
    created_s: float
    high: str | None = None
    low: str | None = None
    wait_out_until_s: float = 0.0
    wait_in_until_s: float = 0.0
    scaled_out_from: int | None = None

    @property
    def alarm_names(self) -> list[str]:
        """The alarms that it made."""
        return [name for name in (self.high, self.low) if name is not None]


@dataclass(slots=True)
class ScheduledAction:
    """Sets bounds at its times; `least`, `most`: new MinCapacity, MaxCapacity, None: as is."""

    name: str
    arn: str
    schedule: Schedule
    least: int | None
    most: int | None
    created_s: float
    event: Event | None = None


@dataclass(slots=True)
class Activity:
    """One scaling activity, or one that did not come about (`not_scaled`)."""

    id: str
    key: TargetKey
    description: str
    cause: str
    start_s: float
    status: str
    message: str | None = None
    end_s: float | None = None
    not_scaled: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Target:
    """One scalable target; `least` and `most` are its MinCapacity and MaxCapacity."""

    account: str
    region: str
    key: TargetKey
    arn: str
    role_arn: str
    created_s: float
    least: int
    most: int
    suspended: Suspension = Suspension()
    tags: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    scheduled: dict[str, ScheduledAction] = field(default_factory=dict)
    running: Activity | None = None
    """The activity under way."""
    looks: Event | None = None
    """When its policies are looked at next."""

    @property
    def resource_id(self) -> str:
        """`endpoint/NAME/variant/NAME`, `function:NAME:QUALIFIER`."""
        return self.key[1]

    @property
    def dimension(self) -> str:
        """`sagemaker:variant:DesiredInstanceCount`, ..."""
        return self.key[2]


@dataclass(slots=True)
class AutoscalingPlace:
    """Application Auto Scaling in one account and region."""

    account: str
    region: str
    targets: dict[TargetKey, Target] = field(default_factory=dict)
    activities: list[Activity] = field(default_factory=list)
    """Oldest first; not scaled ones among them."""
    ids: int = 0

    def new_id(self, seed: int, *what: draws.Key) -> str:
        """The next identifier; the same in every run of a seed."""
        self.ids += 1
        return draws.hex_id(seed, self.account, self.region, self.ids, "autoscaling", *what)

    def begin(
        self, world: World, key: TargetKey, description: str, cause: str, status: str
    ) -> Activity:
        """Write an activity down."""
        name = self.new_id(world.seed, *key)
        activity = Activity(name, key, description, cause, world.now_s(), status)
        if self.activities and world.now_s() - self.activities[0].start_s > ACTIVITIES_KEPT_S:
            kept_s = world.now_s() - ACTIVITIES_KEPT_S
            self.activities = [one for one in self.activities if one.start_s >= kept_s]
        self.activities.append(activity)
        return activity


@dataclass(slots=True)
class AutoscalingBook:
    """All places of a world; kept in `world.extensions`."""

    places: dict[tuple[str, str], AutoscalingPlace] = field(default_factory=dict)


def autoscaling_of(world: World, account: str, region: str) -> AutoscalingPlace:
    """Application Auto Scaling in a place; it comes into being when first asked for."""
    places = state_of(world, AutoscalingBook).places
    found = places.get((account, region))
    if found is None:
        found = places[account, region] = AutoscalingPlace(account, region)
    return found
