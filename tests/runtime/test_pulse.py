"""Whoever works says so, also where nothing new is decided: silence is an alarm's sign."""

import re
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from controller.runtime.pulse import EVERY_S, Pulse

ALARMS = Path(__file__).parents[2] / "deploy/terraform/ecs/alarms.tf"


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Whatever an earlier test of this process has set up."""
    structlog.reset_defaults()


def test_a_line_says_what_was_done_since_the_last_one() -> None:
    pulse = Pulse()
    with capture_logs() as lines:
        pulse.say(0)
        for failed in (False, True, False):
            pulse.looked(failed=failed)
        pulse.say(2)
        pulse.say(2)
    assert [line["event"] for line in lines] == [
        "2 endpoints are looked after: 3 looks in 5 minutes, 1 of them failed",
        "2 endpoints are looked after: 0 looks in 5 minutes",
    ]
    assert {line["log_level"] for line in lines} == {"info"}


def test_silence_is_an_alarm_only_after_more_than_one_line_is_missing() -> None:
    alarm = re.search(r'"silent" \{.*?\n\}', ALARMS.read_text("utf-8"), re.DOTALL)
    assert alarm is not None
    period, periods = (
        float(found[1])
        for word in ("period", "evaluation_periods")
        if (found := re.search(rf"^  {word}\s*=\s*(\d+)", alarm[0], re.MULTILINE))
    )
    assert period * periods > 2.0 * EVERY_S
    assert period >= EVERY_S, "or every other period is silent"
