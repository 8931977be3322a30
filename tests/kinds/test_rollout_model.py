"""Every way a memory change can go, tried: kills, verdicts, stops, failures, other people.

What must hold of each is in `check`; the tests only differ in what they enumerate.
"""

import itertools
from collections.abc import Iterable

import pytest
from given import NOW_S
from hypothesis import given, settings
from hypothesis import strategies as st
from rollout_model import (
    BEFORE_MB,
    CODE,
    FOREIGN,
    FOREIGN_MB,
    KILLS,
    NEW_CODE,
    TARGET_MB,
    Run,
    Script,
    a_function,
    verdict_pairs,
)

from controller.model.change import (
    ChangePhase,
    PointAlias,
    PublishVersion,
    UpdateMemory,
    VerdictKind,
)
from controller.model.reason import Reason

pytestmark = pytest.mark.slow

PASS, FAIL, OPEN = VerdictKind.PASS, VerdictKind.FAIL, VerdictKind.INCONCLUSIVE
ALIASES = [True, False]
CALLS = range(9)
TICKS = range(16)


def play(alias: bool, script: Script, latest_mb: int = BEFORE_MB) -> Run:
    """One run, checked."""
    run = Run(a_function(alias, latest_mb), script).to_the_end()
    check(run, latest_mb)
    return run


def check(run: Run, latest_before_mb: int = BEFORE_MB) -> None:
    """The invariants."""
    phase, function, target_mb = run.change.phase, run.function, run.script.target_mb
    touched_alias = {"release", "alias moved", "weights", "weights gone"} & set(run.meddled)
    assert len(set(function.published)) <= 1, "two candidates for one change"
    if phase is ChangePhase.VERIFIED:
        assert run.change.verdict is not None
        assert run.change.verdict.kind is PASS, "no measurement is never success"
    if phase is ChangePhase.UNVERIFIED:
        assert run.change.verdict is not None
        assert run.change.verdict.kind is OPEN
        assert target_mb > BEFORE_MB, "unmeasured memory is not taken away"
    if phase.stays:
        assert function.serving.memory_mb == target_mb
        assert function.alias is None or not function.alias.weights
    if phase is ChangePhase.ROLLED_BACK:
        assert function.serving.memory_mb == BEFORE_MB
        assert not function.aliased or function.alias is not None
        if function.alias is not None and not touched_alias:
            assert (function.alias.version, function.alias.weights) == ("1", {})
        if "memory" not in run.meddled and "memory back" not in run.meddled:
            assert function.latest.memory_mb == latest_before_mb
    if phase is ChangePhase.FAILED:
        assert run.meddled or not run.done, "gave up without a cause"
        if function.alias is not None and not touched_alias:
            assert function.alias.weights == {}
        theirs = {"memory", "memory back", "code", "release"} & set(run.meddled)
        if run.done and latest_before_mb != target_mb and (function.aliased or not theirs):
            assert function.latest.memory_mb != target_mb, "left `$LATEST` as we made it"
    nothing_is_overwritten(run)
    no_step_forward_after_a_stop(run)
    all_traffic_moves_only_after_a_verdict(run)
    assert run.change.verdict is not None or phase is ChangePhase.FAILED


def nothing_is_overwritten(run: Run) -> None:
    """What somebody else did stands."""
    function = run.function
    if run.meddled == ["memory"] and (not function.aliased or 0 not in run.script.deeds):
        # Before a change begins, the memory of `$LATEST` behind an alias is not what serves.
        assert function.latest.memory_mb == FOREIGN_MB
    if run.meddled in (["code"], ["release"]):
        assert function.latest.fingerprint == NEW_CODE
    assert function.alias is None or run.meddled or function.alias.name == "live"
    if run.meddled and run.meddled[-1] in ("alias moved", "release"):
        assert function.alias is not None
        assert function.serving.fingerprint != CODE, "traffic was taken back from their version"
    if run.meddled and run.meddled[-1] == "weights":
        assert function.alias is not None
        assert list(function.alias.weights.values()) == [0.2]


