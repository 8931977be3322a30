"""Real boto3 against the sandbox, through either door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from botocore.loaders import Loader

from controller.sandbox.http_door import SandboxServer
from controller.sandbox.inprocess_door import attach
from controller.sandbox.services import SERVICES, Services
from controller.sandbox.world import World

ACCOUNT = "111122223333"


class Connect(Protocol):
    """Makes clients that reach the sandbox through the door under test."""

    def __call__(
        self,
        service: str,
        *,
        region: str = "eu-west-1",
        key: str = "AKIA-111122223333",
        token: str | None = None,
        attempts: int = 1,
        services: Services = SERVICES,
        **config: Any,
    ) -> Any:
        """A boto3 client that does not retry unless `attempts` says so."""


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World(seed=7)


@pytest.fixture(scope="session")
def loader() -> Loader:
    """One reader of service models for all clients: reading them is what is slow."""
    return Loader()


@pytest.fixture
def in_process(world: World, loader: Loader) -> Connect:
    """Clients through the in-process door."""

    def connect(
        service: str,
        *,
        region: str = "eu-west-1",
        key: str = f"AKIA-{ACCOUNT}",
        token: str | None = None,
        attempts: int = 1,
        services: Services = SERVICES,
        **config: Any,
    ) -> Any:
        session = _session(loader, key, token, region)
        attach(session, world, services)
        return session.client(service, config=_config(attempts, config))

    return connect


@pytest.fixture
def over_http(world: World, loader: Loader) -> Iterator[Connect]:
    """Clients through the HTTP door; one server per table of services."""
    servers: list[SandboxServer] = []

    def connect(
        service: str,
        *,
        region: str = "eu-west-1",
        key: str = f"AKIA-{ACCOUNT}",
        token: str | None = None,
        attempts: int = 1,
        services: Services = SERVICES,
        **config: Any,
    ) -> Any:
        server = SandboxServer(world, services=services)
        server.start()
        servers.append(server)
        session = _session(loader, key, token, region)
        return session.client(service, config=_config(attempts, config), endpoint_url=server.url)

    yield connect
    for server in servers:
        server.stop()


@pytest.fixture(params=["in_process", "over_http"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Clients through each door in turn."""
    door: Connect = request.getfixturevalue(request.param)
    return door


@pytest.fixture
def server(world: World) -> Iterator[SandboxServer]:
    """The HTTP door, serving the world."""
    with SandboxServer(world, make_world=lambda: World(seed=7)) as running:
        yield running


def _session(loader: Loader, key: str, token: str | None, region: str) -> boto3.Session:
    session = boto3.Session(key, "secret", token, region)
    session._session.register_component("data_loader", loader)
    return session


def _config(attempts: int, more: dict[str, Any]) -> Config:
    return Config(retries={"total_max_attempts": attempts, "mode": "standard"}, **more)


Raised = Callable[[Callable[[], Any]], tuple[str, str, int]]


@pytest.fixture
def refusal() -> Raised:
    """What AWS refuses a call with: (code, message, HTTP status)."""
    from botocore.exceptions import ClientError

    def catch(call: Callable[[], Any]) -> tuple[str, str, int]:
        with pytest.raises(ClientError) as caught:
            call()
        response = caught.value.response
        error = response["Error"]
        return error["Code"], error["Message"], response["ResponseMetadata"]["HTTPStatusCode"]

    return catch
