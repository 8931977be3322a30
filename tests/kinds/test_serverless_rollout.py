"""Every way a change of a serverless endpoint can go, tried: kills, failures, other people.

What must hold of each is in `check`; the tests only differ in what they enumerate.
"""

import itertools

import pytest
from given import NOW_S
from hypothesis import given, settings
from hypothesis import strategies as st
from serverless_model import (
    BEFORE,
    FIRST,
    FOREIGN,
    KEPT,
    KILLS,
    LARGER,
    MORE,
    RAISED,
    SECOND,
    SMALLER,
    Run,
    Script,
    a_service,
)

from controller.kinds.serverless_endpoint.moves import config_name
from controller.model.change import ChangePhase, VerdictKind
from controller.model.reason import Reason
from controller.model.sagemaker_steps import CreateConfig, DeployConfig, SetConcurrency
from controller.model.size import ServerlessSize

PASS, FAIL, OPEN = VerdictKind.PASS, VerdictKind.FAIL, VerdictKind.INCONCLUSIVE
TARGETS = [SMALLER, LARGER, RAISED, MORE]
IN_PLACE = (RAISED, MORE)
CALLS = range(7)
TICKS = range(30)


def play(script: Script) -> Run:
    """One run, checked."""
    run = Run(a_service(script.before), script).to_the_end()
    check(run)
    return run


def check(run: Run) -> None:
    """The invariants."""
    phase, service, target = run.change.phase, run.service, run.script.target
    verdict = run.change.verdict
    assert verdict is not None
    assert service.asked_twice == 0, "deployed what is live"
    assert service.live in service.configs, "the live config is gone"
    if phase is ChangePhase.VERIFIED:
        assert verdict.kind is PASS, "no measurement is never success"
    if phase is ChangePhase.UNVERIFIED:
        assert verdict.kind is OPEN
        assert target in (LARGER, KEPT, MORE), "unmeasured memory is not taken away"
    if phase.stays:
        assert service.size.memory_mb == target.memory_mb
        assert service.size == target or "limit" in run.meddled
    if phase is ChangePhase.ROLLED_BACK:
        assert service.size == run.script.before
        # A config that was refused before the process lay dead for long is taken for gone: the
        # copy that is gone back to then is the same in all but its name.
        gone = "config deleted" in run.meddled or bool(run.script.kills)
        assert service.live == SECOND or (gone and service.live.startswith("rightsizer-"))
    if phase is ChangePhase.FAILED:
        broke = {"breaks", "fails"} & set(run.script.outcomes)
        assert run.meddled or not run.done or broke, "gave up without a cause"
    nothing_of_ours_is_left(run)
    nothing_is_overwritten(run)
    no_step_forward_after_a_stop(run)


def nothing_of_ours_is_left(run: Run) -> None:
    """Configs that we made: the live one, and on the way back none. The user's are all there."""
    service, theirs = run.service, {SECOND, "theirs", "released"}
    update = service.under_way
    used = {service.live} | (set() if update is None else {update.config})
    left = set(service.configs) - theirs - used
    if run.change.phase is ChangePhase.VERIFIED and run.script.target not in IN_PLACE:
        assert left == set(), "the one before the last good one is deleted"
    elif not service.broken and service.live != run.change.progress.get("config_target"):
        assert left <= {FIRST}, left
    if "config deleted" not in run.meddled:
        assert SECOND in service.configs


def nothing_is_overwritten(run: Run) -> None:
    """What somebody else deployed stands."""
    if run.meddled and run.meddled[-1] in ("deploy", "release"):
        update = run.service.under_way
        live = run.service.live if update is None else update.config
        assert live in ("theirs", "released")
    if run.meddled == ["limit"] and run.script.target in IN_PLACE:
        assert 77 in (
            run.service.size.max_concurrency,
            run.service.under_way and run.service.under_way.size.max_concurrency,
        )


def no_step_forward_after_a_stop(run: Run) -> None:
    """Once stopped, calls only undo; a config of before that somebody deleted is made anew."""
    if run.script.stop_at is None:
        return
    ways_back = {SECOND}
    for tick, step in run.done:
        if isinstance(step, CreateConfig) and _size_of(step) == run.script.before:
            assert "config deleted" in run.meddled or run.script.kills
            ways_back.add(step.name)
        if tick < run.script.stop_at:
            continue
        if isinstance(step, CreateConfig):
            assert step.name in ways_back
        if isinstance(step, DeployConfig):
            assert step.name in ways_back
        if isinstance(step, SetConcurrency):
            before = run.script.before
            assert step.max_concurrency == before.max_concurrency
            assert step.provisioned_concurrency in (None, before.provisioned_concurrency)