def no_step_forward_after_a_stop(run: Run) -> None:
    """Once stopped, calls only undo (or let be what has all the traffic)."""
    if run.script.stop_at is None:
        return
    for tick, step in run.done:
        if tick < run.script.stop_at:
            continue
        assert not isinstance(step, PublishVersion)
        if isinstance(step, UpdateMemory):
            assert step.memory_mb != run.script.target_mb
        if isinstance(step, PointAlias):
            assert (step.version, step.weights) == ("1", {})


def all_traffic_moves_only_after_a_verdict(run: Run) -> None:
    """Behind an alias and with a canary, promotion needs a pass, or for a climb no worse."""
    thin_climb = run.script.thin and run.script.target_mb > BEFORE_MB
    for _, step in run.done:
        if isinstance(step, PointAlias) and step.version != "1" and run.script.share > 0.0:
            assert ("canary", PASS) in run.verdicts or thin_climb


def scripts_of(alias: bool, **values: object) -> Iterable[Script]:
    for canary, full in verdict_pairs(alias):
        yield Script(canary=canary, full=full, **values)  # type: ignore[arg-type]


# --- without trouble ---


@pytest.mark.parametrize(
    ("canary", "full", "phase", "reason"),
    [
        (PASS, PASS, ChangePhase.VERIFIED, Reason.VERIFIED),
        (PASS, FAIL, ChangePhase.ROLLED_BACK, Reason.MADE_WORSE),
        (PASS, OPEN, ChangePhase.VERIFIED, Reason.VERIFIED),  # the canary had passed
        (FAIL, PASS, ChangePhase.ROLLED_BACK, Reason.MADE_WORSE),
        (OPEN, PASS, ChangePhase.ROLLED_BACK, Reason.BAKING),
    ],
)
def test_an_alias_ends_as_its_verdicts_say(
    canary: VerdictKind, full: VerdictKind, phase: ChangePhase, reason: Reason
) -> None:
    run = play(True, Script(canary=canary, full=full))
    assert run.change.phase is phase
    assert run.change.verdict is not None
    assert run.change.verdict.reason is reason


def test_the_steps_of_a_change_behind_an_alias() -> None:
    run = play(True, Script())
    update, publish, canary, promote = (step for _, step in run.done)
    assert isinstance(update, UpdateMemory)
    assert update.memory_mb == TARGET_MB
    assert isinstance(publish, PublishVersion)
    assert isinstance(canary, PointAlias)
    assert (canary.version, canary.weights) == ("1", {"2": 0.1})
    assert isinstance(promote, PointAlias)
    assert (promote.version, promote.weights) == ("2", {})


def test_without_a_canarys_share_all_traffic_moves_at_once() -> None:
    run = play(True, Script(canary=FAIL, share=0.0))
    moves = [step for _, step in run.done if isinstance(step, PointAlias)]
    assert [(m.version, m.weights) for m in moves] == [("2", {})]
    assert run.change.phase is ChangePhase.VERIFIED


@pytest.mark.parametrize(
    ("full", "target_mb", "phase"),
    [
        (PASS, TARGET_MB, ChangePhase.VERIFIED),
        (FAIL, TARGET_MB, ChangePhase.ROLLED_BACK),
        (OPEN, TARGET_MB, ChangePhase.ROLLED_BACK),  # unmeasured memory is not taken away
        (OPEN, 2048, ChangePhase.ROLLED_BACK),  # nor kept where nothing was wrong before
    ],
)
def test_latest_ends_as_its_verdict_says(
    full: VerdictKind, target_mb: int, phase: ChangePhase
) -> None:
    run = play(False, Script(full=full, target_mb=target_mb))
    assert run.change.phase is phase


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize(
    "reason", [Reason.SLO_BREACHED, Reason.MEMORY_FLOOR, Reason.OUTSIDE_BOUNDS, Reason.REQUESTED]
)
def test_a_climb_with_a_cause_is_kept_unmeasured_and_never_called_verified(
    alias: bool, reason: Reason
) -> None:
    run = play(alias, Script(full=OPEN, target_mb=2048, share=0.0, reason=reason))
    assert run.change.phase is ChangePhase.UNVERIFIED
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.UNVERIFIED
    less = play(alias, Script(full=OPEN, target_mb=TARGET_MB, share=0.0, reason=reason))
    assert less.change.phase is ChangePhase.ROLLED_BACK


