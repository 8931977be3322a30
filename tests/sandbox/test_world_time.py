"""The world's clock, its events, and that a seed decides everything."""

import pytest

from controller.sandbox.demo_account import demo_document
from controller.sandbox.metrics import Span, Subject
from controller.sandbox.seeding import seed_world
from controller.sandbox.statistic import parse_statistic
from controller.sandbox.world import World

pytestmark = pytest.mark.slow


def test_time_passes_through_due_events_in_order():
    world = World(start_s=1000.0)
    seen: list[tuple[str, float]] = []
    for at_s, name in ((1020.0, "b"), (1010.0, "a"), (1020.0, "c"), (1100.0, "late")):
        world.schedule(at_s, name, lambda w, name=name: seen.append((name, w.now_s())))
    world.advance_to(1050.0)
    assert seen == [("a", 1010.0), ("b", 1020.0), ("c", 1020.0)]
    assert world.now_s() == 1050.0
    assert world.next_event_s() == 1100.0
    assert world.pending_events() == [(1100.0, "late")]


def test_an_event_may_plan_another_that_is_due_in_the_same_jump():
    world = World(start_s=0.0)
    seen: list[float] = []

    def again(w: World) -> None:
        seen.append(w.now_s())
        if len(seen) < 4:
            w.schedule(w.now_s() + 10.0, "again", again)

    world.schedule(5.0, "first", again)
    world.advance(100.0)
    assert seen == [5.0, 15.0, 25.0, 35.0]


def test_time_never_goes_back():
    world = World(start_s=1000.0)
    with pytest.raises(ValueError, match="go back"):
        world.advance_to(999.0)
    with pytest.raises(ValueError, match="go back"):
        world.advance(-1.0)


def test_a_cancelled_event_does_not_happen():
    world = World(start_s=0.0)
    event = world.schedule(1.0, "never", lambda _: pytest.fail("it happened"))
    event.cancelled = True
    assert world.next_event_s() is None
    world.advance(10.0)


def _everything(world: World) -> list[object]:
    """Two days of metrics of the demo account, and all identifiers."""
    now_s = int(world.now_s())
    wanted = [
        ("Duration", parse_statistic("p95")),
        ("Duration", parse_statistic("Average")),
        ("Invocations", parse_statistic("Sum")),
        ("Errors", parse_statistic("Sum")),
    ]
    found: list[object] = []
    for name, function in sorted(world.region().functions.items()):
        subject = Subject(function.account, function.region, (("FunctionName", name),))
        points = world.metrics.read(
            subject, wanted, Span(300, now_s - 172_800, now_s), world.now_s()
        )
        found.append((name, function.latest.revision_id, function.latest.code_sha256))
        found.append([points[one] for one in wanted])
    return found


def _lived(seed: int) -> World:
    world = World(seed=seed)
    seed_world(world, demo_document())
    world.advance(40 * 3600.0)
    return world


def test_the_same_seed_gives_the_same_world():
    assert _everything(_lived(3)) == _everything(_lived(3))


def test_another_seed_gives_another_world():
    assert _everything(_lived(3)) != _everything(_lived(4))


def test_looking_changes_nothing():
    """Metrics are a function of the history, not of when or how often they were read."""
    watched = World(seed=5)
    seed_world(watched, demo_document())
    for _ in range(40):
        watched.advance(3600.0)
        _everything(watched)
    unwatched = World(seed=5)
    seed_world(unwatched, demo_document())
    unwatched.advance(40 * 3600.0)
    assert _everything(watched) == _everything(unwatched)
