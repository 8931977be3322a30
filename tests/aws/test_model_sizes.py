"""How large models are, from what S3 lists of their artefacts."""

from typing import Any

import pytest
from botocore.loaders import Loader

from controller.aws.endpoint_configs import artefacts
from controller.aws.model_sizes import KNOWN_S, UNKNOWN_S, WITHOUT, ModelSizes
from controller.aws.sessions import Connection, Keys, Sessions
from controller.clock import VirtualClock
from controller.model.missing import Missing
from controller.model.policy import Scope
from controller.sandbox.extensions import state_of
from controller.sandbox.faults import Fault, FaultKind
from controller.sandbox.front import Front
from controller.sandbox.inprocess_door import attach
from controller.sandbox.s3.state import S3State
from controller.sandbox.seeding import seed_world
from controller.sandbox.world import World

SCOPE = Scope("eu-west-1")
ONE, ALL = "s3://models/ranker/model.tar.gz", "s3://models/ranker/"


class Setting:
    """A bucket, and what asks about it."""

    def __init__(self) -> None:
        self.world = World(seed=1)
        parts = {f"ranker/part-{number:04}": 10 for number in range(1500)}
        objects = {**parts, "ranker/model.tar.gz": 700, "ranker/model.tar.gz.old": 9}
        seed_world(self.world, {"buckets": [{"name": "models", "objects": objects}]})
        keys = Keys("AKIA111122223333TEST", "secret")
        clock = VirtualClock(self.world.now_s(), self.world.advance_to)
        sessions = Sessions(
            clock,
            Connection(keys=keys, max_attempts=1),
            hook=lambda session: attach(session, self.world),
            models=Loader(),
        )
        self.sizes = ModelSizes(sessions, clock)
        self.clock = clock

    def total(self, *urls: str, ask: bool = True) -> Any:
        return self.sizes.total(SCOPE, urls, ask=ask)

    @property
    def calls(self) -> int:
        return len(state_of(self.world, Front).recorder.calls())


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_an_object_or_all_under_a_prefix(setting: Setting) -> None:
    """Fact (aws.md §12): memory is never less than the model; its artefact is one object, or
    all objects under an S3DataSource's prefix."""
    assert setting.total(ONE) == 700
    assert setting.total(ALL) == 15_000 + 700 + 9
    assert setting.total(ONE, ALL) == 15_709 + 700
    assert setting.total() == WITHOUT
    assert isinstance(setting.total("s3://models/ranker/model.tar"), Missing)
    assert isinstance(setting.total("s3://models/nothing/"), Missing)


def test_it_is_asked_once_and_a_refusal_again_later(setting: Setting) -> None:
    faults = state_of(setting.world, Front).faults
    faults.add(Fault(FaultKind.DENIED, service="s3"))
    refused = setting.total(ONE)
    assert isinstance(refused, Missing)
    assert "s3:ListBucket" in refused.reason
    faults.clear()
    assert setting.total(ONE) == refused, "not asked again so soon"
    setting.clock.advance_to(setting.clock.now_s() + UNKNOWN_S)
    assert setting.total(ONE, ask=False) == refused
    assert setting.total(ONE) == 700
    calls = setting.calls
    state_of(setting.world, S3State).buckets.clear()
    assert (setting.total(ONE), setting.calls) == (700, calls)
    setting.clock.advance_to(setting.clock.now_s() + KNOWN_S)
    assert setting.total(ONE) == 700, "what was known is worth more than nothing"
    assert setting.calls == calls + 1


def test_where_models_say_that_their_artefacts_are() -> None:
    source = {"S3DataSource": {"S3Uri": ALL, "S3DataType": "S3Prefix", "CompressionType": "None"}}
    models: list[dict[str, Any]] = [
        {"PrimaryContainer": {"ModelDataUrl": ONE}},
        {"PrimaryContainer": {"Image": "with the model in it"}},
        {"Containers": [{"ModelDataSource": source}, {"ModelDataUrl": ONE}]},
    ]
    assert artefacts(models) == (ONE, ALL)
