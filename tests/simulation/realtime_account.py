"""A real-time endpoint and its user's autoscaling, under the real controller in virtual time.

Sizes are asked for here, not decided: what is tried is how a change is carried out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dying import Deaths
from virtual_account import (
    ACCOUNT,
    MODELS,
    REGION,
    Account,
    JournalUnderFire,
    Killed,
    KillSwitch,
    armed,
)

import controller.app as app_room
from controller.aws.autoscaling import VariantScaling
from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import VirtualClock
from controller.core.contract import Prices, Readings, Span, Stage
from controller.core.evidence import Evidence
from controller.kinds.realtime_endpoint import obstacles as obstacles_room
from controller.kinds.realtime_endpoint import rollout, windows
from controller.kinds.realtime_endpoint.live import RealtimeAdapter
from controller.model.change import Change, Step
from controller.model.demand import Demand, SloStatus
from controller.model.endpoint import ALL_TRAFFIC, EndpointKey, EndpointState, Kind
from controller.model.estimate import Estimate, Rejection
from controller.model.missing import Maybe, Missing
from controller.model.policy import Mode, Policy, Rollout, Scope, Slo, Source, Target
from controller.model.reason import Reason
from controller.model.sagemaker import Autoscaling
from controller.model.size import RealtimeSize, Size
from controller.model.window import MemoryUse, Window
from controller.sandbox.alarms_state import alarms_of
from controller.sandbox.inprocess_door import attach
from controller.sandbox.sagemaker_state import SageMakerPlace, sagemaker_of
from controller.sandbox.world import World

NAME = "shop"
KEY = EndpointKey(ACCOUNT, REGION, Kind.REALTIME_ENDPOINT, NAME, ALL_TRAFFIC)
SMALL, LARGE = "ml.c5.large", "ml.c5.xlarge"
FAST = Rollout(canary_share=0.5, bake_s=240.0, max_bake_s=1200.0, min_requests=100)
USERS_POLICIES = [
    {"name": "tt", "target_value": 900.0, "scale_in_cooldown_s": 600},
    {
        "name": "cpu",
        "tracking": {
            "TargetValue": 70.0,
            "CustomizedMetricSpecification": {
                "MetricName": "CPUUtilization",
                "Namespace": "/aws/sagemaker/Endpoints",
                "Dimensions": [{"Name": "EndpointName", "Value": NAME}],
                "Statistic": "Average",
            },
        },
    },
]
USERS_ACTIONS = [
    {"name": "payday", "schedule": "cron(0 6 25 * ? *)", "min": 3, "timezone": "Europe/Rome"},
    {"name": "sale", "schedule": "at(2099-11-25T00:00:00)", "min": 4, "max": 12},
]


class AskedSizing:
    """Knows no estimates: nothing is proposed by itself."""

    def sizes(
        self, policy: Policy, current: Size, evidence: Evidence, demand: Demand
    ) -> Sequence[Size]:
        return [current]

    def estimates(
        self, sizes: Sequence[Size], evidence: Evidence, demand: Demand, policy: Policy
    ) -> Maybe[tuple[Estimate, ...]]:
        return Missing("sizes are asked for")

    def barred(
        self, sizes: Sequence[Size], current: Size, policy: Policy, demand: Demand, slo: SloStatus
    ) -> Mapping[Size, tuple[Rejection, str]]:
        return {}

    def floor(self, demand: Demand) -> Maybe[int]:
        return Missing("sizes are asked for")

    def obstacles(self, state: EndpointState, change_open: bool) -> Mapping[Reason, str]:
        return obstacles_room.obstacles(state.realtime, change_open)


class AskedRules:
    """The acting half of the kind, with no decisions of its own."""

    def readings(self, key: EndpointKey, span: Span, slo: Slo) -> Readings:
        return windows.traffic(key, span, slo)

    def trial(
        self, key: EndpointKey, change: Change, span: Span, slo: Slo
    ) -> tuple[Readings, Readings | None]:
        return windows.trial(key, span, slo, None), None

    def watching_since_s(self, change: Change) -> float | None:
        return rollout.watching_since_s(change)

    def sizing(
        self, prices: Prices, state: EndpointState, neighbours: object = None
    ) -> AskedSizing:
        return AskedSizing()

    def era(self, state: EndpointState) -> str:
        return state.realtime.endpoint.config.fingerprint

    def identity(self, state: EndpointState) -> str:
        return f"{state.realtime.endpoint.config.name}:{state.size}"

    def modified_at_s(self, state: EndpointState) -> float:
        return state.realtime.endpoint.modified_at_s

    def log_group(self, state: EndpointState) -> str | None:
        return None

    def memory_seen(self, state: EndpointState, hours: Sequence[Window]) -> Sequence[MemoryUse]:
        return ()

    def beforehand(self) -> None:
        return None

    def lesson(self, proof: Evidence) -> None:
        return None

    def begin(self, state: EndpointState) -> Mapping[str, str]:
        return rollout.begin(state)

    def next_step(self, stage: Stage) -> Step:
        return rollout.next_step(stage)


@pytest.fixture(autouse=True)
def asked_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controllers of this test know real-time endpoints only, whose sizes are asked for."""
    use_asked_sizes(monkeypatch)


