"""A leader that reaches its lease but not AWS lets another one try; a thread that hangs is seen."""

import threading
from collections.abc import Iterator

import pytest
from given import NOW_S, a_policy
from lease_keepers import Fence, Keeper, Replica

from controller.app import App, Wiring, build
from controller.aws.sessions import Connection, Keys
from controller.clock import VirtualClock
from controller.model.policy import FleetLimits, PolicySet
from controller.runtime.health import Health, Readiness
from controller.runtime.leadership import ASIDE_S, LEASE, PATIENCE_S, TURN_DEADLINE_S, Leadership
from controller.runtime.lease_thread import LeaseThread
from controller.store.sqlite import SqliteStore
from controller.web.checks import all_ok

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def app() -> Iterator[App]:
    """A controller whose AWS cannot be reached."""
    connection = Connection(keys=Keys("a", "b"), endpoint_url=NOWHERE, max_attempts=1)
    policies = PolicySet((a_policy(),), FleetLimits(), "digest")
    store = SqliteStore.open(":memory:")
    made = build(Wiring(VirtualClock(NOW_S), store, policies, connection, budgets=False))
    yield made
    made.close()


class Leader:
    """One replica with its leadership, by a clock that the test moves."""

    def __init__(self, app: App, keeper: Keeper, fence: Fence) -> None:
        self.replica, self._app = Replica("a", keeper, fence), app
        self.health = Health()
        self.leadership = Leadership(
            self.replica.election,
            app.engine,
            telemetry=app.telemetry,
            ready=Readiness(()),
            health=self.health,
            steady_s=self.replica.clock,
            begin=lambda: None,
            refresh=lambda: None,
        )

    def live(self, seconds: float, *others: Replica) -> None:
        """Let time pass as the daemon does: a tick every five seconds, a look every minute."""
        for second in range(int(seconds)):
            for one in (self.replica, *others):
                one.clock.at_s += 1.0
                if second % 2 == 0:
                    one.turn()
            if second % 60 == 0 and self.leadership.working:
                self._app.engine.resync()
            if second % 5 == 0:
                self.leadership.tick()


def test_a_leader_that_cannot_reach_aws_lets_another_one_lead(app: App) -> None:
    keeper, fence = Keeper(), Fence()
    leader, other = Leader(app, keeper, fence), Replica("b", keeper, fence)
    leader.live(PATIENCE_S - 30.0, other)
    assert leader.leadership.working
    leader.live(60.0, other)
    assert not leader.leadership.working
    assert other.election.leads
    leader.live(3 * PATIENCE_S, other)
    assert other.election.leads, "it keeps the lease that it took"


def test_where_there_is_no_other_it_leads_again_and_waits_longer(app: App) -> None:
    leader = Leader(app, Keeper(), Fence())
    leader.live(PATIENCE_S + 15.0)
    assert not leader.leadership.working
    leader.live(ASIDE_S)
    assert leader.leadership.working
    leader.live(2 * PATIENCE_S - 60.0)
    assert leader.leadership.working
    leader.live(90.0)
    assert not leader.leadership.working


def test_one_look_that_saw_something_is_enough_to_stay(app: App) -> None:
    leader = Leader(app, Keeper(), Fence())
    leader.live(PATIENCE_S - 30.0)
    app.engine.sight.looked(None)
    leader.live(PATIENCE_S - 30.0)
    assert leader.leadership.working


def test_a_lease_that_nobody_looks_at_any_more_is_unwell(app: App) -> None:
    leader = Leader(app, Keeper(), Fence())
    thread = leader.replica.election.thread
    at_s = leader.replica.clock.at_s
    leader.health.expect(LEASE, TURN_DEADLINE_S, at_s)
    assert not all_ok(leader.health.status(at_s + TURN_DEADLINE_S + 1.0))
    leader.replica.clock.at_s += TURN_DEADLINE_S
    thread.beat()
    assert all_ok(leader.health.status(at_s + TURN_DEADLINE_S + 1.0))


def test_a_turn_that_fails_as_none_should_does_not_end_the_thread() -> None:
    turns, again = [], threading.Event()

    def turn() -> float:
        turns.append(1)
        if len(turns) == 1:
            return 0.0
        if len(turns) == 2:
            raise RuntimeError("a defect of ours")
        again.set()
        return 60.0

    thread = LeaseThread(turn)
    thread.start()
    try:
        assert again.wait(60.0)
    finally:
        assert thread.end()
