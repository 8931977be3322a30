"""A controller that has looked at an account of all three kinds, behind the listener's app."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from botocore.session import Session as BotocoreSession
from starlette.types import ASGIApp

from controller.app import App, Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.clock import VirtualClock
from controller.demo.stage import POLICIES, START_S
from controller.model.missing import Missing
from controller.model.policy import PolicySet
from controller.policy import load
from controller.runtime.fleet_board import FleetBoard, Sources
from controller.runtime.roster import Entry
from controller.runtime.stepper import Stepper
from controller.sandbox.demo_account import demo_document
from controller.sandbox.inprocess_door import attach
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore
from controller.web.app import build_app
from controller.web.checks import Check
from controller.web.doors import Doors
from controller.web.reading import FleetQuery, Json, Reads

BUDGETED = "checkout-ocr"
SECRET = "external-id-that-nobody-may-see"


class SiteWorld:
    """The demo's account, looked at once, and a few of its changes begun."""

    def __init__(self) -> None:
        self.world = World(seed=0, start_s=START_S)
        seed_world(self.world, demo_document(endpoints=True))
        self.clock = VirtualClock(self.world.now_s(), self.world.advance_to)
        self.policies = _with_a_budget(_with_a_secret(load([POLICIES])))
        self.app = self.start(SqliteStore.open(":memory:"))

    def start(self, store: SqliteStore) -> App:
        """A new controller process."""
        return build(
            Wiring(
                clock=self.clock,
                store=store,
                policies=self.policies,
                connection=Connection(keys=Keys("AKIA123456789012TEST", "secret"), max_attempts=1),
                hook=self._attach,
                budgets=False,
                models=BotocoreSession().get_component("data_loader"),
            )
        )

    @property
    def count(self) -> int:
        """Endpoints under care."""
        return len(self.app.engine.entries())

    def _attach(self, session: Any) -> None:
        attach(session, self.world)

    def run(self, seconds: float) -> None:
        """Let controller and world live for a while."""
        self.app.engine.resync()
        until_s = self.clock.now_s() + seconds
        Stepper(self.app.engine, self.clock, lambda _: None).run_until(until_s, lambda: False)


def _with_a_secret(policies: PolicySet) -> PolicySet:
    """An external id in the first policy whose role nobody in the sandbox assumes."""
    changed = []
    for policy in policies.policies:
        scope = replace(policy.target.scope, external_id=SECRET)
        changed.append(replace(policy, target=replace(policy.target, scope=scope)))
    return replace(policies, policies=tuple(changed))


def _with_a_budget(policies: PolicySet) -> PolicySet:
    """Far above what it costs: the picture has a line for it, and nothing else changes."""
    changed = [
        replace(policy, budget_usd_per_month=400.0) if policy.name == BUDGETED else policy
        for policy in policies.policies
    ]
    return replace(policies, policies=tuple(changed))


def served(site: Reads, doors: Doors | None = None) -> ASGIApp:
    """The listener's app in front of a site."""
    return build_app(
        metrics=lambda _: (b"up 1\n", "text/plain"),
        live=lambda: {"scheduler": Check(True, "progress 1 s ago")},
        ready=lambda: {"policies": Check(True, "12 policies in force")},
        site=site,
        doors=Doors(public=True) if doors is None else doors,
    )


class Crowd:
    """A site whose fleet is many copies of the endpoints that were looked at."""

    def __init__(self, app: App, size: int) -> None:
        self._app = app
        seen = [entry for entry in app.engine.entries() if app.recorder.last(entry.key)]
        self._twins: dict[Any, Entry] = {}
        for number in range(size):
            entry = seen[number % len(seen)]
            key = replace(entry.key, name=f"{entry.key.name}-{number:05}")
            self._twins[key] = entry
        made = {
            key: replace(last, key=key)
            for key, entry in self._twins.items()
            if (last := app.recorder.last(entry.key)) is not None
        }
        entries = [Entry(key, entry.policy) for key, entry in sorted(self._twins.items())]
        left = Missing("not counted")
        self.board = FleetBoard(
            Sources(lambda: entries, made.get, lambda _: left, tuple, lambda _: None)
        )

    def fleet(self, query: FleetQuery) -> Json:
        """Rows of all the copies."""
        return self.board.answer(query)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self._app.site, name)