def use_asked_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for one test of a module."""
    monkeypatch.setattr(
        app_room,
        "_kinds",
        lambda sessions, clock: {
            Kind.REALTIME_ENDPOINT: (RealtimeAdapter(sessions, clock), AskedRules())
        },
    )


def endpoint(rps: float = 8.0, **changes: Any) -> dict[str, Any]:
    """An endpoint that answers in some 25 ms on any type, as a seeding document."""
    document: dict[str, Any] = {
        "name": NAME,
        "instance_type": SMALL,
        "instance_count": 2,
        "age_days": 0.2,
        "workload": {
            "traffic": {"rps": rps},
            "machines": {
                "table": {
                    SMALL: {"service_ms": 25.0, "servers": 2},
                    LARGE: {"service_ms": 20.0, "servers": 4},
                }
            },
        },
    }
    return {**document, **changes}


def scaled(**changes: Any) -> dict[str, Any]:
    """The user's own autoscaling of the endpoint."""
    document: dict[str, Any] = {
        "endpoint": NAME,
        "min": 2,
        "max": 6,
        "policies": USERS_POLICIES,
        "scheduled_actions": USERS_ACTIONS,
        "tags": {"team": "shop"},
    }
    return {**document, **changes}


def policy(**changes: Any) -> Policy:
    """An enforcing policy for the endpoint."""
    defaults: dict[str, Any] = {
        "name": NAME,
        "target": Target(Kind.REALTIME_ENDPOINT, Scope(REGION), name=NAME, qualifier=ALL_TRAFFIC),
        "slo": Slo(150.0),
        "source": Source("policies.yaml", 1, 1),
        "generation": "g1",
        "mode": Mode.ENFORCE,
        "rollout": FAST,
    }
    return Policy(**{**defaults, **changes})


class Shop(Account):
    """The account with one endpoint, and what the tests ask of it."""

    def __init__(
        self,
        extra: dict[str, Any],
        *,
        store: Path | str = ":memory:",
        wrap_store: Callable[[Any], Any] = lambda store: store,
        policy_: Policy | None = None,
    ) -> None:
        super().__init__([], [policy_ or policy()], store=store, extra=extra, wrap_store=wrap_store)

    def observe(self) -> EndpointState:
        """The endpoint as the adapter sees it."""
        return self.app.adapters[Kind.REALTIME_ENDPOINT].observe(Scope(REGION), KEY)

    def ask(self, target: RealtimeSize) -> Change:
        """Journal a change to a size."""
        assert self.app.actuator is not None
        return self.app.actuator.request(
            self.observe(),
            target,
            "asked",
            policy=self.policies.policies[0],
            rules=self.app.rules[Kind.REALTIME_ENDPOINT],
            recent=(),
            actor="cli:test",
        )

    @property
    def change(self) -> Change:
        """The newest change."""
        return self.app.store.changes()[0]

    @property
    def settled(self) -> bool:
        """Whether there was a change, and it is over."""
        changes = self.app.store.changes()
        return bool(changes) and not changes[0].phase.open

    @property
    def place(self) -> SageMakerPlace:
        """SageMaker as it is, asked of the world and not of the controller."""
        return sagemaker_of(self.world, self.world.region(ACCOUNT, REGION))

    def configs(self) -> set[str]:
        """Names of all endpoint configs."""
        return set(self.place.configs)

    def alarms_of_ours(self) -> list[str]:
        """Names of our alarms that are there."""
        return [n for n in alarms_of(self.world, ACCOUNT, REGION).alarms if "rightsizer" in n]


def scaling_of(world: World) -> Autoscaling:
    """Everything registered for the variant, read by a client that is not the controller's."""

    keys = Keys(f"AKIA{ACCOUNT}USER", "secret")
    sessions = Sessions(
        VirtualClock(world.now_s(), world.advance_to),
        Connection(keys=keys, max_attempts=1),
        hook=lambda session: attach(session, world),
        models=MODELS,
    )
    return VariantScaling(sessions).look(Scope(REGION), KEY)


@dataclass
class Case:
    """One change in one world."""

    extra: dict[str, Any]
    target: RealtimeSize
    prepare: Callable[[Shop], None] = lambda shop: None
    """Faults and deeds, planned just before the change is asked for."""
    seconds: float = 4 * 3600.0
    policy: Policy | None = None


def live(case: Case, store: Path, switch: KillSwitch, dead_s: float = 0.0) -> Shop:
    """Ask for the change and see it through; with `Deaths`, a copy starts anew wherever it dies."""
    shop = Shop(
        case.extra,
        store=store,
        wrap_store=lambda inner: JournalUnderFire(inner, switch),
        policy_=case.policy,
    )
    case.prepare(shop)
    with armed(shop, switch):
        try:
            shop.app.engine.resync()
            shop.ask(case.target)
            shop.run(case.seconds, lambda: shop.settled)
        except Killed:
            assert isinstance(switch, Deaths)
            if dead_s:
                shop.clock.advance_to(shop.clock.now_s() + dead_s)
            switch.reborn(shop)
            if not shop.app.store.changes():
                shop.ask(case.target)
            shop.run(case.seconds, lambda: shop.settled)
    return shop
