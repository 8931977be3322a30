"""Our own requests are known to the rest, whichever of our processes sent them."""

from dataclasses import replace

import pytest
from given import ERA, KEY, NOW_S

from controller.clock import VirtualClock
from controller.model.endpoint import EndpointKey
from controller.model.estimate import Observation
from controller.model.missing import Missing
from controller.model.probe import ProbeKind, ProbeOutcome, ProbeRecord
from controller.model.size import LambdaSize
from controller.runtime.book import EvidenceBook
from controller.runtime.own_traffic import LOOK_S, OwnTraffic
from controller.store.sqlite import SqliteStore

RECORD = ProbeRecord(
    id="live:1",
    key=KEY,
    kind=ProbeKind.LIVE,
    size=LambdaSize(1024),
    actor="cli:ann",
    started_at_s=NOW_S,
    ended_at_s=None,
    outcome=None,
    detail="by hand",
    usd_estimated=0.001,
    usd=Missing("not known yet"),
)
ENDED = replace(
    RECORD, ended_at_s=NOW_S + 30.0, outcome=ProbeOutcome.SUCCEEDED, requests=200, usd=0.001
)
ROW = Observation(
    size=LambdaSize(1024),
    era=ERA,
    start_s=NOW_S,
    end_s=NOW_S + 30.0,
    requests=200,
    mean_ms=100.0,
    p50_ms=95.0,
    p95_ms=180.0,
    met_ratio=0.9,
    threshold_ms=200.0,
    source="live-probe",
)


class Scene:
    """A daemon's memory beside a journal that commands write too."""

    def __init__(self) -> None:
        self.clock, self.store = VirtualClock(NOW_S), SqliteStore.open(":memory:")
        self.book = EvidenceBook(self.store)
        self.told: list[EndpointKey] = []
        self.own = OwnTraffic(self.store, self.clock, self._news)

    def _news(self, key: EndpointKey) -> None:
        self.told.append(key)
        self.book.forget(key)

    def later(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now_s() + seconds)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def _by_hand(scene: Scene) -> None:
    """As `rightsizer probe` does, in a process of its own."""
    scene.store.put_probe(ENDED)
    scene.store.put_observations(KEY, [ROW])


def test_a_probe_by_hand_is_known_to_a_daemon_that_runs(scene: Scene) -> None:
    scene.store.put_probe(RECORD)
    assert scene.own.of(KEY) == ()
    assert scene.book.observations(KEY, NOW_S) == ()
    scene.later(LOOK_S)
    _by_hand(scene)
    (sent,) = scene.own.of(KEY)
    assert (sent.requests, sent.slow) == (200, 20)
    assert scene.book.observations(KEY, NOW_S + LOOK_S) == (ROW,)


def test_who_is_asked_again_gives_the_same_object_until_there_is_news(scene: Scene) -> None:
    _by_hand(scene)
    first = scene.own.of(KEY)
    for _ in range(5):
        scene.later(LOOK_S)
        assert scene.own.of(KEY) is first
    assert scene.told == [KEY]


def test_what_another_leader_probed_for_a_day_is_known_when_this_one_leads(scene: Scene) -> None:
    assert scene.own.of(KEY) == ()
    _by_hand(scene)
    scene.later(86_400.0)
    (sent,) = scene.own.of(KEY)
    assert sent.requests == 200
