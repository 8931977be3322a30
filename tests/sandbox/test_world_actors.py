"""Somebody else at work in the account, and what a seed document may say."""

import json

import pytest

from controller.sandbox.demo_account import demo_document
from controller.sandbox.seeding import add_function, seed_world
from controller.sandbox.world import World

FUNCTION = {
    "name": "f",
    "memory_mb": 512,
    "versions": 1,
    "aliases": {"live": 1},
    "workload": {"curve": {"a_ms": 50, "b": 10_000}, "qualifier": "live", "traffic": {"rps": 2}},
}


def _world(*actors, **more) -> World:
    world = World(seed=2)
    seed_world(world, {"functions": [{**FUNCTION, **more}], "actors": list(actors)})
    return world


def _latest(world):
    return world.region().functions["f"].latest


def _live(world):
    function = world.region().functions["f"]
    return function.versions[function.aliases["live"].version]


def test_the_console_changes_memory():
    world = _world({"actor": "console", "at_in_s": 100, "function": "f", "memory_mb": 2048})
    world.advance(99.0)
    assert _latest(world).memory_mb == 512
    world.advance(60.0)
    assert (_latest(world).memory_mb, _live(world).memory_mb) == (2048, 512)


def test_terraform_comes_back():
    world = _world(
        {"actor": "terraform", "at_in_s": 3600, "every_s": 3600, "function": "f",
         "memory_mb": 512, "alias": "live", "times": 3},
        {"actor": "console", "at_in_s": 4000, "function": "f", "memory_mb": 1024, "alias": "live"},
    )  # fmt: skip
    world.advance(4100.0)
    assert _live(world).memory_mb == 1024
    world.advance(3600.0)
    assert _live(world).memory_mb == 512
    assert _live(world).version == "3"
    world.advance(4 * 3600.0)
    assert world.next_event_s() is None


def test_a_release_changes_code_and_behaviour():
    world = _world(
        {"actor": "release", "at_in_s": 100, "function": "f", "alias": "live",
         "latency_factor": 2.0, "memory_factor": 1.5}
    )  # fmt: skip
    before, code = world.truth("f"), _live(world).code_sha256
    world.advance(200.0)
    assert _live(world).code_sha256 != code
    assert world.truth("f").mean_ms == pytest.approx(2 * before.mean_ms)
    assert _live(world).memory_factor == 1.5
    assert _live(world).memory_mb == 512


def test_a_release_ends_a_canary():
    """Whoever moves an alias takes the weights away."""
    world = _world(
        {"actor": "release", "at_in_s": 100, "function": "f", "alias": "live"},
        versions=2,
        aliases={"live": {"version": 1, "weights": {"2": 0.1}}},
    )
    world.advance(200.0)
    alias = world.region().functions["f"].aliases["live"]
    assert (alias.version, dict(alias.weights)) == ("3", {})


def test_recreation_loses_versions_and_aliases():
    world = _world(
        {"actor": "recreate", "at_in_s": 100, "function": "f", "memory_mb": 256, "down_s": 60}
    )
    created = world.region().functions["f"].created_s
    world.advance(130.0)
    assert "f" not in world.region().functions
    world.advance(60.0)
    function = world.region().functions["f"]
    assert function.created_s > created
    assert (function.latest.memory_mb, function.aliases, function.versions) == (256, {}, {})


def test_deletion_stops_traffic_for_good():
    world = _world({"actor": "delete", "at_in_s": 60, "function": "f"})
    world.advance(3600.0)
    assert world.region().functions == {}
    now = world.now_s()
    assert world.cost("f", now - 3000, now).requests == 0
    assert world.cost("f", now - 7200, now - 3600).requests > 0


def test_the_workload_itself_may_change():
    world = _world(
        {"actor": "workload", "at_in_s": 60, "function": "f",
         "disturbance": {"effect": "latency", "factor": 3.0, "to_in_s": 600}}
    )  # fmt: skip
    before = world.truth("f").mean_ms
    world.advance(120.0)
    assert world.truth("f").mean_ms == pytest.approx(3 * before)
    world.advance(600.0)
    assert world.truth("f").mean_ms == pytest.approx(before)


def test_python_may_do_the_same():
    """The world's own methods: add a function, disturb it."""
    world = World(seed=2)
    add_function(world, "g", **{k: v for k, v in FUNCTION.items() if k != "name"})
    before = world.truth("g").mean_ms
    world.disturb("g", "latency", 2.0, seconds=600.0)
    assert world.truth("g").mean_ms == pytest.approx(2 * before)
    world.advance(601.0)
    assert world.truth("g").mean_ms == pytest.approx(before)
    with pytest.raises(ValueError, match="gravity"):
        world.disturb("g", "gravity", 2.0)
    with pytest.raises(ValueError, match="memroy"):
        add_function(world, "h", memroy_mb=3)


def test_actors_wait_for_an_update_under_way():
    world = _world(
        {"actor": "console", "at_in_s": 100, "function": "f", "memory_mb": 1024},
        {"actor": "console", "at_in_s": 101, "function": "f", "memory_mb": 2048},
    )
    world.advance(200.0)
    assert _latest(world).memory_mb == 2048


def test_actors_on_what_is_gone_do_no_harm():
    world = _world(
        {"actor": "delete", "at_in_s": 50, "function": "f"},
        {"actor": "console", "at_in_s": 100, "function": "f", "memory_mb": 1024},
        {"actor": "delete", "at_in_s": 110, "function": "f"},
        {"actor": "recreate", "at_in_s": 120, "function": "f"},
        {"actor": "workload", "at_in_s": 130, "function": "f",
         "disturbance": {"effect": "traffic", "factor": 0}},
    )  # fmt: skip
    world.advance(1000.0)


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({"fucntions": []}, "fucntions"),
        ({"functions": [{"name": "f", "memory": 3}]}, "memory"),
        ({"functions": [FUNCTION, FUNCTION]}, "already"),
        ({"functions": [{"name": "f", "aliases": {"live": 7}, "versions": 1}]}, "not published"),
        ({"actors": [{"actor": "ghost", "at_in_s": 1, "function": "f"}]}, "ghost"),
        ({"actors": [{"actor": "console", "function": "f"}]}, "at_s"),
        ({"metric_faults": [{"kind": "sulk"}]}, "sulk"),
        ({"update_faults": [{"function": "f", "outcome": "Maybe"}]}, "Maybe"),
    ],
)
def test_wrong_seeds_are_named(document, word):
    with pytest.raises(ValueError, match=word):
        seed_world(World(), document)


def test_a_function_may_have_had_other_sizes():
    """Earlier sizes are part of its history, each a version where versions are published."""
    world = _world(
        memory_history=[[30, 128], [10, 256]],
        age_days=60,
        unchanged_days=3,
        aliases={"live": 3},
    )
    function = world.region().functions["f"]
    assert [function.versions[v].memory_mb for v in ("1", "2", "3")] == [128, 256, 512]
    assert function.aliases["live"].version == "3"
    history = world.region().histories["f"]
    now = world.now_s()

    def size(days_ago: float) -> int:
        return history.at(now - days_ago * 86_400.0).route("live")[0][0].memory_mb

    assert [size(d) for d in (59, 11, 9, 2)] == [128, 128, 256, 512]


def test_the_demo_account_is_json_and_settles():
    document = json.loads(json.dumps(demo_document()))
    assert len(document["functions"]) >= 6
    world = World(seed=1)
    seed_world(world, document)
    world.advance(40 * 3600.0)
    assert world.truth("search-rerank", threshold_ms=220.0).met_ratio < 0.95
