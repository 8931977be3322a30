"""The fleet's rows: made anew only where there is something new, and never all at once."""

from collections.abc import Mapping
from typing import Any

from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Policy, Scope, Slo, Source, Target
from controller.runtime.fleet_board import MOST_JOURNALLED, FleetBoard, Sources
from controller.runtime.roster import Entry
from controller.web.reading import FleetQuery

UNCOUNTED = Missing("not counted")
POLICY = Policy(
    name="all",
    target=Target(Kind.LAMBDA_FUNCTION, Scope("eu-west-1")),
    slo=Slo(400.0),
    source=Source("all.yaml", 1, 1),
    generation="g1",
)


def entries(count: int) -> list[Entry]:
    """Endpoints of one policy."""
    keys = [
        EndpointKey("123456789012", "eu-west-1", Kind.LAMBDA_FUNCTION, f"f{number:05}")
        for number in range(count)
    ]
    return [Entry(key, POLICY) for key in keys]


class Journal:
    """What an earlier process wrote."""

    def __init__(self) -> None:
        self.asked: list[EndpointKey] = []

    def __call__(self, key: EndpointKey) -> Mapping[str, Any] | None:
        self.asked.append(key)
        size = {"memoryMb": 512}
        slo = {"attainment": "Met", "p95Ms": 100.0}
        return {"currentSize": size, "desiredSize": size, "slo": slo, "message": "kept"}


def board(count: int, journal: Journal) -> FleetBoard:
    fleet = entries(count)
    return FleetBoard(Sources(lambda: fleet, lambda _: None, lambda _: UNCOUNTED, tuple, journal))


def test_after_a_start_the_journal_is_read_a_part_at_a_time_and_once() -> None:
    journal = Journal()
    shown = board(2 * MOST_JOURNALLED + 5, journal)
    answers = [shown.answer(FleetQuery()) for _ in range(4)]
    states = [answer["summary"]["states"].get("Steady", 0) for answer in answers]
    assert states == [
        MOST_JOURNALLED,
        2 * MOST_JOURNALLED,
        2 * MOST_JOURNALLED + 5,
        2 * MOST_JOURNALLED + 5,
    ]
    assert len(journal.asked) == len(set(journal.asked)) == 2 * MOST_JOURNALLED + 5


def test_what_nobody_has_looked_at_is_unknown_and_says_so() -> None:
    shown = FleetBoard(
        Sources(lambda: entries(1), lambda _: None, lambda _: UNCOUNTED, tuple, lambda _: None)
    )
    (row,) = shown.answer(FleetQuery())["items"]
    assert row["state"] == "Unknown"
    assert row["message"] == "not looked at since the controller started"
    assert row["p95Ms"] is None
    assert row["usdPerMonth"] is None


def test_an_endpoint_that_is_gone_is_gone() -> None:
    fleet = entries(3)
    shown = FleetBoard(
        Sources(lambda: fleet, lambda _: None, lambda _: UNCOUNTED, tuple, Journal())
    )
    assert shown.answer(FleetQuery())["total"] == 3
    del fleet[1]
    names = [row["name"] for row in shown.answer(FleetQuery(sort="name"))["items"]]
    assert names == ["f00000", "f00002"]


def test_a_standby_shows_what_it_knows_until_all_of_it_was_read_anew() -> None:
    """However large the fleet is, and however often it is told that there may be news."""
    count, journal = 2 * MOST_JOURNALLED + 5, Journal()
    shown = board(count, journal)
    for _ in range(3):
        shown.rows()
    before = shown.rows()
    journal.asked.clear()
    shown.refresh()
    assert shown.rows() == before, "nothing is blank meanwhile"
    for _ in range(2):
        shown.refresh()
        shown.rows()
    assert len(set(journal.asked)) == count, "the first do not keep the last from their turn"
    assert len(journal.asked) == count
