"""Killed anywhere in the life of a copy, started again, nothing of it is left.

One life without a kill lists every boundary: before and after each write to the journal and
each call to AWS. Then the same is lived once per boundary, with the process killed there, and
the next process only sweeps.
"""

from pathlib import Path

import pytest
from shadow_world import LIFETIME_S, SCOPE, SOURCES, ShadowWorld
from virtual_account import HOUR_S, Account, Killed, KillSwitch, armed, differing

from controller.model.probe import ShadowPhase
from controller.model.sagemaker_steps import CreateConfig, DeployConfig, ShadowVariant


def _lived(world: ShadowWorld) -> None:
    with armed(world, world.switch):  # type: ignore[arg-type]
        try:
            shadow = world.made()
            world.invoke(shadow)
            world.end(shadow)
        except Killed:
            world.switch.kill_at = -1
            world.store.close()
            world.start()
            world.sweep()


CHANGING = ("_shadow", "Create", "Delete", "Put", "Invoke")


@pytest.mark.slow
@pytest.mark.parametrize("name", SOURCES)
def test_killed_at_every_boundary_nothing_is_left(name: str, tmp_path: Path) -> None:
    calm = ShadowWorld(SOURCES[name], tmp_path / "calm.db")
    _lived(calm)
    assert calm.standing() == calm.before
    assert not calm.store.shadows()
    points = differing(calm.switch.where, CHANGING)
    assert len(points) > 20
    for number in points:
        switch = KillSwitch()
        switch.kill_at = number
        world = ShadowWorld(SOURCES[name], tmp_path / f"{number}.db", switch)
        _lived(world)
        told = f"killed {calm.switch.where[number - 1]} ({number})"
        assert switch.count >= number, f"never got there: {told}"
        assert world.standing() == world.before, told
        assert not world.store.shadows(), told
        world.store.close()


def _killed_while_sweeping(name: str, path: Path, switch: KillSwitch) -> ShadowWorld:
    """A life that left a READY copy, one that dies while it sweeps, and a third."""
    world = ShadowWorld(SOURCES[name], path)
    world.invoke(world.made())
    world.store.close()
    world.switch = switch
    world.start()
    with armed(world, switch):  # type: ignore[arg-type]
        try:
            world.sweep()
        except Killed:
            switch.kill_at = -1
            world.store.close()
            world.start()
            world.sweep()
    return world


@pytest.mark.slow
@pytest.mark.parametrize("name", ["function", "real-time endpoint"])
def test_killed_once_more_while_sweeping_nothing_is_left(name: str, tmp_path: Path) -> None:
    calm = KillSwitch()
    _killed_while_sweeping(name, tmp_path / "calm.db", calm)
    points = differing(calm.where, CHANGING)
    assert len(points) > 10
    for number in points:
        switch = KillSwitch()
        switch.kill_at = number
        world = _killed_while_sweeping(name, tmp_path / f"{number}.db", switch)
        told = f"killed {calm.where[number - 1]} ({number})"
        assert switch.count >= number, f"never got there: {told}"
        assert world.standing() == world.before, told
        assert not world.store.shadows(), told


@pytest.mark.parametrize("name", SOURCES)
def test_a_copy_whose_journal_was_lost_is_found_by_its_tags(name: str, tmp_path: Path) -> None:
    world = ShadowWorld(SOURCES[name], tmp_path / "lost.db")
    shadow = world.made()
    world.start(tmp_path / "new.db")
    assert not world.shadows.sweep_strays([SCOPE]).going, "it has not expired yet"
    world.wait(LIFETIME_S)
    world.sweep(lambda: world.shadows.sweep_strays([SCOPE]))
    assert world.standing() == world.before
    assert shadow.phase is ShadowPhase.READY


@pytest.mark.parametrize("name", SOURCES)
def test_lines_that_were_late_leave_no_log_group(name: str, tmp_path: Path) -> None:
    world = ShadowWorld(SOURCES[name], tmp_path / "late.db")
    other, shadow = world.made(), world.made()
    world.end(shadow)
    late = {group.replace(other.id, shadow.id) for group in world.groups() if other.id in group}
    world.groups().update(late)
    world.sweep(lambda: world.shadows.sweep_strays([SCOPE]))
    assert not late & world.groups()
    assert world.store.shadows() == (other,), "one that stands keeps its own"
    world.end(other)
    assert world.standing() == world.before


def test_a_configuration_without_its_endpoint_is_found_too(tmp_path: Path) -> None:
    world = ShadowWorld(SOURCES["serverless endpoint"], tmp_path / "lost.db")
    world.shadows.make(world.begin(), world.state())
    assert world.standing() - world.before
    world.start(tmp_path / "new.db")
    world.wait(LIFETIME_S)
    world.sweep(lambda: world.shadows.sweep_strays([SCOPE]))
    assert world.standing() == world.before


def test_a_daemon_removes_what_its_last_life_left_though_no_policy_probes_any_more(
    tmp_path: Path,
) -> None:
    seed = SOURCES["real-time endpoint"].seed
    account = Account([], [], store=tmp_path / "journal.db", extra=dict(seed), probing=True)
    world = ShadowWorld(SOURCES["real-time endpoint"], tmp_path / "journal.db", world=account.world)
    state, shadow = world.state(), world.begin()
    for _ in range(2):
        shadow = world.shadows.make(shadow, state)
        world.wait()
    assert f"endpoint {shadow.id}" in world.standing()
    account.clock.advance_to(world.clock.now_s())
    account.start()
    account.run(0.5 * HOUR_S, until=lambda: world.standing() == world.before)
    assert world.standing() == world.before
    account.run(60.0)
    assert not account.app.store.shadows()


def test_a_mirrored_probes_configuration_is_found_where_its_endpoint_does_not_use_it(
    tmp_path: Path,
) -> None:
    """The one that is live goes the way of a deployment, never of a sweep."""
    world = ShadowWorld(SOURCES["real-time endpoint"], tmp_path / "new.db")
    key, state = world.source.key, world.state()
    source = state.realtime.endpoint.config.name
    for name in ("rightsizer-mirror-unused", "rightsizer-mirror-live"):
        shadow = ShadowVariant("ml.c5.xlarge", 1, 0.5, world.clock.now_s() + LIFETIME_S)
        step = CreateConfig(name, source, key.qualifier, shadow=shadow)
        world.adapter().execute(SCOPE, key, step)
    world.adapter().execute(SCOPE, key, DeployConfig("rightsizer-mirror-live"))
    world.sweep(lambda: world.shadows.sweep_strays([SCOPE]))
    assert "config rightsizer-mirror-unused" in world.standing(), "it has not expired yet"
    world.wait(LIFETIME_S)
    world.sweep(lambda: world.shadows.sweep_strays([SCOPE]))
    left = {one for one in world.standing() - world.before if one.startswith("config")}
    assert left == {"config rightsizer-mirror-live"}
