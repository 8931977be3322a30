"""Requests of people are heard at once, and not for ever."""

from dataclasses import replace

from given import a_change

from controller.model.change import ChangePhase
from controller.model.reason import Reason
from controller.runtime.bidding import TIMES, Bidding

ASKED = a_change(phase=ChangePhase.PLANNED, actor="cli:ada", revision=1)
OURS = a_change(phase=ChangePhase.VERIFYING, revision=7)
TURNED_ROUND = replace(
    OURS, phase=ChangePhase.ROLLING_BACK, revision=8, progress={"cause": Reason.REQUESTED.value}
)


def test_a_request_is_heard_a_few_times_and_then_left_to_its_turn() -> None:
    bidding = Bidding()
    assert [bidding.heard([ASKED]) for _ in range(TIMES)] == [[ASKED.key]] * TIMES
    assert bidding.heard([ASKED]) == []


def test_one_that_was_taken_up_is_not_told_of_again() -> None:
    bidding = Bidding()
    assert bidding.heard([ASKED]) == [ASKED.key]
    assert bidding.heard([replace(ASKED, phase=ChangePhase.APPLYING, revision=2)]) == []


def test_a_way_back_that_a_person_asked_for_is_a_request_whoever_began_the_change() -> None:
    bidding = Bidding()
    assert bidding.heard([OURS]) == []
    assert bidding.heard([TURNED_ROUND]) == [OURS.key]


def test_what_the_controller_turns_round_by_itself_is_not() -> None:
    bidding = Bidding()
    own = replace(TURNED_ROUND, progress={"cause": Reason.SLO_BREACHED.value})
    assert bidding.heard([OURS]) == []
    assert bidding.heard([own]) == []
