"""Probes under way, with fakes at the ports: what is journalled, removed and refused."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from given import ERA, KEY, NOW_S, a_state

from controller.clock import VirtualClock
from controller.core.probe_cost import Tariff
from controller.kinds.lambda_function.kind import LambdaRules
from controller.model.endpoint import EndpointState, Kind
from controller.model.errors import AccessDenied, Conflict, StoreError, Terminal, Throttled
from controller.model.missing import Maybe
from controller.model.policy import Scope, Slo
from controller.model.probe import (
    Body,
    ProbeKind,
    ProbeOrder,
    ProbeOutcome,
    ProbePlan,
    ProbeRun,
    Sample,
    Shadow,
    ShadowPhase,
)
from controller.model.probing import PayloadSource, Phase, Probing
from controller.model.size import LambdaSize, Size
from controller.probes.shadows import Shadows
from controller.runtime.book import EvidenceBook
from controller.runtime.probe_parts import Asked, ProbeParts
from controller.runtime.probe_shot import ProbeShot
from controller.runtime.probing import Probes
from controller.store.sqlite import SqliteStore

ORDER = ProbeOrder(ProbeKind.SHADOW, LambdaSize(512), (Phase(5.0, 5.0, 20.0),), 2, 0.001)


class Maker:
    """Copies that serve after a few steps, and refuse what they are told to refuse."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.steps = 2
        self.refusals: list[Exception] = []
        self.removals: list[Exception] = []

    def make(self, shadow: Shadow, state: EndpointState) -> Shadow:
        if self.refusals:
            raise self.refusals.pop(0)
        self.there.add(shadow.id)
        self.steps -= 1
        return replace(shadow, phase=ShadowPhase.READY) if self.steps <= 0 else shadow

    def target_name(self, shadow: Shadow) -> str:
        return shadow.id

    def remove(self, shadow: Shadow) -> bool:
        if self.removals:
            raise self.removals.pop(0)
        self.there.discard(shadow.id)
        return True

    def strays(self, scope: Scope, now_s: float) -> Sequence[Shadow]:
        return ()

    def usd_per_hour(self, region: str, size: Size) -> Maybe[float]:
        return 0.0


class Runner:
    """A generator that has what it is given as soon as it is asked a second time."""

    def __init__(self) -> None:
        self.plans: dict[str, ProbePlan] = {}
        self.stopped: list[str] = []
        self.run: ProbeRun | None = None
        self.absent = False
        self.once = False
        self.defects: list[Exception] = []

    def start(self, probe_id: str, plan: ProbePlan) -> None:
        if self.absent:
            raise Terminal("Locust is not installed.")
        self.plans[probe_id] = plan

    def poll(self, probe_id: str) -> ProbeRun | None:
        if self.defects:
            raise self.defects.pop()
        found, self.run = self.run, None if self.once else self.run
        return found

    def stop(self, probe_id: str) -> None:
        self.stopped.append(probe_id)

    def close(self) -> None:
        self.plans.clear()


class Eyes:
    """What the endpoint is now."""

    def __init__(self) -> None:
        self.state = a_state(1024)

    def discover(self, *_: Any) -> dict[str, Any]:
        return {}

    def observe(self, *_: Any, **__: Any) -> EndpointState:
        return self.state

    def execute(self, *_: Any) -> dict[str, str]:
        raise AssertionError("a probe changes nothing of the endpoint")


class Scene:
    """Probes on an empty journal."""

    def __init__(self, **parts: Any) -> None:
        self.clock = VirtualClock(NOW_S)
        self.store = SqliteStore.open(":memory:")
        self.maker, self.runner, self.eyes = Maker(), Runner(), Eyes()
        self.book = EvidenceBook(self.store)
        self.counted: list[tuple[ProbeOutcome, int, Maybe[float]]] = []
        self.freed: list[bool] = []
        """For each endpoint that was free again: whether a copy of it was left."""
        self.bodies: Sequence[Body] = (Body(b"{}", "application/json", 1.0),)
        self.probes = Probes(
            ProbeParts(
                self.store,
                self.clock,
                self.runner,
                Shadows(self.store, {Kind.LAMBDA_FUNCTION: self.maker}, self.clock),
                {Kind.LAMBDA_FUNCTION: self.eyes},
                {Kind.LAMBDA_FUNCTION: LambdaRules()},
                bodies=lambda *_: self.bodies,
                learn=self.book.add,
                counted=lambda *told: self.counted.append(told),
                freed=lambda _: self.freed.append(bool(self.maker.there)),
                **parts,
            )
        )

    def asked(self, order: ProbeOrder = ORDER) -> Asked:
        return Asked(
            key=KEY,
            scope=Scope("eu-west-1"),
            probing=Probing((PayloadSource(inline="{}"),), shadows=True),
            slo=Slo(200.0),
            order=order,
            state=a_state(1024),
            era=ERA,
            rate=Tariff(0.5, 1.67e-5, 2e-7),
        )

    def answers(self, count: int = 40, **sample: Any) -> ProbeRun:
        samples = [
            Sample(i * 0.5, 150.0, 200, billed_ms=120.0, duration_ms=119.5, phase=0, **sample)
            for i in range(count)
        ]
        cold = Sample(0.0, 900.0, 200, cold=True, billed_ms=800.0, duration_ms=300.0)
        return ProbeRun(ProbeOutcome.SUCCEEDED, "ran", NOW_S, NOW_S + 20.0, (cold, *samples))

    def live(self, steps: int = 8) -> None:
        for _ in range(steps):
            self.clock.advance_to(self.clock.now_s() + 1.0)
            self.probes.step()


