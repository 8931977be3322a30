"""The play itself, in this process: its limits, its counts, and that it is repeatable."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import structlog

from controller.cli.demo_lines import Lines
from controller.demo.documents import summary_document
from controller.demo.ledger import Ledger, drawn_up
from controller.demo.play import Course, Limits, Play, rest_s
from controller.demo.stage import Setting, Stage, opened
from controller.policy import load
from controller.sandbox.client import SandboxClientError
from controller.sandbox.extensions import state_of
from controller.sandbox.front import Front


@pytest.fixture(autouse=True)
def _quiet_logs() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))


def played(stage: Stage, seconds: float, **limits: Any) -> tuple[Course, list[str]]:
    """A play of some seconds, and its lines."""
    told: list[str] = []
    until_s = stage.clock.now_s() + seconds
    course = Play(stage, Lines(told.append, stage)).run(
        Limits(until_s, **{"rest_s": 1e9, **limits})
    )
    return course, told


@pytest.mark.slow
def test_the_same_seed_is_the_same_demo() -> None:
    """And its calls are counted as the sandbox counts them; and time is up where it is."""

    def once(seed: int) -> tuple[Any, list[str]]:
        setting = Setting(seed=seed)
        with opened(setting) as stage:
            course, told = played(stage, 900.0)
            ledger = drawn_up(stage, course)
            _counts_as_the_sandbox(ledger, stage)
            _ends_early_where_the_machine_is_slow(stage)
            return summary_document(ledger, setting, 0.0), told[1:]

    assert once(4) == once(4)


def _counts_as_the_sandbox(ledger: Ledger, stage: Stage) -> None:
    counted: Counter[tuple[str, str]] = Counter()
    for (service, operation, _), count in ledger.polling.calls.items():
        counted[service.lower(), operation] += count
    seen: Counter[tuple[str, str]] = Counter()
    for (service, operation, _), count in state_of(stage.world, Front).recorder.counts.items():
        seen[service.lower(), operation] += count
    assert sum(seen.values()) > 30
    assert sum(counted.values()) == sum(seen.values())
    assert {operation for _, operation in counted} == {operation for _, operation in seen}


def _ends_early_where_the_machine_is_slow(stage: Stage) -> None:
    answers = iter([False, True])
    course, _ = played(stage, 86_400.0, out_of_time=lambda: next(answers))
    assert course.ended == "the machine is slow"
    assert course.ticks == 2
    assert course.end_s - course.start_s < 300.0


def test_rest_is_longer_than_any_policy_waits() -> None:
    from controller.demo.stage import POLICIES

    policies = load([POLICIES])
    longest = max(policy.cadence.stabilization_s for policy in policies.policies)
    assert rest_s(policies) > longest
    assert rest_s(replace(policies, policies=())) > 0.0


def test_whatever_happens_the_stage_is_taken_down() -> None:
    stages: list[Stage] = []

    def interrupted() -> None:
        with opened(Setting()) as stage:
            stages.append(stage)
            assert stage.journal.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not stages[0].journal.parent.exists()
    with pytest.raises(SandboxClientError, match="No sandbox answers"):
        stages[0].client.now_s()