def test_a_canary_that_passed_is_quoted_when_all_the_traffic_is_too_thin() -> None:
    run = play(True, Script(canary=PASS, full=OPEN))
    assert run.change.verdict is not None
    assert run.change.verdict.kind is PASS
    assert "the canary passed (0 of 100 slow)" in run.change.verdict.detail


@pytest.mark.parametrize(
    ("full", "phase"),
    [
        (PASS, ChangePhase.VERIFIED),
        (FAIL, ChangePhase.ROLLED_BACK),
        (OPEN, ChangePhase.UNVERIFIED),  # not worse in the canary is no proof
    ],
)
def test_a_thin_canary_of_a_climb_gets_all_requests_and_is_judged_by_them(
    full: VerdictKind, phase: ChangePhase
) -> None:
    climb = Script(OPEN, full, target_mb=2048, reason=Reason.SLO_BREACHED, thin=True)
    run = play(True, climb)
    moves = [(s.version, s.weights) for _, s in run.done if isinstance(s, PointAlias)]
    assert moves[:2] == [("1", {"2": 0.1}), ("2", {})]
    assert run.change.phase is phase
    less = play(True, Script(OPEN, full, reason=Reason.CHEAPER_SIZE, thin=True))
    assert less.change.phase is ChangePhase.ROLLED_BACK, "a decrease never takes this way"


def test_latest_that_holds_the_target_already_is_published_and_left_so() -> None:
    run = play(True, Script(canary=FAIL), latest_mb=TARGET_MB)
    assert not any(isinstance(step, UpdateMemory) for _, step in run.done)
    assert run.change.phase is ChangePhase.ROLLED_BACK


@pytest.mark.parametrize("tick", range(6))
def test_without_its_alias_latest_gets_back_what_it_had(tick: int) -> None:
    run = play(True, Script(deeds={tick: "alias deleted"}))
    assert run.change.phase is ChangePhase.FAILED
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.FOREIGN_CHANGE
    assert "alias was deleted" in run.change.verdict.detail
    assert run.function.latest.memory_mb == BEFORE_MB


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("outcome", ["stays", "reverts"])
def test_an_update_that_aws_fails_is_undone(alias: bool, outcome: str) -> None:
    run = play(alias, Script(outcomes=(outcome,)))
    assert run.change.phase is ChangePhase.ROLLED_BACK
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.UPDATE_FAILED


# --- killed at every point ---


@pytest.mark.parametrize("alias", ALIASES)
def test_killed_anywhere_it_ends_as_if_it_had_not_been(alias: bool) -> None:
    for plain in scripts_of(alias):
        expected = play(alias, plain)
        for call, kill in itertools.product(CALLS, KILLS):
            script = Script(canary=plain.canary, full=plain.full, kills={call: kill})
            run = play(alias, script)
            assert run.change.phase is expected.change.phase
            assert run.function.serving.memory_mb == expected.function.serving.memory_mb
            assert run.function.latest.memory_mb == expected.function.latest.memory_mb


@pytest.mark.parametrize("alias", ALIASES)
def test_killed_again_and_again(alias: bool) -> None:
    for kinds in itertools.product(KILLS, repeat=4):
        for script in scripts_of(alias, kills=dict(enumerate(kinds))):
            play(alias, script)


