"""The real controller, adapters included, in the simulated account under virtual time."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.session import Session as BotocoreSession
from virtual_generator import WorldGenerator

from controller.app import App, Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.clock import VirtualClock
from controller.model.decision import Assessment
from controller.model.endpoint import LATEST, EndpointKey, Kind
from controller.model.policy import (
    Cadence,
    FleetLimits,
    Mode,
    Policy,
    PolicySet,
    Rollout,
    Scope,
    Slo,
    Source,
    Target,
)
from controller.runtime.stepper import Stepper
from controller.sandbox.code_store import fetch
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

ACCOUNT, REGION = "123456789012", "eu-west-1"
OURS = f"arn:aws:iam::{ACCOUNT}:user/sandbox"
HOUR_S, DAY_S = 3600.0, 86_400.0


def function(
    name: str,
    memory_mb: int,
    *,
    rps: float = 2.0,
    alias: str | None = "live",
    ms_at_vcpu: float = 60.0,
    fixed_share: float = 0.2,
    saturation_mb: float = 1769.0,
    memory_used_mb: float = 110.0,
    age_days: float = 4.0,
    **workload: Any,
) -> dict[str, Any]:
    """A function whose mean duration is `ms_at_vcpu` at 1,769 MB, as a seeding document."""
    document: dict[str, Any] = {
        "name": name,
        "memory_mb": memory_mb,
        "age_days": age_days,
        "workload": {
            "traffic": {"rps": rps},
            "curve": {
                "a_ms": ms_at_vcpu * fixed_share,
                "b": ms_at_vcpu * (1.0 - fixed_share) * 1769.0,
                "p": 1.0,
                "saturation_mb": saturation_mb,
            },
            "memory_mb": memory_used_mb,
            "qualifier": alias,
            **workload,
        },
    }
    if alias is not None:
        document |= {"versions": 1, "aliases": {alias: 1}}
    return document


def policy(target: str, threshold_ms: float, **changes: Any) -> Policy:
    """An enforcing policy for one function."""
    alias = changes.pop("alias", "live")
    defaults: dict[str, Any] = {
        "name": target,
        "target": Target(
            Kind.LAMBDA_FUNCTION, Scope(REGION), name=target, qualifier=alias or LATEST
        ),
        "slo": Slo(threshold_ms),
        "source": Source("policies.yaml", 1, 1),
        "generation": "g1",
        "mode": Mode.ENFORCE,
        "cadence": Cadence(),
        "rollout": Rollout(),
    }
    return Policy(**{**defaults, **changes})


def key_of(name: str, alias: str | None = "live") -> EndpointKey:
    """The endpoint's key in the simulated account."""
    return EndpointKey(ACCOUNT, REGION, Kind.LAMBDA_FUNCTION, name, alias or LATEST)


MODELS = BotocoreSession().get_component("data_loader")
"""Service models, read once for all controllers of the test run."""


