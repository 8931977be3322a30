"""Which turns of conditions and which ends of changes are told."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from telemetry_values import KEY, POLICY, change, condition

from controller.model.change import ChangePhase
from controller.model.condition import ConditionStatus, ConditionType
from controller.telemetry.notify.events import TYPES, Severity, of_change, of_conditions

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def told(
    before: Mapping[ConditionType, ConditionStatus], kind: ConditionType, now: ConditionStatus
) -> list[tuple[str, str]]:
    after = {kind: condition(kind, now)}
    return [
        (event.type, event.severity.value) for event in of_conditions(KEY, POLICY, before, after)
    ]


SLO = ConditionType.SLO_MET


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({SLO: TRUE}, FALSE, [("SloBreached", "critical")]),
        ({}, FALSE, [("SloBreached", "critical")]),
        ({SLO: FALSE}, TRUE, [("SloRestored", "info")]),
        ({SLO: FALSE}, FALSE, []),
        ({SLO: FALSE}, UNKNOWN, []),
        ({SLO: TRUE}, UNKNOWN, []),
        ({}, TRUE, []),
    ],
)
def test_turns(
    before: dict[ConditionType, ConditionStatus],
    now: ConditionStatus,
    expected: list[tuple[str, str]],
) -> None:
    assert told(before, SLO, now) == expected


def test_some_conditions_are_bad_when_true() -> None:
    assert told({}, ConditionType.DRIFTED, TRUE) == [("DriftDetected", "warning")]
    assert told({ConditionType.DEGRADED: TRUE}, ConditionType.DEGRADED, FALSE) == [
        ("EndpointRecovered", "info")
    ]
    assert told({}, ConditionType.PAUSED, TRUE) == []


@pytest.mark.parametrize("phase", list(ChangePhase))
def test_changes_are_told_when_they_have_ended(phase: ChangePhase) -> None:
    event = of_change(change(phase), "a sentence", {"team": "vision"})
    assert (event is None) == phase.open
    if event is not None:
        assert event.type in TYPES
        assert event.text == "a sentence"
        expected = Severity.INFO if phase.stays else Severity.WARNING
        assert event.severity is expected


def test_every_event_has_its_line_in_the_docs(repository: Path) -> None:
    page = (repository / "docs/notifications.md").read_text("utf-8")
    assert [type_ for type_ in TYPES if f"`{type_}`" not in page] == []
