"""Constant load and no faults: a change or two, then none.

A pure simulation: a function of known truth is observed hour by hour at its live size, and
whatever is decided takes effect at once. Nothing of it is random but the worlds.
"""

import math
import random
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest
from given import (
    DAY_S,
    ERA,
    HOUR_S,
    NOW_S,
    UNREAD,
    X86_PRICES,
    Truth,
    a_change,
    a_fleet,
    a_memory_use,
    a_policy,
    a_state,
    rows_of,
    windows_of,
)

from controller.core.assess import Observed, assess, believe
from controller.kinds.lambda_function.kind import LambdaSizing
from controller.kinds.lambda_function.sizing import ladder
from controller.model.change import Change
from controller.model.decision import Assessment, Hold, Proposal
from controller.model.estimate import Observation
from controller.model.policy import Bounds
from controller.model.reason import Reason
from controller.model.size import LambdaSize
from controller.model.window import Window, WindowSet

SIZING = LambdaSizing(X86_PRICES)
LADDER = ladder(Bounds(), 128)


@dataclass
class World:
    """A function under constant load, and the controller's memory of it."""

    truth: Truth
    memory_mb: int
    threshold_ms: float
    requests: int
    now_s: float = NOW_S
    since_s: float = NOW_S
    hourly: tuple[Window, ...] = ()
    rows: tuple[Observation, ...] = ()
    journal: tuple[Change, ...] = ()
    moves: list[Proposal] = field(default_factory=list)

    def live(self, hours: int) -> None:
        """Let hours pass at the present size."""
        self.now_s += hours * HOUR_S
        new = windows_of(
            self.truth,
            self.memory_mb,
            count=hours,
            end_s=self.now_s,
            requests=self.requests,
            threshold_ms=self.threshold_ms,
        )
        self.hourly = (*self.hourly, *new)[-336:]
        self.rows = (*self.rows, *rows_of(new, self.memory_mb))

    def look(self) -> Assessment:
        """One tick; what it decides is done at once, and verified."""
        observed = self._observed()
        assessment = assess(observed, SIZING, believe(observed, SIZING))
        if not isinstance(assessment.decision, Hold):
            self._apply(assessment.decision.proposal)
        return assessment

    def _apply(self, proposal: Proposal) -> None:
        done = a_change(
            proposal.before.memory_mb,
            proposal.target.memory_mb,
            id=len(self.moves) + 1,
            reason=proposal.reason,
            planned_at_s=self.now_s,
            finished_at_s=self.now_s,
        )
        self.moves.append(proposal)
        self.journal = (done, *self.journal)
        self.memory_mb, self.since_s = proposal.target.memory_mb, self.now_s

    def _observed(self) -> Observed:
        recent = windows_of(
            self.truth,
            self.memory_mb,
            count=12,
            end_s=self.now_s,
            period_s=300.0,
            requests=max(1, self.requests // 12),
            threshold_ms=self.threshold_ms,
        )
        use = a_memory_use(110, self.memory_mb, start_s=self.now_s - DAY_S, end_s=self.now_s)
        return Observed(
            now_s=self.now_s,
            policy=a_policy(self.threshold_ms),
            state=a_state(self.memory_mb),
            era=ERA,
            size_since_s=self.since_s,
            windows=WindowSet(self.now_s, recent, self.hourly, {}, UNREAD),
            rows=self.rows,
            recent_rows=(),
            memory_use=(use,),
            memory_refusal=None,
            changes=self.journal,
            open_change=None,
            pauses=(),
            fleet=a_fleet(),
        )


def any_world(dice: random.Random) -> World:
    """A function from the response family with an SLO that some size meets."""
    truth = Truth(
        at_vcpu_ms=math.exp(dice.uniform(math.log(10.0), math.log(1500.0))),
        fixed_share=dice.choice([0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 1.0]),
        power=dice.uniform(0.8, 1.25),
        saturation_mb=dice.choice([512.0, 1024.0, 1536.0, 1769.0, 2048.0, 2560.0, 3538.0]),
        sigma=dice.uniform(0.08, 0.7),
    )
    best_ms = min(truth.p95_ms(mb) for mb in LADDER)
    slack = math.exp(dice.uniform(math.log(1.05), math.log(4.0)))
    start_mb = dice.choice([128, 256, 512, 1024, 1536, 2048, 3008, 5120, 10_240])
    return World(truth, start_mb, best_ms * slack, dice.choice([60, 300, 2000, 20_000]))


def live_through(world: World, days: int) -> Assessment:
    """Two days to look back on, then a tick an hour after each change, else every six."""
    world.live(48)
    assessment, changes = world.look(), 0
    end_s = world.now_s + days * DAY_S
    while world.now_s < end_s:
        world.live(6 if len(world.moves) == changes else 1)
        changes = len(world.moves)
        assessment = world.look()
    return assessment


def play(seed: int, worlds: int) -> tuple[Counter[int], list[World]]:
    dice = random.Random(seed)
    played = [any_world(dice) for _ in range(worlds)]
    for world in played:
        live_through(world, days=7)
    return Counter(len(world.moves) for world in played), played


def check(changes: Counter[int], played: list[World], share: float) -> None:
    often = sum(n for moves, n in changes.items() if moves > 2) / len(played)
    assert often <= share, f"more than two changes in {often:.1%} of worlds: {changes}"
    assert max(changes) <= 3, [
        (w.truth, w.threshold_ms, [m.detail for m in w.moves]) for w in played if len(w.moves) > 3
    ]
    broken = [w for w in played if w.truth.p95_ms(w.memory_mb) > w.threshold_ms]
    assert len(broken) <= 0.03 * len(played)
    for world in played:
        last = world.look()
        assert isinstance(last.decision, Hold), last.sentence


def test_a_change_or_two_then_none() -> None:
    changes, played = play(seed=2026, worlds=12)
    check(changes, played, share=0.1)


@pytest.mark.slow
def test_a_change_or_two_then_none_in_many_worlds() -> None:
    # A size chosen with a confidence of 0.95 breaks the SLO now and then, and is left upwards:
    # that is the third change of the few worlds that have one.
    changes, played = play(seed=7, worlds=80)
    check(changes, played, share=0.03)


def test_a_function_that_is_already_right_is_left_alone() -> None:
    truth = Truth(fixed_share=0.05)
    world = World(truth, 1769, truth.p95_ms(1769) * 1.05, 2000)
    live_through(world, days=7)
    assert world.moves == []


def test_an_over_provisioned_function_saves_and_keeps_its_slo() -> None:
    truth = Truth(fixed_share=0.3)
    world = World(truth, 5120, truth.p95_ms(1024) * 1.1, 2000)
    live_through(world, days=7)
    assert 1 <= len(world.moves) <= 2
    assert world.memory_mb < 2048
    assert truth.p95_ms(world.memory_mb) <= world.threshold_ms


def test_a_breaching_function_is_climbed_out_within_the_hour() -> None:
    truth = Truth(fixed_share=0.05)
    world = World(truth, 512, truth.p95_ms(1536) * 1.02, 2000)
    world.live(1)
    world.look()
    assert world.moves[0].reason is Reason.SLO_BREACHED
    world.live(2)
    world.look()
    assert truth.p95_ms(world.memory_mb) <= world.threshold_ms


def test_a_release_that_moves_the_level_is_decided_anew() -> None:
    truth = Truth(fixed_share=0.05)
    world = World(truth, 1769, truth.p95_ms(1769) * 1.05, 2000)
    live_through(world, days=3)
    assert world.moves == []
    world.truth = replace(truth, at_vcpu_ms=40.0)
    live_through(world, days=3)
    assert world.moves
    assert all(m.target < LambdaSize(1769) for m in world.moves)
