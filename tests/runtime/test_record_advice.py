"""Advice in the log and the journal: once when it comes, and no sooner written than said."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from given import KEY, NOW_S, a_policy, a_state
from structlog.testing import capture_logs

from controller.core.assess import unassessed
from controller.model.advice import Advice
from controller.model.decision import Hold
from controller.model.demand import Interval
from controller.model.reason import Reason
from controller.runtime.record import Recorder
from controller.store.sqlite import SqliteStore
from controller.telemetry.metrics import Telemetry

IDLE = Advice(Reason.IDLE, "not one request in a week", Interval(0.0, 73.0, 73.0))
PLAIN = replace(
    unassessed(KEY, "ocr", NOW_S, Hold(Reason.RIGHT_SIZE, "it is right")), state=a_state()
)


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Whatever an earlier test of this process has set up."""
    structlog.reset_defaults()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "journal.db")
    yield opened
    opened.close()


def test_advice_is_said_once_and_written_at_once(store: SqliteStore) -> None:
    recorder = Recorder(store, Telemetry(lambda: NOW_S, "1", process=False))
    ticks = [(), (), (IDLE,), (IDLE,), (), (IDLE,)]
    said, written = [], []
    for number, advice in enumerate(ticks):
        with capture_logs() as logs:
            at_s = NOW_S + 60.0 * number
            recorder.record(a_policy(), replace(PLAIN, at_s=at_s, advice=advice))
        said.append([line for line in logs if line["event"].startswith("advice: ")])
        document = store.assessments()[KEY]
        written.append([one["reason"] for one in document["advice"]])
    assert [len(lines) for lines in said] == [0, 0, 1, 0, 0, 1]
    assert said[2][0]["reason"] == "Idle"
    assert "not one request in a week" in said[2][0]["event"]
    assert written == [[], [], ["Idle"], ["Idle"], [], ["Idle"]]


def test_a_tick_that_saw_nothing_takes_no_advice_back(store: SqliteStore) -> None:
    recorder = Recorder(store, Telemetry(lambda: NOW_S, "1", process=False))
    with capture_logs() as logs:
        for seen in (replace(PLAIN, advice=(IDLE,)), replace(PLAIN, state=None)):
            recorder.record(a_policy(), seen)
        recorder.record(a_policy(), replace(PLAIN, advice=(IDLE,)))
    assert len([line for line in logs if line["event"].startswith("advice: ")]) == 1
