"""Whatever the journal and AWS say, there is a next step."""

from dataclasses import replace

import pytest
from given import NOW_S, a_change, a_config, a_live, a_policy, a_state, a_verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.contract import SETTLE_S, Stage
from controller.kinds.lambda_function.kind import LambdaRules
from controller.kinds.lambda_function.rollout import next_step, watching_since_s
from controller.model.change import (
    Advance,
    ChangePhase,
    PointAlias,
    PublishVersion,
    UpdateMemory,
    VerdictKind,
    Wait,
)
from controller.model.endpoint import LATEST, AliasConfig, FunctionConfig, LambdaLive
from controller.model.policy import Rollout
from controller.model.reason import Reason

SIZES = st.sampled_from([512, 1024, 2048])
CODES = st.sampled_from(["code-1", "code-2"])
VERSIONS = ["1", "2", "3"]


def configs(version: str) -> st.SearchStrategy[FunctionConfig]:
    return st.builds(
        lambda mb, code, status, state: a_config(
            mb, version, fingerprint=code, code_sha256=code, update_status=status, state=state
        ),
        SIZES,
        CODES,
        st.sampled_from(["Successful", "InProgress", "Failed"]),
        st.sampled_from(["Active", "Pending", "Inactive", "Failed"]),
    )


@st.composite
def lives(draw: st.DrawFn) -> LambdaLive:
    """Any function: with an alias or without, split or not, on any version or on $LATEST."""
    latest = draw(configs(LATEST))
    if draw(st.booleans()):
        return LambdaLive(latest, None, {})
    versions = {v: draw(configs(v)) for v in VERSIONS} | {LATEST: latest}
    version = draw(st.sampled_from([*VERSIONS, LATEST]))
    weights = draw(st.dictionaries(st.sampled_from(VERSIONS), st.floats(0.0, 1.0), max_size=2))
    return LambdaLive(latest, AliasConfig("live", version, "ra", weights), versions)


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """A journal as far as any change may have come, beside any live state."""
    progress = {"fingerprint": "code-1"}
    phase = draw(st.sampled_from([p for p in ChangePhase if p.open]))
    if phase is not ChangePhase.PLANNED:
        progress["latest_before_mb"] = str(draw(SIZES))
        if draw(st.booleans()):
            progress["before_version"] = "1"
            if draw(st.booleans()):
                progress["published_version"] = draw(st.sampled_from(["2", "3"]))
        for key in ("canary_since_s", "full_since_s"):
            if draw(st.booleans()):
                progress[key] = repr(NOW_S - draw(st.sampled_from([0.0, 200.0, 9e5])))
        if draw(st.booleans()):
            asked = [c.__name__ for c in (UpdateMemory, PublishVersion, PointAlias)]
            progress["asked"] = draw(st.sampled_from(asked))
        if draw(st.booleans()):
            progress["cause"] = draw(st.sampled_from(Reason)).value
    change = a_change(1024, draw(st.sampled_from([512, 2048])), phase, progress=progress)
    verdict = a_verdict(draw(st.sampled_from(VerdictKind)))
    if draw(st.booleans()):
        change = replace(change, verdict=verdict)
    return Stage(
        change=change,
        state=a_state(live=draw(lives())),
        rollout=Rollout(canary_share=draw(st.sampled_from([0.0, 0.1, 0.5]))),
        verdict=verdict,
        may_go_on=draw(st.sampled_from([None, None, Reason.PAUSED, Reason.MODE_RECOMMEND])),
        now_s=NOW_S,
    )


@given(stages())
@settings(max_examples=250)
def test_there_is_always_a_next_step(stage: Stage) -> None:
    step = next_step(stage)
    live = stage.state.live
    if isinstance(step, Wait):
        assert step.until_s > NOW_S
        assert step.detail
    elif isinstance(step, Advance):
        assert step.phase is not ChangePhase.PLANNED
        assert step.message
        assert step.progress["fingerprint"] == "code-1", "progress is never forgotten"
        assert (
            not step.phase.open
            or step.phase is not stage.change.phase
            or (step.progress != stage.change.progress)
        ), "a move that changes nothing would be made for ever"
    elif isinstance(step, PointAlias):
        assert live.alias is not None
        assert step.revision_id == live.alias.revision_id
        assert step.version in live.versions or step.version in stage.change.progress.values()
        assert sum(step.weights.values()) <= 0.5
    else:
        assert step.revision_id == live.latest.revision_id
        assert live.latest.update_status != "InProgress", "AWS would refuse"
        assert stage.change.phase is not ChangePhase.PLANNED


@given(stages())
def test_the_same_stage_gives_the_same_step(stage: Stage) -> None:
    assert next_step(stage) == next_step(stage)


@given(stages())
def test_what_is_judged_is_what_has_gone_live(stage: Stage) -> None:
    since_s = watching_since_s(stage.change)
    progress = stage.change.progress
    if since_s is None:
        assert not {"canary_since_s", "full_since_s"} & set(progress)
    else:
        newest = progress.get("full_since_s") or progress["canary_since_s"]
        assert since_s == float(newest) + SETTLE_S


# --- the pure half of the kind, as the runtime asks for it ---


def test_a_change_remembers_the_code_that_it_was_decided_for() -> None:
    state = a_state(live=a_live(1024, latest=a_config(1024, fingerprint="unreleased")))
    assert LambdaRules().begin(state) == {"fingerprint": "era-1"}


def test_era_and_identity_speak_of_what_serves() -> None:
    rules = LambdaRules()
    served = a_state(live=a_live(1024, latest=a_config(2048, fingerprint="unreleased")))
    assert rules.era(served) == "era-1"
    assert rules.identity(served) == "1:1024:era-1"
    assert rules.identity(a_state(live=a_live(1024, version="2"))) != rules.identity(served)
    assert rules.log_group(served) == "/aws/lambda/ocr"
    assert rules.modified_at_s(served) == served.live.serving.last_modified_s


@pytest.mark.parametrize(
    ("status", "step"), [("Successful", Advance), ("Failed", Advance), ("InProgress", Wait)]
)
def test_a_change_begins_only_when_nothing_is_under_way(status: str, step: type) -> None:
    live = a_live(1024, latest=a_config(1024, update_status=status))
    stage = Stage(
        a_change(1024, 512, ChangePhase.PLANNED),
        a_state(live=live),
        a_policy().rollout,
        a_verdict(VerdictKind.INCONCLUSIVE),
        None,
        NOW_S,
    )
    assert isinstance(next_step(stage), step)


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (a_live(2048), Reason.FOREIGN_CHANGE),
        (a_live(1024, weights={"2": 0.1}), Reason.FOREIGN_ROUTING),
        (a_live(1024, latest=a_config(1024, fingerprint="new")), Reason.FOREIGN_CHANGE),
        (a_live(1024, alias=None, latest=a_config(2048)), Reason.FOREIGN_CHANGE),
    ],
)
def test_a_change_whose_ground_has_moved_never_begins(live: LambdaLive, reason: Reason) -> None:
    stage = Stage(
        a_change(1024, 512, ChangePhase.PLANNED),
        a_state(live=live),
        a_policy().rollout,
        a_verdict(VerdictKind.INCONCLUSIVE),
        None,
        NOW_S,
    )
    step = next_step(stage)
    assert isinstance(step, Advance)
    assert step.phase is ChangePhase.FAILED
    assert step.verdict is not None
    assert step.verdict.reason is reason
