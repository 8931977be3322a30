"""Whatever happens during a change of a real-time endpoint, the user's autoscaling survives it.

Runs of the model in random order: kills, refusals, failed deployments, people at work, stops.
"""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_model import KILLS, Run, Script
from realtime_people import DEEDS
from realtime_variant import AFTER, BEFORE, FIRST, FOREIGN, OLDER, TRACKING, Variant, action, users

from controller.model.change import ChangePhase, VerdictKind
from controller.model.reason import Reason
from controller.model.sagemaker import Autoscaling, ScalingPolicy
from controller.model.size import RealtimeSize, ScheduledBounds

RETYPED = RealtimeSize(AFTER, 2, 6, 1800.0)
SCHEDULE = (
    ScheduledBounds("cron(0 20 ? * * *)", "UTC", 1, 8),
    ScheduledBounds("cron(0 7 ? * * *)", "UTC", 3, 8),
)
IN_PLACE = RealtimeSize(BEFORE, 1, 8, 700.0, SCHEDULE)
FIXED = RealtimeSize(AFTER, 1, 1)
OUTCOMES = ("ok", "silent", "alarm", "broken", "quota")


def variant(kind: str) -> Variant:
    """The three ways in which an endpoint's instances are counted."""
    if kind == "fixed":
        return Variant(scaling=Autoscaling())
    return Variant(scaling=users(scheduled=kind == "scheduled"))


def check(run: Run) -> None:
    """What holds at the end of any run."""
    live, change = run.variant, run.change
    told = f"{change.phase} {change.verdict} {run.script} {run.user.done}\n{live}"
    on_target = live.type == AFTER and run.script.target.instance_type == AFTER
    there = {one.name: one for one in live.scaling.policies}
    for name, policy in run.user.policies.items():
        assert name in there, f"{name} is lost: {told}"
        same = _same(there[name], policy, any_value=on_target or name in run.user.touched)
        rescaled = change.phase is ChangePhase.VERIFIED and name == "tt"
        assert same or (rescaled and _same(there[name], policy, any_value=True)), told
    actions = {one.name: one for one in live.scaling.actions}
    for name, act in run.user.actions.items():
        assert actions.get(name) == act, f"{name} is lost: {told}"
    used = {live.config, FIRST, FOREIGN}
    used |= {name for name in live.configs if change.progress.get(f"gone:{name}") == "left"}
    retyped = run.script.target.instance_type == AFTER and change.progress.get("config") == FIRST
    swept = change.phase is ChangePhase.VERIFIED and retyped
    assert set(live.configs) <= used | (set() if swept else {OLDER}), f"left over: {told}"
    alarms = {one for one in live.alarms if change.progress.get(f"gone:{one}") != "left"}
    assert not alarms, f"left over: {told}"
    if change.phase is ChangePhase.VERIFIED:
        assert live.type == run.script.target.instance_type, told
    if change.phase is ChangePhase.ROLLED_BACK:
        assert live.type == BEFORE, told


def _same(one: ScalingPolicy, other: ScalingPolicy, *, any_value: bool) -> bool:
    if not any_value:
        return one == other
    fields = [json.loads(policy.document) for policy in (one, other)]
    for each in fields:
        each[TRACKING].pop("TargetValue")
    return bool(fields[0] == fields[1])


@pytest.mark.parametrize("kind", ["scheduled", "tracked", "fixed"])
@pytest.mark.parametrize("verdict", list(VerdictKind))
def test_undisturbed(kind: str, verdict: VerdictKind) -> None:
    target = FIXED if kind == "fixed" else RETYPED
    run = Run(variant(kind), Script(target, verdict=verdict)).to_the_end()
    check(run)
    passed = verdict is VerdictKind.PASS
    assert run.change.phase is (ChangePhase.VERIFIED if passed else ChangePhase.ROLLED_BACK)
    assert run.variant.state(run.now_s).size == (target if passed else run.before)
    assert len(run.variant.deployed) == (1 if passed else 2)


@pytest.mark.parametrize("kind", ["tracked", "fixed"])
@pytest.mark.parametrize("verdict", [VerdictKind.PASS, VerdictKind.FAIL])
def test_in_place_undisturbed(kind: str, verdict: VerdictKind) -> None:
    run = Run(variant(kind), Script(IN_PLACE, verdict=verdict)).to_the_end()
    check(run)
    assert not run.variant.deployed
    if verdict is VerdictKind.PASS:
        assert run.variant.state(run.now_s).size == IN_PLACE
    else:
        assert run.change.phase is ChangePhase.ROLLED_BACK
        assert run.variant.state(run.now_s).size == run.before
        assert run.variant.scaling == (
            users(scheduled=False) if kind == "tracked" else Autoscaling()
        )


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("tracked", RealtimeSize(AFTER, 3, 3, 1800.0)),
        ("tracked", RealtimeSize(AFTER, 1, 9, 333.3333333333333)),
        ("tracked", RealtimeSize(BEFORE, 2, 2, 900.0)),
        ("tracked", replace(IN_PLACE, instance_type=AFTER)),
        ("fixed", RealtimeSize(AFTER, 1, 4, 1800.0)),
        ("fixed", RealtimeSize(BEFORE, 5, 5)),
        ("fixed", RealtimeSize(AFTER, 4, 4)),
    ],
)
def test_the_live_size_is_the_one_asked_for(kind: str, target: RealtimeSize) -> None:
    """To the last digit: another size would be taken for somebody else's change."""
    run = Run(variant(kind), Script(target)).to_the_end()
    check(run)
    assert run.change.phase is ChangePhase.VERIFIED
    assert run.variant.state(run.now_s).size == target