@pytest.mark.parametrize("alias", ALIASES)
def test_killed_while_aws_fails(alias: bool) -> None:
    for outcomes in (("stays",), ("reverts",), ("ok", "stays"), ("ok", "reverts")):
        for call, kill in itertools.product(CALLS, KILLS):
            for script in scripts_of(alias, outcomes=outcomes, kills={call: kill}):
                play(alias, script)


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("first", range(4))
def test_kept_from_every_call_it_gives_up_within_the_hour(alias: bool, first: int) -> None:
    refused = dict.fromkeys(range(first, 600), "asked")
    run = Run(a_function(alias), Script(kills=refused))
    while run.change.phase is ChangePhase.APPLYING or run.change.phase is ChangePhase.PLANNED:
        assert run.now_s <= NOW_S + 3700.0
        run.tick()
    if not run.done:
        assert run.to_the_end().change.phase is ChangePhase.ROLLED_BACK


# --- stopped at every tick ---


@pytest.mark.parametrize("alias", ALIASES)
def test_stopped_anywhere(alias: bool) -> None:
    for tick in range(24):
        for script in scripts_of(alias, stop_at=tick):
            run = play(alias, script)
            if tick == 0:
                assert run.change.phase is ChangePhase.FAILED
                assert not run.done
            else:
                assert run.change.phase is not ChangePhase.FAILED


@pytest.mark.parametrize("alias", ALIASES)
def test_stopped_and_killed(alias: bool) -> None:
    for tick, call, kill in itertools.product(TICKS, CALLS, KILLS):
        play(alias, Script(stop_at=tick, kills={call: kill}))


# --- somebody else at every point ---


@pytest.mark.parametrize("deed", FOREIGN)
@pytest.mark.parametrize("alias", ALIASES)
def test_somebody_else_anywhere(alias: bool, deed: str) -> None:
    for tick in range(24):
        for script in scripts_of(alias, deeds={tick: deed}):
            play(alias, script)


@pytest.mark.parametrize("deed", FOREIGN)
@pytest.mark.parametrize("alias", ALIASES)
def test_somebody_else_between_a_look_and_a_call(alias: bool, deed: str) -> None:
    for call in CALLS:
        for script in scripts_of(alias, races={call: deed}):
            play(alias, script)


@pytest.mark.parametrize("deed", FOREIGN)
@pytest.mark.parametrize("alias", ALIASES)
def test_somebody_else_and_a_kill(alias: bool, deed: str) -> None:
    for tick, call, kill in itertools.product(TICKS, range(6), KILLS):
        play(alias, Script(deeds={tick: deed}, kills={call: kill}))
        play(alias, Script(canary=FAIL, full=FAIL, deeds={tick: deed}, kills={call: kill}))


# --- anything at all ---

scripts = st.builds(
    Script,
    canary=st.sampled_from(VerdictKind),
    full=st.sampled_from(VerdictKind),
    outcomes=st.lists(st.sampled_from(["ok", "stays", "reverts"]), max_size=4).map(tuple),
    kills=st.dictionaries(st.integers(0, 9), st.sampled_from(KILLS), max_size=4),
    deeds=st.dictionaries(st.integers(0, 20), st.sampled_from(FOREIGN), max_size=2),
    races=st.dictionaries(st.integers(0, 9), st.sampled_from(FOREIGN), max_size=1),
    stop_at=st.one_of(st.none(), st.integers(0, 20)),
    target_mb=st.sampled_from([TARGET_MB, 2048]),
    share=st.sampled_from([0.0, 0.1]),
    reason=st.sampled_from([Reason.CHEAPER_SIZE, Reason.SLO_BREACHED]),
    thin=st.booleans(),
)


@given(st.booleans(), scripts, st.sampled_from([BEFORE_MB, TARGET_MB, 1792]))
@settings(max_examples=300)
def test_whatever_happens(alias: bool, script: Script, latest_mb: int) -> None:
    play(alias, script, latest_mb if alias else BEFORE_MB)


@pytest.mark.slow
@given(st.booleans(), scripts, st.sampled_from([BEFORE_MB, TARGET_MB, 1792]))
@settings(max_examples=4000)
def test_whatever_happens_very_often(alias: bool, script: Script, latest_mb: int) -> None:
    play(alias, script, latest_mb if alias else BEFORE_MB)
