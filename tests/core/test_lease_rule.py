"""One lease, many replicas: never do two of them both believe that they may act."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from controller.core import lease
from controller.core.lease import Candidate
from controller.model.lease import NOBODY, LeaseRecord, LeaseTimes

TIMES = LeaseTimes()
REPLICAS = range(2)
DELAYS = st.one_of(st.just(0.0), st.floats(0.0, 0.5), st.sampled_from([1.0, 5.0, 9.7, 20.0]))
PAUSES = st.sampled_from([0.1, 0.5, 2.0, 5.0, 8.8, 9.1, 9.4, 9.6, 9.8, 10.0, 10.2, 10.45, 30.0])
"""Many of them near the end of the lease, where it matters."""


@dataclass
class Keeper:
    """Keeps the record, and swaps it only for whoever saw it as it is."""

    record: LeaseRecord | None = None
    writes: int = 0
    terms: list[int] = field(default_factory=list)

    def swap(self, seen: LeaseRecord | None, wanted: LeaseRecord) -> LeaseRecord | None:
        if self.record != seen:
            return None
        self.writes += 1
        self.record = replace(wanted, version=str(self.writes))
        self.terms.append(wanted.term)
        return self.record


@dataclass
class Asked:
    """A call under way: begun, perhaps carried out, not yet answered."""

    asked_s: float
    seen: LeaseRecord | None
    wanted: LeaseRecord | None
    """None: a read."""
    done: bool = False
    answer: LeaseRecord | None = None


class Replica:
    """One process with a clock of its own."""

    def __init__(self, name: str, offset_s: float, speed: float) -> None:
        self.candidate = Candidate(name, TIMES)
        self.offset_s, self.speed = offset_s, speed
        self.asked: Asked | None = None

    def clock_s(self, true_s: float) -> float:
        return self.offset_s + self.speed * true_s


class Election(RuleBasedStateMachine):
    """Calls begin, are carried out and are answered at any time, or never; time passes at will."""

    def __init__(self) -> None:
        super().__init__()
        self.true_s = 0.0
        self.keeper = Keeper()
        self.replicas: list[Replica] = []

    @initialize(
        offsets=st.lists(st.floats(0.0, 1e6), min_size=2, max_size=2),
        speeds=st.lists(st.sampled_from([0.96, 1.0, 1.04]), min_size=2, max_size=2),
    )
    def begin(self, offsets: list[float], speeds: list[float]) -> None:
        self.replicas = [Replica(f"r{i}", offsets[i], speeds[i]) for i in REPLICAS]

    @rule(seconds=PAUSES)
    def time_passes(self, seconds: float) -> None:
        self.true_s += seconds

    @rule(i=st.sampled_from(REPLICAS), write=st.booleans())
    def ask(self, i: int, write: bool) -> None:
        one = self.replicas[i]
        if one.asked is not None:
            return
        now_s = one.clock_s(self.true_s)
        wanted = lease.wanted(one.candidate, now_s) if write else None
        one.asked = Asked(now_s, one.candidate.seen, wanted)

    @rule(i=st.sampled_from(REPLICAS), delays=st.lists(DELAYS, min_size=4, max_size=4))
    def whole_turn(self, i: int, delays: list[float]) -> None:
        """Read, then write if that is due: as a replica does when nothing goes wrong."""
        one = self.replicas[i]
        if one.asked is not None:
            return
        self.true_s += delays[0]
        record = self.keeper.record
        self.true_s += delays[1]
        one.candidate = lease.look(one.candidate, record, one.clock_s(self.true_s))
        asked_s = one.clock_s(self.true_s)
        wanted = lease.wanted(one.candidate, asked_s)
        if wanted is None:
            return
        self.true_s += delays[2]
        written = self.keeper.swap(one.candidate.seen, wanted)
        self.true_s += delays[3]
        if written is not None:
            one.candidate = lease.wrote(one.candidate, written, asked_s)

    @rule(i=st.sampled_from(REPLICAS), pause_s=PAUSES)
    def overtake(self, i: int, pause_s: float) -> None:
        """One falls silent just after its turn, while the other watches."""
        nothing = [0.0] * 4
        self.whole_turn(i, nothing)
        self.whole_turn(1 - i, nothing)
        self.true_s += pause_s
        self.whole_turn(1 - i, nothing)

    @rule(i=st.sampled_from(REPLICAS))
    def give_back(self, i: int) -> None:
        one = self.replicas[i]
        record = lease.given_back(one.candidate)
        if one.asked is None and record is not None:
            one.asked = Asked(one.clock_s(self.true_s), one.candidate.seen, record)
            one.candidate = lease.give_up(one.candidate)

    @precondition(lambda self: any(r.asked for r in self.replicas))
    @rule(i=st.sampled_from(REPLICAS))
    def carried_out(self, i: int) -> None:
        asked = self.replicas[i].asked
        if asked is None or asked.done:
            return
        asked.done = True
        if asked.wanted is None:
            asked.answer = self.keeper.record
        else:
            asked.answer = self.keeper.swap(asked.seen, asked.wanted)

    @precondition(lambda self: any(r.asked for r in self.replicas))
    @rule(i=st.sampled_from(REPLICAS), lost=st.booleans())
    def answered(self, i: int, lost: bool) -> None:
        one = self.replicas[i]
        asked = one.asked
        if asked is None or not (asked.done or lost):
            return
        one.asked = None
        if lost:
            return
        if asked.wanted is None:
            now_s = one.clock_s(self.true_s)
            one.candidate = lease.look(one.candidate, asked.answer, now_s)
        elif asked.answer is not None:
            one.candidate = lease.wrote(one.candidate, asked.answer, asked.asked_s)

    @invariant()
    def at_most_one_may_act(self) -> None:
        acting = [
            one.candidate.me
            for one in self.replicas
            if lease.remaining_s(one.candidate, one.clock_s(self.true_s)) > 0.0
        ]
        assert len(acting) <= 1, acting

    @invariant()
    def terms_never_fall(self) -> None:
        assert self.keeper.terms == sorted(self.keeper.terms)


TestElection = Election.TestCase
TestElection.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def _at(now_s: float, record: LeaseRecord | None) -> Candidate:
    return lease.look(Candidate("me", TIMES), record, now_s)


THEIRS = LeaseRecord("them", 7, 10.0, "v1")


def test_nothing_is_taken_unseen() -> None:
    assert lease.wanted(Candidate("me", TIMES), 1e9) is None


def test_a_new_lease_is_taken_at_once_under_a_newer_term_than_the_journals() -> None:
    wanted = lease.wanted(_at(5.0, None), 5.0, newest_term=41)
    assert wanted == LeaseRecord("me", 42, TIMES.duration_s)


def test_anothers_is_taken_only_after_it_stood_unchanged_for_its_own_duration() -> None:
    candidate = _at(100.0, replace(THEIRS, duration_s=30.0))
    assert lease.wanted(candidate, 129.9) is None
    taken = lease.wanted(candidate, 130.0)
    assert taken is not None
    assert taken.term == 8
    renewed = lease.look(candidate, replace(THEIRS, duration_s=30.0, version="v2"), 129.0)
    assert lease.wanted(renewed, 158.0) is None


def test_what_was_given_back_is_taken_at_once() -> None:
    taken = lease.wanted(_at(0.0, replace(THEIRS, holder=NOBODY)), 0.0)
    assert taken is not None
    assert taken.term == 8


def test_a_holder_acts_until_the_margin_before_the_end_counted_from_when_it_asked() -> None:
    held = lease.wrote(_at(0.0, None), LeaseRecord("me", 1, 10.0, "v1"), asked_s=50.0)
    assert lease.remaining_s(held, 50.0) == 9.0
    assert lease.remaining_s(held, 58.5) == 0.5
    assert lease.remaining_s(held, 59.0) == 0.0


def test_a_holder_that_sees_another_there_stops_at_once() -> None:
    held = lease.wrote(_at(0.0, None), LeaseRecord("me", 1, 10.0, "v1"), asked_s=0.0)
    lost = lease.look(held, LeaseRecord("them", 2, 10.0, "v2"), 1.0)
    assert lease.remaining_s(lost, 1.0) == 0.0
    assert lease.given_back(lost) is None


def test_a_holder_that_was_fenced_takes_a_newer_term() -> None:
    held = lease.wrote(_at(0.0, None), LeaseRecord("me", 1, 10.0, "v1"), asked_s=0.0)
    again = lease.wanted(held, 1.0, newest_term=5)
    assert again is not None
    assert again.term == 6


def test_another_looks_again_when_the_lease_may_be_free_and_not_later() -> None:
    candidate = _at(0.0, THEIRS)
    assert lease.next_look_s(candidate, 1.0) == TIMES.retry_s
    assert lease.next_look_s(candidate, 9.5) == pytest.approx(0.5)


def test_times_that_leave_no_room_for_a_call_are_refused() -> None:
    with pytest.raises(ValueError, match="too little"):
        LeaseTimes(duration_s=5.0)
    with pytest.raises(ValueError, match="margin"):
        LeaseTimes(duration_s=5.0, margin_s=6.0)