def _size_of(step: CreateConfig) -> ServerlessSize:
    assert step.memory_mb is not None
    assert step.max_concurrency is not None
    return ServerlessSize(step.memory_mb, step.max_concurrency, step.provisioned_concurrency or 0)


# --- without trouble ---


@pytest.mark.parametrize(
    ("target", "verdict", "phase"),
    [
        (SMALLER, PASS, ChangePhase.VERIFIED),
        (SMALLER, FAIL, ChangePhase.ROLLED_BACK),
        (SMALLER, OPEN, ChangePhase.ROLLED_BACK),
        (LARGER, PASS, ChangePhase.VERIFIED),
        (LARGER, OPEN, ChangePhase.ROLLED_BACK),
        (RAISED, PASS, ChangePhase.VERIFIED),
        (RAISED, FAIL, ChangePhase.VERIFIED),  # a limit is proven by its live value
        (KEPT, PASS, ChangePhase.VERIFIED),
        (KEPT, FAIL, ChangePhase.ROLLED_BACK),
        (MORE, PASS, ChangePhase.VERIFIED),
        (MORE, FAIL, ChangePhase.ROLLED_BACK),
    ],
)
def test_it_ends_as_its_verdict_says(
    target: ServerlessSize, verdict: VerdictKind, phase: ChangePhase
) -> None:
    assert play(Script(target, verdict)).change.phase is phase


def test_another_memory_is_a_config_and_a_deployment() -> None:
    run = play(Script())
    name = config_name("ranker", SECOND, "model-1", SMALLER)
    steps = [step for _, step in run.done]
    assert steps[0] == CreateConfig(
        name, SECOND, "AllTraffic", memory_mb=2048, max_concurrency=15, provisioned_concurrency=0
    )
    assert steps[1] == DeployConfig(name)
    assert [type(step).__name__ for step in steps[2:]] == ["DeleteConfig"]
    assert set(run.service.configs) == {SECOND, name}


def test_another_limit_needs_no_config() -> None:
    run = play(Script(RAISED))
    assert [step for _, step in run.done] == [SetConcurrency("AllTraffic", 20)]


def test_the_first_kept_warm_is_a_config_and_more_of_them_are_set_in_place() -> None:
    names = [type(step).__name__ for _, step in play(Script(KEPT)).done]
    assert names == ["CreateConfig", "DeployConfig", "DeleteConfig"]
    there_and_back = play(Script(MORE, FAIL))
    assert [step for _, step in there_and_back.done] == [
        SetConcurrency("AllTraffic", 10, 4),
        SetConcurrency("AllTraffic", 10, 2),
    ]


def test_the_way_back_restores_the_limit_that_was_set_in_place() -> None:
    run = play(Script(verdict=FAIL))
    names = [type(step).__name__ for _, step in run.done]
    assert names == [
        "CreateConfig", "DeployConfig", "DeployConfig", "SetConcurrency", "DeleteConfig",
    ]  # fmt: skip
    assert run.service.size == BEFORE
    assert set(run.service.configs) == {FIRST, SECOND}


@pytest.mark.parametrize("target", TARGETS)
def test_a_silent_rollback_is_recognised(target: ServerlessSize) -> None:
    run = play(Script(target, outcomes=("fails",)))
    assert run.change.phase is ChangePhase.ROLLED_BACK
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.UPDATE_FAILED
    assert "Request to service failed" in run.change.verdict.detail


@pytest.mark.parametrize("target", TARGETS)
def test_an_endpoint_that_aws_gave_up_is_left_to_people(target: ServerlessSize) -> None:
    run = play(Script(target, outcomes=("breaks",)))
    assert run.change.phase is ChangePhase.FAILED
    assert run.change.verdict is not None
    assert run.change.verdict.reason is Reason.ENDPOINT_FAILED


@pytest.mark.parametrize("reason", [Reason.SLO_BREACHED, Reason.MEMORY_FLOOR, Reason.REQUESTED])
def test_more_memory_with_a_cause_is_kept_unmeasured_and_never_called_verified(
    reason: Reason,
) -> None:
    run = play(Script(LARGER, OPEN, reason=reason))
    assert run.change.phase is ChangePhase.UNVERIFIED
    assert play(Script(SMALLER, OPEN, reason=reason)).change.phase is ChangePhase.ROLLED_BACK


def test_a_way_back_that_aws_keeps_refusing_ends() -> None:
    run = play(Script(verdict=FAIL, outcomes=("ok", *["fails"] * 500)))
    assert run.change.phase is ChangePhase.FAILED
    assert run.change.verdict is not None
    assert "cannot go back" in run.change.verdict.detail


