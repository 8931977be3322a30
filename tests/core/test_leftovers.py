"""Which published versions are nobody's any more."""

import pytest
from given import DAY_S, NOW_S, a_change

from controller.core.leftovers import removable
from controller.model.change import Change, ChangePhase


def published(number: int, phase: ChangePhase = ChangePhase.VERIFIED, **progress: str) -> Change:
    """The change that published version `number`, one a day."""
    at_s = NOW_S - (20 - number) * DAY_S
    held = {
        "latest_before_mb": "1024",
        "published_version": str(number),
        "before_version": str(number - 1),
    }
    return a_change(1024, 512, phase, id=number, finished_at_s=at_s, progress=held | progress)


def versions(changes: list[Change], *serving: str, keep: int = 3) -> list[str]:
    return [version for _, version in removable(changes, serving, keep)]


JOURNAL = [published(n) for n in range(9, 1, -1)]
"""Versions 9 to 2, newest first."""


def test_the_newest_of_ours_are_kept_and_the_oldest_go_first() -> None:
    assert versions(JOURNAL, "9") == ["2", "3", "4", "5", "6"]
    assert versions(JOURNAL, "9", keep=7) == ["2"]
    assert versions(JOURNAL, "9", keep=8) == []


def test_what_serves_is_kept_however_old() -> None:
    assert versions(JOURNAL, "3", "5") == ["2", "4", "6"]


def test_the_way_back_is_kept() -> None:
    rolled_back = [published(n, ChangePhase.ROLLED_BACK) for n in range(9, 4, -1)]
    assert versions([*rolled_back, published(4), published(3), published(2)], "4") == [
        "2",
        "5",
        "6",
    ], "version 3 is where the newest change that stayed came from"


@pytest.mark.parametrize(
    "change",
    [
        published(2, version_removed="2"),  # gone already
        published(2, latest_before_mb="512"),  # perhaps published by somebody else
        published(2, ChangePhase.VERIFYING),  # not closed
        a_change(1024, 512, progress={"latest_before_mb": "1024"}),  # without an alias
    ],
)
def test_what_is_not_surely_ours_and_done_is_left(change: Change) -> None:
    assert versions([*JOURNAL[:4], change], "9") == ["6"]
