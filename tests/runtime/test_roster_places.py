"""Places are searched at once, and one that hangs keeps no other region waiting."""

import threading
from collections.abc import Mapping

import pytest
from given import a_policy

from controller.core.shards import Shard
from controller.model.change import Mutation
from controller.model.endpoint import EndpointKey, EndpointState, Kind
from controller.model.errors import AdapterError, Unreachable
from controller.model.policy import FleetLimits, Policy, PolicySet, Scope, Selector, Target
from controller.runtime.roster import Roster

HUNG, FINE = Scope("eu-west-1"), Scope("us-east-1")
TWIN = Scope("eu-west-1", role_arn="arn:aws:iam::210987654321:role/reader")


class World:
    """Answers for every place, but for one only once it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.error: AdapterError | None = None
        self.looks = 0

    def account(self, scope: Scope) -> str:
        self.looks += 1
        if scope == HUNG:
            assert self.let.wait(30.0)
            if self.error is not None:
                raise self.error
        return "210987654321" if scope == TWIN else "123456789012"

    def discover(self, scope: Scope, selector: Selector) -> Mapping[str, Mapping[str, str]]:
        return {}

    def observe(self, scope: Scope, key: EndpointKey, *, thorough: bool = True) -> EndpointState:
        raise NotImplementedError

    def execute(self, scope: Scope, key: EndpointKey, step: Mutation) -> Mapping[str, str]:
        raise NotImplementedError


def _policy(name: str, scope: Scope) -> Policy:
    target = Target(Kind.LAMBDA_FUNCTION, scope, name=name, qualifier="live")
    return a_policy(name=name, target=target)


POLICIES = PolicySet(
    (_policy("hung", HUNG), _policy("fine", FINE), _policy("twin", TWIN)), FleetLimits(), ""
)


@pytest.fixture
def world() -> World:
    return World()


def _roster(world: World, shard: Shard | None = None) -> Roster:
    mine = (lambda _: True) if shard is None else shard.has
    return Roster(world, {Kind.LAMBDA_FUNCTION: world}, mine, at_once=4)


def test_another_regions_endpoints_are_there_before_the_hung_place_answers(world: World) -> None:
    roster = _roster(world)
    resync = threading.Thread(target=roster.resync, args=(POLICIES, 0.0))
    resync.start()
    for _ in range(3000):
        if roster.entries():
            break
        threading.Event().wait(0.01)
    # the twin's region is the hung place's too: it could turn out to be the same account
    assert [entry.key.name for entry in roster.entries()] == ["fine"]
    world.let.set()
    resync.join()
    assert sorted(entry.key.name for entry in roster.entries()) == ["fine", "hung", "twin"]


def test_a_place_that_fails_is_told_and_the_others_are_there(world: World) -> None:
    world.error = Unreachable("no way")
    world.let.set()
    roster = _roster(world)
    result = roster.resync(POLICIES, 0.0)
    assert list(result.failures) == [HUNG]
    assert sorted(entry.key.name for entry in roster.entries()) == ["fine", "twin"]


def test_a_shard_cares_for_its_own_endpoints_and_changes_only(world: World) -> None:
    world.let.set()
    rosters = [_roster(world, Shard(ordinal, 2)) for ordinal in range(2)]
    open_keys = [
        EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, f"old{n}", "live")
        for n in range(8)
    ]
    for roster in rosters:
        roster.resync(POLICIES, 0.0, open_keys)
    keys = [entry.key for roster in rosters for entry in roster.entries()]
    assert len(keys) == len(set(keys)) == 3 + 8
    assert all(roster.entries() for roster in rosters)
