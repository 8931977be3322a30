"""One controller that has looked at its account, for all tests that only read."""

from collections.abc import Iterator

import pytest
from site_world import SiteWorld, served
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def site_world() -> Iterator[SiteWorld]:
    world = SiteWorld()
    world.run(330.0)
    yield world
    world.app.close()


@pytest.fixture
def api(site_world: SiteWorld) -> Iterator[TestClient]:
    with TestClient(served(site_world.app.site), raise_server_exceptions=False) as client:
        yield client