def test_a_probe_is_made_measured_recorded_and_put_away() -> None:
    scene = Scene()
    scene.runner.run = scene.answers()
    begun = scene.probes.begin(scene.asked())
    assert scene.store.probes(KEY)[0].outcome is None, "journalled before anything exists"
    assert scene.store.shadows()[0].id == begun.id
    assert not scene.maker.there
    scene.live()
    (record,) = scene.store.probes(KEY)
    assert record.outcome is ProbeOutcome.SUCCEEDED
    assert (record.requests, record.cold_starts, record.errors) == (41, 1, 0)
    assert record.p95_ms == 119.5, "the function's own time, cold starts apart"
    assert record.usd == pytest.approx((40 * 120 + 800) / 1000 * 0.5 * 1.67e-5 + 41 * 2e-7)
    assert scene.counted == [(ProbeOutcome.SUCCEEDED, 41, record.usd)]
    (row,) = scene.book.observations(KEY, scene.clock.now_s())
    assert (row.size, row.source, row.requests, row.era) == (LambdaSize(512), "probe", 40, ERA)
    assert not scene.maker.there
    assert not scene.store.shadows()
    assert not scene.probes.busy()
    assert scene.freed == [False], "another may begin at once, and not before the copy is gone"
    assert scene.runner.plans[begun.id].target.name == begun.id


@pytest.mark.parametrize(
    "trouble",
    ["refused", "no generator", "nothing to send"],
)
def test_what_cannot_be_carried_out_fails_and_leaves_nothing(trouble: str) -> None:
    scene = Scene()
    scene.maker.refusals = [AccessDenied("not allowed to make functions")] * (trouble == "refused")
    scene.runner.absent = trouble == "no generator"
    scene.bodies = () if trouble == "nothing to send" else scene.bodies
    scene.probes.begin(scene.asked())
    scene.live()
    (record,) = scene.store.probes(KEY)
    assert record.outcome is ProbeOutcome.FAILED
    assert record.detail
    assert not scene.store.shadows()
    assert not scene.maker.there
    assert not scene.book.observations(KEY, scene.clock.now_s())


def test_what_died_with_its_samples_cost_what_was_expected() -> None:
    scene = Scene()
    scene.runner.run = ProbeRun(ProbeOutcome.FAILED, "it died", NOW_S, NOW_S + 9.0, lost=True)
    scene.probes.begin(scene.asked())
    scene.live()
    assert scene.store.probes(KEY)[0].usd == ORDER.usd


def test_what_aws_throttles_is_tried_again() -> None:
    scene = Scene()
    scene.maker.refusals = [Throttled("slow down")] * 3
    scene.maker.removals = [Throttled("slow down")] * 3
    scene.runner.run = scene.answers()
    scene.probes.begin(scene.asked())
    scene.live(14)
    assert scene.store.probes(KEY)[0].outcome is ProbeOutcome.SUCCEEDED
    assert not scene.maker.there


def test_of_other_code_nothing_is_learnt() -> None:
    scene = Scene()
    scene.runner.run = scene.answers()
    scene.probes.begin(replace(scene.asked(), era="the release before"))
    scene.live()
    assert scene.store.probes(KEY)[0].outcome is ProbeOutcome.SUCCEEDED
    assert not scene.book.observations(KEY, scene.clock.now_s())


def test_one_of_an_endpoint_and_few_of_all() -> None:
    scene = Scene(most=2)
    scene.probes.begin(scene.asked())
    with pytest.raises(Conflict):
        scene.probes.begin(scene.asked())
    scene.probes.begin(replace(scene.asked(), key=replace(KEY, name="other")))
    with pytest.raises(Conflict):
        scene.probes.begin(replace(scene.asked(), key=replace(KEY, name="third")))


