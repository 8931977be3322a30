"""What the demo needs around the controller: a world behind a socket, and a journal.

Nothing of the user's own set-up plays a part: neither profiles nor proxies nor addresses of
AWS in the environment, for the one address that is used is the sandbox's.
"""

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.loaders import Loader

from controller import __version__
from controller.app import App, Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.clock import RemoteClock
from controller.demo.load import VirtualLoad
from controller.model.policy import PolicySet
from controller.policy import load
from controller.ports import ProbeRunner
from controller.sandbox.client import SandboxClient
from controller.sandbox.demo_account import demo_document
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore

START_S = 1_793_606_400.0
"""Monday, 2 November 2026, 08:00 UTC: always the same, for traffic has its hours and days."""
POLICIES = Path(__file__).parent / "policies"
JOURNAL = "journal.db"
_KEYS = Keys("AKIA123456789012DEMO", "sandbox")
_SERVER_PATIENCE_S = 1.0
_ANSWER_PATIENCE_S = 600.0
"""Two weeks of everybody's history in one answer take a busy machine long; to ask for them
again would take it longer."""
_COLLECT = (50_000, 20, 20)
_OURS: dict[str, Any] = {
    "profile": None,
    "config_file": os.devnull,
    "credentials_file": os.devnull,
    "ca_bundle": None,
    "use_fips_endpoint": False,
    "use_dualstack_endpoint": False,
}
"""In place of what environment and files say to botocore."""
PROBES_EVERY_S = 20.0
"""How often a probe under way is looked at: copies of endpoints take minutes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """seed: same seed, same demo. store: the journal's file; None: one that is thrown away.
    start_s: the world's first instant, seconds since the epoch."""

    seed: int = 0
    store: Path | None = None
    start_s: float = START_S


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything in place, and nothing done yet. `world` is the truth behind `url`."""

    world: World
    url: str
    client: SandboxClient
    clock: RemoteClock
    policies: PolicySet
    journal: Path
    app: App


@contextmanager
def opened(setting: Setting) -> Iterator[Stage]:
    """A stage, taken down at the end however it ends.

    Raises OSError where no port of loopback is free, StoreError where the journal cannot be
    made, PolicyInvalid where the demo's own policies are not valid.
    """
    with ExitStack() as after:
        _collect_less(after)
        policies = load([POLICIES])
        journal = setting.store or _throw_away(after)
        world = World(seed=setting.seed, start_s=setting.start_s)
        seed_world(world, demo_document(endpoints=True))
        server = SandboxServer(world)
        after.callback(server.stop, _SERVER_PATIENCE_S)
        server.start()
        client = SandboxClient(server.url)
        after.callback(client.close)
        clock = RemoteClock(client.now_s(), client.advance_to)
        runner = VirtualLoad(world, clock)
        app = _controller(clock, SqliteStore.open(journal), policies, server.url, runner)
        after.callback(app.close)
        yield Stage(world, server.url, client, clock, policies, journal, app)


def _collect_less(after: ExitStack) -> None:
    """The world's history is a million objects that stay, and no garbage: to look through
    them as often as usual takes a third of the demo's time."""
    after.callback(gc.set_threshold, *gc.get_threshold())
    gc.set_threshold(*_COLLECT)


def _throw_away(after: ExitStack) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="rightsizer-demo-", ignore_cleanup_errors=True)
    return Path(after.enter_context(folder)) / JOURNAL


def _controller(
    clock: RemoteClock, store: SqliteStore, policies: PolicySet, url: str, runner: ProbeRunner
) -> App:
    """The controller as it always is, but for the address, the keys, whose time it is, and who
    sends the requests of its probes."""
    app = build(
        Wiring(
            clock=clock,
            store=store,
            policies=policies,
            connection=Connection(
                user_agent=f"rightsizer/{__version__}",
                keys=_KEYS,
                endpoint_url=url,
                read_timeout_s=_ANSWER_PATIENCE_S,
            ),
            hook=_on_its_own,
            models=Loader(),
            budgets=False,
            runner=runner,
        )
    )
    if app.rounds is not None:
        app.rounds.step_s = PROBES_EVERY_S
    return app


def _on_its_own(session: Any) -> None:
    """Keep the user's profile, files and proxies out of a botocore session."""
    settings = session.get_component("config_store")
    for name, value in _OURS.items():
        settings.set_config_variable(name, value)
    session.set_default_client_config(Config(proxies={}))
