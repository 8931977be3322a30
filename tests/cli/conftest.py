"""Shells and accounts for the tests of the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_shell import NOW_S, Account, MakeAccount, Shell, WorldClock, function

from controller.sandbox.client import SandboxClient
from controller.sandbox.http_door import SandboxServer
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World
from controller.store.sqlite import SqliteStore


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Where the journal is, once there is one."""
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def shell(store_path: Path) -> Shell:
    """Commands that need no AWS."""
    return Shell(store_path)


@pytest.fixture
def store(store_path: Path) -> Iterator[SqliteStore]:
    """The journal, open for the test to fill."""
    store_path.parent.mkdir()
    opened = SqliteStore.open(store_path)
    yield opened
    opened.close()


@pytest.fixture
def make_account(tmp_path: Path, store_path: Path) -> Iterator[MakeAccount]:
    """Serve these functions; the world stands still but for what commands wait."""
    with_servers: list[SandboxServer] = []

    def make(*functions: dict[str, Any]) -> Account:
        world = World(seed=3, start_s=NOW_S)
        seed_world(world, {"functions": list(functions)})
        server = SandboxServer(world)
        server.start()
        with_servers.append(server)
        shell = Shell(store_path, WorldClock(world), {"RIGHTSIZER_ENDPOINT_URL": server.url})
        return Account(world, server.url, shell, SandboxClient(server.url), tmp_path / "policies")

    yield make
    for server in with_servers:
        server.stop()


@pytest.fixture
def account(make_account: MakeAccount) -> Account:
    """Three functions: one too large, one right, one of which nothing is known."""
    return make_account(
        function("ocr", 3008),
        function("thumbs", 512),
        function("quiet", 1024, workload={"traffic": {"requests_per_day": 4}}),
    )