class Account:
    """A world, and one controller process at a time in it."""

    def __init__(
        self,
        functions: list[dict[str, Any]],
        policies: list[Policy],
        *,
        seed: int = 1,
        store: Path | str = ":memory:",
        limits: FleetLimits | None = None,
        extra: dict[str, Any] | None = None,
        wrap_store: Callable[[SqliteStore], Any] = lambda store: store,
        record: list[tuple[str, Mapping[str, Any]]] | None = None,
        probing: bool = False,
    ) -> None:
        """`record` takes up the operation and the parameters of every call."""
        self.world = World(seed=seed)
        seed_world(self.world, {"functions": functions, **(extra or {})})
        self.policies = PolicySet(tuple(policies), limits or FleetLimits(), "digest")
        self.clock = VirtualClock(self.world.now_s(), self.world.advance_to)
        self.faults = state_of(self.world, Front).faults
        self.calls = state_of(self.world, Front).recorder
        self.seen: list[Assessment] = []
        self.journal = store
        self._wrap = wrap_store
        self._record = record
        self.generator = WorldGenerator(self.world, self.clock) if probing else None
        self.app: App = self.start()

    def start(self, journal: Path | None = None) -> App:
        """A new controller process, on the same journal or on another."""
        self.journal = journal or self.journal
        store = self._wrap(SqliteStore.open(self.journal))
        self.app = build(
            Wiring(
                clock=self.clock,
                store=store,
                policies=self.policies,
                connection=Connection(keys=Keys("AKIA123456789012TEST", "secret"), max_attempts=1),
                hook=self._attach,
                budgets=False,
                models=MODELS,
                runner=self.generator,
                fetch=lambda url: fetch(self.world, url),
            )
        )
        return self.app

    def _attach(self, session: Any) -> None:
        attach(session, self.world)
        if self._record is not None:
            session.register("before-parameter-build", self._note)

    def _note(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        assert self._record is not None
        self._record.append((model.name, dict(params)))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Let controller and world live for a while."""
        self.app.engine.resync()
        Stepper(self.app.engine, self.clock, self.seen.append, self.app.rounds).run_until(
            self.clock.now_s() + seconds, until
        )

    def last(self, name: str, alias: str | None = "live") -> Assessment:
        """The newest assessment of an endpoint."""
        found = self.app.recorder.last(key_of(name, alias))
        assert found is not None, f"{name} was never assessed"
        return found

    def memory_mb(self, name: str, alias: str | None = "live") -> int:
        """The live memory, asked of the world and not of the controller."""
        state = self.app.adapters[Kind.LAMBDA_FUNCTION].observe(Scope(REGION), key_of(name, alias))
        return state.size.memory_mb

    def mutations(self, *operations: str) -> int:
        """How many calls that change something were answered with success."""
        wanted = operations or ("UpdateFunctionConfiguration", "PublishVersion", "UpdateAlias")
        return sum(
            1
            for call in self.calls.calls("lambda")
            if call.operation in wanted and call.outcome == "ok" and call.principal == OURS
        )


class Killed(BaseException):
    """The process died here."""


class KillSwitch:
    """Counts I/O boundaries, and ends the process at one of them."""

    def __init__(self) -> None:
        self.count = 0
        self.kill_at: int | None = None
        self.where: list[str] = []
        self.done: Counter[str] = Counter()
        """Calls that AWS carried out, whether or not their answer was lived to see."""

    def __call__(self, where: str) -> None:
        self.count += 1
        if self.kill_at is None:
            self.where.append(where)
        elif self.count == self.kill_at:
            raise Killed(where)


class JournalUnderFire:
    """The store's port, with a boundary before and after each write to the journal of changes."""

    def __init__(self, store: SqliteStore, switch: KillSwitch) -> None:
        self._store = store
        self._switch = switch

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name not in {"plan_change", "advance_change"}:
            return method

        def call(change: Any, event: Any, *more: Any) -> Any:
            self._switch(f"before {name} {event.what}")
            out = method(change, event, *more)
            self._switch(f"after {name} {event.what}")
            return out

        return call


def differing(where: Sequence[str], changing: tuple[str, ...], first: int = 0) -> list[int]:
    """Numbers of the boundaries that differ, from index `first` on.

    A process that dies keeps nothing, so between two changes of journal or AWS (boundaries
    that hold one of the words) it is the same death whichever of a look's repetitions it meets.
    """
    points: list[int] = []
    since_change: set[str] = set()
    for number, at in enumerate(where[first:], start=first + 1):
        if any(word in at for word in changing):
            since_change = set()
        elif at in since_change:
            continue
        since_change.add(at)
        points.append(number)
    return points


@contextmanager
def armed(account: Account, switch: KillSwitch) -> Iterator[None]:
    """Boundaries before and after every call to AWS."""

    def hook(moment: str, ctx: Any) -> None:
        if ctx.principal == OURS:
            if moment == "after":
                switch.done[ctx.operation] += 1
            switch(f"{moment} {ctx.operation}")

    account.faults.hooks.append(hook)
    yield
    account.faults.hooks.remove(hook)
