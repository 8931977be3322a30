"""From one state of autoscaling to another and back: nothing of the user's is lost on the way."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from realtime_variant import AFTER, BEFORE, Variant, action, custom, tracking, users

from controller.kinds.realtime_endpoint import snapshot
from controller.kinds.realtime_endpoint.names import OUR_POLICY
from controller.kinds.realtime_endpoint.restore import Way, bounds_text, wanted
from controller.model.sagemaker import Autoscaling, ScalableTarget, ScalingPolicy, ScheduledAction
from controller.model.sagemaker_steps import DeregisterTarget, PutScalingPolicy, RegisterTarget
from controller.model.size import RealtimeSize, ScheduledBounds

NOW_S = 1_772_020_800.0  # 2026-02-25T12:00:00Z
SIZE = RealtimeSize(BEFORE, 2, 6, 900.0)
UP = ScheduledBounds("cron(0 7 ? * * *)", "UTC", 3, 8)
DOWN = ScheduledBounds("cron(0 20 ? * * *)", "UTC", 1, 8)


def policies() -> st.SearchStrategy[ScalingPolicy]:
    names = st.sampled_from(["tt", "tt-2"])
    values = st.floats(1.0, 5000.0)
    return st.one_of(
        st.builds(tracking, names, values, st.integers(0, 900)),
        st.builds(custom, st.sampled_from(["cpu", "cpu-2"]), values),
    )


@st.composite
def scalings(draw: st.DrawFn) -> Autoscaling:
    if draw(st.booleans()) and draw(st.booleans()):
        return Autoscaling()
    low = draw(st.integers(1, 5))
    flags = [draw(st.booleans()) for _ in range(3)]
    target = ScalableTarget(low, low + draw(st.integers(0, 5)), *flags)
    chosen = {one.name: one for one in draw(st.lists(policies(), max_size=4))}
    acts = {n: action(n, low) for n in draw(st.sets(st.sampled_from(["a", "b", "c"])))}
    return Autoscaling(
        target,
        tuple(chosen[name] for name in sorted(chosen)),
        tuple(acts[name] for name in sorted(acts)),
    )


@st.composite
def sizes(draw: st.DrawFn) -> RealtimeSize:
    low = draw(st.integers(1, 5))
    target = draw(st.one_of(st.none(), st.floats(1.0, 5000.0)))
    schedule = draw(st.sampled_from([(), (DOWN, UP)]))
    kind = draw(st.sampled_from([BEFORE, AFTER]))
    return RealtimeSize(kind, low, low + draw(st.integers(0, 5)), target, schedule)


def walk(way: Way, variant: Variant) -> list[object]:
    """Take every step of a way; the calls made."""
    done: list[object] = []
    while (step := way.next_step(variant.scaling)) is not None:
        assert len(done) < 60, f"does not end: {done[-3:]}"
        if isinstance(step, RegisterTarget):
            flags = (step.suspended_in, step.suspended_out, step.suspended_schedule)
            bounds = ScalableTarget(step.min_instances, step.max_instances, *flags)
            variant.scaling = replace(variant.scaling, target=bounds)
            way = replace(way, bounds_set=bounds_text(bounds))
        else:
            variant.execute(NOW_S, step)
        done.append(step)
    return done


@given(kept=scalings())
def test_text_and_back(kept: Autoscaling) -> None:
    assert snapshot.from_text(snapshot.to_text(kept)) == kept


@given(kept=scalings(), after=sizes(), removed=st.booleans())
def test_there_and_back_is_to_the_byte(
    kept: Autoscaling, after: RealtimeSize, removed: bool
) -> None:
    tracked = [p.target_per_instance for p in kept.policies if p.target_per_instance]
    before = replace(SIZE, target_per_instance=min(tracked, default=None))
    goal = wanted(kept, before, after)
    variant = Variant(scaling=Autoscaling() if removed else kept)
    walk(Way("AllTraffic", kept, goal, removed, NOW_S), variant)
    names = {one.name for one in (*variant.scaling.policies, *variant.scaling.actions)}
    assert {one.name for one in (*kept.policies, *kept.actions)} <= names
    assert variant.scaling.target == goal.target
    variant.scaling = Autoscaling() if removed else variant.scaling
    walk(Way("AllTraffic", goal, kept, removed, NOW_S), variant)
    assert variant.scaling == kept


@given(kept=scalings(), after=sizes())
def test_there_is_there(kept: Autoscaling, after: RealtimeSize) -> None:
    """No step is left once the goal is reached, and what is foreign is none of our business."""
    goal = wanted(kept, SIZE, after)
    variant = Variant(scaling=kept)
    way = Way("AllTraffic", kept, goal, False, NOW_S)
    walk(way, variant)
    assert way.next_step(variant.scaling) is None
    assert way.foreign(variant.scaling) is None


def test_a_value_moves_by_the_ratio_of_the_targets() -> None:
    kept = replace(users(), policies=(custom("cpu", 60.0), tracking("tt", 900.0),
                                      tracking("tt-2", 1000.0)))  # fmt: skip
    goal = wanted(kept, SIZE, RealtimeSize(AFTER, 2, 6, 2700.0))
    values = {one.name: one.target_per_instance for one in goal.policies}
    assert values == {"cpu": None, "tt": 2700.0, "tt-2": 3000.0}
    assert {one.name: one.document for one in goal.policies} == {
        one.name: one.document for one in kept.policies
    }
    step = Way("AllTraffic", kept, goal, True, NOW_S).next_step(replace(goal, policies=()))
    assert step == PutScalingPolicy("AllTraffic", "cpu", custom("cpu", 60.0).document)


def test_ours_is_added_only_where_nothing_tracks_invocations() -> None:
    kept = replace(users(), policies=(custom("cpu", 60.0),))
    names = [one.name for one in wanted(kept, SIZE, RealtimeSize(BEFORE, 2, 6, 500.0)).policies]
    assert names == ["cpu", OUR_POLICY]
    names = [one.name for one in wanted(users(), SIZE, replace(SIZE, max_instances=9)).policies]
    assert names == ["cpu", "tt"]


def test_a_target_that_we_registered_is_left_where_somebody_uses_it() -> None:
    goal = wanted(Autoscaling(), RealtimeSize(BEFORE, 2, 2), SIZE)
    back = Way("AllTraffic", goal, Autoscaling(), False, NOW_S)
    bare = Autoscaling(goal.target)
    assert back.next_step(bare) == DeregisterTarget("AllTraffic")
    assert back.next_step(replace(bare, policies=(custom("cpu", 1.0),))) is None


def _at(text: str, timezone: str = "UTC", **fields: str) -> ScheduledAction:
    made = action("once", 3, f"at({text})")
    document = made.document[:-1] + "".join(f', "{k}": "{v}"' for k, v in fields.items()) + "}"
    return replace(made, timezone=timezone, document=document)


def test_an_action_whose_time_is_over_is_not_put_into_the_past() -> None:
    assert snapshot.spent(_at("2026-02-25T11:59:59"), NOW_S)
    assert not snapshot.spent(_at("2026-02-25T12:00:01"), NOW_S)
    assert snapshot.spent(_at("2026-02-25T12:30:00", "Europe/Rome"), NOW_S)
    assert not snapshot.spent(_at("2026-02-25T11:30:00", "America/New_York"), NOW_S)
    assert snapshot.spent(_at("2099-01-01T00:00:00", EndTime="2026-01-01T00:00:00+00:00"), NOW_S)
    assert not snapshot.spent(action("daily", 3), NOW_S)
    kept = replace(users(), actions=(_at("2026-02-25T11:00:00"),))
    way = Way("AllTraffic", kept, kept, True, NOW_S)
    assert way.next_step(replace(kept, actions=())) is None
