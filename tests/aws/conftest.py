"""Fixtures for everything that speaks to AWS."""

from collections.abc import Iterator

import pytest
from stub_aws import StillClock, StubAws, serving

from controller.model.policy import Scope


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def stub() -> Iterator[StubAws]:
    with serving() as server:
        yield server


@pytest.fixture
def scope() -> Scope:
    return Scope("eu-west-1")