@pytest.mark.parametrize("actor", ["controller", "cli:somebody"])
def test_the_next_life_closes_what_the_last_left_open(actor: str) -> None:
    """What a daemon left is closed by the next; what a command left, with its copy by anybody."""
    scene = Scene()
    scene.probes.begin(replace(scene.asked(), actor=actor))
    scene.live(1)
    assert scene.maker.there
    after = Scene()
    after.store, after.maker = scene.store, scene.maker
    shadows = Shadows(scene.store, {Kind.LAMBDA_FUNCTION: scene.maker}, scene.clock)
    parts = replace(scene.probes._at, shadows=shadows)
    life = Probes(parts)
    life.recover() if actor == "controller" else life.sweep()
    (record,) = scene.store.probes(KEY)
    assert record.outcome is ProbeOutcome.FAILED
    assert record.usd == ORDER.usd, "nobody knows what it had sent"
    assert not scene.maker.there
    assert not scene.store.shadows()


def test_a_daemon_that_ends_asks_its_copies_to_go() -> None:
    scene = Scene()
    scene.probes.begin(scene.asked())
    scene.live(3)
    assert scene.maker.there
    assert scene.runner.plans
    scene.probes.leave()
    assert not scene.maker.there, "it would cost money until somebody looked"
    assert not scene.runner.plans


def test_a_copy_that_cannot_go_yet_is_the_next_lifes() -> None:
    scene = Scene()
    scene.probes.begin(scene.asked())
    scene.live(3)
    scene.maker.removals.append(Conflict("it is being created"))
    scene.probes.leave()
    assert scene.maker.there
    (row,) = scene.store.shadows()
    assert row.phase is ShadowPhase.REMOVING


def test_a_defect_in_one_probe_keeps_no_other_from_its_end() -> None:
    scene = Scene(most=2)
    scene.probes.begin(scene.asked())
    scene.probes.begin(replace(scene.asked(), key=replace(KEY, name="other")))
    scene.live(4)
    assert len(scene.runner.plans) == 2
    scene.runner.defects.append(RuntimeError("ours"))
    scene.runner.run = scene.answers()
    scene.live(4)
    assert not scene.probes.busy()
    outcomes = {record.key.name: record.outcome for record in scene.store.probes()}
    assert outcomes == {KEY.name: ProbeOutcome.FAILED, "other": ProbeOutcome.SUCCEEDED}
    scene.probes.sweep()
    assert not scene.maker.there
    assert not scene.store.shadows()


def test_what_a_probe_brought_back_waits_for_a_journal_that_cannot_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    scene.probes.begin(scene.asked())
    scene.live(3)
    scene.runner.once, scene.runner.run = True, scene.answers()
    put = scene.store.put_probe

    def full(_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(scene.store, "put_probe", full)
    with pytest.raises(StoreError):
        scene.live(1)
    monkeypatch.setattr(scene.store, "put_probe", put)
    scene.live(3)
    (record,) = scene.store.probes(KEY)
    assert record.outcome is ProbeOutcome.SUCCEEDED
    assert record.requests > 0


def test_a_probe_of_another_shard_is_left_to_it() -> None:
    scene = Scene()
    scene.probes.begin(scene.asked())
    scene.live(1)
    makers = {Kind.LAMBDA_FUNCTION: scene.maker}
    shadows = Shadows(scene.store, makers, scene.clock, mine=lambda key: key != KEY)
    Probes(replace(scene.probes._at, shadows=shadows)).recover()
    (record,) = scene.store.probes(KEY)
    assert record.ended_at_s is None, "its process is at work on it"
    assert scene.maker.there


def test_interrupted_by_hand_the_copy_goes_first() -> None:
    scene = Scene()

    def wait(seconds: float) -> None:
        scene.clock.advance_to(scene.clock.now_s() + seconds)
        if scene.runner.plans and scene.runner.run is None:
            scene.runner.run = scene.answers(3)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ProbeShot(scene.probes, scene.clock, wait).run([scene.asked()])
    assert scene.runner.stopped
    assert not scene.maker.there
    assert not scene.store.shadows()


def test_a_live_probe_calls_the_alias_and_makes_nothing() -> None:
    scene = Scene()
    scene.runner.run = scene.answers()
    begun = scene.probes.begin(scene.asked(replace(ORDER, kind=ProbeKind.LIVE, warm_up=0)))
    scene.live(3)
    target = scene.runner.plans[begun.id].target
    assert (target.name, target.qualifier) == (KEY.name, KEY.qualifier)
    assert scene.runner.plans[begun.id].stop.p95_ms == 600.0, "it does not add to what ails"
    assert not scene.store.shadows()
    (row,) = scene.book.observations(KEY, scene.clock.now_s())
    assert row.source == "live-probe"
