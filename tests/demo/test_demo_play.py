"""The play itself, in this process: its limits, its counts, and that it is repeatable."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
import structlog

from controller.cli.demo_lines import Lines, Nobody
from controller.demo.documents import summary_document
from controller.demo.ledger import drawn_up
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
    def once(seed: int) -> tuple[Any, list[str]]:
        setting = Setting(seed=seed)
        with opened(setting) as stage:
            course, told = played(stage, 900.0)
            return summary_document(drawn_up(stage, course), setting, 0.0), told[1:]

    first, again, other = once(4), once(4), once(5)
    assert again == first
    assert other[1] != first[1]


@pytest.mark.slow
def test_calls_are_counted_as_the_sandbox_counts_them() -> None:
    with opened(Setting()) as stage:
        course, _ = played(stage, 600.0)
        polling = drawn_up(stage, course).polling
        counted: Counter[tuple[str, str]] = Counter()
        for (service, operation, _), count in polling.calls.items():
            counted[service.lower(), operation] += count
        seen: Counter[tuple[str, str]] = Counter()
        for (service, operation, _), count in state_of(stage.world, Front).recorder.counts.items():
            seen[service.lower(), operation] += count
    assert sum(seen.values()) > 30
    assert sum(counted.values()) == sum(seen.values())
    assert {operation for _, operation in counted} == {operation for _, operation in seen}


@pytest.mark.slow
def test_a_slow_machine_ends_it_early() -> None:
    answers = iter([False, True])
    with opened(Setting()) as stage:
        course, _ = played(stage, 86_400.0, out_of_time=lambda: next(answers))
    assert course.ended == "the machine is slow"
    assert course.ticks == 2
    assert course.end_s - course.start_s < 60.0


def test_rest_is_longer_than_any_policy_waits() -> None:
    from controller.demo.stage import POLICIES

    policies = load([POLICIES])
    longest = max(policy.cadence.stabilization_s for policy in policies.policies)
    assert rest_s(policies) > longest
    assert rest_s(replace(policies, policies=())) > 0.0


@pytest.mark.slow
def test_when_nothing_moves_any_more_it_ends() -> None:
    with opened(Setting()) as stage:
        start_s = stage.clock.now_s()
        limits = Limits(start_s + 14 * 86_400.0, rest_s(stage.policies))
        news: list[float] = []

        class Listener(Nobody):
            def decided(self, assessment: Any) -> None:
                news.append(assessment.at_s)

        course = Play(stage, Listener()).run(limits)
    assert course.ended == "everything rests"
    assert course.end_s - max(news) >= limits.rest_s
    assert course.end_s - start_s < 7 * 86_400.0


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
