"""The lease as a replica keeps it: taken, renewed, lost, given back; clocks never compared."""

from pathlib import Path

import pytest
from lease_keepers import TIMES, Fence, Keeper, Replica

from controller.model.errors import StoreError
from controller.model.lease import NOBODY
from controller.runtime.election import Terms
from controller.runtime.lock_election import LockElection
from controller.store.sqlite import SqliteStore


@pytest.fixture
def two() -> tuple[Replica, Replica, Keeper, Fence]:
    keeper, fence = Keeper(), Fence()
    # a machine that has been up for a month, and one that has just been started
    return Replica("a", keeper, fence, 2.6e6), Replica("b", keeper, fence), keeper, fence


def _pass(seconds: float, *replicas: Replica) -> None:
    for one in replicas:
        one.clock.at_s += seconds


Two = tuple[Replica, Replica, Keeper, Fence]


def test_the_first_leads_and_the_other_stands_by(two: Two) -> None:
    a, b, _, fence = two
    a.turn()
    b.turn()
    assert (a.election.held(), b.election.held()) == (True, False)
    assert (a.election.term(), fence.term) == (1, 1)
    assert a.election.words() == "leader, term 1"
    assert b.election.words() == "standby; a leads"
    assert (a.told, b.told) == ([True], [])


def test_who_renews_goes_on_and_who_is_silent_is_replaced_in_time(two: Two) -> None:
    a, b, _, fence = two
    for _ in range(10):
        _pass(a.turn(), a, b)
        b.turn()
    assert a.election.held()
    assert not b.election.leads
    waited_s = 0.0
    while not b.election.leads:
        wait_s = b.turn()
        _pass(wait_s, a, b)
        waited_s += wait_s
    assert waited_s <= 13.0
    assert not a.election.held(), "its own clock has told it long before"
    assert fence.term == 2


def test_one_that_was_stopped_finds_nothing_left_and_learns_who_leads(two: Two) -> None:
    a, b, _, _ = two
    a.turn()
    b.turn()
    _pass(20.0, a, b)  # a is stopped; b is not
    b.turn()
    assert b.election.held()
    assert a.election.remaining_s() == 0.0, "before it has asked anybody"
    a.turn()
    assert a.told == [True, False]
    assert a.election.words() == "standby; b leads"


def test_one_that_is_cut_off_stops_before_the_other_begins(two: Two) -> None:
    a, b, _, _ = two
    a.turn()
    b.turn()
    a.way.away = True
    overlap = 0
    for _ in range(60):
        _pass(0.5, a, b)
        a.turn()
        b.turn()
        overlap += a.election.remaining_s() > 0.0 and b.election.remaining_s() > 0.0
    assert overlap == 0
    assert b.election.leads
    assert a.election.words() == "standby; the lease could not be looked at: no way"


def test_too_little_lease_for_a_call_is_no_lease(two: Two) -> None:
    a, *_ = two
    a.turn()
    _pass(TIMES.duration_s - TIMES.margin_s - TIMES.call_s + 0.1, a)
    assert a.election.remaining_s() > 0.0
    assert not a.election.held()


def test_a_renewal_whose_answer_was_lost_costs_nothing(two: Two) -> None:
    a, _, keeper, _ = two
    a.turn()
    keeper.lose_answer = True
    _pass(2.0, a)
    a.turn()
    _pass(2.0, a)
    a.turn()
    assert a.election.held()
    assert a.election.term() == 1


def test_what_is_given_back_is_taken_at_once_under_the_next_term(two: Two) -> None:
    a, b, keeper, fence = two
    a.turn()
    b.turn()
    a.election.stop(give_back=True)
    assert keeper.record is not None
    assert keeper.record.holder == NOBODY
    assert not a.election.held()
    _pass(2.0, b)
    b.turn()
    assert b.election.held()
    assert fence.term == 2


def test_with_work_under_way_it_is_not_given_back(two: Two) -> None:
    a, _, keeper, _ = two
    a.turn()
    a.election.stop(give_back=False)
    assert keeper.record is not None
    assert keeper.record.holder == "a"


def test_a_record_that_was_deleted_does_not_bring_terms_back(two: Two) -> None:
    a, b, keeper, fence = two
    fence.term = 41
    a.turn()
    assert fence.term == 42
    keeper.record = None
    b.turn()
    assert (b.election.held(), fence.term) == (True, 43)
    a.turn()
    assert not a.election.leads


def test_without_the_journal_nobody_leads(two: Two) -> None:
    a, _, _, fence = two

    def fail(term: int) -> None:
        raise StoreError("the disk is full")

    kept, fence.lift = fence.lift, fail  # type: ignore[method-assign]
    a.election._terms = fence.terms()
    a.turn()
    assert not a.election.held()
    assert a.told == []
    fence.lift = kept  # type: ignore[method-assign]
    a.election._terms = fence.terms()
    a.turn()
    assert a.election.held()


def test_a_leader_that_the_journal_refuses_takes_a_newer_term(two: Two) -> None:
    a, _, _, fence = two
    a.turn()
    fence.term = 9
    a.election.doubt()
    a.turn()
    assert (a.election.term(), fence.term) == (10, 10)


def test_the_lock_of_one_host_is_had_by_one_and_by_the_next_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first, second = SqliteStore.open(path), SqliteStore.open(path)
    told: list[str] = []
    a, b = (
        LockElection(
            store.acquire_daemon_lock,
            Terms(store.newest_term, store.raise_term),
            told=lambda leads, name=name: told.append(f"{name} {leads}"),
        )
        for name, store in (("a", first), ("b", second))
    )
    assert b.words() == "standby; the lock has not been tried yet"
    a.turn()
    b.turn()
    assert (a.held(), b.held()) == (True, False)
    assert a.words() == "leader, term 1"
    assert "only one may" in b.words()
    assert a.turn() > b.turn(), "with the lock in hand there is nothing to look for"
    first.close()
    b.turn()
    assert (b.held(), b.term()) == (True, 2)
    assert told == ["a True", "b True"]
    second.close()