@pytest.mark.parametrize("outcome", ["silent", "alarm", "broken"])
def test_a_deployment_that_aws_takes_back(outcome: str) -> None:
    run = Run(variant("scheduled"), Script(RETYPED, outcomes=(outcome,))).to_the_end()
    check(run)
    assert run.variant.scaling == users()
    wanted = {"silent": Reason.UPDATE_FAILED, "alarm": Reason.MADE_WORSE,
              "broken": Reason.ENDPOINT_FAILED}[outcome]  # fmt: skip
    assert run.change.verdict is not None
    assert run.change.verdict.reason is wanted


def test_a_quota_is_given_up_soon_and_autoscaling_is_back() -> None:
    run = Run(variant("scheduled"), Script(RETYPED, outcomes=("quota",) * 3)).to_the_end()
    check(run)
    assert run.change.phase is ChangePhase.ROLLED_BACK
    assert run.variant.scaling == users()
    assert run.ended_s - run.change.planned_at_s < 600.0


def test_when_there_is_no_way_back_the_new_type_is_scaled() -> None:
    script = Script(RETYPED, verdict=VerdictKind.FAIL, outcomes=("ok", *["silent"] * 4))
    run = Run(variant("scheduled"), script).to_the_end()
    check(run)
    assert run.change.phase is ChangePhase.FAILED
    assert run.variant.type == AFTER
    assert run.variant.scaling.target == users().target
    values = {one.name: one.target_per_instance for one in run.variant.scaling.policies}
    assert values == {"cpu": None, "tt": 1800.0}


def test_refused_for_hours_everything_is_put_back_in_the_end() -> None:
    """From the deregistration on, every call is refused a hundred times."""
    run = Run(variant("scheduled"), Script(RETYPED, refusals=frozenset(range(5, 105)))).to_the_end()
    check(run)
    assert not run.change.phase.open


def test_somebody_elses_value_set_on_the_new_type_is_kept() -> None:
    run = Run(variant("tracked"), Script(RETYPED, verdict=VerdictKind.FAIL))
    while not run.change.progress.get("restored"):
        run.tick()
    run.user.act(run.variant, "value", run.now_s)
    run.to_the_end()
    check(run)
    assert {p.name: p.target_per_instance for p in run.variant.scaling.policies}["tt"] == 555.0


def test_a_policy_changed_at_the_last_moment_is_the_one_put_back() -> None:
    run = Run(variant("tracked"), Script(RETYPED))
    while "made" not in " ".join(run.change.progress):
        run.tick()
    run.user.act(run.variant, "value", run.now_s)
    run.user.act(run.variant, "add action", run.now_s)
    run.to_the_end()
    check(run)
    assert run.variant.scaling.actions == (action("evening", 1),)


def test_what_may_not_be_deleted_is_left_behind() -> None:
    """Two hours of refusals do not keep a change open that has given everything back."""
    run = Run(variant("tracked"), Script(RETYPED, outcomes=("silent",)))
    while run.change.phase is not ChangePhase.ROLLING_BACK:
        run.tick()
    run.script.refusals = frozenset(range(run.calls + 3, run.calls + 1000))
    run.to_the_end()
    assert run.change.phase is ChangePhase.ROLLED_BACK
    assert run.variant.scaling == users(scheduled=False)
    assert run.variant.alarms


def test_foreign_bounds_stay() -> None:
    run = Run(variant("tracked"), Script(RealtimeSize(BEFORE, 1, 8, 700.0)))
    while not run.change.progress.get("bounds"):
        run.tick()
    run.user.act(run.variant, "bounds", run.now_s)
    run.to_the_end()
    check(run)
    assert run.variant.scaling.target is not None
    assert run.variant.scaling.target.max_instances == 9
    assert run.change.phase is ChangePhase.FAILED
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.FOREIGN_CHANGE


@st.composite
def scripts(draw: st.DrawFn, target: RealtimeSize) -> Script:
    """Anything that may happen, at any time."""
    calls, ticks = st.integers(0, 40), st.integers(0, 60)
    return Script(
        target=target,
        verdict=draw(st.sampled_from(VerdictKind)),
        outcomes=tuple(draw(st.lists(st.sampled_from(OUTCOMES), max_size=6))),
        kills=draw(st.dictionaries(calls, st.sampled_from(KILLS), max_size=3)),
        dead_s=draw(st.sampled_from([30.0, 7200.0])),
        refusals=draw(st.frozensets(calls, max_size=8)),
        deeds=draw(st.dictionaries(ticks, st.sampled_from(DEEDS), max_size=2)),
        stop_at=draw(st.one_of(st.none(), ticks)),
        canary=draw(st.sampled_from([0.0, 0.1, 0.5])),
    )


@given(script=scripts(RETYPED), kind=st.sampled_from(["scheduled", "tracked"]))
@settings(max_examples=400, deadline=None)
def test_a_type_change_loses_nothing(script: Script, kind: str) -> None:
    check(Run(variant(kind), script).to_the_end())


@given(script=scripts(FIXED))
@settings(max_examples=150, deadline=None)
def test_a_fixed_fleet_changes_its_type(script: Script) -> None:
    check(Run(variant("fixed"), script).to_the_end())


@given(script=scripts(IN_PLACE), kind=st.sampled_from(["tracked", "fixed"]))
@settings(max_examples=250, deadline=None)
def test_a_change_in_place_loses_nothing(script: Script, kind: str) -> None:
    check(Run(variant(kind), script).to_the_end())