def test_the_way_back_leads_over_a_copy_where_the_config_of_before_is_gone() -> None:
    run = play(Script(verdict=FAIL, deeds={12: "config deleted"}))
    assert run.meddled == ["config deleted"]
    assert run.change.phase is ChangePhase.ROLLED_BACK
    assert run.service.size == BEFORE
    assert set(run.service.configs) == {FIRST, run.service.live}


def test_names_of_configs() -> None:
    long = config_name("a" * 63, "x", "m", SMALLER)
    assert len(long) <= 63
    assert long.startswith("rightsizer-a")
    names = {
        config_name(endpoint, source, model, size)
        for endpoint in ("a", "b-")
        for source in ("x", "y")
        for model in ("m", "n")
        for size in TARGETS
    }
    assert len(names) == 8 * len(TARGETS)
    assert not any("--" in name for name in names)


# --- killed, failed, stopped, meddled with ---


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("verdict", VerdictKind)
def test_killed_anywhere_it_ends_as_if_it_had_not_been(
    target: ServerlessSize, verdict: VerdictKind
) -> None:
    for outcomes in ((), ("late",), ("ok", "late")):
        expected = play(Script(target, verdict, outcomes))
        for call, kill in itertools.product(CALLS, KILLS):
            run = play(Script(target, verdict, outcomes, kills={call: kill}))
            assert run.change.phase is expected.change.phase
            assert run.service.size == expected.service.size
            assert set(run.service.configs) == set(expected.service.configs)


@pytest.mark.parametrize("target", TARGETS)
def test_killed_while_aws_fails(target: ServerlessSize) -> None:
    for outcomes in (("fails",), ("breaks",), ("ok", "fails"), ("ok", "fails", "fails")):
        for verdict, call, kill in itertools.product([PASS, FAIL], CALLS, KILLS):
            play(Script(target, verdict, outcomes, kills={call: kill}))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("verdict", VerdictKind)
def test_stopped_anywhere(target: ServerlessSize, verdict: VerdictKind) -> None:
    for tick in TICKS:
        run = play(Script(target, verdict, stop_at=tick))
        if tick == 0:
            assert run.change.phase is ChangePhase.FAILED
            assert not run.done


@pytest.mark.parametrize("deed", FOREIGN)
@pytest.mark.parametrize("target", TARGETS)
def test_somebody_else_anywhere(target: ServerlessSize, deed: str) -> None:
    for verdict, tick in itertools.product(VerdictKind, TICKS):
        play(Script(target, verdict, deeds={tick: deed}))
    for verdict, call in itertools.product(VerdictKind, CALLS):
        play(Script(target, verdict, races={call: deed}))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("first", range(3))
def test_kept_from_every_call_it_gives_up_within_the_hour(
    target: ServerlessSize, first: int
) -> None:
    refused = dict.fromkeys(range(first, 600), "asked")
    script = Script(target, kills=refused)
    run = Run(a_service(script.before), script)
    while run.change.phase in {ChangePhase.APPLYING, ChangePhase.PLANNED}:
        assert run.now_s <= NOW_S + 3700.0
        run.tick()


scripts = st.builds(
    Script,
    target=st.sampled_from([*TARGETS, KEPT]),
    verdict=st.sampled_from(VerdictKind),
    outcomes=st.lists(st.sampled_from(["ok", "fails", "late"]), max_size=4).map(tuple),
    kills=st.dictionaries(st.sampled_from(CALLS), st.sampled_from(KILLS), max_size=4),
    deeds=st.dictionaries(st.sampled_from(TICKS), st.sampled_from(FOREIGN), max_size=2),
    races=st.dictionaries(st.sampled_from(CALLS), st.sampled_from(FOREIGN), max_size=1),
    stop_at=st.one_of(st.none(), st.sampled_from(TICKS)),
    reason=st.sampled_from([Reason.CHEAPER_SIZE, Reason.SLO_BREACHED, Reason.REQUESTED]),
)


@pytest.mark.parametrize("deeds", [{18: "deploy"}, {4: "limit", 21: "deploy"}])
def test_a_copy_to_go_back_to_is_not_left_where_somebody_deploys_something_else(
    deeds: dict[int, str],
) -> None:
    """Before it is live, and after the target is deleted."""
    lost = Script(
        target=SMALLER,
        verdict=FAIL,
        kills={0: "before", 1: "before"},
        deeds=deeds,
        races={4: "config deleted"},
    )
    run = play(lost)
    assert run.change.phase is ChangePhase.FAILED
    assert set(run.service.configs) == {FIRST, "theirs"}


@given(scripts)
@settings(max_examples=400)
def test_whatever_comes_together(script: Script) -> None:
    play(script)
