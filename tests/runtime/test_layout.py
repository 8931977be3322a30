"""Shards come and go, and each endpoint is led by exactly one of them, or for a while by none."""

import random
from collections.abc import Iterator

import pytest
from lease_keepers import TIMES, Keeper, Shared, Steady

from controller.core.shards import Shard
from controller.model.endpoint import EndpointKey, Kind
from controller.runtime.election import Election, Terms
from controller.runtime.layout import Layout, laid_out
from controller.store.sqlite import SqliteStore

KEYS = [
    EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, f"f{i}", "live")
    for i in range(40)
]


class Fleet:
    """Processes with one journal and one lease for each ordinal."""

    def __init__(self) -> None:
        self.store = SqliteStore.open(":memory:")
        self.keepers = [Keeper() for _ in range(8)]
        self.clock = Steady(0.0)
        self.started = 0
        self.processes: dict[str, tuple[Shard, Election]] = {}

    def start(self, shard: Shard) -> str:
        self.started += 1
        name = f"p{self.started}-{shard}"
        layout = Layout(
            self.store,
            shard,
            records=lambda ordinal: Shared(self.keepers[ordinal]),
            times=TIMES,
            steady_s=self.clock,
        )

        def newest() -> int:
            layout.before_taking()
            return self.store.newest_term(shard.ordinal)

        def lift(term: int) -> None:
            self.store.raise_term(term, shard.ordinal)
            layout.before_leading()

        election = Election(
            Shared(self.keepers[shard.ordinal]),
            me=name,
            times=TIMES,
            steady_s=self.clock,
            terms=Terms(newest, lift),
        )
        self.processes[name] = shard, election
        return name

    def stop(self, name: str, *, kill: bool) -> None:
        _, election = self.processes.pop(name)
        if not kill:
            election.stop(give_back=True)

    def live(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.clock.at_s += 1.0
            for _, election in self.processes.values():
                election.turn()
            self.check()

    def owners(self, key: EndpointKey) -> list[str]:
        return [
            name
            for name, (shard, election) in self.processes.items()
            if shard.has(key) and election.remaining_s() > 0.0
        ]

    def check(self) -> None:
        for key in KEYS:
            assert len(self.owners(key)) <= 1, (key, self.owners(key))

    @property
    def whole(self) -> bool:
        return all(len(self.owners(key)) == 1 for key in KEYS)


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    made = Fleet()
    yield made
    made.store.close()


def test_a_fleet_is_shared_out_from_the_start(fleet: Fleet) -> None:
    for ordinal in (2, 1, 0):
        fleet.start(Shard(ordinal, 3))
    fleet.live(5.0)
    assert fleet.whole
    assert laid_out(fleet.store).count == 3


def test_a_new_number_waits_for_all_of_the_old_one(fleet: Fleet) -> None:
    old = [fleet.start(Shard(ordinal, 3)) for ordinal in range(3)]
    fleet.live(5.0)
    # as a StatefulSet is rolled over: from the last to the first
    fleet.stop(old[2], kill=True)
    fleet.stop(old[1], kill=False)
    fleet.start(Shard(1, 2))
    fleet.live(30.0)
    assert laid_out(fleet.store).count == 3
    first = [key for key in KEYS if Shard(0, 3).has(key)]
    assert all(fleet.owners(key) == [old[0]] for key in first), "who still leads goes on"
    fleet.stop(old[0], kill=False)
    fleet.start(Shard(0, 2))
    fleet.live(30.0)
    assert laid_out(fleet.store).count == 2
    assert fleet.whole


def test_an_old_one_that_was_only_stopped_is_shut_out(fleet: Fleet) -> None:
    old = [fleet.start(Shard(ordinal, 3)) for ordinal in range(3)]
    fleet.live(5.0)
    stopped = fleet.processes.pop(old[2])
    term = stopped[1].term()
    fleet.stop(old[1], kill=False)
    fleet.stop(old[0], kill=False)
    fleet.start(Shard(0, 2))
    fleet.start(Shard(1, 2))
    fleet.live(30.0)
    assert fleet.whole
    fleet.processes[old[2]] = stopped
    fleet.live(30.0)
    assert fleet.whole, "it goes on, and finds that nothing is its own"
    assert fleet.store.newest_term(2) > term


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_and_goes_no_endpoint_has_two(fleet: Fleet, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(25):
        names = list(fleet.processes)
        if names and chance.random() < 0.45:
            fleet.stop(chance.choice(names), kill=chance.random() < 0.5)
        else:
            count = chance.choice([1, 2, 3])
            fleet.start(Shard(chance.randrange(count), count))
        fleet.live(chance.choice([1.0, 3.0, 15.0]))
    for name in list(fleet.processes):
        fleet.stop(name, kill=True)
    for ordinal in range(2):
        fleet.start(Shard(ordinal, 2))
    fleet.live(60.0)
    assert fleet.whole
