"""Fixtures for everything that speaks to AWS."""

from collections.abc import Iterator

import botocore.session
import pytest
from botocore.loaders import Loader
from stub_aws import StillClock, StubAws, serving

from controller.model.policy import Scope


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture(scope="session")
def models() -> Loader:
    """botocore's service models, read once."""
    loader: Loader = botocore.session.Session().get_component("data_loader")
    return loader


@pytest.fixture
def stub(models: Loader) -> Iterator[StubAws]:
    with serving(models) as server:
        yield server


@pytest.fixture
def scope() -> Scope:
    return Scope("eu-west-1")
